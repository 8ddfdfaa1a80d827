"""Instants as the store writes them, and plain lengths of time as the configuration writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EVERY = re.compile(r"(?:\d{1,9}[smhdw])+", re.ASCII)
_PART = re.compile(r"(\d+)([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LONGEST = 36_525 * 86_400


def iso(at: datetime) -> str:
    """`at` as UTC text with milliseconds (`2026-11-22T09:30:00.000Z`): it sorts as the instants do.

    Finer parts are cut off, not rounded. Raises `ValueError` for a time without a zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"The time {at} has no time zone.")
    utc = at if at.tzinfo is UTC else _utc(at)
    text = utc.isoformat()
    return f"{text[:23]}Z" if utc.microsecond else f"{text[:19]}.000Z"


def from_iso(text: str) -> datetime:
    """The instant that an ISO 8601 text with a zone names, in UTC, cut off to milliseconds.

    Raises `ValueError`, in a sentence, for anything else.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"“{text[:60]}” is not a time such as 2026-11-22T09:30:00.000Z.") from None
    if at.tzinfo is None:
        raise ValueError(f"The time “{text[:60]}” has no time zone; end it with Z for UTC.")
    return truncated(_utc(at))


def stored_words(text: object) -> str:
    """`Sun 22 Nov 2026 14:02 UTC` of a stored moment, where no zone is known; what is no moment stays as it is."""
    try:
        return f"{from_iso(str(text)):%a %d %b %Y %H:%M} UTC"
    except ValueError:
        return str(text)


def utc_now() -> datetime:
    """The present instant in UTC, cut off to milliseconds, so that storing it changes nothing."""
    return truncated(datetime.now(UTC))


def truncated(at: datetime) -> datetime:
    """`at` without what is finer than a millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def parse_every(text: str) -> timedelta:
    """A length of plain time: `30s`, `2m`, `1h`, `7d`, `2w`, or several in a row such as `1h30m`.

    This is time on the wall; the charter's working time is `domain.charter.Duration`. Raises `ValueError`.
    """
    compact = text.strip().lower()
    if not _EVERY.fullmatch(compact):
        raise ValueError(f"“{text[:60]}” is not a length of time such as 30s, 2m, 1h, 7d or 2w.")
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(compact))
    if seconds > _LONGEST:
        raise ValueError(f"“{text[:60]}” is longer than a hundred years.")
    return timedelta(seconds=seconds)


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("The time is outside the years 1 to 9999.") from None
