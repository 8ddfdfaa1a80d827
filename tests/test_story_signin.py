"""Signing in from the inbox, in a real terminal: the screen steps aside for the walk, and comes back."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("pty", reason="this system has no pseudo-terminals")

from socialtriage.ui.screens.accounts import AccountsScreen
from tests.doubles.desk import small_desk
from tests.doubles.inside import Inside
from tests.doubles.terminal import Terminal
from tests.doubles.threads import APP, APP_SECRET, ME, ThreadsServer
from tests.doubles.ui_desk import Officer, at_the_desk


def test_an_account_is_signed_in_from_the_accounts_screen(tmp_path: Path) -> None:
    with ThreadsServer(datetime.now(UTC) - timedelta(minutes=1)) as network:
        network.post("gwen", "@council my bin was missed")
        account = f'\n[[accounts]]\nid = "town"\nnetwork = "threads"\nserver = "{network.url}"\nuser = "{ME}"\n'
        shell = Inside(tmp_path, accounts=account)
        lapsed = json.dumps({"access_token": "lapsed", "client_id": APP, "client_secret": APP_SECRET})
        (tmp_path / "keyring.json").write_text(json.dumps({"socialtriage/town": lapsed}))
        with Terminal([sys.executable, "-m", "socialtriage"], shell.environment) as terminal:
            terminal.wait_for("Anytown Borough Council")
            terminal.press("\x1bOQ")
            terminal.wait_for("sign in needed")
            terminal.press("L")
            terminal.wait_for("oauth/authorize", "enter.")
            address = re.search(rb"http://\S+/oauth/authorize\S+", terminal.raw)
            assert address is not None
            pasted = network.grant(address[0].decode())
            terminal.press(pasted, "enter")
            terminal.wait_for("Signed in as @council.", "go back to the inbox")
            # What was pasted holds the code, and is not on the screen.
            assert pasted[-20:].encode() not in terminal.raw
            terminal.press("enter")
            terminal.wait_for("town is signed in.")
            terminal.press("esc")
            terminal.wait_for("my bin was missed", "1/1")
            terminal.press("q", "y")
            assert terminal.wait_for_end() == 0
        kept = json.loads(json.loads((tmp_path / "keyring.json").read_text())["socialtriage/town"])
        assert kept["access_token"] in network.tokens
        assert network.problems == []


def test_where_the_screen_cannot_step_aside_the_command_is_named(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)

    async def story(officer: Officer) -> None:
        await officer.press("f2")
        await officer.on(AccountsScreen)
        await officer.press("L")
        assert "socialtriage accounts login town-mastodon" in officer.said

    at_the_desk(desk, story)
