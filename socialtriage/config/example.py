"""The starting configuration: a council's usual services, its contacts and saved answers, every setting explained."""

from __future__ import annotations

import os
from pathlib import Path

from socialtriage.config.files import make_folders, write_atomically
from socialtriage.domain.errors import ConfigError, Refused


def example_text() -> str:
    """The text that `init` writes."""
    from importlib.resources import files

    return files("socialtriage.config").joinpath("example.toml").read_text(encoding="utf-8")


def write_example(path: Path, *, force: bool = False) -> None:
    """Write the starting configuration, readable by this user alone.

    Raises `Refused` when something is there already and `force` is not set, and `ConfigError` when the system does
    not allow it.
    """
    if path.is_dir():
        raise Refused(f"{path} is a folder; nothing was written.", hint="Name a file, such as config.toml in it.")
    if os.path.lexists(path) and not force:
        raise Refused(f"{path} is there already; nothing was written.", hint="Use --force to replace it.")
    try:
        make_folders(path.parent)
    except OSError as exc:
        raise ConfigError(f"The folder {path.parent} cannot be made: {exc.strerror or exc}.") from exc
    write_atomically(path, example_text())
