"""The walk over what is new: a cursor that is safe after every page, and two streams that move by the same rules.

A stream is read in three moves, each of which may be stopped after any page:

* **newest**: one request in a quiet pass. The newest page shows the mark (the newest entry that was handed in) and
  what stands above it. Where it does not, more is new than a page holds: that page is handed in first, so that after a
  weekend what is new this morning is read first, and then `min_id` walks up from the mark without a gap until a page
  brings no more `Link rel=prev`.
* **back**: `max_id` walks down from a page, by `Link rel=next`, until a whole page is older than a limit. The first
  look back is such a walk; so is
* the **sweep** over the last 25 hours. Ids of Mastodon's notifications are given in the order of arrival, so there it
  runs hourly, for what was committed out of order; other servers make ids out of times in whole seconds, or sort by
  times that others set, so there it runs in every pass. What is stored already is skipped.

Pages are never judged by their length: a page that lost all its entries to a mute is empty and not the last.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from socialtriage.channels.cursors import Kept, kept
from socialtriage.channels.mastodon_api import Api, Listing, OutOfTime
from socialtriage.channels.mastodon_entities import Server, Status, moment, text_id
from socialtriage.channels.mastodon_threads import Held, Threads
from socialtriage.domain.errors import BadPayload, ChannelError, Misconfigured, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import Incoming, Page
from socialtriage.domain.times import iso

OVERLAP = timedelta(hours=25)
"""How far back late arrivals are looked for."""
MARGIN = timedelta(days=1)
"""The first look back ends where a whole page is older than `since` by this: entries may stand out of order."""
SWEEP_EVERY = timedelta(hours=1)
ENTRIES = 80
"""Entries in one page for the desk: all that a server gives at once, so that they are stored at once."""
ITEMS = 80


class Back(msgspec.Struct, omit_defaults=True):
    """A walk down that is not finished: below `max_id` (None: from the top), down to `until`."""

    until: str
    max_id: str | None = None
    first: bool = False


class StreamState(msgspec.Struct, omit_defaults=True):
    """Where a stream stands."""

    mark: str | None = None
    """Id of the newest entry handed in; everything above it is new."""
    back: Back | None = None
    swept: str = ""
    """When the last sweep was finished."""


class Cursor(Kept, omit_defaults=True):
    """Everything a pass must know of the passes before it."""

    host: str
    me: str
    since: str
    """How far the first look back went: fixed by the first pass, whatever the present one says."""
    server: Server
    held: Held = msgspec.field(default_factory=Held)
    notices: StreamState = msgspec.field(default_factory=StreamState)
    own: StreamState = msgspec.field(default_factory=StreamState)


def read_cursor(text: str | None) -> Cursor | None:
    """A stored cursor; None where there is none, or one of another make: then everything is looked at afresh."""
    return kept(text, Cursor)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing, read as far as it can be."""

    id: str | None
    """The id to walk by; None where it has none."""
    raw: Any
    kind: str = ""
    """Why it is of interest: the type of a notification; empty for what the desk does not read."""
    at: datetime | None = None
    """The later of its times: when it was written, and when the server told us."""
    status: Status | None = None
    faulty: tuple[str, ...] = ()

    @property
    def status_id(self) -> str | None:
        """The id of the status in it, even of one that cannot be read."""
        status = self.raw.get("status", self.raw) if isinstance(self.raw, dict) else None
        return text_id(status.get("id")) if isinstance(status, dict) else None

    def edited_since(self, when: datetime) -> bool:
        """Whether it says that it was edited after `when`."""
        edited = moment(self.status.edited_at) if self.status else None
        return edited is not None and edited >= when


@dataclass(slots=True)
class Stream:
    """One list of the server on its way into the desk."""

    api: Api
    cursor: Cursor
    state: StreamState
    path: str
    params: dict[str, str | list[str]]
    limits: tuple[int, int]
    """Entries asked for: of the newest page, and of the others."""
    read: Callable[[Any], Entry]
    take: Callable[[Entry], Awaitable[Sequence[Incoming]]]
    threads: Threads
    since: datetime
    now: datetime
    simpler: dict[str, str | list[str]] | None = None
    """Parameters for a server that refuses the others."""
    _done: set[str] = field(default_factory=set)
    _oldest: tuple[str | None, datetime | None] = (None, None)

    async def page(self, limit: int, **ids: str | None) -> tuple[Listing, list[Entry]]:
        """A page of the list."""
        extra: dict[str, str | int] = {name: value for name, value in ids.items() if value is not None}
        extra["limit"] = limit
        try:
            listing = await self.api.listing(self.path, {**self.params, **extra})
        except Misconfigured:
            if self.simpler is None or self.params == self.simpler:
                raise
            self.params = self.simpler
            listing = await self.api.listing(self.path, {**self.params, **extra})
        entries = [self.read(raw) for raw in listing.entries]
        self.threads.look_at(entry.status for entry in entries if entry.status is not None)
        return listing, entries

    # --- new entries --------------------------------------------------------------------------------------

    async def newest(self) -> AsyncIterator[Page]:
        """What is above the mark, oldest first; the first time, the start of the look back."""
        listing, entries = await self.page(self.limits[0])
        self._oldest = (listing.older, max((e.at for e in entries[-5:] if e.at), default=None))
        if self.state.mark is None:
            if listing.newer is not None:
                self.state.mark = listing.newer
                self.state.back = Back(until=iso(self.since - MARGIN), first=True)
                async for page in self._down(entries, self.state.back, listing.older):
                    yield page
            return
        ids = [entry.id for entry in entries]
        if self.state.mark in ids:
            place = ids.index(self.state.mark)
            async for page in self._up(entries[:place], listing.newer):
                yield page
            late = entries[place:]
        else:
            before = self.state.mark
            async for page in self._at_once(entries):
                yield page
            async for page in self._forward():
                yield page
            late = entries
            if self.state.mark == before and listing.newer not in (None, before):
                # The marked entry was deleted, or the server gave everything new ids; nothing above it is left.
                self.state.mark, self.state.swept = listing.newer, ""
        async for page in self._late(late):
            yield page

    async def _at_once(self, entries: Sequence[Entry]) -> AsyncIterator[Page]:
        """The newest page before the way up to it; the mark stays, and what cannot be read now is met there again."""
        held = self.threads.held
        waiting = held.id, held.tries
        try:
            async for page in self._late(entries):
                yield page
        except (BadPayload, NotPermitted, Rejected, Unavailable):
            # The patience with a thread is counted where the walk waits for it.
            held.id, held.tries = waiting

    async def _forward(self) -> AsyncIterator[Page]:
        """Up from the mark without a gap, until a page leads no further."""
        while True:
            self.api.still_time()
            listing, entries = await self.page(self.limits[1], min_id=self.state.mark)
            if listing.newer is None or listing.newer == self.state.mark:
                return
            async for page in self._up(entries, listing.newer):
                yield page

    async def _up(self, entries: Sequence[Entry], newer: str | None) -> AsyncIterator[Page]:
        def moved(last: Entry | None) -> None:
            self.state.mark = (last.id if last else newer) or self.state.mark

        async for page in self._hand_in(list(reversed(entries)), moved):
            yield page

    async def _late(self, entries: Sequence[Entry]) -> AsyncIterator[Page]:
        """Entries below the mark that nobody has seen, or that were edited of late."""
        candidates = [e for e in entries if e.kind and e.id not in self._done and self._not_too_old(e)]
        keys = [key for key in (e.status_id for e in candidates) if key]
        known = self.threads.ctx.known.thread_of(keys) if keys else {}
        fresh = [e for e in candidates if e.status_id not in known or e.edited_since(self.now - OVERLAP)]
        async for page in self._hand_in(list(reversed(fresh)), None):
            yield page

    # --- older entries ------------------------------------------------------------------------------------

    async def backwards(self) -> AsyncIterator[Page]:
        """Go on with the walk down that is not finished, or begin a sweep when one is due."""
        if self.state.back is None:
            self._plan_sweep()
        while (back := self.state.back) is not None:
            self.api.still_time()
            listing, entries = await self.page(self.limits[1], max_id=back.max_id)
            older = listing.older if listing.older != back.max_id else None
            async for page in self._down(entries, back, older):
                yield page

    def _plan_sweep(self) -> None:
        older, oldest = self._oldest
        until = self.now - OVERLAP
        due = not self.cursor.server.mastodon or self.state.swept < iso(self.now - SWEEP_EVERY)
        if not due or self.state.mark is None:
            return
        if older is None or (oldest is not None and oldest < until):
            self.state.swept = iso(self.now)
        else:
            self.state.back = Back(until=iso(until), max_id=older)

    async def _down(self, entries: Sequence[Entry], back: Back, older: str | None) -> AsyncIterator[Page]:
        """One page of a walk down, newest first, and where to go on."""
        until = moment(back.until)
        times = [entry.at for entry in entries if entry.at is not None]
        over = older is None or (bool(times) and until is not None and max(times) < until)

        def moved(last: Entry | None) -> None:
            if last is not None and last.id is not None:
                self.state.back = Back(until=back.until, max_id=last.id, first=back.first)
            elif last is None and over:
                self.state.back, self.state.swept = None, iso(self.now)
            elif last is None:
                self.state.back = Back(until=back.until, max_id=older, first=back.first)

        if back.first:
            wanted = [e for e in entries if e.kind and self._not_too_old(e)]
            async for page in self._hand_in(wanted, moved):
                yield page
            return
        async for page in self._late(entries):
            yield page
        moved(None)
        yield Page(cursor=self.cursor.dump())

    # --- both ---------------------------------------------------------------------------------------------

    def _not_too_old(self, entry: Entry) -> bool:
        return entry.at is None or entry.at >= self.since

    async def _hand_in(
        self, entries: Sequence[Entry], moved: Callable[[Entry | None], None] | None
    ) -> AsyncIterator[Page]:
        """Messages of `entries` in pages, in this order; `moved` brings the cursor past an entry, at last past all.

        When one cannot be read now, those before it are handed in first; then the error is raised.
        """
        items: list[Incoming] = []
        error: Exception | None = None
        count = 0
        last: Entry | None = None
        for entry in entries:
            try:
                # What this pass has handed in already is passed over.
                taken = await self.take(entry) if entry.kind and entry.id not in self._done else ()
            except (ChannelError, OutOfTime) as exc:
                error = exc
                break
            items += [*self._found(), *taken]
            count, last = count + 1, entry
            if entry.id is not None:
                self._done.add(entry.id)
            if count >= ENTRIES or len(items) >= ITEMS:
                yield self._page(items, moved, last)
                items, count = [], 0
        if error is not None:
            items += self._found()
            yield self._page(items, moved if last is not None else None, last)
            raise error
        yield self._page(items, moved, None)

    def _found(self) -> list[Incoming]:
        found, self.threads.found = self.threads.found, []
        return found

    def _page(self, items: list[Incoming], moved: Callable[[Entry | None], None] | None, last: Entry | None) -> Page:
        if moved is not None:
            moved(last)
        notices, self.threads.notices = tuple(self.threads.notices), []
        # A message that stands here by itself and as another's context is the message by itself.
        once: dict[str, Incoming] = {}
        for item in items:
            if item.remote_id not in once or once[item.remote_id].context:
                once[item.remote_id] = item
        # Of one second, the lower id is the earlier: whoever wrote twice in it came back with the later one.
        rows = sorted(once.values(), key=lambda item: (item.at, len(item.remote_id), item.remote_id))
        return Page(items=tuple(rows), cursor=self.cursor.dump(), notices=notices)
