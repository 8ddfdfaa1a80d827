"""What a bot says: an answer to a message, with a picture or without, and a post in the organisation's channel.

Source: Bot API 10.1. `sendPhoto` takes one picture of at most 10 MB, handed in with the message itself, and a caption
of at most 1024 characters; the interface has no place for words that say what is on it. `chat_id` may be the name of a
channel (`@name`) whose administrator the bot is. Nothing that was said can be asked for again, so that a lost answer
stays unknown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.multipart import form_with
from socialtriage.channels.telegram_api import Api, Forbidden, Migrated, connect
from socialtriage.channels.telegram_items import remote_id, split_id
from socialtriage.domain.errors import AnswerLost, BadPayload, NotPermitted, Rejected
from socialtriage.domain.models import LengthRule, OutgoingFile, OutgoingPost, OutgoingReply, Sent

LIMIT = 4_096
"""Characters of a text, counted as UTF-16 code units like every length and offset of the interface."""
CAPTION = 1_024
PICTURE_BYTES = 10_000_000
KINDS = ("image/jpeg", "image/png", "image/webp")
"""What `sendPhoto` shows as a picture: a moving one would stand still."""
PLACES = ("message_thread_id", "direct_messages_topic_id")
"""Parameters of sendMessage that come with the message that is answered."""


def measured(text: str) -> LengthRule:
    """UTF-16 code units, as Telegram counts: most emoji are two."""
    return LengthRule(len(text.encode("utf-16-le", "surrogatepass")) // 2, LIMIT, "UTF-16 characters")


async def send(ctx: ChannelContext, reply: OutgoingReply) -> Sent:
    """Send once, as a reply to the message. Raises `Rejected` where the person has shut the bot out."""
    place = split_id(reply.parent.remote_id)
    if place is None:
        raise Rejected("The message that this answers is not one of Telegram's.")
    _fits(reply.text, "reply", CAPTION if reply.files else LIMIT)
    api = await connect(ctx)
    chat, number = place
    beside = {
        "reply_parameters": {"message_id": number, "allow_sending_without_reply": True},
        **{name: int(reply.parent.reply_data[name]) for name in PLACES if name in reply.parent.reply_data},
    }
    file = reply.files[0] if reply.files else None
    try:
        try:
            message = await _said(api, chat, reply.text, file, beside)
        except Migrated as moved:
            message = await _said(api, moved.chat, reply.text, file, {})
    except Forbidden as exc:
        raise Rejected(f"Telegram does not let the bot write to {reply.to.handle}: {exc.message}") from exc
    except BadPayload as exc:
        raise AnswerLost(exc.message) from exc
    return sent(message, ctx.clock())


async def publish(ctx: ChannelContext, post: OutgoingPost) -> Sent:
    """Say something in the channel, once. Raises `NotPermitted` where the bot may not, or no channel is named."""
    channel = (ctx.account.channel or "").strip()
    if not channel:
        raise NotPermitted(NO_CHANNEL)
    _fits(post.text, "statement", LIMIT)
    api = await connect(ctx)
    try:
        message = await _said(api, channel, post.text, None, {})
    except Forbidden as exc:
        hint = "Make the bot an administrator of the channel, with the right to post."
        raise NotPermitted(f"Telegram does not let the bot write in {channel}: {exc.message}", hint=hint) from exc
    except BadPayload as exc:
        raise AnswerLost(exc.message) from exc
    found = sent(message, ctx.clock())
    number = found.remote_id.rpartition("/")[2]
    url = f"https://t.me/{channel[1:]}/{number}" if channel.startswith("@") else None
    return replace(found, url=url)


NO_CHANNEL = (
    "A bot speaks to everybody in a channel only: make it an administrator of the organisation's, and name that as"
    ' `channel = "@name"` of the account.'
)


def _fits(text: str, what: str, limit: int) -> None:
    if not text.strip():
        raise Rejected(f"The {what} is empty.")
    length = measured(text)
    if length.used > limit:
        raise Rejected(f"The {what} is too long for Telegram: {length.used} {length.unit} of at most {limit}.")


async def _said(api: Api, chat: int | str, text: str, file: OutgoingFile | None, beside: Mapping[str, Any]) -> Any:
    """One message, which is the only call: what comes with it is handed in with it."""
    if file is None:
        return await api.post("sendMessage", {"chat_id": chat, "text": text, **beside})
    fields = {"chat_id": str(chat), "caption": text}
    fields |= {name: value if isinstance(value, str) else json.dumps(value) for name, value in beside.items()}
    content, headers = form_with(fields, "photo", file)
    return await api.hand_in("sendPhoto", content, headers)


def sent(message: Any, now: datetime) -> Sent:
    """What Telegram answers to a message that it took. Raises `AnswerLost` for anything else."""
    try:
        chat, number, at = message["chat"]["id"], message["message_id"], message["date"]
        when = datetime.fromtimestamp(at, now.tzinfo)
        if not _whole(chat) or not _whole(number):
            raise TypeError
    except (TypeError, KeyError, ValueError, OverflowError, OSError):
        raise AnswerLost("Telegram took the message, but its answer cannot be read.") from None
    return Sent(remote_id(chat, number), when)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
