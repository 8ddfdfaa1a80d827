"""Polling and sending together, with the lease that lets one process poll: `poll` and the open inbox run this."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence

from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import Refused, SocialTriageError
from socialtriage.domain.times import utc_now
from socialtriage.services import triage
from socialtriage.services.desk import Desk
from socialtriage.services.outbox import Outcome, Sender
from socialtriage.services.sync import Poller, PollResult

log = logging.getLogger(__name__)

LEASE = "poll"
LEASE_SECONDS = 90.0
RENEW = 30.0
TICK = 1.0
"""Seconds between looks at the outbox and at snoozes that end."""


class Polling:
    """Keeps the desk up to date for as long as it runs."""

    def __init__(self, desk: Desk, poller: Poller, sender: Sender) -> None:
        self.desk = desk
        self.poller = poller
        self.sender = sender
        self.wake = asyncio.Event()

    def take_lease(self) -> None:
        """Become the one process that polls, or stay it. Raises `Refused` naming who is."""
        holder = self.desk.store.leases.take(LEASE, self.desk.officer, utc_now(), LEASE_SECONDS)
        if holder is not None:
            raise Refused(
                f"{holder.officer}'s desk on {holder.host} polls already (process {holder.pid}).",
                hint="One polls for all; everybody sees what arrives.",
            )

    @contextlib.contextmanager
    def lease(self) -> Iterator[None]:
        """The polling lease, given back at the end. Raises `Refused`."""
        self.take_lease()
        try:
            yield
        finally:
            self.desk.store.leases.give_back(LEASE)

    def poll_now(self) -> None:
        """Poll every account now instead of at its next time."""
        self.wake.set()
        self.wake.clear()

    async def once(
        self, accounts: Sequence[AccountConfig], *, reread: bool, report: Callable[[PollResult], None]
    ) -> list[PollResult]:
        """One pass over accounts, then what is due in the outbox."""
        keeper = asyncio.create_task(self._keep_lease())
        try:
            results = await self.poller.once(accounts, reread=reread, report=report)
            await asyncio.to_thread(triage.wake, self.desk)
            with contextlib.suppress(Refused):
                await self.sender.run()
        finally:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        return results

    async def forever(
        self,
        accounts: Sequence[AccountConfig],
        report: Callable[[PollResult], None],
        sent: Callable[[Outcome], None],
    ) -> None:
        """Poll at each account's pace and send what becomes due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_lease())
            group.create_task(self.poller.run(accounts, report, self.wake))
            group.create_task(self.send_when_due(sent))

    async def send_when_due(self, sent: Callable[[Outcome], None]) -> None:
        """Send rows as their undo windows and back-offs end, and wake snoozed cases, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(triage.wake, self.desk)
                if await asyncio.to_thread(self._anything_due):
                    for outcome in await self.sender.run():
                        sent(outcome)
            except SocialTriageError as exc:
                log.info("outbox: %s", exc)
            await asyncio.sleep(TICK)

    def _anything_due(self) -> bool:
        due = self.desk.store.outbox.next_due()
        return due is not None and due <= self.desk.clock()

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            try:
                await asyncio.to_thread(self.take_lease)
            except SocialTriageError as exc:
                # A laptop that slept may find that another desk took over; it goes on, and so do we when it stops.
                log.warning("%s", exc)
