"""Photos as cells of the terminal: whether it can show any, and the segments of one.

Each cell is the upper half of a block: its colour is the upper pixel, its background the lower one. That works in every
terminal with 256 colours, over SSH and in tmux, and needs no question to the terminal, whose answer could be taken for
keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from socialtriage.services.pictures import Album, Picture, Window
from socialtriage.services.pixels import LEVELS

if TYPE_CHECKING:
    from socialtriage.domain.views import MediaView
    from socialtriage.ui.app import TriageApp

T = TypeVar("T")
GREYS = len(LEVELS) ** 3
"""Number of the first grey of a terminal with 256 colours, less 16."""
BLOCK = "▀"
PLAIN = {"256": 256, "truecolor": 1 << 24}
"""Colour systems in which a photo can be made out, and how many colours they have."""
Painted = list[list[Segment]]
"""Lines of segments."""


def colours(app: TriageApp) -> int:
    """How many colours a photo may have in this terminal; 0 where it is not to be drawn."""
    if app.no_color or app.console.is_dumb_terminal:
        return 0
    return PLAIN.get(app.console.color_system or "", 0)


def why_not(app: TriageApp) -> str:
    """Why this terminal shows no photo, in a sentence; "" when it can."""
    if colours(app):
        return ""
    if app.no_color:
        return "Pictures are not drawn without colours (NO_COLOR)."
    return "This terminal has too few colours to draw a picture."


def album(app: TriageApp) -> Album:
    """The photos of this run."""
    if app.session.album is None:
        app.session.album = Album(app.desk)
    return app.session.album


async def paint(
    app: TriageApp, media: MediaView, columns: int, rows: int, zoom: float = 1.0, x: float = 0.5, y: float = 0.5
) -> tuple[Picture, Painted]:
    """A kept photo in at most `columns` by `rows` cells. Raises `Refused` with the reason why not, `StoreError`."""
    window = Window(max(1, columns), max(1, rows) * 2, colours(app), zoom, x, y)
    return await _aside(partial(_paint, album(app), media, window))


async def _aside(work: Callable[[], T]) -> T:
    """Run `work` in a thread that nobody waits for when the program ends: a decoder may hang for seconds."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(settle: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the program has ended meanwhile
            loop.call_soon_threadsafe(lambda: None if done.done() else settle())

    def run() -> None:
        try:
            result = work()
        except Exception as exc:
            finish(partial(done.set_exception, exc))
        else:
            finish(partial(done.set_result, result))

    threading.Thread(target=run, name="picture", daemon=True).start()
    return await done


def _paint(book: Album, media: MediaView, window: Window) -> tuple[Picture, Painted]:
    picture = book.draw(media, window)
    return picture, segments(picture)


def segments(picture: Picture) -> Painted:
    """The lines of a picture; neighbours of one colour are one segment."""
    stride, depth = picture.width * picture.depth, picture.depth
    painted: Painted = []
    for top in range(0, picture.height * stride, 2 * stride):
        line: list[Segment] = []
        before, count = None, 0
        for at in range(top, top + stride, depth):
            cell = picture.pixels[at : at + depth], picture.pixels[at + stride : at + stride + depth]
            if before is not None and cell != before:
                line.append(_cells(before, count))
                count = 0
            before, count = cell, count + 1
        if before is not None:
            line.append(_cells(before, count))
        painted.append(line)
    return painted


def _cells(cell: tuple[bytes, bytes], count: int) -> Segment:
    return Segment(BLOCK * count, Style(color=_colour(cell[0]), bgcolor=_colour(cell[1])))


@lru_cache(4096)
def _colour(pixel: bytes) -> Color:
    if len(pixel) == 3:
        return Color.from_rgb(*pixel)
    if pixel[0] >= GREYS:
        # The shade that Rich takes for this grey: it counts from black to white in 25 steps.
        shade = round(255 * (pixel[0] - GREYS + 1) / 25)
        return Color.from_rgb(shade, shade, shade)
    return Color.from_rgb(LEVELS[pixel[0] // 36], LEVELS[pixel[0] // 6 % 6], LEVELS[pixel[0] % 6])
