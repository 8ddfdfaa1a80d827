"""The closing of a colleague's mail: what stands below "Kind regards" is for the desk and not for the resident."""

from __future__ import annotations

import re

MAX_LINES = 25
"""Lines below a closing that can be a signature; more of them are part of what was said."""
_REGARDS = r"(?:with )?(?:(?:kind|kindest|best|warm|warmest|many) )?(?:regards|wishes)"
_CLOSING = re.compile(
    rf"(?:{_REGARDS}|all the best|(?:many )?thanks and {_REGARDS}|yours(?: (?:sincerely|faithfully|truly))?"
    r"|cofion(?: gorau| cynnes)?)[,.!]*",
    re.IGNORECASE,
)
_THANKS = re.compile(r"(?:(?:many |kind )?thanks|thank you|cheers|kr|br|(?:gyda )?diolch(?: yn fawr)?)[,.!]*", re.I)


def without_closing(text: str) -> str:
    """`text` up to the last line that is a closing and nothing else; the whole where nothing would be left."""
    lines = text.rstrip().splitlines()
    for index in range(len(lines) - 1, max(0, len(lines) - 2 - MAX_LINES), -1):
        line, below = lines[index].strip(), next((each.strip() for each in lines[index + 1 :] if each.strip()), "")
        if _CLOSING.fullmatch(line) or (_THANKS.fullmatch(line) and (not below or _is_name(below))):
            return "\n".join(lines[:index]).rstrip() or text.strip()
    return text.strip()


def _is_name(line: str) -> bool:
    """Whether a line below a word of thanks may be who thanks: few words, and no sentence."""
    return len(line) <= 60 and len(line.split()) <= 4 and not line.endswith((".", "!", "?"))
