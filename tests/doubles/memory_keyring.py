"""A keyring in memory, or in the file that SOCIALTRIAGE_TEST_KEYRING names so that processes share it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend

_MEMORY: dict[str, str] = {}


class MemoryKeyring(KeyringBackend):
    """Keeps secrets for the length of a test."""

    priority = 1

    def _all(self) -> dict[str, str]:
        name = os.environ.get("SOCIALTRIAGE_TEST_KEYRING")
        if not name:
            return _MEMORY
        path = Path(name)
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _keep(self, values: dict[str, str]) -> None:
        name = os.environ.get("SOCIALTRIAGE_TEST_KEYRING")
        if name:
            Path(name).write_text(json.dumps(values))

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        values = self._all()
        values[f"{service}/{username}"] = password
        self._keep(values)

    def delete_password(self, service: str, username: str) -> None:
        values = self._all()
        values.pop(f"{service}/{username}", None)
        self._keep(values)
