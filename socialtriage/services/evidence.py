"""Pictures, videos and attachments that came with a message, kept under the hash of their bytes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from socialtriage.config.files import make_folders
from socialtriage.domain.errors import StoreError
from socialtriage.domain.models import Incoming, MediaItem, MediaState
from socialtriage.store.intake import media_path

INCOMING = "incoming"
"""The folder, below the media folder, of files that are not whole yet."""
LEFT_BEHIND = 3600.0
"""Seconds after which a file that is not whole belongs to a program that ended."""


def within(items: Sequence[Incoming], limit: int) -> tuple[Incoming, ...]:
    """The messages without the bytes of files that are larger than `[evidence] max_bytes` allows."""
    return tuple(
        replace(item, media=tuple(_within(media, limit) for media in item.media)) if item.media else item
        for item in items
    )


def _within(media: MediaItem, limit: int) -> MediaItem:
    if media.data is None or len(media.data) <= limit:
        return media
    return replace(media, data=None, state=MediaState.TOO_LARGE)


def keep(folder: Path, items: Iterable[Incoming]) -> None:
    """Write the bytes that came with messages below `folder`, each content once. Raises `StoreError`."""
    for item in items:
        for media in item.media:
            if media.data is not None:
                _write(folder / media_path(hashlib.sha256(media.data).hexdigest()), media.data)


def paths(item: Incoming) -> list[str]:
    """Where `keep` puts the bytes that came with a message, below the folder."""
    return [media_path(hashlib.sha256(each.data).hexdigest()) for each in item.media if each.data is not None]


def read(folder: Path, path: str) -> bytes:
    """Kept bytes. Raises `StoreError` when the file is missing or is not what was kept."""
    try:
        data = (folder / path).read_bytes()
    except OSError as exc:
        raise StoreError(f"The attachment {folder / path} cannot be read: {exc.strerror or exc}.") from exc
    if media_path(hashlib.sha256(data).hexdigest()) != path:
        raise StoreError(f"The attachment {folder / path} is not what was kept: its content was changed.")
    return data


def place_of(sha256: str) -> str:
    """Where the bytes with that hash stand below the media folder. Nothing else is ever part of a name there."""
    return media_path(sha256)


def begin(folder: Path) -> Path:
    """An empty file for what is about to be downloaded, for this user alone. Raises `StoreError`."""
    try:
        make_folders(folder / INCOMING)
        handle, name = tempfile.mkstemp(prefix="part-", dir=folder / INCOMING)
        os.close(handle)
    except OSError as exc:
        raise StoreError(f"A file cannot be kept in {folder}: {exc.strerror or exc}.") from exc
    return Path(name)


def finish(folder: Path, partial: Path, file: BinaryIO, sha256: str) -> None:
    """Put a whole download in its place, once for each content. Raises `OSError`."""
    file.flush()
    os.fsync(file.fileno())
    target = folder / media_path(sha256)
    make_folders(target.parent)
    # Also over the same content: a file that is new is not swept away as one that nothing refers to.
    partial.replace(target)


def sweep(folder: Path) -> None:
    """Remove what a program that ended in the middle of a download left behind."""
    with contextlib.suppress(OSError):
        for left in (folder / INCOMING).glob("part-*"):
            if time.time() - left.stat().st_mtime > LEFT_BEHIND:
                left.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    if path.is_file() and path.stat().st_size == len(data):
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        make_folders(path.parent)
        with open(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise StoreError(f"An attachment cannot be kept in {path.parent}: {exc.strerror or exc}.") from exc
