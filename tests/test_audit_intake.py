"""Messages that come late, are not written to us, or speak of other people's cases: what the desk makes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.cli import shapes
from socialtriage.domain.models import Automatic, Outcome, Status, Urgency, Visibility
from socialtriage.domain.text import clean
from socialtriage.services import inbox, triage
from socialtriage.store.messages import SentMessage
from tests.doubles.desk import MONDAY, arrive, message, person, small_desk, the_case

HOUR = timedelta(hours=1)


def test_an_older_message_that_comes_later_is_where_its_case_begins(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("And again today.", "m2", thread="m1", at=MONDAY))
    arrive(desk, message("The bins were missed.", "m1", at=MONDAY - 50 * HOUR))

    case = desk.store.cases.get(the_case(desk))
    assert (case.opened_at, case.waiting_since, case.snippet) == (
        MONDAY - 50 * HOUR,
        MONDAY - 50 * HOUR,
        "The bins were missed.",
    )
    assert case.due_from == case.opened_at
    desk.close()


def test_what_a_resident_wrote_to_others_starts_no_clock(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    before = message("My street is full of rubbish.", "m1", at=MONDAY - 72 * HOUR, context=True)
    taken = arrive(desk, before, message("@anytown look at this", "m2", thread="m1", at=MONDAY))

    case_id = the_case(desk)
    case = desk.store.cases.get(case_id)
    assert taken.new == 1
    assert (case.opened_at, case.waiting_since) == (MONDAY, MONDAY)
    assert [m.state for m in inbox.detail(desk, case_id).messages] == ["background", "received"]

    arrive(desk, message("My street is full of rubbish. @anytown", "m1", at=MONDAY - 72 * HOUR))
    case = desk.store.cases.get(case_id)
    assert (case.waiting_since, case.messages) == (MONDAY - 72 * HOUR, 2)
    assert [m.state for m in inbox.detail(desk, case_id).messages] == ["received", "received"]
    desk.close()


def test_an_older_matter_that_comes_later_makes_the_newer_one_a_repeat(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("My bin, again.", "m2", at=MONDAY))
    arrive(desk, message("My bin.", "m1", at=MONDAY - 5 * HOUR))

    ids = {case["snippet"]: case for case in shapes.cases(desk, [1, 2])}
    newer, older = ids["My bin, again."], ids["My bin."]
    assert newer["repeat"] == {"count": 2, "since": older["opened_at"], "related": [older["ref"]]}
    assert (newer["urgency"], older["urgency"], older["repeat"]["count"]) == (Urgency.URGENT, Urgency.NORMAL, 1)
    desk.close()


def test_an_older_matter_that_comes_later_leaves_what_an_officer_looked_at(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("My bin, again.", "m2", at=MONDAY))
    newer = the_case(desk)
    triage.tag(desk, [newer], urgency=Urgency.LOW)
    arrive(desk, message("My bin.", "m1", at=MONDAY - 5 * HOUR))

    shape = shapes.cases(desk, [newer])[0]
    assert shape["urgency"] == Urgency.LOW
    assert len(shape["repeat"]["related"]) == 1
    desk.close()


def test_closing_settles_what_came_before_it(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("Nice flowers.", "m1", at=MONDAY - 2 * HOUR))
    case_id = the_case(desk)
    triage.close(desk, [case_id], Outcome.NO_REPLY_NEEDED)
    arrive(desk, message("But when do you water them?", "m2", thread="m1", at=MONDAY - HOUR))
    arrive(desk, message("Our gardeners", "o1", thread="m1", parent="m1", own=True, at=MONDAY - 1.5 * HOUR))

    case = desk.store.cases.get(case_id)
    assert (case.status, case.waiting_since) == (Status.OPEN, MONDAY - HOUR)
    desk.close()


def test_a_stranger_who_quotes_a_reference_is_suggested_and_not_filed(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("My bin.", "m1", at=MONDAY - HOUR))
    ref = desk.store.cases.get(the_case(desk)).ref
    arrive(desk, message(f"What about {ref.lower()}?", "m2", author=person("Ben")))

    stranger = shapes.cases(desk, [2])[0]
    assert stranger["suggestion"] == {
        "area": None,
        "urgency": None,
        "because": [f"quotes {ref}, a case of somebody else"],
    }
    desk.close()


@pytest.mark.parametrize(("automatic", "waits"), [(Automatic.BULK, True), (Automatic.AUTO_REPLY, False)])
def test_a_form_sent_in_bulk_waits_for_an_answer_and_an_absence_note_does_not(
    automatic: Automatic, waits: bool, tmp_path: Path
) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("Report of a missed bin.", "m1", automatic=automatic))
    case = desk.store.cases.get(the_case(desk, "all"))
    assert (case.due_at is not None, case.urgency) == (waits, Urgency.NORMAL if waits else Urgency.LOW)
    desk.close()


def test_our_answer_as_its_network_shows_it_is_no_edit(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("My bin.", "m1", at=MONDAY - HOUR))
    case_id = the_case(desk)
    with desk.store.transaction("JS", MONDAY) as tx:
        tx.messages.add_sent(
            SentMessage(
                account="town-mastodon",
                remote_id="o1",
                case_id=case_id,
                visibility=Visibility.PUBLIC,
                text="We are on it.",
                who="JS",
                at=MONDAY,
                url=None,
                thread="m1",
                conversation=None,
                parent="m1",
                outbox_id=1,
            )
        )
    shown = message("@ada We are on it.", "o1", own=True, thread="m1", parent="m1", at=MONDAY)
    assert arrive(desk, shown).updated == 0
    assert arrive(desk, replace(shown, text=clean("@ada We were there."), edited_at=MONDAY + HOUR)).updated == 1
    desk.close()
