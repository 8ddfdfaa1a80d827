"""The table that the benchmarks print: what was measured beside its floor, and whether the goal is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line. Floor and program come from the same run; only their ratio means anything on another machine."""

    what: str
    messages: int | None
    """In the store, or None where that does not matter."""
    floor: str
    program: str
    value: float
    goal: float
    more_is_better: bool = False
    unit: str = "x"
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal

    def cells(self) -> tuple[str, ...]:
        """The texts of the columns."""
        size = f"{self.messages:,}" if self.messages is not None else ""
        sign = "≥" if self.more_is_better else "≤"
        unit = "" if self.unit == "x" else f" {self.unit}"
        found, wanted = (f"{v:.0f}{unit}" if unit else f"{v:.2f}" for v in (self.value, self.goal))
        wanted = wanted.rstrip("0").rstrip(".") if not unit else wanted
        return self.what, size, self.floor, self.program, found, f"{sign} {wanted}", "met" if self.met else "NOT met"


HEAD = ("what", "messages", "floor", "socialtriage", "ratio", "goal", "")


def milliseconds(seconds: float) -> str:
    """A time in the unit that the table uses."""
    ms = seconds * 1000
    return f"{ms:.0f} ms" if ms >= 100 else f"{ms:.1f} ms" if ms >= 10 else f"{ms:.2f} ms"


def text(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    shown.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(shown)


def markdown(rows: Sequence[Row], where: str) -> str:
    """The table for the README, with when and on what it was measured."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    return "\n".join([*lines, "", where])
