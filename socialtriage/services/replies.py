"""Answering a resident on the network they used: what would be posted, where, and the rows that leave."""

from __future__ import annotations

import secrets as tokens
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from socialtriage.channels.base import Channel, Price, Window
from socialtriage.config.model import AccountConfig
from socialtriage.domain import cases as life
from socialtriage.domain import replying
from socialtriage.domain.cases import Case
from socialtriage.domain.errors import Refused, UsageError
from socialtriage.domain.models import LengthRule, OutboxKind, OutgoingFile, Visibility
from socialtriage.domain.text import clean
from socialtriage.domain.times import iso
from socialtriage.domain.views import CaseDetail, Done
from socialtriage.mail.address import Mailbox
from socialtriage.mail.compose import Attachment, Composed, ReplyMail, compose_reply_mail, message_id
from socialtriage.services import approvals, inbox, reply_checks, reply_files, reply_place, saved_answers
from socialtriage.services.desk import Desk
from socialtriage.services.handoff import sender_of, undo_window
from socialtriage.services.reply_rows import rows_of
from socialtriage.services.reply_rules import (
    THREADED,
    answerable_of,
    channel_of,
    check_account,
    check_allowed,
    sign_off_of,
)
from socialtriage.services.triage import change_of, check_version
from socialtriage.store.log import NewEvent
from socialtriage.store.messages import Answerable
from socialtriage.store.replies import APPROVAL
from socialtriage.store.rows import MASK, RESTRICTED
from socialtriage.store.store import Transaction

if TYPE_CHECKING:
    from socialtriage.services.sync import Poller


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the officer wants beside the words."""

    private: bool = False
    """In private, although the message may be public."""
    split: bool = False
    """Consent to a thread of several posts where one is too long."""
    promise: datetime | None = None
    """There will be more by then: it becomes the case's deadline."""
    answer: str | None = None
    """The saved answer that the words began as, whose use is counted."""
    acknowledge: bool = False
    """Only a sign that we have it: stops no clock but that of the acknowledgement."""
    seen: int | None = None
    """The version of the case that the officer looked at; None for the one that is read now."""
    attach: tuple[tuple[str, str], ...] = ()
    """Pictures that go with it: where each is, and what is on it for those who cannot see it."""
    message: int | None = None
    """Which of the resident's messages is answered, in a case of several places; None for the newest."""


PLAIN = Wishes()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyDraft:
    """A reply as it would leave."""

    case_id: int
    ref: str
    version: int
    account: str
    network: str
    to: str
    visibility: Visibility
    text: str
    """The exact words, the sign-off included; of a thread all of its parts, a blank line between them."""
    length: LengthRule
    """Of the text, or of the longest part of a thread."""
    answerable: Answerable
    key: str
    warnings: tuple[str, ...]
    mail: Composed | None = None
    """Set when the answer leaves as email."""
    parts: tuple[str, ...] = ()
    """The posts of a thread, in order; one post is one part."""
    written: str = ""
    """What the officer wrote, without the sign-off: it is the draft again when the reply is taken back."""
    wishes: Wishes = PLAIN
    place: str = ""
    """Where it will appear, in a sentence."""
    window: Window | None = None
    """How long the network lets us answer, where it says so."""
    files: tuple[OutgoingFile, ...] = ()
    """The pictures as they leave, without what they say about their maker."""
    apart: bool = False
    """They leave as messages of their own, after the words."""
    held: bool = False
    """It will wait for the approval of a second officer."""
    price: Price | None = None
    """What the vendor charges for it, where one does."""


def prepare(
    desk: Desk, channel: Channel | None, case_id: int, text: str, *, private: bool = False, wishes: Wishes | None = None
) -> ReplyDraft:
    """Make a reply without queueing it. `channel` is the account's; None for a mailbox.

    Raises `Refused` with the reason when it cannot be sent like that, `Stale` when the case is not the one seen.
    """
    wishes = wishes or Wishes(private=private)
    goal = _goal(desk, channel, case_id, wishes)
    detail, handle = goal.detail, str(goal.answerable.author.handle)
    words = _said_in(text)
    whole = replying.signed(words, sign_off_of(desk, goal.account.id))
    able = channel.capabilities if channel else None
    files = reply_files.read(wishes.attach, able)
    parts, length = _parts(channel, whole, goal.visibility, handle, goal.network, wishes)
    reply_place.refuse_declined(channel, parts)
    price = reply_place.price(channel, goal.account, parts, goal.visibility)
    wording = reply_checks.Wording(whole, goal.visibility, handle, bool(files), wishes.promise, wishes.message)
    apart = bool(able and able.pictures_apart and goal.visibility is Visibility.PRIVATE)
    unseen = reply_files.unseen(files, able, goal.network, apart=apart)
    draft = ReplyDraft(
        case_id=case_id,
        ref=detail.row.ref,
        version=detail.row.version,
        account=goal.account.id,
        network=goal.network,
        to=handle,
        visibility=goal.visibility,
        text="\n\n".join(parts),
        length=length,
        answerable=goal.answerable,
        key=tokens.token_hex(16),
        warnings=(*_warnings(desk, detail, wording, price), *unseen),
        parts=parts,
        written=words,
        wishes=replace(wishes, promise=_promised(desk, detail, whole, wishes)),
        place=reply_place.appears(detail, goal.answerable, goal.visibility, goal.network),
        window=goal.window,
        files=files,
        apart=apart,
        held=approvals.supervised(desk),
        price=price,
    )
    return replace(draft, mail=_mail(desk, draft)) if goal.account.network == "imap" else draft


@dataclass(frozen=True, slots=True)
class _Goal:
    """What is answered, by which account, for whose eyes, until when."""

    detail: CaseDetail
    answerable: Answerable
    account: AccountConfig
    network: str
    visibility: Visibility
    window: Window | None


def _goal(desk: Desk, channel: Channel | None, case_id: int, wishes: Wishes) -> _Goal:
    """Raises `Refused` where it cannot be answered so, `Stale` when the case is not the one seen."""
    detail = inbox.detail(desk, case_id)
    _as_seen(desk, detail, wishes.seen)
    answerable = answerable_of(desk, detail, wishes.message)
    check_account(desk, detail, answerable)
    account = desk.accounts[answerable.account]
    network = desk.network_of(account)
    visibility = Visibility.PRIVATE if wishes.private else answerable.message.visibility
    if channel is not None:
        _may(channel, account, answerable, visibility, network, wishes)
    window = reply_place.window(channel, account, answerable, visibility)
    reply_place.refuse_outside(window, detail, answerable, desk.clock(), desk.zone)
    return _Goal(detail, answerable, account, network, visibility, window)


def _may(
    channel: Channel,
    account: AccountConfig,
    answerable: Answerable,
    visibility: Visibility,
    network: str,
    wishes: Wishes,
) -> None:
    """Raises `Refused` for what the network does not let us do."""
    if account.network != "imap":
        check_allowed(channel.capabilities, answerable, visibility, network)
        reply_place.refuse_objected(channel, account, answerable, visibility)
    begins = visibility is Visibility.PRIVATE and answerable.message.visibility is Visibility.PUBLIC
    reply_files.check_allowed(channel.capabilities, visibility, wishes.attach, network, begins=begins)


def _warnings(desk: Desk, detail: CaseDetail, wording: reply_checks.Wording, price: Price | None) -> tuple[str, ...]:
    """What is to be thought about before it leaves; what it costs first, where that is much."""
    return (*([price.why] if price and price.dear else []), *reply_checks.warnings(desk, detail, wording))


def _said_in(text: str) -> str:
    """The words of a text, cleaned. Raises `UsageError` where there are none, `Refused` for an unfilled placeholder."""
    words = clean(text).strip()
    if not words:
        raise UsageError("The reply is empty.")
    reply_checks.refuse_unfilled(words)
    return words


def _as_seen(desk: Desk, detail: CaseDetail, seen: int | None) -> None:
    if seen is not None and seen != detail.row.version:
        check_version(desk, desk.store.cases.get(detail.row.id), {detail.row.id: seen})


def _promised(desk: Desk, detail: CaseDetail, text: str, wishes: Wishes) -> datetime | None:
    """The promise that goes with a reply: a new one, or the case's own when the words repeat it.

    A reply that repeats a promise does not keep it.
    """
    if wishes.acknowledge:
        return None
    if wishes.promise is not None:
        if wishes.promise <= desk.clock():
            raise Refused("The moment that is promised has passed.", hint="Promise a later one.")
        return wishes.promise
    open_promise = detail.promised_at if detail.promise_kept is None else None
    repeated = open_promise is not None and saved_answers.moment_of(desk, open_promise) in text
    return open_promise if repeated and open_promise and open_promise > desk.clock() else None


def _parts(
    channel: Channel | None, text: str, visibility: Visibility, handle: str, network: str, wishes: Wishes
) -> tuple[tuple[str, ...], LengthRule]:
    """The posts, and the length of the longest. Raises `Refused` when it is too long and may not be split."""
    if channel is None:
        return (text,), LengthRule(len(text), None, "characters")

    caption = channel.capabilities.caption if wishes.attach else 0

    def measure(part: str) -> LengthRule:
        rule = channel.measure(part, visibility, handle)
        return replace(rule, limit=min(rule.limit or caption, caption)) if caption else rule

    whole = measure(text)
    if _fits(whole):
        return (text,), whole
    over = f"{whole.used - (whole.limit or 0)} too many"
    said = f"The reply has {whole.words}: {over}."
    if network not in THREADED:
        raise Refused(said, hint="Shorten it.")
    try:
        parts = replying.split(text, lambda part: _fits(measure(part)))
    except ValueError as exc:
        raise Refused(said, hint=f"Shorten it. {exc}") from exc
    if not wishes.split:
        raise Refused(said, hint=f"Shorten it, or send it as a thread of {len(parts)} posts.")
    return parts, max(map(measure, parts), key=lambda rule: rule.used)


def _fits(rule: LengthRule) -> bool:
    return rule.limit is None or rule.used <= rule.limit


def _mail(desk: Desk, draft: ReplyDraft) -> Composed:
    a = draft.answerable
    sender = sender_of(desk)
    data = a.message.reply_data
    parent_id = data.get("message_id", "")
    references = (*a.references, *((parent_id,) if parent_id and parent_id not in a.references else ()))
    return compose_reply_mail(
        ReplyMail(
            message_id=message_id(draft.ref, draft.key, sender.domain),
            sender=sender,
            to=Mailbox.parse(data.get("reply_to") or str(a.author.key)),
            subject=a.subject or "Your message",
            text=draft.text,
            references=references,
            ref=draft.ref,
            date=desk.clock(),
            zone=desk.zone,
            attachments=tuple(Attachment(file.name, file.mime, file.data) for file in draft.files),
        )
    )


def saved(desk: Desk, case_id: int, answer_id: str, now: datetime) -> str:
    """A saved answer for a case; see `saved_answers.wording`."""
    return saved_answers.wording(desk, case_id, answer_id, now)


def queue(desk: Desk, draft: ReplyDraft, *, undo_seconds: float | None = None) -> Done:
    """Put a reply into the outbox, of a thread every part. Raises `Stale` when the case changed since the draft."""
    return queue_all(desk, (draft,), undo_seconds=undo_seconds)


def queue_all(desk: Desk, drafts: Sequence[ReplyDraft], *, undo_seconds: float | None = None) -> Done:
    """Put the replies to one case, each for a place of its own, into the outbox: all of them, or none.

    Raises `Stale` when the case changed since they were made.
    """
    now, first = desk.clock(), drafts[0]
    with desk.store.transaction(desk.officer, now) as tx:
        before = tx.cases.get(first.case_id)
        check_version(desk, before, {first.case_id: first.version})
        after = desk.clocks.with_due(life.touched(before))
        version = _next_version(tx, before, after)
        row_ids: list[int] = []
        # Of several places none leaves while another could still be taken back: one undo is for all.
        not_before = now + max(undo_window(desk, draft.account, undo_seconds) for draft in drafts)
        places = [draft.wishes.message for draft in drafts if draft.wishes.message is not None]
        for draft in drafts:
            row_ids += _rows(desk, tx, draft, not_before, version, places)
            tx.log(NewEvent("reply.queued", draft.case_id, draft.ref, _logged(draft), draft.text))
        if not first.wishes.acknowledge:
            tx.put_draft(first.case_id, OutboxKind.REPLY, "")
        said = _said(drafts, MASK if RESTRICTED in before.flags else first.to)
        tx.undo.add(desk.seat, now, said, [change_of(before, after)], row_ids)
    return Done(said, (first.case_id,), row_ids[0], tuple(row_ids))


def _rows(
    desk: Desk, tx: Transaction, draft: ReplyDraft, not_before: datetime, version: int, places: Sequence[int]
) -> list[int]:
    """Queue what a reply consists of, each part after the one before it."""
    row_ids: list[int] = []
    for row, files in rows_of(draft, not_before, version, places):
        row_ids.append(tx.outbox.add(replace(row, after_id=row_ids[-1] if row_ids else None), desk.officer, tx.at))
        tx.replies.add_files(row_ids[-1], files)
    return row_ids


def _next_version(tx: Transaction, before: Case, after: Case) -> int:
    """Save the case as a new version, changed or not: who wrote another answer meanwhile is told of this one."""
    saved = tx.cases.save(before, after)
    if saved.version == before.version:
        tx.cases.bump(before.id)
    return before.version + 1


def _logged(draft: ReplyDraft) -> dict[str, Any]:
    detail: dict[str, Any] = {"to": draft.to, "account": draft.account, "visibility": draft.visibility}
    if len(draft.parts) > 1:
        detail["parts"] = len(draft.parts)
    if draft.wishes.answer:
        detail["answer"] = draft.wishes.answer
    if draft.wishes.promise:
        detail["promise"] = iso(draft.wishes.promise)
    if draft.wishes.acknowledge:
        detail["acknowledge"] = True
    if draft.files:
        detail["pictures"] = len(draft.files)
    if draft.held:
        detail["held"] = APPROVAL
    if draft.warnings:
        # How many, not which: they may name people, and this part of the log is never changed.
        detail["warnings"] = len(draft.warnings)
    return detail


def _said(drafts: Sequence[ReplyDraft], to: str) -> str:
    first = drafts[0]
    verb = "Acknowledged" if first.wishes.acknowledge else "Answered"
    parts = f" in {len(first.parts)} posts" if len(first.parts) > 1 and len(drafts) == 1 else ""
    where = f" in {len(drafts)} places" if len(drafts) > 1 else ""
    held = " It waits for the approval of a second officer." if first.held else ""
    return f"{verb} {to} on {first.ref}{where}{parts}.{held}"


async def draft(
    desk: Desk,
    poller: Poller,
    case_id: int,
    text: str,
    *,
    private: bool = False,
    wishes: Wishes | None = None,
) -> ReplyDraft:
    """Make a reply with the channel of the case's account; the network is asked for its rules where it has some."""
    async with channel_of(desk, poller, case_id, wishes.message if wishes else None) as channel:
        return prepare(desk, channel, case_id, text, private=private, wishes=wishes)
