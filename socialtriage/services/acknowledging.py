"""Acknowledging in one key: the reference and what happens next. It stops only the clock of the acknowledgement."""

from __future__ import annotations

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxKind, OutboxState, Status
from socialtriage.services import inbox, saved_answers
from socialtriage.services.desk import Desk
from socialtriage.services.replies import Wishes

WISHES = Wishes(acknowledge=True)
"""How an acknowledgement leaves: where the resident wrote, in one post."""


def wording(desk: Desk, case_id: int) -> str:
    """What would be said, filled in. Raises `Refused` where there is nothing to acknowledge."""
    detail = inbox.detail(desk, case_id)
    row = detail.row
    if row.status is Status.CLOSED:
        raise Refused(f"{row.ref} is closed.", hint="Reopen it first.")
    if detail.acknowledged_at is not None:
        at = detail.acknowledged_at.astimezone(desk.zone)
        raise Refused(f"{row.ref} was acknowledged or answered on {at:%a %d %b at %H:%M}.", hint="Answer it.")
    states = (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.UNKNOWN)
    if any(each.kind is OutboxKind.REPLY and each.state in states for each in desk.store.outbox.waiting(case_id)):
        raise Refused(f"{row.ref} has a reply in the outbox already.")
    texts, known = desk.config.acknowledge, saved_answers.values(desk, detail)
    text = texts.for_.get(row.network, texts.text)
    return saved_answers.filled(text if known["due"] or "{due}" not in text else texts.late, known)
