"""Before a reminder leaves: to whom, which one it is, by when, and exactly what leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from socialtriage.domain.models import OutboxKind
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import Done
from socialtriage.services import chase, drafts
from socialtriage.services.chase import ChaseDraft
from socialtriage.services.handoff import undo_window
from socialtriage.ui.actions import Where, bindings_for, table
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.leaves import leaves
from socialtriage.ui.screens.ask import Write
from socialtriage.ui.screens.ask_when import AskWhen, moment
from socialtriage.ui.screens.asking import Asking
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp


class ChaseScreen(Asking[None], DeskScreen):
    """Ends with what was done in `sent`, or with `deputy` when the case is to be handed to them instead."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.CHASE,)
    ALSO_MAIN = ("app.help",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.CHASE)]
    TITLE_WORDS = "Remind"
    TYPE_AHEAD = False

    def __init__(self, draft: ChaseDraft) -> None:
        super().__init__()
        self.draft = draft
        self.pane = TextPane()
        self.sent: Done | None = None
        self.deputy = ""
        self._expect: datetime | None = None

    def body(self) -> ComposeResult:
        """The whole of it in one text."""
        yield self.pane

    def on_mount(self) -> None:
        """Show what would leave."""
        self.pane.focus()
        self.pane.show(list(self._text()))

    def _text(self) -> Iterator[Para]:
        draft, app = self.draft, self.triage
        at = app.reader().at
        yield fact("To", (clean_line(f"{draft.name} <{draft.handoff.email}>"), "strong"), width=12)
        left = f", the case left {at(draft.handoff.sent_at)}" if draft.handoff.sent_at else ""
        yield fact("Reminder", (str(draft.number), ""), (left, "dim"), width=12)
        yield fact("Answer by", (at(draft.expected_at), ""), width=12)
        yield fact("Subject", (clean_line(draft.mail.subject, 300), ""), width=12)
        yield para("")
        for warning in draft.warnings:
            yield para("! " + clean_line(warning, 400), "warn")
        if draft.deputy is not None:
            key = app.key_of(table()["chase.deputy"])
            yield para(f"{key} hands it to {clean_line(draft.deputy.name)} instead.", "strong")
        yield para("EXACTLY THIS LEAVES", "heading")
        yield para(clean(draft.mail.text))
        yield para("")
        yield leaves(app.desk, undo_window(app.desk, None, None))

    # --- keys ---------------------------------------------------------------------------------------------

    def action_send(self) -> None:
        """Put it into the outbox."""
        if self.sent is None:
            self.triage.in_background(self._send, "review-send", "putting the reminder into the outbox")

    async def _send(self) -> None:
        app = self.triage
        self.sent = await app.write(chase.queue, app.desk, self.draft)
        await app.write(drafts.keep, app.desk, self.draft.case_id, OutboxKind.CHASE, "")
        self.dismiss()

    def action_edit(self) -> None:
        """Write a note."""
        self.triage.in_background(self._edit, "ask", "writing a note")

    async def _edit(self) -> None:
        app = self.triage
        note = await app.ask(Write("Note to the contact", self.draft.note, esc_keeps=True))
        if note is not None:
            await app.write(drafts.keep, app.desk, self.draft.case_id, OutboxKind.CHASE, note)
            await self._prepare(note)

    def action_expect(self) -> None:
        """By when an answer is expected now."""
        self.triage.in_background(self._ask_when, "ask", "asking for a moment")

    async def _ask_when(self) -> None:
        when = await self.triage.ask(AskWhen("Answer expected by", self.triage.desk))
        if when:
            self._expect = moment(when, self.triage.desk)
            await self._prepare(self.draft.note)

    async def _prepare(self, note: str) -> None:
        self.draft = await prepared(self.triage, self.draft.case_id, note, self._expect)
        self.pane.show(list(self._text()))

    def action_deputy(self) -> None:
        """Hand the case to the deputy instead."""
        if self.draft.deputy is None:
            self.triage.say("No deputy is suggested: this is the first reminder, and the contact is not away.", "$warn")
            return
        self.deputy = self.draft.deputy.id
        self.dismiss()

    def action_postpone(self) -> None:
        """Back to the case; the note is kept."""
        self.triage.say("Nothing was sent.")
        self.dismiss()


async def prepared(app: TriageApp, case_id: int, note: str, expect_by: datetime | None = None) -> ChaseDraft:
    """The reminder. Raises what `chase.prepare` raises."""
    return await asyncio.to_thread(chase.prepare, app.desk, case_id, note=note, expect_by=expect_by)
