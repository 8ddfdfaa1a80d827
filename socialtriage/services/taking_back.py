"""Rows of the outbox that an undo takes out again: all of them, or, of several places, those that have not left yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxKind, OutboxState

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk
    from socialtriage.store.outbox import OutboxRow
    from socialtriage.store.store import Transaction
    from socialtriage.store.undo import Step

STAYED = (OutboxState.QUEUED, OutboxState.FAILED)
"""One whose answer was lost may have arrived: only an officer who looked may drop it."""


class Past(Refused):
    """A step that can never be taken back, or done again, any more."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What came out of the outbox."""

    case_ids: tuple[int, ...] = ()
    handoffs: tuple[int, ...] = ()
    """Cases that were to be handed off."""
    left: str = ""
    """Where it had left already, in a sentence; empty where nothing had."""


def rows(tx: Transaction, desk: Desk, step: Step) -> TakenBack:
    """Take the rows of a step out of the outbox; what was written is a draft again.

    Of several places those that have not left yet; a thread goes as a whole or not at all, and one that somebody
    dropped meanwhile keeps no other from it. Raises `Past` where nothing can be taken back any more, `Refused` while
    it leaves at this moment.
    """
    found = [row for row in map(desk.store.outbox.get, step.outbox_ids) if row is not None]
    if step.outbox_ids and not found:
        raise Past(f"That was taken out of the outbox already: {step.said}")
    threads = _threads(found)
    stayed = [thread for thread in threads if all(row.state in STAYED for row in thread)]
    left = [thread[0] for thread in threads if thread not in stayed]
    if left and not stayed:
        if any(row.state is OutboxState.SENDING for row in found):
            raise Refused(f"That is leaving at this moment: {step.said}")
        raise Past(f"That has already left and cannot be taken back: {step.said}")
    taken = [row for thread in stayed for row in thread]
    for row in taken:
        _take_out(tx, desk, row, step)
    _draft_again(tx, taken, alone=len(found) < len(step.outbox_ids) or bool(left))
    cases = tuple(dict.fromkeys(row.case_id for row in taken if row.case_id is not None))
    handoffs = tuple(row.case_id for row in taken if row.kind is OutboxKind.HANDOFF and row.case_id is not None)
    where = ", ".join(dict.fromkeys(row.account or row.recipient for row in left))
    return TakenBack(cases, handoffs, f"It has left by {where}, and stays there." if left else "")


def _threads(found: list[OutboxRow]) -> list[list[OutboxRow]]:
    """Rows with the parts that follow them, in the order in which they leave."""
    threads: list[list[OutboxRow]] = []
    for row in found:
        before = next((thread for thread in threads if row.after_id in {each.id for each in thread}), None)
        if before is None:
            threads.append([row])
        else:
            before.append(row)
    return threads


def _take_out(tx: Transaction, desk: Desk, row: OutboxRow, step: Step) -> None:
    if not tx.outbox.drop(row.id):
        raise Past(f"That has already left and cannot be taken back: {step.said}")
    if row.handoff_id is not None:
        tx.outbox.drop_handoff(row.handoff_id)
    ref = tx.cases.get(row.case_id).ref if row.case_id is not None else None
    kind = f"{row.kind}.dropped"
    from socialtriage.store.log import NewEvent

    tx.log(NewEvent(kind, row.case_id, ref, {"row": row.id, "was": row.state}))


def _draft_again(tx: Transaction, taken: list[OutboxRow], *, alone: bool) -> None:
    """`alone`: other rows of the step are not taken back now, so that the draft is for these places only."""
    from socialtriage.services.settling import as_written, drafted

    places = tuple(dict.fromkeys(row.payload["message"] for row in taken if "message" in row.payload))
    for row in taken:
        if row.kind is OutboxKind.POST:
            tx.incidents.draft_again(row.key, row.officer, tx.at)
        words = as_written(row)
        if row.case_id is not None and words:
            tx.put_draft(row.case_id, row.kind, words, **drafted(row) | ({"places": places} if alone else {}))
