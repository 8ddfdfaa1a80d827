"""Intake when messages come in the wrong order, again and again, and in masses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialtriage.domain.models import Incoming, Visibility
from socialtriage.domain.views import Query
from socialtriage.services import inbox
from socialtriage.services.desk import Desk
from tests.doubles.desk import MONDAY, FrozenClock, arrive, case_ids, message, small_desk, the_case


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=FrozenClock(MONDAY + timedelta(hours=1)))
    yield desk
    desk.close()


def counts_are_true(desk: Desk) -> None:
    for case_id in case_ids(desk, "all"):
        detail = inbox.detail(desk, case_id)
        assert detail.row.messages == len(detail.messages)
    assert desk.store.search.differs() == 0
    assert desk.store.log.verify().fault is None


def test_an_answer_that_came_before_its_question_is_counted(desk: Desk) -> None:
    arrive(desk, message("Flats too", "2", own=True, thread="1", parent="1", at=MONDAY + timedelta(minutes=3)))
    arrive(desk, message("What about flats?", "1"))
    assert inbox.rows(desk, [the_case(desk, "all")])[0].messages == 2
    counts_are_true(desk)


def test_a_background_message_that_is_addressed_at_last_is_counted_once(desk: Desk) -> None:
    private: dict[str, Any] = {"visibility": Visibility.PRIVATE, "conversation": "c"}
    early = message("before you were asked", "1", context=True, **private)
    arrive(desk, early)
    arrive(desk, replace(early, context=False), message("and now?", "2", at=MONDAY + timedelta(minutes=1), **private))
    assert inbox.rows(desk, [the_case(desk)])[0].messages == 2
    counts_are_true(desk)


def test_a_page_that_holds_a_message_twice_leaves_the_search_true(desk: Desk) -> None:
    arrive(desk, message("bins", "1"))
    arrive(desk, message("potholes", "1"), message("lamps", "1"), gone=("1", "1"))
    raw = sqlite3.connect(desk.store.path)
    raw.execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)")
    raw.close()
    assert [len(inbox.snapshot(desk, Query("all", text=word))) for word in ("bins", "potholes", "lamps")] == [0, 0, 1]
    assert [e.kind for e in inbox.detail(desk, the_case(desk)).events].count("message.gone") == 1


@st.composite
def courses(draw: st.DrawFn) -> list[list[Incoming]]:
    """Conversations of three people with the council, in pages of any order, with repeats."""
    said: list[Incoming] = []
    for number in range(draw(st.integers(2, 10))):
        above = draw(st.sampled_from([None, *said]))
        own = draw(st.integers(0, 3)) == 0
        private = draw(st.integers(0, 3)) == 0
        conversation = (above.conversation if above else None) or f"c{number % 3}"
        said.append(
            message(
                f"text {number}",
                f"m{number}",
                at=MONDAY - timedelta(minutes=draw(st.integers(0, 300))),
                author="Council" if own else draw(st.sampled_from(["Ada", "Bob", "Cyd"])),
                own=own,
                context=not own and draw(st.integers(0, 5)) == 0,
                thread=above.thread if above else f"t{number}",
                parent=above.remote_id if above else None,
                conversation=conversation if private else None,
                visibility=Visibility.PRIVATE if private else Visibility.PUBLIC,
            )
        )
    order = draw(st.permutations(said))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=4)) | {0, len(order)})
    pages = [order[start:end] for start, end in pairwise(cuts)]
    again = [replace(item, context=False) for item in draw(st.lists(st.sampled_from(order), max_size=4))]
    return [*pages, again]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(pages=courses())
def test_any_course_is_counted_truly(tmp_path_factory: pytest.TempPathFactory, pages: list[list[Incoming]]) -> None:
    desk = small_desk(tmp_path_factory.mktemp("course"), clock=FrozenClock(MONDAY + timedelta(hours=1)))
    try:
        for page in pages:
            arrive(desk, *page)
        counts_are_true(desk)
    finally:
        desk.close()
