"""Photos, video and sound of messages, fetched after intake and kept as evidence beside the store.

A file counts as kept only once it lies whole, under the hash of its bytes, and the store says so: it is streamed into a
file of another name first, so that whatever ends the program in between leaves nothing that could be taken for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from socialtriage.channels.base import LocatesMedia
from socialtriage.channels.download import Downloads, Got, Resolve, look_up
from socialtriage.channels.http import Budget
from socialtriage.channels.playlist import PLAYLIST, fetch_playlist
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import ChannelError, Rejected, SecretError, SocialTriageError, StoreError
from socialtriage.domain.models import MediaState, Visibility
from socialtriage.domain.text import clean_line
from socialtriage.domain.times import parse_every
from socialtriage.services import evidence
from socialtriage.services.desk import Desk
from socialtriage.services.intake import SYSTEM
from socialtriage.services.links import ends_at
from socialtriage.store.evidence import PendingMedia
from socialtriage.store.log import NewEvent

if TYPE_CHECKING:
    from socialtriage.services.sync import Poller

log = logging.getLogger(__name__)

BACK_OFF = (60, 300, 1800, 7200, 6 * 3600, 24 * 3600)
"""Seconds until the next try, by how many there were."""
MOST_TRIES = len(BACK_OFF) + 1
AT_ONCE = 3
"""Downloads of one account that run together."""
LOOK_AT = 200
"""Files of one account that one round looks at."""
WHY_LIMIT = 300
"""Characters of a reason."""
LEAST = 0.2
"""Seconds below which no further download is begun."""
REST = 60.0
"""Seconds without downloads after the store or its disk refused one."""
PATIENT = 300.0
"""Seconds for one account in one round of the background, where nobody waits for it."""


class Fetcher:
    """Fetches what is due. Only the process with the polling lease runs it of its own accord."""

    def __init__(self, desk: Desk, poller: Poller, resolve: Resolve = look_up) -> None:
        self._desk, self._poller, self._resolve = desk, poller, resolve
        self._swept = False
        self._resting = 0.0

    async def run(self, accounts: Sequence[AccountConfig], *, patient: bool = False) -> int:
        """Fetch what is due of these accounts, for each as long as a pass over it may take; longer when `patient`.

        How many files were kept. Never raises: what fails is noted with its file, a store that is full or busy logged.
        """
        if time.monotonic() < self._resting:
            return 0
        try:
            waiting = set(await asyncio.to_thread(self.due))
        except StoreError as exc:
            log.warning("files of messages: %s", exc)
            return 0
        chosen = [account for account in accounts if account.id in waiting and not account.paused]
        seconds = (PATIENT if patient else parse_every(account.budget).total_seconds() for account in chosen)
        return sum(await asyncio.gather(*map(self._account, chosen, seconds)))

    def due(self) -> list[str]:
        """Accounts with files that may be asked for now. Blocking. Raises `StoreError`."""
        return self._desk.store.evidence.accounts_due(self._desk.clock(), most_tries=MOST_TRIES)

    async def case(self, case_id: int, seconds: float = 30.0) -> int:
        """Fetch what is missing of one case now, also what had been given up. How many files were kept."""
        pending = await asyncio.to_thread(self._desk.store.evidence.of_case, case_id)
        by_account: dict[str, list[PendingMedia]] = {}
        for media in pending:
            if media.account in self._desk.accounts:
                by_account.setdefault(media.account, []).append(media)
        found = (self._all(self._desk.accounts[name], some, seconds) for name, some in by_account.items())
        return sum(await asyncio.gather(*found))

    async def _account(self, account: AccountConfig, seconds: float) -> int:
        store = self._desk.store.evidence
        try:
            pending = await asyncio.to_thread(
                store.due, account.id, self._desk.clock(), most_tries=MOST_TRIES, limit=LOOK_AT
            )
            return await self._all(account, pending, seconds)
        except SocialTriageError as exc:
            log.warning("files of %s: %s", account.id, exc)
            return 0

    async def _all(self, account: AccountConfig, pending: Sequence[PendingMedia], seconds: float) -> int:
        """Links that expire soonest first, several at a time, until the time is over."""
        if not pending:
            return 0
        if not self._swept:
            self._swept = True
            await asyncio.to_thread(evidence.sweep, self._desk.media_folder)
        end = time.monotonic() + seconds
        channel = self._poller.channel(account, Budget(seconds))
        downloads = Downloads(self._poller.http, account.server, self._resolve)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(media: PendingMedia) -> bool:
            async with gate:
                left = end - time.monotonic()
                return left > LEAST and await self._careful(media, channel, downloads, left)

        try:
            return sum(await asyncio.gather(*(one(media) for media in sorted(pending, key=_pressing))))
        finally:
            await channel.aclose()

    async def _careful(self, media: PendingMedia, channel: object, downloads: Downloads, seconds: float) -> bool:
        """One file; neither a full disk nor a fault of ours with this one keeps the others from being fetched."""
        try:
            return await self._one(media, channel, downloads, seconds)
        except StoreError as exc:
            log.warning("file %s: %s", media.id, exc)
            self._resting = time.monotonic() + REST
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(self._waits, media, str(exc))
        except Exception as exc:
            log.exception("file %s", media.id)
            why = f"A fault in socialtriage ({type(exc).__name__})."
            with contextlib.suppress(StoreError):
                await self._noted(media, Got(MediaState.PENDING, why))
        return False

    async def _one(self, media: PendingMedia, channel: object, downloads: Downloads, seconds: float) -> bool:
        """Fetch one file and note what became of it; whether it was kept."""
        url = media.url
        if url is None:
            if not isinstance(channel, LocatesMedia) or media.remote_id is None:
                return False
            try:
                url = await channel.locate(media.remote_id)
            except Rejected as exc:
                return await self._noted(media, Got(MediaState.EXPIRED, exc.message))
            except (ChannelError, SecretError) as exc:
                return await self._noted(media, Got(MediaState.PENDING, exc.message))
        partial = await asyncio.to_thread(evidence.begin, self._desk.media_folder)
        try:
            with partial.open("r+b") as file:
                limit = self._desk.config.evidence.max_bytes
                fetch = fetch_playlist if PLAYLIST.search(url) else Downloads.fetch
                got = await fetch(downloads, url, file, limit=limit, seconds=seconds)
                if got.state is MediaState.KEPT:
                    await asyncio.to_thread(evidence.finish, self._desk.media_folder, partial, file, got.sha256)
        except OSError as exc:
            raise StoreError(f"A file cannot be kept in {self._desk.media_folder}: {exc.strerror or exc}.") from exc
        finally:
            partial.unlink(missing_ok=True)
        return await self._noted(media, got)

    def _waits(self, media: PendingMedia, why: str) -> None:
        with self._desk.store.transaction(SYSTEM, self._desk.clock(), durable=False) as tx:
            tx.evidence.waits(media.id, str(clean_line(why, WHY_LIMIT)))

    async def _noted(self, media: PendingMedia, got: Got) -> bool:
        await asyncio.to_thread(self._note, media, got)
        return got.state is MediaState.KEPT

    def _note(self, media: PendingMedia, got: Got) -> None:
        """What became of a file: its row, and, once that is final, an event of its case."""
        now = self._desk.clock()
        # It may name a host, and hosts are a stranger's words too.
        got = replace(got, why=str(clean_line(got.why, WHY_LIMIT)))
        detail: dict[str, Any] = {"media": media.id}
        with self._desk.store.transaction(SYSTEM, now, durable=False) as tx:
            if got.state is MediaState.KEPT:
                mime = got.type.mime if got.type else "application/octet-stream"
                path = evidence.place_of(got.sha256)
                final = tx.evidence.kept(media.id, sha256=got.sha256, size=got.size, path=path, mime=mime)
                detail |= {"sha256": got.sha256, "bytes": got.size}
            elif got.state is not MediaState.PENDING:
                final = tx.evidence.ended(media.id, got.state, got.why)
                detail["why"] = got.why
            else:
                final = media.tries + 1 >= MOST_TRIES
                why = f"Given up after {media.tries + 1} tries: {got.why}" if final else got.why
                tx.evidence.later(media.id, why, None if final else _again(got, media.tries, now))
                detail["why"] = got.why
            if final:
                kind = "given_up" if got.state is MediaState.PENDING else got.state.value
                tx.log(NewEvent(f"evidence.{kind}", media.case_id, media.ref, detail))


def _again(got: Got, tries: int, now: datetime) -> datetime:
    wait = timedelta(seconds=BACK_OFF[min(tries, len(BACK_OFF) - 1)])
    return max(now + wait, got.retry_at) if got.retry_at else now + wait


def _pressing(media: PendingMedia) -> tuple[float, bool, int]:
    """Sorts links that end soonest first, then private messages, then the newest."""
    end = ends_at(media.url or "")
    return (end if end is not None else float("inf"), media.visibility is Visibility.PUBLIC, -media.id)
