"""What answers of AT Protocol servers mean, and the plain values in them: times, handles, record keys.

Facts recorded from a PDS 0.5.35 and an AppView 0.0.280: an expired token is HTTP 400, not 401; so is everything that
is not found; a password without the right for direct messages is 400 `InvalidToken`, "Bad token method".
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from socialtriage.channels.answers import Answer, default_classify
from socialtriage.domain.errors import AuthError, BadPayload, ChannelError, NotPermitted, Rejected
from socialtriage.domain.text import clean_line

T = TypeVar("T")

_HANDLE = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.I | re.ASCII)
_DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]", re.ASCII)
_RKEY = re.compile(r"[A-Za-z0-9._~:-]{1,512}", re.ASCII)
_URI = re.compile(r"at://(did:[a-z]+:[a-zA-Z0-9._:%-]+)/([a-zA-Z0-9.-]+)/([A-Za-z0-9._~:-]{1,512})", re.ASCII)
_TID = re.compile(r"[2-7a-j][2-7a-z]{12}", re.ASCII)
_TID_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
_PLACE = re.compile(r"at `\$\.?([^`]*)`")
_MISSING = re.compile(r"missing required field `([^`]*)`")


CHAT_HINT = (
    "In Bluesky's settings make an app password that allows access to direct messages, and sign in with it:"
    " socialtriage accounts login."
)


class TokenTrouble(AuthError):
    """The access token does not count any more; a refresh or a new sign-in may help."""


class Missing(Rejected):
    """The server says that what was asked for does not exist."""


class NotOffered(NotPermitted):
    """The service does not know the method."""


class Declined(Rejected):
    """The server refused for a reason of its own, named `name` in the lexicon."""

    def __init__(self, message: str, *, name: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.name = name


_TOKEN_NAMES = frozenset({"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired"})
_MISSING_NAMES = frozenset({"NotFound", "RecordNotFound", "HandleNotFound"})
_ACCOUNT_NAMES = {
    "AccountTakedown": "has been taken down by Bluesky",
    "AccountSuspended": "is suspended by Bluesky",
    "AccountDeactivated": "is deactivated",
}


def classify(answer: Answer) -> ChannelError | None:
    """The error that an answer stands for; None when it is fine. Words of the server are cleaned."""
    if answer.status < 300:
        return None
    name = answer.error_field("error")
    words = clean_line(answer.error_field("message"))
    method = answer.url.rpartition("/")[2]
    if answer.status in (400, 401, 403) and name in _TOKEN_NAMES:
        return _token_error(answer, name, words, method)
    if name in _ACCOUNT_NAMES and not method.startswith(("chat.", "app.bsky.actor.")):
        return AuthError(f"The account {_ACCOUNT_NAMES[name]}.", hint="Sign in at bsky.app to see why.")
    if name == "MethodNotImplemented":
        return NotOffered(f"{answer.host} does not offer {method}.")
    if answer.status == 400 and (name in _MISSING_NAMES or words.startswith("Could not find repo")):
        return Missing(words or f"{answer.host} does not have what was asked for.")
    if 400 <= answer.status < 500 and answer.status not in (403, 429):
        said = words or clean_line(name) or f"status {answer.status}"
        return Declined(f"{answer.host} refused {method}: {said}.", name=name)
    return default_classify(answer)


def _token_error(answer: Answer, name: str, words: str, method: str) -> ChannelError:
    if name == "InvalidToken" and words.startswith("Bad token"):
        chat = method.startswith("chat.")
        return NotPermitted(f"The app password may not use {method}.", hint=CHAT_HINT if chat else "")
    if method == "com.atproto.server.createSession":
        return AuthError(words or "The handle or the app password is wrong.")
    return TokenTrouble(
        f"{answer.host} does not accept the login any more ({words or name}).",
        hint="Sign in again: socialtriage accounts login.",
    )


def convert(value: Any, type_: type[T], what: str) -> T:
    """`value` of decoded JSON as a struct. Raises `BadPayload` whose `field` names the place that does not fit."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as exc:
        field = field_of(exc)
        raise BadPayload(f"{what} cannot be read: the field {field} is not as expected.", field=field) from exc


def field_of(exc: msgspec.ValidationError) -> str:
    """The place that a validation error is about, as a dotted path."""
    words = str(exc)
    place, missing = _PLACE.search(words), _MISSING.search(words)
    parts = [place.group(1) if place else "", missing.group(1) if missing else ""]
    return ".".join(part for part in parts if part) or "?"


def parse_time(text: object) -> datetime | None:
    """A lexicon `datetime` in UTC, what is finer than microseconds cut off; None when it is no time."""
    if not isinstance(text, str) or len(text) > 64 or "T" not in text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_handle(text: str) -> bool:
    """Whether `text` can be a handle (a domain name), the placeholder of an account without one left out."""
    return len(text) <= 253 and bool(_HANDLE.fullmatch(text)) and text.lower() != "handle.invalid"


def is_did(text: str) -> bool:
    """Whether `text` can be a decentralised identifier."""
    return len(text) <= 2048 and bool(_DID.fullmatch(text))


def split_uri(uri: str) -> tuple[str, str, str] | None:
    """DID, collection and record key of an `at://` URI; None when it is not one of a record."""
    found = _URI.fullmatch(uri)
    return (found.group(1), found.group(2), found.group(3)) if found else None


def owner(uri: str) -> str:
    """The DID that an `at://` URI belongs to; empty when it is not one."""
    return (split_uri(uri) or ("",))[0]


def web_url(uri: str, handle: str = "") -> str | None:
    """Where people read a post. The handle is used when it is one, otherwise the DID, which never changes."""
    parts = split_uri(uri)
    if parts is None or not _RKEY.fullmatch(parts[2]):
        return None
    return f"https://bsky.app/profile/{handle if is_handle(handle) else parts[0]}/post/{parts[2]}"


def tid_time(rkey: str) -> datetime | None:
    """When a record key was made: posts carry a TID, which tells the writing even where `createdAt` does not."""
    if not _TID.fullmatch(rkey):
        return None
    number = 0
    for letter in rkey:
        number = number * 32 + _TID_LETTERS.index(letter)
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number >> 10)
    except OverflowError:
        return None


def make_tid(at: datetime, key: str) -> str:
    """A record key for `at`, always the same for one `key`: a repeated write meets the first one instead of doubling.

    53 bits of microseconds and 10 bits of clock id, of which the key decides 20 (below a millisecond, and the id).
    """
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    number = (milliseconds * 1000 + seed % 1000) << 10 | (seed >> 16) % 1024
    letters = []
    for _ in range(13):
        number, place = divmod(number, 32)
        letters.append(_TID_LETTERS[place])
    return "".join(reversed(letters))
