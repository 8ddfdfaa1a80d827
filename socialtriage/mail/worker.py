"""One daemon thread for one blocking connection, awaited from the event loop.

The loop's own executor is joined when the program ends, so a server that does not answer would hold the exit up; a
daemon thread does not. A thread cannot be cancelled: who gives up waiting closes the socket, and the call fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that `close` waits for the thread to end."""


class Worker:
    """Runs blocking calls one after the other. `abort` makes the running one fail soon; it is called from the loop."""

    def __init__(self, name: str, abort: Callable[[], None]) -> None:
        self._name = name
        self._abort = abort
        self._jobs: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[[], Any]] | None]
        self._jobs = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._busy = 0

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """What `work(*args)` gives in the thread. Cancelling stops the waiting, not the work."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
            self._thread.start()
        self._busy += 1
        self._jobs.put((loop, future, lambda: work(*args)))
        return await future

    async def close(self, finish: Callable[[], None]) -> None:
        """Run `finish` in the thread and end it; a call that is still running is aborted. Never raises."""
        if self._thread is None:
            return
        if self._busy:
            self._abort()
        done = asyncio.ensure_future(self.run(finish))
        with contextlib.suppress(Exception):
            await asyncio.wait({done}, timeout=PATIENCE)
        if not done.done():
            self._abort()
            done.cancel()
        elif not done.cancelled():
            done.exception()
        self._jobs.put(None)
        self._thread = None

    def _loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, future, work = job
            try:
                result, error = work(), None
            except BaseException as exc:
                result, error = None, exc
            # The loop may be gone: then nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._deliver, future, result, error)
            del job, future, work, result, error

    def _deliver(self, future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        self._busy -= 1
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
