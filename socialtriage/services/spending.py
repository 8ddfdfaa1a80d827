"""The ledger of what calls cost, kept in the store so that every process of the desk counts in one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from socialtriage.domain.errors import StoreError
from socialtriage.services.desk import Desk


class StoreLedger:
    """What channels see of the ledger."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def spent(self, pot: str, day: str) -> Mapping[str, float]:
        """What a pot has spent from that day on, by kind; nothing is known while the store is busy for too long."""
        with contextlib.suppress(StoreError):
            return await asyncio.to_thread(self._desk.store.spending.since, pot, day)
        return {}

    async def spend(self, pot: str, day: str, kind: str, units: float, calls: int = 1) -> None:
        """Note a cost. A store that is busy for too long loses the note, never what the call brought."""
        with contextlib.suppress(StoreError):
            await asyncio.to_thread(self._add, pot, day, kind, units, calls)

    def _add(self, pot: str, day: str, kind: str, units: float, calls: int) -> None:
        with self._desk.store.transaction(self._desk.officer, self._desk.clock(), durable=False) as tx:
            tx.spending.add(pot, day, kind, units, calls)
