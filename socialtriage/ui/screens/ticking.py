"""A review of many: a list to tick, and beside it what exactly leaves for the selected one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from socialtriage.ui.cells import Run
from socialtriage.ui.flow import Para
from socialtriage.ui.screens.asking import Asking
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.widgets.bars import Bar
from socialtriage.ui.widgets.rows import Rows
from socialtriage.ui.widgets.text_pane import TextPane

T = TypeVar("T")


class Ticking(Asking[T], DeskScreen):
    """Subclasses fill `items`, and say how one looks, short and whole; `show_all` shows what became of them."""

    ALSO_MAIN = ("app.help",)
    TYPE_AHEAD = False
    DEFAULT_CSS = """
    Ticking {
        #review { height: 1fr; }
        #listed { width: 1fr; }
        #preview { width: 1fr; border-left: solid $bar-bg; }
        &.-stacked #review { layout: vertical; }
        &.-stacked #listed { width: 1fr; height: 1fr; }
        &.-stacked #preview { width: 1fr; height: 11; border-left: none; border-top: solid $bar-bg; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.items: list[Any] = []
        self.rows = Rows()
        self.preview = TextPane(id="preview")

    def body(self) -> ComposeResult:
        """A headline, the list, and the words for the selected one."""
        with Horizontal(id="review"):
            with Vertical(id="listed"):
                yield Bar(lambda: ([(self.headline(), "")], []), "-title", id="headline")
                yield self.rows
            yield self.preview

    def on_mount(self) -> None:
        """Show every one."""
        self.rows.focus()
        self.show_all()

    def on_resize(self) -> None:
        """Beside or below each other."""
        self.set_class(self.app.size.width < 110, "-stacked")
        self.call_after_refresh(self.show_all)

    def show_all(self) -> None:
        """Something about them is another now."""
        self.rows.show([self.line(item) for item in self.items])
        self.query_one("#headline", Bar).refresh()
        self._show_one()

    def _show_one(self) -> None:
        self.preview.show(list(self.details(self.items[self.rows.cursor])) if self.items else [])

    def on_rows_moved(self) -> None:
        """Another one is selected."""
        self._show_one()

    def on_rows_chosen(self) -> None:
        """A click on the selected one ticks it."""
        self.action_tick()

    def action_leave_it(self) -> None:
        """Nothing is sent."""
        self.triage.say("Nothing was sent.")
        self.dismiss()

    # --- what a review says -------------------------------------------------------------------------------

    def headline(self) -> str:
        """One line above the list."""
        raise NotImplementedError

    def line(self, item: Any) -> list[Run]:
        """A row of the list."""
        raise NotImplementedError

    def details(self, item: Any) -> Iterable[Para]:
        """What exactly leaves for one."""
        raise NotImplementedError

    def action_tick(self) -> None:
        """The selected one too, or not."""
        raise NotImplementedError
