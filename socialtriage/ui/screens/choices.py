"""A dialog of a few choices, each with a letter: `!` and then `u`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from socialtriage.ui.screens.dialogs import Dialog


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose: its value, its words, and a letter or a hint."""

    value: str
    label: str
    letter: str = ""
    hint: str = ""


class LetterDialog(Dialog[str]):
    """Press the letter, or move and press enter."""

    HINT = "letter or enter, esc leaves"

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__(title)
        self._choices = list(choices)
        self._by_letter = {choice.letter: choice.value for choice in choices}

    def held(self) -> ComposeResult:
        """The choices with their letters."""
        yield OptionList(
            *(
                Option(
                    Content.assemble(
                        (f" {choice.letter} ", "bold $key-fg"), f" {choice.label}  ", (choice.hint, "$ink-dim")
                    )
                )
                for choice in self._choices
            ),
            markup=False,
        )

    def on_key(self, event: events.Key) -> None:
        """A letter chooses."""
        value = self._by_letter.get(event.character or "")
        if value is not None:
            event.stop()
            self.dismiss(value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter chooses."""
        self.dismiss(self._choices[event.option_index].value)
