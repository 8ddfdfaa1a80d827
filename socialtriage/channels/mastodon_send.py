"""Answers on their way out: to whom, for whose eyes, how long they may be, and whether one that got lost is there.

Facts: the server does not add the mention, and whoever is not mentioned is not told, or, in a private answer, never
sees it; `@dee` means nobody when Dee lives on another server (recorded). The Idempotency-Key is honoured by Mastodon
for an hour and ignored by GoToSocial and Takahe. Mastodon counts grapheme clusters with 23 for an address and mentions
without their host; GoToSocial counts code points, whole addresses and whole mentions. The content warning counts too.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from socialtriage.channels.lengths import graphemes, with_urls_as
from socialtriage.channels.mastodon_api import Api, Missing
from socialtriage.channels.mastodon_entities import Server, Status, moment, read_status, text_id
from socialtriage.channels.mastodon_items import PUBLIC, person_key, web_url
from socialtriage.channels.same_words import letters
from socialtriage.domain.errors import AnswerLost, BadPayload, NotPermitted, Rejected, Unavailable
from socialtriage.domain.models import LengthRule, OutgoingFile, OutgoingPost, OutgoingReply, Sent, Visibility
from socialtriage.domain.text import html_to_text

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the server's clock may be behind ours when a lost answer is looked for."""
PAGES_BACK = 10
PER_URL = 23
WORKING = (0.5, 1.0, 2.0, 4.0)
"""Seconds between looks at a picture that the server is working on; until then a status may not have it."""

_MENTION = re.compile(r"@[\w.-]+(?:@[\w.:-]+)?")
_MENTION_HOST = re.compile(r"(?<![/\w])@([a-z0-9_][a-z0-9_.-]*)@[\w.-]*\w(?::\d+)?", re.IGNORECASE)


def addressed(text: str, handle: str, acct: str = "") -> str:
    """`text` with the mention of `handle` (`@user@host`) before it, unless it is there.

    `acct` is what the server calls the person: without a host for one of its own people, who may be mentioned so.
    """
    whole = handle.lstrip("@")
    local = acct and "@" not in acct and acct.lower() == whole.partition("@")[0].lower()
    names = [re.escape(whole), *([re.escape(acct) + r"(?!@)"] if local else [])]
    if re.search(rf"(?<![\w/])@(?:{'|'.join(names)})(?![\w-]|\.\w)", text, re.IGNORECASE):
        return text
    return f"@{acct if local else whole} {text}"


def measured(text: str, handle: str, warning: str, server: Server | None) -> LengthRule:
    """How long the text is with its mention and its content warning, by the rule of `server`."""
    whole = addressed(text, handle) if handle else text
    if server is not None and not server.mastodon:
        return LengthRule(len(whole) + len(warning), server.max_characters, "characters")
    per_url = (server.per_url if server else None) or PER_URL
    counted = _MENTION_HOST.sub(r"@\1", with_urls_as(whole, per_url))
    return LengthRule(graphemes(warning + counted), server.max_characters if server else None, "characters")


def _visibility(reply: OutgoingReply) -> tuple[str, str | None]:
    """For whose eyes the answer is, and what the officer must know of it. Never wider than what it answers."""
    if reply.visibility is Visibility.PRIVATE:
        return "direct", None
    theirs = reply.parent.reply_data.get("visibility", "")
    if reply.parent.visibility is Visibility.PRIVATE or (theirs and theirs not in PUBLIC):
        return "direct", "Sent privately: the message that it answers is private."
    return theirs or "unlisted", None


async def post_reply(api: Api, reply: OutgoingReply, server: Server, now: datetime) -> Sent:
    """Post an answer once. Raises `Rejected` when it surely was not posted, `AnswerLost` when it may have been."""
    data = reply.parent.reply_data
    visibility, notice = _visibility(reply)
    body: dict[str, Any] = {
        "status": addressed(reply.text, reply.to.handle, data.get("acct", "")),
        "in_reply_to_id": reply.parent.remote_id,
        "visibility": visibility,
    }
    if reply.language:
        body["language"] = reply.language
    warning = data.get("spoiler", "")
    if reply.files:
        body["media_ids"] = [await _uploaded(api, file) for file in reply.files]
    length = measured(reply.text, reply.to.handle, warning, server)
    if warning and (length.limit is None or length.used <= length.limit):
        body["spoiler_text"] = warning
    try:
        answer = await api.post_status(body, reply.key)
    except Missing as exc:
        raise Rejected(
            "The message that this answers is no longer there, or its author has blocked the account;"
            " nothing was posted."
        ) from exc
    except NotPermitted as exc:
        raise NotPermitted(exc.message, hint="The scope write:statuses may be missing; sign in again.") from exc
    status = _posted(answer.json)
    notices = [notice, _reached(status, reply, server), _attached(status, reply)]
    return Sent(
        remote_id=status.key,
        at=moment(status.created_at) or now,
        url=web_url(status.url) or web_url(status.uri),
        notice=" ".join(filter(None, notices)) or None,
    )


async def publish(api: Api, post: OutgoingPost, now: datetime) -> Sent:
    """Post something for everybody. Raises `Rejected` when it surely was not posted, `AnswerLost` when it may have."""
    body: dict[str, Any] = {"status": post.text, "visibility": "public"}
    if post.language:
        body["language"] = post.language
    try:
        answer = await api.post_status(body, post.key)
    except NotPermitted as exc:
        raise NotPermitted(exc.message, hint="The scope write:statuses may be missing; sign in again.") from exc
    return _as_sent(_posted(answer.json), now)


def _as_sent(status: Status, otherwise: datetime) -> Sent:
    return Sent(
        remote_id=status.key,
        at=moment(status.created_at) or otherwise,
        url=web_url(status.url) or web_url(status.uri),
    )


async def _uploaded(api: Api, file: OutgoingFile) -> str:
    """The id of a picture that the server has worked off. Raises `Unavailable` when that takes too long, or where what
    it says cannot be read: nothing was posted then.
    """
    answer = await api.upload(file.name, file.mime, file.alt, file.data)
    for pause in (0.0, *WORKING):
        try:
            data = answer.json()
        except BadPayload as exc:
            raise Unavailable(f"{exc.message} Nothing was posted.") from exc
        id_ = text_id(data.get("id")) if isinstance(data, dict) else None
        if id_ is None:
            raise Unavailable("The server took the picture and did not say under which id. Nothing was posted.")
        if data.get("url"):
            return id_
        await asyncio.sleep(pause)
        answer = await api.media(id_)
    raise Unavailable(f"The server is still working on {file.name}; nothing was posted.")


def _posted(read: Any) -> Status:
    """The status that a write made. Raises `AnswerLost` for anything else, a status kept for later included."""
    try:
        data = read()
    except BadPayload as exc:
        raise AnswerLost(f"The answer may have been posted: {exc.message}") from exc
    status, _ = read_status(data)
    if status is None or (isinstance(data, dict) and "scheduled_at" in data and "content" not in data):
        raise AnswerLost("The server took the answer, but did not say that it posted it.")
    return status


def _reached(status: Status, reply: OutgoingReply, server: Server) -> str | None:
    data = reply.parent.reply_data
    answers_them = person_key(data.get("acct", ""), "", None, server.domain) == reply.to.key
    for mention in status.mentions or ():
        if person_key(mention.acct, mention.username, mention.url, server.domain) == reply.to.key:
            return None
        if (answers_them and str(mention.id) == data.get("account")) or (mention.url and mention.url == reply.to.url):
            return None
    return f"The server did not find {reply.to.handle}: it was posted, but it reached nobody."


def _attached(status: Status, reply: OutgoingReply) -> str | None:
    if status.parent == reply.parent.remote_id:
        return None
    return "It was posted, but not as an answer to the message."


# --- looking for a lost answer --------------------------------------------------------------------------------


async def find_reply(api: Api, reply: OutgoingReply) -> Sent | None:
    """The answer that may have been posted: ours, to the same message, with the same words, not older than the order.

    None when neither our own list nor the thread has it. Raises `Unavailable` when that could not be made sure.
    """
    me = await api.me()
    earliest = reply.queued_at - CLOCKS_DIFFER
    found = [s for s in await _own_since(api, str(me.id), earliest) if _is_it(s, reply, earliest)]
    if not found:
        try:
            _, below = await api.context(reply.parent.remote_id)
        except Missing:
            below = []
        statuses = [status for status, _ in map(read_status, below) if status is not None]
        mine = [s for s in statuses if s.account is not None and str(s.account.id) == str(me.id)]
        found = [s for s in mine if _is_it(s, reply, earliest)]
    if not found:
        return None
    status = min(found, key=lambda s: abs((moment(s.created_at) or earliest) - reply.queued_at))
    return _as_sent(status, reply.queued_at)


async def find_post(api: Api, post: OutgoingPost) -> Sent | None:
    """The post that may have been made: ours, an answer to nobody, with the same words, not older than the order."""
    me = await api.me()
    earliest = post.queued_at - CLOCKS_DIFFER
    ours = await _own_since(api, str(me.id), earliest)
    found = [s for s in ours if s.parent is None and _says(s, post.text, earliest)]
    if not found:
        return None
    return _as_sent(min(found, key=lambda s: abs((moment(s.created_at) or earliest) - post.queued_at)), post.queued_at)


async def _own_since(api: Api, my_id: str, earliest: datetime) -> list[Status]:
    """Our own statuses from `earliest` on."""
    found: list[Status] = []
    older: str | None = None
    for _ in range(PAGES_BACK):
        params = {"exclude_reblogs": "true", "limit": "40", **({"max_id": older} if older else {})}
        listing = await api.listing(f"/api/v1/accounts/{my_id}/statuses", params)
        page = [status for status, _ in map(read_status, listing.entries) if status is not None]
        found += page
        times = [at for at in (moment(status.created_at) for status in page) if at is not None]
        if listing.older is None or listing.older == older or (times and max(times) < earliest):
            return found
        older = listing.older
    raise Unavailable("There are too many posts of our own to look for one among them.")


def _is_it(status: Status, reply: OutgoingReply, earliest: datetime) -> bool:
    return status.parent == reply.parent.remote_id and _says(status, reply.text, earliest)


def _says(status: Status, text: str, earliest: datetime) -> bool:
    """Whether a status is not older than that and has these words."""
    at = moment(status.created_at)
    if at is not None and at < earliest:
        return False
    wanted = _words(text)
    sources = (status.text or "", html_to_text(status.text or ""), html_to_text(status.content or ""))
    return any(_words(source) == wanted for source in sources)


def _words(text: str) -> str:
    """What is left of a text when a server has rendered it: letters and digits, without mentions."""
    return letters(_MENTION.sub(" ", unicodedata.normalize("NFKC", text)))
