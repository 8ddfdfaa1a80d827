"""What the store keeps of accounts: state, cursor, gaps; and of contacts: who is away."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from socialtriage.domain.late import dataclass
from socialtriage.domain.models import AccountState, Gap
from socialtriage.domain.times import iso
from socialtriage.domain.views import GapView
from socialtriage.store.database import Database
from socialtriage.store.rows import when


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account as the store knows it."""

    id: str
    network: str
    handle: str
    identity: str | None
    state: AccountState
    detail: str
    cursor: str | None
    last_poll_at: datetime | None
    last_ok_at: datetime | None
    last_message_at: datetime | None
    next_poll_at: datetime | None
    login_expires_at: datetime | None
    reread_at: datetime | None
    reread_old_at: datetime | None
    requests: int
    seconds: float
    behind_since: datetime | None
    """The last good poll before a long rest that is not caught up with yet."""
    refill_since: datetime | None
    """The beginning of the first gap of those that are being read again."""
    allowance: str | None
    """What its network last said of what it allows, as JSON."""


_COLUMNS = (
    "id, network, handle, identity, state, detail, cursor, last_poll_at, last_ok_at, last_message_at, next_poll_at,"
    " login_expires_at, reread_at, reread_old_at, requests, seconds, behind_since, refill_since, allowance"
)
_SETTABLE = frozenset(_COLUMNS.replace(" ", "").split(",")) - {"id"}


def _record(r: Sequence[Any]) -> AccountRecord:
    return AccountRecord(
        id=r[0],
        network=r[1],
        handle=r[2],
        identity=r[3],
        state=AccountState(r[4]),
        detail=r[5],
        cursor=r[6],
        last_poll_at=when(r[7]),
        last_ok_at=when(r[8]),
        last_message_at=when(r[9]),
        next_poll_at=when(r[10]),
        login_expires_at=when(r[11]),
        reread_at=when(r[12]),
        reread_old_at=when(r[13]),
        requests=r[14],
        seconds=r[15],
        behind_since=when(r[16]),
        refill_since=when(r[17]),
        allowance=r[18],
    )


class AccountWriter:
    """Changes of accounts inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def ensure(self, id_: str, network: str, handle: str) -> None:
        """The account has a row; its network and handle follow the configuration."""
        self._c.execute(
            "INSERT INTO accounts (id, network, handle) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET network = excluded.network,"
            " handle = CASE WHEN excluded.handle = '' THEN handle ELSE excluded.handle END",
            (id_, network, handle),
        )

    def update(self, id_: str, **values: Any) -> None:
        """Set columns of an account; times and states as domain values."""
        names = [name for name in values if name in _SETTABLE]
        self._c.execute(
            f"UPDATE accounts SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ?",
            (*(iso(v) if isinstance(v, datetime) else v for v in (values[name] for name in names)), id_),
        )

    def newest(self, id_: str, at: datetime) -> None:
        """A message of this moment arrived."""
        self._c.execute(
            "UPDATE accounts SET last_message_at = max(coalesce(last_message_at, ''), ?) WHERE id = ?", (iso(at), id_)
        )

    def add_gap(self, id_: str, gap: Gap) -> None:
        """Remember a span in which messages may be missing; the same span once."""
        self._c.execute(
            "INSERT OR IGNORE INTO gaps (account, start_at, end_at, why) VALUES (?, ?, ?, ?)",
            (id_, iso(gap.start), iso(gap.end), gap.why),
        )

    def close_gap(self, gap_id: int, at: datetime) -> None:
        """A gap was filled, or an officer took note of it."""
        self._c.execute("UPDATE gaps SET closed_at = ? WHERE id = ? AND closed_at IS NULL", (iso(at), gap_id))

    def set_away(self, contact: str, until: date | None) -> None:
        """A contact is away until a date, or back."""
        if until is None:
            self._c.execute("DELETE FROM contact_away WHERE contact = ?", (contact,))
        else:
            self._c.execute("INSERT OR REPLACE INTO contact_away VALUES (?, ?)", (contact, until.isoformat()))


class Accounts:
    """Reading accounts, gaps and absences."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, id_: str) -> AccountRecord | None:
        """One account, or None when it was never polled."""
        row = self._db.one(f"SELECT {_COLUMNS} FROM accounts WHERE id = ?", (id_,))
        return _record(row) if row else None

    def all(self) -> dict[str, AccountRecord]:
        """Every account that has a row."""
        return {r[0]: _record(r) for r in self._db.all(f"SELECT {_COLUMNS} FROM accounts ORDER BY id")}

    def gaps(self) -> dict[str, list[GapView]]:
        """Open gaps by account."""
        found: dict[str, list[GapView]] = {}
        for r in self._db.all(
            "SELECT account, id, start_at, end_at, why FROM gaps WHERE closed_at IS NULL ORDER BY start_at"
        ):
            start, end = when(r[2]), when(r[3])
            if start and end:
                found.setdefault(r[0], []).append(GapView(r[1], start, end, r[4]))
        return found

    def open_cases(self) -> Mapping[str, int]:
        """How many cases of each account are on the desk."""
        return dict(self._db.all("SELECT account, count(*) FROM cases WHERE lane < 5 GROUP BY account"))

    def away(self) -> dict[str, date]:
        """Contacts who are away, and until when."""
        return {r[0]: date.fromisoformat(r[1]) for r in self._db.all("SELECT contact, until FROM contact_away")}

    def arrivals(self, id_: str, limit: int = 60) -> list[datetime]:
        """When the account's last messages came, newest first: its habit."""
        rows = self._db.all(
            "SELECT at FROM messages WHERE account = ? AND voice = 'resident' ORDER BY id DESC LIMIT ?", (id_, limit)
        )
        return [moment for r in rows if (moment := when(r[0]))]
