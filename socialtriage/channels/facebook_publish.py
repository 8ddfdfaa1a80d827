"""Posts of the Page itself, that answer nobody: published once, and looked for in its feed where the answer got lost.

Facts: `POST /{page}/feed` with `message` (specification of the Page); it needs `pages_manage_posts`, which no document
that was read for this confirms, and neither whether what an app in development mode publishes is seen by everybody. The
feed is ranked and has about 600 posts a year: an old one ends nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.facebook_login import POSTING, PageLogin
from socialtriage.channels.facebook_posts import PAGES, id_of
from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import an_object, moment, text_id, web_url
from socialtriage.channels.graph_send import find_public
from socialtriage.domain.errors import AnswerLost, ChannelError, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import OutgoingPost, Sent

FIELDS = "id,from,message,created_time,permalink_url"


async def publish(ctx: ChannelContext, login: PageLogin, post: OutgoingPost) -> Sent:
    """Publish once. Raises `Rejected` when it surely was not published, `AnswerLost` when it may have been."""
    try:
        answer = await login.graph.post(f"{login.page}/feed", {"message": post.text})
    except Missing as exc:
        raise Rejected("Facebook does not know this Page any more; nothing was posted.") from exc
    except NotPermitted as exc:
        raise NotPermitted(exc.message, hint=f"The permission {POSTING} may be missing; sign in again.") from exc
    key = id_of(answer)
    if key is None:
        raise AnswerLost("Facebook took the post, but did not say that it published it.")
    try:
        raw = await login.graph.get(key, {"fields": FIELDS})
    except ChannelError as exc:
        return Sent(key, ctx.clock(), notice=f"It was posted, but could not be read back: {exc.message}")
    return Sent(key, moment(raw.get("created_time")) or ctx.clock(), web_url(raw.get("permalink_url")))


async def look_up(login: PageLogin, post: OutgoingPost) -> Sent | None:
    """The Page's own post with these words, not older than the order; None when its feed surely does not have it."""

    def mine(raw: Mapping[str, Any]) -> bool:
        return text_id(an_object(raw.get("from")).get("id")) in (login.page, None)

    def made(raw: Mapping[str, Any], at: datetime) -> Sent | None:
        key = text_id(raw.get("id"))
        return Sent(key, at, web_url(raw.get("permalink_url"))) if key else None

    return await find_public(_feed(login), mine, "message", "created_time", made, post)


async def _feed(login: PageLogin) -> AsyncIterator[list[Mapping[str, Any]]]:
    """The Page's feed to its end. Raises `Unavailable` when that cannot be reached."""
    after: str | None = None
    for _ in range(PAGES):
        page = await login.graph.edge(f"{login.page}/feed", {"fields": FIELDS, "limit": 100}, after)
        yield page.told()
        after = page.after
        if after is None:
            return
    raise Unavailable("There are too many posts to look for one among them.")
