"""Replies in the store: parts of a thread, rows that wait for approval, saved answers in use, who else is writing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from socialtriage.domain.models import OutgoingFile
from socialtriage.domain.times import from_iso, iso
from socialtriage.store.database import Database

APPROVAL = "approval"
"""What a row is held for: the word of a second officer."""
MOST_SIMILAR = 2_000


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """What an officer was writing, and for whose eyes."""

    text: str = ""
    private: bool = False
    files: tuple[tuple[str, str], ...] = ()
    """Pictures that were to go with it: where each is, and what is on it."""
    places: tuple[int, ...] = ()
    """The messages that it was to answer, in a case of several places; empty for the newest."""


@dataclass(frozen=True, slots=True)
class Use:
    """How often a saved answer left, and when it last did."""

    count: int
    last_at: datetime


class ReplyWriter:
    """Changes inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def release(self, row_id: int, not_before: datetime) -> bool:
        """A second officer's word: the row may leave from `not_before` on. False when it does not wait for one."""
        cursor = self._c.execute(
            "UPDATE outbox SET held = NULL, not_before = ? WHERE id = ? AND held = ? AND state = 'queued'",
            (iso(not_before), row_id, APPROVAL),
        )
        return cursor.rowcount == 1

    def sent_data(self, row_id: int, data: Mapping[str, str]) -> None:
        """What is needed to answer a post of ours that was just made: the next part of its thread does."""
        self._c.execute("UPDATE outbox SET sent_data = ? WHERE id = ?", (json.dumps(dict(data)), row_id))

    def not_there(self, row_id: int, why: str) -> bool:
        """The source was asked and does not have it: unknown → failed. False when somebody else decided meanwhile."""
        cursor = self._c.execute(
            "UPDATE outbox SET state = 'failed', error = ? WHERE id = ? AND state = 'unknown'", (why, row_id)
        )
        return cursor.rowcount == 1

    def add_files(self, row_id: int, files: Sequence[OutgoingFile]) -> None:
        """Pictures that go with a row."""
        self._c.executemany(
            "INSERT INTO outbox_files (outbox_id, number, name, mime, alt, data) VALUES (?, ?, ?, ?, ?, ?)",
            ((row_id, number, f.name, f.mime, f.alt, f.data) for number, f in enumerate(files, 1)),
        )

    def files_left(self, row_id: int) -> None:
        """The pictures of a row are at their network: their bytes are not kept here."""
        self._c.execute("UPDATE outbox_files SET data = NULL WHERE outbox_id = ?", (row_id,))

    def used(self, row_id: int, answer: str, case_id: int | None, officer: str, at: datetime) -> None:
        """A saved answer left; a row counts once."""
        self._c.execute(
            "INSERT OR IGNORE INTO answers_used (outbox_id, answer, case_id, officer, at) VALUES (?, ?, ?, ?, ?)",
            (row_id, answer, case_id, officer, iso(at)),
        )

    def mail_sent(self, case_id: int) -> int | None:
        """The row of the last mail to the resident of a case, where it has left."""
        row = self._c.execute(
            "SELECT id FROM outbox WHERE case_id = ? AND kind = 'reply' AND state IN ('sent', 'unknown', 'sending')"
            " AND iif(json_valid(payload), json_extract(payload, '$.message_id'), NULL) IS NOT NULL"
            " ORDER BY id DESC LIMIT 1",
            (case_id,),
        ).fetchone()
        return int(row[0]) if row else None


class Replies:
    """Reading."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def chain(self, row_id: int) -> list[int]:
        """A row and the parts that follow it, in the order in which they leave."""
        rows = self._db.all(
            "WITH RECURSIVE chain (id) AS (SELECT ?1 UNION SELECT o.id FROM outbox o JOIN chain c ON o.after_id = c.id)"
            " SELECT id FROM chain ORDER BY id",
            (row_id,),
        )
        return [r[0] for r in rows]

    def thread(self, row_id: int) -> list[int]:
        """Every part of the thread that a row belongs to, in the order in which they leave."""
        first = row_id
        while (row := self._db.one("SELECT after_id FROM outbox WHERE id = ?", (first,))) and row[0] is not None:
            first = row[0]
        return self.chain(first)

    def sent_as(self, row_id: int) -> tuple[str, dict[str, str]] | None:
        """What the network calls a row that was sent, and what is needed to answer it."""
        row = self._db.one(
            "SELECT remote_id, sent_data FROM outbox WHERE id = ? AND state = 'sent' AND remote_id IS NOT NULL",
            (row_id,),
        )
        return (row[0], json.loads(row[1] or "{}")) if row else None

    def draft(self, case_id: int, officer: str, kind: str) -> KeptDraft:
        """What an officer was writing; an empty text when nothing."""
        row = self._db.one(
            "SELECT text, private, files, places FROM drafts WHERE case_id = ? AND officer = ? AND kind = ?",
            (case_id, officer, kind),
        )
        if row is None:
            return KeptDraft()
        files = tuple((place, alt) for place, alt in json.loads(row[2]))
        return KeptDraft(row[0], bool(row[1]), files, tuple(json.loads(row[3])))

    def drafts(self, officer: str) -> int:
        """Cases that are not closed and for which an officer has written something that did not leave."""
        row = self._db.one(
            "SELECT count(DISTINCT d.case_id) FROM drafts d JOIN cases c ON c.id = d.case_id AND c.lane < 5"
            " WHERE d.officer = ?",
            (officer,),
        )
        return int(row[0]) if row else 0

    def files(self, row_id: int) -> tuple[OutgoingFile, ...]:
        """The pictures of a row that has not been sent."""
        rows = self._db.all(
            "SELECT name, mime, alt, data FROM outbox_files WHERE outbox_id = ? AND data IS NOT NULL ORDER BY number",
            (row_id,),
        )
        return tuple(OutgoingFile(r[0], r[1], r[2], r[3]) for r in rows)

    def at_work(self, case_id: int, officer: str, since: datetime) -> list[tuple[str, datetime]]:
        """Other officers who wrote something for this case since a moment, and when they last did."""
        rows = self._db.all(
            "SELECT officer, max(updated_at) FROM drafts WHERE case_id = ? AND officer != ? AND updated_at >= ?"
            " GROUP BY officer ORDER BY 2 DESC",
            (case_id, officer, iso(since)),
        )
        return [(r[0], from_iso(r[1])) for r in rows]

    def uses(self) -> dict[str, Use]:
        """How often each saved answer left."""
        rows = self._db.all("SELECT answer, count(*), max(at) FROM answers_used GROUP BY answer")
        return {r[0]: Use(r[1], from_iso(r[2])) for r in rows}

    def answered(self, case_id: int, most: int) -> list[tuple[str, str]]:
        """Saved answers that left for other cases, the newest first, each with what the resident had asked there."""
        rows = self._db.all(
            "WITH used AS (SELECT answer, case_id FROM answers_used WHERE case_id != ?1 ORDER BY at DESC LIMIT ?2)"
            " SELECT u.answer, group_concat(m.text, ' ') FROM used u JOIN messages m ON m.case_id = u.case_id"
            " WHERE m.voice = 'resident' GROUP BY u.answer, u.case_id",
            (case_id, most),
        )
        return [(r[0], r[1]) for r in rows]

    def similar(self, expression: str, case_id: int, area: str | None, topic: str | None) -> list[tuple[int, str]]:
        """Open cases that wait for an answer and hold a word of `expression`, newest first, with what was asked.

        `expression` is one of FTS5. With an area only cases of it: one without an area counts by what is suggested.
        Looks from the open cases at the hits, because a common word may be in a hundred times as many closed ones.
        """
        where = " AND coalesce(c.area, c.suggested_area) = :area" if area else ""
        where += " AND (c.topic = :topic OR c.topic IS NULL)" if topic else ""
        rows = self._db.all(
            "SELECT c.id, group_concat(m.text, ' ') FROM cases c CROSS JOIN messages m ON m.case_id = c.id"
            f" WHERE c.lane < 3 AND c.waiting_since IS NOT NULL AND c.id != :case{where} AND m.voice = 'resident'"
            " AND m.id IN (SELECT rowid FROM messages_fts WHERE messages_fts MATCH :expression)"
            " GROUP BY c.id ORDER BY max(m.id) DESC LIMIT :most",
            {"expression": expression, "case": case_id, "area": area, "topic": topic, "most": MOST_SIMILAR},
        )
        return [(r[0], r[1]) for r in rows]

    def last_sent(self, case_id: int) -> tuple[int, str, str] | None:
        """The newest reply of ours that left for a case: its row, its words and its network's account."""
        row = self._db.one(
            "SELECT id, body, account FROM outbox WHERE case_id = ? AND kind = 'reply' AND state = 'sent'"
            " AND after_id IS NULL ORDER BY sent_at DESC, id DESC LIMIT 1",
            (case_id,),
        )
        return (row[0], row[1], row[2] or "") if row else None
