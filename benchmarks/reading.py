"""Reading: opening a view and searching, against the raw queries; and how everything grows with the store."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
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
from socialtriage.store.database import READER_PRAGMAS
from socialtriage.store.rows import ROW_COLUMNS

PAGE = 50
"""Rows that a screen shows at first."""
WHOLE, BEGINNING = f"{council.COMMON} ", council.COMMON[:4]
"""What is searched: a word, and one that is not finished."""
_IDS = "SELECT id FROM cases WHERE lane < 5 AND lane = 0 ORDER BY pressing, due_sort, id"
_ROWS = f"SELECT {ROW_COLUMNS} FROM cases c JOIN persons p ON p.id = c.person_id WHERE c.id IN ({{}})"
_SEARCH = (
    "SELECT f.rowid, m.case_id FROM messages_fts f JOIN messages m ON m.id = f.rowid"
    " WHERE messages_fts MATCH ? ORDER BY f.rowid DESC LIMIT ?"
)


def _desk(path: Path) -> Desk:
    return open_desk(council.config(), path, officer="JS", clock=lambda: council.NOW)


def _raw(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.executescript(READER_PRAGMAS)
    return connection


def opening(sizes: list[int]) -> list[Row]:
    """Opening the queue, at each size."""
    found = []
    for size in sizes:
        path = stores.store(stores.usual(size))
        with closing(_desk(path)) as desk, closing(_raw(path)) as raw:
            found.append(_opening(desk, raw, size))
    return found


def _opening(desk: Desk, raw: sqlite3.Connection, size: int) -> Row:
    def floor() -> None:
        first = [row[0] for row in raw.execute(_IDS)][:PAGE]
        raw.execute(_ROWS.format(",".join("?" * len(first))), first).fetchall()

    def program() -> None:
        inbox.rows(desk, inbox.snapshot(desk, Query())[:PAGE])

    count = len(inbox.snapshot(desk, Query()))
    return _row(f"opening a view of {count:,} open cases", size, turns(floor, program), 3)


def searching(sizes: list[int]) -> list[Row]:
    """The first hits of a search, newest first, at each size."""
    found = []
    for size in sizes:
        path = stores.store(stores.usual(size))
        with closing(_desk(path)) as desk, closing(_raw(path)) as raw:
            words = (WHOLE, BEGINNING) if size == sizes[-1] else (WHOLE,)
            found += [_searching(desk, raw, size, word) for word in words]
    return found


def _searching(desk: Desk, raw: sqlite3.Connection, size: int, word: str) -> Row:
    expression = f'"{word.strip()}"' + ("" if word.endswith(" ") else "*")
    hits = raw.execute("SELECT count(*) FROM messages_fts WHERE messages_fts MATCH ?", (expression,)).fetchone()[0]
    query = Query(view="all", text=word)
    # So many of the newest hits are in fifty different cases.
    newest = [row[1] for row in raw.execute(_SEARCH, (expression, hits))]
    limit = next((n for n in range(len(newest)) if len(set(newest[:n])) == PAGE), len(newest))
    times = turns(
        lambda: raw.execute(_SEARCH, (expression, limit)).fetchall(), lambda: inbox.snapshot(desk, query, PAGE)
    )
    shown = "a word" if word.endswith(" ") else "the beginning of a word"
    return _row(f"search for {shown}, first {min(PAGE, hits)} of {hits:,} hits", size, times, 1.5)


def _row(what: str, size: int, times: list[float], goal: float) -> Row:
    floor, program = times
    return Row(what, size, milliseconds(floor), milliseconds(program), program / floor, goal)


# --- growth ---------------------------------------------------------------------------------------------------


def growth(largest: int) -> list[Row]:
    """Every interactive action on a small and on the largest store, with equally long queues."""
    small, large = stores.store(stores.BUSY), stores.store(stores.usual(largest))
    with tempfile.TemporaryDirectory(dir=stores.folder()) as folder:
        paths = Path(folder) / "small.db", Path(folder) / "large.db"
        for source, path in zip((small, large), paths, strict=True):
            shutil.copyfile(source, path)
        desks = [_desk(path) for path in paths]
        pairs = zip(*(_actions(desk) for desk in desks), strict=True)
        found = [
            _row(f"growth of {name} from {stores.BUSY.messages:,} messages", largest, turns(first, second), 2)
            for (name, first), (_, second) in pairs
        ]
        for desk in desks:
            desk.close()
    return found


def _actions(desk: Desk) -> list[tuple[str, Callable[[], object]]]:
    ids = inbox.snapshot(desk, Query())
    # Cases of the same shape in both stores: one message, and nothing done with them yet.
    plain = [row.id for row in inbox.rows(desk, ids[:4000]) if row.messages == 1 and row.status == "new"]
    turn = iter(range(10**9))

    def tag() -> None:
        number = next(turn)
        case_id = plain[number % len(plain)]
        triage.tag(desk, [case_id], urgency=list(Urgency)[number // len(plain) % 2 + 2], area="waste")

    def tag_and_undo() -> None:
        tag()
        triage.undo(desk)

    # A word of so many messages that a search shows as many cases in both stores.
    words, in_queue = Query(view="all", text="tax "), Query(text="tax ")
    ref = inbox.rows(desk, [plain[0]])[0].ref
    return [
        ("opening the queue", lambda: inbox.snapshot(desk, Query())),
        ("a page of rows", lambda: inbox.rows(desk, ids[2000 : 2000 + PAGE])),
        ("a case whole", lambda: inbox.detail(desk, plain[next(turn) % len(plain)])),
        ("tagging a case", tag),
        ("tagging and undoing", tag_and_undo),
        ("the first hits of a search", lambda: inbox.snapshot(desk, words, limit=PAGE)),
        ("a search of everything", lambda: inbox.snapshot(desk, words)),
        ("a search in the queue", lambda: inbox.snapshot(desk, in_queue)),
        ("looking up a reference", lambda: inbox.find(desk, ref)),
        ("counting for the sidebar", lambda: inbox.counts(desk)),
        ("a filter by area", lambda: inbox.snapshot(desk, Query(area="waste"))),
    ]
