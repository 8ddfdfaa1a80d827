"""Personal data masked before a text leaves the desk, and pointed out before it is published."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from socialtriage.domain import personal
from socialtriage.domain.models import SafeText
from socialtriage.domain.personal import FINDERS, Place
from socialtriage.domain.text import clean

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SHORTEST_PART = 3
_MOST_KNOWN = 40
_ROUNDS = 4
# Display names are also made of these; as single words they say nothing about a person.
_COMMON = """the and for mum dad angry resident residents council councillor cllr mrs miss dr park parks road street
    lane avenue close court hill house church school bin bins waste monday tuesday wednesday thursday friday saturday
    sunday january february march april may june july august september october november december england scotland wales
    london north south east west old new town city village team friends community green local news official real"""
_NO_NAMES = frozenset(_COMMON.split())


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is masked. True when anything is."""

    phone: bool = False
    email: bool = False
    postcode: bool = False
    handle: bool = False
    names: bool = False
    national_insurance: bool = False
    card: bool = False
    birth_date: bool = False
    plate: bool = False
    bank: bool = False

    @classmethod
    def all(cls) -> Redaction:
        """Everything that can be masked."""
        return cls(**dict.fromkeys((field.name for field in fields(cls)), True))

    @classmethod
    def none(cls) -> Redaction:
        """Nothing."""
        return cls()

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of `Found` that are masked."""
        return frozenset(kind for kind, field in FIELDS.items() if getattr(self, field))


FIELDS = {
    personal.PHONE: "phone",
    personal.EMAIL: "email",
    personal.POSTCODE: "postcode",
    personal.HANDLE: "handle",
    personal.NAME: "names",
    personal.NATIONAL_INSURANCE: "national_insurance",
    personal.CARD: "card",
    personal.BIRTH_DATE: "birth_date",
    personal.PLATE: "plate",
    personal.BANK: "bank",
}
"""The toggle of `Redaction` for each kind of `Found`."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something personal in a text: its kind (`phone_number`), its words, and where they stand."""

    kind: str
    text: SafeText
    start: int
    end: int

    @property
    def label(self) -> str:
        """The kind in words: `phone number`."""
        return self.kind.replace("_", " ")


def find_personal(text: str) -> list[Found]:
    """What a text would give away if it were published, in order: everything but handles, which are public anyway.

    Places are those in `text` as `clean` leaves it.
    """
    safe = clean(text)
    return _found(safe, frozenset(FINDERS) - {personal.HANDLE}, (), ())


def redact(
    text: str, redaction: Redaction, names: Sequence[str] = (), handles: Sequence[str] = ()
) -> tuple[SafeText, list[Found]]:
    """`text` cleaned, with what `redaction` says replaced by `[phone number]` and the like; and what was replaced.

    `names` and `handles` are those known of the person: a name is found whole and by its parts where they have a
    capital letter, a handle with and without `@` unless it is a plain word. Masking twice changes nothing more.
    Takes linear time.
    """
    safe = clean(text)
    found = _found(safe, redaction.kinds, names, handles)
    parts: list[str] = []
    position = 0
    for item in found:
        parts += [safe[position : item.start], f"[{item.label}]"]
        position = item.end
    return clean("".join([*parts, safe[position:]])), found


def _found(text: str, kinds: frozenset[str], names: Sequence[str], handles: Sequence[str]) -> list[Found]:
    """What is personal in a text, in order.

    What touches something that was found is looked at again beside the brackets that will stand there.
    """
    chosen: list[Place] = []
    left = text
    for _ in range(_ROUNDS):
        places = _apart(_places(left, kinds, names, handles), len(text))
        if not places:
            break
        chosen += places
        left = _blanked(left, places)
    return [Found(kind, SafeText(text[start:end]), start, end) for start, end, kind in sorted(chosen)]


def _blanked(text: str, places: Sequence[Place]) -> str:
    """`text` with brackets where the places are, of the same length."""
    parts: list[str] = []
    position = 0
    for start, end, _ in places:
        parts += [text[position:start], "[", "]" * (end - start - 1)]
        position = end
    return "".join([*parts, text[position:]])


def _places(text: str, kinds: frozenset[str], names: Sequence[str], handles: Sequence[str]) -> Iterator[Place]:
    if personal.HANDLE in kinds:
        known = [handle.strip().lstrip("@") for handle in handles]
        # A handle that is a plain word stands for the person only behind an @.
        yield from _known(text, [handle for handle in known if not handle.isalpha()], personal.HANDLE, before="@?")
    read, at = _as_read(text)
    for kind, finder in FINDERS.items():
        if kind in kinds:
            for place in finder(read):
                yield place if at is None else Place(at[place.start], at[place.end - 1] + 1, place.kind)
    if personal.NAME in kinds:
        yield from _known(text, list(_full_names(names)), personal.NAME)
        yield from _name_parts(text, names)


def _as_read(text: str) -> tuple[str, list[int] | None]:
    """A text as people read it, and where each of its characters stands: joiners left out, wide digits and odd spaces
    as plain ones. The places are None where it stays as it is.
    """
    if text.isascii():
        return text, None
    kept: list[str] = []
    at: list[int] = []
    for place, char in enumerate(text):
        if char.isascii() or (char.isalpha() and not "\uff00" < char < "\uff5f"):
            kept.append(char)
        elif unicodedata.category(char) == "Cf":
            continue
        else:
            plain = unicodedata.normalize("NFKC", char)
            kept.append(plain if len(plain) == 1 else char)
        at.append(place)
    return "".join(kept), at


def _apart(places: Iterable[Place], length: int) -> list[Place]:
    """The places in order of the text; of those that overlap the one that was claimed first."""
    taken = bytearray(length)
    chosen: list[Place] = []
    for place in places:
        if not any(taken[place.start : place.end]):
            taken[place.start : place.end] = b"\x01" * (place.end - place.start)
            chosen.append(place)
    return sorted(chosen)


def _known(text: str, words: Sequence[str], kind: str, before: str = "") -> Iterator[Place]:
    """Places where one of the words or phrases stands whole, in any case and spacing."""
    usable = [word[:200] for word in words if len(word) >= _SHORTEST_PART][:_MOST_KNOWN]
    if not usable:
        return
    phrases = (
        r"\s{1,3}".join(re.escape(part) for part in word.split()) for word in sorted(usable, key=len, reverse=True)
    )
    pattern = re.compile(rf"(?<![\w@]){before}(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE)
    yield from (Place(found.start(), found.end(), kind) for found in pattern.finditer(text))


def _full_names(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        words = _WORD.findall(clean(name))
        if len(words) > 1:
            yield from dict.fromkeys([" ".join(words), _plain(" ".join(words))])


def _name_parts(text: str, names: Sequence[str]) -> Iterator[Place]:
    """Single words of the names where they are written with a capital letter."""
    parts = {_plain(word) for name in names for word in _WORD.findall(clean(name))}
    parts = {part for part in parts if len(part) >= _SHORTEST_PART and part not in _NO_NAMES}
    if not parts:
        return
    for found in _WORD.finditer(text):
        word = found[0]
        if word[0].isupper() and (_plain(word) in parts or _plain(re.sub(r"['’]s$", "", word)) in parts):
            yield Place(found.start(), found.end(), personal.NAME)


def _plain(word: str) -> str:
    """`word` without capitals and accents."""
    folded = word.casefold().replace("’", "'")
    return "".join(char for char in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(char))
