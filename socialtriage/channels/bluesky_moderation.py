"""Hiding replies, blocking, muting and reporting on Bluesky.

Facts (lexicons of bluesky-social/atproto): a reply is hidden by the threadgate of the thread's root post, which only
the root's author can write (`app.bsky.feed.threadgate#hiddenReplies`, at most 300); a block is a public record in our
own repository; a mute is private; a report goes to a moderation service through our data server. Reading and writing
a threadgate is guarded by `swapRecord`, so that nobody else's change of it is lost.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from socialtriage.channels.bluesky_answers import Declined, Missing, is_did, make_tid, split_uri
from socialtriage.channels.bluesky_session import Xrpc
from socialtriage.channels.lengths import graphemes
from socialtriage.domain.errors import BadPayload, Rejected
from socialtriage.domain.models import Author, StoredRef, Visibility
from socialtriage.domain.times import iso

BLOCK = "app.bsky.graph.block"
GATE = "app.bsky.feed.threadgate"
LABELER = "did:plc:ar7c4by46qjdydhdevvrndac#atproto_labeler"
"""Value of `atproto-proxy` for Bluesky's own moderators."""
REASON_OTHER = "com.atproto.moderation.defs#reasonOther"
MOST_HIDDEN = 300
REPORT_GRAPHEMES, REPORT_BYTES = 2_000, 20_000
TRIES = 3
"""How often a threadgate that somebody changed meanwhile is read and written again."""


class Moderation:
    """One account's moderation. Everything but a report may be done again without a change."""

    def __init__(self, xrpc: Xrpc) -> None:
        self._xrpc = xrpc

    # --- replies ------------------------------------------------------------------------------------------

    async def set_hidden(self, message: StoredRef, hidden: bool) -> None:
        """Hide a reply below a post of ours, or show it again. Raises `Rejected` where the thread is not ours."""
        if message.visibility is Visibility.PRIVATE or split_uri(message.remote_id) is None:
            raise Rejected("A direct message cannot be hidden.")
        await self._xrpc.sign_in()
        root = split_uri(message.reply_data.get("root") or message.thread)
        if root is None or root[0] != self._xrpc.did or message.remote_id == message.thread:
            raise Rejected(
                "Bluesky hides only replies below a post of ours, and this is none.", hint="Block, mute or report."
            )
        for last in range(TRIES, 0, -1):
            try:
                return await self._gate(root[2], message.remote_id, hidden)
            except Declined as exc:
                if exc.name != "InvalidSwap" or last == 1:
                    raise
        return None

    async def _gate(self, rkey: str, uri: str, hidden: bool) -> None:
        """Read the threadgate, change its list, and write it unless it is so already."""
        where = {"repo": self._xrpc.did, "collection": GATE, "rkey": rkey}
        try:
            found = await self._xrpc.query("com.atproto.repo.getRecord", where)
        except Missing:
            found = {}
        value, cid = found.get("value"), found.get("cid")
        if found and not (isinstance(value, dict) and isinstance(cid, str)):
            raise BadPayload("The rules of the thread could not be read.", field="value")
        record: dict[str, Any] = dict(value) if isinstance(value, dict) else self._new_gate(rkey)
        listed = record.get("hiddenReplies")
        before = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
        if (uri in before) is hidden:
            return
        if len(before) >= MOST_HIDDEN and hidden:
            raise Rejected(f"The thread has {MOST_HIDDEN} hidden replies already, and Bluesky takes no more.")
        record["hiddenReplies"] = [*before, uri] if hidden else [each for each in before if each != uri]
        await self._xrpc.procedure("com.atproto.repo.putRecord", {**where, "record": record, "swapRecord": cid})

    def _new_gate(self, rkey: str) -> dict[str, Any]:
        """Rules that let everybody reply, as it was without any."""
        post = f"at://{self._xrpc.did}/app.bsky.feed.post/{rkey}"
        return {"$type": GATE, "post": post, "createdAt": iso(self._xrpc.now())}

    # --- people -------------------------------------------------------------------------------------------

    async def block(self, author: Author) -> None:
        """Write the public block record, unless there is one. Its key is the person's: a repeat meets the first."""
        did = _did(author)
        await self._xrpc.sign_in()
        if await self._blocking(did) is None:
            record = {"$type": BLOCK, "subject": did, "createdAt": iso(self._xrpc.now())}
            body = {"repo": self._xrpc.did, "collection": BLOCK, "rkey": _key_of(did), "record": record}
            await self._xrpc.procedure("com.atproto.repo.putRecord", body)

    async def unblock(self, author: Author) -> None:
        """Delete our block record, and one that was made elsewhere; deleting twice is no error."""
        did = _did(author)
        await self._xrpc.sign_in()
        elsewhere = split_uri(await self._blocking(did) or "")
        for rkey in {_key_of(did), *((elsewhere[2],) if elsewhere else ())}:
            body = {"repo": self._xrpc.did, "collection": BLOCK, "rkey": rkey}
            await self._xrpc.procedure("com.atproto.repo.deleteRecord", body)

    async def _blocking(self, did: str) -> str | None:
        """The record by which we block a person. Raises `Rejected` when the account is gone."""
        data = await self._xrpc.query("app.bsky.actor.getProfile", {"actor": did})
        viewer = data.get("viewer")
        uri = viewer.get("blocking") if isinstance(viewer, dict) else None
        return uri if isinstance(uri, str) else None

    async def set_muted(self, author: Author, muted: bool) -> None:
        """Mute or unmute; the service takes either twice."""
        what = "muteActor" if muted else "unmuteActor"
        await self._xrpc.procedure(f"app.bsky.graph.{what}", {"actor": _did(author)})

    async def report(self, author: Author, message: StoredRef | None, why: str) -> None:
        """Report the post as it was when it was read; the person where it is a direct message."""
        cid = message.reply_data.get("cid") if message is not None else None
        if message is not None and cid and split_uri(message.remote_id) is not None:
            subject = {"$type": "com.atproto.repo.strongRef", "uri": message.remote_id, "cid": cid}
        else:
            subject = {"$type": "com.atproto.admin.defs#repoRef", "did": _did(author)}
        body = {"reasonType": REASON_OTHER, "reason": _cut(why), "subject": subject}
        await self._xrpc.procedure("com.atproto.moderation.createReport", body, proxy=LABELER)


def _key_of(did: str) -> str:
    """The record key of our block of a person; no two persons share one."""
    seed = int.from_bytes(hashlib.sha256(did.encode()).digest()[8:16], "big")
    return make_tid(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=seed % 10**11), did)


def _did(author: Author) -> str:
    if not is_did(author.key):
        raise Rejected(f"{author.handle} is not an account on Bluesky.")
    return author.key


def _cut(why: str) -> str:
    while graphemes(why) > REPORT_GRAPHEMES or len(why.encode()) > REPORT_BYTES:
        why = why[: -max(1, len(why) // 10)]
    return why
