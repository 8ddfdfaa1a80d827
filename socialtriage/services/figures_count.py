"""Counting a span once: cases by everything they are told apart by, their times, and the hours at which they came."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from socialtriage.domain.errors import SocialTriageError
from socialtriage.domain.spans import Span
from socialtriage.domain.stopwatch import Stopwatch
from socialtriage.services.desk import Desk
from socialtriage.store.figures import FIELDS, Marks

Progress = Callable[[int, int], None]
"""Hears how many cases are counted, of how many. It may raise `Stopped`."""
_KEY = len(FIELDS)
_PLACE = ("account", "network", "area")
_ACCOUNT, _NETWORK, _AREA = map(FIELDS.index, _PLACE)
_WHOLE_HOUR, _MINUTE = 13, 16
"""Characters of a stored time up to its hour, and up to its minute."""


class Stopped(SocialTriageError):
    """The officer did not want to wait any longer."""


class Times:
    """Working seconds of cases, by account, network and area."""

    def __init__(self) -> None:
        self.by_place: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)

    def by(self, field: str) -> dict[str, list[int]]:
        """The lengths of each account, network or area; those without are left out."""
        found: dict[str, list[int]] = {}
        for place, seconds in self.by_place.items():
            name = place[_PLACE.index(field)]
            if isinstance(name, str):
                found.setdefault(name, []).extend(seconds)
        return found

    def all(self) -> list[int]:
        """Those of every place."""
        return [seconds for found in self.by_place.values() for seconds in found]


class State(NamedTuple):
    """What most figures ask of a case."""

    kind: str | None
    outcome: str | None
    avoidable: str | None
    network: str
    repeat: bool
    is_open: bool
    answered: bool
    automatic: bool
    charter: int


PLACE, STATE = slice(0, 5), slice(4, 9)
"""Two parts of `FIELDS`: where a case belongs, and what became of it; `marks` are in both."""
Counts = Counter[tuple[object, ...]]


class Tally:
    """The cases of one span, counted by two parts of `FIELDS`: whole, nearly every case would be one of its kind."""

    def __init__(self) -> None:
        self._places: Counts = Counter()
        self._ends: Counts = Counter()
        self.responses, self.resolutions = Times(), Times()
        self.moments: Counter[str] = Counter()
        self._known: dict[tuple[str, ...], Counts] = {}

    def add(self, rows: Sequence[tuple[object, ...]]) -> None:
        """Count rows that begin with `FIELDS`."""
        self._places.update([row[PLACE] for row in rows])
        self._ends.update([row[STATE] for row in rows])

    def counts(self, *fields: str) -> Counts:
        """How many cases there are of each combination of some fields, two or more, of one of the two parts."""
        found = self._known.get(fields)
        if found is None:
            part, source = (PLACE, self._places) if fields[0] in FIELDS[PLACE] else (STATE, self._ends)
            of = itemgetter(*(FIELDS[part].index(field) for field in fields))
            found = self._known[fields] = Counter()
            for key, count in source.items():
                found[of(key)] += count
        return found

    def number(self, fits: Callable[[State], object] = lambda state: True) -> int:
        """How many cases fit."""
        return sum([count for state, count in self._states if fits(state)])

    @cached_property
    def _states(self) -> list[tuple[State, int]]:
        found = self._ends.items()
        return [(State(*names, *Marks.of(marks)), count) for (marks, *names), count in found]  # type: ignore[arg-type, call-arg]

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
    tally = Tally()
    until = _MINUTE if _odd(span) else _WHOLE_HOUR
    first = desk.store.figures.earliest(span.start, span.end)
    watch = Stopwatch(
        desk.clocks.working, (date.fromisoformat(first[:10]) if first else span.first) - timedelta(days=2)
    )
    done = 0
    for rows in desk.store.figures.cases(span.start, span.end, now):
        tally.add(rows)
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
        place = row[_ACCOUNT], row[_NETWORK], row[_AREA]
        start = at(row[_KEY])
        if first is not None:
            taken = at(first) - start
            responses[place].append(taken if taken > 0 else 0)
        if closed is not None:
            taken = at(closed) - start
            resolutions[place].append(taken if taken > 0 else 0)


def keys(desk: Desk, span: Span, now: datetime, progress: Progress) -> Tally:
    """Count a span without its times. Raises `Stopped`."""
    tally = Tally()
    for rows in desk.store.figures.keys(span.start, span.end, now):
        tally.add(rows)
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
