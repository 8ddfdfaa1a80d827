"""The contact network: who answers, who is away, how long they take."""

from __future__ import annotations

import statistics
from datetime import date, datetime

from socialtriage.domain.errors import UsageError
from socialtriage.domain.views import ContactView, Done
from socialtriage.services.desk import Desk
from socialtriage.store.handoffs import HandoffRow
from socialtriage.store.log import NewEvent


def listing(desk: Desk) -> list[ContactView]:
    """Every contact of the configuration, in its order."""
    away = desk.store.accounts.away()
    today = desk.clock().astimezone(desk.zone).date()
    load = desk.store.outbox.handoff_load()
    late = desk.store.answers.late(desk.clock())
    taken = desk.store.outbox.answer_times()
    return [
        ContactView(
            id=contact.id,
            name=contact.name,
            email=contact.email,
            away_until=until if (until := away.get(contact.id)) and until >= today else None,
            deputy=contact.deputy,
            open_handoffs=load.get(contact.id, 0),
            median_answer_minutes=_median(desk, taken.get(contact.id, [])),
            areas=tuple(area.id for area in desk.config.areas if contact.id in area.contacts),
            late_handoffs=late.get(contact.id, 0),
            answers_within=contact.answers_within,
        )
        for contact in desk.config.contacts
    ]


def waiting(desk: Desk) -> dict[str, list[HandoffRow]]:
    """What each contact has and has not answered, what was expected first before the rest."""
    found: dict[str, list[HandoffRow]] = {}
    for handoff in desk.store.answers.open_handoffs():
        found.setdefault(handoff.contact, []).append(handoff)
    return found


def _median(desk: Desk, spans: list[tuple[datetime, datetime]]) -> int | None:
    """Median working minutes between sending and answer."""
    minutes = [desk.clocks.between(sent, answered).total_seconds() / 60 for sent, answered in spans]
    return round(statistics.median(minutes)) if minutes else None


def away(desk: Desk, contact_id: str, until: date) -> Done:
    """A contact is away until a day, that day included; handoffs go to the deputy.

    Raises `UnknownName`, and `UsageError` for a day that is over.
    """
    contact = desk.contact(contact_id)
    now = desk.clock()
    if until < now.astimezone(desk.zone).date():
        raise UsageError(f"{until} has passed.", hint="Name the last day of the absence.")
    with desk.store.transaction(desk.officer, now) as tx:
        tx.accounts.set_away(contact.id, until)
        tx.log(NewEvent("contact.away", detail={"contact": contact.id, "until": until.isoformat()}))
    deputy = desk.contacts.get(contact.deputy or "")
    goes_to = f"; handoffs go to {deputy.name}" if deputy else "; there is no deputy"
    return Done(f"{contact.name} is away until {until:%d %B}{goes_to}.")


def back(desk: Desk, contact_id: str) -> Done:
    """A contact is back. Raises `UnknownName`."""
    contact = desk.contact(contact_id)
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.accounts.set_away(contact.id, None)
        tx.log(NewEvent("contact.back", detail={"contact": contact.id}))
    return Done(f"{contact.name} is back.")
