"""Rows whose answer was lost, asked about at their source: what stands there was sent, whatever we heard."""

from __future__ import annotations

import asyncio

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxState
from socialtriage.services.desk import Desk
from socialtriage.services.outbox import MAIL_KINDS, Outcome, Sender


async def look_up_unknown(desk: Desk, sender: Sender) -> list[Outcome]:
    """Ask for every unknown row that can be asked for. Nothing is sent: what is not there is an officer's to retry.

    A mail server cannot be asked; mails stay as they are and are not among the outcomes.
    """
    outcomes = []
    for row_id in await asyncio.to_thread(desk.store.outbox.unknown):
        row = await asyncio.to_thread(desk.store.outbox.get, row_id)
        if row is None or row.state is not OutboxState.UNKNOWN:
            continue
        if "bridge" not in row.payload and (row.kind in MAIL_KINDS or "recipients" in row.payload):
            continue
        try:
            outcome = await sender.check(row.id)
            if outcome.state is not OutboxState.SENT:
                said = f"It was not found at the source: outbox retry {row.id} sends it again."
                outcome = Outcome(row.id, OutboxState.UNKNOWN, said)
        except Refused as exc:
            outcome = Outcome(row.id, OutboxState.UNKNOWN, str(exc))
        outcomes.append(outcome)
    return outcomes
