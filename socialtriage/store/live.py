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


_OURS = (
    "FROM messages a WHERE a.case_id = m.case_id AND a.voice = 'officer' AND a.remote_id != m.thread"
    " AND (a.at > m.at OR a.parent = m.remote_id)"
)
_ANSWER = f"SELECT a.id {_OURS} ORDER BY a.at, a.id LIMIT 1"
_LAST = f"SELECT max(a.at) {_OURS}"
_ROOTS = ("post", "media", "video")
"""What channels call the post of a comment in what they keep for answering it."""
_EACH = ", ".join(f"json_extract(reply_data, '$.{name}')" for name in _ROOTS)
_POST = f"coalesce({_EACH})"
_OF_POST = f"(instr(reply_data, :key) > 0 AND :key IN ({_EACH}))"
_BELOW = f"m.account = :account AND (m.thread = :key OR m.parent = :key OR {_OF_POST})"
"""A message below a post: in its thread, or, where every comment is a thread of its own, with the post's id."""


class Live:
    """Reading what is followed."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def hurried(self, account: str, now: datetime) -> float | None:
        """Every how many seconds an account is to be read now; None at its own pace."""
        row = self._db.one("SELECT every FROM live_accounts WHERE account = ? AND until > ?", (account, iso(now)))
        return float(row[0]) if row else None

    def place(self, names: Sequence[str], account: str | None) -> tuple[str, str] | None:
        """Account and key of the post that one of `names` means: ids and addresses, the likeliest first.

        A comment means the post, or the thread, that it stands in; a post of ours is its own key.
        """
        also = " AND account = :account" if account else ""
        for name in names:
            for where in ("remote_id = :name", "url = :name"):
                row = self._db.one(
                    f"SELECT account, coalesce({_POST}, thread) FROM messages WHERE {where}{also} ORDER BY id LIMIT 1",
                    {"name": name, "account": account},
                )
                if row is not None:
                    return (row[0], row[1])
            row = self._db.one(
                f"SELECT account FROM messages WHERE (thread = :key OR {_OF_POST}){also} ORDER BY id LIMIT 1",
                {"key": name, "account": account},
            )
            if row is not None:
                return (row[0], name)
        return None

    def ending(self, name: str, account: str | None) -> tuple[str, str] | None:
        """Account and key of a thread whose key ends with a slash and `name`."""
        also = " AND account = :account" if account else ""
        row = self._db.one(
            "SELECT account, thread FROM messages WHERE substr(thread, -length(:end)) = :end"
            f"{also} ORDER BY id LIMIT 1",
            {"end": f"/{name}", "account": account},
        )
        return (row[0], row[1]) if row else None

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
