"""Messages on their way from one case to another and back; what holds for the whole desk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from socialtriage.domain.joining import Spoken
from socialtriage.domain.models import Voice
from socialtriage.domain.times import from_iso, iso
from socialtriage.store.database import Database
from socialtriage.store.intake import BACKGROUND

TABLES = ("messages", "handoffs", "outbox", "contact_mails", "moderation")
"""What follows a case's messages when two cases become one."""


class Switch(NamedTuple):
    """Something that holds for the whole desk: since when, by whom, and why."""

    at: datetime
    officer: str
    why: str


class GroupingWriter:
    """Moving between cases inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def move_all(self, source: int, target: int, at: datetime, officer: str) -> int:
        """Everything of a case goes to another one. The id of the move."""
        moved = {table: self._ids(f"SELECT rowid FROM {table} WHERE case_id = ?", source) for table in TABLES}
        self._c.execute(
            "INSERT OR IGNORE INTO case_flags (case_id, flag, phrase, at, due_on)"
            " SELECT ?, flag, phrase, at, due_on FROM case_flags WHERE case_id = ?",
            (target, source),
        )
        self._bring_drafts(source, target)
        return self._note("merge", source, target, moved, at, officer)

    def _bring_drafts(self, source: int, target: int) -> None:
        """What officers write goes where its case goes, below what they write there; from a private conversation as a
        private answer.
        """
        self._c.execute(
            "INSERT INTO drafts (case_id, officer, kind, text, updated_at, private, files)"
            " SELECT t.id, d.officer, d.kind, d.text, d.updated_at,"
            " d.private OR (s.visibility = 'private' AND t.visibility = 'public'), d.files"
            " FROM drafts d JOIN cases s ON s.id = d.case_id JOIN cases t ON t.id = ?2 WHERE d.case_id = ?1"
            " ON CONFLICT DO UPDATE SET text = drafts.text || char(10, 10) || excluded.text,"
            " private = max(drafts.private, excluded.private)",
            (source, target),
        )
        self._c.execute("DELETE FROM drafts WHERE case_id = ?", (source,))

    def move_messages(self, source: int, target: int, ids: Sequence[int], at: datetime, officer: str) -> int:
        """Some messages of a case go to another one. The id of the move."""
        return self._note("split", source, target, {"messages": list(ids)}, at, officer)

    def _ids(self, sql: str, case_id: int) -> list[int]:
        return [row[0] for row in self._c.execute(sql, (case_id,))]

    def _note(
        self, kind: str, source: int, target: int, moved: Mapping[str, list[int]], at: datetime, officer: str
    ) -> int:
        self._bring(moved, target)
        cursor = self._c.execute(
            "INSERT INTO case_moves (kind, source, target, moved, at, officer) VALUES (?, ?, ?, ?, ?, ?)",
            (kind, source, target, json.dumps(moved), iso(at), officer),
        )
        return int(cursor.lastrowid or 0)

    def _bring(self, moved: Mapping[str, Sequence[int]], case_id: int) -> None:
        for table, ids in moved.items():
            self._c.executemany(f"UPDATE {table} SET case_id = ? WHERE rowid = ?", ((case_id, i) for i in ids))

    def replay(self, move_id: int, *, forward: bool) -> None:
        """Do a move again, or take it back."""
        source, target, moved = self._c.execute(
            "SELECT source, target, moved FROM case_moves WHERE id = ?", (move_id,)
        ).fetchone()
        self._bring(json.loads(moved), target if forward else source)
        self._c.execute("UPDATE case_moves SET state = ? WHERE id = ?", ("done" if forward else "undone", move_id))

    def spoken(self, case_id: int) -> list[Spoken]:
        """The messages of a case as clocks see them, oldest first."""
        rows = self._c.execute(
            "SELECT m.id, m.voice, m.at, (SELECT count(*) FROM media d WHERE d.message_id = m.id),"
            f" m.voice = 'resident' AND m.state != '{BACKGROUND}' AND coalesce(m.automatic, '') NOT IN"
            " ('auto_reply', 'bounce') FROM messages m WHERE m.case_id = ? ORDER BY m.at, m.id",
            (case_id,),
        )
        return [Spoken(r[0], Voice(r[1]), from_iso(r[2]), r[3], bool(r[4])) for r in rows]

    def place(self, message_id: int) -> tuple[int | None, str, str | None, str, str]:
        """Person, thread, conversation, visibility and text of a message."""
        row = self._c.execute(
            "SELECT person_id, thread, conversation, visibility, text FROM messages WHERE id = ?", (message_id,)
        ).fetchone()
        return (row[0], row[1], row[2], row[3], row[4])

    def humans(self, person_ids: Sequence[int]) -> set[int]:
        """Who these identities are, by officers' word: as many as there are different people."""
        rows = self._c.execute(
            "SELECT DISTINCT coalesce(linked_to, id) FROM persons WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(person_ids)),),
        )
        return {row[0] for row in rows}

    def unlink(self, a: int, b: int) -> bool:
        """Two cases belong together no longer; False when they did not."""
        return self._c.execute("DELETE FROM case_links WHERE a = ? AND b = ?", (min(a, b), max(a, b))).rowcount == 1

    def any_merged(self) -> bool:
        """Whether cases were ever merged: hardly any message needs the question which one it belongs to now."""
        return self._c.execute("SELECT 1 FROM case_moves WHERE kind = 'merge' LIMIT 1").fetchone() is not None

    def merged_into(self, case_ids: Sequence[int]) -> dict[int, int]:
        """Those of the cases that were merged, with the case that everything of theirs is in now."""
        found: dict[int, int] = {}
        for case_id in case_ids:
            target = case_id
            while (row := self._c.execute(_MERGED, (target,)).fetchone()) is not None:
                target = row[0]
            if target != case_id:
                found[case_id] = target
        return found

    def switch_on(self, name: str, at: datetime, officer: str, why: str) -> bool:
        """From now on something holds for the whole desk; False when it did already."""
        cursor = self._c.execute(
            "INSERT OR IGNORE INTO switches (name, at, officer, why) VALUES (?, ?, ?, ?)", (name, iso(at), officer, why)
        )
        return cursor.rowcount == 1

    def switch_off(self, name: str) -> bool:
        """It holds no longer; False when it did not."""
        return self._c.execute("DELETE FROM switches WHERE name = ?", (name,)).rowcount == 1


_MERGED = (
    "SELECT target FROM case_moves WHERE source = ? AND kind = 'merge' AND state = 'done' ORDER BY id DESC LIMIT 1"
)


class Grouping:
    """Reading what was merged, and what holds for the whole desk."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def merged_into(self, case_id: int) -> int | None:
        """The case that everything of a merged one is in; None for one that was not merged."""
        row = self._db.one(_MERGED, (case_id,))
        return None if row is None else self.merged_into(row[0]) or int(row[0])

    def one_human(self, case_ids: Sequence[int]) -> bool:
        """Whether these cases are of one person, officers' word on identities counted."""
        row = self._db.one(
            "SELECT count(DISTINCT coalesce(p.linked_to, p.id)) FROM cases c JOIN persons p ON p.id = c.person_id"
            " WHERE c.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(case_ids)),),
        )
        return int(row[0]) <= 1

    def switch(self, name: str) -> Switch | None:
        """Since when something holds for the whole desk, or None."""
        row = self._db.one("SELECT at, officer, why FROM switches WHERE name = ?", (name,))
        return Switch(from_iso(row[0]), row[1], row[2]) if row else None
