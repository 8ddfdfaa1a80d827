"""Taking back when others were faster, when the mail has left, and when nobody knows whether it has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxState, Status
from socialtriage.services import handoff, inbox, outbox, replies, triage
from socialtriage.services.desk import Desk
from socialtriage.services.handoff import HandoffDraft
from tests.doubles.desk import MONDAY, FrozenClock, arrive, case_ids, kinds, message, small_desk, the_case


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=FrozenClock(MONDAY + timedelta(minutes=5)))
    yield desk
    desk.close()


@pytest.fixture
def case(desk: Desk) -> int:
    arrive(desk, message("My bin was missed", "1"))
    triage.tag(desk, [the_case(desk)], area="waste")
    return the_case(desk)


def drafted(desk: Desk, case: int, to: str = "waste-team") -> HandoffDraft:
    return handoff.prepare(desk, case, to=to)


def settled(desk: Desk, row_id: int, state: OutboxState) -> None:
    with desk.store.transaction("JS", desk.clock()) as tx:
        assert tx.outbox.claim(row_id, desk.clock())
        tx.outbox.settle(row_id, state)


def test_a_step_that_another_officer_overtook_does_not_bar_the_way_to_those_before_it(
    tmp_path: Path, desk: Desk
) -> None:
    arrive(desk, message("one", "1", author="Ada"), message("two", "2", author="Bob"))
    first, second = case_ids(desk)
    triage.tag(desk, [first], area="waste")
    triage.tag(desk, [second], area="waste")
    other = small_desk(tmp_path, officer="MK")
    triage.tag(other, [second], area="roads")
    other.close()
    with pytest.raises(Refused, match=r"changed since.*before that one"):
        triage.undo(desk)
    assert "Undone: Tagged" in triage.undo(desk).said
    assert inbox.rows(desk, [first])[0].area is None
    assert inbox.rows(desk, [second])[0].area == "roads"


def test_two_officers_with_the_same_initials_take_back_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sits_down(login: str) -> Desk:
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
            monkeypatch.setenv(name, login)
        desk = small_desk(tmp_path)
        assert desk.seat
        return desk

    jane, john = sits_down("jane"), sits_down("john")
    arrive(jane, message("one", "1", author="Ada"), message("two", "2", author="Bob"))
    first, second = case_ids(jane)
    triage.tag(jane, [first], area="waste")
    triage.tag(john, [second], area="roads")
    triage.undo(jane)
    assert inbox.rows(jane, [first])[0].area is None
    assert inbox.rows(jane, [second])[0].area == "roads", "John's work stays"
    with pytest.raises(Refused, match="nothing of yours"):
        triage.undo(jane)
    with pytest.raises(Refused, match="nothing to do again"):
        triage.redo(john)
    # Tomorrow, in another window: it is hers still. And a step of the first version, which knew initials only.
    again = sits_down("jane")
    triage.redo(again)
    assert inbox.rows(jane, [first])[0].area == "waste"
    with jane.store.transaction("JS", jane.clock()) as tx:
        tx.undo.add("JS", jane.clock(), "an old step", [])
    step = jane.store.undo.last(jane.seat)
    assert step is not None
    assert step.said == "an old step"
    for each in (jane, john, again):
        each.close()


def test_a_handoff_that_has_left_does_not_bar_the_way_to_what_was_done_before_it(desk: Desk, case: int) -> None:
    arrive(desk, message("another", "2", author="Bob"))
    other = next(i for i in case_ids(desk) if i != case)
    triage.claim(desk, [other])
    row = handoff.queue(desk, drafted(desk, case)).row_id or 0
    settled(desk, row, OutboxState.SENT)
    with pytest.raises(Refused, match="already left"):
        triage.undo(desk)
    assert "Undone: Claimed" in triage.undo(desk).said


def test_a_mail_that_may_have_arrived_is_not_taken_back_as_if_it_had_not(desk: Desk, case: int) -> None:
    row = handoff.queue(desk, drafted(desk, case)).row_id or 0
    settled(desk, row, OutboxState.UNKNOWN)
    with pytest.raises(Refused, match="already left"):
        triage.undo(desk)
    assert outbox.rows(desk)[0].state is OutboxState.UNKNOWN
    assert inbox.rows(desk, [case])[0].status is Status.WAITING_CONTACT


def test_a_mail_that_leaves_at_this_moment_keeps_its_step(desk: Desk, case: int) -> None:
    row = handoff.queue(desk, drafted(desk, case)).row_id or 0
    settled(desk, row, OutboxState.SENDING)
    with pytest.raises(Refused, match="at this moment"):
        triage.undo(desk)
    with desk.store.transaction("JS", desk.clock()) as tx:
        tx.outbox.settle(row, OutboxState.QUEUED)
    assert "Undone: Handed" in triage.undo(desk).said
    assert kinds(desk, case)[-2:] == ["handoff.dropped", "action.undone"]


def test_no_message_id_is_ever_used_for_a_second_mail(desk: Desk, case: int) -> None:
    used = [drafted(desk, case).mail.message_id]
    first = handoff.queue(desk, drafted(desk, case))
    used.append(drafted(desk, case, "contact-centre").mail.message_id)
    handoff.queue(desk, drafted(desk, case, "contact-centre"))
    outbox.drop(desk, first.row_id or 0)
    used.append(drafted(desk, case, "roads-team").mail.message_id)
    handoff.queue(desk, drafted(desk, case, "roads-team"))
    assert len(set(used)) == 3
    triage.undo(desk)
    assert drafted(desk, case).mail.message_id not in used


def test_a_handoff_that_is_dropped_leaves_the_case_waiting_for_the_other_contact(desk: Desk, case: int) -> None:
    first = handoff.queue(desk, drafted(desk, case))
    handoff.queue(desk, drafted(desk, case, "contact-centre"))
    outbox.drop(desk, first.row_id or 0)
    assert inbox.rows(desk, [case])[0].status is Status.WAITING_CONTACT
    outbox.drop(desk, outbox.rows(desk)[0].id)
    assert inbox.rows(desk, [case])[0].status is Status.OPEN


def test_a_case_waits_as_long_as_a_contact_has_it_whichever_handoff_is_taken_back(
    tmp_path: Path, desk: Desk, case: int
) -> None:
    handoff.queue(desk, drafted(desk, case))
    other = small_desk(tmp_path, officer="MK", clock=FrozenClock(desk.clock()))
    handoff.queue(other, drafted(other, case, "contact-centre"))
    triage.undo(desk)
    assert inbox.rows(desk, [case])[0].status is Status.WAITING_CONTACT
    triage.undo(other)
    other.close()
    assert inbox.rows(desk, [case])[0].status is Status.OPEN


def test_the_last_handoff_that_is_taken_back_brings_the_case_back(desk: Desk, case: int) -> None:
    first = handoff.queue(desk, drafted(desk, case))
    handoff.queue(desk, drafted(desk, case, "contact-centre"))
    outbox.drop(desk, first.row_id or 0)
    triage.undo(desk)
    assert inbox.rows(desk, [case])[0].status is Status.OPEN


def test_undoing_a_note_does_not_say_that_the_note_is_gone(desk: Desk, case: int) -> None:
    triage.note(desk, case, "rang twice")
    assert "stays in the log" in triage.undo(desk).said
    assert kinds(desk, case)[-1] == "case.noted"
    assert "Undone: Tagged" in triage.undo(desk).said


def test_a_first_answer_that_is_taken_back_leaves_the_case_as_new_as_it_was(desk: Desk) -> None:
    arrive(desk, message("hello", "1", reply_data={"reply_to": "ada@home.example"}), account="mailbox")
    replies.queue(desk, replies.prepare(desk, None, the_case(desk), "Thank you."))
    assert inbox.rows(desk, [the_case(desk)])[0].status is Status.OPEN
    assert "Undone: Answered" in triage.undo(desk).said
    assert inbox.rows(desk, [the_case(desk)])[0].status is Status.NEW
