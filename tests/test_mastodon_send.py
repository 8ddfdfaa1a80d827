"""Answers: to whom, for whose eyes, counted how, and what happens when the answer to the answer gets lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest
import stamina

from socialtriage.channels.http import Http
from socialtriage.channels.mastodon import Mastodon, _servers
from socialtriage.channels.mastodon_entities import Server
from socialtriage.channels.mastodon_send import addressed, measured
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import AnswerLost, AuthError, NotPermitted, RateLimited, Rejected, Unavailable
from socialtriage.domain.models import Author, Incoming, OutgoingReply, SafeText, Sent, Visibility
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk, answer_to
from tests.doubles.mastodon import TOKEN, MastodonServer

T = TypeVar("T")
Make = Callable[..., tuple[MastodonServer, SmallDesk]]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    _servers.clear()
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Make:
    def make(**options: bool) -> tuple[MastodonServer, SmallDesk]:
        server = MastodonServer(clock=lambda: NOON, **options).start()
        request.addfinalizer(server.stop)
        account = AccountConfig(id="council-mastodon", network="mastodon", server=server.url)
        return server, SmallDesk(Mastodon, account, FixedSecret(TOKEN))

    return make


def ask(desk: SmallDesk, question: Callable[[Mastodon], Awaitable[T]]) -> T:
    """One call on a channel of its own."""

    async def story() -> T:
        http = Http()
        channel = Mastodon(desk.context(http))
        try:
            return await question(channel)
        finally:
            await channel.aclose()
            await http.aclose()

    return asyncio.run(story())


def send(desk: SmallDesk, reply: OutgoingReply) -> Sent:
    return ask(desk, lambda channel: channel.send(reply))


def look_up(desk: SmallDesk, reply: OutgoingReply) -> Sent | None:
    return ask(desk, lambda channel: channel.look_up(reply))


def received(desk: SmallDesk, key: str) -> Incoming:
    asyncio.run(desk.poll())
    return desk.messages[key]


BOTH = pytest.mark.parametrize("gotosocial", [False, True], ids=["mastodon", "gotosocial"])


@BOTH
def test_an_answer_below_the_message_to_its_author(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    item = received(desk, server.mention("Missed bin", visibility="unlisted"))
    sent = send(desk, answer_to(item, "Sorry. We come back tomorrow."))
    posted = server.posts[sent.remote_id]
    assert posted.text == "@ada Sorry. We come back tomorrow."
    assert posted.parent == item.remote_id
    assert posted.visibility == "unlisted"
    assert sent.notice is None
    assert sent.at == NOON
    assert server.requests[-1].headers["idempotency-key"] == "key-1"
    assert server.problems == []


@pytest.mark.parametrize(
    ("theirs", "asked", "ours"),
    [
        ("public", Visibility.PUBLIC, "public"),
        ("unlisted", Visibility.PUBLIC, "unlisted"),
        ("public", Visibility.PRIVATE, "direct"),
        ("private", Visibility.PRIVATE, "direct"),
        ("direct", Visibility.PRIVATE, "direct"),
        ("direct", Visibility.PUBLIC, "direct"),
        ("private", Visibility.PUBLIC, "direct"),
        ("mutuals_only", Visibility.PUBLIC, "direct"),
    ],
)
def test_never_more_readers_than_the_message_had(world: Make, theirs: str, asked: Visibility, ours: str) -> None:
    server, desk = world()
    item = received(desk, server.mention(visibility=theirs))
    sent = send(desk, answer_to(item, "Thank you", asked))
    assert server.posts[sent.remote_id].visibility == ours
    assert (sent.notice is not None) == (asked is Visibility.PUBLIC and ours == "direct")


def test_somebody_on_another_server_is_named_whole(world: Make) -> None:
    server, desk = world()
    server.person("dee@elsewhere.example")
    item = received(desk, server.mention(author="dee@elsewhere.example", visibility="direct"))
    sent = send(desk, answer_to(item, "@dee thank you"))
    assert server.posts[sent.remote_id].text == "@dee@elsewhere.example @dee thank you"
    assert [p.acct for p in server.posts[sent.remote_id].mentions] == ["dee@elsewhere.example"]
    assert sent.notice is None


def test_an_answer_that_reached_nobody_says_so(world: Make) -> None:
    server, desk = world()
    item = received(desk, server.mention(author="dee@elsewhere.example"))
    del server.people["dee@elsewhere.example"]
    sent = send(desk, answer_to(item, "Thank you"))
    assert sent.notice is not None
    assert "reached nobody" in sent.notice


def test_the_content_warning_goes_along(world: Make) -> None:
    server, desk = world()
    item = received(desk, server.mention("The river smells", spoiler="sewage"))
    assert item.text.startswith("[content warning: sewage]\n")
    assert server.posts[send(desk, answer_to(item, "Thank you")).remote_id].spoiler == "sewage"
    assert server.posts[send(desk, answer_to(item, "x" * 493, key="key-2")).remote_id].spoiler == ""


@BOTH
def test_too_long(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    item = received(desk, server.mention())
    with pytest.raises(Rejected):
        send(desk, answer_to(item, "x" * 6000))


@BOTH
def test_the_message_is_gone(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    item = received(desk, server.mention())
    server.delete(item.remote_id)
    with pytest.raises(Rejected, match="nothing was posted"):
        send(desk, answer_to(item, "Thank you"))


@BOTH
@pytest.mark.parametrize("fault", ["lost", "500", "truncate", "html"])
def test_a_lost_answer_is_looked_up_and_never_repeated_by_itself(world: Make, gotosocial: bool, fault: str) -> None:
    server, desk = world(gotosocial=gotosocial)
    item = received(desk, server.mention("Is the tip open?"))
    before = len(server.posts)
    server.fail(fault, method="POST")
    reply = answer_to(item, "Yes & until five:\nhttps://anytown.example/tip?a=1&b=2 <map>")
    with pytest.raises(AnswerLost):
        send(desk, reply)
    assert [asked.method for asked in server.requests].count("POST") == 1
    found = look_up(desk, reply)
    if fault in ("lost", "truncate"):
        assert len(server.posts) == before + 1
        assert found is not None
        assert server.posts[found.remote_id].author is server.me
    else:
        assert found is None


def test_a_refused_connection_is_no_lost_answer(world: Make) -> None:
    server, desk = world()
    item = received(desk, server.mention())
    desk.account = replace_server(desk.account, "http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        send(desk, answer_to(item, "Thank you"))


def replace_server(account: AccountConfig, url: str) -> AccountConfig:
    return AccountConfig(id=account.id, network=account.network, server=url)


def test_the_same_key_again_makes_no_second_post_where_keys_are_kept(world: Make) -> None:
    server, desk = world()
    item = received(desk, server.mention())
    assert send(desk, answer_to(item, "Thank you")).remote_id == send(desk, answer_to(item, "Thank you")).remote_id


def test_where_keys_are_ignored_only_the_look_up_protects(world: Make) -> None:
    server, desk = world(gotosocial=True)
    item = received(desk, server.mention())
    reply = answer_to(item, "Thank you")
    server.fail("lost", method="POST")
    with pytest.raises(AnswerLost):
        send(desk, reply)
    assert look_up(desk, reply) is not None
    assert send(desk, reply).remote_id != look_up_first(server)


def look_up_first(server: MastodonServer) -> str:
    return next(key for key, post in server.posts.items() if post.author is server.me)


def test_an_older_answer_with_the_same_words_is_not_the_lost_one(world: Make) -> None:
    server, desk = world()
    item = received(desk, server.mention(at=NOON - timedelta(days=1)))
    server.own("@ada Thank you", item.remote_id, at=NOON - timedelta(hours=20))
    server.own("@ada Thank you", None)
    server.own("@ada Thanks", item.remote_id)
    assert look_up(desk, answer_to(item, "Thank you")) is None


def test_a_lost_answer_behind_many_later_posts(world: Make) -> None:
    server, desk = world()
    item = received(desk, server.mention(at=NOON - timedelta(hours=1)))
    reply = replace(answer_to(item, "Thank you"), queued_at=NOON - timedelta(hours=1))
    ours = server.own("@ada Thank you", item.remote_id, at=NOON - timedelta(minutes=59))
    for n in range(90):
        server.own(f"News {n}", at=NOON - timedelta(minutes=50))
    found = look_up(desk, reply)
    assert found is not None
    assert found.remote_id == ours


def test_a_look_up_that_cannot_be_sure_says_so(world: Make) -> None:
    server, desk = world()
    item = received(desk, server.mention())
    server.fail(500, 9, path="/statuses")
    with pytest.raises(Unavailable):
        look_up(desk, answer_to(item, "Thank you"))


def test_an_answer_kept_for_later_is_not_sent(world: Make) -> None:
    server, desk = world()
    item = received(desk, server.mention())
    server.schedules = True
    with pytest.raises(AnswerLost):
        send(desk, answer_to(item, "Thank you"))


@pytest.mark.parametrize(
    ("status", "error"), [(429, RateLimited), (401, AuthError), (403, NotPermitted), (422, Rejected), (400, Rejected)]
)
def test_a_refused_answer(world: Make, status: int, error: type[Exception]) -> None:
    server, desk = world()
    item = received(desk, server.mention())
    server.fail(status, method="POST")
    with pytest.raises(error):
        send(desk, answer_to(item, "Thank you"))
    assert [asked.method for asked in server.requests].count("POST") == 1


# --- counting -------------------------------------------------------------------------------------------------

MASTODON = Server(domain="social.example", mastodon=True, max_characters=500, per_url=23)
GOTOSOCIAL = Server(domain="social.example", max_characters=5000)
ADA = "@ada@elsewhere.example"
FAMILY = "\N{WOMAN}\u200d\N{WOMAN}\u200d\N{GIRL}"


@pytest.mark.parametrize(
    ("text", "mastodon", "gotosocial"),
    [
        ("hello", 5 + 5, 5 + 23),
        (f"{ADA} hello", 5 + 5, 5 + 23),
        ("@ADA@ELSEWHERE.example hello", 5 + 5, 5 + 23),
        (FAMILY, 5 + 1, 5 + 18 + 5),
        ("e\u0301", 5 + 1, 23 + 2),
        ("https://anytown.example/" + "a" * 100, 5 + 23, 23 + 124),
        ("see https://anytown.example/a_(b), please", 5 + 4 + 23 + 8, 23 + 41),
        ("https://a.example/x https://b.example/y.", 5 + 23 + 1 + 23 + 1, 23 + 40),
        ("http://localhost/x", 5 + 18, 23 + 18),
        ("and @ben@far.example too", 5 + 4 + 4 + 4, 23 + 24),
        ("mail me at ada@far.example", 5 + 26, 23 + 26),
        ("line\r\nbreak", 5 + 10, 23 + 11),
    ],
)
def test_lengths_by_the_rule_of_the_server(text: str, mastodon: int, gotosocial: int) -> None:
    assert measured(text, ADA, "", MASTODON).used == mastodon
    assert measured(text, ADA, "", GOTOSOCIAL).used == gotosocial
    assert measured(text, ADA, "abc", MASTODON).used == mastodon + 3


@pytest.mark.parametrize("piece", ["@", "a.", "http://a.", "https://a.example/(", ")", "@a@", "\u0301"])
def test_counting_takes_linear_time(piece: str) -> None:
    def seconds(times: int) -> float:
        text = "https://a" + piece * times
        started = time.perf_counter()
        measured(text, ADA, "", MASTODON)
        return time.perf_counter() - started

    seconds(10)
    assert seconds(40_000) < 100 * max(seconds(4_000), 0.001)


def test_the_limit_is_the_servers_and_unknown_before_it_was_asked(world: Make) -> None:
    _, desk = world(gotosocial=True)

    async def measure(channel: Mastodon) -> tuple[int | None, int | None]:
        before = channel.measure("x", Visibility.PUBLIC, ADA).limit
        await channel.check()
        return before, channel.measure("x", Visibility.PUBLIC, ADA).limit

    assert ask(desk, measure) == (None, 5000)


@pytest.mark.parametrize(
    ("text", "handle", "acct", "whole"),
    [
        ("hi", "@ada@s.example", "ada", "@ada hi"),
        ("@ada hi", "@ada@s.example", "ada", "@ada hi"),
        ("hi @ADA!", "@ada@s.example", "ada", "hi @ADA!"),
        ("@ada hi", "@ada@s.example", "", "@ada@s.example @ada hi"),
        ("@ada@s.example hi", "@ada@s.example", "", "@ada@s.example hi"),
        ("@ada@s.example.org hi", "@ada@s.example", "", "@ada@s.example @ada@s.example.org hi"),
        ("@adam hi", "@ada@s.example", "ada", "@ada @adam hi"),
        ("@ada@other.example hi", "@ada@s.example", "ada", "@ada @ada@other.example hi"),
        ("mail x@ada hi", "@ada@s.example", "ada", "@ada mail x@ada hi"),
        ("Thanks, @ada.", "@ada@s.example", "ada", "Thanks, @ada."),
    ],
)
def test_the_mention_is_added_once(text: str, handle: str, acct: str, whole: str) -> None:
    assert addressed(text, handle, acct) == whole


def test_an_author_known_by_profile_address_alone(world: Make) -> None:
    server, desk = world()
    item = received(desk, server.mention())
    elsewhere = Author("ada@renamed.example", SafeText("@ada@renamed.example"), SafeText("Ada"), item.author.url)
    sent = send(desk, replace(answer_to(item, "@ada Thank you"), to=elsewhere))
    assert sent.notice is None
