"""Forty accounts and one process: nobody starves another, and the pace follows what arrives, between its bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.channels.base import Channel
from socialtriage.domain.errors import RateLimited
from socialtriage.domain.models import AccountState, Capabilities, Health, Incoming, Page, Reread, StoredRef
from socialtriage.domain.times import parse_every, utc_now
from socialtriage.services import answerbox, health, polling
from socialtriage.services.desk import Desk
from socialtriage.services.outbox import Sender
from socialtriage.services.polling import Polling
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller, PollResult
from socialtriage.store.accounts import AccountRecord
from tests.doubles.desk import MONDAY, FrozenClock, message, small_desk


class Stream:
    """A channel with so many pages, or one that fails at once."""

    capabilities = Capabilities()

    def __init__(self, account: str, pages: int, fault: Exception | None = None) -> None:
        self.account, self.pages, self.fault = account, pages, fault
        self.handed = 0

    async def check(self) -> Health:
        return Health("anytown@social.example", "@anytown")

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        if self.fault is not None:
            raise self.fault
        for number in range(self.pages):
            self.handed += 1
            yield Page(items=tuple(self._items(number)), cursor=str(number))

    def _items(self, page: int) -> Iterator[Incoming]:
        for n in range(10):
            name = f"{self.account} {page} {n}"
            yield message(f"Message {name}", name, at=MONDAY - timedelta(minutes=n), author=f"Person {name}")

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        return Reread()

    async def aclose(self) -> None:
        pass


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(MONDAY)


@pytest.fixture
def desk(tmp_path: Path, clock: FrozenClock) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=clock)
    yield desk
    desk.close()


def test_an_account_with_a_long_backlog_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = [desk.account("town-mastodon"), desk.account("leisure"), desk.account("mailbox")]
    channels = {"town-mastodon": Stream("long", 60), "leisure": Stream("short", 1), "mailbox": Stream("third", 2)}
    monkeypatch.setattr(answerbox, "create", lambda ctx: cast("Channel", channels[ctx.account.id]))
    done: list[str] = []
    seen: dict[str, int] = {}

    def report(result: PollResult) -> None:
        done.append(result.account)
        seen[result.account] = channels["town-mastodon"].handed

    async def story() -> list[PollResult]:
        poller = Poller(desk, SecretStore(desk.config.keyring))
        try:
            return await poller.once(accounts, report=report)
        finally:
            await poller.aclose()

    results = asyncio.run(story())
    assert done == ["leisure", "mailbox", "town-mastodon"]
    # Page by page in turn: the others wait for a page or two of the long one each, and no longer.
    assert seen["leisure"] < 12
    assert seen["mailbox"] < 20
    assert [result.new for result in results] == [600, 10, 20]


@pytest.mark.parametrize(("asked", "waits"), [(1, 30), (45, 45), (7200, 7200)])
def test_a_server_that_asks_to_slow_down_is_not_asked_again_at_once(
    desk: Desk, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, asked: int, waits: int
) -> None:
    error = RateLimited("Slow down.", retry_at=MONDAY + timedelta(seconds=asked))
    monkeypatch.setattr(answerbox, "create", lambda ctx: cast("Channel", Stream("x", 1, error)))

    async def story() -> PollResult:
        poller = Poller(desk, SecretStore(desk.config.keyring))
        try:
            return (await poller.once([desk.account("town-mastodon")]))[0]
        finally:
            await poller.aclose()

    assert asyncio.run(story()).state is AccountState.RATE_LIMITED
    record = desk.store.accounts.get("town-mastodon")
    assert record is not None
    assert record.next_poll_at == MONDAY + timedelta(seconds=waits)


@settings(max_examples=60, deadline=None)
@given(
    last=st.integers(-200_000, 200_000),
    until=st.integers(-200_000, 200_000),
    new=st.integers(0, 3),
    behind=st.booleans(),
    every=st.sampled_from(["1m", "2m", "1h"]),
)
def test_the_next_poll_is_between_one_interval_and_three(
    last: int, until: int, new: int, behind: bool, every: str
) -> None:
    from socialtriage.config.model import AccountConfig

    account = AccountConfig(id="a", network="mastodon", every=every)
    values: dict[str, Any] = dict.fromkeys(AccountRecord.__annotations__)
    values |= {"last_poll_at": MONDAY + timedelta(seconds=last), "next_poll_at": MONDAY + timedelta(seconds=until)}
    values |= {"behind_since": MONDAY if behind else None}
    pause = health.next_poll(account, AccountRecord(**values), new, MONDAY) - MONDAY
    one = parse_every(every)
    assert one <= pause <= 3 * one
    if new or behind:
        assert pause == one


def test_a_computer_that_slept_polls_when_it_wakes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it sleeps the loop's clock stands still: only the calendar tells."""
    awake = utc_now()
    times = iter([awake, awake])
    monkeypatch.setattr(polling, "LOOK_AT_LIVE", 0.001)
    monkeypatch.setattr(polling, "utc_now", lambda: next(times, awake + timedelta(days=2)))

    async def story() -> None:
        secrets = SecretStore(desk.config.keyring)
        poller = Poller(desk, secrets)
        try:
            work = Polling(desk, poller, Sender(desk, secrets, poller))
            async with asyncio.timeout(30):
                await work._rest_unless_followed(msgspec.structs.replace(desk.account("town-mastodon")), 3600)
        finally:
            await poller.aclose()

    asyncio.run(story())
