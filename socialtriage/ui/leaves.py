"""When something leaves, as every review says it."""

from __future__ import annotations

from datetime import timedelta

from socialtriage.services import pause
from socialtriage.services.desk import Desk
from socialtriage.ui.flow import Para, para


def leaves(desk: Desk, window: timedelta, before: str = "") -> Para:
    """After its undo window; not before it goes on, while everything outgoing is paused. `before` is said first."""
    if paused := pause.words(desk):
        return para(f"{before}{paused} After y it waits until things leave again; until then u takes it back.", "warn")
    return para(f"{before}It leaves {int(window.total_seconds())} s after y; until then u takes it back.", "dim")
