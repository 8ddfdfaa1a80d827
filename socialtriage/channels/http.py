"""The only user of httpx: one shared client, one retry policy, foreign errors mapped once.

Facts about retrying: reads are repeated inside the account's budget; a write is repeated only when it surely
did not leave (no connection). A write that left and brought no answer is `AnswerLost`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeAlias
from urllib.parse import SplitResult, urlsplit

import httpx
import stamina

from socialtriage import __version__
from socialtriage.channels.allowance import Allowances
from socialtriage.channels.answers import Answer, default_classify, rate_limit_reset, retry_after_seconds
from socialtriage.domain.errors import (
    AnswerLost,
    BadPayload,
    ChannelError,
    Misconfigured,
    RateLimited,
    Rejected,
    Unavailable,
)

__all__ = [
    "MAX_BODY",
    "Answer",
    "Budget",
    "Classify",
    "Http",
    "Params",
    "Session",
    "default_classify",
    "is_loopback",
    "rate_limit_reset",
    "retry_after_seconds",
]

Params: TypeAlias = Mapping[str, str | int | Sequence[str]]
Classify: TypeAlias = Callable[[Answer], ChannelError | None]

MAX_BODY = 32 * 1024 * 1024
"""Bytes of an answer that are read at most."""
READS = frozenset({"GET", "HEAD"})
PATIENCE = 10.0
"""Longest wait, in seconds, that a retry inside a pass accepts from a server."""
WRITE_TIME = 30.0
"""Seconds a write may take from first to last byte: cutting it short earlier would only leave its outcome unknown."""
SLOWEST = 50_000
"""Bytes a second at which a picture is still handed in in time: its seconds come on top of the others."""

_DIRECT: Mapping[str, None] = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
"""A proxy of the environment never sees what is meant for this machine."""

# Libraries that would write to the terminal (no handler is set up while the screen runs) or log whole addresses,
# and with some networks a token is part of the address.
logging.getLogger("stamina").addHandler(logging.NullHandler())
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(slots=True)
class Budget:
    """Seconds an account may use in one pass, how many requests it made, and what the answers said is left."""

    seconds: float = 30.0
    requests: int = 0
    allowances: Allowances = field(default_factory=Allowances)
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.seconds - (time.monotonic() - self.started))


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

    `transport` is the seam for tests (an `httpx.MockTransport`). A `ca_file` or a proxy of the environment that cannot
    be used is the fault of each account that asks for a session. No cookie is kept: accounts on one server share the
    client, and nothing else.
    """

    def __init__(self, *, transport: httpx.AsyncBaseTransport | None = None, ca_file: str | None = None) -> None:
        self._client: httpx.AsyncClient | None = None
        self._fault: Misconfigured | None = None
        try:
            self._client = _client(transport, ca_file)
        except Misconfigured as exc:
            self._fault = exc

    @property
    def client(self) -> httpx.AsyncClient:
        """The client itself, for `download`. Raises `Misconfigured` when it could not be made."""
        if self._client is None:
            fault = self._fault or Misconfigured("There is no connection to the network.")
            raise Misconfigured(fault.message, hint=fault.hint) from fault
        return self._client

    def session(
        self,
        base_url: str,
        *,
        budget: Budget | None = None,
        classify: Classify | None = None,
    ) -> Session:
        """Calls to one server. Raises `Misconfigured` when `base_url` is plain http to another machine."""
        client = self.client
        parts = _split(base_url)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misconfigured(f"{base_url!r} is not the address of a server.", hint="Write https://….")
        if "@" in parts.netloc:
            raise Misconfigured(
                f"The address of {parts.hostname} must not hold a login.", hint="Store it with `accounts login`."
            )
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise Misconfigured(f"{base_url} would send the login unencrypted.", hint="Write https://….")
        return Session(client, base_url.rstrip("/"), budget or Budget(), classify)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.aclose()


def _client(transport: httpx.AsyncBaseTransport | None, ca_file: str | None) -> httpx.AsyncClient:
    """The client of httpx. Raises `Misconfigured` for certificates or a proxy that cannot be used."""
    verify: Any = True
    if ca_file and transport is None:
        try:
            verify = ssl.create_default_context()
            # Beside the system's authorities, not in their place.
            verify.load_verify_locations(cafile=ca_file)
        except OSError as exc:
            raise Misconfigured(f"The certificates in {ca_file} cannot be read.", hint="Check `ca_file`.") from exc
    try:
        return httpx.AsyncClient(
            transport=transport,
            mounts=None if transport else _DIRECT,
            verify=verify,
            timeout=httpx.Timeout(20.0, connect=10.0),
            follow_redirects=False,
            headers={"User-Agent": f"socialtriage/{__version__}"},
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
        )
    except (ImportError, ValueError) as exc:
        raise Misconfigured(
            "The proxy named by the environment cannot be used.", hint="Check HTTPS_PROXY and ALL_PROXY."
        ) from exc


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
        with _buildable(url):
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
        if "://" not in path.split("?")[0]:
            return f"{self.base_url}/{path.lstrip('/')}"
        theirs = _split(path)
        if theirs is None or _origin(theirs) != _origin(urlsplit(self.base_url)):
            where = theirs.netloc if theirs else "an address that is none"
            raise BadPayload(f"{urlsplit(self.base_url).netloc} pointed to another server ({where}); not followed.")
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
        async with _mapped(request, repeatable), asyncio.timeout(self._time(repeatable, request)):
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
        if answer.large:
            answer = await asyncio.to_thread(answer.read_ahead)
        self.budget.allowances.read(answer.headers)
        error = (self._classify(answer) if self._classify else None) or default_classify(answer)
        if error is None:
            return answer
        if not repeatable and isinstance(error, Unavailable):
            # A 5xx after a write may hide a write that was carried out.
            raise AnswerLost(error.message) from error
        raise error

    def _time(self, repeatable: bool, request: httpx.Request) -> float:
        """Seconds for one try: a read ends with the account's budget, however slowly its answer drips in."""
        if repeatable:
            return max(0.5, self.budget.left)
        return WRITE_TIME + int(request.headers.get("content-length", 0)) / SLOWEST


_UNSENDABLE = "The login for {} holds characters that none can have."


class _NotConnected(Unavailable):
    """Nothing left this machine."""


class _TooLarge(Exception):
    """The answer is longer than is read."""


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


@contextmanager
def _buildable(url: str) -> Iterator[None]:
    """Maps what can go wrong before anything leaves: characters that no header, address or body may hold."""
    try:
        yield
    except UnicodeEncodeError as exc:
        if exc.encoding == "ascii":
            # `from None`: the codec's error holds the header, and the header the login.
            raise Misconfigured(_UNSENDABLE.format(urlsplit(url).netloc), hint="Sign in again.") from None
        raise Rejected("The text holds characters that cannot be sent.") from exc
    except httpx.InvalidURL as exc:
        raise BadPayload(f"An address at {urlsplit(url).netloc} cannot be called.") from exc


@asynccontextmanager
async def _mapped(request: httpx.Request, repeatable: bool) -> AsyncIterator[None]:
    host = request.url.netloc.decode("ascii", "replace")
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
        raise _not_connected(host, exc) from exc
    except httpx.LocalProtocolError:
        # `from None`: the error quotes the header, and the header holds the login.
        raise Misconfigured(_UNSENDABLE.format(host), hint="Sign in again.") from None
    except (
        TimeoutError,
        httpx.TimeoutException,
        httpx.NetworkError,
        httpx.RemoteProtocolError,
        httpx.DecodingError,
        _TooLarge,
    ) as exc:
        what = _what_broke(exc)
        if not repeatable:
            raise AnswerLost(f"{host} {what} after the data had been sent.") from exc
        if isinstance(exc, _TooLarge):
            raise BadPayload(f"{host} {what}.") from exc
        raise Unavailable(f"{host} {what}.") from exc
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise Unavailable(f"{host} could not be reached ({type(exc).__name__}).") from exc


def _not_connected(host: str, exc: httpx.HTTPError) -> _NotConnected:
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message.rstrip(".")
            hint = "Check the address, and `ca_file` where a proxy or the server has a certificate of its own."
            return _NotConnected(f"The certificate of {host} cannot be trusted: {why}.", hint=hint)
        cause = cause.__cause__ or cause.__context__
    return _NotConnected(f"No connection to {host}.", hint="Check the network; it is tried again.")


def _what_broke(exc: Exception) -> str:
    if isinstance(exc, _TooLarge):
        return f"sent more than {MAX_BODY // 2**20} MB in one answer"
    return "took too long" if isinstance(exc, TimeoutError | httpx.TimeoutException) else "broke off its answer"


async def _read(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_BODY:
            raise _TooLarge
        parts.append(part)
    return b"".join(parts)
