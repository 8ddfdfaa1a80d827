"""One process at a time renews a login: rotated tokens make the old ones worthless."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from socialtriage.domain.errors import StoreError
from socialtriage.domain.times import utc_now
from socialtriage.services.desk import Desk

LEASE_SECONDS = 60.0
PATIENCE = LEASE_SECONDS + 5.0
"""Seconds that another process may take. Until its lease has ended: to go ahead while a slow server is still answering
it would show the vendor a refresh token twice, and some take the whole login away then.
"""


@contextlib.asynccontextmanager
async def alone(desk: Desk, account: str) -> AsyncIterator[None]:
    """Hold the lease on an account's login. A store that is busy stops no renewal."""
    leases, name = desk.store.leases, f"login:{account}"

    def take() -> bool:
        try:
            return leases.take(name, desk.officer, utc_now(), LEASE_SECONDS) is None
        except StoreError:
            return True

    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while not await asyncio.to_thread(take) and loop.time() < deadline:  # noqa: ASYNC110  - of another process
        await asyncio.sleep(0.1)
    try:
        yield
    finally:
        with contextlib.suppress(StoreError):
            await asyncio.to_thread(leases.give_back, name)
