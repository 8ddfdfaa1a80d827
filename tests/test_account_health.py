"""Accounts beyond their last answer: quieter than usual, logins that end, servers that asked to wait, gaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.domain.models import AccountState, Gap
from socialtriage.services import accounts, gaps, health
from socialtriage.services.desk import Desk
from tests.doubles.desk import MONDAY, FrozenClock, arrive, message, small_desk


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(MONDAY)


@pytest.fixture
def desk(tmp_path: Path, clock: FrozenClock) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=clock)
    yield desk
    desk.close()


def every_two_days(desk: Desk, count: int, last: datetime) -> None:
    for number in range(count):
        arrive(desk, message(f"m{number}", f"m{number}", at=last - timedelta(days=2) * number))


def test_an_account_is_silent_when_it_is_quiet_far_beyond_its_habit(desk: Desk, clock: FrozenClock) -> None:
    every_two_days(desk, 12, MONDAY - timedelta(days=5))
    account = desk.accounts["town-mastodon"]
    assert health.state_beyond(desk, account, AccountState.OK, None) == (AccountState.OK, "")
    clock.move(days=4)
    state, why = health.state_beyond(desk, account, AccountState.OK, None)
    assert state is AccountState.SILENT
    assert "silent 9 days, usually 2 days" in why
    assert health.state_beyond(desk, account, AccountState.LOGIN_NEEDED, None)[0] is AccountState.LOGIN_NEEDED


def test_a_young_account_has_no_habit_yet(desk: Desk, clock: FrozenClock) -> None:
    every_two_days(desk, 5, MONDAY)
    clock.move(days=60)
    assert health.state_beyond(desk, desk.accounts["town-mastodon"], AccountState.OK, None)[0] is AccountState.OK


def test_the_end_of_a_login_is_said_at_fourteen_seven_and_one_days() -> None:
    end = MONDAY + timedelta(days=30)

    def step(before: float, now: float) -> int | None:
        return health.expiry_step(end, end - timedelta(days=before), end - timedelta(days=now))

    assert [step(15, 13.9), step(13.9, 13.8), step(8, 6.9), step(2, 0.5), step(20, 0.5)] == [14, None, 7, 1, 1]
    assert health.expiry_step(None, MONDAY, MONDAY) is None


def test_a_quiet_account_is_polled_less_often_and_news_bring_the_pace_back(desk: Desk) -> None:
    account = desk.accounts["town-mastodon"]
    with desk.store.transaction("test", MONDAY) as tx:
        tx.accounts.ensure(account.id, "mastodon", "")
        tx.accounts.update(account.id, last_poll_at=MONDAY, next_poll_at=MONDAY + timedelta(minutes=2))
    now, pauses = MONDAY, []
    for _ in range(12):
        later = health.next_poll(account, desk.store.accounts.get(account.id), 0, now)
        pauses.append(later - now)
        with desk.store.transaction("test", MONDAY) as tx:
            tx.accounts.update(account.id, last_poll_at=now, next_poll_at=later)
        now = later
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(minutes=6)
    assert health.next_poll(account, desk.store.accounts.get(account.id), 3, now) == now + timedelta(minutes=2)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 10_000_000), max_size=40), st.integers(0, 100_000_000))
def test_an_account_within_its_longest_pause_is_never_silent(seconds: list[int], later: int) -> None:
    times = [MONDAY + timedelta(seconds=each) for each in seconds]
    found = health.habit(times)
    if found is None:
        assert len(times) < health.ENOUGH or max(times) - min(times) < health.LONG_ENOUGH
        return
    assert found.last == max(times)
    assert not found.silent(found.last + min(found.usual, timedelta(seconds=later)))


def test_a_gap_is_acknowledged_or_read_again(desk: Desk) -> None:
    with desk.store.transaction("test", MONDAY) as tx:
        tx.accounts.ensure("town-mastodon", "mastodon", "")
        tx.accounts.update("town-mastodon", cursor='{"min_id": "7"}')
        for days in (9, 5):
            start = MONDAY - timedelta(days=days)
            tx.accounts.add_gap("town-mastodon", Gap(start, start + timedelta(hours=3), "the server was away"))
    shown = accounts.listing(desk)[0].gaps
    assert "Noted" in gaps.acknowledge(desk, "town-mastodon", shown[0].id).said
    [left] = accounts.listing(desk)[0].gaps
    assert left.id == shown[1].id
    assert "from the beginning" in gaps.fill(desk, "town-mastodon").said
    record = desk.store.accounts.get("town-mastodon")
    assert record is not None
    assert record.cursor is None
    assert gaps.look_back(desk, desk.accounts["town-mastodon"], None) <= left.start
    gaps.filled(desk, desk.accounts["town-mastodon"], left.start)
    assert accounts.listing(desk)[0].gaps == ()
    assert {"account.gap_noted", "account.refill", "account.gap_filled"} <= {
        e.kind for e in desk.store.log.between(None, None)
    }
