"""Public messages on Bluesky: what arrives, in which thread, and that nothing is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from socialtriage.domain.errors import AuthError, RateLimited, Unavailable
from socialtriage.domain.models import Visibility
from tests.doubles.bluesky import BlueskyServer
from tests.doubles.bluesky_desk import PASSWORD, Desk

LIST = "app.bsky.notification.listNotifications"


@pytest.fixture
def server() -> Iterator[BlueskyServer]:
    with BlueskyServer() as server:
        server.passwords = dict.fromkeys(server.passwords, False)
        yield server
    assert server.complaints == []


def test_mentions_replies_and_quotes_open_in_their_threads(server: BlueskyServer) -> None:
    desk, gwen, wei = Desk(server), server.person("gwen"), server.person("wei")
    bins = server.post(server.council, "Bin collections are delayed to Thursday")
    missed = server.mention(gwen, "my bin was missed", langs=["cy", "en"])
    when = server.post(gwen, "When exactly?", to=bins)
    too = server.post(wei, "mine too", to=when)
    proof = server.post(wei, "proof", quotes=bins)
    both = server.mention(gwen, "and the brown bin?", to=bins)
    asyncio.run(desk.poll())

    assert {i.remote_id for i in desk.residents()} == {missed, when, too, proof, both}
    first = desk.stored[missed]
    assert (first.thread, first.parent, first.language, first.visibility) == (missed, None, "cy", Visibility.PUBLIC)
    assert (first.author.key, first.author.handle, first.author.name) == ("did:plc:gwen", "@gwen.example", "Gwen")
    assert first.url == f"https://bsky.app/profile/gwen.example/post/{missed.rpartition('/')[2]}"
    assert first.place is None
    assert (desk.stored[too].thread, desk.stored[too].parent) == (bins, when)
    assert desk.stored[too].place == (
        "Reply to a post by @gwen.example, below our post: “Bin collections are delayed to Thursday”"
    )
    assert desk.stored[when].place == "Reply to our post: “Bin collections are delayed to Thursday”"
    assert desk.stored[proof].thread == proof
    assert desk.stored[proof].place == "Quotes our post: “Bin collections are delayed to Thursday”"
    assert desk.stored[both].thread == bins
    assert desk.stored[bins].own
    assert desk.stored[bins].place is None


def test_a_quiet_pass_costs_three_requests(server: BlueskyServer) -> None:
    desk = Desk(server)
    server.mention(server.person("gwen"), "one")

    async def story() -> None:
        await desk.poll()
        before = sum(server.counts.values())
        server.pass_time(minutes=2)
        await desk.poll()
        assert sum(server.counts.values()) - before == 3

    asyncio.run(story())


def test_an_answer_to_a_reply_that_we_wrote_elsewhere_joins_its_thread_with_its_context(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")

    async def story() -> None:
        asked = server.mention(gwen, "who mends the lamp?")
        await desk.poll()
        server.pass_time(days=30)  # our reply is older than what our own stream looks back over
        other = server.post(server.person("wei"), "A lamp is out", created=server.time - timedelta(days=20))
        ours = server.post(server.council, "We do. Which street?", to=asked)
        theirs = server.post(server.council, "Thank you for telling us", to=other)
        answer = server.post(gwen, "Elm Street", to=ours)
        beside = server.post(server.people["did:plc:wei"], "you are welcome", to=theirs)
        await desk.poll()
        assert (desk.stored[answer].thread, desk.stored[answer].parent) == (asked, ours)
        assert desk.stored[ours].own
        assert desk.stored[ours].thread == asked
        assert desk.stored[beside].thread == other
        assert desk.stored[other].context
        assert desk.stored[theirs].own

    asyncio.run(story())


def test_the_context_is_read_up_the_thread_and_only_once(server: BlueskyServer) -> None:
    desk, gwen, wei = Desk(server), server.person("gwen"), server.person("wei")
    chain = [server.post(gwen, "0")]
    for number in range(1, 7):
        chain.append(server.post((gwen, wei)[number % 2], str(number), to=chain[-1]))
    server.mention(wei, "can you help?", to=chain[-1])

    async def story() -> None:
        await desk.poll()
        assert all(desk.stored[uri].context for uri in chain)
        asked = server.counts["app.bsky.feed.getPosts"]
        await desk.poll()
        assert server.counts["app.bsky.feed.getPosts"] == asked

    asyncio.run(story())


def test_context_that_cannot_be_read_holds_nothing_up(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    bins = server.post(server.council, "Bins")
    server.post(gwen, "When?", to=bins)
    server.fail("getPosts", "500", "500", "500")
    asyncio.run(desk.poll())
    assert desk.texts() == ["When?"]
    assert any("could not be read" in notice for notice in desk.notices)


def test_a_post_dated_back_by_a_day_is_found_below_the_mark(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")

    async def story() -> None:
        for hour in range(30):
            server.mention(gwen, f"hour {hour}")
            server.pass_time(hours=1)
        await desk.poll()
        server.mention(gwen, "back-dated", created=server.time - timedelta(hours=24))
        server.pass_time(minutes=2)
        await desk.poll()

    asyncio.run(story())
    assert "back-dated" in desk.texts()
    assert len(desk.texts()) == 31


def test_a_post_dated_back_by_days_is_found_within_a_day(server: BlueskyServer) -> None:
    desk, gwen = Desk(server, since=timedelta(days=30)), server.person("gwen")
    server.most = 5

    async def story() -> None:
        for day in range(12):
            server.mention(gwen, f"day {day}")
            server.pass_time(days=1)
        await desk.poll()
        server.mention(gwen, "six days back", created=server.time - timedelta(days=6))
        server.pass_time(hours=25)
        await desk.poll()

    asyncio.run(story())
    assert "six days back" in desk.texts()


def test_posts_that_share_one_time_across_a_page_end_are_not_lost(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.most = 10
    tie = server.time - timedelta(hours=1)
    for number in range(7):
        server.mention(gwen, f"late {number}", created=tie + timedelta(minutes=1 + number))
    for number in range(7):
        server.mention(gwen, f"tie {number}", created=tie)
    for number in range(7):
        server.mention(gwen, f"early {number}", created=tie - timedelta(minutes=1 + number))
    asyncio.run(desk.poll())
    assert len(desk.texts()) == 21
    assert desk.gaps == []


def test_more_posts_of_one_time_than_a_page_holds_are_a_gap_that_is_said(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.most = 5
    tie = server.time - timedelta(hours=1)
    for number in range(9):
        server.mention(gwen, f"tie {number}", created=tie)
    early = server.mention(gwen, "early", created=tie - timedelta(minutes=1))
    asyncio.run(desk.poll())
    assert early in desk.stored
    assert [gap.start for gap in desk.gaps] == [tie]


def test_rows_dropped_where_a_server_joins_its_own_reads_are_found_by_the_next_sweep(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.fill_page = True
    tie = server.time - timedelta(hours=1)

    async def story() -> None:
        for number in range(98):
            server.like(gwen, at=tie + timedelta(seconds=1 + number))
        for number in range(6):
            server.mention(gwen, f"tie {number}", created=tie)
        await desk.poll()
        assert len(desk.texts()) < 6, "the server itself skips some"
        server.pass_time(minutes=2)
        await desk.poll()

    asyncio.run(story())
    assert len(desk.texts()) == 6


def test_pages_emptied_by_the_filter_are_not_the_end(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.most = 10
    server.mention(gwen, "below many likes")
    server.pass_time(minutes=1)
    for _ in range(35):
        server.pass_time(seconds=1)
        server.like(gwen)
    asyncio.run(desk.poll())
    assert desk.texts() == ["below many likes"]
    assert server.counts[LIST] >= 4


def test_muted_and_blocked_people_do_not_stop_the_walk(server: BlueskyServer) -> None:
    desk, gwen, noisy = Desk(server), server.person("gwen"), server.person("noisy", muted=True)
    server.most = 5
    server.mention(gwen, "below")
    for number in range(12):
        server.pass_time(seconds=1)
        server.mention(noisy, f"noise {number}")
    asyncio.run(desk.poll())
    assert desk.texts() == ["below"]


def test_since_limits_the_first_look_back_and_nothing_later(server: BlueskyServer) -> None:
    desk, gwen = Desk(server, since=timedelta(days=2)), server.person("gwen")

    async def story() -> None:
        for day in range(6):
            server.mention(gwen, f"day {day}")
            server.pass_time(days=1)
        await desk.poll()
        assert desk.texts() == ["day 4", "day 5"]
        await desk.poll()
        assert desk.texts() == ["day 4", "day 5"], "older ones do not come with the overlap"
        server.pass_time(minutes=1)
        server.mention(gwen, "dated before the first look back", created=server.time - timedelta(hours=60))
        server.pass_time(days=1)
        await desk.poll()
        assert "dated before the first look back" in desk.texts()

    asyncio.run(story())


def test_pruned_messages_neither_come_back_nor_cost_requests(server: BlueskyServer) -> None:
    desk, gwen = Desk(server, since=timedelta(days=90)), server.person("gwen")
    server.most = 10

    async def story() -> None:
        bins = server.post(server.council, "Bins")
        for day in range(60):
            server.post(gwen, f"day {day}", to=bins)
            server.pass_time(days=1)
        await desk.poll()
        for item in desk.residents():
            if item.at < server.time - timedelta(days=30):
                del desk.stored[item.remote_id]
        for _ in range(3):
            server.pass_time(minutes=2)
            before = sum(server.counts.values())
            await desk.poll()
            assert sum(server.counts.values()) - before == 3
        assert len(desk.texts()) == 30

    asyncio.run(story())


def test_another_account_behind_the_same_name_is_read_from_its_beginning(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        server.council.did = "did:plc:successor"
        server.mention(server.person("gwen"), "before the change", created=server.time - timedelta(days=3))
        desk.secret.value = PASSWORD
        await desk.poll()
        assert desk.texts() == ["before the change"]

    asyncio.run(story())


def test_a_walk_cut_off_by_the_budget_goes_on_where_it_stopped_and_sees_what_is_new(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.most = 10
    for number in range(60):
        server.pass_time(minutes=1)
        server.mention(gwen, f"old {number:02}")

    async def story() -> None:
        await desk.poll(stop_after=2)
        assert len(desk.texts()) < 25
        server.pass_time(minutes=5)
        server.mention(gwen, "new while it stood still")
        await desk.poll(stop_after=1)
        assert "new while it stood still" in desk.texts()
        before = server.counts[LIST]
        await desk.poll()
        assert len(desk.texts()) == 61
        assert server.counts[LIST] - before < 15, "it did not begin at the top for all of it"

    asyncio.run(story())


def test_an_endless_flood_leaves_time_for_the_other_streams(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.passwords = dict.fromkeys(server.passwords, True)
    server.most = 1
    for _ in range(120):
        server.pass_time(seconds=1)
        server.mention(gwen, "flood")
    server.say(gwen, "private", server.convo(gwen))
    desk.seconds = 0.2

    async def story() -> None:
        for _ in range(40):
            await desk.poll()
            if len(desk.residents()) == 121:
                return

    asyncio.run(story())
    assert "private" in desk.texts()
    assert len(desk.residents()) == 121


@pytest.mark.parametrize("cursor", ["nonsense", "{}", '{"floor": 3}', '{"floor":"2026-11-20T00:00:00Z","public":7}'])
def test_a_stored_cursor_that_cannot_be_read_starts_over(server: BlueskyServer, cursor: str) -> None:
    desk = Desk(server)
    server.mention(server.person("gwen"), "still here")
    desk.cursor = cursor
    asyncio.run(desk.poll())
    assert desk.texts() == ["still here"]


def test_a_page_cursor_that_the_server_refuses_starts_over_from_the_top(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    for number in range(5):
        server.mention(gwen, f"post {number}")
    desk.cursor = (
        '{"floor":"2026-11-15T09:00:00Z","public":{"walk":'
        '{"start":"2026-11-22T08:00:00Z","until":"2026-11-15T09:00:00Z","cursor":"nonsense"}}}'
    )
    asyncio.run(desk.poll())
    assert len(desk.texts()) == 5


def test_an_outage_and_a_limit_are_raised_and_lose_nothing(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")

    async def story() -> None:
        server.mention(gwen, "one")
        await desk.poll()
        server.mention(gwen, "two")
        server.fail(LIST, "429")
        with pytest.raises(RateLimited):
            await desk.poll()
        server.fail(LIST, "500", "cut", "reset")
        with pytest.raises(Unavailable):
            await desk.poll()
        server.fail(LIST, "502", "cut")  # over within the retries
        await desk.poll()

    asyncio.run(story())
    assert desk.texts() == ["one", "two"]


def test_own_posts_that_cannot_be_listed_are_a_notice_only(server: BlueskyServer) -> None:
    desk = Desk(server)
    server.mention(server.person("gwen"), "one")
    server.fail("listRecords", "500", "500", "500")
    asyncio.run(desk.poll())
    assert desk.texts() == ["one"]
    assert any("Our own posts" in notice for notice in desk.notices)


def test_own_posts_are_handed_in_once(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        for number in range(120):
            server.pass_time(seconds=30)
            server.post(server.council, f"news {number}")
        await desk.poll()
        assert sum(item.own for item in desk.stored.values()) == 120
        server.post(server.council, "one more")
        before = desk.handed_in
        await desk.poll()
        assert desk.handed_in - before == 1

    asyncio.run(story())


def test_reread_tells_edits_deletions_and_blocks_apart(server: BlueskyServer) -> None:
    desk, gwen, wei = Desk(server), server.person("gwen"), server.person("wei")

    async def story() -> None:
        kept, edited = server.mention(gwen, "kept"), server.mention(gwen, "before")
        deleted, hidden = server.mention(gwen, "deleted"), server.mention(wei, "hidden")
        many = [server.mention(gwen, f"{number}") for number in range(40)]
        await desk.poll()
        server.edit(edited, "after")
        server.delete(deleted)
        wei.blocks_us = True
        refs = [desk.ref(uri) for uri in (kept, edited, deleted, hidden, *many)]
        seen = await desk.use(lambda channel: channel.reread(refs))
        assert seen.gone == (deleted,)
        now = {item.remote_id: item for item in seen.items}
        assert set(now) == {kept, edited, *many}
        assert now[edited].text == "after"
        assert now[edited].edited_at == server.time
        assert now[kept].edited_at is None
        assert now[kept].text == desk.stored[kept].text

    asyncio.run(story())


def test_an_unreadable_answer_is_no_deletion(server: BlueskyServer) -> None:
    desk = Desk(server)
    uri = server.mention(server.person("gwen"), "one")

    async def story() -> None:
        await desk.poll()
        for faults in (("500", "500", "500"), ("html",), ("cut", "cut", "cut")):
            server.fail("getPosts", *faults)
            seen = await desk.use(lambda channel: channel.reread([desk.ref(uri)]))
            assert (seen.items, seen.gone) == ((), ())
        server.delete(uri)
        server.fail("getPostThread", "502", "502", "502")
        seen = await desk.use(lambda channel: channel.reread([desk.ref(uri)]))
        assert (seen.items, seen.gone) == ((), ())

    asyncio.run(story())


def test_a_lapsed_login_while_reading_again_is_raised(server: BlueskyServer) -> None:
    desk = Desk(server)
    uri = server.mention(server.person("gwen"), "one")

    async def story() -> None:
        await desk.poll()
        server.passwords.clear()
        server.pass_time(days=100)
        with pytest.raises(AuthError):
            await desk.use(lambda channel: channel.reread([desk.ref(uri)]))

    asyncio.run(story())
