"""The case beside the list: it follows the selection, a moment later, and reads in a thread."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer

from socialtriage.domain.errors import NotFound
from socialtriage.services import inbox
from socialtriage.ui.widgets.bars import Bar, Parts

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp
    from socialtriage.ui.widgets.case_view import CaseView

AFTER = 0.05
"""Seconds without a move before the case is read: holding j down reads none on the way."""


class CasePane(Vertical):
    """A title and the case that is wanted last. What draws a case is loaded when the pane is first seen."""

    def __init__(self, app: TriageApp, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="pane")
        self._triage = app
        self.view: CaseView | None = None
        self._title = Bar(self._parts, "-title")
        self._wanted: int | None = None
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The title; the text comes with the first case."""
        yield self._title

    def _parts(self) -> Parts:
        detail = self.view.detail if self.view else None
        return [(detail.row.ref if detail else "Case", "")], []

    def want(self, case_id: int | None) -> None:
        """Show a case soon, if the pane is there to be seen."""
        self._wanted = case_id
        if self._timer is not None:
            self._timer.stop()
        if self.display:
            self._timer = self.set_timer(AFTER, self._look)

    def again(self) -> None:
        """Look at the same case again."""
        self.want(self._wanted)

    def on_show(self) -> None:
        """The terminal became wide enough."""
        self.again()

    def _look(self) -> None:
        self._triage.in_background(partial(self._read, self._wanted), "preview", "reading a case")

    async def _read(self, case_id: int | None) -> None:
        detail = None
        if case_id is not None:
            try:
                detail = await asyncio.to_thread(
                    inbox.shown, self._triage.desk, case_id, case_id in self._triage.session.unmasked
                )
            except NotFound:
                detail = None
        if case_id != self._wanted or not self.is_attached:
            return
        if self.view is None:
            from socialtriage.ui.widgets.case_view import CaseView

            self.view = CaseView(self._triage.reader)
            await self.mount(self.view)
        self.view.highlight(self._triage.session.showing.search or "")
        self.view.show_case(detail)
        self._title.refresh()
