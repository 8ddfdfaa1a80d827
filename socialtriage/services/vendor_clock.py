"""The clock here and the clock of a network: from when on a lost answer may stand there.

Channels look for it from the moment on at which it was queued. Where the clock here is ahead, the network wrote an
earlier time to it; it would not be found, and would be sent a second time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from socialtriage.channels.http import Budget

EXACT = timedelta(minutes=1)
"""Clocks that differ by less count as one: channels allow for some minutes."""
FAR = timedelta(days=1)
"""How far back is looked where it was queued in what is the future by now: how wrong the clock was nobody knows."""


def earlier(queued_at: datetime, budget: Budget, now: datetime) -> datetime | None:
    """From when on to look once more, when nothing was found from `queued_at` on; None where the clocks agree.

    `budget` is that of the look before, whose answers told what time it is there.
    """
    there = budget.allowances.time_there
    ahead = now - there if there is not None else timedelta()
    if queued_at > now + EXACT:
        return now - max(ahead, FAR)
    return queued_at - ahead if ahead > EXACT else None
