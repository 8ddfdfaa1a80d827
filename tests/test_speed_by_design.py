"""What speed rests on, held by looking at plans, statements and imports; no test measures a time."""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.config.example import example_text
from socialtriage.config.load import parse
from socialtriage.config.remembered import recall, remember
from socialtriage.domain.models import Author
from socialtriage.domain.views import Query
from socialtriage.services import inbox, triage
from socialtriage.services.desk import Desk
from tests.doubles.desk import MONDAY, FrozenClock, arrive, case_ids, message, person, small_desk
from tests.doubles.ui_desk import Officer, at_the_desk

ROOT = Path(__file__).resolve().parents[1]
LATER: tuple[str, ...] = (
    "httpx",
    "keyring",
    "sqlite_utils",
    "authlib",
    "imapclient",
    "holidays",
    "stamina",
    "tomlkit",
    "PIL",
)
LATER += ("click", "tomllib", "socialtriage.store.schema", "socialtriage.domain.markup")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=FrozenClock(MONDAY + timedelta(minutes=5)))
    for number in range(150):
        arrive(desk, message(f"My bin {number}", f"m{number}", author=_author(number)))
    yield desk
    desk.close()


def _author(number: int) -> Author:
    return person(f"Resident {number}")


def plans(desk: Desk, query: Query) -> list[str]:
    """How SQLite goes about what a query asks."""
    connection, said = desk.store._db.reader, []
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    inbox.snapshot(desk, query)
    connection.set_trace_callback(None)
    for statement in statements:
        if statement.lstrip().upper().startswith("SELECT"):
            said += [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    return said


@pytest.mark.parametrize("view", ["queue", "waiting", "tell"])
def test_a_view_of_open_cases_is_one_walk_along_its_index(desk: Desk, view: str) -> None:
    steps = plans(desk, Query(view=view))
    assert steps
    assert all("INDEX cases_pressing" in step or step.startswith("SEARCH") for step in steps), steps
    assert not any("TEMP B-TREE" in step or re.match(r"SCAN \w+$", step) for step in steps), steps


def test_an_accounts_habit_is_read_along_an_index_however_many_messages_it_has(desk: Desk) -> None:
    connection, seen = desk.store._db.reader, list[str]()
    connection.set_trace_callback(seen.append)
    assert len(desk.store.accounts.arrivals("town-mastodon")) == 60
    connection.set_trace_callback(None)
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {seen[-1]}")]
    assert steps == ["SEARCH messages USING INDEX messages_arrivals (account=?)"]


def test_a_page_of_cases_is_one_statement_however_many_there_are(desk: Desk) -> None:
    ids = case_ids(desk)[:100]
    counts = []
    for size in (10, 100):
        seen: list[str] = []
        desk.store._db.reader.set_trace_callback(seen.append)
        inbox.rows(desk, ids[:size])
        desk.store._db.reader.set_trace_callback(None)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 3, counts


def test_tagging_a_hundred_cases_costs_a_bounded_number_of_statements_a_case(desk: Desk) -> None:
    ids = case_ids(desk)[:100]
    seen: list[str] = []
    desk.store._db._writer.set_trace_callback(seen.append)
    triage.tag(desk, ids, area="waste")
    desk.store._db._writer.set_trace_callback(None)
    assert len(seen) < 10 + 5 * len(ids)


def test_intake_writes_full_text_rows_itself_and_no_trigger_does(desk: Desk) -> None:
    triggers = [row[0] for row in desk.store._db.all("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
    assert not any("messages_fts" in sql for sql in triggers)
    assert not desk.store.search.differs()


def test_the_first_frame_loads_nothing_that_it_does_not_show(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(example_text(), encoding="utf-8")
    script = (ROOT / "tests" / "doubles" / "first_frame.py").read_text()
    for _ in range(2):  # the first makes the store and remembers the configuration
        done = subprocess.run(
            [sys.executable, "-c", script, str(config), str(tmp_path / "desk.db"), *LATER],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "", "TERM": "xterm"},
        )
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_after_the_first_frame_the_collector_leaves_alone_what_stays(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.until(lambda: gc.get_freeze_count() > 0)
        assert gc.isenabled()

    gc.unfreeze()
    at_the_desk(desk, story)
    gc.unfreeze()


def test_a_remembered_configuration_stands_for_the_same_text_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socialtriage.config.paths.cache_folder", lambda: tmp_path / "cache")
    path, text = tmp_path / "config.toml", example_text()
    path.write_text(text, encoding="utf-8")
    assert recall(path) is None
    remember(path, path.read_bytes(), parse(text))
    assert recall(path) == parse(text)
    path.write_text(text + "\n# another word\n", encoding="utf-8")
    assert recall(path) is None
    path.write_text(text, encoding="utf-8")
    [kept] = (tmp_path / "cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:-5])
    assert recall(path) is None


def test_intake_takes_shorter_turns_while_others_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from socialtriage.services import intake

    desk, other = small_desk(tmp_path), small_desk(tmp_path, officer="MK")
    sizes: list[int] = []

    def seen(desk: Desk, account: object, part: list[object]) -> object:
        sizes.append(len(part))
        return desk.suggester.suggest

    monkeypatch.setattr(intake, "_ahead", seen)

    def hundred(start: int) -> None:
        arrive(desk, *(message(f"bin {n}", f"m{n}", author=_author(n)) for n in range(start, start + 100)))

    hundred(0)
    triage.note(other, case_ids(other)[0], "another officer is at work")
    hundred(100)
    other.close()
    desk.close()
    assert sizes == [100, 40, 40, 20]
