"""Copies of a store: taken while others write, looked through, and made ready to take a store's place."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from socialtriage.domain.errors import Refused, StoreError
from socialtriage.store.cases import Cases
from socialtriage.store.database import Database, explain
from socialtriage.store.intake import buried
from socialtriage.store.log import Log

COMPANIONS = ("-wal", "-shm")
"""What SQLite writes beside an open store."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds, as far as two of them can be compared."""

    cases: int
    messages: int
    events: int
    head: str
    """Hash of the last event."""
    last_at: str | None
    """When the last event was logged, ISO UTC."""

    @property
    def empty(self) -> bool:
        """Whether nobody ever worked with it."""
        return not (self.cases or self.messages or self.events)


@dataclass(frozen=True, slots=True)
class Forgone:
    """What a store forgot, so that another copy of it can forget the same."""

    cases: tuple[str, ...] = ()
    """References of the cases whose words were forgotten."""
    on_request: frozenset[str] = frozenset()
    """Those of them that were forgotten because their person asked for it."""
    tombstones: tuple[tuple[str, str, str, str], ...] = ()
    """Account, hash, moment and reason of every message that must not come back."""


class Copies:
    """Copying and proving the store that is open."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def copy_to(self, target: Path, name: Path) -> None:
        """Copy the store as it is at this moment into a new file; writers are not held up.

        Raises `StoreError`; its message calls the file `name`.
        """
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with contextlib.closing(sqlite3.connect(target)) as copy:
                self._db.reader.backup(copy)
        except sqlite3.Error as exc:
            raise explain(exc, name) from exc

    def contents(self) -> Contents:
        """What it holds."""
        cases, messages = Cases(self._db).total()
        events, head = Log(self._db).head()
        row = self._db.one("SELECT at FROM events ORDER BY seq DESC LIMIT 1")
        return Contents(cases, messages, events, head, row[0] if row else None)

    def only_copied_since(self, earlier: Contents) -> bool:
        """Whether it holds what it held then, and nothing was done since but to export it or to put it back."""
        now = self.contents()
        if (now.cases, now.messages) != (earlier.cases, earlier.messages) or now.events < earlier.events:
            return False
        row = self._db.one("SELECT hash FROM events WHERE seq = ?", (earlier.events,))
        same = earlier.events == 0 or (row is not None and row[0] == earlier.head)
        done = self._db.all("SELECT DISTINCT kind FROM events WHERE seq > ?", (earlier.events,))
        return same and {r[0] for r in done} <= {"backup.made", "store.restored", "log.exported"}

    def proved(self, what: str, hint: str = "") -> Contents:
        """What it holds, after everything was proved, from its pages to its log; messages call it `what`.

        Raises `StoreError` with what is wrong, and with `hint`.
        """
        try:
            said = " ".join(str(self._db.reader.execute("PRAGMA integrity_check(1)").fetchone()[0]).split())
            orphan = self._db.reader.execute("PRAGMA foreign_key_check").fetchone()
        except sqlite3.Error as exc:
            raise StoreError(f"{what} is damaged ({exc}).", hint=hint) from exc
        if said != "ok":
            raise StoreError(f"{what} is damaged ({said}).", hint=hint)
        if orphan is not None:
            raise StoreError(f"{what} is damaged: a row of {orphan[0]} belongs to nothing.", hint=hint)
        verified = Log(self._db).verify()
        if verified.fault is not None:
            raise StoreError(f"The log of {what[0].lower()}{what[1:]} is not whole. {verified.fault}", hint=hint)
        return self.contents()

    def media(self) -> list[str]:
        """Where kept pictures and attachments stand below the media folder, each once."""
        return [r[0] for r in self._db.all("SELECT DISTINCT path FROM media WHERE path IS NOT NULL ORDER BY path")]

    def forgotten(self) -> Forgone:
        """What was forgotten here."""
        asked = "SELECT DISTINCT ref FROM events WHERE kind = 'case.redacted' AND detail LIKE '%\"request\"%'"
        return Forgone(
            tuple(r[0] for r in self._db.all("SELECT ref FROM cases WHERE redacted_at IS NOT NULL")),
            frozenset(r[0] for r in self._db.all(asked)),
            tuple(self._db.all("SELECT account, remote_id, at, why FROM tombstones")),
        )

    def still_here(self, refs: Sequence[str]) -> list[int]:
        """Ids of those cases whose words are still here."""
        sql = "SELECT id FROM cases WHERE redacted_at IS NULL AND ref IN (SELECT value FROM json_each(?))"
        return [r[0] for r in self._db.all(sql, (json.dumps(list(refs)),))]

    def rise_again(self, gone: Forgone) -> list[tuple[int, int | None]]:
        """The messages here that were forgotten there, and who wrote them."""
        hidden = {(account, digest) for account, digest, *_ in gone.tombstones}
        if not hidden:
            return []
        # One by one: a store may hold a million.
        rows = self._db.reader.execute(
            "SELECT id, person_id, account, remote_id FROM messages WHERE redacted_at IS NULL"
        )
        return [(r[0], r[1]) for r in rows if (r[2], buried(r[2], r[3])) in hidden]

    def bury(self, gone: Forgone) -> None:
        """No network brings back what was forgotten there."""
        with self._db.write() as c:
            c.executemany("INSERT OR IGNORE INTO tombstones VALUES (?, ?, ?, ?)", gone.tombstones)

    def begin_anew(self) -> None:
        """Nobody polls or sends from a store that has just been put back."""
        with self._db.write() as c:
            c.execute("DELETE FROM leases")


def single_file(path: Path) -> None:
    """Fold what stands beside a store into its file, so that the file alone can be moved.

    Raises `Refused` while any other connection has it open, of this program or another, and `StoreError`.
    """
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=2, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as exc:
        if "locked" in str(exc).lower() or "busy" in str(exc).lower():
            raise Refused(
                f"The store {path} is open in another window or program.", hint="Close it there, then try again."
            ) from exc
        raise explain(exc, path) from exc
