"""How long a video or a sound lasts, told by its header alone: nothing is decoded."""

from __future__ import annotations

import struct
from typing import BinaryIO

BOXES = ("video/mp4", "video/quicktime", "audio/mp4")
"""Kinds whose length is known: ISO base media files (ISO/IEC 14496-12)."""
MOST_BOXES = 10_000
"""Boxes that are looked at; a real file has some hundreds at the top."""
LONGEST = 7 * 24 * 3600.0
"""Seconds above which a length is not believed."""


def seconds(file: BinaryIO, mime: str | None) -> float | None:
    """How long it lasts; None where the file does not say, or is not built as it should be. Raises `OSError`."""
    if mime not in BOXES:
        return None
    end = file.seek(0, 2)
    found = _find(file, b"moov", 0, end)
    found = _find(file, b"mvhd", *found) if found else None
    if found is None:
        return None
    file.seek(found[0])
    head = file.read(32)
    try:
        if head[0] == 1:
            scale, lasts = struct.unpack_from(">IQ", head, 20)
        else:
            scale, lasts = struct.unpack_from(">II", head, 12)
    except (struct.error, IndexError):
        return None
    return lasts / scale if scale and 0 < lasts / scale <= LONGEST else None


def _find(file: BinaryIO, wanted: bytes, start: int, stop: int) -> tuple[int, int] | None:
    """Where the body of the first box of a kind begins and ends."""
    for _ in range(MOST_BOXES):
        if start + 8 > stop:
            return None
        file.seek(start)
        head = file.read(16)
        size, kind, body = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), start + 16
        end = stop if size == 0 else start + size
        if end < body or end > stop:
            return None
        if kind == wanted:
            return body, end
        start = end
    return None
