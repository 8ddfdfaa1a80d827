"""Writing what was made to a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from socialtriage.domain.errors import StoreError


def write_file(path: Path, parts: Iterable[str]) -> None:
    """Write a whole file or none, readable by its owner only: it may name residents. Raises `StoreError`.

    A link is followed, and what is no file (a pipe, a terminal, the null device) is written to, never replaced.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
                stream.writelines(parts)
            return
        path = Path(os.path.realpath(path))
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        try:
            with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                file.writelines(parts)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise StoreError(f"{path} cannot be written: {exc.strerror or exc}.") from exc
