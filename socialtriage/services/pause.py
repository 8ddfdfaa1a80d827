"""The pause of everything outgoing: nothing leaves, whoever queued it, until somebody lets it go on."""

from __future__ import annotations

from socialtriage.domain.errors import Refused
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import Done
from socialtriage.services.desk import Desk
from socialtriage.store.log import NewEvent

NAME = "outgoing"


class OutgoingPaused(Refused):
    """Nothing leaves now, by an officer's word."""


def words(desk: Desk) -> str | None:
    """Since when nothing leaves, by whom and why; None when it does."""
    switch = desk.store.grouping.switch(NAME)
    if switch is None:
        return None
    why = f" ({clean_line(switch.why)})" if switch.why else ""
    at = switch.at.astimezone(desk.zone)
    return f"Everything outgoing is paused since {at:%a %d %b %H:%M} by {clean_line(switch.officer)}{why}."


def check(desk: Desk) -> None:
    """Raises `OutgoingPaused` while nothing leaves."""
    said = words(desk)
    if said is not None:
        raise OutgoingPaused(said, hint="socialtriage resume lets it go on.")


def pause(desk: Desk, why: str = "") -> Done:
    """From now on nothing leaves; what is queued stays. Raises `Refused` when it is so already."""
    reason = clean_line(why, 200)
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        if not tx.grouping.switch_on(NAME, tx.at, desk.officer, reason):
            raise Refused(words(desk) or "Everything outgoing is paused already.")
        tx.log(NewEvent("outgoing.paused", detail={"why": reason}))
    return Done("Everything outgoing is paused. What is queued stays until it goes on.", ())


def resume(desk: Desk) -> Done:
    """Let things leave again. Raises `Refused` when nothing is paused."""
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        if not tx.grouping.switch_off(NAME):
            raise Refused("Nothing is paused.")
        tx.log(NewEvent("outgoing.resumed"))
    return Done("Things leave again.", ())
