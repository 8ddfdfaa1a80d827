"""Video that is served in pieces (HTTP Live Streaming, RFC 8216), as Bluesky does: put together into one file."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
import time
from itertools import pairwise
from typing import BinaryIO
from urllib.parse import urljoin

from socialtriage.channels.download import CHUNK, Downloads, Got
from socialtriage.domain.filetypes import ENOUGH, file_type
from socialtriage.domain.models import MediaState

PLAYLIST = re.compile(r"^https?://[^?#]+\.m3u8(?:[?#]|$)", re.IGNORECASE)
"""Addresses of such videos."""
MOST_PIECES = 2_000
LARGEST_LIST = 1_000_000
_BANDWIDTH = re.compile(r"[:,]BANDWIDTH=([0-9]{1,15})")
_URI = re.compile(r'URI="([^"]*)"')


class _Ended(Exception):
    """The video cannot be had; `got` says why."""

    def __init__(self, got: Got) -> None:
        super().__init__(got.why)
        self.got = got


async def fetch_playlist(downloads: Downloads, url: str, file: BinaryIO, *, limit: int, seconds: float) -> Got:
    """Like `Downloads.fetch`, for the address of a playlist: its best version, piece after piece."""
    end = time.monotonic() + seconds
    try:
        address, lines = url, await _lines(downloads, url, end)
        if any(line.startswith("#EXT-X-STREAM-INF") for line in lines):
            address = urljoin(url, _best(lines))
            lines = await _lines(downloads, address, end, led=True)
        size = 0
        for piece in _pieces(lines):
            size += await _piece(downloads, urljoin(address, piece), file, limit - size, end)
    except _Ended as ended:
        return ended.got
    return await asyncio.to_thread(_whole, file, size)


async def _lines(downloads: Downloads, url: str, end: float, *, led: bool = False) -> list[str]:
    text, left = io.BytesIO(), end - time.monotonic()
    got = await downloads.fetch(url, text, limit=LARGEST_LIST, seconds=left, typed=False, led=led)
    if got.state is not MediaState.KEPT:
        raise _Ended(got)
    lines = [line.strip() for line in text.getvalue().decode("utf-8", "replace").splitlines()]
    if not lines or lines[0] != "#EXTM3U":
        raise _Ended(Got(MediaState.REFUSED, "What came is no video."))
    return lines


def _best(lines: list[str]) -> str:
    """The address of the version with the highest bandwidth."""
    best, found = -1, ""
    for line, following in pairwise(lines):
        if line.startswith("#EXT-X-STREAM-INF") and following and not following.startswith("#"):
            match = _BANDWIDTH.search(line)
            if (rate := int(match[1]) if match else 0) > best:
                best, found = rate, following
    return found


def _pieces(lines: list[str]) -> list[str]:
    """The addresses of the pieces in their order; none of a video that is encrypted, still live or cut by ranges."""
    if any(line.startswith("#EXT-X-BYTERANGE") for line in lines) or "#EXT-X-ENDLIST" not in lines:
        raise _Ended(Got(MediaState.REFUSED, "The video comes in a form that cannot be put together."))
    if any(line.startswith("#EXT-X-KEY") and "METHOD=NONE" not in line for line in lines):
        raise _Ended(Got(MediaState.REFUSED, "The video is encrypted."))
    first = [match[1] for line in lines if line.startswith("#EXT-X-MAP") and (match := _URI.search(line))]
    pieces = [*first[:1], *(line for line in lines if line and not line.startswith("#"))]
    if len(first) > 1 or not 0 < len(pieces) <= MOST_PIECES:
        raise _Ended(Got(MediaState.REFUSED, "The video comes in a form that cannot be put together."))
    return pieces


async def _piece(downloads: Downloads, url: str, file: BinaryIO, room: int, end: float) -> int:
    left = end - time.monotonic()
    if left <= 0:
        raise _Ended(Got(MediaState.PENDING, "The video took too long."))
    got = await downloads.fetch(url, file, limit=max(room, 0), seconds=left, typed=False, led=True)
    if got.state is MediaState.TOO_LARGE:
        raise _Ended(Got(MediaState.TOO_LARGE, "The video is larger than the limit."))
    if got.state is not MediaState.KEPT:
        raise _Ended(got)
    return got.size


def _whole(file: BinaryIO, size: int) -> Got:
    """What the pieces make together."""
    file.flush()
    file.seek(0)
    found = file_type(file.read(ENOUGH))
    if found is None:
        return Got(MediaState.REFUSED, "What came is no video.")
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return Got(MediaState.KEPT, size=size, sha256=digest.hexdigest(), type=found)
