"""From inside: two windows that upgrade one store, words that outlive their person, signals, words that are no text."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.cli.start import run
from socialtriage.domain.cases import Case
from socialtriage.domain.errors import Refused, UsageError
from socialtriage.domain.models import Outcome, Status
from socialtriage.services import grouping, handoff, inbox, needs, people, promises, restricting, triage
from tests.doubles.desk import FrozenClock, arrive, case_ids, message, person, small_desk
from tests.doubles.shell import Shell

NAME = "Zebulonia"


def left(store: Path, word: str) -> list[str]:
    """Where a word still stands, in the rows or anywhere in the file."""
    found = []
    with closing(sqlite3.connect(store)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = connection.execute("SELECT * FROM " + table).fetchall()  # noqa: S608 - the names of our tables
            if word in str(rows):
                found.append(table)
    return found + (["the file"] if word.encode() in store.read_bytes() else [])


def test_why_two_cases_are_linked_is_forgotten_in_the_log_of_both(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("one", "1", author=person(NAME)), message("two", "2", author="Otto"))
    arrive(desk, message("three", "3", author="Pia"))
    theirs, other, third = sorted(case_ids(desk))
    grouping.link(desk, theirs, other, f"{NAME} lives next door")
    grouping.link(desk, other, third, "one street")
    people.erase(desk, "zebulonia@social.example", anyway=True)
    assert desk.store.log.verify().fault is None
    assert "one street" in [event.note for event in desk.store.log.of_case(other)]
    desk.close()
    assert left(desk.store.path, NAME) == []


def test_a_letter_that_a_merge_took_along_is_forgotten_with_who_it_was_about(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("Bins", "1", author="Otto"), message(f"My name is {NAME}", "2", author=person(NAME)))
    kept, erased = sorted(case_ids(desk))
    triage.tag(desk, [kept, erased], area="waste")
    needs.note(desk, kept, "day", "Monday")
    needs.note(desk, erased, "name", NAME)
    handoff.queue(desk, handoff.prepare(desk, erased, note=f"Please ring {NAME}"))
    people.link(desk, "otto@social.example", "zebulonia@social.example")
    grouping.merge(desk, [erased], kept)
    assert dict(desk.store.cases.get(kept).facts) == {"day": "Monday", "name": NAME}
    # They are two people after all.
    people.unlink(desk, "zebulonia@social.example")
    people.erase(desk, "zebulonia@social.example", anyway=True)
    assert dict(desk.store.cases.get(kept).facts) == {"day": "Monday"}
    assert desk.store.log.verify().fault is None
    desk.close()
    assert left(desk.store.path, NAME) == []


def old_store(path: Path) -> None:
    """A store as the first version made it."""
    from sqlite_utils import Database as Tool

    from socialtriage.store.schema import migrations

    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        migrations.apply(Tool(raw, execute_plugins=False), stop_before="m002_conversation_and_record")
        raw.execute("PRAGMA user_version=1")


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("PRAGMA user_version").fetchone()[0])


def test_windows_that_begin_at_once_after_an_update_all_open_and_one_copy_is_kept(tmp_path: Path) -> None:
    store = tmp_path / "desk.db"
    old_store(store)
    code = "from socialtriage.store.database import Database as D; D(__import__('pathlib').Path({0!r})).close()"
    line = [sys.executable, "-c", code.format(str(store))]
    begun = [subprocess.Popen(line, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    ended = [(each.communicate(timeout=60)[1], each.returncode) for each in begun]
    assert ended == [("", 0)] * 4
    assert version_of(store) == 2
    [copy] = tmp_path.glob("*.before-2-*")
    assert version_of(copy) == 1
    assert list(tmp_path.glob(".*before*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such signals")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP"])
def test_an_inbox_that_is_told_to_end_gives_the_terminal_back(tmp_path: Path, number: str) -> None:
    from tests.doubles.terminal import Terminal

    shell = Shell(tmp_path)
    shell.ok("new", "--person", "Ada", "--text", "bin")
    with Terminal([sys.executable, "-m", "socialtriage"], shell.environment) as terminal:
        terminal.wait_for("Ada", "enter open")
        os.kill(terminal.pid, getattr(signal, number))
        assert terminal.wait_for_end() == 0
        assert terminal.raw.rfind(b"\x1b[?1049l") > terminal.raw.rfind(b"\x1b[?1049h")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["person", "find", "\udcff\udc80"], 2, "not text"),
        (["live", "\udcff", "--passes", "1"], 2, "not text"),
        (["list", "\x1b]0;pwn\x07\u202e"], 2, "unexpected extra argument"),
        (["backup", "\x1b]0;pwn\x07"], 0, ""),
    ],
)
def test_words_that_are_no_text_or_steer_the_terminal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    said: str,
) -> None:
    shell = Shell(tmp_path)
    monkeypatch.setenv("SOCIALTRIAGE_CONFIG", str(shell.config))
    monkeypatch.setenv("SOCIALTRIAGE_STORE", str(shell.store))
    monkeypatch.chdir(tmp_path)
    assert run(words) == status
    told = capsys.readouterr()
    assert said in told.err
    assert "fault" not in told.err
    assert not {"\x1b", "\x07", "\u202e"} & set(told.out + told.err)


@pytest.mark.parametrize("seed", [3, 8])
def test_what_is_taken_back_is_as_it_was_and_the_log_stays_whole(tmp_path: Path, seed: int) -> None:
    """Sixty steps by chance over everything that groups, flags and promises; each that can be is undone and redone."""
    chance, clock = random.Random(seed), FrozenClock()
    desk = small_desk(tmp_path, clock=clock)
    for number in range(9):
        thread = f"t{number // 2}"
        who = ("Ada", "Bob", "Cy")[number // 3]
        arrive(desk, message(f"My bin was missed {number}", f"m{number}", author=who, thread=thread))
    people.link(desk, "ada@social.example", "bob@social.example")

    def some() -> int:
        return chance.choice(case_ids(desk, "all"))

    def split() -> object:
        case = some()
        said = [each.id for each in inbox.detail(desk, case).messages]
        return grouping.split(desk, case, chance.sample(said, min(1, len(said))))

    steps: list[Callable[[], object]] = [
        lambda: grouping.merge(desk, [some()], some()),
        split,
        lambda: restricting.restrict(desk, [some()]),
        lambda: restricting.unrestrict(desk, [some()]),
        lambda: needs.note(desk, some(), "day", chance.choice(["Monday", ""])),
        lambda: promises.promise(desk, [some()], clock() + timedelta(hours=5)),
        lambda: triage.tag(desk, [some()], area=chance.choice(["waste", "roads", ""])),
        lambda: triage.close(desk, [some()], Outcome.ANSWERED),
        lambda: triage.reopen(desk, [some()]),
    ]

    def as_it_is() -> dict[int, Case]:
        return {each: replace(desk.store.cases.get(each), version=0) for each in case_ids(desk, "all")}

    done = 0
    for _ in range(60):
        clock.move(minutes=1)
        before, last = as_it_is(), desk.store.undo.last(desk.seat)
        try:
            chance.choice(steps)()
        except (Refused, UsageError):
            continue
        if desk.store.undo.last(desk.seat) == last:
            continue
        done, after = done + 1, as_it_is()
        triage.undo(desk)
        again = as_it_is()
        assert {each: again[each] for each in before} == before
        # What a split opened and its undo emptied stays as a closed case: its reference may be in a letter already.
        assert all(again[each].status is Status.CLOSED and not again[each].messages for each in again.keys() - before)
        if chance.random() < 0.7:
            triage.redo(desk)
            assert as_it_is() == after
    assert done > 15
    assert desk.store.log.verify().fault is None
    desk.close()


def test_who_closes_the_store_first_takes_nothing_from_those_who_have_it_open(tmp_path: Path) -> None:
    store = tmp_path / "desk.db"
    small_desk(tmp_path).close()
    desk = small_desk(tmp_path)
    arrive(desk, message("before", "1"))
    code = (
        f"from socialtriage.store.database import Database as D; D(__import__('pathlib').Path({str(store)!r})).close()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    # The other program knows that it was not the last one: the log of this one is in its place.
    assert store.with_name("desk.db-wal").exists()
    arrive(desk, message("after", "2", author="Otto"))
    with closing(sqlite3.connect(store)) as another:
        assert another.execute("SELECT count(*) FROM messages").fetchone() == (2,)
    desk.close()
