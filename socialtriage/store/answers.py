"""Mail of the answers' mailbox: what each one is, what was decided about it; and what it does to handoffs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from socialtriage.domain.answers import MailKind, MailState, MailView
from socialtriage.domain.models import OutboxState, SafeText
from socialtriage.domain.times import from_iso, iso
from socialtriage.store.database import Database
from socialtriage.store.grouping import GroupingWriter
from socialtriage.store.handoffs import HANDOFF, OPEN, HandoffRow, to_handoff
from socialtriage.store.rows import slots, stamp, when


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMail:
    """What was made of a mail. `case_id` is where it went or, while it is undecided, where it may belong."""

    message_id: int
    kind: MailKind
    state: MailState
    why: str
    sender: str
    contact: str | None = None
    handoff_id: int | None = None
    case_id: int | None = None
    until: date | None = None


class AnswerWriter:
    """What reading contacts' mail looks up and changes, inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    # --- which handoff is meant -----------------------------------------------------------------------------

    def by_ids(self, message_ids: Sequence[str]) -> list[HandoffRow]:
        """Handoffs whose mail, or whose reminder, has one of these Message-IDs."""
        ids = json.dumps(list(message_ids))
        rows = self._c.execute(
            f"{HANDOFF} WHERE h.message_id IN (SELECT value FROM json_each(?1)) OR h.id IN (SELECT handoff_id FROM"
            " outbox WHERE kind = 'chase' AND key IN (SELECT value FROM json_each(?1))) ORDER BY h.id",
            (ids,),
        )
        return [to_handoff(r) for r in rows]

    def of_refs(self, refs: Sequence[str]) -> list[HandoffRow]:
        """Handoffs of the cases with these references that have left, or may have."""
        rows = self._c.execute(
            f"{HANDOFF} WHERE c.ref IN (SELECT value FROM json_each(?)) AND h.state NOT IN ('queued', 'failed')"
            " ORDER BY h.id",
            (json.dumps(list(refs)),),
        )
        return [to_handoff(r) for r in rows]

    def refs_now(self, refs: Sequence[str]) -> list[str]:
        """References, those of merged cases as the one that everything of theirs is in; each once."""
        ids = self.cases_of(refs)
        merged = GroupingWriter(self._c).merged_into(list(ids.values()))
        now = {
            ref: self._c.execute("SELECT ref FROM cases WHERE id = ?", (merged[case_id],)).fetchone()[0]
            for ref, case_id in ids.items()
            if case_id in merged
        }
        return list(dict.fromkeys(now.get(ref, ref) for ref in refs))

    def open_to(self, addresses: Iterable[str]) -> list[HandoffRow]:
        """Handoffs to these addresses that nobody has answered; at most two, as more say nothing."""
        rows = self._c.execute(
            f"{HANDOFF} WHERE lower(h.email) IN (SELECT value FROM json_each(?)) AND {OPEN} ORDER BY h.id DESC LIMIT 2",
            (json.dumps(sorted(addresses)),),
        )
        return [to_handoff(r) for r in rows]

    def open_of(self, contacts: Iterable[str]) -> list[HandoffRow]:
        """What these contacts have and have not answered; at most two, as more say nothing."""
        rows = self._c.execute(
            f"{HANDOFF} WHERE h.contact IN (SELECT value FROM json_each(?)) AND {OPEN} ORDER BY h.id DESC LIMIT 2",
            (json.dumps(list(contacts)),),
        )
        return [to_handoff(r) for r in rows]

    def handoff(self, handoff_id: int) -> HandoffRow | None:
        """One handoff."""
        row = self._c.execute(f"{HANDOFF} WHERE h.id = ?", (handoff_id,)).fetchone()
        return to_handoff(row) if row else None

    def last_of(self, case_id: int) -> HandoffRow | None:
        """The latest handoff of a case that has left: one without an answer before one that has it."""
        row = self._c.execute(
            f"{HANDOFF} WHERE h.case_id = ? AND h.state NOT IN ('queued', 'failed')"
            " ORDER BY h.answered_at IS NOT NULL, h.id DESC LIMIT 1",
            (case_id,),
        ).fetchone()
        return to_handoff(row) if row else None

    def cases_of(self, refs: Sequence[str]) -> dict[str, int]:
        """Cases by reference."""
        rows = self._c.execute(
            "SELECT ref, id FROM cases WHERE ref IN (SELECT value FROM json_each(?))", (json.dumps(list(refs)),)
        )
        return dict(rows.fetchall())

    def rows_sent(self, message_ids: Sequence[str]) -> list[tuple[int, str, int | None, str]]:
        """Mails of ours with these Message-IDs: row of the outbox, kind, case, recipient."""
        rows = self._c.execute(
            "SELECT id, kind, case_id, recipient FROM outbox WHERE +state IN ('sent', 'unknown', 'sending')"
            " AND iif(json_valid(payload), json_extract(payload, '$.message_id'), NULL)"
            " IN (SELECT value FROM json_each(?))",
            (json.dumps(list(message_ids)),),
        )
        return [(r[0], r[1], r[2], r[3]) for r in rows]

    def asked_away(self, contact: str, until: date | None) -> bool:
        """Whether an officer is asked already about an absence of a contact until then, or longer."""
        sql = (
            "SELECT 1 FROM contact_mails WHERE kind = 'absence' AND state = 'undecided' AND contact = ?1"
            " AND (?2 IS NULL OR until >= ?2) LIMIT 1"
        )
        return self._c.execute(sql, (contact, until.isoformat() if until else None)).fetchone() is not None

    # --- what it does -------------------------------------------------------------------------------------------

    def add(self, mail: NewMail, decided_by: str | None, at: datetime) -> None:
        """Put down what was made of a mail; `decided_by` is None while nobody has."""
        self._c.execute(
            "INSERT INTO contact_mails (message_id, kind, state, why, sender, contact, handoff_id, case_id, until,"
            " decided_by, decided_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                mail.message_id,
                mail.kind,
                mail.state,
                mail.why,
                mail.sender,
                mail.contact,
                mail.handoff_id,
                mail.case_id,
                mail.until.isoformat() if mail.until else None,
                decided_by,
                iso(at) if decided_by else None,
            ),
        )

    def decide(
        self,
        message_id: int,
        state: MailState,
        officer: str,
        at: datetime,
        *,
        was: MailView,
        case_id: int | None,
        handoff_id: int | None,
    ) -> bool:
        """An officer decided; with `case_id` also where it belongs. False when somebody else was faster."""
        place = (case_id, handoff_id) if case_id is not None else (was.case_id, was.handoff_id)
        cursor = self._c.execute(
            "UPDATE contact_mails SET state = ?, decided_by = ?, decided_at = ?, case_id = ?, handoff_id = ?"
            " WHERE message_id = ? AND state = ? AND decided_at IS ?",
            (state, officer, iso(at), *place, message_id, was.state, stamp(was.decided_at)),
        )
        return cursor.rowcount == 1

    def undecide(self, message_id: int) -> None:
        """An officer is asked again."""
        self._c.execute(
            "UPDATE contact_mails SET state = 'undecided', decided_by = NULL, decided_at = NULL WHERE message_id = ?",
            (message_id,),
        )

    def place(self, message_id: int, case_id: int) -> tuple[bool, int]:
        """Put a mail into its case. Whether it was in none before, and how many files it has."""
        cursor = self._c.execute(
            "UPDATE messages SET case_id = ? WHERE id = ? AND case_id IS NULL", (case_id, message_id)
        )
        files = self._c.execute("SELECT count(*) FROM media WHERE message_id = ?", (message_id,)).fetchone()[0]
        return cursor.rowcount == 1, int(files)

    def displace(self, message_id: int) -> int:
        """Take a mail out of its case; how many files it has."""
        self._c.execute("UPDATE messages SET case_id = NULL WHERE id = ?", (message_id,))
        return int(self._c.execute("SELECT count(*) FROM media WHERE message_id = ?", (message_id,)).fetchone()[0])

    def heard(self, case_id: int) -> bool:
        """Whether a contact wrote in a case."""
        sql = "SELECT 1 FROM messages WHERE case_id = ? AND voice = 'contact' LIMIT 1"
        return self._c.execute(sql, (case_id,)).fetchone() is not None

    def unanswered(self, handoff_id: int) -> None:
        """A handoff has no answer after all."""
        self._c.execute(
            "UPDATE handoffs SET state = 'sent', answered_at = NULL WHERE id = ? AND state = 'answered'", (handoff_id,)
        )

    def answered(self, handoff_id: int, at: datetime) -> bool:
        """The contact answered: the first answer counts. An answer proves that a mail arrived whose fate was unknown.

        Whether it is the first.
        """
        first = self._c.execute("SELECT answered_at FROM handoffs WHERE id = ?", (handoff_id,)).fetchone()
        self._c.execute(
            "UPDATE handoffs SET state = 'answered', answered_at = coalesce(answered_at, ?1), error = NULL,"
            " sent_at = coalesce(sent_at, queued_at) WHERE id = ?2",
            (iso(at), handoff_id),
        )
        self._c.execute(
            "UPDATE outbox SET state = 'sent', error = NULL, next_try_at = NULL, sent_at = coalesce(sent_at, queued_at)"
            " WHERE handoff_id = ? AND kind = 'handoff' AND state IN ('unknown', 'bounced')",
            (handoff_id,),
        )
        return first is not None and first[0] is None

    def bounced(self, handoff_id: int, why: str, message_id: str | None = None) -> None:
        """The mail of a handoff, or the reminder with this Message-ID, came back: the contact cannot be reached."""
        self._c.execute("UPDATE handoffs SET state = 'bounced', error = ? WHERE id = ?", (why, handoff_id))
        self._c.execute(
            "UPDATE outbox SET state = 'bounced', error = ?1, next_try_at = NULL WHERE handoff_id = ?2"
            " AND state IN ('sent', 'unknown') AND (key = ?3 OR kind = 'handoff' AND NOT EXISTS"
            " (SELECT 1 FROM outbox p WHERE p.handoff_id = ?2 AND p.key = ?3))",
            (why, handoff_id, message_id or ""),
        )

    def row_bounced(self, row_id: int, why: str) -> bool:
        """Another mail of ours came back; False when that was known."""
        cursor = self._c.execute(
            "UPDATE outbox SET state = 'bounced', error = ?, next_try_at = NULL"
            " WHERE id = ? AND state IN ('sent', 'unknown')",
            (why, row_id),
        )
        return cursor.rowcount == 1

    def wait_for_deputy(self, handoff: HandoffRow, contacts: Sequence[str]) -> None:
        """What these contacts were handed before waits as long as their deputy has time."""
        self._c.execute(
            "UPDATE handoffs SET expected_at = max(coalesce(expected_at, ''), ?) WHERE case_id = ? AND id < ?"
            " AND answered_at IS NULL AND contact IN (SELECT value FROM json_each(?))",
            (stamp(handoff.expected_at), handoff.case_id, handoff.id, json.dumps(list(contacts))),
        )

    def chased(self, handoff_id: int, at: datetime, expected_at: datetime | None) -> None:
        """A reminder has left; an answer is expected by another moment now."""
        self._c.execute(
            "UPDATE handoffs SET chased = chased + 1, chased_at = ?, expected_at = coalesce(?, expected_at)"
            " WHERE id = ?",
            (iso(at), stamp(expected_at), handoff_id),
        )


_MAIL = (
    "SELECT a.message_id, a.kind, a.state, a.why, a.sender, m.who, m.subject, m.text, m.at, m.received_at, a.contact,"
    " c.ref, c.id, c.version, a.handoff_id, a.until, a.decided_by, a.decided_at,"
    " (SELECT count(*) FROM media x WHERE x.message_id = m.id), m.case_id IS NOT NULL"
    " FROM contact_mails a JOIN messages m ON m.id = a.message_id LEFT JOIN cases c"
    " ON c.id = coalesce(m.case_id, a.case_id)"
)


def _mail(r: Sequence[Any]) -> MailView:
    return MailView(
        id=r[0],
        kind=MailKind(r[1]),
        state=MailState(r[2]),
        why=r[3],
        sender=SafeText(r[4]),
        who=SafeText(r[5]),
        subject=SafeText(r[6] or ""),
        text=SafeText(r[7]),
        at=from_iso(r[8]),
        received_at=from_iso(r[9]),
        contact=r[10],
        ref=r[11],
        case_id=r[12],
        version=r[13],
        handoff_id=r[14],
        until=date.fromisoformat(r[15]) if r[15] else None,
        decided_by=r[16],
        decided_at=when(r[17]),
        files=r[18],
        placed=bool(r[19]),
    )


class Answers:
    """Reading contacts' mail and handoffs."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def mails(self, *, everything: bool = False, limit: int = 500) -> list[MailView]:
        """Mails that wait for a decision, oldest first; `everything`: all of them, newest first."""
        order = "ORDER BY a.message_id DESC" if everything else "WHERE a.state = 'undecided' ORDER BY a.message_id"
        return [_mail(r) for r in self._db.all(f"{_MAIL} {order} LIMIT ?", (limit,))]

    def mail(self, message_id: int) -> MailView | None:
        """One mail."""
        row = self._db.one(f"{_MAIL} WHERE a.message_id = ?", (message_id,))
        return _mail(row) if row else None

    def undecided(self) -> int:
        """How many mails wait for a decision."""
        return int(self._db.one("SELECT count(*) FROM contact_mails WHERE state = 'undecided'")[0])

    def latest(self, case_id: int) -> list[tuple[str, datetime]]:
        """What contacts wrote in a case since the resident was last answered, oldest first."""
        rows = self._db.all(
            "SELECT text, at FROM messages WHERE case_id = ?1 AND voice = 'contact' AND received_at > coalesce("
            "(SELECT max(received_at) FROM messages WHERE case_id = ?1 AND voice = 'officer'), '')"
            " ORDER BY at, id",
            (case_id,),
        )
        return [(r[0], from_iso(r[1])) for r in rows]

    def said(self, case_id: int) -> list[tuple[str, datetime]]:
        """Everything that contacts wrote in a case, oldest first."""
        rows = self._db.all(
            "SELECT text, at FROM messages WHERE case_id = ? AND voice = 'contact' ORDER BY at, id", (case_id,)
        )
        return [(r[0], from_iso(r[1])) for r in rows]

    def handoffs_of(self, case_id: int) -> list[HandoffRow]:
        """The handoffs of a case, oldest first."""
        return [to_handoff(r) for r in self._db.all(f"{HANDOFF} WHERE h.case_id = ? ORDER BY h.id", (case_id,))]

    def open_handoffs(self) -> list[HandoffRow]:
        """Handoffs without an answer, those expected first before the others."""
        rows = self._db.all(f"{HANDOFF} WHERE {OPEN} ORDER BY coalesce(h.expected_at, '9999'), h.id LIMIT 2000")
        return [to_handoff(r) for r in rows]

    def late(self, now: datetime) -> dict[str, int]:
        """How many answers of each contact should have come by now."""
        rows = self._db.all(
            f"SELECT h.contact, count(*) FROM handoffs h WHERE {OPEN} AND h.expected_at < ? GROUP BY h.contact",
            (iso(now),),
        )
        return dict(rows)

    def expected(self, case_ids: Sequence[int]) -> dict[int, datetime]:
        """By when an answer was expected of the contacts who have these cases, the earliest of each case."""
        rows = self._db.all(
            f"SELECT h.case_id, min(h.expected_at) FROM handoffs h WHERE h.case_id IN ({slots(case_ids)}) AND {OPEN}"
            " AND h.expected_at IS NOT NULL GROUP BY h.case_id",
            tuple(case_ids),
        )
        return {r[0]: from_iso(r[1]) for r in rows}

    def handoff_ids(self, message_ids: Sequence[str]) -> set[str]:
        """Those of `message_ids` that are handoffs or reminders."""
        rows = self._db.all(
            "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM handoffs h WHERE h.message_id = value)"
            " OR EXISTS (SELECT 1 FROM outbox o WHERE o.key = value AND o.kind = 'chase')",
            (json.dumps(list(message_ids)),),
        )
        return {r[0] for r in rows}

    def first_mail(self, handoff_id: int) -> bytes | None:
        """The mail of a handoff as it left."""
        row = self._db.one(
            "SELECT data FROM outbox WHERE handoff_id = ? AND kind = 'handoff' AND data IS NOT NULL", (handoff_id,)
        )
        return bytes(row[0]) if row else None

    def reminders(self, handoff_id: int) -> list[tuple[str, OutboxState]]:
        """Message-IDs and states of the reminders of a handoff, oldest first."""
        rows = self._db.all(
            "SELECT key, state FROM outbox WHERE handoff_id = ? AND kind = 'chase' ORDER BY id", (handoff_id,)
        )
        return [(r[0], OutboxState(r[1])) for r in rows]
