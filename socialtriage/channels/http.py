"""The only user of httpx: one shared client, one retry policy, foreign errors mapped once.

Facts about retrying: reads are repeated inside the account's budget; a write is repeated only when it surely
did not leave (no connection). A write that left and brought no answer is `AnswerLost`.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx
import stamina

from socialtriage import __version__
from socialtriage.domain.errors import (
    AnswerLost,
    AuthError,
    BadPayload,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
    Unavailable,
)

Params: TypeAlias = Mapping[str, str | int | Sequence[str]]
Classify: TypeAlias = Callable[["Answer"], ChannelError | None]

MAX_BODY = 32 * 1024 * 1024
"""Bytes of an answer that are read at most."""
READS = frozenset({"GET", "HEAD"})
PATIENCE = 10.0
"""Longest wait, in seconds, that a retry inside a pass accepts from a server."""


@dataclass(slots=True)
class Budget:
    """Seconds an account may use in one pass, and how many requests it made."""

    seconds: float = 30.0
    requests: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.seconds - (time.monotonic() - self.started))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `headers` has lower-case names; of repeated ones the values are joined with `, `."""

    method: str
    url: str
    """Without its query, so that it can be shown and logged."""
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def host(self) -> str:
        """The server's name, for messages."""
        return urlsplit(self.url).netloc

    def json(self) -> Any:
        """The body as JSON, lone surrogates included. Raises `BadPayload`."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            raise BadPayload(
                f"{self.host} answered {self.method} {urlsplit(self.url).path} with something that is not JSON.",
                hint="If it stays, check the account's `server`.",
            ) from exc

    def error_field(self, *names: str) -> str:
        """The first of `names` in a JSON error body, as text; empty where there is none."""
        try:
            data = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        if isinstance(data, dict):
            for name in names:
                if isinstance(data.get(name), str):
                    return str(data[name])[:300]
        return ""


def retry_after_seconds(value: str, now: datetime) -> float | None:
    """Seconds of a Retry-After value: a number or an HTTP date; the first where two were joined into one."""
    first = value.split(",")[0].strip() if not value[:3].isalpha() else value
    try:
        return max(0.0, float(first))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds())


def rate_limit_reset(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When a 429 says calls are welcome again: Retry-After, or a reset header in epoch seconds or ISO 8601."""
    if value := headers.get("retry-after"):
        seconds = retry_after_seconds(value, now)
        if seconds is not None:
            return now + timedelta(seconds=min(seconds, 86_400))
    for name in ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            when = datetime.fromtimestamp(float(value), UTC)
        except (ValueError, OverflowError, OSError):
            try:
                when = datetime.fromisoformat(value)
            except ValueError:
                continue
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return min(max(when, now), now + timedelta(days=1))
    return None


def default_classify(answer: Answer) -> ChannelError | None:
    """What a status means where the network has no better rule."""
    where = f"{answer.host} answered {answer.status}"
    words = answer.error_field("error_description", "error", "message", "detail")
    said = f'{where}: "{words}".' if words else f"{where}."
    if answer.status < 300:
        return None
    now = datetime.now(UTC)
    if answer.status == 429:
        return RateLimited(f"{answer.host} asks to slow down.", retry_at=rate_limit_reset(answer.headers, now))
    if answer.status >= 500:
        after = answer.headers.get("retry-after")
        return Unavailable(said, retry_after=retry_after_seconds(after, now) if after else None)
    if answer.status == 401:
        return AuthError(said, hint="Sign in again: socialtriage accounts login.")
    if answer.status == 403:
        return NotPermitted(said, hint="The login lacks a permission for this.")
    if answer.status < 400:
        return Misconfigured(f"{where}, a redirect.", hint="Check the account's `server`.")
    return Rejected(said)


def is_loopback(host: str) -> bool:
    """Whether plain http may be spoken to `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Http:
    """The shared client. Create one per process run; `aclose` it at the end.

    `transport` is the seam for tests (an `httpx.MockTransport`).
    """

    def __init__(self, *, transport: httpx.AsyncBaseTransport | None = None, ca_file: str | None = None) -> None:
        verify: Any = True
        if ca_file and transport is None:
            import ssl

            verify = ssl.create_default_context(cafile=ca_file)
        self._client = httpx.AsyncClient(
            transport=transport,
            verify=verify,
            timeout=httpx.Timeout(20.0, connect=10.0),
            follow_redirects=False,
            headers={"User-Agent": f"socialtriage/{__version__}"},
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
        )

    def session(
        self,
        base_url: str,
        *,
        budget: Budget | None = None,
        classify: Classify | None = None,
    ) -> Session:
        """Calls to one server. Raises `Misconfigured` when `base_url` is plain http to another machine."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misconfigured(f"{base_url!r} is not the address of a server.", hint="Write https://….")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise Misconfigured(f"{base_url} would send the login unencrypted.", hint="Write https://….")
        return Session(self._client, base_url.rstrip("/"), budget or Budget(), classify)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


class Session:
    """Calls to one server for one account: headers, classification of answers, retries inside the budget."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, budget: Budget, classify: Classify | None) -> None:
        self._client = client
        self.base_url = base_url
        self.budget = budget
        self.headers: dict[str, str] = {}
        self._classify = classify

    async def get(self, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Read, with retries. Raises `ChannelError`."""
        return await self.request("GET", path, params=params, headers=headers)

    async def post(
        self,
        path: str,
        *,
        data: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        safe: bool = False,
    ) -> Answer:
        """Write: `data` as JSON, `form`, or raw `content`. `safe` marks a call that may be repeated like a read."""
        return await self.request(
            "POST", path, params=params, headers=headers, data=data, form=form, content=content, safe=safe
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        safe: bool = False,
    ) -> Answer:
        """One call with the retry policy. `path` may be a whole URL of the same server (a Link header).

        Raises `ChannelError`, for a write `AnswerLost` when it may have been carried out.
        """
        url = self._url(path)
        repeatable = safe or method in READS
        request = self._client.build_request(
            method,
            url,
            params={k: v if isinstance(v, str | int) else list(v) for k, v in params.items()} if params else None,
            headers={**self.headers, **(headers or {})},
            json=data,
            data=dict(form) if form is not None else None,
            content=content,
        )
        async for attempt in stamina.retry_context(
            on=lambda exc: self._again(exc, repeatable),
            attempts=3,
            timeout=max(0.1, self.budget.left),
            wait_initial=0.3,
            wait_jitter=0.3,
            wait_max=3.0,
        ):
            with attempt:
                return await self._once(request, repeatable)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _url(self, path: str) -> str:
        if "://" not in path:
            return f"{self.base_url}/{path.lstrip('/')}"
        ours, theirs = urlsplit(self.base_url), urlsplit(path)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise BadPayload(f"{ours.netloc} pointed to another server ({theirs.netloc}); not followed.")
        return path

    def _again(self, exc: Exception, repeatable: bool) -> bool | float:
        """Whether, or after how many seconds, to try again."""
        if isinstance(exc, _NotConnected):
            return self.budget.left > 1
        if not repeatable:
            return False
        if isinstance(exc, RateLimited):
            if exc.retry_at is None:
                return False
            wait = (exc.retry_at - datetime.now(UTC)).total_seconds()
            return max(0.05, wait) if wait <= min(PATIENCE, self.budget.left - 1) else False
        if isinstance(exc, Unavailable):
            if exc.retry_after is None:
                return self.budget.left > 1
            return exc.retry_after if exc.retry_after <= min(PATIENCE, self.budget.left - 1) else False
        return False

    async def _once(self, request: httpx.Request, repeatable: bool) -> Answer:
        self.budget.requests += 1
        async with _mapped(request, repeatable):
            response = await self._client.send(request, stream=True)
            try:
                body = await _read(response)
            finally:
                await response.aclose()
        answer = Answer(
            method=request.method,
            url=str(request.url.copy_with(query=None)),
            status=response.status_code,
            headers={k.lower(): v for k, v in response.headers.items()},
            body=body,
        )
        error = (self._classify(answer) if self._classify else None) or default_classify(answer)
        if error is None:
            return answer
        if not repeatable and isinstance(error, Unavailable):
            # A 5xx after a write may hide a write that was carried out.
            raise AnswerLost(error.message) from error
        raise error


class _NotConnected(Unavailable):
    """Nothing left this machine."""


@asynccontextmanager
async def _mapped(request: httpx.Request, repeatable: bool) -> AsyncIterator[None]:
    host = request.url.netloc.decode("ascii", "replace")
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
        raise _NotConnected(f"No connection to {host}.", hint="Check the network; it is tried again.") from exc
    except (
        httpx.TimeoutException,
        httpx.NetworkError,
        httpx.RemoteProtocolError,
        httpx.DecodingError,
    ) as exc:
        what = "took too long" if isinstance(exc, httpx.TimeoutException) else "broke off its answer"
        if repeatable:
            raise Unavailable(f"{host} {what}.") from exc
        raise AnswerLost(f"{host} {what} after the data had been sent.") from exc
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise Unavailable(f"{host} could not be reached ({type(exc).__name__}).") from exc


async def _read(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_BODY:
            raise BadPayload(f"{response.url.host} sent more than {MAX_BODY // 2**20} MB in one answer.")
        parts.append(part)
    return b"".join(parts)
