"""Reminding contacts: the mail quotes the first one and threads under it, is counted when it leaves, and knows the
deputy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxKind, OutboxState, Status
from socialtriage.services import answers, chase, contacts, outbox, triage
from tests.doubles.answer_desk import AnswerDesk, bounce
from tests.doubles.imap import ImapDouble


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[AnswerDesk]:
    with ImapDouble() as server:
        there = AnswerDesk(tmp_path, server)
        yield there
        there.desk.close()


def test_a_reminder_quotes_the_first_mail_and_is_counted_when_it_leaves(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    early = chase.prepare(desk.desk, case_id)
    assert "not due before" in early.warnings[0]
    desk.clock.move(days=2)
    draft = chase.prepare(desk.desk, case_id, note="The resident rang.")
    assert draft.warnings == ()
    chase.queue(desk.desk, draft, undo_seconds=0)
    assert desk.handoffs(case_id)[0].chased == 0
    with pytest.raises(Refused, match="on its way"):
        chase.prepare(desk.desk, case_id)
    desk.send()
    [after] = desk.handoffs(case_id)
    assert (after.chased, after.state, after.expected_at) == (1, OutboxState.SENT, draft.expected_at)
    name = draft.mail.message_id.strip("<>").partition("@")[0]
    mail = message_from_bytes((desk.folder / "sent" / f"{name}.eml").read_bytes(), policy=policy.default)
    assert (mail["In-Reply-To"], mail["References"]) == (handed.message_id, handed.message_id)
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "Reminder 1" in text
    assert "> Case ABC" in text
    assert "The resident rang." in text
    assert outbox.rows(desk.desk)[0].kind is OutboxKind.CHASE
    events = [event.kind for event in desk.show(case_id).events]
    assert events[-2:] == ["chase.queued", "chase.sent"]


def test_a_second_reminder_suggests_the_deputy_and_its_answer_is_tied(desk: AnswerDesk) -> None:
    case_id, _ = desk.handed()
    desk.clock.move(days=2)
    chase.queue(desk.desk, chase.prepare(desk.desk, case_id), undo_seconds=0)
    desk.send()
    desk.clock.move(days=2)
    draft = chase.prepare(desk.desk, case_id)
    assert (draft.number, draft.deputy.id if draft.deputy else None) == (2, "contact-centre")
    assert f"handoff {draft.ref} --to contact-centre" in draft.warnings[-1]
    chase.queue(desk.desk, draft, undo_seconds=0)
    desk.send()
    # Some mail programs name nothing but the mail that is answered.
    desk.clock.move(hours=1)
    desk.deliver(desk.mail("Sorry, done.", In_Reply_To=draft.mail.message_id))
    desk.poll()
    assert (desk.show(case_id).row.status, desk.handoffs(case_id)[0].chased) == (Status.TELL_RESIDENT, 2)
    with pytest.raises(Refused, match="waits for no answer"):
        chase.prepare(desk.desk, case_id)
    assert desk.asked() == []
    assert answers.words_for_resident(desk.desk, case_id) == "Sorry, done."


def test_a_reminder_that_is_taken_back_leaves_the_handoff(desk: AnswerDesk) -> None:
    case_id, _ = desk.handed()
    desk.clock.move(days=2)
    first = chase.prepare(desk.desk, case_id, note="Please.")
    chase.queue(desk.desk, first)
    triage.undo(desk.desk)
    assert [row.kind for row in outbox.rows(desk.desk)] == [OutboxKind.HANDOFF]
    assert (desk.handoffs(case_id)[0].state, desk.show(case_id).row.status) == (
        OutboxState.SENT,
        Status.WAITING_CONTACT,
    )
    second = chase.prepare(desk.desk, case_id)
    assert (second.number, second.mail.message_id == first.mail.message_id) == (1, False)
    again = chase.queue(desk.desk, second)
    outbox.drop(desk.desk, again.row_id or 0)
    assert desk.handoffs(case_id)[0].state is OutboxState.SENT


def test_an_answer_that_comes_meanwhile_stops_the_reminder(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.clock.move(days=2)
    draft = chase.prepare(desk.desk, case_id)
    desk.answer(handed)
    with pytest.raises(Refused, match="changed since"):
        chase.queue(desk.desk, draft)


def test_a_reminder_that_comes_back_says_that_the_contact_cannot_be_reached(desk: AnswerDesk) -> None:
    case_id, _ = desk.handed()
    desk.clock.move(days=2)
    draft = chase.prepare(desk.desk, case_id)
    chase.queue(desk.desk, draft, undo_seconds=0)
    desk.send()
    desk.deliver(bounce(draft.mail.message_id, "waste@anytown.example"))
    desk.poll()
    assert (desk.show(case_id).row.status, desk.handoffs(case_id)[0].state) == (Status.OPEN, OutboxState.BOUNCED)
    assert {row.kind: row.state for row in outbox.rows(desk.desk)} == {
        OutboxKind.CHASE: OutboxState.BOUNCED,
        OutboxKind.HANDOFF: OutboxState.SENT,
    }


def test_a_contact_who_is_away_is_named_with_the_deputy(desk: AnswerDesk) -> None:
    case_id, _ = desk.handed()
    desk.clock.move(days=1)
    contacts.away(desk.desk, "waste-team", desk.clock().date() + timedelta(days=7))
    draft = chase.prepare(desk.desk, case_id)
    assert draft.deputy is not None
    assert any("is away until" in warning for warning in draft.warnings)
    desk.clock.move(days=1)
    assert desk.late(case_id)
    second = desk.hand_off(case_id)
    assert (second.contact, desk.late(case_id)) == ("contact-centre", False)
    desk.clock.move(days=2)
    assert desk.late(case_id)
    assert chase.prepare(desk.desk, case_id).handoff.contact == "contact-centre"
