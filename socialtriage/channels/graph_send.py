"""Private messages on their way out, for Messenger and Instagram: within Meta's time, once, and found again.

Facts (Meta's documents, peers' adapters): `POST /{page}/messages` with `RESPONSE` inside 24 hours, with the tag
`HUMAN_AGENT` up to 7 days where Meta granted it; to a public comment one private reply by `recipient.comment_id`.
There is no idempotency key, so that what got lost is looked for in the conversation.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.graph import Graph
from socialtriage.channels.graph_chat import Chat
from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import all_hold, an_object, moment, objects, text_id, words_of
from socialtriage.channels.graph_window import STANDARD, objection, window
from socialtriage.domain.errors import AnswerLost, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import OutgoingPost, OutgoingReply, Sent, Visibility

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far Meta's clock may be behind ours when a lost answer is looked for."""
PAGES_BACK = 10
DOUBTFUL = "Something there cannot be read, and may be what was sent. Look at the original."
UNSEEN = "What this answers is not shown any more, so that nobody can look below it. Look at the original."


def allowed(ctx: ChannelContext, reply: OutgoingReply) -> None:
    """Raises `Rejected` for what Meta does not let be answered, or when its time is over: a row may have waited."""
    objected = objection(ctx.account, reply.parent, reply.visibility)
    if objected is not None:
        raise Rejected(f"{objected[0]} Nothing was sent.", hint=objected[1])
    end = window(ctx.account, reply.parent, reply.visibility)
    if end is not None and end.closes_at <= ctx.clock():
        raise Rejected(f"{end.why} That time is over; nothing was sent.", hint=end.hint)


async def send_private(
    ctx: ChannelContext, graph: Graph, path: str, reply: OutgoingReply, use: str, picture: str | None = None
) -> Sent:
    """Send a private message, or the one private reply to a comment; `picture`, handed in before, instead of words.

    Raises `Rejected`, `AnswerLost` and the rest.
    """
    now = ctx.clock()
    message: dict[str, Any] = {"text": reply.text}
    if picture is not None:
        message = {"attachment": {"type": "image", "payload": {"attachment_id": picture}}}
    form = {"message": json.dumps(message, ensure_ascii=False)}
    if reply.parent.visibility is Visibility.PUBLIC:
        kind = "post_id" if reply.parent.reply_data.get("kind") == "post" else "comment_id"
        recipient = {kind: reply.parent.reply_data.get("id") or reply.parent.remote_id}
    else:
        recipient = {"id": reply.parent.reply_data.get("to") or reply.to.key}
        form |= {"messaging_type": "RESPONSE"}
        at = moment(reply.parent.reply_data.get("at"))
        if at is not None and now - at >= STANDARD:
            form |= {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    form["recipient"] = json.dumps(recipient)
    try:
        answer = await graph.post(path, form, use=use)
    except Missing as exc:
        raise Rejected("The message that this answers is no longer there; nothing was sent.") from exc
    found = text_id(answer.get("message_id")) if isinstance(answer, dict) else None
    if found is None:
        raise AnswerLost("Meta took the message, but did not say that it sent it.")
    return Sent(remote_id=found, at=now)


async def find_private(graph: Graph, chat: Chat, reply: OutgoingReply) -> Sent | None:
    """The private message that may have been sent: ours, the same words, not older than the order."""
    conversation = reply.parent.conversation
    if reply.parent.visibility is Visibility.PUBLIC:
        conversation = await _conversation_of(graph, reply)
    if not conversation:
        return None
    earliest = reply.queued_at - CLOCKS_DIFFER
    found: list[Sent] = []
    after: str | None = None
    doubtful = False
    for _ in range(PAGES_BACK):
        page = await chat.page(conversation, after)
        for entry in page.told():
            id_, at = text_id(entry.get("id")), moment(entry.get("created_time"))
            if reply.files and at is not None and id_ == reply.parent.remote_id:
                # The words before the picture: another of ours, sent before them, looks the same. Times are in
                # whole seconds; what stands below them in the list is older unless its time says otherwise.
                found = [sent for sent in found if sent.at >= at]
                earliest = max(earliest, at + timedelta(seconds=1))
                continue
            is_it = all_hold(at and at >= earliest, _mine(chat, entry), _is_it(entry, reply))
            if is_it and id_ and at:
                found.append(Sent(id_, at))
            doubtful |= is_it is not False
        times = [at for at in (moment(entry.get("created_time")) for entry in page.entries) if at is not None]
        after = page.after
        if after is None or (times and max(times) < earliest):
            return _settled(found, reply, doubtful)
    if found:
        return nearest(found, reply)
    raise Unavailable("There are too many messages to look for one among them.")


def _mine(chat: Chat, entry: Mapping[str, Any]) -> bool | None:
    """Whether we wrote a message; None where its author is not given out."""
    return chat.is_mine(entry) if an_object(entry.get("from")) else None


def _is_it(entry: Mapping[str, Any], reply: OutgoingReply) -> bool | None:
    """Whether a message of ours is what was to be sent: of a picture that it is one, for it has no words.

    None where what it says is not given out.
    """
    said = words_of(entry.get("message"))
    if "from" not in entry and not said:
        return None
    if reply.files:
        return not said and bool(objects(entry.get("attachments")))
    return same(said, reply)


async def _conversation_of(graph: Graph, reply: OutgoingReply) -> str | None:
    """Where a private reply to a comment went."""
    data = reply.parent.reply_data
    if data.get("kind") == "post" or data.get("network") == "instagram":
        raise NotPermitted("Meta does not say where a private reply to this went.", hint="Look in the inbox at Meta.")
    answer = await graph.get(data.get("id") or reply.parent.remote_id, {"fields": "id,private_reply_conversation{id}"})
    return text_id(an_object(answer.get("private_reply_conversation")).get("id"))


async def find_public(
    pages: AsyncIterator[list[Mapping[str, Any]]],
    mine: Callable[[Mapping[str, Any]], bool | None],
    text: str,
    time: str,
    made: Callable[[Mapping[str, Any], datetime], Sent | None],
    reply: OutgoingReply | OutgoingPost,
) -> Sent | None:
    """The public answer that may have been posted, from the comments where it would stand.

    `mine` is None where the author is not given out. Raises `Unavailable` when one that cannot be read may be it.
    """
    earliest = reply.queued_at - CLOCKS_DIFFER
    found: list[Sent] = []
    doubtful = False
    async for entries in pages:
        for raw in entries:
            at, said = moment(raw.get(time)), raw.get(text)
            readable = isinstance(said, str) or (said is None and raw)
            is_it = all_hold(at and at >= earliest, mine(raw), same(words_of(said), reply) if readable else None)
            sent = made(raw, at) if is_it and at else None
            found += [sent] if sent is not None else []
            doubtful |= is_it is not False
    return _settled(found, reply, doubtful)


def _settled(found: list[Sent], reply: OutgoingReply | OutgoingPost, doubtful: bool) -> Sent | None:
    """What was found. Raises `Unavailable` where it may be what could not be read: it must not be sent again."""
    if not found and doubtful:
        raise Unavailable(DOUBTFUL)
    return nearest(found, reply)


def nearest(found: list[Sent], reply: OutgoingReply | OutgoingPost) -> Sent | None:
    """Of several with the same words the one that left nearest to the order."""
    return min(found, key=lambda sent: abs(sent.at - reply.queued_at), default=None)


def same(said: str, reply: OutgoingReply | OutgoingPost) -> bool:
    """Whether a text is that of the answer, apart from blanks and from how characters are composed."""
    return _words(said) == _words(reply.text)


def _words(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())
