"""Writing a configuration so that there is always a whole one: into a new file first, then in its place."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from socialtriage.domain.errors import ConfigError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def make_folders(folder: Path) -> None:
    """Create the folders that are missing, for this user alone. Raises `OSError`."""
    missing = []
    here = folder
    while not here.exists() and here != here.parent:
        missing.append(here)
        here = here.parent
    if here.exists() and not here.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(here))
    for each in reversed(missing):
        each.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def write_atomically(path: Path, text: str, mode: int = PRIVATE_FILE) -> None:
    """Put `text` (UTF-8, lines as they are) in place of what `path` holds; a link stays a link.

    Raises `ConfigError` when the system does not allow it; the old file is then untouched.
    """
    target = Path(os.path.realpath(path))
    try:
        handle, name = mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, mode)
            os.replace(name, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as exc:
        raise ConfigError(f"{path} cannot be written: {exc.strerror or exc}.") from exc
