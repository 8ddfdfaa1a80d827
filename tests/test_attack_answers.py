"""Mail by those who mean harm, by machines that answer machines, and by programs that know no standard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from socialtriage.domain.answers import MailKind, MailState
from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxState, Status, Visibility
from socialtriage.mail.parse import parse
from socialtriage.services import answers, grouping, outbox, people, replies, reply_checks
from socialtriage.services.mail_doubts import doubts
from tests.doubles.answer_desk import AnswerDesk, bounce
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


def test_the_name_of_the_colleague_who_answered_is_not_published_unawares(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.answer(handed, "I go there on Friday.", From='"Bloggs, Jo" <waste@anytown.example>')
    desk.answer(handed, "Done.", From="Dana Smith <centre@anytown.example>")

    def said(words: str) -> str:
        return " ".join(reply_checks.warnings(desk.desk, desk.show(case_id), wording(words)))

    def wording(words: str) -> reply_checks.Wording:
        return reply_checks.Wording(words, Visibility.PUBLIC, "@a")

    assert "of a colleague: name" in said("Dana\u00a0Smith comes on Friday.")
    assert "name" not in said("Waste services come on Friday, Dana.")


# --- reports that something came back ---------------------------------------------------------------------------


def test_who_knows_the_reference_cannot_report_that_the_contacts_mail_came_back(desk: AnswerDesk) -> None:
    case_id, _ = desk.handed()
    ref = desk.show(case_id).row.ref
    assert len({desk.handed(words)[1].message_id.partition(".")[2] for words in ("one", "two")}) == 2
    guessed = bounce(f"<{ref.lower()}.h1@anytown.example>", "waste@anytown.example")
    in_words = f"<waste@anytown.example>:\n550 5.1.1 User unknown\n\nThis is the qmail-send program. It was {ref}.\n"
    desk.deliver(guessed)
    desk.deliver(desk.mail(in_words, From="MAILER-DAEMON@evil.example", Subject="failure notice"))
    desk.poll()
    assert desk.show(case_id).row.status is Status.WAITING_CONTACT
    [asked] = desk.asked()
    assert "carries no Message-ID of ours, only the reference" in asked.why
    assert answers.accept(desk.desk, asked.id).said.startswith(f"The handoff of {ref} came back")
    assert desk.handoffs(case_id)[0].state is OutboxState.BOUNCED


def test_a_report_about_somebody_else_does_not_say_that_the_residents_mail_came_back(desk: AnswerDesk) -> None:
    case_id = desk.by_mail("My lamp is out.")
    draft = replies.prepare(desk.desk, None, case_id, "It is mended.")
    replies.queue(desk.desk, draft, undo_seconds=0)
    desk.send()
    assert draft.mail is not None
    desk.deliver(bounce(draft.mail.message_id, "somebody@elsewhere.example"))
    forged = bounce(draft.mail.message_id, "resident@home.example")
    desk.deliver(b"Authentication-Results: mx.anytown.example; spf=fail\r\n" + forged)
    desk.poll()
    assert desk.show(case_id).row.status is Status.WAITING_RESIDENT
    other, doubtful = desk.asked()
    assert "names somebody@elsewhere.example" in other.why
    assert "may be forged" in doubtful.why
    assert "The mail to the resident of" in answers.accept(desk.desk, doubtful.id).said
    assert desk.show(case_id).row.status is Status.OPEN
    assert outbox.rows(desk.desk)[0].state is OutboxState.BOUNCED


def test_a_report_without_a_message_id_is_asked_about_where_its_recipient_has_cases(desk: AnswerDesk) -> None:
    nameless = bounce("", "waste@anytown.example").replace(b"Message-ID: \r\n", b"")
    desk.deliver(nameless)
    desk.poll()
    assert desk.asked() == []
    first, _ = desk.handed("one bin")
    desk.deliver(nameless.replace(b"Subject: Undel", b"Subject: Again undel"))
    desk.poll()
    [asked] = desk.asked()
    assert asked.case_id == first
    second, _ = desk.handed("another bin")
    desk.deliver(nameless.replace(b"Subject: Undel", b"Subject: And again undel"))
    desk.poll()
    unplaced = desk.asked()[-1]
    with pytest.raises(Refused, match="Nobody knows which"):
        answers.accept(desk.desk, unplaced.id)
    answers.accept(desk.desk, unplaced.id, case_id=second)
    assert desk.handoffs(second)[0].state is OutboxState.BOUNCED
    assert desk.handoffs(first)[0].state is OutboxState.SENT


def test_a_pass_that_the_sender_wrote_does_not_outweigh_what_the_server_says(desk: AnswerDesk) -> None:
    mail = desk.mail("Done.").as_bytes()
    servers, forged = b"Authentication-Results: mx.a; spf=fail\n", b"Authentication-Results: mx.a; dmarc=pass\n"
    assert "forged (spf)" in (doubts(parse(servers + forged + mail)) or "")
    assert doubts(parse(forged + servers + mail)) is None


@pytest.mark.parametrize(
    ("results", "doubtful"),
    [
        ("mx; spf=pass smtp.mailfrom=jo@evil.example", True),
        ("mx; spf=pass (ok) smtp.mailfrom=evil.example; dkim=pass header.d=evil.example header.s=k", True),
        ("mx; dkim=pass header.i=@evil.example; spf=softfail smtp.mailfrom=waste@anytown.example", True),
        ("mx; spf=pass smtp.mailfrom=com", True),
        ("mx; spf=pass smtp.mailfrom=bounce@mail.anytown.example; dkim=pass header.d=tenant.example", False),
        ("mx; spf=pass smtp.mailfrom=srs@list.example; dkim=pass header.d=anytown.example", False),
        ("mx; spf=pass smtp.mailfrom=x@evil.example; dmarc=pass header.from=anytown.example", False),
        ("mx; spf=none smtp.mailfrom=waste@anytown.example; dkim=none", False),
    ],
)
def test_a_server_that_vouches_for_somebody_else_vouches_for_nobody(
    desk: AnswerDesk, results: str, doubtful: bool
) -> None:
    why = doubts(parse(desk.mail("Done.", Authentication_Results=results).as_bytes()))
    assert ("vouches for another sender" in (why or "")) == doubtful


# --- which case it is -------------------------------------------------------------------------------------------


def test_an_answer_that_speaks_of_another_case_is_asked_about(desk: AnswerDesk) -> None:
    first, handed = desk.handed("one bin")
    second, _ = desk.handed("another bin")
    ref, other = desk.show(first).row.ref, desk.show(second).row.ref
    desk.answer(handed, f"About {other}: emptied.", Subject=f"Re: {ref}")
    assert desk.show(first).row.status is Status.WAITING_CONTACT
    [asked] = desk.asked()
    assert asked.why == f"it answers the mail about {ref}, and its words name {other}"
    answers.accept(desk.desk, asked.id, case_id=second)
    assert desk.show(second).row.status is Status.TELL_RESIDENT
    desk.answer(handed, f"{ref} is done too, as {other} was.")
    assert desk.show(first).row.status is Status.TELL_RESIDENT


def test_the_reference_of_a_merged_case_leads_to_the_one_it_is_in(desk: AnswerDesk) -> None:
    first, _ = desk.handed("one bin")
    second, _ = desk.handed("another bin")
    quoted = desk.show(second).row.ref
    people.link(desk.desk, "resident1@social.example", "resident2@social.example")
    grouping.merge(desk.desk, [second], first)
    desk.answer(None, "Both emptied.", Subject=f"Re: {quoted}")
    assert desk.show(first).messages[-1].text == "Both emptied."
    assert desk.show(second).row.status is Status.CLOSED
    desk.answer(None, "I am somebody else.", Subject=f"Re: {quoted}", From="leisure@anytown.example")
    [asked] = desk.asked()
    assert asked.case_id == first


def test_our_own_mail_that_comes_back_under_another_name_asks_nobody(desk: AnswerDesk) -> None:
    case_id, _ = desk.handed()
    (sent,) = (desk.folder / "sent").glob("*.eml")
    for number in range(3):
        lines = [each for each in sent.read_bytes().splitlines(True) if not each.lower().startswith(b"message-id:")]
        desk.deliver(b"Message-ID: <%d@list.example>\r\n" % number + b"".join(lines))
    desk.poll()
    assert desk.asked() == []
    assert {(mail.kind, mail.state) for mail in desk.mails()} == {(MailKind.AUTOMATIC, MailState.NOTED)}
    assert desk.show(case_id).row.status is Status.WAITING_CONTACT


def test_a_calendar_that_accepts_is_no_answer(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    accepted = (
        f"From: waste@anytown.example\r\nSubject: Accepted: bins\r\nIn-Reply-To: {handed.message_id}\r\n"
        "Content-Type: multipart/alternative; boundary=q\r\n\r\n--q\r\nContent-Type: text/plain\r\n\r\n{}\r\n"
        "--q\r\nContent-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n--q--\r\n"
    )
    desk.deliver(accepted.replace("{}", "").encode())
    desk.poll()
    assert desk.show(case_id).row.status is Status.WAITING_CONTACT
    desk.deliver(accepted.replace("{}", "I come, and bring a new bin.").encode())
    desk.poll()
    assert desk.show(case_id).messages[-1].text.startswith("I come, and bring a new bin.")


def test_of_two_desks_with_one_mailbox_each_knows_its_own(desk: AnswerDesk, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = AnswerDesk(tmp_path / "other", desk.server)
    case_id, handed = desk.handed()
    theirs, _ = other.handed("a lamp")
    desk.answer(handed, "Emptied.")
    other.poll()
    assert desk.show(case_id).row.status is Status.TELL_RESIDENT
    assert other.show(theirs).row.status is Status.WAITING_CONTACT
    [asked] = other.asked()
    assert asked.case_id is None
    assert "a desk that is not, or no more, in this store" in asked.why
    other.answer(None, "Emptied.", Subject=f"Re: {desk.show(case_id).row.ref}")
    assert "this desk has no such case" in other.asked()[-1].why
    other.desk.close()


def test_what_one_officer_let_in_is_not_taken_out_by_another_who_saw_it_waiting(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.answer(handed, "Emptied.", From="Jo <jo@elsewhere.example>")
    [seen] = desk.asked()
    answers.accept(desk.desk, seen.id)
    with pytest.raises(Refused, match="Somebody else decided"):
        answers.ignore(desk.desk, seen.id, seen=seen.state)
    assert desk.show(case_id).row.status is Status.TELL_RESIDENT
    answers.ignore(desk.desk, seen.id)
    assert desk.show(case_id).row.status is Status.WAITING_CONTACT
