"""What the desk shows: read-only pictures of cases, accounts, the outbox and the log, made by the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from typing import Any

from socialtriage.domain.late import dataclass
from socialtriage.domain.models import (
    AccountState,
    Kind,
    MediaState,
    OutboxKind,
    OutboxState,
    Outcome,
    SafeText,
    Status,
    Urgency,
    Visibility,
    Voice,
)


@dataclass(frozen=True, slots=True)
class Query:
    """What the list shows: a view, narrowed by filters. `text` is searched in messages, people and references."""

    view: str = "queue"
    """queue, mine, waiting, tell, overdue, repeat, closed or all."""
    area: str | None = None
    topic: str | None = None
    urgency: Urgency | None = None
    account: str | None = None
    status: Status | None = None
    person: str | None = None
    """A handle or a part of a name."""
    before: datetime | None = None
    after: datetime | None = None
    flags: tuple[str, ...] = ()
    """`is:` words: private, public, unread, media, repeat, mine, late, untagged, and the statuses."""
    text: str = ""
    narrow: tuple[tuple[str, str], ...] = ()
    """The finer filters, name and value, as `store.narrow` knows them: kind, network, outcome, hour …"""
    offsets: tuple[tuple[str, int], ...] = ()
    """The organisation's clock, for `hour` and `weekday`: from which instant on it is how many minutes ahead of UTC."""

    @property
    def narrowed(self) -> bool:
        """Whether there is a filter, apart from `text`."""
        filters = (self.area, self.topic, self.urgency, self.account, self.status, self.person, self.before, self.after)
        return bool(self.flags or self.narrow) or any(filters)

    @property
    def everything(self) -> bool:
        """Whether every case is looked at, apart from `text`."""
        return self.view == "all" and not self.narrowed


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of the inbox. `version` is what an action expects to find."""

    id: int
    ref: str
    version: int
    status: Status
    urgency: Urgency
    kind: Kind | None
    area: str | None
    topic: str | None
    owner: str | None
    account: str
    network: str
    visibility: Visibility
    handle: SafeText
    name: SafeText
    snippet: SafeText
    opened_at: datetime
    last_message_at: datetime
    due_at: datetime | None
    due_clock: str | None
    """Which clock rules: acknowledge, answer or promise."""
    due_from: datetime | None
    """When that clock began."""
    messages: int
    media: int
    repeat_count: int
    repeat_since: datetime | None
    snoozed_until: datetime | None
    outcome: Outcome | None
    suggested_area: str | None
    suggested_urgency: Urgency | None
    suggested_because: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    contact_due_at: datetime | None = None
    """By when an answer was expected of the contact who has it; None while nobody has."""
    """Marks of the program and of officers: what the spotter found, restricted, redacted."""


@dataclass(frozen=True, slots=True)
class MediaView:
    """A picture, video or attachment of a message; `path` is below the media folder when it is kept."""

    id: int
    kind: str
    name: SafeText
    mime: str | None
    alt: SafeText | None
    state: MediaState
    sha256: str | None
    bytes: int | None
    path: str | None
    why: str | None = None
    """Why it is not kept, in a sentence."""


@dataclass(frozen=True, slots=True)
class Revision:
    """An earlier text of a message that was edited at its source."""

    text: SafeText
    replaced_at: datetime


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message of a case."""

    id: int
    remote_id: str
    voice: Voice
    visibility: Visibility
    handle: SafeText
    name: SafeText
    text: SafeText
    quoted: SafeText | None
    subject: SafeText | None
    place: SafeText | None
    at: datetime
    received_at: datetime
    url: str | None
    state: str
    """`received` for what came in, else the outbox's word."""
    edited_at: datetime | None
    gone_at: datetime | None
    account: str
    media: tuple[MediaView, ...] = ()
    revisions: tuple[Revision, ...] = ()


@dataclass(frozen=True, slots=True)
class HandoffView:
    """A case sent to a contact."""

    id: int
    contact: str
    to: str
    message_id: str
    state: OutboxState
    sent_at: datetime | None
    expected_at: datetime | None
    chased: int
    answered_at: datetime | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class EventView:
    """One line of the log. `note` is free text, kept apart from the chain so that it can be forgotten."""

    seq: int
    at: datetime
    officer: str
    ref: str | None
    kind: str
    detail: Mapping[str, Any]
    note: SafeText | None = None
    hash: str = ""


@dataclass(frozen=True, slots=True)
class SpotView:
    """What the spotter found in a case: the flag, the rule's words for it, and by when the law wants an answer."""

    flag: str
    phrase: str
    at: datetime
    due_on: date | None
    name: str = ""
    """What the rule is called."""
    contact: str = ""
    """Name of the contact who answers for it, where the configuration says one."""
    wording: str = ""
    """What to do first, and what may be said."""


@dataclass(frozen=True, slots=True)
class RelatedCase:
    """Another case of the same person, or one linked by an officer."""

    ref: str
    status: Status
    opened_at: datetime
    area: str | None
    snippet: SafeText


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """A case whole."""

    row: CaseRow
    person_id: int
    person_key: str
    person_url: str | None
    contacts: int
    """Cases that this person ever opened, this one included."""
    thread: str
    conversation: str | None
    acknowledged_at: datetime | None
    answered_at: datetime | None
    promised_at: datetime | None
    promise_kept: bool | None
    closed_at: datetime | None
    reopened_at: datetime | None
    within_charter: bool | None
    external_reference: str | None
    flags: tuple[str, ...]
    messages: tuple[MessageView, ...] = ()
    handoffs: tuple[HandoffView, ...] = ()
    events: tuple[EventView, ...] = ()
    related: tuple[RelatedCase, ...] = ()
    spots: tuple[SpotView, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    """What an area needs and the officer wrote down."""
    incidents: tuple[tuple[str, str], ...] = ()
    """Incidents that it belongs to (`in`), or may belong to (`suggested`)."""
    answer_until: datetime | None = None
    """When the network's own time for an answer ends, or ended."""
    unsent: tuple[UnsentReply, ...] = ()


@dataclass(frozen=True, slots=True)
class UnsentReply:
    """A reply that failed, or of which nobody knows whether it arrived: the case may be answered all the same, in
    another of its places.
    """

    id: int
    """Of its row in the outbox."""
    account: str | None
    to: str
    state: OutboxState
    error: str | None


@dataclass(frozen=True, slots=True)
class OutboxView:
    """One row of what waits to leave, or has left."""

    id: int
    kind: OutboxKind
    ref: str | None
    case_id: int | None
    account: str | None
    to: str
    state: OutboxState
    queued_at: datetime
    not_before: datetime | None
    next_try_at: datetime | None
    tries: int
    error: str | None
    officer: str
    text: SafeText
    after_id: int | None = None
    """The row that must have been sent before this one leaves."""
    held: str | None = None
    """`approval`: it waits for a second officer."""


@dataclass(frozen=True, slots=True)
class GapView:
    """A span in which an account's messages may be missing."""

    id: int
    start: datetime
    end: datetime
    why: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """How one account does."""

    id: str
    network: str
    handle: str
    state: AccountState
    detail: str
    last_poll_at: datetime | None
    last_message_at: datetime | None
    next_poll_at: datetime | None
    login_expires_at: datetime | None
    owner: str | None
    open_cases: int
    gaps: tuple[GapView, ...] = ()
    budget: Mapping[str, Any] = field(default_factory=dict)
    limits: str = ""
    behind_since: datetime | None = None
    """The last good poll before a long rest that is not caught up with yet."""


@dataclass(frozen=True, slots=True)
class ContactView:
    """A contact, with what the desk knows of their answering."""

    id: str
    name: str
    email: str
    away_until: date | None
    deputy: str | None
    open_handoffs: int
    median_answer_minutes: int | None
    areas: tuple[str, ...] = ()
    late_handoffs: int = 0
    """Of the open ones, those whose answer should have come by now."""
    answers_within: str = ""
    """Their promise, in working time."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an action did: a sentence for the status line, and the cases it touched."""

    said: str
    case_ids: tuple[int, ...] = ()
    row_id: int | None = None
    """The row of the outbox that the action queued."""
    row_ids: tuple[int, ...] = ()
    """All of them, where the action queued several."""
