"""Outgoing mail: what leaves is what the preview shows, and no text from outside gets out of its place."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from socialtriage.domain.errors import ConfigError, Refused, SocialTriageError
from socialtriage.domain.models import Urgency, Visibility, Voice
from socialtriage.domain.text import clean, clean_line
from socialtriage.mail.address import Mailbox, ServerUrl
from socialtriage.mail.compose import (
    Attachment,
    ChaseMail,
    Composed,
    HandoffMail,
    QuotedMessage,
    ReplyMail,
    compose_chase,
    compose_handoff,
    compose_reply_mail,
    message_id,
)
from socialtriage.mail.mime import MAX_ATTACHED, safe_name, thread_ids
from socialtriage.mail.reopen import reopened

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOSTILE = [
    "\r\nBcc: everyone@example.org\r\n\r\nhello",
    "a\x00b\x1b]0;title\x07\x9b31m",
    "\ud800 \udfff lone",
    "\u202eevil\u2066 \u200f",
    "=?utf-8?q?=0ABcc:_x@example.org?=",
    "x" * 3000,
    "ŵ" * 500,
    '"; name="x\\" <script>alert(1)</script> &amp;',
    "From here\nFrom there\n.\n..\n-- \n",
    "👩‍👩‍👧‍👧" * 60,
    ", ; : <a@b.example> (c)",
    "a\u2028b\x85c\x0bd",
    " leading and trailing  ",
]


def any_text() -> st.SearchStrategy[str]:
    """Any code point, surrogates too, and texts made to break out."""
    wild = st.text(alphabet=st.characters(categories=None), max_size=120)
    return st.one_of(wild, st.sampled_from(HOSTILE), st.builds(str.__add__, wild, st.sampled_from(HOSTILE)))


def handoff(**changes: object) -> HandoffMail:
    """A handoff as an ordinary day brings it."""
    mail = HandoffMail(
        ref="ABC-7Q4K2M",
        message_id="<abc-7q4k2m.row-1@anytown.example>",
        sender=Mailbox("social@anytown.example", "Anytown social desk"),
        to=Mailbox("waste@anytown.example", "Waste services"),
        organisation="Anytown Borough Council",
        officer="JS",
        area="Bins and recycling",
        area_id="waste",
        topic="missed-bin",
        urgency=Urgency.URGENT,
        network="Mastodon",
        account="council-mastodon",
        visibility=Visibility.PUBLIC,
        person="A Resident (@resident@example.social)",
        messages=(QuotedMessage(Voice.RESIDENT, "A Resident", NOON, "My bin was missed again"),),
        note="Third time this month.",
        url="https://example.social/@resident/1",
        received_at=NOON,
        expected_at=NOON + timedelta(days=3),
        date=NOON + timedelta(minutes=5),
        zone=ZoneInfo("Europe/London"),
    )
    return replace(mail, **changes)  # type: ignore[arg-type]


def chase(original: Composed, **changes: object) -> ChaseMail:
    """The first reminder of `original`."""
    mail = ChaseMail(
        ref="ABC-7Q4K2M",
        message_id="<abc-7q4k2m.row-2@anytown.example>",
        sender=Mailbox("social@anytown.example", "Anytown social desk"),
        to=Mailbox("waste@anytown.example", "Waste services"),
        organisation="Anytown Borough Council",
        officer="JS",
        number=1,
        original=original,
        sent_at=NOON,
        expected_at=NOON + timedelta(days=4),
        date=NOON + timedelta(days=3),
        zone=ZoneInfo("Europe/London"),
    )
    return replace(mail, **changes)  # type: ignore[arg-type]


def reply(**changes: object) -> ReplyMail:
    """An answer to a resident's mail."""
    mail = ReplyMail(
        message_id="<abc-7q4k2m.row-3@anytown.example>",
        sender=Mailbox("social@anytown.example", "Anytown social desk"),
        to=Mailbox("resident@example.org", "A Resident"),
        subject="My bin",
        text="Sorry about that.\n\nIt is on its way.",
        references=("<first@example.org>", "<second@example.org>"),
        ref="ABC-7Q4K2M",
        quoted=QuotedMessage(Voice.RESIDENT, "A Resident", NOON, "Where is it?"),
        date=NOON,
        zone=ZoneInfo("Europe/London"),
    )
    return replace(mail, **changes)  # type: ignore[arg-type]


def parsed(data: bytes) -> EmailMessage:
    """The mail as a reader of today sees it; a defect is a failure."""
    message = message_from_bytes(data, policy=policy.default)
    assert [part.defects for part in message.walk() if part.defects] == []
    return message


def display_name(composed: Composed) -> str:
    """The recipient's name as RFC 2047 has it; the newer parser puts blanks between adjacent encoded words."""
    raw = message_from_bytes(composed.data)["To"]
    return parseaddr(raw)[0] if "=?" not in raw else str(make_header(decode_header(raw.rpartition("<")[0].strip())))


ONCE = ["Date", "From", "Reply-To", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type"]
MAY = ["In-Reply-To", "References", "X-Socialtriage-Reference"]


def sound(composed: Composed) -> EmailMessage:
    """What holds for every mail of ours: whole headers, lines that fit, seven bits, and the preview is the mail."""
    message = parsed(composed.data)
    names = list(message.keys())
    assert [name for name in names if name not in MAY] == ONCE
    assert len(names) == len(set(names))
    assert composed.data.isascii()
    assert b"\r" not in composed.data.replace(b"\r\n", b"")
    assert b"\n" not in composed.data.replace(b"\r\n", b"")
    assert b"\x00" not in composed.data
    assert max(len(line) for line in composed.data.split(b"\r\n")) <= 998
    assert not re.search(rb"(?m)^(From |\.\r?$)", composed.data)
    assert reopened(composed.data) == composed
    return message


class _Html(HTMLParser):
    """Notes the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}


ALLOWED = frozenset(
    {"html", "head", "meta", "title", "body", "h1", "h2", "p", "ul", "li", "table", "tr", "th", "td", "div", "pre", "a"}
    | {"blockquote"}
)


def harmless(html: str) -> None:
    """No script, nothing remote, only the tags that we write."""
    page = _Html()
    page.feed(html)
    assert page.tags <= ALLOWED
    assert {name for name, _ in page.attributes} <= {"lang", "charset", "style", "dir", "scope", "href", "rel"}
    assert all(value.startswith(("https://", "http://")) for name, value in page.attributes if name == "href")
    assert all("url" not in value for name, value in page.attributes if name == "style")


def test_a_handoff_says_everything_the_contact_needs() -> None:
    composed = compose_handoff(handoff())
    message = sound(composed)
    assert message["Subject"] == ("[ABC-7Q4K2M] Urgent: Bins and recycling, missed-bin: My bin was missed again")
    assert message["From"] == message["Reply-To"] == "Anytown social desk <social@anytown.example>"
    assert message["To"] == "Waste services <waste@anytown.example>"
    assert message["Date"].datetime == NOON + timedelta(minutes=5)
    assert message["X-Socialtriage-Reference"] == "ABC-7Q4K2M"
    for line in (
        "Reference: ABC-7Q4K2M",
        "Service area: Bins and recycling, missed-bin",
        "Urgency: urgent",
        "Received: Friday 20 November 2026, 12:00 GMT",
        "Network and account: Mastodon, council-mastodon",
        "Who can read it: PUBLIC: anyone can read the conversation",
        "Person: A Resident (@resident@example.social)",
        "  Third time this month.",
        "> My bin was missed again",
        "Link to the original: https://example.social/@resident/1",
        "* Please answer by Monday 23 November 2026, 12:00 GMT.",
        "* Reply to this mail and keep [ABC-7Q4K2M] in the subject.",
        "Service-Area: waste",
        "Answer-By: 2026-11-23T12:00:00.000Z",
    ):
        assert line in composed.text.splitlines(), line
    assert 'lang="en-GB"' in composed.html
    assert composed.html.count("<h1>") == 1
    harmless(composed.html)


def test_the_same_values_make_the_same_bytes_and_another_row_other_ones() -> None:
    assert compose_handoff(handoff()) == compose_handoff(handoff())
    assert compose_handoff(handoff()).data != compose_handoff(handoff(message_id="<other@anytown.example>")).data


def test_nothing_marks_the_mail_as_automatic_so_that_an_out_of_office_answer_comes_back() -> None:
    message = parsed(compose_handoff(handoff()).data)
    assert message["Auto-Submitted"] is None
    assert message["Precedence"] is None


def test_a_private_message_does_not_show_in_the_subject_and_the_contact_is_told() -> None:
    composed = compose_handoff(handoff(visibility=Visibility.PRIVATE))
    assert composed.subject == "[ABC-7Q4K2M] Urgent: Bins and recycling, missed-bin"
    assert "* The resident wrote in private: do not quote this in public." in composed.text
    assert "PRIVATE" in composed.text
    assert "PRIVATE" in composed.html


def test_an_account_that_is_called_like_its_network_is_named_once() -> None:
    text = sound(compose_handoff(handoff(network="Facebook", account="facebook"))).get_body(("plain",))
    assert text is not None
    assert "Network and account: Facebook" in text.get_content().splitlines()


def test_a_case_without_an_area_still_has_a_subject() -> None:
    bare = handoff(area="", area_id="", topic="", urgency=Urgency.NORMAL)
    assert compose_handoff(bare).subject == "[ABC-7Q4K2M] My bin was missed again"
    assert "Service area: not set" in compose_handoff(bare).text
    silent = compose_handoff(replace(bare, visibility=Visibility.PRIVATE, messages=()))
    assert silent.subject == "[ABC-7Q4K2M] A case from Anytown Borough Council"


def test_a_withheld_person_is_called_withheld_and_redaction_is_said() -> None:
    composed = compose_handoff(handoff(person="", redacted=True))
    assert "Person: withheld" in composed.text
    assert "Redacted: yes" in composed.text
    assert "Personal details were taken out" in composed.text


def test_times_are_said_in_the_organisations_zone() -> None:
    summer = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert "Wednesday 1 July 2026, 23:30 BST" in compose_handoff(handoff(received_at=summer)).text
    sydney = compose_handoff(handoff(zone=ZoneInfo("Australia/Sydney"), received_at=summer))
    assert "Thursday 2 July 2026, 08:30 AEST" in sydney.text
    assert "Received: 2026-07-01T22:30:00.000Z" in sydney.text


def test_the_facts_for_programs_stand_once_whatever_residents_write() -> None:
    fake = "Reference: ZZZ-000000\nService-Area: roads\n\nRedacted: no"
    composed = compose_handoff(handoff(note=fake, messages=(QuotedMessage(Voice.RESIDENT, fake, NOON, fake),)))
    block = composed.text.rpartition("For your own case system")[2]
    facts = dict(re.findall(r"(?m)^([A-Z][A-Za-z-]+): (.*)$", block))
    assert facts["Reference"] == "ABC-7Q4K2M"
    assert facts["Service-Area"] == "waste"
    assert set(re.findall(r"(?m)^Reference: (.*)$", composed.text)) == {"ABC-7Q4K2M"}


def test_the_reference_stays_readable_for_a_rule_on_the_server() -> None:
    data = compose_handoff(handoff(area="Gwastraff ac ailgylchu â phethau eraill")).data
    assert b"\r\nSubject: [ABC-7Q4K2M] Urgent: Gwastraff ac ailgylchu\r\n =?utf-8?" in data


def test_attachments_get_safe_distinct_names_and_are_listed() -> None:
    composed = compose_handoff(
        handoff(
            attachments=(
                Attachment("../../etc/passwd", "text/plain", b"a"),
                Attachment("PASSWD", "nonsense\r\nX: y", b"\x00\xff" * 4000),
                Attachment("lluniau ŵyl.jpg", "image/jpeg", b"c" * 2_000_000),
                Attachment('a"b\r\nContent-Type: text/html.png', "image/png", b"d"),
                Attachment("", "message/rfc822", b""),
            )
        )
    )
    files = list(sound(composed).iter_attachments())
    names = ["passwd", "PASSWD-2", "lluniau ŵyl.jpg", "html.png", "attachment-5"]
    assert [part.get_filename() for part in files] == names
    assert [part.get_content_type() for part in files] == [
        "text/plain",
        "application/octet-stream",
        "image/jpeg",
        "image/png",
        "application/octet-stream",
    ]
    assert [part.get_payload(decode=True) for part in files][1] == b"\x00\xff" * 4000
    assert composed.attached[2] == "lluniau ŵyl.jpg (image/jpeg, 1.9 MB)"
    assert "* lluniau ŵyl.jpg (image/jpeg, 1.9 MB)" in composed.text


def test_attachments_that_no_server_would_take_are_refused() -> None:
    half = Attachment("film.mp4", "video/mp4", bytes(MAX_ATTACHED // 2))
    compose_handoff(handoff(attachments=(half, half)))
    with pytest.raises(Refused, match=r"15\.0 MB together; a mail carries 15 MB"):
        compose_handoff(handoff(attachments=(half, half, Attachment("x", "text/plain", b"xx"))))


@given(any_text())
@example("CON")
@example("nul.txt")
@example(".hidden")
@example("a." + "b" * 300)
@example("..")
def test_any_file_name_becomes_a_safe_one_for_good(name: str) -> None:
    safe = safe_name(name, "attachment-1")
    assert safe
    assert len(safe) <= 90
    assert not set(safe) & set('<>:"/\\|?*\r\n\x00')
    assert not safe.startswith((".", " "))
    assert not safe.endswith((".", " "))
    assert safe_name(safe, "other") == safe


@given(any_text(), any_text(), any_text(), any_text(), st.lists(any_text(), max_size=3))
def test_no_text_gets_out_of_its_place_in_a_handoff(one: str, two: str, name: str, area: str, texts: list[str]) -> None:
    messages = tuple(QuotedMessage(Voice.RESIDENT, name, NOON, text, subject=two) for text in texts)
    mail = handoff(
        to=Mailbox("waste@anytown.example", name),
        sender=Mailbox("social@anytown.example", two),
        organisation=one,
        officer=two,
        area=area,
        topic=one,
        network=two,
        account=one,
        person=name,
        note=one,
        url=two,
        messages=messages,
        attachments=(Attachment(one, two, one.encode("utf-8", "replace")),),
    )
    composed = compose_handoff(mail)
    message = sound(composed)
    harmless(composed.html)
    assert [address.addr_spec for address in message["From"].addresses] == ["social@anytown.example"]
    assert [address.addr_spec for address in message["To"].addresses] == ["waste@anytown.example"]
    assert display_name(composed) == clean_line(name, 70)
    assert message["Subject"].startswith("[ABC-7Q4K2M]")
    for quoted in messages:
        for line in clean(quoted.text).strip("\n").split("\n"):
            if quoted.text.strip():
                assert f"> {line}".rstrip() in [line.rstrip() for line in composed.text.split("\n")]


@given(any_text(), any_text(), any_text(), st.lists(any_text(), max_size=3))
def test_no_text_gets_out_of_its_place_in_a_reply(subject: str, text: str, name: str, references: list[str]) -> None:
    composed = compose_reply_mail(
        reply(
            subject=subject,
            text=text,
            to=Mailbox("resident@example.org", name),
            references=tuple(references),
            quoted=QuotedMessage(Voice.RESIDENT, name, NOON, text),
        )
    )
    message = sound(composed)
    harmless(composed.html)
    assert display_name(composed) == clean_line(name, 70)
    assert composed.text.startswith(str(clean(text)).strip("\n"))
    assert "[ABC-7Q4K2M]" in message["Subject"]


@given(any_text(), any_text())
def test_no_text_gets_out_of_its_place_in_a_chase(one: str, two: str) -> None:
    original = compose_handoff(handoff(area=one, messages=(QuotedMessage(Voice.RESIDENT, two, NOON, one),)))
    composed = compose_chase(chase(original, note=one, organisation=two, officer=two))
    sound(composed)
    harmless(composed.html)


def test_a_chase_threads_under_the_handoff_quotes_it_and_counts() -> None:
    original = compose_handoff(handoff())
    first = compose_chase(chase(original))
    second = compose_chase(
        chase(reopened(original.data), number=2, earlier=(first.message_id,), message_id="<r3@anytown.example>")
    )
    message = sound(second)
    assert message["Subject"] == f"Re: {original.subject}"
    assert message["References"] == f"{original.message_id} {first.message_id}"
    assert message["In-Reply-To"] == first.message_id
    assert parsed(first.data)["In-Reply-To"] == original.message_id
    assert "Reminder: 2" in second.text.splitlines()
    assert "> Reference: ABC-7Q4K2M" in second.text.splitlines()
    assert "> > My bin was missed again" in second.text.splitlines()
    assert "sent you this case on Friday 20 November 2026, 12:00 GMT. No answer came yet." in second.text


def test_a_reply_answers_the_residents_thread_with_the_officers_words_alone() -> None:
    composed = compose_reply_mail(reply())
    message = sound(composed)
    assert message["Subject"] == "Re: My bin [ABC-7Q4K2M]"
    assert message["References"] == "<first@example.org> <second@example.org>"
    assert message["In-Reply-To"] == "<second@example.org>"
    assert composed.text == (
        "Sorry about that.\n\nIt is on its way.\n\n"
        "Resident (A Resident), Friday 20 November 2026, 12:00 GMT:\n> Where is it?\n"
    )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Re: My bin [ABC-7Q4K2M]", "Re: My bin [ABC-7Q4K2M]"),
        ("RE: bin abc-7q4k2m", "RE: bin abc-7q4k2m"),
        ("Ateb: Y bin", "Ateb: Y bin [ABC-7Q4K2M]"),
        ("", "Re: your message [ABC-7Q4K2M]"),
        ("Request", "Re: Request [ABC-7Q4K2M]"),
    ],
)
def test_a_replys_subject_keeps_the_thread_and_carries_the_reference(theirs: str, ours: str) -> None:
    assert compose_reply_mail(reply(subject=theirs)).subject == ours


def test_references_from_outside_are_checked_and_a_long_thread_keeps_its_ends() -> None:
    ids = [f"<{number}@example.org>" for number in range(50)]
    assert thread_ids(ids) == (ids[0], *ids[-19:])
    assert thread_ids(["<a b@c>", "nonsense", "<x@y>\r\nBcc: z", "<ok@y>", "<ok@y>", "<é@y>", ""]) == ("<ok@y>",)
    message = parsed(compose_reply_mail(reply(references=("nonsense",))).data)
    assert message["References"] is None
    assert message["In-Reply-To"] is None


def test_a_message_id_is_the_same_for_every_try_of_a_row_and_fits_a_header() -> None:
    first = message_id("ABC-7Q4K2M", "handoff-17", "anytown.example")
    assert first == message_id("ABC-7Q4K2M", "handoff-17", "anytown.example")
    assert first == "<abc-7q4k2m.handoff-17@anytown.example>"
    assert message_id("ABC-7Q4K2M", "handoff-18", "anytown.example") != first
    assert re.fullmatch(
        r"<abc-7q4k2m\.[0-9a-f]{32}@xn--bcher-kva\.example>", message_id("ABC-7Q4K2M", "a b\r\n", "bücher.example")
    )


@given(any_text(), any_text())
def test_any_reference_and_key_make_a_message_id_that_a_mail_takes(ref: str, key: str) -> None:
    identity = message_id(ref, key, "anytown.example")
    assert compose_handoff(handoff(message_id=identity)).message_id == identity


def test_a_message_id_that_could_break_a_header_is_refused() -> None:
    with pytest.raises(SocialTriageError, match="Message-ID"):
        compose_handoff(handoff(message_id="<a@b>\r\nBcc: <c@d>"))


def test_an_address_beyond_ascii_stands_in_the_header_as_it_is() -> None:
    composed = compose_handoff(handoff(to=Mailbox.parse("Gŵyn <gŵyn@bücher.example>")))
    assert composed.recipients == ("gŵyn@xn--bcher-kva.example",)
    assert "<gŵyn@xn--bcher-kva.example>\r\n" in composed.data.decode()
    assert reopened(composed.data) == composed


@pytest.mark.parametrize(
    "address", ["", "waste", "a@b\r\nBcc: c@d", "a b@c.example", "a@", "@b", "a@b,c@d", "<a@b", "a@-b"]
)
def test_no_mail_goes_to_what_is_no_address(address: str) -> None:
    with pytest.raises(ConfigError):
        compose_handoff(handoff(to=Mailbox(address)))
    with pytest.raises(ConfigError):
        Mailbox.parse(f"{address}, x")


@given(any_text())
@example("a@b.example, c@d.example")
@example("A, B <x@y.example>")
def test_any_text_is_one_mailbox_or_refused_in_a_sentence(text: str) -> None:
    mailbox: Mailbox | None = None
    problem = ""
    try:
        mailbox = Mailbox.parse(text)
    except ConfigError as exc:
        problem = str(exc)
    assert problem.isprintable()
    if mailbox is not None:
        assert mailbox.address.count("@") == 1
        assert Mailbox.parse(mailbox.address).address == mailbox.address


def test_mailboxes_are_read_as_the_configuration_writes_them() -> None:
    desk = Mailbox.parse("Anytown social desk <social@Anytown.Example>")
    assert desk == Mailbox("social@anytown.example", "Anytown social desk")
    assert desk.domain == "anytown.example"
    assert Mailbox.parse('"Smith, J" <j@x.example>').name == "Smith, J"
    assert not Mailbox.parse("gŵyn@x.example").ascii


def test_server_addresses_are_read_and_written_back() -> None:
    url = ServerUrl.parse("smtps://social@anytown.example@mail.anytown.example")
    assert (url.host, url.port, url.user, url.implicit_tls) == (
        "mail.anytown.example",
        465,
        "social@anytown.example",
        True,
    )
    assert ServerUrl.parse(str(url)) == url
    assert ServerUrl.parse("smtp://127.0.0.2:2525").loopback
    assert ServerUrl.parse("imaps://a@[::1]/INBOX/Sub%20x").path == "INBOX/Sub x"
    with pytest.raises(ConfigError) as caught:
        ServerUrl.parse("smtp://user:hunter2@mail.example")
    assert "hunter2" not in str(caught.value)


def test_bytes_that_are_no_mail_of_ours_are_not_taken_for_one() -> None:
    with pytest.raises(SocialTriageError, match="cannot be read back"):
        reopened(b"Subject: x\r\n\r\nhello")
