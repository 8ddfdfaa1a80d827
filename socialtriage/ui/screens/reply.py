"""Before a reply leaves: from which account, to whom, PUBLIC or PRIVATE, how long by the network's own rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from socialtriage.domain.errors import SocialTriageError
from socialtriage.domain.models import OutboxKind, Visibility
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import CaseDetail, Done
from socialtriage.services import drafts, replies
from socialtriage.services.handoff import undo_window
from socialtriage.services.replies import ReplyDraft
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.screens.asking import Asking
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.screens.compose import Compose
from socialtriage.ui.session import Written
from socialtriage.ui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp


class ReplyScreen(Asking[None], DeskScreen):
    """Ends with what was done in `sent`; None when nothing was sent."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.REPLY,)
    ALSO_MAIN = ("app.help",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.REPLY)]
    TITLE_WORDS = "Reply"
    TYPE_AHEAD = False

    def __init__(self, app: TriageApp, detail: CaseDetail, written: Written) -> None:
        super().__init__()
        self._detail, self.written = detail, written
        self.pane = TextPane()
        self.draft: ReplyDraft | None = None
        """The reply as it would leave; None while it cannot."""
        self.sent: Done | None = None
        self._fault = ""

    def body(self) -> ComposeResult:
        """The whole of it in one text."""
        yield self.pane

    def on_mount(self) -> None:
        """Show what would leave."""
        self.pane.focus()
        self.triage.in_background(self._prepare, "review", "preparing the reply")

    async def _prepare(self) -> None:
        """Make the reply; why it cannot leave is shown in its place."""
        self.draft, self._fault = None, ""
        try:
            self.draft = await self.triage.background.draft_reply(
                self._detail.row.id, self.written.text, private=self.written.private
            )
        except SocialTriageError as error:
            self._fault = str(error)
        self.pane.show(list(self._text()))

    def _text(self) -> Iterator[Para]:
        row, draft = self._detail.row, self.draft
        private = draft.visibility is Visibility.PRIVATE if draft else self.written.private
        yield fact("From", (clean_line(draft.account if draft else row.account), "strong"), width=10)
        yield fact("To", (clean_line(f"{row.name} {draft.to if draft else row.handle}"), "strong"), width=10)
        seen = ("PRIVATE: they alone can read it", "private") if private else ("PUBLIC: anyone can read it", "strong")
        yield fact("Seen by", (seen[0], seen[1]), (f", on {words.network(row.network)}", ""), width=10)
        if draft:
            limit = f" of {draft.length.limit}" if draft.length.limit else ""
            yield fact("Length", (f"{draft.length.used}{limit} {draft.length.unit}", ""), width=10)
        if draft and draft.mail:
            yield fact("Subject", (clean_line(draft.mail.subject, 300), ""), width=10)
        yield para("")
        if self._fault:
            yield para(clean(f"It cannot leave like this: {self._fault}"), "alarm")
            yield para("")
        for warning in draft.warnings if draft else ():
            yield para("! " + clean_line(warning, 400), "warn")
        yield para("EXACTLY THIS LEAVES" if draft else "WHAT YOU WROTE", "heading")
        yield para(clean(draft.text if draft else self.written.text) or "(nothing yet)")
        yield para("")
        if draft:
            seconds = int(undo_window(self.triage.desk, draft.account, None).total_seconds())
            yield para(f"It leaves {seconds} s after y; until then u takes it back.", "dim")

    # --- keys ---------------------------------------------------------------------------------------------

    def action_private(self) -> None:
        """Where it was written, or in private."""
        self.written = replace(self.written, private=not self.written.private)
        self.triage.in_background(self._prepare, "review", "preparing the reply")

    def action_edit(self) -> None:
        """Go on writing."""
        self.triage.in_background(self._edit, "ask", "writing a reply")

    async def _edit(self) -> None:
        text = await written(self.triage, self._detail, self.written.text)
        if text is not None:
            self.written = replace(self.written, text=text)
            await self._prepare()

    def action_send(self) -> None:
        """Put it into the outbox, when it can leave."""
        if self.draft is not None and self.sent is None:
            self.triage.in_background(
                partial(self._send, self.draft), "review-send", "putting the reply into the outbox"
            )

    async def _send(self, draft: ReplyDraft) -> None:
        app = self.triage
        self.sent = await app.write(replies.queue, app.desk, draft)
        app.session.replies.pop(draft.case_id, None)
        self.dismiss()

    def action_postpone(self) -> None:
        """Back to the case; what was written is kept."""
        self.triage.session.replies[self._detail.row.id] = self.written
        self.triage.say("Postponed; r goes on with it. Nothing was sent.")
        self.dismiss()

    def action_discard(self) -> None:
        """Throw it away."""
        self.triage.in_background(self._discard, "ask", "discarding")

    async def _discard(self) -> None:
        case_id = self._detail.row.id
        self.triage.session.replies.pop(case_id, None)
        await self.triage.write(drafts.keep, self.triage.desk, case_id, OutboxKind.REPLY, "")
        self.triage.say("Discarded. Nothing was sent.")
        self.dismiss()


async def written(app: TriageApp, detail: CaseDetail, text: str) -> str | None:
    """What the officer writes, kept in the store at every pause and at the end."""
    case_id = detail.row.id

    def keep(words: str) -> None:
        work = partial(app.write, drafts.keep, app.desk, case_id, OutboxKind.REPLY, words)
        app.in_background(work, "draft", "keeping what was written")

    answer = await app.ask(Compose(app, detail, text, keep))
    if answer is not None:
        await app.write(drafts.keep, app.desk, case_id, OutboxKind.REPLY, answer)
    return answer
