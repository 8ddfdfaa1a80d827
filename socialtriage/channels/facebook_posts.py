"""The posts of a Page whose comments are watched, and the comments of each.

Facts (Meta's documents, peers' adapters): `updated_time` of a post moves on a new comment; lists of posts are ranked,
so that the first old one ends nothing; the default filter of comments drops replies, and ranked comments come in no
order. Comments on reels, videos and photos are read as far as those stand in the Page's feed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from socialtriage.channels.facebook_items import COMMENT, LIMIT, POST, Items
from socialtriage.channels.graph import Graph
from socialtriage.channels.graph_errors import HALF
from socialtriage.channels.graph_json import moment, text_id
from socialtriage.channels.graph_watch import Batch, Thing, Watched
from socialtriage.domain.errors import BadPayload, ChannelError, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import Incoming

EDGES = ("feed", "visitor_posts", "tagged", "ads_posts")
"""Where posts stand: the Page's own, those of visitors, those that name the Page, and those of advertisements."""
OTHERS = frozenset({"visitor_posts", "tagged"})
PAGES = 15
"""Pages of each list of posts that a pass reads; one, when half of the allowance is used."""
STREAM: dict[str, str | int] = {
    "filter": "stream",
    "order": "reverse_chronological",
    "fields": COMMENT,
    "limit": LIMIT,
}


class Posts:
    """The posts of one pass, and their comments, page by page."""

    def __init__(self, graph: Graph, items: Items, floor: datetime) -> None:
        self._graph = graph
        self._items = items
        self._floor = floor
        self.roots: list[Incoming] = []
        """Other people's posts that moved, as messages."""
        self.notices: list[str] = []
        self.failure: ChannelError | None = None
        """What the pass must end with: a list beside the feed that broke keeps no comment back."""

    async def things(self, watched: Watched) -> list[Thing]:
        """Every post of the lists. One from before the first look back that has not moved since is only noted."""
        found: dict[str, Thing] = {}
        for edge in self._edges():
            try:
                await self._list(edge, watched, found)
            except (NotPermitted, Rejected) as exc:
                if edge == "feed":
                    raise
                self.notices.append(f"The list {edge} of the Page could not be read: {exc.message}")
            except (Unavailable, BadPayload) as exc:
                if edge == "feed":
                    raise
                self.failure = self.failure or exc
        return list(found.values())

    def _edges(self) -> tuple[str, ...]:
        """All lists; when half of the allowance is used, the feed and one of the others in turn."""
        if self._graph.usage.of("pages") < HALF:
            return EDGES
        turn = int(self._items.now().timestamp()) // 120 % (len(EDGES) - 1)
        return EDGES[0], EDGES[1 + turn]

    async def _list(self, edge: str, watched: Watched, found: dict[str, Thing]) -> None:
        pages = PAGES if self._graph.usage.of("pages") < HALF else 1
        params: dict[str, str | int] = {"fields": POST, "limit": LIMIT}
        if edge == "ads_posts":
            params["include_inline_create"] = "true"
        after: str | None = None
        for number in range(1, pages + 1):
            page = await self._graph.edge(f"{self._items.page}/{edge}", params, after, use="pages")
            for post in page.entries:
                self._note(post, edge, watched, found)
            after = page.after
            if after is None or self._graph.budget.left < 1.0:
                return
            if number == pages:
                self.notices.append(f"Only the first {pages * LIMIT} posts of the list {edge} are watched.")

    def _note(self, post: dict[str, Any], edge: str, watched: Watched, found: dict[str, Thing]) -> None:
        thing = self._items.thing(post, others=edge in OTHERS)
        if thing is None or (thing.key in found and (found[thing.key].root or not thing.root)):
            return
        found[thing.key] = thing
        if thing.key not in watched.seen and thing.key not in watched.open and thing.at < self._floor:
            watched.seen[thing.key] = (thing.sign, 0)
        elif thing.root and watched.moved(thing):
            created = moment(post.get("created_time"))
            if created is None or created >= self._floor:
                self.roots.append(self._items.root(post, thing.id))

    async def batch(self, thing: Thing, after: str | None) -> Batch:
        """A page of the comments of a post, replies among them, nothing from before the first look back."""
        page = await self._graph.edge(f"{thing.id}/comments", STREAM, after, use="pages")
        self._items.learn(page.entries, thing)
        items, times, nameless = [], [], page.unreadable
        for raw in page.entries:
            at = moment(raw.get("created_time"))
            if at is not None:
                times.append(at)
            item = self._items.comment(raw, thing)
            if item is None:
                nameless += 1
            elif item.at >= self._floor:
                items.append(item)
        problems = (f"{nameless} comments could not be read: Meta withholds their ids.",) if nameless else ()
        # Parents before their answers.
        items.sort(key=lambda item: item.at)
        return Batch(items, page.after, times, problems)


def id_of(raw: object) -> str | None:
    """The id in Meta's answer to a write."""
    return text_id(raw.get("id")) if isinstance(raw, dict) else None
