"""Answering at Threads in two steps: a container is made, and published. What was made twice is never seen twice.

Facts: 500 characters, emoji counted as their UTF-8 bytes; at most five links; a container lives 24 hours and tells its
`status` (FINISHED, PUBLISHED, IN_PROGRESS, ERROR, EXPIRED), so that publishing may be tried again when it says that it
was not.
"""

from __future__ import annotations

import asyncio
import unicodedata
from datetime import datetime, timedelta

from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import moment, text_id, web_url, words_of
from socialtriage.channels.threads_api import Api
from socialtriage.channels.threads_items import FIELDS
from socialtriage.channels.threads_walk import conversation
from socialtriage.channels.x_text import addresses, emoji
from socialtriage.domain.errors import AnswerLost, BadPayload, NotPermitted, Rejected, Unavailable
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

    async def send(self) -> Sent:
        """Make the container, publish it once."""
        if self._reply.visibility is Visibility.PRIVATE:
            raise NotPermitted("Threads has no private messages for programs.", hint="Open the original.")
        if len(addresses(self._reply.text)) > LINKS:
            raise Rejected(f"Threads takes at most {LINKS} links in a post.", hint="Leave some out.")
        me, _ = await self._api.me()
        container = await self._container()
        try:
            key = await self._publish(me, container)
        except Rejected:
            if not await self._ready(container):
                raise
            key = await self._publish(me, container)
        return await self._sent(key, self._now)

    async def _container(self) -> str:
        """A container. Making it twice does no harm: the other one is never published."""
        form = {"media_type": "TEXT", "text": self._reply.text, "reply_to_id": self._reply.parent.remote_id}
        try:
            made = await self._api.post("me/threads", form, safe=True)
        except AnswerLost as exc:
            raise Unavailable(exc.message) from exc
        key = text_id(made.get("id"))
        if key is None:
            raise Unavailable("Threads did not say what it made; nothing was published.")
        return key

    async def _publish(self, me: str, container: str) -> str:
        """Publish, and once more when the answer was lost and the container says that it was not."""
        try:
            done = await self._api.post(f"{me}/threads_publish", {"creation_id": container})
        except AnswerLost as lost:
            status = await self._status(container)
            if status == "PUBLISHED":
                return await self._found_again(lost)
            if status != "FINISHED":
                raise
            done = await self._api.post(f"{me}/threads_publish", {"creation_id": container})
        key = text_id(done.get("id"))
        if key is None:
            raise AnswerLost("Threads took the answer, but did not say that it published it.")
        return key

    async def _found_again(self, lost: AnswerLost) -> str:
        found = await self.look_up()
        if found is None:
            raise lost
        return found.remote_id

    async def _status(self, container: str) -> str:
        try:
            return words_of((await self._api.get(container, {"fields": "status,error_message"})).get("status"))
        except (Unavailable, Rejected, BadPayload, NotPermitted):
            return ""

    async def _ready(self, container: str) -> bool:
        """Whether a container that was refused becomes ready in a moment."""
        for _ in range(TRIES):
            status = await self._status(container)
            if status != "IN_PROGRESS":
                return status == "FINISHED"
            await asyncio.sleep(PAUSE)
        return False

    async def _sent(self, key: str, at: datetime) -> Sent:
        url = None
        try:
            url = web_url((await self._api.get(key, {"fields": "id,permalink"})).get("permalink"))
        except (Unavailable, Rejected, BadPayload, NotPermitted):
            url = None
        return Sent(remote_id=key, at=at, url=url, reply_data={"at": at.isoformat()})

    async def look_up(self) -> Sent | None:
        """Ours in the same thread, with the same words, below the same message, not older than the order."""
        _, name = await self._api.me()
        parent = self._reply.parent
        earliest = self._reply.queued_at - CLOCKS_DIFFER
        wanted = _letters(self._reply.text)
        places = [parent.reply_data.get("root") or parent.thread] if parent.reply_data.get("mine") == "yes" else []
        for place in (*places, None):
            after: str | None = None
            for _ in range(PAGES_BACK):
                try:
                    listing = await (
                        conversation(self._api, place, after)
                        if place
                        else self._api.listing(f"{parent.remote_id}/replies", {"fields": FIELDS, "limit": "100"}, after)
                    )
                except Missing:
                    break
                for entry in listing.entries:
                    ours = entry.get("is_reply_owned_by_me") is True or words_of(entry.get("username")) == name
                    above = entry.get("replied_to")
                    answers = text_id(above.get("id")) if isinstance(above, dict) else parent.remote_id
                    at = moment(entry.get("timestamp"))
                    key = text_id(entry.get("id"))
                    if not ours or key is None or at is None or at < earliest or answers != parent.remote_id:
                        continue
                    if _letters(words_of(entry.get("text"))) == wanted:
                        return await self._sent(key, at)
                after = listing.after
                if after is None:
                    break
        return None


def _letters(text: str) -> str:
    """What is left of a text when Threads has rendered it: letters and digits."""
    bare = unicodedata.normalize("NFKC", text).casefold()
    return "".join(filter(str.isalnum, bare)) or "".join(text.split())
