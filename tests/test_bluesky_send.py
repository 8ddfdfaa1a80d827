"""Answering on Bluesky: once and only once in public, never twice in private, and refusals in words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from socialtriage.domain.errors import AnswerLost, NotPermitted, RateLimited, Rejected, Unavailable
from socialtriage.domain.models import OutgoingFile, Sent, StoredRef, Visibility
from tests.doubles.bluesky import BlueskyServer, Convo, Person
from tests.doubles.bluesky_desk import PASSWORD, Desk

CREATE = "com.atproto.repo.createRecord"
SEND = "chat.bsky.convo.sendMessage"


@pytest.fixture
def server() -> Iterator[BlueskyServer]:
    with BlueskyServer() as server:
        yield server
    assert server.complaints == []


class Scene:
    """A desk that has polled one mention and one direct message of gwen's."""

    def __init__(self, server: BlueskyServer) -> None:
        self.server, self.desk = server, Desk(server)
        self.gwen: Person = server.person("gwen")
        self.uri = server.mention(self.gwen, "my bin was missed")
        self.talk: Convo = server.convo(self.gwen)
        self.message = f"{self.talk.id}/{server.say(self.gwen, 'in private', self.talk)['id']}"

    async def begin(self) -> Scene:
        await self.desk.poll()
        return self

    async def send(self, text: str, to: str | None = None, **how: Any) -> Sent:
        reply = self.desk.reply(to or self.uri, text, **how)
        sent = await self.desk.use(lambda channel: channel.send(reply))
        assert isinstance(sent, Sent)
        return sent

    async def look_up(self, text: str, to: str | None = None, **how: Any) -> Sent | None:
        reply = self.desk.reply(to or self.uri, text, **how)
        found = await self.desk.use(lambda channel: channel.look_up(reply))
        assert found is None or isinstance(found, Sent)
        return found

    def ours(self) -> list[dict[str, Any]]:
        return [r.value for r in self.server.posts.values() if r.author is self.server.council]

    def said(self) -> list[str]:
        return [m["text"] for m in self.talk.messages if m["sender"]["did"] == self.server.council.did]


def test_a_public_reply_names_root_and_parent_language_and_facets(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        wei = server.person("wei")
        text = "Sorry, @gwen.example 🗑️! See https://anytown.example/bins or ask @wei.example, @nobody.example #bins"
        sent = await scene.send(text, language="en")
        (value,) = scene.ours()
        assert value["text"] == text
        assert value["langs"] == ["en"]
        assert value["createdAt"] == "2026-11-22T09:00:00.000Z"
        assert value["reply"]["parent"]["uri"] == value["reply"]["root"]["uri"] == scene.uri
        raw = text.encode()
        marked = [
            (raw[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode(), {**f["features"][0]})
            for f in value["facets"]
        ]
        assert [(words, f.get("did") or f.get("uri") or f.get("tag")) for words, f in marked] == [
            ("@gwen.example", scene.gwen.did),
            ("https://anytown.example/bins", "https://anytown.example/bins"),
            ("@wei.example", wei.did),
            ("#bins", "bins"),
        ]
        assert sent.remote_id in server.posts
        assert sent.url == f"https://bsky.app/profile/council.example/post/{sent.remote_id.rpartition('/')[2]}"
        assert sent.at == server.time
        await scene.desk.poll()
        assert scene.desk.stored[sent.remote_id].own
        assert scene.desk.stored[sent.remote_id].thread == scene.uri

    asyncio.run(story())


def test_a_reply_deep_in_a_thread_keeps_its_root(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        bins = server.post(server.council, "Bins")
        when = server.post(scene.gwen, "When?", to=bins)
        await scene.desk.poll()
        await scene.send("On Thursday", when)
        value = scene.ours()[-1]
        assert (value["reply"]["root"]["uri"], value["reply"]["parent"]["uri"]) == (bins, when)
        assert value["reply"]["root"]["cid"] == server.posts[bins].cid

    asyncio.run(story())


def test_an_edited_post_is_answered_with_its_present_cid(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        server.edit(scene.uri, "@council.example my bin was missed twice")
        await scene.send("Sorry")
        assert scene.ours()[0]["reply"]["parent"]["cid"] == server.posts[scene.uri].cid

    asyncio.run(story())


def test_a_reply_goes_out_by_what_is_stored_while_the_appview_is_down(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        server.appview_down = True
        await scene.send("Sorry")
        assert scene.ours()[0]["reply"]["parent"] == {"uri": scene.uri, "cid": server.posts[scene.uri].cid}

    asyncio.run(story())


@pytest.mark.parametrize("faults", [("lost",), ("cut",), ("reset",), ("500",), ("502",), ("html",), ("lost", "502")])
def test_a_lost_answer_makes_neither_none_nor_two(server: BlueskyServer, faults: tuple[str, ...]) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        server.fail(CREATE, *faults)
        sent = await scene.send("Sorry")
        assert [value["text"] for value in scene.ours()] == ["Sorry"]
        assert sent.remote_id in server.posts

    asyncio.run(story())


def test_an_answer_that_cannot_be_found_out_is_lost_and_looked_up_later(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        queued = server.time
        for carried_out, fault in ((True, "lost"), (False, "reset")):
            key = f"row-{fault}"
            server.fail(CREATE, fault)
            server.fail("getRecord", "502", "502", "502")
            with pytest.raises(AnswerLost):
                await scene.send(fault, key=key, queued_at=queued)
            server.pass_time(minutes=10)
            found = await scene.look_up(fault, key=key, queued_at=queued)
            assert (found is not None) is carried_out
            again = await scene.send(fault, key=key, queued_at=queued)
            assert found is None or again.remote_id == found.remote_id
        assert sorted(value["text"] for value in scene.ours()) == ["lost", "reset"]

    asyncio.run(story())


def test_the_same_row_sent_again_is_the_same_post_and_another_row_another(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        first = await scene.send("Sorry", key="row-1")
        again = await scene.send("Sorry", key="row-1")
        other = await scene.send("Sorry", key="row-2")
        assert first.remote_id == again.remote_id != other.remote_id
        assert len(scene.ours()) == 2

    asyncio.run(story())


def test_a_token_that_ends_before_the_write_is_renewed_and_the_write_made_once(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        server.pass_time(hours=3)
        await scene.send("Sorry")
        assert len(scene.ours()) == 1
        assert server.counts["com.atproto.server.createSession"] == 1

    asyncio.run(story())


def test_a_limit_on_writing_is_raised_with_its_time(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        server.fail(CREATE, "429")
        with pytest.raises(RateLimited):
            await scene.send("Sorry")
        assert scene.ours() == []

    asyncio.run(story())


def test_what_would_not_reach_anybody_is_refused_in_words(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        server.posts[scene.uri].locked = True
        with pytest.raises(Rejected, match="does not let us reply"):
            await scene.send("Sorry")
        scene.gwen.blocks_us = True
        with pytest.raises(Rejected, match="has blocked us"):
            await scene.send("Sorry")
        scene.gwen.blocks_us, scene.gwen.blocked = False, True
        with pytest.raises(Rejected, match="We have blocked"):
            await scene.send("Sorry")
        server.delete(scene.uri)
        with pytest.raises(Rejected, match="deleted"):
            await scene.send("Sorry")
        assert scene.ours() == []

    asyncio.run(story())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  ", "empty"),
        ("a" * 301, "301 characters of at most 300"),
        ("👨‍👩‍👧‍👦" * 130, "UTF-8 bytes of at most 3000"),
    ],
    ids=["empty", "too many characters", "too many bytes"],
)
def test_too_long_and_empty_replies_are_refused_before_anything_leaves(
    server: BlueskyServer, text: str, words: str
) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        before = sum(server.counts.values())
        with pytest.raises(Rejected, match=words):
            await scene.send(text)
        with pytest.raises(Rejected, match="half a character"):
            await scene.send("half \ud83d of it")
        assert sum(server.counts.values()) == before

    asyncio.run(story())


def test_measuring_counts_what_is_nearer_to_its_limit(server: BlueskyServer) -> None:
    async def story() -> None:
        async def measure(channel: Any) -> None:
            def count(text: str, visibility: Visibility = Visibility.PUBLIC) -> tuple[int, int | None, str]:
                rule = channel.measure(text, visibility, "@gwen.example")
                return rule.used, rule.limit, rule.unit

            assert count("") == (0, 300, "characters")
            assert count("e\u0301" * 300) == (300, 300, "characters")
            assert count("👨‍👩‍👧‍👦" * 10) == (250, 3000, "UTF-8 bytes")
            assert count("a" * 1000, Visibility.PRIVATE) == (1000, 1000, "characters")
            assert count("👨‍👩‍👧‍👦" * 500, Visibility.PRIVATE) == (12500, 10000, "UTF-8 bytes")

        await Desk(server).use(measure)

    asyncio.run(story())


def test_a_private_answer_accepts_the_request_and_goes_to_its_conversation(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        assert scene.talk.status == "request"
        sent = await scene.send("Thank you. See https://anytown.example", scene.message, private=True)
        assert scene.talk.status == "accepted"
        assert scene.said() == ["Thank you. See https://anytown.example"]
        assert sent.remote_id == f"{scene.talk.id}/{scene.talk.messages[-1]['id']}"
        await scene.desk.poll()
        assert scene.desk.stored[sent.remote_id].own
        assert scene.desk.stored[sent.remote_id].conversation == scene.talk.id

    asyncio.run(story())


def test_a_private_message_to_the_author_of_a_public_post(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        wei = server.person("wei")
        uri = server.mention(wei, "here")
        await scene.desk.poll()
        sent = await scene.send("In private, please", uri, private=True)
        convo = next(c for c in server.convos.values() if wei in c.members)
        assert sent.remote_id.startswith(f"{convo.id}/")
        assert [m["text"] for m in convo.messages] == ["In private, please"]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("taking", "words"),
    [("none", "takes no direct messages"), ("following", "takes direct messages only from accounts that they follow")],
)
def test_people_who_take_no_messages_are_named_in_the_refusal(server: BlueskyServer, taking: str, words: str) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        wei = server.person("wei", messages=taking)
        uri = server.mention(wei, "here")
        await scene.desk.poll()
        with pytest.raises(Rejected, match=f"@wei.example {words}"):
            await scene.send("In private, please", uri, private=True)

    asyncio.run(story())


def test_without_the_permission_a_private_answer_is_refused_with_the_remedy(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        server.passwords[PASSWORD] = False
        with pytest.raises(NotPermitted, match="app password"):
            await scene.send("Hello", scene.message, private=True)
        assert scene.said() == []

    asyncio.run(story())


@pytest.mark.parametrize("fault", ["lost", "cut", "500", "reset", "html"])
def test_a_private_message_is_never_sent_twice(server: BlueskyServer, fault: str) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        queued = server.time
        server.fail(SEND, fault)
        with pytest.raises(AnswerLost):
            await scene.send("Thank you", scene.message, private=True, queued_at=queued)
        carried_out = fault in ("lost", "cut", "html")
        assert scene.said() == (["Thank you"] if carried_out else [])
        server.pass_time(minutes=3)
        server.say(scene.gwen, "Thank you", scene.talk)
        found = await scene.look_up("Thank you", scene.message, private=True, queued_at=queued)
        assert (found is not None) is carried_out
        if found:
            assert found.remote_id == f"{scene.talk.id}/{scene.talk.messages[1]['id']}"

    asyncio.run(story())


def test_an_older_message_with_the_same_words_is_not_taken_for_the_lost_one(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        await scene.send("Thank you", scene.message, private=True)
        for number in range(130):
            server.say(scene.gwen, str(number), scene.talk)
        server.pass_time(hours=1)
        assert await scene.look_up("Thank you", scene.message, private=True) is None

    asyncio.run(story())


def test_a_private_message_that_began_a_conversation_can_be_looked_up(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        wei = server.person("wei")
        uri = server.mention(wei, "here")
        await scene.desk.poll()
        assert await scene.look_up("Hello", uri, private=True) is None
        server.fail(SEND, "lost")
        with pytest.raises(AnswerLost):
            await scene.send("Hello", uri, private=True)
        assert await scene.look_up("Hello", uri, private=True) is not None

    asyncio.run(story())


def test_nothing_is_sent_when_the_conversation_cannot_be_opened(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        server.fail("getConvo", "502", "502", "502")
        with pytest.raises(Unavailable):
            await scene.send("Hello", scene.message, private=True)
        server.fail("acceptConvo", "reset")
        with pytest.raises(Unavailable):
            await scene.send("Hello", scene.message, private=True)
        del server.convos[scene.talk.id]
        with pytest.raises(Rejected, match="does not exist any more"):
            await scene.send("Hello", scene.message, private=True)
        assert scene.said() == []

    asyncio.run(story())


def test_an_answer_in_a_group_says_that_everybody_reads_it(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        wei = server.person("wei")
        group = server.group("Elm Street", scene.gwen, wei)
        asked = server.say(wei, "it is dark", group)
        await scene.desk.poll()
        name = f"{group.id}/{asked['id']}"
        sent = await scene.send("Which lamp?", name, private=True)
        assert sent.notice is not None
        assert "everybody" in sent.notice
        assert group.messages[-1]["replyTo"]["id"] == asked["id"]
        await scene.desk.poll()
        assert scene.desk.stored[sent.remote_id].conversation == scene.desk.stored[name].conversation

    asyncio.run(story())


def test_a_direct_message_is_not_answered_in_public(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        with pytest.raises(Rejected, match="cannot be answered in public"):
            await scene.send("Hello", scene.message)
        assert scene.ours() == []

    asyncio.run(story())


def test_a_reply_queued_long_ago_carries_the_time_it_was_queued(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        queued = server.time
        server.pass_time(hours=30)
        sent = await scene.send("Sorry for the delay", queued_at=queued)
        assert scene.ours()[0]["createdAt"] == "2026-11-22T09:00:00.000Z"
        assert sent.at == queued
        assert queued + timedelta(hours=30) == server.time

    asyncio.run(story())


def test_a_picture_goes_with_a_public_reply_described(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        picture = OutgoingFile("map.png", "image/png", "A map of the works", b"\x89PNG and so on")
        reply = replace(scene.desk.reply(scene.uri, "See the map."), files=(picture,))
        sent = await scene.desk.use(lambda channel: channel.send(reply))
        assert isinstance(sent, Sent)
        [value] = scene.ours()
        [image] = value["embed"]["images"]
        assert (value["embed"]["$type"], image["alt"]) == ("app.bsky.embed.images", "A map of the works")
        assert server.blobs[image["image"]["ref"]["$link"]] == picture.data
        assert (sent.reply_data["own"], sent.reply_data["root"]) == ("1", scene.uri)

    asyncio.run(story())


def test_the_next_part_of_a_thread_answers_ours_before_the_network_shows_it(server: BlueskyServer) -> None:
    async def story() -> None:
        scene = await Scene(server).begin()
        first = await scene.send("One (1/2)")
        reply = scene.desk.reply(scene.uri, "Two (2/2)")
        parent = StoredRef(
            first.remote_id, scene.uri, None, Visibility.PUBLIC, {**reply.parent.reply_data, **first.reply_data}
        )
        asked = server.counts["app.bsky.feed.getPosts"]
        await scene.desk.use(lambda channel: channel.send(replace(reply, parent=parent, key="another")))
        refs = next(each["reply"] for each in scene.ours() if each["text"] == "Two (2/2)")
        assert refs["parent"]["uri"] == first.remote_id
        assert refs["root"]["uri"] == scene.uri
        assert server.counts["app.bsky.feed.getPosts"] == asked

    asyncio.run(story())
