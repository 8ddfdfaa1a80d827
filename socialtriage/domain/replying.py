"""The words of a reply: its sign-off, its parts, what it promises, and whom else it names. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable

MOST_PARTS = 10
"""A thread of more parts is read by nobody."""
PLACEHOLDER = re.compile(r"\{\s{0,3}([^\W\d][\w .!|-]{0,30}?)\s{0,3}\}")
_GAP = re.compile(
    r"\[(?:(?:insert|add|enter|your|the|officer|resident|customer|contact)\b[^\[\]\n]{0,40}|[A-Z][A-Z /_-]{2,30}|"
    r"name|date|time|link|ref(?:erence)?|number|address|rhowch[^\[\]\n]{0,40}|enw|dyddiad)\]|_{4,}|\bX{4,}\b"
)
"""Gaps of templates that were written elsewhere: `[insert date]`, `[NAME]`, `____`."""

_BREAK = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*\s+|\n+")
_HANDLE = re.compile(r"(?<![\w@./-])@[^\W_][\w.-]*\w(?:@(?:[\w-]+\.)+[\w-]+)?")
_ENCLOSED = re.compile(
    r"\b(?:attached|attaching|attachments?|enclosed|enclosing)\b(?! (?:to|by|with) (?:the|an?|your|my|his|her|their)\b)"
    r"|\b(?:see|here is|here's|here are) the (?:photo|picture|image|map|document|form|leaflet|screenshot)s? below\b"
    r"|\b(?:i|we|i'll|we'll|i’ll|we’ll|i will|we will) attach\b"
    r"|\b(?:photo|picture|image|map|document|form|leaflet|screenshot)s? (?:is |are )?(?:shown )?below\b|\bpfa\b"
    # Welsh: attached, attachment, attach, enclosed; the first letter changes after some words.
    r"|\bynghlwm\b|\b(?:h?at|n?had)odiad(?:au)?\b|\b(?:yn |[’']n )?atodi\b|\batodir\b"
    r"|\b[hn]?g?amgaeedig\b|\bamgae(?:af|ir|wn)\b",
    re.IGNORECASE,
)


def signed(text: str, sign_off: str) -> str:
    """`text` with the officer's sign-off at its end, unless it stands there."""
    return text if not sign_off or text.rstrip().endswith(sign_off) else f"{text.rstrip()} {sign_off}"


def unsigned(text: str, sign_off: str) -> str:
    """The other way round: what was written without the sign-off."""
    return text.removesuffix(sign_off).rstrip() if sign_off else text


def left_open(text: str) -> list[str]:
    """Placeholders that nobody filled, each once, with their braces."""
    plain = unseen(text)
    return list(dict.fromkeys(f"{{{name}}}" for name in PLACEHOLDER.findall(plain)))


def gaps(text: str) -> list[str]:
    """Other gaps that somebody was to fill, each once: `[insert date]`."""
    return list(dict.fromkeys(_GAP.findall(unseen(text))))


def unseen(text: str) -> str:
    """`text` without the characters that nobody sees, such as joiners."""
    return text if text.isascii() else "".join(char for char in text if unicodedata.category(char) != "Cf")


def speaks_of_an_enclosure(text: str) -> bool:
    """Whether the words say that something comes with them."""
    return _ENCLOSED.search(text) is not None


def strangers(text: str, known: Iterable[str]) -> list[str]:
    """Handles in a text that are not among `known`, each once; a host that one side leaves out makes no difference."""
    ours = {_bare(handle) for handle in known} - {""}
    return [found for found in dict.fromkeys(_HANDLE.findall(text)) if not _is_one_of(_bare(found), ours)]


def _bare(handle: str) -> str:
    return handle.strip().lstrip("@").casefold()


def _is_one_of(handle: str, ours: Collection[str]) -> bool:
    short = handle.partition("@")[0]
    return any(handle == each or ("@" not in handle and short == each.partition("@")[0]) for each in ours)


def split(text: str, fits: Callable[[str], bool]) -> tuple[str, ...]:
    """The parts of a thread, each with its number: `(1/3)`; one part without a number when the text fits.

    Breaks at the end of a paragraph or sentence where that leaves no part short, otherwise between words, never
    inside one. Raises `ValueError` when a word does not fit, or when it would be more than `MOST_PARTS`.
    """
    text = text.strip()
    if fits(text):
        return (text,)
    for total in range(2, MOST_PARTS + 1):
        parts = _parts(text, fits, total)
        if parts is not None:
            return tuple(parts)
    raise ValueError(f"It does not fit into {MOST_PARTS} parts.")


def _parts(text: str, fits: Callable[[str], bool], total: int) -> list[str] | None:
    parts: list[str] = []
    rest = text
    for number in range(1, total + 1):
        mark = f" ({number}/{total})"
        if number == total:
            return [*parts, rest + mark] if rest and fits(rest + mark) else None
        cut = _cut(rest, lambda piece, mark=mark: fits(piece + mark))  # type: ignore[misc]
        if not cut:
            raise ValueError("It holds a word that does not fit into a part by itself.")
        parts.append(rest[:cut].rstrip() + mark)
        rest = rest[cut:].lstrip()
    return None


def _cut(text: str, fits: Callable[[str], bool]) -> int:
    """Where the longest piece that fits ends; a little earlier when a sentence ends there."""
    breaks = [match.start() for match in _BREAK.finditer(text)]
    low, high = 0, len(breaks)
    while low < high:
        middle = (low + high) // 2
        if fits(text[: breaks[middle]]):
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return 0
    longest = breaks[low - 1]
    ends = [match.end() for match in _SENTENCE_END.finditer(text, longest // 2, longest + 1)]
    return ends[-1] if ends else longest
