"""The append-only log: every event carries the hash of the one before it.

Free text never enters the chain. An event holds the hash of a salt and the text; salt and text stand in
`event_notes` and can be destroyed without breaking the chain.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from socialtriage.domain.late import dataclass
from socialtriage.domain.models import SafeText
from socialtriage.domain.times import from_iso, iso
from socialtriage.domain.views import EventView
from socialtriage.store.bulk import insert
from socialtriage.store.database import Database

GENESIS = "0" * 64
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is to be logged with a change."""

    kind: str
    case_id: int | None = None
    ref: str | None = None
    detail: Mapping[str, Any] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found: `fault` is None when the log is whole."""

    events: int
    head: str
    fault: str | None = None
    holds: Mapping[str, int] | None = None
    """Positions of the hashes that were asked for."""


def chain(
    previous: str, seq: int, at: str, officer: str, ref: str | None, kind: str, detail: str, note: str | None
) -> str:
    """The hash of an event over everything it says and the hash before it."""
    body = _as_json([previous, seq, at, officer, ref, kind, detail, note])
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def note_hash(salt: str, text: str) -> str:
    """What stands for a note in the chain."""
    return hashlib.sha256(f"{salt}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


def append(connection: sqlite3.Connection, at: datetime, officer: str, events: Sequence[NewEvent]) -> int:
    """Log `events` inside the caller's transaction; the last sequence number."""
    last = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = last or (0, GENESIS)
    moment = iso(at)
    rows = []
    notes = []
    for event in events:
        seq += 1
        detail = _as_json(event.detail) if event.detail else "{}"
        digest = None
        if event.note:
            salt = secrets.token_hex(16)
            digest = note_hash(salt, event.note)
            notes.append((seq, salt, event.note))
        previous = chain(previous, seq, moment, officer, event.ref, event.kind, detail, digest)
        rows.append((seq, moment, officer, event.case_id, event.ref, event.kind, detail, digest, previous))
    insert(connection, "INSERT INTO events", rows)
    if notes:
        connection.executemany("INSERT INTO event_notes VALUES (?, ?, ?)", notes)
    return int(seq)


COLUMNS = "e.seq, e.at, e.officer, e.ref, e.kind, e.detail, n.text, e.hash"
FROM = "FROM events e LEFT JOIN event_notes n ON n.seq = e.seq"


def to_event(r: Sequence[Any]) -> EventView:
    """A row of `COLUMNS`."""
    note = SafeText(r[6]) if r[6] else None
    return EventView(r[0], from_iso(r[1]), r[2], r[3], r[4], json.loads(r[5]), note, r[7])


class Log:
    """Reading the log."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of_case(self, case_id: int) -> list[EventView]:
        """Every event of a case, oldest first."""
        return [
            to_event(r) for r in self._db.all(f"SELECT {COLUMNS} {FROM} WHERE e.case_id = ? ORDER BY e.seq", (case_id,))
        ]

    def between(self, start: datetime | None, end: datetime | None) -> Iterator[EventView]:
        """Events from `start` until before `end`, oldest first, a thousand at a time."""
        seq = 0
        low = iso(start) if start else ""
        high = iso(end) if end else "9999"
        while rows := self._db.all(
            f"SELECT {COLUMNS} {FROM} WHERE e.seq > ? AND e.at >= ? AND e.at < ? ORDER BY e.seq LIMIT 1000",
            (seq, low, high),
        ):
            seq = rows[-1][0]
            yield from map(to_event, rows)

    def head(self) -> tuple[int, str]:
        """The number of the last event and its hash."""
        row = self._db.one("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
        return (int(row[0]), str(row[1])) if row else (0, GENESIS)

    def verify(self, expect: str | None = None) -> Verified:
        """Walk the whole chain: altered, missing, reordered and cut-off events, and altered notes."""
        previous, count, found = GENESIS, 0, expect is None or expect == GENESIS
        sql = (
            "SELECT e.seq, e.at, e.officer, e.ref, e.kind, e.detail, e.note_hash, e.hash, n.salt, n.text,"
            " (e.case_id IS NULL) != (e.ref IS NULL) OR c.ref != e.ref"
            " FROM events e LEFT JOIN event_notes n ON n.seq = e.seq LEFT JOIN cases c ON c.id = e.case_id"
            " WHERE e.seq > ? ORDER BY e.seq LIMIT 5000"
        )
        seq = 0
        while rows := self._db.all(sql, (seq,)):
            for seq, at, officer, ref, kind, detail, digest, own, salt, text, astray in rows:
                count += 1
                if seq != count:
                    return Verified(count - 1, previous, f"Event {count} is missing: the log goes on with {seq}.")
                if chain(previous, seq, at, officer, ref, kind, detail, digest) != own:
                    return Verified(count - 1, previous, f"Event {seq} ({kind}, {at}) was altered or moved.")
                if astray:
                    # The chain holds the reference; what a case shows as its log goes by the case's number.
                    return Verified(count - 1, previous, f"Event {seq} ({kind}, {at}) was put to another case.")
                if salt is not None and note_hash(salt, text) != digest:
                    return Verified(count - 1, previous, f"The note of event {seq} ({kind}, {at}) was altered.")
                previous = own
                found = found or own == expect
        if not found:
            return Verified(count, previous, "The hash you noted is not in the log: its end was cut off or rewritten.")
        return Verified(count, previous)
