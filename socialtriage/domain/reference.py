"""References of cases: `ABC-7Q4K2M`.

A prefix of two or three letters, a hyphen, and six characters. The alphabet has no 0 O 1 I L U, which are misread,
and no S, which leaves 29: a prime number, over which a weighted sum catches every single wrong character and every
swap of neighbours (as a prime modulus does for ISBN-10). The last character makes the sum right. At least one
character is a letter and never three in a row are, so that no reference is a word, nor any word a reference.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import lru_cache
from secrets import SystemRandom

ALPHABET = "23456789ABCDEFGHJKMNPQRTVWXYZ"
"""What the six characters are taken from."""

LENGTH = 6
_PAIRS = tuple(one + other for one in ALPHABET for other in ALPHABET)
_ALL_PAIRS = len(_PAIRS)
_VALUES = {char: value for value, char in enumerate(ALPHABET)}
_WEIGHTS = (1, 2, 3, 4, 5, 6)
_SUM = 26
_LAST_WEIGHT_INVERSE = pow(_WEIGHTS[-1], -1, len(ALPHABET))
_THREE_LETTERS = re.compile("[A-Z]{3}")
_LOOK_ALIKE = ("0OQD", "1IL7TJ", "2Z", "5S", "8B", "6G", "UVY", "4A", "MN", "VW", "CG", "EF", "PR", "KX")
_LONGEST_TYPED = 60
_SYSTEM = SystemRandom()


def new_reference(prefix: str, random_source: random.Random | None = None) -> str:
    """A reference drawn at random, by default from the system's source: the one before says nothing about it.

    The caller draws again when the store has it already. Raises `ValueError` for a prefix that is not 2-3 letters.
    """
    source, start = random_source or _SYSTEM, _checked(prefix)
    while True:
        # One draw for all characters: each asks the system, which costs far more than the arithmetic.
        number = source.randrange(len(ALPHABET) ** (LENGTH - 1))
        drawn = (
            _PAIRS[number % _ALL_PAIRS] + _PAIRS[number // _ALL_PAIRS % _ALL_PAIRS] + ALPHABET[number // _ALL_PAIRS**2]
        )
        if _THREE_LETTERS.search(drawn):
            continue
        body = drawn + _check_character(drawn)
        if _well_formed(body):
            return f"{start}-{body}"


def parse(text: str, prefix: str) -> str | None:
    """The reference that somebody typed, in its one spelling, or None.

    Any case, spaces, dashes, brackets or none of them, with the prefix or without it, after a word such as `Ref:`.
    """
    compact, start = _compact(text), _checked(prefix)
    for body in (compact.removeprefix(word) for word in (start, f"REF{start}", f"REFERENCE{start}")):
        if _is_valid(body):
            return _joined(prefix, body)
    found = find(text[: 2 * _LONGEST_TYPED], prefix)
    return found[0] if len(found) == 1 else None


def find(text: str, prefix: str) -> list[str]:
    """The valid references in running text, each once, in order: `[ABC-7Q4K2M]`, `Ref: abc 7q4k2m`.

    The prefix must be there: six characters alone could be anything.
    """
    found: dict[str, None] = {}
    for match in _pattern(_checked(prefix)).finditer(text):
        body = (match[1] + match[2]).upper()
        if _is_valid(body):
            found[_joined(prefix, body)] = None
    return list(found)


def suggest(text: str, prefix: str) -> list[str]:
    """Valid references one slip away from what was typed, likeliest first, at most about twenty.

    Slips: two neighbours swapped, one character wrong, left out or typed twice, a wrong prefix. The caller offers those
    that exist.
    """
    found: dict[str, None] = {}
    compact, start = _compact(text), _checked(prefix)
    rest = compact[len(start) :]
    # A slip may make the six characters themselves begin like the prefix; then too little would be left behind it.
    prefixed = compact.startswith(start) and len(rest) >= LENGTH - 1
    for typed in [rest] if prefixed else dict.fromkeys([compact, rest, compact[-LENGTH:]]):
        for body in _near(typed):
            if _is_valid(body):
                found[_joined(prefix, body)] = None
    return list(found)


def _near(typed: str) -> Iterator[str]:
    """`typed` itself and what one slip makes of it; swaps and look-alikes before the rest."""
    if not LENGTH - 1 <= len(typed) <= LENGTH + 1:
        return
    yield typed
    if len(typed) == LENGTH:
        yield from (typed[:i] + typed[i + 1] + typed[i] + typed[i + 2 :] for i in range(LENGTH - 1))
    changes = [(i, char) for i in range(len(typed)) for char in ALPHABET]
    changes.sort(key=lambda change: not _looks_like(typed[change[0]], change[1]))
    yield from (typed[:i] + char + typed[i + 1 :] for i, char in changes)
    yield from (typed[:i] + typed[i + 1 :] for i in range(len(typed)))
    yield from (typed[:i] + char + typed[i:] for i in range(len(typed) + 1) for char in ALPHABET)


def _looks_like(one: str, other: str) -> bool:
    return any(one in group and other in group for group in _LOOK_ALIKE)


def _compact(text: str) -> str:
    return "".join(char for char in text[:_LONGEST_TYPED].upper() if char.isascii() and char.isalnum())


@lru_cache(maxsize=8)
def _pattern(prefix: str) -> re.Pattern[str]:
    # A look-ahead, so that a first try that fails does not swallow the real reference behind it.
    triple = f"[{ALPHABET}]{{3}}"
    gap = r"[\s\-\u2010-\u2015\u2212_.:#/]{0,3}"
    return re.compile(
        rf"(?<![A-Z0-9])(?={prefix}{gap}({triple})[ \-\u2010-\u2015]?({triple})(?![A-Z0-9]))", re.IGNORECASE | re.ASCII
    )


def _joined(prefix: str, body: str) -> str:
    return f"{_checked(prefix)}-{body}"


def _checked(prefix: str) -> str:
    if not (prefix.isascii() and prefix.isalpha() and 2 <= len(prefix) <= 3):
        raise ValueError(f"The prefix of references must be two or three letters, not “{prefix[:20]}”.")
    return prefix.upper()


def _check_character(first: str) -> str:
    missing = _SUM - sum(weight * _VALUES[char] for weight, char in zip(_WEIGHTS, first, strict=False))
    return ALPHABET[missing * _LAST_WEIGHT_INVERSE % len(ALPHABET)]


def _well_formed(body: str) -> bool:
    return not body.isdigit() and not _THREE_LETTERS.search(body)


def _is_valid(body: str) -> bool:
    if len(body) != LENGTH or not all(char in _VALUES for char in body):
        return False
    return body[-1] == _check_character(body[:-1]) and _well_formed(body)
