"""What a network says in its headers of how much it still allows. Nothing here knows the HTTP library.

Facts: Mastodon and its family send `X-RateLimit-Limit`, `-Remaining` and an ISO `-Reset`; Bluesky `RateLimit-…` with a
reset in epoch seconds; X `x-rate-limit-…`, each kind of call with a limit of its own; Meta percentages of several
allowances (`graph_errors.Usage`). Mail servers, Telegram and Google tell nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from socialtriage.channels.answers import http_date, rate_limit_reset

_FAMILIES = ("ratelimit", "x-ratelimit", "x-rate-limit")
_META = ("x-app-usage", "x-page-usage", "x-business-use-case-usage")
_NUMBER = re.compile(r"\s*(\d{1,12}(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of one limit is left: calls, or percent where `of` names Meta's word for what is limited."""

    left: float
    limit: float
    renewed_in: float | None = None
    """Seconds until it is whole again, where that was said."""
    of: str = ""

    @property
    def share(self) -> float:
        """What is left of the whole, 0 to 1."""
        return self.left / self.limit


class Allowances:
    """What the answers of one pass said: the latest word on each limit, and what time it is there."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, float, str], Allowance] = {}
        self._date = ""

    @property
    def time_there(self) -> datetime | None:
        """By the last answer's `Date`; None where none had one that can be read."""
        return http_date(self._date)

    def read(self, headers: Mapping[str, str]) -> None:
        """Take what the headers of an answer say (names in lower case); what cannot be read says nothing."""
        self._date = headers.get("date") or self._date
        for family in _FAMILIES:
            limit, left = _number(headers.get(f"{family}-limit")), _number(headers.get(f"{family}-remaining"))
            if limit and left is not None and left <= limit:
                # Limits are known by their size and their end: no header names them.
                reset = headers.get(f"{family}-reset", "")
                self._latest["", limit, reset] = Allowance(left, limit, _renewed(headers) if reset else None)
        if any(name in headers for name in _META):
            self._meta(headers)

    def _meta(self, headers: Mapping[str, str]) -> None:
        from socialtriage.channels.graph_errors import Usage

        usage = Usage()
        usage.read(headers)
        for kind, used in usage.percent.items():
            minutes = usage.minutes.get(kind, 0.0)
            self._latest[kind, 100.0, ""] = Allowance(max(0.0, 100.0 - used), 100.0, minutes * 60 or None, kind)

    @property
    def tightest(self) -> Allowance | None:
        """The limit that is nearest to its end; None where the network told of none."""
        return min(self._latest.values(), key=lambda allowance: allowance.share, default=None)


def _number(text: str | None) -> float | None:
    found = _NUMBER.match(text or "")
    return float(found[1]) if found else None


def _renewed(headers: Mapping[str, str]) -> float | None:
    """Seconds until the reset that the headers tell; None where it lies in the past or cannot be read."""
    now = datetime.now(UTC)
    plain = {name: value for name, value in headers.items() if name != "retry-after"}
    reset = rate_limit_reset(plain, now)
    seconds = (reset - now).total_seconds() if reset else 0.0
    return seconds if seconds > 0 else None
