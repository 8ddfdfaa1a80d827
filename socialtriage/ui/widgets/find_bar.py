"""The line at the bottom for a search or a filter: shown as it is typed, kept by enter, taken back by esc."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal

from socialtriage.ui.actions import Where, bindings_for

if TYPE_CHECKING:
    from textual.widgets import Input


class FindBar(Horizontal):
    """Hidden until it is opened; its word and its field are made then."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.DIALOG)]
    DEFAULT_CSS = """
    FindBar {
        height: 1; display: none; background: $bar-bg;
        Label { color: $key-fg; text-style: bold; padding: 0 1; }
        Input { border: none; height: 1; padding: 0; background: $bar-bg; width: 1fr; }
        Input:focus { border: none; }
    }
    FindBar.-open { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._live: Callable[[str], None] = lambda text: None
        self._done: Callable[[str | None], None] = lambda text: None

    async def open(
        self, prompt: str, text: str, live: Callable[[str], None], done: Callable[[str | None], None]
    ) -> None:
        """Ask. `live` hears every change, `done` the end: the text, or None when it was taken back."""
        from textual.widgets import Input, Label

        if not self.children:
            await self.mount(Label("", markup=False), Input(select_on_focus=False))
        self._live, self._done = live, done
        self.query_one(Label).update(prompt)
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = text
        field.cursor_position = len(text)
        self.add_class("-open")
        field.focus()

    @property
    def is_open(self) -> bool:
        """Whether it is being typed in."""
        return self.has_class("-open")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show at once."""
        event.stop()
        if self.is_open:
            self._live(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it."""
        event.stop()
        self._close(event.value)

    def action_cancel(self) -> None:
        """Take it back."""
        self._close(None)

    def _close(self, text: str | None) -> None:
        self.remove_class("-open")
        self._done(text)
