"""Handoffs as an answer or a reminder needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from socialtriage.domain.models import OutboxState
from socialtriage.domain.times import from_iso
from socialtriage.store.rows import when

OPEN = "h.answered_at IS NULL AND h.state IN ('sent', 'unknown')"
"""A handoff that a contact has, and has not answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRow:
    """A handoff, as much as an answer or a reminder needs of it."""

    id: int
    case_id: int
    ref: str
    contact: str
    email: str
    message_id: str
    state: OutboxState
    queued_at: datetime
    sent_at: datetime | None
    expected_at: datetime | None
    chased: int
    chased_at: datetime | None
    answered_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether the contact has it, and has not answered."""
        return self.answered_at is None and self.state in (OutboxState.SENT, OutboxState.UNKNOWN)


HANDOFF = (
    "SELECT h.id, h.case_id, c.ref, h.contact, h.email, h.message_id, h.state, h.queued_at, h.sent_at, h.expected_at,"
    " h.chased, h.chased_at, h.answered_at FROM handoffs h JOIN cases c ON c.id = h.case_id"
)


def to_handoff(r: Sequence[Any]) -> HandoffRow:
    """A row of `HANDOFF`."""
    return HandoffRow(
        id=r[0],
        case_id=r[1],
        ref=r[2],
        contact=r[3],
        email=r[4],
        message_id=r[5],
        state=OutboxState(r[6]),
        queued_at=from_iso(r[7]),
        sent_at=when(r[8]),
        expected_at=when(r[9]),
        chased=r[10],
        chased_at=when(r[11]),
        answered_at=when(r[12]),
    )
