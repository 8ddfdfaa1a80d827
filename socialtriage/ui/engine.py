"""Polling and sending behind the screens: `services.polling` run by an open inbox. Imported after the first frame."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from socialtriage.domain.errors import Refused, StoreError
from socialtriage.services import answerbox
from socialtriage.services.outbox import Outcome, Sender
from socialtriage.services.polling import Polling
from socialtriage.services.sync import Poller, PollResult

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk
    from socialtriage.services.incidents import Statement
    from socialtriage.services.replies import ReplyDraft, Wishes
    from socialtriage.services.reply_rules import Rules
    from socialtriage.services.secrets import SecretStore

TRY_AGAIN = 20.0
"""Seconds until the lease is asked for again while another desk polls."""


class DeskEngine:
    """One process's polling and sending. While another desk polls, this one only sends."""

    def __init__(self, desk: Desk, secrets: SecretStore) -> None:
        self._desk, self._secrets = desk, secrets
        self._polling: Polling | None = None
        self.polls = False
        """Whether this process has the lease."""

    async def run(
        self, report: Callable[[PollResult], None], sent: Callable[[Outcome], None], state: Callable[[str], None]
    ) -> None:
        """Poll and send until cancelled; `state` hears who polls when it is not us."""
        poller = Poller(self._desk, self._secrets)
        polling = self._polling = Polling(self._desk, poller, Sender(self._desk, self._secrets, poller))
        try:
            while True:
                try:
                    await asyncio.to_thread(polling.take_lease)
                except StoreError:
                    # The store is busy, which says nothing of other desks.
                    await self._only_send(polling, sent)
                    continue
                except Refused as why:
                    state(why.message)
                    await self._only_send(polling, sent)
                    continue
                self.polls = True
                state("")
                await polling.forever(answerbox.polled(self._desk), report, sent)
        finally:
            if self.polls:
                with contextlib.suppress(StoreError):
                    self._desk.store.leases.give_back("poll")
            self._polling = None
            await poller.aclose()

    async def _only_send(self, polling: Polling, sent: Callable[[Outcome], None]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRY_AGAIN):
                await polling.send_when_due(sent)

    def poll_now(self) -> bool:
        """Poll every account now; False while another desk does."""
        if self._polling is None or not self.polls:
            return False
        self._polling.poll_now()
        return True

    async def draft_reply(
        self, case_id: int, text: str, *, private: bool = False, wishes: Wishes | None = None
    ) -> ReplyDraft:
        """A reply as the account's network would take it. Raises `Refused` with the reason when it would not."""
        from socialtriage.services import replies

        if self._polling is None:
            raise Refused("Sending has not begun yet.", hint="Try again in a moment.")
        return await replies.draft(self._desk, self._polling.poller, case_id, text, private=private, wishes=wishes)

    async def reply_rules(self, case_id: int, *, private: bool = False, message: int | None = None) -> Rules:
        """How the network counts an answer, and until when it takes one. Raises `Refused` where it cannot be given."""
        from socialtriage.services import reply_rules

        if self._polling is None:
            raise Refused("Sending has not begun yet.", hint="Try again in a moment.")
        return await reply_rules.rules(self._desk, self._polling.poller, case_id, private=private, message=message)

    async def statements(self, text: str, variants: Mapping[str, str], accounts: Sequence[str] = ()) -> list[Statement]:
        """What would be said on accounts. Raises `Refused`, `NotFound`."""
        from socialtriage.services import incidents

        if self._polling is None:
            raise Refused("Sending has not begun yet.", hint="Try again in a moment.")
        return await incidents.statements(self._desk, self._polling.poller, text, variants, accounts)

    async def check(self, row_id: int) -> Outcome:
        """Ask the source whether a row whose answer was lost arrived; nothing is sent. Raises `Refused`."""
        if self._polling is None:
            raise Refused("Sending has not begun yet.", hint="Try again in a moment.")
        return await self._polling.sender.check_at_source(row_id)

    async def retry(self, row_id: int, *, anyway: bool = False) -> Outcome:
        """Try a row again; an unknown one is looked up at its source first. Raises `Refused`."""
        if self._polling is None:
            raise Refused("Sending has not begun yet.", hint="Try again in a moment.")
        return await self._polling.sender.retry(row_id, anyway=anyway)
