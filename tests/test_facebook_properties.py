"""Whatever residents do, and wherever a pass is cut off: each message comes, once, in one thread."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.channels.facebook import Facebook
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import BadPayload
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk
from tests.doubles.graph import PAGE, TOKEN, GraphServer
from tests.doubles.inside import one_tls_context

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["post", "visitor", "comment", "nested", "message", "poll", "fault", "rank", "bare"]),
        st.integers(0, 5),
    ),
    min_size=3,
    max_size=14,
)


class Story:
    """A Page whose visitors do what `STEPS` say."""

    def __init__(self, meta: GraphServer) -> None:
        self.meta = meta
        self.now = NOON
        meta.clock = lambda: self.now
        meta.largest = 100
        self.posts = [meta.post("The park opens")]
        self.comments: list[str] = []
        self.expected: set[str] = set()
        account = AccountConfig(id="page", network="facebook", server=meta.url, page=PAGE)
        self.desk = SmallDesk(Facebook, account, FixedSecret(TOKEN))

    def step(self, what: str, number: int) -> None:
        self.now += timedelta(seconds=7)
        said = f"words {len(self.expected)}"
        if what == "post":
            self.posts.append(self.meta.post("Another"))
        elif what == "visitor":
            self.posts.append(self.meta.post(said, f"P{number}", edge="visitor_posts"))
            self.expected.add(said)
        elif what == "comment":
            self.comments.append(self.meta.comment(self.posts[number % len(self.posts)], said, f"P{number}"))
            self.expected.add(said)
        elif what == "nested" and self.comments:
            self.meta.bump_nested = bool(number % 2)
            self.comments.append(self.meta.comment(self.comments[number % len(self.comments)], said, f"P{number}"))
            self.expected.add(said)
        elif what == "message":
            self.meta.message(f"P{number}", said)
            self.expected.add(said)
        elif what == "poll":
            self.poll(number)
        elif what == "fault":
            self.meta.fail(200, ("/comments", "/feed", "t_messenger", "/conversations")[number % 4], body="{}")
        elif what == "rank":
            self.meta.ranked = not self.meta.ranked
        elif what == "bare":
            self.meta.bare_ids = not self.meta.bare_ids

    def poll(self, stop_after: int | None = None) -> None:
        self.desk.now = self.now + timedelta(seconds=1)
        # A pass may end with an answer that could not be read; what it brought counts.
        with contextlib.suppress(BadPayload):
            asyncio.run(self.desk.poll(stop_after=stop_after))

    def finish(self) -> None:
        self.meta.faults.clear()
        for _ in range(4):
            self.now += timedelta(minutes=2)
            self.poll()


@settings(max_examples=10, deadline=None)
@given(STEPS)
def test_each_message_comes_once_whatever_happens(steps: list[tuple[str, int]]) -> None:
    with GraphServer() as meta, pytest.MonkeyPatch.context() as patch:
        one_tls_context(patch)
        story = Story(meta)
        for what, number in steps:
            story.step(what, number)
        story.finish()
        residents = story.desk.residents
        assert sorted(str(item.text) for item in residents.values()) == sorted(story.expected)
        for item in residents.values():
            assert item.parent is None or item.parent in story.desk.messages
            if item.parent is not None:
                assert item.thread == story.desk.messages[item.parent].thread
        before = set(story.desk.messages)
        story.finish()
        assert set(story.desk.messages) == before
        assert meta.problems == []
