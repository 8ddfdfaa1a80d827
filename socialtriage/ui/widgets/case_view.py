"""A case to read: in the pane beside the list, and on a screen of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from socialtriage.domain.views import CaseDetail
from socialtriage.ui import case_text
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.case_text import SUGGESTION, Reader
from socialtriage.ui.flow import Para, para
from socialtriage.ui.widgets.text_pane import TextPane

Parts = Callable[[CaseDetail, Reader], Iterable[Para]]


class CaseView(TextPane):
    """One case, or a part of it, with its messages and its suggestion as stops."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.CASE)]

    class Accepted(Message):
        """Enter was pressed on the suggestion."""

    @dataclass
    class Missing(Message):
        """The case that was to be shown is not in the store any more."""

        case_id: int

    def __init__(self, reader: Callable[[], Reader], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._reader = reader
        self._parts: Parts = case_text.whole
        self._opened: set[int] = set()
        self.detail: CaseDetail | None = None

    def show_case(self, detail: CaseDetail | None, parts: Parts | None = None) -> None:
        """Show a case; the same case again keeps its place."""
        same = detail is not None and self.detail is not None and detail.row.id == self.detail.row.id
        self.detail, self._parts = detail, parts or self._parts
        if not same:
            self._opened.clear()
        self._render_case(keep_place=same)

    def _render_case(self, *, keep_place: bool) -> None:
        if self.detail is None:
            self.show([para("No case is selected.", "dim")])
            return
        opened = replace(self._reader(), opened=frozenset(self._opened))
        self.show(list(self._parts(self.detail, opened)), keep_place=keep_place)

    def on_text_pane_stop_entered(self, event: TextPane.StopEntered) -> None:
        """Enter on the suggestion accepts it, on a message opens or closes it."""
        event.stop()
        if event.name == SUGGESTION:
            self.post_message(self.Accepted())
            return
        self._opened ^= {int(event.name.rpartition("-")[2])}
        self._render_case(keep_place=True)
