"""Values in an officer's words: times in the organisation's zone, deadlines, urgencies, states."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from socialtriage.domain.models import (
    DueState,
    Kind,
    MediaState,
    OutboxState,
    Outcome,
    Status,
    Urgency,
    Visibility,
    Voice,
)
from socialtriage.domain.text import many as many
from socialtriage.domain.views import CaseRow

URGENCY = {
    Urgency.EMERGENCY: "EMERGENCY",
    Urgency.URGENT: "urgent",
    Urgency.NORMAL: "normal",
    Urgency.LOW: "low",
}
VISIBILITY = {Visibility.PUBLIC: "PUBLIC", Visibility.PRIVATE: "PRIVATE"}
VISIBILITY_SHORT = {Visibility.PUBLIC: "PUB", Visibility.PRIVATE: "PRIV"}
STATUS = {
    Status.NEW: "new",
    Status.OPEN: "open",
    Status.WAITING_CONTACT: "with contact",
    Status.TELL_RESIDENT: "tell resident",
    Status.WAITING_RESIDENT: "answered",
    Status.SNOOZED: "snoozed",
    Status.CLOSED: "closed",
}
KIND = {kind: kind.words for kind in Kind}
OUTCOME = {
    Outcome.ANSWERED: "answered",
    Outcome.SELF_SERVED: "self-served: shown where to do it",
    Outcome.HANDED_OVER: "handed over for good",
    Outcome.DONE_BY_US: "done by us",
    Outcome.NOT_OURS: "not ours",
    Outcome.NO_REPLY_NEEDED: "no reply needed",
    Outcome.DUPLICATE: "duplicate",
    Outcome.SPAM: "spam",
    Outcome.ABUSE: "abuse",
}
VOICE = {Voice.RESIDENT: "resident", Voice.OFFICER: "us", Voice.CONTACT: "contact"}
OUTBOX = {
    OutboxState.QUEUED: "waiting",
    OutboxState.SENDING: "leaving now",
    OutboxState.SENT: "sent",
    OutboxState.FAILED: "failed",
    OutboxState.UNKNOWN: "unknown",
    OutboxState.BOUNCED: "bounced",
    OutboxState.ANSWERED: "answered",
}
MEDIA = {
    MediaState.PENDING: "not fetched yet",
    MediaState.KEPT: "kept",
    MediaState.EXPIRED: "expired at its source",
    MediaState.WITHHELD: "withheld by the network",
    MediaState.REFUSED: "refused: not a kind we keep",
    MediaState.TOO_LARGE: "too large to keep",
}
NETWORK = {"imap": "email", "x": "X"}
"""Networks whose word on screen is not their id."""

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def network(name: str) -> str:
    """A network as it is called on screen."""
    return NETWORK.get(name, name)


def due(row: CaseRow, now: datetime, zone: ZoneInfo, *, long: bool = False) -> tuple[str, DueState]:
    """`due 1h20`, `late 3h`, `due Mon`, `back Tue`, `closed`; `long` adds the hour to a day."""
    if row.status is Status.CLOSED:
        return "closed", DueState.NONE
    if row.snoozed_until is not None and row.status is Status.SNOOZED:
        return "back " + _moment(row.snoozed_until, now, zone, long), DueState.NONE
    if row.due_at is None:
        return "", DueState.NONE
    left = row.due_at - now
    if left <= timedelta():
        return "late " + span(-left), DueState.LATE
    state = DueState.SOON if left <= _soon(row) else DueState.ON_TIME
    return "due " + (span(left, fine=True) if left < _DAY else _moment(row.due_at, now, zone, long)), state


def _soon(row: CaseRow) -> timedelta:
    """The last quarter of the clock, at least half an hour."""
    whole = row.due_at - row.due_from if row.due_at and row.due_from else timedelta()
    return max(whole / 4, 30 * _MINUTE)


def span(length: timedelta, *, fine: bool = False) -> str:
    """A length of time in a few characters: `0m`, `45m`, `3h`, `4d`; `fine` also `1h20`."""
    if length < _HOUR:
        return f"{length // _MINUTE}m"
    if length < 2 * _DAY:
        minutes = length % _HOUR // _MINUTE
        return f"{length // _HOUR}h{minutes:02}" if fine and length < 10 * _HOUR and minutes else f"{length // _HOUR}h"
    return f"{length // _DAY}d"


def ago(at: datetime, now: datetime) -> str:
    """`just now`, `5m ago`, `3d ago`; a time to come is `in 5m`."""
    if abs(now - at) < _MINUTE:
        return "just now"
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"


def clock(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A time as a colleague would say it: `14:30`, `yesterday 14:30`, `Mon 16 Nov 14:30`, `16 Nov 2025 14:30`."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    hour = f"{local:%H:%M}"
    days = (today - local.date()).days
    if days in _NEAR:
        return f"{_NEAR[days]}{hour}"
    return f"{local:%a} {local.day} {local:%b} {hour}" if abs(days) < 180 else f"{local.day} {local:%b %Y} {hour}"


_NEAR = {0: "", 1: "yesterday ", -1: "tomorrow "}


def full(at: datetime, zone: ZoneInfo) -> str:
    """A time in full, with its zone: `Mon 16 Nov 2026 14:30 GMT`."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M %Z}"


def _moment(at: datetime, now: datetime, zone: ZoneInfo, long: bool) -> str:
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    if days == 0:
        return f"{local:%H:%M}"
    day = f"{local:%a}" if days < 7 else f"{local.day} {local:%b}"
    return f"{day} {local:%H:%M}" if long else day


def size(count: int | None) -> str:
    """A number of bytes: `812 B`, `64 kB`, `2.1 MB`."""
    if count is None:
        return ""
    if count < 1_000:
        return f"{count} B"
    return f"{count // 1_000} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
