"""Secrets that do not belong in the configuration: names that ask for one, and values that look like one.

Patterns are of tokens that the networks hand out; an unknown kind is caught by the name of its key alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from socialtriage.config.problems import Path, Problems

INSTEAD = "remove it and use `socialtriage accounts login ID`"

_NAME = re.compile(
    r"token|passw(?:or)?d|^pass$|passphrase|passcode|secret|credential|api_?key|private_?key|bearer|^pin$|^pw$|^cookie$",
    re.IGNORECASE,
)
_ANYWHERE = re.compile(
    r"\bEAA[A-Za-z0-9]{40,}"  # Meta Graph API
    r"|\bIG(?:AA|QV)[A-Za-z0-9_-]{40,}"  # Instagram login
    r"|\bTHAA[A-Za-z0-9_-]{40,}"  # Threads
    r"|\bya29\.[A-Za-z0-9_-]{20,}"  # Google access token
    r"|\b1//0[A-Za-z0-9_-]{30,}"  # Google refresh token
    r"|\bGOCSPX-[A-Za-z0-9_-]{20,}"  # Google client secret
    r"|\bAIza[A-Za-z0-9_-]{35}"  # Google API key
    r"|\b[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"  # Telegram bot
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."  # any JSON web token
    r"|\bBearer [A-Za-z0-9._~+/-]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_WHOLE_IN_ACCOUNT = re.compile(
    r"[a-z0-9]{4}(?:-[a-z0-9]{4}){3}"  # Bluesky app password
    r"|(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9_-]{43}"  # Mastodon access token
)
_SHORTEST = 19
"""Characters of the shortest thing that the patterns match, so that most texts cost nothing."""
_NOT_SECRET = frozenset({"id", "owner", "area", "client_id"})


def is_secret_name(key: str) -> bool:
    """Whether a key asks for a secret by its name."""
    return _NAME.search(key) is not None


def note_leaks(document: Mapping[str, Any], problems: Problems) -> None:
    """Note every text that looks like a secret, without repeating it."""
    for path, text in _texts(document):
        if len(text) < _SHORTEST:
            continue
        in_account = len(path) > 2 and path[0] == "accounts" and path[2] not in _NOT_SECRET
        if _ANYWHERE.search(text) or (in_account and _WHOLE_IN_ACCOUNT.fullmatch(text)):
            problems.add(path, f"looks like a secret, and secrets do not belong here; {INSTEAD}")


def _texts(document: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Every text of the document and its place; not by recursion, since a file may nest deeply."""
    waiting: list[tuple[Path, Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif len(path) > 32:
            continue
        elif isinstance(value, Mapping):
            waiting.extend(((*path, key), inner) for key, inner in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, number), inner) for number, inner in enumerate(value))
