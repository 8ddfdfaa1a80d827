"""Text as paragraphs of styled runs, wrapped into lines of a given width. Pure; nothing here is ever read as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from socialtriage.domain.late import dataclass
from socialtriage.ui.cells import Run, wrap

Line = list[Run]

SEPARATOR: Run = (" · ", "dim")
_TOKEN = re.compile(r"\s+|\S+")


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph. `stop` names a place where the reader can stop; it lasts until the next stop or `end`."""

    runs: tuple[Run, ...] = ()
    indent: int = 0
    label: str = ""
    """Printed once to the left; the text hangs beside it."""
    label_width: int = 0
    stop: str = ""
    end: bool = False
    """Belongs to no stop."""
    rows: tuple[Run, ...] = ()
    """Lines that are not wrapped: those of a picture, which whoever draws them knows by their style."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place to stop at: its name, and the lines it reaches over (last excluded)."""

    name: str
    first: int
    last: int


def para(text: str, style: str = "", *, indent: int = 0, stop: str = "", end: bool = False) -> Para:
    """A paragraph of one run."""
    return Para(((text, style),), indent=indent, stop=stop, end=end)


def fact(label: str, *runs: Run, width: int = 11) -> Para:
    """A label with what stands beside it."""
    return Para(tuple(run for run in runs if run[0]), label=label, label_width=width)


def lay_out(paras: Iterable[Para], width: int) -> tuple[list[Line], list[Stop]]:
    """The lines of paragraphs in `width` cells, and the stops among them."""
    lines: list[Line] = []
    stops: list[Stop] = []
    begun: tuple[str, int] | None = None
    for each in paras:
        if begun is not None and (each.stop or each.end):
            stops.append(Stop(begun[0], begun[1], _last_with_text(lines)))
            begun = None
        if each.stop:
            begun = (each.stop, len(lines))
        lines.extend([run] for run in each.rows) if each.rows else lines.extend(_lines(each, width))
    if begun is not None:
        stops.append(Stop(begun[0], begun[1], _last_with_text(lines)))
    return lines, stops


def _last_with_text(lines: Sequence[Line]) -> int:
    last = len(lines)
    while last and not lines[last - 1]:
        last -= 1
    return last


def _lines(each: Para, width: int) -> Iterator[Line]:
    left = each.label_width if each.label_width and width >= 3 * each.label_width else 0
    indent = left or each.indent
    inner = max(4, width - indent)
    margin: Line = [(" " * indent, "")] if indent else []
    first: Line = [(each.label.ljust(left), "label")] if left else margin
    if each.label and not left:
        yield [(each.label, "label")]
        first = margin = [("  ", "")]
        inner = max(4, width - 2)
    elif cell_len(each.label) >= left > 0:
        # No blank is left between it and what is said of it.
        yield [(each.label, "label")]
        first = margin
    for number, line in enumerate(_wrapped(each.runs, inner)):
        yield [*(margin if number else first), *line] if line else []


def _wrapped(runs: Sequence[Run], width: int) -> Iterator[Line]:
    if len(runs) == 1:
        text, style = runs[0]
        for line in wrap(text, width):
            yield [(line, style)] if line else []
        return
    yield from _wrapped_runs(runs, width)


def _wrapped_runs(runs: Sequence[Run], width: int) -> Iterator[Line]:
    """Lines broken between runs where a run fits whole, otherwise at its blanks; no line ends with a separator."""
    line: Line = []
    used = 0
    for text, style in runs:
        for token in _tokens(text.replace("\n", " "), width):
            cells = cell_len(token)
            if used + cells > width and used:
                yield _trimmed(line)
                line, used = [], 0
                token = token.lstrip() or token
                cells = cell_len(token)
            if not used and (token.isspace() or token == SEPARATOR[0]):
                continue
            *whole, token = wrap(token, width) if cells > width else (token,)
            for piece in whole:
                yield [(piece, style)]
            line.append((token, style))
            used += cell_len(token)
    yield _trimmed(line)


def _tokens(text: str, width: int) -> list[str]:
    return [text] if cell_len(text) <= width // 2 else _TOKEN.findall(text)


def _trimmed(line: Line) -> Line:
    while line and (line[-1][0].isspace() or line[-1][0] == SEPARATOR[0]):
        line.pop()
    return line


def join(parts: Iterable[Sequence[Run]], between: Run = SEPARATOR) -> tuple[Run, ...]:
    """Runs with a separator between the groups that have text."""
    joined: list[Run] = []
    for part in parts:
        texts = [run for run in part if run[0]]
        if texts:
            joined += ([between] if joined else []) + texts
    return tuple(joined)
