"""A configuration that was found sound, kept as values, so that the inbox opens without parsing and judging it again.

It stands for the file only as long as the file's text and the program are the same to the byte; the inbox judges the
file anew behind its first frame all the same. Commands never use it.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path

import msgspec

from socialtriage import __version__
from socialtriage.config.model import Config


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    """What is written: the configuration, and what it was made of."""

    program: str
    path: str
    text: bytes
    config: Config


def recall(path: Path) -> Config | None:
    """What the file at `path` means, if it was found sound before; None when it must be read."""
    try:
        kept = msgspec.msgpack.decode(_file(path).read_bytes(), type=_Kept)
        same = (kept.program, kept.path, kept.text) == (_program(), os.path.abspath(path), path.read_bytes())
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    return kept.config if same else None


def remember(path: Path, text: bytes, config: Config) -> None:
    """Keep a configuration that was found sound, as `text` says it. Where it cannot be kept it is read next time."""
    from socialtriage.config.files import make_folders

    target = _file(path)
    kept = _Kept(_program(), os.path.abspath(path), text, config)
    partial = target.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        make_folders(target.parent)
        with open(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.msgpack.encode(kept))
        os.replace(partial, target)


def _file(path: Path) -> Path:
    from socialtriage.config.paths import cache_folder

    return cache_folder() / f"config-{zlib.crc32(os.path.abspath(path).encode('utf-8', 'surrogateescape')):08x}.kept"


def _program() -> str:
    """This program, down to the moment that the judges of the configuration were last changed."""
    with os.scandir(os.path.dirname(__file__)) as found:
        changed = max(each.stat().st_mtime_ns for each in found if each.name.endswith(".py"))
    return f"{__version__} {changed}"
