"""Counting what a network counts: grapheme clusters, and addresses that weigh a fixed number of characters.

`regex` is imported on first use: it costs more than the first frame may spend.
"""

from __future__ import annotations

import re

_URL = re.compile(
    r"(?<![\w@/.$#＠-])https?://"
    r"(?:[^\s./?#<>()\[\]{}\"'“”‘’,;:!@]+\.)+[^\W\d_][\w-]*(?::\d{1,5})?"
    r"(?:/(?:\([^\s<>()?]*\)|[^\s<>()?])*)?(?:\?[^\s<>\"“”]*)?",
    re.IGNORECASE,
)
_LAST = "()?!*\"'「」<>;:=,.$%[]~&|@"
"""Characters that an address does not end with."""


def graphemes(text: str) -> int:
    """Extended grapheme clusters of `text` (UAX 29, what a reader would call characters)."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    import regex

    return len(regex.findall(r"\X", text))


def with_urls_as(text: str, characters: int) -> str:
    """`text` with each http(s) address replaced by so many letters.

    An address has a scheme and a host with a dot; the punctuation that ends a sentence is not part of it. This
    follows the pattern of twitter-text that Mastodon uses, apart from its table of top-level domains.
    """

    def stand_in(match: re.Match[str]) -> str:
        address = match[0]
        end = len(address)
        while end > 0 and address[end - 1] in _LAST and not _closes(address[:end]):
            end -= 1
        return "x" * characters + address[end:]

    return _URL.sub(stand_in, text)


def _closes(address: str) -> bool:
    """Whether the last character is a bracket that the address itself opened."""
    return address[-1] == ")" and address.count("(") >= address.count(")") > 0
