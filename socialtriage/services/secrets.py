"""Secrets in the system keyring: service `socialtriage`, user name = account id. Nothing else keeps one.

The library `keyring` is imported when the first secret is asked for. Its backends fail in many ways, bare Python
errors among them; each becomes a `SecretError` with the remedy in words. No message and no `repr` holds a secret.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from socialtriage.config.model import Keyring
from socialtriage.domain.errors import AuthError, SecretError
from socialtriage.services.keyring_words import backend_words, explained, is_plaintext, keeps_nothing, none_here

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "socialtriage"
"""The name under which the keyring lists our secrets."""
PATIENCE = 30.0
"""Seconds that a keyring may take: a locked one may be asking for its password in a window."""
KEPT = 5.0
"""Seconds that a secret stays in memory after it was read: another process may have renewed it."""
LOCKED = 30.0
"""Seconds that a locked keyring is not asked again: each try may open a window."""


class SecretStore:
    """The keyring. Its calls block, one at a time; `AccountSecret` is for the event loop."""

    def __init__(self, config: Keyring, *, backend: KeyringBackend | None = None, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._config = config
        self._backend = backend
        self._approved = False
        self._one = threading.Lock()
        self._locked: tuple[float, SecretError] | None = None

    def __repr__(self) -> str:
        return f"SecretStore({type(self._backend).__name__ if self._backend is not None else 'not opened'})"

    def get(self, name: str) -> str | None:
        """The secret of an account, None when there is none. Raises `SecretError`."""
        with self._opened(f"The secret of {name} cannot be read") as backend:
            return backend.get_password(SERVICE, name) or None

    def set(self, name: str, value: str) -> None:
        """Store a secret and read it back. Raises `SecretError` when the keyring does not hold it afterwards."""
        if not value.strip():
            raise SecretError(f"The secret of {name} is empty; nothing was stored.")
        with self._opened(f"The secret of {name} cannot be stored") as backend:
            backend.set_password(SERVICE, name, value)
            kept = backend.get_password(SERVICE, name)
        if kept != value:
            raise SecretError(
                f"The keyring ({backend_words(backend)}) did not keep the secret of {name}.", hint=none_here()
            )

    def delete(self, name: str) -> bool:
        """Forget a secret; says whether there was one. Raises `SecretError`."""
        with self._opened(f"The secret of {name} cannot be deleted") as backend:
            if backend.get_password(SERVICE, name) is None:
                return False
            backend.delete_password(SERVICE, name)
            return True

    def describe(self) -> str:
        """Which keyring this is, in words. Raises `SecretError` when there is none that may be used."""
        with self._opened("The keyring cannot be used") as backend:
            if keeps_nothing(backend):
                raise SecretError("This machine has no keyring that keeps anything.", hint=none_here())
            return backend_words(backend)

    @contextmanager
    def _opened(self, what: str) -> Iterator[KeyringBackend]:
        """The backend, for one call. Whatever goes wrong inside becomes a `SecretError`.

        The foreign error is not chained: its text is not ours, and a secret may be in it.
        """
        if not self._one.acquire(timeout=self.patience):
            raise SecretError(f"{what}: the keyring is busy.", hint="Look for a window that asks for its password.")
        try:
            self._spare_the_officer()
            yield self._checked_backend()
        except SecretError:
            raise
        except Exception as exc:
            error, locked = explained(what, exc, self._config.backend)
            if locked:
                self._locked = (time.monotonic() + LOCKED, error)
            raise error from None
        finally:
            self._one.release()

    def _spare_the_officer(self) -> None:
        if self._locked is not None and time.monotonic() < self._locked[0]:
            raise SecretError(self._locked[1].message, hint=self._locked[1].hint)
        self._locked = None

    def _checked_backend(self) -> KeyringBackend:
        if self._backend is None:
            from keyring import core

            chosen = self._config.backend
            self._backend = core.load_keyring(chosen) if chosen else core.get_keyring()
        if not self._approved:
            if is_plaintext(self._backend) and not self._config.allow_plaintext:
                raise SecretError(
                    f"The keyring here ({backend_words(self._backend)}) keeps secrets readable on disk.",
                    hint='Choose another with `[keyring] backend = "module.Class"`, or consent with '
                    "`[keyring] allow_plaintext = true`.",
                )
            self._approved = True
        return self._backend


class AccountSecret:
    """The secret of one account for the event loop: a `channels.base.Secret`.

    A secret that was read is kept in memory for a few seconds, so that a pass asks the keyring once.
    """

    def __init__(
        self,
        store: SecretStore,
        account_id: str,
        *,
        kept: float = KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._id = account_id
        self._kept = kept
        self._clock = clock
        self._lock = asyncio.Lock()
        self._cached: tuple[float, str] | None = None

    def __repr__(self) -> str:
        return f"AccountSecret({self._id!r})"

    async def get(self) -> str:
        """The secret. Raises `AuthError` when there is none, `SecretError` when the keyring cannot be read."""
        async with self._lock:
            if self._cached is not None and self._clock() < self._cached[0]:
                return self._cached[1]
            value = await off_loop(lambda: self._store.get(self._id), self._store.patience)
            if value is None:
                self._cached = None
                raise AuthError(
                    f"The account {self._id} has no login.", hint=f"Run `socialtriage accounts login {self._id}`."
                )
            self._cached = (self._clock() + self._kept, value)
            return value

    async def fresh(self) -> str:
        """As `get`, but from the keyring itself: another process may have renewed the login."""
        async with self._lock:
            self._cached = None
        return await self.get()

    async def set(self, value: str) -> None:
        """Store a rotated secret, and read it back. Raises `SecretError`."""
        async with self._lock:
            self._cached = None
            await off_loop(lambda: self._store.set(self._id, value), self._store.patience)
            self._cached = (self._clock() + self._kept, value)


async def off_loop(work: Callable[[], T], seconds: float) -> T:
    """Run blocking keyring work in a thread of its own, and wait for it at most `seconds`.

    The thread does not keep the program from ending: a window of the keyring may wait for ever. Raises `SecretError`
    when the time is over.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as exc:
            error = exc
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="keyring", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            return await outcome
    except TimeoutError:
        raise SecretError(
            f"The keyring did not answer within {seconds:.0f} s.",
            hint="It may be waiting for its password in a window of this desktop. " + none_here(),
        ) from None
