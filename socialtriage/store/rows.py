"""Between columns and domain values. Order of columns here is the order of every SELECT and INSERT."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from socialtriage.domain.cases import Case
from socialtriage.domain.models import Avoidable, Kind, Outcome, SafeText, Status, Urgency, Visibility
from socialtriage.domain.times import iso
from socialtriage.domain.views import CaseRow

URGENCIES = tuple(Urgency)
LANES = {
    Status.NEW: 0,
    Status.OPEN: 0,
    Status.WAITING_CONTACT: 1,
    Status.TELL_RESIDENT: 2,
    Status.WAITING_RESIDENT: 3,
    Status.SNOOZED: 4,
    Status.CLOSED: 5,
}
"""Which list a status belongs to; the pressing index covers all but the closed ones."""
NEVER = "9999"
"""Sorts after every time."""

CASE_COLUMNS = (
    "id, ref, version, status, urgency, kind, area, topic, owner, account, network, visibility, person_id, thread,"
    " conversation, snippet, opened_at, last_message_at, waiting_since, due_at, due_clock, due_from, acknowledged_at,"
    " answered_at, promised_at, promise_kept, closed_at, reopened_at, outcome, within_charter, snoozed_until, messages,"
    " media, repeat_count, repeat_since, suggested_area, suggested_urgency, suggested_because, external_reference,"
    " flags, facts, avoidable"
)
CASE_NAMES = tuple(CASE_COLUMNS.replace(" ", "").split(","))
ROW_COLUMNS = (
    "c.id, c.ref, c.version, c.status, c.urgency, c.kind, c.area, c.topic, c.owner, c.account, c.network,"
    " c.visibility, p.handle, p.name, c.snippet, c.opened_at, c.last_message_at, c.due_at, c.due_clock, c.due_from,"
    " c.messages, c.media, c.repeat_count, c.repeat_since, c.snoozed_until, c.outcome, c.suggested_area,"
    " c.suggested_urgency, c.suggested_because, c.flags, CASE WHEN c.lane = 1 THEN (SELECT min(h.expected_at) FROM"
    " handoffs h WHERE h.case_id = c.id AND h.answered_at IS NULL AND h.state IN ('sent', 'unknown')) END"
)
RESTRICTED = "restricted"
"""The flag of a case whose person and words no list shows."""
MASK = SafeText("[restricted]")
"""Stands in their place."""


TIMES = frozenset(
    {
        "opened_at",
        "last_message_at",
        "waiting_since",
        "due_at",
        "due_from",
        "acknowledged_at",
        "answered_at",
        "promised_at",
        "closed_at",
        "reopened_at",
        "repeat_since",
        "snoozed_until",
    }
)
"""Fields of a case that are times."""


def slots(values: Sequence[Any]) -> str:
    """As many question marks."""
    return ", ".join("?" * len(values))


def _texts(value: str) -> tuple[str, ...]:
    return tuple(json.loads(value)) if value != "[]" else ()


def _pairs(value: str) -> tuple[tuple[str, str], ...]:
    return tuple((k, v) for k, v in json.loads(value)) if value != "[]" else ()


def when(value: str | None) -> datetime | None:
    """A stored time, or None."""
    return datetime.fromisoformat(value) if value else None


def stamp(value: datetime | None) -> str | None:
    """A time as it is stored, or None."""
    return iso(value) if value else None


def urgency(value: int | None) -> Urgency | None:
    """A stored rank as an urgency, or None."""
    return None if value is None else URGENCIES[value]


_as_json = json.JSONEncoder(ensure_ascii=False).encode


def _json(value: Sequence[Any]) -> str:
    return _as_json(value) if value else "[]"


STATUSES = {status.value: status for status in Status}
KINDS = {kind.value: kind for kind in Kind}
VISIBILITIES = {visibility.value: visibility for visibility in Visibility}
OUTCOMES = {outcome.value: outcome for outcome in Outcome}
AVOIDABLES = {avoidable.value: avoidable for avoidable in Avoidable}
"""Words by what stands in the column: three times as fast as asking the enumeration."""

# Stored times were written by `iso`: there is nothing to check or to cut off.
_READ: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(TIMES, datetime.fromisoformat),
    **dict.fromkeys(("urgency", "suggested_urgency"), URGENCIES.__getitem__),
    **dict.fromkeys(("promise_kept", "within_charter"), bool),
    **dict.fromkeys(("suggested_because", "flags"), _texts),
    "facts": _pairs,
    "status": STATUSES.__getitem__,
    "kind": KINDS.__getitem__,
    "visibility": VISIBILITIES.__getitem__,
    "outcome": OUTCOMES.__getitem__,
    "avoidable": AVOIDABLES.__getitem__,
}
# A new case has the same moment in half a dozen places.
iso_again = lru_cache(maxsize=256)(iso)
_WRITE: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(TIMES, iso_again),
    **dict.fromkeys(("urgency", "suggested_urgency"), {u: u.rank for u in Urgency}.__getitem__),
    **dict.fromkeys(("promise_kept", "within_charter"), int),
    **dict.fromkeys(("suggested_because", "flags", "facts"), _json),
}
_FROM_ROW = tuple((place, _READ[name]) for place, name in enumerate(CASE_NAMES) if name in _READ)
_TO_ROW = tuple((place, _WRITE[name]) for place, name in enumerate(CASE_NAMES) if name in _WRITE)
_FIELDS = attrgetter(*CASE_NAMES)


def to_case(r: Sequence[Any]) -> Case:
    """A row of `CASE_COLUMNS`."""
    values = list(r)
    for place, convert in _FROM_ROW:
        if values[place] is not None:
            values[place] = convert(values[place])
    return Case(**dict(zip(CASE_NAMES, values, strict=True)))


def store_value(value: Any) -> Any:
    """A field of a case as its column holds it."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Urgency):
        return value.rank
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return int(value)
    return value


def derived(case: Case) -> tuple[int, str]:
    """The lane and the sort key that follow from a case."""
    if case.due_at is not None:
        return LANES[case.status], iso_again(case.due_at)
    return LANES[case.status], NEVER + iso_again(case.last_message_at)


def case_values(case: Case) -> tuple[Any, ...]:
    """The values of `CASE_COLUMNS`, then lane and due_sort."""
    values = list(_FIELDS(case))
    for place, convert in _TO_ROW:
        if values[place] is not None:
            values[place] = convert(values[place])
    return (*values, *derived(case))


def to_row(r: Sequence[Any]) -> CaseRow:
    """A row of `ROW_COLUMNS`."""
    at = datetime.fromisoformat
    flags = _texts(r[29])
    hidden = RESTRICTED in flags
    return CaseRow(
        id=r[0],
        ref=r[1],
        version=r[2],
        status=STATUSES[r[3]],
        urgency=URGENCIES[r[4]],
        kind=KINDS[r[5]] if r[5] else None,
        area=r[6],
        topic=r[7],
        owner=r[8],
        account=r[9],
        network=r[10],
        visibility=VISIBILITIES[r[11]],
        handle=MASK if hidden else SafeText(r[12]),
        name=MASK if hidden else SafeText(r[13]),
        snippet=MASK if hidden else SafeText(r[14]),
        opened_at=at(r[15]),
        last_message_at=at(r[16]),
        due_at=at(r[17]) if r[17] else None,
        due_clock=r[18],
        due_from=at(r[19]) if r[19] else None,
        messages=r[20],
        media=r[21],
        repeat_count=r[22],
        repeat_since=at(r[23]) if r[23] else None,
        snoozed_until=at(r[24]) if r[24] else None,
        outcome=OUTCOMES[r[25]] if r[25] else None,
        suggested_area=r[26],
        suggested_urgency=urgency(r[27]),
        suggested_because=() if hidden else _texts(r[28]),
        flags=flags,
        contact_due_at=at(r[30]) if r[30] else None,
    )
