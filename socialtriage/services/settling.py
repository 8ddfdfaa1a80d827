"""How a try to send is put on record: row, handoff, case, message and event in one transaction."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from socialtriage.domain import cases as life
from socialtriage.domain.cases import Case
from socialtriage.domain.errors import NotFound, StoreError
from socialtriage.domain.models import (
    AccountState,
    Author,
    OutboxKind,
    OutboxState,
    OutgoingReply,
    SafeText,
    Sent,
    Status,
    StoredRef,
    Visibility,
)
from socialtriage.domain.times import from_iso, iso
from socialtriage.services.desk import Desk
from socialtriage.services.intake import EARLIEST
from socialtriage.services.moderating import MODERATION, follow
from socialtriage.services.verdict import Verdict
from socialtriage.store.log import NewEvent
from socialtriage.store.messages import SentMessage
from socialtriage.store.outbox import OutboxRow
from socialtriage.store.store import Transaction

log = logging.getLogger(__name__)

PATIENCE = (0.5, 2.0, 5.0)
"""Seconds between tries to write an outcome down: what is not on record counts as unknown for ever after."""


def settle(desk: Desk, row: OutboxRow, verdict: Verdict) -> None:
    """Write an outcome down, again and again for a while when the store is busy. Blocking. Raises `StoreError`."""
    for pause in PATIENCE:
        try:
            return _settle(desk, row, verdict)
        except StoreError as exc:
            log.warning("outbox row %s is %s, and that could not be written: %s", row.id, verdict.state, exc)
            time.sleep(pause)
    return _settle(desk, row, verdict)


def _settle(desk: Desk, row: OutboxRow, verdict: Verdict) -> None:
    now, sent = desk.clock(), verdict.sent
    with desk.store.transaction(row.officer, now) as tx:
        ours = tx.outbox.settle(
            row.id,
            verdict.state,
            tries=row.tries,
            error=verdict.error,
            next_try_at=verdict.retry_at,
            sent_at=now if sent else None,
            remote_id=sent.remote_id if sent else None,
            url=sent.url if sent else None,
        )
        if not ours:
            # Another desk took over while this one slept, and an officer decided there. It is on record all the same.
            return put_on_record(tx, row, verdict.state, "the answer to an earlier try came late", "late")
        if row.handoff_id is not None and row.kind is OutboxKind.HANDOFF:
            tx.outbox.update_handoff(row.handoff_id, verdict.state, sent_at=now if sent else None, error=verdict.error)
        if row.handoff_id is not None and row.kind is OutboxKind.HANDOFF and sent:
            from socialtriage.services.answer_rules import passed_on

            passed_on(desk, tx.answers, row.handoff_id)
        if row.handoff_id is not None and row.kind is OutboxKind.CHASE and sent:
            tx.answers.chased(row.handoff_id, now, from_iso(row.payload["expected_at"]))
        if row.case_id is not None:
            _follow(desk, tx, row, verdict)
        _note_login(desk, tx, row, verdict)
        put_on_record(tx, row, verdict.state, verdict.error or (sent.notice if sent else None))


def _note_login(desk: Desk, tx: Transaction, row: OutboxRow, verdict: Verdict) -> None:
    """Whoever looks at the accounts is told of a login that sending found refused, before the next poll does."""
    old = desk.store.accounts.get(row.account or "") if verdict.refused else None
    if old is None or old.state is AccountState.LOGIN_NEEDED:
        return
    tx.accounts.update(old.id, state=AccountState.LOGIN_NEEDED, detail=verdict.error or "")
    tx.log(NewEvent("account.state", detail={"account": old.id, "from": old.state, "to": AccountState.LOGIN_NEEDED}))


def _follow(desk: Desk, tx: Transaction, row: OutboxRow, verdict: Verdict) -> None:
    """What the outcome does to the case."""
    before = after = tx.cases.get(row.case_id or 0)
    if row.kind is OutboxKind.HANDOFF and verdict.state is OutboxState.FAILED:
        after = life.handoff_failed(before)
    elif row.kind is OutboxKind.HANDOFF and verdict.sent is not None:
        after = life.handoff_left(before)
    elif row.kind is OutboxKind.REPLY and verdict.sent is not None:
        at = min(verdict.sent.at if verdict.sent.at.year >= EARLIEST else tx.at, tx.at)
        after = _replied(desk, row, before, at)
        _note_reply(tx, row, before, after, verdict.sent)
        if tx.messages.add_sent(_sent_message(row, verdict.sent, at)):
            after = replace(after, messages=after.messages + 1)
    elif row.kind in MODERATION and verdict.sent is not None:
        follow(tx, row.kind, row.account or "", row.payload)
    if after is not before:
        tx.cases.save(before, desk.clocks.with_due(after))


def _replied(desk: Desk, row: OutboxRow, before: Case, at: datetime) -> Case:
    """What a reply that left does to its case: the clock of the answer stops with the last part of a thread."""
    part, parts = row.payload.get("part", (1, 1))
    if row.payload.get("acknowledge") or part < parts:
        return life.acknowledged(before, at)
    in_time = desk.clocks.in_time(before, at)
    if promise := row.payload.get("promise"):
        after = life.answered_with_promise(before, at, from_iso(promise), in_time=in_time)
    else:
        after = life.answered(before, at, in_time=in_time)
    if before.status is Status.SNOOZED and _put_off_since(desk, before.id, row.queued_at):
        return replace(after, status=before.status, snoozed_until=before.snoozed_until)
    return after


def _put_off_since(desk: Desk, case_id: int, moment: datetime) -> bool:
    """Whether somebody put a case off after its answer was written: that is about what comes after the answer."""
    return any(each.kind == "case.snoozed" and each.at >= moment for each in desk.store.log.of_case(case_id))


def _note_reply(tx: Transaction, row: OutboxRow, before: Case, after: Case, sent: Sent) -> None:
    """What a reply that left is remembered for, beside the case: a promise made, kept or broken, an answer used."""
    tx.replies.files_left(row.id)
    if sent.reply_data:
        tx.replies.sent_data(row.id, sent.reply_data)
    if (answer := row.payload.get("answer")) and row.after_id is None:
        tx.replies.used(row.id, answer, row.case_id, row.officer, tx.at)
    if after.promised_at != before.promised_at and after.promised_at is not None:
        tx.log(
            NewEvent(
                "case.promised",
                before.id,
                before.ref,
                {"promised_at": [iso(before.promised_at) if before.promised_at else None, iso(after.promised_at)]},
            )
        )
    if before.promise_kept is None and after.promise_kept is not None and before.promised_at is not None:
        kind = "promise.kept" if after.promise_kept else "promise.broken"
        tx.log(NewEvent(kind, before.id, before.ref, {"promised_at": iso(before.promised_at)}))


def settle_abandoned(desk: Desk) -> None:
    """Rows that a dead process left on their way are unknown now, and logged. Only with the sender's lease."""
    if not desk.store.outbox.counts().get(OutboxState.SENDING):
        return
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        for row_id in tx.outbox.abandoned():
            row = desk.store.outbox.get(row_id)
            if row is not None:
                put_on_record(tx, row, OutboxState.UNKNOWN, "the program ended on the way")
                if row.handoff_id is not None and row.kind is OutboxKind.HANDOFF:
                    tx.outbox.update_handoff(row.handoff_id, OutboxState.UNKNOWN)


def not_there(desk: Desk, row: OutboxRow, why: str) -> None:
    """Put on record that the source does not have a row whose answer was lost."""
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        if tx.replies.not_there(row.id, why):
            put_on_record(tx, row, OutboxState.FAILED, why)


def put_on_record(
    tx: Transaction, row: OutboxRow, state: OutboxState, why: str | None, verb: str | None = None
) -> None:
    """The event of an outcome."""
    ref = None
    with contextlib.suppress(NotFound):
        ref = tx.cases.get(row.case_id).ref if row.case_id is not None else None
    detail: dict[str, Any] = {"to": row.recipient, "try": row.tries}
    if "message_id" in row.payload:
        detail["message_id"] = row.payload["message_id"]
    if verb is not None:
        detail["state"] = state
    kind = f"{row.kind}.{verb or ('deferred' if state is OutboxState.QUEUED else state)}"
    tx.log(NewEvent(kind, row.case_id, ref, detail | ({"why": why} if why else {})))


def outgoing(row: OutboxRow, before: tuple[str, Mapping[str, str]] | None = None) -> OutgoingReply:
    """The reply that a row holds. `before` is the part of a thread that it follows: its remote id, and what its
    network needs to answer it.
    """
    p = row.payload
    to = p["to"]
    parent = p["parent"]
    if before is not None:
        parent = {**parent, "remote_id": before[0], "reply_data": {**parent["reply_data"], **before[1]}}
    return OutgoingReply(
        key=row.key,
        text=row.body,
        visibility=Visibility(p["visibility"]),
        to=Author(to["key"], SafeText(to["handle"]), SafeText(to["name"]), to.get("url")),
        parent=StoredRef(
            parent["remote_id"],
            parent["thread"],
            parent["conversation"],
            Visibility(parent["visibility"]),
            parent["reply_data"],
        ),
        queued_at=row.queued_at,
        subject=p.get("subject"),
        references=tuple(p.get("references", ())),
        language=p.get("language"),
    )


def as_written(row: OutboxRow) -> str:
    """What the officer wrote for a row, whole: of a thread every part, and without the sign-off."""
    return str(row.payload.get("written", row.body))


def with_files(row: OutboxRow) -> tuple[tuple[str, str], ...]:
    """The places of the pictures that go with a row, and what is on them."""
    return tuple((place, alt) for place, alt in row.payload.get("attach", ()))


def drafted(row: OutboxRow, *, alone: bool = False) -> dict[str, Any]:
    """What a row's draft has beside its words: for whose eyes, which pictures, which messages it answers.

    `alone`: the others that were queued with it stay, so that it is for its own place only.
    """
    places = [row.payload["message"]] if alone and "message" in row.payload else row.payload.get("places", ())
    return {"private": begun_in_private(row), "files": with_files(row), "places": tuple(places)}


def begun_in_private(row: OutboxRow) -> bool:
    """Whether a reply was to answer a public message in private: its draft goes on so."""
    if row.kind is not OutboxKind.REPLY:
        return False
    return bool(row.payload["visibility"] == "private" and row.payload["parent"]["visibility"] == "public")


def _sent_message(row: OutboxRow, sent: Sent, at: datetime) -> SentMessage:
    p = row.payload
    return SentMessage(
        account=row.account or "",
        remote_id=sent.remote_id,
        case_id=row.case_id or 0,
        visibility=Visibility(p["visibility"]),
        text=row.body,
        who=row.officer,
        at=at,
        url=sent.url,
        thread=p["parent"]["thread"],
        conversation=p["parent"]["conversation"],
        parent=p["parent"]["remote_id"],
        outbox_id=row.id,
        subject=p.get("subject"),
    )
