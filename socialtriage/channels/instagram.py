"""Instagram professional accounts: comments and their answers, photo tags, and direct messages.

Mentions in other people's captions, comments and stories are told to webhooks alone and cannot be polled. Version 26.0
of the Graph API; what is confirmed by whom is marked in the modules. No live account has
confirmed this adapter.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from socialtriage.channels import graph_window
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.cursors import Kept, kept
from socialtriage.channels.graph_chat import PATIENCE, Chat
from socialtriage.channels.graph_errors import HALF, REGRANT
from socialtriage.channels.graph_moderation import block, delete, hide
from socialtriage.channels.graph_token import forget, notices_of
from socialtriage.channels.graph_watch import Thing, Walk, Watched
from socialtriage.channels.instagram_items import Items
from socialtriage.channels.instagram_login import READING, AccountLogin, connect, for_messages, missing
from socialtriage.channels.instagram_media import USE, Media
from socialtriage.channels.instagram_reread import Again
from socialtriage.channels.instagram_send import find_reply, post_reply
from socialtriage.channels.oauth_signin import Pasted
from socialtriage.domain.errors import AuthError, BadPayload, ChannelError, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import (
    Author,
    Capabilities,
    Health,
    LengthRule,
    OutgoingReply,
    Page,
    Reread,
    Sent,
    StoredRef,
    Visibility,
)

COMMENT_LENGTH = 2_200
"""Characters of a comment at most (not confirmed)."""
MESSAGE_BYTES = 1_000
"""UTF-8 bytes of a direct message at most."""
UNFINISHED = "Not everything could be read in the time given; the next pass goes on from there."


class State(Kept, omit_defaults=True):
    """The cursor. `floor` is the end of the first look back; `tags` are pictures that were seen."""

    account: str
    floor: datetime
    media: Watched = msgspec.field(default_factory=Watched)
    chat: Watched = msgspec.field(default_factory=Watched)
    tags: list[str] = msgspec.field(default_factory=list)
    tags_read: bool = False

    @classmethod
    def load(cls, cursor: str | None, since: datetime, account: str) -> State:
        """The stored cursor of this account; a new one where there is none, or it is another's or unreadable."""
        state = kept(cursor, cls)
        return state if state is not None and state.account == account else cls(account, since)


class Instagram:
    """One professional account."""

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
        limits="Mentions in other people's posts, comments and stories cannot be polled; of a conversation only the 20"
        " newest messages can be read.",
        no_pictures="Instagram takes none with comments, and in messages only from a public address.",
        no_post="A post on Instagram needs a picture at a public address, and the desk has none.",
    )
    sign_in = Pasted(
        steps=(
            "Make the account a professional one and link it to the Facebook Page, in Instagram's settings.",
            "At developers.facebook.com make an app of the type Business; it may stay in development mode.",
            "In the business settings make a system user; assign the app, the Page and the Instagram account to it.",
            "Make a token for the system user with: instagram_basic, instagram_manage_comments,"
            " instagram_manage_messages, pages_show_list, pages_read_engagement. Copy it: it is shown once.",
        ),
        prompt="Access token",
    )
    window = staticmethod(graph_window.window)
    objection = staticmethod(graph_window.objection)

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._login: AccountLogin | None = None

    async def _account(self) -> AccountLogin:
        if self._login is None:
            self._login = await connect(self._ctx)
        return self._login

    # --- signing in ---------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Sign in; look at permissions and at the ends of the login."""
        login = self._login = await connect(self._ctx, anew=True)
        token, now = login.token, self._ctx.clock()
        notices = notices_of(token, missing(login), now) if token else []
        ends = token.ends_at if token else login.secret.expires_at
        handle = f"@{login.username}" if login.username else login.id
        wanted = (self._ctx.account.handle or "").lstrip("@").lower()
        if wanted and login.username and wanted != login.username.lower():
            notices.append(f"The login belongs to {handle}, the configuration says @{wanted}.")
        detail = "by a Facebook login" if token else "by Instagram's own login"
        usable = not (token and token.lacks(READING))
        return Health(login.id, handle, ends, tuple(notices), detail, usable)

    # --- reading ------------------------------------------------------------------------------------------

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """Walk what moved, conversations and media. Raises `ChannelError` after what could be read."""
        login = await self._account()
        state = State.load(cursor, since, login.id)
        try:
            async for page in _Pass(self._ctx, login, state).pages():
                yield page
        except AuthError:
            forget(self._ctx, login.graph)
            raise
        lacking = login.token.lacks(READING) if login.token else ()
        if lacking:
            raise NotPermitted(
                f"Comments may be missing: the login lacks the permission {', '.join(lacking)}.", hint=REGRANT
            )

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Ask what became of messages. A refusal that may mean a lost permission is no deletion."""
        return await Again(self._ctx, await self._account()).run(messages)

    # --- writing ------------------------------------------------------------------------------------------

    async def send(self, reply: OutgoingReply) -> Sent:
        """Answer a comment, or send a direct message, once."""
        return await post_reply(self._ctx, await self._account(), reply)

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Find an answer of ours by reading the comment's answers, or the conversation, back."""
        return await find_reply(self._ctx, await self._account(), reply)

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """Count characters of a comment, UTF-8 bytes of a direct message."""
        if visibility is Visibility.PUBLIC:
            return LengthRule(len(text), COMMENT_LENGTH, "characters")
        return LengthRule(len(text.encode("utf-8", "replace")), MESSAGE_BYTES, "UTF-8 bytes")

    # --- moderation ---------------------------------------------------------------------------------------

    async def hide(self, message: StoredRef) -> None:
        """Hide a comment below a post of the account's."""
        await hide((await self._account()).graph, message, "hide", hidden=True)

    async def unhide(self, message: StoredRef) -> None:
        """Show a hidden comment again."""
        await hide((await self._account()).graph, message, "hide", hidden=False)

    async def delete(self, message: StoredRef) -> None:
        """Delete a comment for good. One that is gone already is no error."""
        login = await self._account()
        await delete(login.graph, message, lambda: Again(self._ctx, login).run([message]))

    async def block(self, author: Author) -> None:
        """Keep a person from writing direct messages; needs the permission for those, and the Page's token."""
        await self._conversations(author, "BLOCK_USER")

    async def unblock(self, author: Author) -> None:
        """Let a blocked person write again."""
        await self._conversations(author, "UNBLOCK_USER")

    async def _conversations(self, author: Author, action: str) -> None:
        login = await self._account()
        graph = await for_messages(self._ctx, login)
        await block(graph, author, f"{login.id}/moderate_conversations", "user_ids", actions=json.dumps([action]))

    async def mute(self, author: Author) -> None:
        """Instagram's interface has no muting."""
        raise NotPermitted("Instagram's interface cannot mute a person; block them, or hide what they wrote.")

    async def unmute(self, author: Author) -> None:
        """Nobody was muted."""
        raise NotPermitted("Instagram's interface cannot mute a person.")

    async def report(self, author: Author, message: StoredRef | None, why: str) -> None:
        """Instagram's interface takes no reports."""
        raise NotPermitted("Instagram's interface takes no reports; open the original and report it there.")

    async def aclose(self) -> None:
        """Nothing to release: connections belong to the shared client."""
        self._login = None


class _Pass:
    """One pass over conversations, media and tags."""

    def __init__(self, ctx: ChannelContext, login: AccountLogin, state: State) -> None:
        self._ctx = ctx
        self._login = login
        self._state = state
        self._graph = graph = login.graph
        self._media = Media(graph, login.id, Items(login.me, ctx.clock), state.floor)
        self._walk = Walk(state.media, self._media, graph, USE, ctx.clock, state.dump)
        self._chat: Chat | None = None
        self._chat_walk: Walk | None = None
        self._conversations: list[Thing] | None = None
        self._cut = False
        self._failure: ChannelError | None = None

    async def pages(self) -> AsyncIterator[Page]:
        """Conversations as long as half of the time lasts, then media, then what is left of conversations."""
        yield Page()
        async for page in self._private(self._graph.budget.seconds / 2):
            yield page
        async for page in self._public():
            yield page
        async for page in self._private(0.5):
            yield page
        if self._chat is not None and self._conversations is not None:
            self._chat.settle(self._state.chat, self._conversations)
        used = self._graph.usage.of(USE)
        if used >= HALF:
            self._media.notices.append(f"{used:.0f} % of what Meta allows is used: less is read in each pass.")
        problems = [*self._walk.problems, *(self._chat_walk.problems if self._chat_walk else ())]
        notices = dict.fromkeys([*self._media.notices, *problems])
        cut = self._cut or bool(self._chat_walk and self._chat_walk.cut(self._conversations or ()))
        yield Page(cursor=self._state.dump(), notices=tuple(notices), unfinished=cut)
        failure = self._failure or self._walk.ended_with() or (self._chat_walk.failure if self._chat_walk else None)
        if failure is not None:
            raise failure

    async def _private(self, reserve: float) -> AsyncIterator[Page]:
        try:
            if self._chat_walk is None or self._chat is None:
                graph = await for_messages(self._ctx, self._login)
                known = self._ctx.known.thread_of
                self._chat = Chat(
                    graph, "me", "instagram", self._login.me, USE, self._state.floor, known, self._state.chat
                )
                self._chat_walk = Walk(
                    self._state.chat,
                    self._chat,
                    graph,
                    USE,
                    self._ctx.clock,
                    self._state.dump,
                    deep=1,
                    refusals=1,
                    patience=PATIENCE,
                )
            if self._conversations is None:
                self._conversations = await self._chat.things(self._state.chat)
            self._chat_walk.reserve = reserve
            async for page in self._chat_walk.moved(self._conversations):
                yield page
        except (NotPermitted, Rejected) as exc:
            self._conversations = self._conversations or []
            self._media.notices.append(f"Direct messages could not be read: {exc.message}")
        except (BadPayload, Unavailable) as exc:
            self._conversations = self._conversations or []
            self._failure = self._failure or exc

    async def _public(self) -> AsyncIterator[Page]:
        things = await self._media.things(self._state.media)
        async for page in self._walk.moved(things):
            yield page
        async for page in self._tags():
            yield page
        async for page in self._walk.in_turn([thing for thing in things if thing.sign != "0"]):
            yield page
        self._state.media.prune(thing.key for thing in things)
        self._cut = self._walk.unfinished(things)
        if self._cut:
            self._media.notices.append(UNFINISHED)

    async def _tags(self) -> AsyncIterator[Page]:
        if not self._walk.time_left():
            return
        state = self._state
        try:
            items = await self._media.tagged(state.tags, first=not state.tags_read)
        except (NotPermitted, Rejected) as exc:
            self._media.notices.append(f"Photo tags could not be read: {exc.message}")
            return
        except (BadPayload, Unavailable) as exc:
            self._failure = self._failure or exc
            return
        state.tags_read = True
        for start in range(0, max(len(items), 1), 100):
            last = start + 100 >= len(items)
            yield Page(items=tuple(items[start : start + 100]), cursor=state.dump() if last else None)
