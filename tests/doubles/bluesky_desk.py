"""A desk as far as the Bluesky channel sees one: it commits each page with its cursor, and may stop after any."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, cast

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.bluesky import Bluesky
from socialtriage.channels.http import Budget, Http
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import SecretError
from socialtriage.domain.models import Author, Gap, Incoming, OutgoingReply, Page, SafeText, StoredRef, Visibility
from tests.doubles.bluesky import BlueskyServer

PASSWORD = "aaaa-bbbb-cccc-dddd"


class Memory:
    """A keyring entry. `broken` refuses to be written."""

    def __init__(self, value: str = PASSWORD) -> None:
        self.value, self.broken, self.writes = value, False, 0

    async def get(self) -> str:
        return self.value

    async def set(self, value: str) -> None:
        if self.broken:
            raise SecretError("The keyring is locked.")
        self.value, self.writes = value, self.writes + 1

    @property
    def session(self) -> dict[str, str]:
        return cast("dict[str, str]", json.loads(self.value)["session"])


class Desk:
    """Holds what was committed. Each pass has a channel of its own, as the program's passes do."""

    def __init__(
        self, server: BlueskyServer, *, handle: str = "@council.example", since: timedelta | None = None
    ) -> None:
        self.server = server
        self.secret = Memory()
        self.account = AccountConfig(id="council-bluesky", network="bluesky", server=server.url, handle=handle)
        self.since = since or timedelta(days=7)
        self.stored: dict[str, Incoming] = {}
        self.gone: list[str] = []
        self.cursor: str | None = None
        self.notices: list[str] = []
        self.gaps: list[Gap] = []
        self.handed_in = 0
        self.seconds = 30.0

    def thread_of(self, remote_ids: Sequence[str]) -> Mapping[str, str]:
        return {i: self.stored[i].thread for i in remote_ids if i in self.stored}

    def context(self, http: Http) -> ChannelContext:
        return ChannelContext(
            account=self.account,
            secret=self.secret,
            http=http,
            budget=Budget(self.seconds),
            known=self,
            clock=self.server.now,
        )

    async def poll(self, *, stop_after: int | None = None, http: Http | None = None) -> list[Page]:
        """A pass; after `stop_after` pages it is killed, the last page committed."""
        shared, http, pages = http, http or Http(), []
        self.notices = []
        try:
            channel = Bluesky(self.context(http))
            walk = cast("Any", channel.fetch(self.cursor, self.server.now() - self.since))
            async with aclosing(walk):
                async for page in walk:
                    pages.append(page)
                    self.commit(page)
                    if stop_after is not None and len(pages) >= stop_after:
                        break
        finally:
            if shared is None:
                await http.aclose()
        return pages

    def commit(self, page: Page) -> None:
        assert len(page.items) <= 100
        for item in page.items:
            self.handed_in += 1
            self.stored[item.remote_id] = item
        self.gone += page.gone
        self.notices += page.notices
        self.gaps += [page.gap] if page.gap else []
        self.cursor = page.cursor if page.cursor is not None else self.cursor

    async def use(self, what: Any) -> Any:
        """Call `what(channel)` with a channel of its own."""
        http = Http()
        try:
            return await what(Bluesky(self.context(http)))
        finally:
            await http.aclose()

    def residents(self) -> list[Incoming]:
        """Messages that open cases."""
        return [item for item in self.stored.values() if not (item.own or item.context)]

    def texts(self) -> list[str]:
        return sorted(str(item.text).removeprefix("@council.example ") for item in self.residents())

    def ref(self, remote_id: str) -> StoredRef:
        item = self.stored[remote_id]
        return StoredRef(item.remote_id, item.thread, item.conversation, item.visibility, item.reply_data)

    def reply(
        self, remote_id: str, text: str, *, private: bool = False, key: str = "row-1", **more: Any
    ) -> OutgoingReply:
        item = self.stored[remote_id]
        return OutgoingReply(
            key=key,
            text=text,
            visibility=Visibility.PRIVATE if private else Visibility.PUBLIC,
            to=item.author,
            parent=self.ref(remote_id),
            queued_at=more.pop("queued_at", self.server.now()),
            **more,
        )


def someone(did: str, handle: str) -> Author:
    return Author(did, SafeText(f"@{handle}"), SafeText(handle))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
