"""Facebook Pages: comments on the Page's, visitors', tagged and advertised posts, and the Page's Messenger.

Reading is by rescan, because no list has a cursor that lasts: see `graph_watch`. Version 26.0 of the Graph API; which
facts a vendor's document, a recorded answer or nobody confirms is marked in the modules.
No live Page has confirmed this adapter.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from socialtriage.channels import facebook_media, facebook_publish, graph_window
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.cursors import Kept, kept
from socialtriage.channels.facebook_items import Items
from socialtriage.channels.facebook_login import MESSAGING, POSTING, READING, SCOPES, PageLogin, connect
from socialtriage.channels.facebook_posts import Posts
from socialtriage.channels.facebook_reread import Again
from socialtriage.channels.facebook_send import find_reply, post_reply
from socialtriage.channels.graph_chat import PATIENCE, Chat
from socialtriage.channels.graph_errors import HALF, REGRANT, MessengerLimited
from socialtriage.channels.graph_moderation import block, delete, hide, unblock
from socialtriage.channels.graph_token import forget, notices_of
from socialtriage.channels.graph_watch import Thing, Walk, Watched
from socialtriage.channels.oauth_signin import Pasted
from socialtriage.domain.errors import AuthError, BadPayload, ChannelError, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import (
    Author,
    Capabilities,
    Health,
    LengthRule,
    OutgoingPost,
    OutgoingReply,
    Page,
    Reread,
    Sent,
    StoredRef,
    Visibility,
)

COMMENT_LENGTH = 8_000
MESSAGE_LENGTH = 2_000
"""Characters at most. No document of Meta's that was read for this confirms either; the server has the last word."""
UNFINISHED = "Not everything could be read in the time given; the next pass goes on from there."


class State(Kept, omit_defaults=True):
    """The cursor. `floor` is the end of the first look back."""

    page: str
    floor: datetime
    posts: Watched = msgspec.field(default_factory=Watched)
    chat: Watched = msgspec.field(default_factory=Watched)

    @classmethod
    def load(cls, cursor: str | None, since: datetime, page: str) -> State:
        """The stored cursor of this Page; a new one where there is none, or it is another's or unreadable."""
        state = kept(cursor, cls)
        return state if state is not None and state.page == page else cls(page, since)


class Facebook:
    """One Page."""

    capabilities = Capabilities(
        reply_public=True,
        reply_private=True,
        start_private=True,
        look_up=True,
        reread=True,
        deletions=True,
        hide=True,
        delete=True,
        block=True,
        limits="Posts are found in lists that Facebook ranks, about 600 a year; reviews and stories are not read.",
        pictures_public=facebook_media.MOST,
        pictures_private=facebook_media.MOST,
        picture_bytes=facebook_media.LARGEST,
        picture_kinds=facebook_media.KINDS,
        pictures_apart=True,
        no_pictures=facebook_media.LIMITS,
        post=True,
    )
    sign_in = Pasted(
        steps=(
            "At developers.facebook.com make an app of the type Business. For comments it may stay in development.",
            "In the business settings make a system user; assign the app to it, and the Page with full control.",
            f"Make a token for the system user with: {', '.join(SCOPES)}. Copy it: it is shown once.",
            f"To publish statements on the Page, and pictures below comments, let it have {POSTING} too.",
            "Messages of people without a role in the app come only after Meta's review of pages_messaging.",
        ),
        prompt="Access token of the system user, or of the Page",
    )
    window = staticmethod(graph_window.window)
    objection = staticmethod(graph_window.objection)

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._login: PageLogin | None = None

    async def _page(self) -> PageLogin:
        if self._login is None:
            self._login = await connect(self._ctx)
        return self._login

    # --- signing in ---------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Sign in; look at the kind of token, its permissions and its ends."""
        login = self._login = await connect(self._ctx, anew=True)
        token = login.token
        notices = notices_of(token, token.lacks(SCOPES, login.page), self._ctx.clock())
        ends = "without an end" if token.expires_at is None else ""
        used = login.graph.usage.of("pages")
        by = "by a system user" if token.kind == "SYSTEM_USER" else "Page token"
        detail = ", ".join(filter(None, [by, ends, f"{used:.0f} % of the allowance used" if used else ""]))
        usable = not token.lacks(READING, login.page)
        return Health(login.page, login.name or login.page, token.ends_at, tuple(notices), detail, usable)

    # --- reading ------------------------------------------------------------------------------------------

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """Walk what moved, conversations and posts. Raises `ChannelError` after what could be read."""
        login = await self._page()
        state = State.load(cursor, since, login.page)
        try:
            async for page in _Pass(self._ctx, login, state).pages():
                yield page
        except AuthError:
            forget(self._ctx, login.graph)
            raise
        lacking = login.token.lacks(READING, login.page)
        if lacking:
            raise NotPermitted(
                f"Comments may be missing: the login lacks the permission {', '.join(lacking)}.", hint=REGRANT
            )

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Ask what became of messages. Only what Meta lists no more, and says it has not, is gone."""
        login = await self._page()
        return await Again(self._ctx, login).run(messages)

    # --- writing ------------------------------------------------------------------------------------------

    async def send(self, reply: OutgoingReply) -> Sent:
        """Post an answer below a comment, or send a private message, once."""
        return await post_reply(self._ctx, await self._page(), reply)

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Find an answer of ours by reading the thread, or the conversation, back."""
        return await find_reply(self._ctx, await self._page(), reply)

    async def post(self, post: OutgoingPost) -> Sent:
        """Publish a post on the Page, once."""
        return await facebook_publish.publish(self._ctx, await self._page(), post)

    async def look_up_post(self, post: OutgoingPost) -> Sent | None:
        """Find a post of ours by reading the Page's feed back."""
        return await facebook_publish.look_up(await self._page(), post)

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """Count characters: no mention is added."""
        limit = COMMENT_LENGTH if visibility is Visibility.PUBLIC else MESSAGE_LENGTH
        return LengthRule(len(text), limit, "characters")

    # --- moderation ---------------------------------------------------------------------------------------

    async def hide(self, message: StoredRef) -> None:
        """Hide a comment; its author and their friends still see it (not confirmed)."""
        await hide((await self._page()).graph, message, "is_hidden", hidden=True)

    async def unhide(self, message: StoredRef) -> None:
        """Show a hidden comment again."""
        await hide((await self._page()).graph, message, "is_hidden", hidden=False)

    async def delete(self, message: StoredRef) -> None:
        """Delete a comment for good. One that is gone already is no error."""
        login = await self._page()
        await delete(login.graph, message, lambda: Again(self._ctx, login).run([message]))

    async def block(self, author: Author) -> None:
        """Keep a person from commenting on the Page and from writing to it."""
        login = await self._page()
        await block(login.graph, author, f"{login.page}/blocked", "user")

    async def unblock(self, author: Author) -> None:
        """Let a blocked person back in."""
        login = await self._page()
        await unblock(login.graph, author, f"{login.page}/blocked")

    async def mute(self, author: Author) -> None:
        """Facebook has no muting for Pages."""
        raise NotPermitted("Facebook's interface cannot mute a person; block them, or hide what they wrote.")

    async def unmute(self, author: Author) -> None:
        """Nobody was muted."""
        raise NotPermitted("Facebook's interface cannot mute a person.")

    async def report(self, author: Author, message: StoredRef | None, why: str) -> None:
        """Facebook's interface takes no reports."""
        raise NotPermitted("Facebook's interface takes no reports; open the original and report it there.")

    async def aclose(self) -> None:
        """Nothing to release: connections belong to the shared client."""
        self._login = None


class _Pass:
    """One pass over conversations and posts."""

    def __init__(self, ctx: ChannelContext, login: PageLogin, state: State) -> None:
        self._login = login
        self._state = state
        self._graph = graph = login.graph
        items = Items(login.page, ctx.clock, lambda ids: ctx.known.thread_of(ids))
        self._posts = Posts(graph, items, state.floor)
        self._chat = Chat(
            graph, login.page, "messenger", {login.page}, "messenger", state.floor, ctx.known.thread_of, state.chat
        )
        self._posts_walk = Walk(state.posts, self._posts, graph, "pages", ctx.clock, state.dump)
        self._chat_walk = Walk(
            state.chat, self._chat, graph, "messenger", ctx.clock, state.dump, deep=1, refusals=1, patience=PATIENCE
        )
        self._conversations: list[Thing] | None = None
        self._cut = False
        self._failure: ChannelError | None = None

    async def pages(self) -> AsyncIterator[Page]:
        """Conversations as long as half of the time lasts, then posts, then what is left of conversations."""
        yield Page()
        self._chat_walk.reserve = self._graph.budget.seconds / 2
        async for page in self._private():
            yield page
        async for page in self._public():
            yield page
        self._chat_walk.reserve = 0.5
        async for page in self._private():
            yield page
        yield self._last()
        failure = self._failure or self._posts.failure or self._posts_walk.ended_with() or self._chat_walk.failure
        if failure is not None:
            raise failure

    async def _private(self) -> AsyncIterator[Page]:
        lacking = self._login.token.lacks(MESSAGING[1:], self._login.page)
        if lacking:
            self._posts.notices.append(f"Messenger is not read: the login lacks the permission {lacking[0]}.")
            return
        try:
            if self._conversations is None:
                self._conversations = await self._chat.things(self._state.chat)
            async for page in self._chat_walk.moved(self._conversations):
                yield page
        except (NotPermitted, Rejected) as exc:
            self._conversations = self._conversations or []
            self._posts.notices.append(f"Messenger could not be read: {exc.message}")
        except (BadPayload, Unavailable) as exc:
            self._conversations = self._conversations or []
            self._failure = self._failure or exc
        except MessengerLimited as exc:
            self._conversations = self._conversations or []
            until = f" until {exc.retry_at:%H:%M} UTC" if exc.retry_at else ""
            self._posts.notices.append(f"Messenger is not read{until}: {exc.message}")

    async def _public(self) -> AsyncIterator[Page]:
        things = await self._posts.things(self._state.posts)
        for start in range(0, len(self._posts.roots), 100):
            yield Page(items=tuple(self._posts.roots[start : start + 100]))
        async for page in self._posts_walk.moved(things):
            yield page
        async for page in self._posts_walk.in_turn(things):
            yield page
        self._state.posts.prune(thing.key for thing in things)
        self._cut = self._posts_walk.unfinished(things)
        if self._cut:
            self._posts.notices.append(UNFINISHED)

    def _last(self) -> Page:
        if self._conversations is not None:
            self._chat.settle(self._state.chat, self._conversations)
        used = self._graph.usage.of("pages")
        if used >= HALF:
            self._posts.notices.append(
                f"{used:.0f} % of what Meta allows this Page is used: less is read in each pass."
            )
        notices = [*self._posts.notices, *self._posts_walk.problems, *self._chat_walk.problems]
        cut = self._cut or self._chat_walk.cut(self._conversations or ())
        return Page(cursor=self._state.dump(), notices=tuple(dict.fromkeys(notices)), unfinished=cut)
