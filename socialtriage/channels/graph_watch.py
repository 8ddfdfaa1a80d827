"""Walking what Meta has no cursor for: posts and conversations whose lists are read again whenever they have moved.

A *thing* is a post, a medium or a conversation. Lists of things tell a sign of each (`updated_time`, a count of
comments); a thing is read when its sign is another than at its last complete reading. Because not everything moves the
sign (nested replies may not, a deletion and a new comment cancel out), the things that were not read for longest are
read again in every pass, a few at a time: the *turn*.

A reading may stop after any page; where it stopped is part of the cursor, and the next one goes on from there, after a
look at the newest page. Only a complete reading is noted, with the sign that the thing had when it began.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from socialtriage.channels.graph import Graph
from socialtriage.channels.graph_errors import HALF, REGRANT, Missing
from socialtriage.domain.errors import BadPayload, ChannelError, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import Gap, Incoming, Page

OVERLAP = timedelta(hours=27)
"""How far behind the last complete reading an ordered list is read again: a day, and clocks that differ."""
DEEP = 5
"""Pages of a list that are read in any case before its order may end the reading."""
MOST = 4_000
"""Things whose signs are kept."""
FRESH = 3
"""Pages of each moved thing before any is read to its end: a long one holds up no other."""
ITEMS = 100
YOUNG = timedelta(days=14)
"""How long something that tells no sign is taken for moved in every pass; later it is read in its turn."""
REFUSALS = 3
"""Things of ours that are refused, and none read, before the permission is taken for lapsed."""
BROKEN = 3
"""Things at which Meta breaks before the pass ends there: one alone holds up no other."""
_TURNS = ((20.0, 5), (HALF, 3), (75.0, 1))
"""Things that are read in turn each pass, by the percent of the allowance that is used."""
_FIRST_TURNS = 25
"""As many that were never read yet, while less than half of the allowance is used."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A post, a medium or a conversation, as a list tells of it."""

    key: str
    id: str
    """As Meta spells it in calls."""
    sign: str
    at: datetime
    """When it last moved, as far as is known: what moved last is read first."""
    place: str = ""
    root: bool = False
    """It is somebody else's post: a message itself, and the thread of all comments below it."""
    ours: bool = False
    """It is the account's own, so that what the list tells of may be read as long as the login may read anything."""


def unsigned(at: datetime, now: datetime) -> str:
    """The sign of a thing that its list tells none of: another one in each pass while the thing is young."""
    return f"?{int(now.timestamp())}" if now - at <= YOUNG else ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of a thing's list, as it came."""

    items: Sequence[Incoming]
    after: str | None
    times: Sequence[datetime] = ()
    """Of all its entries in their order, where the order may end a reading; empty where it may not."""
    problems: Sequence[str] = ()
    gap: Gap | None = None


class Source(Protocol):
    """Where the list of a thing comes from."""

    async def batch(self, thing: Thing, after: str | None) -> Batch:
        """A page of the list; `after` as the page before told it."""
        ...


class Open(msgspec.Struct, omit_defaults=True):
    """A reading that has not come to its end: of what, since when, and where it goes on."""

    id: str
    sign: str
    since: int
    after: str
    place: str = ""
    root: bool = False


class Watched(msgspec.Struct, omit_defaults=True):
    """What was read of one kind of things.

    `seen`: sign, and minute of the epoch, of the last complete reading; 0 where there was none yet, negative where it
    was tried in that minute and may not be read.
    """

    seen: dict[str, tuple[str, int]] = {}
    open: dict[str, Open] = {}
    mark: str = ""

    def moved(self, thing: Thing) -> bool:
        """Whether it has another sign than when it was last read."""
        known = self.seen.get(thing.key)
        return known is None or known[0] != thing.sign

    def prune(self, keep: Iterable[str]) -> None:
        """Forget the longest read beyond `MOST`, those in `keep` last."""
        if len(self.seen) <= MOST:
            return
        kept = set(keep)
        order = sorted(self.seen, key=lambda key: (key in kept, abs(self.seen[key][1])), reverse=True)
        self.seen = {key: self.seen[key] for key in order[:MOST]}


@dataclass(slots=True)
class Walk:
    """One pass over one kind of things. `dump` is the cursor as it stands."""

    watched: Watched
    source: Source
    graph: Graph
    use: str
    now: Callable[[], datetime]
    dump: Callable[[], str]
    problems: list[str] = field(default_factory=list)
    failure: ChannelError | None = None
    """The first answer that could not be read: the pass goes on with other things, and ends with it."""
    deep: int = DEEP
    refusals: int = REFUSALS
    patience: timedelta = timedelta(0)
    """How long a thing that is refused is tried in every pass. Things that are read in turn need none."""
    refused: NotPermitted | None = None
    reserve: float = 0.5
    """Seconds of the budget that are left to others."""
    _good: int = 0
    _refused: int = 0
    _orders: dict[str, _Order] = field(default_factory=dict)
    _broken: int = 0
    _unseen: Rejected | None = None
    _listed: set[str] = field(default_factory=set)
    """Our own things that this pass was told of."""
    _settled: set[str] = field(default_factory=set)
    """Things that this pass has read whole, or could not."""

    def time_left(self) -> bool:
        """Whether another call could end inside the budget."""
        return self.graph.budget.left > self.reserve

    def ended_with(self) -> ChannelError | None:
        """What the pass must end with: an answer that could not be read, or a login that may read nothing."""
        if self.failure is not None or self._good:
            return self.failure
        if self._unseen is not None and not isinstance(self._unseen, Missing):
            return self.refused or self._unseen
        if self._unseen is not None:
            # "There is none, or you may not see it" of everything that a list has just told: a permission has lapsed.
            return self.refused or NotPermitted(self._unseen.message, hint=REGRANT)
        return self.refused

    def unfinished(self, things: Sequence[Thing]) -> bool:
        """Whether something that moved is left for the next pass."""
        waiting = any(self.watched.moved(thing) for thing in things if thing.key not in self._settled)
        return waiting or bool(self.watched.open)

    def cut(self, things: Sequence[Thing]) -> bool:
        """Whether something is left for the next pass because the time is over."""
        return not self.time_left() and self.unfinished(things)

    async def moved(self, things: Sequence[Thing]) -> AsyncIterator[Page]:
        """Everything that moved, the latest first: a few pages of each, then each to its end."""
        order = sorted(things, key=lambda thing: thing.at, reverse=True)
        self._listed = {thing.key for thing in order if thing.ours}
        for limit in (FRESH, None):
            for thing in order:
                if thing.key in self._settled:
                    continue
                if self.watched.moved(thing) or thing.key in self.watched.open:
                    async for page in self._guarded(thing, limit=limit):
                        yield page
        listed = {thing.key for thing in order}
        for key, left in [(key, left) for key, left in self.watched.open.items() if key not in listed]:
            async for page in self._guarded(Thing(key, left.id, left.sign, self.now(), left.place, left.root)):
                yield page

    async def in_turn(self, things: Sequence[Thing]) -> AsyncIterator[Page]:
        """What was not read for longest, whether it moved or not."""
        used = self.graph.usage.of(self.use)
        allowed = next((count for percent, count in _TURNS if used < percent), 0)
        seen = self.watched.seen
        rest = (thing for thing in things if thing.key in seen and thing.key not in self._settled)
        waiting = sorted(rest, key=lambda thing: (abs(seen[thing.key][1]), -thing.at.timestamp()))
        never = sum(seen[thing.key][1] == 0 for thing in waiting)
        if used < HALF:
            allowed = max(allowed, min(never, _FIRST_TURNS))
        for thing in waiting[:allowed]:
            async for page in self._guarded(thing, whole=True):
                yield page

    async def _guarded(self, thing: Thing, *, limit: int | None = None, whole: bool = False) -> AsyncIterator[Page]:
        """One thing; what is wrong with it alone does not stop the others."""
        if not self.time_left():
            return
        try:
            async for page in self._read(thing, limit, whole):
                yield page
        except NotPermitted as exc:
            if not thing.root:
                self._refuse(thing, exc)
                return
            # Somebody else's post: theirs to show or not. Nothing to wait for until it moves again.
            self.problems.append(f"Comments below a {thing.place} could not be read: {exc.message}")
            self._note(thing)
            yield Page(cursor=self.dump())
        except Rejected as exc:
            # Gone since the list was read, or not to be had: that is this thing's matter, and no other's.
            self._settled.add(thing.key)
            if not isinstance(exc, Missing):
                self.problems.append(f"A {thing.place or 'conversation'} could not be read: {exc.message}")
            if thing.key in self._listed:
                self._unseen = self._unseen or exc
                return
            if thing.at <= self.now() - self.patience:
                self._note(thing)
                yield Page(cursor=self.dump())
        except (BadPayload, Unavailable) as exc:
            self._settled.add(thing.key)
            self.failure = self.failure or exc
            self._broken += isinstance(exc, Unavailable)
            if self._broken >= BROKEN:
                raise

    def _note(self, thing: Thing) -> None:
        """Wait until it moves again, or its turn comes."""
        self.watched.open.pop(thing.key, None)
        self.watched.seen[thing.key] = (thing.sign, -_minute(self.now()))
        self._settled.add(thing.key)

    def _refuse(self, thing: Thing, exc: NotPermitted) -> None:
        """One of ours that may not be read: it is tried again. Where nothing may be read a permission has lapsed.

        Raises the refusal when it is the login's and not the thing's.
        """
        self._settled.add(thing.key)
        self._refused += 1
        if self._refused >= self.refusals and not self._good:
            raise exc
        self.refused = exc
        self.problems.append(f"A {thing.place or 'post'} could not be read: {exc.message}")

    async def _read(self, thing: Thing, limit: int | None, whole: bool) -> AsyncIterator[Page]:
        """Pages of one thing until its end, or `limit` pages; `whole`: its order does not end it."""
        left = self.watched.open.get(thing.key)
        if left is not None and left.sign != thing.sign:
            newest = await self.source.batch(thing, None)
            for page in self._pages(newest, None):
                yield page
        sign, since = (left.sign, left.since) if left else (thing.sign, _minute(self.now()))
        after = left.after if left else None
        order = self._orders.setdefault(thing.key, _Order(self._until(thing) if not whole else None, self.deep))
        count = 0
        while True:
            batch = await self._next(thing, after, stored=left is not None and count == 0)
            count += 1
            self._good += 1
            over = order.over(batch)
            if batch.after is None or over:
                self.watched.open.pop(thing.key, None)
                self.watched.seen[thing.key] = (sign, since)
                self._settled.add(thing.key)
            else:
                after = batch.after
                self.watched.open[thing.key] = Open(thing.id, sign, since, after, thing.place, thing.root)
            for page in self._pages(batch, self.dump()):
                yield page
            if batch.after is None or over or (limit is not None and count >= limit) or not self.time_left():
                return

    async def _next(self, thing: Thing, after: str | None, *, stored: bool) -> Batch:
        """A page; from the top again where Meta no longer knows the cursor: a `stored` one it may also break at."""
        try:
            return await self.source.batch(thing, after)
        except (Rejected, Unavailable, BadPayload) as exc:
            if after is None or not (stored or isinstance(exc, Rejected)):
                raise
            self.watched.open.pop(thing.key, None)
            return await self.source.batch(thing, None)

    def _until(self, thing: Thing) -> datetime | None:
        """What is older than this was there when the thing was last read whole; None where it never was."""
        known = self.watched.seen.get(thing.key)
        return datetime.fromtimestamp(known[1] * 60, UTC) - OVERLAP if known and known[1] > 0 else None

    def _pages(self, batch: Batch, cursor: str | None) -> list[Page]:
        problems, self.problems = (*self.problems, *batch.problems), []
        chunks = [tuple(batch.items[i : i + ITEMS]) for i in range(0, len(batch.items), ITEMS)] or [()]
        made = [Page(items=chunk) for chunk in chunks[:-1]]
        return [*made, Page(items=chunks[-1], cursor=cursor, notices=tuple(problems), gap=batch.gap)]


class _Order:
    """Whether a list comes newest first, and has come to what was read before.

    Lists that Meta ranks come in no order: those are read to their end.
    """

    def __init__(self, until: datetime | None, deep: int) -> None:
        self._until = until
        self._deep = deep
        self._last: datetime | None = None
        self._pages = 0

    def over(self, batch: Batch) -> bool:
        """Whether everything beyond this page was read before."""
        self._pages += 1
        if self._until is None or not batch.times:
            self._until = None
            return False
        for at in batch.times:
            if self._last is not None and at > self._last:
                self._until = None
                return False
            self._last = at
        return self._pages >= self._deep and max(batch.times) < self._until


def _minute(at: datetime) -> int:
    return int(at.timestamp() // 60)
