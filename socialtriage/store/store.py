"""The store as the services see it: readers by subject, and transactions that change cases and log together."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from socialtriage.domain.times import iso
from socialtriage.store.cases import Cases, CaseWriter
from socialtriage.store.database import Database

if TYPE_CHECKING:
    from socialtriage.store.accounts import Accounts, AccountWriter
    from socialtriage.store.answers import Answers, AnswerWriter
    from socialtriage.store.bridging import Bridging, BridgingWriter
    from socialtriage.store.copies import Copies
    from socialtriage.store.evidence import Evidence, EvidenceWriter
    from socialtriage.store.figures import Figures
    from socialtriage.store.forget import Forgetter
    from socialtriage.store.grouping import Grouping, GroupingWriter
    from socialtriage.store.intake import IntakeWriter
    from socialtriage.store.keeping import Keeping
    from socialtriage.store.leases import Leases
    from socialtriage.store.log import Log, NewEvent
    from socialtriage.store.incidents import Incidents, IncidentWriter
    from socialtriage.store.live import Live, LiveWriter
    from socialtriage.store.messages import Messages, MessageWriter
    from socialtriage.store.moderation import Moderation, ModerationWriter
    from socialtriage.store.noticing import NoticingWriter
    from socialtriage.store.outbox import Outbox, OutboxWriter
    from socialtriage.store.people import PeopleWriter
    from socialtriage.store.replies import Replies, ReplyWriter
    from socialtriage.store.search import Search
    from socialtriage.store.spending import Spending, SpendingWriter
    from socialtriage.store.spots import Spots, SpotWriter
    from socialtriage.store.undo import Undo, UndoWriter


class Transaction:
    """One transaction: everything written through it is committed together, the events with it."""

    def __init__(self, connection: sqlite3.Connection, officer: str, at: datetime) -> None:
        self._c = connection
        self._events: list[NewEvent] = []
        self.officer = officer
        self.at = at
        self.cases = CaseWriter(connection)

    @cached_property
    def intake(self) -> IntakeWriter:
        """Storing what a network brought."""
        from socialtriage.store.intake import IntakeWriter

        return IntakeWriter(self._c)

    @cached_property
    def messages(self) -> MessageWriter:
        """Changing messages."""
        from socialtriage.store.messages import MessageWriter

        return MessageWriter(self._c)

    @cached_property
    def outbox(self) -> OutboxWriter:
        """Changing the outbox and handoffs."""
        from socialtriage.store.outbox import OutboxWriter

        return OutboxWriter(self._c)

    @cached_property
    def accounts(self) -> AccountWriter:
        """Changing accounts' states and cursors."""
        from socialtriage.store.accounts import AccountWriter

        return AccountWriter(self._c)

    @cached_property
    def undo(self) -> UndoWriter:
        """Keeping steps that can be taken back."""
        from socialtriage.store.undo import UndoWriter

        return UndoWriter(self._c)

    @cached_property
    def bridging(self) -> BridgingWriter:
        """Handoffs in other systems."""
        from socialtriage.store.bridging import BridgingWriter

        return BridgingWriter(self._c)

    @cached_property
    def grouping(self) -> GroupingWriter:
        """Moving messages between cases."""
        from socialtriage.store.grouping import GroupingWriter

        return GroupingWriter(self._c)

    @cached_property
    def noticing(self) -> NoticingWriter:
        """What intake remembers beyond single messages."""
        from socialtriage.store.noticing import NoticingWriter

        return NoticingWriter(self._c)

    @cached_property
    def live(self) -> LiveWriter:
        """Questions of a live post moved, accounts hurried."""
        from socialtriage.store.live import LiveWriter

        return LiveWriter(self._c)

    @cached_property
    def incidents(self) -> IncidentWriter:
        """Incidents, what was said of them, their cases."""
        from socialtriage.store.incidents import IncidentWriter

        return IncidentWriter(self._c)

    @cached_property
    def replies(self) -> ReplyWriter:
        """Parts of threads, approvals, saved answers in use."""
        from socialtriage.store.replies import ReplyWriter

        return ReplyWriter(self._c)

    @cached_property
    def evidence(self) -> EvidenceWriter:
        """Files that were fetched, or could not be."""
        from socialtriage.store.evidence import EvidenceWriter

        return EvidenceWriter(self._c)

    @cached_property
    def moderation(self) -> ModerationWriter:
        """What was hidden, blocked, muted and reported."""
        from socialtriage.store.moderation import ModerationWriter

        return ModerationWriter(self._c)

    @cached_property
    def answers(self) -> AnswerWriter:
        """What contacts' mail does to handoffs."""
        from socialtriage.store.answers import AnswerWriter

        return AnswerWriter(self._c)

    @cached_property
    def spending(self) -> SpendingWriter:
        """Noting what calls cost."""
        from socialtriage.store.spending import SpendingWriter

        return SpendingWriter(self._c)

    @cached_property
    def forget(self) -> Forgetter:
        """Forgetting words and people."""
        from socialtriage.store.forget import Forgetter

        return Forgetter(self._c)

    @cached_property
    def people(self) -> PeopleWriter:
        """Identities that are one human."""
        from socialtriage.store.people import PeopleWriter

        return PeopleWriter(self._c)

    @cached_property
    def spots(self) -> SpotWriter:
        """What the spotter found."""
        from socialtriage.store.spots import SpotWriter

        return SpotWriter(self._c)

    def log(self, *events: NewEvent) -> None:
        """Log with the change; written once, at the end of the transaction."""
        self._events.extend(events)

    def finish(self) -> None:
        """Write the events of this transaction."""
        if self._events:
            from socialtriage.store.log import append

            append(self._c, self.at, self.officer, self._events)
            self._events.clear()

    def put_draft(
        self,
        case_id: int,
        kind: str,
        text: str,
        *,
        private: bool = False,
        officer: str | None = None,
        files: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Keep what the officer is writing, its pictures by place and description; an empty text forgets it."""
        if text:
            self._c.execute(
                "INSERT OR REPLACE INTO drafts (case_id, officer, kind, text, updated_at, private, files)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (case_id, officer or self.officer, kind, text, iso(self.at), private, json.dumps(list(files))),
            )
        else:
            self._c.execute(
                "DELETE FROM drafts WHERE case_id = ? AND officer = ? AND kind = ?",
                (case_id, officer or self.officer, kind),
            )


class Store:
    """A store that is open. `close` it at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = Database(path)
        self.cases = Cases(self._db)

    @cached_property
    def messages(self) -> Messages:
        """Messages and what to answer."""
        from socialtriage.store.messages import Messages

        return Messages(self._db)

    @cached_property
    def outbox(self) -> Outbox:
        """What waits to leave, and handoffs."""
        from socialtriage.store.outbox import Outbox

        return Outbox(self._db)

    @cached_property
    def log(self) -> Log:
        """The log of events."""
        from socialtriage.store.log import Log

        return Log(self._db)

    @cached_property
    def accounts(self) -> Accounts:
        """Accounts' states, gaps, absences."""
        from socialtriage.store.accounts import Accounts

        return Accounts(self._db)

    @cached_property
    def leases(self) -> Leases:
        """Who polls and who sends."""
        from socialtriage.store.leases import Leases

        return Leases(self._db)

    @cached_property
    def search(self) -> Search:
        """Full-text search."""
        from socialtriage.store.search import Search

        return Search(self._db)

    @cached_property
    def undo(self) -> Undo:
        """Steps that can be taken back."""
        from socialtriage.store.undo import Undo

        return Undo(self._db)

    @cached_property
    def bridging(self) -> Bridging:
        """Handoffs in other systems."""
        from socialtriage.store.bridging import Bridging

        return Bridging(self._db)

    @cached_property
    def grouping(self) -> Grouping:
        """What was merged, and what holds for the whole desk."""
        from socialtriage.store.grouping import Grouping

        return Grouping(self._db)

    @cached_property
    def live(self) -> Live:
        """Posts that are followed live."""
        from socialtriage.store.live import Live

        return Live(self._db)

    @cached_property
    def incidents(self) -> Incidents:
        """Incidents, what was said of them, their cases; how much arrives."""
        from socialtriage.store.incidents import Incidents

        return Incidents(self._db)

    @cached_property
    def replies(self) -> Replies:
        """Parts of threads, approvals, saved answers in use."""
        from socialtriage.store.replies import Replies

        return Replies(self._db)

    @cached_property
    def copies(self) -> Copies:
        """Copying and proving the store."""
        from socialtriage.store.copies import Copies

        return Copies(self._db)

    @cached_property
    def evidence(self) -> Evidence:
        """Files that are still to be fetched."""
        from socialtriage.store.evidence import Evidence

        return Evidence(self._db)

    @cached_property
    def moderation(self) -> Moderation:
        """What was hidden, blocked, muted and reported."""
        from socialtriage.store.moderation import Moderation

        return Moderation(self._db)

    @cached_property
    def answers(self) -> Answers:
        """Contacts' mail, and what contacts have."""
        from socialtriage.store.answers import Answers

        return Answers(self._db)

    @cached_property
    def figures(self) -> Figures:
        """What the demand figures are counted from."""
        from socialtriage.store.figures import Figures

        return Figures(self._db)

    @cached_property
    def spending(self) -> Spending:
        """What calls have cost."""
        from socialtriage.store.spending import Spending

        return Spending(self._db)

    @cached_property
    def keeping(self) -> Keeping:
        """What is due to be forgotten, and people over all their identities."""
        from socialtriage.store.keeping import Keeping

        return Keeping(self._db)

    @cached_property
    def spots(self) -> Spots:
        """What the spotter found."""
        from socialtriage.store.spots import Spots

        return Spots(self._db)

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
