"""A case to read: in the pane beside the list, and on a screen of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.message import Message

from socialtriage.domain.models import MediaState
from socialtriage.domain.views import CaseDetail
from socialtriage.ui import case_text
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.case_text import SUGGESTION, Reader
from socialtriage.ui.flow import Para, para
from socialtriage.ui.widgets.text_pane import TextPane

Parts = Callable[[CaseDetail, Reader], Iterable[Para]]
PHOTO_STYLE = "photo"
"""Beginning of the style of a photo's line: `photo:ID:LINE`."""
PHOTO_MARGIN = "    "
"""What stands to the left of a photo."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo within the thread, line by line, and what is said above it or, where there is none, in its place."""

    lines: Sequence[Sequence[Segment]] = ()
    words: str = ""


class CaseView(TextPane):
    """One case, or a part of it, with its messages and its suggestion as stops."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.CASE)]

    class Accepted(Message):
        """Enter was pressed on the suggestion."""

    @dataclass
    class Missing(Message):
        """The case that was to be shown is not in the store any more."""

        case_id: int

    def __init__(self, reader: Callable[[], Reader], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._reader = reader
        self._parts: Parts = case_text.whole
        self._opened: set[int] = set()
        self._photos: dict[int, Photo] = {}
        self._photos_for = 0
        self._repaint: Callable[[], None] | None = None
        self.detail: CaseDetail | None = None

    def show_case(self, detail: CaseDetail | None, parts: Parts | None = None) -> None:
        """Show a case; the same case again keeps its place, and its photos as far as they are still its own."""
        same = detail is not None and self.detail is not None and detail.row.id == self.detail.row.id
        self.detail, self._parts = detail, parts or self._parts
        if not same:
            self._opened.clear()
        # A photo that was erased, or masked with its case, is not shown a moment longer.
        files = [media for each in detail.messages for media in each.media] if detail and same else []
        there = {media.id for media in files if media.state is MediaState.KEPT}
        self._photos = {media_id: photo for media_id, photo in self._photos.items() if media_id in there}
        self._render_case(keep_place=same)

    def _render_case(self, *, keep_place: bool) -> None:
        if self.detail is None:
            self.show([para("No case is selected.", "dim")])
            return
        photos = {media_id: tuple(_below(media_id, photo)) for media_id, photo in self._photos.items()}
        opened = replace(self._reader(), opened=frozenset(self._opened), pictures=photos)
        self.show(list(self._parts(self.detail, opened)), keep_place=keep_place)

    # --- photos -------------------------------------------------------------------------------------------

    @property
    def photos(self) -> Mapping[int, Photo]:
        """What is drawn below which file."""
        return self._photos

    def show_photos(self, photos: Mapping[int, Photo], repaint: Callable[[], None] | None = None) -> None:
        """Draw photos below their files, or none; `repaint` is called when another width wants them anew."""
        first = any(each.lines for each in photos.values()) and not any(each.lines for each in self._photos.values())
        self._photos, self._repaint, self._photos_for = dict(photos), repaint, self.room
        self._render_case(keep_place=True)
        if first:
            self._to_first_photo()

    def _to_first_photo(self) -> None:
        """Scroll until the first photo is whole, with the line that names it, if that much fits."""
        rows = [number for number, line in enumerate(self._lines) if line and line[0][1].startswith(f"{PHOTO_STYLE}:")]
        if rows:
            last = next((row for row in rows if row + 1 not in rows), rows[0])
            top, height = self.scroll_offset.y, self.size.height
            wanted = min(rows[0] - 2, max(top, last + 1 - height)) if rows[0] - 2 >= top else rows[0] - 2
            self.scroll_to(y=max(0, wanted), animate=False, force=True)

    def on_resize(self) -> None:
        """Photos follow the width."""
        if self._photos and self._repaint is not None and self.room != self._photos_for:
            self._photos_for = self.room
            self._repaint()

    def drawn(self, style: str) -> list[Segment] | None:
        """The segments of a photo's line."""
        name, _, place = style.partition(":")
        if name != PHOTO_STYLE:
            return None
        media_id, _, line = place.partition(":")
        photo = self._photos.get(int(media_id))
        lines = photo.lines if photo else ()
        return [Segment(PHOTO_MARGIN, self._style("base")), *(lines[int(line)] if int(line) < len(lines) else ())]

    # --- stops --------------------------------------------------------------------------------------------

    def on_text_pane_stop_entered(self, event: TextPane.StopEntered) -> None:
        """Enter on the suggestion accepts it, on a message opens or closes it."""
        event.stop()
        if event.name == SUGGESTION:
            self.post_message(self.Accepted())
            return
        self._opened ^= {int(event.name.rpartition("-")[2])}
        self._render_case(keep_place=True)


def _below(media_id: int, photo: Photo) -> Iterable[Para]:
    if photo.words:
        yield para(photo.words, "dim", indent=len(PHOTO_MARGIN))
    if photo.lines:
        yield Para(rows=tuple((PHOTO_MARGIN, f"{PHOTO_STYLE}:{media_id}:{line}") for line in range(len(photo.lines))))
