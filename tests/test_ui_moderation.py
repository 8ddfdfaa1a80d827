"""At the screen: files are opened after a question, people are blocked with a reason, what is missing is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from socialtriage.domain.models import MediaItem, MediaState, OutboxKind
from socialtriage.domain.text import clean_line
from socialtriage.services import drafts, handoff, handoff_files, moderation, needs, outbox, triage
from socialtriage.services.desk import Desk
from socialtriage.ui.handlers import evidence
from socialtriage.ui.screens.ask import Ask
from socialtriage.ui.screens.case import CaseScreen
from socialtriage.ui.screens.compose import Compose
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.handoff import HandoffScreen
from socialtriage.ui.screens.moderate import Reason
from socialtriage.ui.screens.moderation import ModerationScreen
from socialtriage.ui.screens.picker import Picker
from socialtriage.ui.screens.reply import ReplyScreen
from tests.doubles.desk import CONFIG, FrozenClock, arrive, message, small_desk, the_case
from tests.doubles.media import photo
from tests.doubles.ui_desk import Officer, at_the_desk

WORDS = '[moderation]\nhold = ["scum*"]\n\n[outbox]'


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A rude message with a photo, in an area that needs to know more."""
    config = CONFIG.replace("[outbox]", WORDS).replace(
        'self_serve = "https://anytown.example/bins"',
        'self_serve = "https://anytown.example/bins"\nneeds = ["address", "collection day"]',
    )
    desk = small_desk(tmp_path, config=config)
    files = (
        MediaItem(kind="image", name=clean_line("bins"), mime="image/jpeg", data=photo()),
        MediaItem(kind="file", name=clean_line("clip"), state=MediaState.WITHHELD),
    )
    arrive(desk, message("You scum, my bin was missed", "m1", media=files))
    triage.tag(desk, [the_case(desk)], area="waste")
    return desk


def test_a_held_case_is_marked_blocked_with_a_reason_and_reviewed(desk: Desk) -> None:
    case_id = the_case(desk)

    async def story(officer: Officer) -> None:
        await officer.sees("held")
        assert "my bin was missed" not in officer.text.split("MESSAGE")[0]
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.reads("HELD", "my bin was missed", "withheld by the network", "address, collection day")
        await officer.press("B")
        await officer.on(Reason)
        await officer.press("enter")
        assert isinstance(officer.app.screen, Reason), "never without a reason"
        await officer.write("abuse of staff")
        await officer.press("enter")
        await officer.until(lambda: outbox.rows(desk), "the block in the outbox")
        [action] = moderation.listing(desk)
        assert (action.kind, action.reason, action.state) == (OutboxKind.BLOCK, "abuse of staff", "queued")
        await officer.press("u")
        await officer.until(lambda: not outbox.rows(desk), "the block taken back")
        await officer.press("H")
        await officer.on(Reason)
        await officer.write("insults")
        await officer.press("enter")
        await officer.on(Confirm)
        await officer.sees("cannot hide")
        await officer.press("n")
        await officer.sees("Is it done there?")
        await officer.press("y")
        await officer.until(lambda: moderation.listing(desk), "the hide on record")
        assert officer.case(case_id).messages[0].state == "hidden"
        assert isinstance(desk.clock, FrozenClock)
        desk.clock.move(days=100)
        triage.note(desk, case_id, "written elsewhere")
        await officer.sees("1 review due")
        officer.app.perform("desk.moderation")
        await officer.on(ModerationScreen)
        await officer.sees("1 due for review", "REVIEW NOW", "insults")
        await officer.press("r")
        await officer.on(Ask)
        await officer.write("still right")
        await officer.press("enter")
        await officer.sees("reviewed")
        await officer.press("x")
        await officer.on(Ask)
        await officer.write("they apologised")
        await officer.press("enter")
        await officer.on(Confirm)
        await officer.press("y")
        await officer.sees("lifted")
        assert officer.case(case_id).messages[0].state == "received"

    at_the_desk(desk, story)


def test_a_file_is_opened_after_a_question_and_what_is_missing_is_noted_and_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Path] = []
    monkeypatch.setattr(evidence, "show", shown.append)
    case_id = the_case(desk)

    async def story(officer: Officer) -> None:
        await officer.press("enter", "O")
        await officer.on(Picker)
        await officer.write("bins")
        await officer.press("enter")
        await officer.on(Confirm)
        await officer.press("enter")
        assert shown == [], "enter is the safe answer"
        await officer.press("O")
        await officer.write("bins")
        await officer.press("enter")
        await officer.on(Confirm)
        await officer.press("y")
        await officer.until(lambda: shown, "the viewer")
        assert shown[0].suffix == ".jpg"
        assert shown[0].read_bytes() == photo()
        await officer.press("F")
        await officer.on(Picker)
        await officer.write("collection")
        await officer.press("enter")
        await officer.on(Ask)
        officer.app.screen.query_one(Input).value = "Tuesday"
        await officer.press("enter")
        await officer.until(lambda: officer.case(case_id).facts, "the fact")
        assert officer.case(case_id).facts == {"collection day": "Tuesday"}
        await officer.press("Q")
        await officer.on(Compose)
        await officer.press("escape")
        await officer.on(ReplyScreen)
        assert "private message: address." in drafts.kept(desk, case_id, OutboxKind.REPLY)

    at_the_desk(desk, story)


def test_a_handoff_attaches_the_copy_without_metadata_and_the_original_by_choice(desk: Desk) -> None:
    case_id = the_case(desk)
    clean = handoff.prepare(desk, case_id)
    assert not clean.originals
    whole = handoff.prepare(desk, case_id, originals=True)
    assert len(whole.mail.data) > len(clean.mail.data)
    assert any("place and camera" in warning for warning in whole.warnings)
    assert not any("place and camera" in warning for warning in clean.warnings)
    assert clean.mail.attached[0].startswith("bins.jpg")
    assert any("address, collection day" in warning for warning in clean.warnings)
    needs.note(desk, case_id, "Address", "5 Mill Lane, call 07700 900123")
    noted = handoff.prepare(desk, case_id, redaction=handoff.EVERYTHING)
    assert "5 Mill Lane" in noted.mail.text
    assert "900123" not in noted.mail.text
    assert any(warning.endswith("needs: collection day.") for warning in noted.warnings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handoff_files, "MAIL_ROOM", 10)
        small = handoff.prepare(desk, case_id)
        assert (small.attached, any("Too large" in warning for warning in small.warnings)) == ((), True)
        assert handoff.prepare(desk, case_id, attachments=clean.attached).attached == clean.attached

    async def story(officer: Officer) -> None:
        await officer.press("enter", "f")
        await officer.on(HandoffScreen)
        await officer.sees("[ ] Files as they came")
        screen = officer.app.screen
        assert isinstance(screen, HandoffScreen)
        at = next(i for i, row in enumerate(screen._rows) if row.id == "originals")
        await officer.press(*["j"] * at, "space")
        await officer.sees("[x] Files as they came")
        assert screen.draft.originals

    at_the_desk(desk, story)
