"""Before a handoff leaves: to whom and why, what is hidden, what is attached, and exactly what leaves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from socialtriage.domain.models import OutboxKind
from socialtriage.domain.redact import Redaction
from socialtriage.domain.views import CaseDetail, Done
from socialtriage.services import drafts, handoff, inbox
from socialtriage.services.handoff import HandoffDraft
from socialtriage.ui import handoff_text
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run, shorten
from socialtriage.ui.handoff_text import Choices, Row
from socialtriage.ui.screens.ask import Write
from socialtriage.ui.screens.ask_when import AskWhen, moment
from socialtriage.ui.screens.asking import Asking
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.screens.choices import Choice
from socialtriage.ui.screens.page import cell
from socialtriage.ui.screens.picker import Picker
from socialtriage.ui.widgets.bars import Bar
from socialtriage.ui.widgets.rows import Rows
from socialtriage.ui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp


class HandoffScreen(Asking[None], DeskScreen):
    """Ends with what was done, or None when nothing was sent."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.REVIEW,)
    ALSO_MAIN = ("app.help",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.REVIEW)]
    TITLE_WORDS = "Hand off"
    TYPE_AHEAD = False
    DEFAULT_CSS = """
    HandoffScreen {
        #review { height: 1fr; }
        #choices { width: 2fr; }
        #preview { width: 3fr; border-left: solid $bar-bg; }
        &.-stacked #review { layout: vertical; }
        &.-stacked #choices { width: 1fr; height: 10; }
        &.-stacked #preview { width: 1fr; height: 1fr; border-left: none; border-top: solid $bar-bg; }
    }
    """

    def __init__(self, app: TriageApp, detail: CaseDetail, draft: HandoffDraft, choices: Choices) -> None:
        super().__init__()
        self._detail, self.draft, self.choices = detail, draft, choices
        self.rows = Rows()
        self.preview = TextPane(id="preview")
        self._rows: list[Row] = []
        self.sent: Done | None = None
        """What was done, once it was."""

    def body(self) -> ComposeResult:
        """The choices, and the mail beside or below them."""
        with Horizontal(id="review"):
            with Vertical(id="choices"):
                yield Bar(lambda: ([(f"{self.draft.ref} to {self.draft.contact.name}", "")], []), "-title", id="who")
                yield self.rows
            yield self.preview

    def on_mount(self) -> None:
        """Show the draft."""
        self.rows.focus()
        self._show()

    def on_resize(self) -> None:
        """Beside or below each other."""
        self.set_class(self.app.size.width < 110, "-stacked")
        self.call_after_refresh(self._show_rows)

    def on_screen_resume(self) -> None:
        """The window may have become another while a dialog stood above."""
        self.call_after_refresh(self._show_rows)

    def _show_rows(self) -> None:
        self.rows.show([_line(row, self.rows.room) for row in self._rows])

    def _show(self) -> None:
        app = self.triage
        self._rows = handoff_text.rows(self.draft, self._detail, app.reader())
        self._show_rows()
        window = handoff.undo_window(app.desk, None, None)
        self.preview.show(list(handoff_text.preview(self.draft, app.desk, window)), keep_place=True)
        self.query_one("#who", Bar).refresh()

    # --- choosing -----------------------------------------------------------------------------------------

    def _choose(self, choices: Choices) -> None:
        self.triage.in_background(partial(self._prepare, choices), "review", "preparing the mail")

    async def _prepare(self, choices: Choices) -> None:
        """Make the mail anew; a choice that cannot be is said, and nothing changes."""
        draft = await prepared(self.triage, self._detail.row.id, choices)
        detail = await asyncio.to_thread(inbox.detail, self.triage.desk, self._detail.row.id)
        # Together, so that what can be sent is never another mail than the one that is shown.
        self.draft, self._detail, self.choices = draft, detail, choices
        self._show()

    def action_tick(self) -> None:
        """What enter and space do on a line."""
        row = self._rows[self.rows.cursor]
        if row.ticked is None:
            {"to": self.action_contact, "expect": self.action_expect, "note": self.action_edit}[row.id]()
        else:
            self._choose(handoff_text.toggled(row, self.draft, self.choices))

    def on_rows_chosen(self) -> None:
        """A click on the selected line."""
        self.action_tick()

    def action_redact(self) -> None:
        """Hide everything, or nothing."""
        every = Redaction.all()
        self._choose(replace(self.choices, redaction=Redaction.none() if self.draft.redaction == every else every))

    def action_contact(self) -> None:
        """Choose another contact."""
        self.triage.in_background(self._contact, "ask", "choosing a contact")

    async def _contact(self) -> None:
        config = self.triage.desk.config
        areas = {
            each.id: ", ".join(area.name for area in config.areas if each.id in area.contacts)
            for each in config.contacts
        }
        choices = [Choice(each.id, each.name, hint=areas[each.id]) for each in config.contacts]
        chosen = await self.triage.ask(Picker("Hand off to", choices))
        if chosen:
            await self._prepare(replace(self.choices, to=chosen))

    def action_expect(self) -> None:
        """By when an answer is expected."""
        self.triage.in_background(self._expect, "ask", "asking for a moment")

    async def _expect(self) -> None:
        when = await self.triage.ask(AskWhen("Answer expected by", self.triage.desk))
        if when:
            await self._prepare(replace(self.choices, expect_by=moment(when, self.triage.desk)))

    def action_edit(self) -> None:
        """Write the note."""
        self.triage.in_background(self._edit, "ask", "writing a note")

    async def _edit(self) -> None:
        note = await self.triage.ask(Write("Note to the contact", self.choices.note, esc_keeps=True))
        if note is not None:
            await self.triage.write(drafts.keep, self.triage.desk, self._detail.row.id, OutboxKind.HANDOFF, note)
            await self._prepare(replace(self.choices, note=note))

    # --- ending -------------------------------------------------------------------------------------------

    def action_send(self) -> None:
        """Put it into the outbox."""
        if self.sent is None:
            self.triage.in_background(self._send, "review-send", "putting the handoff into the outbox")

    async def _send(self) -> None:
        app = self.triage
        self.sent = await app.write(handoff.queue, app.desk, self.draft)
        await app.write(drafts.keep, app.desk, self._detail.row.id, OutboxKind.HANDOFF, "")
        app.session.handoffs.pop(self._detail.row.id, None)
        self.dismiss()

    def action_postpone(self) -> None:
        """Back to the case; the choices are kept."""
        self.triage.session.handoffs[self._detail.row.id] = self.choices
        self.triage.say("Postponed; f goes on with it. Nothing was sent.")
        self.dismiss()

    def action_discard(self) -> None:
        """Forget note and choices."""
        self.triage.in_background(self._discard, "ask", "discarding")

    async def _discard(self) -> None:
        case_id = self._detail.row.id
        self.triage.session.handoffs.pop(case_id, None)
        await self.triage.write(drafts.keep, self.triage.desk, case_id, OutboxKind.HANDOFF, "")
        self.triage.say("Discarded. Nothing was sent.")
        self.dismiss()


async def prepared(app: TriageApp, case_id: int, choices: Choices) -> HandoffDraft:
    """The mail of these choices. Raises what `handoff.prepare` raises."""

    def work() -> HandoffDraft:
        return handoff.prepare(
            app.desk,
            case_id,
            to=choices.to,
            note=choices.note,
            redaction=choices.redaction,
            expect_by=choices.expect_by,
            attachments=choices.attachments,
            originals=choices.originals,
        )

    return await asyncio.to_thread(work)


def _line(row: Row, room: int) -> list[Run]:
    tick = "" if row.ticked is None else "[x] " if row.ticked else "[ ] "
    text = shorten("".join(text for text, _ in row.runs), max(4, room - 26))
    return [cell(f"{tick}{row.label}", 25, "strong" if row.ticked else ""), (text, row.runs[0][1])]
