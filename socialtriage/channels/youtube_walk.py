"""Walking YouTube's comments: newest threads first, the queues of the moderators, and older threads by turns.

There is no cursor: threads come newest first, and a reply to an old thread does not reliably move it up
[unconfirmed either way]. So each queue is walked down to an overlap before its last complete walk; and behind the
point where that ends, older threads are read by turns, as many pages a pass as the quota bears. In the moderators'
queues these are threads too that stand there for a reply alone. A thread shows some of its replies and how many there
are: where that number is another than last time, all of them are read.
A walk that the budget or the quota ends is taken up where it stopped, and its mark stays until it is complete.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from socialtriage.channels.base import Known
from socialtriage.channels.cursors import Kept, kept
from socialtriage.channels.google_api import Closed, Declined, Missing
from socialtriage.channels.youtube_api import MOST_IDS, Api
from socialtriage.channels.youtube_items import PUBLISHED, Thread, read_replies, read_thread, since, with_title
from socialtriage.domain.errors import BadPayload, ChannelError, NotPermitted, RateLimited
from socialtriage.domain.models import Incoming, Page

OVERLAP = timedelta(hours=26)
"""24 hours that a comment may be dated back by, and two for clocks that differ."""
SHORT = timedelta(hours=1)
"""The overlap of a pass that must save quota: older threads are read by turns anyway."""
FRESH_PAGES = 3
"""Pages read from the top at most before an unfinished walk is taken up."""
MOST_COUNTS = 2_000
"""Threads with many replies whose number is remembered; the oldest are forgotten, and read once more."""
MOST_REPLY_PAGES = 50
PAGE = 100
CIRCLE = "YouTube hands out the same page again and again: what lies behind it was not read."


class Queue(msgspec.Struct, omit_defaults=True):
    """How far one queue was read, by YouTube's own times: the newest thread of the last complete walk, and of the walk
    under way, which goes on at `token`.
    """

    mark: datetime | None = None
    newest: datetime | None = None
    token: str | None = None
    turn: str | None = None
    """Where the next page of older threads is."""


class State(Kept, omit_defaults=True):
    """The channel's cursor. `floor` is the end of the first look back: only what is newer opens cases."""

    floor: datetime
    channel: str
    queues: dict[str, Queue] = msgspec.field(default_factory=dict)
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    """Replies of threads that do not show all of them, as they were when all were read."""

    @classmethod
    def load(cls, cursor: str | None, since: datetime, channel: str) -> State:
        """The stored cursor of `channel`; a new one where there is none, or it is another's, or it cannot be read."""
        state = kept(cursor, cls)
        return state if state is not None and state.channel == channel else cls(floor=since, channel=channel)


@dataclass(slots=True)
class Walk:
    """One pass over the queues of a channel."""

    api: Api
    state: State
    known: Known
    time_left: Callable[[float], bool]
    """Whether more than a share of the pass's time is left, and enough to begin something."""
    overlap: timedelta = OVERLAP
    notices: list[str] = field(default_factory=list)
    below: dict[str, str | None] = field(default_factory=dict)
    """Where older threads of each queue begin: behind what this pass has read of it."""

    share: float = 0.0
    """What of the pass's time is left to others."""

    def go_on(self) -> bool:
        """Whether another call may be begun."""
        return self.time_left(self.share)

    async def queue(self, status: str, share: float = 0.0, *, again: bool = False) -> AsyncGenerator[Page, None]:
        """Pages of one queue until it is walked, or only `share` of the pass's time is left.

        `again`: this pass has read the top already, and goes on with what is unfinished.
        """
        self.share = share
        queue = self.state.queues.setdefault(status, Queue())
        if again and queue.token is None:
            return
        if queue.token is not None and not again:
            async for page in self._fresh(status, queue):
                yield page
        until = max(queue.mark - self.overlap, self.state.floor - OVERLAP) if queue.mark else self.state.floor
        asked: set[str] = set()
        while self.go_on():
            threads, items, token = await self._read(status, queue)
            if circle := token is not None and token in asked | {queue.token}:
                self.notices.append(CIRCLE)
            asked.update(filter(None, (queue.token, token)))
            self.below[status] = None if circle else token
            times = [thread.top.at for thread in threads]
            queue.newest = max([*times, *([queue.newest] if queue.newest else [])], default=None)
            done = token is None or (bool(times) and times[-1] < until)
            if done:
                queue.mark, queue.newest, queue.token = queue.newest or queue.mark, None, None
            elif circle:
                queue.newest = queue.token = None  # no complete walk: the next one begins at the top
            else:
                queue.token = token
            for page in self._pages(items, moves=True):
                yield page
            if done or circle:
                return

    def unfinished(self, statuses: Iterable[str]) -> bool:
        """Whether one of these queues is left for the next pass, in part or, for want of time, whole."""
        return any(status not in self.below or self.state.queues[status].token is not None for status in statuses)

    async def older(self, status: str, most: int) -> AsyncGenerator[Page, None]:
        """Pages of a queue's older threads, at most `most`, from where the last turn stopped."""
        self.share = 0.0
        queue = self.state.queues.setdefault(status, Queue())
        queue.turn = queue.turn or self.below.get(status)
        for _ in range(most):
            if queue.turn is None or not self.go_on():
                return
            try:
                rows, token = await self.api.threads(status, queue.turn)
            except Declined:
                # A token that lapsed: the next turn begins behind the newest threads.
                queue.turn = None
                return
            _, items = await self._taken(rows, status)
            queue.turn = token if token != queue.turn else None
            for page in self._pages(items, moves=True):
                yield page

    # --- one page -----------------------------------------------------------------------------------------

    async def _fresh(self, status: str, queue: Queue) -> AsyncGenerator[Page, None]:
        """What came since an unfinished walk began. The next walk reads all of this again."""
        token: str | None = None
        for _ in range(FRESH_PAGES):
            if not self.go_on():
                return
            try:
                rows, token = await self.api.threads(status, token)
            except Declined as exc:
                raise BadPayload(exc.message) from exc
            threads, items = await self._taken(rows, status)
            for page in self._pages(items, moves=False):
                yield page
            if token is None or (queue.newest and threads and threads[-1].top.at <= queue.newest):
                return

    async def _read(self, status: str, queue: Queue) -> tuple[list[Thread], list[Incoming], str | None]:
        try:
            rows, token = await self.api.threads(status, queue.token)
        except Declined as exc:
            if queue.token is None:
                raise BadPayload(exc.message) from exc
            # A token that lapsed: the walk begins at the top again.
            queue.token, queue.newest = None, None
            return await self._read(status, queue)
        threads, items = await self._taken(rows, status)
        return threads, items, token

    async def _taken(self, rows: list[Any], status: str) -> tuple[list[Thread], list[Incoming]]:
        """The threads of a page, and what of them is handed in."""
        threads: list[Thread] = []
        for row in rows:
            try:
                threads.append(read_thread(row, self.state.channel, status))
            except ValueError as exc:
                self.notices.append(f"One comment could not be read: {exc}.")
        items: dict[str, Incoming] = {}
        for thread in threads:
            thread = await self._whole(thread, status)
            self._unread(thread.unread)
            for item in self._wanted(thread):
                items.setdefault(item.remote_id, item)
        return threads, await self._titled(list(items.values()))

    def _unread(self, reasons: Iterable[str]) -> None:
        self.notices.extend(f"One reply could not be read: {why}." for why in reasons)

    def _wanted(self, thread: Thread) -> list[Incoming]:
        """What is new enough; an older top comment comes along to understand what stands below it."""
        replies = since(thread.replies, self.state.floor)
        if since([thread.top], self.state.floor):
            return [thread.top, *replies]
        return [replace(thread.top, context=True), *replies] if replies else []

    async def _whole(self, thread: Thread, status: str) -> Thread:
        """The thread with all its replies where their number has changed since they were last read."""
        counts, key = self.state.counts, thread.id if status == PUBLISHED else f"{status} {thread.id}"
        if thread.total <= len(thread.replies):
            counts.pop(key, None)
            return thread
        if counts.get(key) == thread.total:
            return thread
        replies: dict[str, Incoming] = {reply.remote_id: reply for reply in thread.replies}
        token: str | None = None
        for _ in range(MOST_REPLY_PAGES):
            if not self.go_on():
                break
            before = token
            try:
                rows, token = await self.api.replies(thread.id, token)
            except (Missing, Declined, Closed):
                break
            except NotPermitted as exc:
                # One video that is shut to us is no reason to read nothing of the others.
                self.notices.append(f"Not all replies below a comment can be read: {exc.message}")
                break
            video = thread.top.reply_data.get("video", "")
            found, unread = read_replies(rows, self.state.channel, PUBLISHED, thread.id, video)
            self._unread(unread)
            for reply in found:
                replies.setdefault(reply.remote_id, reply)
            if token is not None and token == before:
                self.notices.append(CIRCLE)
                break
            if token is None:
                counts.pop(key, None)
                counts[key] = thread.total
                while len(counts) > MOST_COUNTS:
                    del counts[next(iter(counts))]
                break
        return replace(thread, replies=tuple(replies.values()))

    async def _titled(self, items: list[Incoming]) -> list[Incoming]:
        """The comments that are new here, with the titles of their videos; the others as they are."""
        known = self.known.thread_of([item.remote_id for item in items])
        videos = list(
            dict.fromkeys(v for item in items if item.remote_id not in known if (v := item.reply_data["video"]))
        )
        titles: dict[str, str] = {}
        for start in range(0, len(videos), MOST_IDS):
            if not self.go_on():
                break
            try:
                titles |= await self.api.titles(videos[start : start + MOST_IDS])
            except RateLimited:
                raise
            except ChannelError:
                break  # a title is a help to the reader, and nothing to fail for
        return [with_title(item, titles) for item in items]

    def _pages(self, items: list[Incoming], *, moves: bool) -> list[Page]:
        """A batch as pages of at most `PAGE` messages, what is answered before the answers; the last has the cursor."""
        ordered = sorted(items, key=lambda item: (item.at, item.parent is not None))
        chunks = [tuple(ordered[i : i + PAGE]) for i in range(0, len(ordered), PAGE)] or [()]
        told, self.notices[:] = tuple(dict.fromkeys(self.notices)), []
        made = [Page(items=chunk) for chunk in chunks[:-1]]
        return [*made, Page(items=chunks[-1], cursor=self.state.dump() if moves else None, notices=told)]
