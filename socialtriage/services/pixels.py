"""A photo made small enough for the terminal, in a process of its own: a stranger made the bytes, a decoder reads them.

`python pixels.py COLUMNS ROWS COLOURS ZOOM X Y` reads a picture from its standard input and answers a line of JSON and
then the pixels, row by row. The process has little memory, little time, writes no file and knows nothing of the desk;
whatever becomes of it, the desk goes on. Nothing of ours is imported, so that it starts fast and from anywhere.

Two pixels stand in one cell of the terminal, one above the other, so a pixel is about as wide as it is high.
"""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
"""What is decoded; everything else stays words."""
MOST_PIXELS = 64_000_000
"""A picture that unfolds to more is not decoded: phones make 12 to 50 million."""
MOST_MEMORY = 1 << 30
"""Bytes of address space, where the system holds a process to that."""
MOST_SECONDS = 10
"""Seconds of computing, where the system holds a process to that; the desk waits no longer either."""
MOST_CELLS = 1_000
"""Columns, or rows of pixels, that are ever asked for."""
LARGEST_PIXEL = 4.0
"""How far a picture is blown up at most."""
LEVELS = (0, 95, 135, 175, 215, 255)
"""Of red, green and blue in the 216 colours of a terminal with 256; shades of grey follow them."""


class Undrawable(Exception):
    """Why a picture is not drawn, in a sentence."""


def hold_back() -> None:
    """Give this process limits. Where the system has none (Windows), the desk's patience is the limit."""
    try:
        import resource
    except ImportError:
        return
    for name, most in (("AS", MOST_MEMORY), ("CPU", MOST_SECONDS), ("FSIZE", 0), ("CORE", 0)):
        try:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
        except (AttributeError, OSError, ValueError):
            continue


def small(
    data: bytes, columns: int, rows: int, colours: int, zoom: float = 1.0, x: float = 0.5, y: float = 0.5
) -> tuple[dict[str, Any], bytes]:
    """A picture in at most `columns` times `rows` pixels, and what is to be said about it. Raises `Undrawable`.

    `zoom` 1 is the whole picture, 2 half of it in each direction, around the point `x`, `y` (0 to 1). With 256
    `colours` a pixel is one byte, the number of the terminal's colour less 16; otherwise red, green and blue.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as exc:
        raise Undrawable("The library that reads pictures, Pillow, is missing here.") from exc
    Image.MAX_IMAGE_PIXELS = None  # judged below, with words
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            wide, high = image.size
            if wide * high > MOST_PIXELS:
                raise Undrawable(f"It unfolds to {wide:,} by {high:,} pixels, which is more than is decoded.")
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            full = (high, wide) if turned else (wide, high)
            fit = min(columns / full[0], rows / full[1], 1.0)
            scale = min(fit * zoom, max(fit, LARGEST_PIXEL))
            # A JPEG is decoded at half, a quarter or an eighth of its size where that is enough.
            image.draft(None, (max(1, int(wide * scale)), max(1, int(high * scale))))
            moving = bool(getattr(image, "is_animated", False))
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            whole = _plain(image)
    except (Undrawable, MemoryError):
        raise
    except Exception as exc:
        # Decoders of damaged files raise nearly everything there is.
        raise Undrawable("The file is cut short, damaged, or of a make that is not drawn.") from exc
    size, box = _window(full, (columns, rows), scale, (x, y))
    shrunk = whole.size[0] / full[0], whole.size[1] / full[1]
    there = (box[0] * shrunk[0], box[1] * shrunk[1], box[2] * shrunk[0], box[3] * shrunk[1])
    drawn = whole.resize(size, Image.Resampling.LANCZOS, box=there, reducing_gap=2.0)
    told = {
        "size": size,
        "full": full,
        "moving": moving,
        "zoomed": scale / fit,
        "most": max(1.0, LARGEST_PIXEL / fit),
        "box": [round(n) for n in box],
    }
    return told, _indexed(drawn) if colours == 256 else drawn.tobytes()


def _plain(image: Image.Image) -> Image.Image:
    """Red, green and blue, whatever it was: 16 bits a shade are scaled, what is transparent lies on white."""
    from PIL import Image

    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda shade: shade * (1 / 257)).convert("L")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        clear = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    return image if image.mode == "RGB" else image.convert("RGB")


def _window(
    full: tuple[int, int], room: tuple[int, int], scale: float, centre: tuple[float, float]
) -> tuple[tuple[int, int], tuple[float, float, float, float]]:
    """How many pixels are drawn (an even number of rows), and the part of the picture that they show."""
    size, begin, end = [], [], []
    for length, most, where in zip(full, room, centre, strict=True):
        drawn = max(1, min(most, round(length * scale)))
        seen = min(length, drawn / scale)
        first = min(max(0.0, where * length - seen / 2), length - seen)
        size.append(drawn)
        begin.append(first)
        end.append(first + seen)
    return (size[0], min(room[1], size[1] + size[1] % 2)), (begin[0], begin[1], end[0], end[1])


def _indexed(image: Image.Image) -> bytes:
    """The colours of a terminal that has 256, dithered."""
    from PIL import Image

    colours = [shade for red in LEVELS for green in LEVELS for blue in LEVELS for shade in (red, green, blue)]
    colours += [shade for grey in range(8, 239, 10) for shade in (grey, grey, grey)]
    palette = Image.new("P", (1, 1))
    # The last one fills up what a terminal keeps for its own 16 colours.
    palette.putpalette(colours + colours[-3:] * 16)
    return bytes(min(index, 239) for index in image.quantize(palette=palette).tobytes())


def main(arguments: list[str]) -> int:
    """Read a picture, write it small."""
    hold_back()
    columns, rows, colours = (int(each) for each in arguments[:3])
    zoom, x, y = (float(each) for each in arguments[3:6])
    try:
        told, pixels = small(
            sys.stdin.buffer.read(), min(columns, MOST_CELLS), min(rows, MOST_CELLS), colours, zoom, x, y
        )
    except Undrawable as exc:
        told, pixels = {"why": str(exc)}, b""
    except MemoryError:
        told, pixels = {"why": "It needs more memory than a picture gets."}, b""
    sys.stdout.buffer.write(json.dumps(told).encode("ascii") + b"\n" + pixels)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
