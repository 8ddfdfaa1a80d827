"""What became of messages of a Page: read again post by post, because one list answers for a hundred comments.

Meta says "does not exist" and "may not be seen" with the same error (100/33). A comment is gone only when it is refused
with it by itself, the list of its post can be read and does not have it, and the login still has the permission to see
comments. A post is gone only when the Page's feed can be read and does not have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.facebook_items import COMMENT, LIMIT, POST, Items, comment_id
from socialtriage.channels.facebook_login import READING, PageLogin
from socialtriage.channels.facebook_posts import STREAM
from socialtriage.channels.graph_chat import Chat
from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import tail, text_id
from socialtriage.channels.graph_token import inspect
from socialtriage.channels.graph_watch import Thing
from socialtriage.domain.errors import NotPermitted, Rejected
from socialtriage.domain.models import Incoming, Reread, StoredRef, Visibility

MANY = 3
"""Messages below one post from which on its whole list is read instead of each of them."""
PAGES = 10


@dataclass
class _Listed:
    """What a post's list has, by the end of the id. `there`: it could be read."""

    comments: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    there: bool = False
    post_missing: bool = False


class Again:
    """One reading of stored messages."""

    def __init__(self, ctx: ChannelContext, login: PageLogin) -> None:
        self._ctx = ctx
        self._login = login
        self._graph = login.graph
        self._items = Items(login.page, ctx.clock, lambda ids: ctx.known.thread_of(ids))
        self._found: list[Incoming] = []
        self._gone: list[str] = []
        self._sees: bool | None = None

    async def run(self, messages: Sequence[StoredRef]) -> Reread:
        """Everything that could be asked about."""
        private = [ref for ref in messages if ref.visibility is Visibility.PRIVATE]
        by_post: dict[str, list[StoredRef]] = {}
        for ref in messages:
            if ref.visibility is Visibility.PUBLIC:
                by_post.setdefault(_post_of(ref), []).append(ref)
        for post, refs in by_post.items():
            await self._below(post, refs)
        if private:
            chat = Chat(self._graph, self._login.page, "messenger", {self._login.page}, "messenger", self._ctx.clock())
            items, gone = await chat.reread(private)
            self._found += items
            self._gone += gone
        return Reread(tuple(self._found), tuple(self._gone))

    async def _below(self, post: str, refs: list[StoredRef]) -> None:
        comments = [ref for ref in refs if ref.reply_data.get("kind") != "post"]
        for ref in refs:
            if ref.reply_data.get("kind") == "post":
                await self._post(ref)
        thing = Thing(tail(post), post, "", self._ctx.clock(), "", any(_below_a_root(ref) for ref in refs))
        listed = await self._list(post, comments) if len(comments) >= MANY else None
        doubtful = []
        for ref in comments:
            raw = listed.comments.get(tail(ref.remote_id)) if listed else None
            if raw is None:
                raw = await self._one(ref)
            if raw is None:
                doubtful.append(ref)
            elif raw:
                self._note(ref, raw, thing)
        if doubtful:
            await self._settle(post, doubtful, listed or await self._list(post, doubtful), thing)

    async def _one(self, ref: StoredRef) -> Mapping[str, Any] | None:
        """A comment by itself; None when Meta says that there is none, an empty one when it may not be seen."""
        try:
            return await self._graph.get(ref.reply_data.get("id") or ref.remote_id, {"fields": COMMENT})
        except Missing:
            return None
        except NotPermitted:
            return {}

    async def _list(self, post: str, wanted: Sequence[StoredRef]) -> _Listed:
        """The list of a post, until everything wanted was seen."""
        listed = _Listed()
        missing = {tail(ref.remote_id) for ref in wanted}
        after: str | None = None
        for _ in range(PAGES):
            try:
                page = await self._graph.edge(f"{post}/comments", STREAM, after)
            except Missing:
                listed.post_missing = after is None
                return listed
            except NotPermitted:
                return listed
            for raw in page.entries:
                if (id_ := comment_id(raw)) is not None:
                    listed.comments[tail(id_)] = raw
            missing -= set(listed.comments)
            after = page.after
            if after is None or not missing:
                break
        listed.there = True
        return listed

    async def _settle(self, post: str, doubtful: list[StoredRef], listed: _Listed, thing: Thing) -> None:
        absent = []
        for ref in doubtful:
            raw = listed.comments.get(tail(ref.remote_id))
            if raw is not None:
                self._note(ref, raw, thing)
            else:
                absent.append(ref)
        if not absent or not (listed.there or (listed.post_missing and await self._not_in_feed(post))):
            return
        if await self._may_see():
            self._gone += [ref.remote_id for ref in absent]

    async def _post(self, ref: StoredRef) -> None:
        """A visitor's post."""
        id_ = ref.reply_data.get("id") or ref.remote_id
        try:
            raw = await self._graph.get(id_, {"fields": POST})
        except NotPermitted:
            return
        except Missing:
            if await self._not_in_feed(id_) and await self._may_see():
                self._gone.append(ref.remote_id)
            return
        self._found.append(self._items.root(raw, id_))

    async def _not_in_feed(self, post: str) -> bool:
        """Whether the Page's newest posts can be read, and this is none of them."""
        for edge in ("feed", "visitor_posts"):
            try:
                page = await self._graph.edge(f"{self._login.page}/{edge}", {"fields": "id", "limit": LIMIT})
            except (NotPermitted, Rejected):
                return False
            if any(tail(text_id(entry.get("id")) or "") == tail(post) for entry in page.entries):
                return False
        return True

    async def _may_see(self) -> bool:
        """Whether the login still has what it needs to see comments: asked anew, once."""
        if self._sees is None:
            anew = self._login.token.kind == "PAGE"
            token = await inspect(self._ctx, self._graph, anew=True) if anew else self._login.token
            self._sees = not token.lacks(READING, self._login.page)
        return self._sees

    def _note(self, ref: StoredRef, raw: Mapping[str, Any], thing: Thing) -> None:
        item = self._items.comment(raw, thing)
        if item is not None and tail(item.remote_id) == tail(ref.remote_id):
            self._found.append(_as_stored(item, ref))


def _as_stored(item: Incoming, ref: StoredRef) -> Incoming:
    return replace(item, remote_id=ref.remote_id, thread=ref.thread)


def _post_of(ref: StoredRef) -> str:
    return ref.reply_data.get("post") or ref.remote_id.rpartition("_")[0] or ref.remote_id


def _below_a_root(ref: StoredRef) -> bool:
    """Whether a comment stands below somebody else's post: then the post is its thread."""
    return ref.reply_data.get("kind") == "comment" and tail(ref.thread) == tail(_post_of(ref))
