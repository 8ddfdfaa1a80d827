"""Dates and moments as people type them, as `UsageError` when they cannot be read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from socialtriage.domain.errors import UsageError
from socialtriage.domain.when import parse_date, parse_when
from socialtriage.services.desk import Desk


def when(desk: Desk, text: str) -> datetime:
    """`14:30`, `tomorrow 09:00`, `2d`, an ISO time: in UTC. Raises `UsageError`."""
    try:
        return parse_when(text, desk.clock(), desk.clocks.working)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc


def day(desk: Desk, text: str) -> date:
    """`2026-11-22`, `today`, `-7d`. Raises `UsageError`."""
    try:
        return parse_date(text, desk.clock().astimezone(desk.zone).date())
    except ValueError as exc:
        raise UsageError(str(exc)) from exc


def span(desk: Desk, start: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    """From the beginning of one day until the end of another, in UTC. Raises `UsageError`."""
    first = day(desk, start) if start else None
    last = day(desk, end) if end else None
    if first and last and last < first:
        raise UsageError(f"--to {last} is before --from {first}.")
    low = datetime.combine(first, time(), desk.zone).astimezone(UTC) if first else None
    high = datetime.combine(last + timedelta(days=1), time(), desk.zone).astimezone(UTC) if last else None
    return low, high
