"""What in a message may be more than a message: a request with a statutory date, the press, somebody in danger.

Flags only: a rule says that a text has the words for it, an officer says what it is.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from socialtriage.domain.rules import IRREGULAR, Phrases, clauses_of, stem
from socialtriage.domain.statutory import Period

_WORDS = """the for has have had please your you council there about will since dont somebody someone house want wants
    letter being place where going coming should theres left minutes take took answers answer hope end drive yours email
    find them him her hers his with that this what whats when who which from our they their just like get gets got can
    could would my me mine in on at of to an and or not no is are was were be it its as by if so up out all one two new
    now over into only more also down off too been did does do how why know work time people year day week better
    again back even made make never say said see saw still think thing things than then through very well come comes
    before here send car cars door doors ill missed use office desk visit doing residents resident before
    looking day days week weeks month months today tonight tomorrow long every any some other same since until"""
_COMMON = frozenset(_WORDS.split())
"""Words that nearly every text has: no phrase is looked for by one of them if it has another."""
READ = 20_000
"""Characters of a text that are looked at."""
_BLANKS = "".join(char if char.isalnum() or char == "_" else " " for char in map(chr, range(128)))
"""For `str.translate`: whatever is no part of a word becomes a blank."""


_LETTERS = "socialtriage.letters"


def _letters(error: UnicodeError) -> tuple[str, int]:
    """What is no ASCII parts words, unless it is an accent: far cheaper than a look at every character."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    accents = all(map(unicodedata.combining, error.object[error.start : error.end]))
    return ("" if accents else " "), error.end


codecs.register_error(_LETTERS, _letters)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of message that must not be missed."""

    id: str
    """The flag that it gives a case."""
    name: str
    """For officers: `Possible freedom of information request`."""
    any: tuple[str, ...] = ()
    """Words and phrases of which one is enough; whole words, whatever their capitals, hyphens and simple plurals."""
    together: tuple[tuple[str, ...], ...] = ()
    """Groups of which every one must have a phrase in the text; the rarest first, which makes the look cheap."""
    unless: tuple[str, ...] = ()
    """Words and phrases that say it is something else."""
    contact: str = ""
    """Id of the contact who answers for it."""
    period: Period | None = None
    """Within which time the law wants an answer."""
    wording: str = ""
    """What the officer may say, and what to do first."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A rule that a text has the words for, and the words."""

    rule: Rule
    phrase: str


@dataclass(slots=True)
class Spotter:
    """All rules in one pass over a text. Where phrases overlap the longest counts."""

    rules: Sequence[Rule]
    by_id: Mapping[str, Rule] = field(init=False)
    _phrases: Phrases = field(init=False)
    _anchors: frozenset[str] = field(init=False)
    _always: bool = field(init=False)

    def __post_init__(self) -> None:
        self.by_id = {rule.id: rule for rule in self.rules}
        pairs = [pair for number, rule in enumerate(self.rules) for pair in _meanings(number, rule)]
        self._phrases = Phrases(pairs)
        # A phrase that is looked for alone, and of groups the first: without it the others say nothing.
        begin = (phrase for phrase, meaning in pairs if meaning.partition("+")[2] in ("", "0") and meaning[-1] != "-")
        split = [_split(word) for phrase in begin for word in _anchors(phrase)]
        self._anchors = frozenset(max(parts, key=len) for parts in split if parts)
        # A phrase in another script has no word to go by.
        self._always = not all(split)

    def look(self, text: str) -> list[Spot]:
        """The rules that a text has the words for, in their order. Takes linear time."""
        # Hardly any text has even one of the words: splitting it roughly is far cheaper than reading it.
        if self._anchors.isdisjoint(_split(text[:READ])) and not self._always:
            return []
        return self._read(text[:READ])

    def _read(self, text: str) -> list[Spot]:
        hits: dict[str, str] = {}
        for phrase, hit in self._phrases.found_in(list(clauses_of(text))).items():
            for meaning in hit.meanings:
                hits.setdefault(meaning, phrase)
        found = []
        for number, rule in enumerate(self.rules):
            if f"{number}-" in hits:
                continue
            groups = [hits.get(f"{number}+{place}") for place in range(len(rule.together))]
            if f"{number}" in hits:
                found.append(Spot(rule, hits[f"{number}"]))
            elif groups and None not in groups:
                found.append(Spot(rule, " … ".join(filter(None, groups))))
        return found


def _meanings(number: int, rule: Rule) -> Iterable[tuple[str, str]]:
    """Every phrase of a rule with what it stands for: enough alone, a part, or against it."""
    yield from ((phrase, f"{number}") for phrase in rule.any)
    yield from ((phrase, f"{number}+{place}") for place, group in enumerate(rule.together) for phrase in group)
    yield from ((phrase, f"{number}-") for phrase in rule.unless)


def _split(text: str) -> list[str]:
    plain = text.casefold().replace("'", "").replace("’", "")
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain).encode("ascii", _LETTERS).decode("ascii")
    return plain.translate(_BLANKS).split()


def _anchors(phrase: str) -> Iterable[str]:
    """The most telling word of a phrase in the spellings that are read as the same, and all of it as one word."""
    words = [word for words in clauses_of(phrase) for word in words]
    yield "".join(words)
    word = max(words, key=lambda each: (each not in _COMMON, len(each)), default="")
    irregular = [plural for plural, single in IRREGULAR.items() if single == word]
    for form in (word, f"{word}s", f"{word}es", f"{word[:-1]}ies", *irregular):
        if stem(form) == word:
            yield form
