"""The handoff and case log as a document: one row a case, or one line an event."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from socialtriage.domain.cases import Case
from socialtriage.domain.csvsafe import neutralise
from socialtriage.domain.times import iso
from socialtriage.domain.views import EventView
from socialtriage.services.desk import Desk
from socialtriage.store.log import PERSONAL, NewEvent, Verified
from socialtriage.store.outbox import HandoffSummary
from socialtriage.store.rows import RESTRICTED

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


@dataclass(frozen=True, slots=True)
class Scope:
    """Which cases a document is about; the first instant and the one after the last, or None."""

    start: datetime | None = None
    end: datetime | None = None
    area: str | None = None
    """A service area, or `none` for cases without one."""
    contact: str | None = None
    """Cases that were ever handed to this contact."""
    case_id: int | None = None

    @property
    def narrowed(self) -> bool:
        """Whether it is about some cases only, whatever the time."""
        return bool(self.area or self.contact or self.case_id)


def must_exist(desk: Desk, scope: Scope) -> None:
    """Raises `UnknownName` for an area or a contact that does not exist, before a word of a document is out."""
    if scope.area and scope.area != "none":
        desk.area(scope.area)
    if scope.contact:
        desk.contact(scope.contact)


def cases_in(desk: Desk, scope: Scope) -> Iterator[Case]:
    """The cases of a document, oldest first. Raises as `must_exist`."""
    if scope.case_id is not None:
        yield desk.store.cases.get(scope.case_id)
        return
    must_exist(desk, scope)
    handed = desk.store.outbox.handed_to(desk.contact(scope.contact).id) if scope.contact else None
    for case in desk.store.cases.every(scope.start, scope.end):
        if scope.area and (case.area or "none") != scope.area:
            continue
        if handed is None or case.id in handed:
            yield case


def case_rows(
    desk: Desk,
    start: datetime | None,
    end: datetime | None,
    *,
    redact: bool = False,
    scope: Scope | None = None,
) -> Iterator[dict[str, str]]:
    """One row for every case received from `start` until before `end`, or in `scope`, oldest first.

    Restricted cases say nothing of the person.
    """
    batch: list[Case] = []
    for case in cases_in(desk, scope or Scope(start, end)):
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
        person = (
            WITHHELD
            if redact or RESTRICTED in case.flags
            else (f"{name} ({handle})" if name and name != handle else handle)
        )
        yield _row(desk, case, person, handoffs.get(case.id, HandoffSummary()))


def _row(desk: Desk, case: Case, person: str, handoff: HandoffSummary) -> dict[str, str]:
    ended = case.answered_at or case.closed_at
    # A clock that went back makes no case end before it began.
    worked = None if ended is None else desk.clocks.between(case.opened_at, max(ended, case.opened_at))
    minutes = "" if worked is None else str(round(worked.total_seconds() / 60))
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


def as_jsonl(events: Iterable[EventView], *, redact: bool = False, restricted: Collection[str] = ()) -> Iterator[str]:
    """One event a line: seq, at, officer, ref, kind, detail, hash; free text as `note` unless redacted.

    Cases with a reference in `restricted` are redacted in any case.
    """
    hide_all = redact
    for event in events:
        # Why a case belongs to a restricted one says what that one is about.
        linked = event.kind == "case.linked" and event.detail.get("to") in restricted
        redact = hide_all or event.ref in restricted or linked
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


def _redacted(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {name: WITHHELD if name in PERSONAL else value for name, value in detail.items()}


def events(desk: Desk, start: datetime | None, end: datetime | None, scope: Scope | None = None) -> Iterator[EventView]:
    """Events from `start` until before `end`, oldest first; with a narrowed `scope` those of its cases."""
    if scope is None or not scope.narrowed:
        yield from desk.store.log.between(start, end)
        return
    if scope.case_id is not None:
        yield from desk.store.log.of_case(scope.case_id)
        return
    refs = {case.ref for case in cases_in(desk, replace(scope, start=None, end=None))}
    yield from (event for event in desk.store.log.between(start, end) if event.ref in refs)


@dataclass(slots=True)
class Digest:
    """Counts and hashes what passes through it."""

    hashed: Any = field(default_factory=hashlib.sha256)

    def over(self, parts: Iterable[str]) -> Iterator[str]:
        """The same parts."""
        for part in parts:
            self.hashed.update(part.encode("utf-8", "backslashreplace"))
            yield part


def exported(desk: Desk, scope: Scope, form: str, *, redact: bool, sha256: str | None = None) -> None:
    """Put on record that a document was made: by whom, of what, in which words; `sha256` proves a later copy."""
    detail: dict[str, Any] = {"format": form, "redacted": redact}
    for name, value in (("from", scope.start), ("until", scope.end)):
        if value is not None:
            detail[name] = iso(value)
    detail |= {name: value for name, value in (("area", scope.area), ("contact", scope.contact)) if value}
    if sha256 is not None:
        detail["sha256"] = sha256
    ref = desk.store.cases.get(scope.case_id).ref if scope.case_id is not None else None
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.log(NewEvent("log.exported", scope.case_id, ref, detail))


def export_of(desk: Desk, data: bytes) -> EventView | None:
    """The event of the export that made exactly these bytes; None when no document of this log was ever so."""
    digest = hashlib.sha256(data).hexdigest()
    found = [event for event in desk.store.log.of_kind("log.exported") if event.detail.get("sha256") == digest]
    return found[-1] if found else None


def verify(desk: Desk, expect: str | None = None) -> Verified:
    """Prove the log whole: altered, missing, reordered and, with `expect`, cut-off events."""
    return desk.store.log.verify(expect)


def checked(found: Verified) -> list[str]:
    """What `verify` looked at, in sentences."""
    return [
        f"Every one of the {found.events} events follows from the one before it: none is missing, altered or moved.",
        "Every event stands with the case whose reference it carries.",
        f"{found.private} notes and personal details match their hashes; of {found.forgotten} only the hash is left,"
        " as many as the log says were forgotten.",
    ]
