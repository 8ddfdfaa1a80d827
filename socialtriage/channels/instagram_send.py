"""Answers on Instagram: below comments by `POST /{comment}/replies`, private ones by the account's messages.

An answer to an answer is put below the top comment, whose answers are the only ones there are. Where an answer got
lost it is looked for among them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.graph_chat import Chat
from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import moment, text_id, words_of
from socialtriage.channels.graph_send import (
    CLOCKS_DIFFER,
    PAGES_BACK,
    UNSEEN,
    allowed,
    find_private,
    find_public,
    same,
    send_private,
)
from socialtriage.channels.instagram_items import REPLY, Items
from socialtriage.channels.instagram_login import AccountLogin, for_messages
from socialtriage.channels.instagram_media import COMMENTS, USE
from socialtriage.domain.errors import AnswerLost, ChannelError, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import OutgoingReply, Sent, Visibility


async def post_reply(ctx: ChannelContext, login: AccountLogin, reply: OutgoingReply) -> Sent:
    """Answer once. Raises `Rejected` when it surely was not posted, `AnswerLost` when it may have been."""
    allowed(ctx, reply)
    if reply.visibility is Visibility.PRIVATE:
        graph = await for_messages(ctx, login)
        return await send_private(ctx, graph, f"{login.id}/messages", reply, USE)
    if reply.parent.visibility is Visibility.PRIVATE:
        raise Rejected("A direct message cannot be answered in public; nothing was posted.")
    try:
        answer = await login.graph.post(f"{reply.parent.thread}/replies", {"message": reply.text}, use=USE)
    except Missing as exc:
        raise Rejected("The comment that this answers is no longer there; nothing was posted.") from exc
    except NotPermitted as exc:
        raise NotPermitted(exc.message, hint="The permission instagram_manage_comments may be missing.") from exc
    new = text_id(answer.get("id")) if isinstance(answer, dict) else None
    if new is None:
        raise AnswerLost("Instagram took the answer, but did not say that it posted it.")
    return await _read_back(ctx, login, reply, new)


async def _read_back(ctx: ChannelContext, login: AccountLogin, reply: OutgoingReply, new: str) -> Sent:
    """What stands there now. That it cannot be read does not unmake it."""
    try:
        raw = await login.graph.get(new, {"fields": REPLY}, use=USE)
    except ChannelError as exc:
        return Sent(new, ctx.clock(), notice=f"It was posted, but could not be read back: {exc.message}")
    shown = same(words_of(raw.get("text")), reply)
    notice = None if shown else "Instagram shows other words than were sent; look at the original."
    return Sent(new, moment(raw.get("timestamp")) or ctx.clock(), notice=notice)


async def find_reply(ctx: ChannelContext, login: AccountLogin, reply: OutgoingReply) -> Sent | None:
    """The answer that may have been posted; None when it surely was not."""
    if reply.visibility is Visibility.PRIVATE:
        graph = await for_messages(ctx, login)
        chat = Chat(graph, "me", "instagram", login.me, USE, reply.queued_at - CLOCKS_DIFFER)
        return await find_private(graph, chat, reply)

    def made(raw: Mapping[str, Any], at: datetime) -> Sent | None:
        id_ = text_id(raw.get("id"))
        return Sent(id_, at) if id_ else None

    items = Items(login.me, ctx.clock)

    def mine(raw: Mapping[str, Any]) -> bool | None:
        return items.is_mine(raw) if raw.get("from") or raw.get("username") else None

    return await find_public(_below(login, reply), mine, "text", "timestamp", made, reply)


async def _below(login: AccountLogin, reply: OutgoingReply) -> AsyncIterator[list[Mapping[str, Any]]]:
    """The answers of the thread. Raises `Unavailable` when there are too many to be sure, or none is shown."""
    after: str | None = None
    for _ in range(PAGES_BACK):
        try:
            page = await login.graph.edge(
                f"{reply.parent.thread}/replies", {"fields": REPLY, "limit": COMMENTS}, after, use=USE
            )
        except Missing as exc:
            raise Unavailable(UNSEEN) from exc
        yield page.told()
        after = page.after
        if after is None:
            return
    raise Unavailable("There are too many answers to look for one among them.")
