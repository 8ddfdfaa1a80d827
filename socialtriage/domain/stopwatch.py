"""Working time between very many pairs of stored instants, as fast as looking them up."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta

from socialtriage.domain.worktime import WorkingTime

_SECONDS = {f"{minute:02}:{second:02}": minute * 60 + second for minute in range(60) for second in range(60)}
_EPOCH = date(1970, 1, 1).toordinal()
_TICKS = 1_000_000
_HOUR, _DAY = 3600, 86_400
_MOST = 200_000
"""Hours that are remembered: over twenty years."""
_SEVERAL = (-2, -1, 0)
"""Stands for an hour of several stretches: it closes before it begins."""


class Stopwatch:
    """Counts working seconds from one fixed beginning, so that a length is the difference of two counts.

    Instants are texts as `domain.times.iso` writes them; what is finer than a second is left out.
    """

    def __init__(self, working: WorkingTime, beginning: date) -> None:
        """No instant asked for may be much earlier than `beginning`: counts begin there, and are 0 before."""
        self._working = working
        self._next = beginning.toordinal() - 1
        """The first date that is not counted yet."""
        self._stretches: list[tuple[int, int]] = []
        """Open stretches of the dates counted, in seconds after 1970."""
        self._before: list[int] = []
        """Working seconds before each of them."""
        self._hours: dict[str, tuple[int, int, int]] = {}
        """Of each hour of UTC, in seconds of it, when it opens and closes, and the count before; alike when closed."""
        self._several: dict[str, list[tuple[int, int, int]]] = {}
        """Hours with more than one open stretch."""

    def at(self, moment: str) -> int:
        """Working seconds from the beginning until a stored instant."""
        found = self._hours.get(moment[:13])
        if found is None:
            self._learn(moment[:10])
            found = self._hours[moment[:13]]
        opening, close, before = found
        if opening == close:
            return before
        second = _SECONDS[moment[14:19]]
        if second >= close:
            return before + close - opening if close >= 0 else self._among(moment[:13], second)
        return before + second - opening if second > opening else before

    def _among(self, hour: str, second: int) -> int:
        """The count in an hour with several open stretches."""
        count = 0
        for opening, close, before in self._several[hour]:
            count = before + min(max(second - opening, 0), close - opening)
            if second <= close:
                break
        return count

    def _learn(self, day: str) -> None:
        """The hours of one UTC date: what is open in each, with the count before; or the count where nothing is."""
        midnight = (date.fromisoformat(day).toordinal() - _EPOCH) * _DAY
        self._extend(midnight + 3 * _DAY)
        if len(self._hours) >= _MOST:
            self._hours.clear()
        place = bisect_right(self._stretches, (midnight, 0))
        place = place - 1 if place and self._stretches[place - 1][1] > midnight else place
        count = self._before[place] if place < len(self._before) else 0
        for hour in range(24):
            start = midnight + hour * _HOUR
            parts = []
            while place < len(self._stretches) and self._stretches[place][0] < start + _HOUR:
                opening, close = self._stretches[place]
                low, high = max(opening, start), min(close, start + _HOUR)
                if low < high:
                    parts.append((low - start, high - start, self._before[place] + low - opening))
                    count = self._before[place] + high - opening
                if close > start + _HOUR:
                    break
                place += 1
            name = f"{day}T{hour:02}"
            self._hours[name] = _SEVERAL if len(parts) > 1 else parts[0] if parts else (0, 0, count)
            if len(parts) > 1:
                self._several[name] = parts

    def _extend(self, until: int) -> None:
        """Count every date up to an instant."""
        last = until // _DAY + _EPOCH
        total = 0
        if self._stretches:
            total = self._before[-1] + self._stretches[-1][1] - self._stretches[-1][0]
        while self._next <= last:
            for opening, close in self._working.day(self._next).hours:
                low, high = opening // _TICKS, close // _TICKS
                self._stretches.append((low, high))
                self._before.append(total)
                total += high - low
            self._next += 1


def days_of(working: WorkingTime, first: date, last: date) -> int:
    """How many dates from `first` to `last` are open at all."""
    days = (last - first).days + 1
    return sum(bool(working.spans_on(first + timedelta(days=number))) for number in range(max(0, days)))
