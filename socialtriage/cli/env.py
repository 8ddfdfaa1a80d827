"""What every command starts from: options, configuration and desk, made when first asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from socialtriage.config.model import Config
    from socialtriage.services.desk import Desk
    from socialtriage.services.outbox import Sender
    from socialtriage.services.secrets import SecretStore
    from socialtriage.services.sync import Poller

T = TypeVar("T")


class Env:
    """One run of the command line."""

    def __init__(self, config_file: str | None, store_file: str | None, *, verbose: bool = False) -> None:
        self._config_option = config_file
        self._store_option = store_file
        self.verbose = verbose
        self._config: Config | None = None
        self._desk: Desk | None = None
        self._secrets: SecretStore | None = None

    @property
    def config_path(self) -> Path:
        """Where the configuration is, or would be."""
        from socialtriage.config.paths import find_config

        return find_config(self._config_option, os.environ)

    @property
    def config(self) -> Config:
        """The configuration. Raises `ConfigError` with every problem."""
        if self._config is None:
            from socialtriage.channels.registry import NETWORKS
            from socialtriage.config.load import load

            self._config = load(self.config_path, networks=NETWORKS, actions=_actions)
        return self._config

    def recall_config(self) -> None:
        """Take the configuration as it was found sound before, where neither it nor the program changed since."""
        from socialtriage.config.remembered import recall

        self._config = self._config or recall(self.config_path)

    def prove_config(self) -> None:
        """Judge the configuration's file, and remember it when it is sound. Raises `ConfigError`."""
        from socialtriage.channels.registry import NETWORKS
        from socialtriage.config.load import load
        from socialtriage.config.remembered import recall, remember

        path = self.config_path
        config, text = load(path, networks=NETWORKS, actions=_actions), path.read_bytes()
        if recall(path) is None and config == load(path, networks=NETWORKS, actions=_actions):
            remember(path, text, config)

    @property
    def store_path(self) -> Path:
        """Where the store is, or would be."""
        from socialtriage.config.paths import find_store

        return find_store(self._store_option, os.environ, self.config.store.path, beside=self.config_path)

    @property
    def desk(self) -> Desk:
        """The desk, with its store open. Raises `ConfigError`, `StoreError`."""
        if self._desk is None:
            from socialtriage.services.desk import open_desk

            self._desk = open_desk(self.config, self.store_path, config_path=self.config_path)
        return self._desk

    @property
    def secrets(self) -> SecretStore:
        """The system keyring."""
        if self._secrets is None:
            from socialtriage.services.secrets import SecretStore

            self._secrets = SecretStore(self.config.keyring)
        return self._secrets

    def with_network(self, story: Callable[[Poller, Sender], Coroutine[Any, Any, T]]) -> T:
        """Run an async story that polls or sends, and close every connection after it."""
        import asyncio

        from socialtriage.cli.logs import quiet
        from socialtriage.services.outbox import Sender
        from socialtriage.services.sync import Poller

        quiet()

        async def run() -> T:
            poller = Poller(self.desk, self.secrets)
            try:
                return await story(poller, Sender(self.desk, self.secrets, poller))
            finally:
                await poller.aclose()

        return asyncio.run(run())

    def close(self) -> None:
        """Close the store."""
        if self._desk is not None:
            self._desk.close()
            self._desk = None


def _actions() -> Collection[str]:
    """The ids that `[keys]` may name."""
    from socialtriage.ui.actions import table

    return table()
