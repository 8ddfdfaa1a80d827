"""Direct messages of Bluesky: read through the proxy, never lost, and never in the way of the public ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from socialtriage.domain.models import Visibility
from tests.doubles.bluesky import BlueskyServer
from tests.doubles.bluesky_desk import PASSWORD, Desk


@pytest.fixture
def server() -> Iterator[BlueskyServer]:
    with BlueskyServer() as server:
        yield server
    assert server.complaints == []


def test_first_contact_among_the_requests_and_accepted_conversations_are_read(server: BlueskyServer) -> None:
    desk, gwen, wei = Desk(server), server.person("gwen"), server.person("wei")
    asked, known = server.convo(gwen), server.convo(wei, status="accepted")
    server.say(gwen, "can I tell you in private?", asked)
    server.say(wei, "photo follows", known)
    server.say(server.council, "thank you", known)
    asyncio.run(desk.poll())
    assert desk.texts() == ["can I tell you in private?", "photo follows"]
    first = next(item for item in desk.residents() if item.author.handle == "@gwen.example")
    assert (first.visibility, first.conversation, first.thread) == (Visibility.PRIVATE, asked.id, asked.id)
    assert (first.author.key, first.author.name) == ("did:plc:gwen", "Gwen")
    ours = next(item for item in desk.stored.values() if item.own)
    assert (ours.text, ours.conversation) == ("thank you", known.id)


def test_a_service_without_a_list_of_requests_keeps_no_conversation_back(server: BlueskyServer) -> None:
    desk, gwen, wei = Desk(server), server.person("gwen"), server.person("wei")
    server.say(wei, "photo follows", server.convo(wei, status="accepted"))
    server.fail("listConvoRequests", "unknown")

    async def story() -> None:
        await desk.poll()
        assert desk.texts() == ["photo follows"]
        server.say(gwen, "can I tell you in private?", server.convo(gwen))
        await desk.poll()
        assert desk.texts() == ["can I tell you in private?", "photo follows"], "the log has what is new"

    asyncio.run(story())


def test_the_first_look_back_ends_at_since(server: BlueskyServer) -> None:
    desk, gwen, wei = Desk(server, since=timedelta(days=2)), server.person("gwen"), server.person("wei")
    talk, old = server.convo(gwen), server.convo(wei)
    for day in range(6):
        server.say(gwen, f"day {day}", talk, at=server.time - timedelta(days=6 - day, hours=1))
    server.say(wei, "long ago", old, at=server.time - timedelta(days=30))
    asyncio.run(desk.poll())
    assert desk.texts() == ["day 5"]
    assert server.counts["chat.bsky.convo.getMessages"] == 1, "an old conversation is not opened"


def test_after_that_the_log_brings_every_message(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.log_page = 4

    async def story() -> None:
        await desk.poll()
        talk = server.convo(gwen)
        for number in range(11):
            server.say(gwen, f"{number:02}", talk)
        await desk.poll()
        assert desk.texts() == [f"{number:02}" for number in range(11)]
        before = desk.handed_in
        await desk.poll()
        assert desk.handed_in == before

    asyncio.run(story())


def test_what_comes_during_the_look_back_is_not_lost(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    talk = server.convo(gwen)
    for number in range(150):
        server.say(gwen, f"{number:03}", talk)

    async def story() -> None:
        for pages in range(1, 9):
            await desk.poll(stop_after=pages)
            server.say(gwen, f"meanwhile {pages}", talk)
        await desk.poll()

    asyncio.run(story())
    assert len(desk.texts()) == 158


def test_a_deleted_message_is_gone(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")

    async def story() -> None:
        talk = server.convo(gwen)
        first = server.say(gwen, "first", talk)
        await desk.poll()
        server.unsay(talk, first["id"])
        second = server.say(gwen, "second", talk)
        server.unsay(talk, second["id"])
        await desk.poll()
        assert desk.gone == [f"{talk.id}/{first['id']}", f"{talk.id}/{second['id']}"]

    asyncio.run(story())


def test_a_group_has_one_case_a_person_and_says_who_reads(server: BlueskyServer) -> None:
    desk, gwen, wei = Desk(server), server.person("gwen"), server.person("wei")

    async def story() -> None:
        talk = server.group("Elm Street", gwen, wei)
        asked = server.say(gwen, "our street is dark", talk)
        server.say(wei, "ours too", talk)
        server.say(server.council, "which lamp?", talk, replyTo=asked)
        await desk.poll()
        by_text = {str(item.text): item for item in desk.stored.values()}
        first, second = by_text["our street is dark"], by_text["ours too"]
        assert first.conversation == f"{talk.id}:did:plc:gwen"
        assert second.conversation == f"{talk.id}:did:plc:wei"
        assert by_text["which lamp?"].conversation == first.conversation
        assert by_text["which lamp?"].own
        assert first.place is not None
        assert "Elm Street" in first.place
        assert "everybody" in first.place

    asyncio.run(story())


def test_without_the_permission_public_messages_go_on_and_the_state_says_so(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.passwords[PASSWORD] = False
    talk = server.convo(gwen)

    async def story() -> None:
        server.mention(gwen, "public")
        server.say(gwen, "private", talk)
        await desk.poll()
        assert desk.texts() == ["public"]
        assert any("Direct messages are not read" in n and "app password" in n for n in desk.notices)
        assert server.counts["com.atproto.server.createSession"] == 1
        server.passwords[PASSWORD] = True
        await desk.poll()
        assert desk.texts() == ["private", "public"]
        assert desk.notices == []

    asyncio.run(story())


def test_a_chat_service_that_is_down_loses_nothing(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    talk = server.convo(gwen)

    async def story() -> None:
        await desk.poll()
        server.chat_down = True
        server.mention(gwen, "public")
        server.say(gwen, "private", talk)
        await desk.poll()
        assert desk.texts() == ["public"]
        assert any("this time" in notice for notice in desk.notices)
        server.chat_down = False
        await desk.poll()
        assert desk.texts() == ["private", "public"]

    asyncio.run(story())


def test_a_chat_service_that_hangs_ends_with_the_budget(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    desk.seconds = 1.0
    server.mention(gwen, "public")
    server.fail("getLog", "hang", "hang", "hang")

    async def story() -> None:
        await desk.poll()
        assert desk.texts() == ["public"]
        assert any("this time" in notice for notice in desk.notices)
        desk.seconds = 30.0
        server.heal()
        server.say(gwen, "private", server.convo(gwen))
        await desk.poll()
        assert desk.texts() == ["private", "public"]

    asyncio.run(story())


def test_a_chat_service_that_refuses_our_tokens_costs_no_sessions(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        for _ in range(3):
            server.fail("getLog", "401", "401", "401", "401")
            await desk.poll()
            assert desk.notices

    asyncio.run(story())
    assert server.counts["com.atproto.server.createSession"] == 1


def test_a_log_cursor_that_counts_no_more_is_made_up_by_looking_back(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")

    async def story() -> None:
        talk = server.convo(gwen)
        await desk.poll()
        server.pass_time(days=20)
        await desk.poll()
        server.say(gwen, "in the lost part of the log", talk)
        server.log_start = len(server.log)
        server.pass_time(hours=2)
        await desk.poll()
        assert desk.texts() == ["in the lost part of the log"]
        assert desk.notices == []
        server.say(gwen, "and on", talk)
        await desk.poll()
        assert desk.texts() == ["and on", "in the lost part of the log"]

    asyncio.run(story())


def test_shared_posts_links_and_invitations_are_said_in_words(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    talk = server.convo(gwen)
    link = {
        "index": {"byteStart": 0, "byteEnd": 12},
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://anytown.example/report?id=7"}],
    }
    server.say(gwen, "anytown.exa…", talk, facets=[link])
    shared = {
        "$type": "app.bsky.embed.record#view",
        "record": {
            "$type": "app.bsky.embed.record#viewNotFound",
            "uri": "at://did:plc:wei/app.bsky.feed.post/3kabcdefghijk",
            "notFound": True,
        },
    }
    server.say(gwen, "see this", talk, embed=shared)
    asyncio.run(desk.poll())
    assert desk.texts() == [
        "anytown.exa…\n[link: https://anytown.example/report?id=7]",
        "see this\n[quotes https://bsky.app/profile/did:plc:wei/post/3kabcdefghijk]",
    ]


def test_unreadable_and_unknown_events_do_not_stop_the_log(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.lexicons = None

    async def story() -> None:
        talk = server.convo(gwen)
        await desk.poll()
        server.log += [
            "nonsense",  # type: ignore[list-item]
            {"$type": "chat.bsky.convo.defs#logOfTheFuture", "convoId": talk.id, "rev": "x"},
            {"$type": "chat.bsky.convo.defs#logCreateMessage", "convoId": talk.id, "rev": "x", "message": {"id": 3}},
            {"$type": "chat.bsky.convo.defs#logCreateMessage", "convoId": talk.id, "rev": "x", "message": None},
            {"$type": "chat.bsky.convo.defs#logReadMessage", "convoId": talk.id, "rev": "x", "message": {}},
        ]
        server.say(gwen, "after them", talk)
        server.say(gwen, 17, talk)  # type: ignore[arg-type]
        await desk.poll()
        assert desk.texts() == ["[this message could not be read: field text]", "after them"]
        assert any("could not be read" in notice for notice in desk.notices)

    asyncio.run(story())


def test_a_conversation_that_was_left_meanwhile_is_passed_over(server: BlueskyServer) -> None:
    desk, gwen, wei = Desk(server), server.person("gwen"), server.person("wei")
    left, kept = server.convo(gwen), server.convo(wei)
    server.say(gwen, "left", left)
    server.say(wei, "kept", kept)
    server.fail("getMessages", "400")
    asyncio.run(desk.poll())
    assert len(desk.texts()) == 1
    assert desk.notices == []


def test_an_entry_of_a_list_that_is_no_conversation_is_said(
    server: BlueskyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.say(gwen, "can I tell you in private?", server.convo(gwen))
    real = server.listConvoRequests

    def listing(*asked: Any) -> dict[str, Any]:
        found = real(*asked)
        return found | {"requests": ["rubbish", None, {"id": 5, "members": []}, *found["requests"]]}

    server.lexicons = None  # which allow no such thing
    monkeypatch.setattr(server, "listConvoRequests", listing)
    asyncio.run(desk.poll())
    assert desk.texts() == ["can I tell you in private?"]
    told = [notice for notice in desk.notices if "conversation could not be read" in notice]
    assert len(set(told)) == 2
