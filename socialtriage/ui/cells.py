"""Text measured in terminal cells: cut, padded and wrapped, so that no row is a cell too long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, get_character_cell_size

from socialtriage.domain.text import clean_line

Run = tuple[str, str]
"""Text, which is clean already, and the name of its style."""
ELLIPSIS = "…"
# Joiners, variation selectors, skin tones and tags: terminals differ in what they make of them, so a column has none.
_JOINED = re.compile("[\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff\U000e0000-\U000e007f]")
_WORD = re.compile(r"\S+|[^\S\n]+")


def column(text: str, width: int, *, right: bool = False) -> str:
    """`text` cleaned, on one line, in exactly `width` cells: cut with an ellipsis or padded."""
    return fit(plain(text, width), width, right=right)


def plain(text: str, width: int) -> str:
    """`text` cleaned for a column: one line, no joined emoji, no longer than `width` cells could need."""
    line = clean_line(text, limit=4 * width + 16)
    return line if line.isascii() else _JOINED.sub("", line)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text`, which is clean already, in exactly `width` cells."""
    if width <= 0:
        return ""
    if text.isascii() and len(text) <= width:
        return text.rjust(width) if right else text.ljust(width)
    short = shorten(text, width)
    padding = " " * (width - cell_len(short))
    return padding + short if right else short + padding


def shorten(text: str, width: int) -> str:
    """`text`, which is clean already, in at most `width` cells, with an ellipsis where it was cut."""
    if text.isascii():
        return text if len(text) <= width else text[: width - 1].rstrip() + ELLIPSIS if width > 1 else ELLIPSIS[:width]
    if cell_len(text) <= width:
        return text
    return take(text, width - 1).rstrip() + ELLIPSIS if width > 0 else ""


def take(text: str, width: int) -> str:
    """As much of the beginning of `text` as fits in `width` cells."""
    used = 0
    for index, character in enumerate(text):
        used += get_character_cell_size(character)
        if used > width:
            return text[:index]
    return text


def wrap(text: str, width: int) -> Iterator[str]:
    """The lines of `text`, which is clean already, broken at blanks, in at most `width` cells each."""
    width = max(width, 2)
    for line in text.split("\n"):
        yield from _wrap_line(line.expandtabs(4), width)


def _wrap_line(line: str, width: int) -> Iterator[str]:
    if cell_len(line) <= width:
        yield line.rstrip()
        return
    begun, used = "", 0
    for word in _WORD.findall(line):
        cells = cell_len(word)
        if used + cells > width:
            if begun.strip():
                yield begun.rstrip()
            begun, used = "", 0
            if word.isspace():
                continue
        if cells > width:
            *whole, word = _pieces(word, width)
            yield from whole
            begun, used, cells = "", 0, cell_len(word)
        begun += word
        used += cells
    yield begun.rstrip()


def _pieces(word: str, width: int) -> Iterator[str]:
    """A word longer than a line, in pieces of at most `width` cells; each character is measured once."""
    start = used = 0
    for index, character in enumerate(word):
        cells = get_character_cell_size(character)
        if used + cells > width:
            yield word[start:index]
            start, used = index, 0
        used += cells
    yield word[start:]


def cut(runs: Iterable[Run], width: int) -> list[Run]:
    """As much of the runs as fits in `width` cells, with an ellipsis where it was cut."""
    kept: list[Run] = []
    for text, style in runs:
        short = shorten(text, width)
        kept.append((short, style))
        width -= cell_len(short)
        if short != text:
            break
    return kept
