"""Before a reply leaves: from whom, to whom, PUBLIC or PRIVATE, where it appears, how long, and the exact words."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from socialtriage.domain.errors import SocialTriageError, Stale
from socialtriage.domain.models import OutboxKind, Visibility
from socialtriage.domain.views import CaseDetail, Done
from socialtriage.services import drafts, inbox, replies, reply_everywhere
from socialtriage.services.replies import ReplyDraft, Wishes
from socialtriage.ui import reply_text
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.screens.compose import Compose, ask_promise
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.reply_beside import ReplyBeside
from socialtriage.ui.session import Written
from socialtriage.ui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp

CHANGED = "The case has changed since you opened it. e shows it as it is now and goes on with what you wrote."


class ReplyScreen(ReplyBeside):
    """Ends with what was done in `sent`; None when nothing was sent."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.REPLY,)
    ALSO_MAIN = ("app.help",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.REPLY)]
    TITLE_WORDS = "Reply"
    TYPE_AHEAD = False

    def __init__(self, app: TriageApp, detail: CaseDetail, written: Written) -> None:
        super().__init__(app, detail, written)
        self.pane = TextPane()
        self.drafts: tuple[ReplyDraft, ...] = ()
        """The reply as it would leave, in every place that was chosen; empty while it cannot."""
        self.sent: Done | None = None
        self._fault: tuple[str, ...] = ()

    @property
    def draft(self) -> ReplyDraft | None:
        """The reply as it would leave in the first of its places; None while it cannot."""
        return self.drafts[0] if self.drafts else None

    def body(self) -> ComposeResult:
        """The whole of it in one text."""
        yield self.pane

    def on_mount(self) -> None:
        """Show what would leave."""
        self.pane.focus()
        self._prepare_soon()

    def _prepare_soon(self) -> None:
        self.triage.in_background(self.prepare, "review", "preparing the reply")

    async def prepare(self) -> None:
        """Make the reply; why it cannot leave is shown in its place."""
        self.drafts, self._fault = (), ()
        written = self.written
        wishes = Wishes(
            private=written.private,
            split=written.split,
            promise=written.promise,
            answer=written.answer,
            attach=written.files,
            seen=self.detail.row.version,
        )
        try:
            self.drafts = await self.triage.background.draft_replies(
                self.detail.row.id, written.text, wishes, written.places
            )
        except SocialTriageError as error:
            self._refused(error)
        self._show()

    def _refused(self, error: SocialTriageError) -> None:
        self.drafts = ()
        changed = isinstance(error, Stale)
        self._fault = (
            str(error),
            *(error.changes if isinstance(error, Stale) else ()),
            *((CHANGED,) if changed else ()),
        )

    def _show(self) -> None:
        app = self.triage
        self.pane.show(
            list(
                reply_text.review(
                    self.detail, self.written, self.drafts, self._fault, self.places, app.desk, app.reader()
                )
            )
        )

    # --- keys ---------------------------------------------------------------------------------------------

    def action_private(self) -> None:
        """Where it was written, or in private; a question first, because a stray key must not change who reads it."""
        self.triage.in_background(self._private, "ask", "choosing who can read it")

    async def _private(self) -> None:
        asked = next((m for m in reversed(self.detail.messages) if m.voice == "resident"), None)
        if asked is not None and asked.visibility is Visibility.PRIVATE:
            self.triage.say("They wrote in private; it is answered in private.", "$warn")
            return
        private = not self.written.private
        line = "They alone will be able to read it." if private else "Anyone will be able to read it."
        question = Confirm(f"Answer in {'PRIVATE' if private else 'PUBLIC'} instead?", [line], yes="Change it", no="No")
        if await self.triage.ask(question):
            self.written = replace(self.written, private=private)
            await self.keep(self.written.text)
            await self.prepare()

    def action_split(self) -> None:
        """Consent to a thread where one post is too long, or take the consent back."""
        self.written = replace(self.written, split=not self.written.split)
        self._prepare_soon()

    def action_promise(self) -> None:
        """Say by when there will be more; on a promise that is there, take it out."""
        self.triage.in_background(self._promise, "ask", "asking for a moment")

    async def _promise(self) -> None:
        by = None if self.written.promise is not None else await ask_promise(self.triage)
        self.written = replace(self.written, promise=by)
        await self.prepare()

    def action_edit(self) -> None:
        """Go on writing, with the case as it is now in view."""
        self.triage.in_background(self._edit, "ask", "writing a reply")

    async def _edit(self) -> None:
        self.detail = await asyncio.to_thread(inbox.detail, self.triage.desk, self.detail.row.id)
        self.places = await asyncio.to_thread(reply_everywhere.places, self.triage.desk, self.detail.row.id)
        begun = await composed(self.triage, self.detail, self.written)
        if begun is not None:
            self.written = begun
            await self.prepare()

    def action_send(self) -> None:
        """Put it into the outbox, when it can leave."""
        if self.drafts and self.sent is None:
            self.triage.in_background(
                partial(self._send, self.drafts), "review-send", "putting the reply into the outbox"
            )

    async def _send(self, drafts: tuple[ReplyDraft, ...]) -> None:
        app = self.triage
        try:
            self.sent = await app.write(replies.queue_all, app.desk, drafts)
        except Stale as stale:
            self._refused(stale)
            self._show()
            app.say_error(stale)
            return
        app.session.replies.pop(self.detail.row.id, None)
        self.dismiss()

    def action_postpone(self) -> None:
        """Back to the case; what was written is kept."""
        self.triage.session.replies[self.detail.row.id] = self.written
        self.triage.in_background(partial(self.keep, self.written.text), "draft", "keeping what was written")
        self.triage.say("Postponed; r goes on with it. Nothing was sent.")
        self.dismiss()

    async def keep(self, text: str) -> None:
        await self.triage.write(
            drafts.keep,
            self.triage.desk,
            self.detail.row.id,
            OutboxKind.REPLY,
            text,
            private=self.written.private,
            files=self.written.files,
            places=self.written.places,
        )

    def action_discard(self) -> None:
        """Throw it away."""
        self.triage.in_background(self._discard, "ask", "discarding")

    async def _discard(self) -> None:
        self.triage.session.replies.pop(self.detail.row.id, None)
        await self.keep("")
        self.triage.say("Discarded. Nothing was sent.")
        self.dismiss()


async def composed(
    app: TriageApp, detail: CaseDetail, begun: Written, holds: list[object] | None = None
) -> Written | None:
    """What the officer writes, kept in the store at every pause and at the end; None when the writing was left.

    With `holds`, keys wait until the review is there: what is typed too fast does nothing on the screen below.
    """
    case_id = detail.row.id
    audience: dict[str, Any] = {"private": begun.private, "files": begun.files, "places": begun.places}

    def keep(text: str) -> None:
        work = partial(app.write, drafts.keep, app.desk, case_id, OutboxKind.REPLY, text, **audience)
        app.in_background(work, "draft", "keeping what was written")

    def keep_last(text: str) -> None:
        # The program ends, and its workers with it: some milliseconds of waiting harm nobody now.
        with contextlib.suppress(SocialTriageError):
            drafts.keep(app.desk, case_id, OutboxKind.REPLY, text, **audience)

    screen = Compose(app, detail, begun, keep, keep_last)
    answer = await app.ask(screen, holds)
    if answer is None:
        return None
    await app.write(drafts.keep, app.desk, case_id, OutboxKind.REPLY, answer, **audience)
    return replace(screen.result, text=answer)
