"""The walk over what is new at Threads: mentions by their time, replies below our own posts by looking again.

There is no cursor to go forward by: the posts of the last two weeks are looked at in every pass, older ones in turn, a
page of our list a pass, so that an answer below an old post is found too. A conversation is read newest first until a
whole page of it is known and older than a day; what was read to its end is remembered for reading again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import moment, text_id
from socialtriage.channels.threads_api import Api
from socialtriage.channels.threads_items import FIELDS, OWN_FIELDS, Translator
from socialtriage.domain.errors import Rejected
from socialtriage.domain.models import Incoming, Page

PAGE = "100"
TURN = "25"
"""Older posts that one pass looks at."""
YOUNG = timedelta(days=14)
MOST_YOUNG = 60
"""Young posts that one pass looks at; the others come in turn."""
OVERLAP = timedelta(hours=25)
FOR_MENTIONS = 0.3
"""Share of the budget that the replies leave."""
UNFINISHED = "Not everything could be read in the time given; the next pass goes on from there."


class Cursor(msgspec.Struct):
    """What a pass hands to the next: how far mentions are known, and where the turn of older posts stands."""

    me: str
    floor: datetime
    mentions: datetime | None = None
    begun: datetime | None = None
    after: str = ""
    """Mentions: where an unfinished walk, begun then, goes on."""
    turn: str = ""
    """Our own posts: the page that is looked at next."""

    def dump(self) -> str:
        """As it is stored."""
        return msgspec.json.encode(self).decode()


def read_cursor(stored: str | None, me: str, since: datetime) -> Cursor:
    """The stored cursor; a new one for another account, or where it cannot be read."""
    try:
        cursor = msgspec.json.decode(stored or "", type=Cursor)
    except (msgspec.DecodeError, ValueError):
        return Cursor(me, since)
    return cursor if cursor.me == me else Cursor(me, since)


class Walk:
    """One pass. `whole` are the conversations that were read to their end, with the ids in them."""

    def __init__(self, api: Api, translator: Translator, cursor: Cursor, whole: dict[str, set[str]]) -> None:
        self._api, self._translator, self._cursor, self.whole = api, translator, cursor, whole
        self._now = api.ctx.clock()
        self._done: set[str] = set()

    def _go_on(self, share: float = 0.0) -> bool:
        """Whether more than `share` of the budget is left, and enough to begin something."""
        budget = self._api.budget
        return budget.left > max(min(1.0, budget.seconds / 10), share * budget.seconds)

    def _page(self, items: Sequence[Incoming], notices: tuple[str, ...] = ()) -> Page:
        fresh = tuple(item for item in items if item.own or item.at >= self._cursor.floor)
        return Page(items=fresh, cursor=self._cursor.dump(), notices=notices)

    def _messages(self, entries: Sequence[Mapping[str, Any]], root: Mapping[str, Any] | None) -> list[Incoming]:
        found = [self._translator.message(entry, root=root) for entry in entries]
        return [message for message in found if message is not None]

    # --- mentions -----------------------------------------------------------------------------------------

    async def mentions(self) -> AsyncGenerator[Page, None]:
        """Mentions since the last complete walk, newest first, with a day of overlap."""
        state = self._cursor
        since = max(state.floor, (state.mentions or state.floor) - OVERLAP)
        state.begun = state.begun or self._now
        while self._go_on():
            params = {"fields": FIELDS, "limit": PAGE, "since": str(int(since.timestamp()))}
            try:
                listing = await self._api.listing(f"{state.me}/mentions", params, state.after or None)
            except Rejected:
                if not state.after:
                    raise
                state.after = ""  # a cursor of an earlier pass may have lapsed: from the newest again
                continue
            state.after = listing.after or ""
            if not state.after:
                state.mentions, state.begun = state.begun, None
            yield self._page(self._messages(listing.entries, None), _unread(listing.unreadable))
            if not state.after:
                return

    # --- replies below our own posts ----------------------------------------------------------------------

    async def replies(self) -> AsyncGenerator[Page, None]:
        """The young posts, then some of the older ones."""
        young = 0
        after: str | None = None
        while self._go_on(FOR_MENTIONS):
            listing = await self._own(PAGE, after)
            for post in listing.entries:
                at = moment(post.get("timestamp"))
                if at is not None and self._now - at <= YOUNG and young < MOST_YOUNG and self._go_on(FOR_MENTIONS):
                    young += 1
                    async for page in self._conversation(post):
                        yield page
            last = moment(listing.entries[-1].get("timestamp")) if listing.entries else None
            after = listing.after
            if after is None or last is None or self._now - last > YOUNG or young >= MOST_YOUNG:
                break
        async for page in self._in_turn():
            yield page
        if not self._go_on(FOR_MENTIONS):
            yield Page(notices=(UNFINISHED,))

    async def _in_turn(self) -> AsyncGenerator[Page, None]:
        """One page of our list, from where the last pass stopped; begins anew at its end."""
        state = self._cursor
        if not self._go_on(FOR_MENTIONS):
            return
        try:
            listing = await self._own(TURN, state.turn or None)
        except Rejected:
            if not state.turn:
                raise
            listing = None
        if state.turn and (listing is None or not listing.entries):
            # The end of the list, or a cursor of an earlier pass that has lapsed: from the beginning.
            state.turn = ""
            listing = await self._own(TURN, None)
        for post in listing.entries:
            if not self._go_on(FOR_MENTIONS):
                return
            async for page in self._conversation(post):
                yield page
        state.turn = listing.after or ""
        yield self._page(())

    async def _own(self, limit: str, after: str | None) -> Any:
        return await self._api.listing("me/threads", {"fields": OWN_FIELDS, "limit": limit}, after)

    async def _conversation(self, post: Mapping[str, Any]) -> AsyncGenerator[Page, None]:
        """Everything below one post of ours that may be new."""
        key = text_id(post.get("id"))
        if key is None or key in self._done:
            return
        self._done.add(key)
        # The post itself stands first in the thread, once somebody has answered.
        above, seen, after = self._messages([{**post, "is_reply_owned_by_me": True}], None), set[str](), None
        while self._go_on(FOR_MENTIONS):
            try:
                listing = await conversation(self._api, key, after)
            except Missing:
                return
            messages = self._messages(listing.entries, post)
            seen |= {message.remote_id for message in messages}
            if messages or listing.unreadable:
                yield self._page([*above, *messages], _unread(listing.unreadable))
            above, after = [], listing.after
            if after is None:
                self.whole[key] = seen
                return
            if messages and self._known(messages):
                return

    def _known(self, messages: Sequence[Incoming]) -> bool:
        """Whether a page brought nothing new, and nothing that may have been dated back."""
        known = self._api.ctx.known.thread_of([message.remote_id for message in messages])
        old = all(message.at < self._now - OVERLAP for message in messages)
        return old and all(m.remote_id in known or m.at < self._cursor.floor for m in messages)


async def conversation(api: Api, root: str, after: str | None) -> Any:
    """One page of all that stands below a post of ours, at any depth, newest first."""
    return await api.listing(f"{root}/conversation", {"fields": FIELDS, "limit": PAGE, "reverse": "true"}, after)


def _unread(count: int) -> tuple[str, ...]:
    return (f"{count} messages of Threads could not be read.",) if count else ()


def epoch(text: str) -> datetime:
    """A time that was kept in `reply_data`."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC)
