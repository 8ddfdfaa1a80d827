"""Stores of any size, written fast into the real schema and kept below `bench-store/` for the next run."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import council
from socialtriage.domain.charter import Clock, Duration
from socialtriage.domain.models import Status, Urgency
from socialtriage.domain.reference import new_reference
from socialtriage.domain.text import snippet
from socialtriage.domain.times import iso
from socialtriage.services.clocks import Clocks
from socialtriage.store import schema
from socialtriage.store.log import GENESIS, chain
from socialtriage.store.rows import LANES, NEVER
from socialtriage.store.store import Store

FOLDER = Path(__file__).resolve().parents[1] / "bench-store"
CHUNK = 20_000
"""Messages that are held in memory and written at once."""
SPAN = timedelta(days=3 * 365)
"""How long the history of a store is."""
POSTS = 2
"""Posts of each account below which thousands of residents write."""
_ELSEWHERE = (
    *(Status.WAITING_CONTACT, Status.WAITING_CONTACT, Status.WAITING_CONTACT, Status.WAITING_RESIDENT),
    *(Status.TELL_RESIDENT, Status.SNOOZED),
)
_ALLOWED = dict(zip(Urgency, map(Duration.parse, ("1h", "4h", "1d", "3d")), strict=True))
_CASE = (
    "id, ref, version, status, lane, urgency, area, owner, account, network, visibility, person_id, thread, snippet,"
    " opened_at, last_message_at, waiting_since, due_at, due_clock, due_from, due_sort, acknowledged_at, answered_at,"
    " closed_at, outcome, within_charter, snoozed_until, messages, repeat_count"
)
_MESSAGE = (
    "id, account, remote_id, case_id, person_id, voice, visibility, text, who, at, received_at, url, thread, parent"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A store that is to be made."""

    name: str
    messages: int
    queue: int
    """Cases in the queue; a twentieth of that many are in the other open lists."""
    lone: bool = False
    """Every case has one message, so that a small store can hold a long queue."""


def usual(messages: int) -> Plan:
    """A store as a desk has it: at a million messages 9,500 cases in the queue, at a thousand 50."""
    return Plan(str(messages), messages, min(9_500, messages // 20))


BUSY = Plan("10000-busy", 10_000, 9_500, lone=True)
"""A new desk with as long a queue as the largest store has: growth is measured at equal load."""


@dataclass(slots=True)
class _Case:
    """A case while its history is told."""

    id: int
    ref: str
    person: int
    account: str
    thread: str
    snippet: str
    opened: datetime
    last: datetime
    first: str
    """Remote id of its first message."""
    repeat: int
    messages: int = 1
    answered: str | None = None


def folder() -> Path:
    """Where stores are kept, and where benchmarks write: on the same disk."""
    FOLDER.mkdir(exist_ok=True)
    return FOLDER


def store(plan: Plan) -> Path:
    """The file of a store, made when it is not there or was made by other code."""
    path = folder() / f"{plan.name}.{_fingerprint()}.db"
    if not path.exists():
        for old in FOLDER.glob(f"{plan.name}.*"):
            old.unlink()
        started = time.perf_counter()
        print(f"making a store of {plan.messages:,} messages ...", file=sys.stderr, end=" ", flush=True)
        partial = path.with_suffix(".partial")
        _Writer(partial, plan).run()
        partial.replace(path)
        print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)
    return path


def _fingerprint() -> str:
    parts = [part for part in vars(schema).values() if getattr(part, "__name__", "").startswith(f"{schema.__name__}_")]
    source = "".join(map(inspect.getsource, (schema, *parts, council, sys.modules[__name__])))
    return hashlib.sha256(source.encode()).hexdigest()[:8]


@contextlib.contextmanager
def _bulk(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes without a journal; indexes are made again at the end, when it costs least."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-262144;")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        connection.execute("BEGIN")
        yield connection
        for _, sql in indexes:
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


class _Writer:
    """Tells the history of a desk, message after message, in the order of arrival."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._path, self._plan = path, plan
        self._draw = random.Random(plan.messages).random
        self._references: set[str] = set()
        self._for_references = random.Random(plan.messages + 1)
        self._clocks = Clocks(council.config())
        self._areas = [area.id for area in council.config().areas]
        self._people = max(10, plan.messages // 4)
        self._contacts = [0] * (self._people + 1)
        self._ring: list[_Case | None] = [None] * max(20, plan.queue + plan.queue // 4)
        self._endless: _Case | None = None
        self._hash, self._events, self._messages, self._cases = GENESIS, 0, 0, 0
        self._case_rows: list[tuple[Any, ...]] = []
        self._message_rows: list[tuple[Any, ...]] = []
        self._event_rows: list[tuple[Any, ...]] = []

    def run(self) -> None:
        """Make the file."""
        self._path.unlink(missing_ok=True)
        Store(self._path).close()
        with _bulk(self._path) as connection:
            connection.executemany(
                "INSERT INTO persons (id, network, key, handle, name, first_at) VALUES (?, 'mastodon', ?, ?, ?, ?)",
                ((n, council.handle_of(n)[1:], council.handle_of(n), council.name_of(n), iso(council.NOW - SPAN))
                 for n in range(1, self._people + 1)),
            )  # fmt: skip
            self._history(connection)
            self._end()
            self._write(connection)
            connection.executemany(
                "UPDATE persons SET cases = ? WHERE id = ?", ((n, id_) for id_, n in enumerate(self._contacts) if n)
            )

    # --- the history --------------------------------------------------------------------------------------

    def _history(self, connection: sqlite3.Connection) -> None:
        step = SPAN / self._plan.messages
        at = council.NOW - SPAN
        while self._messages < self._plan.messages:
            at += step
            luck = self._draw()
            if self._plan.lone or luck < 0.55 or not self._cases:
                self._new_case(at)
            else:
                self._again(self._some_case(), at, officer=luck < 0.8)
            if len(self._message_rows) >= CHUNK:
                self._write(connection)

    def _some_case(self) -> _Case:
        """One of the latest cases, the later the likelier; or the one that never ends."""
        if self._endless is not None and self._draw() < 0.002:
            return self._endless
        back = int(self._draw() ** 3 * min(self._cases, len(self._ring)))
        return self._ring[(self._cases - back) % len(self._ring)] or self._latest

    def _new_case(self, at: datetime) -> None:
        account = council.ACCOUNTS[int(self._draw() * len(council.ACCOUNTS))]
        # A few people write again and again: the first of them opened one case in two hundred.
        person = 1 if self._draw() < 0.005 else 1 + int(self._draw() ** 2 * self._people)
        self._contacts[person] += 1
        remote = f"1{self._messages + 1:017}"
        # One case in ten stands below a post that hundreds answer.
        lone = self._plan.lone or self._draw() > 0.1
        text = self._text()
        self._cases += 1
        case = _Case(
            id=self._cases,
            ref=self._reference(),
            person=person,
            account=account,
            thread=remote if lone else f"post-{self._cases % POSTS}",
            snippet=str(snippet(text)),
            opened=at,
            last=at,
            first=remote,
            repeat=min(9, self._contacts[person]) if self._draw() < 0.1 else 1,
        )
        self._latest = case
        if self._endless is None:
            self._endless = case
        else:
            slot = self._cases % len(self._ring)
            self._close(self._ring[slot])
            self._ring[slot] = case
        self._say(case, text, at, remote, officer=False)
        self._event(case, at, "case.opened", {"account": account, "network": "mastodon", "visibility": "public"})

    def _again(self, case: _Case, at: datetime, *, officer: bool) -> None:
        case.messages += 1
        case.last = at
        if officer:
            case.answered = case.answered or iso(at)
        remote = f"1{self._messages + 1:017}"
        self._say(case, self._text(), at, remote, officer=officer)
        self._event(case, at, "reply.sent" if officer else "message.received", {"remote_id": remote})

    def _text(self) -> str:
        pool = council.voices()
        text = pool.texts[int(self._draw() * len(pool.texts))]
        return f"{text} {pool.places[int(self._draw() * len(pool.places))]}"

    def _reference(self) -> str:
        while (ref := new_reference("ABC", self._for_references)) in self._references:
            pass
        self._references.add(ref)
        return ref

    def _say(self, case: _Case, text: str, at: datetime, remote: str, *, officer: bool) -> None:
        self._messages += 1
        who = "Anytown @anytown@town.example"
        if not officer:
            who = f"{council.name_of(case.person)} {council.handle_of(case.person)}"
        person = None if officer else case.person
        voice = "officer" if officer else "resident"
        parent = None if remote == case.first else case.first
        row = (self._messages, case.account, remote, case.id, person, voice, "public", text, who, iso(at), iso(at))
        self._message_rows.append((*row, f"https://town.example/{remote}", case.thread, parent))

    def _event(self, case: _Case, at: datetime, kind: str, detail: dict[str, Any]) -> None:
        self._events += 1
        words = json.dumps(detail, separators=(",", ":"))
        self._hash = chain(self._hash, self._events, iso(at), "JS", case.ref, kind, words, None)
        self._event_rows.append((self._events, iso(at), "JS", case.id, case.ref, kind, words, None, self._hash))

    # --- how cases end ------------------------------------------------------------------------------------

    def _close(self, case: _Case | None) -> None:
        if case is not None:
            self._event(case, case.last, "case.closed", {"outcome": ["", "answered"]})
            self._keep(case, Status.CLOSED)

    def _end(self) -> None:
        """The latest cases are on the desk when the story ends."""
        left = sorted((case for case in self._ring if case is not None), key=lambda case: -case.id)
        if self._endless is not None:
            left.insert(0, self._endless)
        for place, case in enumerate(left):
            if place < self._plan.queue:
                self._keep(case, Status.OPEN if place % 3 == 0 else Status.NEW)
            elif place < self._plan.queue + self._plan.queue // 20:
                self._keep(case, _ELSEWHERE[place % len(_ELSEWHERE)])
            else:
                self._close(case)

    def _keep(self, case: _Case, status: Status) -> None:
        urgency = list(Urgency)[min(3, int(self._draw() ** 0.5 * 4))]
        closed = status is Status.CLOSED
        waiting = None if closed or status is Status.WAITING_RESIDENT else case.opened
        due = iso(self._clocks.add(waiting, _ALLOWED[urgency])) if waiting else None
        clock = Clock.ANSWER.value if waiting else None
        row: dict[str, Any] = {
            "id": case.id,
            "ref": case.ref,
            "version": case.messages,
            "status": status.value,
            "lane": LANES[status],
            "urgency": urgency.rank,
            "area": None if status is Status.NEW else self._areas[case.id % len(self._areas)],
            "owner": None if status is Status.NEW else ("JS", "AB", None)[case.id % 3],
            "account": case.account,
            "network": "mastodon",
            "visibility": "public",
            "person_id": case.person,
            "thread": case.thread,
            "snippet": case.snippet,
            "opened_at": iso(case.opened),
            "last_message_at": iso(case.last),
            "waiting_since": iso(waiting) if waiting else None,
            "due_at": due,
            "due_clock": clock,
            "due_from": iso(waiting) if waiting else None,
            "due_sort": due or NEVER + iso(case.last),
            "acknowledged_at": case.answered,
            "answered_at": case.answered,
            "closed_at": iso(case.last) if closed else None,
            "outcome": "answered" if closed else None,
            "within_charter": 1 if closed else None,
            "snoozed_until": iso(council.NOW + timedelta(days=30)) if status is Status.SNOOZED else None,
            "messages": case.messages,
            "repeat_count": case.repeat,
        }
        self._case_rows.append(tuple(row[name] for name in _CASE.split(", ")))

    # --- writing ------------------------------------------------------------------------------------------

    def _write(self, connection: sqlite3.Connection) -> None:
        first = self._message_rows[0][0] if self._message_rows else self._messages + 1
        for table, columns, rows in (
            ("cases", _CASE, self._case_rows),
            ("messages", _MESSAGE, self._message_rows),
            ("events", "seq, at, officer, case_id, ref, kind, detail, note_hash, hash", self._event_rows),
        ):
            slots = ", ".join("?" * len(columns.split(", ")))
            connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({slots})", rows)
            rows.clear()
        connection.execute(
            "INSERT INTO messages_fts (rowid, text, who, subject)"
            " SELECT id, text, who, subject FROM messages WHERE id >= ? ORDER BY id",
            (first,),
        )
