"""Two cases made one, and one made two: what becomes of clocks, counts and status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from socialtriage.domain.cases import Case
from socialtriage.domain.late import dataclass
from socialtriage.domain.models import Outcome, Status, Voice

_FURTHER = (Status.TELL_RESIDENT, Status.WAITING_CONTACT)
"""Where a matter may stand that is further on than open, the furthest first."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message as clocks see it."""

    id: int
    voice: Voice
    at: datetime
    media: int
    asks: bool
    """A resident waits for an answer to it: no out-of-office note, no background."""


def joined(into: Case, other: Case) -> Case:
    """`into` with everything of `other`: the earliest clock and the more pressing urgency count, nothing is lost."""
    status = next((s for s in _FURTHER if s in (into.status, other.status)), into.status)
    if into.status is Status.NEW and status is Status.NEW:
        status = Status.OPEN
    return replace(
        into,
        status=status,
        snoozed_until=None if status is not Status.SNOOZED else into.snoozed_until,
        urgency=min(into.urgency, other.urgency, key=lambda urgency: urgency.rank),
        kind=into.kind or other.kind,
        area=into.area or other.area,
        topic=into.topic if into.area else other.topic,
        owner=into.owner or other.owner,
        conversation=into.conversation or other.conversation,
        opened_at=min(into.opened_at, other.opened_at),
        last_message_at=max(into.last_message_at, other.last_message_at),
        waiting_since=_first(into.waiting_since, other.waiting_since),
        acknowledged_at=_first(into.acknowledged_at, other.acknowledged_at),
        answered_at=_first(into.answered_at, other.answered_at),
        promised_at=_first(into.promised_at, other.promised_at),
        messages=into.messages + other.messages,
        media=into.media + other.media,
        repeat_count=max(into.repeat_count, other.repeat_count),
        repeat_since=_first(into.repeat_since, other.repeat_since),
        external_reference=into.external_reference or other.external_reference,
        flags=tuple(dict.fromkeys((*into.flags, *other.flags))),
        facts=tuple({**dict(other.facts), **dict(into.facts)}.items()),
    )


def emptied(case: Case, at: datetime) -> Case:
    """A case whose messages are in another one now: closed as its duplicate."""
    return replace(
        case,
        status=Status.CLOSED,
        outcome=Outcome.DUPLICATE,
        closed_at=at,
        waiting_since=None,
        snoozed_until=None,
        messages=0,
        media=0,
    )


def counted(case: Case, messages: Sequence[Spoken]) -> Case:
    """A case with counts and clocks as just these messages make them. There is at least one."""
    asked = [m.at for m in messages if m.asks]
    answered = max((m.at for m in messages if m.voice is Voice.OFFICER), default=None)
    waiting = [at for at in asked if answered is None or at > answered]
    times = [m.at for m in messages]
    return replace(
        case,
        opened_at=min(times),
        last_message_at=max(times),
        waiting_since=min(waiting, default=None) if case.status is not Status.CLOSED else None,
        messages=len(messages),
        media=sum(m.media for m in messages),
    )


def _first(*times: datetime | None) -> datetime | None:
    return min(_there(times), default=None)


def _there(times: Iterable[datetime | None]) -> list[datetime]:
    return [at for at in times if at is not None]
