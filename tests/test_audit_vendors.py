"""What servers made of the vendors' documents alone showed: pages in a circle, answers that are no list, odd errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from socialtriage.channels.google import GoogleReviews
from socialtriage.channels.telegram import Telegram
from socialtriage.channels.youtube import YouTube
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import AuthError, BadPayload, ChannelError, RateLimited, Rejected
from tests.doubles.channel_desk import FixedSecret, SmallDesk, answer_to
from tests.doubles.google import CHANNEL, LOCATION, SECRET, ReviewServer, YouTubeServer, error
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.telegram import TOKEN, TelegramServer, person


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    one_tls_context(monkeypatch)


@pytest.fixture
def tube() -> Iterator[YouTubeServer]:
    with YouTubeServer() as server:
        yield server
    assert server.problems == []


@pytest.fixture
def maps() -> Iterator[ReviewServer]:
    with ReviewServer() as server:
        yield server
    assert server.problems == []


def desk_of(server: YouTubeServer | ReviewServer) -> SmallDesk:
    make = YouTube if isinstance(server, YouTubeServer) else GoogleReviews
    account = AccountConfig(id="a", network="n", server=server.url, channel=CHANNEL, location=LOCATION)
    return SmallDesk(make, account, FixedSecret(json.dumps(SECRET)), now=server.now)


def in_a_circle(server: YouTubeServer | ReviewServer, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every page of lists with `part` in their path names the first page as the next one."""
    real = server.serve

    def serve(asked: Any) -> Any:
        asked.query.pop("pageToken", None)
        found = real(asked)
        return {**found, "nextPageToken": "at-0"} if part in asked.path and asked.method == "GET" else found

    monkeypatch.setattr(server, "serve", serve)


@pytest.mark.parametrize("part", ["commentThreads", "comments"])
def test_pages_in_a_circle_end_the_walk_with_a_word_and_hide_nothing_new(
    tube: YouTubeServer, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    desk = desk_of(tube)
    top = tube.say("gwen", "a question")
    below = [tube.say(f"p{i}", f"reply {i}", thread=top) for i in range(4)]
    in_a_circle(tube, part, monkeypatch)

    async def story() -> None:
        await desk.poll()
        assert set(desk.residents) == {top, *below}
        assert any("the same page again and again" in notice for notice in desk.notices)
        assert len(tube.asked) < 20
        late = tube.say("late", "one more")
        await desk.poll()
        assert late in desk.residents

    asyncio.run(story())


def test_reviews_in_a_circle_end_the_walk_with_a_word(maps: ReviewServer, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(maps)
    first = maps.review("Gwen", "TWO")
    in_a_circle(maps, "reviews", monkeypatch)
    asyncio.run(desk.poll())
    second = maps.review("Wei", "FIVE")
    asyncio.run(desk.poll())
    assert set(desk.residents) == {first, second}
    assert any("the same page again and again" in notice for notice in desk.notices)
    assert len(maps.asked) < 10


def test_an_answer_that_is_no_list_is_neither_emptiness_nor_a_deletion(tube: YouTubeServer) -> None:
    desk = desk_of(tube)
    key = tube.say("gwen", "a question")

    async def story() -> None:
        await desk.poll()
        refs = [answer_to(desk.messages[key], "").parent]
        tube.fail("200", "/comments", {})
        again = await desk.use(lambda channel: channel.reread(refs))
        assert (again.items, again.gone) == ((), ())
        tube.fail("200", "/commentThreads", {})
        with pytest.raises(BadPayload, match="no list"):
            await desk.poll()

    asyncio.run(story())


def test_reviews_that_are_counted_and_not_shown_are_no_emptiness(maps: ReviewServer) -> None:
    desk = desk_of(maps)
    maps.fail("200", "/reviews", {"totalReviewCount": 3, "averageRating": 4})
    with pytest.raises(BadPayload, match="shows none"):
        asyncio.run(desk.poll())
    maps.review("Gwen", "TWO")
    asyncio.run(desk.poll())
    assert desk.notices == []
    maps.fail("200", "/reviews", {})
    asyncio.run(desk.poll())
    assert any("no review any more" in notice for notice in desk.notices)


def test_a_thread_whose_replies_are_shut_stops_no_other_and_what_is_no_comment_is_said(tube: YouTubeServer) -> None:
    desk = desk_of(tube)
    top = tube.say("gwen", "a question")
    below = [tube.say(f"p{i}", f"reply {i}", thread=top) for i in range(4)]
    other = tube.say("wei", "below another video")
    ours = tube.say("ann", "only the author's own words", extra={"textDisplay": None})
    tube.faults.clear()

    async def story() -> None:
        for reason in ("commentsDisabled", "forbidden"):
            said = error(403, reason)
            tube.fail("403", "/comments", said.value)
            await desk.poll()
            assert {top, *below[:2], other} <= set(desk.residents)
        await desk.poll()
        assert set(below) <= set(desk.residents)
        tube.comments[ours].extra = {}
        rows = {"kind": "k", "items": ["rubbish", None, {"id": "x", "snippet": {"topLevelComment": 1}}]}
        tube.fail("200", "/commentThreads", rows)
        await desk.poll()
        tube.fail("403", "/comments", error(403, "commentsDisabled").value)
        reply = answer_to(desk.messages[other], "Thank you")
        with pytest.raises(Rejected, match="turned off"):
            await desk.use(lambda channel: channel.send(reply))

    asyncio.run(story())
    told = " ".join(desk.notices)
    assert "it is no object" in told
    assert "Not all replies below a comment can be read" in told
    assert ours not in desk.residents  # the null said so
    assert "textDisplay is missing" in told


def test_a_comment_with_its_authors_words_alone_is_read(tube: YouTubeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(tube)
    key = tube.say("gwen", "a question")
    real = tube._comment

    def shown(comment: Any, *, by_id: bool = False) -> Any:
        found = real(comment, by_id=by_id)
        found["snippet"]["textOriginal"] = found["snippet"].pop("textDisplay")
        return found

    monkeypatch.setattr(tube, "_comment", shown)
    asyncio.run(desk.poll())
    assert desk.messages[key].text == "a question"


def test_what_was_published_or_held_at_youtube_itself_is_so_here_too(tmp_path: Path, tube: YouTubeServer) -> None:
    """Who decides in YouTube Studio must not leave an officer to think that nobody sees the comment."""
    account = f'\n[[accounts]]\nid = "tube"\nnetwork = "youtube"\nserver = "{tube.url}"\nchannel = "{CHANNEL}"\n'
    shell = Inside(tmp_path, accounts=account)
    shell.login("tube", json.dumps(SECRET | {"expires_at": None}))
    tube.now = datetime.now(UTC)
    held, shown = tube.say("gwen", "see elsewhere", status="heldForReview"), tube.say("wei", "a question")

    def stands(text: str) -> tuple[str, bool]:
        [case] = [c for c in shell.ok("list", "--view", "all", "--json").json if c["snippet"] == text]
        may = shell.run("unhide", case["ref"], "--reason", "look", "--queue")
        if may.status == 0:
            shell.ok("outbox", "drop", str(shell.ok("outbox", "--json").json[0]["id"]))
        text = shell.ok("show", case["ref"]).out
        return ("held for review" if "held for review" in text else "shown"), may.status == 0

    shell.ok("poll", "--once")
    assert (stands("see elsewhere"), stands("a question")) == (("held for review", True), ("shown", False))
    tube.comments[held].status, tube.comments[shown].status = "published", "heldForReview"
    shell.ok("poll", "--once")
    assert (stands("see elsewhere"), stands("a question")) == (("shown", False), ("held for review", True))
    assert "Council meeting, 18 November" in shell.ok("show", shell.ok("list", "--json").json[0]["ref"]).out
    shell.ok("poll", "--once", "--reread")
    assert stands("a question") == ("held for review", True)


@pytest.fixture
def bot() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        yield server
    assert server.problems == []


@pytest.mark.parametrize(
    ("code", "more", "error"),
    [
        (400, {}, Rejected),
        (401, {}, AuthError),
        (403, {}, Rejected),
        (429, {"parameters": {"retry_after": 35}}, RateLimited),
        (None, {}, ChannelError),
    ],
)
def test_telegrams_error_is_in_its_body_whatever_the_status(
    bot: TelegramServer, code: int | None, more: dict[str, Any], error: type[ChannelError]
) -> None:
    """The specification names `error_code`, and no status: a message that was refused is not one that may be there."""
    account = AccountConfig(id="chat", network="telegram", server=bot.url)
    desk = SmallDesk(Telegram, account, FixedSecret(TOKEN), now=bot.now)
    bot.say(person(42, "Gwen"), "hello")
    asyncio.run(desk.poll())
    [key] = desk.residents
    bot.fail(
        "200", "sendMessage", {"ok": False, "description": "No.", **({"error_code": code} if code else {}), **more}
    )
    with pytest.raises(error):
        asyncio.run(desk.use(lambda channel: channel.send(answer_to(desk.messages[key], "Hello"))))


def test_what_somebody_wrote_in_an_update_of_another_kind_is_said(bot: TelegramServer) -> None:
    """Kinds that were asked for by another program arrive for a while; a business account's are not read."""
    account = AccountConfig(id="chat", network="telegram", server=bot.url)
    desk = SmallDesk(Telegram, account, FixedSecret(TOKEN), now=bot.now)
    gwen = person(42, "Gwen")
    chat = {"id": 42, "type": "private"}
    words = {"message_id": 7, "date": 1, "chat": chat, "from": gwen, "text": "my bin", "business_connection_id": "b"}
    member = {"chat": chat, "from": gwen, "date": 1}
    updates = [{"update_id": 501, "business_message": words}, {"update_id": 502, "my_chat_member": member}]
    bot.fail("200", "getUpdates", {"ok": True, "result": updates})
    asyncio.run(desk.poll())
    assert any("business_message, which is not read" in notice for notice in desk.notices)
    assert len(desk.notices) == 1
