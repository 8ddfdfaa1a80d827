"""A case on a screen of its own: the thread, and facts, handoffs and log beside it where there is room."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from socialtriage.domain.errors import NotFound
from socialtriage.domain.views import CaseDetail, CaseRow, Done
from socialtriage.services import inbox
from socialtriage.ui import case_text
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.case_text import Reader
from socialtriage.ui.flow import Para
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.widgets.case_view import CaseView
from socialtriage.ui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp

TWO_COLUMNS = 110
"""Terminal width from which facts stand beside the thread."""


def _conversation(detail: CaseDetail, reader: Reader) -> Iterable[Para]:
    yield from case_text.headline(detail, reader)
    yield from case_text.banners(detail, reader)
    yield from case_text.suggestion(detail.row, reader)
    yield from case_text.thread(detail, reader)


class CaseScreen(DeskScreen):
    """Opening it changes nothing. When an own action takes its case out of the list, it closes."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.CASES, Where.CASE, Where.CASE_SCREEN)
    ALSO_MAIN = ("app.undo", "app.back", "app.help")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.CASES, Where.CASE_SCREEN)]
    DEFAULT_CSS = """
    CaseScreen {
        #columns { height: 1fr; }
        CaseView { width: 3fr; }
        #facts { width: 2fr; border-left: solid $bar-bg; display: none; }
        &.-two #facts { display: block; }
    }
    """

    def __init__(self, app: TriageApp, case_id: int) -> None:
        super().__init__()
        self.case_id = case_id
        self.view = CaseView(app.reader)
        self.facts = TextPane(id="facts")

    def body(self) -> ComposeResult:
        """The thread, and the facts beside it."""
        with Horizontal(id="columns"):
            yield self.view
            yield self.facts

    def on_mount(self) -> None:
        """Read the case."""
        self.view.focus()
        self.show(self.case_id)

    def on_resize(self) -> None:
        """One column or two."""
        two = self.app.size.width >= TWO_COLUMNS
        if two is not self.has_class("-two"):
            self.set_class(two, "-two")
            self._render_case(self.view.detail)

    def show(self, case_id: int) -> None:
        """Show a case, another one or the same again."""
        self.case_id = case_id
        self.triage.in_background(partial(self._read, case_id), "case", "reading a case")

    async def _read(self, case_id: int) -> None:
        try:
            unmasked = case_id in self.triage.session.unmasked
            detail = await asyncio.to_thread(inbox.shown, self.triage.desk, case_id, unmasked)
        except NotFound:
            self.triage.say("That case is not in the store any more.", "$warn")
            await self.triage.action_back()
            return
        if case_id == self.case_id and self.is_attached:
            self._render_case(detail)

    def _render_case(self, detail: CaseDetail | None) -> None:
        if detail is None:
            return
        two = self.has_class("-two")
        self.view.highlight(self.triage.session.showing.search or "")
        self.view.show_case(detail, _conversation if two else case_text.whole)
        if two:
            reader = self.triage.reader()
            paras = [*case_text.facts(detail, reader), *case_text.beside(detail, reader)]
            self.facts.show(paras, keep_place=True)

    def targets(self) -> list[CaseRow]:
        """This case."""
        return [self.view.detail.row] if self.view.detail and self.view.detail.row.id == self.case_id else []

    def renew(self) -> None:
        """Read it again; the place is kept."""
        self.show(self.case_id)

    def acted(self, done: Done) -> None:
        """Close when the case has left the list by this action, otherwise show it as it is now."""
        home = self.triage.home
        was_listed = home.cases.model.position(self.case_id, home.cases.model.cursor) is not None
        home.listing.load()
        listed = home.cases.model.position(self.case_id, home.cases.model.cursor) is not None
        if was_listed and not listed and self.case_id in done.case_ids and self.is_current:
            self.dismiss()
        else:
            self.renew()

    def on_case_view_accepted(self) -> None:
        """Enter on the suggestion."""
        self.triage.perform("case.accept")
