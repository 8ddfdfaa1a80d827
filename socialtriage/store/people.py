"""Identities that officers say are one human."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from socialtriage.domain.models import Author
from socialtriage.domain.times import iso


class PeopleWriter:
    """Changes of people inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def met(self, network: str, author: Author, at: datetime) -> int:
        """The number of somebody on a network; they are put down when nobody knew them."""
        row = self._c.execute("SELECT id FROM persons WHERE network = ? AND key = ?", (network, author.key)).fetchone()
        row = (
            row
            or self._c.execute(
                "INSERT INTO persons (network, key, handle, name, url, first_at) VALUES (?, ?, ?, ?, ?, ?)"
                " RETURNING id",
                (network, author.key, author.handle, author.name, author.url, iso(at)),
            ).fetchone()
        )
        return int(row[0])

    def wrote(self, message_id: int) -> list[int]:
        """Whoever wrote a message; nobody where that is not known."""
        rows = self._c.execute("SELECT person_id FROM messages WHERE id = ? AND person_id IS NOT NULL", (message_id,))
        return [r[0] for r in rows]

    def link(self, person: int, head: int) -> None:
        """A person, and whoever was linked to them, belongs to `head` from now on."""
        self._c.execute("UPDATE persons SET linked_to = ?1 WHERE id = ?2 OR linked_to = ?2", (head, person))

    def unlink(self, person: int) -> None:
        """Part one identity from the others; when it was the head, the oldest of the others takes its place."""
        others = [
            r[0]
            for r in self._c.execute("SELECT id FROM persons WHERE linked_to = ? ORDER BY id", (person,)).fetchall()
        ]
        if others:
            self._c.execute(
                "UPDATE persons SET linked_to = CASE WHEN id = ?1 THEN NULL ELSE ?1 END WHERE linked_to = ?2",
                (others[0], person),
            )
        self._c.execute("UPDATE persons SET linked_to = NULL WHERE id = ?", (person,))

    def close_open(self, case_ids: Sequence[int], at: datetime) -> None:
        """Nobody is left to answer: cases that were open are closed without an outcome of their own."""
        self._c.execute(
            "UPDATE cases SET status = 'closed', lane = 5, outcome = 'no_reply_needed', closed_at = ?, due_at = NULL,"
            " due_clock = NULL, due_from = NULL, due_sort = '9999' || last_message_at, waiting_since = NULL,"
            " snoozed_until = NULL, version = version + 1"
            " WHERE lane < 5 AND id IN (SELECT value FROM json_each(?))",
            (iso(at), json.dumps(list(case_ids))),
        )
