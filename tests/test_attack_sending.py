"""Sending and polling when the program is stopped, the computer sleeps, or the store does not take a word."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from socialtriage.config.model import AccountConfig, Keyring
from socialtriage.domain.errors import MailDeferred, Refused
from socialtriage.domain.models import AccountState, OutboxState, Sent
from socialtriage.domain.times import utc_now
from socialtriage.mail.mime import Composed
from socialtriage.services import handoff, inbox, outbox, polling, replies, settling, triage
from socialtriage.services.desk import Desk
from socialtriage.services.outbox import Sender
from socialtriage.services.polling import Polling
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller, PollResult
from socialtriage.services.verdict import Verdict
from tests.doubles.desk import CONFIG, MONDAY, FrozenClock, arrive, case_ids, kinds, message, small_desk


class Post:
    """A mail server of one's own: `taken` are the mails, `during` is called while one is on its way."""

    def __init__(self, during: Callable[[], None] | None = None) -> None:
        self.taken: list[Composed] = []
        self.during = during

    def send(self, mail: Composed) -> str:
        if self.during is not None:
            self.during()
        self.taken.append(mail)
        return "250 taken"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=FrozenClock(MONDAY + timedelta(minutes=5)))
    arrive(desk, message("one bin", "1", author="Ada"), message("two bins", "2", author="Bob"))
    triage.tag(desk, case_ids(desk), area="waste")
    yield desk
    desk.close()


def handed_off(desk: Desk, case: int) -> int:
    return handoff.queue(desk, handoff.prepare(desk, case), undo_seconds=0).row_id or 0


def sending(desk: Desk, post: Post, story: Callable[[Sender], Awaitable[None]]) -> None:
    async def run() -> None:
        secrets = SecretStore(Keyring())
        poller = Poller(desk, secrets)
        try:
            await story(Sender(desk, secrets, poller, post))
        finally:
            await poller.aclose()

    asyncio.run(run())


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        for _ in itertools.takewhile(lambda _: not true(), itertools.count()):
            await asyncio.sleep(0)


def state(desk: Desk, row_id: int) -> OutboxState:
    row = desk.store.outbox.get(row_id)
    assert row is not None
    return row.state


def another_host_takes_the_lease(desk: Desk, name: str = "send") -> None:
    other = sqlite3.connect(desk.store.path)
    later = (utc_now() + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    other.execute("INSERT OR REPLACE INTO leases VALUES (?, 'elsewhere', 1, '1', 'MK', ?)", (name, later))
    other.commit()
    other.close()


def left_by_a_dead_process(desk: Desk, row_id: int) -> None:
    with desk.store.transaction("JS", desk.clock()) as tx:
        assert tx.outbox.claim(row_id, desk.clock())


def test_what_has_begun_to_leave_is_put_on_record_although_the_program_is_told_to_stop(desk: Desk) -> None:
    on_its_way, arrived = threading.Event(), threading.Event()

    def slowly() -> None:
        on_its_way.set()
        arrived.wait(10)

    post = Post(slowly)
    first, second = (handed_off(desk, case) for case in case_ids(desk, "all"))

    async def story(sender: Sender) -> None:
        running = asyncio.create_task(sender.run())
        await asyncio.to_thread(on_its_way.wait, 10)
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()
        arrived.set()
        with pytest.raises(asyncio.CancelledError):
            await running

    sending(desk, post, story)
    assert len(post.taken) == 1
    assert (state(desk, first), state(desk, second)) == (OutboxState.SENT, OutboxState.QUEUED)


def test_what_a_dead_process_left_on_its_way_is_unknown_even_when_nothing_else_is_due(desk: Desk) -> None:
    row = handed_off(desk, case_ids(desk)[0])
    left_by_a_dead_process(desk, row)

    async def story(sender: Sender) -> None:
        desk_polls = Polling(desk, sender._poller, sender)
        watching = asyncio.create_task(desk_polls.send_when_due(lambda outcome: None))
        await until(lambda: state(desk, row) is not OutboxState.SENDING)
        watching.cancel()

    sending(desk, Post(), story)
    assert state(desk, row) is OutboxState.UNKNOWN
    assert kinds(desk, case_ids(desk, "waiting")[0])[-1] == "handoff.unknown"


def test_retrying_what_a_dead_process_left_asks_before_it_sends_again(desk: Desk) -> None:
    row = handed_off(desk, case_ids(desk)[0])
    left_by_a_dead_process(desk, row)
    post = Post()

    async def story(sender: Sender) -> None:
        with pytest.raises(Refused, match="cannot be asked"):
            await sender.retry(row)
        assert post.taken == []
        assert (await sender.retry(row, anyway=True)).state is OutboxState.SENT

    sending(desk, post, story)
    assert len(post.taken) == 1


def test_a_desk_that_lost_the_lease_while_it_slept_sends_no_more(desk: Desk) -> None:
    first, second = (handed_off(desk, case) for case in case_ids(desk, "all"))
    post = Post(lambda: another_host_takes_the_lease(desk))

    async def story(sender: Sender) -> None:
        assert [outcome.row_id for outcome in await sender.run()] == [first]

    sending(desk, post, story)
    assert (state(desk, first), state(desk, second)) == (OutboxState.SENT, OutboxState.QUEUED)


@pytest.mark.parametrize("decided", [OutboxState.SENT, OutboxState.UNKNOWN])
def test_a_late_refusal_does_not_send_again_what_an_officer_decided_on_meanwhile(
    desk: Desk, decided: OutboxState
) -> None:
    row = handed_off(desk, case_ids(desk)[0])

    def meanwhile() -> None:
        # This computer sleeps; another desk finds the row on its way, and an officer there retries it.
        with desk.store.transaction("MK", desk.clock()) as tx:
            tx.outbox.abandoned()
            if decided is OutboxState.SENT:
                assert tx.outbox.claim(row, desk.clock(), retried=1)
                tx.outbox.settle(row, OutboxState.SENT, tries=2)
        raise MailDeferred("The connection was lost.")

    async def story(sender: Sender) -> None:
        await sender.run()

    sending(desk, Post(meanwhile), story)
    assert state(desk, row) is decided
    assert "handoff.late" in kinds(desk, case_ids(desk, "waiting")[0])


def test_an_outcome_is_written_down_as_soon_as_the_store_is_free_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = handed_off(desk, case_ids(desk)[0])
    other = sqlite3.connect(desk.store.path, isolation_level=None, check_same_thread=False)
    desk.store._db.patience = 0.02
    monkeypatch.setattr("time.sleep", lambda seconds: other.execute("ROLLBACK"))

    async def story(sender: Sender) -> None:
        await sender.run()

    def busy() -> None:
        other.execute("BEGIN IMMEDIATE")

    sending(desk, Post(busy), story)
    other.close()
    assert state(desk, row) is OutboxState.SENT


def test_nothing_leaves_from_an_account_that_is_paused(tmp_path: Path) -> None:
    config = CONFIG.replace('user = "hello@anytown.example"', 'user = "hello@anytown.example"\npaused = true')
    desk = small_desk(tmp_path, config=config)
    post = Post()

    async def story(sender: Sender) -> None:
        arrive(desk, message("hello", "1", reply_data={"reply_to": "ada@home.example"}), account="mailbox")
        draft = replies.prepare(desk, None, case_ids(desk)[0], "Thank you.")
        replies.queue(desk, draft, undo_seconds=0)
        [outcome] = await sender.run()
        assert outcome.state is OutboxState.QUEUED
        assert "paused" in (outcome.error or "")

    sending(desk, post, story)
    desk.close()
    assert post.taken == []


def small_polling(desk: Desk, passes: Callable[[AccountConfig], PollResult]) -> tuple[Polling, Poller]:
    secrets = SecretStore(Keyring())
    poller = Poller(desk, secrets)

    async def once(accounts: list[AccountConfig], **options: object) -> list[PollResult]:
        return [passes(accounts[0])]

    poller.once = once  # type: ignore[method-assign, assignment]
    return Polling(desk, poller, Sender(desk, secrets, poller)), poller


def test_a_store_that_takes_no_word_ends_neither_the_pass_nor_the_polling(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.store._db.patience = 0
    other = sqlite3.connect(desk.store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def story(sender: Sender) -> None:
        results = await sender._poller.once(desk.config.accounts)
        assert {result.state for result in results} == {AccountState.UNREACHABLE}
        assert all("busy" in (result.error or "") for result in results)

    sending(desk, Post(), story)
    other.close()


def test_a_desk_that_lost_the_lease_stops_polling_until_it_has_it_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "RENEW", 0.02)
    passes = 0

    def one(account: AccountConfig) -> PollResult:
        nonlocal passes
        passes += 1
        return PollResult(account.id, account.network)

    async def story() -> None:
        nonlocal passes
        desk_polls, poller = small_polling(desk, one)
        monkeypatch.setattr(desk_polls, "_pause", lambda account: 0.005)
        tries = 0

        def counted() -> None:
            nonlocal tries
            tries += 1
            take_lease()

        take_lease = desk_polls.take_lease
        monkeypatch.setattr(desk_polls, "take_lease", counted)
        desk_polls.take_lease()
        running = asyncio.create_task(desk_polls.forever(desk.config.accounts[:1], lambda r: None, lambda o: None))
        await until(lambda: passes >= 3)
        another_host_takes_the_lease(desk, "poll")
        await until(lambda: not desk_polls._ours.is_set())
        before, asked = passes, tries
        await until(lambda: tries >= asked + 3)
        assert passes <= before + 1
        before = passes
        await until(lambda: tries >= asked + 6)
        assert passes == before
        raw = sqlite3.connect(desk.store.path)
        raw.execute("DELETE FROM leases")
        raw.commit()
        raw.close()
        await until(lambda: passes > before)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await poller.aclose()

    asyncio.run(story())


def test_what_ends_the_polling_is_said_as_itself(desk: Desk) -> None:
    def gone(account: AccountConfig) -> PollResult:
        raise BrokenPipeError

    async def story() -> None:
        desk_polls, poller = small_polling(desk, gone)
        try:
            with pytest.raises(BrokenPipeError):
                await desk_polls.forever(desk.config.accounts[:1], lambda r: None, lambda o: None)
        finally:
            await poller.aclose()

    asyncio.run(story())
    assert outbox.rows(desk) == []


def test_an_answer_counts_as_a_message_of_its_case(desk: Desk) -> None:
    case = case_ids(desk)[0]
    before = inbox.rows(desk, [case])[0].messages
    draft = replies.prepare(desk, None, case, "On Thursday.")
    row = desk.store.outbox.get(replies.queue(desk, draft, undo_seconds=0).row_id or 0)
    assert row is not None
    left_by_a_dead_process(desk, row.id)
    row = desk.store.outbox.get(row.id)
    assert row is not None
    sent = Sent("their-id", datetime(9999, 1, 1, tzinfo=UTC))
    settling.settle(desk, row, Verdict(OutboxState.SENT, sent=sent))
    detail = inbox.detail(desk, case)
    assert (detail.row.messages, len(detail.messages)) == (before + 1, before + 1)
    assert detail.messages[-1].at == desk.clock()
