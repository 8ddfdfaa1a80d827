"""Handoffs that are in another system: its number, how it is asked for it, and what it said last."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import datetime
from typing import NamedTuple

from socialtriage.domain.times import iso
from socialtriage.store.database import Database


class Bridged(NamedTuple):
    """A handoff in another system that has not answered for good."""

    handoff_id: int
    case_id: int
    contact: str
    via: str
    handle: str


class BridgingWriter:
    """What became of a handoff elsewhere, inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def delivered(self, handoff_id: int, via: str, reference: str, handle: str) -> None:
        """The other system took it."""
        self._c.execute(
            "UPDATE handoffs SET via = ?, external_reference = nullif(?, ''), external_handle = ? WHERE id = ?",
            (via, reference, handle, handoff_id),
        )

    def looked(self, handoff_id: int, at: datetime) -> None:
        """The other system was asked."""
        self._c.execute("UPDATE handoffs SET looked_at = ? WHERE id = ?", (iso(at), handoff_id))

    def said(self, handoff_id: int, words: str) -> bool:
        """Remember what the other system said; False when it said just that before."""
        mark = hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
        cursor = self._c.execute(
            "UPDATE handoffs SET external_said = ?1 WHERE id = ?2 AND coalesce(external_said, '') != ?1",
            (mark, handoff_id),
        )
        return cursor.rowcount == 1


class Bridging:
    """Reading what is elsewhere."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def waiting(self, since: datetime) -> list[Bridged]:
        """Handoffs of open cases that another system has and can be asked about, not asked since then."""
        rows = self._db.all(
            "SELECT h.id, h.case_id, h.contact, h.via, h.external_handle FROM handoffs h"
            " JOIN cases c ON c.id = h.case_id WHERE h.via IN ('open311', 'zammad') AND h.external_handle != ''"
            " AND c.lane < 5"
            " AND coalesce(h.looked_at, '') <= ? ORDER BY h.id",
            (iso(since),),
        )
        return [Bridged(*row) for row in rows]
