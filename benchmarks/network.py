"""A network that answers from memory: a Mastodon with tens of thousands of notifications, and accounts that are far."""

from __future__ import annotations

import asyncio
import json
import random
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from benchmarks import council
from socialtriage.channels.answers import Answer
from socialtriage.channels.http import Budget
from socialtriage.config.model import Keyring
from socialtriage.domain.times import iso
from socialtriage.services.secrets import SecretStore

ME = {
    "id": "1",
    "username": "anytown",
    "acct": "anytown",
    "display_name": "Anytown",
    "url": "https://town.example/@anytown",
}
SERVER = {
    "domain": "town.example",
    "version": "4.3.2",
    "source_url": "https://github.com/mastodon/mastodon",
    "api_versions": {"mastodon": 2},
    "configuration": {"statuses": {"max_characters": 500, "characters_reserved_per_url": 23}},
}


_MENTION = (
    '<span class="h-card" translate="no"><a href="https://town.example/@anytown" class="u-url mention">'
    "@<span>anytown</span></a></span>"
)


class FixedSecrets(SecretStore):
    """A keyring that knows every account's token."""

    def __init__(self) -> None:
        super().__init__(Keyring())

    def get(self, name: str) -> str | None:
        """The token."""
        return "token"


def notifications(count: int, end: datetime, seed: int = 1, first_person: int = 1) -> list[bytes]:
    """Notifications as the server sends them, oldest first, each as JSON: mentions, answers in threads, private
    messages, pictures, by half as many people, numbered from `first_person`.
    """
    draw = random.Random(seed).random
    made: list[bytes] = []
    recent: list[tuple[str, int, str]] = []
    step = timedelta(days=6) / count
    at = end - timedelta(days=6)
    for number in range(1, count + 1):
        at += step
        answers = recent[-1 - int(draw() * min(500, len(recent)))] if recent and draw() < 0.25 else None
        person = answers[1] if answers else first_person + int(draw() ** 1.5 * count / 2)
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
    key = f"2{number:017}"
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
        "content": f"<p>{_MENTION} {text}</p><p>{place} &amp; thereabouts</p>",
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
    """A server with its notifications in memory."""

    def __init__(self) -> None:
        self._entries: list[bytes] = []
        self._ids: list[str] = []
        self.requests = 0

    def add(self, entries: Sequence[bytes]) -> None:
        """More notifications arrive."""
        self._entries += entries
        self._ids = [str(10_000_000 + number) for number in range(1, len(self._entries) + 1)]

    def read(self, path: str, query: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer."""
        self.requests += 1
        if path.endswith("verify_credentials"):
            return 200, {}, json.dumps(ME | {"scopes": ["read", "write"]}).encode()
        if path.endswith("/instance"):
            return 200, {}, json.dumps(SERVER).encode()
        if path.endswith("/policy"):
            return 200, {}, b"{}"
        if path.endswith("/notifications"):
            return self._page(path, query)
        return (200, {}, b"[]") if path.endswith("/statuses") else (404, {}, b"{}")

    def _page(self, path: str, query: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
        limit = int(query.get("limit") or 40)
        if query.get("min_id"):
            first = bisect_right(self._ids, query["min_id"])
            last = min(first + limit, len(self._ids))
        elif query.get("max_id"):
            last = max(0, bisect_right(self._ids, query["max_id"]) - 1)
            first = max(0, last - limit)
        else:
            first, last = max(0, len(self._ids) - limit), len(self._ids)
        page = self._entries[first:last][::-1]
        older, newer = (f"<https://town.example{path}?{name}" for name in ("max_id", "min_id"))
        links = f'{older}={self._ids[first]}>; rel="next", {newer}={self._ids[last - 1]}>; rel="prev"' if page else ""
        return 200, {"link": links}, b"[" + b",".join(page) + b"]"


class Wire:
    """In the place of `channels.http.Http` where not the HTTP client but what follows it is measured."""

    def __init__(self, servers: Mapping[str, Mastodon]) -> None:
        self._servers = servers

    def session(self, base_url: str, *, budget: Budget, classify: object = None) -> _Session:
        """Calls to one server."""
        return _Session(self._servers[base_url], base_url, budget)

    async def aclose(self) -> None:
        """Nothing is open."""


class _Session:
    def __init__(self, server: Mastodon, base_url: str, budget: Budget) -> None:
        self._server, self.base_url, self.budget = server, base_url, budget
        self.headers: dict[str, str] = {}

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """An answer as the HTTP client hands it on."""
        self.budget.requests += 1
        status, headers, body = self._server.read(path, params or {})
        # The network, however near, lets others go first.
        await asyncio.sleep(0)
        return Answer("GET", f"{self.base_url}{path}", status, headers, body)
