"""What a list of cases knows without drawing: ids, pages, the selected case, marks. Positions count from 0."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from textual.cache import LRUCache

from socialtriage.domain.views import CaseRow

PAGE = 64
PAGES = 64
NEAR = 5_000
"""A moved case is looked for this far on both sides of where it was, before the whole list is searched."""


class CaseSource(Protocol):
    """Where the rows come from: a snapshot of ids, and the rows of a part of it."""

    @property
    def ids(self) -> array[int]:
        """Case ids in the order of the list."""
        ...

    def count(self) -> int:
        """How many ids there are."""
        ...

    def window(self, start: int, n: int) -> Sequence[CaseRow]:
        """The rows of `ids[start:start + n]` in that order; a case that has gone meanwhile is left out."""
        ...


class EmptySource:
    """A list with nothing in it."""

    ids: array[int] = array("q")

    def count(self) -> int:
        """None at all."""
        return 0

    def window(self, start: int, n: int) -> Sequence[CaseRow]:
        """Nothing."""
        return ()


class ListModel:
    """The state of a list. It is told of new snapshots and moves, and keeps selection and marks by case id."""

    def __init__(self) -> None:
        self.source: CaseSource = EmptySource()
        self.ids: array[int] = self.source.ids
        self.cursor = 0
        self.marks: set[int] = set()
        self.anchor: int | None = None
        """The case id at which a range began."""
        self._pages: LRUCache[int, dict[int, CaseRow]] = LRUCache(PAGES)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def selected(self) -> int | None:
        """The id of the selected case; None in an empty list."""
        return self.ids[self.cursor] if 0 <= self.cursor < len(self.ids) else None

    def replace(self, source: CaseSource) -> None:
        """Take a new snapshot. The selected case stays selected; where it left the list, the next one is."""
        old, old_cursor, chosen = self.ids, self.cursor, self.selected
        self.source, self.ids = source, source.ids
        self._pages.clear()
        if chosen is None:
            self.cursor = 0
            return
        found = self.position(chosen, old_cursor)
        if found is None:
            found = self._next_kept(old, old_cursor)
        self.cursor = min(old_cursor, max(len(self.ids) - 1, 0)) if found is None else found
        if self.marks:
            self.marks.intersection_update(self.ids)

    def reset(self, source: CaseSource) -> None:
        """Take a snapshot of something else: nothing is marked, the first case is selected."""
        self.marks.clear()
        self.anchor = None
        self.ids = array("q")
        self.replace(source)

    def _next_kept(self, old: Sequence[int], cursor: int) -> int | None:
        for case_id in old[cursor + 1 : cursor + 1 + PAGE]:
            found = self.position(case_id, cursor, everywhere=False)
            if found is not None:
                return found
        return None

    def position(self, case_id: int, near: int = 0, *, everywhere: bool = True) -> int | None:
        """Where a case is in the list, looked for around `near` first; None when it is not."""
        start = max(0, near - NEAR)
        try:
            return self.ids.index(case_id, start, near + NEAR)
        except ValueError:
            if not everywhere or (start == 0 and near + NEAR >= len(self.ids)):
                return None
        try:
            return self.ids.index(case_id)
        except ValueError:
            return None

    def row(self, position: int) -> CaseRow | None:
        """The row at a position, read with its page; None when the case has gone since the snapshot."""
        if not 0 <= position < len(self.ids):
            return None
        number = position // PAGE
        page = self._pages.get(number)
        if page is None:
            page = {row.id: row for row in self.source.window(number * PAGE, PAGE)}
            self._pages[number] = page
        return page.get(self.ids[position])

    def marked(self) -> frozenset[int]:
        """The marked cases, those of an unfinished range included."""
        span = self.range_span()
        return frozenset(self.marks if span is None else self.marks.union(self.ids[span[0] : span[1] + 1]))

    def range_span(self) -> tuple[int, int] | None:
        """First and last position of the unfinished range."""
        if self.anchor is None:
            return None
        start = self.position(self.anchor, self.cursor)
        if start is None:
            return None
        return min(start, self.cursor), max(start, self.cursor)

    def is_marked(self, position: int) -> bool:
        """Whether the case at a position is marked."""
        span = self.range_span() if self.anchor is not None else None
        return self.ids[position] in self.marks or (span is not None and span[0] <= position <= span[1])

    def toggle_mark(self) -> None:
        """Mark the selected case, or unmark it."""
        if self.selected is not None:
            self.marks ^= {self.selected}

    def toggle_range(self) -> None:
        """Begin a range at the selected case, or keep what the range reaches."""
        if self.anchor is None:
            self.anchor = self.selected
        else:
            self.marks = set(self.marked())
            self.anchor = None

    def clear_marks(self) -> bool:
        """Unmark everything; whether anything was marked."""
        had = bool(self.marks) or self.anchor is not None
        self.marks.clear()
        self.anchor = None
        return had

    def rows_of(self, case_ids: Iterable[int], read: Callable[[Sequence[int]], Sequence[CaseRow]]) -> list[CaseRow]:
        """The rows of any cases, from the pages that are in memory, otherwise by `read`."""
        held: dict[int, CaseRow] = {}
        for number in list(self._pages.keys()):
            held.update(self._pages[number])
        wanted = list(case_ids)
        missing = [case_id for case_id in wanted if case_id not in held]
        held.update({row.id: row for row in (read(missing) if missing else ())})
        return [held[case_id] for case_id in wanted if case_id in held]
