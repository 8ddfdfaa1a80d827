"""Answering at X: a reply to somebody who summoned us, a direct message; looking for one whose answer was lost.

Facts: since February 2026 an app may reply only where the author mentioned or quoted the account; nothing makes a write
repeatable, but the same words are refused with 403 ("duplicate content", not confirmed for every case), and then what
was posted is looked up. A direct message has 10,000 characters.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from socialtriage.channels import same_words
from socialtriage.channels.x_api import Api, Duplicate, Missing, text_id
from socialtriage.channels.x_items import Post, listed, moment, read_post
from socialtriage.channels.x_media import uploaded
from socialtriage.channels.x_text import LIMIT, addresses, has_link, weight
from socialtriage.domain.errors import (
    AnswerLost,
    BadPayload,
    ChannelError,
    NotPermitted,
    Rejected,
    SecretError,
    Unavailable,
)
from socialtriage.domain.models import LengthRule, OutgoingReply, Sent, StoredRef, Visibility

NOT_SUMMONED = (
    "X lets an app reply only to somebody who mentioned or quoted the account, and this message does neither."
)
IN_BROWSER = "Open the original and answer in the browser."
DIRECT_LIMIT = 10_000
CLOCKS_DIFFER = timedelta(minutes=5)
TOO_MANY = "X shows more since then than is looked through, so that it cannot be said whether it was sent."
PAGES_BACK = 5
_CONVERSATION = re.compile(r"(?:with/)?[0-9]{1,19}(?:-[0-9]{1,19})?", re.ASCII)


def summoned(message: StoredRef) -> bool:
    """Whether the author of a public message summoned us; of messages stored without that word it is believed."""
    return message.visibility is not Visibility.PUBLIC or message.reply_data.get("summoned") != "no"


def measured(text: str, visibility: Visibility) -> LengthRule:
    """The mention that X puts in front of a reply by itself weighs nothing."""
    if visibility is Visibility.PRIVATE:
        return LengthRule(len(text), DIRECT_LIMIT, "characters")
    return LengthRule(weight(text), LIMIT, "characters, counted as X does")


def kind_of(text: str, visibility: Visibility) -> str:
    """The kind of call that a reply is in the price table."""
    if visibility is Visibility.PRIVATE:
        return "dm_send"
    return "post_with_link" if has_link(text) else "reply"


class Writer:
    """Writing one reply of an account."""

    def __init__(self, api: Api, reply: OutgoingReply, now: datetime) -> None:
        self._api, self._reply, self._now = api, reply, now

    async def send(self) -> Sent:
        """Post once. Raises `Rejected`, `AnswerLost` …"""
        if self._reply.visibility is Visibility.PRIVATE:
            return await self._send_direct()
        if not summoned(self._reply.parent):
            raise Rejected(NOT_SUMMONED, hint=IN_BROWSER)
        body: dict[str, Any] = {
            "text": self._reply.text,
            "reply": {"in_reply_to_tweet_id": _parent_id(self._reply)},
        }
        if self._reply.files:
            body["media"] = {"media_ids": await uploaded(self._api, self._reply.files, "tweet_image")}
        try:
            key = await self._write("/2/tweets", body, "id")
        except Duplicate:
            found = await self.look_up()
            if found is None:
                raise
            return found
        except NotPermitted as exc:
            raise NotPermitted(exc.message, hint=IN_BROWSER) from exc
        return await self._sent(key, self._now)

    async def _send_direct(self) -> Sent:
        if self._reply.parent.visibility is Visibility.PUBLIC:
            raise NotPermitted("X does not let us write privately to the author of a public message.")
        conversation = self._conversation()
        path = f"/2/dm_conversations/{conversation}/messages"
        body: dict[str, Any] = {"text": self._reply.text}
        if self._reply.files:
            ids = await uploaded(self._api, self._reply.files, "dm_image")
            body["attachments"] = [{"media_id": each} for each in ids]
        key = await self._write(path, body, "dm_event_id")
        return Sent(remote_id=f"dm/{key}", at=self._now, reply_data={"id": key, "conversation": conversation})

    def _conversation(self) -> str:
        """Where to write. Raises `Rejected` for an id that would lead to another place."""
        parent = self._reply.parent
        conversation = parent.reply_data.get("conversation") or parent.conversation or ""
        if not _CONVERSATION.fullmatch(conversation):
            raise Rejected("X did not say which conversation that is.", hint=IN_BROWSER)
        return conversation

    async def _write(self, path: str, body: Mapping[str, Any], name: str) -> str:
        return await write(self._api, path, body, name, kind_of(self._reply.text, self._reply.visibility))

    async def _sent(self, key: str, at: datetime) -> Sent:
        return await sent_as(self._api, key, at)

    # --- looking for a lost answer ------------------------------------------------------------------------

    async def look_up(self) -> Sent | None:
        """Ours, to the same message, with the same words, not older than the order; None when X does not have it."""
        me, _ = await self._api.me()
        earliest = self._reply.queued_at - CLOCKS_DIFFER
        if self._reply.visibility is Visibility.PRIVATE:
            return await self._look_up_direct(me, earliest)
        wanted, parent = letters(self._reply.text), _parent_id(self._reply)
        async for post in own_posts(self._api, me, earliest):
            if post.answers == parent and letters(post.text) == wanted:
                return await self._sent(post.key, post.at)
        return None

    async def _look_up_direct(self, me: str, earliest: datetime) -> Sent | None:
        conversation = self._conversation()
        path = f"/2/dm_conversations/{conversation}/dm_events"
        try:
            answer = await self._api.read(path, {"max_results": "100", "event_types": "MessageCreate"}, events=True)
        except Missing:
            return None
        events = [item for item in listed(answer) if isinstance(item, dict)]
        await self._api.meter.charge("dm_read", len(events))
        for event in events:
            key = text_id(event.get("id"))
            if key is None or text_id(event.get("sender_id")) != me:
                continue
            at = moment(event.get("created_at"), key)
            if at >= earliest and letters(str(event.get("text") or "")) == letters(self._reply.text):
                return Sent(remote_id=f"dm/{key}", at=at, reply_data={"id": key, "conversation": conversation})
        times = [moment(event.get("created_at"), key) for event in events if (key := text_id(event.get("id")))]
        meta = answer.get("meta")
        if isinstance(meta, dict) and meta.get("next_token") and min(times, default=earliest) > earliest:
            raise Unavailable(TOO_MANY)
        return None


def _parent_id(reply: OutgoingReply) -> str:
    """The version of a post that is answered."""
    return reply.parent.reply_data.get("id") or reply.parent.remote_id


def letters(text: str) -> str:
    """What is left of a text when X has rendered it: letters and digits, without mentions and addresses.

    X writes its own short addresses, and adds one for pictures.
    """
    for start, end in reversed(addresses(text)):
        text = f"{text[:start]} {text[end:]}"
    words = [word for word in text.split() if not word.startswith("@") and "://" not in word]
    return same_words.letters(" ".join(words)) or "".join(text.split())


# --- what answers and posts of our own share --------------------------------------------------------------------


async def write(api: Api, path: str, body: Mapping[str, Any], name: str, kind: str) -> str:
    """Write once, and count what it costs; the new id. Raises `AnswerLost` when it may have been carried out."""
    try:
        answer = await api.call("POST", path, data=body)
    except BadPayload as exc:
        await api.meter.charge(kind)
        raise AnswerLost(f"It may have been posted: {exc.message}") from exc
    except AnswerLost:
        await api.meter.charge(kind)
        raise
    await api.meter.charge(kind)
    data = answer.get("data")
    key = text_id(data.get(name)) if isinstance(data, dict) else None
    if key is None:
        raise AnswerLost("X took the answer, but did not say that it posted it.")
    return key


async def sent_as(api: Api, key: str, at: datetime) -> Sent:
    """A post of ours as the desk remembers it. That our own name cannot be had unmakes nothing."""
    name = ""
    with contextlib.suppress(ChannelError, SecretError):
        _, name = await api.me()
    url = f"https://x.com/{name or 'i'}/status/{key}"
    return Sent(remote_id=key, at=at, url=url, reply_data={"id": key, "summoned": "yes"})


async def own_posts(api: Api, me: str, earliest: datetime) -> AsyncIterator[Post]:
    """Our own posts from `earliest` on. Raises `Unavailable` when there are too many to be sure."""
    params = {"max_results": "100", "start_time": f"{earliest:%Y-%m-%dT%H:%M:%SZ}"}
    for _ in range(PAGES_BACK):
        answer = await api.read(f"/2/users/{me}/tweets", params)
        posts = [post for post in map(read_post, listed(answer)) if post is not None]
        await api.meter.charge("own_read", len(posts))
        for post in posts:
            if post.at >= earliest:
                yield post
        meta = answer.get("meta")
        if not isinstance(meta, dict) or not meta.get("next_token"):
            return
        params = params | {"pagination_token": str(meta["next_token"])}
    raise Unavailable(TOO_MANY)
