"""At the screen: a flag shows its date and what to do, and goes with a reason; a restricted case hides its words."""

from __future__ import annotations

from pathlib import Path

from socialtriage.ui.screens.ask import Ask
from tests.doubles.desk import arrive, message, small_desk, the_case
from tests.doubles.ui_desk import Officer, at_the_desk

TEXT = "Under the Freedom of Information Act, how much was Quixxotl paid?"


def test_a_flag_is_seen_and_dismissed_and_a_restricted_case_is_masked(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message(TEXT, "1", author="Zyx Woman"))
    case = the_case(desk)
    arrive(desk, message("I want to end it all", "2", author="Pat"))

    async def story(officer: Officer) -> None:
        await officer.sees("foi?", "LIFE?")
        await officer.press("enter")
        await officer.reads("POSSIBLE FREEDOM OF INFORMATION REQUEST", "Mon 14 Dec 2026", "Pass it on today")
        await officer.press("minus")
        await officer.on(Ask)
        await officer.write("it was a joke")
        await officer.press("enter")
        await officer.until(lambda: officer.case(case).flags == (), "the flag is gone")
        assert officer.case(case).events[-1].note == "foi: it was a joke"
        officer.app.perform("case.restrict")
        await officer.until(lambda: officer.case(case).flags == ("restricted",), "the case is restricted")
        await officer.until(lambda: "Quixxotl" not in officer.text, "its words are masked")
        await officer.sees("[restricted]")
        officer.app.perform("case.unmask")
        await officer.reads("Quixxotl")
        officer.app.perform("case.unmask")
        await officer.until(lambda: "Quixxotl" not in officer.running_text, "masked again")
        await officer.press("escape")
        await officer.home()
        await officer.until(lambda: "Woman" not in officer.text, "the list shows nobody")
        assert [e.kind for e in officer.case(case).events][-2:] == ["case.restricted", "case.unmasked"]
        await officer.press("r")
        await officer.sees("Reply to")
        assert [e.kind for e in officer.case(case).events][-2:] == ["case.unmasked", "case.unmasked"], "words are seen"
        await officer.press("escape")
        await officer.home()
        officer.app.perform("case.restrict")
        await officer.sees("Zyx Woman")

    at_the_desk(desk, story)
