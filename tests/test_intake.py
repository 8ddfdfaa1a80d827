"""Messages become cases: joined where they belong, never twice, never lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialtriage.domain.errors import StoreError
from socialtriage.domain.models import Automatic, Gap, Incoming, MediaItem, Outcome, Status, Urgency, Visibility, Voice
from socialtriage.domain.text import clean, clean_line
from socialtriage.services import inbox, queries, triage
from socialtriage.services.desk import Desk
from socialtriage.store.messages import SentMessage
from tests.doubles.desk import (
    MONDAY,
    FrozenClock,
    arrive,
    case_ids,
    kinds,
    message,
    person,
    small_desk,
    texts,
    the_case,
)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(MONDAY + timedelta(minutes=5))


@pytest.fixture
def desk(tmp_path: Path, clock: FrozenClock) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=clock)
    yield desk
    desk.close()


def test_a_message_opens_a_case_with_reference_clock_and_suggestion(desk: Desk) -> None:
    taken = arrive(desk, message("My bin was missed again, this is dangerous"))
    assert taken.new == 1
    detail = inbox.detail(desk, the_case(desk))
    assert detail.row.ref.startswith("ABC-")
    assert detail.row.status is Status.NEW
    assert detail.row.suggested_area == "waste"
    assert detail.row.suggested_urgency is Urgency.URGENT
    assert detail.row.due_clock == "acknowledge"
    assert detail.row.due_at == MONDAY + timedelta(hours=4)
    assert kinds(desk, detail.row.id) == ["case.opened"]


def test_reading_the_same_page_again_adds_no_row(desk: Desk) -> None:
    items = [message("one", "1"), message("two", "2", author="B")]
    arrive(desk, *items)
    again = arrive(desk, *items)
    assert (again.new, again.updated) == (0, 0)
    assert len(case_ids(desk)) == 2


def test_the_same_message_twice_in_one_page_is_one(desk: Desk) -> None:
    taken = arrive(desk, message("one", "1"), message("one", "1"))
    assert taken.new == 1


def test_same_person_in_the_same_thread_joins_and_another_person_does_not(desk: Desk) -> None:
    arrive(desk, message("Pothole!", "1"))
    arrive(desk, message("Still there", "2", thread="1", parent="1", at=MONDAY + timedelta(minutes=1)))
    arrive(desk, message("Same on my road", "3", thread="1", parent="1", author="Neighbour"))
    ids = case_ids(desk)
    assert len(ids) == 2
    counts = sorted(row.messages for row in inbox.rows(desk, ids))
    assert counts == [1, 2]


def test_everything_in_one_private_conversation_is_one_case(desk: Desk) -> None:
    for number in range(3):
        arrive(
            desk,
            message(
                f"dm {number}", f"d{number}", visibility=Visibility.PRIVATE, conversation="c1", thread=f"t{number}"
            ),
        )
    assert len(inbox.detail(desk, the_case(desk)).messages) == 3


def test_a_quoted_reference_joins_for_the_same_person_only(desk: Desk) -> None:
    arrive(desk, message("Bin missed", "1"))
    ref = inbox.detail(desk, the_case(desk)).row.ref
    arrive(desk, message(f"any news on {ref.lower()}?", "2"))
    assert len(inbox.detail(desk, the_case(desk)).messages) == 2
    arrive(desk, message(f"what about {ref}?", "3", author="Somebody Else"))
    assert len(case_ids(desk)) == 2


def test_our_own_posts_attach_and_never_queue(desk: Desk) -> None:
    arrive(desk, message("New bin days from Monday", "post", own=True, author="Anytown"))
    assert case_ids(desk) == []
    arrive(desk, message("What about flats?", "1", thread="post", parent="post"))
    case_id = the_case(desk)
    arrive(desk, message("Flats too", "2", own=True, thread="post", parent="1", at=MONDAY + timedelta(minutes=3)))
    detail = inbox.detail(desk, case_id)
    assert [m.voice for m in detail.messages] == [Voice.RESIDENT, Voice.OFFICER]
    assert detail.row.status is Status.WAITING_RESIDENT
    assert detail.answered_at == MONDAY + timedelta(minutes=3)
    assert detail.within_charter is True
    assert case_ids(desk) == []


def test_our_reply_that_comes_before_its_question_finds_it(desk: Desk) -> None:
    later = MONDAY + timedelta(minutes=3)
    arrive(desk, message("Flats too", "2", own=True, thread="1", parent="1", at=later))
    arrive(desk, message("What about flats?", "1"))
    detail = inbox.detail(desk, the_case(desk, "all"))
    assert texts(detail.messages) == ["What about flats?", "Flats too"]
    assert detail.answered_at == later


def test_what_a_case_begins_with_says_what_it_is_about_also_when_it_comes_late(desk: Desk) -> None:
    arrive(desk, message("Is anybody there?", "2", thread="1", parent="1", at=MONDAY + timedelta(minutes=9)))
    case_id = the_case(desk)
    assert inbox.detail(desk, case_id).row.suggested_area is None
    arrive(desk, message("There is a pothole", "1"))
    row = inbox.detail(desk, case_id).row
    assert (row.snippet, row.suggested_area) == ("There is a pothole", "roads")
    assert row.suggested_because == ("'pothole' points to Roads",)


def test_an_answer_to_our_reply_written_elsewhere_joins_the_case(desk: Desk) -> None:
    arrive(desk, message("Pothole", "1"))
    arrive(
        desk,
        message("Where exactly?", "2", own=True, thread="1", parent="1", at=MONDAY + timedelta(minutes=1)),
        message("High Street", "3", thread="1", parent="2", at=MONDAY + timedelta(minutes=2)),
    )
    detail = inbox.detail(desk, the_case(desk))
    assert texts(detail.messages) == ["Pothole", "Where exactly?", "High Street"]
    assert detail.row.status is Status.NEW
    assert detail.row.due_from == MONDAY + timedelta(minutes=2)


def test_a_resident_who_writes_again_reopens_a_closed_case(desk: Desk, clock: FrozenClock) -> None:
    arrive(desk, message("Bin missed", "1"))
    case_id = the_case(desk)
    triage.close(desk, [case_id], Outcome.ANSWERED)
    clock.move(hours=1)
    arrive(desk, message("Missed again", "2", thread="1", at=clock.now))
    row = inbox.rows(desk, [case_id])[0]
    assert row.status is Status.OPEN
    assert row.outcome is None
    assert "case.reopened" in kinds(desk, case_id)


def test_a_repeat_opens_its_own_case_linked_and_raised_with_the_first_clock(desk: Desk, clock: FrozenClock) -> None:
    arrive(desk, message("Bin missed", "1"))
    clock.move(days=1)
    arrive(desk, message("Hello?? bin", "2", at=clock.now))
    rows = inbox.rows(desk, case_ids(desk))
    assert [r.repeat_count for r in rows] == [2, 1]
    assert rows[0].urgency is Urgency.URGENT
    assert rows[0].repeat_since == MONDAY
    assert rows[0].due_from == MONDAY
    assert inbox.detail(desk, rows[0].id).related[0].ref == rows[1].ref


def test_an_automatic_mail_opens_a_quiet_case_without_a_clock(desk: Desk) -> None:
    arrive(desk, message("I am out of office", "1", automatic=Automatic.AUTO_REPLY), account="mailbox")
    row = inbox.rows(desk, case_ids(desk))[0]
    assert row.urgency is Urgency.LOW
    assert row.due_at is None


def test_an_edit_is_kept_as_a_revision_and_searched_by_its_new_words(desk: Desk) -> None:
    arrive(desk, message("The bin is broken", "1"))
    case_id = the_case(desk)
    version = inbox.rows(desk, [case_id])[0].version
    taken = arrive(desk, message("The lamp is broken", "1", edited_at=MONDAY + timedelta(minutes=2)))
    assert taken.updated == 1
    detail = inbox.detail(desk, case_id)
    assert detail.messages[0].text == "The lamp is broken"
    assert [r.text for r in detail.messages[0].revisions] == ["The bin is broken"]
    assert detail.row.version > version
    assert list(inbox.snapshot(desk, queries.parse_query("lamp", desk, "all"))) == [case_id]
    assert list(inbox.snapshot(desk, queries.parse_query("bin", desk, "all"))) == []


def test_gone_at_source_is_marked_and_our_copy_stays(desk: Desk) -> None:
    arrive(desk, message("Embarrassing", "1"))
    taken = arrive(desk, gone=("1", "unknown"))
    assert taken.updated == 1
    detail = inbox.detail(desk, the_case(desk))
    assert detail.messages[0].gone_at is not None
    assert detail.messages[0].text == "Embarrassing"
    assert arrive(desk, gone=("1",)).updated == 0


def test_a_page_and_its_cursor_are_one_transaction(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from socialtriage.services import batch

    def broken(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(batch, "free_references", broken)
    with pytest.raises(StoreError):
        arrive(desk, message("one", "1"), cursor="after-1")
    monkeypatch.undo()
    record = desk.store.accounts.get("town-mastodon")
    assert record is not None
    assert record.cursor is None
    assert case_ids(desk) == []
    arrive(desk, message("one", "1"), cursor="after-1")
    record = desk.store.accounts.get("town-mastodon")
    assert record is not None
    assert record.cursor == "after-1"


def test_a_large_page_moves_the_cursor_with_its_last_part_only(desk: Desk) -> None:
    items = [message(f"text {n}", f"m{n}", author=f"Person {n}") for n in range(250)]
    taken = arrive(desk, *items, cursor="end")
    assert taken.new == 250
    assert len(case_ids(desk)) == 250
    assert desk.store.search.differs() == 0


def test_a_message_kept_as_background_opens_a_case_when_it_is_written_to_us_after_all(desk: Desk) -> None:
    arrive(desk, message("look at this", "1", context=True))
    assert case_ids(desk) == []
    taken = arrive(desk, message("look at this @anytown", "1"))
    assert taken.new == 1
    detail = inbox.detail(desk, the_case(desk))
    assert texts(detail.messages) == ["look at this @anytown"]
    assert arrive(desk, message("look at this @anytown", "1")).new == 0
    assert len(case_ids(desk, "all")) == 1


def test_what_a_resident_answers_to_our_private_reply_joins_the_public_case(desk: Desk) -> None:
    arrive(desk, message("my bin!", "1"))
    case_id = the_case(desk)
    own = message("write us your address", "dm1", own=True, conversation="c9", thread="c9")
    with desk.store.transaction("JS", MONDAY) as tx:
        tx.messages.add_sent(
            SentMessage(
                account="town-mastodon",
                remote_id="dm1",
                case_id=case_id,
                visibility=Visibility.PRIVATE,
                text="write us your address",
                who="JS",
                at=MONDAY,
                url=None,
                thread="1",
                conversation=None,
                parent="1",
                outbox_id=1,
            )
        )
    answer = message("1 Mill Lane", "dm2", conversation="c9", thread="c9", visibility=Visibility.PRIVATE)
    arrive(desk, own, answer)
    assert texts(inbox.detail(desk, the_case(desk)).messages)[-1] == "1 Mill Lane"


def test_a_gap_is_remembered_once(desk: Desk) -> None:
    gap = Gap(MONDAY, MONDAY + timedelta(hours=3), "the server kept less")
    arrive(desk, gap=gap)
    arrive(desk, gap=gap)
    assert len(desk.store.accounts.gaps()["town-mastodon"]) == 1


def test_an_attachment_is_kept_under_the_hash_of_its_bytes(desk: Desk) -> None:
    media = MediaItem("image", clean_line("bin.jpg"), mime="image/jpeg", data=b"\xff\xd8 picture")
    arrive(desk, message("see photo", "1", media=(media,)), account="mailbox")
    kept = inbox.detail(desk, the_case(desk)).messages[0].media[0]
    assert kept.state == "kept"
    assert kept.path is not None
    assert (desk.media_folder / kept.path).read_bytes() == b"\xff\xd8 picture"


def test_a_tombstone_keeps_a_deleted_message_away(desk: Desk) -> None:
    with desk.store.transaction("JS", MONDAY) as tx:
        tx.intake.bury("town-mastodon", ["1"], "erased on request", "2026-11-16T10:00:00.000Z")
    assert arrive(desk, message("come back", "1")).new == 0


def test_a_person_who_changes_the_handle_stays_the_same_person(desk: Desk) -> None:
    arrive(desk, message("one", "1"))
    renamed = replace(person(), handle=clean_line("@newname@social.example"))
    arrive(desk, message("two", "2", thread="1", author=renamed))
    assert inbox.rows(desk, [the_case(desk)])[0].handle == "@newname@social.example"


def test_default_area_of_an_account(desk: Desk) -> None:
    arrive(desk, message("When is the pool open?", "1"), account="leisure")
    assert inbox.rows(desk, [the_case(desk)])[0].area == "leisure"


def _walks() -> st.SearchStrategy[list[tuple[int, int, bool]]]:
    return st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans()), min_size=1, max_size=14)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=_walks(), cuts=st.lists(st.integers(1, 5), max_size=6), order=st.randoms(use_true_random=False))
def test_any_order_and_any_paging_give_the_same_messages_once(
    tmp_path_factory: pytest.TempPathFactory, walk: list[tuple[int, int, bool]], cuts: list[int], order: object
) -> None:
    items: list[Incoming] = []
    for number, (who, thread, own) in enumerate(walk):
        items.append(
            message(
                f"text {number}",
                f"m{number}",
                author=f"Person {who}",
                thread=f"t{thread}",
                own=own,
                at=MONDAY + timedelta(seconds=number),
            )
        )
    shuffled = [*items, *items[::2]]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    desk = small_desk(tmp_path_factory.mktemp("walk"), clock=FrozenClock(MONDAY + timedelta(hours=1)))
    try:
        sizes = itertools.chain(cuts, itertools.repeat(3))
        while shuffled:
            size = next(sizes)
            arrive(desk, *shuffled[:size])
            del shuffled[:size]
        stored = [m for case_id in case_ids(desk, "all") for m in inbox.detail(desk, case_id).messages]
        residents = [i for i in items if not i.own]
        assert sorted(m.remote_id for m in stored if m.voice is Voice.RESIDENT) == sorted(
            i.remote_id for i in residents
        )
        groups = {(i.author.key, i.thread) for i in residents}
        assert len(case_ids(desk, "all")) == len(groups)
        assert desk.store.log.verify().fault is None
        assert desk.store.search.differs() == 0
    finally:
        desk.close()


def test_hostile_text_is_stored_and_shown_clean(desk: Desk) -> None:
    nasty = "\x1b]0;owned\x07 [/nope] \u202e abc \ud800 " + "e" + "\u0301" * 5000
    arrive(desk, message(nasty, "1"))
    text = inbox.detail(desk, the_case(desk)).messages[0].text
    assert "\x1b" not in text
    assert "\ud800" not in text
    assert "\u202e" not in text
    assert clean(text) == text


def test_our_answer_to_somebody_on_an_older_page_is_not_the_answer_to_the_other_one_of_its_thread(desk: Desk) -> None:
    """Networks hand in the newest first: what our words answer may come after them."""
    ann, bob = person("Ann"), person("Bob")
    first = message("Is the pool open?", "a1", thread="a1", author=ann, at=MONDAY)
    theirs = message("And the sauna?", "b1", thread="a1", parent="a1", author=bob, at=MONDAY + timedelta(minutes=1))
    ours = message("It is.", "o1", thread="a1", parent="b1", own=True, at=MONDAY + timedelta(minutes=2))
    arrive(desk, first, ours)
    arrive(desk, theirs)
    cases = {str(row.name): row for row in inbox.rows(desk, case_ids(desk, "all"))}
    assert cases["Ann"].status is Status.NEW
    assert cases["Bob"].status is Status.WAITING_RESIDENT
    assert [m.remote_id for m in inbox.detail(desk, cases["Bob"].id).messages] == ["b1", "o1"]
