"""The store as the services see it: readers by subject, and transactions that change cases and log together."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from socialtriage.domain.times import iso
from socialtriage.store.accounts import Accounts, AccountWriter
from socialtriage.store.cases import Cases, CaseWriter
from socialtriage.store.database import Database
from socialtriage.store.intake import IntakeWriter
from socialtriage.store.leases import Leases
from socialtriage.store.log import Log, NewEvent, append
from socialtriage.store.messages import Messages, MessageWriter
from socialtriage.store.outbox import Outbox, OutboxWriter
from socialtriage.store.search import Search
from socialtriage.store.undo import Undo, UndoWriter


class Transaction:
    """One transaction: everything written through it is committed together, the events with it."""

    def __init__(self, connection: sqlite3.Connection, officer: str, at: datetime) -> None:
        self._c = connection
        self._events: list[NewEvent] = []
        self.officer = officer
        self.at = at
        self.cases = CaseWriter(connection)
        self.intake = IntakeWriter(connection)
        self.messages = MessageWriter(connection)
        self.outbox = OutboxWriter(connection)
        self.accounts = AccountWriter(connection)
        self.undo = UndoWriter(connection)

    def log(self, *events: NewEvent) -> None:
        """Log with the change; written once, at the end of the transaction."""
        self._events.extend(events)

    def finish(self) -> None:
        """Write the events of this transaction."""
        if self._events:
            append(self._c, self.at, self.officer, self._events)
            self._events.clear()

    def put_draft(self, case_id: int, kind: str, text: str) -> None:
        """Keep what the officer is writing; an empty text forgets it."""
        if text:
            self._c.execute(
                "INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, ?, ?)",
                (case_id, self.officer, kind, text, iso(self.at)),
            )
        else:
            self._c.execute(
                "DELETE FROM drafts WHERE case_id = ? AND officer = ? AND kind = ?", (case_id, self.officer, kind)
            )


class Store:
    """A store that is open. `close` it at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = Database(path)
        self.cases = Cases(self._db)
        self.messages = Messages(self._db)
        self.outbox = Outbox(self._db)
        self.log = Log(self._db)
        self.accounts = Accounts(self._db)
        self.leases = Leases(self._db)
        self.search = Search(self._db)
        self.undo = Undo(self._db)

    @contextlib.contextmanager
    def transaction(self, officer: str, at: datetime, *, durable: bool = True) -> Iterator[Transaction]:
        """One short IMMEDIATE transaction. Nothing of it stays when the block raises. Raises `StoreError`."""
        with self._db.write(durable=durable) as connection:
            tx = Transaction(connection, officer, at)
            yield tx
            tx.finish()

    def draft(self, case_id: int, officer: str, kind: str) -> str:
        """What an officer was writing, or an empty text."""
        row = self._db.one(
            "SELECT text FROM drafts WHERE case_id = ? AND officer = ? AND kind = ?", (case_id, officer, kind)
        )
        return str(row[0]) if row else ""

    def data_version(self) -> int:
        """Changes whenever anybody wrote, in this process or another."""
        return self._db.data_version()

    def quick_check(self) -> str | None:
        """None when the file is sound, else what is wrong."""
        return self._db.quick_check()

    def close(self) -> None:
        """Close the store."""
        self._db.close()
