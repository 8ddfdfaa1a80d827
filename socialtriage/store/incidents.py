"""Incidents: what was said of them on every account, which cases belong to them, and how much arrives."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from socialtriage.domain.late import dataclass
from socialtriage.domain.models import OutboxState, SafeText
from socialtriage.domain.times import from_iso, iso
from socialtriage.store.database import Database
from socialtriage.store.rows import when


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that happened, as the desk knows it."""

    id: int
    name: str
    area: str | None
    keywords: tuple[str, ...]
    text: str
    at: datetime
    until: datetime | None
    ended_at: datetime | None
    officer: str

    def runs(self, now: datetime) -> bool:
        """Whether new cases may still belong to it."""
        return self.ended_at is None and (self.until is None or self.until > now)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPost:
    """What was said of an incident on an account. `page`: it can only be posted there, by hand."""

    account: str
    text: str
    state: OutboxState | None
    """Of its row of the outbox; None for one that was dropped, or that is posted by hand."""
    error: str | None
    url: str | None
    row_id: int | None
    page: str | None


class IncidentCase(NamedTuple):
    """A case of an incident. `state`: `suggested`, `in` or `out`."""

    case_id: int
    ref: str
    state: str
    status: str
    snippet: SafeText


class Arrivals(NamedTuple):
    """Where most of a span's cases came in: account, thread, how many."""

    account: str
    thread: str
    number: int


class IncidentWriter:
    """Changes inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def keep_statement(self, officer: str, name: str, text: str, at: datetime) -> None:
        """Keep what an officer is about to say of an incident; an empty text forgets it."""
        self._c.execute("DELETE FROM statement_drafts WHERE officer = ? AND incident = ?", (officer, name))
        if text:
            self._c.execute("INSERT INTO statement_drafts VALUES (?, ?, ?, ?)", (officer, name, text, iso(at)))

    def draft_again(self, key: str, officer: str, at: datetime) -> None:
        """What was said by the row with this key is the officer's draft again, unless they write something already."""
        self._c.execute(
            "INSERT OR IGNORE INTO statement_drafts SELECT ?, n.name, p.text, ? FROM incident_posts p"
            " JOIN incidents n ON n.id = p.incident_id WHERE p.key = ?",
            (officer, iso(at), key),
        )

    def named(self, name: str) -> int | None:
        """The id of an incident."""
        row = self._c.execute("SELECT id FROM incidents WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else None

    def add(
        self,
        name: str,
        area: str | None,
        keywords: Sequence[str],
        text: str,
        until: datetime | None,
        officer: str,
        now: datetime,
    ) -> int:
        """A new incident; its id."""
        cursor = self._c.execute(
            "INSERT INTO incidents (name, area, keywords, text, at, until, officer) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                area,
                json.dumps(list(keywords), ensure_ascii=False),
                text,
                iso(now),
                iso(until) if until else None,
                officer,
            ),
        )
        return int(cursor.lastrowid or 0)

    def add_post(
        self, incident: int, account: str, text: str, key: str | None, page: str | None, officer: str, now: datetime
    ) -> None:
        """What is said of an incident on an account: by the row of the outbox with this key, or by hand on a page."""
        self._c.execute(
            "INSERT INTO incident_posts (incident_id, account, text, key, page, at, officer)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (incident, account, text, key, page, iso(now), officer),
        )

    def put_case(self, incident: int, case_id: int, state: str, officer: str, now: datetime) -> None:
        """An officer took a case in, or left it out."""
        self._c.execute(
            "INSERT OR REPLACE INTO incident_cases VALUES (?, ?, ?, ?, ?)",
            (incident, case_id, state, officer, iso(now)),
        )

    def end(self, incident: int, now: datetime) -> bool:
        """It is over; False when it was already."""
        cursor = self._c.execute(
            "UPDATE incidents SET ended_at = ? WHERE id = ? AND ended_at IS NULL", (iso(now), incident)
        )
        return cursor.rowcount == 1


_COLUMNS = "id, name, area, keywords, text, at, until, ended_at, officer"


class Incidents:
    """Reading incidents, and how much arrives."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def statement(self, officer: str, name: str) -> str:
        """What an officer was about to say of an incident; empty where nothing is kept."""
        row = self._db.one("SELECT text FROM statement_drafts WHERE officer = ? AND incident = ?", (officer, name))
        return str(row[0]) if row else ""

    def all(self) -> list[Incident]:
        """Every incident, the newest first."""
        rows = self._db.all(f"SELECT {_COLUMNS} FROM incidents ORDER BY id DESC")
        return [
            Incident(
                id=r[0],
                name=r[1],
                area=r[2],
                keywords=tuple(json.loads(r[3])),
                text=r[4],
                at=from_iso(r[5]),
                until=when(r[6]),
                ended_at=when(r[7]),
                officer=r[8],
            )
            for r in rows
        ]

    def posts(self, incident: int) -> list[IncidentPost]:
        """What was said of it, and what became of that."""
        rows = self._db.all(
            "SELECT p.account, p.text, o.state, o.error, o.url, o.id, p.page FROM incident_posts p"
            " LEFT JOIN outbox o ON o.key = p.key WHERE p.incident_id = ? ORDER BY p.id",
            (incident,),
        )
        return [
            IncidentPost(
                account=r[0],
                text=r[1],
                state=OutboxState(r[2]) if r[2] else None,
                error=r[3],
                url=r[4],
                row_id=r[5],
                page=r[6],
            )
            for r in rows
        ]

    def cases(self, incident: int) -> list[IncidentCase]:
        """Its cases: those taken in first, then those suggested, then those left out; open ones first."""
        rows = self._db.all(
            "SELECT c.id, c.ref, i.state, c.status, CASE WHEN c.flags LIKE '%\"restricted\"%' THEN '[restricted]'"
            " ELSE c.snippet END FROM incident_cases i JOIN cases c ON c.id = i.case_id WHERE i.incident_id = ?"
            " ORDER BY i.state = 'out', i.state, c.lane = 5, c.id DESC",
            (incident,),
        )
        return [IncidentCase(r[0], r[1], r[2], r[3], SafeText(r[4])) for r in rows]

    def state(self, incident: int, case_id: int) -> str | None:
        """How a case stands to an incident."""
        row = self._db.one(
            "SELECT state FROM incident_cases WHERE incident_id = ? AND case_id = ?", (incident, case_id)
        )
        return str(row[0]) if row else None

    def of_case(self, case_id: int) -> tuple[tuple[str, str], ...]:
        """Incidents that a case belongs or may belong to: name and state."""
        rows = self._db.all(
            "SELECT n.name, i.state FROM incident_cases i JOIN incidents n ON n.id = i.incident_id"
            " WHERE i.case_id = ? AND i.state != 'out' ORDER BY n.id",
            (case_id,),
        )
        return tuple((r[0], r[1]) for r in rows)

    def fitting(self, expression: str, area: str | None, since: datetime) -> list[int]:
        """Open cases, and those opened since then, of an area or of none, in which a resident's words match."""
        rows = self._db.all(
            "SELECT DISTINCT c.id FROM messages_fts f JOIN messages m ON m.id = f.rowid"
            " JOIN cases c ON c.id = m.case_id"
            " WHERE messages_fts MATCH :expression AND m.voice = 'resident' AND (c.lane < 5 OR c.opened_at >= :since)"
            " AND (:area IS NULL OR coalesce(c.area, c.suggested_area, :area) = :area) ORDER BY c.id",
            {"expression": expression, "area": area, "since": iso(since)},
        )
        return [r[0] for r in rows]

    # --- how much arrives ---------------------------------------------------------------------------------

    def arrived(self, spans: Sequence[tuple[datetime, datetime]]) -> list[int]:
        """How many cases were opened in each of some spans; a look at an index for each."""
        rows = self._db.all(
            "SELECT (SELECT count(*) FROM cases WHERE opened_at >= json_extract(j.value, '$[0]')"
            " AND opened_at < json_extract(j.value, '$[1]')) FROM json_each(?) j ORDER BY j.key",
            (json.dumps([(iso(a), iso(b)) for a, b in spans]),),
        )
        return [r[0] for r in rows]

    def first_at(self) -> datetime | None:
        """When the oldest case was opened."""
        row = self._db.one("SELECT min(opened_at) FROM cases")
        return when(row[0]) if row else None

    def busiest(self, start: datetime, end: datetime) -> list[Arrivals]:
        """The threads with the most new cases of a span."""
        rows = self._db.all(
            "SELECT account, thread, count(*) AS n FROM cases WHERE opened_at >= ? AND opened_at < ?"
            " GROUP BY account, thread ORDER BY n DESC, max(id) DESC LIMIT 3",
            (iso(start), iso(end)),
        )
        return [Arrivals(*r) for r in rows]
