"""What is left of a network's allowance, as its last answers told it: kept with the account, and in words."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from socialtriage.domain.times import from_iso, iso
from socialtriage.services.desk import Desk

if TYPE_CHECKING:
    from socialtriage.channels.allowance import Allowance

META = {"app": "the app", "pages": "the Page", "messenger": "Messenger", "instagram": "Instagram", "threads": "Threads"}
"""Meta's words for what it limits, in ours."""


def stored(allowance: Allowance | None, now: datetime) -> str | None:
    """As the store keeps it; None where the network told nothing."""
    if allowance is None:
        return None
    renewed = now + timedelta(seconds=allowance.renewed_in) if allowance.renewed_in else None
    said = {"left": allowance.left, "limit": allowance.limit, "of": allowance.of, "at": iso(now)}
    return json.dumps(said | {"renewed_at": iso(renewed) if renewed else None})


def shown(desk: Desk, text: str | None) -> dict[str, Any] | None:
    """What `accounts --json` says in `budget.left`, `words` among it; None where nothing is known."""
    if not text:
        return None
    said: dict[str, Any] = json.loads(text)
    now = desk.clock()
    renewed = from_iso(said["renewed_at"]) if said["renewed_at"] else None
    left, limit = f"{said['left']:,.0f}", f"{said['limit']:,.0f}"
    until = f"{renewed.astimezone(desk.zone):%H:%M}" if renewed is not None and renewed > now else ""
    if said["of"]:
        words = f"{left} % of Meta's allowance for {META.get(said['of'], said['of'])} left"
        words += f", calls are welcome again at {until}" if until else ""
    elif renewed is not None and not until:
        words = f"{left} of {limit} requests were left at {from_iso(said['at']).astimezone(desk.zone):%H:%M}"
    else:
        words = f"{left} of {limit} requests left" + (f" until {until}" if until else "")
    unit = "percent" if said["of"] else "requests"
    found = {"unit": unit, "left": said["left"], "limit": said["limit"], "renewed_at": said["renewed_at"]}
    return found | {"told_at": said["at"], "words": words}
