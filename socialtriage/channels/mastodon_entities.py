"""What servers of the Mastodon family send, as values: read leniently, because each member of the family leaves out,
nulls or adds fields of its own. Ids are opaque: ULIDs on GoToSocial, flake ids on Pleroma, numbers as text on Mastodon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

_LONGEST_ID = 500
_FIELD = re.compile(r"at `\$\.([A-Za-z_]+)")


class Account(msgspec.Struct):
    """A person as the server knows them. `acct` is `user` for people of the same server, otherwise `user@host`."""

    id: str | int
    username: str = ""
    acct: str = ""
    display_name: str | None = None
    url: str | None = None


class Mention(msgspec.Struct):
    """Someone whom a status addresses."""

    id: str | int
    acct: str = ""
    username: str = ""
    url: str | None = None


class Media(msgspec.Struct):
    """An attachment. `url` is null while the server works on it, and where it did not fetch a remote one."""

    id: str | int = ""
    type: str | None = None
    url: str | None = None
    remote_url: str | None = None
    description: str | None = None


class Option(msgspec.Struct):
    """One answer of a poll."""

    title: str = ""


class Poll(msgspec.Struct):
    """A question with answers to choose from."""

    options: list[Option] = []


class Quote(msgspec.Struct):
    """Another status shown inside this one (Mastodon 4.5)."""

    state: str | None = None
    quoted_status: dict[str, Any] | None = None


class Status(msgspec.Struct):
    """One post. `in_reply_to_account_id` may be null although `in_reply_to_id` is not."""

    id: str | int
    account: Account | None = None
    created_at: str | None = None
    edited_at: str | None = None
    in_reply_to_id: str | int | None = None
    in_reply_to_account_id: str | int | None = None
    visibility: str | None = None
    spoiler_text: str | None = None
    content: str | None = None
    text: str | None = None
    language: str | None = None
    uri: str | None = None
    url: str | None = None
    mentions: list[Mention] | None = None
    media_attachments: list[Media] | None = None
    poll: Poll | None = None
    quote: Quote | None = None
    reblog: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """The id as text: how the desk names this message."""
        return str(self.id)

    @property
    def parent(self) -> str | None:
        """The id of the status that this one answers, as far as the server says."""
        return text_id(self.in_reply_to_id)


def text_id(value: object) -> str | None:
    """An id from JSON as text; None for anything that can be none."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    text = str(value)
    return text if 0 < len(text) <= _LONGEST_ID and text.isprintable() else None


def read_status(data: Any) -> tuple[Status | None, tuple[str, ...]]:
    """A status from JSON, and the names of its fields that could not be read and were left out.

    None only where not even the id can be read.
    """
    faulty: list[str] = []
    while isinstance(data, Mapping):
        try:
            status = msgspec.convert(data, Status)
        except msgspec.ValidationError as exc:
            found = _FIELD.search(str(exc))
            if found is None or found[1] == "id" or found[1] not in data:
                return None, (*faulty, found[1] if found else "id")
            faulty.append(found[1])
            data = {name: value for name, value in data.items() if name != found[1]}
        else:
            return (status if text_id(status.id) else None), tuple(faulty)
    return None, ("status",)


def read_account(data: Any) -> Account | None:
    """An account from JSON; None where it cannot be read."""
    try:
        return msgspec.convert(data, Account)
    except msgspec.ValidationError:
        return None


def moment(value: object) -> datetime | None:
    """A time of the API in UTC; None where it is missing or cannot be one: the year 1 stands for no time at all in
    servers that are written in Go.
    """
    if not isinstance(value, str):
        return None
    try:
        when = datetime.fromisoformat(value)
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when if 1970 <= when.year < 3000 else None


class Server(msgspec.Struct, frozen=True, omit_defaults=True):
    """What kind of server it is: remembered in the cursor, so that it is not asked in every pass."""

    domain: str
    """The part after the @ of the people of this server."""
    read_at: str = ""
    mastodon: bool = False
    """Mastodon itself: ids in the order of arrival, and lengths counted by its rules."""
    batch: str = ""
    """Name of the parameter that reads several statuses at once: `id[]` (Mastodon 4.3), `ids[]` (Pleroma), or empty."""
    extra_types: tuple[str, ...] = ()
    max_characters: int | None = None
    per_url: int | None = None
    """Characters that an address counts, whatever its length; None where it counts in full."""


def read_server(instance: Any, base_url: str, read_at: str) -> Server:
    """The server from `/api/v2/instance` or `/api/v1/instance` (whose `uri` is the domain).

    GoToSocial advertises 25 characters for an address and counts it in full (recorded); its administrators can have
    it pretend to a Mastodon version, but it names its own source.
    """
    data = instance if isinstance(instance, Mapping) else {}
    version = str(data.get("version") or "")
    lowered = f"{version} {data.get('source_url') or ''}".lower()
    api = _at(data, "api_versions", "mastodon")
    gotosocial = "gotosocial" in lowered or "account_domain" in data
    pleroma = "pleroma" in lowered or "akkoma" in lowered
    plain = re.match(r"[2-9]\.\d+\.\d+", version) is not None
    mastodon = not gotosocial and "compatible" not in lowered and (isinstance(api, int) or plain)
    limit = _at(data, "configuration", "statuses", "max_characters") or data.get("max_toot_chars")
    per_url = _at(data, "configuration", "statuses", "characters_reserved_per_url")
    return Server(
        domain=_domain(data, base_url),
        read_at=read_at,
        mastodon=mastodon,
        batch="id[]" if mastodon and isinstance(api, int) else "ids[]" if pleroma else "",
        extra_types=("pending.reply",) if gotosocial else (),
        max_characters=limit if isinstance(limit, int) else None,
        per_url=per_url if mastodon and isinstance(per_url, int) else None,
    )


def _domain(data: Mapping[str, Any], base_url: str) -> str:
    for name in ("account_domain", "domain", "uri"):
        value = data.get(name)
        if isinstance(value, str) and (host := value.partition("://")[2] or value).partition("/")[0]:
            return host.partition("/")[0].lower()
    return urlsplit(base_url).netloc.lower()


def _at(data: Any, *path: str) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data
