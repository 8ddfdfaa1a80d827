"""The organisation's blocked words, found in a text whatever its capitals, accents and look-alike letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

MOST = 5
"""Words of one text that are named."""
_LOOKALIKES = str.maketrans("013457@$€!", "oieastasei")
"""Digits and signs that stand in for letters."""
_FOREIGN = str.maketrans(
    "аеорсухіјѕһԁӏԛԝѵьвнкмтгαεοριυκνητχωϲϳıɑɡɩʟɪᴀᴄᴅᴇᴊᴋᴍɴᴏᴘᴛᴜᴠᴡᴢʙɢʜʀꜱ",
    "aeopcyxijshdlqwvbbhkmtraeopiukvntxwcjiagiliacdejkmnoptuvwzbghrs",
)
"""Cyrillic, Greek and small capital letters that look like Latin ones, to hide a word from a list."""
_SPELT = re.compile(r"(?<!\w)\w(?:[ .*_-]\w){2,}(?!\w)")
"""Letters one by one: `w.o.r.d`."""
_GAP = re.compile(r"[\s_]+")


@dataclass(frozen=True, slots=True)
class Found:
    """Which entries of the lists a text holds, and whether one of them asks to hold the case."""

    words: tuple[str, ...]
    hold: bool


class BlockedWords:
    """Two lists of words and phrases; `*` at the end of a word stands for any ending."""

    def __init__(self, flag: Iterable[str], hold: Iterable[str]) -> None:
        self._entries = [
            (_pattern(word), word, held) for words, held in ((hold, True), (flag, False)) for word in words
        ]
        # One look for all of them: hardly any text holds one.
        self._any = re.compile("|".join(pattern for pattern, _, _ in self._entries)) if self._entries else None

    def look(self, text: str) -> Found | None:
        """What of the lists is in `text`; None for nothing."""
        if self._any is None:
            return None
        plain = _plain(text)
        # With digits read as letters too: 1d10t is a word, and 10 stays a number.
        read = _SPELT.sub(_joined, plain).translate(_LOOKALIKES)
        if not plain.isascii():
            read = read.translate(_FOREIGN)
        if self._any.search(plain) is None and (read == plain or self._any.search(read) is None):
            return None
        hits = [
            (word, held)
            for pattern, word, held in self._entries
            if re.search(pattern, plain) or re.search(pattern, read)
        ]
        return Found(tuple(dict.fromkeys(word for word, _ in hits))[:MOST], any(held for _, held in hits))


def _plain(text: str) -> str:
    """Small letters without accents and joiners."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in folded if not unicodedata.combining(char) and unicodedata.category(char) != "Cf")


def _joined(spelt: re.Match[str]) -> str:
    return spelt[0][::2]


def _pattern(entry: str) -> str:
    words = [
        re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "")
        for word in _GAP.split(_plain(entry.strip()))
    ]
    return r"(?<!\w)" + r"[\W_]+".join(words) + r"(?!\w)"
