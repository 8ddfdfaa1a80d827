"""The store as the services see it: readers by subject, and transactions that change cases and log together."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from socialtriage.store.incidents import Incidents, IncidentWriter
    from socialtriage.store.intake import IntakeWriter
    from socialtriage.store.keeping import Keeping
    from socialtriage.store.leases import Leases
    from socialtriage.store.live import Live, LiveWriter
    from socialtriage.store.log import Log, NewEvent
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


class _Part:
    """A part of a store or a transaction, imported and made when it is first asked for: the first frame needs few."""

    def __init__(self, target: str) -> None:
        self._module, _, self._class = target.partition(":")

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, whole: Any, owner: type) -> Any:
        if whole is None:
            return self
        made = getattr(import_module(f"socialtriage.store.{self._module}"), self._class)(whole._below)
        # From now on the attribute itself is found first.
        vars(whole)[self._name] = made
        return made


def _part(target: str) -> Any:
    return _Part(target)


class Transaction:
    """One transaction: everything written through it is committed together, the events with it."""

    intake: IntakeWriter = _part("intake:IntakeWriter")
    """Storing what a network brought."""
    messages: MessageWriter = _part("messages:MessageWriter")
    """Changing messages."""
    outbox: OutboxWriter = _part("outbox:OutboxWriter")
    """Changing the outbox and handoffs."""
    accounts: AccountWriter = _part("accounts:AccountWriter")
    """Changing accounts' states and cursors."""
    undo: UndoWriter = _part("undo:UndoWriter")
    """Keeping steps that can be taken back."""
    bridging: BridgingWriter = _part("bridging:BridgingWriter")
    """Handoffs in other systems."""
    grouping: GroupingWriter = _part("grouping:GroupingWriter")
    """Moving messages between cases."""
    noticing: NoticingWriter = _part("noticing:NoticingWriter")
    """What intake remembers beyond single messages."""
    live: LiveWriter = _part("live:LiveWriter")
    """Questions of a live post moved, accounts hurried."""
    incidents: IncidentWriter = _part("incidents:IncidentWriter")
    """Incidents, what was said of them, their cases."""
    replies: ReplyWriter = _part("replies:ReplyWriter")
    """Parts of threads, approvals, saved answers in use."""
    evidence: EvidenceWriter = _part("evidence:EvidenceWriter")
    """Files that were fetched, or could not be."""
    moderation: ModerationWriter = _part("moderation:ModerationWriter")
    """What was hidden, blocked, muted and reported."""
    answers: AnswerWriter = _part("answers:AnswerWriter")
    """What contacts' mail does to handoffs."""
    spending: SpendingWriter = _part("spending:SpendingWriter")
    """Noting what calls cost."""
    forget: Forgetter = _part("forget:Forgetter")
    """Forgetting words and people."""
    people: PeopleWriter = _part("people:PeopleWriter")
    """Identities that are one human."""
    spots: SpotWriter = _part("spots:SpotWriter")
    """What the spotter found."""

    def __init__(self, connection: sqlite3.Connection, officer: str, at: datetime) -> None:
        self._c = self._below = connection
        self._events: list[NewEvent] = []
        self.officer = officer
        self.at = at
        self.cases = CaseWriter(connection)

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
        places: Sequence[int] = (),
    ) -> None:
        """Keep what the officer is writing, its pictures by place and description, and the messages that it answers; an
        empty text forgets it.

        Nothing is kept for a case that was forgotten meanwhile.
        """
        if text:
            self._c.execute(
                "INSERT OR REPLACE INTO drafts (case_id, officer, kind, text, updated_at, private, files, places)"
                " SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM cases WHERE id = ?1 AND redacted_at IS NULL",
                (
                    case_id,
                    officer or self.officer,
                    kind,
                    text,
                    iso(self.at),
                    private,
                    json.dumps(list(files)),
                    json.dumps(list(places)),
                ),
            )
        else:
            self._c.execute(
                "DELETE FROM drafts WHERE case_id = ? AND officer = ? AND kind = ?",
                (case_id, officer or self.officer, kind),
            )


class Store:
    """A store that is open. `close` it at the end."""

    messages: Messages = _part("messages:Messages")
    """Messages and what to answer."""
    outbox: Outbox = _part("outbox:Outbox")
    """What waits to leave, and handoffs."""
    log: Log = _part("log:Log")
    """The log of events."""
    accounts: Accounts = _part("accounts:Accounts")
    """Accounts' states, gaps, absences."""
    leases: Leases = _part("leases:Leases")
    """Who polls and who sends."""
    search: Search = _part("search:Search")
    """Full-text search."""
    undo: Undo = _part("undo:Undo")
    """Steps that can be taken back."""
    bridging: Bridging = _part("bridging:Bridging")
    """Handoffs in other systems."""
    grouping: Grouping = _part("grouping:Grouping")
    """What was merged, and what holds for the whole desk."""
    live: Live = _part("live:Live")
    """Posts that are followed live."""
    incidents: Incidents = _part("incidents:Incidents")
    """Incidents, what was said of them, their cases; how much arrives."""
    replies: Replies = _part("replies:Replies")
    """Parts of threads, approvals, saved answers in use."""
    copies: Copies = _part("copies:Copies")
    """Copying and proving the store."""
    evidence: Evidence = _part("evidence:Evidence")
    """Files that are still to be fetched."""
    moderation: Moderation = _part("moderation:Moderation")
    """What was hidden, blocked, muted and reported."""
    answers: Answers = _part("answers:Answers")
    """Contacts' mail, and what contacts have."""
    figures: Figures = _part("figures:Figures")
    """What the demand figures are counted from."""
    spending: Spending = _part("spending:Spending")
    """What calls have cost."""
    keeping: Keeping = _part("keeping:Keeping")
    """What is due to be forgotten, and people over all their identities."""
    spots: Spots = _part("spots:Spots")
    """What the spotter found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = self._below = Database(path)
        self.cases = Cases(self._db)
        self.before_writing: Callable[[], object] | None = None
        """Called once, before the first transaction: what takes long there would make every other officer wait."""

    @contextlib.contextmanager
    def transaction(self, officer: str, at: datetime, *, durable: bool = True) -> Iterator[Transaction]:
        """One short IMMEDIATE transaction. Nothing of it stays when the block raises. Raises `StoreError`."""
        if self.before_writing is not None:
            prepare, self.before_writing = self.before_writing, None
            prepare()
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

    def move_log(self) -> None:
        """Move the write-ahead log into the file, as far as nobody reads or writes there just now.

        For a thread of its own: others write meanwhile, and no commit has to do it. Raises `StoreError`.
        """
        self._db.one("PRAGMA wal_checkpoint(PASSIVE)")

    def others_write(self) -> bool:
        """Whether another process wrote into the store a moment ago."""
        return self._db.others_write()

    def quick_check(self) -> str | None:
        """None when the file is sound, else what is wrong."""
        return self._db.quick_check()

    def close(self) -> None:
        """Close the store."""
        self._db.close()
