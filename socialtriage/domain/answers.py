"""What comes back from the contact network, in words of the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from socialtriage.domain.models import SafeText


class MailKind(StrEnum):
    """What a mail of the answers' mailbox is."""

    ANSWER = "answer"
    """A person wrote."""
    ABSENCE = "absence"
    """An out-of-office answer."""
    AUTOMATIC = "automatic"
    """Another mail that no person wrote for us."""
    BOUNCE = "bounce"
    """A mail server says what became of a mail of ours."""


class MailState(StrEnum):
    """What was decided about a mail."""

    UNDECIDED = "undecided"
    """An officer is asked."""
    TAKEN = "taken"
    """It did what it says: it is in its case, the contact is away, the handoff came back."""
    IGNORED = "ignored"
    NOTED = "noted"
    """Nothing is to be decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """One mail of the answers' mailbox."""

    id: int
    kind: MailKind
    state: MailState
    why: str
    """Why an officer is asked, or what was made of it, in a sentence."""
    sender: SafeText
    """The address that it claims to be from."""
    who: SafeText
    subject: SafeText
    text: SafeText
    at: datetime
    received_at: datetime
    contact: str | None
    ref: str | None
    """The case that it is in or, while it is undecided, may belong to."""
    case_id: int | None
    version: int | None
    handoff_id: int | None
    until: date | None
    """Last day of the absence that it tells of."""
    decided_by: str | None
    decided_at: datetime | None
    files: int
    placed: bool
    """Whether it stands in a case."""
