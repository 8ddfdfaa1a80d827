"""Moderation on Bluesky: replies below our posts are hidden, people blocked, muted and reported, each at most once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from socialtriage.channels.base import Lifts, Moderates
from socialtriage.channels.bluesky import Bluesky
from socialtriage.domain.errors import AnswerLost, Rejected
from socialtriage.domain.models import Author, StoredRef
from tests.doubles.bluesky import BlueskyServer
from tests.doubles.bluesky_desk import Desk


def ref(desk: Desk, uri: str) -> StoredRef:
    item = desk.stored[uri]
    return StoredRef(item.remote_id, item.thread, item.conversation, item.visibility, item.reply_data)


def author(desk: Desk, uri: str) -> Author:
    return desk.stored[uri].author


def test_replies_are_hidden_below_our_own_posts_and_rules_of_the_thread_stay() -> None:
    async def story(server: BlueskyServer) -> None:
        desk = Desk(server)
        ada = server.person("ada")
        ours = server.post(server.council, "The park opens at nine.")
        rude = server.post(ada, "You crooks", to=ours)
        again = server.post(ada, "All of you", to=rude)
        elsewhere = server.mention(ada, "crooks")
        await desk.poll()
        rules = f"at://{server.council.did}/app.bsky.feed.threadgate/{ours.rpartition('/')[2]}"

        def hidden() -> list[str]:
            return list(server.kept[rules]["value"]["hiddenReplies"])

        await desk.use(lambda channel: channel.hide(ref(desk, rude)))
        await desk.use(lambda channel: channel.hide(ref(desk, rude)))
        assert hidden() == [rude]
        assert "allow" not in server.kept[rules]["value"], "without rules everybody could reply, and still can"
        writes = server.counts["com.atproto.repo.putRecord"]
        server.kept[rules]["value"]["allow"] = [{"$type": "app.bsky.feed.threadgate#mentionRule"}]
        await desk.use(lambda channel: channel.hide(ref(desk, again)))
        assert hidden() == [rude, again]
        assert server.counts["com.atproto.repo.putRecord"] == writes + 1
        assert server.kept[rules]["value"]["allow"]
        await desk.use(lambda channel: channel.unhide(ref(desk, rude)))
        assert hidden() == [again]
        with pytest.raises(Rejected, match="below a post of ours"):
            await desk.use(lambda channel: channel.hide(ref(desk, elsewhere)))
        assert server.complaints == []

    run(story)


def test_people_are_blocked_once_whatever_gets_lost_muted_and_reported() -> None:
    async def story(server: BlueskyServer) -> None:
        desk = Desk(server)
        ada = server.person("ada")
        uri = server.mention(ada, "crooks")
        await desk.poll()
        who = author(desk, uri)

        def muted() -> bool:
            return ada.muted

        server.fail("putRecord", "lost")
        with pytest.raises(AnswerLost):
            await desk.use(lambda channel: channel.block(who))
        assert ada.blocked
        await desk.use(lambda channel: channel.block(who))
        assert len(server.kept) == 1
        await desk.use(lambda channel: channel.unblock(who))
        await desk.use(lambda channel: channel.unblock(who))
        assert (server.kept, ada.blocked) == ({}, False)
        await desk.use(lambda channel: channel.mute(who))
        assert muted()
        await desk.use(lambda channel: channel.unmute(who))
        assert not muted()
        await desk.use(lambda channel: channel.report(who, ref(desk, uri), "insults " * 4_000))
        [report] = server.reports
        assert report["subject"]["uri"] == uri
        assert 1_000 < len(report["reason"]) <= 2_000
        assert server.complaints == []

    run(story)


def run(story: Any) -> None:
    with BlueskyServer() as server:
        asyncio.run(story(server))


def test_the_channel_answers_both_protocols() -> None:
    assert issubclass(Bluesky, Moderates)
    assert issubclass(Bluesky, Lifts)
    able = Bluesky.capabilities
    assert (able.hide, able.block, able.mute, able.report) == (True, True, True, True)
