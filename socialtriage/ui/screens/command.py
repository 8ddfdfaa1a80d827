"""The `:` line at the bottom, with its completions above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from socialtriage.domain.text import clean_line
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.commandline import Completion, Vocabulary, complete
from socialtriage.ui.screens.dialogs import Dialog

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk

SHOWN = 40


class CommandScreen(Dialog[str]):
    """A line to type; tab takes the marked completion, enter runs the line."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.CHOICES, Where.COMMAND)]
    HINT = "tab completes, enter does it, esc leaves"
    DEFAULT_CSS = """
    CommandScreen {
        align: center bottom;
        #box { width: 100%; max-width: 100%; border: none; border-top: solid $key-fg; padding: 0; max-height: 16; }
        OptionList { max-height: 12; padding: 0 1; }
        #line { height: 1; background: $bar-bg; }
        #line Label { color: $key-fg; text-style: bold; padding: 0 0 0 1; }
        #line Input { margin: 0; width: 1fr; padding: 0; }
    }
    """

    def __init__(self, desk: Desk, themes: Sequence[str]) -> None:
        super().__init__("Command")
        self._vocabulary = Vocabulary(desk, themes)
        self._found: list[Completion] = []
        self._chosen = False

    def held(self) -> ComposeResult:
        """Completions above the line."""
        options = OptionList(markup=False)
        options.can_focus = False
        yield options
        with Horizontal(id="line"):
            yield Label(":")
            yield Input(select_on_focus=False)

    def on_mount(self) -> None:
        """Everything can be said at first."""
        self.query_one(Input).focus()
        self._complete("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Complete again."""
        self._complete(event.value)

    def _complete(self, line: str) -> None:
        self._chosen = False
        self._found = complete(line, self._vocabulary)[:SHOWN]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_prompt(each)) for each in self._found])
        options.highlighted = 0 if self._found else None

    def action_choose(self, step: int) -> None:
        """Mark another completion."""
        options = self.query_one(OptionList)
        if self._found:
            options.highlighted = ((options.highlighted or 0) + step) % len(self._found)
            self._chosen = True

    def action_complete(self) -> None:
        """Take the marked completion into the line."""
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None and highlighted < len(self._found):
            field = self.query_one(Input)
            field.value = self._found[highlighted].line
            field.cursor_position = len(field.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the line; a completion that was moved to counts as typed."""
        if self._chosen:
            self.action_complete()
        self.dismiss(self.query_one(Input).value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click takes a completion."""
        self.action_complete()
        self.query_one(Input).focus()


def _prompt(each: Completion) -> Content:
    return Content.assemble((f"{clean_line(each.line):24} ", "bold"), (clean_line(each.meaning), "$ink-dim"))
