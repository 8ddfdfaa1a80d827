"""The mails that the desk writes: a case handed to a contact, its chasing, an answer to a resident's mail.

Pure: everything comes in as values, redacted already where it is to be; the same values make the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from socialtriage.domain.models import Urgency, Visibility, Voice
from socialtriage.domain.text import clean, clean_line, snippet
from socialtriage.domain.times import iso
from socialtriage.mail.address import Mailbox
from socialtriage.mail.layout import (
    Block,
    Facts,
    Heading,
    Link,
    Note,
    Paragraph,
    Points,
    Quote,
    Written,
    as_html,
    as_text,
    in_words,
)
from socialtriage.mail.mime import Attachment, Composed, Letter, assemble, attachment_line, message_id, sendable

__all__ = [
    "Attachment",
    "ChaseMail",
    "Composed",
    "HandoffMail",
    "QuotedMessage",
    "ReplyMail",
    "compose_chase",
    "compose_handoff",
    "compose_reply_mail",
    "message_id",
]

MESSAGE_LIMIT = 20_000
"""Characters of one message that a mail carries; the mark of `clean` says that there is more."""
_SUBJECT_WORDS = 60
_READERS = {
    Visibility.PUBLIC: "PUBLIC: anyone can read the conversation",
    Visibility.PRIVATE: "PRIVATE: written to us alone, do not quote it in public",
}
_VOICES = {Voice.RESIDENT: "Resident", Voice.OFFICER: "The desk", Voice.CONTACT: "Colleague"}
_ANSWERED = re.compile(r"(?:re|aw|sv|atb|ateb)\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QuotedMessage:
    """One message of the case as it is to be shown: redacted already."""

    voice: Voice
    who: str
    """Name and handle, or a word in their place."""
    at: datetime
    text: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffMail:
    """What a contact needs to take a case over. Times are aware; `zone` is the organisation's."""

    ref: str
    message_id: str
    """Chosen when the row is queued; see `message_id`."""
    sender: Mailbox
    to: Mailbox
    organisation: str
    officer: str
    area: str
    """The service area's name; `area_id` its id in the configuration."""
    area_id: str = ""
    topic: str = ""
    urgency: Urgency
    network: str
    account: str
    visibility: Visibility
    person: str = ""
    """Empty when the person is withheld."""
    facts: tuple[tuple[str, str], ...] = ()
    """What the service area needs and the desk found out: names and values."""
    messages: tuple[QuotedMessage, ...]
    """Oldest first."""
    note: str = ""
    url: str | None = None
    received_at: datetime
    expected_at: datetime | None = None
    date: datetime
    zone: tzinfo
    redacted: bool = False
    attachments: tuple[Attachment, ...] = ()
    answer_how: str = ""
    """How the contact answers where the words go into another system; empty where a reply to the mail does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaseMail:
    """A reminder of a handoff that nobody answered. `original` is the handoff as it left."""

    ref: str
    message_id: str
    sender: Mailbox
    to: Mailbox
    organisation: str
    officer: str
    number: int
    """1 for the first reminder."""
    original: Composed
    sent_at: datetime
    """When the handoff left."""
    expected_at: datetime | None = None
    """By when an answer is asked for now."""
    earlier: tuple[str, ...] = ()
    """Message-IDs of earlier reminders, oldest first."""
    note: str = ""
    date: datetime
    zone: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyMail:
    """An answer to a resident who wrote by email. `text` is sent as the officer wrote it."""

    message_id: str
    sender: Mailbox
    to: Mailbox
    subject: str
    """The resident's subject, with or without its `Re:`."""
    text: str
    references: tuple[str, ...] = ()
    """The resident's References and, last, the Message-ID that is answered."""
    ref: str = ""
    """Put at the end of the subject, unless it is there already."""
    quoted: QuotedMessage | None = None
    date: datetime
    zone: tzinfo
    attachments: tuple[Attachment, ...] = ()


def compose_handoff(mail: HandoffMail) -> Composed:
    """Make the mail that hands a case to a contact. Raises `Refused`, `ConfigError` as `mime.assemble` does."""
    files = tuple(sendable(mail.attachments))
    blocks = [*_handoff_blocks(mail, files), *_for_systems(_exact_facts(mail))]
    return _composed(mail, f"[{mail.ref}] {_handoff_subject(mail)}", blocks, attachments=files)


def compose_chase(mail: ChaseMail) -> Composed:
    """Make a reminder that threads under the handoff and quotes it. Raises as `compose_handoff` does."""
    blocks = [*_chase_blocks(mail), *_for_systems(_reminder_facts(mail))]
    references = (mail.original.message_id, *mail.earlier)
    return _composed(mail, f"Re: {mail.original.subject}", blocks, references=references)


def compose_reply_mail(mail: ReplyMail) -> Composed:
    """Make the answer to a resident's mail. Raises as `compose_handoff` does."""
    blocks: list[Block] = [Written(mail.text)]
    if mail.quoted is not None:
        blocks.append(_quote(mail.quoted, mail.zone))
    return _composed(mail, _reply_subject(mail), blocks, references=mail.references, attachments=mail.attachments)


def _composed(
    mail: HandoffMail | ChaseMail | ReplyMail,
    subject: str,
    blocks: Sequence[Block],
    *,
    references: tuple[str, ...] = (),
    attachments: tuple[Attachment, ...] = (),
) -> Composed:
    """The blocks as text and as HTML in one letter."""
    return assemble(
        Letter(
            message_id=mail.message_id,
            sender=mail.sender,
            to=mail.to,
            subject=subject,
            date=mail.date.astimezone(mail.zone),
            text=as_text(blocks),
            html=as_html(blocks, subject),
            ref=mail.ref,
            references=references,
            attachments=attachments,
        )
    )


def _handoff_subject(mail: HandoffMail) -> str:
    """Urgency where it presses, area and topic, and the first words only of what everybody can read: subjects
    show on locked screens."""
    pressing = mail.urgency.capitalize() if mail.urgency in (Urgency.EMERGENCY, Urgency.URGENT) else ""
    first = next((message.text for message in mail.messages if message.voice is Voice.RESIDENT), "")
    words = snippet(first, _SUBJECT_WORDS) if mail.visibility is Visibility.PUBLIC else ""
    said = [part for part in (pressing, _listed(mail.area, mail.topic), words) if part]
    return ": ".join(said) or f"A case from {mail.organisation}"


def _reply_subject(mail: ReplyMail) -> str:
    subject = str(clean_line(mail.subject, 150))
    if not _ANSWERED.match(subject):
        subject = f"Re: {subject or 'your message'}"
    return subject if not mail.ref or mail.ref.casefold() in subject.casefold() else f"{subject} [{mail.ref}]"


def _handoff_blocks(mail: HandoffMail, files: Sequence[Attachment]) -> Iterator[Block]:
    yield Heading(f"Case {mail.ref} for {mail.to.name or mail.to.address}")
    yield Paragraph(f"The social media desk of {mail.organisation} passes this case to you.")
    yield Heading("What to do")
    yield Points(tuple(_to_do(mail.ref, mail.expected_at, mail.zone, mail.visibility, mail.answer_how)))
    yield Heading("The case")
    yield Facts(tuple(_case_facts(mail)))
    if mail.note.strip():
        yield Heading(f"Note from {mail.officer}")
        yield Note(mail.note)
    yield Heading("What was written, oldest first")
    for message in mail.messages:
        yield _quote(message, mail.zone)
    if mail.redacted:
        yield Paragraph("Personal details were taken out before this was sent. Ask the desk if you need them.")
    if mail.url:
        yield Link("Link to the original", mail.url)
    if files:
        yield Heading("Attached")
        yield Points(tuple(attachment_line(file.name, file.mime, len(file.data)) for file in files))


def _chase_blocks(mail: ChaseMail) -> Iterator[Block]:
    yield Heading(f"Reminder {mail.number}: case {mail.ref} for {mail.to.name or mail.to.address}")
    sent = in_words(mail.sent_at, mail.zone)
    yield Paragraph(f"The social media desk of {mail.organisation} sent you this case on {sent}. No answer came yet.")
    yield Heading("What to do")
    yield Points(tuple(_to_do(mail.ref, mail.expected_at, mail.zone, None)))
    if mail.note.strip():
        yield Heading(f"Note from {mail.officer}")
        yield Note(mail.note)
    yield Quote(f"Our mail of {sent}:", mail.original.text)


def _to_do(
    ref: str, expected: datetime | None, zone: tzinfo, visibility: Visibility | None, how: str = ""
) -> Iterator[str]:
    if expected is not None:
        yield f"Please answer by {in_words(expected, zone)}."
    yield how or f"Reply to this mail and keep [{ref}] in the subject."
    yield "Your answer goes to the desk, which writes to the resident."
    if visibility is Visibility.PRIVATE:
        yield "The resident wrote in private: do not quote this in public."


def _case_facts(mail: HandoffMail) -> Iterator[tuple[str, str]]:
    yield "Reference", mail.ref
    yield "Service area", _listed(mail.area, mail.topic) or "not set"
    yield "Urgency", str(mail.urgency)
    yield "Received", in_words(mail.received_at, mail.zone)
    # A desk with one account of a network may call it like the network.
    same = mail.account.strip().casefold() == mail.network.strip().casefold()
    yield "Network and account", _listed(mail.network, "" if same else mail.account)
    yield "Who can read it", _READERS[mail.visibility]
    yield "Person", mail.person.strip() or "withheld"
    for name, value in mail.facts:
        yield name[:1].upper() + name[1:], value
    yield "Passed on by", mail.officer
    if mail.expected_at is not None:
        yield "Please answer by", in_words(mail.expected_at, mail.zone)


def _exact_facts(mail: HandoffMail) -> Iterator[tuple[str, str]]:
    yield "Reference", mail.ref
    yield "Organisation", mail.organisation
    yield "Service-Area", mail.area_id or mail.area
    yield "Topic", mail.topic
    yield "Urgency", mail.urgency
    yield "Network", mail.network
    yield "Account", mail.account
    yield "Visibility", mail.visibility
    yield "Received", iso(mail.received_at)
    yield "Answer-By", iso(mail.expected_at) if mail.expected_at else ""
    yield "Original", mail.url or ""
    yield "Redacted", "yes" if mail.redacted else "no"


def _reminder_facts(mail: ChaseMail) -> Iterator[tuple[str, str]]:
    yield "Reference", mail.ref
    yield "Organisation", mail.organisation
    yield "Reminder", str(mail.number)
    yield "First-Sent", iso(mail.sent_at)
    yield "Answer-By", iso(mail.expected_at) if mail.expected_at else ""


def _for_systems(rows: Iterable[tuple[str, str]]) -> tuple[Block, Block]:
    """The block that a program finds by `Name: value` at the start of a line: nothing quoted begins a line so."""
    return Heading("For your own case system"), Facts(tuple(row for row in rows if row[1].strip()), exact=True)


def _quote(message: QuotedMessage, zone: tzinfo) -> Quote:
    subject = f"Subject: {clean_line(message.subject)}\n\n" if message.subject.strip() else ""
    text = str(clean(message.text, MESSAGE_LIMIT)) if message.text.strip() else "(no text)"
    who = f"{_VOICES[message.voice]} ({message.who})" if message.who.strip() else _VOICES[message.voice]
    return Quote(f"{who}, {in_words(message.at, zone)}:", subject + text)


def _listed(*parts: str) -> str:
    return ", ".join(part.strip() for part in parts if part.strip())
