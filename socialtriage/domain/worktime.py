"""Working time: the hours of a week, without holidays, in the organisation's zone.

Every instant counts as working time whose clock on the wall stands inside a span of an open day. So on the two days
of the year when clocks change, the night that lasts longer or shorter is counted as it really was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_TICK = timedelta(microseconds=1)
_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_FIRST, _LAST = ((date(year, 1, 1).toordinal() - _EPOCH_DAY) * _DAY for year in (2, 9_999))
"""Instants beyond are taken for these, so that no hostile date overflows."""
_LONGEST_CLOSURE = 3_700
_MOST_DAYS_KEPT = 20_000
_LONGEST_DURATION = 100 * 366 * 86_400

_SPAN = re.compile(r"(\d{1,2})(?::([0-5]\d))?\s{0,3}[-–—]\s{0,3}(\d{1,2})(?::([0-5]\d))?", re.ASCII)
_DURATION = re.compile(r"(?:\d{1,7}[smhdw])+", re.ASCII)
_PART = re.compile(r"(\d+)([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600}
_DAYS = {"d": 1, "w": 5}


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Part of a day, in minutes after midnight: 540 to 1020 is 09:00-17:00, and 1440 is midnight at its end."""

    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Span:
        """`09:00-17:00`, `9-17:30`, `00:00-24:00`. Raises `ValueError` with a sentence."""
        found = _SPAN.fullmatch(text.strip())
        if not found:
            raise ValueError(f"“{text[:40]}” is not a span of hours such as 09:00-17:00.")
        start = 60 * int(found[1]) + int(found[2] or 0)
        end = 60 * int(found[3]) + int(found[4] or 0)
        if max(start, end) > 1_440:
            raise ValueError(f"“{text[:40]}” goes beyond 24:00.")
        if start >= end:
            hint = "; write what is past midnight under the next day" if end else "; midnight at the end is 24:00"
            raise ValueError(f"“{text[:40]}” ends before it begins{hint}.")
        return cls(start, end)

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}–{self.end // 60:02}:{self.end % 60:02}"


@dataclass(frozen=True, slots=True)
class Duration:
    """How long the charter allows: whole working days, then seconds of working time.

    `4h` is four hours during which the organisation is open. `1d` is one working day: from Tuesday 11:00 to
    Wednesday 11:00, or to 11:00 on the next date that is open at all. What arrives while closed counts from the
    next opening. Where the later date is closed at that time of day, its next opening counts, or else its close.
    `1w` is five working days. On a clock that always runs, a day is 24 hours.
    """

    days: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> Duration:
        """`90s`, `15m`, `4h`, `1d`, `2w`, or several in a row such as `1d4h`. Raises `ValueError` with a sentence."""
        compact = text.strip().lower()
        if not _DURATION.fullmatch(compact):
            raise ValueError(f"“{text[:40]}” is not a length of working time such as 15m, 4h or 1d.")
        parts = [(int(number), unit) for number, unit in _PART.findall(compact)]
        days = sum(number * _DAYS[unit] for number, unit in parts if unit in _DAYS)
        seconds = sum(number * _SECONDS[unit] for number, unit in parts if unit in _SECONDS)
        if days * 86_400 + seconds > _LONGEST_DURATION:
            raise ValueError(f"“{text[:40]}” is longer than a hundred years.")
        return cls(days, seconds)

    @property
    def plain(self) -> timedelta:
        """The same on a clock that always runs: a day is 24 hours."""
        return timedelta(days=self.days, seconds=self.seconds)


class OpenDay(NamedTuple):
    """One date of the calendar: when it is open, in microseconds after 1970 UTC, and how long together."""

    midnight: int
    """The beginning of the date as if it were in UTC: what wall clocks are counted from."""
    hours: tuple[tuple[int, int], ...]
    total: int
    offsets: tuple[tuple[int, int, int], ...]
    """From, until and offset from UTC of the day's clock; two entries on a day when the clocks change."""


@dataclass(frozen=True)
class WorkingTime:
    """A week of spans (Monday first), a calendar of holidays (date to name, None for none), and a zone.

    Raises `ValueError` when no day of the week is open. Instants handed in must have a zone; those handed out are UTC.
    """

    week: tuple[tuple[Span, ...], ...]
    zone: tzinfo
    holiday: Callable[[date], str | None] = field(default=lambda day: None)
    _days: dict[int, OpenDay] = field(default_factory=dict, init=False, repr=False, compare=False)
    _steady: dict[int, int | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The offset of each UTC day on which clocks do not change; None for the others."""

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError("A week of working time has seven days, Monday first.")
        object.__setattr__(self, "week", tuple(_merged(spans) for spans in self.week))
        if not any(self.week):
            raise ValueError("There is no working time at all: at least one day of the week needs hours.")

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """The hours of one date: none on holidays."""
        spans = self.week[day.weekday()]
        return () if spans and self.holiday(day) else spans

    def is_open(self, at: datetime) -> bool:
        """Whether `at` is working time; the last moment of a span counts."""
        return self.next_open(at) == at

    def next_open(self, at: datetime) -> datetime:
        """`at` itself in working time, otherwise the next opening. Raises `ValueError` as `add` does."""
        return self.add(at, Duration())

    def add(self, start: datetime, duration: Duration) -> datetime:
        """The instant at which `duration` has passed since `start`: in working time, never earlier for a later start.

        Raises `ValueError` when holidays leave ten years without working time, or the calendar ends.
        """
        try:
            at = self._opening(_ticks(start))
            if duration.days:
                at = self._days_later(at, duration.days)
            if duration.seconds:
                at = self._later(at, duration.seconds * 1_000_000)
            return _EPOCH + at * _TICK
        except OverflowError:
            raise ValueError("The deadline is beyond the year 9999.") from None

    def date_of(self, at: datetime) -> date:
        """The date to which a moment of working time belongs: midnight belongs to the day that it closes."""
        return date.fromordinal(self._working_date(_ticks(at)))

    def hours_on(self, day: date) -> list[tuple[datetime, datetime]]:
        """When the organisation is open on one date, in its own zone."""
        here = self.zone
        return [
            ((_EPOCH + opening * _TICK).astimezone(here), (_EPOCH + close * _TICK).astimezone(here))
            for opening, close in self.day(day.toordinal()).hours
        ]

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`; negative when `end` is the earlier one."""
        first, last = _ticks(start), _ticks(end)
        if first > last:
            return -self.between(end, start)
        total = 0
        for ordinal in range(self._ordinal(first), self._ordinal(last) + 1):
            day = self.day(ordinal)
            if day.hours and first <= day.hours[0][0] and day.hours[-1][1] <= last:
                total += day.total
            else:
                total += sum(max(0, min(close, last) - max(opening, first)) for opening, close in day.hours)
        return total * _TICK

    def day(self, ordinal: int) -> OpenDay:
        """The opening hours of the date with that proleptic ordinal, from memory where it was asked for before."""
        known = self._days.get(ordinal)
        if known is None:
            if len(self._days) >= _MOST_DAYS_KEPT:
                self._days.clear()
            known = self._days[ordinal] = self._computed(date.fromordinal(ordinal) if 0 < ordinal < 3_652_059 else None)
        return known

    def _computed(self, day: date | None) -> OpenDay:
        if day is None:
            raise OverflowError
        midnight = (day.toordinal() - _EPOCH_DAY) * _DAY
        offsets = tuple(self._offsets(midnight))
        hours = []
        for begin, until, offset in offsets:
            for span in self.spans_on(day):
                opening = max(begin, midnight + span.start * _MINUTE - offset)
                close = min(until, midnight + span.end * _MINUTE - offset)
                if opening < close:
                    hours.append((opening, close))
        joined = _joined(hours)
        return OpenDay(midnight, joined, sum(close - opening for opening, close in joined), offsets)

    def _offsets(self, midnight: int) -> Iterator[tuple[int, int, int]]:
        """Stretches of one offset that cover every instant whose wall clock can show the date of `midnight`."""
        marks = [midnight - 16 * _HOUR, midnight + 12 * _HOUR, midnight + 40 * _HOUR]
        begin, offset = marks[0], self._offset(marks[0])
        for low, high in pairwise(marks):
            if self._offset(high) == offset:
                continue
            before, after = low, high
            while after - before > 1_000_000:
                middle = (before + after) // 2_000_000 * 1_000_000
                before, after = (middle, after) if self._offset(middle) == offset else (before, middle)
            yield begin, after, offset
            begin, offset = after, self._offset(after)
        yield begin, marks[-1], offset

    def _offset(self, at: int) -> int:
        day = at // _DAY
        if day not in self._steady:
            if len(self._steady) >= _MOST_DAYS_KEPT:
                self._steady.clear()
            first, last = self._offset_at(day * _DAY), self._offset_at((day + 1) * _DAY - 1)
            self._steady[day] = first if first == last else None
        offset = self._steady[day]
        return self._offset_at(at) if offset is None else offset

    def _offset_at(self, at: int) -> int:
        offset = (_EPOCH + at * _TICK).astimezone(self.zone).utcoffset() or timedelta(0)
        return offset // _TICK

    def _ordinal(self, at: int) -> int:
        """The date that the wall clock shows at `at`."""
        return (at + self._offset(at)) // _DAY + _EPOCH_DAY

    def _opening(self, at: int) -> int:
        for day in self._from(self._ordinal(at - 1)):
            for opening, close in day.hours:
                if at <= close:
                    return max(opening, at)
        raise AssertionError  # pragma: no cover - `_from` raises before

    def _later(self, at: int, left: int) -> int:
        for day in self._from(self._ordinal(at)):
            for opening, close in day.hours:
                begin = max(opening, at)
                if left <= close - begin:
                    return begin + left
                left -= max(0, close - begin)
        raise AssertionError  # pragma: no cover - `_from` raises before

    def _days_later(self, at: int, days: int) -> int:
        start = self._working_date(at)
        time_of_day = _wall(self.day(start), at) - self.day(start).midnight
        for day in self._from(start + 1):
            days -= bool(day.hours)
            if days == 0:
                aim = _instant(day, day.midnight + time_of_day)
                return next((max(opening, aim) for opening, close in day.hours if aim <= close), day.hours[-1][1])
        raise AssertionError  # pragma: no cover - `_from` raises before

    def _working_date(self, at: int) -> int:
        before = self._ordinal(at - 1)
        hours = self.day(before).hours
        return before if hours and hours[-1][1] == at else self._ordinal(at)

    def _from(self, ordinal: int) -> Iterator[OpenDay]:
        """The dates from `ordinal` on. Raises `ValueError` when too many in a row are closed."""
        closed = 0
        while closed < _LONGEST_CLOSURE:
            day = self.day(ordinal)
            closed = 0 if day.hours else closed + 1
            yield day
            ordinal += 1
        raise ValueError("The calendar of holidays leaves ten years without working time.")


def _wall(day: OpenDay, at: int) -> int:
    """The latest time that the wall clock has shown by `at`: it does not fall back when the clocks do."""
    return max(min(at, until) + offset for begin, until, offset in day.offsets if begin <= at)


def _instant(day: OpenDay, wall: int) -> int:
    """The first instant at which the wall clock shows `wall` or, where it skips it, more."""
    for begin, until, offset in day.offsets:
        if wall < until + offset:
            return max(begin, wall - offset)
    return wall - day.offsets[-1][2]


def _ticks(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError(f"The time {at} has no time zone.")
    return min(max((at - _EPOCH) // _TICK, _FIRST), _LAST)


def _merged(spans: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(Span(start, end) for start, end in _joined([(span.start, span.end) for span in spans]))


def _joined(pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same stretches in order, those that touch or overlap made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(pairs):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)
