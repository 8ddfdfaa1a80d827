"""What a repeat contact says of itself: which contact it is, and since when the first one waits."""

from __future__ import annotations

from datetime import datetime, timedelta

from socialtriage.domain.models import Status
from socialtriage.domain.views import CaseRow

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def repeated(row: CaseRow, now: datetime) -> tuple[str, str, str]:
    """`3rd contact, first unanswered 4 days`, shorter `3rd contact 4 days`, and as a sign `3×`; empty for a first one.

    How long is said while the first unanswered message still runs the clock of the case.
    """
    if row.repeat_count < 2:
        return "", "", ""
    full, sign = f"{ordinal(row.repeat_count)} contact", f"{row.repeat_count}×"
    since, begun = row.repeat_since, row.due_from
    if since is None or begun is None or begun > since or row.status in (Status.CLOSED, Status.WAITING_RESIDENT):
        return full, full, sign
    waited = now - since
    number, unit = (waited // _DAY, "day") if waited >= _DAY else (max(waited // _HOUR, 0), "hour")
    if not number:
        return full, full, sign
    long = f"{number} {unit}{'s' * (number != 1)}"
    return f"{full}, first unanswered {long}", f"{full} {long}", sign
