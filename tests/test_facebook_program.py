"""The program against a Page: poll, show, answer in public and in private, and what the network's rules refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from socialtriage.config.load import load
from socialtriage.services import inbox
from socialtriage.services.desk import open_desk
from socialtriage.ui.case_text import Reader, facts
from tests.doubles.graph import PAGE, TOKEN, USER_TOKEN, GraphServer
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.shell import Shell


@pytest.fixture
def meta() -> Iterator[GraphServer]:
    with GraphServer() as server:
        yield server
        assert server.problems == []


def account(meta: GraphServer, **more: str) -> str:
    rest = "".join(f"{name} = {value}\n" for name, value in more.items())
    return f'\n[[accounts]]\nid = "page"\nnetwork = "facebook"\nserver = "{meta.url}"\npage = "{PAGE}"\n{rest}'


@pytest.fixture
def shell(tmp_path: Path, meta: GraphServer, monkeypatch: pytest.MonkeyPatch) -> Shell:
    one_tls_context(monkeypatch)
    shell = Inside(tmp_path, accounts=account(meta))
    shell.login("page", TOKEN)
    return shell


def poll(shell: Shell, status: int = 0) -> dict[str, Any]:
    ran = shell.run("poll", "--once", "--json")
    assert ran.status == status, ran.out + ran.err
    line: dict[str, Any] = json.loads(ran.out)
    return line


def case(shell: Shell, words: str) -> dict[str, Any]:
    [found] = [c for c in shell.ok("list", "--view", "all", "--json").json if words in c["snippet"]]
    whole: dict[str, Any] = shell.ok("show", found["ref"], "--json").json
    return whole


def test_a_day_on_the_page(shell: Shell, meta: GraphServer) -> None:
    now = datetime.now(UTC)
    post = meta.post("The park opens", at=now - timedelta(days=2))
    top = meta.comment(post, "where is the gate?", "Ada", at=now - timedelta(hours=3))
    meta.comment(top, "I want to know too", "Bob", at=now - timedelta(hours=2))
    meta.message("Gus", "my bin was missed", at=now - timedelta(hours=20))
    meta.message("Hal", "that was weeks ago", at=now - timedelta(days=3))
    first = poll(shell)
    assert (first["state"], first["new"], first["error"]) == ("ok", 4, None)
    assert poll(shell)["new"] == 0

    ada = case(shell, "where is the gate")
    assert ada["messages"][0]["remote_id"] == top
    assert ada["person"]["name"] == "Ada"
    assert "Sent." in shell.ok("reply", ada["ref"], "At Mill Lane.").out
    [ours] = meta.sent()
    assert ours.parent == top
    assert poll(shell)["new"] == 0
    assert [m["voice"] for m in case(shell, "where is the gate")["messages"]] == ["resident", "officer"]

    # In private, once, to somebody who wrote in public.
    bob = case(shell, "I want to know too")
    assert "Sent." in shell.ok("reply", bob["ref"], "At Mill Lane, Bob.", "--private").out
    again = shell.run("reply", bob["ref"], "And once more.", "--private")
    assert again.status == 1
    assert "once" in again.err

    # What they answer there is of the same case.
    meta.message("Bob", "thank you, and the other gate?")
    poll(shell)
    said = case(shell, "I want to know too")["messages"]
    kinds = sorted((m["voice"], m["visibility"]) for m in said)
    assert kinds == [("officer", "private"), ("resident", "private"), ("resident", "public")]

    # Messenger, inside the day, with the time that is left; and when it is over, refused with the reason.
    gus = case(shell, "my bin was missed")
    assert gus["answer_until"] is not None
    lines = shell.ok("list").out
    assert "can be answered until" in lines
    assert "can no longer be answered there" in lines
    assert "takes an answer for 3 h" in shell.ok("show", gus["ref"]).out
    preview = shell.ok("reply", gus["ref"], "We are on our way.", "--preview")
    assert "3 h" in preview.out
    assert "Sent." in shell.ok("reply", gus["ref"], "We are on our way.").out
    hal = case(shell, "that was weeks ago")
    assert "is over since" in shell.ok("show", hal["ref"]).out
    late = shell.run("reply", hal["ref"], "Sorry for the wait.")
    assert late.status == 1
    assert "24 hours" in late.err
    assert len(meta.sent("UnifiedMessage")) == 2
    poll(shell)
    assert [m["voice"] for m in case(shell, "my bin was missed")["messages"]] == ["resident", "officer"]

    shell.config.write_text(shell.config.read_text() + "human_agent = true\n")
    assert "Sent." in shell.ok("reply", hal["ref"], "Sorry for the wait.").out
    assert meta.asked("/messages", "POST")[-1].form["tag"] == "HUMAN_AGENT"


def test_the_screen_shows_how_long_an_answer_is_taken(shell: Shell, meta: GraphServer) -> None:
    meta.message("Gus", "my bin was missed", at=datetime.now(UTC) - timedelta(hours=20, minutes=30))
    meta.message("Hal", "that was weeks ago", at=datetime.now(UTC) - timedelta(days=3))
    poll(shell)
    desk = open_desk(load(shell.config), shell.store)
    try:
        reader = Reader(desk.clock(), desk.zone, {})
        shown = {}
        for name, words in (("Gus", "missed"), ("Hal", "weeks ago")):
            detail = inbox.detail(desk, inbox.resolve(desk, case(shell, words)["ref"]))
            shown[name] = " ".join("".join(run[0] for run in line.runs) for line in facts(detail, reader))
    finally:
        desk.close()
    assert "3h29 left, until" in shown["Gus"]
    assert "over since" in shown["Hal"]


def test_a_lost_answer_is_looked_for_and_abuse_is_hidden(shell: Shell, meta: GraphServer) -> None:
    top = meta.comment(meta.post("The park opens"), "where is the gate?", "Ada")
    rude = meta.comment(top, "you are all idiots", "Bob")
    poll(shell)
    ada, bob = case(shell, "where is the gate"), case(shell, "idiots")
    meta.fail("lost", "/comments", "POST")
    assert "unknown" in shell.run("reply", ada["ref"], "At Mill Lane.").err
    # Polling brings the answer before anybody looks: it is one message all the same.
    assert poll(shell)["new"] == 0
    [row] = shell.ok("outbox", "--json").json
    assert "sent" in shell.ok("outbox", "retry", str(row["id"])).out
    assert len(meta.sent()) == 1
    assert [m["voice"] for m in case(shell, "where is the gate")["messages"]] == ["resident", "officer"]

    shell.ok("hide", bob["ref"], "--reason", "abuse of staff")
    assert meta.nodes[rude].values["is_hidden"] is True
    shell.ok("block", bob["ref"], "--reason", "abuse of staff")
    assert meta.blocked == {meta.nodes[rude].values["from"]["id"]}
    assert meta.nodes[rude].values["message"] == "you are all idiots"


def test_logins_that_do_not_work_are_told_apart(shell: Shell, meta: GraphServer) -> None:
    shell.login("page", USER_TOKEN)
    assert poll(shell, 1)["state"] == "misconfigured"
    shell.login("page", TOKEN)
    meta.tokens[TOKEN].valid = False
    revoked = poll(shell, 1)
    assert revoked["state"] == "login_needed"
    assert TOKEN not in json.dumps(revoked)
    meta.tokens[TOKEN].valid = True
    meta.tokens[TOKEN].scopes.discard("pages_manage_engagement")
    meta.tokens[TOKEN].data_access = int((datetime.now(UTC) + timedelta(days=5)).timestamp())
    ran = shell.run("check", "--json")
    assert "pages_manage_engagement" in ran.out
    walked = shell.ok("accounts", "login", "page", stdin=TOKEN + "\n")
    assert "pages_read_user_content, pages_manage_engagement" in walked.err  # what to grant
    assert "lacks the permission pages_manage_engagement" in walked.err
    assert TOKEN not in walked.out + walked.err
    assert poll(shell)["state"] == "login_expiring"
