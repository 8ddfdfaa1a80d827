"""To which thread a status belongs, with as few questions as possible: a thread is named by the id of its root.

Asked in this order: this pass, the page at hand, the store, the server. One question to the server settles a whole
thread for the pass, and brings what the reader needs to understand an answer: our own words before it, written
elsewhere, and those of others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.mastodon_api import Api, Missing
from socialtriage.channels.mastodon_entities import Status, moment, read_status
from socialtriage.channels.mastodon_items import Translator
from socialtriage.domain.errors import BadPayload, Misconfigured, NotPermitted, Unavailable
from socialtriage.domain.models import Incoming

NEAREST = 40
"""Ancestors that are read along; our own are kept however far up they stand."""
PATIENCE = 3
"""Passes that wait for a thread which the server fails to tell; then the message is shown without it."""


@dataclass(slots=True)
class Held:
    """The message whose thread could not be read, and in how many passes: kept in the cursor."""

    id: str = ""
    tries: int = 0


@dataclass(slots=True)
class Threads:
    """Roots of threads during one pass. `found` holds ancestors that are to be handed in with the next page."""

    ctx: ChannelContext
    api: Api
    translator: Translator
    since: datetime
    held: Held
    found: list[Incoming] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    _roots: dict[str, str] = field(default_factory=dict)
    _parents: dict[str, str | None] = field(default_factory=dict)

    def look_at(self, statuses: Iterable[Status]) -> None:
        """Take note of a page: who answers whom on it, and what the store knows of these messages, in one query."""
        page = {status.key: status.parent for status in statuses}
        self._parents.update(page)
        asked = {key for pair in page.items() for key in pair if key} - self._roots.keys()
        if asked:
            self._roots.update(self.ctx.known.thread_of(sorted(asked)))

    async def root_of(self, status: Status) -> str:
        """The thread of a status.

        Raises `Unavailable` or `BadPayload` when the server fails to tell: then `held` has counted it, and the
        walk goes on from here in the next pass.
        """
        key, parent = status.key, status.parent
        chain = [key]
        root = self._roots.get(key)
        while root is None and parent is not None:
            root = self._roots.get(parent)
            if root is None and parent in self._parents and parent not in chain:
                chain.append(parent)
                parent = self._parents[parent]
            elif root is None:
                root = await self._ask(chain[-1], parent)
        root = root if root is not None else chain[-1]
        self._roots.update(dict.fromkeys(chain, root))
        return root

    async def _ask(self, key: str, parent: str) -> str:
        """Read the thread of `key` from the server."""
        self.api.still_time()
        try:
            ancestors, descendants = await self.api.context(key)
        except Missing:
            # Deleted since it was listed: what it answered names the thread.
            return parent
        except (NotPermitted, Misconfigured) as exc:
            self.notices.append(f"The threads of messages could not be read: {exc.message}")
            return parent
        except (Unavailable, BadPayload) as exc:
            if self.held.id != key:
                self.held.id, self.held.tries = key, 0
            self.held.tries += 1
            if self.held.tries < PATIENCE:
                raise
            self.notices.append(f"The thread of message {key} could not be read, so it stands alone: {exc.message}")
            return parent
        return self._learn(key, parent, ancestors, descendants)

    def _learn(self, key: str, parent: str, ancestors: list[Any], descendants: list[Any]) -> str:
        above = [pair for pair in map(read_status, ancestors) if pair[0] is not None]
        below = [status for status, _ in map(read_status, descendants) if status is not None]
        keys = [status.key for status, _ in above if status]
        stored = self.ctx.known.thread_of(keys) if keys else {}
        # What the store already calls this thread goes first, so that it keeps one name.
        named = next((stored[k] for k in reversed(keys) if k in stored), None)
        top = above[0][0] if above else None
        root = named or (top.parent or top.key if top else parent)
        self._roots.update(dict.fromkeys([*keys, *(status.key for status in below), key], root))
        nearest = set(keys[-NEAREST:])
        for status, faulty in above:
            if status is not None and status.key not in stored and self._wanted(status, near=status.key in nearest):
                self.found.append(
                    self.translator.message(status, root, faulty=faulty, context=True, now=self.ctx.clock())
                )
        return root

    def _wanted(self, status: Status, *, near: bool) -> bool:
        """Whether an ancestor is handed in along with what answers it.

        One that has a notification of its own must open its case by that; except when it is too old for the first
        look back.
        """
        if self.translator.is_mine(status):
            return True
        at = moment(status.created_at)
        own_notice = self.translator.concerns_me(status) and (at is None or at >= self.since - timedelta(days=1))
        return near and not own_notice
