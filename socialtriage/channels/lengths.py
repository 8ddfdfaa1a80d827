"""Counting what a network counts: grapheme clusters, and addresses that weigh a fixed number of characters.

`regex` is imported on first use: it costs more than the first frame may spend.
"""

from __future__ import annotations


def graphemes(text: str) -> int:
    """Extended grapheme clusters of `text` (UAX 29, what a reader would call characters)."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    import regex

    return len(regex.findall(r"\X", text))
