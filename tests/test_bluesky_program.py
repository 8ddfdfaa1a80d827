"""The whole program on a Bluesky account: poll, answer in public and in private, lost answers, edits, deletions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.bluesky import BlueskyServer
from tests.doubles.bluesky_desk import PASSWORD
from tests.doubles.inside import Inside
from tests.doubles.shell import Shell


@pytest.fixture
def network() -> Iterator[BlueskyServer]:
    with BlueskyServer(now=datetime.now(UTC)) as server:
        yield server
    assert server.complaints == []


@pytest.fixture
def shell(tmp_path: Path, network: BlueskyServer) -> Shell:
    account = (
        f'\n[[accounts]]\nid = "sky"\nnetwork = "bluesky"\nserver = "{network.url}"\nhandle = "@council.example"\n'
    )
    shell = Inside(tmp_path, accounts=account)
    shell.login("sky", PASSWORD)
    return shell


def poll(shell: Shell, state: str = "ok", *more: str) -> dict[str, Any]:
    ran = shell.run("poll", "--once", "--json", *more)
    result: dict[str, Any] = json.loads(ran.out)
    assert result["state"] == state, result
    return result


def cases(shell: Shell) -> dict[str, dict[str, Any]]:
    """Cases by their first words."""
    return {case["snippet"]: case for case in shell.ok("list", "--view", "all", "--json").json}


def test_a_day_on_bluesky(shell: Shell, network: BlueskyServer) -> None:
    gwen, wei = network.person("gwen"), network.person("wei")
    bins = network.post(network.council, "Bins are late")
    network.mention(gwen, "my bin was missed")
    below = network.post(wei, "ours too", to=bins)
    network.say(gwen, "a photo in private", network.convo(gwen))
    first = poll(shell)
    assert (first["new"], first["updated"], first["gap"]) == (3, 0, None)
    assert poll(shell)["new"] == 0

    found = cases(shell)
    assert {case["visibility"] for case in found.values()} == {"public", "private"}
    assert found["ours too"]["person"]["handle"] == "@wei.example"
    assert "Sent." in shell.ok("reply", found["ours too"]["ref"], "On Thursday, @wei.example").out
    [ours] = [r for r in network.posts.values() if r.author is network.council and "reply" in r.value]
    assert ours.value["reply"]["parent"]["uri"] == below
    assert "Sent." in shell.ok("reply", found["a photo in private"]["ref"], "Thank you").out
    assert poll(shell)["new"] == 0
    whole = shell.ok("show", found["ours too"]["ref"], "--json").json
    assert whole["status"] == "waiting_resident"
    assert [m["voice"] for m in whole["messages"]][-1] == "officer"
    assert len({m["remote_id"] for m in whole["messages"]}) == len(whole["messages"])

    network.time = datetime.now(UTC)
    network.post(wei, "and the brown one?", to=ours.uri)
    assert poll(shell)["new"] == 1
    again = shell.ok("show", found["ours too"]["ref"], "--json").json
    assert (again["status"], again["messages"][-1]["text"]) == ("open", "and the brown one?")
    assert network.counts["com.atproto.server.createSession"] == 1


def test_a_reply_written_in_the_app_joins_the_case(shell: Shell, network: BlueskyServer) -> None:
    gwen = network.person("gwen")
    asked = network.mention(gwen, "who mends the lamp?")
    poll(shell)
    ours = network.post(network.council, "We do. Where?", to=asked)
    network.post(gwen, "Elm Street", to=ours)
    assert poll(shell)["new"] == 1
    [case] = cases(shell).values()
    whole = shell.ok("show", case["ref"], "--json").json
    assert [m["voice"] for m in whole["messages"]] == ["resident", "officer", "resident"]


def test_a_back_dated_mention_and_ties_are_polled(shell: Shell, network: BlueskyServer) -> None:
    gwen = network.person("gwen")
    network.most = 10
    for number in range(25):
        network.mention(gwen, f"post {number}", created=network.time - timedelta(minutes=number // 6))
    assert poll(shell)["new"] == 25
    network.mention(gwen, "dated back", created=network.time - timedelta(hours=24))
    assert poll(shell)["new"] == 1


def test_edits_and_deletions_are_seen(shell: Shell, network: BlueskyServer) -> None:
    gwen, wei = network.person("gwen"), network.person("wei")
    edited, deleted = network.mention(gwen, "my bin"), network.mention(wei, "my street")
    poll(shell)
    network.edit(edited, "@council.example my green bin")
    network.delete(deleted)
    assert poll(shell)["updated"] == 2
    messages = [shell.ok("show", case["ref"], "--json").json["messages"][0] for case in cases(shell).values()]
    assert sorted(str(m["edited_at"] is not None) + str(m["gone_at"] is not None) for m in messages) == [
        "FalseTrue",
        "TrueFalse",
    ]


def test_a_lost_answer_is_found_and_never_sent_twice(shell: Shell, network: BlueskyServer) -> None:
    gwen = network.person("gwen")
    network.say(gwen, "a private question", network.convo(gwen))
    poll(shell)
    [case] = cases(shell).values()
    network.fail("sendMessage", "lost")
    shell.run("reply", case["ref"], "Thank you")
    [row] = shell.ok("outbox", "--json").json
    assert row["state"] == "unknown"
    assert [(o["id"], o["state"]) for o in shell.ok("outbox", "send", "--json").json] == [(row["id"], "sent")]
    [convo] = network.convos.values()
    assert [m["text"] for m in convo.messages] == ["a private question", "Thank you"]


def test_sending_looks_for_an_answer_that_never_arrived_and_leaves_the_rest_to_an_officer(
    shell: Shell, network: BlueskyServer
) -> None:
    gwen = network.person("gwen")
    network.say(gwen, "a private question", network.convo(gwen))
    poll(shell)
    [case] = cases(shell).values()
    network.fail("sendMessage", "reset")
    shell.run("reply", case["ref"], "Thank you")
    looked = shell.run("outbox", "send", "--json")
    assert (looked.status, looked.json[0]["state"]) == (1, "unknown")
    assert "outbox retry" in looked.json[0]["error"]
    [convo] = network.convos.values()
    assert [m["text"] for m in convo.messages] == ["a private question"]
    shell.ok("outbox", "retry", str(looked.json[0]["id"]))
    assert [m["text"] for m in convo.messages] == ["a private question", "Thank you"]


def test_states_in_words(shell: Shell, network: BlueskyServer) -> None:
    network.mention(network.person("gwen"), "hello")
    network.passwords[PASSWORD] = False
    assert poll(shell)["new"] == 1
    [account] = shell.ok("accounts", "--json").json
    assert account["state"] == "ok"
    assert "Direct messages are not read" in account["detail"]
    network.fail("listNotifications", *["429"] * 9)
    poll(shell, "rate_limited")
    network.heal()
    network.revoke(PASSWORD)
    network.expire_access()
    refused = poll(shell, "login_needed")
    assert "app password" in refused["error"]
    for secret in (shell.config.read_text(), shell.store.read_bytes().decode("latin-1"), json.dumps(refused)):
        assert PASSWORD not in secret
        assert "access-" not in secret
        assert "refresh-" not in secret
