"""The two public streams: notifications about mentions, replies and quotes, and our own posts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.bluesky_answers import is_did, parse_time, split_uri, tid_time
from socialtriage.channels.bluesky_media import has_media
from socialtriage.channels.bluesky_posts import POST, PostView, Reader, read_view, unreadable
from socialtriage.channels.bluesky_session import Xrpc
from socialtriage.channels.bluesky_walk import DEEP_OVERLAP, OVERLAP, PAGE, Batch, Stream
from socialtriage.domain.errors import BadPayload, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import Gap, Incoming
from socialtriage.domain.times import iso

REASONS = ("mention", "reply", "quote")
GET_POSTS = 25
"""Most URIs that `getPosts` takes."""
LEVELS = 10
"""How far up a thread the posts are read that a new message answers."""
MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Posts:
    """Posts by URI, read in as few calls as the network allows, and never twice in a pass."""

    def __init__(self, xrpc: Xrpc) -> None:
        self._xrpc = xrpc
        self._views: dict[str, PostView | None] = {}

    async def views(self, uris: Iterable[str]) -> dict[str, PostView]:
        """Those of `uris` that the AppView shows us; deleted ones and those of blocked people are missing."""
        wanted = [uri for uri in dict.fromkeys(uris) if is_post(uri)]
        asked = [uri for uri in wanted if uri not in self._views]
        for start in range(0, len(asked), GET_POSTS):
            some = asked[start : start + GET_POSTS]
            data = await self._xrpc.query("app.bsky.feed.getPosts", {"uris": some})
            posts = data.get("posts")
            if not isinstance(posts, list):
                raise BadPayload("getPosts answered without posts.", field="posts")
            self._views.update(dict.fromkeys(some))
            for item in posts:
                try:
                    view = read_view(item)
                except ValueError:
                    continue
                self._views[view.uri] = view
        return {uri: found for uri in wanted if (found := self._views.get(uri))}


class Notifications:
    """The stream of mentions, replies and quotes.

    The cursor is a bare time and the next page is strictly below it, so the rest of several rows that share a time
    would be skipped at a page's end: every page is asked for one millisecond higher than the server says.
    """

    def __init__(self, ctx: ChannelContext, xrpc: Xrpc, floor: datetime) -> None:
        self._ctx, self._xrpc, self._floor = ctx, xrpc, floor
        self._posts = Posts(xrpc)
        self._seen: set[str] = set()

    async def batch(self, cursor: str | None, stream: Stream) -> Batch:
        """The next page; see `Source`."""
        rows, following = await self._rows(_nudged(cursor), stream)
        gap = None
        if _stuck(following, cursor):
            more, following = await self._rows(cursor, stream)
            # With nothing below, a short page was the last one: some servers lead on from there all the same.
            if more or following or len(rows) >= _limit(stream):
                gap = _tie_gap(str(cursor))
            rows, following = [*rows, *more], None if _stuck(following, cursor) else following
        batch = Batch(next=following, gap=gap)
        views = self._views(rows, batch)
        lows = [at for at in (parse_time(following), *(parse_time(view.indexedAt) for view in views)) if at]
        batch.low = min(lows) if lows else None
        known = self._known(view.uri for view in views)
        wanted = [view for view in views if self._wanted(view, stream)]
        until = stream.walk.until if stream.walk else self._floor
        new = [view for view in wanted if view.uri not in known]
        batch.unknown_below = any((parse_time(view.indexedAt) or until) < until for view in new)
        around = await self._around(new)
        reader = Reader(self._xrpc.did, {view.author.did: view.author.handle for view in [*views, *around.values()]})
        batch.items += [reader.message(view, around=around) for view in wanted]
        batch.context = self._context(new, around, reader)
        return batch

    def _known(self, uris: Iterable[str]) -> set[str]:
        asked = list(uris)
        return set(self._ctx.known.thread_of(asked)) if asked else set()

    async def _rows(self, cursor: str | None, stream: Stream) -> tuple[list[Any], str | None]:
        params: dict[str, str | int | Sequence[str]] = {
            "limit": _limit(stream),
            "reasons": REASONS,
            "priority": "false",
        }
        if cursor is not None:
            params["cursor"] = cursor
        data = await self._xrpc.query("app.bsky.notification.listNotifications", params)
        rows, following = data.get("notifications"), data.get("cursor")
        if not isinstance(rows, list):
            raise BadPayload("listNotifications answered without notifications.", field="notifications")
        return rows, following if isinstance(following, str) and following else None

    def _views(self, rows: list[Any], batch: Batch) -> list[PostView]:
        """Rows that can be read and were not handed in by this pass; the others become a message that says so."""
        views = []
        for row in rows:
            uri = row.get("uri") if isinstance(row, dict) else None
            reason = row.get("reason") if isinstance(row, dict) else None
            if isinstance(reason, str) and reason not in REASONS:
                continue
            if not isinstance(uri, str) or uri in self._seen:
                if not isinstance(uri, str):
                    self._xrpc.notices.append("A notification without an address could not be read.")
                continue
            self._seen.add(uri)
            try:
                views.append(read_view(row))
            except ValueError as exc:
                self._unread(row, str(exc), batch)
        return views

    def _unread(self, row: Any, field: str, batch: Batch) -> None:
        said = unreadable(row, field, self._xrpc.now())
        if said is not None:
            batch.items += [said] if said.at >= self._floor else []
        else:
            self._xrpc.notices.append(f"A notification could not be read (field {field}).")

    def _wanted(self, view: PostView, stream: Stream) -> bool:
        """Whether a post is handed in. What is older than the first look back, or than any overlap, is not: we had
        it, and may have pruned it since; unless its key tells that it was only written lately.
        """
        sorted_at, written, mark = parse_time(view.indexedAt), _key_time(view), stream.mark
        if sorted_at is None or mark is None:
            return sorted_at is None or sorted_at >= self._floor
        if sorted_at >= max(self._floor, mark - DEEP_OVERLAP):
            return True
        lately = mark if sorted_at < self._floor else mark - OVERLAP
        return written is not None and lately <= written <= self._xrpc.now()

    async def _around(self, new: Sequence[PostView]) -> dict[str, PostView]:
        """Posts that new messages answer or quote, up their threads as far as they are not stored, and media views."""
        wanted = {uri for view in new for uri in _mentioned(view)} | {v.uri for v in new if has_media(v.record)}
        around: dict[str, PostView] = {}
        try:
            for _ in range(LEVELS):
                fetched = await self._posts.views(wanted - around.keys())
                around |= fetched
                stored = self._known(fetched)
                above = {view.reply[1] for uri, view in fetched.items() if view.reply and uri not in stored}
                wanted = above - around.keys() - self._known(above)
                if not wanted:
                    break
        except (Unavailable, Rejected, NotPermitted, BadPayload) as exc:
            self._xrpc.notices.append(f"The posts that new messages answer could not be read: {exc.message}")
        return around

    def _context(self, new: Sequence[PostView], around: Mapping[str, PostView], reader: Reader) -> list[Incoming]:
        """The chain above each new reply, where it is not stored yet: our own words in it belong to the case."""
        ancestors: dict[str, PostView] = {}
        for view in new:
            for uri in view.reply or ():
                while uri in around and uri not in ancestors:
                    ancestors[uri] = around[uri]
                    uri = (around[uri].reply or ("", ""))[1]
        known = self._known(ancestors)
        return [reader.message(v, around=around, context=True) for uri, v in ancestors.items() if uri not in known]


def _limit(stream: Stream) -> int:
    """Rows of a page, another number every second sweep: a server that fills its pages from several reads can drop one
    of two rows with the same time where its own reads meet, and the next sweep's reads meet elsewhere."""
    return PAGE if stream.sweeps % 2 == 0 else PAGE - 7


class OwnPosts:
    """Our own posts, written here or elsewhere, from our data server; only those that are not stored."""

    def __init__(self, ctx: ChannelContext, xrpc: Xrpc, floor: datetime) -> None:
        self._ctx, self._xrpc, self._floor = ctx, xrpc, floor

    async def batch(self, cursor: str | None, stream: Stream) -> Batch:
        """The next page; see `Source`. Its cursor is a record key, which two posts never share."""
        grant = self._xrpc.grant
        params: dict[str, str | int] = {"repo": grant.did, "collection": POST, "limit": PAGE}
        if cursor is not None:
            params["cursor"] = cursor
        data = await self._xrpc.query("com.atproto.repo.listRecords", params)
        rows, following = data.get("records"), data.get("cursor")
        if not isinstance(rows, list):
            raise BadPayload("listRecords answered without records.", field="records")
        views = [view for row in rows if (view := self._view(row))]
        more = isinstance(following, str) and bool(following) and len(rows) >= PAGE
        batch = Batch(next=following if more else None)
        # Records come in the order of their keys, which are times where they are TIDs, as posts' keys should be.
        keys = [at for view in views if (at := _key_time(view))]
        times = [at for view in views if (at := parse_time(view.indexedAt))]
        batch.low = min(keys) if keys else max(times, default=None)
        known = set(self._ctx.known.thread_of([view.uri for view in views])) if views else set()
        reader = Reader(grant.did)
        batch.items = [reader.message(v) for v in views if v.uri not in known and _latest(v) >= self._floor]
        return batch

    def _view(self, row: Any) -> PostView | None:
        grant = self._xrpc.grant
        value = row.get("value") if isinstance(row, dict) else None
        if not isinstance(value, dict):
            return None
        written = parse_time(value.get("createdAt"))
        try:
            shown = {"uri": row.get("uri"), "cid": row.get("cid"), "record": value}
            author = {"did": grant.did, "handle": grant.handle}
            return read_view({**shown, "author": author, "indexedAt": iso(written or self._xrpc.now())})
        except ValueError:
            return None


def is_post(uri: str) -> bool:
    """Whether `uri` names a post: other records (feeds, lists) can be quoted too."""
    parts = split_uri(uri)
    return parts is not None and is_did(parts[0]) and parts[1] == POST


def _mentioned(view: PostView) -> list[str]:
    """URIs of the posts that a message answers or quotes."""
    return [*(view.reply or ()), *([view.quotes] if view.quotes else [])]


def _key_time(view: PostView) -> datetime | None:
    parts = split_uri(view.uri)
    return tid_time(parts[2]) if parts else None


def _latest(view: PostView) -> datetime:
    """The later of what a post's key and its author say about when it was written."""
    return max(at for at in (_key_time(view), parse_time(view.indexedAt), _EPOCH) if at)


def _nudged(cursor: str | None) -> str | None:
    """The cursor one millisecond higher; as it is where it is not a time."""
    at = parse_time(cursor)
    return iso(at + MILLISECOND) if at else cursor


def _stuck(following: str | None, cursor: str | None) -> bool:
    """Whether a page does not lead below its own cursor."""
    if following is None or cursor is None:
        return False
    at, limit = parse_time(following), parse_time(cursor)
    return at >= limit if at and limit else following == cursor


def _tie_gap(cursor: str) -> Gap | None:
    at = parse_time(cursor)
    return Gap(at, at + MILLISECOND, f"More than {PAGE} notifications carry this very time.") if at else None
