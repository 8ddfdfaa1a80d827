"""A Facebook Page is read: what residents write below every kind of post and in Messenger comes once, and all of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from socialtriage.channels import graph_chat
from socialtriage.channels.facebook import Facebook
from socialtriage.channels.http import Http
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import AuthError, BadPayload, ChannelError, Misconfigured, NotPermitted, RateLimited
from socialtriage.domain.models import Visibility
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk, answer_to
from tests.doubles.graph import PAGE, SYSTEM_TOKEN, TOKEN, USER_TOKEN, Asked, Fault, GraphServer
from tests.doubles.inside import one_tls_context


class Clock:
    """The time at Meta."""

    def __init__(self) -> None:
        self.now = NOON - timedelta(minutes=2)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphServer]:
    one_tls_context(monkeypatch)
    with GraphServer(Clock()) as server:
        yield server
        assert server.problems == []


def desk_of(meta: GraphServer, token: str = TOKEN, **more: object) -> SmallDesk:
    account = AccountConfig(id="page", network="facebook", server=meta.url, page=PAGE)
    return SmallDesk(Facebook, account, FixedSecret(token), **more)  # type: ignore[arg-type]


def poll(desk: SmallDesk, **more: float) -> None:
    asyncio.run(desk.poll(**more))  # type: ignore[arg-type]


def texts(desk: SmallDesk) -> set[str]:
    return {str(item.text) for item in desk.residents.values()}


def test_comments_below_every_kind_of_post_and_messages_come_once(meta: GraphServer) -> None:
    own = meta.post("The park opens")
    visitor = meta.post("Who mends the lamp?", "Bob", edge="visitor_posts")
    tagged = meta.post("@council look at this", "Cy", edge="tagged")
    dark = meta.post("An advertisement", edge="ads_posts")
    top = meta.comment(own, "lovely", "Ada")
    nested = meta.comment(top, "not lovely", "Dee")
    ours = meta.comment(top, "Thank you", None)
    meta.comment(visitor, "me too", "Ada")
    meta.comment(tagged, "seen it", "Eve")
    meta.comment(dark, "an ad again", "Fay")
    meta.message("Gus", "my bin", attachments={"data": [{"id": "1", "mime_type": "image/jpeg", "name": "bin.jpg",
                 "size": 3, "image_data": {"url": "https://cdn.example/bin.jpg"}}]})  # fmt: skip
    meta.message("Gus", "We look into it", own=True)
    meta.message("Hal", "")
    desk = desk_of(meta)
    poll(desk)
    expected = {
        "lovely", "not lovely", "Who mends the lamp?", "me too", "@council look at this", "seen it", "an ad again",
        "my bin", graph_chat.WORDLESS,
    }  # fmt: skip
    assert texts(desk) == expected
    thread = desk.messages[top].thread
    assert thread == top == desk.messages[nested].thread == desk.messages[ours].thread
    assert desk.messages[ours].own
    assert desk.messages[ours].parent == top
    by_text = {str(item.text): item for item in desk.messages.values()}
    root = by_text["Who mends the lamp?"]
    assert by_text["me too"].thread == root.thread == root.remote_id
    private = by_text["my bin"]
    assert private.visibility is Visibility.PRIVATE
    assert private.conversation == by_text["We look into it"].conversation
    assert (private.media[0].kind, private.media[0].url) == ("image", "https://cdn.example/bin.jpg")
    assert by_text["an ad again"].place == "unpublished post “An advertisement”"
    meta.requests.clear()
    poll(desk)
    assert set(desk.messages) == {item.remote_id for item in by_text.values()}
    assert texts(desk) == expected
    assert not meta.asked("t_messenger")


def test_a_new_comment_below_an_old_post_is_found_and_old_ones_are_not(meta: GraphServer) -> None:
    long_ago = NOON - timedelta(days=400)
    posts = [meta.post(f"post {n}", at=long_ago + timedelta(days=n)) for n in range(130)]
    meta.comment(posts[3], "from long ago", at=long_ago + timedelta(days=10))
    meta.ranked = True
    desk = desk_of(meta)
    poll(desk)
    assert texts(desk) == set()
    meta.comment(posts[3], "is the library still open?", "Ada")
    meta.comment(posts[120], "is the pool?", "Bob")
    poll(desk)
    assert texts(desk) == {"is the library still open?", "is the pool?"}


def test_what_does_not_move_its_post_is_found_in_turn(meta: GraphServer) -> None:
    meta.bump_nested = False
    posts = [meta.post(f"post {n}") for n in range(8)]
    tops = [meta.comment(post, f"top {n}") for n, post in enumerate(posts)]
    desk = desk_of(meta)
    poll(desk)
    meta.comment(tops[0], "a nested answer", "Bob")
    for _ in range(3):
        desk.now += timedelta(minutes=2)
        poll(desk)
    assert "a nested answer" in texts(desk)


def test_both_spellings_of_an_id_and_withheld_ids_are_one_message(meta: GraphServer) -> None:
    post = meta.post("The park opens")
    top = meta.comment(post, "lovely", "Ada")
    nested = meta.comment(top, "indeed", "Bob")
    desk = desk_of(meta)
    poll(desk)
    for name in ("bare_ids", "omit_ids"):
        setattr(meta, name, True)
        poll(desk)
        setattr(meta, name, False)
    assert set(desk.messages) == {top, nested}
    assert desk.messages[nested].thread == top


def test_answers_to_answers_are_of_their_thread(meta: GraphServer) -> None:
    meta.deep = True
    chain = [meta.comment(meta.post("The park opens"), "lovely", "Ada")]
    for number in range(3):
        chain.append(meta.comment(chain[-1], f"answer {number}", f"P{number}"))
    desk = desk_of(meta)
    poll(desk)
    chain.append(meta.comment(chain[-1], "the last one", "Eve"))
    poll(desk)
    assert {desk.messages[id_].thread for id_ in chain} == {chain[0]}
    assert [desk.messages[id_].parent for id_ in chain[1:]] == chain[:-1]


def test_people_whose_names_are_withheld_are_never_one_person(meta: GraphServer) -> None:
    post = meta.post("The park opens")
    meta.comment(post, "one", "Ada")
    meta.comment(post, "two", "Bob")
    meta.nameless = True
    desk = desk_of(meta)
    poll(desk)
    assert len({item.author.key for item in desk.residents.values()}) == 2


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4, 5])
def test_a_walk_that_is_cut_off_loses_nothing(meta: GraphServer, stop_after: int) -> None:
    post = meta.post("The park opens")
    for number in range(450):
        meta.comment(post, f"comment {number}", f"P{number % 7}")
    meta.message("Gus", "my bin")
    desk = desk_of(meta)
    asyncio.run(desk.poll(stop_after=stop_after))
    meta.comment(post, "while you were away", "Zoe")
    poll(desk)
    poll(desk)
    assert len(texts(desk)) == 452


def test_a_busy_post_is_not_read_to_its_end_every_time(meta: GraphServer) -> None:
    meta.clock = lambda: NOON - timedelta(days=3)
    post = meta.post("The park opens")
    start = NOON - timedelta(days=4)
    for number in range(900):
        meta.comment(post, f"comment {number}", at=start + timedelta(seconds=number))
    desk = desk_of(meta, since=timedelta(days=30))
    poll(desk)
    assert len(texts(desk)) == 900
    meta.comment(post, "the newest", at=NOON)
    meta.requests.clear()
    poll(desk)
    assert "the newest" in texts(desk)
    assert len(meta.asked(f"{post}/comments")) == 5


@pytest.mark.parametrize(("token", "error"), [(USER_TOKEN, Misconfigured), ("nobody's", AuthError), (TOKEN, AuthError)])
def test_a_wrong_or_revoked_token_is_told_before_anything_is_read(
    meta: GraphServer, token: str, error: type[ChannelError]
) -> None:
    meta.comment(meta.post("The park opens"), "lovely")
    if token == TOKEN:
        meta.tokens[TOKEN].valid = False
    desk = desk_of(meta, token)
    with pytest.raises(error) as raised:
        poll(desk)
    assert desk.cursor is None
    assert not meta.asked("comments")
    assert token not in str(raised.value)


def test_a_system_user_reads_as_the_page(meta: GraphServer) -> None:
    meta.comment(meta.post("The park opens"), "lovely")
    desk = desk_of(meta, SYSTEM_TOKEN)
    poll(desk)
    assert texts(desk) == {"lovely"}


def test_a_page_may_be_named_and_anothers_token_is_told(meta: GraphServer) -> None:
    meta.comment(meta.post("The park opens"), "lovely")
    desk = desk_of(meta)
    desk.account = AccountConfig(id="page", network="facebook", server=meta.url, page="anytowncouncil")
    poll(desk)
    assert texts(desk) == {"lovely"}
    for page in ("1100000000002", "no-such-page"):
        desk.account = AccountConfig(id="page", network="facebook", server=meta.url, page=page)
        with pytest.raises(Misconfigured):
            poll(desk)


def test_comments_go_on_without_messenger_and_missing_permissions_are_named(meta: GraphServer) -> None:
    meta.tokens[TOKEN].scopes.discard("pages_messaging")
    meta.comment(meta.post("The park opens"), "lovely")
    meta.message("Gus", "my bin")
    desk = desk_of(meta)
    poll(desk)
    assert texts(desk) == {"lovely"}
    assert "pages_messaging" in " ".join(desk.notices)
    meta.tokens[TOKEN].scopes.add("pages_messaging")
    desk.now += timedelta(hours=2)
    poll(desk)
    assert texts(desk) == {"lovely", "my bin"}
    meta.tokens[TOKEN].scopes.discard("pages_read_user_content")
    desk.now += timedelta(hours=2)
    with pytest.raises(NotPermitted, match="pages_read_user_content"):
        poll(desk)


def test_calls_stop_before_the_allowance_is_used_up(meta: GraphServer) -> None:
    meta.comment(meta.post("The park opens"), "lovely")
    usage = '[{"type": "%s", "call_count": 95, "total_time": 1, "estimated_time_to_regain_access": 30}]'
    meta.usage = {"X-Business-Use-Case-Usage": '{"1": ' + usage % "messenger" + "}"}
    meta.message("Gus", "my bin")
    desk = desk_of(meta)
    poll(desk)
    assert texts(desk) == {"lovely"}
    assert "Messenger is not read until" in " ".join(desk.notices)
    meta.usage = {}
    meta.error(80006, "conversations")
    meta.comment(meta.feed["feed"][0], "lovely too")
    poll(desk)
    assert texts(desk) == {"lovely", "lovely too"}
    poll(desk)
    assert "my bin" in texts(desk)
    meta.usage = {"X-Business-Use-Case-Usage": '{"1": ' + usage % "pages" + "}"}
    meta.requests.clear()
    desk.now += timedelta(hours=2)
    with pytest.raises(RateLimited) as raised:
        poll(desk)
    assert len(meta.requests) <= 3
    assert raised.value.retry_at is not None


def test_a_lapsed_permission_is_no_empty_page(meta: GraphServer) -> None:
    for number in range(5):
        meta.comment(meta.post(f"post {number}"), f"comment {number}", f"P{number}")
    visitor = meta.post("Who mends the lamp?", "Cy", edge="visitor_posts")
    meta.comment(visitor, "me too", "Ada")
    for post in meta.feed["feed"][:5]:
        meta.error(10, f"{post}/comments", status=403)
    meta.error(10, f"{visitor}/comments", status=403)
    desk = desk_of(meta)
    with pytest.raises(NotPermitted):
        poll(desk)
    assert texts(desk) == {"Who mends the lamp?"}
    meta.faults.clear()
    poll(desk)
    assert len(texts(desk)) == 7
    meta.message("Gus", "my bin")
    meta.error(10, "t_messenger", status=403)
    poll(desk)
    assert "Messenger could not be read" in " ".join(desk.notices)
    for code in (100, 803):
        # "Does not exist or may not be seen", of a conversation that is there: it is tried again.
        meta.error(code, "t_messenger", subcode=33)
        meta.error(code, "t_messenger", subcode=33)
        poll(desk)
        assert "my bin" not in texts(desk)
    poll(desk)
    assert "my bin" in texts(desk)


@pytest.mark.parametrize("secret", [None, "shh-of-the-app"])
def test_an_app_that_keeps_to_itself_is_asked_by_its_own_token_and_by_proof(
    meta: GraphServer, secret: str | None
) -> None:
    top = meta.comment(meta.post("The park opens"), "lovely", "Ada")
    meta.only_apps_ask = True
    login = {"access_token": TOKEN}
    if secret:
        login |= {"client_id": "55", "client_secret": secret}
        meta.apps["55"] = meta.proof = secret
    desk = desk_of(meta, json.dumps(login))
    poll(desk)
    assert texts(desk) == {"lovely"}

    async def answer() -> None:
        http = Http()
        try:
            # What Meta said of the token is remembered: the first call of this sender is the write.
            await Facebook(desk.context(http)).send(answer_to(desk.messages[top], "Thank you"))
        finally:
            await http.aclose()

    asyncio.run(answer())
    assert len(meta.sent()) == 1
    desk.secret.value = json.dumps({**login, "access_token": USER_TOKEN})
    with pytest.raises(Misconfigured):
        poll(desk)


def test_a_slow_answer_ends_the_pass_in_time_and_loses_nothing(meta: GraphServer) -> None:
    post = meta.post("The park opens")
    meta.comment(post, "lovely", "Ada")
    meta.message("Gus", "my bin")
    meta.fail("slow", f"{post}/comments")
    desk = desk_of(meta)
    with pytest.raises(ChannelError):
        poll(desk, seconds=0.8)
    assert texts(desk) == {"my bin"}
    meta.release.set()
    poll(desk)
    assert texts(desk) == {"my bin", "lovely"}


def test_a_permission_for_another_page_is_none(meta: GraphServer) -> None:
    meta.comment(meta.post("The park opens"), "lovely")
    meta.message("Gus", "my bin")
    meta.tokens[TOKEN].only_for = {"pages_messaging": ["1"], "pages_read_user_content": [PAGE]}
    desk = desk_of(meta)
    poll(desk)
    assert texts(desk) == {"lovely"}
    assert "pages_messaging" in " ".join(desk.notices)


def test_a_list_of_conversations_that_is_cut_off_is_read_on(meta: GraphServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_chat, "CONVERSATIONS", 5)
    for number in range(23):
        meta.message(f"P{number}", f"word {number}")
    desk = desk_of(meta)
    meta.fail("html", "/conversations")
    with pytest.raises(BadPayload):
        poll(desk)
    after_two: list[Asked] = []

    def slow(asked: Asked) -> None:
        if asked.path.endswith("/conversations"):
            after_two.append(asked)
            if len(after_two) > 2:
                meta.faults.append(Fault("html", "/conversations"))

    meta.on_request = slow
    with pytest.raises(BadPayload):
        poll(desk)
    assert len(texts(desk)) < 23
    meta.on_request = None
    meta.faults.clear()
    poll(desk)
    assert len(texts(desk)) == 23
