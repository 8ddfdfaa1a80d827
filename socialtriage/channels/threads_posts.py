"""Posts of our own at Threads, that answer nobody: a container without `reply_to_id`, published like a reply.

A lost one is looked for in `me/threads`, our own posts, newest first; `since` there is a hint that saves pages.
"""

from __future__ import annotations

from datetime import datetime

from socialtriage.channels.graph_json import all_hold, moment, text_id, words_of
from socialtriage.channels.graph_send import DOUBTFUL
from socialtriage.channels.same_words import letters
from socialtriage.channels.threads_api import Api
from socialtriage.channels.threads_send import CLOCKS_DIFFER, LINKS, PAGES_BACK, published, sent_as
from socialtriage.channels.x_text import addresses
from socialtriage.domain.errors import Unavailable
from socialtriage.domain.models import OutgoingPost, Sent

NO_MORE = "Leave some out."


def declined(text: str) -> tuple[str, str] | None:
    """Why Threads would not take a text, and what to do; None where it would."""
    many = len(addresses(text))
    return (f"Threads takes at most {LINKS} links in a post, and this has {many}.", NO_MORE) if many > LINKS else None


async def publish(api: Api, post: OutgoingPost, now: datetime) -> Sent:
    """Publish once. Raises `Rejected` when it surely was not published, `AnswerLost` when it may have been."""

    async def lost() -> Sent | None:
        return await look_up(api, post)

    key = await published(api, {"media_type": "TEXT", "text": post.text}, lost)
    return await sent_as(api, key, now)


async def look_up(api: Api, post: OutgoingPost) -> Sent | None:
    """Ours, with the same words, not older than the order; None when it is not there.

    Raises `Unavailable` when there are too many posts to be sure, or one cannot be read.
    """
    earliest, wanted = post.queued_at - CLOCKS_DIFFER, letters(post.text)
    params = {"fields": "id,text,timestamp", "limit": "100", "since": str(int(earliest.timestamp()))}
    after: str | None = None
    doubtful = False
    for _ in range(PAGES_BACK):
        listing = await api.listing("me/threads", params, after)
        for entry in listing.told():
            key, at, said = text_id(entry.get("id")), moment(entry.get("timestamp")), entry.get("text")
            words = letters(words_of(said)) == wanted if isinstance(said, str) or (said is None and entry) else None
            is_it = all_hold(at and at >= earliest, words)
            if is_it and key is not None and at is not None:
                return await sent_as(api, key, at)
            doubtful |= is_it is not False
        after = listing.after
        if after is None and not doubtful:
            return None
        if after is None:
            raise Unavailable(DOUBTFUL)
    raise Unavailable("There are too many posts of our own to look for one among them.")
