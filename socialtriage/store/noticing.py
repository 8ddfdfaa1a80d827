"""What intake remembers to notice more than one message at once: texts that were said before, incidents that run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from socialtriage.domain.sametext import SAME
from socialtriage.domain.times import iso
from socialtriage.store.bulk import insert
from socialtriage.store.rows import RESTRICTED

KEPT = 50_000
"""Texts that are remembered: some weeks of a busy council, and few enough to be walked through."""


_NAMES_ONE = (
    "EXISTS (SELECT 1 FROM cases o WHERE o.id IN (SELECT value FROM json_each(:ids))"
    f" AND j.value LIKE '{SAME}' || o.ref || ',%')"
)
_UNSAID = (
    "UPDATE cases SET version = version + 1, suggested_because = (SELECT json_group_array(j.value)"
    f" FROM json_each(cases.suggested_because) j WHERE NOT {_NAMES_ONE}) WHERE lane < 5"
    f" AND suggested_because LIKE '%{SAME}%'"
    f" AND EXISTS (SELECT 1 FROM json_each(cases.suggested_because) j WHERE {_NAMES_ONE})"
)


class SaidBefore(NamedTuple):
    """A case in which a text was said."""

    case_id: int
    ref: str
    network: str
    account: str


class Running(NamedTuple):
    """An incident that new cases may belong to."""

    id: int
    name: str
    area: str | None
    keywords: tuple[str, ...]
    text: str


class NoticingWriter:
    """Noticing inside the transaction of intake."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def said(self, digests: Sequence[int], since: datetime) -> list[tuple[int, SaidBefore]]:
        """Which of these texts were said since then, oldest first, with the cases that they are in.

        None of a restricted case: that a text is the same tells what it says.
        """
        rows = self._c.execute(
            "SELECT s.digest, c.id, c.ref, c.network, c.account FROM json_each(?) j"
            " CROSS JOIN said_texts s ON s.digest = j.value JOIN cases c ON c.id = s.case_id"
            f" WHERE s.at >= ? AND c.flags NOT LIKE '%\"{RESTRICTED}\"%' ORDER BY s.id",
            (json.dumps(digests), int(since.timestamp())),
        )
        return [(r[0], SaidBefore(*r[1:])) for r in rows]

    def say(self, rows: Sequence[tuple[int, int, int]]) -> None:
        """Remember texts: digest, case, seconds. The oldest are forgotten for them."""
        insert(self._c, "INSERT INTO said_texts (digest, case_id, at)", rows)
        self._c.execute("DELETE FROM said_texts WHERE id <= (SELECT max(id) FROM said_texts) - ?", (KEPT,))

    def unsay(self, case_ids: Sequence[int]) -> None:
        """No open case says any longer that it has the same text as one of these."""
        self._c.execute(_UNSAID, {"ids": json.dumps(list(case_ids))})

    def running(self, now: datetime) -> list[Running]:
        """Incidents that have not ended."""
        rows = self._c.execute(
            "SELECT id, name, area, keywords, text FROM incidents WHERE ended_at IS NULL"
            " AND (until IS NULL OR until > ?)",
            (iso(now),),
        )
        return [Running(r[0], r[1], r[2], tuple(json.loads(r[3])), r[4]) for r in rows]

    def suggest(self, rows: Iterable[tuple[int, int]], officer: str, now: datetime) -> None:
        """Cases that may belong to incidents: (incident, case). What an officer decided stays."""
        self._c.executemany(
            "INSERT OR IGNORE INTO incident_cases (incident_id, case_id, state, officer, at)"
            " VALUES (?, ?, 'suggested', ?, ?)",
            ((incident, case, officer, iso(now)) for incident, case in rows),
        )
