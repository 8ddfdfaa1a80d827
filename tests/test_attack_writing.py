"""What an officer is writing outlives the program, however it ends and however fast they write."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from textual.widgets import TextArea

from socialtriage.domain.models import OutboxKind
from socialtriage.services import drafts, pause, statement_drafts, triage
from socialtriage.ui.screens import ask
from socialtriage.ui.screens.ask import Ask, Write
from socialtriage.ui.screens.compose import Compose
from socialtriage.ui.screens.handoff import HandoffScreen
from socialtriage.ui.screens.reply import ReplyScreen
from tests.doubles.desk import arrive, message, small_desk, the_case
from tests.doubles.ui_desk import Officer, at_the_desk
from tests.test_ui_leaving import FakeEngine


@pytest.mark.parametrize("longest", [0.0, 60.0], ids=["keys that never pause", "the end before a pause"])
def test_what_no_pause_has_kept_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longest: float) -> None:
    monkeypatch.setattr(ask, "PAUSE", 3600.0)
    monkeypatch.setattr(ask, "LONGEST", longest)
    desk = small_desk(tmp_path)
    arrive(desk, message("My bin was missed"))
    case_id = the_case(desk)

    async def story(officer: Officer) -> None:
        await officer.press("r")
        await officer.on(Compose)
        field = officer.app.screen.query_one(TextArea)
        await officer.write("We come on Fri")
        await officer.write("day.")
        assert field.text == "We come on Friday."
        if longest:
            assert drafts.kept_reply(desk, case_id).text == ""
        else:
            await officer.until(lambda: drafts.kept_reply(desk, case_id).text == "We come on Friday.", "kept")

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))
    with closing(small_desk(tmp_path)) as again:
        assert drafts.kept_reply(again, case_id).text == "We come on Friday."


def test_a_statement_outlives_a_wrong_date_and_the_program(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)

    async def story(officer: Officer) -> None:
        officer.app.perform("desk.incidents", "flood")
        await officer.on(Write)
        await officer.write("Mill Lane is shut.")
        await officer.press("escape")
        await officer.on(Ask)
        await officer.press("enter")
        await officer.sees("Its last day")
        await officer.write("whenever")
        await officer.press("enter")
        await officer.until(lambda: "not a date" in officer.said, "a wrong date")
        await officer.home()
        officer.app.perform("desk.incidents", "flood")
        await officer.on(Write)
        await officer.until(lambda: officer.app.screen.query_one(TextArea).text == "Mill Lane is shut.", "the words")
        await officer.write(" Keep away.")

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))
    with closing(small_desk(tmp_path)) as again, closing(small_desk(tmp_path, officer="MK")) as other:
        assert statement_drafts.kept(again) == "Mill Lane is shut. Keep away."
        assert statement_drafts.kept(other) == ""


def test_a_review_says_that_nothing_leaves_while_everything_is_paused(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("My bin was missed"))
    drafts.keep(desk, the_case(desk), OutboxKind.REPLY, "On Friday.")
    triage.tag(desk, [the_case(desk)], area="waste")

    async def story(officer: Officer) -> None:
        await officer.press("r")
        await officer.on(Compose)
        await officer.press("escape")
        await officer.on(ReplyScreen)
        await officer.reads("It leaves 10 s after y")
        await officer.press("p")
        with closing(small_desk(tmp_path, officer="MK")) as other:
            pause.pause(other, "storm")
        for key, screen in (("r", ReplyScreen), ("f", HandoffScreen)):
            await officer.home()
            await officer.press(key)
            if key == "r":
                await officer.on(Compose)
                await officer.press("escape")
            await officer.on(screen)
            await officer.reads("by MK (storm). After y it waits until things leave again")
            await officer.press("p")

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))
