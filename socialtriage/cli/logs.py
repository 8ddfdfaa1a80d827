"""The log of `-v`: tracebacks for whoever mends the program, and never a secret."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from socialtriage.config.files import make_folders
from socialtriage.config.paths import log_folder

_SECRETS = (
    (r"(?i)\b(bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{8,}", r"\1 [secret]"),
    (
        r"(?i)([\"']?(?:access_?token|refresh_?token|access_?jwt|refresh_?jwt|client_?secret|password|passwd|secret"
        r"|authorization|code|api_?key)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,}]{4,}",
        r"\1[secret]",
    ),
    (r"(://[^/\s:@]+:)[^@\s/]+(@)", r"\1[secret]\2"),
)
"""What a credential looks like, and what is written for it; `re` keeps the patterns, and few sessions need them."""


def scrub(text: str) -> str:
    """`text` without anything that looks like a credential."""
    for pattern, instead in _SECRETS:
        text = re.sub(pattern, instead, text)
    return text


class ScrubbingFormatter(logging.Formatter):
    """Formats records, tracebacks included, without credentials."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines, of a record."""
        return scrub(super().format(record))


def quiet() -> None:
    """Without `-v` nothing is logged: logging's own last resort would write traces, unscrubbed, to the terminal."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())


def log_files() -> list[Path]:
    """What `-v` wrote and is still there. It holds what the status line said, names of people included."""
    return sorted(log_folder().glob("socialtriage.log*"))


def start_log() -> Path:
    """Log to the platform's log folder, readable by its owner only; where the file is. Raises `OSError`."""
    from logging.handlers import RotatingFileHandler

    folder = log_folder()
    make_folders(folder)
    path = folder / "socialtriage.log"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    handler = RotatingFileHandler(path, maxBytes=4_000_000, backupCount=2, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(ScrubbingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # What other libraries complain of is in the log too; only our own chatter goes down to the details.
    logging.getLogger().addHandler(handler)
    logging.getLogger("socialtriage").setLevel(logging.DEBUG)
    return path
