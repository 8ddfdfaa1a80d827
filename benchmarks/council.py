"""The council of the benchmarks: its configuration, and what its residents write. Nothing in it is real."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from socialtriage.config.example import example_text
from socialtriage.config.load import parse
from socialtriage.config.model import Config

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
"""The moment at which the generated stores end: a Friday in working time."""
ACCOUNTS = tuple(f"presence-{number:02}" for number in range(8))
COMMON, RARER, RARE = "collection", "orchard", "zebra"
"""Words that stand in about 3 %, 0.2 % and 0.01 % of the messages."""

_ACCOUNT = """
[[accounts]]
id = "{id}"
network = "mastodon"
server = "https://{id}.example"
handle = "@anytown"
since = "10d"
budget = "10m"
paused = {paused}
"""
_OPENINGS = (
    "Hi,", "Hello,", "Morning all.", "@anytown", "Can somebody help?", "Third time of asking:", "Just to let you know,",
    "Really disappointed.", "Not impressed.", "Thanks for the quick reply.", "Any news on this?", "Good evening,",
)  # fmt: skip
_MATTERS = (
    "our bins were not emptied again this week and the caddy is full",
    "the recycling lorry drove straight past {place}",
    "there is a huge pothole at the junction by {place} and somebody will get hurt",
    "the street light outside {place} has been out since {day}",
    "somebody dumped a mattress and two sofas behind {place}",
    "my council tax direct debit went out twice on {day}",
    "we have had no heating since {day} and there is a baby in the house",
    "the planning notice for {place} says comments close on {day}, is that right",
    "the swimming pool at {place} was closed without any notice",
    "the school crossing at {place} has no patrol in the mornings any more",
    "how do I get a new green bin at {place}",
    "a tree came down across {place} in the storm and the road is blocked",
    "dog fouling on the path by {place} is worse than ever",
    "the library opening hours on your page are wrong for {day}",
    "I was told somebody would call me back by {day} and nobody did",
    "parking outside {place} at school time is dangerous",
    "the blue badge form on the website does not work on my phone",
    "there is water coming up through the road at {place}",
    "well done to the crew that cleared {place} this morning",
    "is the recycling centre open on {day}",
)  # fmt: skip
_ENDINGS = (
    "Please can someone look at it?", "This is urgent.", "What are you going to do about it?", "Thank you.", "🙏",
    "I have pictures if you need them.", "We pay enough council tax.", "Diolch yn fawr.", "It is getting ridiculous!!!",
    "My neighbour at number {number} says the same.", "Reference was given on the phone but I lost it.", "",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "the 3rd", "the 14th", "last week")
_SYLLABLES = ("ash", "bram", "cor", "dun", "elm", "fern", "gor", "hazel", "ivy", "kes", "lark", "mill", "nor", "oak")
_KINDS = ("Road", "Street", "Lane", "Close", "Avenue", "Gardens", "Way", "Hill", "Crescent", "Park")
_FIRST = (
    "Ada",
    "Bryn",
    "Carys",
    "Dev",
    "Efa",
    "Femi",
    "Gwen",
    "Hari",
    "Iona",
    "Joe",
    "Kiran",
    "Luz",
    "Mo",
    "Nia",
    "Ola",
)


def config_text(accounts: int = len(ACCOUNTS), *, paused: bool = True) -> str:
    """The starting configuration with accounts; paused ones, so that nothing but what is measured runs."""
    ids = (f"presence-{number:02}" for number in range(accounts))
    return example_text() + "".join(_ACCOUNT.format(id=id_, paused=str(paused).lower()) for id_ in ids)


@cache
def config(accounts: int = len(ACCOUNTS), *, paused: bool = True) -> Config:
    """The configuration, read."""
    return parse(config_text(accounts, paused=paused))


@dataclass(frozen=True, slots=True)
class Voices:
    """Texts and places to draw from."""

    texts: tuple[str, ...]
    places: tuple[str, ...]


@cache
def voices() -> Voices:
    """The same pool in every run."""
    source = random.Random(20261120)
    places = tuple(
        f"{source.randint(1, 180)} {a.title()}{b} {kind}" for a in _SYLLABLES for b in _SYLLABLES for kind in _KINDS
    )
    return Voices(tuple(_text(source, places) for _ in range(20_000)), places)


def _text(source: random.Random, places: tuple[str, ...]) -> str:
    said = [source.choice(_OPENINGS)]
    said += [f"{source.choice(_MATTERS)}." for _ in range(source.choice((1, 1, 1, 2, 2, 3)))]
    said.append(source.choice(_ENDINGS))
    for word, share in ((COMMON, 0.03), (RARER, 0.002), (RARE, 0.0001)):
        if source.random() < share:
            said.append(f"It is about the {word}.")
    text = " ".join(said)
    return text.format(place=source.choice(places), day=source.choice(_DAYS), number=source.randint(1, 99))


def name_of(number: int) -> str:
    """A resident's name."""
    return f"{_FIRST[number % len(_FIRST)]} {_SYLLABLES[number // 15 % 14].title()}{_SYLLABLES[number // 210 % 14]}"


def handle_of(number: int) -> str:
    """A resident's handle."""
    return f"@r{number:x}@town.example"
