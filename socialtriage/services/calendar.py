"""The configuration's hours, holidays and targets as the charter's clock.

The library `holidays` is imported when the first date is asked for; its calendars are kept a year at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from socialtriage.config.model import Config
from socialtriage.domain.charter import Charter, Duration, Span, Target, WorkingTime
from socialtriage.domain.errors import ConfigError
from socialtriage.domain.models import Urgency

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NO_HOLIDAYS = "none"


def charter_of(config: Config) -> Charter:
    """The charter of a configuration. Raises `ConfigError` with every problem of hours, zone, holidays and targets."""
    problems: list[str] = []
    targets: dict[Urgency, Target] = {}
    for urgency in Urgency:
        target = getattr(config.charter, urgency.value)
        try:
            acknowledge, answer = Duration.parse(target.acknowledge), Duration.parse(target.answer)
            targets[urgency] = Target(acknowledge, answer, always=target.clock == "always")
        except ValueError as problem:
            problems.append(f"charter.{urgency.value}: {problem}")
    try:
        working = working_time(config)
    except ConfigError as error:
        raise ConfigError(error.message, problems=[*problems, *error.problems], hint=error.hint) from None
    if problems:
        raise ConfigError("The charter cannot be used.", problems=problems, hint=" ".join(problems))
    return Charter(working, targets)


def working_time(config: Config) -> WorkingTime:
    """When the organisation is open. Raises `ConfigError` with every problem."""
    problems: list[str] = []
    week: list[tuple[Span, ...]] = []
    for name in _WEEKDAYS:
        try:
            week.append(tuple(Span.parse(text) for text in getattr(config.hours, name)))
        except ValueError as problem:
            problems.append(f"hours.{name}: {problem}")
    try:
        zone = time_zone(config.organisation.timezone)
        holiday = holiday_calendar(config.organisation.holidays)
    except ConfigError as error:
        problems += error.problems
    if not problems:
        try:
            return WorkingTime(tuple(week), zone, holiday)
        except ValueError as problem:
            problems.append(f"hours: {problem}")
    raise ConfigError("The working time cannot be used.", problems=problems, hint=" ".join(problems))


def time_zone(name: str) -> ZoneInfo:
    """The zone with that IANA name. Raises `ConfigError` with the nearest names."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        near = _nearest(name, available_timezones())
        problem = f"organisation.timezone: “{name[:40]}” is no time zone; {near or 'one is called Europe/London'}."
        raise ConfigError("The time zone is not known.", problems=[problem], hint=problem) from None


def holiday_calendar(code: str) -> Callable[[date], str | None]:
    """Which dates are public holidays in part of a country (`GB-ENG`), or in all of its parts (`GB`), by name.

    `none` is a calendar without any. Raises `ConfigError` with the codes that there are, for one that is not known.
    """
    if code.strip().lower() in ("", _NO_HOLIDAYS):
        return lambda day: None
    country, _, part = code.strip().upper().partition("-")
    calendar = _Calendar(country, part or None)
    try:
        calendar.year(2026)
    except NotImplementedError:
        problem = f"organisation.holidays: “{code[:20]}” is no calendar of holidays; {_valid_codes(country)}."
        raise ConfigError("The calendar of holidays is not known.", problems=[problem], hint=problem) from None
    return calendar.name_of


class _Calendar:
    """Public holidays of one place, computed for a year when one of its dates is first asked for."""

    def __init__(self, country: str, part: str | None) -> None:
        self._country = country
        self._part = part
        self._years: dict[int, dict[date, str]] = {}

    def name_of(self, day: date) -> str | None:
        """The name of the holiday on `day`, or None."""
        return self.year(day.year).get(day)

    def year(self, year: int) -> dict[date, str]:
        """The holidays of a year by date. Raises `NotImplementedError` for a place that the library does not know."""
        if year not in self._years:
            from holidays import country_holidays

            found = country_holidays(self._country, subdiv=self._part, years=year)
            self._years[year] = {day: name for day, name in found.items() if day.year == year}
        return self._years[year]


def _valid_codes(country: str) -> str:
    from holidays import list_supported_countries

    countries = list_supported_countries(include_aliases=False)
    if parts := countries.get(country):
        return f"there are {country}, {', '.join(f'{country}-{part}' for part in parts)}"
    if country in countries:
        return f"there is {country} alone"
    return _nearest(country, countries) or "use a country code such as GB, or a part of one such as GB-ENG"


def _nearest(wrong: str, right: Iterable[str]) -> str:
    near = get_close_matches(wrong, sorted(right), n=3, cutoff=0.5)
    return f"the nearest are {', '.join(near)}" if near else ""
