"""Signed calls to X: what its answers mean, both dialects of its field names, its rate limits.

Facts: OpenAPI 2.165 (June 2026) says `tweet.fields`, `referenced_tweets`, `includes.tweets`; 2.167 (August 2026) says
`post.fields`, `referenced_posts`, `includes.posts`, and gives `author_id`, `edit_history_post_ids` and a direct
message's `sender_id` only as expansions. Answers are read in both; which one a request is understood in is not
confirmed against a live account, so that the newer is tried first and the other when it is refused or brings no
authors. Errors are problem objects (RFC 7807), alone or as `errors` beside `data` in a 200; 429 carries
`x-rate-limit-reset` in epoch seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from socialtriage.channels.answers import Answer, rate_limit_reset
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.oauth_token import TokenEndpoint, base_of, login, scrubbed, signed
from socialtriage.channels.x_prices import Meter
from socialtriage.domain.errors import (
    AuthError,
    BadPayload,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
)
from socialtriage.domain.text import clean_line

if TYPE_CHECKING:
    from socialtriage.channels.http import Params

API = "https://api.x.com"
TOKENS = TokenEndpoint(f"{API}/2/oauth2/token", basic=True)
HINT = "Sign in again: socialtriage accounts login."
_CREDIT = "Buy credit in X's developer console; nothing is lost meanwhile."
_ID = re.compile(r"[0-9]{1,19}", re.ASCII)


class Missing(Rejected):
    """404: there is no such thing, or not for us."""


class Declined(Rejected):
    """400: a parameter that X does not take."""


class Duplicate(Rejected):
    """403: the same words were posted just now."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How requests are written: one version of X's field names."""

    name: str
    posts: Mapping[str, str]
    events: Mapping[str, str]


_SHARED = {"user.fields": "id,name,username", "media.fields": "alt_text,media_key,preview_image_url,type,url,variants"}
POST = Dialect(
    "post",
    _SHARED
    | {
        "post.fields": "attachments,conversation_id,created_at,entities,id,lang,note_post,text",
        "expansions": ("attachments.media_keys,author_id,edit_history_post_ids,in_reply_to_user_id,referenced_posts"),
    },
    _SHARED
    | {
        "dm_event.fields": "attachments,created_at,dm_conversation_id,event_type,id,text",
        "expansions": "attachments.media_keys,sender_id",
    },
)
TWEET = Dialect(
    "tweet",
    _SHARED
    | {
        "tweet.fields": (
            "attachments,author_id,conversation_id,created_at,edit_history_tweet_ids,entities,id,in_reply_to_user_id,"
            "lang,note_tweet,referenced_tweets,text"
        ),
        "expansions": "attachments.media_keys,author_id,referenced_tweets.id,referenced_tweets.id.author_id",
    },
    _SHARED
    | {
        "dm_event.fields": "attachments,created_at,dm_conversation_id,event_type,id,sender_id,text",
        "expansions": "attachments.media_keys,sender_id",
    },
)
DIALECTS = {"post": POST, "tweet": TWEET}

_spoken: dict[str, str] = {}
"""The dialect that each server understood, in this process."""
_me: dict[str, tuple[str, str]] = {}
"""Who each account is, by account and access token: id and user name."""


class Api:
    """One account's calls."""

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._base = base_of(ctx, API)
        self.meter = Meter(ctx)
        self.limits: dict[str, datetime] = {}
        """Until when a kind of call is used up, by the path's last word, as the headers say."""

    @property
    def dialect(self) -> Dialect:
        """The dialect that is spoken with this server."""
        chosen = self._ctx.account.dialect
        return DIALECTS[chosen if chosen != "auto" else _spoken.get(self._base, "post")]

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        data: Mapping[str, Any] | None = None,
        safe: bool = False,
    ) -> dict[str, Any]:
        """One call with the account's token; `safe` marks a write that may be repeated like a read.

        Raises `ChannelError`; any other write may raise `AnswerLost`.
        """

        async def with_token(token: str) -> Answer:
            session = self._ctx.http.session(self._base, budget=self._ctx.budget, classify=classify)
            headers = {"Authorization": f"Bearer {_sendable(token)}"}
            return await session.request(
                method, path, params=params, data=dict(data) if data is not None else None, headers=headers, safe=safe
            )

        answer = await signed(self._ctx, TOKENS, with_token)
        self._watch(path, answer)
        found = answer.json()
        if not isinstance(found, dict):
            raise BadPayload(f"{answer.host} answered {path} with something that is not an object.", field="$")
        if "data" not in found and _refused_whole(found):
            raise _refused_whole(found) or BadPayload(f"{answer.host} answered {path} with nothing.")
        return found

    async def read(self, path: str, params: Mapping[str, str], *, events: bool = False) -> dict[str, Any]:
        """Read posts or direct messages, with their authors and media, in the dialect that the server takes."""
        first = self.dialect
        found: dict[str, Any] | None = None
        try:
            found = await self._in(first, path, params, events)
        except Declined:
            if not self._may_switch:
                raise
        if found is not None and not (self._may_switch and _without_authors(found, events)):
            if found.get("data"):
                _spoken[self._base] = first.name
            return found
        other = TWEET if first is POST else POST
        try:
            answer = await self._in(other, path, params, events)
        except Declined:
            if found is None:
                raise
            return found  # the first was understood; nobody of these authors may be seen
        _spoken[self._base] = other.name
        return answer

    async def _in(self, dialect: Dialect, path: str, params: Mapping[str, str], events: bool) -> dict[str, Any]:
        return await self.call("GET", path, params={**params, **(dialect.events if events else dialect.posts)})

    @property
    def _may_switch(self) -> bool:
        return self._ctx.account.dialect == "auto" and self._base not in _spoken

    async def me(self, *, prove: bool = False) -> tuple[str, str]:
        """Our id and user name; asked once for a token, or to `prove` the login. Raises `Misconfigured`."""
        secret = await login(self._ctx, TOKENS)
        key = f"{self._base} {self._ctx.account.id} {hash(secret.access_token)}"
        if not prove and key in _me:
            return _me[key]
        data = (await self.call("GET", "/2/users/me")).get("data")
        if not isinstance(data, dict) or not text_id(data.get("id")):
            raise Misconfigured("X does not say whose login this is.", hint=HINT)
        await self.meter.charge_once("user_read", 1)
        # The token may have been renewed on the way.
        secret = await login(self._ctx, TOKENS)
        found = (text_id(data.get("id")) or "", str(clean_line(str(data.get("username") or ""))))
        _me[f"{self._base} {self._ctx.account.id} {hash(secret.access_token)}"] = found
        return found

    async def scopes(self) -> str:
        """What was granted, as far as the login says; empty when it does not."""
        return str((await login(self._ctx, TOKENS)).more.get("scope") or "")

    def _watch(self, path: str, answer: Answer) -> None:
        """Remember a kind of call that has none left."""
        kind = path.rpartition("/")[2]
        if answer.headers.get("x-rate-limit-remaining") == "0":
            reset = rate_limit_reset(answer.headers, datetime.now(UTC))
            if reset is not None:
                self.limits[kind] = self._ctx.clock() + (reset - datetime.now(UTC))


def _sendable(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise AuthError("The stored login is not an access token.", hint=HINT)
    return token


def text_id(value: object) -> str | None:
    """An id as text; None for what is none. Ids are sent as text, but a number does no harm."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _without_authors(found: Mapping[str, Any], events: bool) -> bool:
    """Whether items came, and none says who wrote it: the dialect was ignored."""
    name = "sender_id" if events else "author_id"
    data = found.get("data")
    items = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
    return bool(items) and not any(item.get(name) for item in items)


# --- what answers mean ----------------------------------------------------------------------------------------


def classify(answer: Answer) -> ChannelError | None:
    """What X means by a status, where it is not what everybody means."""
    if answer.status < 400 or answer.status >= 500:
        return None
    kind, said = _problem(answer)
    words = f"X answered {answer.status}: {said}" if said else f"X answered {answer.status}."
    if answer.status == 429:
        retry = rate_limit_reset(answer.headers, datetime.now(UTC))
        if kind == "usage-capped":
            return RateLimited(f"The cap on what may be read at X is reached. {said}".strip(), retry_at=retry)
        return RateLimited("X asks to slow down.", retry_at=retry)
    if answer.status == 402 or "credit" in kind:
        return Misconfigured(f"X has no credit left for this app. {said}".strip(), hint=_CREDIT)
    if answer.status == 401:
        return AuthError(words, hint=HINT)
    if answer.status == 404:
        return Missing(words)
    if answer.status == 403:
        return _forbidden(kind, said, words)
    return Declined(words)


def _forbidden(kind: str, said: str, words: str) -> ChannelError:
    lower = said.lower()
    if "duplicate" in lower:
        return Duplicate(f"X does not take the same words twice: {said}")
    if kind in ("client-forbidden", "unsupported-authentication", "oauth1-permissions"):
        hint = "It must be a user's token of an app in a project: socialtriage accounts login."
        return Misconfigured(words, hint=hint)
    if "locked" in lower or "suspended" in lower:
        return AuthError(words, hint="Sign in at x.com to see why.")
    return NotPermitted(words, hint="The login may lack a scope; sign in again.")


def _problem(answer: Answer) -> tuple[str, str]:
    """The kind of a problem (the last word of its `type`), and what it says."""
    try:
        data = answer.json()
    except BadPayload:
        return "", ""
    if not isinstance(data, dict):
        return "", ""
    errors = data.get("errors")
    inner = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    kind = str(data.get("type") or inner.get("type") or "").rpartition("/")[2]
    said = [data.get("detail"), inner.get("message"), inner.get("detail"), data.get("title")]
    found = list(dict.fromkeys(str(word) for word in said if isinstance(word, str) and word))
    # It may quote the header that it did not like.
    return kind, clean_line(scrubbed(" ".join(found[:2])), 300)


def _refused_whole(found: Mapping[str, Any]) -> ChannelError | None:
    """A 200 that holds nothing but the refusal of the whole question; single items that are gone are none."""
    for error in found.get("errors") or ():
        kind = str(error.get("type") or "").rpartition("/")[2] if isinstance(error, dict) else ""
        if kind in ("client-forbidden", "unsupported-authentication", "usage-capped"):
            said = clean_line(str(error.get("detail") or error.get("title") or kind), 300)
            return RateLimited(f"X: {said}") if kind == "usage-capped" else Misconfigured(f"X: {said}", hint=HINT)
    return None
