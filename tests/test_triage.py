"""What officers do to cases: refused when stale, logged, and taken back step by step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from socialtriage.domain.errors import NotFound, Refused, Stale, UsageError
from socialtriage.domain.models import Kind, Outcome, Status, Urgency
from socialtriage.services import calendar, handoff, inbox, queries, triage
from socialtriage.services.desk import Desk
from socialtriage.store.log import NewEvent
from tests.doubles.desk import MONDAY, FrozenClock, arrive, case_ids, kinds, message, small_desk, the_case


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(MONDAY + timedelta(minutes=5))


@pytest.fixture
def desk(tmp_path: Path, clock: FrozenClock) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=clock)
    yield desk
    desk.close()


@pytest.fixture
def case(desk: Desk) -> int:
    arrive(desk, message("My bin was missed", "1"))
    return the_case(desk)


def test_tagging_opens_the_case_logs_it_and_moves_the_deadline(desk: Desk, case: int) -> None:
    done = triage.tag(desk, [case], area="waste", topic="missed-bin", urgency=Urgency.URGENT, kind=Kind.REPORT)
    row = inbox.rows(desk, [case])[0]
    assert "Bins and recycling" in done.said
    assert (row.status, row.area, row.topic, row.urgency, row.kind) == (
        Status.OPEN,
        "waste",
        "missed-bin",
        Urgency.URGENT,
        Kind.REPORT,
    )
    assert row.due_at == MONDAY + timedelta(hours=1)
    event = inbox.detail(desk, case).events[-1]
    assert event.officer == "JS"
    assert event.detail == {
        "area": [None, "waste"],
        "topic": [None, "missed-bin"],
        "urgency": ["normal", "urgent"],
        "kind": [None, "report"],
    }


def test_an_unknown_area_or_topic_is_refused_with_the_nearest(desk: Desk, case: int) -> None:
    with pytest.raises(NotFound, match="waste"):
        triage.tag(desk, [case], area="wast")
    with pytest.raises(NotFound, match="missed-bin"):
        triage.tag(desk, [case], area="waste", topic="missedbin")
    with pytest.raises(Refused, match="no area"):
        triage.tag(desk, [case], topic="missed-bin")
    with pytest.raises(UsageError):
        triage.tag(desk, [case])
    assert kinds(desk, case) == ["case.opened"]


def test_accepting_the_suggestion_takes_area_and_urgency(desk: Desk) -> None:
    arrive(desk, message("Dangerous pothole", "1"))
    case = the_case(desk)
    triage.accept(desk, [case])
    row = inbox.rows(desk, [case])[0]
    assert (row.area, row.urgency) == ("roads", Urgency.URGENT)


def test_an_action_on_a_stale_case_is_refused_and_says_what_changed(tmp_path: Path, desk: Desk, case: int) -> None:
    other = small_desk(tmp_path, officer="MK")
    try:
        seen = inbox.rows(desk, [case])[0].version
        triage.claim(other, [case])
        with pytest.raises(Stale) as refused:
            triage.close(desk, [case], Outcome.ANSWERED, expect={case: seen})
        assert "MK" in refused.value.changes[0]
        assert inbox.rows(desk, [case])[0].status is Status.OPEN
    finally:
        other.close()


def test_an_action_on_many_is_all_or_nothing(desk: Desk) -> None:
    arrive(desk, message("one", "1", author="A"), message("two", "2", author="B"))
    first, second = case_ids(desk)
    triage.close(desk, [second], Outcome.SPAM)
    with pytest.raises(Refused):
        triage.close(desk, [first, second], Outcome.SPAM)
    assert inbox.rows(desk, [first])[0].status is Status.NEW


def test_snooze_leaves_the_queue_and_comes_back(desk: Desk, case: int, clock: FrozenClock) -> None:
    triage.snooze(desk, [case], clock.now + timedelta(hours=1))
    assert case_ids(desk) == []
    assert triage.wake(desk) == []
    clock.move(hours=2)
    assert triage.wake(desk) == [case]
    assert case_ids(desk) == [case]
    with pytest.raises(Refused, match="passed"):
        triage.snooze(desk, [case], clock.now - timedelta(hours=1))


def test_close_and_reopen(desk: Desk, case: int) -> None:
    triage.close(desk, [case], Outcome.DONE_BY_US, "ordered the bags")
    assert case_ids(desk) == []
    assert inbox.rows(desk, [case])[0].due_at is None
    with pytest.raises(Refused, match="closed"):
        triage.close(desk, [case], Outcome.SPAM)
    triage.reopen(desk, [case])
    assert case_ids(desk) == [case]
    assert inbox.detail(desk, case).events[1].note == "ordered the bags"


def test_fifty_steps_back_and_forth(desk: Desk, case: int) -> None:
    order = [Urgency.LOW, Urgency.URGENT, Urgency.NORMAL, Urgency.EMERGENCY, Urgency.LOW]
    before = inbox.rows(desk, [case])[0]
    for step in range(60):
        triage.tag(desk, [case], urgency=order[step % 5] if step % 5 else Urgency.LOW, kind=list(Kind)[step % 7])
    after = inbox.rows(desk, [case])[0]
    said = [triage.undo(desk).said for _ in range(60)]
    back = inbox.rows(desk, [case])[0]
    assert all(words.startswith("Undone: Tagged") for words in said)
    assert (back.status, back.urgency, back.kind, back.due_at) == (
        before.status,
        before.urgency,
        before.kind,
        before.due_at,
    )
    with pytest.raises(Refused, match="nothing"):
        triage.undo(desk)
    for _ in range(60):
        triage.redo(desk)
    again = inbox.rows(desk, [case])[0]
    assert (again.urgency, again.kind, again.status) == (after.urgency, after.kind, after.status)
    with pytest.raises(Refused, match="again"):
        triage.redo(desk)
    assert desk.store.log.verify().fault is None


def test_undo_is_each_officers_own_and_refused_when_somebody_changed_it(tmp_path: Path, desk: Desk, case: int) -> None:
    other = small_desk(tmp_path, officer="MK")
    try:
        triage.tag(desk, [case], area="waste")
        with pytest.raises(Refused):
            triage.undo(other)
        triage.tag(other, [case], area="roads")
        with pytest.raises(Refused, match="changed since"):
            triage.undo(desk)
        assert inbox.rows(desk, [case])[0].area == "roads"
    finally:
        other.close()


def test_a_new_action_ends_what_could_be_done_again(desk: Desk, case: int) -> None:
    triage.tag(desk, [case], area="waste")
    triage.undo(desk)
    triage.claim(desk, [case])
    with pytest.raises(Refused):
        triage.redo(desk)


def test_a_note_is_in_the_log_and_the_log_stays_whole_without_it(desk: Desk, case: int) -> None:
    triage.note(desk, case, "rang twice, no answer\x1b[2J")
    event = inbox.detail(desk, case).events[-1]
    assert event.note is not None
    assert "\x1b" not in event.note
    with desk.store.transaction("JS", MONDAY) as tx:
        notes = tx._c.execute("DELETE FROM event_notes").rowcount
        tx.log(NewEvent("store.pruned", detail={"notes": notes}))
    assert desk.store.log.verify().fault is None
    with pytest.raises(UsageError):
        triage.note(desk, case, "  ")


def test_claim_assign_and_release(desk: Desk, case: int) -> None:
    assert triage.claim(desk, [case]).said.startswith("Claimed")
    assert case_ids(desk, "mine") == [case]
    triage.assign(desk, [case], "MK")
    assert case_ids(desk, "mine") == []
    triage.assign(desk, [case], "")
    assert inbox.rows(desk, [case])[0].owner is None
    with pytest.raises(UsageError):
        triage.assign(desk, [case], "two words")


def test_views_and_filters(desk: Desk, clock: FrozenClock) -> None:
    arrive(
        desk, message("bin one", "1", author="A"), message("bin two", "2", author="B"), message("hole", "3", author="C")
    )
    first, second, third = case_ids(desk)
    triage.tag(desk, [first], area="waste")
    triage.tag(desk, [second], area="roads", urgency=Urgency.EMERGENCY)
    assert case_ids(desk)[0] == second

    def found(text: str, view: str = "queue") -> list[int]:
        return list(inbox.snapshot(desk, queries.parse_query(text, desk, view)))

    assert found("area:waste") == [first]
    assert found("area:none") == [third]
    assert found("is:untagged") == [third]
    assert found("from:@b") == [second]
    assert found("bin from:@a") == [first]
    assert found("before:2026-11-16") == []
    assert found("after:2026-11-16 urgency:emergency") == [second]
    assert found('"bin two"', "all") == [second]
    assert found("tw", "all") == [second]
    with pytest.raises(UsageError, match="area"):
        found("aera:waste")
    with pytest.raises(UsageError, match="waste"):
        found("area:wasted")
    clock.move(days=3)
    assert set(case_ids(desk, "overdue")) == {first, second, third}


def test_a_suspected_emergency_stays_first_until_an_officer_says_how_urgent_it_is(desk: Desk) -> None:
    arrive(desk, message("bin missed", "1", author="A"))
    arrive(desk, message("I smell a gas leak", "2", author="B", at=MONDAY + timedelta(minutes=1)))
    first, second = case_ids(desk)
    assert inbox.rows(desk, [first])[0].suggested_urgency is Urgency.EMERGENCY
    assert inbox.rows(desk, [first])[0].urgency is Urgency.NORMAL
    triage.tag(desk, [first], kind=Kind.ENQUIRY, area="waste")
    triage.claim(desk, [first])
    triage.note(desk, first, "rang the gas people")
    assert case_ids(desk) == [first, second], "none of this says how urgent it is"
    assert any("may be an emergency" in said for said in handoff.prepare(desk, first).warnings)
    triage.tag(desk, [first], urgency=Urgency.NORMAL)
    assert case_ids(desk) == [second, first]
    assert not any("may be an emergency" in said for said in handoff.prepare(desk, first).warnings)
    assert inbox.rows(desk, [first])[0].suggested_urgency is None, "the officer's word is the answer to the suggestion"
    triage.undo(desk)
    assert case_ids(desk) == [first, second]
    assert inbox.rows(desk, [first])[0].suggested_urgency is Urgency.EMERGENCY


def test_a_reference_is_found_in_any_spelling(desk: Desk, case: int) -> None:
    ref = inbox.rows(desk, [case])[0].ref
    for spelling in (ref, ref.lower(), ref.replace("-", ""), f" {ref[:6]} {ref[6:]} "):
        assert inbox.resolve(desk, spelling) == case
        assert list(inbox.snapshot(desk, queries.parse_query(spelling, desk, "all"))) == [case]
    wrong = ref[:-1] + ("A" if ref[-1] != "A" else "B")
    with pytest.raises(NotFound, match=ref):
        inbox.resolve(desk, wrong)


def test_why_explains_urgency_and_deadline(desk: Desk, case: int) -> None:
    lines = inbox.why(desk, case)
    assert "normal" in lines[0]
    assert lines[-1].startswith("Due Mon 16 Nov 14:00")


def test_the_calendar_is_read_before_the_others_have_to_wait(
    desk: Desk, case: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: FrozenClock
) -> None:
    """Its library takes a tenth of a second to load; inside a write every other officer would wait for it."""
    desk.close()
    again = small_desk(tmp_path, clock=clock)
    read: list[bool] = []
    year = calendar._Calendar.year

    def noted(self: calendar._Calendar, asked: int) -> dict[date, str]:
        read.append(again.store._db._depth > 0)
        return year(self, asked)

    monkeypatch.setattr(calendar._Calendar, "year", noted)
    with contextlib.closing(again):
        triage.tag(again, [case], urgency=Urgency.URGENT)
    assert read
    assert not read[0]
