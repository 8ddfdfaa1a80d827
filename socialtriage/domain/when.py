"""Dates and moments as officers type them: `2026-11-22`, `-7d`, `tomorrow 09:00`, `thu 17:00`, `2d`."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, date, datetime, time, timedelta

from socialtriage.domain.explain import moment_words
from socialtriage.domain.worktime import Duration, WorkingTime

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHIFT = re.compile(r"([+\-−])(\d{1,5})([dw])", re.ASCII)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NAMED = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?(?: of)? ([a-z]{3,9})(?: (\d{4}))?|(\d{1,2})/(\d{1,2})(?![\d/])", re.ASCII
)
_CLOCK_FIRST = re.compile(r"(\d{1,2}(?:[:.][0-5]\d\s?(?:am|pm)?|\s?(?:am|pm))|noon|midday)(?: on)? (.+)", re.ASCII)
_BRITISH = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"(\d{1,2})(?:[:.]([0-5]\d))?\s?(am|pm)?", re.ASCII)
_WORDS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_OPENING = time(9, 0)


def parse_date(text: str, today: date) -> date:
    """A date: `2026-11-22`, `22/11/2026`, `today`, `yesterday`, `tomorrow`, or `-7d`, `+2w` from today.

    Raises `ValueError` with a sentence, also for a date outside the years 1900 to 2999.
    """
    day = _day(text, today)
    _our_time(text, day.year)
    return day


def _day(text: str, today: date) -> date:
    wanted = text.strip().lower()
    try:
        if wanted in _WORDS:
            return today + timedelta(days=_WORDS[wanted])
        if shift := _SHIFT.fullmatch(wanted):
            days = int(shift[2]) * (7 if shift[3] == "w" else 1)
            return today + timedelta(days=days if shift[1] == "+" else -days)
        if british := _BRITISH.fullmatch(wanted):
            return date(int(british[3]), int(british[2]), int(british[1]))
        if _ISO_DATE.fullmatch(wanted):
            return date.fromisoformat(wanted)
    except (ValueError, OverflowError):
        raise ValueError(f"There is no date “{text.strip()[:40]}”.") from None
    raise ValueError(f"“{text.strip()[:40]}” is not a date such as 2026-11-22, today or -7d.")


def parse_when(text: str, now: datetime, working: WorkingTime) -> datetime:
    """A moment to come, in UTC: what was typed counts in the organisation's zone.

    * `14:30`, `9am`: the next time that the clock shows it;
    * `tomorrow 09:00`, `thu 17:00`, `2026-11-26 17:00`, `26/11/2026 5pm`, `26 nov noon`, `+7d 09:00`: a day and a time,
      in either order; a weekday, or a date without a year, is the next one, today included while it is to come;
    * a day alone: when the organisation opens on it, or 09:00 where it is closed;
    * `2d`, `4h`, `1d4h`: so much working time from `now`;
    * ISO 8601 with or without a zone: `2026-11-26T17:00Z`.

    Raises `ValueError` with a sentence, also for a moment that is over.
    """
    wanted = " ".join(text.lower().replace(",", " ").split()).removeprefix("by ")
    at = _working_time(wanted, now, working) or _absolute(text.strip()) or _wall_time(wanted, now, working)
    if at is None:
        raise ValueError(f"“{text.strip()[:40]}” is not a time such as 14:30, tomorrow 09:00, thu 17:00 or 2d.")
    _our_time(text, at.year)
    if at <= now:
        here = moment_words(at.astimezone(working.zone), year=now.year)
        raise ValueError(f"“{text.strip()[:40]}” is over: that was {here}.")
    return at


def _working_time(wanted: str, now: datetime, working: WorkingTime) -> datetime | None:
    try:
        length = Duration.parse(wanted)
    except ValueError:
        return None
    return working.add(now, length)


def _absolute(text: str) -> datetime | None:
    """An ISO time that names its zone."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _our_time(text: str, year: int) -> None:
    """Raises `ValueError` for years of which neither working time nor a time zone can be told."""
    if not 1_900 <= year < 3_000:
        raise ValueError(f"“{text.strip()[:40]}” is not a date of our time.")


def _wall_time(wanted: str, now: datetime, working: WorkingTime) -> datetime | None:
    here = now.astimezone(working.zone)
    clock = _time(wanted)
    if clock is not None:
        today = _combined(here.date(), clock, working, after=now)
        return today if today > now else _combined(here.date() + timedelta(days=1), clock, working)
    if turned := _CLOCK_FIRST.fullmatch(wanted):
        wanted = f"{turned[2]} {turned[1]}"
    iso = _ISO_DATE.match(wanted)
    day_words, time_words = _parted(wanted.replace("t", " ", 1) if iso else wanted)
    clock = _time(time_words) if time_words else None
    if time_words and clock is None:
        return None
    for day in _days(day_words, here.date()):
        at = _combined(day, clock or _opening(day, working), working, after=now)
        if at > now:
            return at
    if not _names_a_day(day_words):
        return None
    day = parse_date(day_words, here.date())
    return _combined(day, clock or _opening(day, working), working, after=now)


def _parted(wanted: str) -> tuple[str, str]:
    """The words of a day, and those of a time of day."""
    words = wanted.removeprefix("next ").removeprefix("on ").replace(" at ", " ")
    named = _NAMED.match(words)
    if named and (named[4] or _month(named[2])):
        return named[0], words[named.end() :].strip()
    day, _, clock = words.partition(" ")
    return day, clock


def _days(words: str, today: date) -> list[date]:
    """What a weekday, or a date without its year, may mean: this one, and the one after it."""
    if len(words) >= 3 and words.isalpha():
        ahead = [(number - today.weekday()) % 7 for number, name in enumerate(_WEEKDAYS) if name.startswith(words)]
        return [today + timedelta(days=days + week) for days in ahead[:1] for week in (0, 7)]
    named = _NAMED.fullmatch(words)
    if named is None:
        return []
    day, month = (int(named[4]), int(named[5])) if named[4] else (int(named[1]), _month(named[2]))
    if not 1 <= month <= 12:
        return []
    # The 29th of February is eight years away at most.
    years = [int(named[3])] if named[3] else range(today.year, today.year + 9)
    found = []
    for year in years:
        with contextlib.suppress(ValueError):
            found.append(date(year, month, day))
    if not found:
        raise ValueError(f"There is no date “{words}”.")
    if named[3] and found[0] < today:
        raise ValueError(f"“{words}” is over.")
    return found


def _month(name: str) -> int:
    """The number of a month; three letters of it are enough. 0 for none."""
    return next((number for number, month in enumerate(_MONTHS, 1) if len(name) > 2 and month.startswith(name)), 0)


def _names_a_day(words: str) -> bool:
    return words in _WORDS or any(form.fullmatch(words) for form in (_SHIFT, _BRITISH, _ISO_DATE))


def _time(text: str) -> time | None:
    """A time of day; a number alone is none, without `am` or `pm`."""
    if text in ("noon", "midday"):
        return time(12)
    found = _TIME.fullmatch(text)
    if not found or not (found[2] or found[3]):
        return None
    hour = int(found[1])
    if found[3]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[3] == "pm" else 0)
    return time(hour, int(found[2] or 0)) if hour < 24 else None


def _opening(day: date, working: WorkingTime) -> time:
    hours = working.hours_on(day)
    return hours[0][0].time() if hours else _OPENING


def _combined(day: date, clock: time, working: WorkingTime, *, after: datetime | None = None) -> datetime:
    """A moment of the organisation's clock. Of an hour that comes twice it is the first to come."""
    at = datetime.combine(day, clock, working.zone)
    again = at.replace(fold=1).astimezone(UTC)
    first = at.astimezone(UTC)
    return again if after is not None and first <= after < again else first
