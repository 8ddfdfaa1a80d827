"""Every place on disk that the desk uses by itself, in one module."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

NAME = "socialtriage"
CONFIG_VARIABLE = "SOCIALTRIAGE_CONFIG"
STORE_VARIABLE = "SOCIALTRIAGE_STORE"


def expanded(text: str) -> Path:
    """A path as people write it, `~` included; the `~` of somebody unknown stays as it is."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def default_config() -> Path:
    """`config.toml` in the platform's configuration folder."""
    from platformdirs import user_config_path

    return user_config_path(NAME, appauthor=False) / "config.toml"


def default_store() -> Path:
    """`desk.db` in the platform's data folder."""
    from platformdirs import user_data_path

    return user_data_path(NAME, appauthor=False) / "desk.db"


def log_folder() -> Path:
    """Where `-v` writes its log."""
    from platformdirs import user_log_path

    return user_log_path(NAME, appauthor=False)


def cache_folder() -> Path:
    """What may be deleted at any time: the platform's cache folder."""
    from platformdirs import user_cache_path

    return user_cache_path(NAME, appauthor=False)


def find_config(option: str | None, env: Mapping[str, str]) -> Path:
    """The configuration file: as asked for by option, by `SOCIALTRIAGE_CONFIG`, or in its default place.

    It need not exist.
    """
    chosen = option or env.get(CONFIG_VARIABLE)
    return expanded(chosen) if chosen else default_config()


def find_store(
    option: str | None, env: Mapping[str, str], configured: str | None = None, beside: Path | None = None
) -> Path:
    """The store: as asked for by option, by `SOCIALTRIAGE_STORE`, by the configuration, or in its default place.

    `configured` is `store.path`; where it is relative, it counts from the folder of `beside`, the configuration file.
    """
    chosen = option or env.get(STORE_VARIABLE)
    if chosen:
        return expanded(chosen)
    if configured:
        return relative_to_config(configured, beside) if beside is not None else expanded(configured)
    return default_store()


def relative_to_config(text: str, config: Path) -> Path:
    """A path of the configuration, such as `mail.ca_file`: a relative one counts from the file's own folder."""
    path = expanded(text)
    return path if path.is_absolute() else config.parent / path


def media_folder(store: Path) -> Path:
    """Where pictures and attachments of a store are kept: beside it, and apart from those of another store."""
    return store.with_name(f"{store.stem}-media")


def drafts_folder(store: Path) -> Path:
    """Where unfinished answers of a store are kept, so that they survive a crash."""
    return store.with_name(f"{store.stem}-drafts")
