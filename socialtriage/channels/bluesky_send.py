"""Writing on Bluesky: public replies, whose record key makes a repeat harmless, and direct messages."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from socialtriage.channels.bluesky_answers import (
    Declined,
    Missing,
    is_did,
    make_tid,
    parse_time,
    split_uri,
    web_url,
)
from socialtriage.channels.bluesky_chat import remote_id
from socialtriage.channels.bluesky_facets import facets_of
from socialtriage.channels.bluesky_inbox import Posts
from socialtriage.channels.bluesky_posts import POST, PostView, read_view, root_ref
from socialtriage.channels.bluesky_session import Xrpc
from socialtriage.channels.lengths import graphemes
from socialtriage.domain.errors import (
    AnswerLost,
    BadPayload,
    ChannelError,
    NotPermitted,
    Rejected,
    Unavailable,
)
from socialtriage.domain.models import (
    Author,
    LengthRule,
    OutgoingFile,
    OutgoingPost,
    OutgoingReply,
    SafeText,
    Sent,
    StoredRef,
    Visibility,
)
from socialtriage.domain.times import iso

PUBLIC_LIMITS = (300, 3_000)
"""Graphemes and UTF-8 bytes of a post (lexicon app.bsky.feed.post)."""
PRIVATE_LIMITS = (1_000, 10_000)
"""Graphemes and UTF-8 bytes of a direct message (lexicon chat.bsky.convo.defs)."""
LOOK_BACK = timedelta(minutes=1)
"""How long before it was queued a direct message may seem to have been sent, by clocks that differ."""
MOST_PAGES = 50
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)

_CHAT_REFUSALS = {
    "MessagesDisabled": "takes no direct messages",
    "NotFollowedBySender": "takes direct messages only from accounts that they follow",
    "BlockedActor": "has blocked us",
    "BlockedSubject": "is blocked by us",
    "RecipientNotFound": "is not on Bluesky any more",
    "AccountSuspended": "cannot be written to: an account is suspended",
    "InvalidConvo": "cannot be written to: the conversation does not exist any more",
    "ConvoLocked": "cannot be written to: the conversation is locked",
    "ReplyTargetNotFound": "has deleted the message that this answers",
}


def measure(text: str, visibility: Visibility) -> LengthRule:
    """The count that is nearer to its limit: graphemes, or UTF-8 bytes."""
    most_graphemes, most_bytes = PUBLIC_LIMITS if visibility is Visibility.PUBLIC else PRIVATE_LIMITS
    count, size = graphemes(text), len(text.encode("utf-8", "surrogatepass"))
    if size * most_graphemes > count * most_bytes:
        return LengthRule(size, most_bytes, "UTF-8 bytes")
    return LengthRule(count, most_graphemes, "characters")


def check_text(reply: OutgoingReply) -> None:
    """Raises `Rejected` for what the network would refuse anyway."""
    if not reply.text.strip():
        raise Rejected("The reply is empty.")
    if any("\ud800" <= char <= "\udfff" for char in reply.text):
        raise Rejected("The reply holds half a character, which cannot be sent.")
    rule = measure(reply.text, reply.visibility)
    if rule.limit is not None and rule.used > rule.limit:
        raise Rejected(f"The reply is too long for Bluesky: {rule.used} {rule.unit} of at most {rule.limit}.")


class PublicReply:
    """One public reply. Its record key comes from the row's key, so that no repeat can make a second post."""

    def __init__(self, xrpc: Xrpc, reply: OutgoingReply) -> None:
        self._xrpc, self._reply = xrpc, reply
        self._rkey = make_tid(reply.queued_at, reply.key)

    async def send(self) -> Sent:
        """Post. Raises `Rejected` when it cannot be, `AnswerLost` when it may have been."""
        check_text(self._reply)
        self._check_parent()
        await self._xrpc.sign_in()
        body = {"repo": self._xrpc.did, "collection": POST, "rkey": self._rkey, "record": await self._record()}
        for last in (False, True):
            try:
                data = await self._xrpc.procedure("com.atproto.repo.createRecord", body)
            except AnswerLost:
                # The key is ours: what is there under it is this post, and 500 is how a PDS answers a second one.
                if (found := await self._look_up_or_lost()) is not None:
                    return found
                if last:
                    raise
            except BadPayload as exc:
                if (found := await self._look_up_or_lost()) is not None:
                    return found
                raise AnswerLost(exc.message) from exc
            else:
                uri = data.get("uri")
                return self._sent(uri if isinstance(uri, str) else self._uri, data.get("cid"), body["record"])
        raise AssertionError("unreachable: the last try returns or raises")

    def _check_parent(self) -> None:
        if split_uri(self._reply.parent.remote_id) is None:
            raise Rejected("A direct message cannot be answered in public.")

    async def look_up(self) -> Sent | None:
        """The post under our key, asked of our own data server."""
        await self._xrpc.sign_in()
        try:
            data = await self._xrpc.query(
                "com.atproto.repo.getRecord", {"repo": self._xrpc.did, "collection": POST, "rkey": self._rkey}
            )
        except Missing:
            return None
        value = data.get("value")
        text = value.get("text") if isinstance(value, dict) else None
        changed = "What is there was changed after it was sent." if text != self._reply.text else None
        return self._sent(self._uri, data.get("cid"), value, changed)

    async def _look_up_or_lost(self) -> Sent | None:
        try:
            return await self.look_up()
        except ChannelError as exc:
            raise AnswerLost("Bluesky did not answer, and could not be asked whether the reply is there.") from exc

    @property
    def _uri(self) -> str:
        return f"at://{self._xrpc.did}/{POST}/{self._rkey}"

    def _sent(self, uri: str, cid: Any, record: Any, notice: str | None = None) -> Sent:
        root, root_cid = root_ref(record if isinstance(record, dict) else {})
        data = {"own": "1", "cid": cid, "root": root, "root_cid": root_cid}
        whole = all(isinstance(value, str) and value for value in data.values())
        url = web_url(uri, self._xrpc.grant.handle)
        return Sent(uri, self._reply.queued_at, url, notice, data if whole else {})

    async def _record(self) -> dict[str, Any]:
        reply = self._reply
        record: dict[str, Any] = {
            "$type": POST,
            "text": reply.text,
            "createdAt": iso(reply.queued_at),
            **await self._answers(),
        }
        if reply.language and _LANGUAGE.fullmatch(tag := reply.language.replace("_", "-")):
            record["langs"] = [tag]
        if facets := await facets_of(reply.text, self._resolve):
            record["facets"] = facets
        if reply.files:
            images = [{"alt": file.alt, "image": await self._blob(file)} for file in reply.files]
            record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
        return record

    async def _blob(self, file: OutgoingFile) -> dict[str, Any]:
        """A picture by the name that its server gives it. What cannot be read here left nothing posted."""
        try:
            blob = (await self._xrpc.upload(file.mime, file.data)).get("blob")
        except BadPayload as exc:
            raise Unavailable(f"{exc.message} Nothing was posted.") from exc
        if not isinstance(blob, dict):
            raise Unavailable("Bluesky took the picture and did not say how it is called. Nothing was posted.")
        return blob

    async def _answers(self) -> dict[str, Any]:
        return {"reply": await self._refs()}

    async def _refs(self) -> dict[str, dict[str, str]]:
        """Strong references to root and parent, as they are now where the AppView can say it."""
        stored = self._reply.parent
        uri, data = stored.remote_id, stored.reply_data
        complete = all(data.get(name) for name in ("cid", "root", "root_cid"))
        if complete and data.get("own"):
            # The part before this one: the AppView may not have seen it yet, and would call it deleted.
            return _strong(data["root"], data["root_cid"], uri, data["cid"])
        try:
            view = (await Posts(self._xrpc).views([uri])).get(uri) or await self._why_missing(uri)
        except (Unavailable, NotPermitted, BadPayload, Declined):
            if not complete:
                raise
            view = None
        if view is None:
            if not complete:
                raise Rejected("Bluesky does not show the post that this answers.")
            return _strong(data["root"], data["root_cid"], uri, data["cid"])
        viewer = view.viewer if isinstance(view.viewer, dict) else {}
        if viewer.get("replyDisabled"):
            raise Rejected("The author does not let us reply to this post.", hint="A direct message may reach them.")
        root, root_cid = root_ref(view.record)
        if root and not root_cid:
            above = (await Posts(self._xrpc).views([root])).get(root)
            root_cid = above.cid if above else ""
        root, root_cid = (root, root_cid) if root_cid else (view.uri, view.cid)
        return _strong(root, root_cid, view.uri, view.cid)

    async def _why_missing(self, uri: str) -> PostView | None:
        """Why the AppView leaves a post out. Raises `Rejected` when it is deleted or a block stands in between."""
        try:
            thread = await thread_of(self._xrpc, uri)
        except Missing as exc:
            raise Rejected("The post that this answers has been deleted.") from exc
        except Declined:
            return None
        viewer = thread.get("author", {}).get("viewer", {}) if isinstance(thread.get("author"), dict) else {}
        if thread.get("blocked") and isinstance(viewer, dict) and viewer.get("blockedBy"):
            raise Rejected("The author has blocked us: a public reply would not reach them.")
        if thread.get("blocked"):
            raise Rejected("We have blocked the author; unblock them to reply.")
        if thread.get("notFound"):
            raise Rejected("The post that this answers has been deleted.")
        try:
            return read_view(thread.get("post"))
        except ValueError:
            return None

    async def _resolve(self, handle: str) -> str | None:
        if handle == self._reply.to.handle.removeprefix("@").lower() and is_did(self._reply.to.key):
            return self._reply.to.key
        try:
            data = await self._xrpc.query("com.atproto.identity.resolveHandle", {"handle": handle})
        except Rejected:
            return None
        did = data.get("did")
        return did if isinstance(did, str) and is_did(did) else None


class NewPost(PublicReply):
    """A post of its own, which answers nothing; under a record key of ours like every public reply."""

    def __init__(self, xrpc: Xrpc, post: OutgoingPost) -> None:
        nobody = Author("", SafeText(""), SafeText(""))
        nothing = StoredRef("", "", None, Visibility.PUBLIC)
        super().__init__(
            xrpc,
            OutgoingReply(
                post.key, post.text, Visibility.PUBLIC, nobody, nothing, post.queued_at, language=post.language
            ),
        )

    def _check_parent(self) -> None:
        """There is none."""

    async def _answers(self) -> dict[str, Any]:
        return {}


def _strong(root: str, root_cid: str, uri: str, cid: str) -> dict[str, dict[str, str]]:
    return {"root": {"uri": root, "cid": root_cid}, "parent": {"uri": uri, "cid": cid}}


async def thread_of(xrpc: Xrpc, uri: str) -> dict[str, Any]:
    """The node of one post: seen, blocked or not found. Raises `Missing` when it is not there."""
    data = await xrpc.query("app.bsky.feed.getPostThread", {"uri": uri, "depth": 0, "parentHeight": 0})
    thread = data.get("thread")
    if not isinstance(thread, dict):
        raise BadPayload("getPostThread answered without a thread.", field="thread")
    return thread


class PrivateReply:
    """One direct message. The network knows no key for it: a lost answer is looked up by words and time."""

    def __init__(self, xrpc: Xrpc, reply: OutgoingReply) -> None:
        self._xrpc, self._reply = xrpc, reply
        self._to = reply.to.handle

    async def send(self) -> Sent:
        """Send to the conversation, or begin one with the author of a public post."""
        check_text(self._reply)
        convo, group = await self._open()
        message: dict[str, Any] = {"text": self._reply.text}
        facets = await facets_of(self._reply.text, _nobody)
        if facets:
            message["facets"] = facets
        answered = self._reply.parent.reply_data.get("message")
        if group and answered:
            message["replyTo"] = {"messageId": answered}
        try:
            data = await self._xrpc.procedure(
                "chat.bsky.convo.sendMessage", {"convoId": convo, "message": message}, chat=True
            )
        except Declined as exc:
            raise self._refused(exc) from exc
        except BadPayload as exc:
            raise AnswerLost(exc.message) from exc
        notice = "Sent to a group: everybody in it can read the answer." if group else None
        return self._sent(convo, data, notice)

    async def look_up(self) -> Sent | None:
        """Our message with these words, sent since the reply was queued."""
        convo = self._reply.parent.reply_data.get("convo")
        if not convo:
            data = await self._ask("chat.bsky.convo.getConvoAvailability", {"members": [self._person()]})
            convo = data["convo"].get("id") if isinstance(data.get("convo"), dict) else None
            if not isinstance(convo, str):
                return None
        earliest, cursor = self._reply.queued_at - LOOK_BACK, None
        for _ in range(MOST_PAGES):
            params: dict[str, Any] = {"convoId": convo, "limit": 100} | ({"cursor": cursor} if cursor else {})
            data = await self._ask("chat.bsky.convo.getMessages", params)
            rows = [row for row in data.get("messages") or () if isinstance(row, dict)]
            for row in rows:
                at = parse_time(row.get("sentAt"))
                if at and at < earliest:
                    return None
                if at and self._is_ours(row):
                    return self._sent(convo, row)
            cursor = data.get("cursor")
            if not rows or not isinstance(cursor, str) or not cursor:
                return None
        raise Unavailable("The conversation is too long to find out whether the answer is there.")

    def _is_ours(self, row: dict[str, Any]) -> bool:
        sender, text = row.get("sender"), row.get("text")
        mine = isinstance(sender, dict) and sender.get("did") == self._xrpc.did
        return mine and isinstance(text, str) and text.strip() == self._reply.text.strip()

    async def _open(self) -> tuple[str, bool]:
        """The conversation, accepted if it was a request, and whether it is a group."""
        convo = self._reply.parent.reply_data.get("convo")
        try:
            if convo:
                data = await self._ask("chat.bsky.convo.getConvo", {"convoId": convo})
            else:
                data = await self._ask("chat.bsky.convo.getConvoForMembers", {"members": [self._person()]})
            view = data.get("convo")
            if not isinstance(view, dict) or not isinstance(view.get("id"), str):
                raise BadPayload("Bluesky answered without a conversation.", field="convo")
            if view.get("status") == "request":
                await self._accept(view["id"])
        except Declined as exc:
            raise self._refused(exc) from exc
        kind = view.get("kind")
        return view["id"], isinstance(kind, dict) and str(kind.get("$type", "")).endswith("#groupConvo")

    async def _accept(self, convo: str) -> None:
        try:
            await self._xrpc.procedure("chat.bsky.convo.acceptConvo", {"convoId": convo}, chat=True)
        except AnswerLost as exc:
            raise Unavailable("Bluesky did not answer when the conversation was accepted; nothing was sent.") from exc

    async def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        return await self._xrpc.query(method, params, chat=True)

    def _person(self) -> str:
        if not is_did(self._reply.to.key):
            raise Rejected(f"{self._to} is not an account on Bluesky.")
        return self._reply.to.key

    def _refused(self, exc: Declined) -> Rejected:
        why = _CHAT_REFUSALS.get(exc.name)
        return Rejected(f"{self._to} {why}." if why else f"Bluesky refused the direct message: {exc.message}")

    def _sent(self, convo: str, row: dict[str, Any], notice: str | None = None) -> Sent:
        message = row.get("id")
        if not isinstance(message, str):
            raise AnswerLost("Bluesky took the direct message, but did not say under which id.")
        url = f"https://bsky.app/messages/{convo}" if convo.isalnum() else None
        return Sent(remote_id(convo, message), parse_time(row.get("sentAt")) or self._xrpc.now(), url, notice)


async def _nobody(handle: str) -> None:
    """Mentions in direct messages tell nobody, so they are left as text."""
    del handle
