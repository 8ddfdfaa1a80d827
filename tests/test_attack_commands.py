"""Commands in a bad place: closed streams, full disks, odd names, absurd dates and numbers."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from socialtriage.cli.start import run
from socialtriage.domain.errors import SocialTriageError
from socialtriage.services.desk import officer_of
from tests.doubles.desk import small_config
from tests.doubles.shell import Shell

posix = pytest.mark.skipif(os.name != "posix", reason="this system has no such files")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def here(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands of this process meet the shell's configuration and store."""
    monkeypatch.setenv("SOCIALTRIAGE_CONFIG", str(shell.config))
    monkeypatch.setenv("SOCIALTRIAGE_STORE", str(shell.store))
    return shell


def closed(shell: Shell, command: str) -> subprocess.CompletedProcess[str]:
    """A command line of the system's shell, in which `socialtriage` is ours."""
    line = command.replace("socialtriage", f"{sys.executable} -m socialtriage")
    return subprocess.run(["/bin/sh", "-c", line], env=shell.environment, capture_output=True, text=True, check=False)


@posix
@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("socialtriage new --person A --text - <&-", 2, "no standard input"),
        ("socialtriage log >&-", 2, "no standard output"),
        ("socialtriage >&-", 2, "needs a terminal"),
        ("socialtriage list --view all --json >/dev/full", 1, "No space left"),
        ("socialtriage log >/dev/full", 1, "No space left"),
        ("socialtriage demo --keep /dev/null --headless 1", 1, "/dev/null cannot be used"),
    ],
)
def test_streams_and_folders_that_fail_are_a_sentence(shell: Shell, command: str, status: int, said: str) -> None:
    ended = closed(shell, command)
    assert (ended.returncode, said in ended.stderr, "Traceback" in ended.stderr) == (status, True, False), ended.stderr


@posix
def test_a_fault_shows_no_trace_and_no_secret_on_the_terminal(shell: Shell) -> None:
    code = (
        "import socialtriage.services.inbox as inbox\n"
        "def broken(*args, **more): raise ValueError('password=hunter2hunter2')\n"
        "inbox.snapshot = broken\n"
        "from socialtriage.cli.start import run\n"
        "import sys; sys.exit(run(sys.argv[1:]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "list"], env=shell.environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "A fault in socialtriage (ValueError)" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr


@posix
def test_an_export_follows_links_and_replaces_no_device(here: Shell, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    assert run(["log", "-o", str(pipe)]) == 0
    assert reader.communicate()[0].startswith(b"\xef\xbb\xbfreference")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    target = tmp_path / "kept.csv"
    target.write_text("old")
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    assert run(["log", "-o", str(link)]) == 0
    assert link.is_symlink()
    assert target.read_text("utf-8-sig").startswith("reference")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "words",
    [
        ["snooze", "REF", "0001-01-01T00:00:00Z"],
        ["snooze", "REF", "9999-12-31T23:59:59-12:00"],
        ["outbox", "retry", "9" * 30],
        ["list", "--search", "from:" + "x" * 70_000],
        ["list", "--search", "from:\ud800 before:\x00"],
        ["list", "--search", "w " * 200_000],
        ["log", "--to", "9999-12-31"],
    ],
)
def test_absurd_words_are_no_fault(here: Shell, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "--person", "A", "--text", "bin"]) == 0
    ref = capsys.readouterr().out.split()[1]
    run([word.replace("REF", ref) for word in words])
    assert "fault" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "name"),
    [("\x1b]0;pwn\x07\nJS", "\ufffd]0;pwn\ufffd JS"), ("J" * 500, "J" * 31 + "…"), (" \t ", "CONFIGURED"), ("é", "é")],
)
def test_an_officers_name_is_fit_for_the_log(monkeypatch: pytest.MonkeyPatch, given: str, name: str) -> None:
    config = small_config()
    from msgspec.structs import replace

    config = replace(config, officer=replace(config.officer, initials="CONFIGURED"))
    monkeypatch.setenv("SOCIALTRIAGE_OFFICER", given)
    assert officer_of(config) == name


def test_an_officer_of_two_words_can_claim(here: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIALTRIAGE_OFFICER", "Jo Smith")
    assert run(["new", "--person", "A", "--text", "bin"]) == 0
    ref = here.ok("list", "--json").json[0]["ref"]
    assert run(["claim", ref]) == 0
    assert here.ok("list", "--json").json[0]["owner"] == "Jo Smith"


def test_what_is_said_of_an_error_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from socialtriage.cli.faults import _say

    assert _say(SocialTriageError("gone: \x1b]0;pwn\x07", hint="\x9b2J"), ["gone: \x1b]0;pwn\x07"], 1) == 1
    assert not {"\x1b", "\x07", "\x9b"} & set(capsys.readouterr().err)
