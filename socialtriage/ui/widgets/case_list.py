"""The list of cases: only the lines on screen are drawn, from pages that are read when they come into view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from socialtriage.domain.views import CaseRow
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.widgets.list_model import CaseSource, EmptySource, ListModel
from socialtriage.ui.widgets.row_layout import Layout, Look, layout_for
from socialtriage.ui.widgets.row_painter import RowPainter


class CaseList(ScrollView, can_focus=True):
    """Cases, a line or two each. It is given a source, and keeps its selection by case id whatever arrives."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.LISTS, Where.CASE_LIST)]
    DEFAULT_CSS = """
    CaseList {
        overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    """

    class Moved(Message):
        """Another case is selected, or the list was emptied (`case_id` None)."""

        def __init__(self, case_id: int | None) -> None:
            super().__init__()
            self.case_id = case_id

        def can_replace(self, message: Message) -> bool:
            """Only the last place matters."""
            return isinstance(message, CaseList.Moved)

    class MarksChanged(Message):
        """A case was marked or unmarked."""

    class Opened(Message):
        """A case was chosen with the mouse."""

    def __init__(self, clock: Callable[[], datetime], zone: ZoneInfo, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.model = ListModel()
        self.lines_per_case = 0
        """1 or 2; 0 chooses by the width."""
        self._painter = RowPainter(self, clock, zone)
        self._told: int | None = None

    # --- what is shown ------------------------------------------------------------------------------------

    @property
    def layout_now(self) -> Layout:
        """The columns at the present width."""
        return layout_for(max(40, self.scrollable_content_region.width or self.size.width), self.lines_per_case)

    @property
    def selected_row(self) -> CaseRow | None:
        """The row of the selected case."""
        return self.model.row(self.model.cursor)

    def show(self, source: CaseSource, *, select: int | None = None) -> None:
        """Show something else, from its first case, or from the case `select`."""
        self.model.reset(source)
        self._redraw()
        self._place_cursor(0)
        if select is not None:
            self.select(select)
        self.call_after_refresh(self.scroll_to_cursor)
        self._tell(always=True)

    def renew(self, source: CaseSource) -> int:
        """Show a new snapshot of the same; selection and scroll stay. Returns how many cases came in above."""
        height = self.layout_now.lines
        before, first = self.model.cursor, self.scroll_offset.y // height
        visible = first <= before <= first + self.size.height // height
        anchor = before if visible else min(first, max(len(self.model) - 1, 0))
        anchor_id = self.model.ids[anchor] if len(self.model) else None
        ids = self.model.ids
        self.model.replace(source)
        now_at = self.model.position(anchor_id, anchor) if anchor_id is not None else None
        if visible or now_at is None:
            now_at = self.model.cursor
        shift = now_at - anchor
        self._redraw()
        if shift and first:
            self._scroll_lines(self.scroll_offset.y + shift * height)
        elif shift:
            self._scroll_lines(max(0, shift) * height)
        self._tell(always=True)
        # A case may also be lower because it became less pressing itself: nothing came in then.
        return len(set(self.model.ids[:now_at]).difference(ids)) if shift > 0 else 0

    def set_lines(self, lines: int) -> None:
        """One or two lines a case; 0 goes by the width."""
        self.lines_per_case = lines
        self._redraw()
        self.scroll_to_cursor()

    def tick(self) -> None:
        """Draw again when a minute has passed, for the words of the deadlines."""
        if self._painter.stale:
            self._redraw()

    def _redraw(self) -> None:
        self._painter.clear()
        layout = self.layout_now
        self.virtual_size = Size(0, len(self.model) * layout.lines)
        self.refresh()

    # --- moving -------------------------------------------------------------------------------------------

    def select(self, case_id: int) -> bool:
        """Select a case where it is in the list."""
        found = self.model.position(case_id, self.model.cursor)
        if found is not None:
            self._place_cursor(found)
            self.scroll_to_cursor()
        return found is not None

    def action_move(self, step: str) -> None:
        """Move the selection: up, down, first, last, half_down, half_up, page_down, page_up."""
        page = max(1, self.size.height // self.layout_now.lines)
        last = len(self.model) - 1
        steps = {"down": 1, "up": -1, "first": -last, "last": last}
        steps |= {"half_down": page // 2, "half_up": -(page // 2), "page_down": page, "page_up": -page}
        self._place_cursor(min(max(self.model.cursor + steps[step], 0), max(last, 0)))
        self.scroll_to_cursor()

    def _place_cursor(self, position: int) -> None:
        old, self.model.cursor = self.model.cursor, position
        if self.model.anchor is not None:
            self.refresh()
            self.post_message(self.MarksChanged())
        else:
            self._refresh_case(old)
            self._refresh_case(position)
        self._tell()

    def _tell(self, *, always: bool = False) -> None:
        selected = self.model.selected
        if always or selected != self._told:
            self._told = selected
            self.post_message(self.Moved(selected))

    def _refresh_case(self, position: int) -> None:
        lines = self.layout_now.lines
        self.refresh_lines(position * lines, lines)

    def scroll_to_cursor(self) -> None:
        """Scroll as little as needed to show the selected case whole."""
        lines = self.layout_now.lines
        top, height = self.model.cursor * lines, self.size.height
        if top < self.scroll_offset.y:
            self._scroll_lines(top)
        elif height and top + lines > self.scroll_offset.y + height:
            self._scroll_lines(top + lines - height)

    def _scroll_lines(self, y: int) -> None:
        self.scroll_to(y=y, animate=False, force=True)

    # --- marking ------------------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark or unmark the selected case, and go on to the next."""
        self.model.toggle_mark()
        self._refresh_case(self.model.cursor)
        self.post_message(self.MarksChanged())
        self.action_move("down")

    def action_mark_range(self) -> None:
        """Begin or end a range."""
        self.model.toggle_range()
        self.refresh()
        self.post_message(self.MarksChanged())

    def clear_marks(self) -> bool:
        """Unmark everything; whether anything was marked."""
        had = self.model.clear_marks()
        if had:
            self.refresh()
            self.post_message(self.MarksChanged())
        return had

    def targets(self, read: Callable[[Sequence[int]], Sequence[CaseRow]]) -> list[CaseRow]:
        """The rows an action applies to: the marked cases in the order of the list, otherwise the selected one."""
        marked = self.model.marked()
        if marked:
            return self.model.rows_of([case_id for case_id in self.model.ids if case_id in marked], read)
        row = self.selected_row
        return [row] if row is not None else []

    # --- mouse and size -----------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """A click selects, a double click opens, ctrl+click marks."""
        position = (event.y + self.scroll_offset.y) // self.layout_now.lines
        if not 0 <= position < len(self.model):
            return
        self._place_cursor(position)
        if event.ctrl:
            self.model.toggle_mark()
            self._refresh_case(position)
            self.post_message(self.MarksChanged())
        elif event.chain >= 2:
            self.post_message(self.Opened())

    def on_resize(self) -> None:
        """Another width has other columns."""
        self._redraw()
        self.scroll_to_cursor()

    def on_focus(self) -> None:
        """The selected case is drawn otherwise while the keys come here."""
        self._refresh_case(self.model.cursor)

    def on_blur(self) -> None:
        """The selected case is drawn otherwise while the keys go elsewhere."""
        self._refresh_case(self.model.cursor)

    # --- drawing ------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        """Another theme: nothing drawn before is right."""
        super().notify_style_update()
        self._painter.clear(styles=True)

    def render_line(self, y: int) -> Strip:
        """One line of the screen, `y` counted from its top."""
        layout = self.layout_now
        position, line = divmod(y + self.scroll_offset.y, layout.lines)
        row = self.model.row(position)
        if row is None:
            said = y == 0 and not len(self.model) and not isinstance(self.model.source, EmptySource)
            return (self._painter.nothing if said else self._painter.blank)(self.size.width)
        here = position == self.model.cursor
        look = Look(cursor=here, marked=self.model.is_marked(position), focused=here and self.has_focus)
        return self._painter.paint(row, layout, line, look, self.size.width)
