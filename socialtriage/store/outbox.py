"""Everything that is to leave the machine: queued → sending → sent | failed | unknown, at most once a row."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from socialtriage.domain.late import dataclass
from socialtriage.domain.models import OutboxKind, OutboxState, SafeText
from socialtriage.domain.times import from_iso, iso
from socialtriage.domain.views import HandoffView, OutboxView
from socialtriage.store.database import Database
from socialtriage.store.rows import MASK, slots, stamp, when


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One row, with what is needed to send it."""

    id: int
    kind: OutboxKind
    case_id: int | None
    handoff_id: int | None
    account: str | None
    recipient: str
    key: str
    state: OutboxState
    payload: Mapping[str, Any]
    body: str
    data: bytes | None
    officer: str
    queued_at: datetime
    not_before: datetime | None
    next_try_at: datetime | None
    tries: int
    error: str | None
    after_id: int | None = None
    """The row that must have been sent before this one leaves."""
    held: str | None = None
    """Whose word it waits for; nothing that is held ever leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A row that is to be queued."""

    kind: OutboxKind
    recipient: str
    key: str
    payload: Mapping[str, Any]
    case_id: int | None = None
    handoff_id: int | None = None
    account: str | None = None
    body: str = ""
    data: bytes | None = None
    not_before: datetime | None = None
    after_id: int | None = None
    held: str | None = None


@dataclass(frozen=True, slots=True)
class HandoffSummary:
    """The handoffs of a case in one line of the log: the first sending, the last contact and answer."""

    sent_at: datetime | None = None
    contact: str | None = None
    answered_at: datetime | None = None


_COLUMNS = (
    "id, kind, case_id, handoff_id, account, recipient, key, state, payload, body, data, officer, queued_at,"
    " not_before, next_try_at, tries, error, after_id, held"
)
AHEAD = timedelta(hours=2)
"""How far ahead of this one another desk's clock may be; a row from later than that was queued by a wrong clock."""
READY = (
    "outbox.held IS NULL AND (outbox.after_id IS NULL"
    " OR EXISTS (SELECT 1 FROM outbox p WHERE p.id = outbox.after_id AND p.state = 'sent'))"
)
"""Nobody's word is missing, and the part before it was sent."""


def _row(r: Sequence[Any]) -> OutboxRow:
    return OutboxRow(
        id=r[0],
        kind=OutboxKind(r[1]),
        case_id=r[2],
        handoff_id=r[3],
        account=r[4],
        recipient=r[5],
        key=r[6],
        state=OutboxState(r[7]),
        payload=json.loads(r[8]),
        body=r[9],
        data=r[10],
        officer=r[11],
        queued_at=from_iso(r[12]),
        not_before=when(r[13]),
        next_try_at=when(r[14]),
        tries=r[15],
        error=r[16],
        after_id=r[17],
        held=r[18],
    )


class OutboxWriter:
    """Changes of the outbox and of handoffs inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def add(self, row: NewRow, officer: str, now: datetime) -> int:
        """Queue a row; its key was chosen already. The new row's id."""
        cursor = self._c.execute(
            "INSERT INTO outbox (id, kind, case_id, handoff_id, account, recipient, key, state, payload, body, data,"
            " officer, queued_at, not_before, after_id, held)"
            " VALUES (1 + max(ifnull((SELECT max(id) FROM outbox), 0), (SELECT last FROM outbox_gone)),"
            " ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row.kind,
                row.case_id,
                row.handoff_id,
                row.account,
                row.recipient,
                row.key,
                json.dumps(dict(row.payload), ensure_ascii=False),
                row.body,
                row.data,
                officer,
                iso(now),
                stamp(row.not_before),
                row.after_id,
                row.held,
            ),
        )
        return int(cursor.lastrowid or 0)

    def claim(self, row_id: int, now: datetime, *, retried: int | None = None) -> bool:
        """queued → sending, once: False when another process was faster or it was taken back.

        With `retried`, the number of tries so far, also a row that failed or whose answer was lost.
        """
        states = "('queued')" if retried is None else "('queued', 'unknown', 'failed')"
        cursor = self._c.execute(
            f"UPDATE outbox SET state = 'sending', tries = tries + 1, error = NULL, next_try_at = ?1 WHERE id = ?2"
            f" AND state IN {states} AND tries = coalesce(?3, tries) AND {READY}",
            (iso(now), row_id, retried),
        )
        return cursor.rowcount == 1

    def settle(
        self,
        row_id: int,
        state: OutboxState,
        *,
        error: str | None = None,
        next_try_at: datetime | None = None,
        sent_at: datetime | None = None,
        remote_id: str | None = None,
        url: str | None = None,
        tries: int | None = None,
    ) -> bool:
        """How a try ended. With `tries`, False when the row is no longer on that try: somebody else decided on it,
        and only the news that it was sent is still taken.
        """
        still = "state = 'sending' OR state = 'unknown' AND ? = 'sent'"
        cursor = self._c.execute(
            "UPDATE outbox SET state = ?, error = ?, next_try_at = ?, sent_at = coalesce(?, sent_at),"
            " remote_id = coalesce(?, remote_id), url = coalesce(?, url) WHERE id = ?"
            f" AND (? IS NULL OR tries = ? AND ({still}))",
            (state, error, stamp(next_try_at), stamp(sent_at), remote_id, url, row_id, tries, tries, state),
        )
        return cursor.rowcount == 1

    def hasten(self, account: str | None) -> None:
        """What waits for its next try may leave at once: replies and the like of an account; None: mail."""
        mail = "kind IN ('handoff', 'chase')"
        whose = f"account = :account AND NOT {mail}" if account is not None else mail
        self._c.execute(
            f"UPDATE outbox SET next_try_at = NULL WHERE state = 'queued' AND {whose}",
            {"account": account},
        )

    def drop(self, row_id: int) -> bool:
        """Remove a row that did not leave; False when it is (being) sent."""
        cursor = self._c.execute(
            "DELETE FROM outbox WHERE id = ? AND state IN ('queued', 'failed', 'unknown', 'bounced')", (row_id,)
        )
        return cursor.rowcount == 1

    def abandoned(self) -> list[int]:
        """Rows left in `sending` by a process that died, now `unknown`. Call it with the sender's lease only."""
        rows = self._c.execute(
            "UPDATE outbox SET state = 'unknown', next_try_at = NULL, error ="
            " 'The program ended while this was on its way; whether it arrived is not known.'"
            " WHERE state = 'sending' RETURNING id"
        ).fetchall()
        return [r[0] for r in rows]

    def doubted(self, why: str) -> list[int]:
        """Everything that waited to leave is now `unknown`: it may have left by another copy of this store."""
        rows = self._c.execute(
            "UPDATE outbox SET state = 'unknown', next_try_at = NULL, error = ?"
            " WHERE state IN ('queued', 'sending') RETURNING id",
            (why,),
        ).fetchall()
        return [r[0] for r in rows]

    def add_handoff(
        self,
        case_id: int,
        contact: str,
        email: str,
        message_id: str,
        note: str,
        now: datetime,
        expected_at: datetime | None,
    ) -> int:
        """A handoff that is queued."""
        cursor = self._c.execute(
            "INSERT INTO handoffs (case_id, contact, email, message_id, note, state, queued_at, expected_at)"
            " VALUES (?, ?, ?, ?, ?, 'queued', ?, ?)",
            (case_id, contact, email, message_id, note, iso(now), stamp(expected_at)),
        )
        return int(cursor.lastrowid or 0)

    def update_handoff(
        self, handoff_id: int, state: OutboxState, *, sent_at: datetime | None = None, error: str | None = None
    ) -> None:
        """A handoff follows its row; one that was answered meanwhile stays so."""
        self._c.execute(
            "UPDATE handoffs SET state = iif(answered_at IS NULL, ?, state), sent_at = coalesce(?, sent_at), error = ?"
            " WHERE id = ?",
            (state, stamp(sent_at), error, handoff_id),
        )

    def handed_off(self, case_id: int) -> bool:
        """Whether a contact has the case, or is about to get it."""
        sql = (
            "SELECT 1 FROM handoffs WHERE case_id = ? AND answered_at IS NULL"
            " AND state IN ('queued', 'sending', 'sent', 'unknown') LIMIT 1"
        )
        return self._c.execute(sql, (case_id,)).fetchone() is not None

    def drop_handoff(self, handoff_id: int) -> None:
        """A handoff whose mail was taken back before it left. A reminder that is taken back leaves it as it is."""
        mail = "SELECT 1 FROM outbox WHERE handoff_id = ? AND kind = 'handoff' LIMIT 1"
        if self._c.execute(mail, (handoff_id,)).fetchone() is not None:
            return
        self._c.execute("UPDATE outbox SET handoff_id = NULL WHERE handoff_id = ?", (handoff_id,))
        self._c.execute(
            "DELETE FROM handoffs WHERE id = ? AND state NOT IN ('sent', 'answered', 'bounced')", (handoff_id,)
        )


class Outbox:
    """Reading the outbox and handoffs."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, row_id: int) -> OutboxRow | None:
        """One row."""
        row = self._db.one(f"SELECT {_COLUMNS} FROM outbox WHERE id = ?", (row_id,))
        return _row(row) if row else None

    def due(self, now: datetime, *, ignore_windows: bool = False) -> list[int]:
        """Ids of queued rows whose undo window and back-off are over, oldest first.

        What a clock far ahead of `now` said counts for nothing: it would hold a row for as long as it was wrong.
        """
        wrong = "queued_at > :ahead"
        window = "" if ignore_windows else f" AND (not_before IS NULL OR not_before <= :now OR {wrong})"
        again = f"(next_try_at IS NULL OR next_try_at <= :now OR {wrong} AND next_try_at >= queued_at)"
        rows = self._db.all(
            f"SELECT id FROM outbox WHERE state = 'queued' AND {READY} AND {again}{window} ORDER BY id",
            {"now": iso(now), "ahead": iso(now + AHEAD)},
        )
        return [r[0] for r in rows]

    def unknown(self) -> list[int]:
        """Rows of which nobody knows whether they arrived, the oldest first."""
        return [row[0] for row in self._db.all("SELECT id FROM outbox WHERE state = 'unknown' ORDER BY id")]

    def waiting(self, case_id: int) -> list[OutboxRow]:
        """Rows of a case that have not left."""
        rows = self._db.all(
            f"SELECT {_COLUMNS} FROM outbox WHERE case_id = ? AND state IN ('queued', 'sending', 'unknown', 'failed')"
            " ORDER BY id",
            (case_id,),
        )
        return [_row(r) for r in rows]

    def counts(self) -> Mapping[str, int]:
        """How many rows wait, failed, or are unknown."""
        return dict(
            self._db.all(
                "SELECT state, count(*) FROM outbox"
                " WHERE state IN ('queued', 'sending', 'unknown', 'failed') GROUP BY state"
            )
        )

    def views(self, limit: int = 500) -> list[OutboxView]:
        """What waits to leave first, then what left, newest first."""
        rows = self._db.all(
            "SELECT o.id, o.kind, c.ref, o.case_id, o.account, o.recipient, o.state, o.queued_at, o.not_before,"
            " o.next_try_at, o.tries, o.error, o.officer, o.body, o.after_id, o.held,"
            " coalesce(c.flags LIKE '%\"restricted\"%', 0) FROM outbox o"
            " LEFT JOIN cases c ON c.id = o.case_id ORDER BY o.state = 'sent', o.id DESC LIMIT ?",
            (limit,),
        )
        return [
            OutboxView(
                id=r[0],
                kind=OutboxKind(r[1]),
                ref=r[2],
                case_id=r[3],
                account=r[4],
                to=MASK if r[16] and r[1] != OutboxKind.HANDOFF else r[5],
                state=OutboxState(r[6]),
                queued_at=from_iso(r[7]),
                not_before=when(r[8]),
                next_try_at=when(r[9]),
                tries=r[10],
                # What a server said may repeat whom or what it refused.
                error=MASK if r[16] and r[11] and r[1] != OutboxKind.HANDOFF else r[11],
                officer=r[12],
                text=MASK if r[16] else SafeText(r[13]),
                after_id=r[14],
                held=r[15],
            )
            for r in rows
        ]

    def handoffs(self, case_id: int) -> list[HandoffView]:
        """Every handoff of a case, oldest first."""
        rows = self._db.all(
            "SELECT id, contact, email, message_id, state, sent_at, expected_at, chased, answered_at, error"
            " FROM handoffs WHERE case_id = ? ORDER BY id",
            (case_id,),
        )
        return [
            HandoffView(
                id=r[0],
                contact=r[1],
                to=r[2],
                message_id=r[3],
                state=OutboxState(r[4]),
                sent_at=when(r[5]),
                expected_at=when(r[6]),
                chased=r[7],
                answered_at=when(r[8]),
                error=r[9],
            )
            for r in rows
        ]

    def summaries(self, case_ids: Sequence[int]) -> dict[int, HandoffSummary]:
        """What the log says of the handoffs of these cases."""
        rows = self._db.all(
            "SELECT h.case_id, min(h.sent_at), (SELECT l.contact FROM handoffs l WHERE l.case_id = h.case_id"
            f" ORDER BY l.id DESC LIMIT 1), max(h.answered_at) FROM handoffs h WHERE h.case_id IN ({slots(case_ids)})"
            " GROUP BY h.case_id",
            tuple(case_ids),
        )
        return {r[0]: HandoffSummary(when(r[1]), r[2], when(r[3])) for r in rows}

    def handed_to(self, contact: str) -> set[int]:
        """Cases that were ever handed to a contact."""
        rows = self._db.all("SELECT case_id FROM handoffs WHERE contact = ? AND sent_at IS NOT NULL", (contact,))
        return {r[0] for r in rows}

    def handoff_load(self) -> dict[str, int]:
        """Handoffs without an answer, by contact."""
        rows = self._db.all(
            "SELECT contact, count(*) FROM handoffs WHERE answered_at IS NULL"
            " AND state IN ('queued', 'sending', 'sent', 'unknown') GROUP BY contact"
        )
        return dict(rows)

    def answer_times(self) -> dict[str, list[tuple[datetime, datetime]]]:
        """When handoffs of each contact were sent and answered."""
        found: dict[str, list[tuple[datetime, datetime]]] = {}
        for contact, sent, answered in self._db.all(
            "SELECT contact, sent_at, answered_at FROM handoffs WHERE sent_at IS NOT NULL AND answered_at IS NOT NULL"
        ):
            found.setdefault(contact, []).append((from_iso(sent), from_iso(answered)))
        return found
