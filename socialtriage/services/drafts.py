"""What an officer is writing, kept in the store at every pause, so that neither a crash nor an undo loses it."""

from __future__ import annotations

from collections.abc import Sequence

from socialtriage.domain.models import OutboxKind
from socialtriage.services.desk import Desk
from socialtriage.store.replies import KeptDraft


def kept(desk: Desk, case_id: int, kind: OutboxKind) -> str:
    """What this officer was writing for a case, or an empty text."""
    return desk.store.draft(case_id, desk.officer, kind)


def kept_reply(desk: Desk, case_id: int) -> KeptDraft:
    """The reply that this officer was writing, and whether it was to be private."""
    return desk.store.replies.draft(case_id, desk.officer, OutboxKind.REPLY)


def keep(
    desk: Desk,
    case_id: int,
    kind: OutboxKind,
    text: str,
    *,
    private: bool = False,
    files: Sequence[tuple[str, str]] = (),
) -> None:
    """Keep a text, and for whose eyes it is; an empty one forgets it. Raises `StoreError`."""
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.put_draft(case_id, kind, text, private=private, files=files)
