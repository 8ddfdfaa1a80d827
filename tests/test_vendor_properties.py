"""YouTube, Telegram and Google's reviews under everything at once: people write, calls fail, the process dies; in the
end everything is there, once. And no answer of a vendor breaks the reading of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.channels.google import GoogleReviews
from socialtriage.channels.google_items import read_review
from socialtriage.channels.telegram import Telegram
from socialtriage.channels.telegram_items import read
from socialtriage.channels.youtube import YouTube
from socialtriage.channels.youtube_items import read_thread
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import ChannelError
from tests.doubles.channel_desk import FixedSecret, SmallDesk
from tests.doubles.google import CHANNEL, LOCATION, SECRET, ReviewServer, YouTubeServer
from tests.doubles.inside import one_tls_context
from tests.doubles.telegram import TOKEN, TelegramServer, person

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 5)),
        st.tuples(st.just("reply"), st.integers(0, 30)),
        st.tuples(st.just("edit"), st.integers(0, 30)),
        st.tuples(st.just("fail"), st.sampled_from(["503", "500", "cut", "html", "reset", "lost", "400", "429"])),
        st.tuples(st.just("poll"), st.sampled_from([None, 0, 1, 2, 3])),
        st.tuples(st.just("wait"), st.integers(1, 10)),
    ),
    min_size=4,
    max_size=14,
)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    one_tls_context(monkeypatch)


def play(server: Any, desk: SmallDesk, steps: list[tuple[str, Any]], act: Callable[[str, int], None]) -> None:
    """Do the steps, then let two quiet passes follow."""

    async def story() -> None:
        for what, how in steps:
            if what == "poll":
                with contextlib.suppress(ChannelError):
                    await desk.poll(stop_after=how)
            elif what == "fail":
                server.fail(how, "")
            elif what == "wait":
                server.now += timedelta(hours=how)
                desk.now = server.now
            else:
                act(what, how)
        server.faults.clear()
        for _ in range(3):
            await desk.poll()

    asyncio.run(story())


@settings(max_examples=6)
@given(STEPS)
def test_comments_are_all_there_in_the_end(steps: list[tuple[str, Any]]) -> None:
    with YouTubeServer() as server:
        server.most, server.sample = 3, 1
        account = AccountConfig(id="tube", network="youtube", server=server.url, channel=CHANNEL)
        desk = SmallDesk(YouTube, account, FixedSecret(json.dumps(SECRET | {"expires_at": 4e9})), now=server.now)

        def act(what: str, number: int) -> None:
            keys = [key for key, comment in server.comments.items() if comment.thread == key]
            if what == "write":
                for i in range(number):
                    server.say(f"p{i}", f"comment {i}", status=("published", "heldForReview", "likelySpam")[i % 3])
            elif keys and what == "reply":
                top = server.comments[keys[number % len(keys)]]
                if top.status == "published":
                    server.say("r", "reply", thread=top.id)
            elif keys:
                server.edit(keys[number % len(keys)], f"edited at {server.now}")

        play(server, desk, steps, act)
        assert {key: item.text for key, item in desk.messages.items()} == {
            key: comment.text for key, comment in server.comments.items()
        }
        assert server.problems == []


@settings(max_examples=6)
@given(STEPS)
def test_updates_are_all_there_in_the_end(steps: list[tuple[str, Any]]) -> None:
    with TelegramServer() as server:
        account = AccountConfig(id="bot", network="telegram", server=server.url)
        desk = SmallDesk(Telegram, account, FixedSecret(TOKEN), now=server.now)
        said: dict[str, str] = {}
        kept = [step for step in steps if step[0] != "wait"]

        def act(what: str, number: int) -> None:
            if what in ("write", "reply"):
                for i in range(min(number, 5)):
                    said[f"{40 + i}/{server.say(person(40 + i, 'P'), f'text {i}')}"] = f"text {i}"
            elif said:
                key = list(said)[number % len(said)]
                chat, message = map(int, key.split("/"))
                said[key] = f"edited {number}"
                server.edit(person(chat, "P"), message, said[key])

        play(server, desk, kept, act)
        assert {key: item.text for key, item in desk.messages.items()} == said
        assert server.problems == []


@settings(max_examples=6)
@given(STEPS)
def test_reviews_are_all_there_in_the_end(steps: list[tuple[str, Any]]) -> None:
    with ReviewServer() as server:
        server.most = 3
        account = AccountConfig(id="tip", network="google", server=server.url, location=LOCATION)
        desk = SmallDesk(GoogleReviews, account, FixedSecret(json.dumps(SECRET | {"expires_at": 4e9})), now=server.now)

        def act(what: str, number: int) -> None:
            if what == "write":
                for i in range(number):
                    server.review(f"P{i}", "FOUR", f"review {i}")
            elif server.reviews:
                server.change(f"r{1 + number % len(server.reviews)}", starRating="ONE", comment=f"{what} {server.now}")

        play(server, desk, steps, act)
        comments = {key: review["comment"] for key, review in server.reviews.items()}
        assert {key: item.text.partition("\n")[2] for key, item in desk.messages.items()} == comments
        assert server.problems == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
WHOLE: dict[str, Any] = {
    "youtube": {
        "id": "t",
        "snippet": {
            "topLevelComment": {
                "id": "t",
                "snippet": {
                    "textDisplay": "x",
                    "authorDisplayName": "n",
                    "authorChannelId": {"value": "c"},
                    "publishedAt": "2026-11-22T09:00:00Z",
                    "updatedAt": "2026-11-22T09:00:00Z",
                    "imageUrl": "https://i.example/1",
                    "videoId": "v",
                },
            },
            "totalReplyCount": 1,
        },
        "replies": {"comments": [{"id": "t.1", "snippet": {"parentId": "t"}}]},
    },
    "telegram": {
        "update_id": 1,
        "message": {
            "message_id": 2,
            "from": {"id": 3, "first_name": "n", "username": "u", "language_code": "en"},
            "chat": {"id": 3, "type": "private", "title": "t", "username": "u"},
            "date": 1_800_000_000,
            "edit_date": 1_800_000_001,
            "text": "x",
            "photo": [{"file_id": "f", "width": 1}],
            "document": {"file_id": "d", "file_name": "n", "file_size": 1, "mime_type": "m"},
            "location": {"latitude": 1.0, "longitude": 2.0},
            "venue": {"title": "t", "address": "a"},
            "contact": {"first_name": "n"},
            "rich_message": {"blocks": [{"text": "x"}]},
            "direct_messages_topic": {"topic_id": 1},
            "is_topic_message": True,
            "message_thread_id": 5,
            "sender_chat": {"id": 5, "type": "channel"},
            "reply_to_message": {"message_id": 1, "chat": {"id": 3}, "date": 1, "text": "y"},
        },
    },
    "google": {
        "reviewId": "r",
        "reviewer": {"displayName": "n"},
        "starRating": "ONE",
        "comment": "x",
        "createTime": "2026-11-22T09:00:00.123456789Z",
        "updateTime": "2026-11-22T09:00:00Z",
        "reviewMediaItems": [{"thumbnailUrl": "https://i.example"}],
        "reviewReply": {"comment": "y", "updateTime": "2026-11-22T09:00:00Z"},
    },
}
READERS: dict[str, Callable[[Any], Any]] = {
    "youtube": lambda row: read_thread(row, CHANNEL, "published"),
    "telegram": lambda row: read(row, 7),
    "google": lambda row: read_review(row, LOCATION),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place below a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in inside for found in [(*path, key), *places(part, (*path, key))]]


@pytest.mark.parametrize("vendor", WHOLE)
@settings(max_examples=40)
@given(st.data())
def test_an_answer_with_anything_anywhere_is_read_or_refused_in_words(vendor: str, data: st.DataObject) -> None:
    whole = json.loads(json.dumps(WHOLE[vendor]))
    READERS[vendor](whole)
    for place in data.draw(st.lists(st.sampled_from(places(whole)), max_size=3)):
        inside = whole
        try:
            for key in place[:-1]:
                inside = inside[key]
            inside[place[-1]] = data.draw(JSON)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    with contextlib.suppress(ValueError):
        READERS[vendor](whole)


def test_nanoseconds_of_google_are_times_too() -> None:
    assert read_review(WHOLE["google"], LOCATION).item.at == datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)
