"""Answers below comments and in Messenger leave once and are found again; what is gone is told from what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest
import stamina

from socialtriage.channels.base import Lifts, Moderates
from socialtriage.channels.facebook import Facebook
from socialtriage.channels.http import Http
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import (
    AnswerLost,
    AuthError,
    BadPayload,
    ChannelError,
    NotPermitted,
    RateLimited,
    Rejected,
    SocialTriageError,
    Unavailable,
)
from socialtriage.domain.models import Incoming, Reread, StoredRef, Visibility
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk, answer_to
from tests.doubles.graph import PAGE, TOKEN, GraphServer
from tests.doubles.inside import one_tls_context


class Clock:
    """The time at Meta."""

    def __init__(self) -> None:
        self.now = NOON - timedelta(minutes=2)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphServer]:
    one_tls_context(monkeypatch)
    with GraphServer(Clock()) as server, stamina.set_testing(True, attempts=3):
        yield server
        assert server.problems == []


def desk_of(meta: GraphServer, **more: Any) -> SmallDesk:
    account = AccountConfig(id="page", network="facebook", server=meta.url, page=PAGE, **more)
    return SmallDesk(Facebook, account, FixedSecret(TOKEN))


def poll(desk: SmallDesk, **more: Any) -> None:
    asyncio.run(desk.poll(**more))


def act(desk: SmallDesk, what: Callable[[Facebook], Awaitable[Any]]) -> Any:
    async def story() -> Any:
        http = Http()
        try:
            return await what(Facebook(desk.context(http)))
        finally:
            await http.aclose()

    return asyncio.run(story())


def ref(item: Incoming) -> StoredRef:
    return StoredRef(item.remote_id, item.thread, item.conversation, item.visibility, item.reply_data)


def reread(desk: SmallDesk, *ids: str) -> Reread:
    found: Reread = act(desk, lambda channel: channel.reread([ref(desk.messages[id_]) for id_ in ids]))
    return found


def test_an_answer_stands_below_its_comment_and_is_read_back(meta: GraphServer) -> None:
    post = meta.post("The park opens")
    top = meta.comment(post, "lovely", "Ada")
    nested = meta.comment(top, "indeed", "Bob")
    visitor = meta.post("Who mends the lamp?", "Cy", edge="visitor_posts")
    desk = desk_of(meta)
    poll(desk)
    root = next(item for item in desk.messages.values() if item.text == "Who mends the lamp?")

    async def story(channel: Facebook) -> None:
        for item, above in ((desk.messages[top], top), (desk.messages[nested], top), (root, visitor)):
            sent = await channel.send(answer_to(item, f"To {item.author.name}"))
            stands = meta.nodes[sent.remote_id]
            assert (stands.parent, stands.values["message"]) == (above, f"To {item.author.name}")
            assert sent.notice is None
            assert sent.url is not None

    act(desk, story)
    poll(desk)
    assert sum(item.own for item in desk.messages.values()) == len(meta.sent()) == 3
    # The resident's words were never written to.
    assert [meta.nodes[id_].values["message"] for id_ in (top, nested)] == ["lovely", "indeed"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("lost", AnswerLost),
        ("truncate", AnswerLost),
        ("html", AnswerLost),
        ("500", AnswerLost),
        ("success", AnswerLost),
        ("1", AnswerLost),
        ("190", AuthError),
        ("200", NotPermitted),
        ("10", NotPermitted),
        ("368", Rejected),
        ("506", Rejected),
        ("100", Rejected),
        ("4", RateLimited),
        ("32", RateLimited),
        ("613", RateLimited),
        ("80001", RateLimited),
    ],
)
def test_a_write_that_goes_wrong_is_unknown_or_surely_not_made(
    meta: GraphServer, fault: str, error: type[ChannelError]
) -> None:
    top = meta.comment(meta.post("The park opens"), "lovely", "Ada")
    desk = desk_of(meta)
    poll(desk)
    if fault == "success":
        meta.fail(200, f"{top}/comments", "POST", body='{"success": true}')
    elif fault.isdigit() and fault != "500":
        meta.error(int(fault), f"{top}/comments", "POST", status=500 if fault == "1" else 400)
    else:
        meta.fail(fault, f"{top}/comments", "POST")
    reply = answer_to(desk.messages[top], "Thank you")

    async def story(channel: Facebook) -> None:
        with pytest.raises(error) as raised:
            await channel.send(reply)
        assert len(meta.asked(f"{top}/comments", "POST")) == 1
        assert TOKEN not in str(raised.value)
        found = await channel.look_up(reply)
        assert (found is not None) == bool(meta.sent())
        if found is not None:
            assert found.remote_id == meta.sent()[0].id

    act(desk, story)


def test_what_was_sent_is_kept_although_it_cannot_be_read_back(meta: GraphServer) -> None:
    top = meta.comment(meta.post("The park opens"), "lovely", "Ada")
    gone = meta.comment(meta.post("Another"), "soon gone", "Bob")
    desk = desk_of(meta)
    poll(desk)
    meta.delete(gone)

    async def story(channel: Facebook) -> None:
        for _ in range(3):
            meta.fail(503, "_88", "GET")
        sent = await channel.send(answer_to(desk.messages[top], "Thank you"))
        assert sent.remote_id == meta.sent()[0].id
        assert "read back" in str(sent.notice)
        with pytest.raises(Rejected, match="no longer there"):
            await channel.send(answer_to(desk.messages[gone], "Thank you"))

    act(desk, story)


def test_private_messages_have_their_time(meta: GraphServer) -> None:
    now = NOON
    top = meta.comment(meta.post("The park opens"), "lovely", "Ada", at=now - timedelta(days=6))
    old = meta.comment(meta.post("Before"), "older", "Bob", at=now - timedelta(days=6, hours=23))
    day = meta.message("Gus", "my bin", at=now - timedelta(hours=23))
    week = meta.message("Hal", "my lamp", at=now - timedelta(days=3))
    desk = desk_of(meta)
    poll(desk)
    tagged = desk_of(meta, human_agent=True)
    tagged.messages = desk.messages

    async def story(channel: Facebook) -> None:
        sent = await channel.send(answer_to(desk.messages[day], "Coming"))
        found = await channel.look_up(answer_to(desk.messages[day], "Coming"))
        assert found is not None
        assert found.remote_id == sent.remote_id
        with pytest.raises(Rejected, match="24 hours"):
            await channel.send(answer_to(desk.messages[week], "Coming"))
        whisper = answer_to(desk.messages[top], "Between us", Visibility.PRIVATE)
        assert await channel.look_up(whisper) is None
        sent = await channel.send(whisper)
        found = await channel.look_up(whisper)
        assert found is not None
        assert found.remote_id == sent.remote_id
        with pytest.raises(Rejected, match="only one"):
            await channel.send(whisper)
        desk.now += timedelta(hours=2)
        with pytest.raises(Rejected, match="7 days"):
            await channel.send(answer_to(desk.messages[old], "Between us", Visibility.PRIVATE))

    act(desk, story)
    act(tagged, lambda channel: channel.send(answer_to(desk.messages[week], "Coming")))
    assert [node.values["message"] for node in meta.sent("UnifiedMessage")] == ["Coming", "Between us", "Coming"]
    window = Facebook.window(desk.account, ref(desk.messages[week]), Visibility.PRIVATE)
    longer = Facebook.window(tagged.account, ref(desk.messages[week]), Visibility.PRIVATE)
    assert window is not None
    assert longer is not None
    assert (longer.closes_at - window.closes_at) == timedelta(days=6)
    assert Facebook.window(desk.account, ref(desk.messages[top]), Visibility.PUBLIC) is None


def test_edits_and_deletions_are_told_from_lost_permissions(meta: GraphServer) -> None:
    post = meta.post("The park opens")
    ids = [meta.comment(post, f"comment {n}", f"P{n}") for n in range(4)]
    alone = meta.comment(meta.post("Another"), "alone", "Ada")
    visitor = meta.post("Who mends the lamp?", "Cy", edge="visitor_posts")
    first, taken_back, _ = (meta.message("Gus", f"word {n}", at=NOON - timedelta(hours=9 - n)) for n in range(3))
    desk = desk_of(meta)
    poll(desk)
    root = next(id_ for id_ in desk.messages if id_.endswith(visitor.split("_")[1]))
    everything = [*ids, alone, root, first, taken_back]

    meta.edit(ids[0], "changed")
    found = reread(desk, *everything)
    assert found.gone == ()
    assert {item.remote_id: str(item.text) for item in found.items}[ids[0]] == "changed"
    assert {item.remote_id: item.thread for item in found.items} == {
        id_: desk.messages[id_].thread for id_ in everything
    }

    # Refusals of every kind, for what is still there.
    for code, subcode in ((100, 33), (10, None), (200, None), (803, None)):
        for path in (f"/{alone}", f"/{visitor}", f"{post}/comments"):
            meta.error(code, path, subcode=subcode)
        assert reread(desk, alone, root, ids[1]).gone == ()
        meta.faults.clear()
    meta.error(190, f"/{alone}", subcode=460)
    with pytest.raises(AuthError):
        reread(desk, alone)

    # Meta's refusal of what may not be seen any more has the words of a deletion.
    meta.tokens[TOKEN].scopes.discard("pages_read_user_content")
    meta.delete(ids[1])
    assert ids[1] not in reread(desk, *ids).gone
    meta.tokens[TOKEN].scopes.add("pages_read_user_content")

    for id_ in (alone, visitor, taken_back):
        meta.delete(id_)
    assert set(reread(desk, *everything).gone) == {ids[1], alone, root, taken_back}
    meta.delete(post)
    assert set(reread(desk, *ids).gone) == set(ids)


def test_comments_are_hidden_shown_and_deleted_and_people_blocked(meta: GraphServer) -> None:
    top = meta.comment(meta.post("The park opens"), "rude words", "Ada")
    fixed = meta.comment(meta.post("Another"), "ruder words", "Bob")
    meta.nodes[fixed].values["can_hide"] = False
    private = meta.message("Gus", "rude words too")
    desk = desk_of(meta)
    poll(desk)
    item = desk.messages[top]

    async def story(channel: Facebook) -> None:
        assert isinstance(channel, Moderates)
        for _ in range(2):
            await channel.hide(ref(item))
        assert meta.nodes[top].values["is_hidden"] is True
        await channel.unhide(ref(item))
        assert meta.nodes[top].values["is_hidden"] is False
        await channel.block(item.author)
        assert item.author.key in meta.blocked
        assert isinstance(channel, Lifts)
        await channel.unblock(item.author)
        assert not meta.blocked
        for refused in (
            channel.hide(ref(desk.messages[fixed])),
            channel.hide(ref(desk.messages[private])),
            channel.delete(ref(desk.messages[private])),
            channel.mute(item.author),
            channel.report(item.author, None, "spam"),
        ):
            with pytest.raises(NotPermitted):
                await refused
        for _ in range(2):
            await channel.delete(ref(item))
        assert meta.nodes[top].gone

    act(desk, story)
    assert meta.nodes[top].values["message"] == "rude words"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", RateLimited),
        ("17", RateLimited),
        ("500", Unavailable),
        ("2", Unavailable),
        ("truncate", SocialTriageError),
        ("html", BadPayload),
        ("reset", Unavailable),
        ("[]", BadPayload),
        ('{"data": {"a": 1}}', BadPayload),
        ('{"data": [7, {"id": 5}, {"id": "1_2", "message": {}, "from": [], "parent": 3, "created_time": []}]}', None),
        ('{"data": [], "paging": {"next": 5, "cursors": []}, "unknown": {"more": 1}}', None),
    ],
)
@pytest.mark.parametrize("path", ["/feed", "/comments", "/conversations", "/t_messenger"])
def test_nothing_is_lost_or_doubled_by_faults_in_reading(
    meta: GraphServer, fault: str, error: type[Exception] | None, path: str
) -> None:
    post = meta.post("The park opens")
    for number in range(3):
        meta.comment(post, f"comment {number}", f"P{number}")
    meta.message("Gus", "my bin")
    desk = desk_of(meta)
    for _ in range(3 if fault in ("500", "2", "reset", "truncate") else 1):
        if fault.startswith(("[", "{")):
            meta.fail(200, path, body=fault)
        elif fault in ("17", "2"):
            meta.error(int(fault), path, status=500 if fault == "2" else 400)
        else:
            meta.fail(fault, path)
    # A conversation without its messages is asked for them in the other way.
    mended = path == "/t_messenger" and fault.startswith('{"data": {')
    with pytest.raises(error) if error and not mended else nullcontext():
        poll(desk)
    meta.faults.clear()
    desk.now += timedelta(minutes=2)
    poll(desk)
    poll(desk)
    found = [str(item.text) for item in desk.residents.values() if item.text]
    assert sorted(found) == ["comment 0", "comment 1", "comment 2", "my bin"]


def test_a_page_that_is_too_much_is_asked_for_in_smaller_ones(meta: GraphServer) -> None:
    post = meta.post("The park opens")
    for number in range(60):
        meta.comment(post, f"comment {number}", f"P{number}")
    meta.largest = 30
    desk = desk_of(meta)
    poll(desk)
    assert len(desk.residents) == 60
