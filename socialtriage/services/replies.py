"""Answering a resident on the network they used: what would be posted, where, and the row that leaves."""

from __future__ import annotations

import contextlib
import re
import secrets as tokens
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from socialtriage.channels.base import Channel, LearnsRules
from socialtriage.channels.http import Budget
from socialtriage.config.model import SavedAnswer
from socialtriage.domain import cases as life
from socialtriage.domain.errors import ChannelError, NotFound, Refused, SecretError, UsageError
from socialtriage.domain.models import Capabilities, LengthRule, OutboxKind, Visibility
from socialtriage.domain.redact import find_personal
from socialtriage.domain.text import clean
from socialtriage.domain.views import Done
from socialtriage.mail.address import Mailbox
from socialtriage.mail.compose import Composed, ReplyMail, compose_reply_mail, message_id
from socialtriage.services import inbox
from socialtriage.services.desk import Desk
from socialtriage.services.handoff import sender_of, undo_window
from socialtriage.services.triage import change_of, check_version
from socialtriage.store.log import NewEvent
from socialtriage.store.messages import Answerable
from socialtriage.store.outbox import NewRow

if TYPE_CHECKING:
    from socialtriage.services.sync import Poller

PLACEHOLDER = re.compile(r"\{(ref|due|link|name|promise|area|phone|contact|organisation)\}")


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
    length: LengthRule
    answerable: Answerable
    key: str
    warnings: tuple[str, ...]
    mail: Composed | None = None
    """Set when the answer leaves as email."""


def prepare(desk: Desk, channel: Channel | None, case_id: int, text: str, *, private: bool = False) -> ReplyDraft:
    """Make a reply without queueing it. `channel` is the account's; None for a mailbox.

    Raises `Refused` with the reason when it cannot be sent like that.
    """
    detail = inbox.detail(desk, case_id)
    answerable = desk.store.messages.to_answer(case_id)
    if answerable is None:
        raise Refused(f"{detail.row.ref} has no message of a resident that could be answered.")
    words = clean(text).strip()
    if not words:
        raise UsageError("The reply is empty.")
    left = PLACEHOLDER.findall(words)
    if left:
        raise Refused(f"The reply still holds {', '.join('{' + name + '}' for name in left)}.", hint="Fill it in.")
    account = desk.accounts.get(answerable.account)
    if account is None:
        raise Refused(
            f"{detail.row.ref} came by {answerable.account}, which is no account of the desk.",
            hint="Answer there, and close the case with its outcome.",
        )
    visibility = Visibility.PRIVATE if private else answerable.message.visibility
    if account.network != "imap" and channel is not None:
        _allowed(channel.capabilities, answerable, visibility, detail.row.network)
    handle = str(answerable.author.handle)
    length = _length(channel, words, visibility, handle)
    draft = ReplyDraft(
        case_id=case_id,
        ref=detail.row.ref,
        version=detail.row.version,
        account=account.id,
        network=detail.row.network,
        to=handle,
        visibility=visibility,
        text=words,
        length=length,
        answerable=answerable,
        key=tokens.token_hex(16),
        warnings=tuple(_warnings(words, visibility)),
    )
    return replace(draft, mail=_mail(desk, draft)) if account.network == "imap" else draft


def _length(channel: Channel | None, words: str, visibility: Visibility, handle: str) -> LengthRule:
    """The count by the network's own rule. Raises `Refused` when it is too long."""
    if channel is None:
        return LengthRule(len(words), None, "characters")
    length = channel.measure(words, visibility, handle)
    if length.limit is not None and length.used > length.limit:
        over = f"{length.used - length.limit} too many"
        raise Refused(f"The reply has {length.used} of {length.limit} {length.unit}: {over}.", hint="Shorten it.")
    return length


def _allowed(able: Capabilities, answerable: Answerable, visibility: Visibility, network: str) -> None:
    public_parent = answerable.message.visibility is Visibility.PUBLIC
    if visibility is Visibility.PUBLIC and not able.reply_public:
        raise Refused(f"{network} cannot be answered in public from here.", hint="Open the original and answer there.")
    if visibility is Visibility.PRIVATE and public_parent and not able.start_private:
        raise Refused(f"{network} does not let us write privately to the author of a public message.")
    if visibility is Visibility.PRIVATE and not public_parent and not able.reply_private:
        raise Refused(f"{network} cannot be answered in private from here.", hint="Open the original and answer there.")


def _warnings(text: str, visibility: Visibility) -> list[str]:
    if visibility is Visibility.PRIVATE:
        return []
    kinds = sorted({found.kind.replace("_", " ") for found in find_personal(text)})
    return [f"This is PUBLIC and holds personal data: {', '.join(kinds)}."] if kinds else []


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
        )
    )


def saved(desk: Desk, case_id: int, answer_id: str, now: datetime) -> str:
    """A saved answer for a case: its network's variant, filled in as far as the case knows.

    Raises `NotFound`, and `Refused` for one that expired.
    """
    answers = {answer.id: answer for answer in desk.config.answers}
    answer = answers.get(answer_id)
    if answer is None:
        raise NotFound(f"There is no saved answer {answer_id!r}.", hint=f"There are: {', '.join(answers) or 'none'}.")
    if answer.expires is not None and answer.expires < now.astimezone(desk.zone).date():
        raise Refused(
            f"The saved answer {answer_id} expired on {answer.expires}.", hint="Renew it in the configuration."
        )
    return _filled(desk, case_id, answer)


def _filled(desk: Desk, case_id: int, answer: SavedAnswer) -> str:
    detail = inbox.detail(desk, case_id)
    row = detail.row
    area = desk.areas.get(answer.area or row.area or "")
    away = desk.store.accounts.away()
    contact = next((desk.contacts[c] for c in (area.contacts if area else ()) if c not in away), None)
    values = {
        "ref": row.ref,
        "name": row.name.split(" ")[0] if row.name else "",
        "link": (area.self_serve if area else None) or "",
        "area": area.name if area else "",
        "phone": desk.config.organisation.phone or "",
        "contact": contact.name if contact else "",
        "organisation": desk.config.organisation.name,
        "due": _to_come(desk, row.due_at),
        "promise": _to_come(desk, detail.promised_at),
    }
    text = answer.for_.get(row.network, answer.text)
    return PLACEHOLDER.sub(lambda m: values[m[1]] or m[0], text)


def _to_come(desk: Desk, at: datetime | None) -> str:
    """A moment in words; one that is over would be a promise broken as it is made, so that its placeholder stays."""
    return f"{at.astimezone(desk.zone):%A %d %B, %H:%M}" if at is not None and at > desk.clock() else ""


def queue(desk: Desk, draft: ReplyDraft, *, undo_seconds: float | None = None) -> Done:
    """Put a reply into the outbox. Raises `Stale` when the case changed since the draft was made."""
    now = desk.clock()
    window = undo_window(desk, draft.account, undo_seconds)
    with desk.store.transaction(desk.officer, now) as tx:
        before = tx.cases.get(draft.case_id)
        check_version(desk, before, {draft.case_id: draft.version})
        after = desk.clocks.with_due(life.touched(before))
        tx.cases.save(before, after)
        row_id = tx.outbox.add(_row(draft, now + window), desk.officer, now)
        detail = {"to": draft.to, "account": draft.account, "visibility": draft.visibility}
        tx.log(NewEvent("reply.queued", draft.case_id, draft.ref, detail, draft.text))
        tx.put_draft(draft.case_id, OutboxKind.REPLY, "")
        said = f"Answered {draft.to} on {draft.ref}."
        tx.undo.add(desk.officer, now, said, [change_of(before, after)], [row_id])
    return Done(said, (draft.case_id,), row_id)


def _row(draft: ReplyDraft, not_before: datetime) -> NewRow:
    a = draft.answerable
    payload: dict[str, Any] = {
        "visibility": draft.visibility,
        "to": {"key": a.author.key, "handle": a.author.handle, "name": a.author.name, "url": a.author.url},
        "parent": {
            "remote_id": a.message.remote_id,
            "thread": a.message.thread,
            "conversation": a.message.conversation,
            "visibility": a.message.visibility,
            "reply_data": dict(a.message.reply_data),
        },
        "subject": a.subject,
        "references": list(a.references),
        "language": a.language,
    }
    if draft.mail is not None:
        payload |= {
            "message_id": draft.mail.message_id,
            "sender": draft.mail.sender,
            "recipients": list(draft.mail.recipients),
            "subject": draft.mail.subject,
        }
    return NewRow(
        kind=OutboxKind.REPLY,
        recipient=draft.to,
        key=draft.key,
        payload=payload,
        case_id=draft.case_id,
        account=draft.account,
        body=draft.text,
        data=draft.mail.data if draft.mail else None,
        not_before=not_before,
    )


async def draft(desk: Desk, poller: Poller, case_id: int, text: str, *, private: bool = False) -> ReplyDraft:
    """Make a reply with the channel of the case's account; the network is asked for its rules where it has some."""
    answerable = desk.store.messages.to_answer(case_id)
    account = desk.accounts.get(answerable.account) if answerable else None
    if account is None:
        return prepare(desk, None, case_id, text, private=private)
    channel = poller.channel(account, Budget(15))
    try:
        if isinstance(channel, LearnsRules):
            # Without an answer there is no limit to hold the text against; the server has the last word then.
            with contextlib.suppress(ChannelError, SecretError):
                await channel.learn_rules()
        return prepare(desk, channel, case_id, text, private=private)
    finally:
        await channel.aclose()
