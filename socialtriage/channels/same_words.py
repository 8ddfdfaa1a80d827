"""Whether two texts have the same words, however a network renders them: to find again an answer that got lost."""

from __future__ import annotations

import unicodedata


def letters(text: str) -> str:
    """Letters and digits of a text, without regard to case and to how characters are composed.

    Of a text that has none, such as an emoji, its signs.
    """
    bare = unicodedata.normalize("NFKC", text).casefold()
    return "".join(filter(str.isalnum, bare)) or "".join(bare.split())
