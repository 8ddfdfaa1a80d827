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

from tests.doubles.inside import Inside
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
    return Inside(tmp_path, accounts=account(network.url))


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
    shell.login("town-x", secret())
    root = network.post("council", "Bins are late today")
    below = network.post("wei", "@council ours too", answers=root)
    pothole = network.post("ada", "a pothole on Elm Street")
    lost = network.post("ada", "@council what about this?", answers=pothole)
    network.direct("gwen", "a photo in private")
    first = poll(shell)
    assert (first["new"], first["updated"], first["gap"]) == (3, 0, None)

    found = cases(shell)
    assert {case["visibility"] for case in found.values()} == {"public", "private"}
    assert found["ours too"]["person"]["handle"] == "@wei"
    dear = shell.run("reply", found["ours too"]["ref"], "See https://anytown.example/bins", "--preview", "--json")
    assert dear.json["price"] == {"amount": 0.2, "currency": "USD"}
    assert "US$0.20" in dear.err
    network.fail("/2/tweets", "lost")
    assert "unknown" in shell.run("reply", found["ours too"]["ref"], "On Thursday.").err
    shell.ok("outbox", "retry", "1")
    [ours] = [post for post in network.posts.values() if post.answers == below]
    assert ours.text == "On Thursday."
    assert "Sent." in shell.ok("reply", found["a photo in private"]["ref"], "Thank you").out
    assert network.events[-1]["text"] == "Thank you"
    refused = shell.run("reply", found["ours too"]["ref"], "In private", "--private")
    assert (refused.status, "privately" in refused.err) == (1, True)

    network.access.clear()  # two hours are over: the login is renewed, and the rotated one kept
    network.now = datetime.now(UTC)
    network.post("wei", "@council and the brown one?", answers=ours.id)
    del network.posts[lost]
    result = poll(shell)
    assert (result["new"], result["updated"]) == (1, 1)
    assert kept(shell)["refresh_token"] == network.refresh
    assert [form["grant_type"] for form in network.form] == ["refresh_token"]
    again = shell.ok("show", found["ours too"]["ref"], "--json").json
    assert [m["voice"] for m in again["messages"]] == ["officer", "resident", "officer", "resident"]
    assert (again["status"], again["messages"][-1]["text"]) == ("open", "@council and the brown one?")
    # What is left of the case is the post that never addressed us.
    unasked = shell.run("reply", found["what about this?"]["ref"], "We look at it.")
    assert (unasked.status, "mentioned or quoted" in unasked.err) == (1, True)

    shell.config.write_text(shell.config.read_text() + "ceiling = 0.005\nprices = { mention_read = 0.002 }\n")
    asked = len(network.requests)
    assert "this month; polling pauses" in poll(shell, "paused")["error"]
    assert len(network.requests) == asked
    [row] = shell.ok("accounts", "--json").json
    assert (row["state"], "ceiling" in row["detail"]) == ("paused", True)
    listed = shell.ok("accounts").out
    assert "0/1 accounts" in listed
    assert "paused at its ceiling" in listed
    assert "spent this month: user read" in listed
    assert row["budget"]["spent"]["currency"] == "USD"
    assert row["budget"]["spent"]["by_kind"]["mention_read"] == pytest.approx(0.003)


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


def test_signing_in_again_lets_leave_at_once_what_waited_for_it(shell: Shell, network: XServer) -> None:
    shell.login("town-x", secret(refresh_token=None))
    network.mention("the bins were missed")
    poll(shell)
    [case] = shell.ok("list", "--json").json
    good, network.access = network.access, {}
    refused = shell.run("reply", case["ref"], "On Thursday.")
    assert (refused.status, "queued" in refused.err) == (1, True)
    [row] = shell.ok("accounts", "--json").json
    assert (row["state"], "Sign in again" in row["detail"]) == ("login_needed", True)
    assert "1 waits for the next try" in shell.ok("outbox", "send").err
    network.access = good
    shell.login("town-x", secret(refresh_token=None))
    assert "sent" in shell.ok("outbox", "send").out
    assert [post.text for post in network.posts.values() if post.answers] == ["On Thursday."]
    assert "Nothing was waiting." in shell.ok("outbox", "send").err
