"""What the made-up photos of the demo show, as shapes on 96 by 64 pixels: enough to know it again in a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise

WIDTH, HEIGHT = 96, 64
Colour = tuple[int, int, int]
Point = tuple[float, float]
BLACK, DARK, GREY, PALE, WHITE = (16, 16, 20), (48, 48, 54), (112, 112, 116), (186, 186, 184), (238, 238, 234)
RED, BRICK, BROWN, EARTH, CREAM = (190, 32, 36), (148, 72, 56), (104, 72, 44), (78, 60, 44), (222, 208, 172)
GREEN, GRASS, BLUE, SKY, WATER, YELLOW = (
    (20, 96, 60),
    (74, 104, 50),
    (34, 70, 150),
    (176, 198, 216),
    (92, 110, 116),
    (232, 190, 40),
)


class Canvas:
    """Rows of pixels that shapes are laid on, one over the other; what lies outside is cut off."""

    def __init__(self, top: Colour, bottom: Colour) -> None:
        fade = ([(a * (HEIGHT - y) + b * y) // HEIGHT for a, b in zip(top, bottom, strict=True)] for y in range(HEIGHT))
        self.rows = [bytearray(bytes(shade) * WIDTH) for shade in fade]

    def span(self, y: int, first: float, last: float, colour: Colour) -> None:
        """A stretch of one row."""
        begin, end = max(0, round(first)), min(WIDTH, round(last))
        if 0 <= y < HEIGHT and begin < end:
            self.rows[y][3 * begin : 3 * end] = bytes(colour) * (end - begin)

    def box(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        """A rectangle."""
        for row in range(round(y), round(y + high)):
            self.span(row, x, x + wide, colour)

    def oval(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        """An ellipse around a point, `wide` to each side."""
        for row in range(math.floor(y - high), math.ceil(y + high) + 1):
            if (left := 1 - ((row - y) / high) ** 2) > 0:
                half = wide * math.sqrt(left)
                self.span(row, x - half, x + half, colour)

    def shape(self, colour: Colour, *points: Point) -> None:
        """A polygon without holes."""
        ends = list(zip(points, (*points[1:], points[0]), strict=True))
        for row in range(HEIGHT):
            middle = row + 0.5
            cuts = sorted(
                a[0] + (middle - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
                for a, b in ends
                if (a[1] <= middle) is not (b[1] <= middle)
            )
            for first, last in zip(cuts[::2], cuts[1::2], strict=True):
                self.span(row, first, last, colour)

    def line(self, colour: Colour, wide: float, *points: Point) -> None:
        """A line through points."""
        for a, b in pairwise(points):
            steps = max(1, round(2 * math.dist(a, b)))
            for step in range(steps + 1):
                x, y = (p + (q - p) * step / steps for p, q in zip(a, b, strict=True))
                self.box(x - wide / 2, y - wide / 2, wide, max(1.0, wide), colour)

    def heap(self, places: Iterable[Point], wide: float, high: float, colour: Colour) -> None:
        """The same oval in many places."""
        for x, y in places:
            self.oval(x, y, wide, high, colour)


def _lane() -> Canvas:
    on = Canvas(SKY, GRASS)
    on.shape((52, 80, 40), (0, 14), (34, 26), (20, 64), (0, 64))
    on.shape((58, 88, 44), (96, 10), (56, 26), (82, 64), (96, 64))
    on.shape(GREY, (40, 26), (52, 26), (80, 64), (22, 64))
    on.shape(CREAM, (24, 40), (44, 34), (48, 42), (27, 50))
    on.shape((200, 186, 150), (28, 47), (50, 40), (53, 46), (30, 54))
    on.box(50, 46, 24, 11, WHITE)
    on.box(66, 46, 1, 11, GREY)
    on.heap([(34, 56), (42, 53), (44, 59), (38, 61)], 6, 4.5, BLACK)
    return on


def _weir() -> Canvas:
    on = Canvas(GRASS, EARTH)
    on.shape(WATER, (0, 30), (96, 40), (96, 64), (0, 64))
    on.oval(40, 50, 30, 6, (206, 212, 210))
    on.oval(62, 56, 16, 3, (190, 198, 198))
    on.box(52, 14, 20, 18, BROWN)
    for drawer in (17, 22, 27):
        on.box(54, drawer, 16, 4, (132, 94, 60))
        on.box(61, drawer + 1, 2, 1, YELLOW)
    on.heap([(20, 26), (30, 24), (38, 29), (26, 31)], 7, 5.5, BLACK)
    for x, colour in ((78, RED), (84, WHITE), (81, BLUE)):
        on.box(x, 30 if x == 81 else 33, 5, 6, colour)
    return on


def _wall() -> Canvas:
    on = Canvas((168, 150, 136), (150, 134, 122))
    for course in range(11):
        for brick in range(-1, 9):
            shade = (course * 7 + brick * 13) % 5 * 6 - 12
            red, green, blue = (part + shade for part in BRICK)
            on.box(brick * 12 + course % 2 * 6, course * 6, 11, 5, (red, green, blue))
    jagged: list[Point] = [(46, -2), (50, 10), (44, 20), (52, 32), (47, 44), (54, 54), (51, 66)]
    on.line(BLACK, 5, *jagged)
    on.line((60, 40, 34), 2, (52, 32), (64, 38), (70, 48))
    return on


def _thermometer() -> Canvas:
    on = Canvas((226, 214, 196), (206, 194, 178))
    on.box(34, 2, 28, 60, WHITE)
    on.box(46, 6, 5, 44, PALE)
    on.box(47, 32, 3, 20, RED)
    on.oval(48.5, 53, 5, 5, RED)
    for tick in range(8):
        on.box(53, 8 + tick * 5, 6 if tick % 2 else 3, 1, DARK)
    on.shape(BLUE, (38, 34), (43, 31.5), (38, 29))
    return on


def _mould() -> Canvas:
    on = Canvas((214, 208, 196), (206, 198, 186))
    on.shape((190, 184, 172), (50, 0), (96, 0), (96, 64), (50, 54))
    on.shape(WHITE, (0, 62), (50, 50), (96, 62), (96, 64), (0, 64))
    for number in range(70):
        x = 50 + ((number * 37) % 41 - 20) * (1 + number % 3) / 2.2
        y = 52 - (number * 29) % 38 * (1 - abs(x - 50) / 44)
        dark = 24 + number * 11 % 40
        on.oval(x, y, 1.5 + number % 4, 1.2 + number % 3, (dark, dark + 4, dark))
    return on


def _tag() -> Canvas:
    on = Canvas(BRICK, (120, 116, 110))
    on.shape(BLUE, (14, 20), (82, 20), (74, 64), (22, 64))
    on.box(10, 12, 76, 9, (46, 84, 170))
    on.box(18, 9, 60, 4, DARK)
    on.line(PALE, 1, (50, 12), (54, 20))
    on.shape(RED, (40, 20), (66, 20), (66, 52), (40, 52))
    on.box(44, 26, 18, 2, WHITE)
    on.box(44, 31, 14, 2, WHITE)
    on.box(44, 38, 9, 9, WHITE)
    on.line(BLACK, 2, (45, 42), (48, 45), (55, 36))
    return on


def _bins() -> Canvas:
    on = Canvas(BRICK, BRICK)
    on.box(0, 44, 96, 20, GREY)
    for x in (6, 36, 66):
        on.shape((30, 70, 52), (x, 10), (x + 25, 4), (x + 25, 16), (x, 16))
        on.box(x, 16, 25, 30, GREEN)
        on.box(x + 3, 22, 19, 2, (40, 126, 84))
        on.heap([(x + 7, 16), (x + 14, 14), (x + 20, 16)], 5, 4, BLACK)
        on.oval(x + 4, 47, 2, 2, BLACK)
    on.heap([(14, 52), (24, 50), (35, 54), (46, 50), (57, 54), (68, 51), (42, 58), (28, 58)], 8, 6, BLACK)
    on.heap([(52, 58), (20, 57)], 5, 4, WHITE)
    return on


def _windscreen() -> Canvas:
    on = Canvas((96, 118, 140), (70, 84, 100))
    on.shape(DARK, (14, 4), (82, 4), (96, 50), (0, 50))
    on.shape((126, 148, 164), (18, 8), (78, 8), (90, 46), (6, 46))
    on.box(0, 50, 96, 14, (150, 30, 40))
    on.line(BLACK, 2, (30, 48), (74, 34))
    on.box(14, 33, 30, 11, WHITE)
    for line, wide in ((35, 24), (38, 12), (41, 18)):
        on.box(17, line, wide, 2, BLUE)
    on.shape(YELLOW, (52, 30), (76, 26), (79, 36), (55, 40))
    on.line(BLACK, 1, (56, 34), (74, 30))
    return on


def _pothole() -> Canvas:
    on = Canvas((92, 92, 96), (120, 120, 122))
    on.shape(WHITE, (78, 0), (82, 0), (96, 44), (96, 58))
    on.oval(46, 36, 36, 20, DARK)
    on.oval(46, 37, 32, 17, EARTH)
    on.oval(46, 38, 28, 14, (104, 118, 126))
    on.oval(38, 33, 10, 3, (158, 176, 188))
    on.oval(56, 41, 10, 6, PALE)
    on.oval(56, 41, 8, 4.5, (140, 144, 148))
    on.oval(56, 41, 2.5, 1.6, WHITE)
    on.line(WHITE, 1, (48, 41), (64, 41))
    on.line(WHITE, 1, (53, 37), (59, 45))
    return on


def _wheel() -> Canvas:
    on = Canvas(GREY, (90, 88, 84))
    on.oval(44, 32, 31, 31, BLACK)
    on.oval(44, 32, 23, 23, PALE)
    on.oval(44, 32, 20, 20, DARK)
    for turn in range(5):
        angle = math.tau * turn / 5 - 1.2
        on.line(PALE, 5, (44, 32), (44 + 20 * math.cos(angle), 32 + 20 * math.sin(angle)))
    on.oval(44, 32, 5, 5, WHITE)
    on.shape(BLACK, (60, 46), (70, 50), (56, 58), (52, 50))
    on.line(WHITE, 1, (53, 50), (58, 48), (62, 45))
    on.oval(84, 54, 6, 6, (196, 196, 190))
    on.oval(84, 54, 4, 4, (160, 160, 156))
    return on


def _receipt() -> Canvas:
    on = Canvas(BROWN, (84, 58, 36))
    on.shape(WHITE, (28, 2), (70, 4), (66, 64), (24, 64))
    on.box(34, 8, 28, 4, DARK)
    for row, wide in enumerate((20, 24, 16, 22, 12)):
        on.box(32, 17 + row * 6, wide, 2, GREY)
        on.box(58, 17 + row * 6, 7, 2, GREY)
    on.box(31, 48, 34, 1, DARK)
    on.box(31, 52, 14, 4, BLACK)
    on.box(54, 52, 11, 4, BLACK)
    return on


def _van() -> Canvas:
    on = Canvas(SKY, PALE)
    on.box(0, 20, 96, 12, BRICK)
    on.box(0, 32, 96, 6, PALE)
    on.box(0, 38, 96, 26, (84, 84, 88))
    on.shape((40, 128, 72), (0, 44), (96, 40), (96, 54), (0, 60))
    on.box(18, 14, 44, 34, WHITE)
    on.shape(WHITE, (62, 18), (72, 20), (82, 34), (84, 48), (62, 48))
    on.shape((70, 88, 104), (64, 22), (71, 22), (79, 34), (64, 34))
    on.shape(BLUE, (34, 22), (46, 22), (45, 32), (40, 36), (35, 32))
    on.box(38, 25, 4, 5, YELLOW)
    for x in (30, 72):
        on.oval(x, 49, 6, 6, BLACK)
        on.oval(x, 49, 2.5, 2.5, PALE)
    return on


def _hall() -> Canvas:
    on = Canvas((186, 178, 164), (112, 84, 58))
    on.shape((96, 70, 48), (0, 24), (96, 24), (96, 64), (0, 64))
    for x, y, wide in ((4, 40, 24), (26, 30, 22), (50, 48, 26), (66, 32, 24), (20, 52, 18), (44, 38, 16)):
        on.shape(WHITE, (x, y), (x + wide, y - 4), (x + wide - 3, y + 6), (x + 4, y + 9))
        on.line(PALE, 1, (x + 4, y + 9), (x + wide - 3, y + 6))
    on.heap([(16, 46), (60, 42), (80, 44), (38, 56)], 8, 4, (222, 196, 112))
    on.shape(RED, (34, 40), (46, 36), (58, 42), (54, 56), (36, 56))
    on.shape(RED, (34, 40), (26, 50), (31, 53), (38, 46))
    on.line((130, 16, 24), 1, (46, 38), (45, 55))
    return on


def _skatepark() -> Canvas:
    on = Canvas((120, 128, 136), (92, 98, 102))
    on.oval(48, 42, 48, 26, PALE)
    on.oval(48, 44, 43, 21, GREY)
    on.oval(48, 46, 39, 17, (116, 88, 58))
    on.oval(34, 42, 14, 2, (150, 122, 88))
    on.shape(GREEN, (52, 34), (70, 40), (64, 54), (46, 50))
    on.shape((36, 120, 78), (50, 32), (73, 39), (72, 43), (49, 36))
    on.oval(48, 50, 3, 3, BLACK)
    return on


def _column() -> Canvas:
    on = Canvas((150, 146, 138), (104, 104, 100))
    on.box(0, 52, 96, 12, (126, 124, 120))
    on.box(36, 0, 24, 58, (70, 82, 78))
    on.box(40, 16, 16, 32, BLACK)
    on.shape((92, 106, 100), (56, 16), (70, 12), (70, 50), (56, 48))
    for number, colour in enumerate((RED, YELLOW, BLUE, (40, 150, 70), BROWN)):
        x = 42 + number * 3
        on.line(colour, 2, (x, 18), (x - 2, 30), (x - 8 + number * 4, 44), (34 + number * 6, 58))
    return on


SCENES: dict[str, Callable[[], Canvas]] = {
    "tinkers-lane.png": _lane,
    "weir.png": _weir,
    "wall-crack.png": _wall,
    "thermometer.png": _thermometer,
    "bedroom-corner.png": _mould,
    "red-tag.png": _tag,
    "fuller-street-bins.png": _bins,
    "windscreen.png": _windscreen,
    "toll-road-pothole.png": _pothole,
    "wheel.png": _wheel,
    "receipt.png": _receipt,
    "van-in-lane.png": _van,
    "hall-ceiling.png": _hall,
    "skatepark.png": _skatepark,
    "column-17.png": _column,
}
"""By the name of the file in the week; any other name gets two colours that fade into each other."""
