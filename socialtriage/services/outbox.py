"""The one sender: every row leaves at most once, and what became of it is always on record."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from socialtriage.channels.http import SLOWEST, Budget
from socialtriage.domain import cases as life
from socialtriage.domain.errors import (
    ChannelError,
    NotFound,
    NotPermitted,
    Refused,
    SocialTriageError,
    StoreError,
    Unavailable,
)
from socialtriage.domain.models import OutboxKind, OutboxState, OutgoingFile, Sent
from socialtriage.domain.times import utc_now
from socialtriage.domain.views import Done, OutboxView
from socialtriage.mail.mime import Composed
from socialtriage.services import bridging, mail_login, pause, posting, vendor_clock
from socialtriage.services.desk import Desk
from socialtriage.services.moderating import MODERATION, REPEATABLE, carry_out
from socialtriage.services.settling import (
    as_written,
    drafted,
    not_there,
    outgoing,
    settle,
    settle_abandoned,
)
from socialtriage.services.transport import MailTransport, transport_of
from socialtriage.services.verdict import Verdict, judged
from socialtriage.store.leases import Holder
from socialtriage.store.log import NewEvent
from socialtriage.store.outbox import OutboxRow

if TYPE_CHECKING:
    from socialtriage.channels.base import Channel
    from socialtriage.services.secrets import SecretStore
    from socialtriage.services.sync import Poller

log = logging.getLogger(__name__)

T = TypeVar("T")

LEASE = "send"
LEASE_SECONDS = 120.0
RENEW = 40.0
"""Seconds between renewals while a row leaves: a slow server may take longer than the lease lasts."""
MAIL_KINDS = (OutboxKind.HANDOFF, OutboxKind.CHASE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try ended."""

    row_id: int
    state: OutboxState
    error: str | None = None
    notice: str | None = None


def rows(desk: Desk) -> list[OutboxView]:
    """What waits to leave, and what left."""
    return desk.store.outbox.views()


def drop(desk: Desk, row_id: int) -> Done:
    """Take a row out that did not leave; what was written becomes a draft again. Raises `NotFound`, `Refused`."""
    row = _row(desk, row_id)
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        # A part that cannot follow anything any more goes with the one before it.
        followers = desk.store.replies.chain(row_id)[1:] if row.kind is OutboxKind.REPLY else []
        if not all(tx.outbox.drop(each) for each in (row_id, *followers)):
            raise Refused(f"Row {row_id} is {desk_state(desk, row_id)} and cannot be dropped.")
        if row.handoff_id is not None:
            tx.outbox.drop_handoff(row.handoff_id)
        ref = None
        if row.kind is OutboxKind.POST:
            tx.incidents.draft_again(row.key, row.officer, tx.at)
        if row.case_id is not None:
            before = tx.cases.get(row.case_id)
            ref = before.ref
            if row.kind is OutboxKind.HANDOFF and not tx.outbox.handed_off(row.case_id):
                tx.cases.save(before, desk.clocks.with_due(life.handoff_failed(before)))
            if words := as_written(row):
                tx.put_draft(row.case_id, row.kind, words, **drafted(row, alone=True))
        tx.log(NewEvent(f"{row.kind}.dropped", row.case_id, ref, {"row": row_id, "was": row.state}))
    return Done(f"Dropped the {row.kind} to {row.recipient}.", (row.case_id,) if row.case_id else ())


def desk_state(desk: Desk, row_id: int) -> str:
    """The state of a row in a word."""
    row = desk.store.outbox.get(row_id)
    return row.state if row else "gone"


def must_be_free(desk: Desk, row: OutboxRow) -> None:
    """Raises `Refused` for one that waits for an approval or the part of its thread before it, or was forgotten."""
    if row.case_id is not None and life.REDACTED in (case := desk.store.cases.get(row.case_id)).flags:
        raise Refused(f"{case.ref} was forgotten, and what was to leave with it.", hint=f"outbox drop {row.id}")
    if row.held:
        raise Refused(f"Row {row.id} waits for the approval of a second officer.", hint=f"outbox approve {row.id}")
    before = desk.store.outbox.get(row.after_id) if row.after_id is not None else None
    if before is not None and before.state is not OutboxState.SENT:
        raise Refused(f"Row {row.id} follows row {before.id}, which is {before.state}.", hint="See to that one first.")


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
        self._signs_in = False
        self._lock = asyncio.Lock()

    async def run(self, ids: Sequence[int] | None = None, *, ignore_windows: bool = False) -> list[Outcome]:
        """Send what is due, or just the rows `ids` whatever their undo window. Raises `Refused` when another sends.

        A row that has begun to leave is finished and put on record before a cancellation takes effect.
        """
        outcomes: list[Outcome] = []
        await self._blocking(pause.check, self._desk)
        async with self._lock, self._leased():
            await self._blocking(settle_abandoned, self._desk)
            tried: set[int] = set()
            while batch := [i for i in await self._wanted(ids, ignore_windows) if i not in tried]:
                for row_id in batch:
                    tried.add(row_id)
                    if await self._blocking(self._lease) is not None or await self._blocking(pause.words, self._desk):
                        return outcomes  # another desk goes on, or an officer stopped everything
                    outcome = await finished(self._one(row_id))
                    outcomes += [outcome] if outcome is not None else []
                # Once more: what has left makes the next part of its thread due.
        return outcomes

    @contextlib.asynccontextmanager
    async def _leased(self) -> AsyncIterator[None]:
        """The sender's lease, given back at the end. Raises `Refused` when another process has it."""
        holder = await self._blocking(self._lease)
        if holder is not None:
            raise Refused(
                f"{holder.officer} on {holder.host} is sending just now (process {holder.pid}).",
                hint="Try again in a moment.",
            )
        try:
            yield
        finally:
            await asyncio.shield(self._blocking(self._desk.store.leases.give_back, LEASE))

    def pending(self) -> bool:
        """Whether a row is due, or a dead process left one on its way. Blocking."""
        if pause.words(self._desk) is not None:
            return False
        if self._due(ignore_windows=False):
            return True
        left = self._desk.store.outbox.counts().get(OutboxState.SENDING)
        return bool(left) and self._desk.store.leases.holder(LEASE, utc_now()) is None

    async def run_patiently(self, ids: Sequence[int], seconds: float = 30.0) -> list[Outcome]:
        """Send these rows, waiting up to `seconds` for another process to finish sending."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                return await self.run(ids)
            except pause.OutgoingPaused:
                raise
            except Refused:
                if asyncio.get_running_loop().time() > deadline:
                    return []
                await asyncio.sleep(0.2)

    async def retry(self, row_id: int, *, anyway: bool = False) -> Outcome:
        """Try a failed or unknown row again; an unknown one is looked up at its source first.

        Raises `Refused` where nobody can say whether it arrived, unless `anyway`.
        """
        await self._blocking(pause.check, self._desk)
        async with self._lock, self._leased():
            # One that a dead process left on its way must be looked up, not simply sent again.
            await self._blocking(settle_abandoned, self._desk)
        row = await self._blocking(_row, self._desk, row_id)
        if row.state is OutboxState.SENT:
            raise Refused(f"Row {row_id} was sent.")
        if row.state is OutboxState.BOUNCED:
            raise Refused(
                f"The mail to {row.recipient} came back: {row.error}",
                hint="Put the address right or choose the deputy, and hand the case off again.",
            )
        await self._blocking(must_be_free, self._desk, row)
        if row.state is OutboxState.UNKNOWN and not anyway and row.kind not in REPEATABLE:
            found = await self.check(row_id)
            if found.state is OutboxState.SENT:
                return found
        async with self._lock, self._leased():
            outcome = await finished(self._one(row_id, retried=row.tries))
        return outcome or Outcome(row_id, OutboxState.UNKNOWN, "Another program took this row.")

    async def check(self, row_id: int) -> Outcome:
        """Look an unknown row up at its source. Raises `Refused` where the source cannot be asked."""
        row = await self._blocking(_row, self._desk, row_id)
        elsewhere = "bridge" in row.payload
        if not elsewhere and (row.kind in MAIL_KINDS or "recipients" in row.payload):
            raise Refused(
                f"A mail server cannot be asked whether the mail to {row.recipient} arrived.",
                hint=f"Ask them, then: outbox retry {row_id} --anyway, or outbox drop {row_id}.",
            )
        try:
            if elsewhere:
                sent = await bridging.look_up(self._desk, self._secrets, self._poller.http, row)
            else:
                sent = await self._with_channel(row, look_up=True)
        except NotPermitted as exc:
            raise Refused(exc.message, hint=f"Look there yourself, then: outbox retry {row_id} --anyway.") from exc
        except ChannelError as exc:
            raise Refused(f"The source could not be asked: {exc.message}", hint="Try again later.") from exc
        if sent is None:
            return Outcome(row_id, OutboxState.UNKNOWN, "It is not at the source.")
        await self._blocking(settle, self._desk, row, Verdict(OutboxState.SENT, sent=sent))
        return Outcome(row_id, OutboxState.SENT, notice=sent.notice)

    async def check_at_source(self, row_id: int) -> Outcome:
        """Ask the source for an unknown row, and put on record what it says; nothing is sent.

        Found: sent. Not there: failed, so that it can be tried again. Raises `Refused` where it cannot be asked.
        """
        row = await self._blocking(_row, self._desk, row_id)
        if row.state is not OutboxState.UNKNOWN:
            raise Refused(f"Row {row_id} is {row.state}: there is nothing to look up.")
        async with self._lock, self._leased():
            found = await self.check(row_id)
            if found.state is OutboxState.SENT:
                return found
            why = "It was looked for at the source, and is not there: it did not arrive."
            await self._blocking(not_there, self._desk, row, why)
        return Outcome(row_id, OutboxState.FAILED, why)

    # --- one row ------------------------------------------------------------------------------------------

    async def _one(self, row_id: int, *, retried: int | None = None) -> Outcome | None:
        """claim → send → settle. None when somebody else took the row.

        `retried`: how many tries an officer saw who wants another one, whatever the row's state is.
        """
        row = await self._blocking(self._claim, row_id, retried)
        if row is None:
            return None
        keeper = asyncio.create_task(self._keep_lease())
        try:
            verdict = await self._try(row)
        finally:
            keeper.cancel()
        await self._blocking(settle, self._desk, row, verdict)
        return Outcome(row_id, verdict.state, verdict.error, verdict.sent.notice if verdict.sent else None)

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            with contextlib.suppress(StoreError):
                await self._blocking(self._lease)

    async def _try(self, row: OutboxRow) -> Verdict:
        """Send, and say what the outcome means."""
        try:
            self._not_paused(row)
            if "recipients" in row.payload:
                if self._transport is None or self._signs_in:
                    await mail_login.renew(self._desk, self._secrets, self._poller.http)
                await self._blocking(self._mail, row)
                return Verdict(OutboxState.SENT, sent=Sent(str(row.payload["message_id"]), self._desk.clock()))
            if "bridge" in row.payload:
                sent: Sent | None = await bridging.deliver(self._desk, self._secrets, self._poller.http, row)
            else:
                sent = await self._with_channel(row)
            if sent is None:
                return Verdict(OutboxState.UNKNOWN, "The network gave no answer that can be read.")
            return Verdict(OutboxState.SENT, sent=sent)
        except SocialTriageError as exc:
            log.info("outbox row %s: %s", row.id, exc, exc_info=True)
            return judged(exc, row.tries, self._desk.clock(), repeatable=row.kind in REPEATABLE)
        except Exception as exc:
            log.exception("outbox row %s", row.id)
            why = f"A fault in socialtriage ({type(exc).__name__}); whether it left is not known."
            return Verdict(OutboxState.UNKNOWN, why)

    def _not_paused(self, row: OutboxRow) -> None:
        account = self._desk.accounts.get(row.account or "")
        if account is not None and account.paused:
            raise Unavailable(
                f"The account {account.id} is paused.", hint="It leaves when `paused` is out of the configuration."
            )

    def _mail(self, row: OutboxRow) -> None:
        if self._transport is None:
            self._transport = transport_of(self._desk, self._secrets)
            self._signs_in = True
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
        budget = Budget(30)
        channel = self._poller.channel(account, budget)
        try:
            found = await self._through(channel, row, budget, look_up)
            if look_up and found is None:
                since = vendor_clock.earlier(row.queued_at, budget, self._desk.clock())
                found = await self._through(channel, replace(row, queued_at=since), budget, True) if since else None
            return found
        finally:
            await channel.aclose()

    async def _through(self, channel: Channel, row: OutboxRow, budget: Budget, look_up: bool) -> Sent | None:
        if row.kind in MODERATION:
            if look_up:
                raise NotPermitted("Whether it was done cannot be asked.")
            return await carry_out(channel, row, self._desk.clock())
        if row.kind is OutboxKind.POST:
            return await posting.publish(channel, row, look_up=look_up)
        before, files = await self._blocking(self._goes_with, row)
        budget.seconds += sum(len(file.data) for file in files) / SLOWEST
        reply = replace(outgoing(row, before), files=files)
        return await channel.look_up(reply) if look_up else await channel.send(reply)

    # --- the store ----------------------------------------------------------------------------------------

    async def _blocking(self, work: Any, *args: Any) -> Any:
        return await asyncio.to_thread(work, *args)

    def _lease(self) -> Holder | None:
        # Leases are between processes, whose clocks do not stand still as a test's may.
        return self._desk.store.leases.take(LEASE, self._desk.officer, utc_now(), LEASE_SECONDS)

    async def _wanted(self, ids: Sequence[int] | None, ignore_windows: bool) -> Sequence[int]:
        due: list[int] = await self._blocking(self._due, ignore_windows) if ids is None else []
        return due if ids is None else ids

    def _due(self, ignore_windows: bool) -> list[int]:
        return self._desk.store.outbox.due(self._desk.clock(), ignore_windows=ignore_windows)

    def _goes_with(self, row: OutboxRow) -> tuple[tuple[str, dict[str, str]] | None, tuple[OutgoingFile, ...]]:
        """The part of a thread that a row follows, and its pictures."""
        kept = self._desk.store.replies
        return (kept.sent_as(row.after_id) if row.after_id is not None else None), kept.files(row.id)

    def _claim(self, row_id: int, retried: int | None) -> OutboxRow | None:
        with self._desk.store.transaction(self._desk.officer, self._desk.clock()) as tx:
            if not tx.outbox.claim(row_id, self._desk.clock(), retried=retried):
                return None
        return self._desk.store.outbox.get(row_id)


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end even when this task is cancelled meanwhile; the cancellation takes effect after it."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
        except Exception:
            break
    if cancelled and not task.cancelled():
        task.exception()
        raise asyncio.CancelledError
    return task.result()
