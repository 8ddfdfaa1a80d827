"""Reading JSON of Meta's that is not what it should be: accessors give something usable or None, and never raise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from socialtriage.domain.models import MediaItem
from socialtriage.domain.text import clean_line

_LONGEST_URL = 4_000
"""Addresses of Meta's media carry their own signature and are long."""
_KINDS = (("video", "video"), ("audio", "audio"), ("photo", "image"), ("image", "image"), ("sticker", "image"))


def text_id(value: object) -> str | None:
    """An id: text, or a number as some answers have it."""
    if isinstance(value, str):
        return value if value and value.isprintable() and len(value) < 500 else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def words_of(value: object) -> str:
    """A text, or nothing."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> list[str]:
    """The texts of a list."""
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def an_object(value: object) -> Mapping[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list, or of the `data` of an edge inside an object."""
    if isinstance(value, dict):
        value = value.get("data")
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def all_hold(*signs: object) -> bool | None:
    """Whether all are true; None where one is not known and none is false."""
    if any(sign is False for sign in signs):
        return False
    return None if any(sign is None for sign in signs) else True


def moment(value: object) -> datetime | None:
    """ISO 8601 (`2021-07-21T21:05:14+0000`) or epoch seconds; 0 is Meta's "never"."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC) if math.isfinite(value) and value > 0 else None
        if not isinstance(value, str):
            return None
        if value.isdigit():
            return moment(int(value))
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def web_url(value: object) -> str | None:
    """An address that a browser may be sent to: http or https, without controls."""
    if not isinstance(value, str) or not value or len(value) > _LONGEST_URL or not value.isprintable():
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in ("http", "https") and parts.hostname else None


def tail(id_: str) -> str:
    """What names an object in both spellings of its id, `POST_COMMENT` and bare: the part after the last `_`."""
    return id_.rpartition("_")[2]


def in_query(url: object, name: str) -> str | None:
    """A parameter of an address."""
    try:
        found = parse_qs(urlsplit(words_of(url)).query).get(name)
    except ValueError:
        return None
    return text_id(found[0]) if found else None


def media_item(kind: str, url: object, name: object = "", mime: object = None, id_: object = None) -> MediaItem:
    """A picture, video or attachment; `kind` is Meta's type or a MIME type."""
    sort = next((ours for theirs, ours in _KINDS if theirs in kind.casefold()), "file")
    return MediaItem(
        kind=sort,
        name=clean_line(words_of(name) or sort),
        url=web_url(url),
        mime=str(clean_line(mime, 100)) if isinstance(mime, str) else None,
        remote_id=text_id(id_),
    )
