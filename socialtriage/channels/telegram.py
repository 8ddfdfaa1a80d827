"""Telegram: a bot as the organisation's live chat.

Source: Bot API 10.1. Updates wait at Telegram until `getUpdates` is called with an offset beyond them, and for 24 hours
at most. So a page is committed with the offset that follows it, and only the next call confirms it: what dies between
the two is handed out again, and known by its id. The interface tells nobody that a message was deleted, keeps no key
that makes a write repeatable, and shows a bot nothing that it said itself: a lost answer stays unknown. Every poll is a
short one (`timeout=0`), so that a pass never waits for somebody to write.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from socialtriage.channels import telegram_send
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.cursors import Kept, kept
from socialtriage.channels.oauth_signin import Pasted
from socialtriage.channels.telegram_api import SERVER, Api, Conflict, connect
from socialtriage.channels.telegram_items import KINDS, Read, read
from socialtriage.channels.telegram_send import LIMIT
from socialtriage.domain.errors import (
    BadPayload,
    Misconfigured,
    NotPermitted,
    Rejected,
    Unavailable,
)
from socialtriage.domain.models import (
    Capabilities,
    Gap,
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

__all__ = ["LIMIT", "SERVER", "Telegram"]

KEPT = timedelta(hours=24)
"""How long Telegram keeps an update that nobody fetched."""
RENUMBERED = timedelta(days=6)
"""After a week without updates the next number is chosen at random: from here on none is asked for."""
PAGE = 100
CAPABILITIES = Capabilities(
    reply_public=True,
    reply_private=True,
    limits=(
        "Telegram keeps what is written to a bot for 24 hours: what is not polled by then is lost. Deleted messages are"
        " not reported. People must write first."
    ),
    pictures_public=1,
    pictures_private=1,
    picture_bytes=telegram_send.PICTURE_BYTES,
    picture_kinds=telegram_send.KINDS,
    alt_length=0,
    caption=telegram_send.CAPTION,
    no_post=telegram_send.NO_CHANNEL,
)


class State(Kept, omit_defaults=True):
    """The channel's cursor: the first update that is not committed, of which bot, and when it was last asked for."""

    bot: int
    offset: int = 0
    asked: datetime | None = None
    heard: datetime | None = None
    """When an update last came."""


class Telegram:
    """One bot, for one pass or one send."""

    capabilities = CAPABILITIES
    sign_in = Pasted(
        steps=(
            "In Telegram write to @BotFather: /newbot, then a name that people will see, and one that ends in bot.",
            "Tell residents that name. With /setdescription say what the bot is for, and when somebody answers.",
            "@BotFather shows the token: a number, a colon and letters. Whoever has it can write as the bot.",
        ),
        prompt="Token",
    )

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._notices: list[str] = []
        if ctx.account.channel:
            self.capabilities = replace(CAPABILITIES, post=True, no_post="")

    async def check(self) -> Health:
        """Who the bot is, and whether its messages go elsewhere."""
        api = await connect(self._ctx)
        me = await _me(api)
        notices = []
        try:
            hook = await api.get("getWebhookInfo")
            if isinstance(hook, dict) and hook.get("url"):
                notices.append("A webhook takes this bot's messages elsewhere; the next poll removes it.")
        except (Rejected, BadPayload, Misconfigured, Unavailable):
            pass  # it is only asked about to warn early
        reads = "everything" if me.get("can_read_all_group_messages") is True else "only what is addressed to it"
        return Health(
            identity=str(me["id"]),
            handle=f"@{me.get('username') or me['id']}",
            notices=tuple(notices),
            detail=f"in groups it reads {reads}",
        )

    # --- reading ------------------------------------------------------------------------------------------

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """Every update that waits, oldest first. `since` bounds nothing: older ones than a day do not exist.

        The newest cannot come first: to ask for what follows is to confirm all that is before it.
        """
        del since
        api = await connect(self._ctx)
        state = await self._state(api, cursor)
        now = self._ctx.clock()
        offset = state.offset if state.heard and now - state.heard < RENUMBERED else 0
        gap = _gap(state.asked, now)
        while True:
            updates = await self._updates(api, offset)
            state.asked = now
            reached = max((update["update_id"] + 1 for update in updates), default=0)
            if updates and reached <= offset:
                raise BadPayload("Telegram handed out again what had been confirmed.", field="update_id")
            for page in self._pages(updates, state):
                yield replace(page, gap=gap)
                gap = None
            if not updates:
                yield Page(cursor=state.dump(), gap=gap, notices=self._told())
                return
            offset = reached

    async def _state(self, api: Api, cursor: str | None) -> State:
        """The stored cursor of this bot. A bot that is new here gives up its webhook first: both at once cannot be."""
        state = kept(cursor, State)
        number = api.bot
        if state is not None and number in (None, state.bot):
            return state
        me = await _me(api)
        await self._remove_webhook(api)
        return State(bot=me["id"]) if state is None or state.bot != me["id"] else state

    async def _updates(self, api: Api, offset: int) -> list[dict[str, Any]]:
        """The next updates from `offset` on, in order; asking confirms all before it. Raises `Conflict`."""
        params: dict[str, Any] = {"limit": PAGE, "timeout": 0, "allowed_updates": list(KINDS)}
        if offset:
            params["offset"] = offset
        try:
            found = await api.get("getUpdates", params)
        except Conflict:
            await self._remove_webhook(api)
            try:
                found = await api.get("getUpdates", params)
            except Conflict as exc:
                raise Conflict(
                    "Another program reads this bot's messages (409 Conflict), and Telegram lets only one.",
                    hint="Stop it, or make a bot of the desk's own with @BotFather.",
                ) from exc
            self._notices.append("A webhook took this bot's messages elsewhere; it was removed.")
        if not isinstance(found, list):
            raise BadPayload("Telegram answered getUpdates with something that is not a list.", field="result")
        usable = [update for update in found if isinstance(update, dict) and _whole(update.get("update_id"))]
        if len(usable) < len(found):
            self._notices.append(f"{len(found) - len(usable)} updates without a number could not be read.")
        if found and not usable:
            raise BadPayload("Telegram answered getUpdates with updates that have no number.", field="update_id")
        return sorted(usable, key=lambda update: int(update["update_id"]))

    async def _remove_webhook(self, api: Api) -> None:
        try:
            await api.post("deleteWebhook", {"drop_pending_updates": False}, safe=True)
        except Rejected as exc:
            raise Misconfigured(f"The bot's webhook could not be removed. {exc.message}") from exc

    def _pages(self, updates: list[dict[str, Any]], state: State) -> Iterator[Page]:
        """Updates as pages. An edit never shares a page with its message, so that both wordings are kept."""
        items: dict[str, Incoming] = {}
        for update in updates:
            found = self._read(update, state.bot)
            if found is not None:
                clash = found.edit and any(item.remote_id in items for item in found.items)
                if items and (clash or len(items) + len(found.items) > PAGE):
                    yield Page(items=tuple(items.values()), cursor=state.dump(), notices=self._told())
                    items = {}
                for item in found.items:
                    if item.remote_id not in items or not item.context:
                        items[item.remote_id] = item
            state.offset, state.heard = update["update_id"] + 1, self._ctx.clock()
        if updates:
            yield Page(items=tuple(items.values()), cursor=state.dump(), notices=self._told())

    def _read(self, update: dict[str, Any], bot: int) -> Read | None:
        try:
            return read(update, bot)
        except ValueError as exc:
            self._notices.append(f"The update {update['update_id']} could not be read: {exc}.")
            return None

    def _told(self) -> tuple[str, ...]:
        told, self._notices = tuple(dict.fromkeys(self._notices)), []
        return told

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Nothing: a bot cannot ask for a message again. Edits come as updates."""
        del messages
        return Reread()

    async def locate(self, remote_id: str) -> str:
        """The address of a file, good for an hour; the token is part of it. Raises `Rejected` when it is gone."""
        api = await connect(self._ctx)
        found = await api.get("getFile", {"file_id": remote_id})
        path = found.get("file_path") if isinstance(found, dict) else None
        if not isinstance(path, str) or not path:
            raise Rejected("Telegram does not hand out this file.")
        return api.address_of(path)

    # --- writing ------------------------------------------------------------------------------------------

    async def send(self, reply: OutgoingReply) -> Sent:
        """Send once, as a reply to the message. Raises `Rejected` where the person has shut the bot out."""
        return await telegram_send.send(self._ctx, reply)

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Raises `NotPermitted`: a bot cannot read what it said."""
        raise NotPermitted(f"Telegram cannot be asked whether the answer to {reply.to.handle} arrived.")

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """UTF-16 code units, as Telegram counts: most emoji are two."""
        del visibility, to_handle
        return telegram_send.measured(text)

    async def post(self, post: OutgoingPost) -> Sent:
        """Say something in the organisation's channel, once."""
        return await telegram_send.publish(self._ctx, post)

    async def look_up_post(self, post: OutgoingPost) -> Sent | None:
        """Raises `NotPermitted`: a bot cannot read what it said."""
        del post
        raise NotPermitted("Telegram cannot be asked whether the statement arrived.")

    async def aclose(self) -> None:
        """Nothing to release: connections belong to the shared client."""


def _gap(asked: datetime | None, now: datetime) -> Gap | None:
    """What Telegram has thrown away since the last good poll."""
    if asked is None or now - asked <= KEPT:
        return None
    return Gap(asked, now - KEPT, "Telegram keeps messages to a bot for 24 hours only, and nobody polled for longer.")


async def _me(api: Api) -> dict[str, Any]:
    """The bot itself. Raises `Misconfigured` when the token is no bot's."""
    me = await api.get("getMe")
    if not isinstance(me, dict) or not _whole(me.get("id")):
        raise Misconfigured("The server does not speak Telegram's Bot API.", hint="Check the account's `server`.")
    if me.get("is_bot") is False:
        raise Misconfigured("The token is not a bot's.", hint="Ask @BotFather for one.")
    return me


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
