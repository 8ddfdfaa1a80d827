"""What the demand figures are counted from. Nothing here writes; long reads come in pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from socialtriage.domain.times import iso
from socialtriage.store.database import Database, explain
from socialtriage.store.rows import RESTRICTED

PAGE = 4000
"""Rows that are read at once."""
_CHARTER = (
    "CASE WHEN within_charter IS NOT NULL THEN within_charter WHEN is_open = 0 THEN 3 WHEN due_at < :now THEN 0"
    " ELSE 2 END"
)
_MARKS = f"(repeat_count > 1) + 2 * is_open + 4 * (answered_at IS NOT NULL) + 8 * automatic + 16 * {_CHARTER}"
KEY = (
    f"account, area, topic, CASE WHEN area IS NULL THEN suggested_area END, {_MARKS}, kind, outcome, avoidable, network"
)
_TIMES = "opened_at, coalesce(acknowledged_at, answered_at), closed_at"
_LEFT = (
    "FROM v_handoffs WHERE queued_at >= :low AND sent_at IS NOT NULL AND state != 'bounced'"
    " AND case_opened_at >= :low AND case_opened_at < :high"
)
_IN_SPAN = "FROM v_cases WHERE opened_at >= :low AND opened_at < :high"


FIELDS = ("account", "area", "topic", "suggested", "marks", "kind", "outcome", "avoidable", "network")
"""The columns of `KEY`: `suggested` is that of a case without an area, `marks` is what `Marks.of` takes apart."""


class Marks(NamedTuple):
    """The small facts of a case."""

    repeat: bool
    is_open: bool
    answered: bool
    automatic: bool
    """Begun by a machine's mail."""
    charter: int
    """1 answered in time; 0 answered late, or open and past a deadline; 2 open and in time; 3 closed unanswered."""

    @classmethod
    def of(cls, marks: int) -> Marks:
        """The facts in a number."""
        return cls(bool(marks & 1), bool(marks & 2), bool(marks & 4), bool(marks & 8), marks >> 4)


class Sent(NamedTuple):
    """A handoff that left."""

    case_id: int
    contact: str
    sent_at: str
    answered_at: str | None
    chased: int


class Figures:
    """Counting cases, handoffs and questions of a span; `low` is the first instant of it, `high` the one after."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def number(self, low: datetime, high: datetime) -> int:
        """How many cases were opened."""
        row = self._db.one("SELECT count(*) FROM cases WHERE opened_at >= ? AND opened_at < ?", (iso(low), iso(high)))
        return int(row[0])

    def earliest(self, low: datetime, high: datetime) -> str | None:
        """When the first of them was opened."""
        row = self._db.one(
            "SELECT min(opened_at) FROM cases WHERE opened_at >= ? AND opened_at < ?", (iso(low), iso(high))
        )
        return str(row[0]) if row[0] else None

    def closed(self, low: datetime, high: datetime) -> int:
        """How many of today's closed cases were closed in a span."""
        row = self._db.one(
            "SELECT count(*) FROM cases WHERE lane = 5 AND closed_at >= ? AND closed_at < ?", (iso(low), iso(high))
        )
        return int(row[0])

    def queue(self) -> int:
        """How many cases are in the queue."""
        return int(self._db.one("SELECT count(*) FROM cases WHERE lane = 0 AND lane < 5")[0])

    def due_before(self, at: datetime) -> int:
        """How many cases of the queue are due before a moment, or were."""
        return int(self._db.one("SELECT count(*) FROM cases WHERE lane = 0 AND lane < 5 AND due_at < ?", (iso(at),))[0])

    def cases(self, low: datetime, high: datetime, now: datetime) -> Iterator[list[tuple[Any, ...]]]:
        """Pages of cases opened in a span: the columns of `KEY`, then opened, first response, closed."""
        yield from self._pages(f"SELECT {KEY}, {_TIMES} {_IN_SPAN}", low, high, now)

    def keys(self, low: datetime, high: datetime, now: datetime) -> Iterator[list[tuple[Any, ...]]]:
        """The same without the times."""
        yield from self._pages(f"SELECT {KEY} {_IN_SPAN}", low, high, now)

    def _pages(self, sql: str, low: datetime, high: datetime, now: datetime) -> Iterator[list[tuple[Any, ...]]]:
        cursor = self._db.reader.cursor()
        try:
            cursor.execute(sql, {"low": iso(low), "high": iso(high), "now": iso(now)})
            while rows := cursor.fetchmany(PAGE):
                yield rows
        except sqlite3.Error as exc:
            raise explain(exc, self._db.path) from exc
        finally:
            cursor.close()

    def handoffs(self, low: datetime, high: datetime) -> list[Sent]:
        """Handoffs that left, of cases opened in a span; as none is older than its case, old ones are not read."""
        rows = self._db.all(
            f"SELECT case_id, contact, sent_at, answered_at, chased {_LEFT}", {"low": iso(low), "high": iso(high)}
        )
        return [Sent._make(row) for row in rows]

    def handed_off(self, low: datetime, high: datetime) -> int:
        """How many cases opened in a span were handed off."""
        row = self._db.one(f"SELECT count(DISTINCT case_id) {_LEFT}", {"low": iso(low), "high": iso(high)})
        return int(row[0])

    def first_polls(self) -> dict[str, str]:
        """When each account was first polled well."""
        return dict(self._db.all("SELECT id, first_ok_at FROM accounts WHERE first_ok_at IS NOT NULL"))

    def has_case_before(self, account: str, at: datetime) -> bool:
        """Whether an account has a case that was opened by a moment."""
        sql = "SELECT 1 FROM cases WHERE account = ? AND opened_at <= ? LIMIT 1"
        return self._db.one(sql, (account, iso(at))) is not None

    def gaps(self, low: datetime, high: datetime) -> list[tuple[str, str, str, str]]:
        """Spans of an account whose messages may be missing, as far as they overlap: account, from, to, why.

        One that an officer only took note of is still one; one that was read again is none.
        """
        return [
            (r[0], r[1], r[2], r[3])
            for r in self._db.all(
                "SELECT account, max(start_at, :low), min(end_at, :high), why FROM gaps"
                " WHERE start_at < :high AND end_at > :low AND NOT EXISTS (SELECT 1 FROM events e"
                " WHERE e.at = gaps.closed_at AND e.kind = 'account.gap_filled'"
                " AND json_extract(e.detail, '$.gap') = gaps.id) ORDER BY start_at",
                {"low": iso(low), "high": iso(high)},
            )
        ]

    def first_message(self, since: datetime) -> int:
        """The id of the first message that was received since a moment; 0 when there is none."""
        # Ids follow the order of arrival: the newest are looked at backwards until one is older.
        low, found = iso(since), 0
        last = self._db.one("SELECT coalesce(max(id), 0) FROM messages")[0]
        high = last + 1
        while found < high - 1:
            middle = (found + high) // 2
            row = self._db.one("SELECT received_at FROM messages WHERE id >= ? ORDER BY id LIMIT 1", (middle,))
            if row is None or row[0] >= low:
                high = middle
            else:
                found = middle
        return int(high) if high <= last else 0

    def asked(self, expressions: Sequence[str], low: datetime, high: datetime) -> list[int]:
        """For each full-text expression, in how many cases opened in a span a message holds it.

        As many as a list shows: without restricted ones.
        """
        first = self.first_message(low)
        if not first:
            return [0 for _ in expressions]
        params = {"low": iso(low), "high": iso(high), "first": first}
        sql = (
            "SELECT count(DISTINCT c.id) FROM messages_fts f JOIN messages m ON m.id = f.rowid"
            " JOIN cases c ON c.id = m.case_id WHERE messages_fts MATCH :words AND f.rowid >= :first"
            f" AND c.opened_at >= :low AND c.opened_at < :high AND c.flags NOT LIKE '%\"{RESTRICTED}\"%'"
        )
        return [int(self._db.one(sql, {**params, "words": words})[0]) for words in expressions]

    def known(self, column: str, value: str) -> bool:
        """Whether a case has that area, topic, account or network, whatever the configuration says now."""
        if column not in ("area", "topic", "account", "network"):
            raise ValueError(f"{column} is not looked up.")
        return self._db.one(f"SELECT 1 FROM cases WHERE {column} = ? LIMIT 1", (value,)) is not None

    def handed_to(self, contact: str) -> bool:
        """Whether a handoff ever went to a contact."""
        return self._db.one("SELECT 1 FROM handoffs WHERE contact = ? LIMIT 1", (contact,)) is not None
