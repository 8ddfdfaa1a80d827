"""One matter in two cases, two matters in one, and the stop of everything outgoing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.config.model import Keyring
from socialtriage.domain.cases import Case
from socialtriage.domain.errors import Refused, UsageError
from socialtriage.domain.joining import Spoken, counted, joined
from socialtriage.domain.models import OutboxState, Outcome, SafeText, Status, Urgency, Visibility, Voice
from socialtriage.mail.mime import Composed
from socialtriage.services import grouping, handoff, inbox, outbox, pause, triage
from socialtriage.services.desk import Desk
from socialtriage.services.outbox import Sender
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from tests.doubles.desk import MONDAY, FrozenClock, arrive, case_ids, kinds, message, person, small_desk
from tests.doubles.ui_desk import Officer, at_the_desk


class Post:
    """A mail server of one's own that counts."""

    taken = 0

    def send(self, mail: Composed) -> str:
        self.taken += 1
        return "250 taken"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=FrozenClock(MONDAY + timedelta(minutes=30)))
    yield desk
    desk.close()


def two_cases(desk: Desk) -> tuple[int, int]:
    """A resident who wrote about one bin in two threads."""
    arrive(
        desk,
        message("My bin was missed", "a", at=MONDAY, thread="first"),
        message("Still no bin, what is going on?", "b", at=MONDAY + timedelta(minutes=10), thread="second"),
    )
    first, second = sorted(case_ids(desk))
    return first, second


def texts(desk: Desk, case_id: int) -> list[str]:
    return [str(m.text) for m in inbox.detail(desk, case_id).messages]


def test_two_cases_of_one_person_become_one_with_the_clock_of_the_first(desk: Desk) -> None:
    first, second = two_cases(desk)
    triage.tag(desk, [second], urgency=Urgency.URGENT)
    done = grouping.merge(desk, [first], second)
    assert done.said.startswith("Merged")
    one = inbox.detail(desk, second)
    assert texts(desk, second) == ["My bin was missed", "Still no bin, what is going on?"]
    assert (one.row.urgency, one.row.messages, one.row.opened_at) == (Urgency.URGENT, 2, MONDAY)
    gone = inbox.rows(desk, [first])[0]
    assert (gone.status, gone.outcome, gone.messages) == (Status.CLOSED, Outcome.DUPLICATE, 0)
    assert "case.merged" in kinds(desk, first)
    assert "case.merged" in kinds(desk, second)
    assert desk.store.log.verify().fault is None


def test_what_comes_later_in_either_thread_finds_the_case_that_is_left(desk: Desk) -> None:
    first, second = two_cases(desk)
    grouping.merge(desk, [first], second)
    ref = inbox.rows(desk, [first])[0].ref
    arrive(
        desk,
        message("Anybody there?", "c", at=MONDAY + timedelta(minutes=20), thread="first"),
        message(f"My number is {ref}", "d", at=MONDAY + timedelta(minutes=21), thread="third"),
    )
    assert texts(desk, second)[2:] == ["Anybody there?", f"My number is {ref}"]
    assert inbox.rows(desk, [first])[0].status is Status.CLOSED


def test_a_merge_is_undone_and_done_again_as_a_whole(desk: Desk) -> None:
    first, second = two_cases(desk)
    triage.tag(desk, [first], area="waste")
    row = handoff.queue(desk, handoff.prepare(desk, first), undo_seconds=60).row_id
    before = [inbox.detail(desk, i).row for i in (first, second)]
    grouping.merge(desk, [first], second)
    assert inbox.rows(desk, [second])[0].status is Status.WAITING_CONTACT
    assert [h.contact for h in inbox.detail(desk, second).handoffs] == ["waste-team"]
    assert "Undone: Merged" in triage.undo(desk).said
    after = [inbox.detail(desk, i).row for i in (first, second)]
    assert [(r.status, r.messages, r.urgency) for r in after] == [(r.status, r.messages, r.urgency) for r in before]
    assert texts(desk, first) == ["My bin was missed"]
    assert "Done again" in triage.redo(desk).said
    assert len(texts(desk, second)) == 2
    assert desk.store.outbox.get(row or 0) is not None


def test_people_are_not_merged_by_the_way_but_their_cases_can_be_linked(desk: Desk) -> None:
    arrive(
        desk,
        message("Tree across the road", "a", author=person("Ada")),
        message("That tree again", "b", author=person("Bob")),
    )
    a, b = case_ids(desk)
    with pytest.raises(Refused, match="different people"):
        grouping.merge(desk, [a], b)
    with pytest.raises(UsageError):
        grouping.merge(desk, [a], a)
    grouping.link(desk, a, b, "one tree")
    assert [r.ref for r in inbox.detail(desk, a).related] == [inbox.rows(desk, [b])[0].ref]
    grouping.unlink(desk, a, b)
    assert inbox.detail(desk, a).related == ()
    with pytest.raises(Refused, match="not linked"):
        grouping.unlink(desk, a, b)


def test_a_case_that_somebody_changed_is_not_merged_unseen(desk: Desk) -> None:
    first, second = two_cases(desk)
    seen = {first: 1, second: 1}
    triage.claim(desk, [second])
    with pytest.raises(Refused, match="changed since"):
        grouping.merge(desk, [first], second, seen)
    assert inbox.rows(desk, [first])[0].status is Status.NEW


def test_a_second_matter_is_split_off_with_a_reference_of_its_own_and_back(desk: Desk) -> None:
    arrive(
        desk,
        message("My bin was missed", "a", at=MONDAY, thread="t"),
        message("And there is a pothole", "b", at=MONDAY + timedelta(minutes=5), thread="t"),
    )
    [case] = case_ids(desk)
    ref, numbers = inbox.rows(desk, [case])[0].ref, [m.id for m in inbox.detail(desk, case).messages]
    done = grouping.split(desk, case, [numbers[1]])
    new = next(i for i in done.case_ids if i != case)
    assert texts(desk, case) == ["My bin was missed"]
    assert texts(desk, new) == ["And there is a pothole"]
    assert inbox.rows(desk, [new])[0].ref != ref
    assert inbox.detail(desk, new).row.opened_at == MONDAY + timedelta(minutes=5)
    with pytest.raises(Refused, match="must stay"):
        grouping.split(desk, new, [numbers[1]])
    with pytest.raises(UsageError, match="Name messages"):
        grouping.split(desk, case, [numbers[1]])
    triage.undo(desk)
    assert len(texts(desk, case)) == 2
    assert inbox.rows(desk, [new])[0].status is Status.CLOSED


def test_nothing_leaves_while_everything_is_paused(desk: Desk) -> None:
    first, _ = two_cases(desk)
    triage.tag(desk, [first], area="waste")
    row = handoff.queue(desk, handoff.prepare(desk, first), undo_seconds=0).row_id or 0
    pause.pause(desk, "the mayor asked")

    async def story() -> None:
        secrets, post = SecretStore(Keyring()), Post()
        poller = Poller(desk, secrets)
        sender = Sender(desk, secrets, poller, post)
        try:
            assert not sender.pending()
            with pytest.raises(pause.OutgoingPaused, match="the mayor asked"):
                await sender.run()
            with pytest.raises(pause.OutgoingPaused):
                await sender.run_patiently([row])
            with pytest.raises(pause.OutgoingPaused):
                await sender.retry(row)
            assert post.taken == 0
            with pytest.raises(Refused, match="paused since"):
                pause.pause(desk)
            pause.resume(desk)
            [outcome] = await sender.run()
            assert (outcome.state, post.taken) == (OutboxState.SENT, 1)
        finally:
            await poller.aclose()

    asyncio.run(story())
    assert outbox.rows(desk)[0].state is OutboxState.SENT
    with pytest.raises(Refused, match="Nothing is paused"):
        pause.resume(desk)


def test_m_merges_with_the_case_that_is_named_and_u_takes_it_back(desk: Desk) -> None:
    first, second = two_cases(desk)
    ref = inbox.rows(desk, [second])[0].ref

    async def story(officer: Officer) -> None:
        while officer.selected != first:
            await officer.press("j")
        await officer.press("m")
        await officer.sees("and which case?")
        await officer.write(ref.lower())
        await officer.press("enter", "m")
        await officer.until(lambda: "Merged" in officer.said)
        assert officer.listed == [second]
        await officer.press("u")
        await officer.until(lambda: len(officer.listed) == 2)

    at_the_desk(desk, story)


SOME_CASE = Case(
    id=1,
    ref="ABC-222222",
    version=1,
    status=Status.OPEN,
    urgency=Urgency.NORMAL,
    account="town-mastodon",
    network="mastodon",
    visibility=Visibility.PUBLIC,
    person_id=1,
    thread="t",
    snippet=SafeText("words"),
    opened_at=MONDAY,
    last_message_at=MONDAY,
    waiting_since=MONDAY,
)
times = st.lists(st.integers(0, 600), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(a=times, b=times, voices=st.lists(st.sampled_from([Voice.RESIDENT, Voice.OFFICER]), min_size=16, max_size=16))
def test_joining_loses_no_message_and_no_time_of_waiting(a: list[int], b: list[int], voices: list[Voice]) -> None:
    def spoken(minutes: list[int], start: int) -> list[Spoken]:
        return [
            Spoken(start + i, voices[start + i], MONDAY + timedelta(minutes=m), 0, voices[start + i] is Voice.RESIDENT)
            for i, m in enumerate(minutes)
        ]

    left, right = counted(SOME_CASE, spoken(a, 0)), counted(SOME_CASE, spoken(b, 8))
    one = joined(left, right)
    assert one.messages == len(a) + len(b)
    assert one.opened_at == min(left.opened_at, right.opened_at)
    waits = [at for at in (left.waiting_since, right.waiting_since) if at]
    assert one.waiting_since == min(waits, default=None)
    assert one.visibility is Visibility.PUBLIC
