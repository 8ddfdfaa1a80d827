"""With what outcome a case is closed. A digit before the letter says that the contact was avoidable, and why."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.widgets import Static

from socialtriage.domain.models import Avoidable, Outcome
from socialtriage.ui import words
from socialtriage.ui.screens.choices import Choice, LetterDialog

OUTCOMES = "aehdonusb"
"""The letters of the outcomes, in the order of their enumeration."""
AVOIDABLE = {
    "1": (Avoidable.CHASING, "chasing an answer"),
    "2": (Avoidable.UNCLEAR, "unclear letter, page or form"),
    "3": (Avoidable.WRONG_PLACE, "came to the wrong place"),
}


class OutcomeDialog(LetterDialog):
    """Ends with an outcome, and after a blank with the kind of avoidable contact where one was marked."""

    HINT = "letter or enter; 1 2 3 before it: avoidable; esc leaves"

    def __init__(self, title: str) -> None:
        super().__init__(
            title,
            [Choice(each.value, words.OUTCOME[each], letter) for each, letter in zip(Outcome, OUTCOMES, strict=True)],
        )
        self._avoidable: Avoidable | None = None

    def held(self) -> ComposeResult:
        """The outcomes, and below them what may be marked."""
        yield from super().held()
        yield Static(self._marks(), markup=False, classes="dim", id="avoidable")

    def _marks(self) -> str:
        lines = ["", "Could this contact have been avoided? Mark it first if so:"]
        for digit, (each, said) in AVOIDABLE.items():
            lines.append(f"{'[x]' if each is self._avoidable else '[ ]'} {digit}  {said}")
        return "\n".join(lines)

    def on_key(self, event: events.Key) -> None:
        """A digit marks or unmarks; a letter chooses."""
        marked = AVOIDABLE.get(event.character or "")
        if marked is None:
            super().on_key(event)
            return
        event.stop()
        self._avoidable = None if marked[0] is self._avoidable else marked[0]
        self.query_one("#avoidable", Static).update(self._marks())

    def dismiss(self, result: str | None = None) -> AwaitComplete:
        """Close with the outcome and the mark."""
        return super().dismiss(f"{result} {self._avoidable}" if result and self._avoidable else result)
