"""A day's triage in the inbox, in a real terminal with real keys."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

pytest.importorskip("pty", reason="this system has no pseudo-terminals")

from tests.doubles.inside import Inside
from tests.doubles.mastodon import TOKEN, MastodonServer
from tests.doubles.shell import Shell, mastodon
from tests.doubles.smtp import SmtpDouble
from tests.doubles.terminal import Terminal

PROGRAM = [sys.executable, "-m", "socialtriage"]


@pytest.fixture
def network() -> Iterator[MastodonServer]:
    with MastodonServer() as server:
        yield server


@pytest.fixture
def mail() -> Iterator[SmtpDouble]:
    with SmtpDouble() as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path, network: MastodonServer, mail: SmtpDouble) -> Shell:
    shell = Inside(tmp_path, smtp=mail.url(), accounts='\n[outbox]\nundo = "1s"\n' + mastodon(network.url, every="10s"))
    shell.login("town", TOKEN)
    return shell


def test_a_days_triage_with_real_keys(shell: Shell, network: MastodonServer, mail: SmtpDouble) -> None:
    network.mention("my bin was missed in Mill Lane", author="ada")
    network.mention("thank you for the lovely park", author="bob")
    with Terminal(PROGRAM, shell.environment) as terminal:
        terminal.wait_for("Anytown Borough Council", "my bin was missed", "thank you for", "1/1")
        terminal.press("g", "t")
        terminal.wait_for("Area")
        terminal.press("b", "i")
        terminal.wait_for("Bins and recycling")
        terminal.press("enter")
        terminal.wait_for("Tagged ABC-")
        terminal.press("!")
        terminal.wait_for("EMERGENCY", "low")
        terminal.press("u")
        terminal.wait_for("urgent", gone=["EMERGENCY"])
        terminal.press("f")
        terminal.wait_for("EXACTLY THIS LEAVES", "waste@anytown.example")
        terminal.press("y")
        terminal.wait_for("Handed ABC-", gone=["EXACTLY THIS LEAVES"])
        [sent] = mail.wait_for(1)
        parsed = message_from_bytes(sent.data, policy=policy.default)
        assert str(parsed["subject"]).startswith("[ABC-")
        terminal.press("e")
        terminal.wait_for("no reply needed")
        terminal.press("n")
        terminal.wait_for("Closed ABC-")
        terminal.press("u")
        terminal.wait_for("Undone: Closed")
        terminal.press("q")
        terminal.wait_for("Quit")
        terminal.press("y")
        assert terminal.wait_for_end() == 0
    statuses = {case["status"] for case in shell.ok("list", "--view", "all", "--json").json}
    assert statuses == {"waiting_contact", "new"}
    assert shell.ok("log", "verify", "--json").json["whole"]


def test_a_handoff_is_taken_back_inside_its_undo_window(
    shell: Shell, network: MastodonServer, mail: SmtpDouble
) -> None:
    shell.config.write_text(shell.config.read_text().replace('undo = "1s"', 'undo = "60s"'))
    network.mention("my bin was missed", author="ada")
    with Terminal(PROGRAM, shell.environment, columns=80, lines=24) as terminal:
        terminal.wait_for("my bin was missed")
        terminal.press("tab")
        terminal.wait_for("Accepted for ABC-")
        terminal.press("f")
        terminal.wait_for("waste@anytown.example")
        terminal.press("y")
        terminal.wait_for("leaves in")
        terminal.press("u")
        terminal.wait_for("Undone: Handed")
        terminal.press("q")
        terminal.wait_for("Quit")
        terminal.press("y")
        assert terminal.wait_for_end() == 0
    assert mail.mails == []
    assert shell.ok("list", "--json").json[0]["status"] == "open"


def test_keys_typed_in_one_go_reach_the_dialogs_they_are_meant_for(
    shell: Shell, network: MastodonServer, mail: SmtpDouble
) -> None:
    network.mention("my bin was missed", author="ada")
    with Terminal(PROGRAM, shell.environment, columns=80, lines=24) as terminal:
        terminal.wait_for("my bin was missed")
        terminal.press("tbi\r!uaikeep an eye on it\x13")
        terminal.wait_for("Noted on ABC-")
        terminal.press("fy")
        terminal.wait_for("EXACTLY THIS LEAVES")
        terminal.press("esc")
        terminal.wait_for("Queue")
        terminal.press("q")
        terminal.wait_for("Quit")
        terminal.press("y")
        assert terminal.wait_for_end() == 0
    [case] = shell.ok("list", "--json").json
    assert (case["area"], case["urgency"], case["owner"], case["status"]) == ("waste", "urgent", "JS", "open")
    assert mail.mails == []
    assert shell.ok("show", case["ref"], "--json").json["events"][-1]["note"] == "keep an eye on it"


def test_what_was_being_written_survives_kill_9_and_stays_private(shell: Shell, network: MastodonServer) -> None:
    network.mention("please call me about my bin", author="ada")
    with Terminal(PROGRAM, shell.environment) as terminal:
        terminal.wait_for("please call me", "1/1")
        terminal.press("D")
        terminal.wait_for("PRIVATE on mastodon as town", "5 of 500")
        terminal.press(*"Which house")
        terminal.wait_for("16 of 500")
        assert _kept(shell, terminal) == [("Which house", 1)]
    with Terminal(PROGRAM, shell.environment) as terminal:
        terminal.wait_for("please call me", "1/1")
        terminal.press("r")
        terminal.wait_for("Which house", "PRIVATE on mastodon as town: 16 of 500")
        terminal.press(*" is it?")
        terminal.wait_for("23 of 500")
        terminal.press("\x1b")
        terminal.wait_for("EXACTLY THIS LEAVES", "Which house is it?", "PRIVATE: they alone")


def _kept(shell: Shell, terminal: Terminal, tries: int = 200) -> list[tuple[str, int]]:
    """The drafts in the store, once there is one."""
    with contextlib.closing(sqlite3.connect(shell.store)) as store:
        for _ in range(tries):
            if found := store.execute("SELECT text, private FROM drafts").fetchall():
                return found
            terminal._read(0.05)
    return []


def test_the_first_run_offers_the_demo_and_a_configuration(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    shell.config.unlink()
    with Terminal(PROGRAM, shell.environment, columns=80, lines=24) as terminal:
        terminal.wait_for("Try it", "Set it up")
        terminal.press("i")
        assert terminal.wait_for_end() == 0
    assert shell.config.exists()
    shell.ok("check", "--offline")


def test_hostile_text_never_reaches_the_terminal_raw(shell: Shell, network: MastodonServer) -> None:
    network.mention("pwn \x1b]0;owned\x07 \x1b[31m \u009b2J [/nope] [@click=app.quit]x[/] \u202eevil", author="ada")
    with Terminal(PROGRAM, shell.environment) as terminal:
        terminal.wait_for("pwn")
        terminal.press("enter")
        terminal.wait_for("MESSAGE", gone=["Queue"])
        terminal.press("esc")
        terminal.wait_for("Queue")
        terminal.press("q")
        terminal.wait_for("Quit")
        terminal.press("y")
        assert terminal.wait_for_end() == 0
    assert b"]0;owned" not in terminal.raw.replace("\ufffd]0;owned".encode(), b"")
    assert "\u009b".encode() not in terminal.raw
    assert "\u202e".encode() not in terminal.raw
