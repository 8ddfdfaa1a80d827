"""A deadline told line by line, so that nobody has to believe a clock that they cannot check."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from socialtriage.domain.worktime import Duration, WorkingTime

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_STEPS = 16
_STEPS_AT_EACH_END = 6
_LONGEST_CLOSURE_IN_FULL = 5
_MOST_NAMES = 4


class _Step(NamedTuple):
    text: str
    used: timedelta = timedelta(0)
    days: int = 0


def day_words(day: date, *, year: int | None = None) -> str:
    """`Fri 20 Nov`, with the year where it is not `year`. The same in every locale."""
    words = f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
    return words if year in (None, day.year) else f"{words} {day.year}"


def moment_words(at: datetime, *, year: int | None = None) -> str:
    """`Fri 20 Nov 16:30`, as the clock of the zone of `at` shows it; seconds only where there are any."""
    return f"{day_words(at.date(), year=year)} {_clock(at)}"


def length_words(length: timedelta) -> str:
    """`3 h 30 min`, `45 s`; cut off to seconds."""
    seconds = int(length.total_seconds())
    parts = [(seconds // 3_600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 min"


def duration_words(duration: Duration, *, always: bool = False) -> str:
    """`1 working day and 4 h of working time`, or `24 h, day and night` on a clock that always runs."""
    if always:
        return f"{length_words(duration.plain)}, day and night"
    days = f"{duration.days} working day{'s' * (duration.days != 1)}"
    hours = f"{length_words(timedelta(seconds=duration.seconds))} of working time"
    if not duration.days:
        return hours
    return f"{days} and {hours}" if duration.seconds else days


def deadline_steps(start: datetime, duration: Duration, working: WorkingTime) -> list[str]:
    """How `duration` passes from `start` on, a line a stretch, and a last line with the deadline.

    Long closures and long stretches are summed up. Raises `ValueError` as `WorkingTime.add` does.
    """
    due = working.add(start, duration).astimezone(working.zone)
    start = counted = start.astimezone(working.zone)
    steps: list[_Step] = []
    if duration.days:
        counted = working.add(start, Duration(days=duration.days)).astimezone(working.zone)
        steps += _day_steps(start, counted, working)
    if duration.seconds:
        steps += _hour_steps(counted, due, working, timedelta(seconds=duration.seconds), start.year)
    return [*_summed_up(steps), f"Due {moment_words(due, year=start.year)}"]


def _hour_steps(start: datetime, due: datetime, working: WorkingTime, left: timedelta, year: int) -> list[_Step]:
    """The stretches of working time from `start` to `due`."""
    steps: list[_Step] = []
    closed: list[date] = []
    last_day = working.date_of(due)
    for day in _dates(start.date(), last_day):
        hours = working.hours_on(day)
        stretches = [(max(opening, start), min(close, due)) for opening, close in hours]
        stretches = [(begin, end) for begin, end in stretches if begin < end]
        if not hours:
            closed.append(day)
            continue
        steps += _closures(closed, working, year)
        closed = []
        if not stretches and day < last_day:
            steps.append(_Step(f"{day_words(day, year=year)}: closed from {_closing(hours[-1][1], day)}"))
        for begin, end in stretches:
            left -= end - begin
            rest = f", {length_words(left)} left" if left else ""
            span = f"{_clock(begin)}–{_closing(end, day)}"
            words = f"{day_words(day, year=year)} {span}: {length_words(end - begin)}{rest}"
            steps.append(_Step(words, used=end - begin))
    return steps


def _day_steps(start: datetime, due: datetime, working: WorkingTime) -> list[_Step]:
    """The working days from the first opening after `start` to `due`, counted."""
    opening = working.next_open(start).astimezone(working.zone)
    steps: list[_Step] = []
    if opening > start:
        steps.append(_Step(f"Closed at that time: counts from {moment_words(opening, year=start.year)}"))
    first, last = working.date_of(opening), working.date_of(due)
    if first == opening.date() and _clock(opening) == "00:00" and working.spans_on(due.date()):
        last = due.date()
    closed: list[date] = []
    number = 0
    for day in _dates(first + timedelta(days=1), last):
        if not working.spans_on(day):
            closed.append(day)
            continue
        steps += _closures(closed, working, start.year)
        closed = []
        number += 1
        steps.append(_Step(f"{day_words(day, year=start.year)}: working day {number}", days=1))
    if _closing(opening, first) != _closing(due, last):
        hours = ", ".join(str(span) for span in working.spans_on(last))
        steps.append(_Step(f"{day_words(last, year=start.year)} is open {hours} only: {_closing(due, last)} counts"))
    return steps


def _closures(days: list[date], working: WorkingTime, year: int) -> list[_Step]:
    """Closed dates in a row: holidays by name, the week's closed days together, many as one line."""
    names = {day: working.holiday(day) for day in days}
    if len(days) > _LONGEST_CLOSURE_IN_FULL:
        known = list(dict.fromkeys(name for name in names.values() if name))
        more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
        reason = f" ({', '.join(known[:_MOST_NAMES])}{more})" if known else ""
        return [_Step(f"{day_words(days[0], year=year)} – {day_words(days[-1], year=year)}: closed{reason}")]
    steps: list[_Step] = []
    weekdays: list[str] = []
    for day in days:
        if name := names[day]:
            steps += [_Step(f"{', '.join(weekdays)}: closed")] if weekdays else []
            steps.append(_Step(f"{day_words(day, year=year)}: closed, {name}"))
            weekdays = []
        else:
            weekdays.append(_WEEKDAYS[day.weekday()])
    return [*steps, _Step(f"{', '.join(weekdays)}: closed")] if weekdays else steps


def _summed_up(steps: list[_Step]) -> list[str]:
    """The steps as lines, the middle of very many as one."""
    if len(steps) <= _MOST_STEPS:
        return [step.text for step in steps]
    middle = steps[_STEPS_AT_EACH_END:-_STEPS_AT_EACH_END]
    days, used = sum(step.days for step in middle), sum((step.used for step in middle), timedelta(0))
    sums = [f"{days} working days"] * bool(days) + [length_words(used)] * bool(used)
    ends = [step.text for step in steps]
    return [*ends[:_STEPS_AT_EACH_END], f"… {' and '.join(sums)} more …", *ends[-_STEPS_AT_EACH_END:]]


def _dates(first: date, last: date) -> list[date]:
    return [date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1)]


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


def _closing(at: datetime, day: date) -> str:
    """The time of day at which a stretch of `day` ends: midnight is 24:00."""
    return _clock(at) if at.date() == day else "24:00"
