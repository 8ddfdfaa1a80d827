"""The one sender: every row leaves at most once, and what became of it is always on record."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from socialtriage.channels.http import Budget
from socialtriage.domain import cases as life
from socialtriage.domain.errors import (
    AnswerLost,
    AuthError,
    BadPayload,
    ChannelError,
    ConfigError,
    MailDeferred,
    MailRefused,
    MailUnknown,
    Misconfigured,
    NotFound,
    NotPermitted,
    RateLimited,
    Refused,
    Rejected,
    SecretError,
    SocialTriageError,
)
from socialtriage.domain.models import (
    Author,
    OutboxKind,
    OutboxState,
    OutgoingReply,
    SafeText,
    Sent,
    StoredRef,
    Visibility,
)
from socialtriage.domain.times import utc_now
from socialtriage.domain.views import Done, OutboxView
from socialtriage.mail.mime import Composed
from socialtriage.services.desk import Desk
from socialtriage.services.transport import MailTransport, transport_of
from socialtriage.store.leases import Holder
from socialtriage.store.log import NewEvent
from socialtriage.store.messages import SentMessage
from socialtriage.store.outbox import OutboxRow
from socialtriage.store.store import Transaction

if TYPE_CHECKING:
    from socialtriage.services.secrets import SecretStore
    from socialtriage.services.sync import Poller

log = logging.getLogger(__name__)

LEASE = "send"
LEASE_SECONDS = 120.0
BACK_OFF = (60, 300, 900, 3600, 4 * 3600)
"""Seconds before the next try, by how many there were."""
MAIL_KINDS = (OutboxKind.HANDOFF, OutboxKind.CHASE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try ended."""

    row_id: int
    state: OutboxState
    error: str | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer, or an error, means for a row."""

    state: OutboxState
    error: str | None = None
    retry_at: datetime | None = None
    sent: Sent | None = None


def rows(desk: Desk) -> list[OutboxView]:
    """What waits to leave, and what left."""
    return desk.store.outbox.views()


def drop(desk: Desk, row_id: int) -> Done:
    """Take a row out that did not leave; what was written becomes a draft again. Raises `NotFound`, `Refused`."""
    row = _row(desk, row_id)
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        if not tx.outbox.drop(row_id):
            raise Refused(f"Row {row_id} is {desk_state(desk, row_id)} and cannot be dropped.")
        if row.handoff_id is not None:
            tx.outbox.drop_handoff(row.handoff_id)
        ref = None
        if row.case_id is not None:
            before = tx.cases.get(row.case_id)
            ref = before.ref
            if row.kind is OutboxKind.HANDOFF and not tx.outbox.handed_off(row.case_id):
                tx.cases.save(before, desk.clocks.with_due(life.handoff_failed(before)))
            if row.body:
                tx.put_draft(row.case_id, row.kind, row.body)
        tx.log(NewEvent(f"{row.kind}.dropped", row.case_id, ref, {"row": row_id, "was": row.state}))
    return Done(f"Dropped the {row.kind} to {row.recipient}.", (row.case_id,) if row.case_id else ())


def desk_state(desk: Desk, row_id: int) -> str:
    """The state of a row in a word."""
    row = desk.store.outbox.get(row_id)
    return row.state if row else "gone"


def _row(desk: Desk, row_id: int) -> OutboxRow:
    row = desk.store.outbox.get(row_id)
    if row is None:
        raise NotFound(f"There is no row {row_id} in the outbox.")
    return row


class Sender:
    """Sends rows of the outbox. It needs the `send` lease; only one process has it."""

    def __init__(
        self, desk: Desk, secrets: SecretStore, poller: Poller, transport: MailTransport | None = None
    ) -> None:
        self._desk = desk
        self._secrets = secrets
        self._poller = poller
        self._transport = transport
        self._lock = asyncio.Lock()

    async def run(self, ids: Sequence[int] | None = None, *, ignore_windows: bool = False) -> list[Outcome]:
        """Send what is due, or just the rows `ids` whatever their undo window. Raises `Refused` when another sends."""
        async with self._lock:
            holder = await self._blocking(self._lease)
            if holder is not None:
                raise Refused(f"{holder.officer} on {holder.host} is sending just now.", hint="It is tried again.")
            try:
                await self._blocking(self._settle_abandoned)
                due = list(ids) if ids is not None else await self._blocking(self._due, ignore_windows)
                return [outcome for row_id in due if (outcome := await self._one(row_id)) is not None]
            finally:
                await asyncio.shield(self._blocking(self._desk.store.leases.give_back, LEASE))

    async def run_patiently(self, ids: Sequence[int], seconds: float = 30.0) -> list[Outcome]:
        """Send these rows, waiting up to `seconds` for another process to finish sending."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                return await self.run(ids)
            except Refused:
                if asyncio.get_running_loop().time() > deadline:
                    return []
                await asyncio.sleep(0.2)

    async def retry(self, row_id: int, *, anyway: bool = False) -> Outcome:
        """Try a failed or unknown row again; an unknown one is looked up at its source first.

        Raises `Refused` where nobody can say whether it arrived, unless `anyway`.
        """
        row = await self._blocking(_row, self._desk, row_id)
        if row.state is OutboxState.SENT:
            raise Refused(f"Row {row_id} was sent.")
        if row.state is OutboxState.UNKNOWN and not anyway:
            found = await self.check(row_id)
            if found.state is OutboxState.SENT:
                return found
        async with self._lock:
            holder = await self._blocking(self._lease)
            if holder is not None:
                raise Refused(f"{holder.officer} on {holder.host} is sending just now.", hint="Try again in a moment.")
            try:
                outcome = await self._one(row_id, whatever_state=True)
            finally:
                await asyncio.shield(self._blocking(self._desk.store.leases.give_back, LEASE))
        return outcome or Outcome(row_id, OutboxState.UNKNOWN, "Another program took this row.")

    async def check(self, row_id: int) -> Outcome:
        """Look an unknown row up at its source. Raises `Refused` where the source cannot be asked."""
        row = await self._blocking(_row, self._desk, row_id)
        if row.kind in MAIL_KINDS or "recipients" in row.payload:
            raise Refused(
                f"A mail server cannot be asked whether the mail to {row.recipient} arrived.",
                hint=f"Ask them, then: outbox retry {row_id} --anyway, or outbox drop {row_id}.",
            )
        try:
            sent = await self._with_channel(row, look_up=True)
        except NotPermitted as exc:
            raise Refused(exc.message, hint=f"Look there yourself, then: outbox retry {row_id} --anyway.") from exc
        except ChannelError as exc:
            raise Refused(f"The source could not be asked: {exc.message}", hint="Try again later.") from exc
        if sent is None:
            return Outcome(row_id, OutboxState.UNKNOWN, "It is not at the source.")
        await self._blocking(self._settle, row, Verdict(OutboxState.SENT, sent=sent))
        return Outcome(row_id, OutboxState.SENT, notice=sent.notice)

    # --- one row ------------------------------------------------------------------------------------------

    async def _one(self, row_id: int, *, whatever_state: bool = False) -> Outcome | None:
        """claim → send → settle. None when somebody else took the row."""
        await self._blocking(self._lease)
        row = await self._blocking(self._claim, row_id, whatever_state)
        if row is None:
            return None
        verdict = await self._try(row)
        await asyncio.shield(self._blocking(self._settle, row, verdict))
        return Outcome(row_id, verdict.state, verdict.error, verdict.sent.notice if verdict.sent else None)

    async def _try(self, row: OutboxRow) -> Verdict:
        """Send, and say what the outcome means."""
        try:
            if "recipients" in row.payload:
                await self._blocking(self._mail, row)
                return Verdict(OutboxState.SENT, sent=Sent(str(row.payload["message_id"]), self._desk.clock()))
            sent = await self._with_channel(row)
            if sent is None:
                return Verdict(OutboxState.UNKNOWN, "The network gave no answer that can be read.")
            return Verdict(OutboxState.SENT, sent=sent)
        except SocialTriageError as exc:
            log.info("outbox row %s: %s", row.id, exc, exc_info=True)
            return self._meaning(exc, row)
        except Exception as exc:
            log.exception("outbox row %s", row.id)
            why = f"A fault in socialtriage ({type(exc).__name__}); whether it left is not known."
            return Verdict(OutboxState.UNKNOWN, why)

    def _meaning(self, exc: SocialTriageError, row: OutboxRow) -> Verdict:
        if isinstance(exc, MailUnknown | AnswerLost | BadPayload):
            return Verdict(OutboxState.UNKNOWN, str(exc))
        if isinstance(exc, MailRefused | Rejected | NotPermitted | Misconfigured | ConfigError | Refused):
            return Verdict(OutboxState.FAILED, str(exc))
        wait = BACK_OFF[min(row.tries, len(BACK_OFF) - 1)]
        retry_at = self._desk.clock() + timedelta(seconds=wait)
        if isinstance(exc, RateLimited) and exc.retry_at is not None:
            retry_at = max(exc.retry_at, self._desk.clock() + timedelta(seconds=5))
        if isinstance(exc, AuthError | SecretError | MailDeferred | ChannelError):
            return Verdict(OutboxState.QUEUED, str(exc), retry_at)
        return Verdict(OutboxState.UNKNOWN, str(exc))

    def _mail(self, row: OutboxRow) -> None:
        if self._transport is None:
            self._transport = transport_of(self._desk, self._secrets)
        payload = row.payload
        mail = Composed(
            message_id=payload["message_id"],
            sender=payload["sender"],
            recipients=tuple(payload["recipients"]),
            subject=payload["subject"],
            text="",
            html="",
            attached=(),
            data=row.data or b"",
        )
        self._transport.send(mail)

    async def _with_channel(self, row: OutboxRow, *, look_up: bool = False) -> Sent | None:
        account = self._desk.account(row.account or "")
        channel = self._poller.channel(account, Budget(30))
        try:
            reply = outgoing(row)
            return await channel.look_up(reply) if look_up else await channel.send(reply)
        finally:
            await channel.aclose()

    # --- the store ----------------------------------------------------------------------------------------

    async def _blocking(self, work: Any, *args: Any) -> Any:
        return await asyncio.to_thread(work, *args)

    def _lease(self) -> Holder | None:
        # Leases are between processes, whose clocks do not stand still as a test's may.
        return self._desk.store.leases.take(LEASE, self._desk.officer, utc_now(), LEASE_SECONDS)

    def _due(self, ignore_windows: bool) -> list[int]:
        return self._desk.store.outbox.due(self._desk.clock(), ignore_windows=ignore_windows)

    def _settle_abandoned(self) -> None:
        """Rows that a dead process left on their way are unknown now, and logged."""
        if not self._desk.store.outbox.counts().get(OutboxState.SENDING):
            return
        with self._desk.store.transaction(self._desk.officer, self._desk.clock()) as tx:
            for row_id in tx.outbox.abandoned():
                row = self._desk.store.outbox.get(row_id)
                if row is not None:
                    self._log(tx, row, OutboxState.UNKNOWN, "the program ended on the way")
                    if row.handoff_id is not None:
                        tx.outbox.update_handoff(row.handoff_id, OutboxState.UNKNOWN)

    def _claim(self, row_id: int, whatever_state: bool) -> OutboxRow | None:
        with self._desk.store.transaction(self._desk.officer, self._desk.clock()) as tx:
            if not tx.outbox.claim(row_id, self._desk.clock(), whatever_state=whatever_state):
                return None
        return self._desk.store.outbox.get(row_id)

    def _settle(self, row: OutboxRow, verdict: Verdict) -> None:
        """Row, handoff, case, message and event follow the outcome in one transaction."""
        desk, now = self._desk, self._desk.clock()
        sent = verdict.sent
        with desk.store.transaction(row.officer, now) as tx:
            tx.outbox.settle(
                row.id,
                verdict.state,
                error=verdict.error,
                next_try_at=verdict.retry_at,
                sent_at=now if sent else None,
                remote_id=sent.remote_id if sent else None,
                url=sent.url if sent else None,
            )
            if row.handoff_id is not None and row.kind is OutboxKind.HANDOFF:
                tx.outbox.update_handoff(
                    row.handoff_id, verdict.state, sent_at=now if sent else None, error=verdict.error
                )
            if row.case_id is not None:
                self._follow(tx, row, verdict)
            self._log(tx, row, verdict.state, verdict.error or (sent.notice if sent else None))

    def _follow(self, tx: Transaction, row: OutboxRow, verdict: Verdict) -> None:
        """What the outcome does to the case."""
        desk = self._desk
        before = after = tx.cases.get(row.case_id or 0)
        if row.kind is OutboxKind.HANDOFF and verdict.state is OutboxState.FAILED:
            after = life.handoff_failed(before)
        elif row.kind is OutboxKind.REPLY and verdict.sent is not None:
            at = min(verdict.sent.at, tx.at)
            if row.payload.get("acknowledge"):
                after = life.acknowledged(before, at)
            else:
                after = life.answered(before, at, in_time=desk.clocks.in_time(before, at))
            tx.messages.add_sent(_sent_message(row, verdict.sent))
        if after is not before:
            tx.cases.save(before, desk.clocks.with_due(after))

    def _log(self, tx: Transaction, row: OutboxRow, state: OutboxState, why: str | None) -> None:
        ref = None
        with contextlib.suppress(NotFound):
            ref = tx.cases.get(row.case_id).ref if row.case_id is not None else None
        detail: dict[str, Any] = {"to": row.recipient, "try": row.tries}
        if "message_id" in row.payload:
            detail["message_id"] = row.payload["message_id"]
        verb = "deferred" if state is OutboxState.QUEUED else state
        tx.log(NewEvent(f"{row.kind}.{verb}", row.case_id, ref, detail | ({"why": why} if why else {})))


def outgoing(row: OutboxRow) -> OutgoingReply:
    """The reply that a row holds."""
    p = row.payload
    to = p["to"]
    parent = p["parent"]
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


def _sent_message(row: OutboxRow, sent: Sent) -> SentMessage:
    p = row.payload
    return SentMessage(
        account=row.account or "",
        remote_id=sent.remote_id,
        case_id=row.case_id or 0,
        visibility=Visibility(p["visibility"]),
        text=row.body,
        who=row.officer,
        at=sent.at,
        url=sent.url,
        thread=p["parent"]["thread"],
        conversation=p["parent"]["conversation"],
        parent=p["parent"]["remote_id"],
        outbox_id=row.id,
        subject=p.get("subject"),
    )
