"""Periods that a law sets, as dates: working days after receipt, calendar months.

Freedom of information (FOIA 2000 s.10): the twentieth working day following the date of receipt. Subject access
(UK GDPR art. 12(3); ICO guidance): the corresponding date of the next month, its last day where there is none, and the
next working day where that is none. A working day here is Monday to Friday without the holidays of the organisation's
calendar, whatever hours it keeps: a day on which it is closed of its own accord counts.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

_PERIOD = re.compile(r"(\d{1,3}) (working days?|days?|months?)")
LONGEST = 366


@dataclass(frozen=True, slots=True)
class Period:
    """`20 working days`, `1 month`, `10 days`."""

    count: int
    unit: Literal["working day", "day", "month"]

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'s' * (self.count != 1)}"


def parse_period(text: str) -> Period:
    """A period in words. Raises `ValueError`."""
    found = _PERIOD.fullmatch(" ".join(text.lower().split()))
    if found is None or not 0 < int(found[1]) <= LONGEST:
        raise ValueError(f"“{text[:40]}” is not a period such as “20 working days”, “10 days” or “1 month”.")
    unit = found[2].removesuffix("s")
    return Period(int(found[1]), "working day" if unit.startswith("working") else "month" if unit == "month" else "day")


def due_on(received: date, period: Period, holiday: Callable[[date], str | None]) -> date:
    """The last day on which it is in time; `holiday` names a holiday or says None."""
    if period.unit == "working day":
        day, left = received, period.count
        while left:
            day += timedelta(days=1)
            left -= _works(day, holiday)
        return day
    day = received + timedelta(days=period.count) if period.unit == "day" else _months_later(received, period.count)
    while not _works(day, holiday):
        day += timedelta(days=1)
    return day


def _works(day: date, holiday: Callable[[date], str | None]) -> bool:
    return day.weekday() < 5 and not holiday(day)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    last = calendar.monthrange(day.year + year, month + 1)[1]
    return date(day.year + year, month + 1, min(day.day, last))
