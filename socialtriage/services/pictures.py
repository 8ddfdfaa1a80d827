"""Kept photos for the screen: the copy without metadata, made small by a process of its own (`services/pixels.py`).

Nothing here is drawn unasked, and neither this process nor the store ever decodes a stranger's bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from socialtriage.domain.errors import Refused, StoreError
from socialtriage.domain.models import MediaState
from socialtriage.domain.unmarked import without_metadata
from socialtriage.domain.views import MediaView
from socialtriage.services import evidence, pixels
from socialtriage.services.desk import Desk

PATIENCE = 10.0
"""Seconds after which a picture that is still not decoded is given up."""
REMEMBERED = 24
"""Pictures, each in one size, that are not decoded again."""
DRAWN = {"image/jpeg": "a JPEG", "image/png": "a PNG", "image/webp": "a WebP picture", "image/gif": "a GIF"}
HEADER = 4096
"""Bytes of what the other process says before the pixels, at most."""
PASSED_ON = ("SYSTEMROOT", "PATH", "HOME", "USERPROFILE", "APPDATA", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
"""What the process may know of this one's surroundings: where Python and its libraries are."""


@dataclass(frozen=True, slots=True)
class Window:
    """How much room there is and which part is wanted. `x` and `y` are the middle of it, from 0 to 1."""

    columns: int
    rows: int
    """Rows of pixels: two to a row of the terminal."""
    colours: int = 1 << 24
    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels row by row: three bytes each, or one where the terminal has 256 colours (its number less 16)."""

    width: int
    height: int
    """Even."""
    pixels: bytes
    depth: int
    """Bytes a pixel."""
    full: tuple[int, int]
    """Width and height of the whole picture, upright."""
    box: tuple[int, int, int, int]
    """The part of it that is drawn: left, top, right, bottom."""
    zoomed: float
    most: float
    """How close it can be looked at, at most."""
    moving: bool
    """Only the first picture of several is drawn."""


class Album:
    """Pictures of one run of the program. Blocking; safe from several threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: OrderedDict[tuple[str, Window], Picture] = OrderedDict()
        self._lock = threading.Lock()
        self._decoding = threading.Lock()

    def draw(self, media: MediaView, window: Window) -> Picture:
        """A kept photo for the screen. Raises `Refused` with the reason why it is not drawn, `StoreError`."""
        why = undrawn(self._desk, media)
        if why:
            raise Refused(why)
        path = media.path or ""
        if not (self._desk.media_folder / path).exists():
            # Also what is remembered: a photo that was erased elsewhere is not shown again.
            raise StoreError("The file is not in the media folder any more.")
        with self._lock:
            found = self._kept.get((path, window))
            if found is not None:
                self._kept.move_to_end((path, window))
                return found
        # One after the other: memory for one picture is enough, and a held key asks for many.
        with self._decoding:
            made = _made(_copy(self._desk.media_folder, path), window)
        with self._lock:
            self._kept[(path, window)] = made
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return made


def undrawn(desk: Desk, media: MediaView) -> str:
    """Why a file cannot be drawn in the terminal, in a sentence that says what it is; "" when it may be tried."""
    if not desk.config.evidence.draw:
        return "Pictures are not drawn here: [evidence] draw is false."
    if media.state is not MediaState.KEPT:
        return media.why or "It is not kept, so there is nothing to draw."
    if media.mime in DRAWN:
        return ""
    family = (media.mime or "").partition("/")[0]
    kinds = {"video": "a video", "audio": "a sound", "image": "a picture of a make that is not drawn"}
    return f"It is {kinds.get(family, 'no picture')} ({media.mime or 'of an unknown kind'})."


def _copy(folder: Path, path: str) -> bytes:
    copy = without_metadata(evidence.read(folder, path))
    if copy is None:
        raise Refused("It is cut short or damaged: no copy without metadata can be made of it to draw.")
    return copy


def _made(data: bytes, window: Window) -> Picture:
    depth = 1 if window.colours == 256 else 3
    sizes = (window.columns, window.rows, window.colours)
    numbers = (f"{window.zoom:.4f}", f"{window.x:.4f}", f"{window.y:.4f}")
    answer = _ask([*map(str, sizes), *numbers], data, HEADER + window.columns * window.rows * depth)
    head, _, rest = answer.partition(b"\n")
    try:
        told: dict[str, Any] = json.loads(head)
        if "why" in told:
            raise Refused(str(told["why"])[:300])
        width, height = map(int, told["size"])
        full, box = tuple(map(int, told["full"])), tuple(map(int, told["box"]))
        if not (0 < width <= window.columns and 0 < height <= window.rows and len(rest) == width * height * depth):
            raise ValueError("pixels are missing")
        if len(full) != 2 or len(box) != 4:
            raise ValueError("a size is missing")
        zoomed, closest, moving = float(told["zoomed"]), float(told["most"]), bool(told["moving"])
    except (ValueError, KeyError, TypeError) as exc:
        raise Refused("It could not be decoded within the time and memory that a picture gets.") from exc
    return Picture(width, height, rest, depth, full, box, zoomed, closest, moving)


def _ask(arguments: list[str], data: bytes, most: int) -> bytes:
    """What the other process says about `data`, at most so many bytes and no longer than `PATIENCE`."""
    command = [sys.executable, "-P", str(pixels.__file__), *arguments]
    surroundings = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        process = subprocess.Popen(  # noqa: S603 - our own file, with numbers
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=surroundings,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as exc:
        raise Refused(f"No process could be started to decode it: {exc.strerror or exc}.") from exc
    with process:
        assert process.stdin is not None  # noqa: S101 - narrows the type
        assert process.stdout is not None  # noqa: S101 - narrows the type
        timer = threading.Timer(PATIENCE, process.kill)
        timer.daemon = True
        feeder = threading.Thread(target=_feed, args=(process.stdin, data), daemon=True)
        timer.start()
        feeder.start()
        try:
            return process.stdout.read(most)
        finally:
            # It has said what it may say; whatever it still does is of no use.
            process.kill()
            timer.cancel()
            feeder.join()


def _feed(pipe: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError), pipe:
        pipe.write(data)
