"""Counting a post as X does: the weighted length of twitter-text, version 3 of its configuration.

Rules (twitter-text 3.1, config v3): the text in NFC; Latin and what is like it weighs 1, everything else 2, an emoji
2 however many code points it has, an address 23 however long it is. Twitter's own library also takes names of hosts
without `https://` for addresses, by a list of every top-level domain; here any two letters and the common ones count.
The one Python port of that library leans on a module that Python no longer brings, and needs seconds for odd texts.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

LIMIT = 280
URL_LENGTH = 23
DEFAULT_WEIGHT = 2
LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Code points that weigh 1."""

_COMMON = (
    "com org net edu gov mil int info biz wales scot cymru london irish kiwi sydney melbourne online site website app"
    " dev shop store news page link live blog cloud health care school academy community charity support city town"
    " events social video agency church center centre foundation network services systems solutions tech world xyz"
)
_HOST = r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+"
_PATH = r"[a-zA-Z0-9\u00C0-\u024F\u0400-\u04FF!*';:=+,.$/%#\[\]_~@|&\-]"
_END = rf"(?::\d{{1,5}})?(?:/(?:\({_PATH}{{0,2000}}\)|{_PATH})*+)?(?:\?[^\s<>\"“”]*)?"
_ADDRESS = re.compile(
    rf"(?<![a-zA-Z0-9_@/.$#＠＃-])"
    rf"(?:https?://{_HOST}(?:xn--[a-z0-9-]+|[a-z]{{2,}})"
    rf"|(?<!\w){_HOST}(?:{'|'.join(_COMMON.split())}|[a-z]{{2}})(?![\w@-])){_END}",
    re.IGNORECASE,
)
_LAST = "()?!*\"'「」<>;:=,.$%[]~&|@"
"""Characters that an address does not end with."""


def weight(text: str) -> int:
    """The weighted length of a post. Takes linear time."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    total, at = 0, 0
    for start, end in addresses(text):
        total += _weigh(text[at:start]) + URL_LENGTH
        at = end
    return total + _weigh(text[at:])


def has_link(text: str) -> bool:
    """Whether X would find an address in the text: such a post costs many times more."""
    return bool(addresses(unicodedata.normalize("NFC", text)))


def addresses(text: str) -> list[tuple[int, int]]:
    """Where the addresses of a text begin and end."""
    found = []
    for match in _ADDRESS.finditer(text):
        end = match.end()
        while text[end - 1] in _LAST and not _closes(text[match.start() : end]):
            end -= 1
        found.append((match.start(), end))
    return found


def _closes(address: str) -> bool:
    """Whether the last character is a bracket that the address itself opened, or what ends a path."""
    last = address[-1]
    if last == ")":
        return address.count("(") >= address.count(")") > 0
    return False


def _weigh(text: str) -> int:
    if text.isascii():
        return len(text)
    total, at = 0, 0
    for match in emoji().finditer(text):
        total += sum(map(_of, text[at : match.start()])) + DEFAULT_WEIGHT
        at = match.end()
    return total + sum(map(_of, text[at:]))


def _of(character: str) -> int:
    point = ord(character)
    return 1 if any(low <= point <= high for low, high in LIGHT) else DEFAULT_WEIGHT


@cache
def emoji() -> Any:
    """Emoji of several code points, and what looks like one by a selector; built at first need."""
    import regex

    picture = r"\p{Extended_Pictographic}(?:\uFE0F|\p{EMod})?(?:[\U000E0020-\U000E007F]+)?"
    one = rf"(?:\p{{RI}}\p{{RI}}|[0-9#*]\uFE0F?\u20E3|{picture})"
    return regex.compile(rf"(?![©®](?!\uFE0F)){one}(?:\u200D{one})*")
