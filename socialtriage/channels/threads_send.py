"""Answering at Threads in two steps: a container is made, and published. What was made twice is never seen twice.

Facts: 500 characters, emoji counted as their UTF-8 bytes; at most five links; a container lives 24 hours and tells its
`status` (FINISHED, PUBLISHED, IN_PROGRESS, ERROR, EXPIRED), so that publishing may be tried again when it says that it
was not.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import all_hold, moment, text_id, web_url, words_of
from socialtriage.channels.graph_send import DOUBTFUL, UNSEEN
from socialtriage.channels.same_words import letters
from socialtriage.channels.threads_api import Api
from socialtriage.channels.threads_items import FIELDS
from socialtriage.channels.threads_walk import conversation
from socialtriage.channels.x_text import addresses, emoji
from socialtriage.domain.errors import AnswerLost, ChannelError, NotPermitted, Rejected, SecretError, Unavailable
from socialtriage.domain.models import LengthRule, OutgoingReply, Sent, Visibility

LIMIT = 500
LINKS = 5
CLOCKS_DIFFER = timedelta(minutes=5)
TRIES = 5
PAUSE = 1.0
"""Seconds between looks at a container that is not ready."""
PAGES_BACK = 5


def measured(text: str) -> LengthRule:
    """Count as Threads does."""
    text = unicodedata.normalize("NFC", text)
    if text.isascii():
        return LengthRule(len(text), LIMIT, "characters")
    heavy = [match[0] for match in emoji().finditer(text)]
    used = len(text) + sum(len(each.encode()) - len(each) for each in heavy)
    return LengthRule(used, LIMIT, "characters, emoji counted as bytes")


class Writer:
    """Writing one reply of an account."""

    def __init__(self, api: Api, reply: OutgoingReply, now: datetime) -> None:
        self._api, self._reply, self._now = api, reply, now
        self._earliest = reply.queued_at - CLOCKS_DIFFER
        self._doubtful = False

    async def send(self) -> Sent:
        """Make the container, publish it once."""
        if self._reply.visibility is Visibility.PRIVATE:
            raise NotPermitted("Threads has no private messages for programs.", hint="Open the original.")
        form = {"media_type": "TEXT", "text": self._reply.text, "reply_to_id": self._reply.parent.remote_id}
        key = await published(self._api, form, self.look_up)
        return await sent_as(self._api, key, self._now)

    async def look_up(self) -> Sent | None:
        """Ours in the same thread, with the same words, below the same message, not older than the order.

        Raises `Unavailable` where that cannot be told for sure: it must not be sent again.
        """
        parent = self._reply.parent
        places = [parent.reply_data.get("root") or parent.thread] if parent.reply_data.get("mine") == "yes" else []
        self._doubtful, seen = False, False
        for place in (*places, None):
            try:
                found = await self._among(place)
            except Missing:
                continue
            if found is not None:
                return found
            seen = True
        if self._doubtful:
            raise Unavailable(DOUBTFUL)
        if not seen:
            raise Unavailable(UNSEEN)
        return None

    async def _among(self, root: str | None) -> Sent | None:
        """In the conversation below a post of ours, or in the answers to the message itself."""
        parent = self._reply.parent.remote_id
        after: str | None = None
        for _ in range(PAGES_BACK):
            if root is not None:
                listing = await conversation(self._api, root, after)
            else:
                listing = await self._api.listing(f"{parent}/replies", {"fields": FIELDS, "limit": "100"}, after)
            times = []
            for entry in listing.told():
                at = moment(entry.get("timestamp"))
                is_it, key = await self._is_it(entry, at), text_id(entry.get("id"))
                if is_it and key is not None and at is not None:
                    return await sent_as(self._api, key, at)
                self._doubtful |= is_it is not False
                times += [at] if at is not None else []
            after = listing.after
            ordered = times == sorted(times, reverse=True)
            if after is None or (ordered and times and times[0] < self._earliest):
                return None
        raise Unavailable("There are too many replies to look for one among them.")

    async def _is_it(self, entry: Mapping[str, Any], at: datetime | None) -> bool | None:
        """Whether an entry is what was to be sent; None where what is not readable of it may make it that."""
        _, name = await self._api.me()
        username, said, above = words_of(entry.get("username")), entry.get("text"), entry.get("replied_to")
        flag = entry.get("is_reply_owned_by_me")
        ours = flag is True or (username.lower() == name.lower() if username else False if flag is False else None)
        answered = text_id(above.get("id")) if isinstance(above, dict) else self._reply.parent.remote_id
        return all_hold(
            ours,
            at and at >= self._earliest,
            answered and answered == self._reply.parent.remote_id,
            letters(said) == letters(self._reply.text) if isinstance(said, str) else None,
        )


# --- the two steps, for answers and posts of our own ------------------------------------------------------------


async def published(api: Api, form: Mapping[str, str], look_up: Callable[[], Awaitable[Sent | None]]) -> str:
    """Make a container of `form` and publish it once; the new id. `look_up` finds one whose answer was lost.

    Raises `Rejected` when it surely was not published, `AnswerLost` when it may have been.
    """
    if len(addresses(form["text"])) > LINKS:
        raise Rejected(f"Threads takes at most {LINKS} links in a post.", hint="Leave some out.")
    me, _ = await api.me()
    container = await _container(api, form)
    try:
        return await _publish(api, me, container, look_up)
    except Rejected:
        status = await _ready(api, container)
        if status == "PUBLISHED":  # the try before it, whose answer was lost
            return await _found_again(look_up)
        if status == "IN_PROGRESS":
            raise Unavailable("Threads is not done with it yet; nothing was published.") from None
        if status != "FINISHED":
            raise
        return await _publish(api, me, container, look_up)


async def _container(api: Api, form: Mapping[str, str]) -> str:
    """A container. Making it twice does no harm: the other one is never published."""
    try:
        made = await api.post("me/threads", form, safe=True)
    except AnswerLost as exc:
        raise Unavailable(exc.message) from exc
    key = text_id(made.get("id"))
    if key is None:
        raise Unavailable("Threads did not say what it made; nothing was published.")
    return key


async def _publish(api: Api, me: str, container: str, look_up: Callable[[], Awaitable[Sent | None]]) -> str:
    """Publish, and once more when the answer was lost and the container says that it was not."""
    try:
        done = await api.post(f"{me}/threads_publish", {"creation_id": container})
    except AnswerLost:
        status = await _status(api, container)
        if status == "PUBLISHED":
            return await _found_again(look_up)
        if status != "FINISHED":
            raise
        done = await api.post(f"{me}/threads_publish", {"creation_id": container})
    key = text_id(done.get("id"))
    if key is None:
        raise AnswerLost("Threads took the answer, but did not say that it published it.")
    return key


async def _found_again(look_up: Callable[[], Awaitable[Sent | None]]) -> str:
    """The id of what was published. Raises `AnswerLost` when it cannot be found now: it must not be tried again."""
    try:
        found = await look_up()
    except (ChannelError, SecretError) as exc:
        raise AnswerLost(f"Threads says that it was published, but not where: {exc.message}") from exc
    if found is None:
        raise AnswerLost("Threads says that it was published, but it is not to be found yet.")
    return found.remote_id


async def _status(api: Api, container: str) -> str:
    try:
        return words_of((await api.get(container, {"fields": "status,error_message"})).get("status"))
    except (ChannelError, SecretError):
        return ""


async def _ready(api: Api, container: str) -> str:
    """What becomes of a container that was refused, after a moment."""
    for _ in range(TRIES):
        status = await _status(api, container)
        if status != "IN_PROGRESS":
            return status
        await asyncio.sleep(PAUSE)
    return "IN_PROGRESS"


async def sent_as(api: Api, key: str, at: datetime) -> Sent:
    """A post of ours as the desk remembers it. That its address cannot be had, for whatever reason, unmakes nothing."""
    try:
        url = web_url((await api.get(key, {"fields": "id,permalink"})).get("permalink"))
    except (ChannelError, SecretError):
        url = None
    return Sent(remote_id=key, at=at, url=url, reply_data={"at": at.isoformat()})
