"""A desk whose Mastodon account speaks to a double on loopback: questions come in, answers really leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from socialtriage.domain.models import OutboxState
from socialtriage.services import replies
from socialtriage.services.desk import Desk
from socialtriage.services.outbox import Outcome, Sender
from socialtriage.services.replies import ReplyDraft, Wishes
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from tests.doubles.desk import CONFIG, MONDAY, FrozenClock, case_ids, small_desk
from tests.doubles.mastodon import TOKEN, MastodonServer, Post

T = TypeVar("T")


class ReplyDesk:
    """Two officers may sit at it: `other` is a second desk on the same store."""

    def __init__(self, folder: Path, server: MastodonServer, clock: FrozenClock, config: str) -> None:
        self.folder, self.server, self.clock = folder, server, clock
        self._config = config.replace("https://social.example", server.url)
        (folder / "config.toml").write_text(self._config, encoding="utf-8")
        self.desk = small_desk(folder, clock=clock, config=self._config)
        self._others: list[Desk] = []

    def other(self, officer: str) -> Desk:
        """Another officer on the same store."""
        self._others.append(small_desk(self.folder, officer=officer, clock=self.clock, config=self._config))
        return self._others[-1]

    def close(self) -> None:
        """Close every desk."""
        for each in (self.desk, *self._others):
            each.close()

    def with_network(self, story: Callable[[Poller, Sender], Coroutine[Any, Any, T]], desk: Desk | None = None) -> T:
        """Run something that polls or sends."""

        async def run() -> T:
            secrets = SecretStore((desk or self.desk).config.keyring)
            secrets.set("town-mastodon", TOKEN)
            poller = Poller(desk or self.desk, secrets)
            try:
                return await story(poller, Sender(desk or self.desk, secrets, poller))
            finally:
                await poller.aclose()

        return asyncio.run(run())

    def ask(self, text: str, author: str = "ada", **more: Any) -> int:
        """A resident asks; the id of the case."""
        before = set(case_ids(self.desk, "all"))
        self.server.mention(text, author=author, **more)

        async def poll(poller: Poller, sender: Sender) -> None:
            await poller.once([self.desk.account("town-mastodon")])

        self.with_network(poll)
        [fresh] = set(case_ids(self.desk, "all")) - before
        return fresh

    def draft(self, case_id: int, text: str, desk: Desk | None = None, **wishes: Any) -> ReplyDraft:
        """A reply as it would leave."""

        async def make(poller: Poller, sender: Sender) -> ReplyDraft:
            return await replies.draft(desk or self.desk, poller, case_id, text, wishes=Wishes(**wishes))

        return self.with_network(make, desk)

    def reply(self, case_id: int, text: str, desk: Desk | None = None, **wishes: Any) -> tuple[int, ...]:
        """Queue a reply; the rows."""
        draft = self.draft(case_id, text, desk, **wishes)
        return replies.queue(desk or self.desk, draft, undo_seconds=0).row_ids

    def send(self, *, everything: bool = False) -> list[Outcome]:
        """Send what is due."""

        async def run(poller: Poller, sender: Sender) -> list[Outcome]:
            return await sender.run(ignore_windows=everything)

        return self.with_network(run)

    def states(self, *rows: int) -> list[OutboxState | None]:
        """The states of rows; None for one that is gone."""
        found = [self.desk.store.outbox.get(row) for row in rows]
        return [row.state if row else None for row in found]

    @property
    def ours(self) -> list[Post]:
        """What the account posted, in order."""
        return [post for post in self.server.posts.values() if post.author is self.server.me]


@contextmanager
def reply_desk(folder: Path, config: str = CONFIG, more: str = "") -> Iterator[ReplyDesk]:
    """A desk and its server, closed at the end. `more` is added to the configuration."""
    clock = FrozenClock(MONDAY + timedelta(minutes=5))
    with MastodonServer(clock=clock) as server:
        desk = ReplyDesk(folder, server, clock, config + more)
        try:
            yield desk
        finally:
            desk.close()
