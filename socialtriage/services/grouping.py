"""Cases that are one matter made one, one that holds two made two, and cases that belong together linked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from socialtriage.domain import joining, sametext
from socialtriage.domain.cases import Case
from socialtriage.domain.errors import Refused, UsageError
from socialtriage.domain.models import SafeText, Status, Visibility, Voice
from socialtriage.domain.text import clean_line, snippet
from socialtriage.domain.views import Done
from socialtriage.services.desk import Desk
from socialtriage.services.references import free_references
from socialtriage.services.triage import Expect, change_of, check_version
from socialtriage.store.forget import BARE_LINK
from socialtriage.store.log import NewEvent
from socialtriage.store.store import Transaction
from socialtriage.store.undo import Change


def merge(desk: Desk, ids: Sequence[int], into: int, expect: Expect = None) -> Done:
    """Everything of some cases goes into one; they are closed as its duplicates. All of them, or none.

    Raises `Refused` for cases of different people: an officer links the people first, or just the cases.
    """
    others = [case_id for case_id in dict.fromkeys(ids) if case_id != into]
    if not others:
        raise UsageError("Say which case goes into which: they must be two.")
    now = desk.clock()
    with desk.store.transaction(desk.officer, now) as tx:
        target = tx.cases.get(into)
        cases = [tx.cases.get(case_id) for case_id in others]
        for case in (target, *cases):
            check_version(desk, case, expect)
        _may_be_one(tx, target, cases)
        after, changes, moves = target, list[Change](), list[int]()
        for case in cases:
            moves.append(tx.grouping.move_all(case.id, into, now, desk.officer))
            after = joining.joined(after, case)
            empty = desk.clocks.with_due(joining.emptied(case, now))
            tx.cases.save(case, empty)
            changes.append(change_of(case, empty))
            tx.cases.link(case.id, into, "merged", now)
            tx.log(NewEvent("case.merged", case.id, case.ref, {"into": target.ref}))
        after = desk.clocks.with_due(_decided(after, *cases))
        tx.cases.save(target, after)
        refs = ", ".join(case.ref for case in cases)
        tx.log(NewEvent("case.merged", into, target.ref, {"from": refs}))
        said = f"Merged {refs} into {target.ref}."
        tx.undo.add(desk.seat, now, said, [*changes, change_of(target, after)], moves=moves)
    return Done(said, (into, *others))


def _decided(case: Case, *others: Case) -> Case:
    """The case, no longer suggesting to look at those with the same text on which an officer has decided."""
    because = sametext.without(case.suggested_because, [other.ref for other in others])
    return replace(case, suggested_because=because) if because != case.suggested_because else case


def _may_be_one(tx: Transaction, target: Case, cases: Sequence[Case]) -> None:
    if target.status is Status.CLOSED:
        raise Refused(f"{target.ref} is closed.", hint="Reopen it first, or merge the other way round.")
    gone = tx.grouping.merged_into([case.id for case in cases])
    for case in cases:
        if case.id in gone:
            raise Refused(f"{case.ref} was merged into {tx.cases.get(gone[case.id]).ref} already.")
    if len(tx.grouping.humans([target.person_id, *(case.person_id for case in cases)])) > 1:
        raise Refused(
            "These cases are of different people, and people are never merged by the way.",
            hint="Link the cases instead, or say first that the people are one: socialtriage person link.",
        )


def split(desk: Desk, case_id: int, message_ids: Sequence[int], expect: Expect = None) -> Done:
    """Some messages of a case become a case of their own, with a reference and a clock of its own.

    Raises `Refused` unless a resident's message goes and another one stays.
    """
    chosen, now = set(message_ids), desk.clock()
    with desk.store.transaction(desk.officer, now) as tx:
        before = tx.cases.get(case_id)
        check_version(desk, before, expect)
        spoken = tx.grouping.spoken(case_id)
        going = [m for m in spoken if m.id in chosen]
        staying = [m for m in spoken if m.id not in chosen]
        if len(going) < len(chosen) or not chosen:
            raise UsageError(f"Name messages of {before.ref}, by the numbers that `show` gives them.")
        if not any(m.voice is Voice.RESIDENT for m in going) or not any(m.voice is Voice.RESIDENT for m in staying):
            raise Refused("A message of the resident must go, and another one must stay.")
        new = _opened(desk, tx, before, going)
        move = tx.grouping.move_messages(case_id, new.id, [m.id for m in going], now, desk.officer)
        empty = joining.emptied(new, now)
        tx.cases.save(empty, new)
        after = desk.clocks.with_due(joining.counted(before, staying))
        tx.cases.save(before, after)
        tx.cases.link(case_id, new.id, "split", now)
        tx.log(
            NewEvent("case.opened", new.id, new.ref, {"split_from": before.ref}),
            NewEvent("case.split", case_id, before.ref, {"into": new.ref, "messages": len(going)}),
        )
        said = f"Split {new.ref} off {before.ref}."
        tx.undo.add(desk.seat, now, said, [change_of(before, after), change_of(empty, new)], moves=[move])
    return Done(said, (case_id, new.id))


def _opened(desk: Desk, tx: Transaction, case: Case, going: Sequence[joining.Spoken]) -> Case:
    """The new case as it will be, stored as the empty one that it would be again if the split were undone."""
    first = next(m for m in going if m.voice is Voice.RESIDENT)
    person, thread, conversation, visibility, text = tx.grouping.place(first.id)
    new = replace(
        case,
        id=tx.intake.next_id("cases"),
        ref=free_references(tx, desk.config.organisation.prefix, 1)[0],
        version=1,
        status=Status.OPEN,
        topic=None,
        visibility=Visibility(visibility),
        person_id=person or case.person_id,
        thread=thread,
        conversation=conversation,
        snippet=snippet(SafeText(text)),
        acknowledged_at=None,
        answered_at=None,
        promised_at=None,
        promise_kept=None,
        within_charter=None,
        snoozed_until=None,
        external_reference=None,
        facts=(),
    )
    new = desk.clocks.with_due(joining.counted(new, going))
    tx.intake.add_cases([joining.emptied(new, tx.at)])
    return new


def link(desk: Desk, a: int, b: int, why: str = "") -> Done:
    """Two cases belong together, whoever wrote them; both show the other."""
    if a == b:
        raise UsageError("Name two cases.")
    words = clean_line(why, 200) or BARE_LINK
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        first, second = tx.cases.get(a), tx.cases.get(b)
        tx.cases.save(first, _decided(first, second))
        tx.cases.save(second, _decided(second, first))
        tx.cases.link(a, b, words, tx.at)
        tx.log(
            NewEvent("case.linked", a, first.ref, {"to": second.ref}, words),
            NewEvent("case.linked", b, second.ref, {"to": first.ref}, words),
        )
        said = f"Linked {first.ref} and {second.ref}."
        _kept(tx, desk, said)
    return Done(said, (a, b))


def unlink(desk: Desk, a: int, b: int) -> Done:
    """Two cases belong together no longer. Raises `Refused` when they did not."""
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        first, second = tx.cases.get(a), tx.cases.get(b)
        if not tx.grouping.unlink(a, b):
            raise Refused(f"{first.ref} and {second.ref} are not linked.")
        tx.log(
            NewEvent("case.unlinked", a, first.ref, {"from": second.ref}),
            NewEvent("case.unlinked", b, second.ref, {"from": first.ref}),
        )
        said = f"{first.ref} and {second.ref} are linked no longer."
        _kept(tx, desk, said)
    return Done(said, (a, b))


def _kept(tx: Transaction, desk: Desk, said: str) -> None:
    """A link is taken back by its own command; an undo must not reach past it, to what was done before."""
    tx.undo.add(desk.seat, tx.at, said, [])
