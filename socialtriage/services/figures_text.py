"""The figures for a terminal: plain lines with bars, a line of months and a heat map, each said in words too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from unicodedata import east_asian_width

from socialtriage.domain.drawing import bar, shade, sparkline
from socialtriage.domain.figures import WEEKDAYS, Picture, Report, Row, Table, words
from socialtriage.domain.text import clean_line
from socialtriage.services.figures_brief import sentences

LABEL, SHORTEST, BAR = 60, 18, 20
"""Cells of a row's words at most and at least, and of its bar at most."""
_DASHES = {"–": "-", "−": "-", "“": '"', "”": '"', "’": "'", "…": "...", "·": "-"}


def as_text(report: Report, *, width: int = 100, plain: bool = False) -> Iterator[str]:
    """Lines of at most `width` cells; `plain` uses ASCII alone."""
    for line in _lines(report, width, plain):
        yield ascii_only(line) if plain else line


def as_brief(report: Report, *, width: int = 100, plain: bool = False) -> Iterator[str]:
    """The sentences for a committee report, and what a reader must know of them."""
    for sentence in (*sentences(report), *report.caveats):
        for line in wrapped(sentence, width):
            yield ascii_only(line.removeprefix("  ")) if plain else line.removeprefix("  ")


def ascii_only(line: str) -> str:
    """A line in ASCII; what has no likeness in it becomes a question mark."""
    for char, likeness in _DASHES.items():
        line = line.replace(char, likeness)
    return line.encode("ascii", "replace").decode("ascii")


def _lines(report: Report, width: int, plain: bool) -> Iterator[str]:
    span = report.span
    yield clean_line(f"Demand at {report.organisation}", 4 * width)
    yield f"{span.first:%a %d %b %Y} to {span.last:%a %d %b %Y}, {span.zone}"
    yield f"Seen: {report.coverage}."
    for caveat in report.caveats:
        yield from wrapped(caveat, width)
    for table in report.tables:
        yield ""
        yield from table_lines(table, report, width, plain)


def table_lines(table: Table, report: Report, width: int, plain: bool) -> Iterator[str]:
    """The lines of one table, its heading first."""
    yield heading(table.title, plain)
    if table.summary:
        yield from wrapped(table.summary, width)
    if table.picture is Picture.HEAT:
        yield from heat_lines(report.heat, plain=plain)
    elif table.picture is Picture.LINE and len(table.rows) * 4 <= width:
        yield from line_lines(table, plain)
    elif not table.rows:
        yield from () if table.summary else ("  nothing",)
    else:
        yield from _rows(table, report.currency, width, plain)
    for note in table.notes:
        yield from wrapped(note, width)


def heading(title: str, plain: bool) -> str:
    """A heading that stands out without colour."""
    return f"{title.upper()}" if plain else f"■ {title}"


def wrapped(text: str, width: int) -> Iterator[str]:
    """A sentence in lines, indented."""
    import textwrap

    yield from textwrap.wrap(clean_line(text, 4000), max(20, width - 2), initial_indent="  ", subsequent_indent="  ")


def _rows(table: Table, currency: str, width: int, plain: bool) -> Iterator[str]:
    columns = [place for place in range(len(table.columns)) if table.said(place)]
    cells = {place: [words(*table.cell(row, place), currency) for row in table.rows] for place in columns}
    heads = {place: table.columns[place].title.strip() for place in columns}
    sizes = {place: max(map(_cells, (heads[place], *cells[place]))) for place in columns}
    while len(columns) > 1 and 2 + SHORTEST + sum(2 + sizes[place] for place in columns) > width:
        columns.pop()
    sizes = {place: sizes[place] for place in columns}
    used = 2 + sum(2 + size for size in sizes.values())
    drawn = table.picture is Picture.BARS
    most = max(SHORTEST, min(LABEL, width - used - (BAR // 2 + 2 if drawn else 0)))
    label = min(most, max(_cells(clean_line(row.label, 400)) for row in table.rows))
    room = min(BAR, width - used - label - 2) if drawn else 0
    yield "  " + " " * label + "".join("  " + _right(heads[place], sizes[place]) for place in columns)
    for number, row in enumerate(table.rows):
        line = "  " + _left(clean_line(row.label, 400), label)
        line += "".join("  " + _right(cells[place][number], sizes[place]) for place in columns)
        more = f"  {_drawn(table, row, room, plain)}" if room >= 6 and row.id != "none" else ""
        more += f"  {clean_line(row.note, 200)}" if row.note else ""
        yield (line + more if _cells(line + more) <= width else line).rstrip()


def _drawn(table: Table, row: Row, room: int, plain: bool) -> str:
    """The bar of the first column and, paler, that of suggestions."""
    places = [place for place, column in enumerate(table.columns) if column.id == "suggested"]
    more = float(row.values[places[0]] or 0) if places else 0.0
    peak = max(
        float((each.values[0] or 0) + sum(each.values[place] or 0 for place in places))
        for each in table.rows
        if each.id != "none"
    )
    value = float(row.values[0] or 0)
    first = bar(value, peak, room, plain=plain)
    pale = "." if plain else "░"
    return first + pale * max(round((value + more) / peak * room) - len(first), 1 if more else 0) if peak else ""


def heat_lines(heat: Mapping[tuple[int, int], int], *, plain: bool = False, wide: int = 2) -> Iterator[str]:
    """Weekdays down, hours across, `wide` cells an hour; what the shades stand for."""
    peak = max(heat.values(), default=0)
    yield ("       " + "".join(f"{hour:<{3 * wide}}" for hour in range(0, 24, 3))).rstrip()
    for day, name in enumerate(WEEKDAYS):
        shades = (shade(heat.get((day, hour), 0), peak, plain=plain) for hour in range(24))
        yield (f"  {name[:3]}  " + "".join(each * wide for each in shades)).rstrip()
    steps = "".join(shade(step, 4, plain=plain) * 2 + f" up to {-(-peak * step // 4):,}  " for step in range(1, 5))
    if peak:
        yield f"       {steps}".rstrip()


def line_lines(table: Table, plain: bool) -> Iterator[str]:
    """A line of blocks, the numbers below it, and what they are of."""
    texts = [f"{row.values[0] or 0:,}" for row in table.rows]
    names = [row.label[:3].strip(":") for row in table.rows]
    size = max(map(len, texts + names)) + 1
    drawn = sparkline([float(row.values[0] or 0) for row in table.rows], plain=plain)
    yield "  " + "".join(char * (size - 1) + " " for char in drawn).rstrip()
    yield "  " + "".join(_left(text, size) for text in texts).rstrip()
    if table.columns[-1].id == "change" and table.said(1):
        yield "  " + "".join(_left(f"{row.values[1] or 0:,}", size) for row in table.rows).rstrip() + "  a year before"
    yield "  " + "".join(_left(name, size) for name in names).rstrip()


def _cells(text: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _left(text: str, size: int) -> str:
    if _cells(text) > size:
        while _cells(text) > size - 1:
            text = text[:-1]
        text = text.rstrip() + "…"
    return text + " " * (size - _cells(text))


def _right(text: str, size: int) -> str:
    return " " * (size - _cells(text)) + text


def row_words(table: Table, row: Row, currency: str) -> Iterator[tuple[str, str]]:
    """Each column of a row that says something: its heading and its value."""
    for place, column in enumerate(table.columns):
        if table.said(place):
            yield column.title.strip() or "Value", words(*table.cell(row, place), currency)
