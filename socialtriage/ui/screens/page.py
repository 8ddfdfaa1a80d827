"""A page of rows and the details of the selected one: accounts, outbox, contacts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from socialtriage.ui.cells import Run, column
from socialtriage.ui.flow import Para
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.widgets.bars import Bar
from socialtriage.ui.widgets.rows import Rows
from socialtriage.ui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp


LEAST = 9
"""Lines for the selected value where it stands below the rows."""


class Page(DeskScreen):
    """Subclasses read the rows in a thread and say how one looks, short and whole."""

    DEFAULT_CSS = """
    Page {
        #page { height: 1fr; }
        #rows-side { width: 3fr; }
        #more { width: 2fr; border-left: solid $bar-bg; }
        &.-stacked #page { layout: vertical; }
        &.-stacked #rows-side { width: 1fr; }
        &.-stacked #more { width: 1fr; height: 1fr; min-height: 9; border-left: none; border-top: solid $bar-bg; }
    }
    """

    EMPTY: ClassVar[str] = "There is nothing here."

    def __init__(self, app: TriageApp) -> None:
        super().__init__()
        self.rows = Rows()
        self.more = TextPane(id="more")
        self.values: list[Any] = []

    def body(self) -> ComposeResult:
        """A headline, the rows, and more about the selected one."""
        with Horizontal(id="page"):
            with Vertical(id="rows-side"):
                yield Bar(lambda: ([(self.headline(), "")], []), "-title", id="headline")
                yield self.rows
            yield self.more

    def on_mount(self) -> None:
        """Read the rows."""
        self.rows.focus()
        self.renew()

    def on_resize(self) -> None:
        """Beside or below each other; the columns follow the width."""
        self.set_class(self.app.size.width < 110, "-stacked")
        self.call_after_refresh(self._show)

    def renew(self) -> None:
        """Read again; the same row stays selected."""
        self.triage.in_background(self._read, "page", "reading rows")

    async def _read(self) -> None:
        self.values = list(await asyncio.to_thread(self.read))
        if self.is_attached:
            self._show()

    def _show(self) -> None:
        self._share()
        self.measure()
        self.rows.show([self.line(value, self.rows.room) for value in self.values])
        self.query_one("#headline", Bar).refresh()
        self._show_more()

    def _share(self) -> None:
        """Below each other, the rows take no more than they need, and leave the words of the selected one in sight."""
        side, page = self.query_one("#rows-side"), self.query_one("#page")
        most = max(4, page.size.height - LEAST)
        side.styles.height = min(max(4, len(self.values) + 1), most) if self.has_class("-stacked") else None

    def _show_more(self) -> None:
        value = self.selected
        self.more.show([Para(((self.EMPTY, "dim"),))] if value is None else list(self.details(value)), keep_place=True)

    def on_rows_moved(self) -> None:
        """Another row is selected."""
        self._show_more()

    @property
    def selected(self) -> Any:
        """The value of the selected row, or None."""
        return self.values[self.rows.cursor] if self.rows.cursor < len(self.values) else None

    def pointed(self) -> Any:
        """The value of the selected row, for an action; where there is none, that is said."""
        if self.selected is None:
            self.triage.say(self.EMPTY, "$warn")
        return self.selected

    # --- what a page says ---------------------------------------------------------------------------------

    def read(self) -> Sequence[Any]:
        """The values, read in a thread."""
        return ()

    def headline(self) -> str:
        """One line above the rows."""
        return ""

    def measure(self) -> None:
        """Take the widths of columns from what is to stand in them, before the rows are made."""

    def line(self, value: Any, width: int) -> list[Run]:
        """A row in `width` cells; styles are those of `Rows`."""
        return []

    def details(self, value: Any) -> Sequence[Para]:
        """Everything about a row."""
        return ()


def cell(text: str, width: int, style: str = "", *, right: bool = False) -> Run:
    """A column of a row, with a blank after it."""
    return column(text, width, right=right) + " ", style
