"""The demo as a channel: what is there at once, what arrives later, and that no walk loses or doubles anything."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from socialtriage.channels import registry
from socialtriage.channels.base import ChannelContext, Known, Secret
from socialtriage.channels.demo import PAGE, Demo
from socialtriage.channels.demo_week.rules import NETWORKS, capabilities
from socialtriage.channels.demo_week.schedule import Plan, Schedule
from socialtriage.channels.demo_week.week import load, minute_of
from socialtriage.channels.http import Budget, Http
from socialtriage.config.demo import demo_config
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import Misconfigured, Rejected
from socialtriage.domain.models import (
    Author,
    Incoming,
    MediaState,
    OutgoingReply,
    Page,
    StoredRef,
    Visibility,
)
from socialtriage.domain.text import clean, clean_line

LONDON = ZoneInfo("Europe/London")
START = datetime(2026, 11, 24, 10, 15, tzinfo=UTC)
LONG_AGO = START - timedelta(days=30)
LATER = START + timedelta(hours=5)
ACCOUNTS = [account.id for account in demo_config(Path("demo")).accounts]


def channel(
    account: str = "facebook", now: datetime = START, speed: float = 60, seed: int = 0, limit: int | None = None
) -> Demo:
    config = next(a for a in demo_config(Path("demo"), speed, seed, limit=limit).accounts if a.id == account)
    return made(config, lambda: now)


def made(config: AccountConfig, clock: Callable[[], datetime]) -> Demo:
    return Demo(
        ChannelContext(
            account=config,
            secret=cast("Secret", None),
            http=cast("Http", None),
            budget=Budget(),
            known=cast("Known", None),
            clock=clock,
        )
    )


def walk(demo: Demo, cursor: str | None = None, since: datetime = LONG_AGO, pages: int = 1000) -> list[Page]:
    async def story() -> list[Page]:
        found: list[Page] = []
        async for page in demo.fetch(cursor, since):
            found.append(page)
            if len(found) == pages:
                break
        await demo.aclose()
        return found

    return asyncio.run(story())


def messages(pages: Sequence[Page]) -> list[Incoming]:
    return [item for page in pages for item in page.items if item.edited_at is None]


def ids(pages: Sequence[Page]) -> list[str]:
    return [item.remote_id for item in messages(pages)]


def whole_week(now: datetime = START, speed: float = 0, limit: int | None = None) -> dict[str, list[Page]]:
    return {account: walk(channel(account, now, speed, limit=limit)) for account in ACCOUNTS}


# --- what is there at once --------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", range(0, 24 * 7, 5))
def test_more_than_half_of_the_week_is_there_at_once_at_its_own_times_of_day(hours: int) -> None:
    now = START + timedelta(hours=hours)
    week = load()
    found = [item for pages in whole_week(now, speed=60).values() for item in messages(pages)]
    assert 0.44 <= len(found) / len(week.entries) <= 0.76
    assert len({item.remote_id for item in found}) == len(found)
    for item in found:
        assert now - timedelta(days=7, hours=1) < item.at <= now
        local = item.at.astimezone(LONDON)
        assert f"{local:%H:%M}" == week.by_id[item.remote_id].at[4:]


def test_in_the_middle_of_a_week_the_weekdays_are_the_real_ones() -> None:
    thursday = datetime(2026, 11, 26, 11, 0, tzinfo=UTC)
    for pages in whole_week(thursday, speed=60).values():
        for item in messages(pages):
            assert f"{item.at.astimezone(LONDON):%a %H:%M}" == load().by_id[item.remote_id].at
    dovecote = next(i for i in messages(walk(channel("facebook", thursday))) if i.remote_id == "cinder-2")
    assert "from Tuesday to Thursday" in dovecote.text


def test_on_another_day_texts_name_the_days_as_they_are_shown() -> None:
    monday = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
    said = next(i for i in messages(walk(channel("facebook", monday))) if i.remote_id == "cinder-2")
    assert "from Saturday to Monday" in said.text
    assert f"{said.at:%A}" == "Saturday"


@pytest.mark.parametrize("turn", ["2026-03-29", "2026-10-25"])
@pytest.mark.parametrize("days", range(8))
def test_dates_stay_in_order_when_the_clocks_change(turn: str, days: int) -> None:
    start = datetime.fromisoformat(turn).replace(hour=12, tzinfo=UTC) + timedelta(days=days)
    for speed in (0, 60):
        timetable = Schedule(load(), Plan(start, speed, 3))
        for account in ACCOUNTS:
            moments = timetable.of(account)
            assert [m.at for m in moments] == sorted(m.at for m in moments)
            assert [m.due for m in moments] == sorted(m.due for m in moments)
            assert all(m.at <= m.due for m in moments)


def test_a_first_look_goes_back_no_further_than_since() -> None:
    since = START - timedelta(days=1)
    found = walk(channel("facebook"), since=since)
    assert messages(found)
    assert min(item.at for item in messages(found)) >= since
    everything = walk(channel("facebook", LATER), found[-1].cursor, since=LONG_AGO)
    known = set(ids(found)) | set(ids(everything))
    assert not {i.remote_id for page in everything for i in page.items if i.edited_at} - known
    assert len(known) < len(ids(walk(channel("facebook", LATER, speed=0))))


# --- what arrives later -----------------------------------------------------------------------------------


def test_the_rest_arrives_while_one_watches_and_is_dated_then() -> None:
    pages = walk(channel("x"))
    seen = ids(pages)
    cursor, last = pages[-1].cursor, START
    for minutes in range(1, 60):
        now = START + timedelta(minutes=minutes)
        new = walk(channel("x", now), cursor)
        for item in messages(new):
            assert last < item.at <= now
        seen += ids(new)
        cursor = new[-1].cursor if new else cursor
        last = now
    assert len(seen) == len(set(seen))
    assert set(seen) == {e.id for e in load().entries if e.on == "x"}


def test_twice_the_speed_takes_half_the_time() -> None:
    def length(speed: float) -> float:
        timetable = Schedule(load(), Plan(START, speed, 0))
        return max(m.due for a in ACCOUNTS for m in timetable.of(a)).timestamp() - START.timestamp()

    assert length(120) == pytest.approx(length(60) / 2, abs=1)
    assert length(60) < 3600, "the whole demo is over within an hour"
    assert length(1) == pytest.approx(60 * length(60), rel=0.01)


def test_the_same_seed_gives_the_same_arrivals_and_another_seed_others() -> None:
    def arrivals(seed: int) -> list[tuple[str, datetime]]:
        timetable = Schedule(load(), Plan(START, 60, seed))
        return [(m.event.entry.id, m.due) for a in ACCOUNTS for m in timetable.of(a)]

    assert arrivals(1) == arrivals(1)
    assert arrivals(1) != arrivals(2)
    before = [(i, at) for i, at in arrivals(1) if at <= START]
    assert before == [(i, at) for i, at in arrivals(2) if at <= START], "what is there at once is the same"
    assert walk(channel(seed=5)) == walk(channel(seed=5))


def test_an_account_where_nothing_happened_yet_still_remembers_when_the_demo_began() -> None:
    pages = walk(channel("telegram", limit=3, speed=60))
    assert [page.items for page in pages] == [()]
    assert pages[0].cursor is not None
    assert walk(channel("telegram", LATER, limit=3), pages[0].cursor) == []


# --- all at once ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hour", [0, 9, 21, 23])
def test_speed_nought_brings_the_whole_week_at_once(hour: int) -> None:
    now = START.replace(hour=hour)
    found = [item for pages in whole_week(now).values() for item in messages(pages)]
    assert sorted(item.remote_id for item in found) == sorted(load().by_id)
    assert now - timedelta(days=1) < max(item.at for item in found) <= now


@pytest.mark.parametrize("limit", [1, 20, 300, 100_000])
def test_a_limit_counts_the_messages_of_residents(limit: int) -> None:
    residents = [e for e in load().entries if not e.own]
    found = [item for pages in whole_week(limit=limit).values() for item in messages(pages)]
    assert sum(not item.own for item in found) == min(limit, len(residents))
    latest = max(minute_of(load().by_id[item.remote_id].at) for item in found)
    assert {e.id for e in residents if minute_of(e.at) < latest} <= {item.remote_id for item in found}
    assert max(item.at for item in found) > START - timedelta(days=1), "it ends today"


# --- nothing lost, nothing doubled ------------------------------------------------------------------------


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("speed", [0, 60])
def test_a_walk_stopped_after_any_page_goes_on_without_loss(account: str, speed: float) -> None:
    whole = walk(channel(account, speed=speed))
    for stop in range(1, len(whole) + 1):
        begun = walk(channel(account, speed=speed), pages=stop)
        rest = walk(channel(account, START + timedelta(milliseconds=5), speed=speed), begun[-1].cursor)
        assert [p.items for p in (*begun, *rest)] == [p.items for p in whole]
        assert [p.gone for p in (*begun, *rest)] == [p.gone for p in whole]


def test_stops_at_any_page_while_the_week_goes_on_lose_nothing() -> None:
    seen: list[str] = []
    cursor, now = None, START
    while now < LATER:
        pages = walk(channel("facebook", now), cursor, pages=1)
        seen += ids(pages)
        cursor = pages[-1].cursor if pages else cursor
        now += timedelta(minutes=4)
    assert sorted(seen) == sorted(e.id for e in load().entries if e.on == "facebook")


def test_a_page_is_never_large_and_never_holds_a_message_and_its_edit() -> None:
    for page in walk(channel("facebook", speed=0)):
        assert len(page.items) <= PAGE
        assert len({item.remote_id for item in page.items}) == len(page.items)
        assert page.cursor is not None
        kinds = {item.edited_at is None for item in page.items}
        assert len(kinds) < 2
        assert not (page.gone and True in kinds)


def test_a_cursor_of_another_edition_begins_again_at_the_old_beginning() -> None:
    pages = walk(channel("x"))
    cursor = pages[-1].cursor
    assert cursor is not None
    other = cursor.replace(load().edition, "00000000")
    again = walk(channel("x", START + timedelta(seconds=1)), other)
    assert ids(again)[: len(ids(pages))] == ids(pages)
    assert messages(again)[0] == messages(pages)[0]


@pytest.mark.parametrize("cursor", ["", "{}", "42", "null", '{"start": "yesterday", "edition": "x"}', "\x00"])
def test_a_cursor_that_cannot_be_read_begins_anew(cursor: str) -> None:
    assert ids(walk(channel("x"), cursor)) == ids(walk(channel("x")))


# --- what the messages are --------------------------------------------------------------------------------


def everything() -> list[Incoming]:
    return [item for pages in whole_week().values() for page in pages for item in page.items]


def test_every_message_is_clean_whatever_it_was() -> None:
    def fit(text: str) -> bool:
        return all(unicodedata.category(c) not in ("Cc", "Cs") or c in "\n\t" for c in text) and not any(
            c in text for c in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
        )

    for item in everything():
        for text in (item.text, item.author.name, item.author.handle, item.subject or "", item.quoted or ""):
            assert fit(text), item.remote_id
            assert clean(text) == text
        assert "{" not in item.text or item.remote_id.startswith("spam")
    hostile = next(item for item in everything() if item.remote_id == "spam-4")
    assert "[/nope]" in hostile.text, "markup is nobody's business here: it is shown as it is"
    assert "\N{REPLACEMENT CHARACTER}" in hostile.text


def test_one_person_has_one_key_on_a_network_whatever_the_account() -> None:
    gary = [i for i in everything() if i.author.name == "Gary Thewlis"]
    assert len({item.author.key for item in gary}) == 1
    pair = {i.author.key for i in everything() if i.author.name == "Aled Roberts"}
    assert pair == {"facebook:aled-roberts", "aled@robertshouse.example"}, "two networks are two identities"


def test_a_private_conversation_is_one_and_has_both_voices() -> None:
    jean = [i for i in everything() if load().by_id[i.remote_id].story == "assisted-collection"]
    assert {i.conversation for i in jean} == {"dm-jean"}
    assert {i.visibility for i in jean} == {Visibility.PRIVATE}
    assert {i.own for i in jean} == {True, False}
    assert {i.url for i in jean} == {None}


def test_threads_are_what_each_network_calls_a_thread() -> None:
    found = {item.remote_id: item for item in everything()}
    assert found["larkfield-6"].thread == found["larkfield-2"].thread == "larkfield-1"
    assert found["live-05"].thread == "live-05", "a comment is the root below a Facebook post"
    assert found["live-05"].parent == "post-fb-qa"
    assert found["live-05"].place is not None
    assert "Ask the Leader" in found["live-05"].place
    assert found["kerb-13"].thread == "post-bsky-cycle", "a reply is part of the chain on Bluesky"
    assert found["dovecote-2"].thread == "dovecote-1"
    assert found["dovecote-2"].references == ("<dovecote-1@letterbox.example>",)
    assert found["dovecote-2"].conversation is None
    assert found["caddy-1"].visibility is Visibility.PRIVATE, "a bot is written to in private"
    assert found["ctax-17"].parent is None, "a private message does not say which public one it is about"


def test_pictures_come_with_their_bytes_and_footage_does_not() -> None:
    found = {item.remote_id: item for item in everything()}
    (picture,) = found["gary-7"].media
    assert picture.state is MediaState.PENDING
    assert picture.data is not None
    assert picture.data.startswith(b"\x89PNG\r\n\x1a\n")
    assert picture.alt
    (video,) = found["roof-1"].media
    assert (video.kind, video.state, video.data) == ("video", MediaState.WITHHELD, None)
    waiting = [m for i in found.values() for m in i.media if m.state is MediaState.PENDING and m.data is None]
    assert waiting == [], "nothing waits for bytes that never come"


# --- edits and deletions ----------------------------------------------------------------------------------


def stored(item: Incoming) -> StoredRef:
    return StoredRef(item.remote_id, item.thread, item.conversation, item.visibility, item.reply_data)


def test_an_edit_and_a_deletion_are_told_once_they_happened() -> None:
    pages = walk(channel("facebook", speed=0))
    original = {item.remote_id: item for item in messages(pages)}
    edited = {item.remote_id: item for page in pages for item in page.items if item.edited_at is not None}
    gone = {key for page in pages for key in page.gone}
    assert set(edited) == {"pcn-2", "storm-45"}
    assert {"abuse-1", "homeless-1", "chat-10"} == gone
    assert edited["pcn-2"].text != original["pcn-2"].text


def test_a_second_look_says_what_became_of_messages() -> None:
    began = START.replace(hour=12)
    pages = walk(channel("facebook", began))
    refs = [stored(item) for item in messages(pages)]
    early = asyncio.run(channel("facebook", began).reread(refs))
    assert {*early.gone, *(i.remote_id for i in early.items)} == {ref.remote_id for ref in refs}
    assert "abuse-1" in early.gone
    late_pages = walk(channel("facebook", began + timedelta(hours=4)), pages[-1].cursor)
    late_refs = [*refs, *(stored(item) for item in messages(late_pages))]
    late = asyncio.run(channel("facebook", began + timedelta(hours=4)).reread(late_refs))
    assert set(late.gone) == {"abuse-1", "homeless-1", "chat-10"}
    texts = {item.remote_id: item for item in late.items}
    assert "UPDATE" in texts["storm-45"].text
    assert texts["storm-45"].edited_at is not None
    before = {item.remote_id: item for item in messages([*pages, *late_pages])}
    for key, item in texts.items():
        assert item.at == before[key].at
        if item.edited_at is None:
            assert item == before[key]


def test_a_message_before_its_edit_reads_as_it_was() -> None:
    began = START.replace(hour=12)
    timetable = Schedule(load(), Plan(began, 60, 0))
    written, changed = [m for m in timetable.of("facebook") if m.event.entry.id == "storm-45"]
    between = written.due + (changed.due - written.due) / 2
    pages = walk(channel("facebook", began))
    later = walk(channel("facebook", between), pages[-1].cursor)
    item = next(i for i in messages(later) if i.remote_id == "storm-45")
    assert asyncio.run(channel("facebook", between).reread([stored(item)])).items == (item,)


def test_a_message_that_is_not_of_the_demo_cannot_be_asked_about() -> None:
    strange = StoredRef("elsewhere", "t", None, Visibility.PUBLIC, {})
    unknown = StoredRef("elsewhere", "t", None, Visibility.PUBLIC, {"start": "2026-11-24T10:15:00.000Z"})
    found = asyncio.run(channel().reread([strange, unknown]))
    assert (found.items, found.gone) == ((), ())


# --- answering --------------------------------------------------------------------------------------------


def answer(text: str, visibility: Visibility = Visibility.PUBLIC, to: Visibility | None = None) -> OutgoingReply:
    return OutgoingReply(
        key="abc123",
        text=text,
        visibility=visibility,
        to=Author("k", clean_line("@robin@mast.example"), clean_line("Robin")),
        parent=StoredRef("larkfield-1", "larkfield-1", None, to or visibility),
        queued_at=START,
    )


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_answer_is_taken_and_found_again_under_its_key(account: str) -> None:
    demo = channel(account)
    visibility = Visibility.PUBLIC if demo.capabilities.reply_public else Visibility.PRIVATE
    sent = asyncio.run(demo.send(answer("Thank you, we are on it.", visibility)))
    assert sent.at == START
    assert asyncio.run(demo.send(answer("Thank you, we are on it.", visibility))).remote_id == sent.remote_id
    assert asyncio.run(demo.look_up(answer("Thank you, we are on it.", visibility))).remote_id == sent.remote_id
    assert sent.remote_id not in ids(walk(channel(account, LATER)))


@pytest.mark.parametrize(
    ("account", "visibility", "to"),
    [
        ("youtube", Visibility.PRIVATE, Visibility.PRIVATE),
        ("threads", Visibility.PRIVATE, Visibility.PUBLIC),
        ("mailbox", Visibility.PUBLIC, Visibility.PUBLIC),
        ("telegram", Visibility.PUBLIC, Visibility.PUBLIC),
        ("x", Visibility.PRIVATE, Visibility.PUBLIC),
    ],
)
def test_what_a_network_cannot_do_is_refused(account: str, visibility: Visibility, to: Visibility) -> None:
    with pytest.raises(Rejected):
        asyncio.run(channel(account).send(answer("Hello", visibility, to)))


@pytest.mark.parametrize("account", ["facebook", "instagram", "bluesky", "mastodon"])
def test_a_private_message_can_be_begun_from_a_public_one(account: str) -> None:
    assert channel(account).capabilities.start_private
    assert asyncio.run(channel(account).send(answer("Hello", Visibility.PRIVATE, Visibility.PUBLIC))).remote_id


@pytest.mark.parametrize(
    ("account", "text", "used", "limit"),
    [
        ("x", "a" * 280, 280, 280),
        ("x", "🙂 日本 https://www.marwardine.example/a/very/long/page", 2 + 1 + 4 + 1 + 23, 280),
        ("bluesky", "👩‍👩‍👧‍👦" * 3, 3, 300),
        ("mastodon", "Hello", len("@robin Hello"), 500),
        ("mastodon", "@robin@mast.example Hello", len("@robin Hello"), 500),
        ("mastodon", "see https://www.marwardine.example/bins", len("@robin see ") + 23, 500),
        ("threads", "Hello", 5, 500),
        ("youtube", "Hello", 5, 10_000),
        ("facebook", "Hello", 5, 8000),
    ],
)
def test_length_is_counted_nearly_as_the_network_does(account: str, text: str, used: int, limit: int) -> None:
    rule = channel(account).measure(text, Visibility.PUBLIC, "@robin@mast.example")
    assert (rule.used, rule.limit) == (used, limit)


def test_private_lengths_differ() -> None:
    assert channel("instagram").measure("né", Visibility.PRIVATE, "@a").used == 3
    assert channel("x").measure("a" * 400, Visibility.PRIVATE, "@a").limit == 10_000
    assert channel("mailbox").measure("a", Visibility.PRIVATE, "a@b.example").limit is None


@pytest.mark.parametrize("text", ["a" * 281, "", "  \n"])
def test_an_answer_that_is_too_long_or_empty_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        asyncio.run(channel("x").send(answer(text)))


# --- the account ------------------------------------------------------------------------------------------


def test_signing_in_says_who_one_is_and_that_nothing_leaves() -> None:
    health = asyncio.run(channel("bluesky").check())
    assert health.handle == "@marwardine.example"
    assert "nothing leaves" in health.detail
    own = [i.author.key for i in messages(walk(channel("bluesky", speed=0))) if i.own]
    assert set(own) == {health.identity}


def test_the_registry_makes_it() -> None:
    assert registry.factory("demo") is Demo


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"as": "myspace"},
        {"as": "x", "speed": "fast"},
        {"as": "x", "speed": "-1"},
        {"as": "x", "speed": "nan"},
        {"as": "x", "speed": "inf"},
        {"as": "x", "speed": "0.0001"},
        {"as": "x", "seed": "many"},
        {"as": "x", "limit": "0"},
    ],
)
def test_options_that_make_no_sense_are_told(options: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match="facebook"):
        made(AccountConfig(id="facebook", network="demo", options=options), lambda: START)


def test_an_account_that_the_week_does_not_know_is_told() -> None:
    demo = made(AccountConfig(id="myspace", network="demo", options={"as": "x"}), lambda: START)
    with pytest.raises(Misconfigured, match="leisure-facebook"):
        asyncio.run(demo.check())
    with pytest.raises(Misconfigured, match="myspace"):
        walk(demo)


def test_an_account_may_have_another_name_than_the_presence_it_plays() -> None:
    config = AccountConfig(id="practice", network="demo", options={"as": "x", "account": "x", "speed": "0"})
    assert len(ids(walk(made(config, lambda: START)))) == sum(e.on == "x" for e in load().entries)


def test_a_statement_leaves_in_the_practice_week_where_it_leaves_in_life_and_elsewhere_the_reason_is_said() -> None:
    offers = {network: capabilities(network) for network in NETWORKS if network != "imap"}
    posting = {network for network, offer in offers.items() if offer.post}
    assert posting == {"bluesky", "facebook", "mastodon", "threads", "x"}
    assert all(offer.no_post for network, offer in offers.items() if network not in posting)
