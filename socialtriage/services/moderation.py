"""Hiding and deleting messages, blocking, muting and reporting people: an officer decides and says why."""

from __future__ import annotations

import hashlib
import json
import secrets as tokens
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from socialtriage.channels import registry
from socialtriage.domain import cases as life
from socialtriage.domain.errors import ChannelError, NotFound, Refused, UsageError
from socialtriage.domain.models import Capabilities, OutboxKind, OutboxState, Visibility
from socialtriage.domain.text import clean
from socialtriage.domain.times import iso, parse_every
from socialtriage.domain.views import Done, MessageView
from socialtriage.services.desk import Desk
from socialtriage.services.handoff import undo_window
from socialtriage.services.moderating import TAKES_BACK, follow, payload_of
from socialtriage.services.triage import Expect, change_of, check_version
from socialtriage.store.log import NewEvent
from socialtriage.store.moderation import HIDDEN, Action, NewAction, Target
from socialtriage.store.outbox import NewRow
from socialtriage.store.rows import MASK, RESTRICTED
from socialtriage.store.store import Transaction

REASON_LIMIT = 1000
REVIEWED = (OutboxKind.HIDE, OutboxKind.DELETE, OutboxKind.BLOCK, OutboxKind.MUTE)
"""What somebody looks at again, though a deletion cannot be taken back."""
FOR_GOOD = "A deletion cannot be taken back: no undo and no network brings the message back."
BY_HAND = "by_hand"
_BACK = {done: lift for lift, done in TAKES_BACK.items()}
_DONE = {
    OutboxKind.HIDE: "Hid a message of",
    OutboxKind.UNHIDE: "Showed a message again of",
    OutboxKind.DELETE: "Deleted a message of",
    OutboxKind.BLOCK: "Blocked",
    OutboxKind.UNBLOCK: "Unblocked",
    OutboxKind.MUTE: "Muted",
    OutboxKind.UNMUTE: "Unmuted",
    OutboxKind.REPORT: "Reported",
}
_CANNOT = {
    OutboxKind.HIDE: "hide a message of somebody else",
    OutboxKind.UNHIDE: "show a hidden message again",
    OutboxKind.DELETE: "delete a message of somebody else",
    OutboxKind.BLOCK: "block a person",
    OutboxKind.UNBLOCK: "unblock a person",
    OutboxKind.MUTE: "mute a person",
    OutboxKind.UNMUTE: "unmute a person",
    OutboxKind.REPORT: "take a report",
}
_ABOUT_PERSON = (OutboxKind.BLOCK, OutboxKind.UNBLOCK, OutboxKind.MUTE, OutboxKind.UNMUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an officer is about to do, and whether the network lets us."""

    target: Target
    ref: str
    network: str
    kind: OutboxKind
    reason: str
    review_at: datetime | None
    cannot: str | None
    """Why it cannot be done from here; None when it can."""
    page: str | None
    """Where it can be done by hand."""


def decide(
    desk: Desk,
    case_id: int,
    kind: OutboxKind,
    *,
    reason: str,
    message_id: int | None = None,
    review_on: date | None = None,
) -> Decision:
    """Make up what is to be done about a message of a case (the newest one unless named), or its author.

    Raises `UsageError` without a reason, `NotFound` without such a message, `Refused` when it is so already.
    """
    why = str(clean(reason, REASON_LIMIT).strip())
    if not why:
        raise UsageError("Say why: the reason stands in the record and in the review.")
    case = desk.store.cases.get(case_id)
    life.must_be_known(case)
    target = desk.store.moderation.target(case_id, message_id)
    if target is None:
        what = f"message {message_id} of a resident" if message_id is not None else "message of a resident"
        raise NotFound(f"{case.ref} has no {what}.")
    _sensible(desk, target, kind)
    return Decision(
        target=target,
        ref=case.ref,
        network=case.network,
        kind=kind,
        reason=why,
        review_at=_review(desk, kind, review_on),
        cannot=_cannot(desk, target, kind, case.network),
        page=(target.author.url or target.url) if kind in _ABOUT_PERSON else target.url,
    )


def _sensible(desk: Desk, target: Target, kind: OutboxKind) -> None:
    hidden = target.state == HIDDEN
    if kind is OutboxKind.HIDE and target.message.visibility is Visibility.PRIVATE:
        raise Refused("A private message is seen by nobody else; there is nothing to hide.", hint="Block or mute.")
    if kind is OutboxKind.HIDE and hidden:
        raise Refused("That message is hidden already.")
    if kind is OutboxKind.DELETE and target.message.visibility is Visibility.PRIVATE:
        raise Refused("A private message cannot be deleted from here.", hint="Block or mute.")
    if kind is OutboxKind.DELETE and target.gone:
        raise Refused("That message is gone at its source already.")
    if kind is OutboxKind.DELETE and desk.store.moderation.leaving(target.message_id, kind):
        raise Refused("Its deletion is about to leave.", hint="`outbox` shows it.")
    if kind is OutboxKind.UNHIDE and not hidden and not target.message.reply_data.get("held"):
        raise Refused("That message is not hidden by us.")
    if kind in _ABOUT_PERSON and desk.store.moderation.waiting(target.person_id, kind):
        raise Refused(f"The same is about to leave for {target.author.handle}.")


def _review(desk: Desk, kind: OutboxKind, on: date | None) -> datetime | None:
    """When it is due for review. Raises `UsageError` for a day that has passed."""
    now = desk.clock()
    if on is not None:
        at = datetime.combine(on, time(), desk.zone).astimezone(UTC)
        if at <= now:
            raise UsageError(f"The review must be on a day to come, not on {on}.")
        return at
    return now + parse_every(desk.config.moderation.review) if kind in REVIEWED else None


def capabilities(desk: Desk, account_id: str) -> Capabilities:
    """What an account's network can do; nothing for an account that is no longer configured."""
    account = desk.accounts.get(account_id)
    if account is None:
        return Capabilities()
    try:
        found = getattr(registry.factory(account.network), "capabilities", None)
    except ChannelError:
        return Capabilities()
    return found if isinstance(found, Capabilities) else Capabilities()


def _cannot(desk: Desk, target: Target, kind: OutboxKind, network: str) -> str | None:
    account = desk.accounts.get(target.account)
    if account is None:
        return f"{target.account} is no account of this desk."
    able = capabilities(desk, target.account)
    base = TAKES_BACK.get(kind, kind)
    if not getattr(able, base.value):
        return f"The interface of {network} cannot {_CANNOT[kind]}."
    if kind in (OutboxKind.UNBLOCK, OutboxKind.UNMUTE) and not hasattr(registry.factory(account.network), kind.value):
        return f"The interface of {network} cannot {_CANNOT[kind]}."
    return None


# --- doing it -----------------------------------------------------------------------------------------------


def queue(
    desk: Desk, decision: Decision, *, expect: Expect = None, undo_seconds: float | None = None, sure: bool = False
) -> Done:
    """Take the snapshot and put the action into the outbox, in one transaction.

    Raises `Refused` with the page to do it on when the network does not let us, and for a deletion unless the officer
    said to be `sure`; `Stale`.
    """
    if decision.cannot is not None:
        # The address says whose it is.
        page = "" if RESTRICTED in desk.store.cases.get(decision.target.case_id).flags else decision.page
        hint = f"Do it on its page: {page}" if page else "Do it on its own page."
        raise Refused(decision.cannot, hint=hint)
    if decision.kind is OutboxKind.DELETE and not sure:
        raise Refused(FOR_GOOD, hint="Say that you are sure, or hide it.")
    target, now = decision.target, desk.clock()
    window = undo_window(desk, target.account, undo_seconds)
    row = NewRow(
        kind=decision.kind,
        recipient=str(target.author.handle),
        key=tokens.token_hex(16),
        payload=payload_of(target, decision.reason),
        case_id=target.case_id,
        account=target.account,
        not_before=now + window,
    )
    with desk.store.transaction(desk.officer, now) as tx:
        row_id = tx.outbox.add(row, desk.officer, now)
        return _put_on_record(desk, tx, decision, row_id, expect)


def record(desk: Desk, decision: Decision, *, expect: Expect = None) -> Done:
    """Put on record what an officer did on the network's own page, with the same snapshot. Raises `Stale`."""
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        follow(tx, decision.kind, decision.target.account, payload_of(decision.target, ""))
        return _put_on_record(desk, tx, decision, None, expect)


def _put_on_record(desk: Desk, tx: Transaction, decision: Decision, row_id: int | None, expect: Expect) -> Done:
    target, kind = decision.target, decision.kind
    before = tx.cases.get(target.case_id)
    check_version(desk, before, expect)
    after = desk.clocks.with_due(life.touched(before)) if before.status != "closed" else before
    tx.cases.save(before, after)
    snapshot = _snapshot(desk, decision, tx.at)
    tx.moderation.add(
        NewAction(
            target=target,
            ref=decision.ref,
            network=decision.network,
            kind=kind,
            reason=decision.reason,
            review_at=decision.review_at,
            state=OutboxState.QUEUED.value if row_id else BY_HAND,
            snapshot=snapshot,
            outbox_id=row_id,
        ),
        desk.officer,
        tx.at,
    )
    detail = {
        "to": str(target.author.handle),
        "account": target.account,
        "message": target.message_id,
        "review": iso(decision.review_at) if decision.review_at else "",
        "snapshot": hashlib.sha256(snapshot.encode()).hexdigest(),
    }
    tx.log(NewEvent(f"{kind}.{'queued' if row_id else BY_HAND}", target.case_id, decision.ref, detail, decision.reason))
    who = MASK if RESTRICTED in before.flags else target.author.handle
    said = f"{_DONE[kind]} {who} on {decision.ref}."
    if row_id:
        tx.undo.add(desk.seat, tx.at, said, [change_of(before, after)], [row_id])
    return Done(said, (target.case_id,), row_id)


def _snapshot(desk: Desk, decision: Decision, at: datetime) -> str:
    """What was there when it was decided: words, author, place, time, and the hashes of the files, as JSON."""
    target = decision.target
    message = next(m for m in desk.store.messages.of_case(target.case_id) if m.id == target.message_id)
    facts = {
        "taken_at": iso(at),
        "network": decision.network,
        "account": target.account,
        "author": {"key": target.author.key, "handle": target.author.handle, "name": target.author.name}
        | {"url": target.author.url},
        **_told(message),
    }
    return json.dumps(facts, ensure_ascii=False, sort_keys=True)


def _told(message: MessageView) -> dict[str, object]:
    return {
        "text": message.text,
        "subject": message.subject,
        "earlier_texts": [r.text for r in message.revisions],
        "at": iso(message.at),
        "received_at": iso(message.received_at),
        "url": message.url,
        "remote_id": message.remote_id,
        "visibility": message.visibility,
        "media": [
            {"kind": m.kind, "name": m.name, "state": m.state, "sha256": m.sha256, "bytes": m.bytes}
            for m in message.media
        ],
    }


# --- reviews ------------------------------------------------------------------------------------------------


def listing(desk: Desk, *, due: bool = False) -> list[Action]:
    """What was done; with `due`, only what must be looked at again by now. Of restricted cases without their words."""
    return _masked(desk, desk.store.moderation.listing(due=desk.clock() if due else None))


def _masked(desk: Desk, found: list[Action]) -> list[Action]:
    cases = desk.store.cases.many(list({action.case_id for action in found if action.case_id is not None}))
    closed = {case.id for case in cases if RESTRICTED in case.flags}
    masked = {"author": {"handle": MASK}}
    return [replace(action, snapshot=masked, reason=MASK) if action.case_id in closed else action for action in found]


def is_due(desk: Desk, action: Action) -> bool:
    """Whether somebody should look at it again."""
    waits = action.reviewed_at is None and action.lifted_at is None
    return waits and action.review_at is not None and action.review_at <= desk.clock()


def _action(desk: Desk, action_id: int) -> Action:
    action = desk.store.moderation.get(action_id)
    if action is None:
        raise NotFound(f"There is no record {action_id} of moderation.")
    return _masked(desk, [action])[0]


def review(desk: Desk, action_id: int, *, note: str = "", next_on: date | None = None) -> Done:
    """An officer looked at it again and keeps it; with `next_on` it comes up once more. Raises `Refused`."""
    action = _action(desk, action_id)
    if action.kind not in REVIEWED:
        raise Refused(f"A {action.kind} does not last, so there is nothing to review.")
    next_at = _review(desk, action.kind, next_on) if next_on is not None else None
    now = desk.clock()
    with desk.store.transaction(desk.officer, now) as tx:
        tx.moderation.reviewed(action_id, desk.officer, now, next_at)
        detail = {"record": action_id, "next": iso(next_at) if next_at else ""}
        words = str(clean(note, REASON_LIMIT).strip()) or None
        tx.log(NewEvent(f"{action.kind}.reviewed", action.case_id, action.ref, detail, words))
    again = f" It comes up again on {next_on}." if next_on else ""
    return Done(f"Reviewed: the {action.kind} of {whom(action)} stays.{again}", _ids(action))


def lift(desk: Desk, action_id: int, *, reason: str) -> Decision:
    """What takes an action back: show again, unblock, unmute. Queue it, or record it, like any other decision."""
    action = _action(desk, action_id)
    if action.kind is OutboxKind.DELETE:
        raise Refused(FOR_GOOD)
    if action.kind not in _BACK:
        raise Refused(f"A {action.kind} cannot be taken back.")
    if action.lifted_at is not None:
        raise Refused(f"The {action.kind} of {whom(action)} is over already.")
    case_id = desk.store.moderation.case_of(action.message_id)
    if case_id is None:
        raise Refused("Its case is no longer here.", hint=f"Do it on its own page: {action.snapshot.get('url') or ''}")
    return decide(desk, case_id, _BACK[action.kind], reason=reason, message_id=action.message_id)


def whom(action: Action) -> str:
    """The handle of the person an action was against, as it was then."""
    author = action.snapshot.get("author")
    return str(author.get("handle", "somebody")) if isinstance(author, dict) else "somebody"


def _ids(action: Action) -> tuple[int, ...]:
    return (action.case_id,) if action.case_id is not None else ()
