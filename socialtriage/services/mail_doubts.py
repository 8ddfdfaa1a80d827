"""What speaks against a mail, and how a judgement on one is put."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from socialtriage.domain.answers import MailKind, MailState
from socialtriage.domain.errors import ConfigError
from socialtriage.mail.address import Mailbox
from socialtriage.mail.parse import ParsedMail
from socialtriage.store.handoffs import HandoffRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a mail is. `taken` is certain; otherwise an officer decides, unless nothing is to be decided."""

    kind: MailKind
    state: MailState
    why: str
    contact: str | None = None
    handoff: HandoffRow | None = None
    case_id: int | None = None
    until: date | None = None
    row_id: int | None = None
    """The row of the outbox that came back, where it was no handoff."""
    original_id: str | None = None
    """Message-ID of the mail that came back."""


def doubts(mail: ParsedMail) -> str | None:
    """Why a mail may not be by who it says; None when nothing speaks against it.

    Authentication-Results (RFC 8601) are believed when they speak against a mail, never when they speak for it: where
    the receiving server writes none, the topmost field is the sender's own.
    """
    writers = {one.key for one in mail.from_ if one.address}
    if len(writers) != 1:
        return "it names several senders" if writers else "it names no sender"
    top = mail.authentication[:1]
    own = [result for result in mail.authentication if top and result.server == top[0].server]
    # A pass is taken from the topmost field alone: further down the sender may have written one in that server's name.
    dmarc = top[0].dmarc if top else ""
    failed = [name for name in ("dmarc", "spf", "dkim") if any(getattr(result, name) == "fail" for result in own)]
    soft = any(result.spf == "softfail" for result in own) and not any(result.dkim == "pass" for result in own)
    if dmarc != "pass" and (failed or soft):
        return f"the mail server says that its sender may be forged ({', '.join(failed) or 'spf=softfail'})"
    claimed = next((result.header_from.rpartition("@")[2] for result in own if result.header_from), "")
    domain = mail.author.key.rpartition("@")[2] if mail.author else ""
    if claimed and domain and not _aligned(domain, claimed):
        return f"the mail server looked at another sender, {claimed}"
    vouched = [one for result in own for one in result.vouched]
    if dmarc != "pass" and domain and vouched and not any(_aligned(domain, one) for one in vouched):
        return f"the mail server vouches for another sender, {vouched[0]}"
    return None


def _aligned(domain: str, other: str) -> bool:
    return within(domain, other) or within(other, domain)


def within(domain: str, parent: str) -> bool:
    """Whether a domain is another one, or below it."""
    return domain == parent or domain.endswith("." + parent)


def address_of(text: str) -> str:
    """The bare address in lower case; empty where there is none."""
    try:
        return Mailbox.parse(text).address.lower() if text else ""
    except ConfigError:
        return ""


def domain_of(address: str) -> str:
    """The domain of an address, in lower case."""
    return address_of(address).rpartition("@")[2]
