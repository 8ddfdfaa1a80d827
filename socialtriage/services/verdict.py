"""What an answer, or an error, means for a row of the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from socialtriage.domain.errors import (
    AnswerLost,
    AuthError,
    BadPayload,
    ChannelError,
    ConfigError,
    MailDeferred,
    MailRefused,
    MailUnknown,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Refused,
    Rejected,
    SecretError,
    SocialTriageError,
)
from socialtriage.domain.models import OutboxState, Sent

BACK_OFF = (60, 300, 900, 3600, 4 * 3600)
"""Seconds before the next try, by how many there were."""
SOONEST = timedelta(seconds=5)
"""No server's wish makes a row leave again sooner."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one try."""

    state: OutboxState
    error: str | None = None
    retry_at: datetime | None = None
    sent: Sent | None = None
    refused: bool = False
    """Whether the network does not accept the account's login."""


def judged(exc: SocialTriageError, tries: int, now: datetime, *, repeatable: bool = False) -> Verdict:
    """What an error means: it may have arrived, it never will, or it is tried again later.

    `repeatable`: doing it twice changes nothing, so that a lost answer is no reason to ask an officer.
    """
    if isinstance(exc, MailUnknown | AnswerLost | BadPayload) and not repeatable:
        return Verdict(OutboxState.UNKNOWN, str(exc))
    if isinstance(exc, MailRefused | Rejected | NotPermitted | Misconfigured | ConfigError | Refused):
        return Verdict(OutboxState.FAILED, str(exc))
    retry_at = now + timedelta(seconds=BACK_OFF[min(max(tries, 1), len(BACK_OFF)) - 1])
    if isinstance(exc, RateLimited) and exc.retry_at is not None:
        retry_at = max(exc.retry_at, now + SOONEST)
    if isinstance(exc, AuthError | SecretError | MailDeferred | ChannelError):
        return Verdict(OutboxState.QUEUED, str(exc), retry_at, refused=isinstance(exc, AuthError))
    return Verdict(OutboxState.UNKNOWN, str(exc))
