"""Calls to Meta's Graph API for one account: sign-in header, pages by their cursor, allowances, errors.

Facts (Meta's documents, peers' adapters): version in the path; lists are `{"data": […], "paging": {"cursors",
"next"}}`, an empty page is not the last one while it has a `next`; `next` is an address with the token in it, so that
only its parameters are taken, and never its host. `?ids=` at the root is refused from v26.0: several objects are
several calls. The token goes in the header `Authorization`, to this one host.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

from socialtriage.channels.graph_errors import Missing, TooMuch, Usage, classifier
from socialtriage.domain.errors import AnswerLost, BadPayload, Rejected

if TYPE_CHECKING:
    from socialtriage.channels.answers import Answer
    from socialtriage.channels.base import ChannelContext
    from socialtriage.channels.http import Session

FACEBOOK = "https://graph.facebook.com"
INSTAGRAM = "https://graph.instagram.com"
VERSION = "v26.0"
EDGES = frozenset(
    {
        *("feed", "visitor_posts", "tagged", "ads_posts", "comments", "replies", "conversations", "messages"),
        *("media", "tags", "accounts", "blocked", "moderate_conversations", "photos", "message_attachments"),
    }
)
"""Every list and action that is called, after the id that it belongs to."""
FEWEST = 5
"""Objects of a page below which "too much data" is no longer answered by asking for fewer."""
_OURS = frozenset({"access_token", "appsecret_proof", "fields", "limit", "pretty", "format"})
"""Parameters of a `next` address that every call has by itself, or that are secret."""

Params = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of an edge. `after` leads on, as the parameters of the next call; None at the end."""

    entries: list[dict[str, Any]]
    after: str | None
    unreadable: int = 0
    """Entries that are no objects."""

    def told(self) -> list[Mapping[str, Any]]:
        """The entries, and an empty one for each that cannot be read: where something is looked for, it may be that."""
        return [*self.entries, *({} for _ in range(self.unreadable))]


class Graph:
    """One account's calls to one host. `use` of a call is the allowance that it counts against."""

    def __init__(self, ctx: ChannelContext, token: str, host: str = FACEBOOK, secret: str | None = None) -> None:
        self.token = token
        self.usage = Usage()
        self._app_secret = secret
        self._proved = False
        self._session: Session = ctx.http.session(
            (ctx.account.server or host).rstrip("/"),
            budget=ctx.budget,
            classify=classifier(self.usage, token, secret or ""),
        )
        self._session.headers["Authorization"] = f"Bearer {token}"
        self.budget = ctx.budget
        self._limits: dict[str, int] = {}
        """Objects of a page that were not too much, by the name of the list."""

    def as_page(self, ctx: ChannelContext, token: str) -> Graph:
        """The same host and allowances with another token."""
        other = Graph(ctx, token, self._session.base_url, self._app_secret)
        other.usage.percent, other.usage.minutes = self.usage.percent, self.usage.minutes
        return other

    async def get(
        self, path: str, params: Params | None = None, *, use: str = "pages", token: str = ""
    ) -> dict[str, Any]:
        """One object, asked for with another `token` where one is given.

        Raises `Missing`, `RateLimited`, `BadPayload` or another `ChannelError`.
        """
        self.usage.guard(use)
        headers = {"Authorization": f"Bearer {token}"} if token else None
        answer = await self._proving(lambda: self._session.get(self._path(path), self._signed(params), headers))
        data = answer.json()
        if not isinstance(data, dict):
            raise BadPayload("Meta answered with something that is not an object.", field="$")
        return data

    async def _proving(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """A call; one that was refused for want of proof that we know the app's secret is made again with it."""
        try:
            return await call()
        except Rejected as exc:
            if "appsecret_proof" not in exc.message or not self._app_secret or self._proved:
                raise
            self._proved = True
            return await call()

    def _signed(self, params: Params | None) -> dict[str, str | int]:
        signed = dict(params or {})
        if self._proved and self._app_secret:
            digest = hmac.new(self._app_secret.encode(), self.token.encode(), hashlib.sha256)
            signed["appsecret_proof"] = digest.hexdigest()
        return signed

    async def edge(self, path: str, params: Params, after: str | None = None, *, use: str = "pages") -> Listing:
        """One page of a list; `after` as the page before gave it. Asks for fewer when Meta finds it too much.

        Raises `BadPayload` when it is no list, and as `get` does.
        """
        wanted, kind = dict(params), path.rpartition("/")[2]
        if kind in self._limits:
            wanted["limit"] = min(int(wanted.get("limit", 25)), self._limits[kind])
        while True:
            try:
                data = await self.get(path, {**wanted, **dict(parse_qsl(after or ""))}, use=use)
            except TooMuch:
                limit = int(wanted.get("limit", 25))
                if limit <= FEWEST:
                    raise
                wanted["limit"] = self._limits[kind] = max(FEWEST, limit // 4)
                continue
            return listing(data, full=int(wanted.get("limit", 25)), before=after)

    async def post(self, path: str, form: Mapping[str, str], *, use: str = "pages", safe: bool = False) -> Any:
        """Write; what Meta answers. `safe` marks a call that may be repeated.

        Raises `AnswerLost` when it may have been carried out and the answer cannot be read, and as `Session.post` does.
        """
        self.usage.guard(use)
        answer = await self._proving(
            lambda: self._session.post(self._path(path), form=dict(form), params=self._signed(None), safe=safe)
        )
        try:
            return answer.json()
        except BadPayload as exc:
            raise AnswerLost(f"It may have been carried out: {exc.message}") from exc

    async def hand_in(self, path: str, content: bytes, headers: Mapping[str, str], *, use: str = "pages") -> Any:
        """Hand in a file, `content` being the whole form; repeated like a read, because nobody sees it by itself.

        Raises `BadPayload`, and as `Session.post` does.
        """
        self.usage.guard(use)
        answer = await self._proving(
            lambda: self._session.post(
                self._path(path), content=content, headers=headers, params=self._signed(None), safe=True
            )
        )
        return answer.json()

    async def delete(self, path: str, params: Params | None = None) -> Any:
        """Delete; repeated like a read, because what is deleted stays so. Raises `Missing` when it is not there."""
        self.usage.guard("pages")
        answer = await self._proving(
            lambda: self._session.request("DELETE", self._path(path), params=self._signed(params), safe=True)
        )
        return answer.json()

    def _path(self, path: str) -> str:
        # Ids come from the network: whatever one holds, it never leads to another place.
        head, _, edge = path.rpartition("/")
        parts = [head, edge] if head and edge in EDGES else [path]
        if any(part.strip(".") == "" for part in parts):
            raise Missing("There is no object with such an id.")
        return f"/{VERSION}/" + "/".join(quote(part, safe="") for part in parts)


def listing(data: Mapping[str, Any], *, full: int = 0, before: str | None = None) -> Listing:
    """A page of a list as it came, at the root of an answer or inside an object.

    `full` are the objects that were asked for, `before` is what led here: a page as full as that, with a cursor and
    without `next`, may not be the last. Raises `BadPayload`.
    """
    entries = data.get("data")
    if not isinstance(entries, list):
        raise BadPayload("Meta answered with something that is not a list.", field="data")
    good = [entry for entry in entries if isinstance(entry, dict)]
    paging = data.get("paging")
    after = _after(paging)
    if after is None and 0 < full <= len(entries):
        after = _by_cursor(paging, before)
    return Listing(good, after, len(entries) - len(good))


def _by_cursor(paging: Any, before: str | None) -> str | None:
    """The cursor behind a page that names no next one; None when it is the one that led here."""
    cursors = paging.get("cursors") if isinstance(paging, dict) else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    onward = f"after={quote(after, safe='')}" if isinstance(after, str) and after else None
    return onward if onward != before else None


def _after(paging: Any) -> str | None:
    """What leads to the next page: the parameters of `next`, without what each call has by itself."""
    if not isinstance(paging, dict):
        return None
    onward = paging.get("next")
    if not isinstance(onward, str):
        return None
    try:
        query = parse_qsl(urlsplit(onward).query, keep_blank_values=False)
    except ValueError:
        query = []
    kept = [(name, value) for name, value in query if name not in _OURS]
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    names = {name for name, _ in kept}
    if isinstance(after, str) and "after" not in names:
        kept.append(("after", after))
    return "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in kept) or None
