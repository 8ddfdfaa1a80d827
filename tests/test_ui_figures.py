"""Stories of the figures on the screen, and of the mark for an avoidable contact."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from socialtriage.domain.figures import Report
from socialtriage.domain.spans import Span
from socialtriage.services import figures
from socialtriage.services.desk import Desk
from socialtriage.services.figures_count import Progress
from socialtriage.ui.screens.figures import FiguresScreen
from tests.doubles.figures_desk import october
from tests.doubles.ui_desk import SMALL, WIDE, Officer, at_the_desk


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
def test_a_figure_is_read_and_opens_into_its_cases(tmp_path: Path, size: tuple[int, int]) -> None:
    desk, ids = october(tmp_path)

    async def story(officer: Officer) -> None:
        await officer.press("f9")
        await officer.on(FiguresScreen)
        await officer.sees("seen: 2 of 3 accounts, no gaps", "enquiries received", "45 min")
        await officer.press("]", "]", "j")
        await officer.reads("after:2026-10-22", "Cases opened in the period by the account")
        await officer.press("]", "]", "]", "]", "]", "j")
        await officer.reads("weekday:mon hour:10", "Cases by weekday and hour")
        await officer.press("enter")
        await officer.home()
        await officer.until(lambda: set(officer.listed) == {ids["E"], ids["F"]}, "the two cases of Monday at ten")
        assert "weekday:mon hour:10" in officer.text

    at_the_desk(desk, story, size=size)


def test_a_second_number_beside_a_figure_says_what_it_counts(tmp_path: Path) -> None:
    desk, _ = october(tmp_path)

    async def story(officer: Officer) -> None:
        await officer.press("f9")
        await officer.on(FiguresScreen)
        await officer.sees("14% 1 case ")
        await officer.press("G")
        await officer.sees("2 before", "1 self-served", "1 answered")
        assert "1 cases" not in officer.text

    at_the_desk(desk, story, size=WIDE)


def test_another_period_is_counted_and_saved(tmp_path: Path) -> None:
    desk, _ = october(tmp_path)
    target = tmp_path / "year.html"

    async def story(officer: Officer) -> None:
        await officer.press("colon")
        await officer.write("report year")
        await officer.press("enter")
        await officer.on(FiguresScreen)
        await officer.sees("Sat 01 Nov 2025 to Wed 28 Oct 2026", "seen:")
        await officer.press("enter")
        await officer.until(lambda: "no list of cases" in officer.said)
        await officer.press("p")
        await officer.write("2026-10-15 2026-10-21")
        await officer.press("enter")
        await officer.sees("Thu 15 Oct 2026 to Wed 21 Oct 2026", "seen:")
        await officer.press("x", "ctrl+u")
        await officer.write(str(target))
        await officer.press("enter")
        await officer.until(lambda: officer.said.startswith("Wrote"), "the file")

    at_the_desk(desk, story)
    assert "Thursday 15 October 2026 to Wednesday 21 October 2026" in target.read_text(encoding="utf-8")


def test_counting_goes_on_behind_the_screen_and_escape_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = october(tmp_path)
    real = figures.make
    counting, stopped = threading.Event(), threading.Event()

    def slow(desk: Desk, span: Span, progress: Progress) -> Report:
        if span.days < 300:
            return real(desk, span, progress)
        counting.set()
        try:
            while True:
                progress(1200, 180_000)
                threading.Event().wait(0.005)
        except figures.Stopped:
            stopped.set()
            raise

    monkeypatch.setattr(figures, "make", slow)

    async def story(officer: Officer) -> None:
        await officer.press("f9")
        await officer.sees("seen: 2 of 3")
        await officer.pilot.press("y")
        await officer.until(counting.is_set, "the counting")
        await officer.sees("counting 1,200 of 180,000 cases", "enquiries received")
        await officer.pilot.press("j", "escape")
        await officer.until(stopped.is_set, "the end of the counting")
        await officer.sees("Thu 22 Oct 2026 to Wed 28 Oct 2026", "seen: 2 of 3")
        await officer.press("escape")
        await officer.home()

    at_the_desk(desk, story)


def test_a_digit_before_the_outcome_marks_an_avoidable_contact(tmp_path: Path) -> None:
    desk, ids = october(tmp_path)

    async def story(officer: Officer) -> None:
        first, second = officer.listed[:2]
        assert {first, second} == {ids["C"], ids["G"]}
        await officer.press("e")
        await officer.sees("[ ] 1  chasing an answer")
        await officer.press("2", "1")
        await officer.sees("[x] 1  chasing an answer", "[ ] 2  unclear")
        await officer.press("a")
        await officer.until(lambda: desk.store.cases.get(first).avoidable == "chasing", "the mark")
        assert "answered, avoidable: chasing" in officer.said
        await officer.press("e", "n")
        await officer.until(lambda: desk.store.cases.get(second).outcome == "no_reply_needed", "the outcome")
        assert desk.store.cases.get(second).avoidable is None
        await officer.press("u", "u")
        await officer.until(lambda: desk.store.cases.get(first).avoidable is None, "both taken back")
        await officer.press("colon")
        await officer.write("close done_by_us wrong")
        await officer.press("enter")
        await officer.until(lambda: "avoidable: wrong place" in officer.said, "closed by name")

    at_the_desk(desk, story)
