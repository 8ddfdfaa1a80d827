"""X (API v2): mentions and direct-message requests of one account.

Sources: OpenAPI 2.165 and 2.167, the documents of xdevplatform, answers recorded by tweepy (2022-23). Nothing here was
tried with a live account.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from socialtriage.channels import x_media, x_posts
from socialtriage.channels.base import ChannelContext, Price
from socialtriage.channels.oauth_signin import SignIn, lacking
from socialtriage.channels.oauth_token import login
from socialtriage.channels.x_api import TOKENS, Api, Missing, text_id
from socialtriage.channels.x_items import Includes, Post, Translator, items_of, read_post
from socialtriage.channels.x_prices import dollars, prices_of
from socialtriage.channels.x_send import IN_BROWSER, NOT_SUMMONED, Writer, kind_of, measured, summoned
from socialtriage.channels.x_walk import Walk, read_cursor, told
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import (
    AuthError,
    BadPayload,
    CeilingReached,
    ChannelError,
    NotPermitted,
    RateLimited,
    Rejected,
    Unavailable,
)
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

LOOK_UP = 100
"""Posts that one reading again may ask about."""
SIGN_IN = SignIn(
    vendor="X",
    authorize="https://x.com/i/oauth2/authorize",
    endpoint=TOKENS,
    scopes=(
        "tweet.read", "users.read", "tweet.write", "tweet.moderate.write", "dm.read", "dm.write", "mute.read",
        "mute.write", "media.write", "offline.access",
    ),
    needed=("tweet.read", "users.read", "tweet.write", "offline.access"),
    steps=(
        "Sign in at console.x.com as the organisation's account: reading one's own mentions is cheapest when the"
        " account itself owns the app. Create a project with an app, and buy credit for it.",
        "In the app's user authentication settings choose read and write and direct messages, and the type Native App"
        " (a public client, without a secret).",
        "Enter this callback address, exactly: {redirect}",
        "Copy the client id (OAuth 2.0) into `client_id` of the account in the configuration.",
        "Allow these scopes in the browser: {scopes}.",
    ),
    redirect="http://127.0.0.1:8917/x",
)  # fmt: skip


class X:
    """One account at X."""

    capabilities = Capabilities(
        reply_public=True,
        reply_private=True,
        look_up=True,
        reread=True,
        deletions=True,
        hide=True,
        mute=True,
        limits=(
            "Only those who mention or quote the account can be answered from here. Chats that were accepted move to"
            " X's encrypted messages, which cannot be read: what follows a first request may be missing."
        ),
        pictures_public=x_media.MOST,
        pictures_private=x_media.MOST_DIRECT,
        picture_bytes=x_media.LARGEST,
        picture_kinds=x_media.KINDS,
        alt_length=x_media.ALT_LENGTH,
        post=True,
    )
    sign_in = SIGN_IN

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._api = Api(ctx)

    async def check(self) -> Health:
        """Whose login it is, what it may, what this month has cost."""
        me, name = await self._api.me(prove=True)
        secret = await login(self._ctx, TOKENS)
        notices = []
        # A login from before pictures does all the rest; sending one says what it lacks.
        scopes = tuple(scope for scope in SIGN_IN.scopes if scope != x_media.SCOPE)
        missing = lacking(scopes, await self._api.scopes())
        if missing:
            notices.append(f"The login lacks the permission {', '.join(missing)}; sign in again.")
        wanted = (self._ctx.account.handle or "").lstrip("@").lower()
        if wanted and name and wanted != name.lower():
            notices.append(f"The login belongs to @{name}, the configuration says @{wanted}.")
        return Health(
            identity=me,
            handle=f"@{name}",
            expires_at=None if secret.refresh_token else secret.expires_at,
            notices=tuple(notices),
            detail=await self._api.meter.words(),
        )

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """Mentions, then our own posts, then direct messages; what lacks beside the mentions is told."""
        await self._api.meter.still_allowed()
        me, name = await self._api.me()
        state = read_cursor(cursor, me, since)
        walk = Walk(self._ctx, self._api, Translator(me, name, self._ctx.account.handle or ""), state)
        async for page in walk.posts(state.mentions, "mentions"):
            yield page
        async for page in told(walk.posts(state.own, "tweets"), "Our own posts", _beside):
            yield page
        scopes = await self._api.scopes()
        if lacking(("dm.read",), scopes):
            yield Page(notices=("Direct messages are not read: the login lacks dm.read.",))
        else:
            async for page in told(walk.events(), "Direct messages", _beside):
                yield page
        if walk.unfinished():
            yield Page(unfinished=True)

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Edits and deletions of public posts. Only `resource-not-found` for the one post means gone."""
        await self._api.meter.still_allowed()
        refs = {ref.reply_data.get("id") or ref.remote_id: ref for ref in messages}
        ids = [key for key, ref in refs.items() if ref.visibility is Visibility.PUBLIC and text_id(key)]
        if not ids:
            return Reread()
        me, name = await self._api.me()
        translator = Translator(me, name, self._ctx.account.handle or "")
        items: list[Incoming] = []
        gone: list[str] = []
        newer: list[str] = []
        for start in range(0, len(ids), LOOK_UP):
            if self._ctx.budget.left < 1:
                break
            posts, beside, missing = await self._look(ids[start : start + LOOK_UP])
            gone += [refs[key].remote_id for key in missing if key in refs]
            newer += [post.history[-1] for post in posts if post.outdated]
            items += [_as_known(translator.message(post, beside), refs[post.id]) for post in posts if not post.outdated]
        for start in range(0, len(newer), LOOK_UP):
            posts, beside, _ = await self._look(newer[start : start + LOOK_UP])
            items += [translator.message(post, beside) for post in posts]
        return Reread(tuple(items), tuple(gone))

    async def _look(self, ids: Sequence[str]) -> tuple[list[Post], Includes, list[str]]:
        """Posts by id, and which of them X says are gone."""
        try:
            answer = await self._api.read("/2/tweets", {"ids": ",".join(ids)})
        except Missing:
            # All of them at once is no word about any one.
            return [], Includes(), []
        posts = [post for post in map(read_post, items_of(answer)) if post is not None]
        today = self._ctx.clock().date()
        await self._api.meter.charge_once("post_read", len([post for post in posts if post.at.date() < today]))
        there = {post.id for post in posts}
        gone = []
        errors = answer.get("errors")
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, dict) and str(error.get("type") or "").endswith("/resource-not-found"):
                key = text_id(error.get("resource_id")) or text_id(error.get("value"))
                if key is not None and key in ids and key not in there:
                    gone.append(key)
        return posts, Includes.read(answer), gone

    # --- writing ------------------------------------------------------------------------------------------

    async def send(self, reply: OutgoingReply) -> Sent:
        """Post once, to somebody who summoned us or in a conversation."""
        return await Writer(self._api, reply, self._ctx.clock()).send()

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Find a reply among our own posts, or in its conversation."""
        return await Writer(self._api, reply, self._ctx.clock()).look_up()

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """The weighted length; the mention in front of a reply is X's own and free."""
        del to_handle
        return measured(text, visibility)

    @staticmethod
    def objection(account: AccountConfig, message: StoredRef, visibility: Visibility) -> tuple[str, str] | None:
        """X's rule of February 2026: only who summoned the account may be answered by an app."""
        del account, visibility
        return None if summoned(message) else (NOT_SUMMONED, IN_BROWSER)

    @staticmethod
    def price(account: AccountConfig, text: str, visibility: Visibility) -> Price:
        """What posting `text` as a reply costs."""
        return _priced(account, kind_of(text, visibility))

    async def post(self, post: OutgoingPost) -> Sent:
        """Publish a post that answers nobody, once."""
        return await x_posts.publish(self._api, post, self._ctx.clock())

    async def look_up_post(self, post: OutgoingPost) -> Sent | None:
        """Find a post among our own."""
        return await x_posts.look_up(self._api, post)

    @staticmethod
    def post_price(account: AccountConfig, text: str) -> Price:
        """What publishing `text` costs."""
        return _priced(account, x_posts.kind_of(text))

    # --- moderation ---------------------------------------------------------------------------------------

    async def hide(self, message: StoredRef) -> None:
        """Hide a reply in a conversation that we began."""
        await self._hidden(message, True)

    async def unhide(self, message: StoredRef) -> None:
        """Show it again."""
        await self._hidden(message, False)

    async def _hidden(self, message: StoredRef, hidden: bool) -> None:
        key = message.reply_data.get("id") or message.remote_id
        if message.visibility is not Visibility.PUBLIC or text_id(key) is None:
            raise NotPermitted("X hides public replies only.")
        try:
            answer = await self._api.call("PUT", f"/2/tweets/{key}/hidden", data={"hidden": hidden})
        except NotPermitted as exc:
            raise NotPermitted(exc.message, hint="X hides only replies in conversations that we began.") from exc
        await self._api.meter.charge("hide")
        _done(answer, "hidden", hidden)

    async def mute(self, author: Author) -> None:
        """Hear no more of somebody."""
        if text_id(author.key) is None:
            raise Rejected("X did not say who that is.")
        me, _ = await self._api.me()
        answer = await self._api.call("POST", f"/2/users/{me}/muting", data={"target_user_id": author.key})
        await self._api.meter.charge("mute")
        _done(answer, "muting", True)

    async def unmute(self, author: Author) -> None:
        """Hear them again."""
        if text_id(author.key) is None:
            raise Rejected("X did not say who that is.")
        me, _ = await self._api.me()
        answer = await self._api.call("DELETE", f"/2/users/{me}/muting/{author.key}")
        await self._api.meter.charge("mute")
        _done(answer, "muting", False)

    async def unblock(self, author: Author) -> None:
        """The interface cannot since June 2023."""
        del author
        raise NotPermitted("X took blocking out of its interface.", hint="Let them back in in the browser.")

    async def block(self, author: Author) -> None:
        """The interface cannot since June 2023."""
        del author
        raise NotPermitted(
            "X took blocking out of its interface.", hint="Block them in the browser, or mute them here."
        )

    async def report(self, author: Author, message: StoredRef | None, why: str) -> None:
        """The interface cannot."""
        del author, message, why
        raise NotPermitted("X takes no reports by its interface.", hint="Report it in the browser.")

    async def aclose(self) -> None:
        """Nothing to release: connections belong to the shared client."""


def _priced(account: AccountConfig, kind: str) -> Price:
    amount = prices_of(account)[kind]
    why = " because it holds a link" if kind == "post_with_link" else ""
    return Price(amount, "USD", f"Sending this costs {dollars(amount)}{why}.", dear=kind == "post_with_link")


def _done(answer: Mapping[str, Any], name: str, wanted: bool) -> None:
    """Raises `Rejected` where X says that things stand otherwise than was asked for."""
    data = answer.get("data")
    if isinstance(data, dict) and data.get(name) is (not wanted):
        raise Rejected("X answered that it did not do this.", hint="Look at the original in the browser.")


def _as_known(message: Incoming, ref: StoredRef) -> Incoming:
    """A message that was read again: whether it summoned us was decided when it came."""
    before = ref.reply_data.get("summoned")
    return replace(message, reply_data={**message.reply_data, "summoned": before}) if before else message


def _beside(error: ChannelError) -> bool:
    """Whether what cannot be read beside the mentions is told instead of ending the pass."""
    return isinstance(error, Unavailable | Rejected | NotPermitted | BadPayload | RateLimited) and not isinstance(
        error, AuthError | CeilingReached
    )
