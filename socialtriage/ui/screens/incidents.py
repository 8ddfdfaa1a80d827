"""Incidents: what was said where and what became of it, and how many cases belong to each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

from textual.binding import BindingType

from socialtriage.domain.text import clean, clean_line
from socialtriage.services import incidents
from socialtriage.store.incidents import Incident, IncidentCase, IncidentPost
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.handlers.incident import say_of, written
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.page import Page, cell
from socialtriage.ui.session import Showing

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp

CASES_SHOWN = 12
LEAST_NAME = 14
CASES_WIDE = 9


class Known(NamedTuple):
    """An incident with what belongs to it."""

    incident: Incident
    posts: list[IncidentPost]
    cases: list[IncidentCase]

    @property
    def fitting(self) -> list[IncidentCase]:
        """Cases that were not left out."""
        return [case for case in self.cases if case.state != "out"]


class IncidentsScreen(Page):
    """The newest first."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.INCIDENTS,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.INCIDENTS)]
    TITLE_WORDS = "Incidents"
    _ends = _said = 0
    EMPTY = "There is no incident. n begins one: one statement on every account, and the cases that belong to it."

    def read(self) -> Sequence[Any]:
        """The incidents with their posts and cases."""
        store = self.triage.desk.store.incidents
        return [Known(each, store.posts(each.id), store.cases(each.id)) for each in store.all()]

    def headline(self) -> str:
        """How many run, and that everything can be stopped."""
        now = self.triage.desk.clock()
        running = sum(known.incident.runs(now) for known in cast(list[Known], self.values))
        paused = "EVERYTHING OUTGOING IS PAUSED" if self.triage.board.paused else ":pause stops everything outgoing"
        return f"{words.many(running, 'incident')} running; {paused}"

    def _until(self, incident: Incident) -> str:
        if not incident.runs(self.triage.desk.clock()):
            return "over"
        return f"until {self.triage.reader().at(incident.until)}" if incident.until else "runs"

    def _ends_on(self, incident: Incident) -> str:
        """Its last day, as a row has room for it."""
        if incident.until is None or not incident.runs(self.triage.desk.clock()):
            return self._until(incident)
        last = (incident.until - timedelta(seconds=1)).astimezone(self.triage.desk.zone)
        return f"until {last.day} {last:%b}"

    def measure(self) -> None:
        """What is said of them has the room that it needs; their names have the rest."""
        known = cast(list[Known], self.values)
        self._ends = max((len(self._ends_on(each.incident)) for each in known), default=0)
        self._said = max((len(_said(each)) for each in known), default=0)

    def line(self, value: Any, width: int) -> list[Run]:
        """Name, how long, how many cases, how the statements do."""
        known = cast(Known, value)
        name = max(LEAST_NAME, width - (self._ends + 1) - (CASES_WIDE + 1) - (self._said + 1) - 1)
        return [
            cell(known.incident.name, name, "strong"),
            cell(self._ends_on(known.incident), self._ends, "dim"),
            cell(words.many(len(known.fitting), "case"), CASES_WIDE),
            cell(_said(known), self._said, "alarm" if _trouble(known) else ""),
        ]

    def details(self, value: Any) -> Sequence[Para]:
        """Everything about one incident."""
        return list(self._details(cast(Known, value)))

    def _details(self, known: Known) -> Iterator[Para]:
        at, incident = self.triage.reader().at, known.incident
        yield para(clean_line(incident.name), "title")
        yield fact("Began", (f"{at(incident.at)} by {clean_line(incident.officer)}", ""))
        yield fact("Ends", (self._until(incident), ""))
        if incident.keywords:
            yield fact("Words", (clean_line(", ".join(incident.keywords), 300), ""))
        if incident.area:
            yield fact("Area", (clean_line(incident.area), ""))
        yield para("")
        yield para(clean(incident.text)[:2000], indent=2)
        yield para("")
        yield para("SAID ON", "heading")
        for post in known.posts:
            yield from _post(post)
        yield para("")
        yield para(words.many(len(known.fitting), "case").upper(), "heading")
        for case in known.fitting[:CASES_SHOWN]:
            state = incidents.STATES[case.state]
            yield para(clean_line(f"{case.ref}  {state}: {case.snippet}", 200), "" if case.state == "in" else "dim")

    # --- keys ---------------------------------------------------------------------------------------------

    def action_open_cases(self) -> None:
        """List its cases in the inbox."""
        known = cast(Known | None, self.pointed())
        if known is not None:
            self.triage.home.show(Showing(view="all", filter=f"incident:{known.incident.name}"))
            self.dismiss()

    def on_rows_chosen(self) -> None:
        """A click on the selected incident lists its cases."""
        self.action_open_cases()

    def action_begin_one(self) -> None:
        """A new incident."""
        self._asking(written, "")

    def action_say_more(self) -> None:
        """Say more of it."""
        known = cast(Known | None, self.pointed())
        if known is not None:
            self._asking(say_of, known.incident.name)

    def _asking(self, work: Callable[[TriageApp, str, list[object]], Awaitable[None]], name: str) -> None:
        """Ask several questions, one after the other; keys wait for the next one."""
        app = self.triage
        holds: list[object] = [app.gate.close()]

        async def guarded() -> None:
            try:
                await work(app, name, holds)
            finally:
                app.gate.open(*holds)

        app.in_background(guarded, "incident", "asking about an incident")

    def action_end_it(self) -> None:
        """End it, when the officer says yes."""
        known = cast(Known | None, self.pointed())
        if known is not None:
            self.triage.in_background(partial(self._end, known.incident.name), "incident", "ending an incident")

    async def _end(self, name: str) -> None:
        app = self.triage
        lines = ["No new case is suggested for it; its cases stay as they are."]
        if await app.ask(Confirm(f"Is {name} over?", lines, yes="Over", no="It goes on")):
            app.say((await app.write(incidents.end, app.desk, name)).said)
            self.renew()


def _trouble(known: Known) -> int:
    """How many of its statements an officer must see to."""
    return sum(post.error is not None or post.state in ("failed", "unknown") for post in known.posts)


def _said(known: Known) -> str:
    posted = sum(post.state == "sent" for post in known.posts)
    trouble = _trouble(known)
    return f"{posted} of {len(known.posts)} posted" + (f", {trouble} need you" if trouble else "")


def _post(post: IncidentPost) -> Iterator[Para]:
    state = words.OUTBOX[post.state] if post.state else "by hand" if post.page else "dropped"
    style = "calm" if post.state == "sent" else "alarm" if post.error else "warn"
    yield fact(clean_line(post.account, 20), (state, style), ("  " + clean_line(post.url or post.page or ""), "dim"))
    if post.error:
        yield para(clean_line(post.error, 400), "warn", indent=2)
