"""The walk over what is new at X: mentions, our own posts, direct messages.

Posts have a true forward cursor (`since_id`), and pages come newest first. What is not read yet is a list of ranges of
ids: each page shrinks one from above, so that the walk may stop after any page; the next pass begins with what is
newest and goes on with what is left. Only the newest 800 mentions can be reached: beyond that a gap is told. Every six
hours the last 25 hours are looked at once more, for what X made visible late.

Direct messages have no `since_id`: the list is read from its newest down to the newest that is known, 30 days at most.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.cursors import Kept, kept
from socialtriage.channels.x_api import Api, Declined, text_id
from socialtriage.channels.x_items import Includes, Post, Translator, listed, made_at, read_post
from socialtriage.domain.errors import ChannelError
from socialtriage.domain.models import Gap, Incoming, Page

PAGE = 100
REACHABLE = 800
"""So many of the newest mentions can be read at all."""
CIRCLE = "X hands out the same page again and again: what lies behind it was not read."
EVENT_DAYS = timedelta(days=30)
COMINGS = ("ParticipantsJoin", "ParticipantsLeave")
"""Events that nobody wrote; they are not asked for, and what is of no known kind is believed to be a message."""
SWEEP_EVERY = timedelta(hours=6)
OVERLAP = timedelta(hours=25)


class Range(msgspec.Struct):
    """Ids that were not read yet: above `low`, below `high` (empty: up to the newest)."""

    low: str = ""
    high: str = ""
    count: int = 0
    """Posts that were read of it, and above it."""


class Stream(msgspec.Struct):
    """What one list of posts still owes. `top` is the newest id that was seen."""

    top: str = ""
    ranges: list[Range] = []
    swept: datetime | None = None


class Events(msgspec.Struct):
    """Direct messages: all down from `top` to `mark` are known but for what `token` leads on to."""

    top: str = ""
    mark: str = ""
    token: str = ""
    closed_until: datetime | None = None
    """The headers said that there are no more calls until then."""


class Cursor(Kept):
    """Everything that a pass hands to the next."""

    me: str
    since: datetime
    mentions: Stream = msgspec.field(default_factory=Stream)
    own: Stream = msgspec.field(default_factory=Stream)
    events: Events = msgspec.field(default_factory=Events)


def read_cursor(stored: str | None, me: str, since: datetime) -> Cursor:
    """The stored cursor; a new one for another account, or where it cannot be read."""
    cursor = kept(stored, Cursor)
    return cursor if cursor is not None and cursor.me == me else Cursor(me, since)


class Walk:
    """One pass."""

    def __init__(self, ctx: ChannelContext, api: Api, translator: Translator, cursor: Cursor) -> None:
        self._ctx, self._api, self._translator, self._cursor = ctx, api, translator, cursor
        self._circles: set[str] = set()
        """Lists whose pages lead back to themselves: there is no going on by them in this pass."""

    def _go_on(self) -> bool:
        budget = self._ctx.budget
        return budget.left > min(1.0, budget.seconds / 10)

    def unfinished(self) -> bool:
        """Whether the time is over, and something is left for the next pass."""
        state = self._cursor
        return not self._go_on() and bool(state.mentions.ranges or state.own.ranges or state.events.token)

    # --- posts --------------------------------------------------------------------------------------------

    async def posts(self, stream: Stream, kind: str) -> AsyncGenerator[Page, None]:
        """What is new in a list (`mentions`, `tweets`), then what is left of earlier walks, then the late arrivals."""
        now = self._ctx.clock()
        if not stream.ranges or stream.ranges[0].high:
            stream.ranges.insert(0, Range(low=stream.top))
        while stream.ranges and self._go_on() and kind not in self._circles:
            async for page in self._range(stream, stream.ranges[0], kind, now):
                yield self._with_cursor(page)
        if stream.swept is not None and now - stream.swept >= SWEEP_EVERY and not stream.ranges:
            async for page in self._sweep(stream, kind, now):
                yield page

    async def _range(self, stream: Stream, part: Range, kind: str, now: datetime) -> AsyncGenerator[Page, None]:
        """The pages of a range: by token within a pass, below the lowest id that was seen in a later one."""
        params = {"max_results": str(PAGE)} | ({"until_id": part.high} if part.high else {})
        params |= {"since_id": part.low} if part.low else {"start_time": _seconds(self._cursor.since)}
        token, asked = "", set[str]()
        while self._go_on():
            await self._api.meter.still_allowed()
            answer = await self._ask(kind, params, part, token)
            posts = [post for post in map(read_post, listed(answer)) if post is not None]
            await self._charge(kind, posts, Includes.read(answer))
            self._shrink(stream, part, [int(post.id) for post in posts])
            # A page that lost all its entries to a filter is empty and not the last: only the token tells.
            token = _following(answer)
            circle = token in asked
            asked.add(token)
            gap = None
            if circle:
                # The next pass goes on below the lowest id that was seen, without tokens.
                self._circles.add(kind)
            elif not token:
                stream.ranges.remove(part)
                stream.swept = stream.swept or now
                gap = self._out_of_reach(part) if kind == "mentions" else None
                if stream.ranges:
                    stream.ranges[0].count += part.count
            notices = (*_unread(answer), *((CIRCLE,) if circle else ()))
            yield Page(items=self._messages(posts, answer), notices=notices, gap=gap)
            if circle or not token:
                return

    def _out_of_reach(self, part: Range) -> Gap | None:
        """What lies between the newest 800 and what was read before, when there were as many."""
        if part.count < REACHABLE or not part.high:
            return None
        start = max(made_at(part.low), self._cursor.since) if part.low else self._cursor.since
        end = made_at(part.high)
        return Gap(start, end, f"X hands out only the newest {REACHABLE} mentions.") if start < end else None

    @staticmethod
    def _shrink(stream: Stream, part: Range, ids: list[int]) -> None:
        part.count += len(ids)
        if ids:
            stream.top = str(max(int(stream.top or 0), *ids))
            part.high = str(min(int(part.high), *ids) if part.high else min(ids))

    async def _ask(self, kind: str, params: dict[str, str], part: Range, token: str) -> dict[str, Any]:
        following = {"pagination_token": token} if token else {}
        try:
            return await self._read(kind, params | following)
        except Declined:
            if token or not part.low or "since_id" not in params:
                raise
            # X refuses ids that are too old for it; what it says then is not documented.
            params["start_time"] = _seconds(max(made_at(params.pop("since_id")), self._cursor.since))
            return await self._read(kind, params)

    async def _read(self, kind: str, params: Mapping[str, str]) -> dict[str, Any]:
        more = {"exclude": "retweets"} if kind == "tweets" else {}
        return await self._api.read(f"/2/users/{self._cursor.me}/{kind}", {**params, **more})

    async def _sweep(self, stream: Stream, kind: str, now: datetime) -> AsyncGenerator[Page, None]:
        """Look at the last 25 hours once more; what is known costs nothing on the day it was read."""
        params = {"max_results": str(PAGE), "start_time": _seconds(max(now - OVERLAP, self._cursor.since))}
        token, asked = "", set[str]()
        while self._go_on():
            await self._api.meter.still_allowed()
            answer = await self._read(kind, params | ({"pagination_token": token} if token else {}))
            posts = [post for post in map(read_post, listed(answer)) if post is not None]
            known = self._ctx.known.thread_of([post.key for post in posts])
            fresh = [post for post in posts if post.key not in known or post.key != post.id]
            await self._charge_again(kind, [post for post in posts if post.key in known], now)
            await self._charge(kind, fresh, Includes.read(answer))
            token = _following(answer)
            token = "" if token in asked else token
            asked.add(token)
            if not token:
                stream.swept = now
            yield self._with_cursor(Page(items=self._messages(fresh, answer)))
            if not token:
                return

    def _messages(self, posts: list[Post], answer: Mapping[str, Any]) -> tuple[Incoming, ...]:
        """Messages of a page, and what they answer, for the reader. Of an edited post only the newest version."""
        beside = Includes.read(answer)
        found: dict[str, Incoming] = {}
        posts = self._newest(posts)
        for post in posts:
            parent = beside.posts.get(post.answers or "")
            if parent is not None and parent.author is None and post.answers_user is not None:
                parent = replace(parent, author=post.answers_user)
            if parent is not None and parent.author is not None and parent.key not in found:
                found[parent.key] = self._translator.message(parent, beside, context=True)
        for post in sorted(posts, key=lambda post: int(post.id)):
            found[post.key] = self._translator.message(post, beside)
        return tuple(found.values())

    def _newest(self, posts: list[Post]) -> list[Post]:
        """Of each post its newest version that is here. One that does not address us any more never comes: the one
        that did is taken then, unless a newer one is stored.
        """
        posts = [post for post in posts if not post.reposts]
        older = [post.key for post in posts if post.outdated]
        known = self._ctx.known.thread_of(older) if older else {}
        newest: dict[str, Post] = {}
        for post in posts:
            if not (post.outdated and post.key in known) and int(newest.get(post.key, post).id) <= int(post.id):
                newest[post.key] = post
        return list(newest.values())

    async def _charge(self, kind: str, posts: list[Post], beside: Includes) -> None:
        await self._api.meter.charge("mention_read" if kind == "mentions" else "own_read", len(posts))
        others = {key for key in beside.users if key != self._cursor.me}
        if posts and others:
            await self._api.meter.charge_users(others)

    async def _charge_again(self, kind: str, posts: list[Post], now: datetime) -> None:
        older = [post for post in posts if post.at.date() < now.date()]
        await self._api.meter.charge_once("mention_read" if kind == "mentions" else "own_read", len(older))

    # --- direct messages ----------------------------------------------------------------------------------

    async def events(self) -> AsyncGenerator[Page, None]:
        """New direct messages, then what an earlier pass could not finish."""
        state, now = self._cursor.events, self._ctx.clock()
        if state.closed_until is not None and now < state.closed_until:
            return
        state.closed_until = None
        owed = state.token
        async for page in self._down_to(state.top if owed else state.mark, "", owed):
            yield page
        if owed and state.token == owed and not self._closed(now):
            async for page in self._down_to(state.mark, owed, ""):
                yield page

    async def _down_to(self, low: str, token: str, owed: str) -> AsyncGenerator[Page, None]:
        """Pages from `token` (empty: the newest) down to `low`; after each, `state.token` leads to all that is owed."""
        state, asked = self._cursor.events, {token}
        while self._go_on():
            page, token = await self._events_page(token, low)
            if token and token in asked:
                # What lies behind it stays owed: the next pass begins at the newest.
                state.token = owed
                yield self._with_cursor(replace(page, notices=(*page.notices, CIRCLE)))
                return
            asked.add(token)
            state.token = token or owed
            if not state.token:
                state.mark = state.top
            yield self._with_cursor(page)
            if not token or self._closed(self._ctx.clock()):
                return

    def _closed(self, now: datetime) -> bool:
        """Whether the headers say that there are no more calls; remembered for the passes to come."""
        until = self._api.limits.get("dm_events")
        if until is not None and until > now:
            self._cursor.events.closed_until = until
        return self._cursor.events.closed_until is not None

    async def _events_page(self, token: str, low: str) -> tuple[Page, str]:
        """One page, and the token of the next one that is needed."""
        await self._api.meter.still_allowed()
        params = {"max_results": str(PAGE), "event_types": "MessageCreate"}
        try:
            answer = await self._api.read(
                "/2/dm_events", params | ({"pagination_token": token} if token else {}), events=True
            )
        except Declined:
            if not token:
                raise
            # A token of an earlier pass may have lapsed: from the newest again.
            answer = await self._api.read("/2/dm_events", params, events=True)
        beside, state = Includes.read(answer), self._cursor.events
        raw = [item for item in listed(answer) if isinstance(item, dict)]
        raw = [item for item in raw if item.get("event_type") not in COMINGS]
        ids = [int(key) for key in (text_id(item.get("id")) for item in raw) if key]
        await self._api.meter.charge("dm_read", len([key for key in ids if key > int(low or 0)]))
        if ids and max(ids) > int(low or 0):
            await self._api.meter.charge_users(key for key in beside.users if key != self._cursor.me)
        messages = [message for message in (self._translator.direct(item, beside) for item in raw) if message]
        earliest = max(self._cursor.since, self._ctx.clock() - EVENT_DAYS)
        fresh = [m for m in messages if int(m.reply_data["id"]) > int(low or 0) and m.at >= earliest]
        if ids:
            state.top = str(max(int(state.top or 0), *ids))
        reached = any(key <= int(low or 0) for key in ids) or any(m.at < earliest for m in messages)
        self._closed(self._ctx.clock())
        return Page(items=tuple(reversed(fresh)), notices=_unread(answer)), "" if reached else _following(answer)

    def _with_cursor(self, page: Page) -> Page:
        return Page(items=page.items, cursor=self._cursor.dump(), notices=page.notices, gap=page.gap)


def _seconds(at: datetime) -> str:
    """A time as X takes it: whole seconds."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _following(answer: Mapping[str, Any]) -> str:
    """The token of the next page; empty on the last one."""
    meta = answer.get("meta")
    return str(meta.get("next_token") or "") if isinstance(meta, dict) else ""


def _unread(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Items that could not be read at all."""
    bad = [item for item in listed(answer) if not isinstance(item, dict) or text_id(item.get("id")) is None]
    return (f"{len(bad)} messages of X could not be read.",) if bad else ()


async def told(pages: AsyncGenerator[Page, None], what: str, able: Callable[[ChannelError], bool]) -> Any:
    """Pages, and in the place of an error that `able` allows a sentence."""
    try:
        async for page in pages:
            yield page
    except ChannelError as exc:
        if not able(exc):
            raise
        yield Page(notices=(f"{what} could not be read: {exc.message}",))
