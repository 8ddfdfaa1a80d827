"""YouTube: three queues, replies below old comments, the quota, answers that are read back; and the whole way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from socialtriage.channels.google_quota import next_pacific_midnight, pacific_day
from socialtriage.channels.http import Http
from socialtriage.channels.oauth_signin import begin
from socialtriage.channels.youtube import YouTube
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import (
    AnswerLost,
    AuthError,
    BadPayload,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
    Unavailable,
)
from socialtriage.domain.models import Reread, Sent
from tests.doubles.channel_desk import FixedSecret, SmallDesk, answer_to
from tests.doubles.google import CHANNEL, SECRET, YouTubeServer, error
from tests.doubles.inside import Inside, one_tls_context

DAYS = timedelta(days=1)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    one_tls_context(monkeypatch)


@pytest.fixture
def server() -> Iterator[YouTubeServer]:
    with YouTubeServer() as server:
        yield server
    assert server.problems == []


def desk_of(server: YouTubeServer, **more: Any) -> SmallDesk:
    account = AccountConfig(id="tube", network="youtube", server=server.url, channel=CHANNEL, **more)
    return SmallDesk(YouTube, account, FixedSecret(json.dumps(SECRET)), now=server.now)


def ref(desk: SmallDesk, key: str) -> Any:
    return answer_to(desk.messages[key], "").parent


def test_every_queue_is_read_with_its_place_and_a_new_comment_below_an_old_post_too(server: YouTubeServer) -> None:
    desk = desk_of(server)
    old = server.say("gwen", "from last year", age=300 * DAYS)
    server.say("olaf", "also old", age=299 * DAYS, thread=old)
    fresh = server.say("wei", "when is the flood wall built?", thread=old)
    new = server.say("ann", "where are the minutes?", age=DAYS)
    held = server.say("ben", "see http://elsewhere.example", status="heldForReview")
    spam = server.say("bot", "buy followers", status="likelySpam")
    ours = server.say(CHANNEL, "Below the video.", thread=new)
    rude = server.say("rude", "held below a published comment", thread=new, status="heldForReview")
    asyncio.run(desk.poll())
    assert set(desk.messages) == {old, fresh, new, held, spam, ours, rude}
    assert set(desk.residents) == {fresh, new, held, spam, rude}
    assert desk.messages[rude].reply_data["held"]
    place = "Council meeting, 18 November"
    assert (desk.messages[new].place, desk.messages[fresh].place) == (place, place)
    assert (desk.messages[held].place, desk.messages[spam].place) == (
        f"{place} (held for review)",
        f"{place} (likely spam)",
    )
    assert desk.messages[held].reply_data["held"]
    assert "held" not in desk.messages[new].reply_data
    assert (desk.messages[fresh].thread, desk.messages[fresh].parent) == (old, old)
    assert desk.messages[new].url == f"https://www.youtube.com/watch?v=vid1&lc={new}"
    assert desk.messages[new].author.key == "ann"
    server.edit(new, "where are the minutes, please?")
    calls = len(server.asked)
    asyncio.run(desk.poll())
    assert desk.messages[new].text.endswith("please?")
    assert desk.messages[new].edited_at is not None
    assert [asked.path for asked in server.asked[calls:]] == ["/youtube/v3/commentThreads"] * 3


def test_replies_to_old_threads_are_found_by_turns_and_read_whole_when_their_number_changed(
    server: YouTubeServer,
) -> None:
    desk = desk_of(server)
    server.most = 10
    threads = [server.say(f"p{i}", f"thread {i}", age=i * timedelta(hours=3)) for i in range(60)]
    oldest = threads[-1]
    for i in range(5):
        server.say(f"q{i}", f"reply {i}", thread=oldest)

    async def story() -> None:
        await desk.poll(stop_after=1)
        await desk.poll()
        assert len(desk.residents) == 56 + 5 + len([t for t in threads[56:] if t in desk.residents])
        whole = len(server.calls("/comments"))
        assert whole == 1  # the sample showed two of five
        for _ in range(3):
            await desk.poll()
        assert len(server.calls("/comments")) == whole
        late = server.say("late", "and another", thread=oldest)
        await desk.poll()
        assert late in desk.residents
        assert len(server.calls("/comments")) == whole + 1

    asyncio.run(story())


def test_a_reply_that_is_held_below_an_old_comment_is_found_in_a_long_queue(server: YouTubeServer) -> None:
    desk = desk_of(server)
    server.most = 5
    tops = [server.say(f"p{i}", f"spam {i}", age=i * DAYS, status="heldForReview") for i in range(20)]
    oldest = server.say("gwen", "years ago", age=900 * DAYS)

    async def story() -> None:
        await desk.poll()
        held = server.say("rude", "!!", thread=oldest, status="heldForReview")
        for _ in range(4):
            await desk.poll()
        assert held in desk.residents
        assert oldest in desk.messages
        assert "held" not in desk.messages[oldest].reply_data
        assert set(tops[:7]) <= set(desk.residents)

    asyncio.run(story())


def test_an_interrupted_first_look_goes_on_and_a_lapsed_page_token_begins_anew(server: YouTubeServer) -> None:
    desk = desk_of(server)
    server.most = 10
    keys = {server.say(f"p{i}", f"thread {i}", age=i * timedelta(hours=1)) for i in range(95)}

    async def story() -> None:
        await desk.poll(stop_after=4)
        keys.add(server.say("new", "came meanwhile"))
        await desk.poll(stop_after=3)
        assert desk.cursor is not None
        desk.cursor = desk.cursor.replace('"at-', '"lapsed-')
        await desk.poll()
        await desk.poll()

    asyncio.run(story())
    assert set(desk.residents) == keys


def test_a_long_first_look_leaves_time_for_what_waits_to_be_reviewed(
    server: YouTubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of(server)
    server.most = 2
    for i in range(60):
        server.say(f"p{i}", f"thread {i}", age=i * timedelta(hours=1))
    held = server.say("ben", "held", status="heldForReview")
    spam = server.say("bot", "spam", status="likelySpam")
    passes: list[int] = []

    def left(self: YouTube, share: float = 0.0) -> bool:
        return 1 - (len(server.asked) - passes[-1]) / 20 > share

    monkeypatch.setattr(YouTube, "_time_left", left)

    async def story() -> None:
        for _ in range(4):
            passes.append(len(server.asked))
            await desk.poll()
            assert {held, spam} <= set(desk.residents)
        assert len(desk.residents) == 62

    asyncio.run(story())


def test_the_quota_is_counted_leaves_room_for_answers_and_begins_anew_at_midnight_pacific(
    server: YouTubeServer, tmp_path: Path
) -> None:
    assert pacific_day(datetime(2026, 11, 22, 7, 59, tzinfo=UTC)) == "2026-11-21"
    midnight = next_pacific_midnight(datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
    assert midnight == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert next_pacific_midnight(datetime(2026, 7, 1, 12, 0, tzinfo=UTC)).hour == 7
    shell = Inside(
        tmp_path,
        accounts='\n[[accounts]]\nid = "tube"\nnetwork = "youtube"\nsince = "3650d"\nquota = 564\n'
        f'server = "{server.url}"\nchannel = "{CHANNEL}"\n',
    )
    server.now = datetime.now(UTC)
    shell.login("tube", json.dumps(SECRET | {"expires_at": 4102444800}))
    server.say("gwen", "my question")
    polled = shell.ok("poll", "--once", "--json").json
    assert (polled["state"], polled["new"], polled["error"]) == ("ok", 1, None)
    (case,) = shell.ok("list", "--json").json
    assert (case["network"], case["person"]["handle"]) == ("youtube", "@gwen")
    answered = shell.ok("reply", case["ref"], "It is in the minutes.", "--json").json
    assert answered["state"] == "sent"
    assert [c.text for c in server.comments.values() if c.author == CHANNEL] == ["It is in the minutes."]
    again = shell.ok("poll", "--once", "--json").json
    assert (again["new"], again["updated"]) == (0, 0)
    # Polling pauses before the limit: what is left is for answers.
    last = shell.run("poll", "--once", "--json")
    assert (last.status, last.json["state"]) == (1, "rate_limited")
    assert "kept for answers" in last.json["error"]
    assert server.units == 64
    (account,) = shell.ok("accounts", "--json").json
    assert account["next_poll_at"][11:19] in ("08:00:00", "07:00:00")
    spent = account["budget"]["spent"]
    assert (spent["total"], spent["ceiling"], spent["by_kind"]["comments.insert"]) == (64, 564, 50)
    assert "64 of the 564 units" in shell.ok("accounts").out


def test_an_answer_goes_below_the_top_comment_is_read_back_and_found_when_its_answer_was_lost(
    server: YouTubeServer,
) -> None:
    desk = desk_of(server)
    top = server.say("gwen", "question")
    below = server.say("wei", "me too", thread=top)
    gone = server.say("ann", "deleted soon")

    async def send(key: str, text: str) -> Sent:
        found = await desk.use(lambda channel: channel.send(answer_to(desk.messages[key], text)))
        assert isinstance(found, Sent)
        return found

    async def story() -> None:
        await desk.poll()
        sent = await send(below, "Answer one.")
        assert server.comments[sent.remote_id].thread == top
        assert sent.url == f"https://www.youtube.com/watch?v=vid1&lc={sent.remote_id}"
        assert sent.notice is None
        server.fail("lost", "/comments")
        with pytest.raises(AnswerLost):
            await send(top, "Answer two.")
        reply = answer_to(desk.messages[top], "Answer two.")
        found = await desk.use(lambda channel: channel.look_up(reply))
        assert server.comments[found.remote_id].text == "Answer two."
        server.comments[found.remote_id].text = "Answer\u00a0two.\n"  # set otherwise than it was written
        assert await desk.use(lambda channel: channel.look_up(reply)) == found
        server.comments[found.remote_id].text = "Answer two."
        never = answer_to(desk.messages[top], "Never sent.")
        assert await desk.use(lambda channel: channel.look_up(never)) is None
        server.vanish = True
        assert "does not show it" in str((await send(top, "Answer three.")).notice)
        server.comments.pop(gone)
        with pytest.raises(Rejected, match="deleted"):
            await send(gone, "too late")
        with pytest.raises(Rejected, match="too long"):
            await send(top, "x" * 10_001)
        server.limit = server.units
        with pytest.raises(RateLimited, match="used up for today"):
            await send(top, "tomorrow")

    asyncio.run(story())
    assert [c.text for c in server.comments.values() if c.author == CHANNEL] == [
        f"Answer {n}." for n in ("one", "two", "three")
    ]


def test_hiding_reading_again_and_who_signed_in(server: YouTubeServer) -> None:
    desk = desk_of(server)
    rude, kind = server.say("rude", "!!"), server.say("kind", "thank you")

    async def story() -> None:
        await desk.poll()
        await desk.use(lambda channel: channel.hide(ref(desk, rude)))
        assert server.comments[rude].status == "rejected"
        await desk.use(lambda channel: channel.unhide(ref(desk, rude)))
        assert server.comments[rude].status == "published"
        await desk.use(
            lambda channel: channel.block(replace(desk.messages[rude].author, data=ref(desk, rude).reply_data)),
        )
        assert server.banned == {"rude"}
        server.edit(kind, "thanks")
        server.comments.pop(rude)
        found: Reread = await desk.use(lambda channel: channel.reread([ref(desk, rude), ref(desk, kind)]))
        assert ([item.text for item in found.items], found.gone) == (["thanks"], (rude,))
        # Nothing at all comes back: that is believed only of the owner.
        server.comments.pop(kind)
        server.signed_in = "UCsomebody"
        assert await desk.use(lambda channel: channel.reread([ref(desk, kind)])) == Reread()
        with pytest.raises(Misconfigured, match="login is that of the channel UCsomebody"):
            await desk.use(lambda channel: channel.check())
        server.signed_in = CHANNEL
        health = await desk.use(lambda channel: channel.check())
        assert (health.identity, health.handle) == (CHANNEL, "@anytowncouncil")

    asyncio.run(story())


def test_a_login_is_renewed_once_and_what_the_owner_alone_sees_is_missed_in_words(server: YouTubeServer) -> None:
    desk = desk_of(server)
    server.good.clear()
    server.owner = False
    key = server.say("gwen", "hello")
    asyncio.run(desk.poll())
    assert set(desk.residents) == {key}
    assert server.renewed == 1
    assert json.loads(desk.secret.value)["access_token"] == "token-1"
    assert any("held for review" in notice for notice in desk.notices)
    server.granted = "https://www.googleapis.com/auth/youtube.readonly"
    with pytest.raises(NotPermitted):
        asyncio.run(desk.poll())
    server.good.clear()
    server.refresh.clear()
    with pytest.raises(AuthError, match="expired or revoked"):
        asyncio.run(desk.poll())


def test_signing_in_asks_for_a_login_that_lasts_and_names_what_was_not_granted(server: YouTubeServer) -> None:
    desk = desk_of(server)

    async def story() -> None:
        http = Http()
        try:
            walk = begin(desk.context(http), YouTube.sign_in, "777-desk", "not-so-secret")
            query = {name: values[0] for name, values in parse_qs(urlsplit(walk.url).query).items()}
            assert (query["access_type"], query["prompt"], query["code_challenge_method"]) == (
                "offline",
                "consent",
                "S256",
            )
            assert query["scope"] == "https://www.googleapis.com/auth/youtube.force-ssl"
            assert query["redirect_uri"] in YouTube.sign_in.instructions()[-1]
            desk.secret.value = await walk.finish(f"{walk.sign_in.redirect}?state={walk.state}&code=the-code")
            assert walk.notices == ()
            server.granted = "https://www.googleapis.com/auth/youtube.readonly"
            walk = begin(desk.context(http), YouTube.sign_in, "777-desk", "not-so-secret")
            await walk.finish("the-code")
            assert "without it the account cannot be used" in walk.notices[0]
        finally:
            await http.aclose()

    asyncio.run(story())
    server.granted = server.scope
    key = server.say("gwen", "hello")
    asyncio.run(desk.poll())
    assert set(desk.residents) == {key}


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("403", error(403, "rateLimitExceeded").value, RateLimited),
        ("403", error(403, "accessNotConfigured").value, Misconfigured),
        ("429", {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota"}}, RateLimited),
        ("503", b"<html>", Unavailable),
        ("200", b'{"items": [', BadPayload),
        ("200", [1], BadPayload),
        ("200", {"items": "none"}, BadPayload),
        ("400", error(400, "processingFailure").value, BadPayload),
    ],
)
def test_what_goes_wrong_moves_nothing(
    server: YouTubeServer, kind: str, value: Any, wanted: type[ChannelError]
) -> None:
    desk = desk_of(server)
    server.most = 3
    asyncio.run(desk.poll())
    before = desk.cursor
    keys = {server.say("gwen", f"still here {i}") for i in range(7)}
    for _ in range(3):
        server.fail(kind, "commentThreads", value)
    with pytest.raises(wanted):
        asyncio.run(desk.poll())
    assert desk.cursor == before
    server.faults.clear()
    server.fail("200", "commentThreads", {"items": [{"id": "x"}, 7, {"id": "y", "snippet": {"topLevelComment": []}}]})
    asyncio.run(desk.poll())
    assert any("could not be read" in notice for notice in desk.notices)
    asyncio.run(desk.poll())
    assert set(desk.residents) == keys
