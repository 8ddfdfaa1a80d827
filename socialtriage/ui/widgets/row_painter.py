"""Draws rows of the case list as strips of styled cells, and keeps what it has drawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip
from textual.widget import Widget

from socialtriage.domain.views import CaseRow
from socialtriage.ui.widgets.row_layout import Layout, Look, row_cells

FIELDS = (
    *("pointer", "emergency", "urgent", "normal", "low", "late", "soon", "due", "dim", "public", "private"),
    *("person", "person-new", "snippet", "snippet-new", "area", "suggested", "marks"),
)
STATES = ("row", "cursor", "cursor-blurred", "marked")

_Key = tuple[int, int, Layout, int, int, Look, int]


class RowPainter:
    """The drawn lines of one list. What it draws is right for one minute and one theme, then `clear` is due."""

    def __init__(self, widget: Widget, clock: Callable[[], datetime], zone: ZoneInfo) -> None:
        self._widget, self._clock, self._zone = widget, clock, zone
        self._now = clock()
        self._strips: LRUCache[_Key, Strip] = LRUCache(2048)
        self._styles: dict[tuple[str, str], Style] = {}

    def clear(self, *, styles: bool = False) -> None:
        """Forget what was drawn; `styles` after a change of theme."""
        self._now = self._clock()
        self._strips.clear()
        if styles:
            self._styles.clear()

    @property
    def stale(self) -> bool:
        """Whether a minute has begun since: the words of the deadlines may be others."""
        return _minute(self._clock()) != _minute(self._now)

    def paint(self, row: CaseRow, layout: Layout, line: int, look: Look, width: int) -> Strip:
        """One screen line of a row, `width` cells long."""
        key = (row.id, row.version, layout, line, width, look, _minute(self._now))
        strip = self._strips.get(key)
        if strip is None:
            cells = row_cells(row, layout, line, look, self._now, self._zone)
            segments = [Segment(text, self._style(look.state, field)) for text, field in cells]
            strip = Strip(segments).adjust_cell_length(width, self._style(look.state, ""))
            self._strips[key] = strip
        return strip

    def blank(self, width: int) -> Strip:
        """A line without a case."""
        return Strip.blank(width, self._style("row", ""))

    def nothing(self, width: int) -> Strip:
        """The first line of a list without cases."""
        segments = [Segment("  No cases here.", self._style("row", "dim"))]
        return Strip(segments).adjust_cell_length(width, self._style("row", ""))

    def _style(self, state: str, field: str) -> Style:
        style = self._styles.get((state, field))
        if style is None:
            style = self._widget.get_component_rich_style(f"case-list--{state}")
            if field:
                flat = state == "cursor" and self._widget.app.theme_variables.get("cursor-flat") == "1"
                own = self._widget.get_component_rich_style(f"case-list--{field}", partial=True)
                style += Style(bold=own.bold, italic=own.italic) if flat else own
            self._styles[state, field] = style
        return style


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60
