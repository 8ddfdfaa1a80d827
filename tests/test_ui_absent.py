"""Keys that need something which is not there say so; none of them does nothing without a word."""

from __future__ import annotations

from pathlib import Path

from socialtriage.ui.actions import Where, actions_for
from socialtriage.ui.session import Said
from tests.doubles.desk import small_desk
from tests.doubles.ui_desk import SMALL, Officer, at_the_desk

NOTHING = '[organisation]\nname = "Anytown Borough Council"\nprefix = "ABC"\n'
KNOWN = ("case.accept", "list.mark")
"""Without a suggestion it goes to the next pane; there is no line to put a mark on."""
PAGES = {
    "desk.outbox": Where.OUTBOX,
    "desk.contacts": Where.CONTACTS,
    "desk.accounts": Where.ACCOUNTS,
    "desk.incidents": Where.INCIDENTS,
    "desk.moderation": Where.MODERATION,
    "desk.answers": Where.ANSWERS,
}


async def silent(officer: Officer, *places: Where) -> list[str]:
    """The actions of places after whose key neither a word nor a screen tells that anything was wanted."""
    here, found = officer.app.screen, []
    for action in actions_for(*places):
        if not action.keys or action.id in KNOWN:
            continue
        officer.app.session.said = Said("", "")
        before = officer.text
        await officer.press(action.keys.split(",")[0])
        if officer.app.screen is here and not officer.said and officer.text == before:
            found.append(action.id)
        for _ in range(3):
            if officer.app.screen is not here:
                await officer.press("escape")
        assert officer.app.screen is here, action.id
    return found


def test_without_a_case_every_key_for_cases_says_that_there_is_none(tmp_path: Path) -> None:
    async def story(officer: Officer) -> None:
        assert await silent(officer, Where.CASES, Where.CASE_LIST) == []

    at_the_desk(small_desk(tmp_path, config=NOTHING), story, size=SMALL)


def test_a_page_without_rows_says_what_is_not_there(tmp_path: Path) -> None:
    async def story(officer: Officer) -> None:
        home = officer.app.screen
        for page, place in PAGES.items():
            officer.app.perform(page)
            await officer.until(lambda: officer.app.screen is not home, page)
            assert await silent(officer, place) == []
            await officer.press("escape")
            await officer.until(lambda: officer.app.screen is home, "back")

    at_the_desk(small_desk(tmp_path, config=NOTHING), story, size=SMALL)
