"""Photos made small for the terminal: whatever a stranger's file does, the desk gets pixels or a sentence."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import sys
import threading
import tomllib
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from socialtriage.channels.demo_week import scenes
from socialtriage.channels.demo_week.picture import picture
from socialtriage.config.model import EvidenceConfig
from socialtriage.domain.errors import Refused, StoreError
from socialtriage.domain.filetypes import file_type
from socialtriage.domain.models import MediaState, SafeText
from socialtriage.domain.playing import seconds
from socialtriage.domain.unmarked import without_metadata
from socialtriage.domain.views import MediaView
from socialtriage.services import evidence, pictures, pixels
from socialtriage.services.desk import Desk
from socialtriage.services.pictures import Album, Picture, Window, undrawn
from tests.doubles.desk import CONFIG, small_desk
from tests.doubles.media import png_chunk

WINDOW = Window(40, 40)
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    desk = small_desk(tmp_path)
    yield desk
    desk.close()


def test_a_process_that_answers_nonsense_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    size = b'"size": [1, 2], "full": [1, 2], "box": [0, 0, 1, 2]'
    for said in (b"", b"[]\n", b"{" + size + b', "zoomed": "x"}\n123456', b"{" + size + b"}\n123456"):
        monkeypatch.setattr(pictures, "_ask", lambda *_, said=said: said)
        with pytest.raises(Refused, match="could not be decoded"):
            pictures._made(b"", WINDOW)


def keep(desk: Desk, data: bytes, mime: str | None = None) -> MediaView:
    """A kept file of a message."""
    found = file_type(data)
    path = evidence.place_of(hashlib.sha256(data).hexdigest())
    (desk.media_folder / path).parent.mkdir(parents=True, exist_ok=True)
    (desk.media_folder / path).write_bytes(data)
    kind = mime or (found.mime if found else "application/octet-stream")
    return MediaView(1, "image", SafeText("photo"), kind, None, MediaState.KEPT, "", len(data), path)


def saved(image: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def corners(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Red above left, green above right, blue below."""
    image = Image.new("RGB", size, BLUE)
    image.paste(RED, (0, 0, size[0] // 2, size[1] // 2))
    image.paste(GREEN, (size[0] // 2, 0, size[0], size[1] // 2))
    return image


def pixel(picture: Picture, x: float, y: float) -> tuple[int, ...]:
    """The pixel at a place that is given as a part of width and height."""
    column, row = int(x * (picture.width - 1)), int(y * (picture.height - 1))
    at = (row * picture.width + column) * picture.depth
    return tuple(picture.pixels[at : at + picture.depth])


def near(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 30 for a, b in zip(found, wanted, strict=True))


def test_photos_of_every_make_are_drawn_upright_and_in_their_colours(desk: Desk) -> None:
    book = Album(desk)
    turned = Image.Exif()
    turned[0x0112] = 6
    # What a phone held upright writes: the rows of the sensor, and that they stand for columns from the right.
    lying = corners().transpose(Image.Transpose.ROTATE_90)
    clear = corners().convert("RGBA")
    clear.putalpha(0)
    makes = {
        "JPEG": saved(lying, "JPEG", exif=turned, quality=95),
        "CMYK": saved(corners().convert("CMYK"), "JPEG", quality=95),
        "PNG": saved(corners(), "PNG"),
        "palette": saved(corners().quantize(8), "PNG"),
        "WebP": saved(corners(), "WEBP", lossless=True),
        "GIF": saved(corners(), "GIF", save_all=True, append_images=[corners().rotate(180)], comment=b"51.5074"),
    }
    for name, data in makes.items():
        picture = book.draw(keep(desk, data), WINDOW)
        assert (picture.full, picture.width, picture.height % 2, picture.moving) == ((60, 40), 40, 0, name == "GIF")
        assert near(pixel(picture, 0.2, 0.2), RED), name
        assert near(pixel(picture, 0.8, 0.2), GREEN), name
        assert near(pixel(picture, 0.5, 0.9), BLUE), name
    deep = book.draw(keep(desk, saved(Image.new("I;16", (20, 20), 32896), "PNG")), WINDOW)
    assert near(pixel(deep, 0.5, 0.5), (128, 128, 128)), "16 bits a shade are scaled, not cut off"
    assert (deep.width, deep.height) == (20, 20), "small pictures are not blown up"
    assert near(pixel(book.draw(keep(desk, saved(clear, "PNG")), WINDOW), 0.2, 0.2), WHITE)
    few = book.draw(keep(desk, makes["PNG"]), Window(40, 40, colours=256))
    assert (few.depth, pixel(few, 0.2, 0.2), pixel(few, 0.5, 0.9)) == (1, (180,), (5,)), "the terminal's red and blue"


def test_a_photo_can_be_looked_at_closely_and_is_decoded_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    book, asked = Album(desk), []
    ask = pictures._ask

    def watched(arguments: list[str], data: bytes, most: int) -> bytes:
        asked.append(data)
        return ask(arguments, data, most)

    monkeypatch.setattr(pictures, "_ask", watched)
    turned = Image.Exif()
    turned[0x0112], turned[0x010F] = 1, "Secret Camera"
    media = keep(desk, saved(corners((800, 600)), "JPEG", exif=turned))
    whole = book.draw(media, Window(80, 60))
    assert book.draw(media, Window(80, 60)) is whole
    assert len(asked) == 1
    assert b"Secret Camera" not in asked[0], "the decoder gets the copy without metadata"
    near_red = book.draw(media, Window(80, 60, zoom=4, x=0.0, y=0.0))
    assert (near_red.zoomed, near_red.box, near_red.full) == (4.0, (0, 0, 200, 150), (800, 600))
    assert all(near(pixel(near_red, x, y), RED) for x in (0, 1) for y in (0, 1))
    closest = book.draw(media, Window(80, 60, zoom=1000))
    assert closest.zoomed == closest.most == 40.0
    assert closest.box == (390, 292, 410, 308)
    (desk.media_folder / (media.path or "")).unlink()
    with pytest.raises(StoreError, match="not in the media folder"):
        book.draw(media, Window(80, 60))


def bomb(wide: int, high: int, rows: bytes = b"") -> bytes:
    """A PNG that claims a size, with those compressed rows."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + head + body + png_chunk(b"IEND", b"")


def hostile() -> dict[str, bytes]:
    whole = saved(corners((600, 400)), "JPEG")
    return {
        "a billion pixels": bomb(100_000, 10_000),
        "no pixels": bomb(0, 10),
        "more rows than size": bomb(10, 10, bytes(5_000_000)),
        "fewer rows than size": bomb(2000, 2000, bytes(100)),
        "half a photo": whole[: len(whole) // 2],
        "text in a PNG": b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", b"\xff" * 13) + png_chunk(b"IEND", b""),
        "a WebP of nothing": b"RIFF\x0c\x00\x00\x00WEBPVP8L\x00\x00\x00\x00",
        "a WebP of its largest size": b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff",
        "a GIF without a picture": b"GIF89a\xff\xff\xff\xff\0\0\0\x3b",
        "a GIF that ends": b"GIF89a\x01\0\x01\0\0\0\0\x21\xfe\x40",
        "a GIF of its largest size": b"GIF89a\xff\xff\xff\xff\0\0\0\x2c\0\0\0\0\xff\xff\xff\xff\0\x08\x01\0\0\x3b",
    }


@pytest.mark.parametrize("name", hostile())
def test_a_hostile_file_becomes_a_sentence(desk: Desk, name: str) -> None:
    media, book = keep(desk, hostile()[name]), Album(desk)
    if name == "more rows than size":
        assert near(pixel(book.draw(media, WINDOW), 0.5, 0.5), (0, 0, 0)), "no more than it claims is unfolded"
        return
    with pytest.raises(Refused) as refused:
        book.draw(media, WINDOW)
    assert refused.value.message.endswith((".", "drawn"))


SLOW = "import sys, time; sys.stdin.buffer.read(); time.sleep(60)"
ENDLESS = "import sys\nwhile True: sys.stdout.buffer.write(b'x' * 65536)"
LYING = 'import sys; sys.stdout.write(\'{"size": [9, 9], "full": [9], "box": []}\\n\')'
BROKEN = "raise SystemExit(9)"


@pytest.mark.parametrize("program", [SLOW, ENDLESS, LYING, BROKEN])
def test_a_decoder_that_hangs_floods_lies_or_dies_costs_a_sentence(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    script = tmp_path / "decoder.py"
    script.write_text(program, encoding="utf-8")
    monkeypatch.setattr(pixels, "__file__", str(script))
    monkeypatch.setattr(pictures, "PATIENCE", 0.5)
    with pytest.raises(Refused, match="within the time and memory"):
        Album(desk).draw(keep(desk, saved(corners((900, 900)), "PNG", compress_level=0)), WINDOW)
    assert [each.name for each in threading.enumerate() if "_feed" in each.name] == []


def test_what_is_no_photo_is_said_in_words(desk: Desk, tmp_path: Path) -> None:
    words = {
        "video/mp4": "a video",
        "audio/ogg": "a sound",
        "image/heic": "a make that is not drawn",
        "image/svg+xml": "a make that is not drawn",
        "application/pdf": "no picture",
    }
    for mime, said in words.items():
        with pytest.raises(Refused, match=said):
            Album(desk).draw(keep(desk, b"<svg xmlns='http://www.w3.org/2000/svg'/>", mime), WINDOW)
    with pytest.raises(Refused, match="cut short or damaged"):
        Album(desk).draw(keep(desk, b"<svg/>", "image/png"), WINDOW)
    assert EvidenceConfig().draw
    never = small_desk(tmp_path / "never", config=CONFIG.replace("[outbox]", "[evidence]\ndraw = false\n\n[outbox]"))
    assert "draw is false" in undrawn(never, keep(never, saved(corners(), "PNG")))
    never.close()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(pixels.Undrawable, match="Pillow, is missing"):
        pixels.small(b"", 1, 2, 256)


def test_only_the_process_that_decodes_knows_the_library() -> None:
    package = Path(pictures.__file__).parents[1]
    wanted = re.compile(r"^\s*(?:from|import) (?:PIL|Pillow)\b", re.MULTILINE)
    knowing = {path.name for path in package.rglob("*.py") if wanted.search(path.read_text(encoding="utf-8"))}
    assert knowing == {"pixels.py"}


def test_a_gif_says_no_more_than_its_pictures() -> None:
    frames = [corners().rotate(90)]
    whole = saved(corners(), "GIF", save_all=True, append_images=frames, comment=b"by Somebody", loop=3, duration=70)
    told = b"\x21\xff\x0bXMP DataXMP\x0aSecret bit\0" + b"\x21\xfe\x07comment\0"
    at = whole.index(b"\x2c", 13 + 3 * (2 << (whole[10] & 7)))
    at = whole.rindex(b"\x21\xf9", 0, at)
    copy = without_metadata(whole[:at] + told + whole[at:] + b"trailer") or b""
    assert [word for word in (b"Somebody", b"Secret", b"comment", b"trailer") if word in copy] == []
    with Image.open(io.BytesIO(copy)) as image:
        assert (image.n_frames, image.info["loop"], image.size) == (2, 3, (60, 40))  # type: ignore[attr-defined]
    assert without_metadata(copy) == copy
    assert without_metadata(whole[:-40]) is None


def test_the_length_of_a_video_stands_in_its_header() -> None:
    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + kind + body

    def lasting(version: int, scale: int, units: int) -> bytes:
        if version:
            head = box(b"mvhd", struct.pack(">B3xQQIQ", 1, 0, 0, scale, units))
        else:
            head = box(b"mvhd", struct.pack(">B3xIIII", 0, 0, 0, scale, units))
        wide = struct.pack(">I4sQ", 1, b"mdat", 21) + b"data!"
        return box(b"ftyp", b"isom\0\0\0\0") + wide + box(b"moov", box(b"iods", b"") + head)

    def read(data: bytes, mime: str = "video/mp4") -> float | None:
        return seconds(io.BytesIO(data), mime)

    assert read(lasting(0, 1000, 64_500)) == 64.5
    assert read(lasting(1, 30_000, 900_000)) == 30.0
    assert read(lasting(0, 0, 900)) is None
    assert read(lasting(1, 1, 1 << 60)) is None
    assert read(lasting(0, 1000, 64_500)[:-9]) is None
    assert read(box(b"free", b"") * 20_000 + lasting(0, 1, 1)) is None, "a bounded look"
    assert read(lasting(0, 1, 1), "video/webm") is None


def test_every_photo_of_the_practice_week_shows_something() -> None:
    names = {
        media["name"]
        for path in Path(scenes.__file__).parent.glob("*.toml")
        for item in tomllib.loads(path.read_text(encoding="utf-8")).get("message", ())
        for media in item.get("media", ())
        if media["kind"] == "image" and "state" not in media
    }
    assert names == set(scenes.SCENES)
    for name in names | {"nobody-drew-this.png"}:
        with Image.open(io.BytesIO(picture(name))) as image:
            assert (image.format, image.size) == ("PNG", (96, 64))
            seen = image.quantize(8).getcolors() or []
        assert len([count for count, _ in seen if count > 60]) >= (5 if name in names else 2), name
        assert picture(name) == picture(name)


def nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = struct.pack(">I4s", len(inner) + 8, b"moov") + inner
    return struct.pack(">I4s8s", 16, b"ftyp", b"isom") + inner


def heap(count: int) -> bytes:
    """A HEIC whose one description lies in the same place so many times."""

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + kind + body

    entry = box(b"infe", b"\2\0\0\0" + struct.pack(">H", 1) + b"\0\0Exif")
    places = struct.pack(">HHHH", 1, 1, 0, count) + struct.pack(">II", 300, 9000) * count
    items = box(b"iinf", bytes(4) + struct.pack(">H", 1) + entry) + box(b"iloc", bytes(4) + b"\x44\0" + places)
    return box(b"ftyp", b"heic" + bytes(4)) + box(b"meta", bytes(4) + items) + box(b"mdat", bytes(10_000))


TIRING = {
    "boxes within boxes": nested(3000),
    "boxes without an end": nested(1) + struct.pack(">I4s", 8, b"free") * 100_001,
    "segments without an end": b"\xff\xd8" + b"\xff\xdb\0\2" * 100_001 + b"\xff\xd9",
    "chunks without an end": b"\x89PNG\r\n\x1a\n" + (bytes(4) + b"IDAT" + bytes(4)) * 100_001,
    "blocks without an end": b"GIF89a" + bytes(7) + b"\x21\xfe\0" * 100_001 + b"\x3b",
    "a block without an end": b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\1\1" * 100_001 + b"\0\x3b",
    "one place many times": heap(20_000),
}


@pytest.mark.parametrize("name", TIRING)
def test_a_file_that_only_keeps_the_desk_busy_is_not_copied(name: str) -> None:
    assert file_type(TIRING[name]) is not None
    assert without_metadata(TIRING[name]) is None
    assert without_metadata(heap(1)) is not None
