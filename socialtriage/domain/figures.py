"""The demand figures as values: tables of rows, each cell with its unit, each row with what opens it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import ceil

from socialtriage.domain.spans import Span

Number = int | float
"""A value of a cell; None stands for a value that does not exist, never for 0."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Unit(StrEnum):
    """What a number counts."""

    CASES = "cases"
    HANDOFFS = "handoffs"
    SHARE = "share"
    """A part of a whole from 0 to 1, shown in per cent."""
    CHANGE = "change"
    """How much more than before, 0.5 is half as much again, shown in per cent with its sign."""
    MINUTES = "working minutes"
    DAYS = "working days"
    HOURS = "hours"
    MONEY = "money"


class Picture(StrEnum):
    """How a table is drawn."""

    NONE = ""
    BARS = "bars"
    LINE = "line"
    HEAT = "heat"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its id in JSON and CSV, its heading, and what it counts unless a row says otherwise."""

    id: str
    title: str
    unit: Unit | None = Unit.CASES
    """None where each row has its own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    id: str
    """Stable, for scripts: the id of an account or area, the word of an outcome."""
    label: str
    """For people."""
    values: tuple[Number | None, ...]
    """One for each column of the table."""
    search: str | None = None
    """What `list --search` takes to list exactly the cases of the column `cases`; None where it counts none."""
    view: str = "all"
    """The view that it is looked for in."""
    unit: Unit | None = None
    """Of the cells of this row whose column has no unit of its own."""
    note: str = ""
    """What a reader must know of this row alone."""
    also: Mapping[str, str] = field(default_factory=dict)
    """What opens the cases of other columns, by the column's id."""


@dataclass(frozen=True, slots=True)
class Table:
    """One figure: its rows and its exact definition."""

    id: str
    title: str
    definition: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = ()
    picture: Picture = Picture.NONE
    summary: str = ""
    """What the picture shows, in one sentence: for those who do not see it."""
    notes: tuple[str, ...] = ()
    """What was left out, and assumptions."""

    def cell(self, row: Row, column: int) -> tuple[Number | None, Unit]:
        """A value and what it counts."""
        return row.values[column], self.columns[column].unit or row.unit or Unit.CASES

    @property
    def peak(self) -> Number:
        """The largest value of the first column, at least 1; the row of what has none of it is left out."""
        return max([1, *(row.values[0] or 0 for row in self.rows if row.id != "none")])

    def said(self, column: int) -> bool:
        """Whether a column says anything: the first always does, one of comparison when there was something before."""
        found = [row.values[column] for row in self.rows]
        if self.columns[column].id == "before":
            return any(found)
        return column == 0 or any(value is not None for value in found)


@dataclass(frozen=True, slots=True)
class Report:
    """The demand of a span."""

    organisation: str
    span: Span
    before: Span
    """What it is compared with."""
    made_at: datetime
    officer: str
    currency: str
    coverage: str
    """`38 of 40 accounts, 2 gaps of 3 h`."""
    caveats: tuple[str, ...]
    tables: tuple[Table, ...]
    heat: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """Cases by weekday (0 is Monday) and hour of the organisation's clock."""

    def table(self, id_: str) -> Table:
        """A table by its id."""
        return next(table for table in self.tables if table.id == id_)


@dataclass(frozen=True, slots=True)
class Spread:
    """Lengths of time put in order."""

    count: int
    median: float | None
    p90: float | None


def spread(seconds: Sequence[int]) -> Spread:
    """Median (of an even number, the mean of the two in the middle) and 90th percentile by nearest rank, in minutes.

    The nearest rank is the smallest value that at least 90 of 100 values do not exceed.
    """
    if not seconds:
        return Spread(0, None, None)
    ordered = sorted(seconds)
    number = len(ordered)
    half = number // 2
    median = ordered[half] if number % 2 else (ordered[half - 1] + ordered[half]) / 2
    return Spread(number, round(median / 60, 1), round(ordered[ceil(number * 9 / 10) - 1] / 60, 1))


def share(part: int, whole: int) -> float | None:
    """A part of a whole; None of nothing."""
    return round(part / whole, 4) if whole else None


def change(now: Number, before: Number) -> float | None:
    """How much more than before; None when there was nothing before."""
    return round((now - before) / before, 4) if before else None


def words(value: Number | None, unit: Unit, currency: str = "") -> str:
    """A value as people read it: `1,204`, `38%`, `+12%`, `3 h 20 min`, `GBP 54.00`; a dash for none."""
    if value is None:
        return "–"
    if unit is Unit.SHARE:
        return f"{value:.0%}" if value == 0 or value >= 0.1 else f"{value:.1%}"
    if unit is Unit.CHANGE:
        return f"{value:+.0%}".replace("-", "−") if round(value * 100) else "no change"
    if unit is Unit.MINUTES:
        return length(value)
    if unit is Unit.MONEY:
        return f"{currency} {value:,.2f}".strip()
    if unit in (Unit.DAYS, Unit.HOURS):
        return f"{value:,.1f} {unit}"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def length(minutes: Number) -> str:
    """Working time in words: `45 min`, `3 h 20 min`, `26 h`."""
    whole = int(minutes + 0.5)
    if whole < 60:
        return f"{whole} min"
    hours, rest = divmod(whole, 60)
    return f"{hours} h {rest} min" if rest and hours < 24 else f"{hours + (rest >= 30):,} h"
