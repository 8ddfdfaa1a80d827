"""The store's write-ahead log is moved into its file beside the writing."""

from __future__ import annotations

import contextlib
from pathlib import Path

from socialtriage.services.tidying import EVERY, Tidying
from tests.doubles.desk import arrive, message, small_desk


def test_what_was_taken_in_gets_into_the_file_without_any_commit_doing_it(tmp_path: Path) -> None:
    with contextlib.closing(small_desk(tmp_path)) as desk:
        arrive(desk, *(message(f"Bin number {n} was missed", str(n)) for n in range(60)))
        file = tmp_path / "desk.db"
        before = file.read_bytes()
        tidying = Tidying(desk.store)
        tidying.took(EVERY - 1)
        assert file.read_bytes() == before
        tidying.took(1)
        tidying.close()
        assert b"Bin number 59 was missed" in file.read_bytes()


def test_a_log_that_cannot_be_moved_disturbs_nobody(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    tidying = Tidying(desk.store)
    desk.close()
    tidying.took(EVERY)
    tidying.close()
