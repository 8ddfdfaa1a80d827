"""Two officers on one store, each in the other's way: no words are lost, and nothing leaves unawares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxKind, Outcome, Visibility
from socialtriage.services import drafts, grouping, outbox, record, replies, triage
from socialtriage.services.desk import Desk
from tests.doubles.desk import FrozenClock, arrive, case_ids, message, person, small_desk
from tests.doubles.inside import Inside


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    """JS and MK."""
    with closing(small_desk(tmp_path)) as js, closing(small_desk(tmp_path, officer="MK")) as mk:
        yield js, mk


def two_cases(desk: Desk, second: Visibility = Visibility.PUBLIC) -> tuple[int, int]:
    """Two matters of one person."""
    arrive(desk, message("one pothole", "1", author=person("Eve")))
    arrive(desk, message("two lamps", "2", author=person("Eve"), visibility=second))
    first, other = sorted(case_ids(desk))
    return first, other


def test_what_one_officer_writes_goes_where_the_other_merges_its_case(desks: tuple[Desk, Desk]) -> None:
    js, mk = desks
    stays, goes = two_cases(js)
    draft = replies.prepare(js, None, goes, "We look at both, Eve.")
    drafts.keep(js, goes, OutboxKind.REPLY, "We look at both, Eve.")
    drafts.keep(mk, goes, OutboxKind.REPLY, "Below.")
    drafts.keep(mk, stays, OutboxKind.REPLY, "Above.")
    grouping.merge(mk, [goes], stays)
    assert drafts.kept_reply(js, stays).text == "We look at both, Eve."
    assert drafts.kept_reply(mk, stays).text == "Above.\n\nBelow."
    with pytest.raises(Refused):
        replies.queue(js, draft)
    with pytest.raises(Refused, match=r"was merged into ABC-.*\.") as told:
        replies.prepare(js, None, goes, "We look at both, Eve.")
    assert js.store.cases.get(stays).ref in (told.value.hint or "")
    # The other one types on, in a window that still shows the old case.
    drafts.keep(js, goes, OutboxKind.REPLY, "We look at both, Eve, today.")
    assert drafts.kept_reply(js, stays).text == "We look at both, Eve, today."
    assert drafts.kept_reply(js, goes).text == ""
    assert outbox.rows(js) == []
    triage.undo(mk)
    assert drafts.kept_reply(js, stays).text == "We look at both, Eve, today."


def test_what_was_written_in_private_is_not_public_after_a_merge(desks: tuple[Desk, Desk]) -> None:
    js, mk = desks
    stays, goes = two_cases(js, Visibility.PRIVATE)
    drafts.keep(js, goes, OutboxKind.REPLY, "Your bill is wrong.")
    grouping.merge(mk, [goes], stays)
    assert drafts.kept_reply(js, stays).private
    drafts.keep(js, goes, OutboxKind.REPLY, "Your bill was wrong.")
    assert drafts.kept_reply(js, stays).private


def test_the_outbox_says_that_everything_is_paused(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    shell.ok("pause", "storm", officer="MK")
    assert "Everything outgoing is paused since" in shell.ok("outbox").err
    shell.ok("resume")
    assert "paused" not in shell.ok("outbox").err


def test_a_clock_that_goes_back_makes_no_time_negative(tmp_path: Path) -> None:
    clock = FrozenClock()
    with closing(small_desk(tmp_path, clock=clock)) as desk:
        arrive(desk, message("My bin was missed"))
        (case_id,) = case_ids(desk)
        clock.move(hours=-3)
        triage.close(desk, [case_id], Outcome.NO_REPLY_NEEDED)
        [row] = record.case_rows(desk, None, None)
        assert row["working_minutes"] == "0"
        assert desk.store.log.verify().fault is None
