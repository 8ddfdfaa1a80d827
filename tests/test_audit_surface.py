"""The surface that scripts rely on, tried sentence by sentence: what stands on standard output, and the exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.doubles.inside import Inside
from tests.doubles.mastodon import TOKEN, MastodonServer
from tests.doubles.shell import mastodon


@pytest.fixture
def shell(tmp_path: Path) -> Inside:
    return Inside(tmp_path, accounts=mastodon("http://127.0.0.1:9"))


def fed(shell: Inside, raw: bytes, *args: str) -> subprocess.CompletedProcess[bytes]:
    """A command in a process, with bytes on its standard input."""
    line = [sys.executable, "-m", "socialtriage", *args]
    return subprocess.run(line, input=raw, env=shell.environment, capture_output=True, check=False)


def test_what_is_piped_in_is_utf_8_or_refused(shell: Inside) -> None:
    for raw in (b"\xffpass", "pass\u00e9".encode("latin-1"), "pass".encode("utf-16")):
        ended = fed(shell, raw, "accounts", "login", "town", "--secret-stdin")
        assert (ended.returncode, ended.stderr) == (2, b"Standard input is not UTF-8 text." + os.linesep.encode())
    assert not Path(shell.environment["SOCIALTRIAGE_TEST_KEYRING"]).exists(), "no mended password is kept"
    fed(shell, "\ufeffpassé\r\n".encode(), "accounts", "login", "town", "--secret-stdin").check_returncode()
    kept = Path(shell.environment["SOCIALTRIAGE_TEST_KEYRING"]).read_text()
    assert kept == '{"socialtriage/town": "pass\\u00e9"}', "a byte order mark is no part of a password"


def test_a_question_that_nobody_answers_is_a_failure_and_no_interruption(shell: Inside) -> None:
    with shell.config.open("a") as config:
        config.write('\n[[accounts]]\nid = "chat"\nnetwork = "telegram"\nserver = "http://127.0.0.1:9"\n')
    ran = shell.run("accounts", "login", "chat")
    assert (ran.status, ran.err.splitlines()[-1]) == (1, "Nobody answered.")
    ended = fed(shell, b"123:abc\n", "accounts", "login", "chat")
    assert b"Warning" not in ended.stderr
    assert b"123:abc" not in ended.stderr + ended.stdout
    assert b"The login of chat is in the keyring." in ended.stdout


def test_check_is_one_document_where_nothing_can_be_opened_too(shell: Inside) -> None:
    shell.store.write_bytes(b"no store" * 1000)
    ran = shell.run("check", "--offline", "--json")
    assert (ran.status, ran.json["ok"], [each["name"] for each in ran.json["checks"]]) == (1, False, ["store"])
    assert "is damaged" in ran.json["checks"][0]["detail"]
    assert "is damaged" in ran.err
    shell.config.write_text(shell.config.read_text().replace('prefix = "ABC"', 'prefix = "ABCD"\nprefx = "AB"'))
    ran = shell.run("check", "--json")
    assert (ran.status, ran.json["ok"], len(ran.json["checks"])) == (2, False, 2)
    assert [each["detail"] for each in ran.json["checks"]] == ran.err.splitlines()
    assert "organisation.prefx: is no known key (did you mean prefix?)" in ran.json["checks"][1]["detail"]


def test_of_two_contacts_in_one_second_the_later_one_is_the_repeat(tmp_path: Path) -> None:
    with MastodonServer() as network:
        shell = Inside(tmp_path, accounts=mastodon(network.url))
        shell.login("town", TOKEN)
        at = network.clock().replace(microsecond=0) - timedelta(minutes=5)
        for words in ("My bin was missed.", "There is a hole in the road.", "Hello?"):
            network.mention(words, at=at)
        shell.ok("poll", "--once")
        found = {each["snippet"].removeprefix("@council "): each for each in shell.ok("list", "--json").json}
        assert [found[words]["repeat"]["count"] for words in ("My bin was missed.", "Hello?")] == [1, 3]
        assert [each["urgency"] for each in found.values()].count("normal") == 1


def test_a_script_is_given_every_hit_of_a_search(shell: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        shell.ok("new", "--person", f"Ann {number}", "--text", f"my bin {number}")
    monkeypatch.setattr("socialtriage.services.inbox.SEARCH_LIMIT", 2)
    assert len(shell.ok("list", "--search", "bin", "--json").json) == 4
    assert len(shell.ok("list", "--search", "bin", "--limit", "3").out.splitlines()) == 3
    assert len(shell.ok("list", "--search", "bin", "--limit", "1", "--json").json) == 1


def test_what_is_done_to_cases_can_be_read_by_a_script(shell: Inside) -> None:
    one, two = (shell.ok("new", "--person", name, "--text", "my bin", "--json").json["ref"] for name in ("Ann", "Bob"))
    told = shell.ok("tag", one, two, "--area", "waste", "--json").json
    assert told["said"] == "Tagged 2 cases: Bins and recycling."
    assert [(each["ref"], each["area"], each["version"]) for each in told["cases"]] == [
        (one, "waste", 2),
        (two, "waste", 2),
    ]
    steps: dict[tuple[str, ...], dict[str, object]] = {
        ("claim", one): {"owner": "JS", "status": "open"},
        ("assign", one, "MK"): {"owner": "MK"},
        ("note", one, "called"): {"owner": "MK"},
        ("snooze", one, "2099-01-05"): {"status": "snoozed", "snoozed_until": "2099-01-05T09:00:00.000Z"},
        ("undo",): {"status": "open", "snoozed_until": None},
        ("redo",): {"status": "snoozed"},
        ("close", one, "--outcome", "not_ours"): {"status": "closed", "outcome": "not_ours"},
        ("reopen", one): {"status": "open", "outcome": None},
    }
    for words, is_now in steps.items():
        (case,) = shell.ok(*words, "--json").json["cases"]
        assert is_now.items() <= case.items(), (words, case)
    ran = shell.run("claim", one, "ABC-222222", "--json")
    assert (ran.status, ran.out) == (1, ""), "nothing was done, and standard output does not say otherwise"


def test_what_a_search_finds_is_listed_most_pressing_first_too(shell: Inside) -> None:
    refs = [
        shell.ok("new", "--person", name, "--text", "my bin", "--json").json["ref"]
        for name in ("Ann", "Bob", "Cal", "Dee")
    ]
    shell.ok("tag", refs[1], "--urgency", "emergency")
    shell.ok("tag", refs[2], "--urgency", "low")
    shell.ok("close", refs[0], "--outcome", "answered")
    found = [each["ref"] for each in shell.ok("list", "--search", "bin", "--json").json]
    assert found == [refs[1], refs[3], refs[2], refs[0]]
