"""Sentences of the promised surface, each tried as a script would."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from socialtriage.ui.actions import table
from tests.doubles.graph import IG, PAGE, TOKEN, GraphServer
from tests.doubles.imap import PASSWORD, USER, ImapDouble
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.mastodon import TOKEN as MASTODON_TOKEN
from tests.doubles.mastodon import MastodonServer
from tests.doubles.shell import Shell, mastodon


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    one_tls_context(monkeypatch)
    return Inside(tmp_path)


def new(shell: Shell, text: str) -> str:
    return str(shell.ok("new", "--person", "Mrs Price", "--text", text, "--json").json["ref"])


@pytest.mark.parametrize(
    ("network", "name", "value"), [("facebook", "page", PAGE), ("instagram", "business_account", IG)]
)
def test_the_end_that_a_secret_names_is_believed_where_meta_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: str, name: str, value: str
) -> None:
    one_tls_context(monkeypatch)
    with GraphServer() as meta:
        account = f'\n[[accounts]]\nid = "page"\nnetwork = "{network}"\nserver = "{meta.url}"\n{name} = "{value}"\n'
        shell = Inside(tmp_path, accounts=account)
        shell.login("page", json.dumps({"access_token": TOKEN, "expires_at": 2_000_000_000}))
        assert json.loads(shell.ok("poll", "--once", "--json").out)["state"] == "ok"
        assert shell.ok("accounts", "--json").json[0]["login_expires_at"] == "2033-05-18T03:33:20.000Z"
        shell.login("page", json.dumps({"access_token": TOKEN, "expires_at": int(time.time()) + 86_400}))
        ended = shell.ok("poll", "--once", "--json")
        assert json.loads(ended.out)["state"] == "login_expiring"


def test_an_undo_does_not_reach_past_what_cannot_be_undone(shell: Shell) -> None:
    first, second = new(shell, "a bin"), new(shell, "another bin")
    shell.ok("tag", first, "--area", "waste")
    third = new(shell, "a third")
    refused = shell.run("undo")
    assert refused.status == 1
    assert f"cannot be taken back: Opened {third}" in refused.err
    shell.ok("link", first, second)
    assert "Linked" in shell.run("undo").err
    shell.ok("link", first, second, "--remove")
    assert "linked no longer" in shell.run("undo").err
    assert shell.ok("show", first, "--json").json["area"] == "waste"
    assert "Undone: Tagged" in shell.ok("undo").out
    assert shell.ok("show", first, "--json").json["area"] is None


def test_a_moment_that_is_none_is_told_what_moments_look_like(shell: Shell) -> None:
    ref = new(shell, "a bin")
    for words in ("25:00", "soonish", "half past friday"):
        ran = shell.run("snooze", ref, words)
        assert ran.status == 2
        assert "is not a time such as 14:30, tomorrow 09:00" in ran.err
    assert "no date" in shell.run("snooze", ref, "2026-13-40").err


MORE_KEYS = {
    "r": "case.reply",
    "D": "case.reply_private",
    "m": "case.merge",
    "M": "case.split",
    "H": "case.hide",
    "B": "case.block",
    **{str(number): f"view.{number}" for number in range(1, 10)},
}


def test_the_rest_of_the_promised_keys() -> None:
    for key, action in MORE_KEYS.items():
        assert key in table()[action].keys.split(","), key


def test_a_pass_tells_of_accounts_in_their_order_and_counts_residents_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_tls_context(monkeypatch)
    with MastodonServer() as network, ImapDouble() as box:
        user = USER.replace("@", "%40")
        accounts = mastodon(network.url) + mastodon(network.url, "asleep") + "paused = true\n"
        shell = Inside(tmp_path, accounts=accounts)
        text = shell.config.read_text()
        shell.config.write_text(text.replace("smtp =", f'imap = "{box.url.replace("//", f"//{user}@")}/INBOX"\nsmtp ='))
        shell.login("town", MASTODON_TOKEN)
        shell.login("mail.imap", PASSWORD)
        network.mention("a bin")
        box.deliver(
            b"From: Waste <waste@anytown.example>\r\nTo: social@anytown.example\r\nSubject: bins\r\n"
            b"Message-ID: <a1@anytown.example>\r\nDate: Sun, 22 Nov 2026 11:20:00 +0000\r\n\r\nCollected.\r\n",
            arrived=datetime.now(UTC),
        )
        lines = [json.loads(line) for line in shell.ok("poll", "--once", "--json").out.splitlines()]
    assert [(line["account"], line["state"], line["new"]) for line in lines] == [
        ("town", "ok", 1),
        ("asleep", "paused", 0),
        ("mail.imap", "ok", 0),
    ]
    keys = ["account", "network", "state", "new", "updated", "gap", "requests", "seconds", "error"]
    assert all(list(line) == keys for line in lines)
    assert [a["id"] for a in shell.ok("accounts", "--json").json if a["next_poll_at"] is None] == ["asleep"]
    assert len(shell.ok("answers", "--json").json) == 1


def test_an_undo_never_takes_back_what_another_officer_queued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_tls_context(monkeypatch)
    with MastodonServer() as network:
        shell = Inside(tmp_path, accounts=mastodon(network.url))
        shell.login("town", MASTODON_TOKEN)
        network.mention("a bin", author="ada")
        network.mention("a lamp", author="bob")
        shell.ok("poll", "--once")
        first, second = (case["ref"] for case in shell.ok("list", "--json").json)
        dropped = shell.ok("reply", first, "Mine.", "--queue", "--json").json["id"]
        shell.ok("outbox", "drop", str(dropped))
        queued = shell.ok("reply", second, "Theirs.", "--queue", "--json", officer="ZZ").json
        assert (queued["state"], queued["error"]) == ("queued", None)
        theirs = queued["id"]
        assert theirs != dropped
        assert "taken out of the outbox already" in shell.run("undo").err
        assert [row["id"] for row in shell.ok("outbox", "--json").json] == [theirs]


def test_the_first_words_of_a_case_are_those_that_its_author_left_standing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_tls_context(monkeypatch)
    with MastodonServer() as network:
        shell = Inside(tmp_path, accounts=mastodon(network.url))
        shell.login("town", MASTODON_TOKEN)
        post = network.mention("my bin, ring 01632 960 100")
        shell.ok("poll", "--once")
        network.edit(post, "@council my bin")
        assert json.loads(shell.ok("poll", "--once", "--json").out)["updated"] == 1
        [case] = shell.ok("list", "--json").json
        assert case["snippet"] == "my bin"
        whole = shell.ok("show", case["ref"], "--json").json
        assert "01632 960 100" in whole["messages"][0]["revisions"][0]["text"]


def test_a_hash_that_every_log_has_or_none_proves_nothing(shell: Shell) -> None:
    nothing = "0" * 64
    assert shell.ok("log", "verify", "--expect", nothing).status == 0  # the log is empty, and that is what was noted
    new(shell, "a bin")
    noted = shell.ok("log", "verify", "--json").json["hash"]
    new(shell, "another")
    for wrong in (nothing, "f" * 64, noted[:12]):
        ran = shell.run("log", "verify", "--expect", wrong, "--json")
        assert (ran.status, ran.json["whole"]) == (1, False)
    assert shell.ok("log", "verify", "--expect", noted, "--json").json["events"] == 2
    assert shell.run("log", "verify", "--expect", "").status == 2
