"""Backup and restore: proved while others write, never over anything unasked, nothing left half done."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from socialtriage.config.paths import media_folder
from socialtriage.domain.errors import Refused, StoreError
from socialtriage.domain.models import MediaItem
from socialtriage.domain.text import clean_line
from socialtriage.services import backup, handoff, inbox, record, triage
from socialtriage.services.desk import Desk
from socialtriage.store.database import explain
from socialtriage.store.keeping import Keeping
from socialtriage.store.log import NewEvent
from socialtriage.store.store import Store
from tests.doubles.desk import MONDAY, arrive, case_ids, message, small_desk
from tests.doubles.inside import Inside
from tests.doubles.shell import ROOT

PICTURE = MediaItem("image", clean_line("bin.jpg"), data=b"a picture of a bin")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "desk").mkdir()
    desk = small_desk(tmp_path / "desk")
    arrive(desk, message("My bin was missed", "1", media=(PICTURE,)), message("Pothole", "2", author="Bob"))
    yield desk
    desk.close()


def test_a_backup_holds_everything_is_private_and_is_never_over_a_file(desk: Desk, tmp_path: Path) -> None:
    target = tmp_path / "week.tar"
    made = backup.back_up(desk, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert (made.contents.cases, made.media, made.missing) == (2, 1, ())
    assert desk.store.log.verify(made.contents.head).fault is None
    assert [e.kind for e in desk.store.log.between(None, None)][-1] == "backup.made"
    before = target.read_bytes()
    with pytest.raises(Refused, match="there already"):
        backup.back_up(desk, target)
    assert target.read_bytes() == before
    backup.back_up(desk, target, force=True)
    with tarfile.open(target) as tar:
        assert [m.name.split("/")[0] for m in tar] == ["socialtriage-backup.json", "desk.db", "media"]
    assert backup.look(target)["cases"] == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["desk", "week.tar"]


def test_a_backup_while_messages_arrive_is_whole_and_holds_nobody_up(desk: Desk, tmp_path: Path) -> None:
    stop = threading.Event()
    taken: list[int] = []

    def poll() -> None:
        while not stop.is_set():
            number = len(taken)
            taken.append(arrive(desk, message(f"message {number}", f"w{number}", author=f"P{number}")).new)

    writer = threading.Thread(target=poll)
    writer.start()
    try:
        for number in range(3):
            made = backup.back_up(desk, tmp_path / f"{number}.tar")
            assert made.contents.events >= made.contents.cases
    finally:
        stop.set()
        writer.join()
    assert sum(taken) == len(taken) > 0
    backup.restore(tmp_path / "2.tar", tmp_path / "elsewhere" / "desk.db", officer="JS")
    other = Store(tmp_path / "elsewhere" / "desk.db")
    assert other.log.verify().fault is None
    assert 2 <= other.cases.total()[0] <= 2 + len(taken)
    other.close()


def test_a_store_that_is_just_what_the_backup_holds_is_restored_unasked(desk: Desk, tmp_path: Path) -> None:
    made = backup.back_up(desk, tmp_path / "now.tar")
    desk.close()
    for _ in range(2):
        done = backup.restore(tmp_path / "now.tar", desk.store.path, officer="JS")
        assert done.contents == made.contents
        assert done.kept is not None
    other = Store(desk.store.path)
    with other.transaction("JS", MONDAY) as tx:
        tx.log(NewEvent("case.noted", 1, "ABC-222222", {}, "a word"))
    other.close()
    with pytest.raises(Refused, match="newer than the backup"):
        backup.restore(tmp_path / "now.tar", desk.store.path, officer="JS")


def test_restoring_over_a_store_keeps_it_and_puts_in_doubt_what_may_have_left(desk: Desk, tmp_path: Path) -> None:
    path, target = desk.store.path, tmp_path / "week.tar"
    case = case_ids(desk)[0]
    triage.tag(desk, [case], area="waste")
    handoff.queue(desk, handoff.prepare(desk, case), undo_seconds=0)
    made = backup.back_up(desk, target)
    arrive(desk, message("Later", "3", author="Cy"))
    with pytest.raises(Refused, match="newer than the backup"):
        backup.restore(target, path, officer="JS")
    with pytest.raises(Refused, match="open in another window"):
        backup.restore(target, path, officer="JS", force=True)
    assert desk.store.cases.total()[0] == 3
    desk.close()
    done = backup.restore(target, path, officer="JS", force=True)
    assert (done.contents, done.in_doubt) == (made.contents, 1)
    assert done.kept is not None
    old, new = Store(done.kept), Store(path)
    assert (media_folder(done.kept) / old.copies.media()[0]).read_bytes() == PICTURE.data
    assert (old.cases.total()[0], new.cases.total()[0]) == (3, 2)
    assert new.log.verify(made.contents.head).fault is None
    assert [r.state for r in new.outbox.waiting(case)] == ["unknown"]
    assert [e.kind for e in new.log.between(None, None)][-2:] == ["store.restored", "handoff.unknown"][::-1]
    old.close()
    new.close()


def test_who_polls_is_named_when_a_store_is_to_be_replaced(desk: Desk, tmp_path: Path) -> None:
    backup.back_up(desk, tmp_path / "b.tar")
    raw = sqlite3.connect(desk.store.path)
    raw.execute("INSERT INTO leases VALUES ('poll', 'other-host', 1, '', 'MK', '2999-01-01T00:00:00.000Z')")
    raw.commit()
    raw.close()
    path = desk.store.path
    desk.close()
    with pytest.raises(Refused, match="MK works on it on other-host"):
        backup.restore(tmp_path / "b.tar", path, officer="JS", force=True)


def test_two_restores_keep_two_stores_and_a_link_stays_a_link(desk: Desk, tmp_path: Path) -> None:
    backup.back_up(desk, tmp_path / "b.tar")
    path = desk.store.path
    desk.close()
    (tmp_path / "link.db").symlink_to(path)
    kept = [backup.restore(tmp_path / "b.tar", tmp_path / "link.db", officer="JS", force=True).kept for _ in range(2)]
    assert len({each for each in kept if each is not None and each.exists()}) == 2
    assert (tmp_path / "link.db").is_symlink()
    store = Store(tmp_path / "link.db")
    assert [event.kind for event in store.log.between(None, None)][-1] == "store.restored"
    assert (tmp_path / "link-media" / store.copies.media()[0]).read_bytes() == PICTURE.data
    store.close()


@pytest.mark.parametrize("harm", ["cut", "byte", "foreign", "link", "none"])
def test_what_is_no_whole_backup_is_not_restored(desk: Desk, tmp_path: Path, harm: str) -> None:
    target, place = tmp_path / "week.tar", tmp_path / "new" / "desk.db"
    backup.back_up(desk, target)
    data = target.read_bytes()
    if harm == "cut":
        target.write_bytes(data[: len(data) // 2])
    elif harm == "byte":
        at = data.index(b"a picture of a bin")
        target.write_bytes(data[:at] + b"A" + data[at + 1 :])
    elif harm == "foreign":
        target.write_bytes(b"not a tar" * 300)
    elif harm == "link":
        with tarfile.open(target, "a") as tar:
            sly = tarfile.TarInfo("../../sly")
            tar.addfile(sly)
    else:
        target.unlink()
    with pytest.raises(StoreError):
        backup.restore(target, place, officer="JS")
    assert not place.exists()
    assert not (tmp_path.parent / "sly").exists()


def test_a_damaged_store_is_recognised_and_a_backup_takes_its_place(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    ref = shell.ok("new", "--person", "Mrs Price", "--text", "bin missed", "--json").json["ref"]
    saved = shell.ok("backup", str(tmp_path / "b.tar"), "--json").json
    with shell.store.open("r+b") as file:
        file.truncate(shell.store.stat().st_size // 2)
    broken = shell.run("list")
    assert (broken.status, "damaged" in broken.err, "restore" in broken.err) == (1, True, True)
    assert shell.run("restore", str(tmp_path / "b.tar")).status == 1
    done = shell.ok("restore", str(tmp_path / "b.tar"), "--force", "--json").json
    assert done["hash"] == saved["hash"]
    assert done["unaware"], "a damaged store cannot tell who was forgotten since"
    assert Path(done["kept"]).exists()
    assert shell.ok("show", ref, "--json").json["ref"] == ref
    assert saved["hash"] in shell.ok("log", "--format", "jsonl").out
    checked = shell.ok("restore", "--check", str(tmp_path / "b.tar"), "--json").json
    assert (checked["cases"], checked["media"]["files"]) == (1, 0)


def test_moments_are_said_as_people_write_them(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    shell.ok("new", "--person", "Ada", "--text", "The bin was missed.", "--channel", "phone")
    shell.ok("backup", str(tmp_path / "b.tar"))
    shell.ok("new", "--person", "Bea", "--text", "The bin was missed.", "--channel", "phone")
    proved, refused = (
        shell.ok("restore", str(tmp_path / "b.tar"), "--check"),
        shell.run("restore", str(tmp_path / "b.tar")),
    )
    restored = shell.ok("restore", str(tmp_path / "b.tar"), "--force")
    for said in (proved.out, refused.err, restored.out):
        assert " UTC" in said, said
        assert "Z" not in said.replace(str(tmp_path), ""), said


def test_damage_inside_the_store_is_said_of_the_store_by_the_backup_that_it_prevents(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    shell.ok("new", "--person", "Mrs Price", "--text", "bin missed")
    with shell.store.open("r+b") as file:
        file.seek(4096)  # the second page: nobody reads it to list a case
        file.write(b"\xff" * 600)
    refused = shell.run("backup", str(tmp_path / "b.tar"))
    assert refused.status == 1
    assert f"The store {shell.store} is damaged" in refused.err
    assert "No backup was written" in refused.err
    assert "restore FILE --force" in refused.err
    assert not (tmp_path / "b.tar").exists()


def test_what_a_vanished_store_left_beside_itself_does_not_get_into_the_restored_one(tmp_path: Path) -> None:
    """A write-ahead log without its store: SQLite would play its pages into whatever file has that name."""
    shell = Inside(tmp_path)
    ref = shell.ok("new", "--person", "Mrs Price", "--text", "bin missed", "--json").json["ref"]
    shell.ok("backup", str(tmp_path / "b.tar"))
    raw = sqlite3.connect(shell.store)
    raw.execute("UPDATE cases SET snippet = 'of the vanished store'")
    raw.commit()
    left = {ending: Path(f"{shell.store}{ending}") for ending in ("-wal", "-shm")}
    contents = {path: path.read_bytes() for path in left.values()}
    raw.close()
    shell.store.unlink()
    for path, data in contents.items():
        path.write_bytes(data)
    shell.ok("restore", str(tmp_path / "b.tar"))
    assert shell.ok("show", ref, "--json").json["snippet"] == "bin missed"
    assert shell.ok("backup", str(tmp_path / "proved.tar"), "--json").json["cases"] == 1
    assert len(list(tmp_path.rglob("*.before-restore-*-wal"))) == 1


def test_an_empty_file_where_a_store_was_is_no_new_store(desk: Desk, tmp_path: Path) -> None:
    path, target = desk.store.path, tmp_path / "b.tar"
    backup.back_up(desk, target)
    desk.close()
    path.write_bytes(b"")
    with pytest.raises(StoreError, match="damaged"):
        Store(path)
    with pytest.raises(Refused, match="left as it is"):
        backup.restore(target, path, officer="JS")
    assert backup.restore(target, path, officer="JS", force=True).contents.cases == 2
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "desk.db").write_bytes(b"")
    Store(tmp_path / "new" / "desk.db").close()


def test_a_full_disk_loses_nothing_and_says_so(desk: Desk, tmp_path: Path) -> None:
    before = case_ids(desk)
    raw = desk.store._db._writer
    pages = raw.execute("PRAGMA page_count").fetchone()[0]
    raw.execute(f"PRAGMA max_page_count={pages}")
    many = [message("word " * 400, f"f{n}", author=f"P{n}", at=MONDAY + timedelta(seconds=1)) for n in range(200)]
    with pytest.raises(StoreError, match="is full; nothing was changed"):
        arrive(desk, *many)
    arrived = len(case_ids(desk)) - len(before)
    assert desk.store.log.verify().fault is None
    raw.execute("PRAGMA max_page_count=1000000")
    arrive(desk, *many)
    assert len(case_ids(desk)) == len(before) + 200 > len(before) + arrived
    triage.claim(desk, before)
    assert inbox.detail(desk, before[0]).row.owner == "JS"


def test_no_room_is_called_so_and_nothing_is_exported_off_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = SimpleNamespace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    said = explain(sqlite3.OperationalError("disk I/O error"), tmp_path / "desk.db")
    assert "is full; nothing was changed" in said.message
    shell = Inside(tmp_path)
    shell.ok("new", "--person", "Mrs Price", "--text", "bin missed")

    def no_room(*_: object, **__: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(Keeping, "compact", no_room)
    again = shell.run("prune", "--compact")
    assert (again.status, "The disk is full. Then: socialtriage prune --compact" in again.err) == (1, True)
    monkeypatch.setattr(record, "exported", no_room)
    assert shell.run("log", "-o", str(tmp_path / "log.csv")).status == 1
    assert not (tmp_path / "log.csv").exists()


SMALL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
from socialtriage.cli.start import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_backup_that_finds_no_room_leaves_nothing_behind(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    shell.ok("new", "--person", "Mrs Price", "--text", "bin missed")
    done = subprocess.run(
        [sys.executable, "-c", SMALL, "backup", str(tmp_path / "b.tar")],
        env=shell.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["config.toml", "desk.db"]
    assert json.loads(shell.ok("list", "--json").out)
    raw = sqlite3.connect(shell.store)
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
