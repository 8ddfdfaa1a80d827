"""A copy of a photo without what it says about its maker: position, camera, names, thumbnails, hidden second pictures.

By structure, not by drawing it anew: what is kept is copied byte for byte, so the picture itself is the resident's, and
no image library has to read a stranger's bytes. Only the orientation is written again, else photos would lie on their
side, and the colour profile is kept. HEIC, AVIF and video lose theirs in place: it is overwritten, so that nothing in
the file moves. Positions that an action camera writes beside every picture of a video are not found.

Sources: ITU T.81 and JFIF, Exif 3.0 and TIFF 6.0, PNG (W3C, third edition), the WebP container (RFC 9649), GIF89a,
ISO/IEC 14496-12 and 23008-12.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from zlib import crc32

from socialtriage.domain.filetypes import ENOUGH, JPEG, PNG, WEBP, file_type

_EXIF = b"Exif\0\0"
_PNG_KEPT = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs")
) | frozenset((b"cICP", b"mDCV", b"cLLI", b"acTL", b"fcTL", b"fdAT"))
"""Chunks that draw the picture; everything else tells something."""
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_BOXES = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf"))
"""Boxes of a video that are looked into."""
_DEEPEST = 12
"""Boxes within each other; a real video has six."""
_DRAWING = frozenset((b"hvc1", b"lhv1", b"av01", b"avc1", b"jpeg", b"grid", b"iden", b"iovl", b"tmap"))
"""Kinds of items that a HEIC or AVIF picture is drawn of."""
_TELLS = re.compile(rb"MM\x00\*\x00\x00\x00\x08(?!\x00\x01\x01\x12|\x00\x00\x00\x00)|II\*\x00\x08\x00\x00\x00")
"""The beginning of EXIF data that says more than the orientation, wherever a damaged length has put it."""
_MARKER = re.compile(rb"\xff[^\xff]", re.DOTALL)
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""What ends the lines of a JPEG: a marker that is neither a restart nor a stuffed byte."""
_MOST_PARTS = 100_000
"""Segments, chunks, blocks or boxes of one file; a real one has some thousands at most."""
_LOOPS = (b"\xff\x0bNETSCAPE2.0", b"\xff\x0bANIMEXTS1.0")
"""Extensions of a GIF that say how often its pictures are repeated."""
_TELLING = frozenset((b"udta", b"meta", b"uuid", b"loci", b"\xa9xyz"))
"""Boxes that hold positions, names, cameras and programs."""


class Unreadable(ValueError):
    """The file is not built as its kind should be."""


def can_strip(mime: str | None) -> bool:
    """Whether `without_metadata` knows the kind."""
    return mime in _STRIPPERS


def without_metadata(data: bytes) -> bytes | None:
    """A copy without metadata; None for kinds that cannot be cleaned, and for files that are not built as they should.

    What is returned still is of the same kind.
    """
    found = file_type(data[:ENOUGH])
    strip = _STRIPPERS.get(found.mime) if found else None
    if strip is None:
        return None
    try:
        copy = strip(data)
        return None if strip is not _video and _TELLS.search(copy) else copy
    except (Unreadable, struct.error, IndexError, KeyError):
        return None


# --- JPEG ---------------------------------------------------------------------------------------------------


def _jpeg(data: bytes) -> bytes:
    """Markers in their order; of the APPn only JFIF, colour profile and Adobe transform; nothing after the end."""
    out = [b"\xff\xd8"]
    place, turned = 2, 1
    for _ in _parts():
        found = _MARKER.search(data, place)
        if found is None:
            raise Unreadable("the picture is cut off")
        place = found.start()
        marker = data[place + 1]
        if marker == 0xD9:
            break
        length = struct.unpack_from(">H", data, place + 2)[0]
        end = place + 2 + length
        if length < 2 or end > len(data):
            raise Unreadable("a segment is longer than the file")
        body = data[place + 4 : end]
        if marker == 0xE1 and body.startswith(_EXIF):
            turned = _orientation(body[len(_EXIF) :]) or turned
        elif _draws(marker, body):
            out.append(data[place:end])
        place = end
        if marker == 0xDA:
            end = _after_scan(data, place)
            out.append(data[place:end])
            place = end
    # After JFIF, which must be the first segment where there is one.
    first = 2 if len(out) > 1 and out[1][1] == 0xE0 else 1
    if turned != 1:
        exif = _EXIF + _only_orientation(turned)
        out.insert(first, b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif)
    return b"".join((*out, b"\xff\xd9"))


def _draws(marker: int, body: bytes) -> bool:
    if 0xE0 <= marker <= 0xEF:
        kept = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}.get(marker)
        return kept is not None and body.startswith(kept)
    # A damaged marker may stand before what says where the picture was taken.
    return (0xC0 <= marker <= 0xCF or 0xDA <= marker <= 0xDF) and not body.startswith(_EXIF)


def _after_scan(data: bytes, place: int) -> int:
    """Where the next marker begins that is no restart and no stuffed byte. Raises `Unreadable` for a scan cut off."""
    found = _AFTER_SCAN.search(data, place)
    if found is None:
        raise Unreadable("the picture is cut off")
    return found.start()


def _parts() -> Iterator[int]:
    """As many turns as a file that is meant to be looked at can need; then raises `Unreadable`."""
    yield from range(_MOST_PARTS)
    raise Unreadable("there is no end of its parts")


def _orientation(tiff: bytes) -> int | None:
    """The orientation (1 to 8) in EXIF data, if it says one."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 10:
        return None
    try:
        start = struct.unpack_from(f"{order}I", tiff, 4)[0]
        for number in range(struct.unpack_from(f"{order}H", tiff, start)[0]):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * number)
            if tag == 0x0112 and kind == 3 and count == 1 and 1 <= value <= 8:
                return int(value)
    except struct.error:
        return None
    return None


def _only_orientation(value: int) -> bytes:
    """EXIF data that says the orientation and nothing else."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, value, 0, 0)


# --- PNG ----------------------------------------------------------------------------------------------------


def _png(data: bytes) -> bytes:
    out, turned = [data[:8]], 1
    place = 8
    for _ in _parts():
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            raise Unreadable("a chunk is longer than the file")
        if kind == b"eXIf":
            turned = _orientation(data[place + 8 : end - 4]) or 1
        elif kind in _PNG_KEPT:
            if kind == b"IDAT" and turned != 1:
                out.append(_chunk(b"eXIf", _only_orientation(turned)))
                turned = 1
            out.append(data[place:end])
        place = end
        if kind == b"IEND":
            break
    return b"".join(out)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc32(kind + body))


# --- WebP ---------------------------------------------------------------------------------------------------


def _webp(data: bytes) -> bytes:
    end = 8 + int(struct.unpack_from("<I", data, 4)[0])
    if end > len(data):
        raise Unreadable("the file is cut off")
    kept, turned = [], 1
    place = 12
    for _ in _parts():
        if place + 8 > end:
            break
        kind, length = struct.unpack_from("<4sI", data, place)
        after = place + 8 + length + length % 2
        if after > end + 1:
            raise Unreadable("a chunk is longer than the file")
        body = data[place + 8 : place + 8 + length]
        if kind == b"EXIF":
            turned = _orientation(body.removeprefix(_EXIF)) or 1
        elif kind in _WEBP_KEPT:
            kept.append((kind, body))
        place = after
    exif = [(b"EXIF", _only_orientation(turned))] if turned != 1 and kept and kept[0][0] == b"VP8X" else []
    parts = [_riff(kind, _flags(body, bool(exif)) if kind == b"VP8X" else body) for kind, body in (*kept, *exif)]
    whole = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def _riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _flags(body: bytes, exif: bool) -> bytes:
    """The header's flags: EXIF (bit 3) as it is now, XMP (bit 2) none."""
    return bytes([body[0] & ~0x0C | (0x08 if exif else 0)]) + body[1:]


# --- GIF ----------------------------------------------------------------------------------------------------


def _gif(data: bytes) -> bytes:
    """Header, colours and pictures; of the extensions only how a picture is shown and how often all are repeated."""
    if len(data) < 13:
        raise Unreadable("the header is cut short")
    place = 13 + _colours(data[10])
    out = [data[:place]]
    for _ in _parts():
        if data[place] == 0x3B:
            break
        if data[place] == 0x21:
            end = _after_blocks(data, place + 2)
            if data[place + 1] == 0xF9:
                out.append(data[place:end])
            elif data[place + 1 : place + 14] in _LOOPS and data[place + 14 : place + 16] == b"\x03\x01":
                out.append(data[place : place + 18] + b"\0")
        elif data[place] == 0x2C:
            end = _after_blocks(data, place + 10 + _colours(data[place + 9]) + 1)
            out.append(data[place:end])
        else:
            raise Unreadable("a block of no kind that there is")
        place = end
    return b"".join((*out, b"\x3b"))


def _colours(flags: int) -> int:
    """Bytes of the table of colours that the flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, place: int) -> int:
    for _ in _parts():
        if not data[place]:
            break
        place += data[place] + 1
    return place + 1


# --- video --------------------------------------------------------------------------------------------------


def _video(data: bytes) -> bytes:
    """Boxes that tell something become free space of the same length: no offset in the file changes."""
    out = bytearray(data)
    for start, body, end, kind in _walk(data, 0, len(data)):
        if kind in _TELLING:
            out[start + 4 : start + 8] = b"free"
            out[body:end] = bytes(end - body)
    return bytes(out)


def _walk(data: bytes, start: int, stop: int, depth: int = 0) -> Iterator[tuple[int, int, int, bytes]]:
    """Start, body, end and kind of every box, those inside others included."""
    if depth > _DEEPEST:
        raise Unreadable("boxes within boxes without an end")
    for _ in _parts():
        if start + 8 > stop:
            break
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            size, body = struct.unpack_from(">Q", data, body)[0], start + 16
        end = stop if size == 0 else start + size
        if end > stop or end < body:
            raise Unreadable("a box is longer than what holds it")
        yield start, body, end, kind
        if kind in _BOXES:
            yield from _walk(data, body, end, depth + 1)
        start = end


# --- HEIC and AVIF ------------------------------------------------------------------------------------------


def _heif(data: bytes) -> bytes:
    """What the picture tells is an item of its own beside those that draw it: its bytes are overwritten in place.

    The orientation of these pictures is a property of the drawing items, so nothing has to be written again.
    """
    out = bytearray(data)
    empty: dict[int, int] = {}
    found, written = False, 0
    drawn: list[tuple[int, int]] = []
    boxes = list(_walk(data, 0, len(data)))
    for _, body, end, kind in boxes:
        if kind in (b"uuid", b"udta"):
            out[body:end] = bytes(end - body)
        elif kind == b"meta":
            for start, stop, what in _item_parts(data, body + 4, end):
                if what in _DRAWING:
                    drawn.append((start, stop))
                    continue
                written += stop - start
                if not body <= start <= stop <= len(data) or written > len(data):
                    raise Unreadable("an item lies outside the file, or many lie in one place")
                out[start:stop] = b" " * (stop - start)
                if what == b"Exif":
                    empty[start] = stop
            found = True
    if not found:
        raise Unreadable("the picture has no description of its items")
    for _, body, end, kind in boxes:
        # What no item draws is nobody's: where a place is damaged, the rest of what it told lies there.
        if kind == b"mdat" and all(each[3] != b"moov" for each in boxes):
            place = body
            for start, stop in (*sorted(drawn), (end, end)):
                if body <= start <= end:
                    out[place : max(place, start)] = bytes(max(0, start - place))
                    place = max(place, stop)
    for start, stop in empty.items():
        # Strict readers want EXIF data that says nothing, not none: an offset, and a TIFF without entries.
        nothing = bytes(4) + b"MM\0*\0\0\0\x08" + bytes(6)
        if stop - start >= len(nothing):
            out[start:stop] = nothing + bytes(stop - start - len(nothing))
    return bytes(out)


def _item_parts(data: bytes, start: int, stop: int) -> list[tuple[int, int, bytes]]:
    """Where in the file the parts of the items lie, and the items' kinds."""
    boxes = {kind: (body, end) for _, body, end, kind in _walk(data, start, stop)}
    if b"iinf" not in boxes or b"iloc" not in boxes:
        raise Unreadable("the picture has no list of its items")
    kinds = _items(data, *boxes[b"iinf"])
    places = []
    for item, method, begin, length in _item_places(data, boxes[b"iloc"][0]):
        what = kinds.get(item, b"")
        if method > 1 and what not in _DRAWING:
            raise Unreadable("an item is made of others")
        begin += boxes[b"idat"][0] if method == 1 else 0
        places.append((begin, begin + length if length or what not in _DRAWING else len(data), what))
    return places


def _items(data: bytes, body: int, end: int) -> dict[int, bytes]:
    """Numbers and kinds of the items: pictures, EXIF, XMP, and whatever else there may be."""
    wide = data[body] != 0
    found = {}
    for _, start, _, kind in _walk(data, body + (8 if wide else 6), end):
        if kind != b"infe":
            raise Unreadable("the list of items holds something else")
        version = data[start]
        if version < 2:
            raise Unreadable("an item says no kind")
        number, what = struct.unpack_from(">I2x4s" if version > 2 else ">H2x4s", data, start + 4)
        found[number] = what
    return found


def _item_places(data: bytes, body: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, kind of place, begin and length of every part of every item."""
    version, sizes = data[body], struct.unpack_from(">H", data, body + 4)[0]
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    place = body + 6

    def number(size: int) -> int:
        nonlocal place
        place += size
        if place > len(data):
            raise Unreadable("the places of the items are cut off")
        return int.from_bytes(data[place - size : place], "big")

    for _ in range(number(4 if version > 1 else 2)):
        item = number(4 if version > 1 else 2)
        method = number(2) & 15 if version > 0 else 0
        number(2)
        base = number(base_size)
        for _ in range(number(2)):
            if version > 0:
                number(index_size)
            begin = base + number(offset_size)
            yield item, method, begin, number(length_size)


_STRIPPERS: dict[str, Callable[[bytes], bytes]] = {
    JPEG.mime: _jpeg,
    PNG.mime: _png,
    WEBP.mime: _webp,
    "image/gif": _gif,
    **dict.fromkeys(("image/heic", "image/avif"), _heif),
    **dict.fromkeys(("video/mp4", "video/quicktime", "audio/mp4"), _video),
}
