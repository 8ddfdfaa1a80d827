"""Bluesky (AT Protocol): mentions, replies, quotes and direct messages of one account.

Sources: the lexicons of bluesky-social/atproto at d6296a1c, its PDS and AppView, and answers recorded from a PDS 0.5.35
and an AppView 0.0.280.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.bluesky_answers import Missing
from socialtriage.channels.bluesky_chat import Chat
from socialtriage.channels.bluesky_inbox import GET_POSTS, Notifications, OwnPosts, Posts
from socialtriage.channels.bluesky_moderation import Moderation
from socialtriage.channels.bluesky_posts import PostView, Reader, read_view
from socialtriage.channels.bluesky_send import NewPost, PrivateReply, PublicReply, measure, thread_of
from socialtriage.channels.bluesky_session import Xrpc
from socialtriage.channels.bluesky_walk import State, sweep
from socialtriage.channels.oauth_signin import Pasted
from socialtriage.domain.errors import BadPayload, NotPermitted, Rejected, Unavailable
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

CAPABILITIES = Capabilities(
    reply_public=True,
    reply_private=True,
    start_private=True,
    look_up=True,
    reread=True,
    deletions=True,
    hide=True,
    block=True,
    mute=True,
    report=True,
    post=True,
    pictures_public=4,
    picture_bytes=2_000_000,
    no_pictures="Bluesky's private messages carry none.",
    limits=(
        "Not seen: posts of people whom the account blocks or mutes, replies that it has hidden, and posts that their"
        " author dated back by more than a week."
    ),
)
LEAST = 1.0
"""Seconds of the budget below which nothing more is begun."""
NO_CHAT = "Direct messages are not read."


class Bluesky:
    """One account on Bluesky, for one pass or one send."""

    capabilities = CAPABILITIES
    sign_in = Pasted(
        (
            "In Bluesky, signed in as the organisation, open Settings, Privacy and security, App passwords.",
            "Add one, named after this desk, and tick “Allow access to your direct messages”.",
            "Bluesky shows the password once: paste it here.",
        ),
        "App password",
    )

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._xrpc = Xrpc(ctx)
        self._no_chat = False
        """The walk found, and said, that direct messages may not be read."""

    async def check(self) -> Health:
        """Prove the session, or sign in, and see whether direct messages may be read."""
        grant = await self._xrpc.sign_in(prove=True)
        notices = []
        configured = (self._ctx.account.handle or "").strip().removeprefix("@").lower()
        if "@" not in configured and configured not in ("", grant.handle.lower(), grant.did.lower()):
            notices.append(f"The account is called @{grant.handle} now; write that into the configuration.")
        if grant.main_password:
            notices.append("The account's main password is stored; an app password could be taken back on its own.")
        try:
            if not self._no_chat:
                await self._xrpc.query("chat.bsky.convo.listConvos", {"limit": 1}, chat=True)
        except NotPermitted as exc:
            notices.append(f"{NO_CHAT} {exc}")
        except (Unavailable, Rejected, BadPayload) as exc:
            notices.append(f"The service for direct messages does not answer: {exc.message}")
        return Health(
            identity=grant.did, handle=f"@{grant.handle}", notices=(*self._xrpc.notices, *notices), detail=grant.pds
        )

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """Public messages, then our own posts, then direct messages; each leaves the next ones a share of the budget.

        Nothing is lost when the walk ends after any page. What cannot be read beside the public messages is said
        in a notice, and its part of the cursor stays where it was.
        """
        await self._xrpc.sign_in()
        state = State.load(cursor, since, self._xrpc.did)
        inbox = Notifications(self._ctx, self._xrpc, state.floor)
        before, now = state.public.sweeps, self._xrpc.now
        turns: list[Callable[[], AsyncGenerator[Page, None]]] = [
            lambda: sweep(state, state.public, inbox, now, self._until(0.4)),
            lambda: self._own(state),
            lambda: self._private(state, since),
            lambda: sweep(state, state.public, inbox, now, self._until(0.0), again=True),
        ]
        for turn in turns:
            if turn is turns[-1] and state.public.walk is None and state.public.sweeps != before:
                break
            async with aclosing(turn()) as pages:
                async for page in pages:
                    # What the first turn leaves to the others it takes up in the last.
                    if page.unfinished and turn is turns[0]:
                        continue
                    yield page
        if self._xrpc.notices:
            yield Page(notices=tuple(dict.fromkeys(self._xrpc.notices)))
            self._xrpc.notices.clear()

    def _until(self, share: float) -> Callable[[], bool]:
        """Whether more than `share` of the budget is left, and enough to begin something."""
        budget = self._ctx.budget
        least = max(min(LEAST, budget.seconds / 10), share * budget.seconds)
        return lambda: budget.left > least

    async def _own(self, state: State) -> AsyncGenerator[Page, None]:
        source = OwnPosts(self._ctx, self._xrpc, state.floor)
        try:
            async with aclosing(sweep(state, state.own, source, self._xrpc.now, self._until(0.2))) as pages:
                async for page in pages:
                    yield page
        except (Unavailable, Rejected, NotPermitted, BadPayload) as exc:
            self._xrpc.notices.append(f"Our own posts could not be read: {exc.message}")

    async def _private(self, state: State, since: datetime) -> AsyncGenerator[Page, None]:
        try:
            async with aclosing(Chat(self._xrpc, state, self._until(0.0)).pages(since)) as pages:
                async for page in pages:
                    yield page
        except NotPermitted as exc:
            self._no_chat = True
            self._xrpc.notices.append(f"{NO_CHAT} {exc}")
        except (Unavailable, Rejected, BadPayload) as exc:
            self._xrpc.notices.append(f"Direct messages could not be read this time: {exc.message}")

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Edits and deletions of public posts; those of direct messages come with the log.

        A post that `getPosts` leaves out is gone only when a single read says so: it may be hidden by a block.
        """
        public = {ref.remote_id: ref for ref in messages if ref.visibility is Visibility.PUBLIC}
        if not public:
            return Reread()
        await self._xrpc.sign_in()
        items: list[Incoming] = []
        gone: list[str] = []
        uris, go_on = list(public), self._until(0.0)
        for start in range(0, len(uris), GET_POSTS):
            if not go_on():
                break
            some = uris[start : start + GET_POSTS]
            try:
                views = await Posts(self._xrpc).views(some)
            except (Unavailable, Rejected, NotPermitted, BadPayload):
                continue
            items += [self._as_now(view, public[uri]) for uri, view in views.items()]
            for uri in some:
                if uri not in views and go_on():
                    await self._confirm(uri, public[uri], items, gone)
        return Reread(tuple(items), tuple(gone))

    async def _confirm(self, uri: str, ref: StoredRef, items: list[Incoming], gone: list[str]) -> None:
        try:
            thread = await thread_of(self._xrpc, uri)
            if thread.get("notFound"):
                gone.append(uri)
            elif "post" in thread:
                items.append(self._as_now(read_view(thread["post"]), ref))
        except Missing:
            gone.append(uri)
        except (Unavailable, Rejected, NotPermitted, BadPayload, ValueError):
            return

    def _as_now(self, view: PostView, ref: StoredRef) -> Incoming:
        before = ref.reply_data.get("cid")
        edited = self._ctx.clock() if before and view.cid and before != view.cid else None
        return Reader(self._xrpc.did).message(view, edited_at=edited)

    async def send(self, reply: OutgoingReply) -> Sent:
        """Post once; see `PublicReply` and `PrivateReply`."""
        return await self._writer(reply).send()

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Find a reply whose answer was lost."""
        return await self._writer(reply).look_up()

    def _writer(self, reply: OutgoingReply) -> PublicReply | PrivateReply:
        if reply.visibility is Visibility.PUBLIC:
            return PublicReply(self._xrpc, reply)
        return PrivateReply(self._xrpc, reply)

    async def post(self, post: OutgoingPost) -> Sent:
        """Publish a post of our own."""
        return await NewPost(self._xrpc, post).send()

    async def look_up_post(self, post: OutgoingPost) -> Sent | None:
        """Find a post whose answer was lost."""
        return await NewPost(self._xrpc, post).look_up()

    # --- moderation ---------------------------------------------------------------------------------------

    async def hide(self, message: StoredRef) -> None:
        """Hide a reply below a post of ours."""
        await Moderation(self._xrpc).set_hidden(message, True)

    async def unhide(self, message: StoredRef) -> None:
        """Show a hidden reply again."""
        await Moderation(self._xrpc).set_hidden(message, False)

    async def block(self, author: Author) -> None:
        """Block a person, which everybody can see."""
        await Moderation(self._xrpc).block(author)

    async def unblock(self, author: Author) -> None:
        """Undo a block."""
        await Moderation(self._xrpc).unblock(author)

    async def mute(self, author: Author) -> None:
        """Hear no more of a person; they do not learn of it."""
        await Moderation(self._xrpc).set_muted(author, True)

    async def unmute(self, author: Author) -> None:
        """Undo a mute."""
        await Moderation(self._xrpc).set_muted(author, False)

    async def report(self, author: Author, message: StoredRef | None, why: str) -> None:
        """Tell Bluesky's moderators."""
        await Moderation(self._xrpc).report(author, message, why)

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """Count as Bluesky does. A reply tells its addressee by itself: no mention is added."""
        del to_handle
        return measure(text, visibility)

    async def aclose(self) -> None:
        """Nothing to release: connections belong to the shared client."""
