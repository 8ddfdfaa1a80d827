"""The practice week as a channel like the others: messages arrive by polling, answers are taken and kept nowhere.

A demo account is `network = "demo"` with these options: `as`, the network it plays (`facebook`, `imap` ...);
`account`, the presence of the week it is, its own id without it; `speed`, how many times faster than in the story
messages arrive (60 without it, 0 for all at once); `seed`, which varies the arrivals; `limit`, which ends the week
after so many messages of residents. The beginning of a demo is kept in the cursor: it is the first poll.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.demo_week.items import Items
from socialtriage.channels.demo_week.rules import LIMITS, NETWORKS, capabilities, measure
from socialtriage.channels.demo_week.schedule import Moment, Plan, Schedule, schedule
from socialtriage.channels.demo_week.week import Week, load
from socialtriage.domain.errors import Misconfigured, NotPermitted, Rejected
from socialtriage.domain.models import (
    Author,
    Capabilities,
    Health,
    Incoming,
    LengthRule,
    OutgoingPost,
    OutgoingReply,
    Page,
    Reread,
    Sent,
    StoredRef,
    Visibility,
)
from socialtriage.domain.times import from_iso, iso

PAGE = 50
"""Messages in one page."""
SPEED = 60.0


class _Place(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How far a walk came: the cursor."""

    start: str
    edition: str
    next: int = 0
    floor: int = 0
    """What comes before is older than the first look back went."""


@dataclass(frozen=True, slots=True)
class _Options:
    network: str
    account: str
    speed: float
    seed: int
    limit: int | None


class Demo:
    """One presence of the fictional council."""

    capabilities = Capabilities(hide=True, block=True, mute=True, report=True)
    """Before it is known which network is played: there is nobody whom practice could harm."""

    def __init__(self, ctx: ChannelContext) -> None:
        """Raises `Misconfigured` for options that make no sense."""
        self._ctx = ctx
        self._options = _options(ctx.account.id, ctx.account.options)
        self.capabilities = capabilities(self._options.network)

    async def check(self) -> Health:
        """Who the account plays. Raises `Misconfigured` when the week knows no such presence."""
        items = Items(await self._week(), self._options.account)
        return Health(identity=items.own.key, handle=items.own.handle, detail=LIMITS)

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """What has happened by now, in its order.

        A message comes as it was first written; edits and deletions follow in pages of their own, as a desk sees them
        that polled all along.
        """
        week, now = await self._week(), self._ctx.clock()
        place = _read(cursor, week)
        first = place is None
        place = place or _Place(iso(now), week.edition)
        timetable = self._schedule(week, place.start)
        moments = timetable.of(self._options.account)
        if first:
            old = sum(moment.at < since for moment in moments)
            place = msgspec.structs.replace(place, next=old, floor=old)
        items = Items(week, self._options.account, timetable.shift, place.start)
        skipped = {moment.event.entry.id for moment in moments[: place.floor]}
        due = [moment for moment in moments[place.next :] if moment.due <= now]
        if first and not due:
            yield Page(cursor=_written(place))
        for part in _pages(due):
            place = msgspec.structs.replace(place, next=place.next + len(part))
            yield _page(items, [m for m in part if m.event.entry.id not in skipped], _written(place))

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """What became of messages by now."""
        week, now = await self._week(), self._ctx.clock()
        found: list[Incoming] = []
        gone: list[str] = []
        by_start: dict[str, set[str]] = {}
        for message in messages:
            if start := message.reply_data.get("start"):
                by_start.setdefault(start, set()).add(message.remote_id)
        for start, wanted in by_start.items():
            timetable = self._schedule(week, start)
            items = Items(week, self._options.account, timetable.shift, start)
            latest: dict[str, Incoming | None] = {}
            for moment in timetable.of(self._options.account):
                if moment.due <= now and moment.event.entry.id in wanted:
                    latest[moment.event.entry.id] = _seen(items, moment, latest.get(moment.event.entry.id))
            found += (item for item in latest.values() if item is not None)
            gone += (key for key, item in latest.items() if item is None)
        return Reread(items=tuple(found), gone=tuple(gone))

    async def send(self, reply: OutgoingReply) -> Sent:
        """Take an answer as the network would; nothing leaves the machine. Raises `Rejected`."""
        network = NETWORKS[self._options.network]
        private = reply.visibility is Visibility.PRIVATE
        if not (self.capabilities.reply_private if private else self.capabilities.reply_public):
            raise Rejected(f"{network.name} takes no {reply.visibility} answers from us.")
        if private and reply.parent.visibility is Visibility.PUBLIC and not network.start_private:
            raise Rejected(f"On {network.name} a private message cannot be begun from a public one.")
        if not reply.text.strip():
            raise Rejected("The reply is empty.")
        rule = self.measure(reply.text, reply.visibility, reply.to.handle)
        if rule.limit is not None and rule.used > rule.limit:
            raise Rejected(
                f"The reply is too long for {network.name}: {rule.used} {rule.unit} of at most {rule.limit}."
            )
        return self._sent(reply, self._ctx.clock())

    async def look_up(self, reply: OutgoingReply) -> Sent:
        """Every answer that was taken is found again under its key: the demo loses none."""
        return self._sent(reply, reply.queued_at)

    async def post(self, post: OutgoingPost) -> Sent:
        """Take a statement as the network would; nothing leaves the machine. Raises `Rejected`."""
        network = NETWORKS[self._options.network]
        rule = self.measure(post.text, Visibility.PUBLIC, "")
        if not self.capabilities.post:
            raise Rejected(f"{network.name} takes no posts of our own from here.")
        if rule.limit is not None and rule.used > rule.limit:
            raise Rejected(f"It is too long for {network.name}: {rule.used} {rule.unit} of at most {rule.limit}.")
        return Sent(f"demo-post-{post.key}", self._ctx.clock())

    async def look_up_post(self, post: OutgoingPost) -> Sent:
        """Every post that was taken is found again under its key."""
        return Sent(f"demo-post-{post.key}", post.queued_at)

    # --- moderation: taken as the network would; nothing leaves the machine ---------------------------------

    async def hide(self, message: StoredRef) -> None:
        """Take it. Raises `NotPermitted` where the played network has no such thing."""
        self._must(self.capabilities.hide, "hide a message")

    async def unhide(self, message: StoredRef) -> None:
        """Take it back."""
        await self.hide(message)

    async def block(self, author: Author) -> None:
        """Take it. Raises `NotPermitted` where the played network has no such thing."""
        self._must(self.capabilities.block, "block a person")

    async def unblock(self, author: Author) -> None:
        """Take it back."""
        await self.block(author)

    async def mute(self, author: Author) -> None:
        """Take it. Raises `NotPermitted` where the played network has no such thing."""
        self._must(self.capabilities.mute, "mute a person")

    async def unmute(self, author: Author) -> None:
        """Take it back."""
        await self.mute(author)

    async def report(self, author: Author, message: StoredRef | None, why: str) -> None:
        """Take it. Raises `NotPermitted` where the played network has no such thing."""
        self._must(self.capabilities.report, "report a message")

    def _must(self, able: bool, what: str) -> None:
        if not able:
            raise NotPermitted(f"{NETWORKS[self._options.network].name} has no way to {what}.")

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """Count as the network that is played does, nearly."""
        return measure(self._options.network, text, visibility, to_handle)

    async def aclose(self) -> None:
        """There is nothing to release."""

    # --- helpers ------------------------------------------------------------------------------------------

    async def _week(self) -> Week:
        return await asyncio.to_thread(load)

    def _schedule(self, week: Week, start: str) -> Schedule:
        options = self._options
        return schedule(week, Plan(from_iso(start), options.speed, options.seed, options.limit))

    def _sent(self, reply: OutgoingReply, at: datetime) -> Sent:
        return Sent(remote_id=f"answer-{reply.key}", at=at)


def _options(account: str, given: Mapping[str, str]) -> _Options:
    """The options of a demo account. Raises `Misconfigured`."""
    network = given.get("as", "")
    if network not in NETWORKS:
        raise Misconfigured(
            f"The demo account {account} plays no network.", hint=f"Set options.as to one of {', '.join(NETWORKS)}."
        )
    try:
        speed = float(given.get("speed", SPEED))
        seed = int(given.get("seed", "0"))
        limit = int(given["limit"]) if "limit" in given else None
    except ValueError as exc:
        raise Misconfigured(f"An option of the demo account {account} is not a number: {exc}.") from exc
    if not (math.isfinite(speed) and speed >= 0 and (speed == 0 or speed >= 0.01)) or (limit is not None and limit < 1):
        raise Misconfigured(
            f"An option of the demo account {account} is out of range.",
            hint="speed is 0 or at least 0.01, limit at least 1.",
        )
    return _Options(network, given.get("account", account), speed, seed, limit)


def _read(cursor: str | None, week: Week) -> _Place | None:
    """The place that a cursor names; None for a first walk.

    After a new edition of the week the walk begins again, at the old beginning: known messages are not doubled.
    """
    if cursor is None:
        return None
    try:
        place = msgspec.json.decode(cursor, type=_Place)
        from_iso(place.start)
    except (msgspec.MsgspecError, ValueError):
        return None
    return place if place.edition == week.edition else _Place(place.start, week.edition)


def _written(place: _Place) -> str:
    return msgspec.json.encode(place).decode()


def _pages(due: Sequence[Moment]) -> list[list[Moment]]:
    """Parts of at most `PAGE`; a change never comes in one page with a message that it may be about."""
    parts: list[list[Moment]] = []
    for moment in due:
        changes = moment.event.what != "message"
        if not parts or len(parts[-1]) >= PAGE or (parts[-1][0].event.what != "message") != changes:
            parts.append([])
        parts[-1].append(moment)
    return parts


def _page(items: Items, part: Sequence[Moment], cursor: str) -> Page:
    arrived = [moment for moment in part if moment.event.what != "deletion"]
    gone = tuple(moment.event.entry.id for moment in part if moment.event.what == "deletion")
    return Page(items=tuple(map(items.incoming, arrived)), gone=gone, cursor=cursor)


def _seen(items: Items, moment: Moment, before: Incoming | None) -> Incoming | None:
    """A message after one more moment of its life; None when it is deleted. It keeps its first date."""
    if moment.event.what == "deletion":
        return None
    item = items.incoming(moment)
    return replace(item, at=before.at) if before is not None else item
