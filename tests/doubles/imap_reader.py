"""A desk reduced to what an `imap` channel needs of it: it keeps messages once, and the cursor with its page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.http import Budget, Http
from socialtriage.channels.imap import Imap
from socialtriage.config.model import AccountConfig
from socialtriage.domain.models import Health, Incoming

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class MemorySecret:
    """A keyring entry; `stored` counts what was written."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.stored: list[str] = []

    async def get(self) -> str:
        """The secret."""
        return self.value

    async def set(self, value: str) -> None:
        """Store a renewed secret."""
        self.value = value
        self.stored.append(value)


@dataclass(slots=True)
class Reader:
    """Polls one mailbox again and again, as the program does, and remembers what it was given."""

    server: str
    password: str = "correct horse"
    user: str = "social@anytown.example"
    handle: str | None = None
    mailbox: str | None = None
    ca_file: Path | None = None
    own: tuple[str, ...] = ()
    http: Http | None = None
    now: datetime = NOW
    since: timedelta = timedelta(days=7)
    cursor: str | None = None
    kept: dict[str, Incoming] = field(default_factory=dict)
    """Messages by remote id, as the store has them."""
    handed_in: list[str] = field(default_factory=list)
    """Remote ids in the order they came, repeats included."""
    notices: list[str] = field(default_factory=list)
    pages: int = 0
    requests: int = 0
    secret: MemorySecret = field(init=False)

    def __post_init__(self) -> None:
        self.secret = MemorySecret(self.password)

    def channel(self, budget: float = 30.0) -> Imap:
        """A channel for one pass."""
        account = AccountConfig(
            id="council-mail",
            network="imap",
            server=self.server,
            user=self.user,
            mailbox=self.mailbox,
            handle=self.handle,
        )
        self._budget = Budget(budget)
        return Imap(
            ChannelContext(
                account=account,
                secret=self.secret,
                http=cast("Http", self.http),
                budget=self._budget,
                known=self,
                clock=lambda: self.now,
                ca_file=str(self.ca_file) if self.ca_file else None,
                own_addresses=self.own,
            )
        )

    _budget: Budget = field(default_factory=Budget)

    def thread_of(self, remote_ids: Sequence[str]) -> Mapping[str, str]:
        """What the store knows."""
        return {key: self.kept[key].thread for key in remote_ids if key in self.kept}

    async def poll(self, *, stop_after: int | None = None, budget: float = 30.0) -> list[Incoming]:
        """One pass; what was new. `stop_after` breaks it off after so many committed pages, as a kill would."""
        channel = self.channel(budget)
        new: list[Incoming] = []
        pages = 0
        try:
            async with aclosing(cast("Any", channel.fetch(self.cursor, self.now - self.since))) as walk:
                async for page in walk:
                    new += [item for item in page.items if item.remote_id not in self.kept]
                    self.kept.update({item.remote_id: item for item in page.items})
                    self.handed_in += [item.remote_id for item in page.items]
                    self.cursor = page.cursor or self.cursor
                    self.notices += page.notices
                    self.pages += 1
                    pages += 1
                    if pages == stop_after:
                        break
        finally:
            self.requests = self._budget.requests
            await channel.aclose()
        return new

    def read(self, **options: Any) -> list[Incoming]:
        """`poll`, from a test that is not a coroutine."""
        return asyncio.run(self.poll(**options))

    def check(self) -> Health:
        """Sign in and look."""

        async def story() -> Health:
            channel = self.channel()
            try:
                return await channel.check()
            finally:
                await channel.aclose()

        return asyncio.run(story())

    @property
    def subjects(self) -> list[str]:
        """Subjects of everything kept, sorted."""
        return sorted(str(item.subject) for item in self.kept.values())


def letter(number: int | str = 1, body: str = "Hello", **headers: str) -> bytes:
    """A resident's mail. Header names are written with underscores; an empty value leaves one out."""
    message = EmailMessage()
    fields = {
        "From": f"Resident <resident{number}@x.example>",
        "To": "social@anytown.example",
        "Subject": f"Mail {number}",
        "Message-ID": f"<{number}@x.example>",
        "Date": "Fri, 20 Nov 2026 08:59:00 +0000",
    }
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    for name, value in fields.items():
        if value:
            message[name] = value
    message.set_content(body)
    return message.as_bytes()
