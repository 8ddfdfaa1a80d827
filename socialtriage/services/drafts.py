"""What an officer is writing, kept in the store at every pause, so that neither a crash nor an undo loses it."""

from __future__ import annotations

from socialtriage.domain.models import OutboxKind
from socialtriage.services.desk import Desk


def kept(desk: Desk, case_id: int, kind: OutboxKind) -> str:
    """What this officer was writing for a case, or an empty text."""
    return desk.store.draft(case_id, desk.officer, kind)


def keep(desk: Desk, case_id: int, kind: OutboxKind, text: str) -> None:
    """Keep a text; an empty one forgets it. Raises `StoreError`."""
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.put_draft(case_id, kind, text)
