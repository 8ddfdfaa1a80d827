"""A network that answers from memory: a Mastodon with tens of thousands of notifications, and accounts that are far."""

from __future__ import annotations

import asyncio
import json
import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from benchmarks import council
from socialtriage.domain.times import iso

ME = {"id": "1", "username": "anytown", "acct": "anytown", "display_name": "Anytown", "url": "https://town.example/@anytown"}
SERVER = {
    "domain": "town.example",
    "version": "4.3.2",
    "source_url": "https://github.com/mastodon/mastodon",
    "api_versions": {"mastodon": 2},
    "configuration": {"statuses": {"max_characters": 500, "characters_reserved_per_url": 23}},
}


@dataclass(frozen=True, slots=True)
class FixedSecret:
    """A keyring with one entry."""

    value: str = "token"

    async def get(self) -> str:
        """The token."""
        return self.value

    async def set(self, value: str) -> None:
        """Nothing rotates here."""


class NothingKnown:
    """A store without messages."""


def notifications(count: int, end: datetime) -> list[bytes]:
    """Notifications as the server sends them, oldest first, each as JSON: mentions, answers in threads, private
    messages, pictures, by a few thousand people.
    """
    draw = random.Random(count).random
    made: list[bytes] = []
    recent: list[tuple[str, int, str]] = []
    step = timedelta(days=6) / count
    at = end - timedelta(days=6)
    for number in range(1, count + 1):
        at += step
        answers = recent[-1 - int(draw() * min(500, len(recent)))] if recent and draw() < 0.25 else None
        person = answers[1] if answers else 1 + int(draw() ** 1.5 * count / 2)
        visibility = answers[2] if answers else ("direct" if draw() < 0.1 else "public")
        status = _status(number, person, at, visibility, answers[0] if answers else None, draw)
        recent.append((str(status["id"]), person, visibility))
        made.append(
            json.dumps(
                {
                    "id": str(10_000_000 + number),
                    "type": "mention",
                    "created_at": iso(at),
                    "account": status["account"],
                    "status": status,
                }
            ).encode()
        )
    return made


def _status(
    number: int, person: int, at: datetime, visibility: str, parent: str | None, draw: Callable[[], float]
) -> dict[str, Any]:
    pool = council.voices()
    key = f"1{number:017}"
    name, acct = council.name_of(person), council.handle_of(person)[1:]
    text = pool.texts[int(draw() * len(pool.texts))]
    place = pool.places[int(draw() * len(pool.places))]
    return {
        "id": key,
        "created_at": iso(at),
        "in_reply_to_id": parent,
        "in_reply_to_account_id": str(1000 + person) if parent else None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": visibility,
        "language": "en",
        "uri": f"https://town.example/users/r{person:x}/statuses/{key}",
        "url": f"https://town.example/@r{person:x}/{key}",
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 1,
        "edited_at": None,
        "content": '<p><span class="h-card" translate="no"><a href="https://town.example/@anytown" class="u-url mention">'
        f"@<span>anytown</span></a></span> {text}</p><p>{place} &amp; thereabouts</p>",
        "reblog": None,
        "application": {"name": "Web", "website": None},
        "account": {
            "id": str(1000 + person),
            "username": acct.partition("@")[0],
            "acct": acct,
            "display_name": name,
            "locked": False,
            "bot": False,
            "created_at": "2023-01-01T00:00:00.000Z",
            "note": "<p>I live here.</p>",
            "url": f"https://town.example/@r{person:x}",
            "avatar": "https://town.example/avatars/original/missing.png",
            "header": "https://town.example/headers/original/missing.png",
            "followers_count": 31,
            "following_count": 44,
            "statuses_count": 210,
            "emojis": [],
            "fields": [],
        },
        "media_attachments": [_picture(number)] if draw() < 0.08 else [],
        "mentions": [{"id": "1", "username": "anytown", "acct": "anytown", "url": "https://town.example/@anytown"}],
        "tags": [],
        "emojis": [],
        "card": None,
        "poll": None,
    }


def _picture(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "type": "image",
        "url": f"https://files.town.example/{number}.jpeg",
        "preview_url": f"https://files.town.example/small/{number}.jpeg",
        "remote_url": None,
        "description": "A picture of the place",
        "blurhash": "UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH",
    }


class Mastodon:
    """A server with its notifications in memory. `latency` seconds pass before each answer."""

    def __init__(self, entries: list[bytes] | None = None, latency: float | Callable[[str], float] = 0.0) -> None:
        self._entries = entries or []
        self._ids = [str(10_000_000 + number) for number in range(1, len(self._entries) + 1)]
        self._latency = latency
        self.requests = 0

    def transport(self) -> httpx.MockTransport:
        """The seam of `channels.http.Http`."""
        return httpx.MockTransport(self._answer)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        latency = self._latency if isinstance(self._latency, float) else self._latency(request.url.host)
        if latency:
            await asyncio.sleep(latency)
        path = request.url.path
        if path.endswith("verify_credentials"):
            return httpx.Response(200, json=ME | {"scopes": ["read", "write"]})
        if path.endswith("/instance"):
            return httpx.Response(200, json=SERVER)
        if path.endswith("/policy"):
            return httpx.Response(200, json={})
        if path.endswith("/notifications"):
            return self._page(request)
        return httpx.Response(200, json=[]) if path.endswith("/statuses") else httpx.Response(404, json={})

    def _page(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        limit = int(query.get("limit", "40"))
        if "min_id" in query:
            first = bisect_right(self._ids, query["min_id"])
            last = min(first + limit, len(self._ids))
        elif "max_id" in query:
            last = max(0, bisect_right(self._ids, query["max_id"]) - 1)
            first = max(0, last - limit)
        else:
            first, last = max(0, len(self._ids) - limit), len(self._ids)
        page = self._entries[first:last][::-1]
        base = str(request.url.copy_with(query=None))
        links = []
        if page:
            links = [
                f'<{base}?max_id={self._ids[first]}>; rel="next"',
                f'<{base}?min_id={self._ids[last - 1]}>; rel="prev"',
            ]
        headers = {"content-type": "application/json"} | ({"link": ", ".join(links)} if links else {})
        return httpx.Response(200, content=b"[" + b",".join(page) + b"]", headers=headers)
