"""Steps that an officer can take back, kept in the store so that another window, or tomorrow, can undo them too."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from socialtriage.domain.cases import Case
from socialtriage.domain.late import dataclass
from socialtriage.domain.models import Avoidable, Kind, Outcome, Status, Urgency
from socialtriage.domain.times import from_iso, iso
from socialtriage.store.database import Database
from socialtriage.store.rows import TIMES, URGENCIES, store_value

KEEP = 200
"""Steps of one seat that are kept; the oldest go first."""
_ENUMS = {"status": Status, "kind": Kind, "outcome": Outcome, "avoidable": Avoidable}


@dataclass(frozen=True, slots=True)
class Change:
    """What one action did to one case: field → (before, after)."""

    case_id: int
    fields: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One action that can be taken back or done again."""

    id: int
    said: str
    changes: tuple[Change, ...]
    outbox_ids: tuple[int, ...]
    moves: tuple[int, ...] = ()
    """What was moved between cases."""
    mails: tuple[int, ...] = ()
    """Contacts' mails that were decided on."""


def _load(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in TIMES:
        return from_iso(value)
    if name in ("urgency", "suggested_urgency"):
        return URGENCIES[value] if isinstance(value, int) else Urgency(value)
    if name in _ENUMS:
        return _ENUMS[name](value)
    if name in ("flags", "suggested_because"):
        return tuple(json.loads(value))
    if name == "facts":
        return tuple((k, v) for k, v in json.loads(value))
    if name in ("promise_kept", "within_charter"):
        return bool(value)
    return value


def apply(case: Case, change: Change, *, forward: bool) -> Case | None:
    """The case with a change done or taken back; None when its fields no longer hold what the change left."""
    for name, (before, after) in change.fields.items():
        if getattr(case, name) != (before if forward else after):
            return None
    return replace(case, **{name: after if forward else before for name, (before, after) in change.fields.items()})


class UndoWriter:
    """Keeping and marking steps inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def add(
        self,
        seat: str,
        at: datetime,
        said: str,
        changes: Sequence[Change],
        outbox_ids: Sequence[int] = (),
        moves: Sequence[int] = (),
        mails: Sequence[int] = (),
    ) -> None:
        """A new step; what had been undone can no longer be done again.

        `seat` is the officer and, on a line of its own, the login at the computer: two may have the same initials.
        """
        steps = [
            [c.case_id, {name: [store_value(b), store_value(a)] for name, (b, a) in c.fields.items()}] for c in changes
        ]
        self._c.execute("DELETE FROM undo_steps WHERE officer = ? AND state = 'undone'", (seat,))
        self._c.execute(
            "INSERT INTO undo_steps (officer, at, said, state, steps, outbox_ids, moves, mails)"
            " VALUES (?, ?, ?, 'done', ?, ?, ?, ?)",
            (
                seat,
                iso(at),
                said,
                json.dumps(steps, ensure_ascii=False),
                json.dumps(list(outbox_ids)),
                json.dumps(list(moves)),
                json.dumps(list(mails)),
            ),
        )
        self._c.execute(
            "DELETE FROM undo_steps WHERE officer = ?1 AND id <="
            " (SELECT id FROM undo_steps WHERE officer = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (seat, KEEP),
        )

    def mark(self, step_id: int, state: str, outbox_ids: Sequence[int] | None = None) -> None:
        """A step was `undone`, or `done` again."""
        self._c.execute("UPDATE undo_steps SET state = ? WHERE id = ?", (state, step_id))
        if outbox_ids is not None:
            self._c.execute(
                "UPDATE undo_steps SET outbox_ids = ? WHERE id = ?", (json.dumps(list(outbox_ids)), step_id)
            )

    def drop(self, step_id: int) -> None:
        """A step that can no longer be taken back."""
        self._c.execute("DELETE FROM undo_steps WHERE id = ?", (step_id,))


class Undo:
    """Reading steps."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def last(self, seat: str) -> Step | None:
        """The newest step that is done."""
        return self._step("state = 'done' ORDER BY id DESC", seat)

    def next(self, seat: str) -> Step | None:
        """The step that was undone last."""
        return self._step("state = 'undone' ORDER BY id", seat)

    def _step(self, which: str, seat: str) -> Step | None:
        # Steps of the first version have the officer alone.
        row = self._db.one(
            "SELECT id, said, steps, outbox_ids, moves, mails FROM undo_steps"
            f" WHERE officer IN (?, ?) AND {which} LIMIT 1",
            (seat, seat.partition("\n")[0]),
        )
        if row is None:
            return None
        changes = tuple(
            Change(case_id, {name: (_load(name, b), _load(name, a)) for name, (b, a) in fields.items()})
            for case_id, fields in json.loads(row[2])
        )
        return Step(row[0], row[1], changes, *(tuple(json.loads(row[column])) for column in (3, 4, 5)))
