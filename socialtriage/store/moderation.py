"""What was hidden, deleted, blocked, muted and reported: reason, officer, snapshot, review; and whom it is about."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from socialtriage.domain.models import Author, OutboxKind, SafeText, StoredRef, Visibility
from socialtriage.domain.times import from_iso, iso
from socialtriage.store.database import Database
from socialtriage.store.intake import BACKGROUND
from socialtriage.store.rows import stamp, when

HIDDEN = "hidden"
"""State of a message that we hid at its network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resident's message and its author, as an action against either needs them."""

    message_id: int
    case_id: int
    person_id: int
    account: str
    message: StoredRef
    author: Author
    url: str | None
    state: str
    gone: bool = False
    """Its source no longer has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that was done, or is to be, against a message or a person."""

    id: int
    case_id: int | None
    ref: str
    message_id: int | None
    person_id: int | None
    account: str
    network: str
    kind: OutboxKind
    reason: SafeText
    officer: str
    at: datetime
    review_at: datetime | None
    state: str
    """That of its row in the outbox; `by_hand` when an officer did it at the network, `dropped` when it never was."""
    done_at: datetime | None
    lifted_at: datetime | None
    reviewed_at: datetime | None
    reviewed_by: str | None
    snapshot: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAction:
    """An action that is to be put on record."""

    target: Target
    ref: str
    network: str
    kind: OutboxKind
    reason: str
    review_at: datetime | None
    state: str
    snapshot: str
    """JSON: what was there when it was decided."""
    outbox_id: int | None = None


_COLUMNS = (
    "id, case_id, ref, message_id, person_id, account, network, kind, reason, officer, at, review_at, state, done_at,"
    " lifted_at, reviewed_at, reviewed_by, snapshot"
)
_OPEN = "review_at IS NOT NULL AND reviewed_at IS NULL AND lifted_at IS NULL AND state != 'dropped'"


class Moderation:
    """Reading what was done."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def target(self, case_id: int, message_id: int | None = None) -> Target | None:
        """A resident's message of a case: the one named, otherwise the newest that is still at its source."""
        which = "" if message_id is None else " AND m.id = :message"
        r = self._db.one(
            "SELECT m.id, m.case_id, p.id, m.account, m.remote_id, m.thread, m.conversation, m.visibility,"
            " m.reply_data, p.key, p.handle, p.name, p.url, m.url, m.state, m.gone_at FROM messages m"
            f" JOIN persons p ON p.id = m.person_id WHERE m.case_id = :case AND m.voice = 'resident'{which}"
            " ORDER BY m.gone_at IS NOT NULL, m.at DESC, m.id DESC LIMIT 1",
            {"case": case_id, "message": message_id},
        )
        if r is None:
            return None
        return Target(
            message_id=r[0],
            case_id=r[1],
            person_id=r[2],
            account=r[3],
            message=StoredRef(r[4], r[5], r[6], Visibility(r[7]), json.loads(r[8])),
            author=Author(r[9], SafeText(r[10]), SafeText(r[11]), r[12], json.loads(r[8])),
            url=r[13],
            state=r[14],
            gone=r[15] is not None,
        )

    def case_of(self, message_id: int | None) -> int | None:
        """The case that a message is in now: cases are merged and split."""
        row = self._db.one("SELECT case_id FROM messages WHERE id = ?", (message_id,))
        return row[0] if row else None

    def get(self, action_id: int) -> Action | None:
        """One action."""
        row = self._db.one(f"SELECT {_COLUMNS} FROM moderation WHERE id = ?", (action_id,))
        return _action(row) if row else None

    def listing(self, *, due: datetime | None = None, limit: int = 500) -> list[Action]:
        """What was done, newest first; with `due`, what must be reviewed by then, the longest overdue first."""
        if due is not None:
            sql = f"SELECT {_COLUMNS} FROM moderation WHERE {_OPEN} AND review_at <= ? ORDER BY review_at, id LIMIT ?"
            return [_action(r) for r in self._db.all(sql, (iso(due), limit))]
        sql = f"SELECT {_COLUMNS} FROM moderation WHERE state != 'dropped' ORDER BY id DESC LIMIT ?"
        return [_action(r) for r in self._db.all(sql, (limit,))]

    def due(self, now: datetime) -> int:
        """How many decisions must be looked at again by now."""
        return int(self._db.one(f"SELECT count(*) FROM moderation WHERE {_OPEN} AND review_at <= ?", (iso(now),))[0])

    def waiting(self, person_id: int, kind: OutboxKind) -> bool:
        """Whether the same is about to be done to the same person."""
        sql = "SELECT 1 FROM moderation WHERE person_id = ? AND kind = ? AND state IN ('queued', 'sending') LIMIT 1"
        return self._db.one(sql, (person_id, kind)) is not None

    def leaving(self, message_id: int, kind: OutboxKind) -> bool:
        """Whether the same is about to be done to the same message."""
        sql = "SELECT 1 FROM moderation WHERE message_id = ? AND kind = ? AND state IN ('queued', 'sending') LIMIT 1"
        return self._db.one(sql, (message_id, kind)) is not None


class ModerationWriter:
    """Changes inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def add(self, new: NewAction, officer: str, now: datetime) -> int:
        """Put an action on record; its id. Its state follows its row of the outbox by itself."""
        t = new.target
        cursor = self._c.execute(
            "INSERT INTO moderation (case_id, ref, message_id, person_id, account, network, kind, reason, officer, at,"
            " review_at, state, done_at, outbox_id, snapshot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                t.case_id,
                new.ref,
                t.message_id,
                t.person_id,
                t.account,
                new.network,
                new.kind,
                new.reason,
                officer,
                iso(now),
                stamp(new.review_at),
                new.state,
                None if new.outbox_id else iso(now),
                new.outbox_id,
                new.snapshot,
            ),
        )
        return int(cursor.lastrowid or 0)

    def lifted(self, kind: OutboxKind, *, message_id: int | None, person_id: int | None, account: str, at: str) -> None:
        """What `kind` took back is over: every hide of the message, or every block or mute of the person there."""
        who, value = ("message_id", message_id) if kind is OutboxKind.HIDE else ("person_id", person_id)
        self._c.execute(
            f"UPDATE moderation SET lifted_at = ? WHERE kind = ? AND {who} = ? AND account = ? AND lifted_at IS NULL"
            " AND state != 'dropped'",
            (at, kind, value, account),
        )

    def mark_message(self, message_id: int | None, state: str) -> None:
        """A message is hidden at its network, or shown again. One that is background only stays that."""
        self._c.execute("UPDATE messages SET state = ? WHERE id = ? AND state != ?", (state, message_id, BACKGROUND))

    def standing(self, message_ids: Sequence[int]) -> dict[int, tuple[str, str | None]]:
        """Of messages their place, and the queue in which they are held if they are."""
        rows = self._c.execute(
            "SELECT id, coalesce(place, ''), json_extract(reply_data, '$.held') FROM messages"
            " WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(message_ids)),),
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    def restand(self, message_id: int, place: SafeText | None, reply_data: Mapping[str, str]) -> None:
        """A message is held at its source now, or is no longer."""
        self._c.execute(
            "UPDATE messages SET place = ?, reply_data = ? WHERE id = ?",
            (place, json.dumps(dict(reply_data)), message_id),
        )

    def reviewed(self, action_id: int, officer: str, at: datetime, next_at: datetime | None) -> None:
        """An officer looked at it again; with `next_at` it comes up once more."""
        self._c.execute(
            "UPDATE moderation SET reviewed_by = ?, reviewed_at = ?, review_at = coalesce(?, review_at) WHERE id = ?",
            (officer, None if next_at else iso(at), stamp(next_at), action_id),
        )


def _action(r: Sequence[Any]) -> Action:
    return Action(
        id=r[0],
        case_id=r[1],
        ref=r[2],
        message_id=r[3],
        person_id=r[4],
        account=r[5],
        network=r[6],
        kind=OutboxKind(r[7]),
        reason=SafeText(r[8]),
        officer=r[9],
        at=from_iso(r[10]),
        review_at=when(r[11]),
        state=r[12],
        done_at=when(r[13]),
        lifted_at=when(r[14]),
        reviewed_at=when(r[15]),
        reviewed_by=r[16],
        snapshot=json.loads(r[17]),
    )
