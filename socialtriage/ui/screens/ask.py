"""Dialogs that ask for words: one line, or several."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.timer import Timer
from textual.widgets import Input, Static, TextArea

from socialtriage.domain.text import clean
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.screens.dialogs import Confirm, Dialog

PAUSE = 0.7
"""Seconds without a key after which what was written is kept."""
LONGEST = 3.0
"""Seconds after which it is kept although the keys do not pause."""


class Ask(Dialog[str]):
    """One line."""

    HINT = "enter takes it, esc leaves"

    def __init__(self, title: str, what: str, text: str = "") -> None:
        super().__init__(title)
        self._what, self._text = what, text

    def held(self) -> ComposeResult:
        """What is asked, and a field."""
        yield Static(self._what, markup=False, classes="dim")
        yield Input(self._text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it."""
        self.dismiss(event.value)


class Write(Dialog[str]):
    """Several lines. `esc_keeps`: a review follows, so that escape ends the writing; otherwise it asks first.

    `keep` is given what was written at every pause, so that not even the end of the program loses it, and `keep_last`,
    which must not wait for anything, what no pause had kept when the program ends.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.WRITING)]

    def __init__(
        self,
        title: str,
        text: str,
        *,
        esc_keeps: bool = False,
        keep: Callable[[str], None] | None = None,
        keep_last: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(title)
        self._text, self._esc_keeps, self._keep = clean(text), esc_keeps, keep
        self._keep_last = keep_last
        self._pause: Timer | None = None
        self._kept_at = monotonic()
        self._unkept: str | None = None
        self.HINT = "esc when it is done" if esc_keeps else "ctrl+s keeps it, esc leaves"

    def held(self) -> ComposeResult:
        """A field."""
        yield TextArea(self._text, tab_behavior="focus")

    def on_mount(self) -> None:
        """Write on at the end."""
        field = self.query_one(TextArea)
        field.focus()
        field.move_cursor(field.document.end)

    def on_text_area_changed(self) -> None:
        """Keep it when the writing pauses, and now and then where it does not."""
        if self._keep is None:
            return
        text = self.query_one(TextArea).text
        if self._unkept is None:
            self._kept_at = monotonic()
        self._unkept = text
        if self._pause is not None:
            self._pause.stop()
        if monotonic() - self._kept_at > LONGEST:
            self._keep_now()
        else:
            self._pause = self.set_timer(PAUSE, self._keep_now)

    def _keep_now(self) -> None:
        if self._keep is not None:
            self._unkept = None
            self._keep(self.query_one(TextArea).text)

    def on_unmount(self) -> None:
        """The program ends, or is told to, while somebody writes: what no pause has kept is kept."""
        if self._unkept is not None and self._keep_last is not None:
            self._keep_last(self._unkept)

    def action_keep(self) -> None:
        """Take it."""
        self._unkept = None
        self.dismiss(self.query_one(TextArea).text)

    def action_cancel(self) -> None:
        """Done, or leave; words that would be lost are asked about."""
        text = self.query_one(TextArea).text
        if self._esc_keeps:
            self._unkept = None
            self.dismiss(text)
        elif text.strip() and text != self._text:
            question = Confirm("Throw away what you wrote?", yes="Throw away", no="Go on writing")
            self.app.push_screen(question, self._thrown)
        else:
            self.dismiss(None)

    def _thrown(self, yes: bool | None) -> None:
        if yes:
            self.dismiss(None)
