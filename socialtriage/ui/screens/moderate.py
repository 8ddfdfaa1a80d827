"""Before somebody's message is hidden or they are blocked: why, and when it is looked at again."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import Input, Static

from socialtriage.domain.text import clean
from socialtriage.ui.screens.dialogs import Dialog


class Reason(Dialog[tuple[str, str]]):
    """Ends with the reason and, where there is one, the day of the review as it was typed. No reason, no end."""

    HINT = "enter does it, esc leaves"

    def __init__(self, title: str, lines: Sequence[str], review: str | None) -> None:
        """`review`: the day that is proposed; None where nothing lasts that could be reviewed."""
        super().__init__(title)
        self._lines, self._review = [clean(line) for line in lines if line], review

    def held(self) -> ComposeResult:
        """What is about to be done, and the fields."""
        for line in self._lines:
            yield Static(line, markup=False)
        yield Static("Why? It stands in the record.", markup=False, classes="dim")
        yield Input(id="reason")
        if self._review is not None:
            yield Static("Due for review on", markup=False, classes="dim")
            yield Input(self._review, id="review")

    def on_mount(self) -> None:
        """The reason first."""
        self.query_one("#reason", Input).focus()

    def on_input_submitted(self) -> None:
        """Enter does it as soon as there is a reason."""
        reason = self.query_one("#reason", Input)
        if not reason.value.strip():
            reason.focus()
            return
        self.dismiss((reason.value, self.query_one("#review", Input).value if self._review is not None else ""))
