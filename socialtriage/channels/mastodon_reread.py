"""Reading messages again, for edits and deletions, which no server of the Mastodon family announces."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from socialtriage.channels.mastodon_api import Api, Missing, OutOfTime
from socialtriage.channels.mastodon_entities import read_status
from socialtriage.channels.mastodon_items import Translator
from socialtriage.domain.errors import AuthError, ChannelError, RateLimited, Unavailable
from socialtriage.domain.models import Incoming, Reread, StoredRef

BATCH = {"id[]": 20, "ids[]": 80}
"""Statuses read at once: Mastodon refuses more than 20, Pleroma more than 100."""
SINGLE_READS = 4
"""Statuses read at the same time where there is no batch."""
FAILURES = 3
"""Server errors after which the rest is left for the next time."""


class Again:
    """Reading messages again: in batches where the server can, one by one to be sure."""

    def __init__(self, api: Api, translator: Translator, asked: dict[str, StoredRef], now: datetime) -> None:
        self._now = now
        self._api = api
        self._translator = translator
        self._asked = asked
        self._items: list[Incoming] = []
        self._gone: list[str] = []
        self._failed: ChannelError | None = None
        self._failures = 0
        self._stop = False

    def result(self) -> Reread:
        """What was learnt. Raises the first error where nothing was."""
        if self._failed is not None and not self._items and not self._gone:
            raise self._failed
        return Reread(items=tuple(self._items), gone=tuple(self._gone))

    async def run(self, batch: str) -> None:
        """Ask about every message, as far as time and the server's patience reach."""
        left = list(self._asked)
        if batch:
            left = await self._in_batches(batch, left)
        limit = asyncio.Semaphore(SINGLE_READS)

        async def one(key: str) -> None:
            async with limit:
                await self._single(key)

        await asyncio.gather(*map(one, left))

    async def _in_batches(self, parameter: str, keys: list[str]) -> list[str]:
        """Keys that the batches did not bring: each must be asked about alone."""
        size = BATCH[parameter]
        unsure: list[str] = []
        for start in range(0, len(keys), size):
            part = keys[start : start + size]
            try:
                self._api.still_time()
                found = await self._api.statuses(parameter, part)
            except OutOfTime:
                break
            except ChannelError as exc:
                self._note(exc)
                if self._stop or isinstance(exc, Unavailable):
                    break
                unsure += part
                continue
            seen = {key for key in map(self._keep, found) if key}
            unsure += [key for key in part if key not in seen]
        return unsure

    async def _single(self, key: str) -> None:
        if self._stop:
            return
        try:
            self._api.still_time()
            self._keep(await self._api.status(key))
        except Missing:
            self._gone.append(key)
        except OutOfTime:
            self._stop = True
        except ChannelError as exc:
            self._note(exc)

    def _note(self, error: ChannelError) -> None:
        """Remember the first error; stop where asking on would be in vain, or unkind."""
        self._failed = self._failed or error
        self._failures += isinstance(error, Unavailable)
        self._stop = self._stop or isinstance(error, RateLimited | AuthError) or self._failures >= FAILURES

    def _keep(self, data: Any) -> str | None:
        """Take in a status that was asked for; an unreadable one is neither changed nor gone."""
        status, faulty = read_status(data)
        ref = self._asked.get(status.key) if status else None
        if status is None or ref is None:
            return None
        if not faulty:
            self._items.append(self._translator.message(status, ref.thread, now=self._now))
        return status.key
