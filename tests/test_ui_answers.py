"""What comes back from contacts, at the screen: telling the resident, placing mails, reminding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from socialtriage.domain.models import OutboxKind, OutboxState, Status
from socialtriage.services import contacts, drafts, outbox
from socialtriage.ui.screens.answers import AnswersScreen
from socialtriage.ui.screens.ask import Ask
from socialtriage.ui.screens.chase import ChaseScreen
from socialtriage.ui.screens.compose import Compose
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.handoff import HandoffScreen
from socialtriage.ui.screens.reply import ReplyScreen
from tests.doubles.answer_desk import AnswerDesk
from tests.doubles.imap import ImapDouble
from tests.doubles.ui_desk import SMALL, Officer, at_the_desk
from tests.test_ui_leaving import FakeEngine


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[AnswerDesk]:
    with ImapDouble() as server:
        yield AnswerDesk(tmp_path, server)


def test_from_the_contacts_answer_to_the_resident_in_five_keys_at_most(desk: AnswerDesk) -> None:
    desk.case("Another resident, another bin")
    case_id, handed = desk.handed()
    desk.answer(handed, "Collected at ten.\n\n-- \nPat")
    keys = ["4", "p", "escape", "y"]

    async def story(officer: Officer) -> None:
        await officer.press(keys[0])
        await officer.until(lambda: officer.selected == case_id, "the answered case is selected")
        await officer.reads("A contact answered. p makes their words the draft of an answer")
        await officer.press(keys[1])
        await officer.on(Compose)
        await officer.sees("Collected at ten.")
        assert officer.case(case_id).row.status is Status.TELL_RESIDENT
        await officer.press(keys[2])
        await officer.on(ReplyScreen)
        await officer.reads("Collected at ten.", "as they came")
        assert outbox.rows(desk.desk)[0].kind is OutboxKind.HANDOFF
        await officer.press(keys[3])
        await officer.home()
        await officer.until(lambda: outbox.rows(desk.desk)[0].kind is OutboxKind.REPLY, "the reply is queued")
        assert outbox.rows(desk.desk)[0].text == "Collected at ten."

    assert len(keys) <= 5
    at_the_desk(desk.desk, story, engine=lambda: FakeEngine(desk.desk))


def test_what_was_begun_is_kept_above_the_contacts_words(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.answer(handed, "Collected at ten.")
    drafts.keep(desk.desk, case_id, OutboxKind.REPLY, "Dear Pat,")

    async def story(officer: Officer) -> None:
        await officer.press("4", "p")
        await officer.on(Compose)
        await officer.write(" Regards")
        await officer.press("escape")
        await officer.on(ReplyScreen)
        await officer.reads("Dear Pat, Collected at ten. Regards")
        await officer.press("p")
        await officer.home()
        await officer.press("p")
        await officer.on(Compose)
        await officer.press("escape")
        await officer.on(ReplyScreen)
        assert officer.app.screen.written.text == "Dear Pat,\n\nCollected at ten. Regards"  # type: ignore[attr-defined]
        await officer.press("n")
        await officer.home()

    at_the_desk(desk.desk, story, engine=lambda: FakeEngine(desk.desk))


def test_mails_are_let_in_placed_and_ignored(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    other, _ = desk.handed("Another bin")
    ref = desk.show(other).row.ref
    desk.answer(handed, "One.", From="jo@anytown.example")
    hostile = "Two. \x1b[31m[bold]\u202e[@click=app.quit]"
    desk.answer(body=hostile, From="=?utf-8?q?=1B=5D0=3Bx=07?= <x@evil.example>", Subject="=?utf-8?q?hello=1B[2J?=")
    desk.answer(body="Three.", From="x@evil.example", Subject="win")

    async def story(officer: Officer) -> None:
        await officer.sees("3 mails to place")
        await officer.press("f5")
        await officer.on(AnswersScreen)
        await officer.sees("3 mails to place", "jo@anytown.example")
        await officer.reads("neither the contact nor a deputy", "One.")
        await officer.press("a")
        await officer.until(lambda: officer.case(case_id).row.status is Status.TELL_RESIDENT, "let in")
        await officer.sees("2 mails to place")
        await officer.press("a")
        await officer.on(Ask)
        await officer.write(ref.lower())
        await officer.press("enter")
        await officer.until(lambda: officer.case(other).row.status is Status.TELL_RESIDENT, "placed")
        await officer.sees("1 mail to place")
        await officer.press("x")
        await officer.sees("No mail of a contact waits")
        await officer.press("escape")
        await officer.home()

    at_the_desk(desk.desk, story)


def test_an_absence_is_noted_by_a_key_and_the_deputy_offered(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.answer(handed, "I am on leave.", Subject="Out of office", Auto_Submitted="auto-replied")

    async def story(officer: Officer) -> None:
        await officer.press("f5")
        await officer.on(AnswersScreen)
        await officer.press("a")
        await officer.on(Ask)
        await officer.write("+7d")
        await officer.press("enter")
        await officer.until(lambda: contacts.listing(desk.desk)[0].away_until, "the absence is noted")
        await officer.on(Confirm)
        await officer.sees("Contact centre stands in")
        await officer.press("y")
        await officer.on(HandoffScreen)
        await officer.reads("centre@anytown.example")
        await officer.press("y")
        await officer.on(AnswersScreen)
        assert [each.contact for each in desk.handoffs(case_id)] == ["waste-team", "contact-centre"]

    at_the_desk(desk.desk, story, size=SMALL)


def test_a_late_contact_is_seen_and_reminded_then_the_deputy(desk: AnswerDesk) -> None:
    case_id, _ = desk.handed()
    desk.clock.move(days=2)

    async def story(officer: Officer) -> None:
        await officer.press("3")
        await officer.sees("contact late")
        await officer.reads("The contact is late. c reminds them")
        await officer.press("c")
        await officer.on(ChaseScreen)
        await officer.reads("Reminder 1", "No answer came yet", "Our mail of")
        await officer.press("f")
        assert "No deputy is suggested" in officer.said
        await officer.press("y")
        await officer.home()
        await officer.until(lambda: outbox.rows(desk.desk)[0].kind is OutboxKind.CHASE, "the reminder is queued")
        await officer.press("u")
        await officer.until(lambda: len(outbox.rows(desk.desk)) == 1, "the reminder is taken back")
        contacts.away(desk.desk, "waste-team", desk.clock().date())
        await officer.press("c")
        await officer.on(ChaseScreen)
        await officer.reads("f hands it to Contact centre instead")
        await officer.press("f")
        await officer.on(HandoffScreen)
        await officer.press("y")
        await officer.home()
        await officer.until(lambda: len(officer.case(case_id).handoffs) == 2, "the deputy has it")
        handed = officer.case(case_id).handoffs[-1]
        assert (handed.contact, handed.state) == ("contact-centre", OutboxState.QUEUED)

    at_the_desk(desk.desk, story)


def test_the_contacts_screen_says_who_has_what_and_who_is_late(desk: AnswerDesk) -> None:
    first, handed = desk.handed()
    second, _ = desk.handed("Another bin")
    desk.answer(handed)
    desk.clock.move(days=2)
    ref = desk.show(second).row.ref

    async def story(officer: Officer) -> None:
        await officer.press("f4")
        await officer.sees("1 open!", "1h00")
        await officer.reads("an answer within 1d", f"{ref} expected", "(late)")

    assert desk.show(first).row.status is Status.TELL_RESIDENT
    at_the_desk(desk.desk, story)
