"""Restricted cases: no list, export or screen shows whose they are or what they say, unless somebody asks on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from socialtriage.domain.cases import Case
from socialtriage.domain.views import CaseDetail, Done, EventView
from socialtriage.services.desk import Desk
from socialtriage.services.triage import Expect, act, names
from socialtriage.store.log import PERSONAL, NewEvent
from socialtriage.store.rows import MASK, RESTRICTED


def restrict(desk: Desk, ids: Sequence[int], expect: Expect = None) -> Done:
    """Mask cases in lists, exports and on screens."""

    def change(case: Case) -> Case:
        return case if RESTRICTED in case.flags else replace(case, flags=(*case.flags, RESTRICTED))

    done = act(desk, ids, change, "case.restricted", lambda cases: f"Restricted {names(cases)}.", expect=expect)
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.noticing.unsay(ids)
    return done


def unrestrict(desk: Desk, ids: Sequence[int], expect: Expect = None) -> Done:
    """Show cases again."""

    def change(case: Case) -> Case:
        return replace(case, flags=tuple(flag for flag in case.flags if flag != RESTRICTED))

    said = "is no longer restricted"
    return act(desk, ids, change, "case.unrestricted", lambda cases: f"{names(cases)} {said}.", expect=expect)


def unmask(desk: Desk, case_id: int) -> Done:
    """Put on record that somebody looks at a restricted case."""
    case = desk.store.cases.get(case_id)
    if RESTRICTED not in case.flags:
        return Done(f"{case.ref} is not restricted.", (case_id,))
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.log(NewEvent("case.unmasked", case_id, case.ref))
    return Done(f"You see {case.ref}; that is in its log.", (case_id,))


def masked(detail: CaseDetail) -> CaseDetail:
    """The case without who, where and what: what is left can be counted and handled."""
    messages = tuple(
        replace(
            message,
            handle=MASK,
            name=MASK,
            text=MASK,
            quoted=None,
            subject=None,
            place=None,
            url=None,
            remote_id="",
            media=(),
            revisions=(),
        )
        for message in detail.messages
    )
    return replace(
        detail,
        row=replace(detail.row, handle=MASK, name=MASK, snippet=MASK, suggested_because=()),
        person_key="",
        person_url=None,
        thread="",
        conversation=None,
        messages=messages,
        events=tuple(map(without_words, detail.events)),
        related=tuple(replace(each, snippet=MASK) for each in detail.related),
        spots=tuple(replace(each, phrase=MASK) for each in detail.spots),
        facts=dict.fromkeys(detail.facts, MASK),
        unsent=tuple(replace(each, to=MASK, error=each.error and MASK) for each in detail.unsent),
    )


def without_reasons(desk: Desk, detail: CaseDetail, linked: Sequence[str]) -> CaseDetail:
    """The case without the words on why it belongs to a restricted one: they say what that one is about."""
    closed = desk.store.keeping.restricted(linked)
    events = (
        replace(event, note=MASK)
        if event.note and event.kind == "case.linked" and event.detail.get("to") in closed
        else event
        for event in detail.events
    )
    return replace(detail, events=tuple(events)) if closed else detail


def without_words(event: EventView) -> EventView:
    """An event without its note and without what names a person."""
    detail = {name: MASK if name in PERSONAL else value for name, value in event.detail.items()}
    return replace(event, detail=detail, note=MASK if event.note else None)
