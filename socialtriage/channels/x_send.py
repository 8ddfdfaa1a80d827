"""Answering at X: a reply to somebody who summoned us, a direct message; looking for one whose answer was lost.

Facts: since February 2026 an app may reply only where the author mentioned or quoted the account; nothing makes a write
repeatable, but the same words are refused with 403 ("duplicate content", not confirmed for every case), and then what
was posted is looked up. A direct message has 10,000 characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from socialtriage.channels.x_api import Api, Duplicate, Missing, text_id
from socialtriage.channels.x_items import items_of, moment, read_post
from socialtriage.channels.x_text import LIMIT, has_link, weight
from socialtriage.domain.errors import AnswerLost, BadPayload, NotPermitted, Rejected, Unavailable
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
        body = {"text": self._reply.text, "reply": {"in_reply_to_tweet_id": _parent_id(self._reply)}}
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
        key = await self._write(path, {"text": self._reply.text}, "dm_event_id")
        return Sent(remote_id=f"dm/{key}", at=self._now, reply_data={"id": key, "conversation": conversation})

    def _conversation(self) -> str:
        """Where to write. Raises `Rejected` for an id that would lead to another place."""
        parent = self._reply.parent
        conversation = parent.reply_data.get("conversation") or parent.conversation or ""
        if not _CONVERSATION.fullmatch(conversation):
            raise Rejected("X did not say which conversation that is.", hint=IN_BROWSER)
        return conversation

    async def _write(self, path: str, body: Mapping[str, Any], name: str) -> str:
        kind = kind_of(self._reply.text, self._reply.visibility)
        try:
            answer = await self._api.call("POST", path, data=body)
        except BadPayload as exc:
            await self._api.meter.charge(kind)
            raise AnswerLost(f"It may have been posted: {exc.message}") from exc
        except AnswerLost:
            await self._api.meter.charge(kind)
            raise
        await self._api.meter.charge(kind)
        data = answer.get("data")
        key = text_id(data.get(name)) if isinstance(data, dict) else None
        if key is None:
            raise AnswerLost("X took the answer, but did not say that it posted it.")
        return key

    async def _sent(self, key: str, at: datetime) -> Sent:
        _, name = await self._api.me()
        return Sent(
            remote_id=key,
            at=at,
            url=f"https://x.com/{name or 'i'}/status/{key}",
            reply_data={"id": key, "summoned": "yes"},
        )

    # --- looking for a lost answer ------------------------------------------------------------------------

    async def look_up(self) -> Sent | None:
        """Ours, to the same message, with the same words, not older than the order; None when X does not have it."""
        me, _ = await self._api.me()
        earliest = self._reply.queued_at - CLOCKS_DIFFER
        if self._reply.visibility is Visibility.PRIVATE:
            return await self._look_up_direct(me, earliest)
        params = {"max_results": "100", "start_time": f"{earliest:%Y-%m-%dT%H:%M:%SZ}"}
        wanted, parent = _letters(self._reply.text), _parent_id(self._reply)
        for _ in range(PAGES_BACK):
            answer = await self._api.read(f"/2/users/{me}/tweets", params)
            posts = [post for post in map(read_post, _listed(answer)) if post is not None]
            await self._api.meter.charge("own_read", len(posts))
            for post in posts:
                if post.answers == parent and post.at >= earliest and _letters(post.text) == wanted:
                    return await self._sent(post.key, post.at)
            meta = answer.get("meta")
            if not isinstance(meta, dict) or not meta.get("next_token"):
                return None
            params = params | {"pagination_token": str(meta["next_token"])}
        raise Unavailable(TOO_MANY)

    async def _look_up_direct(self, me: str, earliest: datetime) -> Sent | None:
        conversation = self._conversation()
        path = f"/2/dm_conversations/{conversation}/dm_events"
        try:
            answer = await self._api.read(path, {"max_results": "100", "event_types": "MessageCreate"}, events=True)
        except Missing:
            return None
        events = [item for item in _listed(answer) if isinstance(item, dict)]
        await self._api.meter.charge("dm_read", len(events))
        for event in events:
            key = text_id(event.get("id"))
            if key is None or text_id(event.get("sender_id")) != me:
                continue
            at = moment(event.get("created_at"), key)
            if at >= earliest and _letters(str(event.get("text") or "")) == _letters(self._reply.text):
                return Sent(remote_id=f"dm/{key}", at=at, reply_data={"id": key, "conversation": conversation})
        times = [moment(event.get("created_at"), key) for event in events if (key := text_id(event.get("id")))]
        meta = answer.get("meta")
        if isinstance(meta, dict) and meta.get("next_token") and min(times, default=earliest) > earliest:
            raise Unavailable(TOO_MANY)
        return None


def _listed(answer: Mapping[str, Any]) -> list[Any]:
    """The items of a list, which has no `data` when it is empty, but its `meta` all the same.

    Raises `BadPayload` for anything else: what is no list does not say that nothing is there.
    """
    if not isinstance(answer.get("data"), list) and ("data" in answer or not isinstance(answer.get("meta"), dict)):
        raise BadPayload("X answered with something that is no list.", field="data")
    return items_of(answer)


def _parent_id(reply: OutgoingReply) -> str:
    """The version of a post that is answered."""
    return reply.parent.reply_data.get("id") or reply.parent.remote_id


def _letters(text: str) -> str:
    """What is left of a text when X has rendered it: letters and digits, without mentions and addresses."""
    words = [word for word in text.split() if not word.startswith("@") and "://" not in word]
    bare = unicodedata.normalize("NFKC", " ".join(words)).casefold()
    return "".join(filter(str.isalnum, bare)) or "".join(text.split())
