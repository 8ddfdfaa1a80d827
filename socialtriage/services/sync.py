"""Polling: every account in its own task with its own budget, the same code for `poll` and the open inbox."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from socialtriage.channels.base import Channel, ChannelContext
from socialtriage.channels.http import Budget, Http
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import (
    AuthError,
    CeilingReached,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
    SecretError,
    SocialTriageError,
    StoreError,
    Unavailable,
)
from socialtriage.domain.models import AccountState, Gap, Health, Page
from socialtriage.domain.times import iso, parse_every
from socialtriage.services import allowances, answerbox, catchup, gaps
from socialtriage.services import health as health_of
from socialtriage.services.desk import Desk, ca_file_of
from socialtriage.services.intake import SYSTEM, take_in
from socialtriage.services.known import StoreKnown
from socialtriage.services.renewing import alone
from socialtriage.services.taken import TakenIn
from socialtriage.services.tidying import Tidying
from socialtriage.store.accounts import AccountRecord
from socialtriage.store.log import NewEvent

if TYPE_CHECKING:
    from socialtriage.services.secrets import SecretStore

log = logging.getLogger(__name__)
T = TypeVar("T")

YOUNG = timedelta(days=2)
"""Messages of open cases younger than this are read again often."""
REREAD_YOUNG = timedelta(minutes=15)
REREAD_OLD = timedelta(days=1)
REREAD_BATCH = 200
CHECK_EVERY = timedelta(hours=6)
GOOD = (AccountState.OK, AccountState.LOGIN_EXPIRING, AccountState.PAUSED)
_NOTHING = (Page(), Page(unfinished=True))
ANSWERED = (AccountState.OK, AccountState.LOGIN_EXPIRING, AccountState.SILENT)


@dataclass(slots=True)
class PollResult:
    """How one pass over one account ended: a line of `poll --json`."""

    account: str
    network: str
    state: AccountState = AccountState.OK
    new: int = 0
    updated: int = 0
    gap: Gap | None = None
    requests: int = 0
    seconds: float = 0.0
    error: str | None = None
    detail: str = ""
    behind: datetime | None = None
    """The last good poll before a long rest, when this pass had one to catch up with."""
    whole: bool = False
    """The walk came to its end: nothing is left for the next pass."""
    allowance: str | None = None
    """What the network's answers said of what it still allows, as the store keeps it."""

    @property
    def good(self) -> bool:
        """Whether the exit status stays 0."""
        return self.state in GOOD


def state_of(error: SocialTriageError) -> AccountState:
    """What an error means for the account."""
    if isinstance(error, AuthError | NotPermitted | SecretError):
        return AccountState.LOGIN_NEEDED
    if isinstance(error, RateLimited):
        return AccountState.RATE_LIMITED
    if isinstance(error, CeilingReached):
        return AccountState.PAUSED
    if isinstance(error, Misconfigured | Rejected):
        return AccountState.MISCONFIGURED
    return AccountState.UNREACHABLE


class Poller:
    """Polls accounts. One object a process; `aclose` it at the end."""

    def __init__(self, desk: Desk, secrets: SecretStore, http: Http | None = None) -> None:
        self._desk = desk
        self._secrets = secrets
        self.http = http or Http(ca_file=ca_file_of(desk))
        self._checked: dict[str, float] = {}
        self._notices: dict[str, tuple[str, ...]] = {}
        # Blocking SQLite work has a thread of its own, so that slow IMAP or keyring threads never hold it up.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._tidying = Tidying(desk.store)

    @property
    def secrets(self) -> SecretStore:
        """The keyring that accounts' logins are in."""
        return self._secrets

    async def aclose(self) -> None:
        """Close connections and threads."""
        await self.http.aclose()
        self._writer.shutdown(wait=True)
        self._tidying.close()

    async def _store(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, lambda: work(*args, **kwargs))

    def channel(self, account: AccountConfig, budget: Budget) -> Channel:
        """A channel of an account. Raises `Misconfigured`."""
        return answerbox.create(self.context(account, budget))

    def context(self, account: AccountConfig, budget: Budget) -> ChannelContext:
        """What a channel, or a sign-in, of an account works with."""
        from socialtriage.services.secrets import AccountSecret
        from socialtriage.services.spending import StoreLedger

        return ChannelContext(
            account=account,
            secret=AccountSecret(self._secrets, account.id),
            http=self.http,
            budget=budget,
            known=StoreKnown(self._desk, account.id),
            clock=self._desk.clock,
            ca_file=ca_file_of(self._desk),
            own_addresses=own_addresses(self._desk),
            alone=lambda: alone(self._desk, account.id),
            ledger=StoreLedger(self._desk),
        )

    # --- one pass -----------------------------------------------------------------------------------------

    async def once(
        self,
        accounts: Sequence[AccountConfig],
        *,
        reread: bool = False,
        young_after: timedelta = timedelta(0),
        report: Callable[[PollResult], None] | None = None,
    ) -> list[PollResult]:
        """One pass over accounts, all at once; `report` is told as each one ends.

        `reread`: look at every message of every open case; otherwise at young ones not looked at for `young_after`.
        """

        async def one(account: AccountConfig) -> PollResult:
            result = await self._account(account, reread=reread, young_after=young_after)
            if report is not None:
                report(result)
            return result

        return list(await asyncio.gather(*(one(account) for account in accounts)))

    async def _account(self, account: AccountConfig, *, reread: bool, young_after: timedelta) -> PollResult:
        result = PollResult(account.id, self._desk.network_of(account))
        started = time.monotonic()
        if account.paused:
            result.state = AccountState.PAUSED
            return await self._noted(account, result, None, None)
        budget = Budget(parse_every(account.budget).total_seconds())
        retry_at: datetime | None = None
        health: Health | None = None
        try:
            await self._store(self._ensure, account)
            channel = self.channel(account, budget)
            try:
                await self._walk(channel, account, budget, result)
                health = await self._health(channel, account, budget)
                await self._reread(channel, account, budget, result, everything=reread, young_after=young_after)
            finally:
                await channel.aclose()
        except StoreError as exc:
            result.state, result.error = AccountState.UNREACHABLE, str(exc)
            result.requests, result.seconds = budget.requests, round(time.monotonic() - started, 3)
            return result
        except SocialTriageError as exc:
            log.info("account %s: %s", account.id, exc, exc_info=True)
            result.state, result.error = state_of(exc), str(exc)
            retry_at = exc.retry_at if isinstance(exc, RateLimited) else None
        except TimeoutError:
            result.state, result.error = AccountState.UNREACHABLE, f"No answer within {account.budget}."
        except Exception as exc:
            # A fault of one channel must not stop the others; the trace is in the log file.
            log.exception("account %s", account.id)
            result.state = AccountState.UNREACHABLE
            result.error = f"This account could not be read because of a fault in socialtriage ({type(exc).__name__})."
        result.requests, result.seconds = budget.requests, round(time.monotonic() - started, 3)
        result.allowance = allowances.stored(budget.allowances.tightest, self._desk.clock())
        return await self._noted(account, result, health, retry_at)

    async def _noted(
        self, account: AccountConfig, result: PollResult, health: Health | None, retry_at: datetime | None
    ) -> PollResult:
        """Write down how a pass ended. A store that is full or busy is said, and ends nothing."""
        try:
            await self._store(self._record, account, result, health, retry_at)
        except StoreError as exc:
            if result.state is not AccountState.PAUSED:
                result.state = AccountState.UNREACHABLE
            result.error = f"{result.error} {exc}" if result.error else str(exc)
        return result

    async def _health(self, channel: Channel, account: AccountConfig, budget: Budget) -> Health | None:
        """Look around, when it was not done for a while. After the walk: on a slow server the messages come first."""
        last = self._checked.get(account.id)
        record = await self._store(self._desk.store.accounts.get, account.id)
        known_good = record is not None and record.state in (*GOOD, AccountState.SILENT) and record.identity is not None
        if known_good and last is not None and time.monotonic() - last < CHECK_EVERY.total_seconds():
            return None
        if budget.left < 1:
            return None
        try:
            async with asyncio.timeout(budget.left):
                health = await channel.check()
        except (TimeoutError, Unavailable):
            if budget.left > 0.5:
                raise
            return None
        self._checked[account.id] = time.monotonic()
        self._notices[account.id] = health.notices
        return health

    async def _walk(self, channel: Channel, account: AccountConfig, budget: Budget, result: PollResult) -> None:
        record: AccountRecord | None = await self._store(self._desk.store.accounts.get, account.id)
        cursor = record.cursor if record else None
        since: datetime = await self._store(gaps.look_back, self._desk, account, cursor)
        result.behind = await self._store(catchup.begin, self._desk, account, record)
        pages = channel.fetch(cursor, since)
        done, unfinished = 0, False
        notices: dict[str, None] = {}
        try:
            async for page in _within(pages, budget):
                done += 1
                unfinished = unfinished or page.unfinished
                if page in _NOTHING:
                    continue
                taken: TakenIn = await self._store(answerbox.take_in, self._desk, account, page)
                self._tidying.took(len(page.items))
                result.new += taken.new
                result.updated += taken.updated
                result.gap = page.gap or result.gap
                notices.update(dict.fromkeys(page.notices))
        except (TimeoutError, Unavailable):
            if not done or budget.left > 0.5:
                raise
            notices[f"Not finished within {account.budget}; the next pass goes on from there."] = None
        else:
            result.whole = not unfinished
            if result.whole and result.gap is None and record is not None and record.refill_since is not None:
                await self._store(gaps.filled, self._desk, account, record.refill_since)
        result.detail = " ".join(notices)

    async def _reread(
        self,
        channel: Channel,
        account: AccountConfig,
        budget: Budget,
        result: PollResult,
        *,
        everything: bool,
        young_after: timedelta,
    ) -> None:
        """Look again at messages of open cases: the young often, the older daily, all of them when asked to."""
        if not channel.capabilities.reread:
            return
        now = self._desk.clock()
        epoch = now - timedelta(days=36_500)
        spans = [(epoch, now)] if everything else [(now - YOUNG, now - young_after), (epoch, now - REREAD_OLD)]
        seen: set[int] = set()
        for young_since, before in spans:
            while budget.left > 1:
                due = await self._store(
                    self._desk.store.messages.to_reread,
                    account.id,
                    young_since=young_since,
                    before=before,
                    limit=REREAD_BATCH,
                )
                due = [(i, ref) for i, ref in due if i not in seen]
                if not due:
                    break
                seen.update(i for i, _ in due)
                try:
                    async with asyncio.timeout(budget.left):
                        found = await channel.reread([ref for _, ref in due])
                except (TimeoutError, Unavailable):
                    if budget.left > 0.5:
                        raise
                    result.detail = f"{result.detail} Not every message could be read again within {account.budget}."
                    return
                page = Page(items=found.items, gone=found.gone)
                taken: TakenIn = await self._store(take_in, self._desk, account, page)
                result.updated += taken.updated
                await self._store(self._checked_now, [i for i, _ in due])

    # --- what is written ----------------------------------------------------------------------------------

    def _checked_now(self, message_ids: list[int]) -> None:
        now = self._desk.clock()
        with self._desk.store.transaction(SYSTEM, now, durable=False) as tx:
            tx.messages.checked(message_ids, now)

    def _ensure(self, account: AccountConfig) -> None:
        if self._desk.store.accounts.get(account.id) is None:
            with self._desk.store.transaction(SYSTEM, self._desk.clock(), durable=False) as tx:
                tx.accounts.ensure(account.id, self._desk.network_of(account), account.handle or account.user or "")

    def _record(
        self, account: AccountConfig, result: PollResult, health: Health | None, retry_at: datetime | None
    ) -> None:
        """State, times and what signing in showed; a change of state is an event."""
        desk, now = self._desk, self._desk.clock()
        self._ensure(account)
        old = desk.store.accounts.get(account.id)
        expires = health.expires_at if health else (old.login_expires_at if old else None)
        result.state, beyond = health_of.state_beyond(desk, account, result.state, expires)
        shown = [notice for notice in self._notices.get(account.id, ()) if notice not in result.detail]
        values: dict[str, Any] = {
            "state": result.state,
            "detail": result.error or " ".join(filter(None, [beyond, result.detail, *shown])),
            "last_poll_at": now,
            "next_poll_at": health_of.retry(account, retry_at, now)
            if retry_at
            else health_of.next_poll(account, old, result.new, now),
            "requests": result.requests,
            "seconds": result.seconds,
        }
        if result.state in ANSWERED:
            values["last_ok_at"] = now
        if result.whole:
            values["behind_since"] = None
        if result.whole or result.gap is not None:
            values["refill_since"] = None
        if result.requests:
            values["allowance"] = result.allowance
        if health is not None:
            values |= {"identity": health.identity, "handle": health.handle, "login_expires_at": health.expires_at}
        with desk.store.transaction(SYSTEM, now, durable=False) as tx:
            tx.accounts.update(account.id, **values)
            if old is not None and old.state is not result.state:
                tx.log(NewEvent("account.state", detail={"account": account.id, "from": old.state, "to": result.state}))
            if result.whole and result.behind is not None:
                tx.log(NewEvent("account.caught_up", detail={"account": account.id, "since": iso(result.behind)}))
            if days := health_of.expiry_step(expires, old.last_poll_at if old else None, now):
                tx.log(NewEvent("account.expiring", detail={"account": account.id, "days": days}))


def own_addresses(desk: Desk) -> tuple[str, ...]:
    """Addresses that the desk writes from: mail from them is our own."""
    from socialtriage.mail.address import Mailbox

    return (Mailbox.parse(desk.config.mail.from_).address,) if desk.config.mail.from_ else ()


async def _within(pages: AsyncIterator[Page], budget: Budget) -> AsyncIterator[Page]:
    """Pages as long as the budget lasts. Raises `TimeoutError` when it is used up."""
    try:
        while True:
            async with asyncio.timeout(budget.left):
                page = await anext(pages, None)
            if page is None:
                return
            yield page
            if budget.left <= 0:
                raise TimeoutError
    finally:
        close: Callable[[], Awaitable[None]] | None = getattr(pages, "aclose", None)
        if close is not None:
            with contextlib.suppress(Exception):
                await close()
