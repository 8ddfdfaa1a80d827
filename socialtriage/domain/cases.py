"""A case as the desk reasons about it, and the life it may lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from socialtriage.domain.errors import Refused
from socialtriage.domain.late import dataclass, replace
from socialtriage.domain.models import Avoidable, Kind, Outcome, SafeText, Status, Urgency, Visibility

REDACTED = "redacted"
"""The flag of a case whose words were forgotten."""


OTHER_FLAGS = frozenset({"restricted", REDACTED, "held", "blocked_word"})
"""Flags that the spotter did not give."""


def spot_marks(flags: Iterable[str]) -> list[str]:
    """The spotter's flags of a case as marks in a list: `foi?`, `threat to life?`."""
    return [f"{each.replace('_', ' ')}?" for each in flags if each not in OTHER_FLAGS and ":" not in each]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything of a case that an action may look at or change."""

    id: int
    ref: str
    version: int
    status: Status
    urgency: Urgency
    kind: Kind | None = None
    area: str | None = None
    topic: str | None = None
    owner: str | None = None
    account: str
    network: str
    visibility: Visibility
    person_id: int
    thread: str
    conversation: str | None = None
    snippet: SafeText
    opened_at: datetime
    last_message_at: datetime
    waiting_since: datetime | None
    """The first resident's message that has no answer yet: the clocks start here."""
    due_at: datetime | None = None
    due_clock: str | None = None
    due_from: datetime | None = None
    acknowledged_at: datetime | None = None
    answered_at: datetime | None = None
    promised_at: datetime | None = None
    promise_kept: bool | None = None
    closed_at: datetime | None = None
    reopened_at: datetime | None = None
    outcome: Outcome | None = None
    within_charter: bool | None = None
    snoozed_until: datetime | None = None
    messages: int = 1
    media: int = 0
    repeat_count: int = 1
    repeat_since: datetime | None = None
    suggested_area: str | None = None
    suggested_urgency: Urgency | None = None
    suggested_because: tuple[str, ...] = ()
    external_reference: str | None = None
    flags: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    avoidable: Avoidable | None = None


_NAMES = tuple(name for name in Case.__annotations__ if name != "version")
_VALUES = attrgetter(*_NAMES)


def changes(before: Case, after: Case) -> Mapping[str, tuple[Any, Any]]:
    """The fields that differ, as (before, after); the version is not one of them."""
    pairs = zip(_NAMES, _VALUES(before), _VALUES(after), strict=True)
    return {name: (old, new) for name, old, new in pairs if old is not new and old != new}


_ACTED = {Status.NEW: Status.OPEN}


def touched(case: Case) -> Case:
    """The first action on a new case opens it; on any other case it changes nothing."""
    return replace(case, status=_ACTED.get(case.status, case.status))


def _must_be_open(case: Case, what: str) -> None:
    if case.status is Status.CLOSED:
        raise Refused(f"{case.ref} is closed; it cannot be {what}.", hint="Reopen it first.")


def handed_off(case: Case) -> Case:
    """A handoff is on its way to a contact."""
    _must_be_open(case, "handed off")
    return replace(case, status=Status.WAITING_CONTACT, snoozed_until=None)


def handoff_failed(case: Case) -> Case:
    """The handoff did not get through: the case is back on the desk."""
    return replace(case, status=Status.OPEN) if case.status is Status.WAITING_CONTACT else case


def handoff_left(case: Case) -> Case:
    """The handoff is with the contact; one that had failed and was tried again takes the case along."""
    return handed_off(case) if case.status in (Status.NEW, Status.OPEN) else case


def contact_answered(case: Case) -> Case:
    """A contact's answer is in: the resident must be told."""
    _must_be_open(case, "answered by a contact")
    return replace(case, status=Status.TELL_RESIDENT, snoozed_until=None)


def reply_bounced(case: Case) -> Case:
    """Our answer did not reach the resident: they wait since they wrote last."""
    if case.status is not Status.WAITING_RESIDENT:
        return case
    return replace(case, status=Status.OPEN, waiting_since=case.waiting_since or case.last_message_at)


def acknowledged(case: Case, at: datetime) -> Case:
    """The resident knows that we have it: stops the acknowledge clock only."""
    return replace(touched(case), acknowledged_at=case.acknowledged_at or at)


def answered(case: Case, at: datetime, *, in_time: bool | None) -> Case:
    """The resident was answered: the clocks stop, and the case waits for them."""
    kept = None if case.promised_at is None else at <= case.promised_at
    return replace(
        case,
        status=case.status if case.status is Status.CLOSED else Status.WAITING_RESIDENT,
        acknowledged_at=case.acknowledged_at or at,
        answered_at=case.answered_at or at,
        within_charter=case.within_charter if case.answered_at else in_time,
        promise_kept=kept if case.promise_kept is None else case.promise_kept,
        waiting_since=None,
        snoozed_until=None,
    )


def promised(case: Case, at: datetime, now: datetime) -> Case:
    """The resident was promised word by a moment: it becomes a deadline. Raises `Refused` for one that has passed."""
    _must_be_open(case, "promised anything")
    if at <= now:
        raise Refused(f"{case.ref}: that moment has passed; promise a later one.")
    return replace(touched(case), promised_at=at, promise_kept=None)


def answered_with_promise(case: Case, at: datetime, by: datetime, *, in_time: bool | None) -> Case:
    """The resident was answered, and was told that there will be more by a moment: the case stays with us."""
    if case.status is Status.CLOSED:
        return answered(case, at, in_time=in_time)
    status = Status.WAITING_CONTACT if case.status is Status.WAITING_CONTACT else Status.OPEN
    return replace(answered(case, at, in_time=in_time), status=status, promised_at=by, promise_kept=None)


def resident_wrote(case: Case, at: datetime) -> Case:
    """The resident wrote (again): whatever we waited for, it is on the desk now."""
    reopened = case.status is Status.CLOSED
    status = case.status if case.status in (Status.NEW, Status.TELL_RESIDENT, Status.WAITING_CONTACT) else Status.OPEN
    return replace(
        case,
        status=status,
        waiting_since=case.waiting_since or at,
        last_message_at=max(case.last_message_at, at),
        snoozed_until=None,
        reopened_at=at if reopened else case.reopened_at,
        closed_at=None if reopened else case.closed_at,
        outcome=None if reopened else case.outcome,
    )


def snoozed(case: Case, until: datetime, now: datetime) -> Case:
    """Out of the queue until a moment. Raises `Refused` for a moment that has passed."""
    _must_be_open(case, "snoozed")
    if until <= now:
        raise Refused(f"{case.ref}: that moment has passed; choose a later one.")
    return replace(case, status=Status.SNOOZED, snoozed_until=until)


def woken(case: Case) -> Case:
    """The snooze is over."""
    return replace(case, status=Status.OPEN, snoozed_until=None) if case.status is Status.SNOOZED else case


def closed(case: Case, outcome: Outcome, at: datetime, avoidable: Avoidable | None = None) -> Case:
    """Done, with its outcome, and with what would have made the contact unnecessary."""
    _must_be_open(case, "closed again")
    kept = case.promise_kept
    if case.promised_at is not None and kept is None:
        kept = at <= case.promised_at
    return replace(
        case,
        status=Status.CLOSED,
        outcome=outcome,
        closed_at=at,
        waiting_since=None,
        snoozed_until=None,
        promise_kept=kept,
        avoidable=avoidable,
    )


def must_be_known(case: Case) -> None:
    """Raises `Refused` where it was forgotten: nobody is reached by it, and new words would stay."""
    if REDACTED in case.flags:
        raise Refused(f"{case.ref} was forgotten; nothing more is written, noted or done about it.")


def noted(case: Case) -> Case:
    """Somebody writes about it. Raises `Refused` where it was forgotten."""
    must_be_known(case)
    return touched(case)


def reopened(case: Case, at: datetime) -> Case:
    """An officer takes a closed case up again."""
    if case.status is not Status.CLOSED:
        raise Refused(f"{case.ref} is not closed.")
    if REDACTED in case.flags:
        raise Refused(f"{case.ref} was forgotten when its time was over; it cannot be taken up again.")
    return replace(
        case, status=Status.OPEN, outcome=None, closed_at=None, reopened_at=at, waiting_since=case.waiting_since or at
    )
