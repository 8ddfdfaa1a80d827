"""The daily quota of a project at Google: what this desk has spent of it, and how much a pass may take.

The quota begins anew at midnight Pacific time. What other programs spend from the same project only Google knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import RateLimited
from socialtriage.domain.times import iso, parse_every

PACIFIC = "America/Los_Angeles"
UNITS = 10_000
RESERVE = 500
"""Units that polling leaves to answers and to hiding: ten writes."""
MOST_PACE = 10
"""Pages of older threads in one pass at most."""
_SECOND = timedelta(seconds=1)


def pacific_day(now: datetime) -> str:
    """The day that a quota is counted in."""
    from zoneinfo import ZoneInfo

    return now.astimezone(ZoneInfo(PACIFIC)).date().isoformat()


def next_pacific_midnight(now: datetime) -> datetime:
    """When the quota begins anew, in UTC."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(PACIFIC)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).astimezone(UTC)


class Quota:
    """What is left of the project's day."""

    def __init__(self, ctx: ChannelContext, client_id: str) -> None:
        project = client_id.partition("-")[0]
        self._ctx = ctx
        self._pot = f"youtube:{project or ctx.account.id}"
        self.limit = ctx.account.quota or UNITS

    async def used(self) -> int:
        """Units that this desk spent today, Pacific time."""
        return int(sum((await self._ctx.ledger.spent(self._pot, pacific_day(self._ctx.clock()))).values()))

    async def claim(self, units: int, reserve: int) -> None:
        """Raises `RateLimited` until midnight Pacific when `units` are not left above `reserve`."""
        used = await self.used()
        if used + units > self.limit - reserve:
            raise RateLimited(
                f"{used:,} of the {self.limit:,} units of YouTube's quota are spent today"
                + (f"; the last {reserve} are kept for answers." if reserve and used + units <= self.limit else "."),
                retry_at=next_pacific_midnight(self._ctx.clock()),
            )

    async def spend(self, kind: str, units: int, calls: int) -> None:
        """Note a call that was made."""
        whose = f"{self._ctx.account.id} {kind}"
        await self._ctx.ledger.spend(self._pot, pacific_day(self._ctx.clock()), whose, units * calls, calls)

    async def pace(self) -> int:
        """Pages of older threads that one pass may read, so that the quota lasts until midnight."""
        now = self._ctx.clock()
        passes = max(1.0, (next_pacific_midnight(now) - now) / max(parse_every(self._ctx.account.every), _SECOND))
        share = (self.limit - RESERVE - await self.used()) / passes
        return max(0, min(MOST_PACE, int(share - 3))) or (1 if share > 1 else 0)


def budget_of(account: AccountConfig, spent: Mapping[str, float], now: datetime) -> dict[str, Any]:
    """The day's spending as `accounts --json` shows it: the project's, whichever of its accounts spent it."""
    total, limit = int(sum(spent.values())), account.quota or UNITS
    kinds: dict[str, int] = {}
    for kind, units in spent.items():
        name = kind.partition(" ")[2]
        kinds[name] = kinds.get(name, 0) + int(units)
    return {
        "day": pacific_day(now),
        "unit": "units",
        "total": total,
        "ceiling": limit,
        "by_kind": kinds,
        "renewed_at": iso(next_pacific_midnight(now)),
        "words": f"{total:,} of the {limit:,} units of YouTube's quota are spent today, Pacific time.",
    }
