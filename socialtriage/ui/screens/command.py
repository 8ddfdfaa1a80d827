"""The `:` line at the bottom, with its completions above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Label

from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run, plain
from socialtriage.ui.commandline import Completion, Vocabulary, complete
from socialtriage.ui.screens.dialogs import Dialog
from socialtriage.ui.widgets.rows import Rows

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk

SHOWN = 40


class CommandScreen(Dialog[str]):
    """A line to type; tab takes the marked completion, enter runs the line, up brings back lines typed before."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.CHOICES, Where.COMMAND)]
    HINT = "tab completes, enter does it, esc leaves"
    DEFAULT_CSS = """
    CommandScreen {
        align: center bottom;
        &.-wide { align: center bottom; }
        &.-wide #box { margin-left: 0; }
        #box { width: 100%; max-width: 100%; border: none; border-top: solid $key-fg; padding: 0; max-height: 16; }
        Rows { max-height: 12; }
        #line { height: 1; background: $bar-bg; }
        #line Label { color: $key-fg; text-style: bold; padding: 0 0 0 1; }
        #line Input { margin: 0; width: 1fr; padding: 0; }
    }
    """

    def __init__(self, desk: Desk, themes: Sequence[str], typed: Sequence[str] = ()) -> None:
        """`typed` are the lines of this run, the last one last."""
        super().__init__("Command")
        self._vocabulary = Vocabulary(desk, themes)
        self._found: list[Completion] = []
        self._chosen = False
        self._typed = list(typed)
        self._back: list[str] = []
        """The lines that can be brought back: what was begun, then older and older ones that begin like it."""
        self._at = 0

    def held(self) -> ComposeResult:
        """Completions above the line."""
        yield Rows(aside=True)
        with Horizontal(id="line"):
            yield Label(":")
            yield Input(select_on_focus=False)

    def on_mount(self) -> None:
        """Everything can be said at first."""
        self.query_one(Input).focus()
        self._complete("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Complete again; what was not brought back is a new beginning."""
        if not self._back or self.query_one(Input).value != self._back[self._at]:
            self._back, self._at = [], 0
        self._complete(event.value)

    def _complete(self, line: str) -> None:
        self._chosen = False
        self._found = complete(line, self._vocabulary)[:SHOWN]
        self.query_one(Rows).show([_line(each) for each in self._found], first=True)

    def action_choose(self, step: int) -> None:
        """Mark another completion; up from the first one, and on from there, bring back lines typed before."""
        if not self._chosen and not self.query_one(Rows).cursor and self._bring_back(-step):
            return
        self.query_one(Rows).step(step)
        self._chosen = True

    def _bring_back(self, older: int) -> bool:
        """Put a line typed before into the field; False where there is none that way."""
        field = self.query_one(Input)
        if not self._back:
            begun = field.value
            self._back = [begun, *(each for each in reversed(self._typed) if each.startswith(begun) and each != begun)]
        if not 0 <= self._at + older < len(self._back):
            return self._at > 0
        self._at += older
        field.value = self._back[self._at]
        field.cursor_position = len(field.value)
        return True

    def action_complete(self) -> None:
        """Take the marked completion into the line."""
        if self._found:
            field = self.query_one(Input)
            field.value = self._found[self.query_one(Rows).cursor].line
            field.cursor_position = len(field.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the line; a completion that was moved to counts as typed."""
        if self._chosen:
            self.action_complete()
        self.dismiss(self.query_one(Input).value)

    def on_rows_chosen(self) -> None:
        """A click on the one that is pointed at takes it."""
        self.action_complete()


def _line(each: Completion) -> list[Run]:
    return [(f"{plain(each.line, 60):24} ", "strong"), (plain(each.meaning, 120), "dim")]
