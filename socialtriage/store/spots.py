"""What the spotter found in cases. What an officer dismissed is no longer among the flags of the case."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from socialtriage.domain.times import from_iso
from socialtriage.domain.views import SpotView
from socialtriage.store.database import Database


@dataclass(frozen=True, slots=True)
class SpotCounts:
    """How a rule has done."""

    flagged: int
    dismissed: int
    """Cases of which an officer said that it was none."""
    settled: int
    """Cases that were closed with the flag: it was right."""


class SpotWriter:
    """Keeping what was found, inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def known(self, case_id: int) -> set[str]:
        """Flags that a case was ever given: what was dismissed once is not said again."""
        return {r[0] for r in self._c.execute("SELECT flag FROM case_flags WHERE case_id = ?", (case_id,))}

    def add(self, rows: Iterable[tuple[int, str, str, str, str | None]]) -> None:
        """Case, flag, words of the rule, when, statutory date."""
        self._c.executemany("INSERT OR IGNORE INTO case_flags VALUES (?, ?, ?, ?, ?)", rows)


class Spots:
    """Reading what was found."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of_case(self, case_id: int) -> list[SpotView]:
        """Everything that was ever found in a case."""
        rows = self._db.all("SELECT flag, phrase, at, due_on FROM case_flags WHERE case_id = ? ORDER BY at", (case_id,))
        return [SpotView(r[0], r[1], from_iso(r[2]), date.fromisoformat(r[3]) if r[3] else None) for r in rows]

    def counts(self) -> dict[str, SpotCounts]:
        """How every rule has done."""
        rows = self._db.all(
            "SELECT flag, count(*), sum(NOT stands), sum(stands AND lane = 5) FROM"
            " (SELECT f.flag, c.lane, EXISTS (SELECT 1 FROM json_each(c.flags) j WHERE j.value = f.flag) AS stands"
            " FROM case_flags f JOIN cases c ON c.id = f.case_id) GROUP BY flag"
        )
        return {r[0]: SpotCounts(r[1], r[2], r[3]) for r in rows}
