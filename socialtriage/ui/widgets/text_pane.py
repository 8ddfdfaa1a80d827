"""A scrolling text of styled lines, drawn line by line: a thread of 500 messages costs no widget a message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.flow import Line, Para, Stop, lay_out

STYLES = ("title", "strong", "dim", "label", "resident", "officer", "contact", "public", "private", "alarm", "warn")
STYLES_MORE = ("calm", "suggestion", "heading", "hit", "pointer", "key")


class TextPane(ScrollView, can_focus=True):
    """Paragraphs to read. Stops (messages, the suggestion) can be stepped through with a pointer in the margin."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.LISTS)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"text-pane--{name}" for name in ("base", *STYLES, *STYLES_MORE)}
    DEFAULT_CSS = """
    TextPane {
        overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        & .text-pane--base { color: $ink; background: $background; }
        & .text-pane--title { color: $ink; text-style: bold; }
        & .text-pane--strong { color: $ink; text-style: bold; }
        & .text-pane--dim { color: $ink-dim; }
        & .text-pane--label { color: $ink-dim; }
        & .text-pane--heading { color: $key-fg; text-style: bold; }
        & .text-pane--resident { color: $ink; text-style: bold; }
        & .text-pane--officer { color: $calm; text-style: bold; }
        & .text-pane--contact { color: $warn; text-style: bold; }
        & .text-pane--public { color: $ink-dim; }
        & .text-pane--private { color: $private; text-style: bold; }
        & .text-pane--alarm { color: $alarm; text-style: bold; }
        & .text-pane--warn { color: $warn; }
        & .text-pane--calm { color: $calm; }
        & .text-pane--suggestion { color: $ink-dim; text-style: italic; }
        & .text-pane--key { color: $key-fg; text-style: bold; }
        & .text-pane--pointer { color: $key-fg; text-style: bold; }
        & .text-pane--hit { color: $hit-fg; background: $hit-bg; }
    }
    """

    @dataclass
    class StopEntered(Message):
        """Enter was pressed on a stop."""

        name: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._paras: tuple[Para, ...] = ()
        self._lines: list[Line] = []
        self._stops: list[Stop] = []
        self._width = 0
        self._hits: re.Pattern[str] | None = None
        self._styles: dict[str, Style] = {}
        self.stop_at = -1
        """Index of the chosen stop; -1 is none."""

    # --- what is shown ------------------------------------------------------------------------------------

    def show(self, paras: Sequence[Para], *, keep_place: bool = False) -> None:
        """Show a text, from its beginning unless `keep_place`."""
        stop = self.stop_name if keep_place else ""
        self._paras = tuple(paras)
        self._width = 0
        self.stop_at = -1
        self._lay_out()
        if keep_place:
            self.stop_at = next((i for i, each in enumerate(self._stops) if each.name == stop), -1)
        else:
            self.scroll_to(y=0, animate=False, force=True)

    def highlight(self, words: str) -> None:
        """Mark the words of a search wherever they stand; "" marks nothing."""
        found = [re.escape(word) for word in re.findall(r"\w+", words)]
        self._hits = re.compile("|".join(found), re.IGNORECASE) if found else None
        self.refresh()

    @property
    def stop_name(self) -> str:
        """The name of the chosen stop, or ""."""
        return self._stops[self.stop_at].name if 0 <= self.stop_at < len(self._stops) else ""

    @property
    def text(self) -> str:
        """Everything that is laid out, as plain lines."""
        return "\n".join("".join(text for text, _ in line) for line in self._lines)

    @property
    def room(self) -> int:
        """Columns for text."""
        return max(12, (self.scrollable_content_region.width or self.size.width) - 3)

    @property
    def lines(self) -> int:
        """How many lines are laid out."""
        return len(self._lines)

    def _lay_out(self) -> None:
        width = self.room
        if width == self._width:
            return
        self._width = width
        self._lines, self._stops = lay_out(self._paras, width)
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()

    def on_resize(self) -> None:
        """Another width breaks the lines elsewhere."""
        self._lay_out()

    # --- moving -------------------------------------------------------------------------------------------

    def action_move(self, step: str) -> None:
        """Scroll by a line, half a page, a page, or to an end."""
        page, end = max(1, self.size.height - 1), len(self._lines)
        steps = {"down": 1, "up": -1, "first": -end, "last": end}
        steps |= {"half_down": page // 2, "half_up": -(page // 2), "page_down": page, "page_up": -page}
        self.scroll_to(y=self.scroll_offset.y + steps[step], animate=False, force=True)

    def action_stop(self, step: int) -> None:
        """To the next or the previous stop."""
        if not self._stops:
            return
        self.stop_at = min(max(self.stop_at + step, 0), len(self._stops) - 1)
        self.scroll_to(y=max(0, self._stops[self.stop_at].first - 1), animate=False, force=True)
        self.refresh()

    def action_enter(self) -> None:
        """Tell what Enter was pressed on; on no stop, choose the first one in view."""
        if self.stop_at < 0:
            top = self.scroll_offset.y
            self.stop_at = next((i - 1 for i, stop in enumerate(self._stops) if stop.last > top), -1)
            self.action_stop(1)
        elif self.stop_name:
            self.post_message(self.StopEntered(self.stop_name))

    # --- drawing ------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        """Another theme has other styles."""
        super().notify_style_update()
        self._styles.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the screen, `y` counted from its top."""
        number, width = y + self.scroll_offset.y, self.size.width
        base = self._style("base")
        if number >= len(self._lines):
            return Strip.blank(width, base)
        chosen = self._stops[self.stop_at] if self.stop_name else None
        here = chosen is not None and chosen.first <= number < chosen.last
        segments = [Segment("▌ " if here else "  ", self._style("pointer"))]
        for text, style in self._lines[number]:
            segments.extend(self.drawn(style) or self._segments(text, self._style(style) if style else base))
        return Strip(segments).adjust_cell_length(width, base)

    def drawn(self, style: str) -> list[Segment] | None:
        """The segments of a run that is no text; None for text."""
        return None

    def _segments(self, text: str, style: Style) -> list[Segment]:
        if self._hits is None:
            return [Segment(text, style)]
        segments, end = [], 0
        for hit in self._hits.finditer(text):
            segments += [Segment(text[end : hit.start()], style), Segment(hit.group(), self._style("hit"))]
            end = hit.end()
        return [*segments, Segment(text[end:], style)]

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self.get_component_rich_style("text-pane--base")
            if name != "base":
                style += self.get_component_rich_style(f"text-pane--{name}", partial=True)
            self._styles[name] = style
        return style
