"""Stories of answering at the screen: the thread in view, the review, threads, promises, saved answers, approval."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.config.load import load
from socialtriage.config.model import Config
from socialtriage.domain.models import OutboxKind, OutboxState, Status, Visibility
from socialtriage.services import drafts, inbox, outbox, promises, replies, triage
from socialtriage.services.desk import Desk
from socialtriage.services.replies import Wishes
from socialtriage.ui.screens.ask import Ask, Write
from socialtriage.ui.screens.ask_when import AskWhen
from socialtriage.ui.screens.choices import LetterDialog
from socialtriage.ui.screens.compose import Compose
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.once import OnceScreen
from socialtriage.ui.screens.outbox import OutboxScreen
from socialtriage.ui.screens.reply import ReplyScreen
from tests.doubles.desk import (
    CONFIG,
    MONDAY,
    FrozenClock,
    arrive,
    case_ids,
    kinds,
    message,
    person,
    small_desk,
    the_case,
)
from tests.doubles.ui_desk import SMALL, Officer, at_the_desk
from tests.test_ui_leaving import FakeEngine

SHORT = CONFIG.replace(
    'text = "Sorry about that. Your reference is {ref}. Report it at {link}."', 'text = "Sorry. It is {ref}."'
)
THREE = "One two three four five six seven. Eight nine ten eleven twelve. Thirteen fourteen fifteen sixteen."


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two messages in one thread, by one resident."""
    (tmp_path / "config.toml").write_text("# ours\n" + SHORT, encoding="utf-8")
    desk = small_desk(tmp_path, config=SHORT)
    hour = timedelta(hours=1)
    arrive(desk, message("My bin was missed", "m1", author=person("Pat"), at=MONDAY - 2 * hour, thread="t"))
    arrive(desk, message("Still nobody came", "m2", author=person("Pat"), at=MONDAY - hour, thread="t"))
    return desk


def sent(desk: Desk, case_id: int, text: str) -> None:
    """A reply that left."""
    done = replies.queue(desk, replies.prepare(desk, None, case_id, text), undo_seconds=0)
    with desk.store.transaction("JS", desk.clock()) as tx:
        tx.outbox.settle(done.row_id or 0, OutboxState.SENT, remote_id=f"o{case_id}", sent_at=desk.clock())


@pytest.mark.parametrize("size", [SMALL, (120, 40)])
def test_the_thread_is_in_view_and_the_length_is_counted_while_one_writes(desk: Desk, size: tuple[int, int]) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("r")
        await officer.on(Compose)
        await officer.sees("Still nobody came", "PUBLIC on mastodon as town-mastodon: 0 of 60 characters")
        await officer.reads("My bin was missed")
        await officer.write("x" * 61)
        await officer.sees("61 of 60 characters, 1 too many")

    at_the_desk(desk, story, size=size, engine=lambda: FakeEngine(desk))


def test_who_reads_it_changes_by_a_confirmed_key_only_and_outlives_the_program(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.listed[0]
        await officer.press("r")
        await officer.on(Compose)
        await officer.write("Which house?")
        await officer.press("escape")
        await officer.reads("Appears below what @pat@social.example wrote", "12 of 60")
        for key in ("d", "f", "t", "1", "P", "space", "enter", "tab", "D"):
            await officer.press(key)
        await officer.on(Confirm)
        await officer.press("enter")
        await officer.reads("PUBLIC: anyone can read it")
        await officer.press("D", "y")
        await officer.reads("PRIVATE: they alone can read it", "in a new private conversation")
        assert drafts.kept_reply(desk, case_id).private
        await officer.press("p")
        await officer.home()
        officer.app.session.replies.clear()
        await officer.press("r")
        await officer.on(Compose)
        await officer.press("escape")
        await officer.reads("PRIVATE: they alone can read it", "Which house?")
        await officer.press("y")
        await officer.home()
        row = desk.store.outbox.get(outbox.rows(desk)[0].id)
        assert row is not None
        assert (row.account, row.payload["visibility"]) == ("town-mastodon", Visibility.PRIVATE)

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))


def test_a_thread_needs_consent_and_shows_its_parts(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("r")
        await officer.on(Compose)
        await officer.write(THREE)
        await officer.press("escape")
        await officer.reads("It cannot leave like this", "send it as a thread of")
        await officer.press("y")
        assert outbox.rows(desk) == []
        await officer.press("s")
        await officer.reads("the longest of", "1 of", "One two three four five six seven. (1/")
        await officer.press("y")
        await officer.home()
        rows = sorted(outbox.rows(desk), key=lambda row: row.id)
        assert len(rows) > 1
        assert [row.after_id for row in rows] == [None, *(row.id for row in rows[:-1])]
        await officer.press("u")
        await officer.until(lambda: officer.said.startswith("Undone"), "taken back")
        assert drafts.kept_reply(desk, officer.listed[0]).text == THREE

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))


def test_a_case_that_changed_while_one_wrote_is_not_answered_blindly(desk: Desk, tmp_path: Path) -> None:
    other = small_desk(tmp_path, officer="MK", config=SHORT)

    async def story(officer: Officer) -> None:
        await officer.press("r")
        await officer.on(Compose)
        await officer.write("We come today.")
        triage.tag(other, [officer.listed[0]], area="roads")
        await officer.press("escape")
        await officer.reads("It cannot leave like this", "changed since you opened it", "MK: case tagged")
        await officer.press("y")
        assert outbox.rows(desk) == []
        await officer.press("e")
        await officer.on(Compose)
        await officer.press("escape")
        await officer.reads("EXACTLY THIS LEAVES", "We come today.")
        triage.claim(other, [officer.listed[0]])
        await officer.press("y")
        await officer.reads("MK: case assigned")
        assert outbox.rows(desk) == []
        other.close()

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))


def test_promises_are_made_by_key_in_words_and_in_the_review(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.listed[0]
        await officer.press("d")
        await officer.on(AskWhen)
        await officer.write("thu 17:00")
        await officer.press("enter")
        await officer.until(lambda: "word by Thursday 19 November, 17:00" in officer.said, "promised")
        assert officer.case(case_id).promised_at == promises.moment(desk, "thu 17:00")
        await officer.press("r")
        await officer.on(Compose)
        await officer.write("We come ")
        await officer.press("ctrl+t")
        await officer.on(AskWhen)
        await officer.write("wed 12:00")
        await officer.press("enter")
        await officer.on(Compose)
        await officer.sees("promise: Wed 18 Nov 12:00")
        await officer.press("escape")
        await officer.reads(
            "We come by Wednesday 18 November, 12:00", "word by Wed 18 Nov 12:00: it becomes the deadline"
        )
        await officer.press("y")
        await officer.home()
        row = desk.store.outbox.get(outbox.rows(desk)[0].id)
        assert row is not None
        assert row.payload["promise"].startswith("2026-11-18T12:00")

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))


def test_acknowledging_in_one_key_leaves_after_its_window_and_u_takes_it_back(desk: Desk) -> None:
    desk.config = load_short(desk)

    async def story(officer: Officer) -> None:
        case_id = officer.listed[0]
        await officer.press("h")
        await officer.until(lambda: officer.said.startswith("Acknowledged @pat"), "acknowledged")
        [row] = outbox.rows(desk)
        assert row.text == f"Thanks: {officer.case(case_id).row.ref}."
        assert row.not_before is not None
        await officer.press("h")
        await officer.until(lambda: "a reply in the outbox already" in officer.said, "only once")
        await officer.press("u")
        await officer.until(lambda: outbox.rows(desk) == [], "taken back")
        assert drafts.kept_reply(desk, case_id).text == ""

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))


def load_short(desk: Desk) -> Config:
    from msgspec.structs import replace

    from socialtriage.config.model import Acknowledge

    return replace(desk.config, acknowledge=Acknowledge(text="Thanks: {ref}."))


def test_a_saved_answer_never_silently_replaces_a_draft(desk: Desk) -> None:
    drafts.keep(desk, the_case(desk), OutboxKind.REPLY, "my own words")

    async def story(officer: Officer) -> None:
        await officer.press("S")
        await officer.on(LetterDialog)
        await officer.sees("a  missed-bin", "Sorry. It is {ref}.")
        await officer.press("a")
        await officer.on(Confirm)
        await officer.sees("my own words")
        await officer.press("enter")
        await officer.home()
        await officer.press("S", "a")
        await officer.on(Confirm)
        await officer.press("y")
        await officer.on(ReplyScreen)
        await officer.reads(f"Sorry. It is {officer.case(officer.listed[0]).row.ref}.")

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))


def test_a_reply_that_was_sent_becomes_a_saved_answer_in_the_file_with_its_comments(desk: Desk, tmp_path: Path) -> None:
    case_id = the_case(desk)
    triage.tag(desk, [case_id], area="waste")
    ref = desk.store.cases.get(case_id).ref
    sent(desk, case_id, f"Sorry Pat, see https://anytown.example/bins for {ref}.")

    async def story(officer: Officer) -> None:
        await officer.press("plus")
        await officer.on(Write)
        await officer.sees("see {link} for {ref}.")
        await officer.press("escape")
        await officer.on(Ask)
        await officer.write("Look it up!")
        await officer.press("enter")
        await officer.until(lambda: officer.said == "Saved as the answer look-it-up.", "saved")
        await officer.press("S")
        await officer.on(LetterDialog)
        await officer.sees("look-it-up")

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))
    text = (tmp_path / "config.toml").read_text(encoding="utf-8")
    assert text.startswith("# ours\n")
    kept = next(each for each in load(tmp_path / "config.toml").answers if each.id == "look-it-up")
    assert (kept.area, kept.text) == ("waste", "Sorry {name}, see {link} for {ref}.")


def test_the_same_answer_reaches_everybody_who_asked_the_same_each_by_itself_and_in_turn(desk: Desk) -> None:
    first = the_case(desk)
    for name in ("Ada", "Bob", "Cyd"):
        arrive(desk, message(f"{name} here: my bin was missed again", author=person(name)))
    arrive(desk, message("A pothole in the road", author=person("Eve")))
    triage.tag(desk, [each for each in case_ids(desk) if desk.store.cases.get(each).suggested_area], area="waste")
    sent(desk, first, "Sorry Pat, the lorry broke down: we come tomorrow.")

    async def story(officer: Officer) -> None:
        officer.app.home.cases.select(first)
        await officer.press("equals_sign")
        await officer.on(OnceScreen)
        await officer.sees("3 of 3 cases to be answered, half a minute apart")
        await officer.reads("EXACTLY THIS LEAVES", "the lorry broke down")
        await officer.press("space")
        await officer.sees("2 of 3 cases")
        await officer.press("y")
        await officer.home()
        await officer.until(lambda: officer.said.startswith("Answered 2 cases"), "answered")
        fresh = [row for row in outbox.rows(desk) if row.state is OutboxState.QUEUED]
        assert len({row.case_id for row in fresh}) == 2
        times = sorted(row.not_before for row in fresh if row.not_before)
        assert times[1] - times[0] == timedelta(seconds=30)

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))


def test_a_second_officer_approves_and_returns_in_the_outbox(tmp_path: Path) -> None:
    config = SHORT.replace('holidays = "GB-ENG"', 'holidays = "GB-ENG"\nsupervised = ["TR"]')
    trainee = small_desk(tmp_path, officer="TR", config=config)
    arrive(trainee, message("My bin was missed", author=person("Pat")))
    case_id = the_case(trainee)
    replies.queue(trainee, replies.prepare(trainee, None, case_id, "Tomorrow, I think. Call 07700 900123."))
    desk = small_desk(tmp_path, officer="MK", config=config)

    async def story(officer: Officer) -> None:
        await officer.press("f3")
        await officer.on(OutboxScreen)
        await officer.sees("approval", "1 waits for approval")
        await officer.reads("written by TR; y approves it", "Seen by PUBLIC", "holds personal data: phone number")
        await officer.press("b")
        await officer.on(Write)
        await officer.write("No guessing.")
        await officer.press("ctrl+s")
        await officer.until(lambda: outbox.rows(desk) == [], "returned")
        replies.queue(trainee, replies.prepare(trainee, None, case_id, "Tomorrow."))
        await officer.until(lambda: "1 waits for approval" in officer.text, "another")
        await officer.press("y")
        await officer.until(lambda: officer.said.startswith("Approved TR's reply"), "approved")
        [row] = outbox.rows(desk)
        assert (row.held, row.not_before is not None) == (None, True)
        await officer.press("y")
        await officer.until(lambda: "does not wait for approval" in officer.said, "nothing more to approve")

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))
    assert drafts.kept_reply(trainee, case_id).text == ""
    assert {"reply.returned", "reply.approved"} <= set(kinds(trainee, case_id))
    trainee.close()


def test_the_trainee_sees_why_it_was_returned(tmp_path: Path) -> None:
    from socialtriage.services import approvals

    config = SHORT.replace('holidays = "GB-ENG"', 'holidays = "GB-ENG"\nsupervised = ["TR"]')
    desk = small_desk(tmp_path, officer="TR", config=config)
    chief = small_desk(tmp_path, officer="MK", config=config, clock=FrozenClock())
    arrive(desk, message("My bin was missed", author=person("Pat")))
    done = replies.queue(desk, replies.prepare(desk, None, the_case(desk), "Soon.", wishes=Wishes(private=True)))
    approvals.give_back(chief, done.row_id or 0, "Say when.")
    chief.close()

    async def story(officer: Officer) -> None:
        await officer.press("r")
        await officer.on(Compose)
        await officer.reads("MK returned your reply: Say when.")
        await officer.press("escape")
        await officer.reads("Soon.", "PRIVATE", "waits for the approval of a second officer")
        assert inbox.detail(desk, officer.listed[0]).row.status is Status.OPEN

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))


def test_a_picture_is_added_in_the_review_and_outlives_the_program(desk: Desk, tmp_path: Path) -> None:
    from tests.doubles.media import png

    place = tmp_path / "map.png"
    place.write_bytes(png())

    async def story(officer: Officer) -> None:
        await officer.press("r")
        await officer.on(Compose)
        await officer.write("It is attached.")
        await officer.press("escape")
        await officer.reads("It speaks of something attached, and nothing is attached.")
        await officer.press("a")
        await officer.on(Ask)
        await officer.write(str(place))
        await officer.press("enter")
        await officer.on(Ask)
        await officer.write("A map of the works")
        await officer.press("enter")
        await officer.reads("map.png: A map of the works")
        assert "nothing is attached" not in officer.running_text
        assert drafts.kept_reply(desk, officer.listed[0]).files == ((str(place), "A map of the works"),)
        await officer.press("A")
        await officer.reads("nothing is attached")

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))


def test_an_unknown_reply_is_looked_up_at_its_source_by_a_key(desk: Desk) -> None:
    engine = FakeEngine(desk)
    done = replies.queue(desk, replies.prepare(desk, None, the_case(desk), "Soon."))
    with desk.store.transaction("JS", desk.clock()) as tx:
        tx.outbox.settle(done.row_id or 0, OutboxState.UNKNOWN, error="The answer was lost.")

    async def story(officer: Officer) -> None:
        await officer.press("f3")
        await officer.on(OutboxScreen)
        await officer.reads("c asks the source")
        await officer.press("c")
        await officer.until(lambda: officer.said.startswith("Sent: reply"), "it was found")

    at_the_desk(desk, story, engine=lambda: engine)
