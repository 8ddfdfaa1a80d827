"""What was hidden, blocked, muted and reported: what is due for review first, with reason and snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import Done
from socialtriage.services import moderation, restricting
from socialtriage.store.moderation import Action
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.screens.ask import Ask
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.page import Page, cell


class ModerationScreen(Page):
    """Due reviews first, the longest overdue on top; then everything else, newest first."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.MODERATION,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.MODERATION)]
    TITLE_WORDS = "Moderation"
    EMPTY = "Nothing was hidden, blocked, muted or reported."

    def read(self) -> Sequence[Any]:
        """The records."""
        desk = self.triage.desk
        due = moderation.listing(desk, due=True)
        seen = {action.id for action in due}
        return [*due, *(action for action in moderation.listing(desk) if action.id not in seen)]

    def headline(self) -> str:
        """How many there are, and how many wait for a look."""
        rows = cast(list[Action], self.values)
        due = sum(moderation.is_due(self.triage.desk, action) for action in rows)
        return f"{words.many(len(rows), 'decision')}{f', {due} due for review' if due else ''}"

    def line(self, value: Any, width: int) -> list[Run]:
        """Kind, case, whom, state, review."""
        action = cast(Action, value)
        review, style = self._review(action)
        whom = max(10, width - 2 - 9 - 11 - 12 - 21)
        return [
            cell(action.kind.value, 8, "strong"),
            cell(action.ref, 10),
            cell(moderation.whom(action), whom),
            cell(_state(action), 11, "calm" if action.state == "sent" else "dim"),
            cell(review, 20, style),
        ]

    def _review(self, action: Action) -> tuple[str, str]:
        if action.lifted_at is not None:
            return "lifted", "dim"
        if action.reviewed_at is not None:
            return "reviewed", "dim"
        if action.review_at is None:
            return "", "dim"
        if moderation.is_due(self.triage.desk, action):
            return "REVIEW NOW", "alarm"
        local = action.review_at.astimezone(self.triage.desk.zone)
        return f"review {local.day} {local:%b %Y}", "dim"

    def details(self, value: Any) -> Sequence[Para]:
        """Everything about one decision."""
        return list(self._details(cast(Action, value)))

    def _details(self, action: Action) -> Iterator[Para]:
        at = self.triage.reader().at
        yield para(clean_line(f"{action.kind} {action.ref}: {moderation.whom(action)}"), "title")
        yield fact("Why", (clean_line(action.reason, 800), ""))
        yield fact("Decided", (f"{at(action.at)} by {clean_line(action.officer)}", ""))
        yield fact("State", (_state(action), "strong"))
        yield fact("Review", self._review(action))
        if action.reviewed_by:
            yield fact("Seen by", (clean_line(action.reviewed_by), ""))
        yield para("")
        yield para("WHAT WAS THERE", "heading")
        yield para(clean(str(action.snapshot.get("text", "")))[:4000], indent=2)
        media = action.snapshot.get("media")
        for file in media if isinstance(media, list) else ():
            told = f"{file.get('kind')} {file.get('name')}  sha256 {file.get('sha256') or 'not kept'}"
            yield para(clean_line(told, 300), "dim", indent=2)

    # --- keys ---------------------------------------------------------------------------------------------

    def action_reviewed(self) -> None:
        """It was looked at again, and stays."""
        action = cast(Action | None, self.pointed())
        if action is not None:
            self.triage.in_background(partial(self._reviewed, action), "moderation", "noting a review")

    async def _reviewed(self, action: Action) -> None:
        note = await self.triage.ask(
            Ask(f"Review of {action.kind} {action.ref}", "What the review found; it stays", "")
        )
        if note is not None:
            app = self.triage
            done = await app.write(moderation.review, app.desk, action.id, note=note)
            app.say(done.said)
            self.renew()

    def action_lift(self) -> None:
        """Take it back."""
        action = cast(Action | None, self.pointed())
        if action is not None:
            self.triage.in_background(partial(self._lift, action), "moderation", "taking a decision back")

    async def _lift(self, action: Action) -> None:
        reason = await self.triage.ask(Ask(f"Take back: {action.kind} {action.ref}", "Why it is over", ""))
        if not reason or not reason.strip():
            return
        app = self.triage
        decision = await app.write(moderation.lift, app.desk, action.id, reason=reason)
        work: Callable[..., Done] = moderation.queue
        if decision.cannot is not None:
            case_id = decision.target.case_id
            if decision.page and case_id not in app.session.unmasked:
                await app.write(restricting.unmask, app.desk, case_id)  # the address says whose it is
            lines = [decision.cannot, "Do it on the network's own page; say yes when it is done.", decision.page or ""]
            if not await app.ask(Confirm("Is it done there?", lines, yes="It is done", no="No")):
                return
            work = moderation.record
        app.say((await app.write(work, app.desk, decision)).said)
        self.renew()

    def action_open_case(self) -> None:
        """Open the case of the decision."""
        action = cast(Action | None, self.pointed())
        if action is not None:
            self.triage.perform("find.reference", action.ref)

    def on_rows_chosen(self) -> None:
        """A click on the selected row opens its case."""
        self.action_open_case()


def _state(action: Action) -> str:
    return {"sent": "done", "by_hand": "done there"}.get(action.state, action.state)
