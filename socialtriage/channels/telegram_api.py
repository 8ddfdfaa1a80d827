"""Calls of the Telegram Bot API, and what its answers mean.

Source: Bot API 10.1. The token is part of every address, so no message is ever made of an address. Errors are JSON
`{"ok": false, "error_code", "description", "parameters"}`; 429 says in `parameters.retry_after` how many seconds to
wait; a group that became a supergroup says its new id in `parameters.migrate_to_chat_id`. That a revoked token is 401
and a malformed one 404 is what bots see; the specification does not say it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from socialtriage.channels.answers import Answer, default_classify
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import (
    AuthError,
    BadPayload,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
)
from socialtriage.domain.text import clean_line

if TYPE_CHECKING:
    from socialtriage.channels.http import Session

SERVER = "https://api.telegram.org"
MOST_BYTES = 20 * 1024 * 1024
"""Bytes of a file that a bot may download (getFile)."""
_LONGEST_WAIT = 86_400
_TOKEN = re.compile(r"[A-Za-z0-9:_-]{1,200}", re.ASCII)
_HINT = "Ask @BotFather for the bot's token, then: socialtriage accounts login."


class Conflict(Misconfigured):
    """409: a webhook is set, or another program reads this bot's messages."""


class Forbidden(NotPermitted):
    """403: the person blocked the bot, left, or never wrote to it."""


class Migrated(Rejected):
    """The group has another id now: `chat`."""

    def __init__(self, message: str, chat: int) -> None:
        super().__init__(message)
        self.chat = chat


def classify(answer: Answer) -> ChannelError | None:
    """What a status of the Bot API means.

    The specification names no status: where one says that all is well, `ok` and `error_code` of the body count.
    """
    status = answer.status if answer.status >= 300 else _error_code(answer)
    if status is None:
        return None
    words = answer.error_field("description")
    said = f"{answer.host} answered {status}" + (f': "{words}".' if words else ".")
    return _meaning(answer, status, words, said) or default_classify(replace(answer, status=status))


def _error_code(answer: Answer) -> int | None:
    """The error that an answer with a good status holds all the same."""
    try:
        data = answer.json()
    except BadPayload:
        return None
    code = data.get("error_code") if isinstance(data, dict) and data.get("ok") is False else None
    return code if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600 else None


def _meaning(answer: Answer, status: int, words: str, said: str) -> ChannelError | None:
    if status == 401:
        return AuthError("Telegram does not accept the bot's token any more.", hint=_HINT)
    if status == 404:
        return Misconfigured("Telegram knows no bot with this token.", hint=_HINT)
    if status == 409:
        return Conflict(said)
    if status == 429:
        seconds = _parameters(answer).get("retry_after")
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds >= 0:
            wait = timedelta(seconds=min(seconds, _LONGEST_WAIT))
            return RateLimited("Telegram asks to slow down.", retry_at=datetime.now(UTC) + wait)
    if status == 403:
        return Forbidden(words or said)
    if status == 400:
        chat = _parameters(answer).get("migrate_to_chat_id")
        if isinstance(chat, int) and not isinstance(chat, bool):
            return Migrated(said, chat)
        return Rejected(said)
    return None


def _parameters(answer: Answer) -> Mapping[str, Any]:
    try:
        data = answer.json()
    except BadPayload:
        return {}
    found = data.get("parameters") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


class Api:
    """One bot's calls. Make it with `connect`."""

    def __init__(self, session: Session, token: str) -> None:
        self._session = session
        self._token = token

    @property
    def bot(self) -> int | None:
        """The bot's id as its token begins with; None for a token of another make."""
        number = self._token.partition(":")[0]
        return int(number) if number.isdigit() else None

    async def get(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Read: the `result` of a method. Raises `ChannelError`."""
        query: dict[str, str | int] = {}
        for name, value in (params or {}).items():
            query[name] = value if isinstance(value, int) else _text(value)
        return _result(await self._session.get(self._path(method), query), method)

    async def post(self, method: str, body: Mapping[str, Any], *, safe: bool = False) -> Any:
        """Write: the `result` of a method. `safe` marks one that may be repeated. Raises as `Session.post` does."""
        return _result(await self._session.post(self._path(method), data=dict(body), safe=safe), method)

    async def hand_in(self, method: str, content: bytes, headers: Mapping[str, str]) -> Any:
        """Write with a file: `content` is the whole form. Raises as `post` does."""
        return _result(await self._session.post(self._path(method), content=content, headers=headers), method)

    def address_of(self, path: str) -> str:
        """Where a file is that `getFile` named; the address holds the token. Raises `BadPayload` for a strange path."""
        if path.startswith("/") or "\\" in path or any(part in ("", ".", "..") for part in path.split("/")):
            raise BadPayload("Telegram named a file that cannot be fetched.", field="file_path")
        return f"{self._session.base_url}/file/bot{self._token}/{quote(path)}"

    def _path(self, method: str) -> str:
        return f"/bot{self._token}/{method}"


async def connect(ctx: ChannelContext) -> Api:
    """Calls as the bot whose token is in the keyring. Raises `AuthError`, `Misconfigured`, `SecretError`."""
    token = OAuthSecret.parse(await ctx.secret.get()).access_token
    if not _TOKEN.fullmatch(token):
        raise Misconfigured("What is stored is not the token of a Telegram bot.", hint=_HINT)
    return Api(ctx.http.session(ctx.account.server or SERVER, budget=ctx.budget, classify=classify), token)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _result(answer: Answer, method: str) -> Any:
    """What a call brought. Raises `BadPayload`; `from None`, because the first error names the address."""
    try:
        data = answer.json()
    except BadPayload:
        raise BadPayload(f"{answer.host} answered {method} with something that is not JSON.") from None
    if not isinstance(data, dict) or data.get("ok") is not True or "result" not in data:
        words = clean_line(str(data.get("description", ""))) if isinstance(data, dict) else ""
        raise BadPayload(f"{answer.host} answered {method} without a result{f': {words}' if words else '.'}")
    return data["result"]
