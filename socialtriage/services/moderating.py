"""How a hide, a deletion, a block or a report leaves: the row of the outbox, the call to the network, what follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from socialtriage.channels.base import Channel, Deletes, Lifts, Moderates
from socialtriage.domain.errors import NotPermitted
from socialtriage.domain.models import Author, OutboxKind, SafeText, Sent, StoredRef, Visibility
from socialtriage.domain.times import iso
from socialtriage.store.moderation import HIDDEN, Target
from socialtriage.store.outbox import OutboxRow
from socialtriage.store.store import Transaction

MODERATION = frozenset(
    (
        OutboxKind.HIDE,
        OutboxKind.UNHIDE,
        OutboxKind.DELETE,
        OutboxKind.BLOCK,
        OutboxKind.UNBLOCK,
        OutboxKind.MUTE,
        OutboxKind.UNMUTE,
        OutboxKind.REPORT,
    )
)
REPEATABLE = MODERATION - {OutboxKind.REPORT}
"""Kinds that change nothing when they are done twice: after a lost answer they are simply done again."""
TAKES_BACK = {
    OutboxKind.UNHIDE: OutboxKind.HIDE,
    OutboxKind.UNBLOCK: OutboxKind.BLOCK,
    OutboxKind.UNMUTE: OutboxKind.MUTE,
}


def payload_of(target: Target, why: str) -> dict[str, Any]:
    """What a row needs to be carried out later, by whichever process sends it."""
    author, ref = target.author, target.message
    return {
        "author": {"key": author.key, "handle": author.handle, "name": author.name, "url": author.url},
        "about": {
            "remote_id": ref.remote_id,
            "thread": ref.thread,
            "conversation": ref.conversation,
            "visibility": ref.visibility,
            "reply_data": dict(ref.reply_data),
        },
        "why": why,
        "of_message": target.message_id,
        "of_person": target.person_id,
    }


async def carry_out(channel: Channel, row: OutboxRow, now: datetime) -> Sent:
    """Do at the network what the row says. Raises `ChannelError`, `SecretError`."""
    message = _message(row.payload["about"])
    author = _author(row.payload["author"], message)
    kind = row.kind
    if kind in (OutboxKind.UNBLOCK, OutboxKind.UNMUTE):
        if not isinstance(channel, Lifts):
            raise NotPermitted(f"This network's interface has no {kind}.", hint="Do it on its own page.")
        await (channel.unblock if kind is OutboxKind.UNBLOCK else channel.unmute)(author)
        return Sent(row.key, now)
    if kind is OutboxKind.DELETE:
        if not isinstance(channel, Deletes):
            raise NotPermitted("This network's interface deletes no messages of others.", hint="Do it on its own page.")
        await channel.delete(message)
        return Sent(row.key, now)
    if not isinstance(channel, Moderates):
        raise NotPermitted(f"This network's interface has no {kind}.", hint="Do it on its own page.")
    if kind is OutboxKind.REPORT:
        await channel.report(author, message, str(row.payload["why"]))
    elif kind in (OutboxKind.HIDE, OutboxKind.UNHIDE):
        await (channel.hide if kind is OutboxKind.HIDE else channel.unhide)(message)
    else:
        await (channel.block if kind is OutboxKind.BLOCK else channel.mute)(author)
    return Sent(row.key, now)


def follow(tx: Transaction, kind: OutboxKind, account: str, of: Mapping[str, Any]) -> None:
    """What was done is true of the message and of earlier actions: hidden, shown again, deleted, lifted."""
    message_id, person_id = of.get("of_message"), of.get("of_person")
    if kind is OutboxKind.HIDE:
        tx.moderation.mark_message(message_id, HIDDEN)
    elif kind is OutboxKind.UNHIDE:
        tx.moderation.mark_message(message_id, "received")
    elif kind is OutboxKind.DELETE and message_id is not None:
        tx.intake.mark_gone([message_id], iso(tx.at))
    if kind in TAKES_BACK:
        tx.moderation.lifted(
            TAKES_BACK[kind], message_id=message_id, person_id=person_id, account=account, at=iso(tx.at)
        )


def _author(data: Mapping[str, Any], message: StoredRef) -> Author:
    return Author(data["key"], SafeText(data["handle"]), SafeText(data["name"]), data.get("url"), message.reply_data)


def _message(data: Mapping[str, Any]) -> StoredRef:
    return StoredRef(
        data["remote_id"], data["thread"], data["conversation"], Visibility(data["visibility"]), data["reply_data"]
    )
