"""What a file is, told by its first bytes: names and headers of strangers are not believed."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass

from socialtriage.domain.models import SafeText

ENOUGH = 4096
"""Bytes from the start of a file that `file_type` looks at."""


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file that is kept as evidence."""

    mime: str
    suffix: str
    """The ending that viewers know it by, with its dot."""

    @property
    def family(self) -> str:
        """`image`, `video`, `audio` or `application`."""
        return self.mime.partition("/")[0]


JPEG = FileType("image/jpeg", ".jpg")
PNG = FileType("image/png", ".png")
WEBP = FileType("image/webp", ".webp")
MP4 = FileType("video/mp4", ".mp4")
MPEG_TS = FileType("video/mp2t", ".ts")

_STARTS: tuple[tuple[bytes, FileType], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", FileType("image/gif", ".gif")),
    (b"GIF89a", FileType("image/gif", ".gif")),
    (b"II*\x00", FileType("image/tiff", ".tif")),
    (b"MM\x00*", FileType("image/tiff", ".tif")),
    (b"%PDF-", FileType("application/pdf", ".pdf")),
    (b"fLaC", FileType("audio/flac", ".flac")),
    (b"ID3", FileType("audio/mpeg", ".mp3")),
    (b"#!AMR", FileType("audio/amr", ".amr")),
)
_BRANDS: dict[bytes, FileType] = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1"), FileType("image/heic", ".heic")),
    **dict.fromkeys((b"avif", b"avis"), FileType("image/avif", ".avif")),
    **dict.fromkeys((b"M4A ", b"M4B "), FileType("audio/mp4", ".m4a")),
    b"qt  ": FileType("video/quicktime", ".mov"),
}
"""Major brands of ISO base media files that are no MP4 video (ISO/IEC 14496-12, registered at mp4ra.org)."""
_RIFF = {
    b"WEBP": WEBP,
    b"WAVE": FileType("audio/wav", ".wav"),
    b"AVI ": FileType("video/x-msvideo", ".avi"),
}


SUFFIXES = frozenset(
    each.suffix for each in (MP4, MPEG_TS, *_BRANDS.values(), *_RIFF.values(), *(found for _, found in _STARTS))
) | frozenset((".jpeg", ".tiff", ".bmp", ".webm", ".mkv", ".ogv", ".ogg", ".aac", ".mp3"))
"""Endings of files that are kept as evidence."""


def file_type(head: bytes) -> FileType | None:
    """The type of a file that begins with `head` (`ENOUGH` bytes, or all of it); None for one that is not kept."""
    for start, found in _STARTS:
        if head.startswith(start):
            return found
    return next(filter(None, (look(head) for look in _LOOKS)), None)


def file_name(name: SafeText, data: bytes) -> SafeText:
    """A name with the ending of what the file really is; one that has an ending of its kind stays as it is."""
    found = file_type(data[:ENOUGH])
    if found is None or mimetypes.guess_type(f"x{name[-8:]}")[0] == found.mime:
        return name
    return SafeText(f"{name}{found.suffix}")


def _iso(head: bytes) -> FileType | None:
    if head[4:8] != b"ftyp" or len(head) < 12:
        return None
    return _BRANDS.get(head[8:12], MP4)


def _riff(head: bytes) -> FileType | None:
    return _RIFF.get(head[8:12]) if head[:4] == b"RIFF" else None


def _bmp(head: bytes) -> FileType | None:
    """Two letters are not enough: a text may begin with them, but has no such header after them."""
    plain = (
        head[:2] == b"BM" and head[6:10] == bytes(4) and head[14:18] in (b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0")
    )
    return FileType("image/bmp", ".bmp") if plain else None


def _matroska(head: bytes) -> FileType | None:
    if head[:4] != b"\x1aE\xdf\xa3":
        return None
    return FileType("video/webm", ".webm") if b"webm" in head[:64] else FileType("video/x-matroska", ".mkv")


def _ogg(head: bytes) -> FileType | None:
    if head[:4] != b"OggS":
        return None
    return FileType("video/ogg", ".ogv") if b"theora" in head[:64] else FileType("audio/ogg", ".ogg")


def _mpeg(head: bytes) -> FileType | None:
    """A transport stream has its sync byte every 188 bytes; MPEG audio begins with eleven set bits."""
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return MPEG_TS
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return FileType("audio/aac", ".aac")
    # Version, layer, bit rate and sampling rate that exist (ISO/IEC 11172-3).
    real = head[1] & 0x18 != 0x08 and head[1] & 0x06 != 0 and head[2] >> 4 not in (0, 15) and head[2] & 0x0C != 0x0C
    return FileType("audio/mpeg", ".mp3") if real else None


_LOOKS: tuple[Callable[[bytes], FileType | None], ...] = (_iso, _riff, _bmp, _matroska, _ogg, _mpeg)
