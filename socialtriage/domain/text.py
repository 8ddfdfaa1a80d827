"""Cleaning and shaping of untrusted text: the only place where `SafeText` is made.

A terminal obeys what is written to it, and the screens' libraries do not stand in between. So everything from
outside passes `clean` when it comes in, and again when it is shown. What could steer a terminal is replaced,
never deleted: words that were apart stay apart, and the reader sees that something was there.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import lru_cache

from socialtriage.domain.models import SafeText

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Stands where something unfit for a terminal stood."""

ELLIPSIS = "…"
CUT_MARK = "… [the rest is cut off here: the text is too long]"
"""Ends a text that was longer than its limit (a bare ellipsis where the limit is short)."""

MARKS_PER_LETTER = 8
"""Accents and other marks without width that one character may carry; no living script stacks more."""

# C0 without tab and newline, DEL, C1; the bidi controls; line and paragraph separator; lone surrogates.
_UNFIT = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
# Marks begin at U+0300: texts without so long a run above it need no closer look.
_MAYBE_MARKS = re.compile(f"[^\\x00-\u02ff]{{{MARKS_PER_LETTER + 1}}}")
# Zero width joiners, word joiners, tags: without width like marks, though not marks by their category.
_WIDTHLESS = "\u200b-\u200d\u2060-\u2064\ufeff"
_WIDTHLESS_TAGS = "\U000e0001-\U000e007f"
_LEADING_MENTIONS = r"(?:[.\s]*@[\w.-]+(?:@[\w.-]+)?[,:]?(?:\s+|$))+"


@lru_cache(maxsize=4)
def _pattern(text: str) -> re.Pattern[str]:
    # Compiled when the first text needs it: most need none, and the first screen waits for it.
    return re.compile(text)


def clean(value: str, limit: int = 100_000) -> SafeText:
    """`value` made fit for a terminal, a mail and the store, at most `limit` characters long.

    Line ends become `\\n`; tabs, joiners and variation selectors stay; other controls, bidi controls and lone
    surrogates become U+FFFD; more than `MARKS_PER_LETTER` combining marks in a row are cut to that many and a
    U+FFFD. Cleaning twice changes nothing. Takes linear time.
    """
    if len(value) <= limit and value.isascii() and value.isprintable():
        return SafeText(value)
    text = value[: 2 * limit + 1].replace("\r\n", "\n")
    if len(text) > limit:
        mark = CUT_MARK if limit >= 4 * len(CUT_MARK) else ELLIPSIS
        text = text[: limit - len(mark)] + mark
    # What is printable as a whole holds nothing unfit, and only what is not ASCII marks: both are known in no time.
    if not text.isprintable():
        text = _pattern(_UNFIT).sub(REPLACEMENT, text)
    if not text.isascii() and _MAYBE_MARKS.search(text):
        text = _runs_of_marks().sub(rf"\1{REPLACEMENT}", text)
    return SafeText(text)


def clean_line(value: str, limit: int = 200) -> SafeText:
    """`value` cleaned and on one line: every run of blanks, tabs and line ends is one space; for names and subjects."""
    return SafeText(_shortened(" ".join(clean(value).split()), limit))


def html_to_text(html: str) -> SafeText:
    """The readable text of HTML from outside, cleaned; see `domain.markup.plain_text` for what is kept and how."""
    from socialtriage.domain.markup import plain_text

    return clean(plain_text(html))


def snippet(text: str, width: int = 120) -> SafeText:
    """The first words of `text` on one line of at most `width` characters, for lists.

    The handles that a reply begins with are left out, unless there is nothing else.
    """
    line = clean_line(text, limit=20 * width)
    mentions = _pattern(_LEADING_MENTIONS).match(line)
    words = line[mentions.end() :] if mentions else line
    return SafeText(_shortened(words or line, width))


def many(number: int, one: str, more: str = "") -> str:
    """`1 case`, `3 cases`, `1,204 cases`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def _shortened(line: str, limit: int) -> str:
    """`line` cut at a word where there is one near the end, never between a joiner and what it joins."""
    if len(line) <= limit:
        return line
    start, blank, _ = line[:limit].rpartition(" ")
    kept = start if blank and len(start) >= limit // 2 else line[: limit - 1]
    return kept.rstrip(" \u200d") + ELLIPSIS


@lru_cache(maxsize=1)
def _runs_of_marks() -> re.Pattern[str]:
    """Overlong runs of marks as this interpreter's Unicode knows them; built at first need, about 50 ms.

    Beyond the basic plane `re` tries range after range: what no such mark can begin with is passed over first.
    """
    marks = [char for char in map(chr, range(0x300, sys.maxunicode + 1)) if unicodedata.category(char) in _MARKS]
    near = "".join(char for char in marks if char < "\U00010000") + _WIDTHLESS
    far = "".join(char for char in marks if char >= "\U00010000") + _WIDTHLESS_TAGS
    one = f"(?:[{near}]|(?=[\U00010000-\U0010ffff])[{far}])"
    return re.compile(f"(?=[{near}\U00010000-\U0010ffff])({one}{{{MARKS_PER_LETTER}}}){one}+")


_MARKS = frozenset({"Mn", "Me"})
