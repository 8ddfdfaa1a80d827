"""Spans of a report: whole days of the organisation, and the spans it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)
LONG = 28
"""Days from which on a span is compared with the same dates a year before, shorter ones with the same weekdays."""


@dataclass(frozen=True, slots=True)
class Span:
    """From the beginning of `first` until the end of `last`, both days of `zone`; `until` cuts it off earlier.

    A span that is not over is compared with spans that are cut off at the same time of their last day, so that half a
    day is never compared with a whole one.
    """

    first: date
    last: date
    zone: tzinfo
    until: datetime | None = None

    @property
    def start(self) -> datetime:
        """The first instant, in UTC."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The instant after the last one, in UTC."""
        whole = midnight(self.last + DAY, self.zone)
        return whole if self.until is None else min(whole, self.until)

    @property
    def whole_end(self) -> datetime:
        """The instant after the last day, over or not, in UTC."""
        return midnight(self.last + DAY, self.zone)

    @property
    def days(self) -> int:
        """How many days, the last one included."""
        return (self.last - self.first).days + 1

    def shifted(self, first: date, last: date, now: datetime) -> Span:
        """A span of other days; while this one is not over, cut off as long before its end as `now` is before ours."""
        if now >= self.whole_end:
            return Span(first, last, self.zone)
        here = now.astimezone(self.zone)
        day = max(last - max(self.last - here.date(), 0 * DAY), first)
        return Span(first, last, self.zone, datetime.combine(day, here.time(), self.zone).astimezone(UTC))


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day, in UTC; a day that begins with a gap in its clock begins after the gap."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def month_first(day: date, back: int = 0) -> date:
    """The first day of the month that is `back` months before that of `day`."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def week(today: date, zone: tzinfo) -> Span:
    """The seven days that end with today."""
    return Span(today - 6 * DAY, today, zone)


def month(today: date, zone: tzinfo) -> Span:
    """The thirty days that end with today."""
    return Span(today - 29 * DAY, today, zone)


def year(today: date, zone: tzinfo) -> Span:
    """Twelve months: the present one and the eleven before it."""
    return Span(month_first(today, 11), today, zone)


def previous(span: Span, now: datetime) -> Span:
    """The span of as many days directly before; for spans of whole months that begin on a first, as many months."""
    months = _months(span)
    if months:
        return span.shifted(month_first(span.first, months), _last_alike(span, months), now)
    length = span.days * DAY
    return span.shifted(span.first - length, span.last - length, now)


def year_before(span: Span, now: datetime) -> Span:
    """The same dates a year before; for spans under 28 days 52 weeks before, so that weekdays match."""
    if span.days < LONG:
        return span.shifted(span.first - 364 * DAY, span.last - 364 * DAY, now)
    return span.shifted(_a_year_back(span.first), _a_year_back(span.last), now)


def month_before(month: Span, now: datetime) -> Span:
    """The same month of the year before; of one that is not over, the same days."""
    first = _a_year_back(month.first)
    whole = (month.last + DAY).day == 1
    return month.shifted(first, month_first(first, -1) - DAY if whole else _a_year_back(month.last), now)


def months(span: Span, number: int = 12) -> Iterator[Span]:
    """The last `number` calendar months up to the end of a span, oldest first; the last one ends with it."""
    for back in reversed(range(number)):
        first = month_first(span.last, back)
        last = span.last if back == 0 else month_first(span.last, back - 1) - DAY
        yield Span(first, last, span.zone)


def _months(span: Span) -> int:
    """How many months a span of whole calendar months has, or one of a year to date; 0 for any other span."""
    if span.first.day != 1:
        return 0
    number = (span.last.year - span.first.year) * 12 + span.last.month - span.first.month + 1
    whole = (span.last + DAY).day == 1
    return number if whole or number >= 12 else 0


def _last_alike(span: Span, back: int) -> date:
    """The day of the earlier month that stands where the last day stands in its own."""
    first = month_first(span.last, back)
    end = month_first(first, -1) - DAY
    if (span.last + DAY).day == 1:
        return end
    return min(end, first + (span.last.day - 1) * DAY)


def _a_year_back(day: date) -> date:
    end_of_february = (day.month, day.day) == (2, 29)
    return date(day.year - 1, 2, 28) if end_of_february else date(day.year - 1, day.month, day.day)
