"""Opening a view, searching, and what an officer's keys cost at any size of the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks import council, stores
from benchmarks.measure import turns
from benchmarks.report import Row, milliseconds
from socialtriage.domain.models import Urgency
from socialtriage.domain.views import Query
from socialtriage.services import inbox, triage
from socialtriage.services.desk import Desk, open_desk
from socialtriage.store.search import match

PAGE = 50
WORD = "street"


def desk_on(path: Path) -> Desk:
    """A desk on a store of the generator, at the hour at which its history ends."""
    return open_desk(council.config(), path, officer="JS", clock=lambda: council.NOW)


def opening(size: int) -> Row:
    """Opening the queue against the raw query for its ids and one page of rows."""
    path = stores.store(stores.usual(size))
    with closing(desk_on(path)) as desk, closing(sqlite3.connect(path)) as raw:

        def floor() -> None:
            sql = "SELECT id FROM cases WHERE lane < 5 AND lane = 0 ORDER BY pressing, due_sort, id"
            ids = [row[0] for row in raw.execute(sql)][:PAGE]
            marks = ",".join("?" * len(ids))
            raw.execute(
                "SELECT c.*, p.handle, p.name FROM cases c JOIN persons p ON p.id = c.person_id"
                f" WHERE c.id IN ({marks})",
                ids,
            ).fetchall()

        def program() -> None:
            inbox.rows(desk, inbox.snapshot(desk, Query())[:PAGE])

        low, high = turns(floor, program)
        shown = len(inbox.snapshot(desk, Query()))
    return Row(f"opening a queue of {shown:,}", size, milliseconds(low), milliseconds(high), high / low, 3.0)


def search(size: int) -> Row:
    """The first fifty hits, newest first, against the raw full-text query."""
    path = stores.store(stores.usual(size))
    with closing(desk_on(path)) as desk, closing(sqlite3.connect(path)) as raw:
        expression = match(f"{WORD} ") or ""

        def floor() -> None:
            raw.execute(
                "SELECT f.rowid, m.case_id FROM messages_fts f JOIN messages m ON m.id = f.rowid"
                " WHERE messages_fts MATCH ? ORDER BY f.rowid DESC LIMIT ?",
                (expression, PAGE),
            ).fetchall()

        def program() -> None:
            next(desk.store.search.case_ids(expression, page=PAGE))

        low, high = turns(floor, program)
    return Row("search, first 50 newest first", size, milliseconds(low), milliseconds(high), high / low, 1.5)


def growth(small: int, large: int) -> list[Row]:
    """What an officer does, at two sizes of the store: the larger against the smaller."""
    names = ("page", "case whole", "tag", "undo", "counts", "search")
    times: dict[int, list[float]] = {}
    for size in (small, large):
        # The same number of open cases: what grows is the archive behind them.
        path = stores.store(stores.Plan(f"{size}-same-queue", size, min(500, small // 20)))
        with closing(desk_on(path)) as desk:
            times[size] = turns(*_actions(desk), rounds=9)
    rows = []
    for place, name in enumerate(names):
        low, high = times[small][place], times[large][place]
        what = f"growth of: {name}, from {small:,}"
        rows.append(Row(what, large, milliseconds(low), milliseconds(high), high / low, 2.0))
    return rows


def _actions(desk: Desk) -> list[Callable[[], object]]:
    ids = inbox.snapshot(desk, Query())
    target = int(ids[len(ids) // 2])
    turn = iter(range(10**9))

    def tag() -> None:
        triage.tag(desk, [target], urgency=Urgency.LOW if next(turn) % 2 else Urgency.URGENT)

    def undo() -> None:
        tag()
        triage.undo(desk)

    return [
        lambda: inbox.rows(desk, ids[:PAGE]),
        lambda: inbox.detail(desk, target),
        tag,
        undo,
        lambda: inbox.counts(desk),
        lambda: next(desk.store.search.case_ids(match(f"{WORD} ") or "", page=PAGE)),
    ]
