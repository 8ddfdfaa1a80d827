"""What the store knows of an account's messages, as channels ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from socialtriage.services.desk import Desk


class StoreKnown:
    """See `channels.base.Known`."""

    def __init__(self, desk: Desk, account: str) -> None:
        self._desk = desk
        self._account = account

    def thread_of(self, remote_ids: Sequence[str]) -> dict[str, str]:
        """Thread keys of stored messages."""
        return dict(self._desk.store.messages.thread_of(self._account, list(remote_ids))) if remote_ids else {}
