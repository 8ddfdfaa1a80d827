"""Asking for a moment: what is typed is read back at once in the organisation's time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widgets import Input, Static

from socialtriage.domain.errors import UsageError
from socialtriage.domain.when import parse_when
from socialtriage.ui import words
from socialtriage.ui.cells import Run
from socialtriage.ui.screens.choices import Choice
from socialtriage.ui.screens.picker import Picker
from socialtriage.ui.widgets.rows import Rows

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk

SUGGESTIONS = (
    Choice("tomorrow 09:00", "tomorrow 09:00"),
    Choice("4h", "4h", hint="four working hours"),
    Choice("2d", "2d", hint="two working days"),
    Choice("monday 09:00", "monday 09:00", hint="next Monday"),
    Choice("+7d", "+7d", hint="in a week"),
)


def moment(text: str, desk: Desk) -> datetime:
    """The moment of what was typed. Raises `UsageError` with a sentence."""
    try:
        return parse_when(text, desk.clock(), desk.clocks.working)
    except ValueError as error:
        raise UsageError(str(error)) from error


class AskWhen(Picker):
    """Type a moment, or take one of the usual ones."""

    HINT = "enter takes it, esc leaves"

    def __init__(self, title: str, desk: Desk) -> None:
        super().__init__(title, SUGGESTIONS)
        self._desk = desk

    def held(self) -> ComposeResult:
        """A field, what it means, and the usual moments."""
        yield Input(placeholder="tomorrow 09:00, thu 17:00, 14:30, 2d", select_on_focus=False)
        yield Static("", markup=False, id="means")
        yield Rows(aside=True)

    def _narrow(self, typed: str) -> None:
        self.query_one(Rows).show([self._line(choice) for choice in SUGGESTIONS])
        self.query_one("#means", Static).update(self._means(typed))

    def _line(self, choice: Choice) -> list[Run]:
        meant = words.full(moment(choice.value, self._desk), self._desk.zone)
        return [(f"{choice.label:16}", ""), (meant, "dim")]

    def _means(self, typed: str) -> str:
        if not typed.strip():
            return ""
        try:
            return words.full(moment(typed, self._desk), self._desk.zone)
        except UsageError as error:
            return str(error)

    def take(self) -> None:
        """End with what was typed when it is a moment; with nothing typed, with the suggestion."""
        typed = self.query_one(Input).value.strip()
        if not typed:
            super().take()
            return
        try:
            moment(typed, self._desk)
        except UsageError:
            return
        self.dismiss(typed)
