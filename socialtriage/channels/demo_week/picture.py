"""Small made-up photos, so that the demo has something to look at, to keep and to hand off."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib

from socialtriage.channels.demo_week.scenes import HEIGHT, SCENES, WIDTH, Canvas

GRAIN = 7
"""How far a shade strays at most: a photo is never even."""


def picture(name: str) -> bytes:
    """A PNG, the same for the same name: what the photo of that name shows, or two colours where nobody drew it."""
    drawn = SCENES[name]() if name in SCENES else _faded(name)
    grain = random.Random(name)  # noqa: S311 - the same for the same name, and no secret
    rows = b"".join(b"\0" + _grainy(row, grain.randbytes(WIDTH)) for row in drawn.rows)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _faded(name: str) -> Canvas:
    tone = hashlib.blake2b(name.encode(), digest_size=6).digest()
    return Canvas((tone[0], tone[1], tone[2]), (tone[3], tone[4], tone[5]))


def _grainy(row: bytearray, grain: bytes) -> bytes:
    strays = (each % (2 * GRAIN + 1) - GRAIN for each in grain for _ in range(3))
    return bytes(min(255, max(0, shade + stray)) for shade, stray in zip(row, strays, strict=True))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
