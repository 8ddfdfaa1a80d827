"""Answers below comments and posts of a Page, read back after they were made, and found again when they got lost.

Facts (Meta's documents, peers' adapters): an answer is made by `POST /{comment}/comments` and by nothing else; the
same call without `/comments` is the edit call and would overwrite what a resident wrote. An answer to a nested
comment is put below the top one. `{"success": true}` without an id is no answer: what became of it is unknown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from socialtriage.channels import facebook_media
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.facebook_login import PageLogin
from socialtriage.channels.facebook_posts import STREAM, id_of
from socialtriage.channels.graph_chat import Chat
from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import an_object, moment, tail, text_id, web_url, words_of
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
from socialtriage.domain.errors import AnswerLost, ChannelError, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import OutgoingReply, Sent, Visibility

READ_BACK = "id,message,created_time,from,parent{id},permalink_url"


async def post_reply(ctx: ChannelContext, login: PageLogin, reply: OutgoingReply) -> Sent:
    """Answer once. Raises `Rejected` when it surely was not posted, `AnswerLost` when it may have been."""
    allowed(ctx, reply)
    if reply.visibility is Visibility.PRIVATE:
        picture = await facebook_media.attachment(login, reply.files[0]) if reply.files else None
        return await send_private(ctx, login.graph, f"{login.page}/messages", reply, "messenger", picture)
    if reply.parent.visibility is Visibility.PRIVATE:
        raise Rejected("A private message cannot be answered in public; nothing was posted.")
    form = {"message": reply.text}
    if reply.files:
        form["attachment_id"] = await facebook_media.photo(login, reply.files[0])
    try:
        answer = await login.graph.post(f"{_call_id(reply)}/comments", form)
    except Missing as exc:
        raise Rejected("The comment that this answers is no longer there; nothing was posted.") from exc
    except NotPermitted as exc:
        raise NotPermitted(exc.message, hint="The permission pages_manage_engagement may be missing.") from exc
    new = id_of(answer)
    if new is None:
        raise AnswerLost("Facebook took the answer, but did not say that it posted it.")
    return await _read_back(ctx, login, reply, new)


def _call_id(reply: OutgoingReply) -> str:
    return reply.parent.reply_data.get("id") or reply.parent.remote_id


def _key(reply: OutgoingReply, id_: str) -> str:
    """How the desk writes the id of a comment below the post of what is answered."""
    post = reply.parent.reply_data.get("post") or reply.parent.remote_id.rpartition("_")[0]
    return f"{tail(post)}_{tail(id_)}"


async def _read_back(ctx: ChannelContext, login: PageLogin, reply: OutgoingReply, new: str) -> Sent:
    """What stands there now. That it cannot be read does not unmake it."""
    try:
        raw = await login.graph.get(new, {"fields": READ_BACK})
    except ChannelError as exc:
        return Sent(_key(reply, new), ctx.clock(), notice=f"It was posted, but could not be read back: {exc.message}")
    at = moment(raw.get("created_time")) or ctx.clock()
    notices = []
    if not same(words_of(raw.get("message")), reply):
        notices.append("Facebook shows other words than were sent; look at the original.")
    above = text_id(an_object(raw.get("parent")).get("id"))
    expected = {tail(_call_id(reply)), tail(reply.parent.thread)}
    if reply.parent.reply_data.get("kind") == "comment" and above is not None and tail(above) not in expected:
        notices.append("It was posted, but not below the comment that it answers.")
    return Sent(_key(reply, new), at, web_url(raw.get("permalink_url")), " ".join(notices) or None)


# --- looking for a lost answer --------------------------------------------------------------------------------


async def find_reply(ctx: ChannelContext, login: PageLogin, reply: OutgoingReply) -> Sent | None:
    """The answer that may have been posted; None when the thread surely does not have it."""
    if reply.visibility is Visibility.PRIVATE:
        floor = reply.queued_at - CLOCKS_DIFFER
        chat = Chat(login.graph, login.page, "messenger", {login.page}, "messenger", floor)
        return await find_private(login.graph, chat, reply)

    def made(raw: Mapping[str, Any], at: datetime) -> Sent | None:
        id_ = text_id(raw.get("id"))
        return Sent(_key(reply, id_), at, web_url(raw.get("permalink_url"))) if id_ else None

    def mine(raw: Mapping[str, Any]) -> bool | None:
        author = text_id(an_object(raw.get("from")).get("id"))
        return author == login.page if author is not None else None

    return await find_public(_below(login, reply), mine, "message", "created_time", made, reply)


async def _below(login: PageLogin, reply: OutgoingReply) -> AsyncIterator[list[Mapping[str, Any]]]:
    """Comments below what was answered, and, because answers are moved up, below the top of its thread.

    Raises `Unavailable` when there are too many to be sure, or none is shown: gone and withheld are one to Meta.
    """
    earliest, seen = reply.queued_at - CLOCKS_DIFFER, False
    for place in dict.fromkeys((_call_id(reply), reply.parent.thread)):
        after: str | None = None
        for number in range(1, PAGES_BACK + 1):
            try:
                page = await login.graph.edge(f"{place}/comments", STREAM, after)
            except Missing:
                break
            seen = True
            yield page.told()
            times = [at for at in (moment(raw.get("created_time")) for raw in page.entries) if at is not None]
            after = page.after
            ordered = times == sorted(times, reverse=True)
            if after is None or (ordered and times and times[0] < earliest):
                break
            if number == PAGES_BACK:
                raise Unavailable("There are too many comments to look for one among them.")
    if not seen:
        raise Unavailable(UNSEEN)
