"""A statement on a Page, at X, at Threads and in a Telegram channel: its price, its length, every loss on the way."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from socialtriage.channels.facebook import Facebook
from socialtriage.config.load import parse
from socialtriage.domain.errors import ConfigError
from tests.doubles.desk import CONFIG
from tests.doubles.graph import PAGE, GraphServer
from tests.doubles.graph import TOKEN as PAGE_TOKEN
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.shell import Shell
from tests.doubles.telegram import TOKEN as BOT_TOKEN
from tests.doubles.telegram import TelegramServer
from tests.doubles.threads import ME, NAME, ThreadsServer
from tests.doubles.x import CLIENT, SCOPES, XServer
from tests.doubles.x import ME as X_ME

WORDS = "A water main has burst in High Street. Crews are there: https://anytown.example/water"
NEWS = "@anytown_news"


@dataclass
class Town:
    """An organisation on four networks."""

    shell: Shell
    page: GraphServer
    x: XServer
    threads: ThreadsServer
    telegram: TelegramServer

    @property
    def said(self) -> dict[str, list[str]]:
        """What each network has of ours that answers nobody."""
        return {
            "page": [node.values["message"] for node in self.page.sent("PagePost")],
            "x": [post.written for post in self.x.posts.values() if post.author == X_ME and post.answers is None],
            "threads": [post.text for post in self.threads.posts.values() if post.who == NAME and post.above is None],
            "chat": [message["text"] for message in self.telegram.sent],
        }

    def incident(self, *words: str, status: int = 0) -> dict[str, Any]:
        """A command about incidents that answers with JSON."""
        ran = self.shell.run("incident", *words, "--json")
        assert ran.status == status, ran.out + ran.err
        found: dict[str, Any] = ran.json
        return found

    def states(self, name: str = "main") -> dict[str, str]:
        return {post["account"]: post["state"] for post in self.incident("show", name)["posts"]}

    def row(self, account: str) -> str:
        """The number of the row of the outbox that an account's statement is."""
        [row] = [row for row in self.shell.ok("outbox", "--json").json if row["account"] == account]
        return str(row["id"])


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    one_tls_context(monkeypatch)
    now = datetime.now(UTC).replace(microsecond=0)
    with ExitStack() as stack:
        page = stack.enter_context(GraphServer())
        x = stack.enter_context(XServer(now=now))
        threads = stack.enter_context(ThreadsServer(now))
        telegram = stack.enter_context(TelegramServer())
        telegram.channels[NEWS] = -1001234567890
        accounts = "".join(
            f'\n[[accounts]]\nid = "{id_}"\nnetwork = "{network}"\nserver = "{server.url}"\n{more}\n'
            for id_, network, server, more in (
                ("page", "facebook", page, f'page = "{PAGE}"'),
                ("x", "x", x, f'handle = "@council"\nclient_id = "{CLIENT}"'),
                ("threads", "threads", threads, f'user = "{ME}"'),
                ("chat", "telegram", telegram, f'handle = "@anytown_bot"\nchannel = "{NEWS}"'),
            )
        )
        shell = Inside(tmp_path, accounts=accounts)
        shell.login("page", PAGE_TOKEN)
        shell.login("x", json.dumps({"access_token": "access-0", "client_id": CLIENT, "scope": SCOPES}))
        shell.login("threads", json.dumps({"access_token": "token-0"}))
        shell.login("chat", BOT_TOKEN)
        yield Town(shell, page, x, threads, telegram)
        problems = [*page.problems, *x.problems, *threads.problems, *telegram.problems]
    assert problems == []


def test_one_look_and_one_answer_publish_it_on_four_networks_and_say_what_it_costs(town: Town) -> None:
    long = town.shell.run("incident", "new", "main", "--text", WORDS + " More." * 60, "--preview", "--json")
    faults = {each["account"]: each["fault"] for each in long.json}
    assert (faults["page"], faults["chat"]) == (None, None)
    assert "too many" in faults["x"]
    six = " ".join(f"https://anytown.example/{number}" for number in range(6))
    linked = town.shell.run("incident", "new", "main", "--text", six, "--preview", "--json")
    assert {each["account"]: each["fault"] for each in linked.json}["threads"].startswith(
        "Threads takes at most 5 links"
    )
    look = town.shell.run("incident", "new", "main", "--text", WORDS, stdin="n\n")
    assert (look.status, "US$0.20 because it holds a link" in look.err, "costs 0.20 USD" in look.err) == (1, True, True)
    assert town.said == {"page": [], "x": [], "threads": [], "chat": []}
    begun = town.incident("new", "main", "--text", WORDS, "--yes")
    assert {post["state"] for post in begun["posts"]} == {"sent"}
    assert town.said == {"page": [WORDS], "x": [WORDS], "threads": [WORDS], "chat": [WORDS]}
    links = {post["account"]: post["url"] for post in begun["posts"]}
    assert links["page"].startswith("https://facebook.example/")
    assert links["chat"].startswith("https://t.me/anytown_news/")
    [account] = [each for each in town.shell.ok("accounts", "--json").json if each["id"] == "x"]
    assert account["budget"]["spent"]["by_kind"]["post_with_link"] == 0.2
    # What we said ourselves opens no case when it comes back.
    assert town.shell.run("poll", "--once", "--json").status == 0
    assert town.shell.ok("list", "--view", "all", "--json").json == []


def test_an_answer_that_got_lost_is_looked_up_and_nothing_is_said_twice(town: Town) -> None:
    town.page.fail("lost", path="/feed", method="POST")
    town.x.fail("/2/tweets", "lost")
    town.threads.fail("lost", "threads_publish")
    for _ in range(3):
        town.threads.fail("500", "9000")  # what became of the container is not told either
    town.telegram.fail("lost", "sendMessage")
    town.incident("new", "main", "--text", WORDS, "--yes", status=1)
    assert town.states() == dict.fromkeys(("page", "x", "threads", "chat"), "unknown")
    for account in ("page", "x", "threads"):
        assert "sent" in town.shell.ok("outbox", "retry", town.row(account)).out
    refused = town.shell.run("outbox", "retry", town.row("chat"))
    assert (refused.status, "cannot be asked" in refused.err) == (1, True)
    assert town.said == {"page": [WORDS], "x": [WORDS], "threads": [WORDS], "chat": [WORDS]}
    assert town.states() == {"page": "sent", "x": "sent", "threads": "sent", "chat": "unknown"}


def test_what_never_arrived_is_not_found_and_is_said_once_when_tried_again(town: Town) -> None:
    town.page.fail("500", path="/feed", method="POST")
    town.x.fail("/2/tweets", "reset")
    town.threads.fail("500", "threads_publish")
    for _ in range(3):
        town.threads.fail("500", "9000")
    accounts = [word for each in ("page", "x", "threads") for word in ("--account", each)]
    town.incident("new", "main", "--text", WORDS, "--yes", *accounts, status=1)
    assert (town.states(), town.said["page"]) == (dict.fromkeys(("page", "x", "threads"), "unknown"), [])
    for account in ("page", "x", "threads"):
        assert "sent" in town.shell.ok("outbox", "retry", town.row(account)).out
    assert town.said == {"page": [WORDS], "x": [WORDS], "threads": [WORDS], "chat": []}


def test_what_is_not_allowed_fails_by_itself_with_the_reason_and_the_others_are_said(town: Town) -> None:
    town.page.tokens[PAGE_TOKEN].scopes.discard("pages_manage_posts")
    town.telegram.channels.clear()
    town.incident("new", "main", "--text", WORDS, "--yes", status=1)
    assert town.states() == {"page": "failed", "x": "sent", "threads": "sent", "chat": "failed"}
    why = {post["account"]: post["error"] for post in town.incident("show", "main")["posts"]}
    assert "pages_manage_posts" in why["page"]
    assert "administrator of the channel" in why["chat"]
    # A login that lacks what only statements need is whole for everything else.
    told = {each["name"]: each for each in town.shell.run("check", "--json").json["checks"]}
    assert "pages_manage_posts" not in json.dumps(told)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_killed_between_two_networks_each_statement_is_said_once(town: Town) -> None:
    town.x.fail("/2/tweets", "hang")
    running = town.shell.popen("incident", "new", "main", "--text", WORDS, "--yes")
    assert town.x.hanging.wait(20)
    running.kill()
    running.communicate()
    town.x.release.set()
    assert town.states() == {"page": "sent", "x": "queued", "threads": "queued", "chat": "queued"} | {"x": "sending"}
    town.shell.run("outbox", "send")
    assert town.states() == {"page": "sent", "x": "unknown", "threads": "sent", "chat": "sent"}
    # X refuses the same words a second time: then what stands there is what was meant.
    assert "sent" in town.shell.ok("outbox", "retry", town.row("x"), "--anyway").out
    assert town.said == {"page": [WORDS], "x": [WORDS], "threads": [WORDS], "chat": [WORDS]}


def test_a_telegram_channel_is_a_name_or_its_number() -> None:
    bot = '\n[[accounts]]\nid = "bot"\nnetwork = "telegram"\nchannel = "{}"\n'
    for good in (NEWS, "-1001234567890"):
        parse(CONFIG + bot.format(good))
    with pytest.raises(ConfigError) as caught:
        parse(CONFIG + bot.format("https://t.me/anytown_news"))
    assert "accounts.bot.channel" in str(caught.value.problems)
    assert "pages_manage_posts" in " ".join(Facebook.sign_in.steps)
