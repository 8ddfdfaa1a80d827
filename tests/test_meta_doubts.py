"""Meta's networks when an answer is only half there: what cannot be read is no "no", and a page may not be the last."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from socialtriage.channels.base import Channel, ChannelContext
from socialtriage.channels.facebook import Facebook
from socialtriage.channels.graph import listing
from socialtriage.channels.http import Http
from socialtriage.channels.instagram import Instagram
from socialtriage.channels.threads import Threads
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import BadPayload, NotPermitted, RateLimited, Rejected, Unavailable
from socialtriage.domain.models import Incoming, OutgoingReply, Visibility
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk, answer_to
from tests.doubles.graph import IG, PAGE, TOKEN, Grant, GraphServer
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.threads import ME, NAME, ThreadsServer

NOW = f"{NOON:%Y-%m-%dT%H:%M:%S}+0000"


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphServer]:
    one_tls_context(monkeypatch)
    with GraphServer(lambda: NOON - timedelta(minutes=2)) as server, stamina.set_testing(True, attempts=2):
        yield server
        assert server.problems == []


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadsServer]:
    one_tls_context(monkeypatch)
    with ThreadsServer(NOON - timedelta(minutes=2)) as server:
        yield server
        assert server.problems == []


def on_the_page(meta: GraphServer) -> SmallDesk:
    account = AccountConfig(id="page", network="facebook", server=meta.url, page=PAGE)
    return SmallDesk(Facebook, account, FixedSecret(TOKEN))


def on_instagram(meta: GraphServer) -> SmallDesk:
    account = AccountConfig(id="pictures", network="instagram", server=meta.url, business_account=IG)
    return SmallDesk(Instagram, account, FixedSecret(TOKEN))


def at_threads(network: ThreadsServer) -> SmallDesk:
    account = AccountConfig(id="town-threads", network="threads", server=network.url, user=ME)
    return SmallDesk(Threads, account, FixedSecret("token-0"))


def act(desk: SmallDesk, what: Callable[[Any], Awaitable[Any]]) -> Any:
    async def story() -> Any:
        http = Http()
        context: ChannelContext = desk.context(http)
        channel: Channel = desk.make(context)
        try:
            return await what(channel)
        finally:
            await http.aclose()

    return asyncio.run(story())


def look_up(desk: SmallDesk, reply: OutgoingReply) -> Any:
    return act(desk, lambda channel: channel.look_up(reply))


def reread(desk: SmallDesk, item: Incoming) -> Any:
    ref = answer_to(item, "x").parent
    return act(desk, lambda channel: channel.reread([ref]))


# --- looking for a lost answer ----------------------------------------------------------------------------------


OURS = {"id": "88", "message": "Thank you", "created_time": NOW, "from": {"id": PAGE, "name": "Anytown"}}


@pytest.mark.parametrize(
    ("entry", "sure"),
    [
        ({**OURS, "from": None}, False),
        ({**OURS, "created_time": "soon"}, False),
        ({**OURS, "message": 5}, False),
        ({**OURS, "id": None}, False),
        ("garbled", False),
        ({**OURS, "from": {"id": "2", "name": "Ada"}, "created_time": None}, True),
        ({**OURS, "message": "Something else", "from": None}, True),
        ({**OURS, "created_time": "2026-01-01T00:00:00+0000", "from": None}, True),
    ],
)
def test_what_may_be_our_answer_and_cannot_be_read_is_never_missing(meta: GraphServer, entry: Any, sure: bool) -> None:
    top = meta.comment(meta.post("The park opens"), "lovely", "Ada")
    desk = on_the_page(meta)
    asyncio.run(desk.poll())
    meta.fail(200, f"{top}/comments", "GET", body=json.dumps({"data": [entry]}))
    reply = answer_to(desk.messages[top], "Thank you")
    if sure:
        assert look_up(desk, reply) is None
        return
    with pytest.raises(Unavailable, match="may be what was sent"):
        look_up(desk, reply)


def test_what_is_not_shown_any_more_does_not_say_that_nothing_was_posted(
    meta: GraphServer, threads: ThreadsServer
) -> None:
    top = meta.comment(meta.post("The park opens"), "lovely", "Ada")
    below = meta.ig_comment(meta.medium("The park"), "lovely too", "bob")
    for desk, id_ in ((on_the_page(meta), top), (on_instagram(meta), below)):
        asyncio.run(desk.poll())
        meta.error(100, f"{id_}/", "GET", subcode=33)
        reply = answer_to(desk.messages[id_], "Thank you")
        with pytest.raises(Unavailable, match="not shown any more"):
            look_up(desk, reply)
    gone = threads.post("gwen", "@council a pothole")
    desk = at_threads(threads)
    asyncio.run(desk.poll())
    threads.fail("400", f"{gone}/replies", {"error": {"code": 100, "error_subcode": 33, "message": "gone"}})
    reply = answer_to(desk.messages[gone], "Thank you")
    with pytest.raises(Unavailable, match="not shown any more"):
        look_up(desk, reply)


def test_a_private_message_and_a_threads_reply_that_are_garbled_are_in_doubt_too(
    meta: GraphServer, threads: ThreadsServer
) -> None:
    asked = meta.message("Gus", "my bin")
    desk = on_the_page(meta)
    asyncio.run(desk.poll())
    reply = answer_to(desk.messages[asked], "Thank you", Visibility.PRIVATE)
    # An id and a time, and no more: not even asked for by itself.
    bare = {"messages": {"data": [{"id": "m_9", "created_time": NOW}]}}
    meta.fail(200, str(desk.messages[asked].conversation), "GET", body=json.dumps(bare))
    meta.error(100, "m_9", "GET")
    with pytest.raises(Unavailable, match="may be what was sent"):
        look_up(desk, reply)
    assert look_up(desk, reply) is None

    root = threads.post(NAME, "Budget")
    below = threads.post("ada", "too high", above=root)
    desk = at_threads(threads)
    asyncio.run(desk.poll())
    reply = answer_to(desk.messages[below], "It is lower.")
    entry = {"id": "5", "text": "It is lower.", "timestamp": NOW, "username": NAME, "replied_to": {"id": below}}
    wrongs: list[dict[str, Any]] = [
        {"username": None},
        {"timestamp": "?"},
        {"text": None},
        {"id": None},
        {"replied_to": {"id": {}}},
    ]
    for wrong in wrongs:
        threads.fail("200", "/conversation", {"data": [entry | wrong]})
        with pytest.raises(Unavailable, match="may be what was sent"):
            look_up(desk, reply)
    threads.fail("200", "/conversation", {"data": [entry | {"username": "ada"}, entry | {"text": "Higher."}]})
    assert look_up(desk, reply) is None
    threads.fail("200", "/conversation", {"data": [entry | {"username": None}, entry]})
    assert look_up(desk, reply).remote_id == "5"


# --- pages ------------------------------------------------------------------------------------------------------


def test_a_full_page_with_a_cursor_and_no_next_is_not_taken_for_the_last() -> None:
    paging = {"cursors": {"before": "a", "after": "b"}}
    two = {"data": [{}, {}], "paging": paging}
    assert listing(two, full=2).after == "after=b"
    assert listing(two, full=2, before="after=b").after is None, "one that leads nowhere ends the list"
    assert listing(two, full=3).after is None, "Meta says with `next` that there is more"
    assert listing(two).after is None
    assert listing({"data": [], "paging": paging}, full=2).after is None


@pytest.mark.parametrize("told", [{}, {"paging": {"cursors": {"after": "x"}}}])
def test_of_the_answers_on_instagram_only_the_first_come_along_whatever_their_paging_says(
    meta: GraphServer, told: dict[str, Any]
) -> None:
    medium = meta.medium("The park", at=NOON - timedelta(hours=3))
    top = meta.ig_comment(medium, "lovely", "ada")
    answers = [meta.ig_comment(top, f"answer {number}", "bob") for number in range(4)]
    first = [
        {"id": id_, "text": f"answer {number}", "timestamp": NOW, "username": "bob"}
        for number, id_ in enumerate(answers[:2])
    ]
    entry = {"id": top, "text": "lovely", "timestamp": NOW, "username": "ada", "replies": {"data": first, **told}}
    meta.fail(200, f"{medium}/comments", "GET", body=json.dumps({"data": [entry]}))
    desk = on_instagram(meta)
    asyncio.run(desk.poll())
    assert set(desk.residents) == {top, *answers}
    assert {desk.residents[id_].thread for id_ in answers} == {top}


def test_a_stored_cursor_that_threads_breaks_at_is_given_up_and_one_it_only_had_no_time_for_is_not(
    threads: ThreadsServer,
) -> None:
    threads.most = 1
    wanted = {threads.post(who, "@council a pothole") for who in ("ada", "bob", "cy")}
    threads.post(NAME, "Budget")
    desk = at_threads(threads)
    for stop in range(1, 9):  # until a walk of mentions is stored half done
        asyncio.run(desk.poll(stop_after=stop))
        if json.loads(desk.cursor or "{}").get("after"):
            break
    half = desk.cursor
    for _ in range(8):
        threads.fail("reset", "/mentions")
    with pytest.raises(Unavailable):
        asyncio.run(desk.poll())
    threads.faults.clear()
    assert json.loads(desk.cursor or "{}")["after"] == json.loads(half or "{}")["after"]
    for _ in range(3):
        threads.fail("reset", "/mentions")  # as often as a call is tried: it breaks at the cursor
    asyncio.run(desk.poll())
    assert set(desk.residents) == wanted
    assert json.loads(desk.cursor or "{}")["after"] == ""


def test_a_stored_cursor_that_breaks_the_list_of_a_post_is_given_up(meta: GraphServer) -> None:
    post = meta.post("The park opens", at=NOON - timedelta(hours=9))
    wanted = {meta.comment(post, f"comment {number}", "Ada", at=NOON - timedelta(hours=8)) for number in range(250)}
    desk = on_the_page(meta)
    for stop in range(2, 9):
        asyncio.run(desk.poll(stop_after=stop))
        if json.loads(desk.cursor or "{}").get("posts", {}).get("open"):
            break
    for _ in range(2):
        meta.fail(500, f"{post}/comments", "GET")
    asyncio.run(desk.poll())
    assert set(desk.residents) == wanted


def test_a_comment_whose_id_is_withheld_is_not_gone_because_of_that(meta: GraphServer) -> None:
    post = meta.post("The park opens", at=NOON - timedelta(hours=9))
    link = {"permalink_url": "https://facebook.example/p?comment_id=777", "message": "lovely", "created_time": NOW}
    seen = json.dumps({"data": [link]})
    meta.fail(200, f"{post}/comments", "GET", body=seen)
    desk = on_the_page(meta)
    asyncio.run(desk.poll())
    [key] = desk.residents
    assert key.endswith("_777")
    item = desk.residents[key]
    for listed, gone in ((seen, ()), (json.dumps({"data": []}), (key,))):
        meta.error(100, "777", "GET", subcode=33)
        meta.fail(200, f"{post}/comments", "GET", body=listed)
        assert reread(desk, item).gone == gone


def test_lists_that_tell_no_sign_are_read_in_every_pass_while_they_are_young(meta: GraphServer) -> None:
    ago, meta.unsigned = NOON - timedelta(days=1), True
    for make, below, desk in (
        (meta.post, meta.comment, on_the_page(meta)),
        (meta.medium, meta.ig_comment, on_instagram(meta)),
    ):
        places = [make(f"The park {number}", at=ago - timedelta(hours=number)) for number in range(9)]
        for id_ in places:
            below(id_, "first", "Ada", at=ago)
        for words in ("second", "third"):
            asyncio.run(desk.poll())
            for id_ in places:
                below(id_, words, "Ada", at=NOON - timedelta(hours=1))
            desk.now += timedelta(minutes=2)
        asyncio.run(desk.poll())
        assert len(desk.residents) == 27


def test_where_nothing_that_was_listed_is_shown_a_permission_has_lapsed_and_the_account_says_so(
    meta: GraphServer, threads: ThreadsServer
) -> None:
    ago = NOON - timedelta(hours=9)
    post, medium = meta.post("The park opens", at=ago), meta.medium("The park", at=ago)
    meta.comment(post, "lovely", "Ada", at=ago)
    meta.ig_comment(medium, "lovely", "ada", at=ago)
    root = threads.post(NAME, "Budget")
    threads.post("ada", "too high", above=root)
    threads.post("wei", "@council a pothole")
    unseen = {"error": {"code": 100, "error_subcode": 33, "message": "does not exist, or missing permissions"}}
    for desk, network, edge, also in (
        (on_the_page(meta), meta, f"{post}/comments", 0),
        (on_instagram(meta), meta, f"{medium}/comments", 0),
        (at_threads(threads), threads, f"{root}/conversation", 1),
    ):
        if isinstance(network, GraphServer):
            network.error(100, edge, subcode=33)
        else:
            network.fail("400", edge, unseen)
        with pytest.raises(NotPermitted, match=r"missing permissions|words"):
            asyncio.run(desk.poll())
        assert len(desk.residents) == also, "what else there is was read"
        asyncio.run(desk.poll())
        assert len(desk.residents) == also + 1, "and nothing waits for its turn"


def test_where_every_post_is_refused_the_account_does_not_look_well(meta: GraphServer) -> None:
    ago = NOON - timedelta(hours=9)
    posts = [meta.post(f"The park {number}", at=ago) for number in range(2)]
    for post in posts:
        meta.comment(post, "lovely", "Ada", at=ago)
    desk = on_the_page(meta)
    for post in posts:
        meta.error(100, f"{post}/comments")
    with pytest.raises(Rejected, match="error 100"):
        asyncio.run(desk.poll())
    meta.error(100, f"{posts[0]}/comments")
    asyncio.run(desk.poll())
    assert len(desk.residents) == 1
    asyncio.run(desk.poll())
    assert len(desk.residents) == 2


def test_one_conversation_that_is_refused_at_threads_keeps_no_other_back(threads: ThreadsServer) -> None:
    roots = [threads.post(NAME, f"Budget {number}") for number in range(3)]
    for root in roots:
        threads.post("ada", f"too high, {root}", above=root)
    mention = threads.post("wei", "@council a pothole")
    desk = at_threads(threads)
    threads.fail("400", f"{roots[1]}/conversation", {"error": {"code": 100, "message": "not this one"}})
    asyncio.run(desk.poll())
    assert len(desk.residents) == 3
    assert any("below 1 post(s) could not be read" in said for said in desk.notices)
    threads.fail("200", f"{roots[2]}/conversation", {"data": "text"})
    with pytest.raises(BadPayload):
        asyncio.run(desk.poll())
    assert mention in desk.residents
    assert len(desk.residents) == 4
    for edge in ("/mentions", "/pending_replies"):
        threads.fail("200", edge, {"data": "text"})
        with pytest.raises(BadPayload):
            asyncio.run(desk.poll())


def test_a_list_that_breaks_keeps_no_other_back_and_ends_the_pass_with_a_word(
    meta: GraphServer, threads: ThreadsServer
) -> None:
    ago = NOON - timedelta(hours=9)
    posts = [meta.post(f"The park {number}", at=ago - timedelta(hours=number)) for number in range(3)]
    media = [meta.medium(f"The park {number}", at=ago - timedelta(hours=number)) for number in range(3)]
    for number in range(3):
        meta.comment(posts[number], "lovely", "Ada", at=ago)
        meta.ig_comment(media[number], "lovely", "ada", at=ago)
    for desk, edges in (
        (on_the_page(meta), ("/conversations", "/tagged", "/visitor_posts", f"{posts[0]}/comments")),
        (on_instagram(meta), ("/conversations", "/tags", f"{media[0]}/comments")),
    ):
        for edge in edges:
            desk.messages.clear()
            desk.cursor = None
            for _ in range(3):  # as often as it is tried
                meta.fail(500, edge, "GET")
            with pytest.raises(Unavailable):
                asyncio.run(desk.poll())
            assert len(desk.residents) == (2 if edge.endswith("/comments") else 3), edge
            asyncio.run(desk.poll())
            assert len(desk.residents) == 3
    roots = [threads.post(NAME, f"Budget {number}") for number in range(3)]
    for root in roots:
        threads.post("ada", f"too high, {root}", above=root)
    desk = at_threads(threads)
    for _ in range(3):
        threads.fail("503", f"{roots[1]}/conversation")
    with pytest.raises(Unavailable):
        asyncio.run(desk.poll())
    assert len(desk.residents) == 2
    asyncio.run(desk.poll())
    assert len(desk.residents) == 3


def test_a_login_that_no_debug_token_explains_is_instagrams_own_when_it_says_whose_it_is(meta: GraphServer) -> None:
    meta.ig_comment(meta.medium("The park opens", at=NOON - timedelta(hours=1)), "lovely", "ada")
    meta.tokens["opaque"] = Grant("IG", IG)
    desk = on_instagram(meta)
    desk.secret = FixedSecret("opaque")
    meta.error(100, "debug_token", "GET")
    meta.error(100, "/me", "GET")
    asyncio.run(desk.poll())
    assert len(desk.residents) == 1


def test_check_fails_for_a_login_that_lacks_what_reading_needs(tmp_path: Path, meta: GraphServer) -> None:
    shell = Inside(
        tmp_path,
        accounts="".join(
            f'\n[[accounts]]\nid = "{network}"\nnetwork = "{network}"\nserver = "{meta.url}"\n{key} = "{id_}"\n'
            for network, key, id_ in (("facebook", "page", PAGE), ("instagram", "business_account", IG))
        ),
    )
    shell.login("facebook", TOKEN)
    shell.login("instagram", TOKEN)

    def found() -> dict[str, bool]:
        checks = shell.run("check", "--json").json["checks"]
        return {each["name"]: each["ok"] for each in checks if each["name"].startswith("account")}

    assert set(found().values()) == {True}
    meta.tokens[TOKEN].scopes.discard("pages_messaging")
    assert set(found().values()) == {True}, "comments go on without Messenger"
    meta.tokens[TOKEN].scopes.discard("pages_read_user_content")
    assert found() == {"account facebook": False, "account instagram": True}
    meta.tokens[TOKEN].scopes.discard("instagram_manage_comments")
    assert set(found().values()) == {False}


def test_the_allowance_that_is_used_up_is_named(meta: GraphServer) -> None:
    meta.post("The park opens")
    desk = on_the_page(meta)
    used = json.dumps({"call_count": 95, "total_time": 1, "total_cputime": 1})
    meta.fail(200, "debug_token", "GET", headers={"X-App-Usage": used}, body=json.dumps({"data": PAGE_TOKEN}))
    with pytest.raises(RateLimited, match="95 % of what Meta allows for the app"):
        asyncio.run(desk.poll())


PAGE_TOKEN = {
    "type": "PAGE",
    "is_valid": True,
    "expires_at": 0,
    "profile_id": PAGE,
    "scopes": ["pages_show_list", "pages_read_engagement", "pages_read_user_content", "pages_messaging"],
    "issued_at": int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()),
}
