"""Pictures of the figures as inline SVG: geometry in attributes, colours by class, so that one style sheet rules them.

Each is one image to a screen reader, named by its title; the table beside it holds the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from socialtriage.domain.drawing import level
from socialtriage.domain.figures import WEEKDAYS, Row, Table, words
from socialtriage.domain.text import clean_line

WIDTH = 720
_LINE, _LABEL, _VALUE = 24, 280, 76
_CELL, _TALL, _LEFT, _TOP = 27, 26, 56, 22
_CHART = 150
_PER_CHARACTER = 6.9
"""Width of a character of the labels, about: only to cut long ones."""


def _picture(name: str, height: int, parts: Iterator[str]) -> str:
    """An image with a name."""
    inside = "".join(parts)
    return (
        f'<svg role="img" aria-label="{escape(clean_line(name, 400))}" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}">{inside}</svg>'
    )


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(text)}</text>'


def bars(table: Table, rows: Sequence[Row], stacked: int | None) -> str:
    """A bar a row, its words on the left and its value on the right; `stacked` is a second column, drawn paler."""
    name = f"{table.title}. {table.summary}"
    return _picture(name, _LINE * len(rows) + 6, _bars(table, rows, stacked))


def _bars(table: Table, rows: Sequence[Row], stacked: int | None) -> Iterator[str]:
    both = [(row.values[0] or 0, (row.values[stacked] or 0) if stacked is not None else 0) for row in rows]
    peak = max([1, *(first + second for first, second in both)])
    room = WIDTH - _LABEL - _VALUE
    for number, (row, (first, second)) in enumerate(zip(rows, both, strict=True)):
        y = number * _LINE + 3
        yield _text(_LABEL - 10, y + 15, _cut(row.label, _LABEL - 12), "end")
        wide = _wide(first, peak, room)
        if first:
            yield f'<rect x="{_LABEL}" y="{y + 2}" width="{wide:g}" height="{_LINE - 8}" class="bar"/>'
        more = _wide(second, peak, room)
        if second:
            yield f'<rect x="{_LABEL + wide:g}" y="{y + 2}" width="{more:g}" height="{_LINE - 8}" class="pale"/>'
        said = words(*table.cell(row, 0)) + (f" + {second:,}" if second else "")
        yield _text(_LABEL + wide + (more if second else 0) + 7, y + 15, said, "value")


def _wide(value: float, peak: float, room: int) -> float:
    return round(max(2.0, value / peak * room), 1) if value else 0.0


def _cut(text: str, room: float) -> str:
    most = int(room / _PER_CHARACTER)
    line = clean_line(text, 400)
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def columns(table: Table, short: Sequence[str]) -> str:
    """A column a row, with `short` words below."""
    return _picture(f"{table.title}. {table.summary}", _CHART + 44, _columns(table, short))


def _columns(table: Table, short: Sequence[str]) -> Iterator[str]:
    step = WIDTH / max(1, len(table.rows))
    wide = min(step * 0.72, 44)
    yield f'<line x1="0" y1="{_CHART + 20}" x2="{WIDTH}" y2="{_CHART + 20}" class="axis"/>'
    for number, (row, word) in enumerate(zip(table.rows, short, strict=True)):
        value = row.values[0] or 0
        high = round(max(2.0, value / table.peak * _CHART), 1) if value else 0
        middle = step * number + step / 2
        if value:
            x, y = middle - wide / 2, _CHART + 20 - high
            yield f'<rect x="{x:.1f}" y="{y:g}" width="{wide:.1f}" height="{high:g}" class="bar"/>'
        yield _text(round(middle, 1), _CHART + 14 - high, f"{value:,}", "middle value")
        yield _text(round(middle, 1), _CHART + 37, word, "middle")


def heat(table: Table, numbers: Mapping[tuple[int, int], int]) -> str:
    """Weekdays down, hours across; the darker or, on black, the brighter, the more, and the number in each."""
    return _picture(f"{table.title}. {table.summary}", _TOP + 7 * _TALL + 4, _heat(numbers))


def _heat(numbers: Mapping[tuple[int, int], int]) -> Iterator[str]:
    peak = max(numbers.values(), default=0)
    for hour in range(24):
        yield _text(_LEFT + hour * _CELL + _CELL / 2, _TOP - 7, f"{hour:02}", "middle")
    for day, name in enumerate(WEEKDAYS):
        y = _TOP + day * _TALL
        yield _text(_LEFT - 10, y + 17, name[:3], "end")
        for hour in range(24):
            value = numbers.get((day, hour), 0)
            x, shade = _LEFT + hour * _CELL, level(value, peak)
            yield f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_TALL - 2}" class="heat{shade}"/>'
            if value:
                yield _text(x + (_CELL - 2) / 2, y + 16, _short(value), f"middle small on{shade}")


def _short(value: int) -> str:
    return f"{value}" if value < 1000 else f"{value / 1000:.0f}k"
