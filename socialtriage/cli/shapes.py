"""The JSON that scripts rely on, made from domain values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from socialtriage.domain.cases import Case
from socialtriage.domain.times import iso
from socialtriage.domain.views import (
    AccountView,
    CaseDetail,
    ContactView,
    EventView,
    GapView,
    HandoffView,
    MediaView,
    MessageView,
    OutboxView,
    SpotView,
)
from socialtriage.services.desk import Desk
from socialtriage.store.rows import MASK, RESTRICTED


def moment(at: datetime | None) -> str | None:
    """A time as ISO 8601 UTC."""
    return iso(at) if at else None


def cases(desk: Desk, ids: Sequence[int], *, unmask: bool = False) -> list[dict[str, Any]]:
    """Cases without messages, handoffs and events, in the order of `ids`; restricted ones masked."""
    found: list[dict[str, Any]] = []
    now = desk.clock()
    for start in range(0, len(ids), 500):
        part = list(ids[start : start + 500])
        people = desk.store.cases.people(part)
        contacts = desk.store.cases.contacts_of(part)
        related = desk.store.cases.related_refs(part)
        expected = desk.store.answers.expected(part)
        for case in desk.store.cases.many(part):
            handle, name = people[case.id]
            shape = _case(desk, case, now)
            shape["person"] = {"handle": handle, "name": name, "contacts": contacts[case.id]}
            shape["repeat"]["related"] = related.get(case.id, [])
            shape["contact_due_at"] = moment(expected.get(case.id))
            if RESTRICTED in case.flags and not unmask:
                shape["person"].update(handle=MASK, name=MASK)
                shape["snippet"] = MASK
            found.append(shape)
    return found


def _case(desk: Desk, case: Case, now: datetime) -> dict[str, Any]:
    suggestion = None
    if case.suggested_area or case.suggested_urgency or case.suggested_because:
        suggestion = {
            "area": case.suggested_area,
            "urgency": case.suggested_urgency,
            "because": list(case.suggested_because),
        }
    return {
        "ref": case.ref,
        "status": case.status,
        "kind": case.kind,
        "area": case.area,
        "topic": case.topic,
        "urgency": case.urgency,
        "owner": case.owner,
        "version": case.version,
        "account": case.account,
        "network": case.network,
        "visibility": case.visibility,
        "person": {},
        "opened_at": moment(case.opened_at),
        "due_at": moment(case.due_at),
        "due_state": desk.clocks.state(case, now),
        "due_clock": case.due_clock,
        "acknowledged_at": moment(case.acknowledged_at),
        "answered_at": moment(case.answered_at),
        "promised_at": moment(case.promised_at),
        "closed_at": moment(case.closed_at),
        "reopened_at": moment(case.reopened_at),
        "snoozed_until": moment(case.snoozed_until),
        "outcome": case.outcome,
        "within_charter": case.within_charter,
        "snippet": case.snippet,
        "message_count": case.messages,
        "repeat": {"count": case.repeat_count, "since": moment(case.repeat_since), "related": []},
        "flags": list(case.flags),
        "external_reference": case.external_reference,
        "suggestion": suggestion,
    }


def case(desk: Desk, detail: CaseDetail, *, unmask: bool = False) -> dict[str, Any]:
    """One case whole."""
    shape = cases(desk, [detail.row.id], unmask=unmask)[0]
    shape["messages"] = [_message(m) for m in detail.messages]
    shape["handoffs"] = [_handoff(h) for h in detail.handoffs]
    shape["events"] = [event(e) for e in detail.events]
    shape["facts"] = dict(detail.facts)
    shape["incidents"] = [{"name": name, "state": state} for name, state in detail.incidents]
    shape["answer_until"] = moment(detail.answer_until)
    shape["unsent"] = [
        {"id": each.id, "account": each.account, "to": each.to, "state": each.state, "error": each.error}
        for each in detail.unsent
    ]
    shape["spots"] = [_spot(spot) for spot in detail.spots]
    return shape


def _spot(spot: SpotView) -> dict[str, Any]:
    return {
        "flag": spot.flag,
        "name": spot.name,
        "words": spot.phrase,
        "due_on": spot.due_on.isoformat() if spot.due_on else None,
        "contact": spot.contact or None,
        "wording": spot.wording,
    }


def _message(m: MessageView) -> dict[str, Any]:
    return {
        "id": m.id,
        "voice": m.voice,
        "visibility": m.visibility,
        "handle": m.handle,
        "name": m.name,
        "subject": m.subject,
        "text": m.text,
        "quoted": m.quoted,
        "place": m.place,
        "at": moment(m.at),
        "received_at": moment(m.received_at),
        "url": m.url,
        "remote_id": m.remote_id,
        "account": m.account,
        "state": m.state,
        "edited_at": moment(m.edited_at),
        "gone_at": moment(m.gone_at),
        "revisions": [{"text": r.text, "replaced_at": moment(r.replaced_at)} for r in m.revisions],
        "media": [media(x) for x in m.media],
    }


def media(x: MediaView) -> dict[str, Any]:
    """A file of a message; `sha256` and `bytes` only when it is kept."""
    return {
        "id": x.id,
        "kind": x.kind,
        "name": x.name,
        "mime": x.mime,
        "alt": x.alt,
        "state": x.state,
        "sha256": x.sha256,
        "bytes": x.bytes,
        "why": x.why,
    }


def _handoff(h: HandoffView) -> dict[str, Any]:
    return {
        "id": h.id,
        "contact": h.contact,
        "to": h.to,
        "message_id": h.message_id,
        "state": h.state,
        "sent_at": moment(h.sent_at),
        "expected_at": moment(h.expected_at),
        "chased": h.chased,
        "answered_at": moment(h.answered_at),
        "error": h.error,
    }


def event(e: EventView) -> dict[str, Any]:
    """One line of the log."""
    shape = {"seq": e.seq, "at": iso(e.at), "officer": e.officer, "kind": e.kind, "detail": dict(e.detail)}
    return shape | ({"note": e.note} if e.note is not None else {})


def gap(g: GapView) -> dict[str, Any]:
    """A span in which messages may be missing."""
    return {"id": g.id, "from": iso(g.start), "to": iso(g.end), "why": g.why}


def account(a: AccountView) -> dict[str, Any]:
    """One account."""
    return {
        "id": a.id,
        "network": a.network,
        "handle": a.handle,
        "state": a.state,
        "detail": a.detail,
        "last_poll_at": moment(a.last_poll_at),
        "last_message_at": moment(a.last_message_at),
        "next_poll_at": moment(a.next_poll_at),
        "login_expires_at": moment(a.login_expires_at),
        "owner": a.owner,
        "open_cases": a.open_cases,
        "gaps": [gap(g) for g in a.gaps],
        "budget": dict(a.budget),
        "catching_up_from": moment(a.behind_since),
    }


def outbox(o: OutboxView) -> dict[str, Any]:
    """One row of the outbox."""
    return {
        "id": o.id,
        "kind": o.kind,
        "ref": o.ref,
        "account": o.account,
        "to": o.to,
        "state": o.state,
        "queued_at": iso(o.queued_at),
        "not_before": moment(o.not_before),
        "next_try_at": moment(o.next_try_at),
        "tries": o.tries,
        "error": o.error,
        "officer": o.officer,
        "held": o.held,
        "after": o.after_id,
    }


def contact(c: ContactView) -> dict[str, Any]:
    """One contact; `median_answer` is in working minutes."""
    return {
        "id": c.id,
        "name": c.name,
        "email": c.email,
        "away_until": c.away_until.isoformat() if c.away_until else None,
        "deputy": c.deputy,
        "open_handoffs": c.open_handoffs,
        "median_answer": c.median_answer_minutes,
        "areas": list(c.areas),
        "late_handoffs": c.late_handoffs,
        "answers_within": c.answers_within,
    }
