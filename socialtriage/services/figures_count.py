"""Counting a span once: cases by everything they are told apart by, their times, and the hours at which they came."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from socialtriage.domain.errors import SocialTriageError
from socialtriage.domain.spans import Span
from socialtriage.domain.stopwatch import Stopwatch
from socialtriage.services.desk import Desk
from socialtriage.store.figures import Key, Marks

Progress = Callable[[int, int], None]
"""Hears how many cases are counted, of how many. It may raise `Stopped`."""
_KEY = len(Key._fields)
_WHOLE_HOUR, _MINUTE = 13, 16
"""Characters of a stored time up to its hour, and up to its minute."""


class Stopped(SocialTriageError):
    """The officer did not want to wait any longer."""


class Times:
    """Working seconds of cases, by the first three fields of `Key`: account, network, area."""

    def __init__(self) -> None:
        self.by_place: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)

    def by(self, field: str) -> dict[str, list[int]]:
        """The lengths of each account, network or area; those without are left out."""
        found: dict[str, list[int]] = {}
        for place, seconds in self.by_place.items():
            name = place[Key._fields.index(field)]
            if isinstance(name, str):
                found.setdefault(name, []).extend(seconds)
        return found

    def all(self) -> list[int]:
        """Those of every place."""
        return [seconds for found in self.by_place.values() for seconds in found]


class State(NamedTuple):
    """What most figures ask of a case; fields are those of `Key` and of `Marks`."""

    kind: str | None
    outcome: str | None
    avoidable: str | None
    network: str
    repeat: bool
    is_open: bool
    answered: bool
    automatic: bool
    charter: int


_STATE = ("kind", "outcome", "avoidable", "network", "marks")
_PLACE = ("account", "area", "topic", "suggested", "marks")
"""Two roads from the many tuples to the few, so that the many are walked over twice and no more."""


class Tally:
    """The cases of one span."""

    def __init__(self, keys: Counter[tuple[object, ...]]) -> None:
        """`keys` are how many cases there are of each tuple of the fields of `Key`."""
        self.keys = keys
        self.responses, self.resolutions = Times(), Times()
        self.moments: Counter[str] = Counter()
        self._known: dict[tuple[str, ...], Counter[tuple[object, ...]]] = {}

    def counts(self, *fields: str) -> Counter[tuple[object, ...]]:
        """How many cases there are of each combination of some fields of `Key`, two or more."""
        found = self._known.get(fields)
        if found is None:
            small = next((road for road in (_STATE, _PLACE) if set(fields) <= set(road) and road != fields), None)
            names, source = (small, self.counts(*small)) if small else (Key._fields, self.keys)
            of = itemgetter(*(names.index(field) for field in fields))
            found = self._known[fields] = Counter()
            for key, count in source.items():
                found[of(key)] += count
        return found

    def number(self, fits: Callable[[State], object] = lambda state: True) -> int:
        """How many cases fit."""
        return sum([count for state, count in self._states if fits(state)])

    @cached_property
    def _states(self) -> list[tuple[State, int]]:
        pairs = self.counts(*_STATE).items()
        return [(State(*names, *Marks.of(marks)), count) for (*names, marks), count in pairs]  # type: ignore[arg-type, call-arg]

    def by(self, field: str, charter: int | None = None) -> Counter[str]:
        """How many cases there are of each value of a field, those without left out; with `charter`, only of that."""
        found: Counter[str] = Counter()
        for (name, marks), count in self.counts(field, "marks").items():
            if isinstance(name, str) and charter in (None, marks >> 4):  # type: ignore[operator]
                found[name] += count
        return found

    def by_topic(self) -> Counter[str]:
        """How many cases there are of each `area/topic`."""
        pairs = self.counts("area", "topic").items()
        return Counter({f"{area or ''}/{topic}": count for (area, topic), count in pairs if topic})

    def by_clock(self, zone: tzinfo) -> dict[tuple[int, int], int]:
        """How many cases were opened at each weekday (0 is Monday) and hour of the clock of a zone."""
        found: dict[tuple[int, int], int] = {}
        for text, count in self.moments.items():
            at = datetime.fromisoformat(f"{text}:00+00:00" if len(text) == _MINUTE else f"{text}:00:00+00:00")
            local = at.astimezone(zone)
            place = local.weekday(), local.hour
            found[place] = found.get(place, 0) + count
        return found


def whole(desk: Desk, span: Span, now: datetime, progress: Progress) -> Tally:
    """Count a span with its times. Raises `Stopped`."""
    total = desk.store.figures.number(span.start, span.end)
    tally = Tally(Counter())
    until = _MINUTE if _odd(span) else _WHOLE_HOUR
    watch = Stopwatch(desk.clocks.working, span.first - timedelta(days=2))
    done = 0
    for rows in desk.store.figures.cases(span.start, span.end, now):
        tally.keys.update([row[:_KEY] for row in rows])
        tally.moments.update([row[_KEY][:until] for row in rows])
        _time(rows, watch, tally)
        done += len(rows)
        progress(done, max(total, done))
    return tally


def _time(rows: list[tuple[Any, ...]], watch: Stopwatch, tally: Tally) -> None:
    at, responses, resolutions = watch.at, tally.responses.by_place, tally.resolutions.by_place
    for row in rows:
        first, closed = row[_KEY + 1], row[_KEY + 2]
        if first is None and closed is None:
            continue
        place = row[:3]
        start = at(row[_KEY])
        if first is not None:
            taken = at(first) - start
            responses[place].append(taken if taken > 0 else 0)
        if closed is not None:
            taken = at(closed) - start
            resolutions[place].append(taken if taken > 0 else 0)


def keys(desk: Desk, span: Span, now: datetime, progress: Progress) -> Tally:
    """Count a span without its times. Raises `Stopped`."""
    tally = Tally(Counter())
    for rows in desk.store.figures.keys(span.start, span.end, now):
        tally.keys.update(rows)
        progress(0, 0)
    return tally


def _odd(span: Span) -> bool:
    """Whether the clock of the zone is ever a part of an hour away from UTC."""
    return any((at.astimezone(span.zone).utcoffset() or timedelta()).total_seconds() % 3600 for at in _samples(span))


def _samples(span: Span) -> Iterator[datetime]:
    at = span.start.astimezone(UTC)
    while at < span.whole_end:
        yield at
        at += timedelta(days=1)
    yield span.whole_end
