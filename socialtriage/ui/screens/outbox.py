"""What waits to leave, and why: try again, drop, or open its case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from socialtriage.domain.errors import Refused, Stale
from socialtriage.domain.models import OutboxState
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import OutboxView
from socialtriage.services import approvals, outbox
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.board import TROUBLE, WAITING
from socialtriage.ui.cells import Run
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.screens.ask import Write
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.page import Page, cell

STYLE = {OutboxState.SENT: "calm", OutboxState.ANSWERED: "calm", OutboxState.QUEUED: "", OutboxState.SENDING: "warn"}


def _state(row: OutboxView) -> tuple[str, int, str]:
    """The state in a word, the width of its column, and its style."""
    if row.held:
        return "approval", 11, "warn"
    return words.OUTBOX[row.state], 11, STYLE.get(row.state, "alarm")


class OutboxScreen(Page):
    """Rows that have not left first, then the newest of those that have."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.OUTBOX,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.OUTBOX)]
    TITLE_WORDS = "Outbox"
    EMPTY = "Nothing waits to leave, and nothing has left yet."

    def read(self) -> Sequence[Any]:
        """The rows."""
        return outbox.rows(self.triage.desk)

    def headline(self) -> str:
        """How many wait and how many are in trouble."""
        rows = cast(list[OutboxView], self.values)
        waiting = sum(row.state in WAITING and row.held is None for row in rows)
        trouble = sum(row.state in TROUBLE for row in rows)
        needs = f", {trouble} need{'s' if trouble == 1 else ''} you" if trouble else ""
        held = sum(row.held is not None for row in rows)
        approval = f", {held} wait{'s' if held == 1 else ''} for approval" if held else ""
        return f"{waiting} to leave{needs}{approval}"

    def line(self, value: Any, width: int) -> list[Run]:
        """State, what, for which case, to whom, since when."""
        row = cast(OutboxView, value)
        now = self.triage.desk.clock()
        to = max(14, width - 2 - 12 - 9 - 11 - 10)
        return [
            cell(*_state(row)),
            cell(row.kind.value, 8),
            cell(row.ref or "", 10, "strong"),
            cell(row.to, to),
            cell(words.ago(row.queued_at, now), 9, "dim"),
        ]

    def details(self, value: Any) -> Sequence[Para]:
        """Everything about one row."""
        return list(self._details(cast(OutboxView, value)))

    def _details(self, row: OutboxView) -> Iterator[Para]:
        at, now = self.triage.reader().at, self.triage.desk.clock()
        yield para(clean_line(f"{row.kind} {row.ref or ''} to {row.to}"), "title")
        state, _, style = _state(row)
        yield fact("State", (state, style or "strong"))
        if row.held:
            yield from self._to_judge(row)
        if row.after_id is not None and row.state is not OutboxState.SENT:
            yield fact(
                "After", (f"row {row.after_id}: it is a part of a thread, and leaves when that one was sent", "")
            )
        if row.error:
            yield fact("Why", (clean_line(row.error, 800), "warn"))
        if row.account:
            yield fact("From", (clean_line(row.account), ""))
        yield fact("Queued", (f"{at(row.queued_at)} by {clean_line(row.officer)}", ""))
        if row.state is OutboxState.QUEUED and row.not_before and row.not_before > now:
            yield fact("Leaves", (f"{at(row.not_before)}; until then it can be taken back", "warn"))
        if row.next_try_at and row.state is OutboxState.QUEUED:
            yield fact("Next try", (at(row.next_try_at), ""))
        if row.tries:
            yield fact("Tries", (str(row.tries), ""))
        if row.state is OutboxState.UNKNOWN:
            yield para(
                "Whether it arrived is not known: c asks the source. Trying again asks it first, where it can be."
            )
        if row.text:
            yield para("")
            yield para(clean(row.text), indent=2)

    def _to_judge(self, row: OutboxView) -> Iterator[Para]:
        """What a second officer must see before they approve it."""
        desk = self.triage.desk
        mine = row.officer.casefold() == desk.officer.casefold()
        how = "a second officer approves or returns it" if mine else "y approves it, b returns it with a word"
        yield fact("Held", (f"written by {clean_line(row.officer)}; {how}", "warn"))
        found = approvals.concerns(desk, row.id)
        if found is not None:
            yield fact("Seen by", (words.VISIBILITY[found.visibility], "strong"))
            yield from (para(f"! {each}", "warn") for each in found.warnings)

    # --- keys ---------------------------------------------------------------------------------------------

    def action_retry(self) -> None:
        """Try the row again."""
        row = cast(OutboxView | None, self.pointed())
        if row is None:
            return
        if row.state in (OutboxState.SENT, OutboxState.ANSWERED):
            self.triage.say("That has left already.", "$warn")
        else:
            self.triage.in_background(partial(self._retry, row), "outbox", "trying a row again")

    async def _retry(self, row: OutboxView) -> None:
        self.triage.say(f"Trying the {row.kind} to {row.to} again …")
        try:
            await self.triage.background.retry(row.id)
        except Refused as refused:
            if row.state is not OutboxState.UNKNOWN:
                raise
            lines = [str(refused), "If it did arrive, trying again sends it a second time."]
            if await self.triage.ask(Confirm("Send it anyway?", lines, yes="Send", no="Leave it")):
                await self.triage.background.retry(row.id, anyway=True)
        self.renew()

    def action_drop(self) -> None:
        """Take the row out, when the officer says yes."""
        row = cast(OutboxView | None, self.pointed())
        if row is not None:
            self.triage.in_background(partial(self._drop, row), "outbox", "dropping a row")

    async def _drop(self, row: OutboxView) -> None:
        lines = [f"{row.kind} {row.ref or ''} to {row.to}", "It will not leave; what was written is kept as a draft."]
        if await self.triage.ask(Confirm("Drop it?", lines, yes="Drop", no="Keep")):
            done = await self.triage.write(outbox.drop, self.triage.desk, row.id)
            self.triage.say(done.said)
            self.triage.renew()

    def action_check(self) -> None:
        """Ask the source for a row whose answer was lost."""
        row = cast(OutboxView | None, self.selected)
        if row is None or row.state is not OutboxState.UNKNOWN:
            self.triage.say("Only a row whose fate is unknown is looked up.", "$warn")
            return
        self.triage.say("Asking the source …")
        self.triage.in_background(partial(self._check, row), "outbox", "asking the source")

    async def _check(self, row: OutboxView) -> None:
        await self.triage.background.check(row.id)
        self.renew()

    def action_approve(self) -> None:
        """Let a supervised officer's reply leave."""
        if (row := self._held()) is not None:
            self.triage.in_background(partial(self._approve, row), "outbox", "approving a reply")

    async def _approve(self, row: OutboxView) -> None:
        app = self.triage
        try:
            done = await app.write(approvals.approve, app.desk, row.id)
        except Stale as stale:
            lines = [*stale.changes, "The reply was written before that."]
            if not await app.ask(Confirm("The case changed. Approve it anyway?", lines, yes="Approve", no="Leave it")):
                return
            done = await app.write(approvals.approve, app.desk, row.id, anyway=True)
        app.say(done.said)
        app.renew()

    def action_give_back(self) -> None:
        """Return a supervised officer's reply to them."""
        if (row := self._held()) is not None:
            self.triage.in_background(partial(self._give_back, row), "outbox", "returning a reply")

    async def _give_back(self, row: OutboxView) -> None:
        app = self.triage
        why = await app.ask(Write(f"Return it to {row.officer}: what is to be changed?", ""))
        if why and why.strip():
            app.say((await app.write(approvals.give_back, app.desk, row.id, why)).said)
            app.renew()

    def _held(self) -> OutboxView | None:
        row = cast(OutboxView | None, self.selected)
        if row is None or not row.held:
            self.triage.say("That does not wait for approval.", "$warn")
            return None
        return row

    def action_open_case(self) -> None:
        """Open the case of the row."""
        row = cast(OutboxView | None, self.pointed())
        if row is not None and row.ref:
            self.triage.perform("find.reference", row.ref)
        elif row is not None:
            self.triage.say(f"This {row.kind} belongs to no case.", "$warn")

    def on_rows_chosen(self) -> None:
        """A click on the selected row opens its case."""
        self.action_open_case()
