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
from socialtriage.ui.inks import Inks
from socialtriage.ui.widgets.row_layout import Layout, Look, row_cells

LOOKS = {
    "row": "$ink on $background",
    "marked": "$ink on $mark-bg",
    "cursor": "$cursor-fg on $cursor-bg",
    "cursor-blurred": "$ink on $cursor-blur-bg",
    "pointer": "bold $key-fg",
    "emergency": "bold reverse $alarm",
    "urgent": "bold $alarm",
    "normal": "$ink-dim",
    "low": "$ink-dim",
    "dim": "$ink-dim",
    "late": "bold $alarm",
    "soon": "$warn",
    "due": "$ink-dim",
    "public": "$ink-dim",
    "private": "bold $private",
    "person": "$ink",
    "person-new": "bold $ink",
    "snippet": "$ink-dim",
    "snippet-new": "$ink",
    "area": "$calm",
    "suggested": "italic $ink-dim",
    "marks": "$warn",
}

_Key = tuple[int, int, int, int, int, int, bool, bool, bool, int]


class RowPainter:
    """The drawn lines of one list. What it draws is right for one minute and one theme, then `clear` is due."""

    def __init__(self, widget: Widget, clock: Callable[[], datetime], zone: ZoneInfo) -> None:
        self._clock, self._zone = clock, zone
        self._now = clock()
        self._strips: LRUCache[_Key, Strip] = LRUCache(2048)
        self._inks = Inks(widget, LOOKS)

    def clear(self, *, styles: bool = False) -> None:
        """Forget what was drawn; `styles` after a change of theme."""
        self._now = self._clock()
        self._strips.clear()
        if styles:
            self._inks.clear()

    @property
    def stale(self) -> bool:
        """Whether a minute has begun since: the words of the deadlines may be others."""
        return _minute(self._clock()) != _minute(self._now)

    def paint(self, row: CaseRow, layout: Layout, line: int, look: Look, width: int) -> Strip:
        """One screen line of a row, `width` cells long."""
        place = (layout.width, layout.lines, line, width)
        key = (row.id, row.version, *place, look.cursor, look.marked, look.focused, _minute(self._now))
        strip = self._strips.get(key)
        if strip is None:
            cells = row_cells(row, layout, line, look, self._now, self._zone)
            segments = [Segment(text, self._style(look.state, field)) for text, field in cells]
            strip = Strip(segments, layout.width).adjust_cell_length(width, self._style(look.state, ""))
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
        base = self._inks.style(state)
        if not field:
            return base
        style = self._inks.style(state, field)
        if state == "cursor" and self._inks.flat:
            return base + Style(bold=style.bold, italic=style.italic)
        return style


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60
