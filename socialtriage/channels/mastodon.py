"""Mastodon and what speaks its API: GoToSocial, Pleroma, Akkoma, Takahe, Pixelfed.

Mentions, replies, quotes and private mentions come as notifications; our own posts and answers, written elsewhere,
from our own list. Edits and deletions are seen by reading again: nobody announces them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.mastodon_api import Api, Missing, OutOfTime, connect, missing_scopes, read_secret
from socialtriage.channels.mastodon_entities import Server, moment, read_account, read_status, text_id
from socialtriage.channels.mastodon_items import Translator, minimal
from socialtriage.channels.mastodon_moderation import act_on, report
from socialtriage.channels.mastodon_reread import Again
from socialtriage.channels.mastodon_send import find_post, find_reply, measured, post_reply, publish
from socialtriage.channels.mastodon_threads import Threads
from socialtriage.channels.mastodon_walk import Cursor, Entry, Stream, read_cursor
from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import ChannelError, NotPermitted
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
from socialtriage.domain.times import iso

TYPES = ("mention", "quote", "update", "quoted_update")
ASK_SERVER = timedelta(days=1)
"""How long what a server says of itself is believed."""

_servers: dict[str, Server] = {}
"""What is known of each server in this process: `measure` may not ask."""


class Mastodon:
    """One account on one server of the Mastodon family."""

    capabilities = Capabilities(
        reply_public=True,
        reply_private=True,
        start_private=True,
        look_up=True,
        reread=True,
        deletions=True,
        block=True,
        mute=True,
        report=True,
        post=True,
        pictures_public=4,
        pictures_private=4,
        picture_bytes=16_000_000,
        limits="Edits and deletions are seen when a message is read again; chats of Pleroma are not read.",
    )

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._connected: Api | None = None
        self._url = (ctx.account.server or "").rstrip("/")

    # --- signing in ---------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Sign in; look at scopes, at the server's rules, and for a policy that destroys mentions unseen."""
        api = await self._api()
        me = await api.me()
        server = await self._server(None)
        translator = Translator(me, server)
        notices = []
        dropped = await api.dropped_kinds()
        if dropped:
            notices.append(
                "The account's notification settings throw mentions away before they can be read"
                f" ({', '.join(dropped)}); set them to accept or filter."
            )
        _, granted = read_secret(await self._ctx.secret.get())
        lacking = missing_scopes(granted or await api.app_scopes() or "")
        if lacking:
            notices.append(f"The login lacks the permission {', '.join(lacking)}; sign in again.")
        handle = str(translator.author(me).handle)
        wanted = (self._ctx.account.handle or "").lstrip("@").lower()
        if wanted and wanted not in (translator.my_key, translator.my_key.partition("@")[0]):
            notices.append(f"The login belongs to {handle}, the configuration says @{wanted}.")
        limit = server.max_characters
        detail = f"{limit} characters a message" if limit else ""
        # Tokens here do not end by themselves; an end that stands in the secret is somebody's word all the same.
        ends = OAuthSecret.parse(await self._ctx.secret.get()).expires_at
        return Health(identity=translator.my_key, handle=handle, expires_at=ends, notices=tuple(notices), detail=detail)

    async def _api(self) -> Api:
        if self._connected is None:
            self._connected = await connect(self._ctx)
        return self._connected

    async def _server(self, remembered: Server | None) -> Server:
        """What kind of server it is: from this process, from the cursor, or asked, once a day."""
        now = self._ctx.clock()
        for known in (_servers.get(self._url), remembered):
            if known is not None and known.read_at > iso(now - ASK_SERVER):
                _servers[self._url] = known
                return known
        server = await (await self._api()).server(iso(now))
        _servers[self._url] = server
        return server

    # --- reading ------------------------------------------------------------------------------------------

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """Walk what is new; see `mastodon_walk` for how. Raises `ChannelError` after what could be read."""
        walk = await self._open_walk(cursor, since)
        written, first = cursor, True
        try:
            async for page in walk.pages():
                if page.items or page.notices or page.cursor != written:
                    written = page.cursor
                    yield page
                elif first:
                    # Nothing new, and nothing to write: but the server was read.
                    yield Page()
                first = False
        except OutOfTime:
            said = "Not everything could be read in the time given; the next pass goes on from there."
            yield Page(notices=(said,), unfinished=True)

    async def _open_walk(self, stored: str | None, since: datetime) -> _Walk:
        api = await self._api()
        me = await api.me()
        old = read_cursor(stored)
        if old is not None and (old.host, old.me) != (self._url, str(me.id)):
            # Another account, another server: its ids mean nothing here.
            old = None
        server = await self._server(old.server if old else None)
        cursor = old or Cursor(host=self._url, me=str(me.id), since=iso(since), server=server)
        cursor.server = server
        return _Walk(self._ctx, api, Translator(me, server), cursor)

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Ask what became of messages. Only a 404 or 410 to a question about this one message means gone."""
        api = await self._api()
        server = await self._server(None)
        again = Again(api, Translator(await api.me(), server), {m.remote_id: m for m in messages}, self._ctx.clock())
        await again.run(server.batch)
        return again.result()

    # --- writing ------------------------------------------------------------------------------------------

    async def send(self, reply: OutgoingReply) -> Sent:
        """Post an answer, never to more readers than the message had that it answers."""
        api = await self._api()
        return await post_reply(api, reply, await self._server(None), self._ctx.clock())

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Find an answer of ours in our own list by what it answers, its words and its time."""
        api = await self._api()
        return await find_reply(api, reply)

    async def post(self, post: OutgoingPost) -> Sent:
        """Publish something of our own for everybody."""
        return await publish(await self._api(), post, self._ctx.clock())

    async def look_up_post(self, post: OutgoingPost) -> Sent | None:
        """Find a post of ours in our own list by its words and its time."""
        return await find_post(await self._api(), post)

    # --- moderation ---------------------------------------------------------------------------------------

    async def hide(self, message: StoredRef) -> None:
        """Mastodon has no way to hide somebody's reply."""
        raise NotPermitted("Mastodon cannot hide a reply of somebody else.", hint="Block, mute or report them.")

    async def unhide(self, message: StoredRef) -> None:
        """What cannot be hidden cannot be shown again."""
        await self.hide(message)

    async def block(self, author: Author) -> None:
        """They neither see us nor reach us."""
        await self._act_on(author, "block")

    async def unblock(self, author: Author) -> None:
        """Undo a block."""
        await self._act_on(author, "unblock")

    async def mute(self, author: Author) -> None:
        """Hear no more of them, notifications included."""
        await self._act_on(author, "mute")

    async def unmute(self, author: Author) -> None:
        """Undo a mute."""
        await self._act_on(author, "unmute")

    async def report(self, author: Author, message: StoredRef | None, why: str) -> None:
        """Tell the moderators of our own server."""
        await report(await self._api(), author, message, why, (await self._server(None)).domain)

    async def _act_on(self, author: Author, what: str) -> None:
        await act_on(await self._api(), author, what, (await self._server(None)).domain)

    async def learn_rules(self) -> None:
        """How many characters a message may have, and how addresses are counted, is each server's own."""
        await self._server(None)

    def measure(self, text: str, visibility: Visibility, to_handle: str, warning: str = "") -> LengthRule:
        """Count as the server does: `warning` is the content warning that goes with the text.

        The limit is None until this process has once spoken to the server.
        """
        return measured(text, to_handle, warning, _servers.get(self._url))

    async def aclose(self) -> None:
        """Nothing to release: connections belong to the shared client."""
        self._connected = None


class _Walk:
    """One pass over both streams of an account."""

    def __init__(self, ctx: ChannelContext, api: Api, translator: Translator, cursor: Cursor) -> None:
        self._ctx = ctx
        self._translator = translator
        self._cursor = cursor
        since = moment(cursor.since) or ctx.clock()
        self._threads = Threads(ctx, api, translator, since, cursor.held)
        self._now = ctx.clock()
        types = [*TYPES, *cursor.server.extra_types]
        self._notices = Stream(
            api, cursor, cursor.notices, "/api/v1/notifications",
            {"types[]": types, "include_filtered": "true"}, (40, 80),
            self._notification, self._take_notification, self._threads, since, self._now,
            simpler={"types[]": ["mention"]},
        )  # fmt: skip
        own = f"/api/v1/accounts/{cursor.me}/statuses"
        self._own = Stream(
            api, cursor, cursor.own, own, {"exclude_reblogs": "true"}, (20, 40),
            self._own_status, self._take_status, self._threads, since, self._now, simpler={},
        )  # fmt: skip

    async def pages(self) -> AsyncIterator[Page]:
        """What is new of both, then what is left of older walks. A permission that lacks for our own list is told."""
        async for page in self._notices.newest():
            yield page
        refused: ChannelError | None = None
        try:
            async for page in self._own.newest():
                yield page
        except (NotPermitted, Missing) as exc:
            refused = exc
        async for page in self._notices.backwards():
            yield page
        if refused is None:
            async for page in self._own.backwards():
                yield page
        notices = (f"Our own posts could not be read: {refused.message}",) if refused else ()
        yield Page(cursor=self._cursor.dump(), notices=notices)

    # --- entries ------------------------------------------------------------------------------------------

    def _notification(self, raw: Any) -> Entry:
        if not isinstance(raw, dict):
            return Entry(None, raw)
        kind = str(raw.get("type"))
        if kind not in (*TYPES, *self._cursor.server.extra_types):
            # Some servers ignore the types they are asked for.
            return Entry(text_id(raw.get("id")), raw, at=moment(raw.get("created_at")))
        status, faulty = read_status(raw.get("status"))
        return Entry(text_id(raw.get("id")), raw, kind, _latest(raw, raw.get("status")), status, faulty)

    def _own_status(self, raw: Any) -> Entry:
        status, faulty = read_status(raw)
        kind = "own" if status is not None and status.reblog is None else ""
        return Entry(text_id(status.id) if status else None, raw, kind, _latest(raw), status, faulty)

    async def _take_notification(self, entry: Entry) -> Sequence[Incoming]:
        if entry.kind == "quoted_update":
            return self._quoted(entry)
        if entry.kind == "update" and entry.status is not None and not self._translator.addresses_me(entry.status):
            # A post that we only boosted or liked: an edit of what we hold, or nothing to us.
            return await self._take_status(entry, context=True)
        return await self._take_status(entry)

    async def _take_status(self, entry: Entry, *, context: bool = False) -> Sequence[Incoming]:
        author = read_account(entry.raw.get("account")) if isinstance(entry.raw, dict) else None
        if entry.status is None:
            return self._unreadable(entry)
        if entry.faulty:
            self._threads.notices.append(
                f"Message {entry.status.key} could not be read whole: {', '.join(entry.faulty)}."
            )
        root = await self._threads.root_of(entry.status)
        message = self._translator.message(
            entry.status, root, faulty=entry.faulty, context=context, fallback=author, now=self._now
        )
        return (message,)

    def _unreadable(self, entry: Entry) -> Sequence[Incoming]:
        raw = entry.raw if isinstance(entry.raw, dict) else {}
        message = minimal(raw.get("status"), read_account(raw.get("account")), self._translator, self._now)
        self._threads.notices.append(f"A message could not be read: {entry.kind} {entry.id or 'without an id'}.")
        return (message,) if message is not None else ()

    def _quoted(self, entry: Entry) -> Sequence[Incoming]:
        """The post that one of ours quotes was edited: what is attached is ours, the edited one is inside."""
        quote = entry.status.quote if entry.status else None
        status, faulty = read_status(quote.quoted_status if quote else None)
        if status is None:
            return ()
        known = self._ctx.known.thread_of([status.key]).get(status.key)
        if known is None:
            return ()
        return (self._translator.message(status, known, faulty=faulty, context=True, now=self._now),)


def _latest(*places: Any) -> datetime | None:
    """The latest `created_at` of some JSON objects."""
    found = [moment(place.get("created_at")) for place in places if isinstance(place, dict)]
    return max((at for at in found if at is not None), default=None)
