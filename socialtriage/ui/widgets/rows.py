"""A short list of rows made of styled runs: the pages and the choices of the handoff review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run, cut
from socialtriage.ui.themes import complete

STYLES = ("alarm", "warn", "calm", "dim", "strong", "pointer")


class Rows(ScrollView, can_focus=True):
    """Rows of one line each, with a pointer. Runs name a style of `STYLES`, or "" for none."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.LISTS)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"rows--{name}" for name in ("base", "cursor", "blurred", *STYLES)}
    DEFAULT_CSS = """
    Rows {
        height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        & .rows--base { background: $background; color: $ink; }
        & .rows--cursor { background: $cursor-bg; color: $cursor-fg; }
        & .rows--blurred { background: $cursor-blur-bg; color: $ink; }
        & .rows--alarm { color: $alarm; text-style: bold; }
        & .rows--warn { color: $warn; }
        & .rows--calm { color: $calm; }
        & .rows--dim { color: $ink-dim; }
        & .rows--strong { text-style: bold; }
        & .rows--pointer { color: $key-fg; text-style: bold; }
    }
    """

    class Moved(Message):
        """Another row is selected."""

    class Chosen(Message):
        """The selected row was clicked."""

    def __init__(self, *, aside: bool = False, id: str | None = None) -> None:  # noqa: A002
        """`aside`: the keys go to a field beside it, which moves the pointer."""
        super().__init__(id=id)
        self.can_focus = not aside
        self._aside = aside
        self._rows: list[Sequence[Run]] = []
        self._styles: dict[tuple[str, str], Style] = {}
        self.cursor = 0

    @property
    def room(self) -> int:
        """Cells that a row has, without the pointer."""
        return max(38, (self.scrollable_content_region.width or self.size.width) - 2)

    def show(self, rows: Sequence[Sequence[Run]], *, first: bool = False) -> None:
        """Show rows; the pointer stays where it is, or goes to the first."""
        self._rows = list(rows)
        self.cursor = 0 if first else min(self.cursor, max(0, len(self._rows) - 1))
        self.virtual_size = Size(0, len(self._rows))
        self.refresh()

    def action_move(self, step: str) -> None:
        """One row, a page, or an end."""
        page, last = max(1, self.size.height - 1), len(self._rows) - 1
        steps = {"down": 1, "up": -1, "first": -last, "last": last}
        steps |= {"half_down": page // 2, "half_up": -(page // 2), "page_down": page, "page_up": -page}
        self._point_at(min(max(self.cursor + steps[step], 0), max(last, 0)))

    def _point_at(self, row: int) -> None:
        if row == self.cursor:
            return
        self.cursor = row
        top, height = self.scroll_offset.y, self.size.height
        if row < top:
            self.scroll_to(y=row, animate=False, force=True)
        elif height and row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False, force=True)
        self.refresh()
        self.post_message(self.Moved())

    def step(self, step: int) -> None:
        """The pointer so many rows on, from the last to the first."""
        if self._rows:
            self._point_at((self.cursor + step) % len(self._rows))

    def on_click(self, event: events.Click) -> None:
        """A click selects; on the selected row, or twice, it chooses."""
        row = event.y + self.scroll_offset.y
        if row >= len(self._rows):
            return
        chosen = row == self.cursor or event.chain >= 2
        self._point_at(row)
        if chosen:
            self.post_message(self.Chosen())

    def on_focus(self) -> None:
        """The pointer is drawn otherwise while the keys come here."""
        self.refresh()

    def on_blur(self) -> None:
        """The pointer is drawn otherwise while the keys go elsewhere."""
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme has other styles."""
        super().notify_style_update()
        self._styles.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the screen, `y` counted from its top."""
        number, width = y + self.scroll_offset.y, self.size.width
        if number >= len(self._rows):
            return Strip.blank(width, self._style("base", ""))
        here = number == self.cursor
        state = "base" if not here else "cursor" if self.has_focus or self._aside else "blurred"
        segments = [Segment("▌ " if here else "  ", self._style(state, "pointer"))]
        segments += [Segment(text, self._style(state, style)) for text, style in cut(self._rows[number], self.room)]
        return Strip(segments).adjust_cell_length(width, self._style(state, ""))

    def _style(self, state: str, name: str) -> Style:
        style = self._styles.get((state, name))
        if style is None:
            style = self.get_component_rich_style(f"rows--{state}")
            if name:
                flat = state == "cursor" and complete(self.app.theme_variables)["cursor-flat"] == "1"
                own = self.get_component_rich_style(f"rows--{name}", partial=True)
                style += Style(bold=own.bold) if flat else own
            self._styles[state, name] = style
        return style
