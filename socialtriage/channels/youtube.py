"""YouTube: comments on one channel and its videos, those held for review included; answers, hiding, reading back.

Source: the Data API v3 (discovery revision 20261104). The scope for everything is `youtube.force-ssl`. There are no
direct messages. Replies know one level only, so that an answer always goes below the top comment. A write has no key: a
lost answer is looked up in the thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.google_api import Closed, Missing, moment, sign_in, text
from socialtriage.channels.same_words import letters
from socialtriage.channels.youtube_api import MOST_IDS, Api, connect
from socialtriage.channels.youtube_items import HELD, PUBLISHED, SPAM, read_comment
from socialtriage.channels.youtube_walk import OVERLAP, SHORT, State, Walk
from socialtriage.domain.errors import (
    AnswerLost,
    BadPayload,
    ChannelError,
    Misconfigured,
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
    OutgoingReply,
    Page,
    Reread,
    Sent,
    StoredRef,
    Visibility,
)

LIMIT = 10_000
"""Characters of a comment [unconfirmed: no document of the vendor says it]."""
LOOK_BACK = timedelta(minutes=1)
"""How long before it was queued an answer may seem to have been posted, by clocks that differ."""
MOST_PAGES = 20
LEAST = 1.0
"""Seconds of the budget below which nothing more is begun."""
TURNS = ((PUBLISHED, 0.5, False), (HELD, 0.3, False), (SPAM, 0.2, False), (PUBLISHED, 0.0, True))
"""The queues in the order of a pass, with the share of its time that each leaves to what follows."""
OLDER = ((HELD, 4), (SPAM, 8), (PUBLISHED, 1))
"""By what the pages of older threads in a pass are divided in each queue."""
SAVING = 2
"""Pages a pass at which the quota is short: what is new comes first then."""
WARN = 0.8
"""Share of the quota from which on the account's state says how much is spent."""
CAPABILITIES = Capabilities(
    reply_public=True,
    look_up=True,
    reread=True,
    deletions=True,
    hide=True,
    block=True,
    limits=(
        "New replies below old comments are found by turns, as the daily quota of the interface allows. YouTube has no"
        " direct messages."
    ),
    no_pictures="YouTube's interface takes no pictures with comments.",
    no_post="YouTube's interface takes no community posts.",
)


class YouTube:
    """One channel, for one pass or one send."""

    capabilities = CAPABILITIES
    sign_in = sign_in("https://www.googleapis.com/auth/youtube.force-ssl", "YouTube Data API v3")

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx

    async def check(self) -> Health:
        """Who signed in, and what of the quota is spent. Raises `Misconfigured` when it is another channel."""
        api = await connect(self._ctx)
        mine = await api.mine()
        if mine is not None and text(mine, "id") != api.channel:
            raise Misconfigured(
                f"The login is that of the channel {text(mine, 'id') or '?'}, not of {api.channel}.",
                hint=f"Sign in as its owner: socialtriage accounts login {self._ctx.account.id}.",
            )
        snippet = mine.get("snippet") if mine else None
        name = text(snippet, "customUrl") or text(snippet, "title") if isinstance(snippet, dict) else ""
        login = await api.login()
        return Health(
            identity=api.channel,
            handle=name or self._ctx.account.handle or api.channel,
            expires_at=None if login.refresh_token else login.expires_at,
            detail=f"{await api.quota.used():,} of {api.quota.limit:,} units of today's quota are spent.",
        )

    # --- reading ------------------------------------------------------------------------------------------

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """Newest threads, then what is held for review or taken for spam, then older threads by turns."""
        api = await connect(self._ctx)
        state = State.load(cursor, since, api.channel)
        pace = await api.quota.pace()
        overlap = OVERLAP if pace > SAVING else SHORT
        walk = Walk(api, state, self._ctx.known, self._time_left, overlap)
        hidden: set[str] = set()
        for status, share, again in TURNS:
            try:
                async for page in walk.queue(status, share, again=again):
                    yield page
            except (NotPermitted, BadPayload, Closed) as exc:
                if status == PUBLISHED:
                    raise
                # The owner alone sees these: the public comments go on without them.
                hidden.add(status)
                queue = "held for review" if status == HELD else "taken for spam"
                yield Page(notices=(f"Comments {queue} are not shown: {exc.message}",))
        for status, part in OLDER:
            if status not in hidden:
                async for page in walk.older(status, -(-pace // part)):
                    yield page
        if walk.unfinished(status for status, *_ in TURNS if status not in hidden):
            yield Page(unfinished=True)
        used = await api.quota.used()
        if used > WARN * api.quota.limit:
            yield Page(notices=(f"{used:,} of the {api.quota.limit:,} units of today's quota are spent.",))

    def _time_left(self, share: float = 0.0) -> bool:
        """Whether more than `share` of the budget is left, and enough to begin something."""
        seconds = self._ctx.budget.seconds
        return self._ctx.budget.left > max(min(LEAST, seconds / 10), share * seconds)

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Edits and deletions. That nothing at all comes back is believed only of a login that is the owner's."""
        api = await connect(self._ctx)
        refs = {ref.remote_id: ref for ref in messages}
        ids, items, gone = list(refs), [], []
        for start in range(0, len(ids), MOST_IDS):
            if not self._time_left():
                break
            some = ids[start : start + MOST_IDS]
            try:
                found = {text(row, "id"): row for row in await api.comments(some)}
                if not found and not await self._still_owner(api):
                    continue
            except RateLimited:
                break
            except (Unavailable, Rejected, NotPermitted, BadPayload):
                continue
            gone += [key for key in some if key not in found]
            items += [item for key in some if key in found if (item := self._as_now(found[key], refs[key], api))]
        return Reread(tuple(items), tuple(gone))

    async def _still_owner(self, api: Api) -> bool:
        mine = await api.mine()
        return mine is None or text(mine, "id") == api.channel

    def _as_now(self, row: Any, ref: StoredRef, api: Api) -> Incoming | None:
        """A comment as it is now. By its id alone YouTube tells neither its queue nor, sometimes, its video."""
        data = ref.reply_data
        try:
            return read_comment(
                row, api.channel, data.get("status", PUBLISHED), thread=ref.thread, video=data.get("video", "")
            )
        except ValueError:
            return None

    # --- writing ------------------------------------------------------------------------------------------

    async def send(self, reply: OutgoingReply) -> Sent:
        """Post once below the top comment, then read it back. Raises `AnswerLost` when it may have been posted."""
        if not reply.text.strip():
            raise Rejected("The reply is empty.")
        length = self.measure(reply.text, reply.visibility, reply.to.handle)
        if length.used > LIMIT:
            raise Rejected(f"The reply is too long for YouTube: {length.used} {length.unit} of at most {LIMIT}.")
        if reply.visibility is Visibility.PRIVATE:
            raise Rejected("YouTube has no direct messages.")
        api = await connect(self._ctx, reserve=0)
        thread = reply.parent.reply_data.get("thread") or reply.parent.thread
        body = {"snippet": {"parentId": thread, "textOriginal": reply.text}}
        try:
            made = await api.write("comments.insert", "POST", "comments", {"part": "snippet"}, body)
        except Missing as exc:
            raise Rejected("The comment that this answers has been deleted.") from exc
        except BadPayload as exc:
            raise AnswerLost(exc.message) from exc
        snippet = made.get("snippet")
        key, at = text(made, "id"), moment(snippet.get("publishedAt")) if isinstance(snippet, dict) else None
        if not key:
            raise AnswerLost("YouTube took the answer, but did not say under which id.")
        return self._sent(reply, key, at, await self._read_back(api, key, thread))

    async def _read_back(self, api: Api, key: str, thread: str) -> str | None:
        """Something that the officer must know of a new answer: not there, or elsewhere."""
        try:
            found = await api.comments([key])
        except ChannelError:
            return "It was posted, but could not be read back."
        if not found:
            return "YouTube took the answer and does not show it: look at the video whether it is there."
        snippet = found[0].get("snippet")
        parent = text(snippet, "parentId") if isinstance(snippet, dict) else ""
        return "YouTube put the answer below another comment." if parent and parent != thread else None

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Our reply with these words in the thread, posted since it was queued."""
        api = await connect(self._ctx, reserve=0)
        thread = reply.parent.reply_data.get("thread") or reply.parent.thread
        token: str | None = None
        for _ in range(MOST_PAGES):
            try:
                rows, token = await api.replies(thread, token)
            except Missing:
                return None
            for row in rows:
                if (at := _ours(row, reply, api.channel)) is not None:
                    return self._sent(reply, text(row, "id"), at, None)
            if token is None:
                return None
        raise Unavailable("The thread is too long to find out whether the answer is there.")

    def _sent(self, reply: OutgoingReply, key: str, at: datetime | None, notice: str | None) -> Sent:
        video = reply.parent.reply_data.get("video", "")
        url = f"https://www.youtube.com/watch?v={video}&lc={key}" if video else None
        return Sent(key, at or self._ctx.clock(), url, notice)

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """Characters, most emoji counted as two: YouTube says nowhere how it counts."""
        del visibility, to_handle
        return LengthRule(len(text.encode("utf-16-le", "surrogatepass")) // 2, LIMIT, "characters")

    # --- moderation ---------------------------------------------------------------------------------------

    async def hide(self, message: StoredRef) -> None:
        """Reject a comment; that hides the replies below it too."""
        await self._moderate(message.remote_id, "rejected")

    async def unhide(self, message: StoredRef) -> None:
        """Publish a comment, one that was held for review too."""
        await self._moderate(message.remote_id, "published")

    async def block(self, author: Author) -> None:
        """Ban the author from the channel. YouTube does that only while rejecting a comment of theirs: it goes too."""
        comment = author.data.get("comment")
        if not comment:
            raise Rejected(f"No comment of {author.handle} is known by which they could be banned.")
        await self._moderate(comment, "rejected", banAuthor="true")

    async def _moderate(self, comment: str, status: str, **more: str) -> None:
        api = await connect(self._ctx, reserve=0)
        params = {"id": comment, "moderationStatus": status, **more}
        try:
            await api.write("comments.setModerationStatus", "POST", "comments/setModerationStatus", params)
        except Missing as exc:
            raise Rejected("The comment has been deleted.") from exc

    async def mute(self, author: Author) -> None:
        """Not offered by the interface."""
        raise NotPermitted(f"YouTube cannot mute {author.handle}.")

    async def report(self, author: Author, message: StoredRef | None, why: str) -> None:
        """Not offered: the interface has no report with a reason."""
        del message, why
        raise NotPermitted(f"{author.handle} can be reported on YouTube's own page only.")

    async def aclose(self) -> None:
        """Nothing to release: connections belong to the shared client."""


def _ours(row: Any, reply: OutgoingReply, channel: str) -> datetime | None:
    """When a comment was posted that is our answer; None when it is not."""
    snippet = row.get("snippet")
    if not isinstance(snippet, dict) or not text(row, "id"):
        return None
    author = snippet.get("authorChannelId")
    mine = isinstance(author, dict) and author.get("value") == channel
    # What is taken for missing is sent once more: blanks and signs that YouTube sets otherwise do not count.
    words = {letters(text(snippet, name)) for name in ("textOriginal", "textDisplay")}
    at = moment(snippet.get("publishedAt"))
    recent = at is not None and at >= reply.queued_at - LOOK_BACK
    return at if mine and recent and letters(reply.text) in words else None
