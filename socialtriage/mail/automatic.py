"""Mail that no person wrote for us: bounces (RFC 3464, qmail, Exim, Exchange), automatic answers, bulk mail.

`bulk` says only that a machine or a list sent it. A web form and a shared mailbox that is a list do the same, so bulk
mail must still be shown to an officer; automatic answers and bounces answer something of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from socialtriage.domain.models import Automatic, SafeText
from socialtriage.domain.text import clean_line
from socialtriage.mail.charset import guess, words
from socialtriage.mail.fields import message_ids
from socialtriage.mail.parts import Headers, Part, parse_headers

MAX_RECIPIENTS = 100
MAX_REPORT = 256 * 1024
"""Bytes of a report, or characters of its text, that are looked at."""

_ADDRESS = r"[^\s<>\"'(),;:]{1,128}@[^\s<>\"'(),;:]{1,255}"
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?:^|[\s#])([45])\d\d[\s-]")
_MACHINE = re.compile(
    r"(?:mailer-?daemon|mail-?daemon|postmaster|mdaemon|double-bounce|microsoftexchange[0-9a-f]{8,})(?:\+.*)?@?.*",
    re.IGNORECASE,
)
_BOUNCE_SUBJECT = re.compile(
    r"(?:re:\s*)?(?:undeliver(?:able|ed)|delivery (?:status notification|failure|failed|has failed|report|incomplete)|"
    r"mail delivery (?:failed|failure|system|subsystem)|returned mail|failure notice|message not delivered|"
    r"warning: could not send message|nicht zustellbar|unzustellbar|non remis|échec de la remise|onbestelbaar|"
    r"no se puede entregar|methwyd (?:â )?danfon|heb ei (?:d)?danfon)",
    re.IGNORECASE,
)
_BOUNCE_TEXT = re.compile(
    r"this is the qmail-send program|message was created automatically by mail delivery software|"
    r"did not reach (?:some or all of )?the (?:following|intended) recipient|could not be delivered to|"
    r"delivery (?:to the following recipients? )?(?:has )?failed|undeliverable message|"
    r"was not delivered to|unable to deliver (?:your|the) message",
    re.IGNORECASE,
)
_QMAIL_RECIPIENT = re.compile(rf"^<({_ADDRESS})>:[ \t]*\r?\n((?:[^\r\n<][^\r\n]*\r?\n?){{0,6}})", re.MULTILINE)
_LISTED_RECIPIENT = re.compile(rf"^[ \t'\"<]*({_ADDRESS})['\">]*(?:[ \t]+on\b[^\n]*|[ \t]*:?[ \t]*)$", re.MULTILINE)
_COPIED_ID = re.compile(r"^[ \t>]*Message-ID:\s*(<[^<>\s]{1,1000}>)", re.MULTILINE | re.IGNORECASE)

_LIST_FIELDS = ("list-id", "list-unsubscribe", "feedback-id")
_AUTO_SUBJECT = re.compile(
    r"\s*(?:re:\s*)?(?:automatic (?:reply|response)|auto[- ]?(?:reply|response|matic reply)|out of (?:the )?office"
    r"(?: auto-?reply| reply)?|ateb awtomatig|ymateb awtomatig|allan o['’]?r swyddfa|i ffwrdd o['’]?r swyddfa|"
    r"réponse automatique|absence du bureau|message d['’]absence|automatische antwort|abwesenheitsnotiz|abwesend|"
    r"automatisch antwoord|automatische reactie|afwezig(?:heidsbericht)?|respuesta automática|fuera de la oficina|"
    r"risposta automatica|resposta automática|automatyczna odpowiedź)\s*(?:[:：!(\[–—-].*|)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """One recipient of a delivery report."""

    address: SafeText
    action: str
    """`failed`, `delayed`, `delivered`, `relayed` or `expanded`."""
    status: str
    """Enhanced status code (RFC 3463) such as `5.1.1`; empty where the report has none."""
    diagnostic: SafeText
    """What the far server said."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery report: about which mail, for whom, and why."""

    original_message_id: str | None
    recipients: tuple[FailedRecipient, ...]

    @property
    def failed(self) -> bool:
        """Whether delivery was given up for somebody; a mere delay, or a success, is no failure."""
        return any(recipient.action == "failed" for recipient in self.recipients)

    @property
    def why(self) -> str:
        """The first failure in a line, for the officer."""
        for one in sorted(self.recipients, key=lambda each: each.action != "failed"):
            words_ = " ".join(part for part in (one.status, one.diagnostic) if part)
            return f"{one.address}: {words_ or one.action}"
        return ""


def delivery_report(root: Part, text: str) -> Bounce | None:
    """The delivery report that a mail is, by its structure or by its words; None when it is none."""
    parts = root.walk()
    statuses = [part for part in parts if part.mime in ("message/delivery-status", "message/global-delivery-status")]
    if statuses:
        recipients = [one for part in statuses for one in _reported(part.data[:MAX_REPORT])]
        return Bounce(_original_id(root, parts, text), tuple(recipients[:MAX_RECIPIENTS]))
    given_up = [a for value in root.headers.texts("x-failed-recipients") for a in re.findall(_ADDRESS, value[:4096])]
    subject, sender = root.headers.text("subject"), root.headers.text("from")[:1000]
    machine = null_sender(root.headers) or bool(_MACHINE.match(sender.rpartition("<")[2].strip()))
    sounds = bool(_BOUNCE_TEXT.search(text[:4000])) or bool(_BOUNCE_SUBJECT.match(subject))
    if not given_up and not (machine and sounds):
        return None
    recipients = [_from_words(address, text) for address in given_up] or _named_in(text[:MAX_REPORT])
    return Bounce(_original_id(root, parts, text), tuple(recipients[:MAX_RECIPIENTS]))


def null_sender(headers: Headers) -> bool:
    """Whether the envelope sender was empty, as it is for every report and many automatic answers (RFC 5321, 4.5.5)."""
    return "".join(headers.text("return-path").split()) == "<>"


def automatic(headers: Headers, root: Part, bounce: Bounce | None, text: str = "") -> Automatic | None:
    """Which kind of automatic mail this is; None for what a person wrote. `text` is all that it says."""
    if bounce is not None:
        return Automatic.BOUNCE
    submitted = headers.text("auto-submitted").lower().split(";")[0].strip()
    precedence = headers.text("precedence").lower().strip()
    receipt = root.params.get("report-type", "").lower() == "disposition-notification"
    answers = (
        submitted.startswith("auto-replied")
        or receipt
        or (not text.strip() and any(_answers_invitation(part) for part in root.walk()))
        or precedence in ("auto_reply", "auto-reply")
        or any(_yes(headers, name) for name in ("x-autoreply", "x-autorespond", "x-autoresponse", "x-auto-reply"))
        or bool(_AUTO_SUBJECT.fullmatch(headers.text("subject")[:500]))
        or (null_sender(headers) and not submitted.startswith("auto-generated"))
    )
    if answers:
        return Automatic.AUTO_REPLY
    generated = (submitted and submitted != "no") or headers.has("x-auto-response-suppress")
    return Automatic.BULK if generated or to_many(headers) else None


def _answers_invitation(part: Part) -> bool:
    """Whether a calendar program says with this part that somebody comes, or does not (RFC 5546, 3.2.3)."""
    return part.mime == "text/calendar" and part.params.get("method", "").lower() in ("reply", "counter")


def to_many(headers: Headers) -> bool:
    """Whether a mail went to a list or as a mailing: it names no single reader."""
    precedence = headers.text("precedence").lower().strip()
    return precedence in ("bulk", "junk", "list") or any(headers.has(name) for name in _LIST_FIELDS)


def _yes(headers: Headers, name: str) -> bool:
    return headers.has(name) and headers.text(name).strip().lower() not in ("no", "false", "0")


def _reported(data: bytes) -> Iterable[FailedRecipient]:
    """Recipients of a message/delivery-status body: groups of fields, the first about the message itself."""
    at = 0
    while at < len(data):
        fields, after = parse_headers(data, at, len(data))
        at = max(after, at + 1)
        recipient = fields.text("final-recipient") or fields.text("original-recipient")
        if recipient:
            diagnostic = words(fields.text("diagnostic-code").partition(";")[2] or fields.text("diagnostic-code"))
            status = _STATUS.search(fields.text("status")) or _STATUS.search(diagnostic)
            yield FailedRecipient(
                address=clean_line(recipient.rpartition(";")[2].strip().strip("<>"), 384),
                action=str(clean_line(fields.text("action").lower().strip() or "failed", 20)),
                status=status[1] if status else "",
                diagnostic=clean_line(diagnostic, 500),
            )


def _named_in(text: str) -> list[FailedRecipient]:
    """Recipients of a report in words."""
    found = [_failure(match[1], match[2]) for match in _QMAIL_RECIPIENT.finditer(text)]
    if found:
        return found
    addresses = dict.fromkeys(match[1] for match in _LISTED_RECIPIENT.finditer(text))
    return [_from_words(address, text) for address in list(addresses)[:MAX_RECIPIENTS]]


def _from_words(address: str, text: str) -> FailedRecipient:
    """What a report says below the recipient's address."""
    at = text.lower().find(address.lower())
    return _failure(address, text[at + len(address) : at + len(address) + 600] if at >= 0 else "")


def _failure(address: str, below: str) -> FailedRecipient:
    reason = below.lstrip(" >'\":\r\n").split("\n\n")[0].split("\n---")[0]
    status = _STATUS.search(reason)
    code = _REPLY_CODE.search(reason)
    return FailedRecipient(
        address=clean_line(address, 384),
        action="failed",
        status=status[1] if status else (f"{code[1]}.0.0" if code else ""),
        diagnostic=clean_line(reason, 500),
    )


def _original_id(root: Part, parts: list[Part], text: str) -> str | None:
    """The Message-ID of the mail that a report is about: from its returned header, its text, or References."""
    for part in parts[1:]:
        if part.mime in ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"):
            data = part.data[:MAX_REPORT]
            ids = message_ids(parse_headers(data, 0, len(data))[0].raw("message-id"))
            if ids:
                return ids[0]
    copied = _COPIED_ID.search(text[:MAX_REPORT]) or _COPIED_ID.search(guess(root.body[:MAX_REPORT]))
    if copied:
        return str(clean_line(copied[1], 1002))
    ids = message_ids(root.headers.raw("in-reply-to")) or message_ids(root.headers.raw("references"))[-1:]
    return ids[0] if ids else None
