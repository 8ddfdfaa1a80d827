"""The store: short exclusive writes, migrations, leases, the chain of the log, and every way a file can be bad."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.domain.errors import StoreError
from socialtriage.store.database import SCHEMA_VERSION, Database
from socialtriage.store.leases import LONGEST
from socialtriage.store.log import NewEvent
from socialtriage.store.search import match
from socialtriage.store.store import Store
from tests.doubles.desk import MONDAY, arrive, message, small_desk


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "desk.db")
    yield store
    store.close()


def log_some(store: Store, number: int = 5) -> None:
    for n in range(number):
        with store.transaction("JS", MONDAY + timedelta(seconds=n)) as tx:
            tx.log(NewEvent("test.event", detail={"n": n}, note=f"note {n}"))


def tamper(store: Store, sql: str) -> None:
    """What somebody with the file and an editor could do."""
    raw = sqlite3.connect(store.path)
    raw.execute("DROP TRIGGER IF EXISTS events_no_update")
    raw.execute("DROP TRIGGER IF EXISTS events_no_delete")
    raw.execute(sql)
    raw.commit()
    raw.close()


def test_a_new_store_is_private_and_up_to_date(store: Store) -> None:
    if os.name == "posix":
        assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    raw = sqlite3.connect(store.path)
    assert raw.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    assert raw.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    names = {r[0] for r in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    raw.close()
    assert {"accounts", "cases", "messages", "messages_fts", "outbox", "events", "leases", "undo_steps"} <= names


def test_the_schema_version_counts_the_migrations(store: Store) -> None:
    from sqlite_utils import Database as Tool

    from socialtriage.store.schema import migrations

    tool = Tool(str(store.path), execute_plugins=False)
    assert len(migrations.applied(tool)) == SCHEMA_VERSION
    assert migrations.pending(tool) == []
    tool.close()


def test_five_processes_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    code = f"from pathlib import Path; from socialtriage.store.store import Store; Store(Path({str(path)!r})).close()"
    runs = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(5)]
    assert [run.communicate()[1] for run in runs] == [""] * 5
    Store(path).close()


def test_the_log_cannot_be_changed(store: Store) -> None:
    log_some(store)
    raw = sqlite3.connect(store.path)
    again = (
        "REPLACE INTO events SELECT seq, at, 'X', case_id, ref, kind, detail, note_hash, hash FROM events WHERE seq = 1"
    )
    for sql in ("UPDATE events SET officer = 'X'", "DELETE FROM events WHERE seq = 1", again):
        with pytest.raises(sqlite3.IntegrityError, match="log cannot be changed"):
            raw.execute(sql)
    raw.close()
    assert store.log.verify().fault is None


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE events SET officer = 'XX' WHERE seq = 3", "Event 3"),
        ("UPDATE events SET detail = '{}' WHERE seq = 2", "Event 2"),
        ("UPDATE events SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 5", "Event 5"),
        ("DELETE FROM events WHERE seq = 3", "Event 3 is missing"),
        ("UPDATE events SET seq = CASE seq WHEN 2 THEN -3 ELSE seq END", "missing"),
        ("UPDATE event_notes SET text = 'another' WHERE seq = 4", "note of event 4"),
    ],
)
def test_verify_finds_what_was_altered_removed_or_moved(store: Store, sql: str, says: str) -> None:
    log_some(store)
    tamper(store, sql)
    fault = store.log.verify().fault
    assert fault is not None
    assert says.lower() in fault.lower() or "altered or moved" in fault


def test_a_noted_hash_proves_that_nothing_was_cut_off(store: Store) -> None:
    log_some(store)
    head = store.log.head()[1]
    log_some(store, 2)
    assert store.log.verify(expect=head).fault is None
    last = store.log.head()[1]
    tamper(store, "DELETE FROM events WHERE seq > 5")
    assert store.log.verify().fault is None
    cut = store.log.verify(expect=last).fault
    assert cut is not None
    assert "cut off" in cut


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def broken() -> None:
        with store.transaction("JS", MONDAY) as tx:
            tx.log(NewEvent("never"))
            tx.accounts.ensure("a", "mastodon", "")
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        broken()
    assert store.log.head()[0] == 0
    assert store.accounts.all() == {}


def test_a_writer_in_another_process_is_awaited_and_then_told_in_words(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store._db.patience = 0.05
    with pytest.raises(StoreError, match="busy"), store.transaction("JS", MONDAY):
        pass
    other.execute("ROLLBACK")
    other.close()
    log_some(store, 1)


def test_many_threads_write_and_read_without_a_lock_error(store: Store) -> None:
    faults: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                log_some(store, 1)
                store.log.head()
        except BaseException as exc:
            faults.append(exc)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert store.log.verify().events == 120


@pytest.mark.parametrize("content", [b"not a database at all, but text" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_store_is_recognised_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "desk.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|refused"):
        Store(path)
    assert path.read_bytes() == content


def test_a_store_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    Store(path).close()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version=99")
    raw.close()
    with pytest.raises(StoreError, match="newer"):
        Store(path)


def test_a_folder_or_an_unwritable_place_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="folder"):
        Store(tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(StoreError):
        Store(blocked / "below" / "desk.db")


def test_a_full_disk_loses_nothing_and_says_so(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    try:
        arrive(desk, message("before", "1"))
        pages = desk.store._db._writer.execute("PRAGMA page_count").fetchone()[0]
        desk.store._db._writer.execute(f"PRAGMA max_page_count={pages + 2}")
        items = [message(f"text {n} " + "x" * 500, f"m{n}", author=f"P{n}") for n in range(90)]
        with pytest.raises(StoreError, match="full"):
            arrive(desk, *items)
        desk.store._db._writer.execute("PRAGMA max_page_count=1000000")
        arrive(desk, *items)
        assert desk.store.cases.total() == (91, 91)
        assert desk.store.log.verify().fault is None
    finally:
        desk.close()


def test_data_version_changes_when_another_process_writes(store: Store) -> None:
    before = store.data_version()
    assert store.data_version() == before
    other = Store(store.path)
    log_some(other, 1)
    other.close()
    assert store.data_version() != before


def test_a_lease_is_one_processes_and_a_dead_one_loses_it_at_once(store: Store, tmp_path: Path) -> None:
    assert store.leases.take("poll", "JS", MONDAY, 60) is None
    assert store.leases.take("poll", "JS", MONDAY, 60) is None
    code = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from socialtriage.store.store import Store\n"
        f"s = Store(Path({str(store.path)!r})); now = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)\n"
        "h = s.leases.take('poll', 'MK', now, 60); print(h.officer if h else 'taken', flush=True)\n"
        "sys.stdin.read()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, input="", check=True)
    assert done.stdout.strip() == "JS"
    store.leases.give_back("poll")
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdin is not None
    assert other.stdout.readline().strip() == "taken"
    holder = store.leases.take("poll", "JS", MONDAY, 60)
    assert holder is not None
    assert (holder.officer, holder.pid) == ("MK", other.pid)
    other.kill()
    other.wait()
    other.stdin.close()
    other.stdout.close()
    assert store.leases.take("poll", "JS", MONDAY, 60) is None


def test_a_lease_of_another_host_ends_when_it_ends(store: Store) -> None:
    with store.transaction("x", MONDAY) as tx:
        tx._c.execute("INSERT INTO leases VALUES ('poll', 'elsewhere', 1, '', 'MK', ?)", ("2026-11-16T10:01:00.000Z",))
    held = store.leases.take("poll", "JS", MONDAY, 60)
    assert held is not None
    assert held.host == "elsewhere"
    assert store.leases.take("poll", "JS", MONDAY + timedelta(minutes=2), 60) is None


def test_a_clock_far_ahead_elsewhere_locks_nobody_out_for_longer_than_a_lease(store: Store) -> None:
    def renewed(at: str) -> None:
        with store.transaction("x", MONDAY) as tx:
            row = ("poll", "elsewhere", 1, "", "MK", at)
            tx._c.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?)", row)

    renewed("2031-01-01T00:00:00.000Z")
    assert store.leases.take("poll", "JS", MONDAY, 60) is not None
    # One that is alive renews it, by its own clock; then nobody else may have it.
    renewed("2031-01-01T00:00:30.000Z")
    assert store.leases.take("poll", "JS", MONDAY + timedelta(seconds=61), 60) is not None
    assert store.leases.take("poll", "JS", MONDAY + timedelta(seconds=120), 60) is not None
    assert store.leases.take("poll", "JS", MONDAY + timedelta(seconds=122), 60) is None
    # Whoever only asks who has it does not wait for ever either.
    store.leases.give_back("poll")
    renewed("2031-01-01T00:01:00.000Z")
    assert store.leases.holder("poll", MONDAY) is not None
    assert store.leases.holder("poll", MONDAY + timedelta(seconds=LONGEST + 1)) is None


@pytest.mark.parametrize(
    ("typed", "expression"),
    [
        ("bin", '"bin"*'),
        ("bin ", '"bin"'),
        ("missed bin", '"missed" "bin"*'),
        ('"missed bin" high', '"missed bin" "high"*'),
        ("don't", '"don t"*'),
        ("AND OR NOT", '"AND" "OR" "NOT"*'),
        ('")(*:', None),
        ("", None),
    ],
)
def test_search_words_never_become_search_syntax(typed: str, expression: str | None) -> None:
    assert match(typed) == expression


def test_any_search_text_is_safe(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    try:
        arrive(desk, message("the quick brown fox", "1"))
        rng = random.Random(7)
        for _ in range(300):
            text = "".join(rng.choice("ab \"'()*:^-~{}NEAR\x00ñ漢") for _ in range(rng.randrange(12)))
            expression = match(text)
            if expression is not None:
                list(desk.store.search.case_ids(expression))
    finally:
        desk.close()


def test_the_open_view_uses_its_index(tmp_path: Path) -> None:
    database = Database(tmp_path / "desk.db")
    plan = database.all(
        "EXPLAIN QUERY PLAN SELECT c.id FROM cases c WHERE c.lane < 5 AND c.lane = 0"
        " ORDER BY c.pressing, c.due_sort, c.id"
    )
    database.close()
    words = " ".join(str(row[3]) for row in plan)
    assert "cases_pressing" in words
    assert "TEMP B-TREE" not in words
