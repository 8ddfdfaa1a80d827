"""What an officer does to cases: each action is one transaction of changes, events and one step to take back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from socialtriage.domain import cases as life
from socialtriage.domain.cases import Case, changes
from socialtriage.domain.errors import Refused, Stale, UnknownName, UsageError
from socialtriage.domain.explain import moment_words
from socialtriage.domain.models import Avoidable, Kind, OutboxKind, OutboxState, Outcome, Status, Urgency
from socialtriage.domain.text import clean
from socialtriage.domain.times import iso
from socialtriage.domain.views import Done
from socialtriage.services import taking_back
from socialtriage.services.desk import OFFICER_LIMIT, Desk
from socialtriage.services.taking_back import Past
from socialtriage.store.log import NewEvent
from socialtriage.store.rows import store_value
from socialtriage.store.store import Transaction
from socialtriage.store.undo import Change, Step, apply

Expect = Mapping[int, int] | None
"""Case id → the version the officer saw."""
NOTE_LIMIT = 4000
SPOKEN = (OutboxKind.HANDOFF, OutboxKind.CHASE, OutboxKind.REPLY)
"""Kinds that somebody will answer: a case cannot be closed over one that has not left."""
DERIVED = frozenset({"due_at", "due_clock", "due_from"})
"""Fields that follow from others and are worked out anew."""


def check_version(desk: Desk, case: Case, expect: Expect) -> None:
    """Raises `Stale`, with what changed, when the case is not the one the officer saw."""
    if expect is None or case.id not in expect or expect[case.id] == case.version:
        return
    others = [e for e in desk.store.log.of_case(case.id) if e.officer != desk.officer][-3:]
    told = [f"{e.at.astimezone(desk.zone):%H:%M} {e.officer}: {e.kind.replace('.', ' ')}" for e in reversed(others)]
    raise Stale(f"{case.ref} changed since you opened it; nothing was done.", changes=told, hint="Look at it again.")


def act(
    desk: Desk,
    ids: Sequence[int],
    change: Callable[[Case], Case],
    kind: str,
    said: Callable[[Sequence[Case]], str],
    *,
    expect: Expect = None,
    note: str = "",
    logged: tuple[str, ...] = (),
) -> Done:
    """Change cases, log it, and remember the step. All of them, or none. Raises `Refused`, `Stale`, `NotFound`."""
    now = desk.clock()
    with desk.store.transaction(desk.officer, now) as tx:
        steps: list[Change] = []
        touched: list[Case] = []
        for case_id in ids:
            before = tx.cases.get(case_id)
            check_version(desk, before, expect)
            after = desk.clocks.with_due(change(before))
            differs = changes(before, after)
            if not differs and not note:
                continue
            saved = tx.cases.save(before, after)
            touched.append(saved)
            steps.append(change_of(before, after))
            detail = {name: [_in_words(old), _in_words(new)] for name, (old, new) in differs.items() if name in logged}
            tx.log(NewEvent(kind, case_id, before.ref, detail, note or None))
        if not touched:
            return Done("Nothing to change.", ())
        sentence = said(touched)
        tx.undo.add(desk.seat, now, sentence, steps)
    return Done(sentence, tuple(case.id for case in touched))


def _in_words(value: Any) -> Any:
    """A field as the log says it: an urgency by its name, not by the number that sorts it."""
    return value.value if isinstance(value, Urgency) else store_value(value)


def change_of(before: Case, after: Case) -> Change:
    """What an action did to a case, for taking it back; what follows from other fields is worked out anew."""
    return Change(before.id, {k: v for k, v in changes(before, after).items() if k not in DERIVED})


def names(cases: Sequence[Case]) -> str:
    """`ABC-7Q4K2M`, or `3 cases`."""
    return cases[0].ref if len(cases) == 1 else f"{len(cases)} cases"


def tag(
    desk: Desk,
    ids: Sequence[int],
    *,
    area: str | None = None,
    topic: str | None = None,
    urgency: Urgency | None = None,
    kind: Kind | None = None,
    expect: Expect = None,
) -> Done:
    """Set area, topic, urgency and kind, as many as are given; an empty area or topic takes it away."""
    if area:
        desk.area(area)
    if area is None and topic is None and urgency is None and kind is None:
        raise UsageError("Say what to set: an area, a topic, an urgency or a kind.")

    def change(case: Case) -> Case:
        case = life.touched(case)
        if area is not None and (area or None) != case.area:
            case = replace(case, area=area or None, topic=None)
        if topic is not None:
            case = replace(case, topic=_topic(desk, case, topic))
        if urgency is not None:
            # What an officer says of it is the answer to the suggestion: an emergency is no longer suspected.
            case = replace(case, urgency=urgency, suggested_urgency=None)
        return replace(case, kind=kind or case.kind)

    def said(cases: Sequence[Case]) -> str:
        parts = [desk.areas[area].name if area else "no area"] if area is not None else []
        parts += [value for value in (topic, urgency, kind) if value]
        return f"Tagged {names(cases)}: {', '.join(parts)}."

    return act(desk, ids, change, "case.tagged", said, expect=expect, logged=("area", "topic", "urgency", "kind"))


def _topic(desk: Desk, case: Case, topic: str) -> str | None:
    if not topic:
        return None
    if case.area is None:
        raise Refused(f"{case.ref} has no area yet, so it can have no topic.", hint="Set the area with it.")
    known = desk.area(case.area).topics
    if topic not in known:
        raise UnknownName(
            f"{desk.area(case.area).name} has no topic {topic!r}.", hint=f"There are: {', '.join(known) or 'none'}."
        )
    return topic


def accept(desk: Desk, ids: Sequence[int], expect: Expect = None) -> Done:
    """Take the suggested area and urgency."""

    def change(case: Case) -> Case:
        if case.suggested_area is None and case.suggested_urgency is None:
            raise Refused(f"There is no suggestion for {case.ref}.")
        area = case.suggested_area or case.area
        urgency = case.suggested_urgency or case.urgency
        if case.repeat_count > 1 and urgency.rank > case.urgency.rank:
            urgency = case.urgency
        topic = case.topic if area == case.area else None
        return replace(life.touched(case), area=area, topic=topic, urgency=urgency)

    def said(cases: Sequence[Case]) -> str:
        if len(cases) > 1:
            return f"Accepted the suggestions for {len(cases)} cases."
        case = cases[0]
        area = desk.areas[case.area].name if case.area in desk.areas else "no area"
        return f"Accepted for {case.ref}: {area}, {case.urgency}."

    return act(desk, ids, change, "case.tagged", said, expect=expect, logged=("area", "urgency"))


def claim(desk: Desk, ids: Sequence[int], expect: Expect = None) -> Done:
    """Take cases for yourself."""
    return assign(desk, ids, desk.officer, expect)


def assign(desk: Desk, ids: Sequence[int], officer: str, expect: Expect = None) -> Done:
    """Give cases to an officer; an empty name releases them."""
    name = clean(officer).strip()
    if name != desk.officer and (len(name) > OFFICER_LIMIT or any(ch.isspace() for ch in name)):
        raise UsageError("An officer is named by initials or a short name without blanks.")
    verb = "Released" if not name else ("Claimed" if name == desk.officer else f"Assigned to {name}:")
    return act(
        desk,
        ids,
        lambda case: replace(life.touched(case), owner=name or None),
        "case.assigned",
        lambda cases: f"{verb} {names(cases)}.",
        expect=expect,
        logged=("owner",),
    )


def note(desk: Desk, case_id: int, text: str) -> Done:
    """Write an internal note into the log of a case. Raises `Refused` for one that was forgotten."""
    words = clean(text, NOTE_LIMIT).strip()
    if not words:
        raise UsageError("The note is empty.")
    return act(desk, [case_id], life.noted, "case.noted", lambda cases: f"Noted on {names(cases)}.", note=words)


def snooze(desk: Desk, ids: Sequence[int], until: datetime, expect: Expect = None) -> Done:
    """Out of the queue until a moment."""
    now = desk.clock()
    shown = moment_words(until.astimezone(desk.zone), year=now.astimezone(desk.zone).year)
    return act(
        desk,
        ids,
        lambda case: life.snoozed(case, until, now),
        "case.snoozed",
        lambda cases: f"Snoozed {names(cases)} until {shown}.",
        expect=expect,
        logged=("snoozed_until",),
    )


def close(
    desk: Desk,
    ids: Sequence[int],
    outcome: Outcome,
    note: str = "",
    expect: Expect = None,
    *,
    avoidable: Avoidable | None = None,
) -> Done:
    """Done, with an outcome, and why the contact was avoidable if it was. An answer still in the outbox refuses it."""
    now = desk.clock()
    why = f", avoidable: {avoidable.replace('_', ' ')}" if avoidable else ""
    for case_id in ids:
        _nothing_waits(desk, case_id)
    return act(
        desk,
        ids,
        lambda case: life.closed(case, outcome, now, avoidable),
        "case.closed",
        lambda cases: f"Closed {names(cases)}: {outcome.replace('_', ' ')}{why}.",
        expect=expect,
        note=clean(note, NOTE_LIMIT).strip(),
        logged=("outcome", "status", "avoidable", "promise_kept"),
    )


def _nothing_waits(desk: Desk, case_id: int) -> None:
    leaving = (OutboxState.QUEUED, OutboxState.SENDING)
    waiting = [r for r in desk.store.outbox.waiting(case_id) if r.state in leaving and r.kind in SPOKEN]
    if waiting:
        ref = desk.store.cases.get(case_id).ref
        raise Refused(f"{ref} has a {waiting[0].kind} that has not left yet.", hint="Wait for it, or drop it first.")


def reopen(desk: Desk, ids: Sequence[int]) -> Done:
    """Take closed cases up again."""
    now = desk.clock()
    return act(
        desk,
        ids,
        lambda case: life.reopened(case, now),
        "case.reopened",
        lambda cases: f"Reopened {names(cases)}.",
        logged=("status",),
    )


def wake(desk: Desk) -> list[int]:
    """Cases whose snooze is over come back to the queue. Cheap when there is none."""
    now = desk.clock()
    if not desk.store.cases.any_due_snooze(now):
        return []
    with desk.store.transaction("socialtriage", now) as tx:
        ids = tx.cases.due_snoozes(now)
        for case_id in ids:
            before = tx.cases.get(case_id)
            tx.cases.save(before, desk.clocks.with_due(life.woken(before)))
            tx.log(NewEvent("case.woken", case_id, before.ref))
    return ids


def undo(desk: Desk) -> Done:
    """Take back this officer's last action. Raises `Refused` when there is none or it cannot be taken back any more.

    A step that is past taking back is left behind, so that the next undo goes on with what was done before it.
    """
    step = desk.store.undo.last(desk.seat)
    if step is None:
        raise Refused("There is nothing of yours to undo.")
    try:
        if not (step.changes or step.outbox_ids or step.moves or step.mails):
            raise Past(f"That cannot be taken back: {step.said}")
        with desk.store.transaction(desk.officer, desk.clock()) as tx:
            taken = taking_back.rows(tx, desk, step)
            for move in reversed(step.moves):
                tx.grouping.replay(move, forward=False)
            touched = taken.case_ids if taken.left else _replay(desk, tx, step, forward=False)
            for case_id in taken.handoffs:
                _wait_for_contacts(tx, desk, case_id)
            touched += tuple(filter(None, [_undecided(tx, desk, mail) for mail in step.mails]))
            if step.outbox_ids or step.mails:
                # What was taken out of the outbox is a draft again; it is sent by handing off or replying anew.
                tx.undo.drop(step.id)
            else:
                tx.undo.mark(step.id, "undone")
    except Past as exc:
        raise _left_behind(desk, step, exc) from exc
    if taken.left:
        return Done(f"Taken back where it had not left: {step.said} {taken.left}", touched)
    if not step.outbox_ids and not step.mails and not any(change.fields for change in step.changes):
        return Done(f"A note stays in the log, so nothing changed: {step.said}", touched)
    return Done(f"Undone: {step.said}", touched)


def redo(desk: Desk) -> Done:
    """Do again what this officer undid last. Raises `Refused` as `undo` does."""
    step = desk.store.undo.next(desk.seat)
    if step is None:
        raise Refused("There is nothing to do again.")
    try:
        with desk.store.transaction(desk.officer, desk.clock()) as tx:
            for move in step.moves:
                tx.grouping.replay(move, forward=True)
            touched = _replay(desk, tx, step, forward=True)
            tx.undo.mark(step.id, "done")
    except Past as exc:
        raise _left_behind(desk, step, exc) from exc
    return Done(f"Done again: {step.said}", touched)


def _left_behind(desk: Desk, step: Step, exc: Past) -> Refused:
    """Forget a step for good; the refusal that says so."""
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.undo.drop(step.id)
    return Refused(exc.message, hint="The next time it is the step before that one.")


def _undecided(tx: Transaction, desk: Desk, mail_id: int) -> int | None:
    """A decision on a contact's mail is taken back; the case that it had changed."""
    from socialtriage.services.answers import undecide

    try:
        return undecide(desk, tx, mail_id)
    except Refused as exc:
        raise Past(exc.message) from exc


def _wait_for_contacts(tx: Transaction, desk: Desk, case_id: int) -> None:
    """A case waits for a contact as long as one has it, whichever of several handoffs was taken back."""
    before = tx.cases.get(case_id)
    if tx.outbox.handed_off(case_id) and before.status in (Status.NEW, Status.OPEN):
        tx.cases.save(before, desk.clocks.with_due(life.handed_off(before)))
    elif before.status is Status.WAITING_CONTACT and not tx.outbox.handed_off(case_id):
        tx.cases.save(before, desk.clocks.with_due(life.handoff_failed(before)))


def _replay(desk: Desk, tx: Transaction, step: Step, *, forward: bool) -> tuple[int, ...]:
    touched = []
    for change in step.changes:
        before = tx.cases.get(change.case_id)
        after = apply(before, change, forward=forward)
        if after is None and step.outbox_ids:
            continue  # What was to leave is taken out all the same; the case stays as somebody made it meanwhile.
        if after is None:
            what = "done again" if forward else "undone"
            raise Past(f"{before.ref} was changed since, so this cannot be {what}: {step.said}")
        if after.status is Status.SNOOZED and after.snoozed_until and after.snoozed_until <= tx.at:
            after = replace(after, status=Status.OPEN, snoozed_until=None)
        if not change.fields and not step.outbox_ids:
            continue
        tx.cases.save(before, desk.clocks.with_due(after))
        tx.log(NewEvent("action.redone" if forward else "action.undone", before.id, before.ref, {"at": iso(tx.at)}))
        touched.append(before.id)
    return tuple(touched)
