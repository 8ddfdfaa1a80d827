"""Private conversations of a Page or an Instagram account: which moved, and what is in them.

Facts (Meta's documents, peers' adapters): conversations come newest first by `updated_time` and cannot be asked for
by time. On Instagram only the 20 newest messages of a conversation can be read; older ids answer as if they were
deleted, which is no deletion. Whether a message that its author took back vanishes from a conversation's list is not
confirmed: one that is missing there between an older and a newer one counts as gone, nothing else does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from socialtriage.channels.graph import Graph, Listing, listing
from socialtriage.channels.graph_json import an_object, media_item, moment, objects, text_id, words_of
from socialtriage.channels.graph_watch import OVERLAP, Batch, Thing, Watched
from socialtriage.domain.errors import NotPermitted, Rejected
from socialtriage.domain.models import Author, Gap, Incoming, MediaItem, StoredRef, Visibility
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.times import iso

FIELDS = "id,created_time,from,to,message,attachments,shares,sticker"
PAGE = 20
"""Messages in a page: what Instagram lets be read of a conversation."""
CONVERSATIONS = 50
PATIENCE = timedelta(days=7)
"""How long a conversation that cannot be read is tried in every pass: nothing reads it in turn."""
PACE = 0.5
"""Seconds between calls for Instagram's conversations: two a second for an account."""
WORDLESS = "(Something that Meta's interface does not show: open the original.)"
"""Stands for an answer to a story, a voice effect, and whatever else comes without words and files."""
LOST = "Private messages could not be read any more: Meta gives out only the newest of a conversation."
UNREAD = "{} private messages could not be read: they came without an id."
AT_ONCE = 20
"""Calls that may be made before that pace is kept."""


@dataclass
class Chat:
    """The conversations of one account. `me` are its own ids and its user name."""

    graph: Graph
    owner: str
    platform: str
    me: Collection[str]
    use: str
    floor: datetime
    stored: Any = None
    """`Known.thread_of`, to leave out single readings of what is here."""
    watched: Watched | None = None
    _calls: list[float] = field(default_factory=list)
    _listed: bool = False
    """Whether the list was read as far down as it had to be."""

    # --- which moved ----------------------------------------------------------------------------------------

    async def things(self, watched: Watched) -> list[Thing]:
        """Conversations that may have moved since the last complete pass, newest first."""
        mark = moment(watched.mark)
        until = max(mark - OVERLAP, self.floor) if mark else self.floor
        found: dict[str, Thing] = {}
        after: str | None = None
        while self.graph.budget.left > 0.5:
            page = await self._edge(
                f"{self.owner}/conversations",
                {"platform": self.platform, "fields": "id,updated_time", "limit": CONVERSATIONS},
                after,
            )
            fresh, before = False, len(found)
            for entry in page.entries:
                id_, at = text_id(entry.get("id")), moment(entry.get("updated_time"))
                if id_ is None or (at is not None and at < until):
                    continue
                fresh = True
                found.setdefault(id_, Thing(id_, id_, iso(at) if at else "", at or self.floor))
            after = page.after
            if after is None or (page.entries and not fresh):
                self._listed = True
                break
            if page.entries and len(found) == before:
                break  # a list that repeats itself: what it told is read, and the mark stays
        return list(found.values())

    def settle(self, watched: Watched, things: list[Thing]) -> None:
        """Move the mark when everything listed was read whole; forget what is far behind it."""
        if not self._listed or watched.open or any(watched.moved(thing) for thing in things):
            return
        newest = max((thing.at for thing in things), default=None)
        mark = moment(watched.mark)
        if newest is not None and (mark is None or newest > mark):
            watched.mark, mark = iso(newest), newest
        if mark is not None:
            horizon = iso(mark - 2 * OVERLAP)
            watched.seen = {key: value for key, value in watched.seen.items() if value[0] >= horizon}

    # --- what is in them ------------------------------------------------------------------------------------

    async def batch(self, thing: Thing, after: str | None) -> Batch:
        """A page of a conversation, newest first; nothing from before the first look back."""
        page = await self.page(thing.id, after)
        items, times, lost = [], [], []
        before, nameless = self._read_before(thing), page.unreadable
        for entry in page.entries:
            at = moment(entry.get("created_time"))
            if at is not None:
                times.append(at)
            if at is not None and at < self.floor:
                continue
            item = self.item(entry, thing.id, thing.at)
            if item is None:
                nameless += text_id(entry.get("id")) is None
                if at is not None and at > before and not self._known(text_id(entry.get("id")) or ""):
                    lost.append(at)
                continue
            items.append(item)
        past = bool(times) and max(times) < self.floor
        gap = Gap(min(lost), max(lost), LOST) if lost else None
        problems = (*([LOST] if lost else []), *([UNREAD.format(nameless)] if nameless else []))
        return Batch(items, None if past else page.after, times, problems, gap)

    def _read_before(self, thing: Thing) -> datetime:
        """Until when the conversation was read whole: what could not be read then was told then."""
        known = self.watched.seen.get(thing.key) if self.watched else None
        return datetime.fromtimestamp(known[1] * 60, UTC) if known and known[1] > 0 else self.floor

    async def page(self, conversation: str, after: str | None) -> Listing:
        """Messages as they came; bodies that the list lacks are asked for one by one."""
        if after is None:
            page = await self._first(conversation)
        else:
            page = await self._edge(f"{conversation}/messages", {"fields": FIELDS, "limit": PAGE}, after)
        bare = [entry for entry in page.entries if not isinstance(entry.get("from"), dict)]
        if bare and after is None:
            whole = {str(entry.get("id")): entry for entry in page.entries}
            for entry in bare[:PAGE]:
                if (id_ := text_id(entry.get("id"))) is not None and not self._known(id_):
                    whole[id_] = {**entry, **await self._single(id_)}
            page = Listing(list(whole.values()), page.after, page.unreadable)
        return page

    async def _first(self, conversation: str) -> Listing:
        for fields in (f"messages.limit({PAGE}){{{FIELDS}}}", "messages"):
            await self._pace()
            try:
                answer = await self.graph.get(conversation, {"fields": fields}, use=self.use)
            except Rejected:
                if fields == "messages":
                    raise
                continue  # one message that cannot be read may refuse the whole list
            if isinstance(answer.get("messages"), dict):
                return listing(answer["messages"])
            break
        return await self._edge(f"{conversation}/messages", {"fields": FIELDS, "limit": PAGE}, None)

    async def _single(self, id_: str) -> dict[str, Any]:
        await self._pace()
        try:
            return await self.graph.get(id_, {"fields": FIELDS}, use=self.use)
        except Rejected:
            # Too old, or of a kind that is not given out: nothing is known of it, least of all that it was deleted.
            return {}

    def _known(self, id_: str) -> bool:
        return bool(self.stored and self.stored([id_]))

    async def _edge(self, path: str, params: Mapping[str, str | int], after: str | None) -> Listing:
        await self._pace()
        return await self.graph.edge(path, params, after, use=self.use)

    async def _pace(self) -> None:
        if self.platform != "instagram":
            return
        now = time.monotonic()
        self._calls = [at for at in self._calls if now - at < AT_ONCE * PACE]
        if len(self._calls) >= AT_ONCE:
            await asyncio.sleep(PACE)
        self._calls.append(time.monotonic())

    # --- one message ----------------------------------------------------------------------------------------

    def is_mine(self, entry: Mapping[str, Any]) -> bool:
        """Whether the account itself wrote it."""
        author = an_object(entry.get("from"))
        return any(text_id(author.get(name)) in self.me for name in ("id", "username"))

    def item(self, entry: Mapping[str, Any], conversation: str, moved: datetime | None = None) -> Incoming | None:
        """The message of the desk; None for one whose author or time is not given out.

        `moved`: when the conversation did, for a message whose time is given out and cannot be read.
        """
        id_, at = text_id(entry.get("id")), moment(entry.get("created_time"))
        at = moved if at is None and entry.get("created_time") is not None else at
        author = an_object(entry.get("from"))
        key = text_id(author.get("id")) or text_id(author.get("username"))
        if id_ is None or at is None or key is None:
            return None
        mine = self.is_mine(entry)
        media = tuple(_media(entry))
        to = key if not mine else next((text_id(person.get("id")) for person in objects(entry.get("to"))), None)
        return Incoming(
            remote_id=id_,
            author=person(author, key),
            text=clean(_text(entry) or ("" if media else WORDLESS)),
            at=at,
            visibility=Visibility.PRIVATE,
            thread=conversation,
            conversation=conversation,
            own=mine,
            media=media,
            reply_data={"kind": "dm", "id": id_, "conversation": conversation, "at": iso(at), "to": to or ""},
        )

    # --- reading again --------------------------------------------------------------------------------------

    async def reread(self, refs: Collection[StoredRef]) -> tuple[list[Incoming], list[str]]:
        """What became of private messages: as they are now, and which are gone."""
        items: list[Incoming] = []
        gone: list[str] = []
        by_conversation: dict[str, list[StoredRef]] = {}
        for ref in refs:
            by_conversation.setdefault(ref.conversation or ref.thread, []).append(ref)
        for conversation, wanted in by_conversation.items():
            try:
                page = await self._first(conversation)
            except (Rejected, NotPermitted):
                continue  # conversations in the requests folder vanish by themselves
            entries = {str(entry.get("id")): entry for entry in page.entries}
            times = [at for at in (moment(entry.get("created_time")) for entry in page.entries) if at is not None]
            for ref in wanted:
                if ref.remote_id in entries:
                    entry = entries[ref.remote_id]
                    whole = entry if isinstance(entry.get("from"), dict) else await self._single(ref.remote_id)
                    item = self.item({**entry, **whole}, conversation)
                    items += [item] if item is not None else []
                elif times and min(times) < (moment(ref.reply_data.get("at")) or self.floor) < max(times):
                    gone.append(ref.remote_id)
        return items, gone


def person(author: Mapping[str, Any], key: str) -> Author:
    """Who wrote: a user name with `@` on Instagram, a name on Facebook."""
    username, name = words_of(author.get("username")), words_of(author.get("name"))
    handle = f"@{username.lstrip('@')}" if username else name
    shown = clean_line(handle or "somebody without a name")
    return Author(key, shown, clean_line(name or username) or shown)


def _text(entry: Mapping[str, Any]) -> str:
    shared = [link for share in objects(entry.get("shares")) if (link := words_of(share.get("link")))]
    return "\n".join(filter(None, [words_of(entry.get("message")), *shared]))


def _media(entry: Mapping[str, Any]) -> list[MediaItem]:
    found = []
    for each in objects(entry.get("attachments")):
        mime = words_of(each.get("mime_type"))
        image, video = an_object(each.get("image_data")), an_object(each.get("video_data"))
        url = image.get("url") or video.get("url") or each.get("file_url")
        kind = mime or ("image" if image else "video" if video else "file")
        found.append(media_item(kind, url, each.get("name"), mime or None, each.get("id")))
    if words_of(entry.get("sticker")):
        found.append(media_item("sticker", entry.get("sticker"), "sticker"))
    return found
