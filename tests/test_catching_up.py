"""A desk that nobody polled for a weekend: what is newest comes first, then the rest, and the program says so."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from socialtriage.channels import mastodon_walk
from socialtriage.channels.base import Channel
from socialtriage.channels.facebook import Facebook
from socialtriage.channels.google import GoogleReviews
from socialtriage.channels.http import Budget
from socialtriage.channels.instagram import Instagram
from socialtriage.channels.mastodon_api import Api, OutOfTime
from socialtriage.channels.x import X
from socialtriage.channels.youtube import YouTube
from socialtriage.config.model import AccountConfig
from socialtriage.domain.models import Capabilities, Gap, Health, Page
from socialtriage.services import accounts, answerbox, desk, gaps
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from tests.doubles.bluesky import BlueskyServer
from tests.doubles.bluesky_desk import Desk as BlueskyDesk
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk
from tests.doubles.desk import MONDAY, FrozenClock, arrive, message, small_desk
from tests.doubles.google import CHANNEL, LOCATION, SECRET, ReviewServer, YouTubeServer
from tests.doubles.graph import IG, PAGE, GraphServer
from tests.doubles.graph import TOKEN as META_TOKEN
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.mastodon import TOKEN, MastodonServer
from tests.doubles.shell import mastodon
from tests.doubles.x import XServer

FRIDAY = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
BACK = "Fri 20 Nov 17:40"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """The clock of every desk that the program opens."""
    clock = FrozenClock(FRIDAY)
    defaults = desk.open_desk.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "clock", clock)
    return clock


@pytest.fixture
def network(clock: FrozenClock) -> Iterator[MastodonServer]:
    with MastodonServer(clock=clock) as server:
        yield server
        assert server.problems == []


def shell_at(folder: Path, *urls: str) -> Inside:
    folder.mkdir(exist_ok=True)
    every = [mastodon(url, f"town-{number}", since="30d") for number, url in enumerate(urls)]
    shell = Inside(folder, accounts="".join(every))
    for number in range(len(urls)):
        shell.login(f"town-{number}", TOKEN)
    return shell


def the_cases(shell: Inside) -> list[dict[str, Any]]:
    """Every case as the list has it, but for its reference, and how often it was changed on its way here."""
    found = shell.ok("list", "--view", "all", "--json").json
    for case in found:
        case["repeat"]["related"] = len(case["repeat"].pop("related"))
        del case["ref"], case["version"]
    return sorted(found, key=lambda case: (case["opened_at"], case["snippet"]))


def test_a_laptop_that_slept_for_a_weekend_catches_up_newest_first_and_says_so(
    tmp_path: Path, clock: FrozenClock, network: MastodonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake, asleep = shell_at(tmp_path / "awake", network.url), shell_at(tmp_path / "asleep", network.url)
    network.mention("Friday, and the bins were missed.")
    for shell in (awake, asleep):
        said = shell.ok("poll", "--once")
        assert "atching up" not in said.out + said.err
        assert shell.ok("accounts", "--json").json[0]["catching_up_from"] is None

    # Residents write, and answer themselves and each other; one desk reads all along, the other sleeps.
    sent: list[str] = []
    for number in range(140):
        clock.now = FRIDAY + timedelta(minutes=25 * number + 1)
        above = sent[number - 7] if number % 3 == 1 and number > 7 else None
        sent.append(network.mention(f"Message {number}.", f"r{number % 11}", reply_to=above))
        if number % 35 == 34:
            awake.ok("poll", "--once")
    clock.now = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
    awake.ok("poll", "--once")

    # Monday: the pass is cut short when it has read the newest page, and the first one after Friday's last.
    def still_time(_: Api) -> None:
        if any("min_id" in asked.query for asked in network.requests[before:]):
            raise OutOfTime

    before = len(network.requests)
    with monkeypatch.context() as slow:
        slow.setattr(Api, "still_time", still_time)
        cut = asleep.ok("poll", "--once")
        assert f"last read whole on {BACK}: catching up, newest first, then the rest" in cut.err
        assert f"Catching up, newest first: not yet read back to {BACK}; the next pass goes on." in cut.out
        newest = {case["snippet"] for case in the_cases(asleep)}
        assert {"Message 139.", "Message 3."} <= newest
        assert "Message 90." not in newest
        shown = asleep.ok("accounts")
        assert f"OK, catching up: newest first, then back to {BACK}" in shown.out
        assert shown.out.startswith(f"1/1 accounts: catching up, newest first: 1 of 1 still reads back to {BACK}\n")
        assert asleep.ok("accounts", "--json").json[0]["catching_up_from"] == "2026-11-20T17:40:00.000Z"
        line = json.loads(asleep.ok("poll", "--once", "--json").out)
    assert line["catching_up_from"] == "2026-11-20T17:40:00.000Z"

    last = asleep.ok("poll", "--once")
    assert f"Caught up: everything since {BACK} is read." in last.out
    assert "atching up" not in asleep.ok("accounts").out
    kinds = [json.loads(text)["kind"] for text in asleep.ok("log", "--format", "jsonl").out.splitlines()]
    assert (kinds.count("account.behind"), kinds.count("account.caught_up")) == (1, 1)
    assert kinds.count("case.opened") == len(the_cases(asleep))
    # The order in which it came is seen nowhere.
    assert the_cases(asleep) == the_cases(awake)


# --- network by network ---------------------------------------------------------------------------------------


@dataclass
class World:
    """A network with a backlog, and the desk that reads it."""

    poll: Callable[[], Coroutine[Any, Any, list[Page]]]
    known: Callable[[], Collection[str]]
    newest: str
    all: set[str]
    calls: int
    """After so many calls the time of a pass is over."""


@contextlib.contextmanager
def bluesky_world() -> Iterator[World]:
    with BlueskyServer() as server:
        server.passwords = dict.fromkeys(server.passwords, False)
        server.most = 10
        reader, gwen = BlueskyDesk(server), server.person("gwen")
        asyncio.run(reader.poll())
        server.pass_time(hours=60)
        at = server.time - timedelta(hours=59)
        keys = [server.mention(gwen, f"{n}", created=at + timedelta(hours=n)) for n in range(55)]
        yield World(reader.poll, reader.stored.keys, keys[-1], set(keys), 3)


@contextlib.contextmanager
def google_world() -> Iterator[World]:
    with ReviewServer() as server:
        account = AccountConfig(id="tip", network="google", server=server.url, location=LOCATION)
        reader = SmallDesk(GoogleReviews, account, FixedSecret(json.dumps(SECRET)), now=server.now)
        server.review("Olaf", "ONE", age=timedelta(days=3))
        asyncio.run(reader.poll())
        server.most = 5
        keys = [server.review(f"P{n}", "THREE", "words", age=timedelta(hours=n)) for n in range(30)]
        yield World(reader.poll, reader.messages.keys, keys[0], set(keys), 2)


@contextlib.contextmanager
def youtube_world() -> Iterator[World]:
    with YouTubeServer() as server:
        account = AccountConfig(id="tube", network="youtube", server=server.url, channel=CHANNEL)
        reader = SmallDesk(YouTube, account, FixedSecret(json.dumps(SECRET)), now=server.now)
        server.say("olaf", "before", age=timedelta(days=3))
        asyncio.run(reader.poll())
        server.most = 5
        keys = [server.say(f"p{n}", "words", age=timedelta(hours=n)) for n in range(30)]
        yield World(reader.poll, reader.messages.keys, keys[0], set(keys), 3)


@contextlib.contextmanager
def x_world() -> Iterator[World]:
    with XServer(now=NOON - timedelta(hours=1)) as server:
        account = AccountConfig(id="town-x", network="x", server=server.url, client_id="app")
        reader = SmallDesk(X, account, FixedSecret("access-0"))
        server.mention("before", at=server.now - timedelta(days=3))
        asyncio.run(reader.poll())
        server.most = 5
        keys = [server.mention(f"{n}", at=server.now - timedelta(hours=30 - n)) for n in range(30)]
        yield World(reader.poll, reader.messages.keys, keys[-1], set(keys), 3)


@contextlib.contextmanager
def graph_world(network: str) -> Iterator[World]:
    now = NOON - timedelta(days=3)
    with GraphServer(lambda: now) as server:
        facebook = network == "facebook"
        account = AccountConfig(id="meta", network=network, server=server.url, page=PAGE, business_account=IG)
        reader = SmallDesk(Facebook if facebook else Instagram, account, FixedSecret(META_TOKEN))
        posts: list[str] = []
        for n in range(4):
            now = NOON - timedelta(days=4 - n / 4)
            posts.append((server.post if facebook else server.medium)(f"post {n}"))
        asyncio.run(reader.poll())
        keys: list[str] = []
        for n in range(24):
            now = NOON - timedelta(hours=50 - n)
            say = server.comment if facebook else server.ig_comment
            keys.append(say(posts[n // 6], f"comment {n}"))
        yield World(reader.poll, reader.messages.keys, keys[-1], set(keys), 8 if facebook else 6)


WORLDS: dict[str, Callable[[], contextlib.AbstractContextManager[World]]] = {
    "bluesky": bluesky_world,
    "google": google_world,
    "youtube": youtube_world,
    "x": x_world,
    "facebook": lambda: graph_world("facebook"),
    "instagram": lambda: graph_world("instagram"),
}


@pytest.mark.parametrize("network", WORLDS)
def test_the_first_page_has_the_newest_and_a_pass_that_is_cut_says_so_and_is_gone_on_with(
    network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_tls_context(monkeypatch)
    with WORLDS[network]() as world, monkeypatch.context() as short:
        short.setattr(Budget, "left", property(lambda b: 0.01 if b.requests >= world.calls else b.seconds))
        pages = asyncio.run(world.poll())
        first = next(page for page in pages if page.items)
        assert world.newest in {item.remote_id for item in first.items}
        assert not world.all <= set(world.known())
        assert pages[-1].unfinished or pages[-2].unfinished
        short.undo()
        pages = asyncio.run(world.poll())
        assert world.all <= set(world.known())
        assert not any(page.unfinished for page in pages)


def test_one_person_in_any_order_is_linked_with_the_nearest_cases_and_not_with_all(tmp_path: Path) -> None:
    counts = []
    for name, step in (("in order", 1), ("newest first", -1)):
        town = small_desk(tmp_path / name)
        for n in list(range(120))[::step]:
            arrive(town, message(f"Message {n}", f"m{n}", at=MONDAY - timedelta(minutes=120 - n)))
        town.close()
        raw = sqlite3.connect(town.store.path)
        counts.append(raw.execute("SELECT count(*) FROM case_links").fetchone()[0])
        raw.close()
    assert counts == [sum(min(n, 20) for n in range(120))] * 2


class TwoPasses:
    """A channel that needs two passes for what it has."""

    capabilities = Capabilities()

    async def check(self) -> Health:
        return Health("anytown@social.example", "@anytown")

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        yield Page(items=(message("Words", f"m{cursor}"),), cursor="half" if cursor is None else "whole")
        if cursor is None:
            yield Page(unfinished=True)

    async def aclose(self) -> None:
        pass


def test_a_gap_that_needs_two_passes_to_be_read_again_is_one_until_the_second_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answerbox, "create", lambda ctx: cast("Channel", TwoPasses()))
    town = small_desk(tmp_path)
    account = town.account("town-mastodon")
    start = MONDAY - timedelta(days=2)
    with town.store.transaction("test", MONDAY) as tx:
        tx.accounts.ensure(account.id, "mastodon", "")
        tx.accounts.update(account.id, cursor="before", last_ok_at=MONDAY)
        tx.accounts.add_gap(account.id, Gap(start, start + timedelta(hours=3), "the server was away"))
    gaps.fill(town, account.id)

    async def story() -> None:
        poller = Poller(town, SecretStore(town.config.keyring))
        try:
            await poller.once([account])
            view = accounts.listing(town)[0]
            assert [gap.start for gap in view.gaps] == [start]
            assert accounts.words(view, town) == "OK, catching up: newest first, then back to Sat 14 Nov 10:00"
            await poller.once([account])
            view = accounts.listing(town)[0]
            assert (view.gaps, accounts.words(view, town)) == ((), "OK")
        finally:
            await poller.aclose()

    asyncio.run(story())
    town.close()


@pytest.mark.parametrize("settled", ["reply", "reply, close"])
def test_what_arrives_behind_an_answer_that_was_given_while_catching_up_is_not_taken_for_answered(
    settled: str, tmp_path: Path, clock: FrozenClock, network: MastodonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mastodon_walk, "ENTRIES", 40)
    shell = shell_at(tmp_path / "desk", network.url)
    network.mention("Before the weekend.", "olaf")
    shell.ok("poll", "--once")
    clock.move(hours=10)
    first = network.mention("There is a smell of gas in Mill Lane.", "ada")
    for number in range(50):
        clock.move(minutes=30)
        network.mention(f"Message {number}.", f"r{number}")
    network.mention("Is anybody there?", "ada", reply_to=first)
    clock.move(hours=1)

    # The officer answers what is newest before the rest has been read.
    with monkeypatch.context() as slow:
        slow.setattr(mastodon_walk.Stream, "_forward", nothing_more)
        shell.ok("poll", "--once")
    [case] = [c for c in shell.ok("list", "--json").json if "anybody" in c["snippet"]]
    assert case["message_count"] == 1
    shell.ok("reply", case["ref"], "Yes. How can we help?")
    assert shell.ok("show", case["ref"], "--json").json["status"] == "waiting_resident"
    if "close" in settled:
        shell.ok("close", case["ref"], "--outcome", "no_reply_needed")

    clock.move(minutes=2)
    shell.ok("poll", "--once")
    found = shell.ok("show", case["ref"], "--json").json
    assert "smell of gas in Mill Lane." in found["messages"][0]["text"]
    assert found["status"] == "open"
    assert found["due_at"] is not None
    assert case["ref"] in {c["ref"] for c in shell.ok("list", "--json").json}


async def nothing_more(_: object) -> AsyncIterator[Page]:
    for page in [Page()]:
        yield page
    raise OutOfTime
