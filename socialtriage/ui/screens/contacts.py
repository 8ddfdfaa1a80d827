"""The contact network: who answers for what, who is away, how long they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.cells import cell_len
from textual.binding import BindingType

from socialtriage.domain.errors import UsageError
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import ContactView
from socialtriage.domain.when import parse_date
from socialtriage.services import contacts
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.screens.ask import Ask
from socialtriage.ui.screens.page import Page, cell

if TYPE_CHECKING:
    from socialtriage.store.handoffs import HandoffRow
    from socialtriage.ui.app import TriageApp

SHOWN = 30
"""Open handoffs of one contact that are listed."""
LEAST_NAME, LEAST_AREAS = 16, 18


class ContactsScreen(Page):
    """The contacts, in the order of the configuration."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.CONTACTS,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.CONTACTS)]
    TITLE_WORDS = "Contacts"
    EMPTY = "The configuration has no contacts. socialtriage contacts import FILE.csv brings them in."

    def __init__(self, app: TriageApp) -> None:
        super().__init__(app)
        self._here = self._open = self._usual = self._names = 0
        self._waiting: dict[str, list[HandoffRow]] = {}

    def read(self) -> Sequence[Any]:
        """The contacts, with what they have."""
        desk = self.triage.desk
        self._waiting = contacts.waiting(desk)
        return contacts.listing(desk)

    def headline(self) -> str:
        """How many there are, and how many are away."""
        rows = cast(list[ContactView], self.values)
        away = sum(row.away_until is not None for row in rows)
        return f"{words.many(len(rows), 'contact')}{f', {away} away' if away else ''}"

    def measure(self) -> None:
        """Names have what they need, as far as that leaves room for the areas."""
        rows = cast(list[ContactView], self.values)
        self._here = max((len(_here(row)) for row in rows), default=0)
        self._open = max((len(_open(row)) for row in rows), default=0)
        self._usual = max((len(_usual(row)) for row in rows), default=0)
        self._names = max((cell_len(row.name) for row in rows), default=0)

    def line(self, value: Any, width: int) -> list[Run]:
        """Name, away, areas, open handoffs, usual time."""
        view = cast(ContactView, value)
        left = width - (self._here + 1) - (self._open + 1) - (self._usual + 1) - 2
        name = max(LEAST_NAME, min(self._names, left - LEAST_AREAS))
        return [
            cell(view.name, name, "strong"),
            cell(_here(view), self._here, "warn" if view.away_until else "dim"),
            cell(", ".join(view.areas), max(8, left - name), "calm"),
            cell(_open(view), self._open, "warn" if view.late_handoffs else "dim", right=True),
            cell(_usual(view), self._usual, "dim", right=True),
        ]

    def details(self, value: Any) -> Sequence[Para]:
        """Everything about one contact."""
        return list(self._details(cast(ContactView, value)))

    def _details(self, view: ContactView) -> Iterator[Para]:
        desk = self.triage.desk
        names = {contact.id: contact.name for contact in desk.config.contacts}
        yield para(clean_line(view.name), "title")
        yield fact("Email", (clean_line(view.email), ""), width=14)
        state = f"until {view.away_until:%A} {view.away_until.day} {view.away_until:%B}" if view.away_until else "no"
        yield fact("Away", (state, "warn" if view.away_until else ""), width=14)
        yield fact("Deputy", (clean_line(names.get(view.deputy or "", view.deputy or "none")), ""), width=14)
        areas = [area.name for area in desk.config.areas if area.id in view.areas]
        yield fact("Answers for", (clean_line(", ".join(areas) or "no area", 400), "calm"), width=14)
        yield fact("Promises", (f"an answer within {clean_line(view.answers_within)}", ""), width=14)
        yield fact("Usually takes", (_usual(view) or "not known yet", ""), width=14)
        late = f", {view.late_handoffs} late" if view.late_handoffs else ""
        yield fact("Open", (words.many(view.open_handoffs, "handoff"), ""), (late, "warn"), width=14)
        at, now = self.triage.reader().at, desk.clock()
        for each in self._waiting.get(view.id, [])[:SHOWN]:
            over = each.expected_at is not None and each.expected_at < now
            due = f"expected {at(each.expected_at)}" if each.expected_at else ""
            chased = f", reminded {each.chased}×" if each.chased else ""
            yield para(f"{each.ref}  {due}{' (late)' if over else ''}{chased}", "warn" if over else "", indent=2)

    # --- keys ---------------------------------------------------------------------------------------------

    def action_away(self) -> None:
        """Ask until when, and note it."""
        view = cast(ContactView | None, self.pointed())
        if view is not None:
            self.triage.in_background(partial(self._away, view), "contacts", "noting an absence")

    async def _away(self, view: ContactView) -> None:
        what = "The last day of the absence: 2026-12-24, +7d, tomorrow"
        asked = await self.triage.ask(Ask(f"Away: {view.name}", what))
        if not asked or not asked.strip():
            return
        desk = self.triage.desk
        try:
            until = parse_date(asked, desk.clock().astimezone(desk.zone).date())
        except ValueError as error:
            raise UsageError(str(error)) from error
        done = await self.triage.write(contacts.away, desk, view.id, until)
        self.triage.say(done.said)
        self.renew()

    def action_is_back(self) -> None:
        """The contact is back."""
        view = cast(ContactView | None, self.pointed())
        if view is not None:
            self.triage.in_background(partial(self._back, view), "contacts", "noting a return")

    async def _back(self, view: ContactView) -> None:
        done = await self.triage.write(contacts.back, self.triage.desk, view.id)
        self.triage.say(done.said)
        self.renew()


def _here(view: ContactView) -> str:
    return f"away until {view.away_until.day} {view.away_until:%b}" if view.away_until else "here"


def _open(view: ContactView) -> str:
    """How many cases they have; with a mark when answers are late."""
    return f"{view.open_handoffs} open{'!' if view.late_handoffs else ''}"


def _usual(view: ContactView) -> str:
    """The median of the answers in working time."""
    minutes = view.median_answer_minutes
    if minutes is None:
        return ""
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}"
