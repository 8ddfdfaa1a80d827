"""What contacts answer: tied to its handoff where that is certain, put before an officer where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialtriage.domain.errors import Refused, StoreError, UsageError
from socialtriage.domain.models import MediaState, OutboxState, Outcome, Status, Voice
from socialtriage.domain.times import iso
from socialtriage.domain.views import HandoffView
from socialtriage.mail.parse import parse
from socialtriage.services import (
    accounts,
    answers,
    contacts,
    evidence,
    handoff,
    outbox,
    record,
    replies,
    restricting,
    triage,
)
from socialtriage.services.answer_rules import Judge
from socialtriage.store.accounts import AccountWriter
from tests.doubles.answer_desk import AnswerDesk, bounce
from tests.doubles.desk import MONDAY, case_ids, texts
from tests.doubles.imap import ImapDouble


@pytest.fixture
def server() -> Iterator[ImapDouble]:
    with ImapDouble() as double:
        yield double


@pytest.fixture
def desk(tmp_path: Path, server: ImapDouble) -> Iterator[AnswerDesk]:
    there = AnswerDesk(tmp_path, server)
    yield there
    there.desk.close()


def test_an_answer_lands_in_its_case_and_the_resident_is_to_be_told(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    body = "Collected this morning.\n\n-- \nPat, Waste services\n\nOn Mon, 16 Nov 2026, Desk wrote:\n> Case ABC\n"
    desk.answer(handed, body)
    case = desk.show(case_id)
    said = case.messages[-1]
    assert (said.voice, said.text) == (Voice.CONTACT, "Collected this morning.")
    assert said.quoted is not None
    assert "Pat, Waste services" in said.quoted
    assert case.row.status is Status.TELL_RESIDENT
    assert (case.handoffs[0].state, case.handoffs[0].answered_at) == (OutboxState.ANSWERED, said.at)
    assert case.events[-1].kind == "handoff.answered"
    assert case_ids(desk.desk, "tell") == [case_id]
    assert desk.asked() == []
    restricting.restrict(desk.desk, [case_id])
    assert [(mail.subject, mail.text) for mail in desk.mails()] == [("[restricted]", "[restricted]")]


def test_threads_that_lost_their_headers_are_tied_by_reference_and_a_known_sender(desk: AnswerDesk) -> None:
    case_id, _ = desk.handed()
    ref = desk.show(case_id).row.ref
    desk.answer(body="Done.", Subject=f"RE: [{ref.lower().replace('-', ' ')}] bins")
    assert desk.show(case_id).row.status is Status.TELL_RESIDENT
    other, _ = desk.handed("Another bin")
    header = "-----Original Message-----\nFrom: Desk\nSent: Monday\nSubject: x"
    quoted = f"Done too.\n\n{header}\n\nReference: {desk.show(other).row.ref}"
    desk.answer(body=quoted, Subject="bins", From="Contact centre <CENTRE@anytown.example>")
    case = desk.show(other)
    assert (case.row.status, case.messages[-1].text) == (Status.TELL_RESIDENT, "Done too.")
    assert "deputy" not in case.messages[-1].text


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"From": "Waste services <waste@evil.example>"}, "neither the contact nor a deputy"),
        ({"From": '"waste@anytown.example" <x@evil.example>'}, "neither the contact nor a deputy"),
        ({"From": "jo@anytown.example"}, "neither the contact nor a deputy"),
        ({"From": "waste@anytown.example, x@evil.example"}, "several senders"),
        ({"From": "", "Sender": "waste@anytown.example"}, "no sender"),
        ({"Authentication_Results": "mx.anytown.example; dmarc=fail header.from=anytown.example"}, "may be forged"),
        ({"Authentication_Results": "mx.anytown.example; spf=fail smtp.mailfrom=x@evil.example"}, "may be forged"),
        ({"Authentication_Results": "mx.anytown.example; spf=pass; dkim=fail"}, "may be forged"),
        ({"Authentication_Results": "mx.anytown.example; dmarc=pass header.from=evil.example"}, "another sender"),
        ({"Subject": "Re: [ABC-7Q4K2M] something else"}, "its subject names ABC-7Q4K2M"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_strangers_and_spoofs_change_nothing_by_themselves(desk: AnswerDesk, headers: dict[str, str], why: str) -> None:
    case_id, handed = desk.handed()
    before = desk.show(case_id)
    desk.answer(handed, **headers)
    assert desk.show(case_id) == before
    [asked] = desk.asked()
    assert why in asked.why
    assert asked.case_id == case_id
    answers.accept(desk.desk, asked.id)
    after = desk.show(case_id)
    assert (after.row.status, after.handoffs[0].state) == (Status.TELL_RESIDENT, OutboxState.ANSWERED)
    assert {"handoff.answered", "mail.accepted"} <= {event.kind for event in after.events}
    with pytest.raises(Refused, match="already"):
        answers.accept(desk.desk, asked.id)


def test_a_server_that_vouches_for_the_sender_is_no_reason_to_ask(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    good = "mx.anytown.example; dmarc=pass header.from=anytown.example; spf=fail; dkim=pass"
    desk.answer(handed, Authentication_Results=good)
    assert desk.show(case_id).row.status is Status.TELL_RESIDENT


def test_a_resident_who_writes_there_is_only_asked_about(desk: AnswerDesk) -> None:
    case_id, _ = desk.handed()
    ref = desk.show(case_id).row.ref
    before = desk.show(case_id)
    desk.answer(body=f"Any news on {ref}?", From="resident@home.example")
    desk.answer(body="Buy now", From="news@shop.example", List_Unsubscribe="<https://shop.example>")
    desk.answer(body="Hello?", From="resident@home.example")
    desk.answer(body="Which bin was it?", Subject="bin")
    assert desk.show(case_id) == before
    reader, hello, question = desk.asked()
    assert (reader.ref, "was not handed it" in reader.why) == (ref, True)
    assert (hello.ref, "stranger" in hello.why) == (None, True)
    assert (question.ref, "the only case they have" in question.why) == (ref, True)
    with pytest.raises(UsageError, match="which case"):
        answers.accept(desk.desk, hello.id)
    assert "off the list" in answers.ignore(desk.desk, hello.id).said
    answers.accept(desk.desk, hello.id, case_id=case_id)
    assert desk.show(case_id).messages[-1].text == "Hello?"
    assert case_ids(desk.desk, "all") == [case_id]


def test_a_second_answer_adds_to_the_case_and_the_first_counts(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.answer(handed, "Collected.", Message_ID="<same@anytown.example>")
    first = desk.handoffs(case_id)[0].answered_at
    desk.answer(handed, "And a new bin is on its way.", Message_ID="<same@anytown.example>")
    case = desk.show(case_id)
    assert texts(case.messages[1:]) == ["Collected.", "And a new bin is on its way."]
    assert case.row.messages == 3
    assert case.handoffs[0].answered_at == first
    assert answers.words_for_resident(desk.desk, case_id) == "Collected.\n\nAnd a new bin is on its way."
    assert contacts.listing(desk.desk)[0].median_answer_minutes == 60
    row = next(iter(record.case_rows(desk.desk, None, None)))
    assert row["contact_answered_at"] == iso(first or MONDAY)


def test_the_same_mail_again_and_another_uidvalidity_bring_nothing_twice(desk: AnswerDesk, server: ImapDouble) -> None:
    case_id, handed = desk.handed()
    mail = desk.mail("Done.", In_Reply_To=handed.message_id)
    desk.deliver(mail)
    desk.deliver(mail)
    assert desk.poll().new == 1
    server.renumber(77, reverse=True)
    desk.deliver(desk.mail("More.", In_Reply_To=handed.message_id))
    assert desk.poll().new == 1
    assert texts(desk.show(case_id).messages[1:]) == ["Done.", "More."]
    assert not any("SEEN" in command.upper() and "PEEK" not in command.upper() for command in server.commands)
    assert not any(command.upper().startswith(("SELECT", "UID STORE")) for command in server.commands)


def test_a_kill_between_page_and_cursor_loses_nothing_and_doubles_nothing(
    desk: AnswerDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socialtriage.mail.walk.MAX_MAILS", 1)
    case_id, handed = desk.handed()
    for body in ("One.", "Two.", "Three."):
        desk.deliver(desk.mail(body, In_Reply_To=handed.message_id))
    real, left = AccountWriter.update, [1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]

    def killed(self: AccountWriter, id_: str, **values: object) -> None:
        if "cursor" in values and left.pop(0):
            raise StoreError("killed")
        real(self, id_, **values)

    monkeypatch.setattr(AccountWriter, "update", killed)
    passes = [desk.poll() for _ in range(6)]
    assert [each.error is None for each in passes].count(False) >= 2
    assert texts(desk.show(case_id).messages[1:]) == ["One.", "Two.", "Three."]
    assert passes[-1].new == 0


def test_attachments_are_kept_and_an_encoding_from_1998_is_read(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    mail = desk.mail("See the photograph.", In_Reply_To=handed.message_id)
    mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="bin.png")
    desk.deliver(mail)
    old = (
        f"From: =?iso-8859-1?Q?Waste_services_=28Ren=E9=29?= <waste@anytown.example>\r\nSubject: bins\r\n"
        f"In-Reply-To: {handed.message_id}\r\nMessage-ID: <old@anytown.example>\r\n\r\n"
    ).encode() + b"The caf\xe9\x92s bin \x96 done \x80 5.\r\n"
    desk.deliver(old)
    desk.poll()
    case = desk.show(case_id)
    by_text = {str(message.text): message for message in case.messages}
    assert "The café’s bin – done € 5." in by_text
    (photo,) = by_text["See the photograph."].media
    assert (photo.name, photo.state, photo.bytes) == ("bin.png", MediaState.KEPT, 4)
    assert evidence.read(desk.desk.media_folder, photo.path or "") == b"\x89PNG"
    assert case.row.media == 1


def test_a_huge_mail_is_read_in_part(desk: AnswerDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socialtriage.mail.walk.HEAVY_BYTES", 20_000)
    monkeypatch.setattr("socialtriage.mail.walk.MAX_MAIL_BYTES", 40_000)
    case_id, handed = desk.handed()
    mail = desk.mail("The film shows it.", In_Reply_To=handed.message_id)
    mail.add_attachment(b"x" * 60_000, maintype="video", subtype="mp4", filename="film.mp4")
    desk.deliver(mail)
    desk.poll()
    said = desk.show(case_id).messages[-1]
    assert said.text == "The film shows it."
    assert [(each.name, each.state) for each in said.media] == [("film.mp4", MediaState.TOO_LARGE)]


def test_an_out_of_office_answers_nothing_and_offers_the_deputy(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    away = "I am out of the office until 20 November 2026."
    desk.answer(handed, away, Subject="Automatic reply: bins", Auto_Submitted="auto-replied")
    case = desk.show(case_id)
    assert (case.row.status, case.handoffs[0].state) == (Status.WAITING_CONTACT, OutboxState.SENT)
    assert (case.events[-1].kind, case.events[-1].note) == ("contact.absent", away)
    [asked] = desk.asked()
    assert "Waste services is out of the office until 20 November 2026; the deputy is Contact centre" in asked.why
    assert contacts.listing(desk.desk)[0].away_until is None
    desk.answer(handed, away, Subject="Automatic reply: bins", Auto_Submitted="auto-replied")
    assert len(desk.asked()) == 1
    said = answers.accept(desk.desk, asked.id).said
    assert said == (
        f"Waste services is away until 20 November; hand {case.row.ref} to Contact centre"
        f" (handoff {case.row.ref} --to contact-centre)."
    )
    assert contacts.listing(desk.desk)[0].away_until == date(2026, 11, 20)
    assert desk.hand_off(case_id).contact == "contact-centre"
    desk.answer(handed, "We have your mail.", Auto_Submitted="auto-replied", Subject="Ticket 123")
    assert desk.asked() == []
    assert desk.show(case_id).events[-1].kind == "contact.automatic"


def test_an_absence_without_a_date_wants_one_from_the_officer(desk: AnswerDesk) -> None:
    _, handed = desk.handed()
    desk.answer(handed, "I am on leave.", Subject="Out of office", X_Autoreply="yes")
    [asked] = desk.asked()
    with pytest.raises(UsageError, match="until when"):
        answers.accept(desk.desk, asked.id)
    with pytest.raises(UsageError, match="has passed"):
        answers.accept(desk.desk, asked.id, until=date(2026, 11, 1))
    assert "until 24 December" in answers.accept(desk.desk, asked.id, until=date(2026, 12, 24)).said


def test_a_bounce_brings_the_case_back_and_says_why(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.deliver(bounce(handed.message_id, "waste@anytown.example", "delayed"))
    desk.poll()
    assert desk.handoffs(case_id)[0].state is OutboxState.SENT
    desk.deliver(bounce(handed.message_id, "WASTE@anytown.example"))
    desk.poll()
    case = desk.show(case_id)
    assert (case.row.status, case.handoffs[0].state) == (Status.OPEN, OutboxState.BOUNCED)
    assert "550 5.1.1 User unknown" in (case.handoffs[0].error or "")
    assert [event.kind for event in case.events][-2:] == ["handoff.delayed", "handoff.bounced"]
    [row] = outbox.rows(desk.desk)
    assert row.state is OutboxState.BOUNCED
    assert contacts.listing(desk.desk)[0].open_handoffs == 0
    outbox.drop(desk.desk, row.id)
    assert desk.handoffs(case_id)[0].state is OutboxState.BOUNCED


def test_a_doubtful_bounce_is_asked_about(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.deliver(bounce(handed.message_id, "jo@elsewhere.example"))
    desk.deliver(bounce("<not.ours@anytown.example>", "somebody@elsewhere.example"))
    words = f"Undeliverable message. It was:\n\nMessage-ID: {handed.message_id}\n"
    desk.deliver(desk.mail(words, From="MAILER-DAEMON@mail.anytown.example", Subject="Delivery failure"))
    desk.poll()
    assert desk.show(case_id).row.status is Status.WAITING_CONTACT
    asked, vague = desk.asked()
    assert "did not reach jo@elsewhere.example" in asked.why
    assert "has something to say of the mail to Waste services" in vague.why
    answers.accept(desk.desk, asked.id)
    assert (desk.show(case_id).row.status, desk.handoffs(case_id)[0].state) == (Status.OPEN, OutboxState.BOUNCED)


def test_a_closed_case_keeps_the_answer_and_an_officer_decides_whether_it_opens(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    triage.close(desk.desk, [case_id], Outcome.DONE_BY_US)
    desk.answer(handed, "It was done after all.")
    case = desk.show(case_id)
    assert (case.row.status, case.messages[-1].text) == (Status.CLOSED, "It was done after all.")
    assert case.handoffs[0].state is OutboxState.ANSWERED
    [asked] = desk.asked()
    assert "is closed; accepting reopens it" in asked.why
    answers.accept(desk.desk, asked.id)
    case = desk.show(case_id)
    assert (case.row.status, len(case.messages), case.row.messages) == (Status.TELL_RESIDENT, 2, 2)
    assert desk.desk.store.log.verify().fault is None


def test_a_copy_of_our_own_mail_is_no_answer(desk: AnswerDesk) -> None:
    case_id, _ = desk.handed()
    (sent,) = (desk.folder / "sent").glob("*.eml")
    desk.deliver(sent.read_bytes())
    assert desk.poll().new == 0
    assert desk.show(case_id).row.status is Status.WAITING_CONTACT
    assert desk.mails() == []


def test_a_mailbox_that_fails_says_so_and_nothing_else_suffers(desk: AnswerDesk, server: ImapDouble) -> None:
    server.users["social@anytown.example"] = "another"
    result = desk.poll()
    assert (result.account, result.network, result.state) == ("mail.imap", "imap", "login_needed")
    assert "did not accept the sign-in" in (result.error or "")
    views = {view.id: view for view in accounts.listing(desk.desk)}
    assert views["mail.imap"].state == "login_needed"


def test_one_mailbox_for_residents_and_contacts(tmp_path: Path, server: ImapDouble) -> None:
    desk = AnswerDesk(tmp_path, server, one_mailbox=True)
    case_id, handed = desk.handed()
    desk.deliver(desk.mail("Collected.", In_Reply_To=handed.message_id))
    desk.deliver(desk.mail("I know about that one.", From="jo@anytown.example", References=handed.message_id))
    desk.deliver(desk.mail("My lamp is out.", From="resident@home.example", Subject="Lamp"))
    desk.deliver(bounce(handed.message_id, "waste@anytown.example"))
    results = {each.account: each.new for each in desk.poll_all()}
    assert results == {"mailbox": 1, "mail.imap": 3}
    assert texts(desk.show(case_id).messages[1:]) == ["Collected."]
    assert [mail.sender for mail in desk.asked()] == ["jo@anytown.example"]
    [lamp] = [other for other in case_ids(desk.desk, "open") if other != case_id]
    assert desk.show(lamp).messages[0].text == "My lamp is out."
    desk.desk.close()


def test_an_answer_in_the_wrong_case_is_put_into_the_right_one(desk: AnswerDesk) -> None:
    wrong, handed = desk.handed()
    right, _ = desk.handed("Another bin")
    mail = desk.mail("The one in Mill Lane is done.", In_Reply_To=handed.message_id)
    mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="bin.png")
    desk.deliver(mail)
    desk.poll()
    [taken] = desk.mails()
    assert (taken.state, taken.case_id) == ("taken", wrong)
    answers.accept(desk.desk, taken.id, case_id=right)
    before, after = desk.show(wrong), desk.show(right)
    assert (before.row.status, before.handoffs[0].state) == (Status.WAITING_CONTACT, OutboxState.SENT)
    assert (before.row.messages, before.row.media, len(before.messages)) == (1, 0, 1)
    assert (after.row.status, after.handoffs[0].state) == (Status.TELL_RESIDENT, OutboxState.ANSWERED)
    assert (after.row.messages, after.row.media) == (2, 1)
    assert before.events[-1].kind == "mail.taken_out"
    assert contacts.listing(desk.desk)[0].open_handoffs == 1
    answers.ignore(desk.desk, taken.id)
    taken_out = desk.show(right)
    assert (taken_out.row.status, taken_out.row.messages) == (Status.WAITING_CONTACT, 1)
    answers.accept(desk.desk, taken.id, case_id=wrong)
    assert desk.show(wrong).row.status is Status.TELL_RESIDENT


def test_an_answer_proves_that_a_mail_arrived_whose_fate_was_unknown(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    [row] = outbox.rows(desk.desk)
    with desk.desk.store.transaction("test", desk.clock()) as tx:
        tx.outbox.settle(row.id, OutboxState.UNKNOWN)
        tx.outbox.update_handoff(handed.id, OutboxState.UNKNOWN)
    desk.answer(handed)
    assert desk.handoffs(case_id)[0].state is OutboxState.ANSWERED
    assert outbox.rows(desk.desk)[0].state is OutboxState.SENT


WRITERS = ("waste@anytown.example", "centre@anytown.example", "jo@anytown.example", "waste@evil.example")
RESULTS = ("", "mx; dmarc=pass", "mx; dmarc=fail", "mx; spf=fail", "mx; dkim=fail; spf=pass", "mx; spf=softfail")


@pytest.fixture
def standing(desk: AnswerDesk) -> tuple[AnswerDesk, str, HandoffView]:
    """A case that the waste team has."""
    case_id, handed = desk.handed()
    return desk, desk.show(case_id).row.ref, handed


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writer=st.sampled_from(WRITERS),
    result=st.sampled_from(RESULTS),
    named=st.sampled_from(("id", "ref", "both", "neither")),
    more=st.sampled_from(("", "Second <second@evil.example>")),
    automatic=st.booleans(),
)
def test_only_a_known_sender_whom_nothing_speaks_against_changes_a_case(
    standing: tuple[AnswerDesk, str, HandoffView], writer: str, result: str, named: str, more: str, automatic: bool
) -> None:
    desk, ref, handed = standing
    headers = {"From": f"{writer}, {more}" if more else writer, "Subject": ref if named in ("ref", "both") else "bins"}
    headers |= {"In_Reply_To": handed.message_id} if named in ("id", "both") else {}
    headers |= {"Authentication_Results": result} if result else {}
    headers |= {"Auto_Submitted": "auto-replied"} if automatic else {}
    with desk.desk.store.transaction("test", desk.clock()) as tx:
        judged = Judge(desk.desk, tx.answers).judge(parse(desk.mail("Done.", **headers).as_bytes()))
    known = writer in WRITERS[:2] and not more and result in RESULTS[:2]
    assert (judged.state == "taken") == (known and named != "neither" and not automatic)


def test_an_answer_to_a_resident_that_comes_back_brings_the_case_back(desk: AnswerDesk) -> None:
    case_id = desk.by_mail("My lamp is out.")
    draft = replies.prepare(desk.desk, None, case_id, "It is mended.")
    replies.queue(desk.desk, draft, undo_seconds=0)
    desk.send()
    assert desk.show(case_id).row.status is Status.WAITING_RESIDENT
    assert draft.mail is not None
    desk.deliver(bounce(draft.mail.message_id, "resident@home.example"))
    desk.poll()
    case = desk.show(case_id)
    assert (case.row.status, case.row.due_clock, case.events[-1].kind) == (Status.OPEN, "answer", "reply.bounced")
    assert outbox.rows(desk.desk)[0].state is OutboxState.BOUNCED


def test_a_contact_whose_mail_came_back_is_named_before_the_next_one(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.deliver(bounce(handed.message_id, "waste@anytown.example"))
    desk.poll()
    assert handoff.prepare(desk.desk, case_id).warnings[0].startswith("The last mail to Waste services came back: ")
    assert handoff.prepare(desk.desk, case_id, to="contact-centre").warnings == ()


def test_decisions_are_undone(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.answer(handed, "From my own address.", From="jo@anytown.example")
    desk.answer(handed, "I am on leave.", Subject="Out of office", Auto_Submitted="auto-replied")
    mail, away = desk.asked()
    answers.accept(desk.desk, mail.id)
    assert desk.show(case_id).row.status is Status.TELL_RESIDENT
    assert triage.undo(desk.desk).said.startswith("Undone: ")
    case = desk.show(case_id)
    assert (case.row.status, case.handoffs[0].state, case.row.messages) == (
        Status.WAITING_CONTACT,
        OutboxState.SENT,
        1,
    )
    answers.ignore(desk.desk, mail.id)
    answers.accept(desk.desk, away.id, until=date(2026, 12, 24))
    triage.undo(desk.desk)
    assert contacts.listing(desk.desk)[0].away_until is None
    triage.undo(desk.desk)
    assert [each.id for each in desk.asked()] == [mail.id, away.id]
    answers.accept(desk.desk, mail.id)
    triage.close(desk.desk, [case_id], Outcome.DONE_BY_US)
    triage.undo(desk.desk)
    triage.snooze(desk.desk, [case_id], MONDAY.replace(month=12))
    answers.accept(desk.desk, away.id, until=date(2026, 12, 24))
    triage.undo(desk.desk)
    triage.undo(desk.desk)
    assert "Undone: " in triage.undo(desk.desk).said
    assert desk.desk.store.log.verify().fault is None


def test_a_decision_that_something_stands_on_stays(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.answer(handed, "From my own address.", From="jo@anytown.example")
    [mail] = desk.asked()
    answers.accept(desk.desk, mail.id)
    other = replace(desk.desk, officer="KL")
    triage.close(other, [case_id], Outcome.ANSWERED)
    with pytest.raises(Refused, match="went on since"):
        triage.undo(desk.desk)
    assert desk.show(case_id).messages[-1].text == "From my own address."
