"""An officer at the screen, for stories: keys in, words on the screen and in the store out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import Screen

from socialtriage.domain.views import CaseDetail
from socialtriage.services import inbox
from socialtriage.services.desk import Desk
from socialtriage.ui.app import TriageApp
from socialtriage.ui.background import Engine
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.widgets.text_pane import TextPane
from tests.doubles.ui_pilot import screen_text, unfit, wait_until

WIDE = (120, 40)
SMALL = (80, 24)


class Officer:
    """Presses keys and looks."""

    def __init__(self, app: TriageApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def text(self) -> str:
        """What is on the screen."""
        return screen_text(self.app)

    @property
    def said(self) -> str:
        """The status line."""
        return self.app.session.said.text

    @property
    def selected(self) -> int | None:
        """The selected case of the inbox."""
        return self.app.home.cases.model.selected

    @property
    def listed(self) -> list[int]:
        """The cases of the inbox, in order."""
        return list(self.app.home.cases.model.ids)

    def case(self, case_id: int) -> CaseDetail:
        """A case in the store."""
        return inbox.detail(self.app.desk, case_id)

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, as a person would: each has had its effect before the next."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def write(self, text: str) -> None:
        """Type words, as fast as a terminal can."""
        for character in text:
            self.app.post_message(Key(_character_to_key(character), character))
        await self.settle()

    async def settle(self) -> None:
        """Let short workers finish; those that wait for an answer go on waiting."""
        for _ in range(40):
            await self.pilot.pause()
            busy = [each for each in self.app.workers if each.group in _SHORT and not each.is_finished]
            if not busy:
                break
            await self.pilot.pause(0.005)

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Wait for a state."""
        await wait_until(self.pilot, true, what)

    async def sees(self, *words: str) -> None:
        """Wait until all the words are on the screen."""
        await self.until(lambda: all(each in self.text for each in words), f"{words} on the screen")

    async def reads(self, *words: str) -> None:
        """Wait until all the words are in the texts of the screen, wherever their lines break."""
        await self.until(lambda: all(each in self.running_text for each in words), f"{words} in the text")

    @property
    def running_text(self) -> str:
        """The texts of the screen without their line breaks."""
        return " ".join(" ".join(pane.text for pane in self.app.screen.query(TextPane)).split())

    async def on(self, screen: type[Screen[Any]]) -> None:
        """Wait until a screen is in front."""
        await self.until(lambda: isinstance(self.app.screen, screen), f"{screen.__name__} in front")

    async def home(self) -> None:
        """Wait until the inbox is in front."""
        await self.until(lambda: self.app.screen is self.app.home, "the inbox in front")


_SHORT = ("preview", "case", "board", "listing", "page", "search")

Story = Callable[[Officer], Awaitable[None]]


def at_the_desk(
    desk: Desk, story: Story, *, size: tuple[int, int] = WIDE, engine: Callable[[], Engine] | None = None
) -> None:
    """Run a story in the program on a desk, and close both. Nothing that steers a terminal may be on the screen."""

    async def run() -> None:
        app = TriageApp(desk, engine)
        async with app.run_test(size=size) as pilot:
            officer = Officer(app, pilot)
            await officer.until(lambda: app.board.counts is not None, "the counts")
            await officer.settle()
            await story(officer)
            assert unfit(app) == []
        assert app.fault is None

    try:
        asyncio.run(run())
    finally:
        desk.close()


def screens(officer: Officer) -> list[str]:
    """The desk screens that are open, by class name."""
    return [type(each).__name__ for each in officer.app.screen_stack if isinstance(each, DeskScreen)]
