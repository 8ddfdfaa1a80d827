"""Pictures, videos and attachments that came with a message, kept under the hash of their bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from socialtriage.config.files import make_folders
from socialtriage.domain.errors import StoreError
from socialtriage.domain.models import Incoming
from socialtriage.store.intake import media_path


def keep(folder: Path, items: Iterable[Incoming]) -> None:
    """Write the bytes that came with messages below `folder`, each content once. Raises `StoreError`."""
    for item in items:
        for media in item.media:
            if media.data is not None:
                _write(folder / media_path(hashlib.sha256(media.data).hexdigest()), media.data)


def read(folder: Path, path: str) -> bytes:
    """Kept bytes. Raises `StoreError` when the file is missing or is not what was kept."""
    try:
        data = (folder / path).read_bytes()
    except OSError as exc:
        raise StoreError(f"The attachment {folder / path} cannot be read: {exc.strerror or exc}.") from exc
    if media_path(hashlib.sha256(data).hexdigest()) != path:
        raise StoreError(f"The attachment {folder / path} is not what was kept: its content was changed.")
    return data


def _write(path: Path, data: bytes) -> None:
    if path.exists():
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
