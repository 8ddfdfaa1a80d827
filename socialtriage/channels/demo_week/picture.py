"""Small made-up pictures, so that the demo has attachments to keep and to hand off."""

from __future__ import annotations

import hashlib
import struct
import zlib

WIDTH, HEIGHT = 96, 64


def picture(name: str) -> bytes:
    """A PNG of two colours that fade into each other, the same for the same name."""
    tone = hashlib.blake2b(name.encode(), digest_size=6).digest()
    rows = bytearray()
    for y in range(HEIGHT):
        row = bytes((tone[c] * (HEIGHT - y) + tone[c + 3] * y) // HEIGHT for c in range(3))
        rows += b"\0" + row * WIDTH
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
