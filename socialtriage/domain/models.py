"""The words of the desk as values: what channels hand in, what the store keeps, what screens show.

All times are timezone-aware UTC. Text from outside is `SafeText`, made by `domain.text.clean` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from socialtriage.domain.capabilities import Capabilities as Capabilities
from socialtriage.domain.late import dataclass

SafeText = NewType("SafeText", str)
"""Text from outside without terminal controls, bidi controls and lone surrogates."""


IMPORTED = "import:"
"""Begins the ids of messages that were brought in from a file: no network knows them."""


class Voice(StrEnum):
    """Who speaks in a message."""

    RESIDENT = "resident"
    OFFICER = "officer"
    CONTACT = "contact"


class Visibility(StrEnum):
    """Who can read a message on its network."""

    PUBLIC = "public"
    PRIVATE = "private"


class Status(StrEnum):
    """Where a case stands."""

    NEW = "new"
    OPEN = "open"
    WAITING_CONTACT = "waiting_contact"
    TELL_RESIDENT = "tell_resident"
    WAITING_RESIDENT = "waiting_resident"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class Urgency(StrEnum):
    """How pressing a case is, most pressing first."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for an emergency to 3 for low: the store sorts by it."""
        return _URGENCIES.index(self)

    def raised(self) -> Urgency:
        """One step up, and never to an emergency: that is an officer's word."""
        return _URGENCIES[max(1, self.rank - 1)] if self.rank > 1 else self


_URGENCIES = list(Urgency)


class Kind(StrEnum):
    """What a case is about."""

    ENQUIRY = "enquiry"
    COMPLAINT = "complaint"
    REPORT = "report"
    DISCUSSION = "discussion"
    PRAISE = "praise"
    PRESS = "press"
    COUNCILLOR = "councillor"
    SPAM = "spam"
    ABUSE = "abuse"

    @property
    def words(self) -> str:
        """As officers and managers read it."""
        return "report of a fault" if self is Kind.REPORT else self.value


class Outcome(StrEnum):
    """How a case ended."""

    ANSWERED = "answered"
    SELF_SERVED = "self_served"
    HANDED_OVER = "handed_over"
    DONE_BY_US = "done_by_us"
    NOT_OURS = "not_ours"
    NO_REPLY_NEEDED = "no_reply_needed"
    DUPLICATE = "duplicate"
    SPAM = "spam"
    ABUSE = "abuse"


class Avoidable(StrEnum):
    """Why a contact need not have been: a word at the close of a case."""

    CHASING = "chasing"
    UNCLEAR = "unclear"
    WRONG_PLACE = "wrong_place"


class OutboxState(StrEnum):
    """Where a row that is to leave the machine stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    BOUNCED = "bounced"
    ANSWERED = "answered"


class OutboxKind(StrEnum):
    """What a row of the outbox does when it leaves."""

    HANDOFF = "handoff"
    CHASE = "chase"
    REPLY = "reply"
    HIDE = "hide"
    UNHIDE = "unhide"
    DELETE = "delete"
    BLOCK = "block"
    UNBLOCK = "unblock"
    MUTE = "mute"
    UNMUTE = "unmute"
    REPORT = "report"
    POST = "post"
    """A statement of our own, that answers nobody."""


class AccountState(StrEnum):
    """How an account does, in one word."""

    OK = "ok"
    NEVER_POLLED = "never_polled"
    LOGIN_NEEDED = "login_needed"
    LOGIN_EXPIRING = "login_expiring"
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    MISCONFIGURED = "misconfigured"
    PAUSED = "paused"


class MediaState(StrEnum):
    """What became of a picture, video or attachment."""

    PENDING = "pending"
    KEPT = "kept"
    EXPIRED = "expired"
    WITHHELD = "withheld"
    REFUSED = "refused"
    TOO_LARGE = "too_large"


class DueState(StrEnum):
    """How a case stands to its deadline."""

    ON_TIME = "on_time"
    SOON = "soon"
    LATE = "late"
    NONE = "none"


class Automatic(StrEnum):
    """Mail that no person wrote for us."""

    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    BULK = "bulk"


# --- what a channel hands in ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Author:
    """A person as one network knows them.

    `key` identifies the person on the network and survives a change of handle where the network allows it
    (a DID, a channel id, a lower-case mail address, `user@host`).
    """

    key: str
    handle: SafeText
    name: SafeText
    url: str | None = None
    data: Mapping[str, str] = field(default_factory=dict, compare=False)
    """When the desk acts on a person: `reply_data` of the message it is about, with ids that the channel put there."""


@dataclass(frozen=True, slots=True)
class MediaItem:
    """One picture, video or attachment of a message. `data` is set when the bytes came with the message (email)."""

    kind: str
    """`image`, `video`, `audio` or `file`."""
    name: SafeText
    url: str | None = None
    mime: str | None = None
    alt: SafeText | None = None
    remote_id: str | None = None
    state: MediaState = MediaState.PENDING
    data: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as a channel saw it, its own account's messages included (`own`)."""

    remote_id: str
    """Unique in its account, stable over edits."""
    author: Author
    text: SafeText
    at: datetime
    visibility: Visibility
    thread: str
    """What a thread is, is the network's: the root of the chain, the conversation, the mail's References root."""
    parent: str | None = None
    """`remote_id` of the message this one answers."""
    conversation: str | None = None
    """Set for private conversations: everything in one goes to one case, whatever the thread."""
    own: bool = False
    """Written by the account itself: attaches to its case, never queues."""
    context: bool = False
    """Fetched only to understand another message (an ancestor): never opens a case."""
    url: str | None = None
    subject: SafeText | None = None
    language: str | None = None
    edited_at: datetime | None = None
    quoted: SafeText | None = None
    """Quoted history and signature of a mail: kept, not shown at first."""
    media: tuple[MediaItem, ...] = ()
    automatic: Automatic | None = None
    place: SafeText | None = None
    """Where it was written, for the reader: the title of the post, the group, the mailbox."""
    also_to: tuple[str, ...] = ()
    """Other addresses or accounts the same message went to."""
    references: tuple[str, ...] = ()
    """Earlier Message-IDs of a mail, oldest first."""
    reply_data: Mapping[str, str] = field(default_factory=dict)
    """What the channel needs to answer this message later; opaque to everybody else."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which messages may be missing, and why."""

    start: datetime
    end: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one step of a walk brought. It is committed in one transaction with its `cursor`.

    `cursor` is the channel's own opaque state after this page, safe to go on from if the process dies right
    after the commit: it must never skip what was not handed in yet. None leaves the stored one as it is.
    """

    items: tuple[Incoming, ...] = ()
    gone: tuple[str, ...] = ()
    """Remote ids that the source says are deleted."""
    cursor: str | None = None
    notices: tuple[str, ...] = ()
    """Sentences for the account's state: private messages not permitted, one item unreadable."""
    gap: Gap | None = None
    unfinished: bool = False
    """The walk ends here because the time given is over, and not because there is nothing more."""


@dataclass(frozen=True, slots=True)
class StoredRef:
    """A message that we hold, as much as a channel needs to read it again."""

    remote_id: str
    thread: str
    conversation: str | None
    visibility: Visibility
    reply_data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reread:
    """What the source says now of messages we hold. An id in neither `items` nor `gone` could not be asked about."""

    items: tuple[Incoming, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """What signing in showed: who we are there, until when, and what is missing."""

    identity: str
    """The author key of the account itself."""
    handle: str
    expires_at: datetime | None = None
    notices: tuple[str, ...] = ()
    detail: str = ""
    usable: bool = True
    """False when what is missing keeps the account from being read; a notice says what."""


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A picture that goes with an answer. `alt` says what is on it, for those who cannot see it."""

    name: str
    mime: str
    alt: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OutgoingReply:
    """An answer that is to leave, with the key that was chosen when it was queued."""

    key: str
    """Idempotency key or record key; the same for every try of one row."""
    text: str
    visibility: Visibility
    to: Author
    parent: StoredRef
    queued_at: datetime
    subject: str | None = None
    references: tuple[str, ...] = ()
    language: str | None = None
    files: tuple[OutgoingFile, ...] = ()


@dataclass(frozen=True, slots=True)
class OutgoingPost:
    """A post of our own that answers nothing, with the key that was chosen when it was queued."""

    key: str
    """Idempotency key or record key; the same for every try of one row."""
    text: str
    queued_at: datetime
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What the network made of a reply."""

    remote_id: str
    at: datetime
    url: str | None = None
    notice: str | None = None
    """Something the officer must know: sent, but it reached nobody."""
    reply_data: Mapping[str, str] = field(default_factory=dict)
    """What the channel needs to answer this message of ours with the next part of a thread, beside what it needed to
    answer the resident's."""


@dataclass(frozen=True, slots=True)
class LengthRule:
    """How a network counts a public or a private message. `used` is the count, `limit` None where there is none."""

    used: int
    limit: int | None
    unit: str
    """What is counted, in words: `characters`, `UTF-8 bytes`."""

    @property
    def words(self) -> str:
        """`24 of 500 characters`; bytes with what an officer must know of them."""
        unit = "bytes (é is 2, an emoji 4)" if self.unit == "UTF-8 bytes" else self.unit
        return f"{self.used}{f' of {self.limit}' if self.limit else ''} {unit}"
