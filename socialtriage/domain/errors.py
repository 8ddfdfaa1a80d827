"""Every error that socialtriage raises on purpose.

SocialTriageError
├── ConfigError            the configuration cannot be used (lists every problem)
├── UsageError             what was asked for makes no sense (exit status 2)
│   └── UnknownName        a name that the configuration does not have; also a NotFound
├── Refused                a rule of the desk says no; nothing was done
│   ├── NotFound           no such case, message, person or row of the store
│   └── Stale              the case changed since it was read
├── StoreError             the store cannot be opened, is damaged, or is busy
├── SecretError            the keyring has no backend, is locked, or holds nothing
├── MailError              a mail server refused or could not be reached
│   ├── MailRefused        a permanent answer (5xx)
│   ├── MailDeferred       a temporary answer (4xx), or no connection
│   └── MailUnknown        the answer was lost after the data was sent
└── ChannelError           a network's interface did not do what was asked
    ├── AuthError          the login is missing, lapsed or revoked
    ├── Misconfigured      the wrong kind of token, server or setting
    ├── NotPermitted       the login works, but lacks a permission
    ├── RateLimited        the network asks to wait (`retry_at`)
    ├── CeilingReached     the account has spent what the configuration allows
    ├── Unavailable        no connection, a time-out, or a 5xx
    ├── BadPayload         an answer that cannot be read (`field`)
    ├── Rejected           the network refused a write for good
    └── AnswerLost         a write left the machine and its answer did not arrive

Messages are sentences for an officer: what happened, to which account or file. `hint` says what to do next.
No message, and no `repr`, ever holds a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

_ENDS = (".", "!", "?", ":", "…", ",", ";")


class SocialTriageError(Exception):
    """Root of the tree: a sentence for the officer, and what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        # What a server said ends as it likes; our hint is a sentence of its own.
        return f"{self.message}{'' if self.message.endswith(_ENDS) else '.'} {self.hint}"


class ConfigError(SocialTriageError):
    """The configuration cannot be used; `problems` has one line for each fault."""

    def __init__(self, message: str, *, problems: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class UsageError(SocialTriageError):
    """What was asked for makes no sense."""


class Refused(SocialTriageError):
    """A rule of the desk says no; nothing was done."""


class NotFound(Refused):
    """The store has no such case, message, person or row."""


class UnknownName(NotFound, UsageError):
    """The configuration has no such account, area, topic, contact or saved answer: it was named wrongly."""


class Stale(Refused):
    """The case changed since it was read; `changes` says what, a line each."""

    def __init__(self, message: str, *, changes: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.changes = tuple(changes)


class StoreError(SocialTriageError):
    """The store cannot be opened, is damaged, is full, or stays busy."""


class SecretError(SocialTriageError):
    """The keyring has no backend, is locked, or does not hold what is needed."""


class MailError(SocialTriageError):
    """A mail server did not do what was asked."""


class MailRefused(MailError):
    """The mail server said no for good (5xx)."""


class MailDeferred(MailError):
    """The mail server said not now (4xx), or could not be reached; nothing was sent."""


class MailUnknown(MailError):
    """The answer was lost after the message had been handed over."""


class ChannelError(SocialTriageError):
    """A network's interface did not do what was asked."""


class AuthError(ChannelError):
    """The login is missing, lapsed or revoked: the account needs `accounts login`."""


class Misconfigured(ChannelError):
    """The wrong kind of token, server or setting."""


class NotPermitted(ChannelError):
    """The login works, but lacks the permission for this call."""


class RateLimited(ChannelError):
    """The network asks to wait until `retry_at` (UTC)."""

    def __init__(self, message: str, *, retry_at: datetime | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_at = retry_at


class CeilingReached(ChannelError):
    """The account has spent what the configuration allows: its polling pauses."""


class Unavailable(ChannelError):
    """No connection, a time-out, or a server error; `retry_after` is in seconds where the server said so."""

    def __init__(self, message: str, *, retry_after: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class BadPayload(ChannelError):
    """An answer that cannot be read; `field` names the place."""

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class Rejected(ChannelError):
    """The network refused a write for good; nothing was posted."""


class AnswerLost(ChannelError):
    """A write left the machine and its answer did not arrive: look at the source before trying again."""
