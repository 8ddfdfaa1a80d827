"""One file of a case on the whole screen: what is known of it in words, and below them the photo, closer if need be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.strip import Strip
from textual.widget import Widget

from socialtriage.domain.errors import NotFound, Refused, StoreError
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import CaseRow
from socialtriage.services import exhibits
from socialtriage.services.exhibits import Exhibit
from socialtriage.services.pictures import Picture, undrawn
from socialtriage.ui import case_text, words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import shorten, wrap
from socialtriage.ui.flow import Para, join, para
from socialtriage.ui.pictures import Painted, paint, why_not
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.widgets.text_pane import TextPane

WIDE = 110
"""Columns from which a hash is shown whole."""
MOST_FACTS = 6
"""Lines of words above a photo; more can be scrolled to."""


class Canvas(Widget):
    """A photo in the middle, or a sentence in its place."""

    DEFAULT_CSS = "Canvas { height: 1fr; background: $background; color: $ink-dim; }"

    def __init__(self) -> None:
        super().__init__()
        self._lines: Painted = []
        self._words = ""

    def show(self, lines: Painted, words: str = "") -> None:
        """Show a photo, or the words."""
        self._lines, self._words = lines, words
        self.refresh()

    @property
    def painted(self) -> bool:
        """Whether a photo is shown."""
        return bool(self._lines)

    def render_line(self, y: int) -> Strip:
        """A line of the photo, with the same room on both sides."""
        width, height = self.size
        if not self._lines:
            return self._sentence(y, width)
        line = y - max(0, (height - len(self._lines)) // 2)
        if not 0 <= line < len(self._lines):
            return Strip.blank(width, self.rich_style)
        photo = self._lines[line]
        left = max(0, (width - sum(cell_len(each.text) for each in photo)) // 2)
        return Strip([Segment(" " * left, self.rich_style), *photo]).adjust_cell_length(width, self.rich_style)

    def _sentence(self, y: int, width: int) -> Strip:
        lines = list(wrap(self._words, max(10, width - 4)))
        text = lines[y - 1] if 0 < y <= len(lines) else ""
        return Strip([Segment(f"  {text}", self.rich_style)]).adjust_cell_length(width, self.rich_style)


class PictureScreen(DeskScreen):
    """Words first: kind, size, who sent it, the description that came with it. A photo is drawn as it is come to."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.PICTURE,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.PICTURE)]
    TITLE_WORDS = "File of a case"
    DEFAULT_CSS = "PictureScreen { #facts { height: 3; } }"

    def __init__(self, row: CaseRow, found: Sequence[Exhibit]) -> None:
        super().__init__()
        self._row, self._found = row, list(found)
        self._at = next((i for i, each in enumerate(found) if each.media.mime and each.media.mime[:5] == "image"), 0)
        self._zoom, self._x, self._y = 1.0, 0.5, 0.5
        self._picture: Picture | None = None
        self._lasts = ""
        self._wanted = 0
        self._drawing = asyncio.Lock()
        self.facts = TextPane(id="facts")
        self.facts.can_focus = False
        self.canvas = Canvas()

    def body(self) -> ComposeResult:
        """The words, and the photo below them."""
        yield self.facts
        yield self.canvas

    def on_resize(self) -> None:
        """Words and photo follow the size."""
        self.call_after_refresh(self._show)

    @property
    def exhibit(self) -> Exhibit:
        """The file that is looked at."""
        return self._found[self._at]

    def targets(self) -> list[CaseRow]:
        """The case of the file."""
        return [self._row]

    def renew(self) -> None:
        """The store changed: files may have arrived, been erased, or been masked."""
        self.triage.in_background(self._read_again, "picture-files", "reading files")

    async def _read_again(self) -> None:
        unmasked = self._row.id in self.triage.session.unmasked
        try:
            found = await asyncio.to_thread(exhibits.listing, self.triage.desk, self._row.id, unmasked=unmasked)
        except NotFound:
            found = []
        if not self.is_attached or [each.media for each in found] == [each.media for each in self._found]:
            return
        if not found:
            self._wanted += 1
            self.canvas.show([], "The files of this case are not shown any more.")
            self.triage.say("Its files are not shown any more.", "$warn")
            if self.is_current:
                self.dismiss()
            return
        here = self.exhibit.media.id
        self._found = found
        self._at = next((i for i, each in enumerate(found) if each.media.id == here), 0)
        self._show()

    # --- words --------------------------------------------------------------------------------------------

    def _facts(self) -> Iterator[Para]:
        media, message = self.exhibit.media, self.exhibit.message
        reader = self.triage.reader()
        if media.alt:
            # The case has it whole; here it leaves room for what is known of the file.
            room = max(1, self._most_facts() - 3) * (self.facts.room - 4)
            yield para(f"“{shorten(clean_line(media.alt, 600), room)}”", "strong")
        full = f"{self._picture.full[0]:,} × {self._picture.full[1]:,} pixels" if self._picture else ""
        yield Para(
            join(
                (
                    [(f"{self._at + 1} of {len(self._found)}", "title")],
                    [(clean_line(f"{media.kind} {media.name}", 120), "strong")],
                    [(clean_line(media.mime or "", 60), "")],
                    [(words.size(media.bytes), "")],
                    [(f"lasts {self._lasts}" if self._lasts else "", "")],
                    [(full, "")],
                    [(words.MEDIA[media.state], "calm" if words.MEDIA[media.state] == "kept" else "warn")],
                    [("the first picture of a moving one", "warn")] if self._picture and self._picture.moving else [],
                    [(f"{self._picture.zoomed:.0f}× as large", "warn")] if self._picture and self._zoom > 1 else [],
                )
            )
        )
        yield Para(
            join(
                (
                    [(self._row.ref, "")],
                    [(clean_line(message.name or message.handle, 60), "resident")],
                    [case_text.visible(message.visibility)],
                    [(reader.at(message.at), "dim")],
                    [(f"sha256 {self._hash(media.sha256)}" if media.sha256 else "", "dim")],
                )
            )
        )

    def _hash(self, sha256: str) -> str:
        """The whole hash where there is room; `socialtriage evidence` always has it whole."""
        return sha256 if self.size.width >= WIDE else f"{sha256[:12]}…"

    def _show(self) -> None:
        """The words at once, the photo as soon as it is decoded."""
        media = self.exhibit.media
        refused = undrawn(self.triage.desk, media) or why_not(self.triage)
        self._picture = None if refused else self._picture
        self._say_facts()
        if refused:
            self.canvas.show([], self._instead(refused))
            self.triage.in_background(self._measure, "picture", "reading how long a video is")
            return
        if not self.canvas.painted:
            self.canvas.show([], "Drawing …")
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        # The words have their height now, so the room that is left is known.
        self._wanted += 1
        self.triage.in_background(partial(self._draw, self._wanted), "picture", "drawing a photo", exclusive=False)

    def _say_facts(self) -> None:
        self.facts.show(list(self._facts()))
        self.facts.styles.height = min(self._most_facts(), max(1, self.facts.lines))

    def _most_facts(self) -> int:
        return min(MOST_FACTS, max(1, self.size.height // 3))

    def _instead(self, why: str) -> str:
        opens = self.triage.key_of(next(each for each in self.main_actions() if each.id == "picture.open"))
        hint = f" {opens} opens it in the system's viewer, after a question." if self.exhibit.media.path else ""
        return clean_line(why, 300) + hint

    async def _measure(self) -> None:
        shown = self.exhibit.media
        lasts = await asyncio.to_thread(exhibits.lasts, self.triage.desk, shown)
        if lasts and self.is_attached and shown.id == self.exhibit.media.id:
            self._lasts = lasts
            self._say_facts()

    async def _draw(self, wanted: int) -> None:
        """One at a time, and only what is wanted last."""
        async with self._drawing:
            if wanted == self._wanted and self.is_attached:
                await self._draw_now()

    async def _draw_now(self) -> None:
        shown = self.exhibit
        room = self.canvas.size
        try:
            picture, lines = await paint(
                self.triage, shown.media, room.width, room.height, self._zoom, self._x, self._y
            )
        except (Refused, StoreError) as exc:
            picture, lines, why = None, [], self._instead(str(exc))
        else:
            why = ""
        if self.is_attached and shown.media.id == self.exhibit.media.id:
            self._picture = picture
            self.canvas.show(lines, why)
            self._say_facts()

    # --- keys ---------------------------------------------------------------------------------------------

    def action_turn(self, step: int) -> None:
        """To another file."""
        at = min(max(self._at + step, 0), len(self._found) - 1)
        if at == self._at:
            self.triage.say("There is no other file that way.")
            return
        self._at, self._zoom, self._x, self._y, self._picture = at, 1.0, 0.5, 0.5, None
        self._lasts = ""
        self._wanted += 1
        self.canvas.show([])
        self._show()

    def action_zoom(self, factor: float) -> None:
        """Closer, as far as there is something to see, or further away."""
        if self._picture is None:
            return
        most = self._picture.most
        if factor > 1 and self._zoom >= most:
            self.triage.say("There is nothing more to see closer.")
            return
        self._zoom = min(most, max(1.0, self._zoom * factor))
        self._show()

    def action_pan(self, across: int, down: int) -> None:
        """Move over a photo that is larger than the screen, by half of what is seen."""
        if self._picture is None:
            return
        (wide, high), (left, top, right, bottom) = self._picture.full, self._picture.box
        half = (right - left) / 2 / wide, (bottom - top) / 2 / high
        # From where it shall be, not from where it is drawn: keys may come faster than pictures.
        self._x = min(max(min(max(self._x, half[0]), 1 - half[0]) + across * half[0], half[0]), 1 - half[0])
        self._y = min(max(min(max(self._y, half[1]), 1 - half[1]) + down * half[1], half[1]), 1 - half[1])
        self._show()

    def action_open_outside(self) -> None:
        """The system's viewer, after a question."""
        from socialtriage.ui.handlers.evidence import outside

        media = self.exhibit.media
        self.triage.in_background(partial(outside, self.triage, media), "open-file", "opening a file")
