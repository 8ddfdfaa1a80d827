"""The practice week: a fictional council whose messages arrive through the same intake as real ones."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from socialtriage.config.demo import away_contacts, demo_config, demo_text
from socialtriage.config.files import make_folders, write_atomically
from socialtriage.config.load import parse, read
from socialtriage.config.model import Keyring
from socialtriage.domain.errors import Refused
from socialtriage.domain.views import Query
from socialtriage.services import contacts, handoff, inbox, triage
from socialtriage.services.desk import Desk, open_desk
from socialtriage.services.outbox import Sender
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller

WHOLE_WEEK = 100_000
CONFIG = "config.toml"
"""Name of the demo's configuration in its folder: a copy of its own, which the plain commands use too."""
_PREFIX = "socialtriage-demo-"
_TRIES, _PAUSE = 40, 0.05
"""How often a folder is tried to be removed, and seconds in between."""
_STAYS = 24 * 3600.0
"""Seconds that the folder of an earlier demo is left alone after the last change in it."""


@contextlib.contextmanager
def passing_folder(*, stays: bool) -> Iterator[Path]:
    """A folder for one demo among the system's temporary files, gone at its end.

    With `stays` it is there still after a run to the end, for whoever was told of the files in it. What earlier
    demos left, because they were to or because the computer was switched off, goes when the next one begins, from a
    day after its last change on.
    """
    _sweep(Path(tempfile.gettempdir()))
    # Named before it is made: whoever is told to end in between knows what to remove.
    folder = Path(tempfile.gettempdir()) / f"{_PREFIX}{secrets.token_hex(8)}"
    done = False
    try:
        folder.mkdir(mode=0o700)
        yield folder
        done = True
    finally:
        if not (done and stays):
            _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder in which a thread may still be at its last file."""
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE)


def _sweep(parent: Path) -> None:
    """Remove what is left of earlier demos of this user, unless something in it changed lately."""
    before = time.time() - _STAYS
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            stands = [folder.lstat(), *(path.lstat() for path in folder.iterdir())]
            ours = not hasattr(os, "getuid") or stands[0].st_uid == os.getuid()
            if ours and not folder.is_symlink() and all(each.st_mtime < before for each in stands):
                shutil.rmtree(folder, ignore_errors=True)


def open_practice(folder: Path, *, speed: float, seed: int, limit: int | None = None) -> Desk:
    """A desk on the practice week; its store and sent mails are below `folder`."""
    make_folders(folder)
    path = folder / CONFIG
    config = demo_config(folder, speed, seed, limit=limit)
    if path.exists():
        # What was kept in an earlier run: saved answers are written into the demo's own copy.
        config = replace(config, answers=parse(read(path), str(path)).answers)
    desk = open_desk(config, folder / "desk.db", config_path=path, mail_folder=folder / "sent")
    if not desk.store.accounts.all():
        for contact, until in away_contacts(desk.clock().astimezone(desk.zone).date()).items():
            contacts.away(desk, contact, until)
    write_config(folder)
    return desk


def write_config(folder: Path) -> None:
    """Put the demo's configuration beside its store, so that the plain commands can be practised on it too."""
    path = folder / CONFIG
    if not path.exists():
        make_folders(folder)
        write_atomically(path, f'{demo_text()}\n[store]\npath = "desk.db"\n')


def no_secrets() -> SecretStore:
    """A keyring that is never opened: the demo needs no login."""
    return SecretStore(Keyring())


def headless(folder: Path, seed: int, number: int) -> dict[str, Any]:
    """Take in `number` messages of the week, hand one case off, and say what was done."""
    desk = open_practice(folder, speed=0, seed=seed, limit=number)
    try:
        asyncio.run(_run(desk))
        cases, messages = desk.store.cases.total()
        sent = sorted(str(path) for path in (folder / "sent").glob("*.eml"))
        handoffs = sum(desk.store.outbox.handoff_load().values())
        return {
            "messages": messages,
            "cases": cases,
            "handoffs": handoffs,
            "store": str(desk.store.path),
            "sent": sent,
        }
    finally:
        desk.close()


async def _run(desk: Desk) -> None:
    secrets = no_secrets()
    poller = Poller(desk, secrets)
    try:
        await poller.once(desk.config.accounts)
        await asyncio.to_thread(_hand_one_off, desk)
        await Sender(desk, secrets, poller).run(ignore_windows=True)
    finally:
        await poller.aclose()


def _hand_one_off(desk: Desk) -> None:
    """Accept the suggestion of the most pressing case that has one and whose area has a contact."""
    for case_id in inbox.snapshot(desk, Query(view="queue")):
        row = inbox.rows(desk, [case_id])[0]
        if row.suggested_area is None:
            continue
        triage.accept(desk, [case_id])
        try:
            handoff.queue(desk, handoff.prepare(desk, case_id, note="Please look into this."), undo_seconds=0)
        except Refused:
            continue
        return
