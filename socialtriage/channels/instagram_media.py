"""The pictures and videos of an account whose comments are watched, and those that it is tagged in.

Facts (Meta's documents, peers' adapters): media come newest first; `comments_count` shows that something was added,
but not a deletion and an addition; comments cannot be asked for by time, and of the answers to one only the first
come with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from socialtriage.channels.graph import Graph, listing
from socialtriage.channels.graph_errors import HALF, Missing
from socialtriage.channels.graph_json import an_object, moment, text_id
from socialtriage.channels.graph_watch import Batch, Thing, Watched
from socialtriage.channels.instagram_items import COMMENT, MEDIUM, REPLY, TAG, Items, replies_of
from socialtriage.domain.errors import BadPayload
from socialtriage.domain.models import Incoming

LIMIT = 100
COMMENTS = 50
"""Comments in a page: Instagram gives no more at once (not confirmed)."""
SEVERAL = 2
"""Answers that come with a comment from which on its own list is read too: only a first page of them comes with it."""
PAGES = 15
TAG_PAGES = 3
KNOWN_TAGS = 2_000
USE = "instagram"


class Media:
    """The media of one pass, and their comments, page by page."""

    def __init__(self, graph: Graph, account: str, items: Items, floor: datetime) -> None:
        self._graph = graph
        self._account = account
        self._items = items
        self._floor = floor
        self._links: dict[str, Any] = {}
        self.notices: list[str] = []

    async def things(self, watched: Watched) -> list[Thing]:
        """Every medium. One from before the first look back waits for its turn, whatever it has."""
        found: dict[str, Thing] = {}
        pages = PAGES if self._graph.usage.of(USE) < HALF else 1
        after: str | None = None
        for number in range(1, pages + 1):
            page = await self._graph.edge(f"{self._account}/media", {"fields": MEDIUM, "limit": LIMIT}, after, use=USE)
            for medium in page.entries:
                thing = self._items.thing(medium)
                if thing is None or thing.key in found:
                    continue
                found[thing.key] = thing
                self._links[thing.key] = medium.get("permalink")
                unknown = thing.key not in watched.seen and thing.key not in watched.open
                if unknown and thing.at < self._floor:
                    watched.seen[thing.key] = (thing.sign, 0)
            after = page.after
            if after is None or self._graph.budget.left < 1.0:
                break
            if number == pages:
                self.notices.append(f"Only the newest {pages * LIMIT} posts are watched.")
        return list(found.values())

    async def batch(self, thing: Thing, after: str | None) -> Batch:
        """A page of comments with all their answers, nothing from before the first look back."""
        page = await self._graph.edge(f"{thing.id}/comments", {"fields": COMMENT, "limit": COMMENTS}, after, use=USE)
        items: list[Incoming] = []
        nameless = page.unreadable
        for raw in page.entries:
            id_ = text_id(raw.get("id"))
            if id_ is None:
                nameless += 1
                continue
            below = await self._answers(id_, raw)
            found = [self._items.comment(raw, thing, None, self._link(thing))]
            found += [self._items.comment(answer, thing, id_, self._link(thing)) for answer in below]
            items += [item for item in found if item is not None and item.at >= self._floor]
        problems = (f"{nameless} comments could not be read.",) if nameless else ()
        items.sort(key=lambda item: item.at)
        return Batch(items, page.after, problems=problems)

    def _link(self, thing: Thing) -> Any:
        return self._links.get(thing.key)

    async def _answers(self, comment: str, raw: dict[str, Any]) -> list[Any]:
        """All answers to a comment: those that came with it, and the pages behind them."""
        first = raw.get("replies")
        try:
            after = listing(an_object(first)).after if first else None
        except BadPayload:
            after = None
        found: dict[str, Any] = {str(answer.get("id")): answer for answer in replies_of(raw)}
        if after is None and len(found) < SEVERAL:
            return list(found.values())
        # The first page may say nothing of what is behind it.
        while True:
            params: dict[str, str | int] = {"fields": REPLY, "limit": COMMENTS}
            try:
                page = await self._graph.edge(f"{comment}/replies", params, after, use=USE)
            except Missing:
                break  # gone since; what came with it is kept
            found |= {str(answer.get("id")): answer for answer in page.entries}
            after = page.after
            if after is None:
                break
        return list(found.values())

    # --- pictures of others ---------------------------------------------------------------------------------

    async def tagged(self, known: list[str], *, first: bool) -> list[Incoming]:
        """Pictures that the account is newly tagged in. `known` are those that were seen, and is added to.

        The first look leaves out older ones; later a new tag counts, however old its picture is.
        """
        seen = set(known)
        found: list[Incoming] = []
        after: str | None = None
        for _ in range(TAG_PAGES):
            page = await self._graph.edge(f"{self._account}/tags", {"fields": TAG, "limit": LIMIT}, after, use=USE)
            for medium in page.entries:
                item = self._items.tag(medium)
                if item is None or item.remote_id in seen:
                    continue
                seen.add(item.remote_id)
                known.append(item.remote_id)
                at = moment(medium.get("timestamp"))
                if not first or at is None or at >= self._floor:
                    found.append(item)
            after = page.after
            if after is None:
                break
        del known[:-KNOWN_TAGS]
        return found
