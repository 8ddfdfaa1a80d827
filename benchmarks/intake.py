"""Intake: network items from JSON to cases by the real poller, against raw `executemany` of the rows that come out."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from benchmarks import council, network, stores
from benchmarks.report import Row
from socialtriage.channels.http import Http
from socialtriage.services.desk import Desk, open_desk
from socialtriage.services.intake import CHUNK
from socialtriage.services.sync import Poller
from socialtriage.store.database import WRITER_PRAGMAS

ITEMS = 50_000
ACCOUNTS = 4
ROUNDS = 5
"""Passes in which the items come; after each the floor writes the same rows."""
TABLES = {
    "persons": "id",
    "cases": "id",
    "messages": "id",
    "case_links": "max(a, b)",
    "media": "message_id",
    "said_texts": "id",
    "events": "seq",
    "event_notes": "seq",
    "case_flags": "case_id",
}
"""The tables that intake fills, and the number by which their rows follow each other."""


def rows(sizes: list[int], items: int = ITEMS) -> list[Row]:
    """Intake into stores of each size."""
    each = items // ACCOUNTS
    entries = [network.notifications(each + 1, council.NOW, seed) for seed in range(ACCOUNTS)]
    return [_row(size, entries) for size in sizes]


def _row(size: int, entries: list[list[bytes]]) -> Row:
    count = sum(map(len, entries)) - len(entries)
    with tempfile.TemporaryDirectory(dir=stores.folder()) as folder:
        paths = Path(folder) / "desk.db", Path(folder) / "floor.db"
        for path in paths:
            shutil.copyfile(stores.store(stores.usual(size)), path)
        config = council.config(ACCOUNTS, paused=False)
        desk = open_desk(config, paths[0], officer="JS", clock=lambda: council.NOW)
        try:
            with closing(_Floor(*paths)) as floor:
                spent, floor_spent = asyncio.run(_run(desk, floor, entries))
            if desk.store.search.differs():
                raise AssertionError("messages and full text differ")
        finally:
            desk.close()
    rate, floor_rate = count / spent, count / floor_spent
    what = f"intake of {count:,} network items"
    return Row(what, size, f"{floor_rate:,.0f}/s", f"{rate:,.0f}/s", rate / floor_rate, 0.35, more_is_better=True)


async def _run(desk: Desk, floor: _Floor, entries: list[list[bytes]]) -> tuple[float, float]:
    """Seconds of the program and of the floor."""
    accounts = desk.config.accounts
    servers = {str(account.server): network.Mastodon() for account in accounts}
    poller = Poller(desk, network.FixedSecrets(), cast(Http, network.Wire(servers)))
    spent = floor_spent = 0.0
    # The first look back meets servers with one notification each; what counts are the passes that catch up.
    marks = [0, 1, *(1 + (len(entries[0]) - 1) * number // ROUNDS for number in range(1, ROUNDS + 1))]
    try:
        for number, (start, end) in enumerate(pairwise(marks)):
            for server, ready in zip(servers.values(), entries, strict=True):
                server.add(ready[start:end])
            started = time.perf_counter()
            results = await poller.once(accounts)
            seconds = time.perf_counter() - started
            if sum(result.new for result in results) != (end - start) * len(accounts):
                raise AssertionError([result.error for result in results])
            raw = floor.copy_slice()
            if number:
                spent, floor_spent = spent + seconds, floor_spent + raw
    finally:
        await poller.aclose()
    return spent, floor_spent


class _Floor:
    """The rows that the program made, written again by `executemany` alone, full text explicitly."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = sqlite3.connect(source)
        self._target = sqlite3.connect(target, isolation_level=None)
        self._target.executescript(WRITER_PRAGMAS + "PRAGMA synchronous=NORMAL")
        self._last = {table: self._newest(table, key) for table, key in TABLES.items()}
        self._columns = {table: [r[1] for r in self._source.execute(f"PRAGMA table_info({table})")] for table in TABLES}

    def _newest(self, table: str, key: str) -> int:
        # Of two columns `max` is the greater one, around it is the greatest of all rows.
        return int(self._source.execute(f"SELECT coalesce(max({key}), 0) FROM {table}").fetchone()[0])

    def copy_slice(self) -> float:
        """Write what the program wrote since the last time; the seconds that the writing took."""
        parts = self._parts()
        inserts = {
            table: f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            for table, columns in self._columns.items()
        }
        started = time.perf_counter()
        for part in parts:
            self._target.execute("BEGIN IMMEDIATE")
            for table, values in part.items():
                self._target.executemany(inserts[table], values)
            self._target.execute(
                "INSERT INTO messages_fts (rowid, text, who, subject)"
                " SELECT id, text, who, subject FROM messages WHERE id BETWEEN ? AND ? ORDER BY id",
                (part["messages"][0][0], part["messages"][-1][0]),
            )
            self._target.execute("COMMIT")
        return time.perf_counter() - started

    def _parts(self) -> list[Mapping[str, list[Any]]]:
        """The new rows in transactions of as many messages as the program's have, each row with what it needs."""
        new = {table: self._new(table) for table in TABLES}
        case, person = (self._columns["messages"].index(name) for name in ("case_id", "person_id"))
        parts: list[Mapping[str, list[Any]]] = []
        messages = [row for _, row in new["messages"]]
        for start in range(0, len(messages), CHUNK):
            block = messages[start : start + CHUNK]
            ends = dict.fromkeys(("messages", "media"), block[-1][0])
            ends["persons"] = max([self._last["persons"], *(m[person] or 0 for m in block)])
            newest_case = max([self._last["cases"], *(m[case] or 0 for m in block)])
            ends |= dict.fromkeys(("cases", "case_links", "case_flags"), newest_case)
            ends["events"] = new["events"][(start + len(block)) * len(new["events"]) // len(messages) - 1][0]
            ends["event_notes"] = ends["events"]
            said = new["said_texts"]
            ends["said_texts"] = said[(start + len(block)) * len(said) // len(messages) - 1][0]
            part: dict[str, list[Any]] = {}
            for table in TABLES:
                end = max(self._last[table], ends[table])
                part[table] = [row for key, row in new[table] if self._last[table] < key <= end]
                self._last[table] = end
            parts.append(part)
        return parts

    def _new(self, table: str) -> list[tuple[int, tuple[Any, ...]]]:
        """The rows of a table that came since the last time, with what they are sorted by."""
        key, columns = TABLES[table], ", ".join(self._columns[table])
        found = self._source.execute(
            f"SELECT {key}, {columns} FROM {table} WHERE {key} > ? ORDER BY {key}", (self._last[table],)
        )
        return [(row[0], row[1:]) for row in found]

    def close(self) -> None:
        """Close both files."""
        self._source.close()
        self._target.close()
