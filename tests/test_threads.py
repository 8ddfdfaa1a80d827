"""Threads: the whole program on an account, and the adapter under faults."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from socialtriage.channels.http import Http
from socialtriage.channels.threads import Threads
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import AnswerLost, ChannelError, RateLimited, Rejected, Unavailable
from socialtriage.domain.models import Visibility
from tests.doubles.channel_desk import FixedSecret, SmallDesk, answer_to
from tests.doubles.inside import Inside
from tests.doubles.shell import Shell
from tests.doubles.threads import APP_SECRET, ME, NAME, SCOPES, Login, ThreadsServer

T = TypeVar("T")


@pytest.fixture
def network() -> Iterator[ThreadsServer]:
    with ThreadsServer(datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)) as server:
        yield server
    assert server.problems == []


@pytest.fixture
def desk(network: ThreadsServer) -> SmallDesk:
    account = AccountConfig(id="town-threads", network="threads", server=network.url, user=ME)
    return SmallDesk(Threads, account, FixedSecret("token-0"), now=network.now + timedelta(minutes=1))


@pytest.fixture
def shell(tmp_path: Path, network: ThreadsServer) -> Shell:
    account = f'\n[[accounts]]\nid = "town-threads"\nnetwork = "threads"\nserver = "{network.url}"\nuser = "{ME}"\n'
    return Inside(tmp_path, accounts=account)


def ask(desk: SmallDesk, question: Callable[[Threads], Awaitable[T]]) -> T:
    async def story() -> T:
        http = Http()
        try:
            return await question(Threads(desk.context(http)))
        finally:
            await http.aclose()

    return asyncio.run(story())


def poll(shell: Shell, state: str = "ok") -> dict[str, Any]:
    ran = shell.run("poll", "--once", "--json")
    assert ran.out, ran.err
    result: dict[str, Any] = json.loads(ran.out)
    assert result["state"] == state, result
    return result


def test_a_day_at_threads(shell: Shell, network: ThreadsServer) -> None:
    shell.login("town-threads", json.dumps({"access_token": "token-0", "client_id": "a", "client_secret": APP_SECRET}))
    root = network.post(NAME, "Bins are late", at=network.now - timedelta(days=30))
    network.post("gwen", "mine too", above=root)
    network.post("wei", "@council a pothole")
    assert poll(shell)["new"] == 2
    found = {case["snippet"]: case for case in shell.ok("list", "--view", "all", "--json").json}
    assert "Sent." in shell.ok("reply", found["mine too"]["ref"], "On Thursday.").out
    assert "privately" in shell.run("reply", found["mine too"]["ref"], "x", "--private").err
    [ours] = [post for post in network.posts.values() if post.text == "On Thursday."]
    network.now = datetime.now(UTC) + timedelta(seconds=1)  # its posts have whole seconds
    network.post("gwen", "and the brown one?", above=ours.id)
    del network.posts[next(key for key, post in network.posts.items() if post.who == "wei")]
    result = poll(shell)
    assert (result["new"], result["updated"]) == (1, 1)
    again = shell.ok("show", found["mine too"]["ref"], "--json").json
    assert [m["voice"] for m in again["messages"]] == ["officer", "resident", "officer", "resident"]
    network.tokens.clear()
    poll(shell, "login_needed")


def test_the_pasted_address_signs_in_with_a_token_of_60_days(shell: Shell, network: ThreadsServer) -> None:
    shell.login(
        "town-threads",
        json.dumps({"access_token": "x", "client_id": "app-of-the-council", "client_secret": APP_SECRET}),
    )
    with shell.popen("accounts", "login", "town-threads") as process:
        assert process.stdin is not None
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if (found := re.search(r"http://\S+/oauth/authorize\S+", line)) is not None:
                process.stdin.write(network.grant(found[0]) + "\n")
                process.stdin.flush()
                break
        out, err = process.communicate(timeout=30)
    said = "".join(lines) + out + err
    assert process.returncode == 0, said
    assert "https://localhost:8917/threads" in said
    assert f"Signed in as @{NAME}." in said
    kept = json.loads(json.loads((shell.folder / "keyring.json").read_text())["socialtriage/town-threads"])
    assert kept["access_token"].startswith("token-")
    assert kept["expires_at"] > (datetime.now(UTC) + timedelta(days=59)).timestamp()
    assert kept["access_token"] not in said
    assert APP_SECRET not in said


def test_check_names_what_is_missing_and_learns_the_end(desk: SmallDesk, network: ThreadsServer) -> None:
    network.tokens["token-0"].scopes.remove("threads_manage_mentions")
    health = ask(desk, lambda channel: channel.check())
    assert health.handle == "@council"
    assert health.expires_at is not None
    assert "threads_manage_mentions" in health.notices[0]
    assert json.loads(desk.secret.value)["expires_at"] == int(health.expires_at.timestamp())


def test_a_token_in_its_second_month_is_extended(desk: SmallDesk, network: ThreadsServer) -> None:
    ends = desk.now + timedelta(days=20)
    network.tokens["token-0"] = Login(ends)
    desk.secret.value = json.dumps({"access_token": "token-0", "expires_at": int(ends.timestamp())})
    asyncio.run(desk.poll())
    assert json.loads(desk.secret.value)["access_token"] != "token-0"
    assert len(network.calls("/refresh_access_token")) == 1


def test_old_posts_come_in_turn_and_nothing_comes_twice(desk: SmallDesk, network: ThreadsServer) -> None:
    posts = [network.post(NAME, f"news {n}", at=network.now - timedelta(days=20 + n)) for n in range(30)]
    late = network.post("gwen", "about that old thing", above=posts[-1])
    for _ in range(2):
        asyncio.run(desk.poll())
    assert list(desk.residents) == [late]
    assert desk.residents[late].thread == posts[-1]


def test_a_walk_that_is_stopped_loses_nothing(desk: SmallDesk, network: ThreadsServer) -> None:
    network.most = 5
    root = network.post(NAME, "Budget", at=network.now - timedelta(hours=2))
    wanted = {network.post("ada", f"reply {n}", above=root) for n in range(12)}
    wanted |= {network.post("wei", f"@council mention {n}") for n in range(12)}
    for stop in (1, 2, 3, 4):
        asyncio.run(desk.poll(stop_after=stop))
    asyncio.run(desk.poll())
    assert set(desk.residents) == wanted
    wanted.add(network.post("wei", "@council dated back", at=network.now - timedelta(hours=24)))
    asyncio.run(desk.poll())
    assert set(desk.residents) == wanted


def test_mentions_without_access_are_told_and_replies_go_on(desk: SmallDesk, network: ThreadsServer) -> None:
    network.advanced = False
    root = network.post(NAME, "Budget")
    network.post("ada", "too high", above=root)
    asyncio.run(desk.poll())
    assert len(desk.residents) == 1
    assert any("Advanced Access" in notice for notice in desk.notices)


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        ("429", {"error": {"message": "slow down", "code": 4}}, RateLimited),
        ("503", {}, Unavailable),
        ("cut", None, ChannelError),
        ("html", None, ChannelError),
        ("200", {"data": "text"}, ChannelError),
        ("reset", None, Unavailable),
    ],
)
def test_what_goes_wrong_while_reading(
    desk: SmallDesk, network: ThreadsServer, kind: str, value: Any, error: type[ChannelError]
) -> None:
    root = network.post(NAME, "Budget")
    wanted = network.post("ada", "too high", above=root)
    for _ in range(3):
        network.fail(kind, "/conversation", value)
    with pytest.raises(error):
        asyncio.run(desk.poll())
    network.faults.clear()
    asyncio.run(desk.poll())
    assert set(desk.residents) == {wanted}


@pytest.mark.parametrize("where", ["me/threads", "threads_publish"])
@pytest.mark.parametrize("kind", ["lost", "reset"])
def test_a_lost_answer_publishes_once(desk: SmallDesk, network: ThreadsServer, where: str, kind: str) -> None:
    root = network.post(NAME, "Budget")
    asked = network.post("ada", "too high", above=root)
    asyncio.run(desk.poll())
    reply = answer_to(desk.residents[asked], "It is lower than last year.")
    network.now = desk.now = reply.queued_at
    network.fail(kind, where)
    sent = ask(desk, lambda channel: channel.send(reply))
    assert [post.id for post in network.posts.values() if post.above == asked] == [sent.remote_id]
    found = ask(desk, lambda channel: channel.look_up(reply))
    assert found is not None
    assert found.remote_id == sent.remote_id


def test_an_answer_that_cannot_be_checked_is_unknown(desk: SmallDesk, network: ThreadsServer) -> None:
    root = network.post(NAME, "Budget")
    asked = network.post("ada", "too high", above=root)
    asyncio.run(desk.poll())
    network.fail("lost", "threads_publish")
    for _ in range(3):
        network.fail("503", "/v1.0/9")
    with pytest.raises(AnswerLost):
        ask(desk, lambda channel: channel.send(answer_to(desk.residents[asked], "It is lower.")))


def test_length_links_and_hiding(desk: SmallDesk, network: ThreadsServer) -> None:
    root = network.post(NAME, "Budget")
    asked = network.post("ada", "rude words", above=root)
    asyncio.run(desk.poll())
    message = desk.residents[asked]
    rule = ask(desk, _counted)
    assert (rule, len(SCOPES)) == (4 + len("👍🏽".encode()) + 2, 5)
    with pytest.raises(Rejected, match="at most 5 links"):
        ask(desk, lambda channel: channel.send(answer_to(message, "https://a.example/ " * 6)))
    ref = answer_to(message, "x").parent
    ask(desk, lambda channel: channel.hide(ref))
    assert network.posts[asked].hidden
    ask(desk, lambda channel: channel.unhide(ref))
    assert not network.posts[asked].hidden


async def _counted(channel: Threads) -> int:
    return channel.measure("abc 👍🏽 日", Visibility.PUBLIC, "@x").used


def test_the_newest_of_each_conversation_comes_first_and_what_a_cut_pass_left_is_not_taken_for_known(
    desk: SmallDesk, network: ThreadsServer
) -> None:
    network.most = 5
    start = network.now - timedelta(days=4)
    wanted: set[str] = set()
    newest: set[str] = set()
    for number in range(3):
        root = network.post(NAME, f"news {number}", at=start)
        below = [network.post("ada", f"{number} {n}", above=root, at=start + timedelta(hours=n)) for n in range(23)]
        wanted |= {root, *below}
        newest |= {root, *below[-5:]}
    asyncio.run(desk.poll(stop_after=3))
    assert desk.messages.keys() == newest
    # All of them are days old: to meet them again says nothing of what is below.
    asyncio.run(desk.poll(stop_after=5))
    asyncio.run(desk.poll())
    assert desk.messages.keys() == wanted


def test_replies_that_wait_for_approval_are_shown_and_decided(shell: Shell, network: ThreadsServer) -> None:
    shell.login("town-threads", json.dumps({"access_token": "token-0"}))
    root = network.post(NAME, "Bins are late")
    shy = network.post("gwen", "mine too", above=root)
    rude = network.post("zed", "you scum", above=root)
    network.posts[shy].pending = network.posts[rude].pending = True
    nested = network.post("wei", "and mine", above=network.post("ada", "not mine", above=root))
    assert poll(shell)["new"] == 4
    assert poll(shell)["updated"] == 0, "out of sight is not gone"
    found = {case["snippet"]: case["ref"] for case in shell.ok("list", "--view", "all", "--json").json}
    shown = shell.ok("show", found["mine too"], "--json").json["messages"][0]
    assert (shown["place"], shown["gone_at"]) == ("waits for approval, Bins are late", None)

    shell.ok("unhide", found["mine too"], "--reason", "a fair question")
    assert not network.posts[shy].pending
    shell.ok("hide", found["you scum"], "--reason", "insults")
    assert rude not in network.posts
    assert (poll(shell)["new"], poll(shell)["new"]) == (0, 0)
    # Approved, it is a reply like any other.
    shell.ok("hide", found["mine too"], "--reason", "on second thoughts")
    assert network.posts[shy].hidden
    refused = shell.run("hide", found["and mine"], "--reason", "off topic")
    assert (refused.status, network.posts[nested].hidden) == (1, False)
    assert "directly below a post of ours" in refused.err
    network.fail("400", "pending_replies", {"error": {"code": 10, "message": "threads_manage_replies"}})
    poll(shell)
    [account] = shell.ok("accounts", "--json").json
    assert "wait for approval could not be read" in account["detail"]
