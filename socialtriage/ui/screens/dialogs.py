"""Dialogs: what they share, a message, and a question whose safe answer is the one that is focused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from socialtriage.domain.text import clean
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.screens.asking import Asking

T = TypeVar("T")


class Dialog(Asking[T], ModalScreen[T | None]):
    """A box over the screen. Escape leaves it with None: nothing is done."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.DIALOG)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: transparent;
        &.-wide { align: left middle; }
        &.-wide #box { margin-left: 4; }
        #box {
            width: 64; max-width: 96%; height: auto; max-height: 90%;
            background: $surface; border: round $key-fg; border-title-color: $ink; border-title-style: bold;
            border-subtitle-color: $ink-dim; padding: 0 1;
        }
        Input { border: none; height: 1; padding: 0 1; background: $bar-bg; margin: 1 0; }
        Input:focus { border: none; }
        TextArea { border: none; height: 8; padding: 0 1; background: $bar-bg; margin: 1 0; }
        TextArea:focus { border: none; }
        Rows { height: auto; max-height: 14; & .rows--base { background: $surface; } }
        .dim { color: $ink-dim; }
        .warn { color: $warn; }
        #buttons { height: 1; margin-top: 1; align-horizontal: right; }
        Button { border: none; height: 1; min-width: 10; margin-left: 2; background: $bar-bg; color: $ink; }
        Button:focus { background: $cursor-bg; color: $cursor-fg; text-style: bold; }
    }
    """

    TITLE_WORDS = ""
    HINT = "esc leaves"

    def __init__(self, title: str = "") -> None:
        super().__init__()
        self._words = title

    def compose(self) -> ComposeResult:
        """The box, with what the dialog holds."""
        with Vertical(id="box") as box:
            yield from self.held()
        # A title is markup unless it is escaped by being content: only program words and references come here.
        box.border_title = _plain_title(self._words)
        box.border_subtitle = _plain_title(self.HINT)

    def held(self) -> ComposeResult:
        """What is in the box."""
        yield from ()

    def action_cancel(self) -> None:
        """Leave; nothing is done."""
        self.dismiss(None)


def _plain_title(text: str) -> str:
    """Words for a border, which reads markup: brackets become round ones."""
    return clean(text).replace("[", "(").replace("]", ")").replace("\\", "/")


class Message(Dialog[None]):
    """Sentences to read."""

    HINT = "enter or esc"

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__(title)
        self._lines = [clean(line) for line in lines if line]

    def held(self) -> ComposeResult:
        """The sentences and a button."""
        for line in self._lines:
            yield Static(line, markup=False)
        with Horizontal(id="buttons"):
            yield Button("OK", compact=True)

    def on_button_pressed(self) -> None:
        """Read."""
        self.dismiss(None)


class Confirm(Dialog[bool]):
    """A question. The focus is on the safe answer, so that enter does no harm."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.CONFIRM)]
    HINT = "y yes   n no"

    def __init__(self, question: str, lines: Sequence[str] = (), *, yes: str = "Yes", no: str = "No") -> None:
        super().__init__(question)
        self._lines, self._yes, self._no = [clean(line) for line in lines], yes, no

    def held(self) -> ComposeResult:
        """The safe answer first."""
        for line in self._lines:
            yield Static(line, markup=False)
        with Horizontal(id="buttons"):
            yield Button(self._no, id="no", compact=True)
            yield Button(self._yes, id="yes", compact=True)

    def on_mount(self) -> None:
        """Enter is the safe answer."""
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The answer by button."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """The answer by key."""
        self.dismiss(yes)
