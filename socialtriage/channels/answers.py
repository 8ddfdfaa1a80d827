"""What a server said, and what its status and headers mean. Nothing here knows the HTTP library."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from socialtriage.domain.errors import (
    AuthError,
    BadPayload,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
    Unavailable,
)
from socialtriage.domain.text import clean_line

LARGE = 256 * 1024
"""Bytes of a body whose JSON is read ahead, in a thread: a smaller one takes less than two milliseconds."""
PIECE = 64 * 1024
"""Bytes that one call of the decoder is given, where the text can be taken apart."""
TINY = 8
"""Bytes between two commas below which a text is not taken apart."""
_LONGEST_WAIT = 86_400.0
"""Seconds of a server's wish to wait that are believed; more is taken for this."""

# An escaped backslash and a whole pair are kept; what then is left of surrogates, escaped or raw, stands alone.
_SURROGATES = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\ud800-\udfff])"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `headers` has lower-case names; of repeated ones the values are joined with `, `."""

    method: str
    url: str
    """Without its query, so that it can be shown and logged."""
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    value: Any = field(default=None, repr=False, compare=False)
    """The JSON of a large body, read ahead; see `read_ahead`."""

    @property
    def host(self) -> str:
        """The server's name, for messages."""
        return urlsplit(self.url).netloc

    def json(self) -> Any:
        """The body as JSON, lone surrogates replaced. Raises `BadPayload`."""
        try:
            if isinstance(self.value, ValueError):
                raise self.value
            return self.value if self.value is not None else decoded(self.body)
        except (ValueError, RecursionError) as exc:
            raise BadPayload(
                f"{self.host} answered {self.method} {urlsplit(self.url).path} with something that is not JSON.",
                hint="If it stays, check the account's `server`.",
            ) from exc

    @property
    def large(self) -> bool:
        """Whether its JSON should be read ahead, off the event loop."""
        return len(self.body) > LARGE and self.body[:64].lstrip()[:1] in (b"[", b"{")

    def read_ahead(self) -> Answer:
        """The same answer with its JSON read, for a thread: what is not JSON is said by `json` as ever."""
        try:
            return replace(self, value=in_pieces(self.body))
        except (ValueError, RecursionError) as exc:
            return replace(self, value=ValueError(str(exc)))

    def error_field(self, *names: str) -> str:
        """The first of `names` in a JSON error body, as one clean line; empty where there is none."""
        try:
            data = decoded(self.body) if len(self.body) <= LARGE else None
        except (ValueError, RecursionError):
            return ""
        if isinstance(data, dict):
            for name in names:
                if isinstance(data.get(name), str):
                    return clean_line(data[name], 300)
        return ""


def in_pieces(body: bytes, depth: int = 4) -> Any:
    """The value of a large JSON text, decoded by many short calls. Raises `ValueError`, `RecursionError`.

    The decoder holds the interpreter for as long as one call takes: a thread that makes one call of it stops the
    screen as if there were no thread.
    """
    # Where elements are tiny, references to them would take many times the room of the text.
    if len(body) <= PIECE or depth == 0 or len(body) < TINY * body.count(b","):
        return decoded(body)
    kind = {b"[": list[msgspec.Raw], b"{": dict[str, msgspec.Raw]}.get(body[:64].lstrip()[:1])
    try:
        parts: Any = msgspec.json.decode(body, type=kind) if kind is not None else None
    except ValueError:
        parts = None
    if isinstance(parts, list):
        return [in_pieces(bytes(part), depth - 1) for part in parts]
    if isinstance(parts, dict):
        return {name: in_pieces(bytes(part), depth - 1) for name, part in parts.items()}
    return decoded(body)


def decoded(body: bytes) -> Any:
    """The value of a JSON text. Raises `ValueError`, `RecursionError`."""
    with contextlib.suppress(ValueError, RecursionError):
        # Twice as fast, and strict: what it refuses the other may still be able to read.
        return msgspec.json.decode(body)
    return _decoded(body)


def _decoded(body: bytes) -> Any:
    """The same by the standard library. Half a surrogate pair, as any server may send one, becomes U+FFFD here, once
    for all fields: as an id or an address it could neither be stored nor asked for. Raises `ValueError`,
    `RecursionError`.
    """
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    if "\\ud" in text or "\\uD" in text or not text.isascii():
        text = _SURROGATES.sub(lambda found: "\N{REPLACEMENT CHARACTER}" if found[1] else found[0], text)
    return json.loads(text)


def retry_after_seconds(value: str, now: datetime) -> float | None:
    """Seconds of a Retry-After value: a number or an HTTP date; the first where two headers were joined into one."""
    first = value.split(",")[0].strip()
    try:
        seconds = float(first)
    except ValueError:
        # The comma after the weekday of a date belongs to it.
        when = http_date(",".join(value.split(",")[:2]))
        return None if when is None else max(0.0, (when - now).total_seconds())
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _LONGEST_WAIT)


def rate_limit_reset(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When a 429 says calls are welcome again: Retry-After, or a reset header in epoch seconds or ISO 8601.

    The times in the headers are the server's; where it sends its Date, they are read by its clock, not ours.
    """
    servers = http_date(headers.get("date", "")) or now
    if value := headers.get("retry-after"):
        seconds = retry_after_seconds(value, servers)
        if seconds is not None:
            return now + timedelta(seconds=min(seconds, _LONGEST_WAIT))
    for name in ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"):
        when = _instant(headers.get(name, "").strip())
        if when is not None:
            return now + min(max(when - servers, timedelta()), timedelta(seconds=_LONGEST_WAIT))
    return None


def _instant(value: str) -> datetime | None:
    """Epoch seconds or ISO 8601."""
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def http_date(value: str) -> datetime | None:
    """The moment that an HTTP date names; None for anything else."""
    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def default_classify(answer: Answer) -> ChannelError | None:
    """What a status means where the network has no better rule."""
    where = f"{answer.host} answered {answer.status}"
    if answer.status < 300:
        return None
    now = datetime.now(UTC)
    if answer.status == 429:
        return RateLimited(f"{answer.host} asks to slow down.", retry_at=rate_limit_reset(answer.headers, now))
    if answer.status < 400:
        return Misconfigured(f"{where}, a redirect.", hint="Check the account's `server`.")
    words = answer.error_field("error_description", "error", "message", "detail")
    said = f'{where}: "{words}".' if words else f"{where}."
    if answer.status >= 500:
        after = answer.headers.get("retry-after")
        servers = http_date(answer.headers.get("date", "")) or now
        return Unavailable(said, retry_after=retry_after_seconds(after, servers) if after else None)
    if answer.status == 401:
        return AuthError(said, hint="Sign in again: socialtriage accounts login.")
    if answer.status == 403:
        return NotPermitted(said, hint="The login lacks a permission for this.")
    return Rejected(said)
