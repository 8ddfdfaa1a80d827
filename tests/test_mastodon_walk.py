"""The walk over mentions and own posts: nothing lost, nothing doubled, whatever the server and the process do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random

import pytest
import stamina
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.channels.mastodon import Mastodon, _servers
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import AuthError, NotPermitted, RateLimited, Unavailable
from socialtriage.domain.models import Page, Visibility
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk
from tests.doubles.mastodon import TOKEN, MastodonServer

Make = Callable[..., tuple[MastodonServer, SmallDesk]]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries do not wait, and nothing is remembered of another test's server."""
    _servers.clear()
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Make:
    """A server and a desk that polls it."""

    def make(**options: bool) -> tuple[MastodonServer, SmallDesk]:
        server = MastodonServer(clock=lambda: NOON, **options).start()
        request.addfinalizer(server.stop)
        return server, desk_for(server)

    return make


def desk_for(server: MastodonServer) -> SmallDesk:
    account = AccountConfig(id="council-mastodon", network="mastodon", server=server.url, handle="@council")
    return SmallDesk(Mastodon, account, FixedSecret(TOKEN))


def poll(desk: SmallDesk, **options: float) -> None:
    asyncio.run(desk.poll(**options))  # type: ignore[arg-type]


BOTH = pytest.mark.parametrize("gotosocial", [False, True], ids=["mastodon", "gotosocial"])


@BOTH
def test_first_look_back_ends_at_since_and_later_passes_bring_what_is_new(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    for hours in range(0, 20 * 24, 2):
        server.mention(f"{hours} hours ago", author=f"r{hours % 5}", at=NOON - timedelta(hours=480 - hours))
    poll(desk)
    assert {item.at for item in desk.residents.values()} == {NOON - timedelta(hours=h) for h in range(2, 7 * 24 + 1, 2)}
    new = server.mention("Just now.")
    poll(desk)
    assert new in desk.residents
    assert len(desk.handed) == len(set(desk.handed))
    assert server.problems == []


def test_a_quiet_pass_is_three_requests_and_writes_nothing(world: Make) -> None:
    server, desk = world()
    server.mention()
    poll(desk)
    pages = asyncio.run(desk.poll())
    assert pages == [Page()]
    assert desk.requests == 3


@BOTH
def test_more_than_one_page_of_arrivals_between_passes(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    server.mention("first")
    poll(desk)
    sent = {server.mention(f"storm {n}", author=f"r{n % 30}", at=NOON + timedelta(seconds=n)) for n in range(250)}
    poll(desk)
    assert sent <= desk.residents.keys()
    assert len(desk.handed) == len(set(desk.handed))
    assert any("min_id" in asked.query for asked in server.requests)
    assert not any("since_id" in asked.query for asked in server.requests)


@settings(max_examples=12, deadline=None)
@given(
    gotosocial=st.booleans(),
    seed=st.integers(0, 2**16),
    first=st.integers(0, 120),
    lives=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 90)), max_size=4),
    during=st.lists(st.integers(0, 3), max_size=6),
)
def test_death_after_any_page_with_arrivals_in_between_loses_and_doubles_nothing(
    gotosocial: bool, seed: int, first: int, lives: list[tuple[int, int]], during: list[int]
) -> None:
    """The process dies after a page, again and again, while residents go on writing, also between two requests."""
    _servers.clear()
    chance = Random(seed)
    with MastodonServer(gotosocial=gotosocial, clock=lambda: NOON) as server:
        desk = desk_for(server)
        sent: list[str] = []

        def arrive(count: int) -> None:
            for _ in range(count):
                at = NOON - timedelta(hours=150) + timedelta(minutes=5 * len(sent))
                parent = chance.choice([None, *sent[-3:]])
                sent.append(server.mention("Hello", author=f"r{chance.randrange(9)}", at=at, reply_to=parent))

        arrive(first)
        for pages, arrivals in lives:
            poll(desk, stop_after=pages)
            arrive(arrivals)
        more = iter(during)
        server.on_request = lambda asked: arrive(next(more, 0)) if "/notifications" in asked.path else None
        poll(desk)
        server.on_request = None
        poll(desk)
        assert desk.residents.keys() == set(sent)
        assert server.problems == []


@BOTH
def test_a_page_emptied_by_a_mute_is_not_the_last(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    old = [server.mention("old", author="ben", at=NOON - timedelta(hours=50 - n)) for n in range(5)]
    for n in range(130):
        server.mention("noise", author="muted", at=NOON - timedelta(hours=20) + timedelta(minutes=n))
    server.person("muted").muted = True
    poll(desk)
    assert set(desk.residents) == set(old)
    new = server.mention("new", author="ben", at=NOON)
    poll(desk)
    assert new in desk.residents


@BOTH
def test_backdated_by_a_day_and_sorted_below_the_mark(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    for n in range(100):
        server.mention("busy", author=f"r{n}", at=NOON - timedelta(minutes=10 * n))
    poll(desk)
    late = server.mention("from a slow server", author="dee@elsewhere.example", at=NOON - timedelta(hours=24))
    poll(desk)
    assert late in desk.residents


@BOTH
def test_one_timestamp_across_a_page_boundary(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    server.mention("first")
    poll(desk)
    tied = {server.mention("tied", author=f"r{n % 7}", at=NOON) for n in range(173)}
    poll(desk)
    assert tied <= desk.residents.keys()


def test_notifications_filtered_by_policy_are_read_too(world: Make) -> None:
    server, desk = world()
    hidden = server.mention("My account is new.", author="newcomer", filtered=True)
    poll(desk)
    assert hidden in desk.residents


def test_a_server_that_ignores_the_types_asked_for(world: Make) -> None:
    server, desk = world(gotosocial=True)
    own = server.own("We open at nine.")
    server.notify("favourite", own)
    server.notify("reblog", own)
    pending = server.post("cy", "Is that so?", reply_to=own, kind="pending.reply")
    poll(desk)
    assert set(desk.residents) == {pending}


def test_a_server_that_refuses_our_parameters_is_asked_plainly(world: Make) -> None:
    server, desk = world()
    sent = server.mention()
    server.fail(422, path="notifications", method="GET")
    poll(desk)
    assert sent in desk.residents


def test_the_marked_notification_was_deleted(world: Make) -> None:
    server, desk = world()
    server.mention("stays", author="ben")
    deleted = server.mention("goes")
    poll(desk)
    server.delete(deleted)
    poll(desk)
    new = server.mention("after")
    poll(desk)
    poll(desk)
    assert new in desk.residents
    assert asyncio.run(desk.poll()) == [Page()]


def test_nothing_there_at_first_then_a_long_silence_of_ours(world: Make) -> None:
    server, desk = world()
    poll(desk)
    sent = server.mention("written on the first day", at=NOON + timedelta(hours=1))
    desk.now = NOON + timedelta(days=20)
    poll(desk)
    assert sent in desk.residents


@BOTH
def test_our_answer_written_elsewhere_and_the_resident_who_answers_it(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    first = server.mention("The light is out.")
    poll(desk)
    ours = server.own("@ada Which lamp post?", first)
    theirs = server.mention("Number 12.", reply_to=ours)
    poll(desk)
    assert desk.messages[ours].own
    assert {desk.messages[key].thread for key in (first, ours, theirs)} == {first}
    assert desk.messages[theirs].parent == ours


def test_context_of_an_answer_to_an_old_post_of_ours(world: Make) -> None:
    server, desk = world()
    root = server.own("Consultation opens", at=NOON - timedelta(days=90))
    remark = server.post("ben", "At last", reply_to=root, at=NOON - timedelta(days=80))
    answers = [server.mention(f"view {n}", author=f"r{n}", reply_to=remark) for n in range(30)]
    poll(desk)
    assert desk.messages[root].own
    assert desk.messages[remark].context
    assert {desk.messages[key].thread for key in answers} == {root}
    assert server.counts("/context") == 1


def test_an_ancestor_with_a_notification_of_its_own_opens_its_case_by_that(world: Make) -> None:
    """Newest first: the answer comes before what it answers, and must not bring it in as mere context."""
    server, desk = world()
    many = [server.mention(f"part {n}", at=NOON - timedelta(hours=50 - n)) for n in range(45)]
    question = server.mention("question", author="ben", at=NOON - timedelta(days=4))
    answer = server.mention("answer", author="cy", reply_to=question)
    poll(desk)
    assert {question, answer, *many} == set(desk.residents)


def test_two_residents_of_one_private_thread_are_two_conversations(world: Make) -> None:
    server, desk = world()
    ada = server.mention("My phone is 01632 960001", visibility="direct")
    server.person("ben")
    ours = server.own("@ada @ben Thank you both", ada, visibility="direct")
    ben = server.mention("Mine is 01632 960002", author="ben", reply_to=ours, visibility="direct")
    poll(desk)
    private = {key: desk.messages[key] for key in (ada, ours, ben)}
    assert {item.visibility for item in private.values()} == {Visibility.PRIVATE}
    assert private[ada].conversation == private[ours].conversation == f"{ada}|ada@social.example"
    assert private[ben].conversation == f"{ada}|ben@social.example"


@pytest.mark.parametrize(
    ("visibility", "seen"),
    [
        ("public", Visibility.PUBLIC),
        ("unlisted", Visibility.PUBLIC),
        ("private", Visibility.PRIVATE),
        ("direct", Visibility.PRIVATE),
        ("mutuals_only", Visibility.PRIVATE),
    ],
)
def test_who_can_read_it(world: Make, visibility: str, seen: Visibility) -> None:
    server, desk = world()
    key = server.mention(visibility=visibility)
    poll(desk)
    assert desk.messages[key].visibility is seen


def test_an_edit_that_the_overlap_shows(world: Make) -> None:
    server, desk = world()
    key = server.mention("Number 12 is dark.")
    poll(desk)
    server.edit(key, "@council Number 14 is dark.")
    poll(desk)
    assert "14" in desk.messages[key].text
    assert desk.messages[key].edited_at == NOON


def test_an_edit_of_what_we_boosted_or_quoted_never_opens_a_case(world: Make) -> None:
    server, desk = world()
    boosted = server.post("ben", "Fete on Sunday")
    known = server.mention("Look")
    poll(desk)
    server.notify("update", boosted)
    ours = server.own("See", quote={"state": "accepted", "quoted_status": server.status(known)})
    server.notify("quoted_update", ours)
    poll(desk)
    assert boosted not in desk.residents
    assert set(desk.residents) == {known}


def test_one_unreadable_message_loses_neither_itself_nor_its_page(world: Make) -> None:
    server, desk = world()
    good = server.mention("before")
    half = server.mention("the words", media_attachments="none", created_at=17)
    bad = server.mention("lost", author="ben", account=None, content={"html": "no"}, visibility=["public"])
    after = server.mention("after")
    poll(desk)
    assert {good, half, bad, after} == set(desk.residents)
    assert "the words" in desk.messages[half].text
    assert "could not be read" in desk.messages[half].text
    assert desk.messages[bad].author.key == "ben@social.example"
    assert desk.messages[bad].visibility is Visibility.PRIVATE
    assert any(bad in notice for notice in desk.notices)


def test_a_hostile_post_is_taken_in_clean(world: Make) -> None:
    server, desk = world()
    key = server.mention("\x1b]0;pwned\x07 \ud800 [/red] \u202e " + "a\u0301" * 10 + "x" * 120_000)
    poll(desk)
    text = desk.messages[key].text
    assert not set(text) & {"\x1b", "\x07", "\ud800", "\u202e"}
    assert len(text) <= 100_000


# --- errors ---------------------------------------------------------------------------------------------------


def test_a_revoked_token(world: Make) -> None:
    server, desk = world()
    server.revoke()
    with pytest.raises(AuthError) as caught:
        poll(desk)
    assert TOKEN not in str(caught.value)


def test_rate_limited_in_the_middle_keeps_what_was_read(world: Make) -> None:
    server, desk = world()
    sent = {server.mention(f"n {n}", author=f"r{n % 9}", at=NOON - timedelta(hours=n)) for n in range(100)}
    server.on_request = lambda asked: server.fail(429) if "max_id" in asked.query and not server.faults else None
    with pytest.raises(RateLimited) as caught:
        poll(desk)
    assert caught.value.retry_at is not None
    assert desk.residents
    server.on_request = None
    server.faults.clear()
    poll(desk)
    assert desk.residents.keys() == sent


@pytest.mark.parametrize("kind", ["500", "503", "reset", "lost", "truncate"])
def test_one_fault_is_mended_by_trying_again(world: Make, kind: str) -> None:
    server, desk = world()
    sent = server.mention()
    server.fail(kind, 2, path="notifications")
    server.fail(kind, 2, path="/statuses")
    poll(desk)
    assert sent in desk.residents


def test_a_thread_that_cannot_be_read_waits_and_then_stands_alone(world: Make) -> None:
    server, desk = world()
    root = server.own("Old news", at=NOON - timedelta(days=30))
    before = server.mention("before", at=NOON - timedelta(hours=3))
    stuck = server.mention("answer", reply_to=root, at=NOON - timedelta(hours=2))
    after = server.mention("after", at=NOON - timedelta(hours=1))
    server.fail(500, 99, path="/context")
    for _ in range(2):
        with pytest.raises(Unavailable):
            poll(desk)
        assert stuck not in desk.residents
    poll(desk)
    assert {before, stuck, after} == set(desk.residents)
    assert any(stuck in notice for notice in desk.notices)


def test_without_permission_for_our_own_posts_the_mentions_go_on(world: Make) -> None:
    server, desk = world()
    sent = server.mention()
    server.fail(403, 9, path="/accounts/9001/statuses")
    poll(desk)
    assert sent in desk.residents
    assert any("own posts" in notice for notice in desk.notices)


def test_without_permission_for_mentions(world: Make) -> None:
    server, desk = world()
    server.fail(403, 9, path="/notifications")
    with pytest.raises(NotPermitted):
        poll(desk)


def test_a_pass_out_of_time_goes_on_in_the_next(world: Make) -> None:
    server, desk = world()
    sent = {server.mention(f"n {n}", author=f"r{n % 9}", at=NOON - timedelta(hours=n / 2)) for n in range(200)}
    for _ in range(2):
        poll(desk, seconds=0.9)
    assert desk.residents
    assert desk.residents.keys() < sent
    assert any("next pass" in notice for notice in desk.notices)
    poll(desk)
    assert desk.residents.keys() == sent


def test_a_cursor_of_another_account_or_make_is_not_believed(world: Make) -> None:
    server, desk = world()
    sent = server.mention()
    for cursor in ("{", "[]", '{"host":1}', json.dumps({"host": "https://other.example", "me": "1"})):
        desk.cursor = cursor
        desk.messages.clear()
        poll(desk)
        assert sent in desk.residents


def test_ids_lead_nowhere_else(world: Make) -> None:
    server, desk = world()
    server.mention(in_reply_to_id="../../../oauth/revoke?x=", id="../../oauth/token")
    poll(desk)
    assert not any(asked.path.startswith("/oauth") for asked in server.requests)
    assert server.counts("%2F") > 0


def test_a_quote_of_ours_and_the_answer_to_it_are_both_for_the_desk(world: Make) -> None:
    """The answer is newer and is seen first; the quote that it answers must not come in as mere context."""
    server, desk = world()
    ours = server.own("New opening hours")
    quoted = {"state": "accepted", "quoted_status": server.status(ours)}
    quote = server.post("ben", "What a shame", kind="quote", quote=quoted, at=NOON - timedelta(hours=5))
    for n in range(50):
        server.mention(f"n {n}", author=f"r{n}", at=NOON - timedelta(hours=4))
    answer = server.mention("He is right", author="cy", reply_to=quote)
    poll(desk)
    assert {quote, answer} <= desk.residents.keys()
    assert "[quotes @council@social.example: “New opening hours”]" in desk.messages[quote].text


@BOTH
def test_after_a_weekend_the_newest_page_comes_first_and_then_the_rest_in_its_order(
    world: Make, gotosocial: bool
) -> None:
    server, desk = world(gotosocial=gotosocial)
    server.mention("before the weekend", at=NOON - timedelta(hours=70))
    poll(desk)
    before = server.counts("/notifications")
    sent = [
        server.mention(f"n {n}", author=f"r{n % 9}", at=NOON - timedelta(hours=60) + timedelta(minutes=10 * n))
        for n in range(300)
    ]
    pages = asyncio.run(desk.poll(stop_after=1))
    assert [item.remote_id for item in pages[0].items] == sent[-40:]
    poll(desk)
    poll(desk)
    assert desk.residents.keys() >= set(sent)
    assert [key for key in desk.handed[1:] if key not in sent[-40:]] == sent[:-40]
    if not gotosocial:  # the page was read anyway, so that to hand it in first costs no request
        assert server.counts("/notifications") - before <= 1 + 5 + 2 + 2


def test_a_thread_that_cannot_be_read_on_the_newest_page_holds_up_nothing_older(world: Make) -> None:
    server, desk = world()
    server.mention("before")
    poll(desk)
    root = server.own("Old news", at=NOON - timedelta(days=30))
    sent = {server.mention(f"n {n}", author=f"r{n % 9}", at=NOON + timedelta(seconds=n)) for n in range(100)}
    early = server.mention("answer", reply_to=root, at=NOON + timedelta(seconds=101))
    sent |= {server.mention(f"m {n}", author=f"r{n % 9}", at=NOON + timedelta(seconds=200 + n)) for n in range(100)}
    late = server.mention("answer", reply_to=root, at=NOON + timedelta(seconds=301))
    server.fail(500, 999, path="/context")
    for _ in range(8):
        try:
            poll(desk)
        except Unavailable:
            continue
        break
    assert desk.residents.keys() >= {*sent, early, late}
