"""What every test stands on: no network but loopback, a home of its own, a keyring in memory, a fixed terminal."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import sqlite3
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from hypothesis import settings

# The machine that runs the tests is shared: how long an example takes says nothing.
settings.register_profile("desk", deadline=None)
settings.load_profile("desk")

REAL_STORES = {"test_store", "test_attack_store", "test_backup", "test_architecture"}
"""Test modules whose stores are made and written as an officer's are."""
REMEMBERED = {
    "bluesky_session": ("_unsaved", "_refused"),
    "graph_token": ("_tokens",),
    "mastodon": ("_servers",),
    "oauth_token": ("_unsaved",),
    "x_api": ("_spoken", "_me"),
    "x_prices": ("_users",),
}
"""What channels keep for the life of the process; servers of two tests may come to have one port."""
LOOPBACK = {"127.0.0.1", "127.0.0.2", "::1", "localhost", "0.0.0.0", ""}  # noqa: S104


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this machine in no test, and names are not asked for."""
    real_connect, real_look_up = socket.socket.connect, socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and str(address[0]) not in LOOPBACK:
            raise OSError(f"a test wanted to connect to {address!r}")
        real_connect(self, address)

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host or "")
        if name not in LOOPBACK:
            raise socket.gaierror(f"a test wanted to look up {name!r}")
        return real_look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing of the person who runs the tests is read or written."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name, folder in (("CONFIG", "config"), ("DATA", "data"), ("STATE", "state"), ("CACHE", "cache")):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / folder))
    for name in ("SOCIALTRIAGE_CONFIG", "SOCIALTRIAGE_STORE", "SOCIALTRIAGE_OFFICER", "NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.doubles.memory_keyring.MemoryKeyring")
    return iter([home])


AUTHORITIES = os.environ.get("SSL_CERT_FILE") or certifi.where()
"""The file that httpx trusts: reading it takes 20 ms, and nobody adds to it."""


_create = ssl.create_default_context


@functools.cache
def _trusted() -> ssl.SSLContext:
    return _create(cafile=AUTHORITIES)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """No test sees what an earlier one's servers said: an account suspended there is not suspended here."""
    for module, names in REMEMBERED.items():
        loaded = sys.modules.get(f"socialtriage.channels.{module}")
        for name in names if loaded else ():
            getattr(loaded, name).clear()


@pytest.fixture(autouse=True)
def _authorities_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world's certificates are read once; contexts to which somebody may add stay new."""

    def create(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        return _trusted() if not args and kwargs == {"cafile": AUTHORITIES} else _create(*args, **kwargs)

    monkeypatch.setattr(ssl, "create_default_context", create)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: two workers a core, for stories at the screen and with servers wait more than they work."""
    return 2 * (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class _Unhurried(sqlite3.Connection):
    """Does not wait for the disk: no test here pulls the plug."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql.startswith("PRAGMA synchronous"):
            sql = "PRAGMA synchronous=OFF"
        return super().execute(sql, parameters)


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A new store as the migrations make it."""
    from socialtriage.store.database import Database

    with contextlib.closing(sqlite3.connect(":memory:", check_same_thread=False)) as template:
        made = Database(tmp_path_factory.mktemp("template") / "desk.db")
        made._writer.backup(template)
        made.close()
        yield template


@pytest.fixture(autouse=True)
def _quick_stores(
    _migrated: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """New stores are copies of one that was migrated, and nobody waits for the disk."""
    from socialtriage.store.database import Database

    if request.module.__name__.rpartition(".")[2] in REAL_STORES:
        return
    migrate = Database._migrate

    def copy(self: Database, version: int) -> None:
        if version or self._writer.execute("PRAGMA user_version").fetchone()[0]:
            migrate(self, version)
        else:
            _migrated.backup(self._writer)

    monkeypatch.setattr(Database, "_migrate", copy)
    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=_Unhurried))
