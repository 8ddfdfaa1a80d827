"""Keeps the list of cases true to the store: light queries at once, heavy ones in a thread, stale answers dropped."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from socialtriage.domain.errors import SocialTriageError, UsageError
from socialtriage.domain.views import CaseRow, Query
from socialtriage.services import inbox
from socialtriage.ui import words
from socialtriage.ui.widgets.case_list import CaseList

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk
    from socialtriage.ui.app import TriageApp

_ARCHIVES = ("all", "closed")
"""Views too long for the event loop."""


class InboxSource:
    """A snapshot of case ids, and their rows from the store when they come into view."""

    def __init__(self, desk: Desk, ids: array[int], failed: Callable[[SocialTriageError], None]) -> None:
        self._desk, self.ids, self._failed = desk, ids, failed

    def count(self) -> int:
        """How many cases."""
        return len(self.ids)

    def window(self, start: int, n: int) -> Sequence[CaseRow]:
        """A page; nothing when the store cannot be read, which is said."""
        try:
            return inbox.rows(self._desk, self.ids[start : start + n])
        except SocialTriageError as error:
            self._failed(error)
            return ()


class Listing:
    """Fills a `CaseList` with what the session shows."""

    def __init__(self, app: TriageApp, cases: CaseList, told: Callable[[], None]) -> None:
        self._app, self._cases, self._told = app, cases, told
        self._request = 0
        self._shown: object = None
        self.arrived = 0
        """Cases that came in above the selection and have not been looked at."""
        self.fault = ""
        """Why the filter or search is not understood; the list shows what it showed before."""

    def load(self, *, at_once: bool = False) -> None:
        """Show what the session says: renewed in place when it is the same, from the top when it is something else."""
        showing = self._app.session.showing
        try:
            query = showing.query(self._app.desk)
        except UsageError as error:
            self.fault = str(error)
            self._told()
            return
        self.fault = ""
        self._request += 1
        if at_once or (query.view not in _ARCHIVES and query == Query(view=query.view)):
            try:
                ids = inbox.snapshot(self._app.desk, query)
            except SocialTriageError as error:
                self._app.say_error(error)
                return
            self._fill(showing, ids)
        else:
            self._app.in_background(partial(self._later, self._request, showing, query), "listing", "looking for cases")

    async def _later(self, request: int, showing: object, query: Query) -> None:
        ids = await asyncio.to_thread(inbox.snapshot, self._app.desk, query)
        if request == self._request:
            self._fill(showing, ids)

    def _fill(self, showing: object, ids: array[int]) -> None:
        source = InboxSource(self._app.desk, ids, self._app.say_error)
        if self._shown is not None and showing == self._shown:
            self.arrived += self._cases.renew(source)
        else:
            self._remember()
            self._shown, self.arrived = showing, 0
            selected = self._app.session.selected
            self._cases.show(source, select=selected.get(self._app.session.showing) if selected else None)
        self._told()

    def _remember(self) -> None:
        from socialtriage.ui.session import Showing

        selected = self._cases.model.selected
        if isinstance(self._shown, Showing) and selected is not None:
            self._app.session.selected[self._shown] = selected

    def title(self) -> str:
        """`Queue  42 cases`, with the filter or the search."""
        showing = self._app.session.showing
        count = words.many(len(self._cases.model), "case")
        if showing.search is not None:
            limit = len(self._cases.model) >= inbox.SEARCH_LIMIT
            return f"Search “{showing.search.strip()}”  {'the newest ' if limit else ''}{count}"
        name = next((view.name for view in inbox.ALL_VIEWS if view.id == showing.view), showing.view)
        narrowed = f" \\ {showing.filter}" if showing.filter else ""
        return f"{name}{narrowed}  {count}"
