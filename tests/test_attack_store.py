"""A store in the wrong place, under somebody's hands, or of somebody else."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from socialtriage.domain.errors import StoreError
from socialtriage.services import contacts, inbox, triage
from socialtriage.store.store import Store
from tests.doubles.desk import MONDAY, arrive, case_ids, message, small_desk, the_case


@pytest.mark.parametrize("user_version", [0, 1, 77])
def test_the_database_of_another_program_is_left_as_it_is(tmp_path: Path, user_version: int) -> None:
    path = tmp_path / "places.sqlite"
    theirs = sqlite3.connect(path)
    theirs.execute("CREATE TABLE places (url TEXT)")
    theirs.execute(f"PRAGMA user_version={user_version}")
    theirs.commit()
    theirs.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_written_into_a_store_that_was_taken_away(tmp_path: Path, replaced: bool) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("My bin was missed", "1"))
    case = the_case(desk)
    for name in ("desk.db", "desk.db-wal", "desk.db-shm"):
        (tmp_path / name).rename(tmp_path / f"away-{name}")
    if replaced:
        Store(tmp_path / "desk.db").close()
    with pytest.raises(StoreError, match="moved, replaced or deleted"):
        triage.tag(desk, [case], area="waste")
    with pytest.raises(StoreError, match="moved, replaced or deleted"):
        inbox.data_version(desk)
    desk.close()
    if replaced:
        again = small_desk(tmp_path)
        assert case_ids(again, "all") == []
        again.close()


def test_a_store_that_cannot_be_watched_says_so_in_a_sentence(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    desk.store._db._watch = sqlite3.connect(tmp_path / "desk.db")
    desk.store._db._watch.close()
    with pytest.raises(StoreError):
        inbox.data_version(desk)
    desk.close()


@pytest.mark.parametrize(
    "change", ["case_id = 2 WHERE seq = 1", "case_id = NULL WHERE seq = 1", "case_id = 1 WHERE kind = 'contact.away'"]
)
def test_an_event_that_was_put_to_another_case_is_found(tmp_path: Path, change: str) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("one", "1", author="Ada"), message("two", "2", author="Bob"))
    contacts.away(desk, "waste-team", MONDAY.date())
    triage.claim(desk, case_ids(desk))
    assert desk.store.log.verify().fault is None
    raw = sqlite3.connect(desk.store.path)
    raw.execute("DROP TRIGGER events_no_update")
    raw.execute(f"UPDATE events SET {change}")  # noqa: S608
    raw.commit()
    raw.close()
    assert "another case" in (desk.store.log.verify().fault or "")
    desk.close()
