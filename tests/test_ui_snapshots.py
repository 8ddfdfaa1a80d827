"""How the screens look, at named sizes and themes. A deliberate change is recorded with --snapshot-update."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from socialtriage.domain.models import Urgency, Visibility
from socialtriage.services import triage
from socialtriage.services.desk import Desk
from socialtriage.ui.app import TriageApp
from tests.doubles.desk import CONFIG, MONDAY, arrive, case_ids, message, small_desk
from tests.doubles.ui_desk import Officer

Compare = Callable[..., bool]
Open = Callable[[str], TriageApp]

MESSAGES = (
    ("Gas leak smell by the playground on Mill Lane, children are still there", "Wil Harding", "public", 20),
    ("My bin was not collected again, third week running. Call me on 07700 900123.", "Sam Lee", "public", 300),
    ("There is a pothole outside number 14, dangerous for bikes", "Priya Anand", "public", 95),
    ("I would rather not say this in public: our carer has not come since Friday", "Jo March", "private", 60),
    ("When is the library open on Saturday?", "Gwen Pugh", "public", 40),
    ("Diolch am y meinciau newydd yn y parc 🌳", "Eleri Wyn", "public", 30),
    ("The recycling lorry dropped glass all along our street", "Tom Askew", "public", 12),
)


@pytest.fixture
def open_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], TriageApp]]:
    """Seven residents wrote on a Monday morning; the references are always the same. It is given a theme."""
    desks: list[Desk] = []

    def themed(theme: str) -> TriageApp:
        desks.append(the_desk(tmp_path, monkeypatch, theme))
        return TriageApp(desks[-1])

    yield themed
    for desk in desks:
        desk.close()


def the_desk(folder: Path, monkeypatch: pytest.MonkeyPatch, theme: str) -> Desk:
    numbers = iter(range(2, 9))
    monkeypatch.setattr("socialtriage.domain.reference.new_reference", lambda prefix: f"{prefix}-7Q4K2{next(numbers)}")
    desk = small_desk(folder, config=CONFIG + f'\n[ui]\ntheme = "{theme}"\n')
    for number, (text, name, seen, minutes) in enumerate(MESSAGES):
        conversation = f"c{number}" if seen == "private" else None
        item = message(
            text,
            f"m{number}",
            author=name,
            at=MONDAY - timedelta(minutes=minutes),
            visibility=Visibility(seen),
            conversation=conversation,
        )
        arrive(desk, item)
    by_ref = {desk.store.cases.get(each).ref[-1]: each for each in case_ids(desk)}
    triage.tag(desk, [by_ref["2"]], urgency=Urgency.EMERGENCY)
    triage.tag(desk, [by_ref["3"]], area="waste", topic="missed-bin")
    triage.claim(desk, [by_ref["3"]])
    triage.note(desk, by_ref["3"], "Rang the crew: they were blocked by parked cars.")
    return desk


def shown(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Press keys when the program is ready, and wait until nothing moves."""

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, TriageApp)
        officer = Officer(app, pilot)
        await officer.until(lambda: app.board.counts is not None, "the counts")
        await officer.settle()
        await officer.press(*keys)
        for field in app.screen.query(Input):
            field.cursor_blink = False
        await officer.settle()

    return before


def test_inbox_in_three_panes(open_desk: Open, snap_compare: Compare) -> None:
    assert snap_compare(open_desk("socialtriage-dark"), terminal_size=(120, 40), run_before=shown("j"))


def test_inbox_on_a_small_terminal_with_high_contrast(open_desk: Open, snap_compare: Compare) -> None:
    app = open_desk("socialtriage-light-contrast")
    assert snap_compare(app, terminal_size=(80, 24), run_before=shown("j", "space"))


def test_case_with_its_facts_beside(open_desk: Open, snap_compare: Compare) -> None:
    app = open_desk("socialtriage-light")
    assert snap_compare(app, terminal_size=(120, 40), run_before=shown("j", "enter", "J"))


def test_area_being_tagged(open_desk: Open, snap_compare: Compare) -> None:
    app = open_desk("socialtriage-dark-contrast")
    assert snap_compare(app, terminal_size=(120, 40), run_before=shown("j", "t", "b", "i"))


def test_handoff_review_on_a_small_terminal(open_desk: Open, snap_compare: Compare) -> None:
    app = open_desk("socialtriage-dark")
    assert snap_compare(app, terminal_size=(80, 24), run_before=shown("j", "f", "j", "j", "j", "space"))
