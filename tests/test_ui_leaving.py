"""Stories of what leaves: the handoff review, the undo window, the outbox, the contacts, the accounts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import (
    AccountState,
    Capabilities,
    LengthRule,
    OutboxKind,
    OutboxState,
    Status,
    Visibility,
)
from socialtriage.domain.times import iso
from socialtriage.domain.views import AccountView
from socialtriage.services import contacts, drafts, handoff, outbox, replies, triage
from socialtriage.services.desk import Desk
from socialtriage.services.outbox import Outcome
from socialtriage.services.replies import ReplyDraft, Wishes
from socialtriage.services.reply_rules import Rules
from socialtriage.services.sync import PollResult
from socialtriage.ui.screens.accounts import AccountsScreen
from socialtriage.ui.screens.ask import Ask, Write
from socialtriage.ui.screens.ask_when import AskWhen
from socialtriage.ui.screens.case import CaseScreen
from socialtriage.ui.screens.compose import Compose
from socialtriage.ui.screens.contacts import ContactsScreen
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.handoff import HandoffScreen
from socialtriage.ui.screens.outbox import OutboxScreen
from socialtriage.ui.screens.picker import Picker
from socialtriage.ui.screens.reply import ReplyScreen
from tests.doubles.desk import MONDAY, FrozenClock, arrive, case_ids, message, person, small_desk, the_case
from tests.doubles.ui_desk import SMALL, Officer, at_the_desk

if TYPE_CHECKING:
    from socialtriage.channels.base import Channel

TEXT = "My bin was missed. Call me on 07700 900123 or write to pat@mail.example, SW1A 1AA. Pat Quiet"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """One resident wrote about bins, with much that is nobody else's business."""
    desk = small_desk(tmp_path)
    arrive(desk, message(TEXT, "m1", author=person("Pat Quiet"), at=MONDAY - timedelta(hours=1)))
    triage.tag(desk, [the_case(desk)], area="waste")
    return desk


class Sixty:
    """As much of a network as a review asks for."""

    capabilities = Capabilities(reply_public=True, reply_private=True, start_private=True, pictures_public=1)

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """It takes 60 characters."""
        return LengthRule(len(text), 60, "characters")


class FakeEngine:
    """Sends when it is told to, and remembers what it was asked."""

    def __init__(self, desk: Desk | None = None) -> None:
        self.desk = desk
        self.retried: list[tuple[int, bool]] = []
        self.polled = 0
        self.report: Callable[[PollResult], None] | None = None
        self.sent: Callable[[Outcome], None] | None = None
        self.refuse = ""

    async def run(
        self, report: Callable[[PollResult], None], sent: Callable[[Outcome], None], state: Callable[[str], None]
    ) -> None:
        """Wait for ever; the test speaks through what it was given."""
        self.report, self.sent = report, sent
        await asyncio.Event().wait()

    def poll_now(self) -> bool:
        """Count."""
        self.polled += 1
        return True

    async def check(self, row_id: int) -> Outcome:
        """It is there."""
        return Outcome(row_id, OutboxState.SENT)

    async def reply_rules(self, case_id: int, *, private: bool = False, message: int | None = None) -> Rules:
        """As a network would that allows 60 characters."""
        visibility = Visibility.PRIVATE if private else Visibility.PUBLIC

        def measure(text: str) -> LengthRule:
            return LengthRule(len(text), 60, "characters")

        return Rules("town-mastodon", "mastodon", "@patquiet", visibility, measure, threaded=True)

    async def draft_reply(
        self, case_id: int, text: str, *, private: bool = False, wishes: Wishes | None = None
    ) -> ReplyDraft:
        """As a network would that allows 60 characters."""
        assert self.desk is not None
        channel = cast("Channel", Sixty())
        return replies.prepare(self.desk, channel, case_id, text, private=private, wishes=wishes)

    async def retry(self, row_id: int, *, anyway: bool = False) -> Outcome:
        """Note it."""
        self.retried.append((row_id, anyway))
        if self.refuse and not anyway:
            raise Refused(self.refuse)
        return Outcome(row_id, OutboxState.SENT)


def test_every_toggle_shows_what_it_hides_and_the_preview_follows(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("f")
        await officer.on(HandoffScreen)
        await officer.sees("[ ] Hide phone numbers", "07700 900123", "pat@mail.example", "SW1A 1AA", "Pat Quiet")
        screen = officer.app.screen
        assert isinstance(screen, HandoffScreen)
        assert "07700 900123" in screen.draft.mail.text
        await officer.press("j", "j", "j", "space")
        await officer.until(lambda: "[phone number]" in screen.draft.mail.text, "the phone number is masked")
        assert "07700 900123" not in screen.draft.mail.text
        await officer.sees("[x] Hide phone numbers", "[phone number]")
        await officer.press("r")
        await officer.until(lambda: screen.draft.redaction.names, "everything is masked")
        assert "Pat Quiet" not in screen.draft.mail.text
        await officer.press("r")
        await officer.until(lambda: not screen.draft.redaction, "nothing is masked")

    at_the_desk(desk, story)


def test_the_preview_is_what_leaves(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("f")
        await officer.on(HandoffScreen)
        screen = officer.app.screen
        assert isinstance(screen, HandoffScreen)
        await officer.press("e")
        await officer.on(Write)
        await officer.write("She has rung twice.")
        await officer.press("escape")
        await officer.on(HandoffScreen)
        await officer.until(lambda: "She has rung twice." in screen.draft.mail.text, "the note is in the mail")
        shown = screen.preview.text
        mail = screen.draft.mail
        await officer.press("y")
        await officer.home()
        row = desk.store.outbox.get(outbox.rows(desk)[0].id)
        assert row is not None
        assert row.data == mail.data
        for line in mail.text.splitlines():
            words = line.split()
            assert all(word in shown for word in words), line

    at_the_desk(desk, story)


def test_contact_and_date_are_chosen_by_key(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("f")
        await officer.on(HandoffScreen)
        screen = officer.app.screen
        assert isinstance(screen, HandoffScreen)
        await officer.press("c")
        await officer.on(Picker)
        await officer.write("high")
        await officer.press("enter")
        await officer.until(lambda: screen.draft.contact.id == "roads-team", "another contact")
        await officer.sees("roads@anytown.example", "you chose them")
        await officer.press("x")
        await officer.on(AskWhen)
        await officer.write("thu 12:00")
        await officer.press("enter")
        await officer.until(lambda: screen.choices.expect_by is not None, "another date")
        await officer.sees("Thu 19 Nov 12:00")

    at_the_desk(desk, story)


def test_a_postponed_handoff_is_taken_up_where_it_was_left(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("f")
        await officer.on(HandoffScreen)
        await officer.press("e")
        await officer.on(Write)
        await officer.write("Please look today")
        await officer.press("escape")
        await officer.sees("Please look today")
        await officer.press("r", "escape")
        await officer.home()
        assert "Nothing was sent" in officer.said
        assert outbox.rows(desk) == []
        await officer.press("f")
        await officer.sees("Please look today", "[x] Hide names")
        await officer.press("n")
        await officer.home()
        await officer.press("f")
        await officer.sees("Hide names")
        assert "Please look today" not in officer.text

    at_the_desk(desk, story)


def test_a_note_that_was_being_written_survives_the_end_of_the_program(desk: Desk, tmp_path: Path) -> None:
    drafts.keep(desk, the_case(desk), OutboxKind.HANDOFF, "half a thought")

    async def story(officer: Officer) -> None:
        await officer.press("f")
        await officer.on(HandoffScreen)
        await officer.sees("half a thought")

    at_the_desk(desk, story)


def test_the_undo_window_counts_down_and_u_takes_it_back(tmp_path: Path) -> None:
    clock = FrozenClock()
    desk = small_desk(tmp_path, clock=clock)
    arrive(desk, message(TEXT, "m1", author=person("Pat Quiet")))
    triage.tag(desk, [the_case(desk)], area="waste")

    async def story(officer: Officer) -> None:
        case_id = officer.listed[0]
        await officer.press("f")
        await officer.on(HandoffScreen)
        await officer.press("y")
        await officer.home()
        await officer.sees("leaves in 11 s, u takes it back", "outbox 1 to leave")
        clock.move(seconds=4)
        await officer.until(lambda: "leaves in 7 s" in officer.text, "it counts down")
        await officer.press("u")
        await officer.until(lambda: officer.said.startswith("Undone: Handed"), "taken back")
        assert officer.case(case_id).row.status is Status.OPEN
        await officer.until(lambda: "leaves in" not in officer.text, "nothing leaves")
        assert outbox.rows(desk) == []

    at_the_desk(desk, story)


def test_a_handoff_of_marked_cases_reviews_one_after_the_other(desk: Desk) -> None:
    arrive(desk, message("Bin again", "m2", author="Other", at=MONDAY - timedelta(minutes=5)))
    second = next(each for each in case_ids(desk) if desk.store.cases.get(each).area is None)
    triage.tag(desk, [second], area="waste")

    async def story(officer: Officer) -> None:
        await officer.press("space", "space", "f")
        await officer.on(HandoffScreen)
        first = officer.app.screen
        await officer.press("y")
        await officer.until(lambda: isinstance(officer.app.screen, HandoffScreen) and officer.app.screen is not first)
        await officer.press("y")
        await officer.home()
        assert len(outbox.rows(desk)) == 2

    at_the_desk(desk, story)


def test_the_review_fits_80_columns(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("f")
        await officer.on(HandoffScreen)
        await officer.sees("Hide postcodes", "EXACTLY THIS LEAVES", "y send", "? keys")

    at_the_desk(desk, story, size=SMALL)


# --- replies ----------------------------------------------------------------------------------------------------


def test_a_reply_is_written_reviewed_and_queued(desk: Desk) -> None:
    engine = FakeEngine(desk)

    async def story(officer: Officer) -> None:
        case_id = officer.listed[0]
        await officer.press("r")
        await officer.on(Compose)
        await officer.sees("PUBLIC on mastodon", "My bin was missed")
        await officer.write("Sorry, we come tomorrow.")
        await officer.press("escape")
        await officer.on(ReplyScreen)
        await officer.reads("From town-mastodon", "PUBLIC: anyone can read it", "24 of 60 characters", "EXACTLY THIS")
        await officer.press("y")
        await officer.home()
        row = outbox.rows(desk)[0]
        assert (row.kind, row.text, row.case_id) == (OutboxKind.REPLY, "Sorry, we come tomorrow.", case_id)
        assert "@patquiet@social.example" in officer.said

    at_the_desk(desk, story, engine=lambda: engine)


def test_a_reply_that_cannot_leave_says_why_and_is_mended(desk: Desk) -> None:
    engine = FakeEngine(desk)

    async def story(officer: Officer) -> None:
        await officer.press("r")
        await officer.on(Compose)
        await officer.write("word " * 20)
        await officer.press("escape")
        await officer.on(ReplyScreen)
        await officer.reads("It cannot leave like this", "99 of 60 characters")
        await officer.press("y")
        assert outbox.rows(desk) == []
        await officer.press("e")
        await officer.on(Compose)
        await officer.press("f7", "delete")
        await officer.write("Call us on 01632 960123")
        await officer.press("escape")
        await officer.reads("This is PUBLIC and holds personal data: phone number")
        await officer.press("D")
        await officer.on(Confirm)
        await officer.press("y")
        await officer.reads("PRIVATE: they alone can read it")
        await officer.press("y")
        await officer.home()
        row = desk.store.outbox.get(outbox.rows(desk)[0].id)
        assert row is not None
        assert row.payload["visibility"] == Visibility.PRIVATE

    at_the_desk(desk, story, engine=lambda: engine)


def test_a_saved_answer_is_put_in_and_filled(desk: Desk) -> None:
    engine = FakeEngine(desk)

    async def story(officer: Officer) -> None:
        ref = officer.case(officer.listed[0]).row.ref
        await officer.press("D")
        await officer.on(Compose)
        await officer.press("ctrl+o")
        await officer.on(Picker)
        await officer.write("miss")
        await officer.press("enter")
        await officer.on(Compose)
        await officer.sees(f"Your reference is {ref}", "https://anytown.example/bins")

    at_the_desk(desk, story, engine=lambda: engine)


def test_what_is_being_written_is_kept_at_every_pause_and_postponed_replies_wait(desk: Desk) -> None:
    engine = FakeEngine(desk)

    async def story(officer: Officer) -> None:
        case_id = officer.listed[0]
        await officer.press("r")
        await officer.on(Compose)
        await officer.write("half a th")
        await officer.until(lambda: drafts.kept(desk, case_id, OutboxKind.REPLY) == "half a th", "kept")
        await officer.press("escape")
        await officer.on(ReplyScreen)
        await officer.press("p")
        await officer.home()
        await officer.press("r")
        await officer.on(Compose)
        await officer.write("ought: yes")
        await officer.press("escape")
        await officer.reads("half a thought: yes")
        assert outbox.rows(desk) == [], "no letter of the words was taken for a key of the review"
        await officer.press("n")
        await officer.home()
        assert drafts.kept(desk, case_id, OutboxKind.REPLY) == ""
        await officer.press("r")
        await officer.on(Compose)

    at_the_desk(desk, story, engine=lambda: engine)


# --- the outbox -------------------------------------------------------------------------------------------------


def queue_one(desk: Desk, state: OutboxState, error: str) -> int:
    """A handoff in the outbox, in a state."""
    done = handoff.queue(desk, handoff.prepare(desk, the_case(desk)))
    assert done.row_id is not None
    with desk.store.transaction("test", desk.clock()) as tx:
        tx.outbox.settle(done.row_id, state, error=error)
    return done.row_id


def test_the_outbox_says_why_and_tries_again(desk: Desk) -> None:
    engine = FakeEngine()
    row_id = queue_one(desk, OutboxState.FAILED, "The mail server said no: 550 no such user.")

    async def story(officer: Officer) -> None:
        await officer.sees("1 failed")
        await officer.press("f3")
        await officer.on(OutboxScreen)
        await officer.sees("failed", "waste@anytown.example", "1 needs you")
        await officer.reads("550 no such user")
        await officer.press("r")
        await officer.until(lambda: engine.retried == [(row_id, False)], "tried again")
        await officer.until(lambda: officer.said.startswith("Sent:"), "said")

    at_the_desk(desk, story, engine=lambda: engine)


def test_an_unknown_row_is_sent_again_only_after_a_question_with_a_safe_answer(desk: Desk) -> None:
    engine = FakeEngine()
    engine.refuse = "A mail server cannot be asked."
    row_id = queue_one(desk, OutboxState.UNKNOWN, "The answer was lost.")

    async def story(officer: Officer) -> None:
        await officer.press("f3", "r")
        await officer.on(Confirm)
        await officer.sees("a second time")
        await officer.press("enter")
        await officer.on(OutboxScreen)
        assert engine.retried == [(row_id, False)]
        await officer.press("r")
        await officer.on(Confirm)
        await officer.press("y")
        await officer.until(lambda: engine.retried[-1] == (row_id, True), "sent anyway")

    at_the_desk(desk, story, engine=lambda: engine)


def test_a_row_is_dropped_after_a_question_and_its_case_opens_with_enter(desk: Desk) -> None:
    queue_one(desk, OutboxState.FAILED, "no")

    async def story(officer: Officer) -> None:
        await officer.press("f3", "enter")
        await officer.on(CaseScreen)
        await officer.press("escape")
        await officer.on(OutboxScreen)
        await officer.press("d")
        await officer.on(Confirm)
        await officer.press("y")
        await officer.until(lambda: outbox.rows(desk) == [], "dropped")
        await officer.sees("Nothing waits to leave")
        assert officer.case(the_case(desk)).row.status is Status.OPEN

    at_the_desk(desk, story)


def test_what_became_of_a_row_is_said_when_it_happens(desk: Desk) -> None:
    engine = FakeEngine()
    row_id = queue_one(desk, OutboxState.QUEUED, "")

    async def story(officer: Officer) -> None:
        await officer.until(lambda: engine.sent is not None and officer.app.board.outbox, "begun")
        assert engine.sent is not None
        engine.sent(Outcome(row_id, OutboxState.SENT))
        assert officer.said.startswith("Sent: handoff ABC-")
        engine.sent(Outcome(row_id, OutboxState.FAILED, "550 [/nope] no"))
        await officer.sees("Failed:", "[/nope]")

    at_the_desk(desk, story, engine=lambda: engine)


def test_mail_really_leaves_into_the_folder(desk: Desk, tmp_path: Path) -> None:
    from socialtriage.config.model import Keyring
    from socialtriage.services.secrets import SecretStore
    from socialtriage.ui.engine import DeskEngine

    paused = small_desk(tmp_path, config=_paused())
    desk.close()

    async def story(officer: Officer) -> None:
        await officer.press("f")
        await officer.on(HandoffScreen)
        await officer.press("y")
        await officer.home()
        await officer.sees("leaves in")
        clock = paused.clock
        assert isinstance(clock, FrozenClock)
        clock.move(seconds=12)
        await officer.until(lambda: officer.said.startswith("Sent: handoff"), "sent")
        assert len(list((tmp_path / "sent").glob("*.eml"))) == 1

    at_the_desk(paused, story, engine=lambda: DeskEngine(paused, SecretStore(Keyring())))


def _paused() -> str:
    from tests.doubles.desk import CONFIG

    lines = [line + "\npaused = true" if line.startswith("network = ") else line for line in CONFIG.splitlines()]
    return "\n".join(lines)


# --- accounts and contacts --------------------------------------------------------------------------------------


def test_accounts_say_their_state_what_to_do_and_what_may_be_missing(desk: Desk) -> None:
    from socialtriage.domain.models import Gap

    with desk.store.transaction("test", desk.clock()) as tx:
        tx.accounts.update(
            "town-mastodon", state=AccountState.LOGIN_NEEDED, detail="The token was revoked.", last_poll_at=desk.clock()
        )
        tx.accounts.add_gap("town-mastodon", Gap(MONDAY - timedelta(hours=5), MONDAY, "the server was away"))

    async def story(officer: Officer) -> None:
        await officer.sees("0/3 accounts, 1 needs you")
        await officer.press("f2")
        await officer.on(AccountsScreen)
        await officer.sees("sign in needed", "MAY BE MISSING", "Accounts")
        await officer.reads("The token was revoked.", "accounts login town-mastodon", "the server was away")
        await officer.press("j")
        await officer.sees("never polled")
        await officer.press("f4")
        await officer.on(ContactsScreen)
        await officer.press("escape")
        await officer.home()

    at_the_desk(desk, story)


def test_an_account_that_is_behind_and_what_its_network_allows_are_said_on_every_screen(
    desk: Desk, tmp_path: Path
) -> None:
    since = MONDAY - timedelta(days=2, hours=16, minutes=20)
    allowed = {"left": 287.0, "limit": 300.0, "of": "", "at": iso(MONDAY)}
    allowed["renewed_at"] = iso(MONDAY + timedelta(minutes=4))
    with desk.store.transaction("test", desk.clock()) as tx:
        for account in desk.config.accounts:
            tx.accounts.ensure(account.id, account.network, "")
            tx.accounts.update(account.id, state=AccountState.OK, last_ok_at=desk.clock())
        tx.accounts.update("town-mastodon", behind_since=since, allowance=json.dumps(allowed))

    async def wide(officer: Officer) -> None:
        await officer.sees("3/3 accounts: catching up, newest first: 1 of 3 still reads back to Fri 13 Nov 17:40")
        await officer.press("f2")
        await officer.on(AccountsScreen)
        await officer.sees("OK, catching up")
        await officer.reads(
            "OK, catching up: newest first, then back to Fri 13 Nov 17:40", "287 of 300 requests left until 10:04"
        )
        await officer.press("j")
        await officer.reads("leisure")
        assert "requests left" not in officer.running_text

    async def small(officer: Officer) -> None:
        await officer.sees("3/3 accounts, catching up")

    at_the_desk(desk, wide, size=(190, 40))
    at_the_desk(small_desk(tmp_path), small, size=SMALL)


def test_every_account_state_has_words_and_a_colourless_sign() -> None:
    from socialtriage.services.accounts import WORDS
    from socialtriage.ui.board import QUIET, Board

    for state in AccountState:
        assert WORDS[state]
        view = AccountView("a", "x", "", state, "", None, None, None, None, None, 0)
        assert Board(accounts=(view,)).broken() == (state not in QUIET)


def test_polling_now_says_so(desk: Desk) -> None:
    engine = FakeEngine()

    async def story(officer: Officer) -> None:
        await officer.press("R")
        assert engine.polled == 1
        await officer.sees("Polling every account.")
        assert engine.report is not None
        engine.report(PollResult("town-mastodon", "mastodon", new=3))
        await officer.sees("3 new from town-mastodon")

    at_the_desk(desk, story, engine=lambda: engine)


def test_contacts_go_away_and_come_back_and_the_deputy_is_chosen(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("f4")
        await officer.on(ContactsScreen)
        await officer.sees("Waste services", "Contact centre", "not known yet")
        await officer.press("a")
        await officer.on(Ask)
        await officer.write("2026-11-20")
        await officer.press("enter")
        await officer.until(lambda: "is away until 20 November" in officer.said, "away")
        await officer.sees("away until 20 Nov", "1 away")
        await officer.press("escape", "f")
        await officer.on(HandoffScreen)
        await officer.sees("centre@anytown.example")
        await officer.press("escape", "f4")
        await officer.on(ContactsScreen)
        await officer.press("b")
        await officer.until(lambda: officer.said == "Waste services is back.", "back")
        assert contacts.listing(desk)[0].away_until is None

    at_the_desk(desk, story)


def test_a_date_that_is_none_is_refused_with_a_sentence(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("f4", "a")
        await officer.on(Ask)
        await officer.write("whenever")
        await officer.press("enter")
        await officer.until(lambda: "is not a date" in officer.said, "refused")

    at_the_desk(desk, story)
