"""People who had to come back: since when the first one waits, the same text on several accounts, an apology."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.cli.output import case_line
from socialtriage.domain.repeats import ordinal, repeated
from socialtriage.domain.sametext import refs
from socialtriage.services import grouping, inbox, saved_answers
from socialtriage.services.desk import Desk
from socialtriage.services.noticing import digest_of
from socialtriage.ui.screens.case import CaseScreen
from tests.doubles.desk import CONFIG, MONDAY, FrozenClock, arrive, case_ids, message, person, small_desk
from tests.doubles.ui_desk import Officer, at_the_desk

TEXT = "The street light outside number forty has been out for three weeks and nobody seems to care."
SORRY = """
[[answers]]
id = "sorry-again"
for_repeats = true
text = "We are sorry that you had to ask again. {ref}"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return small_desk(tmp_path, config=CONFIG + SORRY)


def twice(desk: Desk, later: timedelta = timedelta(hours=1)) -> tuple[int, int]:
    """The same text on Mastodon, and somewhat later on Bluesky, by what may be the same person."""
    arrive(desk, message(TEXT, "a", author=person("Ada")))
    before = set(case_ids(desk))
    arrive(desk, message(f"@leisure {TEXT.upper()}", "b", author=person("Ada L"), at=MONDAY + later), account="leisure")
    [second] = set(case_ids(desk)) - before
    return before.pop(), second


def because(desk: Desk, case_id: int) -> tuple[str, ...]:
    return inbox.rows(desk, [case_id])[0].suggested_because


def test_the_same_text_on_another_account_is_said_on_the_later_case(desk: Desk) -> None:
    first, second = twice(desk)
    ref = inbox.rows(desk, [first])[0].ref
    assert because(desk, second) == (f"same text as {ref}, on mastodon",)
    assert because(desk, first) == ()
    arrive(desk, message(TEXT, "c", author=person("Cy"), at=MONDAY + timedelta(days=9)), account="leisure")
    assert not any(refs(because(desk, i)) for i in case_ids(desk) if i not in (first, second)), "too long ago"
    grouping.link(desk, second, first)
    assert because(desk, second) == (), "an officer has decided"


def test_short_texts_and_other_people_on_the_same_account_are_no_suggestion(desk: Desk) -> None:
    arrive(desk, message("Thank you!", "a", author=person("Ada")), message(TEXT, "b", author=person("Bob")))
    arrive(desk, message(TEXT, "c", author=person("Cy")))
    arrive(desk, message("Thank you!", "d", author=person("Dee")), account="leisure")
    assert [because(desk, i) for i in case_ids(desk)] == [()] * 4
    assert digest_of("x" * 39) is None
    assert digest_of("@town @other " + "x" * 30 + " y") is None
    assert digest_of(f"@town {TEXT}") == digest_of("  " + TEXT.replace(" ", "\n").lower())
    assert digest_of("\ud800" * 50) is not None


def test_a_forgotten_text_is_not_recognised_again(desk: Desk) -> None:
    first, second = twice(desk)
    assert isinstance(desk.clock, FrozenClock)
    desk.clock.move(hours=2)
    ref = inbox.rows(desk, [first])[0].ref
    with desk.store.transaction("JS", desk.clock()) as tx:
        tx.forget.cases([first], desk.clock())
        left = tx.noticing.said([digest_of(TEXT) or 0], MONDAY)
        assert [each.case_id for _, each in left] == [second]
    arrive(desk, message(TEXT, "e", author=person("Eve")), account="mailbox")
    newest = max(case_ids(desk))
    assert len(refs(because(desk, newest))) == 1
    assert ref not in refs(because(desk, newest))


def test_a_third_contact_says_since_when_the_first_one_waits_and_why(desk: Desk) -> None:
    clock = desk.clock
    assert isinstance(clock, FrozenClock)
    for days, words in ((0, "My bin was missed"), (2, "Still no collection"), (4, "Is anybody there?")):
        at = MONDAY + timedelta(days=days)
        clock.now = at
        arrive(desk, message(words, f"m{days}", author=person("Ada"), at=at))
    row = next(row for row in inbox.rows(desk, case_ids(desk)) if row.repeat_count == 3)
    full = "3rd contact, first unanswered 4 days"
    assert repeated(row, clock()) == (full, "3rd contact 4 days", "3×")
    assert full in case_line(desk, row, clock())
    why = " ".join(inbox.why(desk, row.id))
    assert "contact number 3" in why
    assert "never to an emergency" in why
    assert "first unanswered message, Mon 16 Nov 10:00 (4 days ago)" in why
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th",
    ]  # fmt: skip
    assert saved_answers.offered(desk, row, only=True)[0].answer.id == "sorry-again"
    first = next(row for row in inbox.rows(desk, case_ids(desk)) if row.repeat_count == 1)
    assert "sorry-again" not in [each.answer.id for each in saved_answers.offered(desk, first)]


def test_m_has_the_other_case_filled_in_and_only_links_what_is_by_different_people(desk: Desk) -> None:
    first, second = twice(desk)
    ref = inbox.rows(desk, [first])[0].ref

    async def story(officer: Officer) -> None:
        while officer.selected != second:
            await officer.press("j")
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.reads(f"Same text as {ref}, on mastodon", "merges or links")
        await officer.press("m")
        await officer.sees("and which case?", ref)
        await officer.press("enter")
        await officer.sees("Cases of different people")
        await officer.press("l")
        await officer.until(lambda: "Linked" in officer.said)
        await officer.until(lambda: "Same text" not in officer.running_text)
        assert [other.ref for other in officer.case(second).related] == [ref]

    at_the_desk(desk, story)
