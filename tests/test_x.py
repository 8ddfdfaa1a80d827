"""X: the walk and its cursor in both dialects, edits and deletions, what goes wrong, what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
import stamina

from socialtriage.channels import x_api, x_prices, x_walk
from socialtriage.channels.base import ChannelContext, Tally
from socialtriage.channels.http import Http
from socialtriage.channels.x import X
from socialtriage.channels.x_prices import pot_of, spending_words
from socialtriage.channels.x_text import has_link, weight
from socialtriage.config.load import parse
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import (
    AnswerLost,
    AuthError,
    BadPayload,
    CeilingReached,
    ChannelError,
    ConfigError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
    Unavailable,
)
from socialtriage.domain.models import Reread, StoredRef, Visibility
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk, answer_to
from tests.doubles.desk import CONFIG
from tests.doubles.x import ME, Asked, XServer

T = TypeVar("T")


@dataclass
class PayingDesk(SmallDesk):
    """A desk that remembers what was spent."""

    ledger: Tally = field(default_factory=Tally)

    def context(self, http: Http, seconds: float = 30.0) -> ChannelContext:
        from dataclasses import replace

        return replace(super().context(http, seconds), ledger=self.ledger)

    @property
    def spent(self) -> dict[str, float]:
        return dict(asyncio.run(self.ledger.spent(pot_of(self.account), "2026-11-01")))


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    for memory in (x_api._spoken, x_api._me, x_prices._users):
        memory.clear()
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture(params=["post", "tweet"])
def network(request: pytest.FixtureRequest) -> Iterator[XServer]:
    with XServer(now=NOON - timedelta(hours=1), dialects=(request.param,)) as server:
        yield server
    assert server.problems == []


@pytest.fixture
def new(request: pytest.FixtureRequest) -> Iterator[XServer]:
    with XServer(now=NOON - timedelta(hours=1)) as server:
        yield server


def desk_of(server: XServer, **more: object) -> PayingDesk:
    values: dict[str, object] = {"id": "town-x", "network": "x", "server": server.url, "client_id": "app"}
    return PayingDesk(X, AccountConfig(**(values | more)), FixedSecret("access-0"))  # type: ignore[arg-type]


def ask(desk: SmallDesk, question: Callable[[X], Awaitable[T]]) -> T:
    async def story() -> T:
        http = Http()
        try:
            return await question(X(desk.context(http)))
        finally:
            await http.aclose()

    return asyncio.run(story())


def again(desk: SmallDesk) -> Reread:
    refs = [
        StoredRef(m.remote_id, m.thread, m.conversation, m.visibility, m.reply_data) for m in desk.residents.values()
    ]
    return ask(desk, lambda channel: channel.reread(refs))


# --- reading --------------------------------------------------------------------------------------------------


def test_both_dialects_bring_the_same(network: XServer) -> None:
    root = network.post("council", "Bins are late &amp; we are sorry")
    network.media["3_1"] = {
        "media_key": "3_1",
        "type": "photo",
        "url": "https://pbs.example/1.jpg",
        "alt_text": "a bin",
    }
    urls = [
        {"url": "https://t.co/a", "expanded_url": "https://anytown.example/bins"},
        {"url": "https://t.co/b", "expanded_url": "https://x.com/photo/1", "media_key": "3_1"},
    ]
    text = "@council see https://t.co/a &lt;here&gt; https://t.co/b"
    below = network.post("wei", text, answers=root, urls=urls, media=["3_1"])
    network.post("gwen", "@council short", note="@council the whole long text")
    private = network.direct("gwen", "in private")
    desk = desk_of(network)
    asyncio.run(desk.poll())
    message = desk.residents[below]
    assert message.text == "@council see https://anytown.example/bins <here>"
    assert (message.author.handle, message.author.name, message.thread) == ("@wei", "Wei", root)
    assert (message.media[0].kind, message.media[0].alt) == ("image", "a bin")
    assert message.url == f"https://x.com/wei/status/{below}"
    assert desk.messages[root].own
    assert desk.messages[root].text == "Bins are late & we are sorry"
    assert "@council the whole long text" in {m.text for m in desk.residents.values()}
    direct = desk.residents[f"dm/{private}"]
    assert (direct.visibility, direct.conversation) == (Visibility.PRIVATE, network.events[0]["dm_conversation_id"])
    seen = len(desk.handed)
    asyncio.run(desk.poll())
    assert len(desk.handed) == seen


def test_a_walk_that_is_stopped_after_any_page_loses_and_doubles_nothing(new: XServer) -> None:
    new.most = 5
    new.person("ada")
    wanted = {new.mention(f"number {n}", at=new.now + timedelta(seconds=n // 3)) for n in range(17)}
    wanted |= {f"dm/{new.direct('gwen', f'private {n}')}" for n in range(12)}
    desk = desk_of(new)
    for stop in (1, 1, 2, 3):
        wanted.add(new.mention("in between", at=new.now + timedelta(minutes=stop)))
        wanted.add(f"dm/{new.direct('wei', 'in between', at=new.now + timedelta(minutes=stop))}")
        asyncio.run(desk.poll(stop_after=stop))
    asyncio.run(desk.poll())
    assert set(desk.residents) == wanted
    asyncio.run(desk.poll())
    handed = [key for key in desk.handed if not key.startswith("dm/")]
    assert len(handed) == len(set(handed))
    last = [asked for asked in new.requests if asked.path.endswith("mentions")][-1]
    assert int(last.query["since_id"]) == max(int(key) for key in wanted if not key.startswith("dm/"))


def test_what_is_out_of_reach_is_a_gap(new: XServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x_walk, "REACHABLE", 80)
    new.reach, new.most = 80, 20
    desk = desk_of(new)
    new.mention("first", at=NOON - timedelta(days=2))
    asyncio.run(desk.poll())
    for n in range(50):
        new.mention(f"{n}", at=NOON - timedelta(hours=9) + timedelta(seconds=n))
    asyncio.run(desk.poll(stop_after=1))
    for n in range(70):
        new.mention(f"later {n}", at=NOON - timedelta(hours=8) + timedelta(seconds=n))
    pages = asyncio.run(desk.poll())
    [gap] = [page.gap for page in pages if page.gap]
    assert "mentions" in gap.why
    assert NOON - timedelta(days=2, minutes=1) < gap.start < gap.end < NOON - timedelta(hours=8)
    assert len(desk.residents) == 1 + 20 + 70


def test_a_mark_that_is_too_old_for_x_falls_back_to_a_time(new: XServer) -> None:
    desk = desk_of(new)
    new.mention("first", at=NOON - timedelta(days=2))
    asyncio.run(desk.poll())
    new.oldest_since = 2**62
    late = new.mention("after the silence", at=NOON)
    asyncio.run(desk.poll())
    assert late in desk.residents


def test_late_arrivals_are_found_by_the_sweep(new: XServer) -> None:
    desk = desk_of(new)
    new.mention("known")
    asyncio.run(desk.poll())
    late = new.mention("made visible late", at=NOON - timedelta(hours=17))
    desk.now = NOON + timedelta(hours=7)
    handed = len(desk.handed)
    asyncio.run(desk.poll())
    assert late in desk.residents
    assert len(desk.handed) == handed + 1


def test_edits_and_deletions(network: XServer) -> None:
    desk = desk_of(network)
    first, deleted = network.mention("my bin"), network.mention("my street")
    asyncio.run(desk.poll())
    second = network.edit(first, "@council my green bin", NOON)
    del network.posts[deleted]
    found = again(desk)
    assert found.gone == (deleted,)
    [edited] = found.items
    assert (edited.remote_id, edited.text, edited.reply_data["id"]) == (first, "@council my green bin", second)
    assert edited.edited_at is not None
    asyncio.run(desk.poll())
    assert desk.residents[first].text == "@council my green bin"
    assert second not in desk.residents


def test_an_author_who_is_gone_is_a_partial_error_and_loses_no_message(network: XServer) -> None:
    key = network.mention("from somebody suspended since")
    network.withheld.add(network.person("ada"))
    desk = desk_of(network)
    asyncio.run(desk.poll())
    assert desk.residents[key].author.key == network.person("ada")
    assert again(desk).gone == ()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("429", RateLimited),
        ("503", Unavailable),
        ("402", Misconfigured),
        ("401", AuthError),
        ("truncate", ChannelError),
        ("html", ChannelError),
        ("reset", Unavailable),
    ],
)
def test_what_goes_wrong_while_reading(new: XServer, kind: str, error: type[ChannelError]) -> None:
    desk = desk_of(new)
    key = new.mention()
    new.fail("/mentions", *[kind] * 3)
    with pytest.raises(error) as refused:
        asyncio.run(desk.poll())
    if isinstance(refused.value, RateLimited):
        assert refused.value.retry_at is not None
        assert refused.value.retry_at > datetime.now(UTC) + timedelta(minutes=14)
    assert "access-0" not in str(refused.value)
    new.faults.clear()
    asyncio.run(desk.poll())
    assert set(desk.residents) == {key}


def test_wrong_types_and_messages_that_may_not_be_read_stop_nothing(new: XServer) -> None:
    desk = desk_of(new)
    new.fail("/mentions", "type")
    with pytest.raises(BadPayload, match="no list"):
        asyncio.run(desk.poll())
    new.fail("/tweets", "503", "503", "503")
    new.access["access-0"] = "tweet.read users.read tweet.write"
    asyncio.run(desk.poll())
    key = new.mention()
    asyncio.run(desk.poll())
    assert set(desk.residents) == {key}
    assert any("Our own posts could not be read" in notice for notice in desk.notices)
    assert any("Direct messages could not be read" in notice for notice in desk.notices)


def test_errors_in_the_place_of_a_list_are_no_empty_list(new: XServer) -> None:
    """X refuses with status 200 too: it must not look like an account that nobody writes to."""
    desk = desk_of(new)
    new.fail("/mentions", "errors")
    with pytest.raises(NotPermitted, match="Could not find user"):
        asyncio.run(desk.poll())
    key = new.mention()
    new.fail("/dm_events", "errors")
    asyncio.run(desk.poll())
    assert set(desk.residents) == {key}
    assert any("Direct messages could not be read: X does not show" in notice for notice in desk.notices)


def test_an_edit_that_drops_our_name_does_not_take_the_mention_with_it(new: XServer) -> None:
    """X lists the version that named us; the newest never comes, and does not put an older one in its place."""
    desk = desk_of(new)
    pothole = new.mention("a pothole on Elm Street", at=NOON - timedelta(hours=1))
    new.edit(pothole, "a pothole on Elm Street", NOON - timedelta(minutes=50))
    bins = new.mention("bins", at=NOON - timedelta(minutes=40))
    asyncio.run(desk.poll())
    assert desk.messages[pothole].text == "@council a pothole on Elm Street"
    new.edit(bins, "@council the brown bins", NOON - timedelta(minutes=30))
    new.most = 1  # every version has a page of its own, the newest first
    asyncio.run(desk.poll())
    desk.cursor = None
    asyncio.run(desk.poll())
    assert desk.messages[bins].text == "@council the brown bins"


@pytest.mark.parametrize("where", ["/mentions", "/tweets", "/dm_events"])
def test_pages_in_a_circle_end_with_a_word_and_the_next_pass_gets_behind_them(
    new: XServer, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Each page costs money: a list that leads back to itself is not read until the time is over."""
    desk = desk_of(new)
    new.most = 2
    keys = {new.mention(f"bin {i}", at=NOON - timedelta(hours=i)) for i in range(5)}
    for i in range(5):
        new.post("council", f"news {i}", at=NOON - timedelta(hours=i))
    direct = {f"dm/{new.direct('gwen', f'hello {i}', at=NOON - timedelta(minutes=9 - i))}" for i in range(5)}
    real = new.answer

    def answer(asked: Asked) -> tuple[int, Any]:
        status, body = real(asked)
        if asked.path.endswith(where) and "next_token" in body.get("meta", {}):
            body["meta"]["next_token"] = {"/dm_events": "a-long-token-of-x-2"}.get(where, "t2")
        return status, body

    monkeypatch.setattr(new, "answer", answer)
    asyncio.run(desk.poll())
    assert any("the same page again and again" in notice for notice in desk.notices)
    assert len(new.requests) < 20
    monkeypatch.setattr(new, "answer", real)
    desk.now += timedelta(minutes=20)
    asyncio.run(desk.poll())
    assert set(desk.residents) == keys | direct


def test_whoever_x_says_nothing_of_has_an_address_all_the_same(new: XServer) -> None:
    desk = desk_of(new)
    new.withheld.add(new.person("ada"))
    key = new.mention()
    asyncio.run(desk.poll())
    assert (desk.messages[key].author.handle, desk.messages[key].url) == (
        f"id {new.person('ada')}",
        f"https://x.com/i/status/{key}",
    )


def test_a_direct_message_of_an_unknown_kind_is_not_dropped(new: XServer) -> None:
    desk = desk_of(new)
    keys = [new.direct("gwen", f"hello {i}", at=NOON - timedelta(minutes=5) + timedelta(seconds=i)) for i in range(4)]
    for event, kind in zip(new.events, ("MessageCreateV2", 5, "ParticipantsJoin", None), strict=True):
        event["event_type"] = kind
    asyncio.run(desk.poll())
    assert set(desk.residents) == {f"dm/{keys[i]}" for i in (0, 1, 3)}


def test_direct_messages_wait_for_their_limit(new: XServer) -> None:
    desk = desk_of(new)
    new.limits["dm_events"] = 0
    asyncio.run(desk.poll())
    asked = len([a for a in new.requests if a.path.endswith("dm_events")])
    new.direct("gwen", "hello")
    asyncio.run(desk.poll())
    assert len([a for a in new.requests if a.path.endswith("dm_events")]) == asked
    desk.now += timedelta(minutes=20)
    asyncio.run(desk.poll())
    assert len(desk.residents) == 1


def test_the_dialect_may_be_chosen(new: XServer) -> None:
    new.dialects = ("tweet",)
    with pytest.raises(Rejected, match=r"post\.fields"):
        asyncio.run(desk_of(new, dialect="post").poll())


# --- money ----------------------------------------------------------------------------------------------------


def test_the_meter_counts_by_kind_and_what_is_read_again_on_the_day_is_free(new: XServer) -> None:
    desk = desk_of(new, prices={"user_read": 0.02})
    new.mention("one"), new.mention("two")
    new.mention("yesterday's", author="wei", at=NOON - timedelta(days=1))
    asyncio.run(desk.poll())
    assert desk.spent == pytest.approx({"mention_read": 0.003, "user_read": 0.04, "user_read_again": 0.02})
    again(desk), again(desk)
    assert desk.spent["post_read_again"] == pytest.approx(0.005)
    words = spending_words(desk.account, desk.spent)
    assert words.startswith("US$0.068 spent this month: user read 0.06")


def test_the_ceiling_ends_a_pass_and_the_next_asks_nothing(new: XServer) -> None:
    desk = desk_of(new, ceiling=0.02)
    key = new.mention()
    with pytest.raises(CeilingReached, match=r"this month; polling pauses"):
        asyncio.run(desk.poll())
    assert set(desk.residents) == {key}
    asked = len(new.requests)
    with pytest.raises(CeilingReached):
        asyncio.run(desk.poll())
    assert len(new.requests) == asked
    desk.now += timedelta(days=10)
    asyncio.run(desk.poll())


def test_prices_and_ceilings_are_checked() -> None:
    account = '[[accounts]]\nid = "x"\nnetwork = "x"\nhandle = "@a"\nclient_id = "c"\n'
    config = parse(CONFIG + account + "ceiling = 25\nprices = { user_read = 0 }\n")
    assert (config.accounts[-1].ceiling, config.accounts[-1].prices) == (25.0, {"user_read": 0.0})
    with pytest.raises(ConfigError) as refused:
        parse(CONFIG + account + 'ceiling = -1\nprices = { mention_red = 1, dm_read = "much" }\n')
    assert [fault in "\n".join(refused.value.problems) for fault in ("ceiling", "mention_read", "dm_read")] == [
        True
    ] * 3


@pytest.mark.parametrize(
    ("text", "weighs", "link"),
    [
        ("abc", 3, False),
        ("日本語", 6, False),
        ("e\u0301", 1, False),
        ("“quoted” – dash", 15, False),
        ("👨‍👩‍👧‍👦👍🏽🏴󠁧󠁢󠁥󠁮󠁧󠁿", 6, False),
        ("See https://anytown.example/a/very/long/path?x=1.", 28, True),
        ("www.anytown.gov.uk/bins, or e.g. this", 37, True),
        ("mail me@anytown.example at 9 a.m.", 33, False),
        ("(https://anytown.example/b_(c))日", 27, True),
    ],
)
def test_length_and_links_are_counted_as_x_does(text: str, weighs: int, link: bool) -> None:
    assert (weight(text), has_link(text)) == (weighs, link)


# --- writing --------------------------------------------------------------------------------------------------


def test_a_reply_goes_to_the_newest_version_and_a_duplicate_is_the_one_that_was_lost(network: XServer) -> None:
    desk = desk_of(network)
    first = network.mention("my bin")
    second = network.edit(first, "@council my green bin", NOON - timedelta(minutes=30))
    asyncio.run(desk.poll())
    reply = answer_to(desk.residents[first], "On Thursday, see https://anytown.example")
    network.now = NOON
    network.fail("/2/tweets", "lost")
    with pytest.raises(AnswerLost):
        ask(desk, lambda channel: channel.send(reply))
    sent = ask(desk, lambda channel: channel.send(reply))
    assert [post.id for post in network.posts.values() if post.author == ME] == [sent.remote_id]
    assert network.posts[sent.remote_id].answers == second
    found = ask(desk, lambda channel: channel.look_up(reply))
    assert found is not None
    assert found.remote_id == sent.remote_id
    assert desk.spent["post_with_link"] == pytest.approx(0.2)


def test_a_lost_private_answer_is_looked_up(network: XServer) -> None:
    desk = desk_of(network)
    key = network.direct("gwen", "a question")
    asyncio.run(desk.poll())
    reply = answer_to(desk.residents[f"dm/{key}"], "An answer")
    assert ask(desk, lambda channel: channel.look_up(reply)) is None
    network.now = NOON
    network.fail("/messages", "lost")
    with pytest.raises(AnswerLost):
        ask(desk, lambda channel: channel.send(reply))
    found = ask(desk, lambda channel: channel.look_up(reply))
    assert found is not None
    assert found.remote_id == f"dm/{network.events[-1]['id']}"


def test_who_did_not_summon_us_is_not_answered(new: XServer) -> None:
    desk = desk_of(new)
    asked = new.post("ada", "a pothole")
    new.post("ada", "@council look", answers=asked)
    asyncio.run(desk.poll())
    context = desk.messages[asked]
    assert context.context
    ref = answer_to(context, "We look.").parent
    reason = X.objection(desk.account, ref, Visibility.PUBLIC)
    assert reason is not None
    assert "mentioned or quoted" in reason[0]
    with pytest.raises(Rejected, match="mentioned or quoted"):
        ask(desk, lambda channel: channel.send(answer_to(context, "We look.")))
    assert [post for post in new.posts.values() if post.author == ME] == []


def test_hiding_and_muting(new: XServer) -> None:
    desk = desk_of(new)
    root = new.post("council", "Bins")
    rude = new.mention("rude words", answers=root)
    strange = new.mention("elsewhere", author="wei")
    asyncio.run(desk.poll())
    ref = answer_to(desk.residents[rude], "x").parent
    ask(desk, lambda channel: channel.hide(ref))
    assert new.hidden == {rude: True}
    with pytest.raises(NotPermitted, match="hide"):
        ask(desk, lambda channel: channel.hide(answer_to(desk.residents[strange], "x").parent))
    ask(desk, lambda channel: channel.mute(desk.residents[rude].author))
    assert new.muted == {new.person("ada")}
    ask(desk, lambda channel: channel.unmute(desk.residents[rude].author))
    assert new.muted == set()
    with pytest.raises(NotPermitted):
        ask(desk, lambda channel: channel.block(desk.residents[rude].author))


def test_what_x_says_that_it_did_not_do_is_not_done(new: XServer, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(new)
    rude = new.mention("rude words", answers=new.post("council", "Bins"))
    asyncio.run(desk.poll())
    real = new.answer

    def answer(asked: Asked) -> tuple[int, Any]:
        if asked.method in ("PUT", "POST"):
            return 200, {"data": {"hidden": False, "muting": False}}
        return real(asked)

    monkeypatch.setattr(new, "answer", answer)
    with pytest.raises(Rejected, match="did not do this"):
        ask(desk, lambda channel: channel.hide(answer_to(desk.residents[rude], "x").parent))
    with pytest.raises(Rejected, match="did not do this"):
        ask(desk, lambda channel: channel.mute(desk.residents[rude].author))
