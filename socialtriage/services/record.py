"""The handoff and case log as a document: one row a case, or one line an event."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from socialtriage.domain.cases import Case
from socialtriage.domain.csvsafe import neutralise
from socialtriage.domain.times import iso
from socialtriage.domain.views import EventView
from socialtriage.services.desk import Desk
from socialtriage.store.log import Verified
from socialtriage.store.outbox import HandoffSummary

COLUMNS = (
    "reference",
    "account",
    "network",
    "visibility",
    "person",
    "kind",
    "area",
    "topic",
    "urgency",
    "status",
    "outcome",
    "received_at",
    "acknowledged_at",
    "handed_off_at",
    "contact",
    "contact_answered_at",
    "answered_at",
    "promised_at",
    "promise_kept",
    "closed_at",
    "reopened_at",
    "within_charter",
    "working_minutes",
    "repeat_count",
    "external_reference",
)
BATCH = 500
WITHHELD = "[withheld]"


def case_rows(
    desk: Desk, start: datetime | None, end: datetime | None, *, redact: bool = False
) -> Iterator[dict[str, str]]:
    """One row for every case received from `start` until before `end`, oldest first."""
    batch: list[Case] = []
    for case in desk.store.cases.every(start, end):
        batch.append(case)
        if len(batch) == BATCH:
            yield from _rows(desk, batch, redact)
            batch = []
    yield from _rows(desk, batch, redact)


def _rows(desk: Desk, cases: Sequence[Case], redact: bool) -> Iterator[dict[str, str]]:
    ids = [case.id for case in cases]
    people = desk.store.cases.people(ids) if ids else {}
    handoffs = desk.store.outbox.summaries(ids) if ids else {}
    for case in cases:
        handle, name = people.get(case.id, ("", ""))
        person = WITHHELD if redact else (f"{name} ({handle})" if name and name != handle else handle)
        yield _row(desk, case, person, handoffs.get(case.id, HandoffSummary()))


def _row(desk: Desk, case: Case, person: str, handoff: HandoffSummary) -> dict[str, str]:
    ended = case.answered_at or case.closed_at
    minutes = "" if ended is None else str(round(desk.clocks.between(case.opened_at, ended).total_seconds() / 60))
    values: dict[str, Any] = {
        "reference": case.ref,
        "account": case.account,
        "network": case.network,
        "visibility": case.visibility,
        "person": person,
        "kind": case.kind,
        "area": case.area,
        "topic": case.topic,
        "urgency": case.urgency,
        "status": case.status,
        "outcome": case.outcome,
        "received_at": case.opened_at,
        "acknowledged_at": case.acknowledged_at,
        "handed_off_at": handoff.sent_at,
        "contact": handoff.contact,
        "contact_answered_at": handoff.answered_at,
        "answered_at": case.answered_at,
        "promised_at": case.promised_at,
        "promise_kept": case.promise_kept,
        "closed_at": case.closed_at,
        "reopened_at": case.reopened_at,
        "within_charter": case.within_charter,
        "working_minutes": minutes,
        "repeat_count": case.repeat_count,
        "external_reference": case.external_reference,
    }
    return {name: _cell(value) for name, value in values.items()}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return iso(value)
    return str(value)


def as_csv(rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """The rows as CSV that Excel opens rightly: UTF-8 with byte order mark, no cell can become a formula."""
    yield "\ufeff"
    yield _line(COLUMNS)
    for row in rows:
        yield _line([neutralise(row[name]) for name in COLUMNS])


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def as_jsonl(events: Iterable[EventView], *, redact: bool = False) -> Iterator[str]:
    """One event a line: seq, at, officer, ref, kind, detail, hash; free text as `note` unless redacted."""
    for event in events:
        line: dict[str, Any] = {
            "seq": event.seq,
            "at": iso(event.at),
            "officer": event.officer,
            "ref": event.ref,
            "kind": event.kind,
            "detail": _redacted(event.detail) if redact else dict(event.detail),
            "hash": event.hash,
        }
        if event.note is not None and not redact:
            line["note"] = event.note
        yield json.dumps(line, ensure_ascii=False) + "\n"


_PERSONAL = frozenset({"to", "person", "handle", "name", "remote_id", "why"})


def _redacted(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {name: WITHHELD if name in _PERSONAL else value for name, value in detail.items()}


def events(desk: Desk, start: datetime | None, end: datetime | None) -> Iterator[EventView]:
    """Events from `start` until before `end`, oldest first."""
    return desk.store.log.between(start, end)


def verify(desk: Desk, expect: str | None = None) -> Verified:
    """Prove the log whole: altered, missing, reordered and, with `expect`, cut-off events."""
    return desk.store.log.verify(expect)
