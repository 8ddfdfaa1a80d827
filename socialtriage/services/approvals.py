"""Supervised officers: their replies wait until a second officer on the same store has looked at them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from socialtriage.domain.errors import NotFound, Refused, UsageError
from socialtriage.domain.models import OutboxKind, Status, Visibility
from socialtriage.domain.text import clean
from socialtriage.domain.views import Done
from socialtriage.services import inbox, reply_checks
from socialtriage.services.desk import Desk
from socialtriage.services.handoff import undo_window
from socialtriage.services.settling import as_written, drafted, with_files
from socialtriage.services.triage import NOTE_LIMIT, check_version
from socialtriage.store.log import NewEvent
from socialtriage.store.outbox import OutboxRow
from socialtriage.store.replies import APPROVAL
from socialtriage.store.rows import MASK, RESTRICTED


def supervised(desk: Desk, officer: str | None = None) -> bool:
    """Whether the replies of an officer, this one by default, wait for another's word."""
    name = _bare(officer or desk.officer)
    if name in {_bare(each) for each in desk.config.organisation.supervised}:
        return True
    here = desk.config.officer
    return here.supervised and (here.initials is None or _bare(here.initials) == name)


def _bare(initials: str) -> str:
    """Initials as one person writes them one way or the other: `T.R.` is `tr`."""
    return "".join(char for char in initials.casefold() if char.isalnum()) or initials.casefold()


def approve(desk: Desk, row_id: int, *, anyway: bool = False, undo_seconds: float | None = None) -> Done:
    """Let a held reply leave, after the undo window; of a thread every part, and in all of the places that it is for.

    Raises `Refused` for one's own, for a supervised officer, and for a row that waits for nobody; `Stale` when the
    case changed since the reply was written, unless `anyway`.
    """
    row, rows = _held(desk, row_id)
    _may_judge(desk, row)
    now = desk.clock()
    not_before = now + max(undo_window(desk, each.account, undo_seconds) for each in rows)
    with desk.store.transaction(desk.officer, now) as tx:
        ref, case = None, None
        if row.case_id is not None:
            case = tx.cases.get(row.case_id)
            ref = case.ref
            if not anyway and row.payload.get("version") is not None:
                check_version(desk, case, {case.id: int(row.payload["version"])})
        if not all(tx.replies.release(each.id, not_before) for each in rows):
            raise Refused(f"Row {row_id} was decided by somebody else just now.")
        detail = {"row": row.id, "by": row.officer, "to": row.recipient}
        tx.log(NewEvent(f"{row.kind}.approved", row.case_id, ref, detail))
    to = MASK if case is not None and RESTRICTED in case.flags else row.recipient
    what = f"statement by {row.account}" if row.kind is OutboxKind.POST else f"reply to {to}"
    said = f"Approved {row.officer}'s {what}{f' on {ref}' if ref else ''}."
    return Done(said, (row.case_id,) if row.case_id else (), row.id, tuple(each.id for each in rows))


@dataclass(frozen=True, slots=True)
class Concerns:
    """What who approves a reply must see beside its words."""

    visibility: Visibility
    warnings: tuple[str, ...] = ()


def concerns(desk: Desk, row_id: int) -> Concerns | None:
    """Who can read a held reply or statement, and what its review warned of; None for a row that is neither."""
    row = desk.store.outbox.get(row_id)
    if row is not None and row.kind is OutboxKind.POST:
        return Concerns(Visibility.PUBLIC, tuple(reply_checks.of_statement(desk, row.body)))
    if row is None or row.kind is not OutboxKind.REPLY or row.case_id is None:
        return None
    detail = inbox.detail(desk, row.case_id)
    text, to = as_written(row), str(row.payload["to"]["handle"])
    wording = reply_checks.Wording(text, Visibility(row.payload["visibility"]), to, carries_files=bool(with_files(row)))
    said = reply_checks.warnings(desk, detail, wording, held=True)
    return Concerns(wording.visibility, tuple(said))


def give_back(desk: Desk, row_id: int, words: str) -> Done:
    """Return a held reply to its officer with a word why: it is their draft again.

    Raises `Refused`, and `UsageError` without words.
    """
    row, rows = _held(desk, row_id)
    _may_judge(desk, row)
    why = clean(words, NOTE_LIMIT).strip()
    if not why:
        raise UsageError("Say what is to be changed; giving it back without a word helps nobody.")
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        ref = None
        if not all(tx.outbox.drop(each.id) for each in rows):
            raise Refused(f"Row {row_id} was decided by somebody else just now.")
        if row.kind is OutboxKind.POST:
            tx.incidents.draft_again(row.key, row.officer, tx.at)
        if row.case_id is not None:
            case = tx.cases.get(row.case_id)
            ref = case.ref
            if case.owner is None and case.status is not Status.CLOSED:
                # It is in their list of cases then, where they see it.
                tx.cases.save(case, replace(case, owner=row.officer))
                tx.log(NewEvent("case.assigned", case.id, ref, {"owner": [None, row.officer]}))
            if draft := as_written(row):
                tx.put_draft(row.case_id, OutboxKind.REPLY, draft, officer=row.officer, **drafted(row))
        tx.log(NewEvent(f"{row.kind}.returned", row.case_id, ref, {"row": row.id, "by": row.officer}, why))
    what = "statement" if row.kind is OutboxKind.POST else "reply"
    said = f"Returned to {row.officer}: the {what}{f' on {ref}' if ref else ''} is their draft again."
    return Done(said, (row.case_id,) if row.case_id else ())


def _held(desk: Desk, row_id: int) -> tuple[OutboxRow, list[OutboxRow]]:
    """A row that waits for approval: the first part of its thread, and everything that was queued together with it."""
    store = desk.store
    found = [row for each in store.replies.thread(row_id) if (row := store.outbox.get(each)) is not None]
    if not found:
        raise NotFound(f"There is no row {row_id} in the outbox.")
    if any(row.held != APPROVAL for row in found):
        raise Refused(f"Row {row_id} does not wait for approval; it is {found[0].state}.")
    return found[0], [*found, *_together(desk, found)]


def _together(desk: Desk, found: list[OutboxRow]) -> list[OutboxRow]:
    """The same reply in other places: queueing makes a version of the case, which all that it queued know."""
    first = found[0]
    version, known = first.payload.get("version"), {row.id for row in found}
    if first.case_id is None or version is None:
        return []
    return [
        row
        for row in desk.store.outbox.waiting(first.case_id)
        if row.held == APPROVAL and row.payload.get("version") == version and row.id not in known
    ]


def _may_judge(desk: Desk, row: OutboxRow) -> None:
    if _bare(row.officer) == _bare(desk.officer):
        raise Refused("Nobody approves or returns their own reply.", hint="Ask a colleague; you can drop it.")
    if supervised(desk):
        raise Refused("Your own replies wait for approval, so that you cannot decide on others'.")
