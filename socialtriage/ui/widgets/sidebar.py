"""The list on the left: views, areas and accounts with their counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from socialtriage.domain.late import dataclass
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import column
from socialtriage.ui.inks import Inks

LOOKS = {
    "base": "$ink on $background",
    "heading": "$ink-dim",
    "count": "$ink-dim",
    "shown": "bold $key-fg",
    "trouble": "$alarm",
    "cursor": "$cursor-fg on $cursor-bg",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: a heading (no `target`), or something to show."""

    label: str
    target: str = ""
    """`view:queue`, `area:waste`, `account:council-x`."""
    count: int | None = None
    mark: str = ""
    """Stands before the label: the number of a view, `!` for an account that needs somebody."""


class Sidebar(ScrollView, can_focus=True):
    """Entries to choose from; the one that is shown in the list is marked."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.LISTS, Where.SIDEBAR)]
    DEFAULT_CSS = """
    Sidebar {
        overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    """

    class Chosen(Message):
        """An entry was chosen."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._entries: list[Entry] = []
        self._shown = ""
        self._cursor = 0
        self._inks = Inks(self, LOOKS)

    def show(self, entries: Sequence[Entry], shown: str) -> None:
        """Show entries; `shown` is the target that the list shows now."""
        if self._entries == list(entries) and self._shown == shown:
            return
        if shown != self._shown:
            self._cursor = next((i for i, each in enumerate(entries) if each.target == shown), 0)
        self._entries, self._shown = list(entries), shown
        self._cursor = min(self._cursor, max(0, len(self._entries) - 1))
        self.virtual_size = Size(0, len(self._entries))
        self.refresh()

    def action_move(self, step: str) -> None:
        """Move the pointer; headings are passed over."""
        page, last = max(1, self.size.height - 1), len(self._entries) - 1
        steps = {"down": 1, "up": -1, "first": -last, "last": last}
        steps |= {"half_down": page // 2, "half_up": -(page // 2), "page_down": page, "page_up": -page}
        way = 1 if steps[step] >= 0 else -1
        position = min(max(self._cursor + steps[step], 0), max(last, 0))
        while 0 <= position <= last and not self._entries[position].target:
            position += way
        if 0 <= position <= last:
            self._cursor = position
        self.scroll_to_region_of(self._cursor)
        self.refresh()

    def action_choose(self) -> None:
        """Show what the pointer is at."""
        if self._cursor < len(self._entries) and self._entries[self._cursor].target:
            self.post_message(self.Chosen(self._entries[self._cursor].target))

    def scroll_to_region_of(self, position: int) -> None:
        """Scroll as little as needed to show an entry."""
        top, height = self.scroll_offset.y, self.size.height
        if position < top:
            self.scroll_to(y=position, animate=False, force=True)
        elif height and position >= top + height:
            self.scroll_to(y=position - height + 1, animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        """A click shows."""
        position = event.y + self.scroll_offset.y
        if position < len(self._entries) and self._entries[position].target:
            self._cursor = position
            self.refresh()
            self.action_choose()

    def on_focus(self) -> None:
        """The pointer is drawn while the keys come here."""
        self.refresh()

    def on_blur(self) -> None:
        """The pointer is not drawn while the keys go elsewhere."""
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme has other styles."""
        super().notify_style_update()
        self._inks.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the screen, `y` counted from its top."""
        position, width = y + self.scroll_offset.y, self.size.width
        base = self._inks.style("base")
        if position >= len(self._entries):
            return Strip.blank(width, base)
        entry = self._entries[position]
        if not entry.target:
            return Strip(
                [Segment(" " + column(entry.label, width - 2), self._inks.style("base", "heading"))]
            ).adjust_cell_length(width, base)
        shown, cursor = entry.target == self._shown, position == self._cursor and self.has_focus
        count = "" if entry.count is None else f"{entry.count:,}"
        room = max(4, width - 5 - len(count) - 1)
        style = self._inks.style("cursor") if cursor else base
        names = ("shown", "count", "trouble" if entry.mark == "!" else "count")
        chosen, number, mark = (style if cursor else self._inks.style("base", name) for name in names)
        segments = [
            Segment("▌" if shown else " ", chosen),
            Segment(column(entry.mark, 1) + " ", mark),
            Segment(column(entry.label, room), chosen if shown else style),
            Segment(f"  {count} ", number),
        ]
        return Strip(segments).adjust_cell_length(width, style)
