"""The bundled week as values, read from the TOML files beside this module: one file a story.

Everything in them is made up: names, places, numbers (Ofcom's for drama), postcodes (no area MX exists), domains.
Times are `Mon 07:06`, on the council's clock. In a text `{Monday}`, `{monday}`, `{MONDAY}` and the Welsh `{Llun}`
stand for the weekday on which the demo shows that day of the story.
"""

from __future__ import annotations

import re
import threading
import tomllib
import zlib
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Literal

import msgspec

from socialtriage.domain.models import Automatic, MediaState

COUNCIL = "council"
"""Who writes the account's own messages."""
DAY = 24 * 60
"""Minutes of a day."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ENGLISH = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WELSH = ("Llun", "Mawrth", "Mercher", "Iau", "Gwener", "Sadwrn", "Sul")
_NAMES = {name.lower(): (names, day) for names in (_ENGLISH, _WELSH) for day, name in enumerate(names)}
_TOKEN = re.compile(r"\{(" + "|".join(_NAMES) + r")\}", re.IGNORECASE)
_NO_STORY = frozenset({"accounts.toml", "people.toml", "posts.toml"})


class _Record(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A misspelt key in the data is an error, not a message that lacks something."""


class Presence(_Record, frozen=True, kw_only=True):
    """One account of the council."""

    network: str
    name: str
    handle: str


class Post(_Record, frozen=True, kw_only=True):
    """A post of the council that residents comment on."""

    on: str
    title: str


class Media(_Record, frozen=True, kw_only=True):
    """A picture, video or attachment. Pictures that are `pending` come with their bytes."""

    kind: Literal["image", "video", "audio", "file"]
    name: str
    alt: str | None = None
    state: MediaState = MediaState.PENDING


class Edit(_Record, frozen=True, kw_only=True):
    """What the author made of a message later."""

    at: str
    text: str


class Entry(_Record, frozen=True, kw_only=True):
    """One message of the week."""

    id: str
    at: str
    on: str
    by: str
    text: str
    story: str = ""
    re: str | None = None
    under: str | None = None
    private: bool = False
    subject: str | None = None
    language: str | None = None
    quoted: str | None = None
    media: tuple[Media, ...] = ()
    also_to: tuple[str, ...] = ()
    automatic: Automatic | None = None
    edit: Edit | None = None
    deleted: str | None = None

    @property
    def own(self) -> bool:
        """Whether the council wrote it."""
        return self.by == COUNCIL


class Story(_Record, frozen=True, kw_only=True):
    """One file: messages that tell one story, or are of one kind."""

    story: str
    message: tuple[Entry, ...]


What = Literal["message", "edit", "deletion"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens in the week, `minute` minutes after the Monday began."""

    minute: int
    what: What
    entry: Entry


def minute_of(at: str) -> int:
    """Minutes from the beginning of Monday to `Thu 17:41`. Raises `ValueError`."""
    day, _, clock = at.partition(" ")
    hour, _, minute = clock.partition(":")
    if day not in _DAYS or len(clock) != 5 or not 0 <= int(hour) < 24 or not 0 <= int(minute) < 60:
        raise ValueError(f"{at!r} is not a time of the week such as 'Thu 17:41'.")
    return _DAYS.index(day) * DAY + int(hour) * 60 + int(minute)


def spoken(text: str, shift: int) -> str:
    """`text` with its weekdays named as they fall when the story's Monday is shown `shift` days after a Monday."""

    def name(found: re.Match[str]) -> str:
        names, day = _NAMES[found[1].lower()]
        wanted = names[(day + shift) % 7]
        return wanted.upper() if found[1].isupper() else wanted.lower() if found[1].islower() else wanted

    return _TOKEN.sub(name, text)


class Week:
    """The whole practice week. Its parts are checked by the tests, not at every start."""

    def __init__(self, texts: dict[str, str]) -> None:
        """`texts` are the files by name. Raises `ValueError` for one that cannot be read."""
        read = {name: tomllib.loads(text) for name, text in sorted(texts.items())}
        self.accounts = msgspec.convert(read["accounts.toml"], dict[str, Presence])
        self.people = msgspec.convert(read["people.toml"], dict[str, dict[str, str]])
        self.posts = msgspec.convert(read["posts.toml"], dict[str, Post])
        self.entries = tuple(_entries(read))
        self.by_id = {entry.id: entry for entry in self.entries}
        self.edition = f"{zlib.crc32(repr(sorted(texts.items())).encode()):08x}"
        """Changes with the data, so that a cursor of another edition is recognised."""

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Everything that happens, in order."""
        found: list[Event] = []
        for entry in self.entries:
            found.append(Event(minute_of(entry.at), "message", entry))
            if entry.edit is not None:
                found.append(Event(minute_of(entry.edit.at), "edit", entry))
            if entry.deleted is not None:
                found.append(Event(minute_of(entry.deleted), "deletion", entry))
        return tuple(sorted(found, key=lambda event: event.minute))

    def root(self, entry: Entry) -> Entry:
        """The message that the chain of answers to `entry` began with."""
        while entry.re is not None:
            entry = self.by_id[entry.re]
        return entry


def _entries(read: dict[str, dict[str, Any]]) -> list[Entry]:
    entries: list[Entry] = []
    for name, document in read.items():
        if name not in _NO_STORY:
            story = msgspec.convert(document, Story)
            entries += (msgspec.structs.replace(entry, story=entry.story or story.story) for entry in story.message)
    return entries


_lock = threading.Lock()
_loaded: Week | None = None


def load() -> Week:
    """The bundled week, read once a process; takes tens of milliseconds, so not on the event loop."""
    global _loaded
    with _lock:
        if _loaded is None:
            folder = files("socialtriage.channels.demo_week")
            texts = [f for f in folder.iterdir() if f.name.endswith(".toml")]
            _loaded = Week({f.name: f.read_text(encoding="utf-8") for f in texts})
        return _loaded
