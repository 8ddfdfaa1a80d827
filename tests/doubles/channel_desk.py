"""The least desk that a channel can be tried with: it keeps messages by id and the cursor of the last page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from socialtriage.channels.base import Channel, ChannelContext
from socialtriage.channels.http import Budget, Http
from socialtriage.config.model import AccountConfig
from socialtriage.domain.models import Incoming, OutgoingReply, Page, StoredRef, Visibility

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class FixedSecret:
    """A keyring with one entry."""

    value: str

    async def get(self) -> str:
        return self.value

    async def set(self, value: str) -> None:
        self.value = value


@dataclass
class SmallDesk:
    """Takes in what a channel hands over, as the store does: by id, and never again what it has."""

    make: Callable[[ChannelContext], Channel]
    account: AccountConfig
    secret: FixedSecret
    now: datetime = NOON
    since: timedelta = timedelta(days=7)
    messages: dict[str, Incoming] = field(default_factory=dict)
    handed: list[str] = field(default_factory=list)
    """Ids as they came, repeats included."""
    gone: set[str] = field(default_factory=set)
    cursor: str | None = None
    notices: list[str] = field(default_factory=list)
    requests: int = 0

    def thread_of(self, remote_ids: Sequence[str]) -> Mapping[str, str]:
        """Threads of what is stored."""
        return {key: self.messages[key].thread for key in remote_ids if key in self.messages}

    def context(self, http: Http, seconds: float = 30.0) -> ChannelContext:
        """What a channel is given for one pass."""
        return ChannelContext(
            account=self.account,
            secret=self.secret,
            http=http,
            budget=Budget(seconds),
            known=self,
            clock=lambda: self.now,
        )

    async def poll(self, *, stop_after: int | None = None, seconds: float = 30.0) -> list[Page]:
        """One pass; `stop_after` pages the process dies, after the commit of the last one."""
        http = Http()
        context = self.context(http, seconds)
        channel = self.make(context)
        pages: list[Page] = []
        try:
            walk = channel.fetch(self.cursor, self.now - self.since)
            if stop_after == 0:
                return pages
            async for page in walk:
                self.take(page)
                pages.append(page)
                if stop_after is not None and len(pages) >= stop_after:
                    break
            await walk.aclose()  # type: ignore[attr-defined]
        finally:
            self.requests = context.budget.requests
            await channel.aclose()
            await http.aclose()
        return pages

    async def use(self, what: Callable[[Any], Awaitable[Any]]) -> Any:
        """What a fresh channel answers to a call."""
        http = Http()
        channel = self.make(self.context(http))
        try:
            return await what(channel)
        finally:
            await channel.aclose()
            await http.aclose()

    def take(self, page: Page) -> None:
        """Commit a page."""
        for item in page.items:
            self.handed.append(item.remote_id)
            old = self.messages.get(item.remote_id)
            if old is None or not item.context:
                self.messages[item.remote_id] = item
        self.gone |= set(page.gone)
        self.notices += page.notices
        self.cursor = page.cursor if page.cursor is not None else self.cursor

    @property
    def residents(self) -> dict[str, Incoming]:
        """What would open or join a case."""
        return {key: item for key, item in self.messages.items() if not item.own and not item.context}


def answer_to(item: Incoming, text: str, visibility: Visibility | None = None, key: str = "key-1") -> OutgoingReply:
    """An officer's answer to a message."""
    parent = StoredRef(item.remote_id, item.thread, item.conversation, item.visibility, item.reply_data)
    return OutgoingReply(
        key=key,
        text=text,
        visibility=visibility or item.visibility,
        to=item.author,
        parent=parent,
        queued_at=NOON,
    )
