"""What a row of the case list says, column by column, from 40 cells on. Nothing is said by colour alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from rich.cells import cell_len

from socialtriage.domain.cases import spot_marks
from socialtriage.domain.late import dataclass
from socialtriage.domain.models import DueState, Status, Urgency, Visibility
from socialtriage.domain.repeats import repeated
from socialtriage.domain.views import CaseRow
from socialtriage.ui import words
from socialtriage.ui.cells import column, plain, shorten

Cell = tuple[str, str]
"""Text that fills its column, and the name of its style."""

ONE_LINE = 100
"""From this width on a case takes one line, below it two."""

_STATUS = {
    Status.NEW: "new",
    Status.WAITING_CONTACT: "with contact",
    Status.TELL_RESIDENT: "tell",
    Status.WAITING_RESIDENT: "answered",
}
_SPOTTED = {
    "threat to life?": "LIFE?",
    "threat to staff?": "STAFF?",
    "safeguarding?": "harm?",
    "subject access?": "sar?",
    "complaint?": "compl?",
    "councillor?": "cllr?",
}
"""Marks that a narrow column has room for."""
_DUE_STYLE = {DueState.LATE: "late", DueState.SOON: "soon", DueState.ON_TIME: "due", DueState.NONE: "dim"}


CONTACT_LATE = "contact late"

URGENCY = 11
"""Cells of the urgency column: the longest word, a question mark and a blank."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The widths of the columns, in cells."""

    width: int
    lines: int
    due: int
    network: int
    visibility: int
    person: int
    area: int
    marks: int
    """With two lines a case: the most that area and marks may take of the second."""
    snippet: int


@cache
def layout_for(width: int, lines: int = 0) -> Layout:
    """The columns for a list `width` cells wide; `lines` 0 chooses one or two lines a case by the width."""
    lines = lines or (1 if width >= ONE_LINE else 2)
    if lines == 1 and width >= 61:
        return _one_line(width)
    visibility, network = 7 if width >= 56 else 4, 9 if width >= 48 else 0
    due = 13 if width >= 80 else 9
    person = width - 2 - URGENCY - due - 1 - (network + 1 if network else 0) - visibility - 1
    return Layout(width, 2, due, network, visibility, person, min(24, width // 3), min(24, width // 3), width - 2)


def _one_line(width: int) -> Layout:
    roomy = width >= 130
    due, network, visibility = (13, 9, 7) if roomy else (9, 9, 7 if width >= 96 else 4)
    person = 20 if roomy else 14 if width >= ONE_LINE else 10
    area, marks = (20, 20) if roomy else (14, 12) if width >= ONE_LINE else (9, 7)
    if width < 88:
        network = 0
    used = 2 + URGENCY + due + 1 + (network + 1 if network else 0) + visibility + 1 + person + 1 + area + 1 + marks + 1
    return Layout(width, 1, due, network, visibility, person, area, marks, max(4, width - used))


@dataclass(frozen=True, slots=True)
class Look:
    """How a row stands in its list."""

    cursor: bool = False
    marked: bool = False
    focused: bool = False

    @property
    def state(self) -> str:
        """The name of the style of the whole row."""
        if self.cursor:
            return "cursor" if self.focused else "cursor-blurred"
        return "marked" if self.marked else "row"


def row_cells(row: CaseRow, layout: Layout, line: int, look: Look, now: datetime, zone: ZoneInfo) -> list[Cell]:
    """The cells of one screen line of a row; together they fill `layout.width`."""
    pointer = ("▌" if look.cursor else " ") + ("*" if look.marked else " ")
    if layout.lines == 1:
        parts = [*_front(row, layout, now, zone), *_what(row, layout, now)]
    elif line == 0:
        parts = _front(row, layout, now, zone)
    else:
        parts = _below(row, layout, now)
    return [(pointer, "pointer"), *parts]


def _front(row: CaseRow, layout: Layout, now: datetime, zone: ZoneInfo) -> list[Cell]:
    due, state = words.due(row, now, zone, long=layout.due >= 13)
    private = row.visibility is Visibility.PRIVATE
    cells = [urgency_cell(row), (column(due, layout.due) + " ", _DUE_STYLE[state])]
    if layout.network:
        cells.append((column(words.network(row.network), layout.network) + " ", "dim"))
    shown = (words.VISIBILITY if layout.visibility >= 7 else words.VISIBILITY_SHORT)[row.visibility]
    cells.append((column(shown, layout.visibility) + " ", "private" if private else "public"))
    cells.append((person(row, layout.person) + (" " if layout.lines == 1 else ""), _fresh(row, "person")))
    return cells


def _what(row: CaseRow, layout: Layout, now: datetime) -> list[Cell]:
    area, style = area_words(row)
    return [
        (column(row.snippet, layout.snippet) + " ", _fresh(row, "snippet")),
        (column(area, layout.area) + " ", style),
        (column(" ".join(_marks(row, layout.marks, now)), layout.marks), "marks"),
    ]


def _below(row: CaseRow, layout: Layout, now: datetime) -> list[Cell]:
    """The second line: the first words, and at the right end area and marks in as many cells as they need."""
    area, style = area_words(row)
    area = shorten(plain(area, layout.area), layout.area)
    marks = shorten(plain(" ".join(_marks(row, layout.marks, now)), layout.marks), layout.marks)
    ending = [(f" {text}", name) for text, name in ((area, style), (marks, "marks")) if text]
    room = max(0, layout.snippet - 1 - sum(cell_len(text) for text, _ in ending))
    return [(column(row.snippet, room), _fresh(row, "snippet")), *ending, (" ", "dim")]


def urgency_cell(row: CaseRow) -> Cell:
    """The urgency, or the one that is suggested, with a question mark."""
    suggested = row.suggested_urgency
    if suggested is not None and suggested is not row.urgency and row.urgency is Urgency.NORMAL:
        return column(words.URGENCY[suggested] + "?", URGENCY), "suggested"
    return column(words.URGENCY[row.urgency], URGENCY), row.urgency.value


def area_words(row: CaseRow) -> tuple[str, str]:
    """`waste/missed-bin`, or the suggested `waste?`, and its style."""
    if row.area is not None:
        return f"{row.area}/{row.topic}" if row.topic else row.area, "area"
    return (f"{row.suggested_area}?", "suggested") if row.suggested_area else ("", "area")


def person(row: CaseRow, width: int) -> str:
    """The name, the number of messages where there are more than one."""
    count = f" ({row.messages})" if row.messages > 1 else ""
    return column(column(row.name or row.handle, max(1, width - cell_len(count))).rstrip() + count, width)


def contact_late(row: CaseRow, now: datetime) -> bool:
    """Whether the contact who has the case should have answered by now."""
    return row.status is Status.WAITING_CONTACT and row.contact_due_at is not None and row.contact_due_at < now


def _fresh(row: CaseRow, style: str) -> str:
    return f"{style}-new" if row.status is Status.NEW else style


def flag_mark(row: CaseRow) -> str:
    """A blocked word in it, in a word; `held` when its words are not shown before it is released."""
    return "held" if "held" in row.flags else "blocked" if "blocked_word" in row.flags else ""


def _marks(row: CaseRow, width: int, now: datetime) -> Iterator[str]:
    """The marks that fit, most telling first: what the spotter found, repeat contact, status, holder, media."""
    short = 7 if width < 12 else 12
    spots = [shorten(plain(_SPOTTED.get(mark, mark), 12), short) for mark in spot_marks(row.flags)]
    others = (
        flag_mark(row),
        CONTACT_LATE if contact_late(row, now) else _STATUS.get(row.status, ""),
        shorten(column(row.owner, 6).rstrip(), 6) if row.owner else "",
        "media" if row.media else "",
    )
    # In words only where they push nothing else out.
    left = width - sum(len(mark) + 1 for mark in (*spots, *others) if mark)
    repeat = next((said for said in repeated(row, now) if len(said) <= left), f"{row.repeat_count}×")
    for mark in filter(None, (*spots, repeat if row.repeat_count > 1 else "", *others)):
        if len(mark) <= width:
            yield mark
            width -= len(mark) + 1
