"""What calls have cost, by pot (a project, an account), day and kind of call."""

from __future__ import annotations

import sqlite3

from socialtriage.store.database import Database


class SpendingWriter:
    """Noting costs inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def add(self, pot: str, day: str, kind: str, units: float, calls: int = 1) -> None:
        """Add to a pot's day."""
        self._c.execute(
            "INSERT INTO spending (pot, day, kind, units, calls) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (pot, day, kind)"
            " DO UPDATE SET units = units + excluded.units, calls = calls + excluded.calls",
            (pot, day, kind, units, calls),
        )


class Spending:
    """Reading costs."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def since(self, pot: str, day: str) -> dict[str, float]:
        """What a pot has spent from a day (`2026-11-22`) on, by kind of call."""
        rows = self._db.all(
            "SELECT kind, sum(units) FROM spending WHERE pot = ? AND day >= ? GROUP BY kind ORDER BY kind", (pot, day)
        )
        return dict(rows)

    def pot_of(self, beginning: str) -> str | None:
        """The pot that calls of a kind that begins so were counted in last."""
        row = self._db.one(
            "SELECT pot FROM spending WHERE substr(kind, 1, ?) = ? ORDER BY day DESC LIMIT 1",
            (len(beginning), beginning),
        )
        return str(row[0]) if row else None
