"""The walk over what is new at Threads: mentions by their time, replies below our own posts by looking again.

There is no cursor to go forward by: the posts of the last two weeks are looked at in every pass, older ones in turn, a
page of our list a pass, so that an answer below an old post is found too. A conversation is read newest first (and
the newest page of each before any is read to its end) until a whole page of it is known and older than a day; one that
a pass could not read so far is read to its end by the next. What was read to its end is remembered for reading again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from socialtriage.channels.cursors import Kept, kept
from socialtriage.channels.graph import Listing
from socialtriage.channels.graph_errors import REGRANT, Missing
from socialtriage.channels.graph_json import moment, text_id
from socialtriage.channels.graph_watch import BROKEN
from socialtriage.channels.threads_api import Api
from socialtriage.channels.threads_items import FIELDS, OWN_FIELDS, Translator
from socialtriage.domain.errors import BadPayload, ChannelError, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import Incoming, Page

PAGE = "100"
TURN = "25"
"""Older posts that one pass looks at."""
YOUNG = timedelta(days=14)
MOST_YOUNG = 60
"""Young posts that one pass looks at; the others come in turn."""
OVERLAP = timedelta(hours=25)
PENDING = 10
"""The newest posts that are asked in every pass for replies that wait for approval; the others in turn."""
FOR_MENTIONS = 0.3
"""Share of the budget that the replies leave."""
LAPSED = (Rejected, Unavailable, BadPayload)
"""How a cursor that is no good any more is answered: some servers refuse it, others break."""
UNFINISHED = "Not everything could be read in the time given; the next pass goes on from there."


class Cursor(Kept):
    """What a pass hands to the next: how far mentions are known, and where the turn of older posts stands."""

    me: str
    floor: datetime
    mentions: datetime | None = None
    begun: datetime | None = None
    after: str = ""
    """Mentions: where an unfinished walk, begun then, goes on."""
    turn: str = ""
    """Our own posts: the page that is looked at next."""
    owed: list[str] = msgspec.field(default_factory=list)
    """Posts of ours below which only the newest was read: that it is known says nothing of what is older."""


def read_cursor(stored: str | None, me: str, since: datetime) -> Cursor:
    """The stored cursor; a new one for another account, or where it cannot be read."""
    cursor = kept(stored, Cursor)
    return cursor if cursor is not None and cursor.me == me else Cursor(me, since)


@dataclass(slots=True)
class _Below:
    """A conversation that is being read. `above` is handed in with its first page."""

    post: Mapping[str, Any]
    key: str
    above: list[Incoming]
    seen: set[str] = field(default_factory=set)
    after: str | None = None


class Walk:
    """One pass. `whole` are the conversations that were read to their end, with the ids in them."""

    def __init__(self, api: Api, translator: Translator, cursor: Cursor, whole: dict[str, set[str]]) -> None:
        self._api, self._translator, self._cursor, self.whole = api, translator, cursor, whole
        self._now = api.ctx.clock()
        self._done: set[str] = set()
        self._newest: list[Mapping[str, Any]] = []
        self._turned: list[Mapping[str, Any]] = []
        self._rest: list[_Below] = []
        self._owed = frozenset(cursor.owed)
        self._good = False
        self._broken = 0
        self._refused: list[Rejected] = []
        """Conversations that may not be read: each is its own matter, as long as there are others."""
        self.failure: ChannelError | None = None
        """What the pass must end with, after everything else was read."""

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
            except LAPSED:
                if not state.after:
                    raise
                # A cursor of an earlier pass may have lapsed: from the newest again. Where nothing can be read, that
                # cannot be either, and the cursor stays as it is stored.
                state.after = ""
                continue
            state.after = listing.after or ""
            if not state.after:
                state.mentions, state.begun = state.begun, None
            yield self._page(self._messages(listing.entries, None), _unread(listing.unreadable))
            if not state.after:
                return
        yield Page(unfinished=True)

    # --- replies below our own posts ----------------------------------------------------------------------

    async def replies(self) -> AsyncGenerator[Page, None]:
        """The young posts, the newest page of each before any is read to its end; then some of the older ones."""
        young = 0
        after: str | None = None
        while self._go_on(FOR_MENTIONS):
            listing = await self._own(PAGE, after)
            for post in listing.entries:
                at = moment(post.get("timestamp"))
                if at is not None and self._now - at <= YOUNG and young < MOST_YOUNG and self._go_on(FOR_MENTIONS):
                    young += 1
                    self._newest.append(post)
                    async for page in self._conversation(post, whole=False):
                        yield page
            last = moment(listing.entries[-1].get("timestamp")) if listing.entries else None
            after = listing.after
            if after is None or last is None or self._now - last > YOUNG or young >= MOST_YOUNG:
                break
        async for page in self._to_their_ends():
            yield page
        async for page in self._in_turn():
            yield page
        if self._refused and not self._good:
            said = self._refused[0]
            # "There is none, or you may not see it" of everything that the list has just told: a permission has lapsed.
            lapsed = NotPermitted(said.message, hint=REGRANT) if isinstance(said, Missing) else said
            self.failure = self.failure or lapsed
        elif others := [said for said in self._refused if not isinstance(said, Missing)]:
            yield Page(notices=(f"The replies below {len(others)} post(s) could not be read: {others[0].message}",))
        if not self._go_on(FOR_MENTIONS):
            yield Page(notices=(UNFINISHED,), unfinished=True)

    async def _in_turn(self) -> AsyncGenerator[Page, None]:
        """One page of our list, from where the last pass stopped; begins anew at its end."""
        state = self._cursor
        if not self._go_on(FOR_MENTIONS):
            return
        try:
            listing = await self._own(TURN, state.turn or None)
        except LAPSED:
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
            self._turned.append(post)
            async for page in self._conversation(post, whole=True):
                yield page
        state.turn = listing.after or ""
        yield self._page(())

    # --- replies that wait for approval -------------------------------------------------------------------

    async def pending(self) -> AsyncGenerator[Page, None]:
        """Below the newest posts, and those whose turn it was. What was seen is known by its id."""
        posts = {text_id(post.get("id")): post for post in (*self._newest[:PENDING], *self._turned)}
        for key, post in posts.items():
            after: str | None = None
            while key is not None and self._go_on():
                listing = await waiting(self._api, key, after)
                found = [self._translator.pending(entry, post) for entry in listing.entries]
                messages = [message for message in found if message is not None]
                if messages or listing.unreadable:
                    yield self._page(messages, _unread(listing.unreadable))
                after = listing.after
                if after is None:
                    break

    async def _own(self, limit: str, after: str | None) -> Any:
        return await self._api.listing("me/threads", {"fields": OWN_FIELDS, "limit": limit}, after)

    async def _conversation(self, post: Mapping[str, Any], *, whole: bool) -> AsyncGenerator[Page, None]:
        """What may be new below one post of ours: its newest page, or all of it."""
        key = text_id(post.get("id"))
        if key is None or key in self._done:
            return
        self._done.add(key)
        # The post itself stands first in the thread, once somebody has answered.
        above = self._messages([{**post, "is_reply_owned_by_me": True}], None)
        async for page in self._below(_Below(post, key, above), whole=whole):
            yield page

    async def _to_their_ends(self) -> AsyncGenerator[Page, None]:
        """What is left of conversations whose newest pages were read."""
        rest, self._rest = self._rest, []
        for left in rest:
            async for page in self._below(left, whole=True):
                yield page

    async def _below(self, left: _Below, *, whole: bool) -> AsyncGenerator[Page, None]:
        """Pages of a conversation: the next, or all down to what is known."""
        while self._go_on(FOR_MENTIONS):
            try:
                listing = await conversation(self._api, left.key, left.after)
            except Rejected as exc:
                self._owe(left.key, False)
                self._refused.append(exc)
                return
            except (BadPayload, Unavailable) as exc:
                self.failure = self.failure or exc
                self._broken += isinstance(exc, Unavailable)
                if self._broken >= BROKEN:
                    raise
                return
            self._good = True
            messages = self._messages(listing.entries, left.post)
            left.seen |= {message.remote_id for message in messages}
            left.after = listing.after
            known = bool(messages) and left.key not in self._owed and self._known(messages)
            self._owe(left.key, left.after is not None and not known)
            if messages or listing.unreadable:
                yield self._page([*left.above, *messages], _unread(listing.unreadable))
            left.above = []
            if left.after is None:
                self.whole[left.key] = left.seen
            if left.after is None or known:
                return
            if not whole:
                self._rest.append(left)
                return

    def _owe(self, key: str, more: bool) -> None:
        """Note whether the next pass must read a conversation to its end, should this one not come to it."""
        owed = self._cursor.owed
        if more != (key in owed):
            self._cursor.owed = [*owed[1 - MOST_YOUNG :], key] if more else [one for one in owed if one != key]

    def _known(self, messages: Sequence[Incoming]) -> bool:
        """Whether a page brought nothing new, and nothing that may have been dated back."""
        known = self._api.ctx.known.thread_of([message.remote_id for message in messages])
        old = all(message.at < self._now - OVERLAP for message in messages)
        return old and all(m.remote_id in known or m.at < self._cursor.floor for m in messages)


async def conversation(api: Api, root: str, after: str | None) -> Any:
    """One page of all that stands below a post of ours, at any depth, newest first."""
    return await api.listing(f"{root}/conversation", {"fields": FIELDS, "limit": PAGE, "reverse": "true"}, after)


async def waiting(api: Api, root: str, after: str | None) -> Any:
    """One page of the replies below a post of ours that wait for approval, where the post has approvals at all."""
    params = {"fields": FIELDS, "limit": PAGE, "approval_status": "pending"}
    try:
        return await api.listing(f"{root}/pending_replies", params, after)
    except Missing:
        return Listing([], None)


def _unread(count: int) -> tuple[str, ...]:
    return (f"{count} messages of Threads could not be read.",) if count else ()


def epoch(text: str) -> datetime:
    """A time that was kept in `reply_data`."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC)
