"""What goes on behind the screens: polling, sending, and noticing that the store changed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from socialtriage.domain.errors import Refused, StoreError
from socialtriage.domain.models import OutboxState
from socialtriage.services import inbox
from socialtriage.ui import words
from socialtriage.ui.board import WAITING, read_board

if TYPE_CHECKING:
    from socialtriage.services.incidents import Statement
    from socialtriage.services.outbox import Outcome
    from socialtriage.services.replies import ReplyDraft, Wishes
    from socialtriage.services.reply_rules import Rules
    from socialtriage.services.sync import PollResult
    from socialtriage.ui.app import TriageApp

WATCH = 0.5
"""Seconds between looks at the store's version."""
COUNTDOWN = 1.0
"""Seconds between two words of a countdown."""
TOLD_FOR = 4.0
"""Seconds that the header says what a poll brought."""


class Engine(Protocol):
    """Polls and sends. `ui.engine` has the one that really does."""

    async def run(
        self, report: Callable[[PollResult], None], sent: Callable[[Outcome], None], state: Callable[[str], None]
    ) -> None:
        """Poll and send until cancelled; `state` hears who polls when it is not us."""
        ...

    def poll_now(self) -> bool:
        """Poll every account now; False when that is not ours to do."""
        ...

    async def retry(self, row_id: int, *, anyway: bool = False) -> Outcome:
        """Try a row again; an unknown one is looked up at its source first. Raises `Refused`."""
        ...

    async def check(self, row_id: int) -> Outcome:
        """Ask the source whether a row whose answer was lost arrived; nothing is sent. Raises `Refused`."""
        ...

    async def draft_reply(
        self, case_id: int, text: str, *, private: bool = False, wishes: Wishes | None = None
    ) -> ReplyDraft:
        """A reply as the account's network would take it. Raises `Refused` with the reason when it would not."""
        ...

    async def reply_rules(self, case_id: int, *, private: bool = False, message: int | None = None) -> Rules:
        """How the network counts an answer, and until when it takes one. Raises `Refused` where it cannot be given."""
        ...


@runtime_checkable
class Speaks(Protocol):
    """An engine that can say how a statement would be on accounts."""

    async def statements(self, text: str, variants: Mapping[str, str], accounts: Sequence[str] = ()) -> list[Statement]:
        """What would be said on each account, or on every one. Raises `Refused`, `NotFound`."""
        ...


class Background:
    """The workers and timers of one run. Nothing here touches a widget from a thread."""

    def __init__(self, app: TriageApp, make_engine: Callable[[], Engine] | None) -> None:
        self._app, self._make_engine = app, make_engine
        self._engine: Engine | None = None
        self._version = -1
        self._reading = False
        self._told = 0
        self._elsewhere = ""

    def start(self) -> None:
        """Begin; called once, after the first frame."""
        gc.collect()
        gc.freeze()
        gc.enable()
        app = self._app
        app.in_background(partial(asyncio.to_thread, app.desk.prepare), "calendar", "reading the calendar")
        self._watch()
        app.set_interval(WATCH, self._watch)
        app.set_interval(COUNTDOWN, self._count_down)
        if self._make_engine is not None:
            self._engine = self._make_engine()
            work = partial(self._engine.run, self._polled, self.tell, self._polls_elsewhere)
            app.in_background(work, "engine", "polling and sending")

    # --- the store changed --------------------------------------------------------------------------------

    def _watch(self) -> None:
        try:
            version = inbox.data_version(self._app.desk)
        except StoreError as error:
            self._app.say_error(error)
            return
        if version != self._version and not self._reading:
            first, self._version = self._version == -1, version
            self._reading = True
            self._app.in_background(partial(self._read, renew=not first), "board", "counting")

    async def _read(self, *, renew: bool) -> None:
        try:
            self._app.board = await asyncio.to_thread(read_board, self._app.desk)
        finally:
            self._reading = False
        if renew:
            self._app.renew()
        self._app.refresh_bars()
        if renew and self._app.session.at_work:
            from socialtriage.ui.withdrawing import withdraw

            work = partial(withdraw, self._app)
            self._app.in_background(work, "withdrawing", "closing what is not to be seen", exclusive=False)

    # --- polling ------------------------------------------------------------------------------------------

    def poll_now(self) -> bool:
        """Ask for a pass over every account; False when nothing polls here."""
        if self._engine is None or not self._engine.poll_now():
            return False
        self._tell_polling("polling …")
        return True

    def _polled(self, result: PollResult) -> None:
        if result.error:
            self._tell_polling(f"{result.account}: an error")
        elif result.new or result.updated:
            self._tell_polling(f"{words.many(result.new, 'new', 'new')} from {result.account}")
        elif not self._told:
            self._tell_polling("polled, nothing new")

    def _polls_elsewhere(self, who: str) -> None:
        self._elsewhere = "another desk polls" if who else ""
        self._app.polling = self._elsewhere
        self._app.refresh_bars()

    def _tell_polling(self, text: str) -> None:
        self._told += 1
        self._app.polling = text
        self._app.set_timer(TOLD_FOR, self._hush)
        self._app.refresh_bars()

    def _hush(self) -> None:
        self._told -= 1
        if not self._told:
            self._app.polling = self._elsewhere
            self._app.refresh_bars()

    # --- sending ------------------------------------------------------------------------------------------

    def _count_down(self) -> None:
        if any(row.state in WAITING for row in self._app.board.outbox):
            self._app.refresh_bars()

    def tell(self, outcome: Outcome) -> None:
        """Say how a row ended."""
        row = next((row for row in self._app.board.outbox if row.id == outcome.row_id), None)
        what = f"{row.kind} {row.ref or ''} to {row.to}" if row else f"row {outcome.row_id}"
        if outcome.state is OutboxState.SENT:
            self._app.say(f"Sent: {what}. {outcome.notice or ''}".strip())
            return
        state = "Will be tried again" if outcome.state is OutboxState.QUEUED else words.OUTBOX[outcome.state]
        self._app.say(f"{state.capitalize()}: {what}. {outcome.error or ''}".strip(), "$alarm", toast=True)

    async def retry(self, row_id: int, *, anyway: bool = False) -> None:
        """Try a row again because an officer said so. Raises `Refused`."""
        if self._engine is None:
            raise Refused("Nothing is sent from here.", hint="Use: socialtriage outbox retry.")
        self.tell(await self._engine.retry(row_id, anyway=anyway))

    async def check(self, row_id: int) -> None:
        """Ask the source for a row whose answer was lost. Raises `Refused`."""
        if self._engine is None:
            raise Refused("Nothing is sent from here.", hint="Use: socialtriage outbox check.")
        self.tell(await self._engine.check(row_id))

    async def draft_reply(self, case_id: int, text: str, wishes: Wishes) -> ReplyDraft:
        """A reply as it would leave. Raises `Refused`, `UsageError` with the reason when it cannot."""
        if self._engine is None:
            raise Refused("Nothing is sent from here.", hint="Use: socialtriage reply.")
        return await self._engine.draft_reply(case_id, text, private=wishes.private, wishes=wishes)

    async def draft_replies(
        self, case_id: int, text: str, wishes: Wishes, messages: Sequence[int]
    ) -> tuple[ReplyDraft, ...]:
        """A reply to each of some messages of a case, or to the newest. Raises as `draft_reply` does."""
        from socialtriage.services import reply_everywhere

        make = partial(self.draft_reply, case_id, text)
        return await reply_everywhere.each_of(self._app.desk, case_id, make, wishes, messages)

    async def statements(self, text: str, variants: Mapping[str, str], accounts: Sequence[str] = ()) -> list[Statement]:
        """What would be said on accounts. Raises `Refused`, `NotFound`."""
        engine: object = self._engine
        if not isinstance(engine, Speaks):
            raise Refused("Nothing is sent from here.", hint="Use: socialtriage incident new.")
        return await engine.statements(text, variants, accounts)

    async def reply_rules(self, case_id: int, *, private: bool, message: int | None = None) -> Rules:
        """What holds for the answer to a case, or to one message of it. Raises `Refused` where it cannot be given."""
        if self._engine is None:
            raise Refused("Nothing is sent from here.", hint="Use: socialtriage reply.")
        return await self._engine.reply_rules(case_id, private=private, message=message)
