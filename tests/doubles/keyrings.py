"""Keyring backends for tests: one in memory, and those that go wrong in the ways seen on real machines."""

from __future__ import annotations

import threading
from collections.abc import Callable

from keyring.backend import KeyringBackend


class MemoryKeyring(KeyringBackend):
    """Keeps secrets in memory. `calls` lists what was asked, without values."""

    # Below every real backend, so that nothing picks it by itself.
    priority = -10.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.calls: list[tuple[str, str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.calls.append(("get", username))
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls.append(("set", username))
        self.kept[(service, username)] = password

    def delete_password(self, service: str, username: str) -> None:
        self.calls.append(("delete", username))
        del self.kept[(service, username)]


class ForgetfulKeyring(MemoryKeyring):
    """Says yes to everything and keeps nothing, as the null backend does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls.append(("set", username))


class FailingKeyring(MemoryKeyring):
    """Raises the same error whatever is asked."""

    def __init__(self, error: Callable[[], BaseException]) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        self.calls.append(("get", username))
        raise self.error()

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls.append(("set", username))
        raise self.error()


class PromptingKeyring(MemoryKeyring):
    """Waits for its password until `answered` is set, as a locked keyring with a window does."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.answered.wait()
        return super().get_password(service, username)


class PlaintextKeyring(MemoryKeyring):
    """Named like the one of `keyrings.alt`, which stores base64."""


class ChainedKeyring(MemoryKeyring):
    """Passes secrets on to others, as `ChainerBackend` does."""

    def __init__(self, *backends: KeyringBackend) -> None:
        super().__init__()
        self.backends = list(backends)
