"""The whole program on an account at X: sign-in by a browser, poll, answers, what they cost, and what X refuses."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.shell import Shell
from tests.doubles.x import CLIENT, SCOPES, XServer


@pytest.fixture
def network() -> Iterator[XServer]:
    with XServer(now=datetime.now(UTC) - timedelta(minutes=1)) as server:
        yield server
    assert server.problems == []


def account(server: str, more: str = "") -> str:
    return (
        f'\n[[accounts]]\nid = "town-x"\nnetwork = "x"\nserver = "{server}"\nhandle = "@council"\n'
        f'client_id = "{CLIENT}"\n{more}'
    )


def secret(**fields: object) -> str:
    held = {"access_token": "access-0", "refresh_token": "refresh-0", "client_id": CLIENT, "scope": SCOPES}
    return json.dumps(held | fields)


@pytest.fixture
def shell(tmp_path: Path, network: XServer) -> Shell:
    shell = Shell(tmp_path, accounts=account(network.url))
    shell.login("town-x", secret())
    return shell


def poll(shell: Shell, state: str = "ok", *more: str) -> dict[str, Any]:
    ran = shell.run("poll", "--once", "--json", *more)
    result: dict[str, Any] = json.loads(ran.out)
    assert result["state"] == state, result
    return result


def cases(shell: Shell) -> dict[str, dict[str, Any]]:
    """Cases by their first words."""
    return {case["snippet"]: case for case in shell.ok("list", "--view", "all", "--json").json}


def kept(shell: Shell) -> dict[str, Any]:
    """The login in the keyring."""
    whole = json.loads((shell.folder / "keyring.json").read_text())
    found: dict[str, Any] = json.loads(whole["socialtriage/town-x"])
    return found


def test_a_day_at_x(shell: Shell, network: XServer) -> None:
    root = network.post("council", "Bins are late today")
    missed = network.mention("my bin was missed")
    below = network.post("wei", "@council ours too", answers=root)
    network.direct("gwen", "a photo in private")
    first = poll(shell)
    assert (first["new"], first["updated"], first["gap"]) == (3, 0, None)
    assert poll(shell)["new"] == 0

    found = cases(shell)
    assert {case["visibility"] for case in found.values()} == {"public", "private"}
    assert found["ours too"]["person"]["handle"] == "@wei"
    dear = shell.run("reply", found["ours too"]["ref"], "See https://anytown.example/bins", "--preview")
    assert "US$0.20" in dear.err
    assert "Sent." in shell.ok("reply", found["ours too"]["ref"], "On Thursday.").out
    [ours] = [post for post in network.posts.values() if post.answers == below]
    assert ours.text == "On Thursday."
    assert "Sent." in shell.ok("reply", found["a photo in private"]["ref"], "Thank you").out
    assert network.events[-1]["text"] == "Thank you"
    refused = shell.run("reply", found["ours too"]["ref"], "In private", "--private")
    assert (refused.status, "privately" in refused.err) == (1, True)
    assert poll(shell)["new"] == 0
    whole = shell.ok("show", found["ours too"]["ref"], "--json").json
    assert whole["status"] == "waiting_resident"
    assert [m["voice"] for m in whole["messages"]] == ["officer", "resident", "officer"]

    network.now = datetime.now(UTC)
    network.post("wei", "@council and the brown one?", answers=ours.id)
    del network.posts[missed]
    result = poll(shell)
    assert (result["new"], result["updated"]) == (1, 1)
    again = shell.ok("show", found["ours too"]["ref"], "--json").json
    assert (again["status"], again["messages"][-1]["text"]) == ("open", "@council and the brown one?")
    gone = shell.ok("show", found["my bin was missed"]["ref"], "--json").json
    assert gone["messages"][0]["gone_at"] is not None
    spent = shell.ok("accounts", "--json").json[0]["budget"]["spent"]
    assert spent["currency"] == "USD"
    assert spent["by_kind"]["mention_read"] == pytest.approx(0.003)
    assert "spent this month" in shell.ok("accounts").out


def test_the_browser_brings_the_login(shell: Shell, network: XServer) -> None:
    network.scopes = SCOPES.replace(" dm.write", "")
    with shell.popen("accounts", "login", "town-x") as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if (found := re.search(r"http://\S+/i/oauth2/authorize\S+", line)) is not None:
                break
        back = network.grant(found[0]) if found else ""
        assert back.startswith("http://127.0.0.1:8917/x?")
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(back.replace("state=", "state=other"), timeout=10)
        with urllib.request.urlopen(back, timeout=10) as page:
            assert b"has arrived" in page.read()
        out, err = process.communicate(timeout=30)
    said = "".join(lines) + err
    assert process.returncode == 0, said
    assert "callback address, exactly: http://127.0.0.1:8917/x" in said
    assert "did not grant dm.write" in said
    assert "Signed in as @council." in said
    login = kept(shell)
    assert login["refresh_token"] == network.refresh
    for word in (login["access_token"], login["refresh_token"]):
        assert word not in said + out


def test_a_code_that_is_pasted_signs_in_too(shell: Shell, network: XServer) -> None:
    with shell.popen("accounts", "login", "town-x") as process:
        assert process.stderr is not None
        assert process.stdin is not None
        found = next(m for line in process.stderr if (m := re.search(r"http://\S+/i/oauth2/authorize\S+", line)))
        process.stdin.write(network.grant(found[0]) + "\n")
        process.stdin.flush()
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert kept(shell)["refresh_token"] == network.refresh


def test_a_lapsed_login_is_renewed_once_and_kept(shell: Shell, network: XServer) -> None:
    network.mention()
    network.access.clear()
    assert poll(shell)["new"] == 1
    assert kept(shell)["refresh_token"] == network.refresh
    assert [form["grant_type"] for form in network.form] == ["refresh_token"]
    network.access.clear()
    network.refresh = "somebody-elses"
    refused = poll(shell, "login_needed")
    assert "refresh-" not in json.dumps(refused)
    network.access["access-0"] = SCOPES
    network.mention("a second one")
    shell.login("town-x", secret())
    assert poll(shell)["new"] == 1


def test_the_ceiling_pauses_polling_with_its_reason(shell: Shell, network: XServer) -> None:
    network.mention()
    poll(shell)
    shell.config.write_text(shell.config.read_text() + "ceiling = 0.005\nprices = { mention_read = 0.002 }\n")
    asked = len(network.requests)
    paused = poll(shell, "paused")
    assert "US$0.02" in paused["error"]
    assert len(network.requests) == asked
    [row] = shell.ok("accounts", "--json").json
    assert (row["state"], "ceiling" in row["detail"]) == ("paused", True)
    [case] = cases(shell).values()
    assert "Sent." in shell.ok("reply", case["ref"], "Answering goes on.").out


def test_only_who_summoned_us_is_answered(shell: Shell, network: XServer) -> None:
    [root, lost] = [network.post("ada", "a pothole on Elm Street"), "@council what about this?"]
    mention = network.post("ada", lost, answers=root)
    poll(shell)
    [case] = cases(shell).values()
    del network.posts[mention]
    poll(shell)
    refused = shell.run("reply", case["ref"], "We look at it.")
    assert refused.status == 1
    assert "mentioned or quoted" in refused.err


def test_a_lost_answer_is_found_and_never_sent_twice(shell: Shell, network: XServer) -> None:
    network.mention()
    poll(shell)
    [case] = cases(shell).values()
    network.fail("/2/tweets", "lost")
    assert shell.run("reply", case["ref"], "On Thursday.").status == 1
    [row] = shell.ok("outbox", "--json").json
    assert row["state"] == "unknown"
    shell.ok("outbox", "retry", str(row["id"]))
    assert [post.text for post in network.posts.values() if post.author == "783214"] == ["On Thursday."]
