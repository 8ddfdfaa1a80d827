"""A dialog of a few choices, each with a letter: `!` and then `u`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run, plain
from socialtriage.ui.screens.dialogs import Dialog
from socialtriage.ui.widgets.rows import Rows


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose: its value, its words, and a letter or a hint."""

    value: str
    label: str
    letter: str = ""
    hint: str = ""


class LetterDialog(Dialog[str]):
    """Press the letter, or move and press enter."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.LETTERS)]
    HINT = "letter or enter, esc leaves"

    def __init__(self, title: str, choices: Sequence[Choice], at: str = "") -> None:
        """`at`: the value that is pointed at first."""
        super().__init__(title)
        self._at = at
        self._choices = list(choices)
        self._by_letter = {choice.letter: choice.value for choice in choices}

    def held(self) -> ComposeResult:
        """The choices with their letters."""
        yield Rows()

    def on_mount(self) -> None:
        """Point at what is so now, or at the first."""
        rows = self.query_one(Rows)
        rows.cursor = next((i for i, choice in enumerate(self._choices) if choice.value == self._at), 0)
        rows.show([_line(choice) for choice in self._choices])
        rows.focus()

    def on_key(self, event: events.Key) -> None:
        """A letter chooses."""
        value = self._by_letter.get(event.character or "")
        if value is not None:
            event.stop()
            self.dismiss(value)

    def action_take(self) -> None:
        """Take the choice that is pointed at."""
        self.dismiss(self._choices[self.query_one(Rows).cursor].value)

    def on_rows_chosen(self) -> None:
        """A click takes it."""
        self.action_take()


def _line(choice: Choice) -> list[Run]:
    return [(f"{choice.letter}  ", "pointer"), (plain(choice.label, 60), ""), (f"  {plain(choice.hint, 60)}", "dim")]
