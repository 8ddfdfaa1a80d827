"""A statement before it leaves: every account with its words, how long they are there, and one answer for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from socialtriage.domain.text import clean, clean_line
from socialtriage.services import approvals, incidents
from socialtriage.services.incidents import Statement
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run, shorten
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.leaves import leaves
from socialtriage.ui.screens.ask import Write
from socialtriage.ui.screens.page import cell
from socialtriage.ui.screens.ticking import Ticking

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp


@dataclass(frozen=True, slots=True)
class Item:
    """One account, and whether it is said there."""

    said: Statement
    ticked: bool


class StatementScreen(Ticking[tuple[Statement, ...]]):
    """Ends with what is to be said; None when nothing is."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.STATEMENT,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.STATEMENT)]
    TITLE_WORDS = "Statement"

    def __init__(self, app: TriageApp, name: str, said: Sequence[Statement]) -> None:
        super().__init__()
        self._name = name
        # What cannot leave as it is, and what is done by hand, is ticked by hand.
        self.items = [Item(each, not each.fault and each.page is None) for each in said]

    def headline(self) -> str:
        """On how many accounts it is said."""
        ticked = sum(item.ticked for item in self.items)
        return f"{self._name}: said on {ticked} of {words.many(len(self.items), 'account')}"

    def line(self, item: Item) -> list[Run]:
        """Ticked or not, the account, and how long the words are there."""
        said = item.said
        how = said.fault or ("by hand" if said.page else said.length.words)
        style = "alarm" if said.fault else "warn" if said.page or said.warnings else ""
        room = max(10, self.rows.room - 4 - 21 - 2)
        return [
            cell("[x]" if item.ticked else "[ ]", 3, "strong"),
            cell(said.account, 20, "strong"),
            (shorten(clean_line(("! " if said.warnings else "") + how), room), style),
        ]

    def details(self, item: Item) -> Iterator[Para]:
        """Who reads it, what it costs, and what exactly is said."""
        said = item.said
        yield para(clean_line(f"{said.account} on {words.network(said.network)}"), "title")
        yield fact("Seen by", ("PUBLIC: everybody", "strong"))
        yield fact("Length", (said.length.words, ""))
        if said.price is not None and not said.price.dear:
            yield fact("Costs", (clean_line(said.price.why, 200), ""))
        if cost := incidents.cost([item.said for item in self.items if item.ticked]):
            yield fact("In all", (cost, "warn"))
        if said.page:
            yield para(clean_line(f"It cannot be posted from here: {said.why} By hand: {said.page}", 500), "warn")
        if said.fault:
            yield para(clean_line(f"It cannot leave like this: {said.fault}", 400), "alarm")
        for each in said.warnings:
            yield para("! " + clean_line(each, 400), "warn")
        yield self._leaves()
        yield para("")
        yield para("EXACTLY THIS IS SAID", "heading")
        yield para(clean(said.text))

    def _leaves(self) -> Para:
        """When what is ticked leaves, and what stops it."""
        desk = self.triage.desk
        if approvals.supervised(desk):
            return para("After y it waits for the approval of a second officer; until then u takes it back.", "warn")
        ticked = [item.said.account for item in self.items if item.ticked and not item.said.page]
        stop = "" if self.triage.board.paused else ":pause stops everything outgoing, on every desk. "
        return leaves(desk, incidents.window(desk, ticked), stop)

    # --- keys ---------------------------------------------------------------------------------------------

    def action_tick(self) -> None:
        """This account too, or not."""
        if not self.items:
            return
        item = self.items[self.rows.cursor]
        if item.said.fault:
            self.triage.say("That cannot leave like this; e changes its words.", "$warn")
            return
        self.items[self.rows.cursor] = replace(item, ticked=not item.ticked)
        self.show_all()

    def action_edit(self) -> None:
        """Other words for every account of the network."""
        if self.items:
            self.triage.in_background(partial(self._edit, self.items[self.rows.cursor].said), "ask", "other words")

    async def _edit(self, said: Statement) -> None:
        app = self.triage
        text = await app.ask(Write(f"Statement on {words.network(said.network)}", said.text, esc_keeps=True))
        if text is None or not text.strip():
            return
        same = [item.said.account for item in self.items if item.said.network == said.network]
        made = {each.account: each for each in await app.background.statements(text, {}, same)}
        self.items = [
            Item(made[item.said.account], not made[item.said.account].fault) if item.said.account in made else item
            for item in self.items
        ]
        self.show_all()

    def action_send(self) -> None:
        """Say it on the ticked accounts."""
        chosen = tuple(item.said for item in self.items if item.ticked)
        if chosen:
            self.dismiss(chosen)
        else:
            self.triage.say("No account is ticked; nothing was sent.", "$warn")
