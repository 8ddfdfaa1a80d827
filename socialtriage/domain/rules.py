"""Suggestions of a service area and an urgency, with the reason. An officer's key accepts them; nothing else does."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import filterfalse
from typing import NamedTuple, Protocol

from socialtriage.domain.late import dataclass
from socialtriage.domain.models import Urgency

_READ = 20_000
"""Characters of a text that are looked at."""
LONGEST = 40
"""Letters from which on a word is no word of a language: it has no plural, and is not remembered."""
_MOST_REASONS = 3
_WORDS = re.compile(r"\w+")
_BREAKS = re.compile(r"[^\w\s\-\u2010-\u2015#@/&]+")
_APOSTROPHES = re.compile("['’ʼ`]")
_ASCII = "".join(
    char if char.isalnum() or char == "_" else "\n" if _BREAKS.match(char) else " " for char in map(chr, range(128))
)
"""For `str.translate`, far faster than the expressions: what breaks a clause becomes a line end, other gaps blanks."""
IRREGULAR = {"buses": "bus", "mice": "mouse", "children": "child", "people": "person"}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a text seems to be about, and why. `area` or `urgency` is None where nothing points to one."""

    area: str | None
    urgency: Urgency | None
    because: tuple[str, ...]
    """Sentences' parts for the officer: `'missed collection' points to Bins and recycling`."""


class Suggester(Protocol):
    """Reads a message and says what it seems to be about."""

    def suggest(self, text: str) -> Suggestion | None:
        """A suggestion, or None when the text says nothing that is known."""
        ...


class AreaWords(Protocol):
    """A service area and its words, as the configuration has them."""

    @property
    def id(self) -> str:
        """How the area is named in commands."""
        ...

    @property
    def name(self) -> str:
        """How officers call it."""
        ...

    @property
    def keywords(self) -> Sequence[str]:
        """Words and phrases that point to the area."""
        ...

    @property
    def urgent_keywords(self) -> Sequence[str]:
        """Words and phrases that make a case of this area urgent."""
        ...


class KeywordSuggester:
    """Suggests by words and phrases of the configuration.

    Whole words count, whatever their capitals, accents, hyphens and simple plurals: `fly tipping` finds Fly-Tipping and
    flytipping, `bin` finds bins. Where phrases overlap the longest counts: a car park is no park. Every different
    phrase of an area adds to its score: one of several words more than a single word, one that many areas share
    less, and half as much again in the first sentence that says anything. The highest score wins; when two areas
    share it, none is suggested.
    """

    def __init__(self, areas: Iterable[AreaWords], emergency: Iterable[str] = (), urgent: Iterable[str] = ()) -> None:
        areas = tuple(areas)
        self._names = {area.id: area.name for area in areas}
        self._areas = Phrases((word, area.id) for area in areas for word in area.keywords)
        self._area_urgent = Phrases((word, area.id) for area in areas for word in area.urgent_keywords)
        general = [(word, Urgency.EMERGENCY.value) for word in emergency]
        self._urgency = Phrases([*general, *((word, Urgency.URGENT.value) for word in urgent)])

    def suggest(self, text: str) -> Suggestion | None:
        """A suggestion for a text, or None. Takes linear time and looks at its first 20,000 characters."""
        clauses = list(clauses_of(text[:_READ]))
        hits = self._areas.found_in(clauses)
        area = _winner(hits)
        urgency, why = self._urgency_of(clauses, area)
        if area is None and urgency is None:
            return None
        return Suggestion(area, urgency, (*self._reasons(hits, area), *why))

    def _reasons(self, hits: Mapping[str, Hit], area: str | None) -> list[str]:
        if area is None:
            return []
        phrases = sorted((phrase for phrase, hit in hits.items() if area in hit.meanings), key=_length, reverse=True)
        return [f"{_quoted(phrases)} point{'s' * (len(phrases) == 1)} to {self._names[area]}"]

    def _urgency_of(self, clauses: list[list[str]], area: str | None) -> tuple[Urgency | None, list[str]]:
        hits = self._urgency.found_in(clauses)
        for urgency in (Urgency.EMERGENCY, Urgency.URGENT):
            phrases = [phrase for phrase, hit in hits.items() if urgency.value in hit.meanings]
            if phrases:
                return urgency, [f"{_quoted(phrases)} sound{'s' * (len(phrases) == 1)} like {_article(urgency)}"]
        special = self._area_urgent.found_in(clauses) if area is not None else {}
        phrases = [phrase for phrase, hit in special.items() if area in hit.meanings]
        if area is None or not phrases:
            return None, []
        return Urgency.URGENT, [
            f"{_quoted(phrases)} {'is' if len(phrases) == 1 else 'are'} urgent for {self._names[area]}"
        ]


class Hit(NamedTuple):
    """What a phrase points to, and whether it stands in the first clause in which any does."""

    meanings: Sequence[str]
    early: bool


class Phrases:
    """Phrases and what they point to, found in passing: the words of a text are put together and looked up."""

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        self._meanings: dict[str, tuple[str, list[str]]] = {}
        self._beginnings: set[str] = set()
        self._longest = 1
        for phrase, meaning in phrases:
            words = [word for clause in clauses_of(phrase) for word in clause]
            if words:
                together = "".join(words)
                self._longest = max(self._longest, len(words))
                self._beginnings.update(together[:end] for end in range(1, len(together) + 1))
                meanings = self._meanings.setdefault(together, (phrase, []))[1]
                if meaning not in meanings:
                    meanings.append(meaning)

    def found_in(self, clauses: list[list[str]]) -> dict[str, Hit]:
        """The phrases in a text with what each points to, each once, in order."""
        found: dict[str, Hit] = {}
        known, beginnings, longest = self._meanings, self._beginnings, self._longest
        first = -1
        for number, words in enumerate(clauses):
            if beginnings.isdisjoint(words):
                continue
            position, count = 0, len(words)
            while position < count:
                together = words[position]
                if together not in beginnings:
                    position += 1
                    continue
                match, width = (together, 1) if together in known else ("", 0)
                for end in range(position + 1, min(position + longest, count)):
                    together += words[end]
                    if together not in beginnings:
                        break
                    if together in known:
                        match, width = together, end + 1 - position
                if width:
                    phrase, meanings = known[match]
                    first = number if first < 0 else first
                    found.setdefault(phrase, Hit(meanings, number == first))
                position += width or 1
        return found


def _winner(hits: Mapping[str, Hit]) -> str | None:
    """The area with the highest score, unless two share it."""
    scores: dict[str, float] = {}
    for phrase, hit in hits.items():
        weight = (2 * _length(phrase) - 1) * (1.5 if hit.early else 1.0) / len(hit.meanings)
        for area in hit.meanings:
            scores[area] = scores.get(area, 0.0) + weight
    ranked = sorted(scores, key=lambda area: -scores[area])
    if not ranked or (len(ranked) > 1 and scores[ranked[0]] - scores[ranked[1]] < 1e-9):
        return None
    return ranked[0]


def _length(phrase: str) -> int:
    return len(_WORDS.findall(phrase))


def clauses_of(text: str) -> Iterator[list[str]]:
    """The words of each stretch without punctuation, in their plain form: a phrase does not run over a full stop."""
    plain = _APOSTROPHES.sub("", text).casefold()
    if not plain.isascii():
        plain = "".join(filterfalse(unicodedata.combining, unicodedata.normalize("NFKD", plain)))
    if plain.isascii():
        found = map(str.split, plain.translate(_ASCII).split("\n"))
    else:
        found = map(_WORDS.findall, _BREAKS.split(plain))
    for words in found:
        if words:
            yield [stem(word) if len(word) < LONGEST else word for word in words]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """`word` without a simple plural ending; the same for phrases and texts, so it need not be good English."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) <= 3 or word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes", "zes")) else word[:-1]


def _quoted(phrases: Sequence[str]) -> str:
    named = [f"'{phrase}'" for phrase in phrases[:_MOST_REASONS]]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _article(urgency: Urgency) -> str:
    return "an emergency" if urgency is Urgency.EMERGENCY else "an urgent case"
