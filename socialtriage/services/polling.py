"""Polling and sending together, with the lease that lets one process poll: `poll` and the open inbox run this."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import Refused, SocialTriageError, StoreError
from socialtriage.domain.times import parse_every, utc_now
from socialtriage.services import bridging, triage
from socialtriage.services.desk import Desk
from socialtriage.services.fetching import Fetcher
from socialtriage.services.outbox import Outcome, Sender
from socialtriage.services.sync import ANSWERED, REREAD_YOUNG, Poller, PollResult

log = logging.getLogger(__name__)

LEASE = "poll"
LEASE_SECONDS = 90.0
RENEW = 30.0
TICK = 1.0
"""Seconds between looks at the outbox and at snoozes that end."""
LOOK_FOR_FILES = 5.0
"""Seconds between looks for files of messages that can be fetched."""
LOOK_AT_BRIDGES = 60.0
"""Seconds between looks for handoffs in other systems that may be asked about again."""
LOOK_AT_LIVE = 5.0
"""Seconds between looks whether somebody follows a post of an account that rests."""
LONGEST_PAUSE = 86_400.0
"""Seconds until the next pass at most, where the account's own interval is not longer."""


class Polling:
    """Keeps the desk up to date for as long as it runs."""

    def __init__(self, desk: Desk, poller: Poller, sender: Sender) -> None:
        self.desk = desk
        self.poller = poller
        self.sender = sender
        self.fetcher = Fetcher(desk, poller)
        self.wake = asyncio.Event()
        self._ours = asyncio.Event()

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
            # Where the store is busy it stays: this process is gone in a moment, and then it counts no more.
            with contextlib.suppress(StoreError):
                self.desk.store.leases.give_back(LEASE)

    def poll_now(self) -> None:
        """Poll every account now instead of at its next time."""
        self.wake.set()
        self.wake.clear()

    async def once(
        self, accounts: Sequence[AccountConfig], *, reread: bool, report: Callable[[PollResult], None]
    ) -> list[PollResult]:
        """One pass over accounts, what is due in the outbox, then the files of messages."""
        keeper = asyncio.create_task(self._keep_lease())
        try:
            results = await self.poller.once(accounts, reread=reread, report=report)
            await asyncio.to_thread(triage.wake, self.desk)
            with contextlib.suppress(Refused):
                await self.sender.run()
            await self.fetcher.run(accounts)
            await bridging.watch(self.desk, self.poller.secrets, self.poller.http)
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
        """Poll at each account's pace and send what becomes due, until cancelled. Call it with the lease."""
        self._ours.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_lease())
                group.create_task(self._poll_all(accounts, report))
                group.create_task(self.send_when_due(sent))
                group.create_task(self._fetch_files(accounts))
                group.create_task(self._watch_bridges())
        except BaseExceptionGroup as group_error:
            # What ended one of them ends all: the reader of a pipe that went away, for one.
            raise _first(group_error) from None

    async def _poll_all(self, accounts: Sequence[AccountConfig], report: Callable[[PollResult], None]) -> None:
        async with asyncio.TaskGroup() as group:
            for account in accounts:
                group.create_task(self._poll(account, report))

    async def _poll(self, account: AccountConfig, report: Callable[[PollResult], None]) -> None:
        """Poll one account at its own pace. While another desk polls, this one waits."""
        while True:
            await self._ours.wait()
            report((await self.poller.once([account], young_after=REREAD_YOUNG))[0])
            if account.paused:
                return
            # Without the jitter forty accounts would knock at the same second for ever.
            pause = await asyncio.to_thread(self._pause, account)
            await self._rest_unless_followed(account, pause * random.uniform(0.9, 1.1))  # noqa: S311

    def _pause(self, account: AccountConfig) -> float:
        """Seconds until the account's next pass."""
        pause = parse_every(account.every).total_seconds()
        if (hurried := self._hurried(account)) is not None:
            return hurried
        try:
            record = self.desk.store.accounts.get(account.id)
        except StoreError:
            return pause
        if record is None or record.next_poll_at is None:
            return pause
        # A clock that was set back must not keep an account waiting for longer than a server may ask it to.
        return min(max(1.0, (record.next_poll_at - self.desk.clock()).total_seconds()), max(pause, LONGEST_PAUSE))

    async def _rest_unless_followed(self, account: AccountConfig, seconds: float) -> None:
        """Rest until the next pass, or until somebody begins to follow a post of the account."""
        clock = asyncio.get_running_loop().time
        end, due = clock() + seconds, utc_now() + timedelta(seconds=seconds)
        while (left := end - clock()) > 0:
            if await self._rest(min(left, LOOK_AT_LIVE)):
                return
            # While a computer sleeps the loop's clock may stand still: the calendar's tells that the rest is over.
            if utc_now() > due:
                return
            hurried = await asyncio.to_thread(self._hurried, account)
            if hurried is not None and hurried < end - clock():
                return

    def _hurried(self, account: AccountConfig) -> float | None:
        """Every how many seconds the account is to be read now; None at its own pace, or at its server's word."""
        try:
            hurried = self.desk.store.live.hurried(account.id, utc_now())
            record = self.desk.store.accounts.get(account.id) if hurried is not None else None
        except StoreError:
            return None
        return hurried if record is None or record.state in ANSWERED else None

    async def _rest(self, seconds: float) -> bool:
        """Whether the rest was ended by a word to poll now."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.wake.wait()
        return False

    async def send_when_due(self, sent: Callable[[Outcome], None]) -> None:
        """Send rows as their undo windows and back-offs end, and wake snoozed cases, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(triage.wake, self.desk)
                if await asyncio.to_thread(self.sender.pending):
                    for outcome in await self.sender.run():
                        sent(outcome)
            except SocialTriageError as exc:
                log.info("outbox: %s", exc)
            await asyncio.sleep(TICK)

    async def _fetch_files(self, accounts: Sequence[AccountConfig]) -> None:
        """Fetch files as messages bring them, until cancelled. While another desk polls, it does this too."""
        while True:
            await self._ours.wait()
            await self.fetcher.run(accounts, patient=True)
            await asyncio.sleep(LOOK_FOR_FILES)

    async def _watch_bridges(self) -> None:
        """Ask other systems how far handoffs are, until cancelled."""
        while True:
            await self._ours.wait()
            with contextlib.suppress(StoreError):
                await bridging.watch(self.desk, self.poller.secrets, self.poller.http)
            await asyncio.sleep(LOOK_AT_BRIDGES)

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            try:
                await asyncio.to_thread(self.take_lease)
                self._ours.set()
            except Refused as exc:
                # A computer that slept may find that another desk took over: it polls now, and we do when it stops.
                log.warning("%s", exc)
                self._ours.clear()
            except SocialTriageError as exc:
                log.warning("%s", exc)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
