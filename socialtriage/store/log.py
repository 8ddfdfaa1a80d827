"""The append-only log: every event carries the hash of the one before it.

Free text and what names a person never enter the chain. An event holds the hash of a salt and of both; the three
stand in `event_notes` and can be destroyed without breaking the chain.
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
from socialtriage.domain.text import many
from socialtriage.domain.times import from_iso, iso
from socialtriage.domain.views import EventView
from socialtriage.store.bulk import insert
from socialtriage.store.database import Database

GENESIS = "0" * 64
PERSONAL = frozenset(
    {
        "to",
        "remote_id",
        "why",
        "person",
        "handle",
        "name",
        "key",
        "url",
        "quote",
        "text",
        "recipient",
        "words",
        "snapshot",
    }
)
"""Names in an event's detail whose values may tell who somebody is or what they said: addresses, handles, ids that hold
them, answers of servers that repeat them, words out of their text, and bare hashes of it, which a guess can confirm."""
OF_EVIDENCE = PERSONAL | {"sha256"}
"""The same in events of pictures and attachments; the hash of an exported document has to stay to prove it."""
PRIVATE = "[private]"
"""Stands in the chain where a personal value would."""
FORGETTING = ("store.pruned", "person.erased")
"""Events whose detail says under `notes` how many notes were destroyed with them."""
FORGOTTEN = "[forgotten]"
"""Is shown where a personal value stood."""
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
    private: int = 0
    """Notes and personal details that were proved."""
    forgotten: int = 0
    """Notes and personal details of which only the hash is left."""


def chain(
    previous: str, seq: int, at: str, officer: str, ref: str | None, kind: str, detail: str, note: str | None
) -> str:
    """The hash of an event over everything it says and the hash before it."""
    body = _as_json([previous, seq, at, officer, ref, kind, detail, note])
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def note_hash(salt: str, text: str, detail: str | None = None) -> str:
    """What stands in the chain for a note and for the personal part of a detail."""
    body = f"{salt}\n{text}" if detail is None else f"{salt}\n{text}\0{detail}"
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def append(connection: sqlite3.Connection, at: datetime, officer: str, events: Sequence[NewEvent]) -> int:
    """Log `events` inside the caller's transaction; the last sequence number."""
    last = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = last or (0, GENESIS)
    moment = iso(at)
    rows = []
    notes = []
    for event in events:
        seq += 1
        detail, private, digest = "{}", None, None
        if event.detail:
            shown, kept = _parted(event.kind, event.detail)
            detail, private = _as_json(shown), _as_json(kept) if kept else None
        if event.note or private is not None:
            salt = secrets.token_hex(16)
            digest = note_hash(salt, event.note or "", private)
            notes.append((seq, salt, event.note or "", private))
        previous = chain(previous, seq, moment, officer, event.ref, event.kind, detail, digest)
        rows.append((seq, moment, officer, event.case_id, event.ref, event.kind, detail, digest, previous))
    insert(connection, "INSERT INTO events", rows)
    if notes:
        insert(connection, "INSERT INTO event_notes (seq, salt, text, detail)", notes)
    return int(seq)


def _parted(kind: str, detail: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """What goes into the chain, and what is only hashed."""
    personal = OF_EVIDENCE if kind.startswith("evidence.") else PERSONAL
    kept = {name: value for name, value in detail.items() if name in personal and value not in (None, "")}
    return ({name: PRIVATE if name in kept else value for name, value in detail.items()} if kept else detail), kept


COLUMNS = "e.seq, e.at, e.officer, e.ref, e.kind, e.detail, n.text, e.hash, n.detail"
FROM = "FROM events e LEFT JOIN event_notes n ON n.seq = e.seq"


def to_event(r: Sequence[Any]) -> EventView:
    """A row of `COLUMNS`."""
    note = SafeText(r[6]) if r[6] else None
    detail = json.loads(r[5])
    if PRIVATE in r[5]:
        kept = json.loads(r[8]) if r[8] else {}
        detail = {name: kept.get(name, FORGOTTEN) if v == PRIVATE else v for name, v in detail.items()}
    return EventView(r[0], from_iso(r[1]), r[2], r[3], r[4], detail, note, r[7])


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

    def of_kind(self, kind: str) -> list[EventView]:
        """Every event of one kind, oldest first."""
        return [to_event(r) for r in self._db.all(f"SELECT {COLUMNS} {FROM} WHERE e.kind = ? ORDER BY e.seq", (kind,))]

    def head(self) -> tuple[int, str]:
        """The number of the last event and its hash."""
        row = self._db.one("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
        return (int(row[0]), str(row[1])) if row else (0, GENESIS)

    def verify(self, expect: str | None = None) -> Verified:
        """Walk the whole chain: altered, missing, reordered and cut-off events, altered and vanished notes."""
        walk = _Walk(expect)
        sql = (
            "SELECT e.seq, e.at, e.officer, e.ref, e.kind, e.detail, e.note_hash, e.hash, n.salt, n.text, n.detail,"
            " (e.case_id IS NULL) != (e.ref IS NULL) OR c.ref != e.ref"
            " FROM events e LEFT JOIN event_notes n ON n.seq = e.seq LEFT JOIN cases c ON c.id = e.case_id"
            " WHERE e.seq > ? ORDER BY e.seq LIMIT 5000"
        )
        while rows := self._db.all(sql, (walk.count,)):
            for row in rows:
                if (fault := walk.step(*row)) is not None:
                    return Verified(walk.count, walk.head, fault)
        return Verified(walk.count, walk.head, walk.ended(), private=walk.private, forgotten=walk.forgotten)


class _Walk:
    """Going along the chain, event by event."""

    def __init__(self, expect: str | None) -> None:
        self.count, self.head, self.private, self.forgotten = 0, GENESIS, 0, 0
        self._expect, self._found, self._on_record = expect, expect is None, 0

    def step(self, seq: int, at: str, *rest: Any) -> str | None:
        """The next event: what is wrong with it."""
        officer, ref, kind, detail, digest, own, salt, text, private, astray = rest
        if seq != self.count + 1:
            return f"Event {self.count + 1} is missing: the log goes on with {seq}."
        if chain(self.head, seq, at, officer, ref, kind, detail, digest) != own:
            return f"Event {seq} ({kind}, {at}) was altered or moved."
        if astray:
            # The chain holds the reference; what a case shows as its log goes by the case's number.
            return f"Event {seq} ({kind}, {at}) was put to another case."
        if salt is not None and note_hash(salt, text, private) != digest:
            return f"The note of event {seq} ({kind}, {at}) was altered."
        self.private += salt is not None
        self.forgotten += salt is None and digest is not None
        if kind in FORGETTING:
            self._on_record += int(json.loads(detail).get("notes", 0))
        self.count, self.head = seq, own
        self._found = self._found or own == self._expect
        return None

    def ended(self) -> str | None:
        """What only the whole log can tell."""
        if self._expect == GENESIS and self.count:
            return "The hash you noted is that of an empty log: every log begins with it, so it proves nothing."
        if not self._found and self._expect != GENESIS:
            return "The hash you noted is not in the log: its end was cut off or rewritten."
        if self.forgotten != self._on_record:
            gone = many(self.forgotten, "note is", "notes are")
            return f"{gone} gone, but the log knows of {self._on_record} that were forgotten."
        return None
