"""Posts that are followed live: what was asked below them, where officers put it, which accounts are in a hurry."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from socialtriage.domain.late import dataclass
from socialtriage.domain.models import SafeText, Visibility
from socialtriage.domain.times import from_iso, iso
from socialtriage.store.database import Database
from socialtriage.store.intake import BACKGROUND, SPOKEN
from socialtriage.store.rows import MASK, when


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A message of a resident below a post, and what became of it. A restricted case's words are masked."""

    message_id: int
    case_id: int
    ref: str
    handle: SafeText
    name: SafeText
    text: SafeText
    at: datetime
    url: str | None
    gone: bool
    closed: bool
    answer: SafeText | None
    """Our first answer after it."""
    answered_at: datetime | None
    mark: str | None
    """Where an officer put it."""
    marked_at: datetime | None


class LiveWriter:
    """Changes inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def hurry(self, account: str, every: float, until: datetime) -> None:
        """Whoever polls reads this account every so many seconds until then."""
        self._c.execute("INSERT OR REPLACE INTO live_accounts VALUES (?, ?, ?)", (account, every, iso(until)))

    def rest(self, account: str) -> None:
        """It is polled at its own pace again."""
        self._c.execute("DELETE FROM live_accounts WHERE account = ?", (account,))

    def mark(self, message_id: int, place: str, officer: str, at: datetime) -> None:
        """An officer moved a question."""
        self._c.execute("INSERT OR REPLACE INTO live_marks VALUES (?, ?, ?, ?)", (message_id, place, officer, iso(at)))


_ANSWER = (
    "SELECT a.id FROM messages a WHERE a.case_id = m.case_id AND a.voice = 'officer' AND a.at >= m.at"
    " ORDER BY a.at, a.id LIMIT 1"
)
_LAST = "SELECT max(a.at) FROM messages a WHERE a.case_id = m.case_id AND a.voice = 'officer' AND a.at >= m.at"
_BELOW = (
    "m.account = :account AND (m.thread = :key OR m.parent = :key OR json_extract(m.reply_data, '$.post') = :key"
    " OR json_extract(m.reply_data, '$.media') = :key OR json_extract(m.reply_data, '$.video') = :key)"
)
"""A message below a post: in its thread, or, where every comment is a thread of its own, with the post's id."""


class Live:
    """Reading what is followed."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def hurried(self, account: str, now: datetime) -> float | None:
        """Every how many seconds an account is to be read now; None at its own pace."""
        row = self._db.one("SELECT every FROM live_accounts WHERE account = ? AND until > ?", (account, iso(now)))
        return float(row[0]) if row else None

    def place(self, names: Sequence[str], account: str | None) -> tuple[str, str, str] | None:
        """Account, network's key of the thread, and remote id of the stored message that one of `names` means.

        A name is a remote id or an address, the likeliest first.
        """
        also = " AND account = :account" if account else ""
        for name in names:
            for where in ("remote_id = :name", "url = :name", "thread = :name"):
                row = self._db.one(
                    f"SELECT account, thread, remote_id FROM messages WHERE {where}{also} ORDER BY id LIMIT 1",
                    {"name": name, "account": account},
                )
                if row is not None:
                    return (row[0], row[1], row[2] if "thread" not in where else name)
        return None

    def of_case(self, case_id: int) -> tuple[str, str]:
        """Account and thread of a case."""
        row = self._db.one("SELECT account, thread FROM cases WHERE id = ?", (case_id,))
        return (row[0], row[1])

    def title(self, account: str, key: str) -> SafeText:
        """The words of the post, where they are stored."""
        row = self._db.one("SELECT text FROM messages WHERE account = ? AND remote_id = ?", (account, key))
        return SafeText(row[0] if row else "")

    def asked(self, account: str, key: str) -> list[Asked]:
        """What residents wrote in public below a post, oldest first."""
        rows = self._db.all(
            "SELECT m.id, c.id, c.ref, p.handle, p.name, m.text, m.at, m.url, m.gone_at IS NOT NULL, c.lane = 5,"
            f" ({_ANSWER}) AS answer, ({_LAST}), l.place, l.at, c.flags LIKE '%\"restricted\"%'"
            " FROM messages m JOIN cases c ON c.id = m.case_id JOIN persons p ON p.id = m.person_id"
            f" LEFT JOIN live_marks l ON l.message_id = m.id WHERE {_BELOW} AND m.voice = 'resident'"
            f" AND m.visibility = '{Visibility.PUBLIC}' AND m.state != '{BACKGROUND}' AND {SPOKEN} ORDER BY m.at, m.id",
            {"account": account, "key": key},
        )
        return [_asked(r, self._answer(r[10])) for r in rows]

    def _answer(self, message_id: int | None) -> str | None:
        if message_id is None:
            return None
        return str(self._db.one("SELECT text FROM messages WHERE id = ?", (message_id,))[0])


def _asked(r: Sequence[Any], answer: str | None) -> Asked:
    hidden = bool(r[14])
    return Asked(
        message_id=r[0],
        case_id=r[1],
        ref=r[2],
        handle=MASK if hidden else SafeText(r[3]),
        name=MASK if hidden else SafeText(r[4]),
        text=MASK if hidden else SafeText(r[5]),
        at=from_iso(r[6]),
        url=None if hidden else r[7],
        gone=bool(r[8]),
        closed=bool(r[9]),
        answer=None if answer is None else MASK if hidden else SafeText(answer),
        answered_at=when(r[11]),
        mark=r[12],
        marked_at=when(r[13]),
    )
