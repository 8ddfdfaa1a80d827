"""Where a message belongs, when the page itself changes what there is to join."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from socialtriage.domain.models import Automatic, Outcome, Visibility
from socialtriage.services import inbox, triage
from socialtriage.services.desk import Desk
from tests.doubles.desk import MONDAY, FrozenClock, arrive, case_ids, message, small_desk, texts, the_case


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=FrozenClock(MONDAY + timedelta(hours=1)))
    yield desk
    desk.close()


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def test_two_messages_of_a_new_case_on_one_page_are_both_counted_and_logged_under_its_reference(desk: Desk) -> None:
    arrive(desk, message("Pothole!", "1"), message("A big one", "2", thread="1", parent="1", at=MONDAY + minutes(5)))
    detail = inbox.detail(desk, the_case(desk))
    assert detail.row.messages == 2
    assert detail.row.last_message_at == MONDAY + minutes(5)
    assert [(event.kind, event.ref) for event in detail.events] == [
        ("case.opened", detail.row.ref),
        ("message.received", detail.row.ref),
    ]


def test_our_answer_joins_the_case_of_what_it_answers_whatever_its_thread_is_called(desk: Desk) -> None:
    arrive(desk, message("Pothole!", "1"))
    case_id = the_case(desk)
    arrive(desk, message("Write to us", "2", own=True, thread="elsewhere", parent="1", at=MONDAY + minutes(5)))
    assert texts(inbox.detail(desk, case_id).messages) == ["Pothole!", "Write to us"]


def test_our_words_below_a_post_join_the_only_case_there_and_none_where_there_are_two(desk: Desk) -> None:
    arrive(desk, message("Bin days?", "1", thread="post"))
    arrive(desk, message("Tuesdays", "2", own=True, thread="post", parent="post", at=MONDAY + minutes(5)))
    assert texts(inbox.detail(desk, the_case(desk, "all")).messages) == ["Bin days?", "Tuesdays"]
    arrive(desk, message("And in flats?", "3", thread="post", author="Neighbour"))
    arrive(desk, message("Ask away", "4", own=True, thread="post", parent="post", at=MONDAY + minutes(6)))
    assert sorted(row.messages for row in inbox.rows(desk, case_ids(desk, "all"))) == [1, 2]


def test_our_words_in_a_conversation_join_its_case(desk: Desk) -> None:
    private: dict[str, Any] = {"visibility": Visibility.PRIVATE, "conversation": "c1"}
    arrive(desk, message("My address is …", "1", thread="a", **private))
    arrive(desk, message("Thank you", "2", own=True, thread="b", at=MONDAY + minutes(5), **private))
    assert texts(inbox.detail(desk, the_case(desk, "all")).messages) == ["My address is …", "Thank you"]


def test_an_identity_that_an_officer_linked_joins_the_others_case(desk: Desk, tmp_path: Path) -> None:
    arrive(desk, message("Bin missed", "1"), message("Nice park", "2", author="Second Name"))
    first = the_case_of(desk, "Bin missed")
    link(tmp_path, "secondname@social.example", "aresident@social.example")
    arrive(desk, message("Still missed", "3", thread="1", author="Second Name", at=MONDAY + minutes(5)))
    assert texts(inbox.detail(desk, first).messages) == ["Bin missed", "Still missed"]
    arrive(desk, message("And again", "4", thread="1", at=MONDAY + minutes(6)))
    assert inbox.detail(desk, first).row.messages == 3


def test_a_repeat_counts_the_cases_of_every_linked_identity(desk: Desk, tmp_path: Path) -> None:
    arrive(desk, message("Bin missed", "1"), message("Nice park", "2", author="Second Name"))
    link(tmp_path, "secondname@social.example", "aresident@social.example")
    arrive(desk, message("Bin missed again", "3", author="Second Name", at=MONDAY + minutes(5)))
    row = inbox.rows(desk, [the_case_of(desk, "Bin missed again")])[0]
    assert row.repeat_count == 3
    assert row.repeat_since == MONDAY


def test_an_open_case_of_a_thread_goes_before_a_closed_one(desk: Desk) -> None:
    arrive(desk, message("Bin missed", "1", thread="post"))
    closed = the_case(desk)
    triage.close(desk, [closed], Outcome.ANSWERED)
    arrive(desk, message("Other matter", "2"))
    other = the_case(desk)
    raw = sqlite3.connect(desk.store.path)
    raw.execute("UPDATE cases SET thread = 'post' WHERE id = ?", (other,))
    raw.commit()
    raw.close()
    arrive(desk, message("And one more thing", "3", thread="post", at=MONDAY + minutes(5)))
    assert inbox.detail(desk, other).row.messages == 2
    assert inbox.detail(desk, closed).row.messages == 1


def test_automatic_mail_is_no_earlier_contact(desk: Desk) -> None:
    arrive(desk, message("Out of office", "1", automatic=Automatic.AUTO_REPLY), account="mailbox")
    arrive(desk, message("My bin was missed", "2", at=MONDAY + minutes(5)), account="mailbox")
    assert [row.repeat_count for row in inbox.rows(desk, case_ids(desk))] == [1, 1]


def the_case_of(desk: Desk, words: str) -> int:
    """The case that begins with these words."""
    (found,) = [row.id for row in inbox.rows(desk, case_ids(desk, "all")) if row.snippet == words]
    return found


def link(folder: Path, key: str, to: str) -> None:
    """Link two identities, as an officer does."""
    raw = sqlite3.connect(folder / "desk.db")
    sql = "UPDATE persons SET linked_to = (SELECT id FROM persons WHERE key = ?) WHERE key = ?"
    assert raw.execute(sql, (to, key)).rowcount == 1
    raw.commit()
    raw.close()
