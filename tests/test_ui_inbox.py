"""Stories at the inbox: real keys on a real store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.widgets import Button

from socialtriage.domain.models import Author, Outcome, Status, Urgency, Visibility
from socialtriage.domain.text import clean_line
from socialtriage.services import inbox, triage
from socialtriage.services.desk import Desk
from socialtriage.ui.header import header_parts
from socialtriage.ui.screens.case import CaseScreen
from socialtriage.ui.screens.choices import LetterDialog
from socialtriage.ui.screens.dialogs import Confirm, Message
from socialtriage.ui.screens.handoff import HandoffScreen
from socialtriage.ui.screens.picker import Picker
from tests.doubles.desk import MONDAY, arrive, case_ids, message, small_desk
from tests.doubles.ui_desk import SMALL, WIDE, Officer, at_the_desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Five residents wrote, the oldest first."""
    desk = small_desk(tmp_path)
    texts = (
        "My bin was not collected again",
        "There is a pothole on Mill Lane, dangerous for bikes",
        "When is the library open?",
        "Thank you for the new benches",
        "The recycling lorry dropped glass",
    )
    for number, text in enumerate(texts):
        at = MONDAY - timedelta(minutes=50 - 10 * number)
        arrive(desk, message(text, f"m{number}", at=at, author=f"Person {number}"))
    return desk


def test_tagging_and_handing_off_takes_five_keys(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.selected
        assert case_id is not None
        await officer.press("f")
        await officer.on(Picker)
        await officer.press("w", "a", "enter")
        await officer.on(HandoffScreen)
        await officer.sees("EXACTLY THIS LEAVES", "waste@anytown.example", "answers for Bins and recycling")
        await officer.press("y")
        await officer.home()
        assert officer.case(case_id).row.status is Status.WAITING_CONTACT
        assert officer.said.endswith("to Waste services.")
        assert officer.selected == officer.listed[0] != case_id

    at_the_desk(desk, story)


def test_an_action_that_takes_the_case_out_of_the_view_selects_the_next(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        _, second, third, *_ = officer.listed
        await officer.press("j", "e")
        await officer.on(LetterDialog)
        await officer.press("a")
        await officer.until(lambda: second not in officer.listed, "the case has left")
        assert officer.case(second).row.outcome is Outcome.ANSWERED
        assert officer.selected == third

    at_the_desk(desk, story)


def test_urgency_is_two_keys_and_keeps_the_selection(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.listed[3]
        await officer.press("j", "j", "j", "!", "u")
        await officer.until(lambda: officer.case(case_id).row.urgency is Urgency.URGENT, "urgent")
        await officer.settle()
        assert officer.selected == case_id
        assert officer.listed.index(case_id) < 3

    at_the_desk(desk, story)


def test_every_action_can_be_undone_and_done_again_with_a_word_on_what_it_was(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.selected
        assert case_id is not None
        await officer.press("a", "!", "l")
        await officer.until(lambda: officer.case(case_id).row.urgency is Urgency.LOW, "low")
        await officer.press("u")
        await officer.until(lambda: officer.said.startswith("Undone: Tagged"), "undone")
        await officer.press("u")
        await officer.until(lambda: officer.said.startswith("Undone: Claimed"), "undone again")
        row = officer.case(case_id).row
        assert (row.owner, row.urgency) == (None, Urgency.NORMAL)
        await officer.press("ctrl+r")
        await officer.until(lambda: officer.said.startswith("Done again: Claimed"), "done again")
        assert officer.case(case_id).row.owner == "JS"
        await officer.press("u", "u")
        await officer.until(lambda: "nothing of yours to undo" in officer.said, "nothing left")

    at_the_desk(desk, story)


def test_marked_cases_are_acted_on_together(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        ids = officer.listed
        await officer.press("space", "j", "v", "j")
        await officer.sees("3 marked")
        await officer.press("v", "a")
        await officer.until(lambda: officer.said == "Claimed 3 cases.", "claimed")
        owners = [officer.case(each).row.owner for each in ids]
        assert owners == ["JS", None, "JS", "JS", None]
        assert not officer.app.home.cases.model.marked()
        await officer.press("u")
        await officer.until(lambda: officer.said.startswith("Undone"), "undone")
        assert {officer.case(each).row.owner for each in ids} == {None}

    at_the_desk(desk, story)


def test_a_case_that_a_colleague_changed_is_refused_with_what_changed(desk: Desk, tmp_path: Path) -> None:
    colleague = small_desk(tmp_path, officer="AB")

    async def story(officer: Officer) -> None:
        case_id = officer.selected
        assert case_id is not None
        seen = officer.app.home.cases.selected_row
        await officer.press("e")
        await officer.on(LetterDialog)
        triage.claim(colleague, [case_id])
        assert seen is not None
        await officer.press("a")
        await officer.on(Message)
        await officer.sees("nothing was done", "AB")
        await officer.press("enter")
        await officer.home()
        assert officer.case(case_id).row.status is Status.OPEN
        await officer.press("e", "a")
        await officer.until(lambda: officer.case(case_id).row.status is Status.CLOSED, "closed at the second try")

    try:
        at_the_desk(desk, story)
    finally:
        colleague.close()


def test_what_a_colleague_does_is_seen_and_moves_nothing(desk: Desk, tmp_path: Path) -> None:
    colleague = small_desk(tmp_path, officer="AB")

    async def story(officer: Officer) -> None:
        case_id = officer.selected
        await officer.press("j")
        chosen = officer.selected
        triage.claim(colleague, [case_id or 0])
        await officer.sees("AB")
        assert officer.selected == chosen

    try:
        at_the_desk(desk, story)
    finally:
        colleague.close()


def test_a_thousand_arrivals_leave_selection_and_scroll_alone(desk: Desk, tmp_path: Path) -> None:
    poller = small_desk(tmp_path, officer="poll")
    arrive(poller, *(message(f"calm {n}", f"calm{n}", author=f"Calm {n}") for n in range(60)))

    async def story(officer: Officer) -> None:
        await officer.press("pagedown", "j", "j")
        chosen = officer.selected
        region = officer.app.home.cases.model.cursor * 2 - officer.app.home.cases.scroll_offset.y
        for part in range(10):
            items = [
                message(
                    f"gas leak {part} {n}", f"x{part}-{n}", author=f"Many {part} {n}", at=MONDAY - timedelta(days=3)
                )
                for n in range(100)
            ]
            arrive(poller, *items)
        await officer.until(lambda: len(officer.listed) == 1065, "all are listed")
        await officer.settle()
        assert officer.selected == chosen
        cases = officer.app.home.cases
        assert cases.model.cursor * cases.layout_now.lines - cases.scroll_offset.y == region

    try:
        at_the_desk(desk, story)
    finally:
        poller.close()


def test_opening_a_case_changes_nothing(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.selected
        assert case_id is not None
        before = officer.case(case_id)
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.sees("My bin was not collected again", "Person 0", "mastodon", "PUBLIC")
        await officer.press("J", "K", "w", "escape", "escape")
        await officer.home()
        assert officer.case(case_id) == before

    at_the_desk(desk, story)


def test_closing_on_the_case_screen_leads_back_to_the_next_case_of_the_list(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        second = officer.listed[1]
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.press("e", "n")
        await officer.home()
        assert officer.selected == second
        assert "no reply needed" in officer.said

    at_the_desk(desk, story)


def test_one_goes_from_case_to_case_without_going_back(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.press(">")
        await officer.sees("pothole on Mill Lane")
        assert officer.selected == officer.listed[1]
        await officer.press("<", "<")
        await officer.sees("no other case")

    at_the_desk(desk, story)


def test_the_suggestion_is_accepted_by_tab_in_the_list(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.selected
        assert case_id is not None
        await officer.sees("waste?")
        await officer.press("tab")
        await officer.until(lambda: officer.case(case_id).row.area == "waste", "accepted")
        await officer.press("j", "j", "tab")
        assert officer.app.focused is officer.app.home.pane.view, "no suggestion: tab goes to the next pane"

    at_the_desk(desk, story)


def test_the_suggestion_is_accepted_by_enter_in_the_case(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.selected
        assert case_id is not None
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.sees("Suggested: Bins and recycling?", "because")
        await officer.press("J", "enter")
        await officer.until(lambda: officer.case(case_id).row.area == "waste", "accepted")
        await officer.sees("Accepted for")

    at_the_desk(desk, story)


def test_the_last_action_is_repeated_on_another_case(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        first, second, *_ = officer.listed
        await officer.press("t", "r", "o", "enter")
        await officer.until(lambda: officer.case(first).row.area == "roads", "tagged")
        await officer.press("j", ".")
        await officer.until(lambda: officer.case(second).row.area == "roads", "tagged by repeating")

    at_the_desk(desk, story)


def test_a_topic_is_tagged_with_its_area(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.selected
        assert case_id is not None
        await officer.press("t")
        await officer.write("missed")
        await officer.press("enter")
        await officer.until(lambda: officer.case(case_id).row.topic == "missed-bin", "tagged")
        assert officer.case(case_id).row.area == "waste"
        await officer.sees("waste/missed-bin")

    at_the_desk(desk, story)


def test_snoozing_reads_the_moment_back_and_refuses_nonsense(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.selected
        assert case_id is not None
        await officer.press("s")
        await officer.write("someday")
        await officer.sees("“someday” is not a")
        await officer.press("enter")
        assert not isinstance(officer.app.screen, type(officer.app.home)), "it still asks"
        await officer.press("ctrl+a", "ctrl+k")
        await officer.write("tomorrow 09:00")
        await officer.sees("Tue 17 Nov 2026 09:00 GMT")
        await officer.press("enter")
        await officer.until(lambda: officer.case(case_id).row.status is Status.SNOOZED, "snoozed")
        assert case_id not in officer.listed
        await officer.press("7")
        await officer.until(lambda: officer.listed == [case_id], "in the view of snoozed cases")

    at_the_desk(desk, story)


def test_a_note_is_written_and_not_lost_by_escape(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.selected
        assert case_id is not None
        await officer.press("i")
        await officer.write("ring her back")
        await officer.press("escape")
        await officer.on(Confirm)
        await officer.press("enter")
        await officer.sees("ring her back")
        await officer.press("ctrl+s")
        await officer.until(lambda: officer.said.startswith("Noted"), "noted")
        assert [event.note for event in officer.case(case_id).events if event.note] == ["ring her back"]

    at_the_desk(desk, story)


def test_views_by_number_bracket_and_sidebar(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("a", "2")
        await officer.until(lambda: len(officer.listed) == 1, "mine")
        await officer.sees("Mine  1 case")
        await officer.press("left_square_bracket")
        await officer.until(lambda: len(officer.listed) == 5, "queue")
        await officer.press("right_square_bracket", "right_square_bracket")
        await officer.sees("Waiting on contact  0 cases")
        await officer.press("1", "left", "G", "enter")
        await officer.until(lambda: officer.app.session.showing.filter == "account:mailbox", "an account")
        await officer.press("escape")
        await officer.until(lambda: len(officer.listed) == 5, "all of the queue")

    at_the_desk(desk, story)


def test_the_selection_of_a_view_is_found_again_when_one_comes_back(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("j", "j")
        chosen = officer.selected
        await officer.press("5", "1")
        assert officer.selected == chosen

    at_the_desk(desk, story)


# --- finding ----------------------------------------------------------------------------------------------------


def test_a_search_shows_hits_while_one_types_and_steps_through_them(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("j")
        chosen = officer.selected
        await officer.press("/")
        await officer.write("recy")
        await officer.until(lambda: len(officer.listed) == 1, "a hit")
        await officer.press("escape")
        await officer.until(lambda: len(officer.listed) == 5, "back")
        assert officer.selected == chosen
        await officer.press("/")
        await officer.write("the")
        await officer.press("enter")
        await officer.until(lambda: len(officer.listed) == 4, "hits")
        first = officer.selected
        await officer.press("n")
        second = officer.selected
        await officer.press("N")
        assert officer.selected == first != second
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.press("n")
        await officer.until(lambda: officer.app.screen.targets()[0].id == second, "the next hit, case to case")  # type: ignore[attr-defined]
        await officer.press("escape", "escape")
        await officer.until(lambda: len(officer.listed) == 5, "the search is over")
        await officer.press("n")
        await officer.until(lambda: len(officer.listed) == 4, "n brings the search back")

    at_the_desk(desk, story)


def test_typing_a_reference_opens_its_case(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        row = officer.case(officer.listed[2]).row
        await officer.press("/")
        await officer.write(row.ref.lower().replace("-", " "))
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.sees("When is the library open?")

    at_the_desk(desk, story)


def test_a_filter_narrows_and_a_wrong_one_says_what_was_meant(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("\\")
        await officer.write("urgency:urgnt")
        await officer.sees("There is no urgency", "Did you mean urgent?")
        assert len(officer.listed) == 5
        await officer.press("ctrl+a", "ctrl+k")
        await officer.write("from:person pothole")
        await officer.press("enter")
        await officer.until(lambda: len(officer.listed) == 1, "narrowed")
        await officer.sees("\\ from:person pothole")
        await officer.press("\\", "ctrl+a", "ctrl+k", "enter")
        await officer.until(lambda: len(officer.listed) == 5, "all again")

    at_the_desk(desk, story)


def test_no_letter_does_anything_while_one_types(desk: Desk) -> None:
    letters = "jkgGnNtleEaAsbiwyYorRvTfuzmqxVL123456789.;<>!"

    async def story(officer: Officer) -> None:
        events = len(officer.app.desk.store.log.of_case(officer.listed[0]))
        for opening in ("slash", "backslash", "colon", "i", "s", "A", "t"):
            await officer.press(opening)
            before = type(officer.app.screen), officer.app.focused
            await officer.write(letters)
            assert (type(officer.app.screen), officer.app.focused) == before, opening
            await officer.press("escape")
            if isinstance(officer.app.screen, Confirm):
                await officer.press("y")
            await officer.home()
        assert all(officer.case(each).row.status is Status.NEW for each in case_ids(officer.app.desk))
        assert len(officer.app.desk.store.log.of_case(officer.listed[0])) == events

    at_the_desk(desk, story)


# --- going and leaving ------------------------------------------------------------------------------------------


def test_at_80_columns_one_pane_at_a_time(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        assert "Person 0" in officer.text
        assert "MESSAGE" not in officer.text
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.sees("MESSAGE", "Held by", "? keys")
        await officer.press("escape", "V")
        await officer.sees("Repeat contacts", "Areas")
        await officer.press("j", "enter")
        await officer.until(lambda: officer.app.session.showing.view == "mine", "chosen")
        assert "Repeat contacts" not in officer.text

    at_the_desk(desk, story, size=SMALL)


def test_quitting_asks_and_the_safe_answer_is_the_default(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("q")
        await officer.on(Confirm)
        await officer.sees(*(str(button.label) for button in officer.app.screen.query(Button)))
        await officer.press("enter")
        await officer.home()
        await officer.press("escape", "escape")
        assert officer.app.screen is officer.app.home, "escape never quits"
        await officer.press("q", "y")
        await officer.until(lambda: officer.app._exit, "ended")

    at_the_desk(desk, story)


def test_a_terminal_that_is_too_small_says_so_until_it_grows(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.pilot.resize_terminal(50, 12)
        await officer.sees("too small", "60 columns")
        await officer.pilot.resize_terminal(80, 24)
        await officer.sees("Person 0")

    at_the_desk(desk, story)


def test_copying_says_what_was_copied(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        ref = officer.case(officer.listed[0]).row.ref
        await officer.press("y")
        assert officer.app.clipboard == ref
        assert ref in officer.said
        await officer.press("Y")
        await officer.until(lambda: officer.app.clipboard == "https://social.example/m0", "the link")

    at_the_desk(desk, story)


def test_only_web_addresses_are_opened_and_only_when_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def browser(link: str) -> bool:
        opened.append(link)
        return True

    monkeypatch.setattr("webbrowser.open", browser)
    arrive(desk, message("odd link", "odd", at=MONDAY - timedelta(days=2), url="file:///etc/passwd", author="Odd"))

    async def story(officer: Officer) -> None:
        await officer.press("o")
        await officer.until(lambda: "no web address" in officer.said, "refused")
        await officer.press("j", "o")
        await officer.on(Confirm)
        await officer.sees("https://social.example/m0")
        assert opened == []
        await officer.press("enter")
        await officer.home()
        assert opened == [], "the safe answer is the default"
        await officer.press("o", "y")
        await officer.until(lambda: opened == ["https://social.example/m0"], "opened")

    at_the_desk(desk, story)


def test_why_explains_line_by_line(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        ref = officer.case(officer.listed[0]).row.ref
        await officer.press("w")
        await officer.on(Message)
        lines = inbox.why(officer.app.desk, officer.listed[0])
        await officer.sees(f"Why: {ref}", lines[0])

    at_the_desk(desk, story)


def test_private_and_media_and_repeat_are_said_in_words(desk: Desk) -> None:
    person = Author(key="p@x", handle=clean_line("@p@x"), name=clean_line("Pat Quiet"))
    arrive(
        desk,
        message(
            "please keep this to yourselves", "p1", author=person, visibility=Visibility.PRIVATE, conversation="c1"
        ),
    )

    async def story(officer: Officer) -> None:
        await officer.sees("Pat Quiet", "PRIV")

    at_the_desk(desk, story)


def test_what_is_said_is_read_to_its_end_on_a_small_screen(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("My bin was missed", "1"))

    async def story(officer: Officer) -> None:
        status = officer.app.screen.query_one("#status")
        await officer.press("colon")
        await officer.write("view nonsense")
        await officer.press("enter")
        await officer.sees("There is no view 'nonsense'.", "closed, promised.")
        assert status.size.height == 2
        officer.app.say("Reported. " + "It goes on and on. " * 30 + "Sign in again.", "$alarm")
        await officer.sees("Reported.", "Sign in again.", "? keys")
        assert status.size.height == 4
        await officer.pilot.resize_terminal(*WIDE)
        await officer.sees("Sign in again.")
        officer.app.say("Done.")
        await officer.until(lambda: status.size.height == 1, "one line again")
        await officer.sees("Done.")

    at_the_desk(desk, story, size=SMALL)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
def test_how_the_last_poll_went_makes_room_for_who_sits_here(desk: Desk, size: tuple[int, int]) -> None:
    async def story(officer: Officer) -> None:
        app = officer.app
        app.polling = "polled, nothing new"
        app.board = replace(app.board, to_place=12, drafts=3)
        shown = ["".join(text for text, _ in part) for part in header_parts(app, "")]
        assert desk.officer in shown[0]
        assert "12 mails to place" in shown[1]
        assert ("polled" in shown[1]) is (app.size.width > 100)

    at_the_desk(desk, story, size=size)
