"""A copy of a photo says no more where it was made and by whom; the picture in it is the same."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.domain.filetypes import file_type
from socialtriage.domain.unmarked import can_strip, without_metadata
from tests.doubles.media import photo, png, tiff, webp

TELLING = (b"Secret Camera", b"51.5074", b"a comment", b"Photoshop", b"Somebody", struct.pack(">II", 12345, 100))


def test_a_photo_of_a_phone_keeps_its_picture_and_its_orientation_and_nothing_else() -> None:
    whole = photo(500)
    assert any(word in whole for word in TELLING)
    copy = without_metadata(whole)
    assert copy is not None
    assert [word for word in TELLING if word in copy] == []
    assert copy.startswith(b"\xff\xd8\xff\xe0")
    assert copy.endswith(b"\xff\xd9")
    assert copy.count(b"\xff\xd8") == 1, "the second picture behind the first is gone"
    picture = whole[whole.index(b"\xff\xdb") : whole.index(b"\xff\xd9") + 2]
    assert picture in copy
    orientation = struct.pack(">HHIH", 0x0112, 3, 1, 6)
    assert orientation in copy
    assert b"Exif" not in (without_metadata(photo(orientation=1)) or b"Exif")
    assert without_metadata(copy) == copy


def test_png_and_webp_lose_what_they_tell() -> None:
    for whole in (png(), webp()):
        copy = without_metadata(whole)
        assert copy is not None
        assert [word for word in TELLING if word in copy] == []
        assert file_type(copy) == file_type(whole)
        assert without_metadata(copy) == copy
    picture = without_metadata(png()) or b""
    assert picture.endswith(b"IEND" + struct.pack(">I", zlib.crc32(b"IEND")))
    assert b"gAMA" in picture
    container = without_metadata(webp()) or b""
    assert struct.unpack_from("<I", container, 4)[0] == len(container) - 8
    assert container[20] & 0x04 == 0


def test_a_video_loses_its_position_and_stays_as_long() -> None:
    told = box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7+51.5074-000.1278/"))
    track = box(b"trak", box(b"tkhd", b"head") + box(b"meta", b"Secret Camera"))
    video = box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", box(b"mvhd", b"time") + track + told) + box(b"mdat", b"udta")
    copy = without_metadata(video)
    assert copy is not None
    assert len(copy) == len(video)
    assert [word for word in TELLING if word in copy] == []
    assert (b"tkhdhead" in copy, b"mvhdtime" in copy, copy.endswith(b"mdatudta")) == (True, True, True)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def heic(version: int = 1) -> bytes:
    """A HEIC container: a picture item, an EXIF item in the file and an XMP item in the description itself."""
    head = box(b"ftyp", b"heic\0\0\0\0mif1")
    entries = [(1, b"hvc1"), (2, b"Exif"), (3, b"mime")]
    infes = b"".join(box(b"infe", b"\x02\0\0\0" + struct.pack(">HH4s", n, 0, kind) + b"\0") for n, kind in entries)
    iinf = box(b"iinf", bytes(4) + struct.pack(">H", 3) + infes)
    xmp = b"<x>51.5074</x>"
    drawn, exif = b"the picture", bytes(4) + tiff()

    def described(at: int) -> bytes:
        rows = [(1, 0, at, len(drawn)), (2, 0, at + len(drawn), len(exif)), (3, 1, 0, len(xmp))]
        parts = b"".join(struct.pack(">HHHHII", n, method, 0, 1, begin, size) for n, method, begin, size in rows)
        iloc = box(b"iloc", bytes([version, 0, 0, 0]) + b"\x44\x00" + struct.pack(">H", 3) + parts)
        return box(b"meta", bytes(4) + box(b"hdlr", b"pict") + iinf + iloc + box(b"idat", xmp))

    at = len(head) + len(described(0)) + 8
    return head + described(at) + box(b"mdat", drawn + exif)


def test_heic_loses_exif_and_xmp_and_keeps_its_picture() -> None:
    whole = heic()
    assert file_type(whole) is not None
    assert tiff() in whole
    copy = without_metadata(whole)
    assert copy is not None
    assert len(copy) == len(whole)
    assert b"the picture" in copy
    assert [word for word in TELLING if word in copy] == []
    assert without_metadata(whole[:-200]) is None


@pytest.mark.parametrize("data", [photo()[:300], png()[:40], webp()[:30], b"GIF89a" + bytes(20), b"%PDF-1.7", b""])
def test_what_is_cut_off_or_of_another_kind_has_no_such_copy(data: bytes) -> None:
    assert without_metadata(data) is None
    assert not can_strip("application/pdf")


@pytest.mark.parametrize("marker", range(256))
def test_where_it_was_taken_stays_out_whatever_its_marker_became(marker: int) -> None:
    whole = photo()
    at = whole.index(b"\xff\xe1") + 1
    copy = without_metadata(whole[:at] + bytes([marker]) + whole[at + 1 :])
    assert tiff()[20:] not in (copy or b"")


@settings(max_examples=60)
@given(st.sampled_from([photo(), png(), webp(), heic()]), st.data())
def test_no_damage_brings_it_down_or_lets_a_position_through(whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(12, len(whole) - 1))
    damaged = whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :]
    copy = without_metadata(damaged)
    assert copy is None or file_type(copy) == file_type(damaged)
    assert tiff()[20:] not in (copy or b"")
