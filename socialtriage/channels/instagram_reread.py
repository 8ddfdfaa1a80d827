"""What became of messages on Instagram: edits, and deletions that are surely none of a lost permission.

A comment is gone when Meta says so of it alone, the list of its post can be read without it, and the login still has
its permissions. Direct messages are judged by their conversation's list: see `graph_chat`.
"""

from __future__ import annotations

from collections.abc import Sequence

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.graph_chat import Chat
from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import text_id
from socialtriage.channels.graph_token import inspect
from socialtriage.channels.graph_watch import Thing
from socialtriage.channels.instagram_items import REPLY, Items, replies_of
from socialtriage.channels.instagram_login import READING, AccountLogin, for_messages
from socialtriage.channels.instagram_media import COMMENTS, USE
from socialtriage.domain.errors import NotPermitted, Rejected
from socialtriage.domain.models import Incoming, Reread, StoredRef, Visibility

PAGES = 10


class Again:
    """One reading of stored messages."""

    def __init__(self, ctx: ChannelContext, login: AccountLogin) -> None:
        self._ctx = ctx
        self._login = login
        self._graph = login.graph
        self._items = Items(login.me, ctx.clock)
        self._listed: dict[str, set[str] | None] = {}

    async def run(self, messages: Sequence[StoredRef]) -> Reread:
        """Everything that could be asked about. Photo tags are not: the pictures are others'."""
        items: list[Incoming] = []
        gone: list[str] = []
        private = [ref for ref in messages if ref.visibility is Visibility.PRIVATE]
        for ref in messages:
            if ref.visibility is Visibility.PUBLIC and ref.reply_data.get("kind") == "comment":
                found = await self._one(ref)
                if isinstance(found, Incoming):
                    items.append(found)
                elif found and await self._may_see():
                    gone.append(ref.remote_id)
        if private:
            try:
                graph = await for_messages(self._ctx, self._login)
            except NotPermitted:
                return Reread(tuple(items), tuple(gone))
            chat = Chat(graph, "me", "instagram", self._login.me, USE, self._ctx.clock())
            more, less = await chat.reread(private)
            items += more
            gone += less
        return Reread(tuple(items), tuple(gone))

    async def _one(self, ref: StoredRef) -> Incoming | bool:
        """A comment as it is now; True when it is surely not there, False when nothing is known."""
        medium = ref.reply_data.get("media", "")
        try:
            raw = await self._graph.get(ref.remote_id, {"fields": REPLY}, use=USE)
        except Missing:
            listed = await self._list(medium) if medium else None
            return listed is not None and ref.remote_id not in listed
        except (NotPermitted, Rejected):
            return False
        top = ref.thread if ref.thread != ref.remote_id else None
        item = self._items.comment(raw, Thing(medium, medium, "", self._ctx.clock()), top)
        return item if item is not None else False

    async def _list(self, medium: str) -> set[str] | None:
        """Ids of all comments of a medium and their first answers; None where it could not be read to its end."""
        if medium not in self._listed:
            self._listed[medium] = await self._read(medium)
        return self._listed[medium]

    async def _read(self, medium: str) -> set[str] | None:
        found: set[str] = set()
        after: str | None = None
        for _ in range(PAGES):
            try:
                page = await self._graph.edge(
                    f"{medium}/comments", {"fields": "id,replies{id}", "limit": COMMENTS}, after, use=USE
                )
            except (NotPermitted, Rejected):
                return None
            for raw in page.entries:
                found.update(filter(None, [text_id(raw.get("id")), *(text_id(r.get("id")) for r in replies_of(raw))]))
            after = page.after
            if after is None:
                return found
        return None

    async def _may_see(self) -> bool:
        if self._login.token is None:
            return True
        return not (await inspect(self._ctx, self._graph)).lacks(READING)
