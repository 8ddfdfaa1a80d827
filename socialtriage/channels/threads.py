"""Threads: replies below our posts, and mentions, of one account. There are no private messages for programs.

Sources: Meta's documents as compiled by peers. Neither recorded answers nor a live account
have confirmed this adapter.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from socialtriage.channels import threads_posts
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.threads_api import NEEDED, SCOPES, SIGN_IN, Api
from socialtriage.channels.threads_items import FIELDS, Translator
from socialtriage.channels.threads_send import Writer, measured
from socialtriage.channels.threads_walk import Walk, conversation, epoch, read_cursor, waiting
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

AROUND = timedelta(days=1)
"""How far around a mention its list is looked at before it counts as gone."""


class Threads:
    """One account at Threads."""

    capabilities = Capabilities(
        reply_public=True,
        look_up=True,
        reread=True,
        deletions=True,
        hide=True,
        limits=(
            "Private messages have no interface. Not seen: mentions by private profiles, and answers below our replies"
            " in other people's threads unless they mention us."
        ),
        no_pictures="Threads fetches pictures from a public address only, and the desk has none.",
        post=True,
    )
    sign_in = SIGN_IN

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._api = Api(ctx)
        self._whole: dict[str, set[str]] = {}

    async def check(self) -> Health:
        """Whose login it is, until when, what it lacks."""
        me, name = await self._api.me()
        secret, granted = await self._api.inspect()
        notices, vital = [], []
        if granted is not None:
            lacking = [scope for scope in SCOPES if scope not in granted]
            if lacking:
                vital = [scope for scope in lacking if scope in NEEDED]
                end = "; without it the account cannot be used" if vital else ""
                notices.append(f"The login lacks the permission {', '.join(lacking)}{end}: sign in again.")
        wanted = (self._ctx.account.handle or "").lstrip("@").lower()
        if wanted and name and wanted != name.lower():
            notices.append(f"The login belongs to @{name}, the configuration says @{wanted}.")
        return Health(me, f"@{name}", secret.expires_at, tuple(notices), usable=not vital)

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """Replies below our posts, then mentions. What is not permitted of mentions is told."""
        me, name = await self._api.me()
        walk = Walk(self._api, Translator(me, name, self._ctx.clock()), read_cursor(cursor, me, since), self._whole)
        async for page in walk.replies():
            yield page
        try:
            async for page in walk.mentions():
                yield page
        except BadPayload as exc:
            walk.failure = walk.failure or exc
        except (NotPermitted, Rejected) as exc:
            hint = "They need the permission threads_manage_mentions, and Advanced Access for the public's."
            yield Page(notices=(f"Mentions could not be read: {exc.message} {hint}",))
        try:
            async for page in walk.pending():
                yield page
        except BadPayload as exc:
            walk.failure = walk.failure or exc
        except (NotPermitted, Rejected) as exc:
            yield Page(notices=(f"Replies that wait for approval could not be read: {exc.message}",))
        if walk.failure is not None:
            raise walk.failure

    # --- reading again ------------------------------------------------------------------------------------

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Edits and deletions. Gone is what its list leaves out and Threads does not know by itself either."""
        me, name = await self._api.me()
        translator = Translator(me, name, self._ctx.clock())
        items: list[Incoming] = []
        gone: list[str] = []
        for ref in messages:
            if self._api.budget.left < 1:
                break
            if ref.remote_id in self._whole.get(ref.reply_data.get("root", ""), ()):
                continue  # this pass has handed in the whole conversation, this message as it is now
            try:
                raw = await self._api.get(ref.remote_id, {"fields": FIELDS})
            except Missing:
                if not await self._listed(ref):
                    gone.append(ref.remote_id)
                continue
            except (Unavailable, Rejected, BadPayload, NotPermitted):
                continue
            root = {"id": ref.thread} if ref.reply_data.get("mine") == "yes" else None
            message = translator.message(raw, root=root)
            if message is not None and message.remote_id == ref.remote_id:
                items.append(message)
        return Reread(tuple(items), tuple(gone))

    async def _listed(self, ref: StoredRef) -> bool:
        """Whether the list that a message came by still has it, or could not be read."""
        try:
            if ref.reply_data.get("held") and await self._waits(ref):
                return True
            if ref.reply_data.get("mine") == "yes":
                root = ref.reply_data.get("root") or ref.thread
                if root not in self._whole:
                    self._whole[root] = await self._ids_below(root)
                return ref.remote_id in self._whole[root]
            return ref.remote_id in await self._mentions_around(epoch(ref.reply_data.get("at", "")))
        except Missing:
            return False
        except (Unavailable, Rejected, BadPayload, NotPermitted):
            return True

    async def _waits(self, ref: StoredRef) -> bool:
        """Whether a reply still waits for approval."""
        after: str | None = None
        while True:
            if self._api.budget.left < 1:
                raise Unavailable("There is no time left to read what waits for approval.")
            listing = await waiting(self._api, ref.reply_data.get("root") or ref.thread, after)
            if any(str(entry.get("id")) == ref.remote_id for entry in listing.entries):
                return True
            after = listing.after
            if after is None:
                return False

    async def _ids_below(self, root: str) -> set[str]:
        found: set[str] = set()
        after: str | None = None
        while True:
            if self._api.budget.left < 1:
                raise Unavailable("There is no time left to read the whole conversation.")
            listing = await conversation(self._api, root, after)
            found |= {str(entry.get("id")) for entry in listing.entries}
            after = listing.after
            if after is None:
                return found

    async def _mentions_around(self, at: datetime) -> set[str]:
        me, _ = await self._api.me()
        since, until = int((at - AROUND).timestamp()), int((at + AROUND).timestamp())
        found: set[str] = set()
        after: str | None = None
        while True:
            if self._api.budget.left < 1:
                raise Unavailable("There is no time left to read all mentions.")
            params = {"fields": "id", "limit": "100", "since": str(since), "until": str(until)}
            listing = await self._api.listing(f"{me}/mentions", params, after)
            found |= {str(entry.get("id")) for entry in listing.entries}
            after = listing.after
            if after is None:
                return found

    # --- writing ------------------------------------------------------------------------------------------

    async def send(self, reply: OutgoingReply) -> Sent:
        """Post once, by a container that is published."""
        return await Writer(self._api, reply, self._ctx.clock()).send()

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Find a reply in its thread."""
        return await Writer(self._api, reply, self._ctx.clock()).look_up()

    async def post(self, post: OutgoingPost) -> Sent:
        """Publish a post that answers nobody, once."""
        return await threads_posts.publish(self._api, post, self._ctx.clock())

    async def look_up_post(self, post: OutgoingPost) -> Sent | None:
        """Find a post among our own."""
        return await threads_posts.look_up(self._api, post)

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """Count as Threads does. A reply tells its addressee by itself: no mention is added."""
        del visibility, to_handle
        return measured(text)

    @staticmethod
    def declines(text: str) -> tuple[str, str] | None:
        """More links than a post may have."""
        return threads_posts.declined(text)

    async def hide(self, message: StoredRef) -> None:
        """Hide a reply below a post of ours, and what stands below it; ignore one that waits for approval."""
        await self._manage(message, hide=True)

    async def unhide(self, message: StoredRef) -> None:
        """Show it again; approve one that waits for that."""
        await self._manage(message, hide=False)

    async def _manage(self, message: StoredRef, *, hide: bool) -> None:
        if message.reply_data.get("mine") != "yes":
            raise NotPermitted("Threads hides only replies below posts of ours.")
        if message.reply_data.get("held") and await self._waits(message):
            form = {"approve": "false" if hide else "true"}
            await self._api.post(f"{message.remote_id}/manage_pending_reply", form, safe=True)
            return
        if message.reply_data.get("nested"):
            raise NotPermitted(
                "Threads hides only replies directly below a post of ours, and all below them with them."
            )
        await self._api.post(f"{message.remote_id}/manage_reply", {"hide": "true" if hide else "false"}, safe=True)

    async def block(self, author: Author) -> None:
        """Not offered by the interface."""
        del author
        raise NotPermitted("Threads takes no blocks by its interface.", hint="Block them in the app.")

    async def mute(self, author: Author) -> None:
        """Not offered by the interface."""
        del author
        raise NotPermitted("Threads takes no mutes by its interface.", hint="Mute them in the app.")

    async def report(self, author: Author, message: StoredRef | None, why: str) -> None:
        """Not offered by the interface."""
        del author, message, why
        raise NotPermitted("Threads takes no reports by its interface.", hint="Report it in the app.")

    async def aclose(self) -> None:
        """Nothing to release: connections belong to the shared client."""
