"""Which words belong to an incident."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache


@lru_cache(maxsize=64)
def _pattern(keywords: tuple[str, ...]) -> re.Pattern[str]:
    """Words that begin like one of the keywords; blanks in a keyword stand for any."""
    each = (r"\s+".join(map(re.escape, word.casefold().split())) for word in keywords)
    return re.compile(rf"(?<!\w)(?:{'|'.join(each)})")


def speaks_of(text: str, keywords: tuple[str, ...]) -> bool:
    """Whether a text has a word that begins like one of the keywords."""
    return bool(keywords) and _pattern(keywords).search(text.casefold()) is not None


def same_area(area: str | None, *areas: str | None) -> bool:
    """Whether a case with these areas, its own and the suggested one, may belong to an incident of `area`."""
    known = [each for each in areas if each is not None]
    return area is None or not known or area in known


def expression(keywords: Sequence[str]) -> str:
    """The keywords for a full-text search: any of them, as the beginning of a word or of words in a row."""
    parts = (" ".join(re.findall(r"\w+", word)) for word in keywords)
    return " OR ".join(f'"{part}" *' for part in parts if part)
