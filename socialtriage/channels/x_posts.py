"""Posts of our own at X, that answer nobody: published once, and looked for among our own where the answer got lost."""

from __future__ import annotations

from datetime import datetime

from socialtriage.channels.x_api import Api, Duplicate
from socialtriage.channels.x_send import CLOCKS_DIFFER, letters, own_posts, sent_as, write
from socialtriage.channels.x_text import has_link
from socialtriage.domain.errors import NotPermitted
from socialtriage.domain.models import OutgoingPost, Sent


def kind_of(text: str) -> str:
    """The kind of call that a post is in the price table: one with a link costs many times more."""
    return "post_with_link" if has_link(text) else "post"


async def publish(api: Api, post: OutgoingPost, now: datetime) -> Sent:
    """Publish once. The same words are refused as a duplicate: then the one that stands there is looked for."""
    try:
        key = await write(api, "/2/tweets", {"text": post.text}, "id", kind_of(post.text))
    except Duplicate:
        found = await look_up(api, post)
        if found is None:
            raise
        return found
    except NotPermitted as exc:
        hint = "The login may lack tweet.write; sign in again, or post it in the browser."
        raise NotPermitted(exc.message, hint=hint) from exc
    return await sent_as(api, key, now)


async def look_up(api: Api, post: OutgoingPost) -> Sent | None:
    """Ours, an answer to nobody, with the same words, not older than the order; None when X does not have it."""
    me, _ = await api.me()
    wanted = letters(post.text)
    async for there in own_posts(api, me, post.queued_at - CLOCKS_DIFFER):
        if there.answers is None and letters(there.text) == wanted:
            return await sent_as(api, there.key, there.at)
    return None
