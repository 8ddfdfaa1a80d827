"""The write-ahead log moved into the store's file beside the writing, not inside somebody's commit."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from socialtriage.domain.errors import StoreError
from socialtriage.store.store import Store

EVERY = 500
"""Messages after which it is done again, about 4 MB of log: often enough that a commit need never do it."""
log = logging.getLogger(__name__)


class Tidying:
    """A thread that moves the log while messages are taken in. One object a poller; `close` it at the end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None
        self._taken = 0

    def took(self, messages: int) -> None:
        """So many messages were stored; never waits."""
        self._taken += messages
        if self._taken < EVERY or (self._running is not None and not self._running.done()):
            return
        self._taken = 0
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="tidying")
        self._running = self._thread.submit(self._move)

    def _move(self) -> None:
        try:
            self._store.move_log()
        except StoreError as exc:  # the next commit of many does it, and says what is wrong
            log.info("the store's log was not moved: %s", exc)

    def close(self) -> None:
        """End the thread after what it does."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
