"""What an officer sees when the program itself, or the store below it, breaks: a sentence, never a trace."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("pty", reason="this system has no pseudo-terminals")

from socialtriage.config.model import Keyring
from socialtriage.domain.errors import StoreError
from socialtriage.services import inbox
from socialtriage.services.polling import Polling
from socialtriage.services.secrets import SecretStore
from socialtriage.store.leases import Leases
from socialtriage.ui import engine
from tests.doubles.desk import CONFIG, arrive, message, small_desk
from tests.doubles.terminal import Terminal
from tests.doubles.ui_desk import Officer, at_the_desk

BROKEN = """
import sys
from socialtriage.ui.widgets.case_list import CaseList
{damage}
from socialtriage.cli.start import run
sys.exit(run(["--config", {config!r}, "--store", {store!r}]))
"""


def broken_program(folder: Path, damage: str) -> Terminal:
    """The inbox in a terminal, with something in it damaged."""
    config = folder / "config.toml"
    lines = [line + "\npaused = true" if line.startswith("network = ") else line for line in CONFIG.splitlines()]
    config.write_text("\n".join(lines), encoding="utf-8")
    desk = small_desk(folder)
    arrive(desk, message("my bin was missed", "m1"))
    desk.close()
    code = BROKEN.format(damage=damage, config=str(config), store=str(folder / "desk.db"))
    return Terminal([sys.executable, "-c", code], dict(os.environ))


def test_a_widget_that_breaks_ends_the_program_with_a_sentence(tmp_path: Path) -> None:
    damage = "def _wrong(self, y): raise KeyError('private detail')\nCaseList.render_line = _wrong"
    with broken_program(tmp_path, damage) as terminal:
        assert terminal.wait_for_end() == 1
        assert "had to stop because of a fault of its own (KeyError)" in " ".join(terminal.text.split())
        assert b"Traceback" not in terminal.raw
        assert b"private detail" not in terminal.raw


def test_the_terminal_is_given_back_as_it_was(tmp_path: Path) -> None:
    with broken_program(tmp_path, "") as terminal:
        terminal.wait_for("my bin was missed")
        terminal.press("q")
        terminal.wait_for("Quit socialtriage?")
        terminal.press("y")
        assert terminal.wait_for_end() == 0
        assert b"\x1b[?1049l" in terminal.raw
        assert b"\x1b[?25h" in terminal.raw


def test_a_store_that_cannot_be_read_at_the_start_is_said_on_an_empty_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = small_desk(tmp_path)

    def damaged(*args: object) -> None:
        raise StoreError("The store is damaged.", hint="Put a backup in its place.")

    monkeypatch.setattr(inbox, "snapshot", damaged)

    async def story(officer: Officer) -> None:
        assert officer.said == "The store is damaged. Put a backup in its place."
        assert officer.listed == []
        await officer.press("j", "enter", "space", "f", "right")
        await officer.sees("No case is selected")

    at_the_desk(desk, story)


def test_a_store_that_is_busy_when_polling_begins_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = small_desk(tmp_path)
    monkeypatch.setattr(engine, "TRY_AGAIN", 0.01)
    said: list[str] = []
    tries = 0

    def busy_at_first(self: Polling) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise StoreError("The store is busy.")

    def busy(self: Leases, name: str) -> None:
        raise StoreError("The store is busy.")

    async def story() -> None:
        polls = asyncio.Event()

        async def forever(self: Polling, *args: object) -> None:
            polls.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(Polling, "take_lease", busy_at_first)
        monkeypatch.setattr(Leases, "give_back", busy)
        monkeypatch.setattr(Polling, "forever", forever)
        running = asyncio.create_task(
            engine.DeskEngine(desk, SecretStore(Keyring())).run(lambda r: None, lambda o: None, said.append)
        )
        await asyncio.wait_for(polls.wait(), 20)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(story())
    desk.close()
    assert said == [""], "a busy store is no other desk"
