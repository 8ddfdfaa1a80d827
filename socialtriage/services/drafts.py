"""What an officer is writing, kept in the store at every pause, so that neither a crash nor an undo loses it."""

from __future__ import annotations

from collections.abc import Sequence

from socialtriage.domain.models import OutboxKind, Visibility
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
    places: Sequence[int] = (),
) -> None:
    """Keep a text, and for whose eyes it is; an empty one forgets it. Raises `StoreError`.

    What is written for a case that was merged meanwhile is kept for the one that it is in.
    """
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        into = tx.grouping.merged_into([case_id]).get(case_id) if text else None
        if into is not None:
            before, after = tx.cases.get(case_id), tx.cases.get(into)
            private = private or (before.visibility is Visibility.PRIVATE and after.visibility is Visibility.PUBLIC)
            case_id = into
        tx.put_draft(case_id, kind, text, private=private, files=files, places=places)
