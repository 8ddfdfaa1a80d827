"""A mail as bytes, in; a mail as values, out. No network, and no bytes make it fail."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field

from socialtriage.domain.models import Automatic, SafeText
from socialtriage.domain.text import clean, clean_line
from socialtriage.mail.absence import away_until
from socialtriage.mail.automatic import Bounce, automatic, delivery_report, null_sender, to_many
from socialtriage.mail.content import Attachment, read_content
from socialtriage.mail.fields import AuthenticationResult, MailAddress, addresses, authentication, message_ids, moment
from socialtriage.mail.parts import Headers, Part, parse_headers, parse_tree
from socialtriage.mail.quoting import split

MAX_AUTHENTICATION = 20
_FINGERPRINTED = ("message-id", "from", "date", "subject")


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """One mail. All text is cleaned; `body` and `quoted` together hold every line of it."""

    message_id: str
    """`<…>`; made of the content where the mail has none (`has_id` is false then)."""
    has_id: bool
    fingerprint: str
    """16 hex digits over what its sender wrote: the same for two deliveries of one mail, different for two mails that
    share a Message-ID."""
    date: dt.datetime | None
    """What the sender's clock said, UTC."""
    received: dt.datetime | None
    """When the own server took the mail in, by its topmost Received field."""
    from_: tuple[MailAddress, ...]
    sender: MailAddress | None
    reply_to: tuple[MailAddress, ...]
    to: tuple[MailAddress, ...]
    cc: tuple[MailAddress, ...]
    subject: SafeText
    body: SafeText
    quoted: SafeText
    """History and signature: kept, not shown at first."""
    attachments: tuple[Attachment, ...] = field(repr=False)
    references: tuple[str, ...]
    """Message-IDs of the mails before this one, oldest first; In-Reply-To last where References lacks it."""
    in_reply_to: tuple[str, ...]
    automatic: Automatic | None
    bounce: Bounce | None
    away_until: dt.date | None
    """The date that an out-of-office answer names."""
    null_sender: bool
    """Sent with an empty envelope sender: never to be answered by a machine."""
    authentication: tuple[AuthenticationResult, ...]
    """Topmost first; only fields of the own server mean anything."""
    language: str | None
    list_id: SafeText | None
    to_many: bool
    """Sent to a list, or as a mailing."""
    notices: tuple[str, ...]

    @property
    def thread(self) -> str:
        """Message-ID of the mail that the exchange began with, as far as this mail knows."""
        return self.references[0] if self.references else self.message_id

    @property
    def author(self) -> MailAddress | None:
        """Who wrote it: the first From that has an address, otherwise Sender, otherwise whoever is named."""
        known = [one for one in (*self.from_, *((self.sender,) if self.sender else ())) if one.address]
        return known[0] if known else next(iter(self.from_), None)

    @property
    def answer_to(self) -> MailAddress | None:
        """Where an answer goes: the first Reply-To, otherwise the author; None where no address is known."""
        return next((one for one in (*self.reply_to, *self.from_, self.sender) if one and one.address), None)

    @property
    def text(self) -> SafeText:
        """Everything that the mail says, history included; for looking up references."""
        return SafeText(f"{self.body}\n\n{self.quoted}" if self.quoted else self.body)


def parse(raw: bytes) -> ParsedMail:
    """Read a mail. Never raises: what makes no sense is left out or shown as it came."""
    root = parse_tree(raw)
    content = read_content(root)
    return _assemble(root, content.text, tuple(content.files), fingerprint(raw))


def parse_partial(
    header: bytes, text_type: str, encoding: str, text: bytes, files: tuple[Attachment, ...]
) -> ParsedMail:
    """Read a mail that is too large to fetch whole: its header, the bytes of its text part, and its named files.

    `text_type` is the Content-Type of the text part with parameters; the result is the same for every fetch.
    """
    fields, _ = parse_headers(header, 0, len(header))
    head = _without(header, ("content-type", "content-transfer-encoding"))
    label = f"Content-Type: {text_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    root = parse_tree(head + label.encode("utf-8", "replace") + text)
    content = read_content(root)
    mark = hashlib.sha256(_signed_fields(fields) + text).hexdigest()[:16]
    return _assemble(root, content.text, files, mark)


def fingerprint(raw: bytes) -> str:
    """What identifies the content of a mail: what its sender wrote, and nothing that servers on the way add."""
    fields, start = parse_headers(raw, 0, len(raw))
    body = raw[start:].replace(b"\r\n", b"\n").rstrip(b"\n")
    return hashlib.sha256(_signed_fields(fields) + body).hexdigest()[:16]


def _signed_fields(fields: Headers) -> bytes:
    return b"".join(b" ".join(fields.raw(name).split()) + b"\0" for name in _FINGERPRINTED)


def _without(header: bytes, names: tuple[str, ...]) -> bytes:
    """A header block without the fields of these names, and without the blank line that ends it."""
    kept: list[bytes] = []
    dropping = False
    for line in header.splitlines(keepends=True):
        if not line.strip():
            break
        if line[:1] not in b" \t":
            dropping = line.partition(b":")[0].strip().lower().decode("ascii", "replace") in names
        if not dropping:
            kept.append(line if line.endswith(b"\n") else line + b"\r\n")
    return b"".join(kept)


def _assemble(root: Part, text: SafeText, files: tuple[Attachment, ...], mark: str) -> ParsedMail:
    headers = root.headers
    own_ids = message_ids(headers.raw("message-id"))
    written = moment(headers.raw("date"))
    received = moment(headers.text("received").rpartition(";")[2].strip())
    subject = clean_line(headers.text("subject"), 500)
    bounce = delivery_report(root, text)
    kind = automatic(headers, root, bounce, text)
    body, quoted = split(text, subject) if bounce is None else (text, "")
    answered = message_ids(headers.raw("in-reply-to"))
    sent_on = written or received
    return ParsedMail(
        message_id=own_ids[0] if own_ids else f"<{mark}@no-message-id.invalid>",
        has_id=bool(own_ids),
        fingerprint=mark,
        date=written,
        received=received,
        from_=_people(headers, "from"),
        sender=next(iter(_people(headers, "sender")), None),
        reply_to=_people(headers, "reply-to"),
        to=_people(headers, "to"),
        cc=_people(headers, "cc"),
        subject=subject,
        body=clean(body),
        quoted=clean(quoted),
        attachments=files,
        references=tuple(dict.fromkeys((*message_ids(headers.raw("references")), *answered[:1]))),
        in_reply_to=answered,
        automatic=kind,
        bounce=bounce,
        away_until=away_until(body, sent_on.date()) if kind is Automatic.AUTO_REPLY and sent_on else None,
        null_sender=null_sender(headers),
        authentication=tuple(
            authentication(value) for value in headers.texts("authentication-results")[:MAX_AUTHENTICATION]
        ),
        language=_language(headers),
        list_id=clean_line(headers.text("list-id")) or None,
        to_many=to_many(headers),
        notices=_notices(root, files),
    )


def _people(headers: Headers, name: str) -> tuple[MailAddress, ...]:
    return addresses(headers.raw(name))


def _language(headers: Headers) -> str | None:
    tag = headers.text("content-language").split(",")[0].strip().lower()
    return tag if tag.replace("-", "").isalnum() and tag.isascii() and len(tag) <= 12 else None


def _notices(root: Part, files: tuple[Attachment, ...]) -> tuple[str, ...]:
    out = [f"The attachment {file.name} is too large to be kept." for file in files if file.too_large]
    if any(part.cut for part in root.walk()):
        out.append("The mail has too many parts, or parts too deep in each other; the rest was not read.")
    return tuple(out)
