"""Calls of the YouTube Data API, each paid from the project's daily quota.

Source: discovery document of revision 20261104 and the page on quota costs. A project has 10,000 units a day unless
Google granted more; a list costs 1, a write 50, refused ones included. The ledger counts what this desk has spent; what
other programs spend from the same project only Google knows, and says with `quotaExceeded`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.google_api import Declined, Google, Missing, items, rows, text
from socialtriage.channels.google_quota import RESERVE, Quota
from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import BadPayload, Misconfigured
from socialtriage.domain.text import clean_line

SERVICE = "https://youtube.googleapis.com"
LIST, WRITE = 1, 50
PAGE = 100
MOST_IDS = 50
"""Ids in one call (comma-separated). The specification names no limit; 50 is that of the other lists [unconfirmed]."""


class Api:
    """One channel's calls. Make it with `connect`."""

    def __init__(self, ctx: ChannelContext, google: Google, quota: Quota, reserve: int) -> None:
        self._ctx = ctx
        self._reserve = reserve
        self._google = google
        self.quota = quota

    async def threads(self, status: str, token: str | None) -> tuple[list[Any], str | None]:
        """A page of all threads on the channel and its videos, newest first, and the token of the next one.

        This and the lists below raise `BadPayload` for an answer that is no list.
        """
        data = await self._whole_list(
            "commentThreads",
            part="snippet,replies",
            allThreadsRelatedToChannelId=self.channel,
            order="time",
            maxResults=PAGE,
            textFormat="plainText",
            moderationStatus=status,
            pageToken=token,
        )
        return items(data, "items"), text(data, "nextPageToken") or None

    async def replies(self, thread: str, token: str | None) -> tuple[list[Any], str | None]:
        """A page of the replies below a top comment. Raises `Missing` when that is gone."""
        data = await self._whole_list(
            "comments", part="snippet", parentId=thread, maxResults=PAGE, textFormat="plainText", pageToken=token
        )
        return items(data, "items"), text(data, "nextPageToken") or None

    async def comments(self, ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """Those of at most `MOST_IDS` comments that are there."""
        data = await self._whole_list("comments", part="snippet", id=",".join(ids), textFormat="plainText")
        return rows(data, "items")

    async def titles(self, videos: Sequence[str]) -> dict[str, str]:
        """Titles of at most `MOST_IDS` videos, as far as they can be read."""
        found = rows(await self._list("videos", part="snippet", id=",".join(videos)), "items")
        snippets = {text(row, "id"): row.get("snippet") for row in found}
        return {
            key: clean_line(text(snippet, "title")) for key, snippet in snippets.items() if isinstance(snippet, dict)
        }

    async def mine(self) -> Mapping[str, Any] | None:
        """The channel that signed in; None where the service does not say."""
        try:
            found = rows(await self._list("channels", part="snippet", mine="true"), "items")
        except (Missing, Declined):
            return None
        return found[0] if found else None

    async def write(self, kind: str, method: str, path: str, params: Mapping[str, str], data: Any = None) -> Any:
        """A call that changes something. Raises `RateLimited` before anything leaves when the quota does not reach."""
        return await self._paid(kind, WRITE, 0, method, f"/youtube/v3/{path}", params, data)

    async def login(self) -> OAuthSecret:
        """The login behind the calls. Raises `AuthError`, `SecretError`."""
        return await self._google.login()

    @property
    def channel(self) -> str:
        """The channel's id. Raises `Misconfigured`."""
        if not self._ctx.account.channel:
            raise Misconfigured(f"The account {self._ctx.account.id} names no channel.", hint='Add channel = "UC…".')
        return self._ctx.account.channel

    async def _list(self, resource: str, **params: str | int | None) -> Mapping[str, Any]:
        given = {name: value for name, value in params.items() if value is not None}
        return await self._paid(f"{resource}.list", LIST, self._reserve, "GET", f"/youtube/v3/{resource}", given, None)

    async def _whole_list(self, resource: str, **params: str | int | None) -> Mapping[str, Any]:
        """A list that surely is one: what is missing on it counts as deleted, or is sent once more."""
        data = await self._list(resource, **params)
        if data.keys().isdisjoint({"items", "kind", "pageInfo"}):
            raise BadPayload(f"YouTube answered {resource} with something that is no list.", field="items")
        return data

    async def _paid(
        self, kind: str, units: int, reserve: int, method: str, path: str, params: Mapping[str, str | int], data: Any
    ) -> Mapping[str, Any]:
        await self.quota.claim(units, reserve)
        before = self._ctx.budget.requests
        try:
            return await self._google.call(method, path, params, data)
        finally:
            await self.quota.spend(kind, units, max(1, self._ctx.budget.requests - before))


async def connect(ctx: ChannelContext, reserve: int = RESERVE) -> Api:
    """Calls signed in as the channel's owner; reads leave `reserve` units. Raises `AuthError`, `SecretError`."""
    google = Google(ctx, SERVICE)
    secret = await google.login()
    return Api(ctx, google, Quota(ctx, secret.client_id or ctx.account.client_id or ""), reserve)
