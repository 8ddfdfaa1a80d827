"""Whatever arrives when, in which order of times, and wherever a pass is killed: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialtriage.channels.bluesky_answers import make_tid, parse_time, tid_time
from socialtriage.channels.http import Http
from socialtriage.domain.errors import Unavailable
from tests.doubles.bluesky import LETTERS, BlueskyServer
from tests.doubles.bluesky_desk import Desk

TIE = timedelta(hours=3)

arrive = st.tuples(st.just("mention"), st.integers(0, 24 * 3600))
tied = st.tuples(st.just("tie"), st.integers(1, 3))
like = st.tuples(st.just("like"), st.integers(0, 3600))
own = st.tuples(st.just("own"), st.just(0))
dm = st.tuples(st.just("dm"), st.just(0))
wait = st.tuples(st.just("wait"), st.integers(1, 12 * 3600))
killed = st.tuples(st.just("poll"), st.integers(1, 9))
lapse = st.tuples(st.just("lapse"), st.just(0))
fails = st.tuples(st.just("fail"), st.integers(0, 3))
events = st.lists(st.one_of(arrive, arrive, tied, like, own, dm, wait, killed, killed, lapse, fails), max_size=40)


class World:
    """Plays events against the server and the desk, and knows what must have come in."""

    def __init__(self, server: BlueskyServer, chat: bool) -> None:
        self.server, self.desk = server, Desk(server, since=timedelta(days=30))
        self.gwen = server.person("gwen")
        server.passwords = dict.fromkeys(server.passwords, chat)
        server.most, server.log_page = 7, 3
        self.chat = server.convo(self.gwen) if chat else None
        self.expected: set[str] = set()
        self.own: set[str] = set()
        self.private = 0

    async def play(self, event: tuple[str, Any], http: Http) -> None:
        kind, amount = event
        self.server.pass_time(milliseconds=1)
        server, now = self.server, self.server.time
        if kind == "mention":
            self.expected.add(server.mention(self.gwen, "x", created=now - timedelta(seconds=amount)))
        elif kind == "tie":
            # No more than a page of one time: that would be the gap that is said (see test_bluesky_inbox).
            for _ in range(amount):
                self.expected.add(server.mention(self.gwen, "tie", created=now - TIE))
        elif kind == "like":
            server.like(self.gwen, at=now - timedelta(seconds=amount))
        elif kind == "own":
            self.own.add(server.post(server.council, "ours"))
        elif kind == "dm" and self.chat:
            self.private += 1
            server.say(self.gwen, f"private {self.private}", self.chat)
        elif kind == "wait":
            server.pass_time(seconds=amount)
        elif kind == "poll":
            with suppress(Unavailable):
                await self.poll(http, amount)
        elif kind == "lapse":
            server.expire_access()
        elif kind == "fail":
            server.fail(("listNotifications", "getLog", "getMessages", "listRecords")[amount], "lost")

    async def poll(self, http: Http, stop_after: int | None = None) -> None:
        before = self.desk.handed_in
        pages = await self.desk.poll(stop_after=stop_after, http=http)
        ids = [item.remote_id for page in pages for item in page.items]
        assert len(ids) == len(set(ids)) == self.desk.handed_in - before, "one message twice in a pass"


async def story(history: list[tuple[str, Any]], server: BlueskyServer, chat: bool) -> World:
    world = World(server, chat)
    http = Http()
    try:
        for event in history:
            await world.play(event, http)
        server.heal()
        # Passes that are not killed: the first may still be busy with an old sweep.
        for _ in range(2):
            server.pass_time(minutes=2)
            await world.poll(http)
    finally:
        await http.aclose()
    return world


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events, st.booleans())
def test_nothing_is_lost_and_nothing_doubled(history: list[tuple[str, Any]], chat: bool) -> None:
    with BlueskyServer() as server:
        world = asyncio.run(story(history, server, chat))
        residents = {i.remote_id for i in world.desk.residents() if i.conversation is None}
        assert residents == world.expected
        assert {i.remote_id for i in world.desk.stored.values() if i.own} == world.own
        private = {i.text for i in world.desk.residents() if i.conversation}
        assert private == {f"private {n + 1}" for n in range(world.private)}
        assert world.desk.gaps == []
        assert server.complaints == []
        assert server.counts["com.atproto.server.createSession"] <= 1


@given(st.datetimes(min_value=parse_time("1971-01-01T00:00:00Z").replace(tzinfo=None)), st.text())  # type: ignore[union-attr]
def test_record_keys_are_valid_tell_their_time_and_depend_on_the_key_alone(naive: Any, key: str) -> None:
    at = naive.replace(tzinfo=parse_time("2026-01-01T00:00:00Z").tzinfo)  # type: ignore[union-attr]
    key = key.encode("utf-8", "replace").decode()
    tid = make_tid(at, key)
    assert len(tid) == 13
    assert set(tid) <= set(LETTERS)
    assert tid == make_tid(at, key)
    told = tid_time(tid)
    if at.year < 2200:
        assert told is not None
        assert abs(told - at) < timedelta(milliseconds=1)


def test_record_keys_of_many_rows_of_one_moment_differ() -> None:
    at = parse_time("2026-11-22T09:00:00Z")
    assert at is not None
    keys = {make_tid(at, f"row-{number}") for number in range(300)}
    assert len(keys) >= 299  # 20 bits are the key's; two rows of one millisecond meet once in a million


@given(st.text(max_size=60) | st.none() | st.integers())
def test_times_never_raise(text: Any) -> None:
    at = parse_time(text)
    assert at is None or at.tzinfo is not None
