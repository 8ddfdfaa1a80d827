"""Walking streams that only go backward, without losing what is back-dated, tied, or cut off by the budget.

Bluesky sorts notifications by the earlier of the author's own time and the time of indexing, newest first. So a post
may appear at any place below the top, and a mark alone would lose it. Every sweep therefore goes down to
`OVERLAP` before the beginning of the last complete one, and once a day to `DEEP_OVERLAP` before it. A sweep that the
budget ends is taken up where it stopped; until it is complete, the mark stays. What has come meanwhile is read from
the top first.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from socialtriage.channels.cursors import Kept, kept
from socialtriage.domain.errors import BadPayload, Rejected, Unavailable
from socialtriage.domain.models import Gap, Incoming, Page

OVERLAP = timedelta(hours=26)
"""24 hours that a post may be back-dated by, and two for clocks that differ."""
DEEP_OVERLAP = timedelta(days=7)
DEEP_EVERY = timedelta(days=1)
EXTRA_PAGES = 3
"""Pages that a sweep goes on beyond its end while it still meets posts that are not stored."""
FRESH_PAGES = 3
"""Pages read from the top at most before an unfinished sweep is taken up."""
PAGE = 100
"""Messages in a page that is handed in, and the most that the network gives."""


class Walk(msgspec.Struct, omit_defaults=True):
    """A sweep under way: begun at `start`, it goes down to `until` and goes on at `cursor`."""

    start: datetime
    until: datetime
    cursor: str | None = None
    deep: bool = False
    extra: int = 0


class Stream(msgspec.Struct, omit_defaults=True):
    """How far a stream was read: the beginnings of the last complete sweep and of the last deep one."""

    mark: datetime | None = None
    deep: datetime | None = None
    walk: Walk | None = None
    sweeps: int = 0

    def begin(self, now: datetime, floor: datetime) -> Walk:
        """Start a sweep unless one is under way."""
        if self.walk is None:
            deep = self.deep is None or not timedelta(0) <= now - self.deep < DEEP_EVERY
            back = DEEP_OVERLAP if deep else OVERLAP
            until = max(self.mark - back, floor - OVERLAP) if self.mark else floor
            self.walk = Walk(now, until, deep=deep)
        return self.walk

    def complete(self) -> None:
        """The sweep under way has reached its end."""
        if self.walk is not None:
            self.mark = self.walk.start
            self.deep = self.walk.start if self.walk.deep else self.deep
            self.walk, self.sweeps = None, self.sweeps + 1


class ChatState(msgspec.Struct, omit_defaults=True):
    """How far direct messages were read: the log's cursor, and what of the first look back is still to do."""

    log: str | None = None
    seen: datetime | None = None
    since: datetime | None = None
    listing: str = ""
    listed: str | None = None
    todo: list[str] = []
    cursor: str | None = None


class State(Kept, omit_defaults=True):
    """The channel's cursor. `floor` is the end of the first look back; nothing written before it is handed in."""

    floor: datetime
    did: str = ""
    public: Stream = msgspec.field(default_factory=Stream)
    own: Stream = msgspec.field(default_factory=Stream)
    chat: ChatState = msgspec.field(default_factory=ChatState)

    @classmethod
    def load(cls, cursor: str | None, since: datetime, did: str) -> State:
        """The stored cursor of `did`; a new one where there is none, or it is another's, or it cannot be read."""
        state = kept(cursor, cls)
        if state is not None and state.did in ("", did):
            state.did = did
            return state
        return cls(floor=since, did=did)


@dataclass(slots=True)
class Batch:
    """One answer of a stream, newest first. `low` is how far down it went, where that is known."""

    items: list[Incoming] = field(default_factory=list)
    context: list[Incoming] = field(default_factory=list)
    next: str | None = None
    low: datetime | None = None
    unknown_below: bool = False
    """It holds messages below the end of the sweep that are not stored yet."""
    gap: Gap | None = None


class Source(Protocol):
    """A stream's pages."""

    async def batch(self, cursor: str | None, stream: Stream) -> Batch:
        """The page after `cursor` (None: the newest), messages that are not wanted left out."""
        ...


async def sweep(
    state: State,
    stream: Stream,
    source: Source,
    now: Callable[[], datetime],
    go_on: Callable[[], bool],
    *,
    again: bool = False,
) -> AsyncGenerator[Page, None]:
    """Pages of one stream until it is swept or `go_on` says no; each may be the last that is committed.

    `now` is the server's time where an answer has told it; `again` says that this pass has swept already. A sweep that
    is cut says so in its last page.
    """
    taken_up = not again and stream.walk is not None and stream.walk.cursor is not None
    if taken_up:
        async with aclosing(_fresh(stream, source, go_on)) as fresh:
            async for page in fresh:
                yield page
    first = taken_up
    while go_on():
        walk = stream.begin(now(), state.floor)
        batch = await _next(stream, walk, source, resumed=first)
        walk.start, first = min(walk.start, now()), False
        if _finished(walk, batch):
            stream.complete()
        else:
            walk.cursor = batch.next
        for page in pages(batch, state.dump()):
            yield page
        if stream.walk is None:
            if not taken_up:
                return
            taken_up = False  # an old sweep is complete: what came since its beginning is read now
    yield Page(unfinished=True)


async def _next(stream: Stream, walk: Walk, source: Source, *, resumed: bool) -> Batch:
    try:
        return await source.batch(walk.cursor, stream)
    except (Unavailable, Rejected, BadPayload) as exc:
        if not resumed or walk.cursor is None:
            if isinstance(exc, Rejected):
                raise BadPayload(exc.message) from exc
            raise
        # A cursor that the server no longer reads is answered with 502 or 400: begin at the top again.
        walk.cursor = None
        return await source.batch(None, stream)


async def _fresh(stream: Stream, source: Source, go_on: Callable[[], bool]) -> AsyncGenerator[Page, None]:
    """What came since an unfinished sweep began. The cursor stays: the next sweep reads all of this again."""
    cursor: str | None = None
    for _ in range(FRESH_PAGES):
        if not go_on() or stream.walk is None:
            return
        batch = await source.batch(cursor, stream)
        for page in pages(batch, None):
            yield page
        cursor = batch.next
        if cursor is None or (batch.low is not None and batch.low < stream.walk.start):
            return


def _finished(walk: Walk, batch: Batch) -> bool:
    if batch.next is None:
        return True
    if batch.low is None or batch.low >= walk.until:
        return False
    if batch.unknown_below and walk.extra < EXTRA_PAGES:
        walk.extra += 1
        return False
    return True


def pages(batch: Batch, cursor: str | None) -> list[Page]:
    """A batch as pages of at most `PAGE` messages, what is answered before the answers; the last has the cursor."""
    here = {item.remote_id for item in batch.items}
    context = [item for item in batch.context if item.remote_id not in here]
    items = sorted([*context, *reversed(batch.items)], key=lambda item: item.at)
    chunks = [tuple(items[i : i + PAGE]) for i in range(0, len(items), PAGE)] or [()]
    made = [Page(items=chunk) for chunk in chunks[:-1]]
    return [*made, Page(items=chunks[-1], cursor=cursor, gap=batch.gap)]
