"""Intake: network items from JSON to cases, against raw `executemany` of the rows that come out, slice by slice."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from benchmarks import council, network, stores
from benchmarks.report import Row
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.http import Budget, Http
from socialtriage.channels.registry import create
from socialtriage.domain.models import Page
from socialtriage.services.desk import Desk, open_desk
from socialtriage.services.intake import CHUNK, take_in
from socialtriage.services.sync import StoreKnown
from socialtriage.store.database import WRITER_PRAGMAS

ITEMS = 50_000
SLICE = 2_500
"""Items after which floor and program take turns."""
TABLES = {
    "persons": "id",
    "cases": "id",
    "messages": "id",
    "case_links": "b",
    "media": "message_id",
    "events": "seq",
}
"""The tables that intake fills, and the number by which their rows follow each other."""


def rows(sizes: list[int], items: int = ITEMS) -> list[Row]:
    """Intake into a new store, and into stores of each size."""
    entries = network.notifications(items, council.NOW)
    return [_row(size, entries) for size in (0, *sizes)]


def _row(size: int, entries: list[bytes]) -> Row:
    with tempfile.TemporaryDirectory(dir=stores.folder()) as folder:
        desk, floor = _desks(Path(folder), size)
        try:
            spent, floor_spent = asyncio.run(_run(desk, floor, entries))
            if desk.store.search.differs():
                raise AssertionError("messages and full text differ")
        finally:
            desk.close()
    rate, floor_rate = len(entries) / spent, len(entries) / floor_spent
    what = f"intake of {len(entries):,} items into the store"
    return Row(what, size, f"{floor_rate:,.0f}/s", f"{rate:,.0f}/s", rate / floor_rate, 0.35, more_is_better=True)


def _desks(folder: Path, size: int) -> tuple[Desk, Path]:
    """The program's desk, and a store of the same content for the floor."""
    paths = folder / "desk.db", folder / "floor.db"
    for path in paths:
        if size:
            shutil.copyfile(stores.store(stores.usual(size)), path)
        desk = open_desk(council.config(), path, officer="JS", clock=lambda: council.NOW)
        if path is paths[1]:
            desk.close()
    return open_desk(council.config(), paths[0], officer="JS", clock=lambda: council.NOW), paths[1]


async def _run(desk: Desk, floor: Path, entries: list[bytes]) -> tuple[float, float]:
    """Seconds of the program and of the floor."""
    with closing(_Floor(desk.store.path, floor)) as raw:
        account = desk.account(council.ACCOUNTS[0])
        with desk.store.transaction("bench", desk.clock()) as tx:
            tx.accounts.ensure(account.id, account.network, account.handle or "")
        cursor = None
        # The first look meets a server with one notification; then all the others have arrived at once.
        async for page in _pages(desk, network.Mastodon(entries[:1]), None):
            take_in(desk, account, page)
            cursor = page.cursor
        raw.copy_slice()
        spent = floor_spent = 0.0
        since, taken = time.perf_counter(), 0
        async for page in _pages(desk, network.Mastodon(entries), cursor):
            taken += take_in(desk, account, page).new
            if taken >= SLICE:
                spent += time.perf_counter() - since
                floor_spent += raw.copy_slice()
                since, taken = time.perf_counter(), 0
        spent += time.perf_counter() - since
        return spent, floor_spent + raw.copy_slice()


async def _pages(desk: Desk, server: network.Mastodon, cursor: str | None) -> AsyncIterator[Page]:
    account = desk.account(council.ACCOUNTS[0])
    channel = create(
        ChannelContext(
            account=account,
            secret=network.FixedSecret(),
            http=cast(Http, network.Wire(server)),
            budget=Budget(3600.0),
            known=StoreKnown(desk, account.id),
            clock=desk.clock,
        )
    )
    async for page in channel.fetch(cursor, council.NOW - timedelta(days=10)):
        yield page


class _Floor:
    """The rows that the program made, written again by `executemany` alone, full text explicitly."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = sqlite3.connect(source)
        self._target = sqlite3.connect(target, isolation_level=None)
        self._target.executescript(WRITER_PRAGMAS + "PRAGMA synchronous=NORMAL")
        self._last = {table: self._newest(table, key) for table, key in TABLES.items()}
        self._columns = {table: [r[1] for r in self._source.execute(f"PRAGMA table_info({table})")] for table in TABLES}

    def _newest(self, table: str, key: str) -> int:
        return int(self._source.execute(f"SELECT coalesce(max({key}), 0) FROM {table}").fetchone()[0])

    def copy_slice(self) -> float:
        """Write what the program wrote since the last time; the seconds that the writing took."""
        parts = self._parts()
        inserts = {
            table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"
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
        new = {
            table: self._source.execute(
                f"SELECT * FROM {table} WHERE {key} > ? ORDER BY {key}", (self._last[table],)
            ).fetchall()
            for table, key in TABLES.items()
        }
        places = {table: self._columns[table].index(key) for table, key in TABLES.items()}
        case, person = (self._columns["messages"].index(name) for name in ("case_id", "person_id"))
        parts: list[Mapping[str, list[Any]]] = []
        messages = new["messages"]
        for start in range(0, len(messages), CHUNK):
            block = messages[start : start + CHUNK]
            ends = {table: block[-1][0] for table in ("messages", "media")}
            ends["persons"] = max([self._last["persons"], *(m[person] or 0 for m in block)])
            ends["cases"] = ends["case_links"] = max([self._last["cases"], *(m[case] or 0 for m in block)])
            share = (start + len(block)) / len(messages)
            ends["events"] = new["events"][int(share * len(new["events"])) - 1][places["events"]]
            part: dict[str, list[Any]] = {}
            for table in TABLES:
                end = max(self._last[table], ends[table])
                part[table] = [r for r in new[table] if self._last[table] < r[places[table]] <= end]
                self._last[table] = end
            parts.append(part)
        return parts

    def close(self) -> None:
        """Close both files."""
        self._source.close()
        self._target.close()
