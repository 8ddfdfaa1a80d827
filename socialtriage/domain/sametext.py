"""What a case says of others with the same text, until an officer has decided about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SAME = "same text as "
"""How such a reason begins."""
_REF = re.compile(r"^same text as ([A-Z]{2,3}-[0-9A-Z]{6}), ")


def said(ref: str, network: str) -> str:
    """What a case says of another one with the same text."""
    return f"{SAME}{ref}, on {network}"


def refs(because: Iterable[str]) -> list[str]:
    """The cases that a case says it has the same text as."""
    return [match[1] for reason in because if (match := _REF.match(reason))]


def without(because: Sequence[str], decided: Iterable[str]) -> tuple[str, ...]:
    """The reasons without those that name cases on which somebody has decided."""
    gone = set(decided)
    return tuple(reason for reason in because if not ((match := _REF.match(reason)) and match[1] in gone))
