"""A mail as bytes: headers that cannot be broken out of, bodies that no server has a reason to change.

The standard library reads mail well but folds headers differently in every patch release, with faults that let
text out of its header (CVE-2024-6923). So header lines are written here: short printable ASCII as it is, all else
as RFC 2047 encoded words of the standard library's `Header`; only addresses may need RFC 6532 (SMTPUTF8). Bodies
are quoted-printable or base64, never 8bit, with CRLF line ends. The same letter always makes the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.utils import encode_rfc2231, format_datetime, formataddr

from socialtriage.domain.errors import Refused, SocialTriageError
from socialtriage.domain.text import clean, clean_line
from socialtriage.mail.address import Mailbox, normal_address

MAX_ATTACHED = 15 * 1024 * 1024
"""Bytes that the attachments of one mail may have together; base64 makes a third more of them."""
MAX_SUBJECT = 200
"""Characters of a subject."""
_LINE = 76
_LONGEST_WORD = 60
_NAME_LIMIT = 70
_MAX_REFERENCES = 20
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]{1,120}@[!-;=?A-~]{1,120}>")
_MIME_TYPE = re.compile(r"(?:application|audio|font|image|model|text|video)/[a-z0-9][a-z0-9.+-]{0,80}")
_UNSAFE_IN_NAME = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f�]')


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail. `name` and `mime` may come from outside."""

    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail that is ready to leave: `data` is sent byte for byte, everything else says what is in it.

    `mail.reopen.reopened` makes an equal value of `data` alone, which is what the outbox keeps.
    """

    message_id: str
    sender: str
    """The envelope's sender; the address of From."""
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    attached: tuple[str, ...]
    """A line for each attachment: its name as it is sent, its type and its size."""
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What `assemble` makes a mail of. Text may hold anything; addresses and ids are checked."""

    message_id: str
    sender: Mailbox
    to: Mailbox
    subject: str
    date: datetime
    text: str
    html: str
    ref: str = ""
    references: tuple[str, ...] = ()
    """Message-IDs of the thread, oldest first; the last one is what this mail answers."""
    attachments: tuple[Attachment, ...] = ()


def message_id(ref: str, key: str, domain: str) -> str:
    """The Message-ID of one row of the outbox: the same `ref`, `key` and `domain` always give the same.

    `key` is chosen when the row is queued; one that cannot stand in a Message-ID is hashed.
    """
    kept = re.sub(r"[^a-z0-9-]", "", f"{ref}".lower())[:20] or "mail"
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", key):
        key = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"<{kept}.{key}@{normal_address(f'desk@{domain}').rpartition('@')[2]}>"


def assemble(letter: Letter) -> Composed:
    """Make the mail. Raises `Refused` when the attachments are too large, `ConfigError` for an impossible address."""
    files = sendable(letter.attachments)
    sender, recipient = normal_address(letter.sender.address), normal_address(letter.to.address)
    subject = str(clean_line(letter.subject, MAX_SUBJECT))
    text, html = _whole_lines(letter.text), _whole_lines(letter.html)
    identity = checked_id(letter.message_id)
    seed = hashlib.sha256(identity.encode() + text.encode()).hexdigest()[:24]
    body = _multipart("alternative", f"=_alt_{seed}", [_text_part("plain", text), _text_part("html", html)])
    if files:
        body = _multipart("mixed", f"=_all_{seed}", [body, *(_file_part(file) for file in files)])
    return Composed(
        message_id=identity,
        sender=sender,
        recipients=(recipient,),
        subject=subject,
        text=text,
        html=html,
        attached=tuple(attachment_line(file.name, file.mime, len(file.data)) for file in files),
        data=_headers(letter, identity, sender, recipient, subject).encode() + body,
    )


def attachment_line(name: str, mime: str, size: int) -> str:
    """One attachment in words: `photo.jpg (image/jpeg, 1.2 MB)`."""
    if size < 1024:
        return f"{name} ({mime}, {size} byte{'' if size == 1 else 's'})"
    amount = f"{size / 1024:.0f} kB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"
    return f"{name} ({mime}, {amount})"


def checked_id(identity: str) -> str:
    """A Message-ID that may stand in a header. Raises `SocialTriageError`."""
    if not _MESSAGE_ID.fullmatch(identity):
        raise SocialTriageError("The Message-ID of a mail cannot be used.")
    return identity


def thread_ids(references: Sequence[str]) -> tuple[str, ...]:
    """Those of `references` (from outside) that are Message-IDs, each once; of a long thread its first and last."""
    found = list(dict.fromkeys(ref for ref in references if _MESSAGE_ID.fullmatch(ref)))
    return tuple(found if len(found) <= _MAX_REFERENCES else [found[0], *found[1 - _MAX_REFERENCES :]])


def _headers(letter: Letter, identity: str, sender: str, recipient: str, subject: str) -> str:
    """The header lines. Neither Auto-Submitted nor Precedence is set: a person pressed the key, and an
    out-of-office answer must come back, since it is what brings in the deputy."""
    thread = thread_ids(letter.references)
    reference = str(clean_line(letter.ref, 40))
    lines = [
        f"Date: {format_datetime(letter.date)}",
        _address("From", letter.sender.name, sender),
        _address("Reply-To", letter.sender.name, sender),
        _address("To", letter.to.name, recipient),
        _text_header("Subject", subject),
        f"Message-ID: {identity}",
    ]
    if thread:
        lines += [f"In-Reply-To: {thread[-1]}", "References: " + "\r\n ".join(thread)]
    if reference:
        lines.append(_text_header("X-Socialtriage-Reference", reference))
    return "\r\n".join([*lines, "MIME-Version: 1.0", ""])


def _text_header(name: str, value: str) -> str:
    return f"{name}: {_words(name, value)}"


def _address(header: str, name: str, address: str) -> str:
    shown = str(clean_line(name, _NAME_LIMIT))
    if not shown:
        return f"{header}: {address}"
    phrase = formataddr((shown, "")).removesuffix(" <>") if _plain(shown, _NAME_LIMIT) else _encoded(header, shown)
    line = f"{header}: {phrase} <{address}>"
    return line if len(line.rpartition("\r\n")[2]) <= _LINE else f"{header}: {phrase}\r\n <{address}>"


def _words(name: str, value: str) -> str:
    """A header's text, folded between words: plain words as they are, so that a rule on the server finds the
    reference; encoded words from the first word on that needs it."""
    words = value.split(" ")
    plain = next((number for number, word in enumerate(words) if not _plain(word)), len(words))
    lines, room = [""], _LINE - len(name) - 2
    for word in words[:plain]:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
            room = _LINE - 1
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    if plain < len(words):
        rest = " ".join(words[plain:])
        lines = [*lines, _encoded("", rest)] if plain else [_encoded(name, rest)]
    return "\r\n ".join(lines)


def _plain(value: str, longest: int = _LONGEST_WORD) -> bool:
    """Whether text on one line, of words no longer than `longest`, can stand in a header as it is."""
    return (
        value.isascii()
        and value.isprintable()
        and "=?" not in value
        and "  " not in value
        and all(len(word) <= longest for word in value.split(" "))
    )


def _encoded(name: str, value: str) -> str:
    return Header(value, "utf-8", maxlinelen=_LINE, header_name=name).encode(linesep="\r\n")


def _whole_lines(text: str) -> str:
    """Cleaned text whose last line ends."""
    return str(clean(text, limit=4_000_000)).rstrip("\n") + "\n"


def _text_part(subtype: str, text: str) -> bytes:
    data = text.encode()
    wide = sum(1 for byte in data if byte > 126) * 3 > len(data)
    coding = "base64" if wide else "quoted-printable"
    body = _base64(text.replace("\n", "\r\n").encode()) if wide else _quoted_printable(data)
    return (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {coding}\r\n\r\n'.encode() + body
    )


def _quoted_printable(data: bytes) -> bytes:
    """RFC 2045 with `From ` at the start of a line hidden from servers that would write `>From `."""
    lines = []
    for line in binascii.b2a_qp(data, istext=True).split(b"\n"):
        if line.startswith(b"From "):
            rest = line.removeprefix(b"From ")
            line = b"=46rom " + rest if len(rest) + 7 <= _LINE else b"=46rom =\r\n" + rest
        lines.append(line)
    return b"\r\n".join(lines)


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    """Parts between boundaries. A boundary with `=_` occurs in no quoted-printable or base64 body."""
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    dashes = f"--{boundary}".encode()
    return head + b"".join(dashes + b"\r\n" + part + b"\r\n" for part in parts) + dashes + b"--\r\n"


def _file_part(file: Attachment) -> bytes:
    name = f'"{file.name}"' if file.name.isascii() else ""
    disposition = f"filename={name}" if name else f"filename*={encode_rfc2231(file.name, 'utf-8')}"
    head = (
        f"Content-Type: {file.mime}\r\nContent-Disposition: attachment;\r\n {disposition}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode("ascii") + _base64(file.data)


def sendable(attachments: Sequence[Attachment]) -> list[Attachment]:
    """The attachments with safe, distinct names and types, as they will leave. Raises `Refused`."""
    total = sum(len(file.data) for file in attachments)
    if total > MAX_ATTACHED:
        raise Refused(
            f"The attachments have {total / 1024 / 1024:.1f} MB together; a mail carries {MAX_ATTACHED // 1024**2} MB.",
            hint="Leave some out, and let the contact see them through the link to the original.",
        )
    taken: set[str] = set()
    files = []
    for number, file in enumerate(attachments, start=1):
        name = _distinct(safe_name(file.name, f"attachment-{number}"), taken)
        taken.add(name.casefold())
        mime = file.mime.strip().lower()
        files.append(Attachment(name, mime if _MIME_TYPE.fullmatch(mime) else "application/octet-stream", file.data))
    return files


def safe_name(name: str, fallback: str) -> str:
    """A file name from outside that no system reads as a path, a device or a hidden file; at most 80 characters."""
    tidy = _UNSAFE_IN_NAME.sub("_", str(clean_line(name.replace("\\", "/").rpartition("/")[2], 400))).strip(". ")
    stem, dot, ending = tidy.rpartition(".")
    if not dot or len(ending) > 10:
        stem, ending = tidy, ""
    kept = stem[: 80 - len(ending) - 1].rstrip(". ") + (f".{ending}" if ending else "")
    reserved = re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", kept)
    return f"_{kept}" if reserved else kept or fallback


def _distinct(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    number = 2
    while name.casefold() in taken:
        name = f"{stem}-{number}{dot}{ending}"
        number += 1
    return name
