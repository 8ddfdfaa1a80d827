"""Fetching pictures, video and audio that strangers point to: never into our own network, never with a login.

Addresses come from what residents posted. So only `https` to public addresses is asked; the address that a name stands
for is looked up once, judged, and then that very address is connected to, so that a name cannot become another one in
between; every redirect is judged anew. The account's own configured server may be anywhere, on this machine too.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from socialtriage.channels.answers import rate_limit_reset
from socialtriage.channels.http import Http
from socialtriage.domain.errors import Misconfigured
from socialtriage.domain.filetypes import ENOUGH, FileType, file_type
from socialtriage.domain.models import MediaState

MOST_REDIRECTS = 5
CHUNK = 256 * 1024
"""Bytes that are written at once."""
GONE = {
    401: "needs a login by now",
    403: "no longer opens",
    404: "is gone",
    410: "is gone",
}
"""What an answer means for a link that was good when the message came; links of many networks expire."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Got:
    """How one download ended. `PENDING` may be tried again, after `retry_at` where the server said so."""

    state: MediaState
    why: str = ""
    size: int = 0
    sha256: str = ""
    type: FileType | None = None
    retry_at: datetime | None = None


class _Refused(Exception):
    """An address that is not asked."""


class _Unresolved(Exception):
    """A name that stands for no address just now."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a name. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, an IPv4 address inside an IPv6 one included."""
    try:
        ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in ipaddress.IPv6Network("64:ff9b::/96"):
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None and not is_public(str(inside)):
            return False
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class Downloads:
    """Downloads for one account. `server` is its configured one; `resolve` is the seam for tests."""

    def __init__(self, http: Http, server: str | None = None, resolve: Resolve = look_up) -> None:
        self._http = http
        self._own = _split(server) if server and "://" in server else _split(f"https://{server}") if server else None
        self._resolve = resolve

    async def fetch(
        self, url: str, file: BinaryIO, *, limit: int, seconds: float, typed: bool = True, led: bool = False
    ) -> Got:
        """Stream what `url` holds into `file`, at most `limit` bytes and so many seconds; never raises for a server.

        Without `typed` it may be anything: a part of a file. `led`: a fetched file named the address, which is then
        judged like a redirect.
        """
        try:
            async with asyncio.timeout(max(0.1, seconds)):
                return await self._follow(url, file, limit, typed, led)
        except _Refused as exc:
            return Got(MediaState.REFUSED, str(exc))
        except _Unresolved as exc:
            return Got(MediaState.PENDING, f"No address is known for {exc}.")
        except (TimeoutError, httpx.TimeoutException):
            return Got(MediaState.PENDING, f"{_host(url)} took too long.")
        except Misconfigured as exc:
            return Got(MediaState.PENDING, exc.message)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            return Got(MediaState.PENDING, f"The connection to {_host(url)} failed or broke off.")

    async def _follow(self, url: str, file: BinaryIO, limit: int, typed: bool, led: bool) -> Got:
        for step in range(MOST_REDIRECTS + 1):
            led = led or step > 0
            parts = self._allowed(url, redirected=led)
            request = self._request(parts, await self._address(parts, redirected=led))
            response = await self._http.client.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    return await _taken(response, parts.hostname or "", file, limit, typed)
                url = urljoin(parts.geturl(), response.headers["location"])
            finally:
                await response.aclose()
        raise _Refused("The link leads from one address to the next without an end.")

    # --- where to -----------------------------------------------------------------------------------------

    def _allowed(self, url: str, *, redirected: bool) -> SplitResult:
        """The parts of an address that may be asked. Raises `_Refused`."""
        parts = _split(url)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise _Refused("The link is not the address of a file on the web.")
        if "@" in parts.netloc:
            raise _Refused("The link holds a login.")
        if parts.scheme == "http" and not self._is_own(parts, redirected=redirected):
            raise _Refused("The link is not encrypted.")
        return parts

    def _is_own(self, parts: SplitResult, *, redirected: bool) -> bool:
        """Whether this is the account's own server. A redirect has to name its port too: whoever chooses where a
        redirect leads must not choose among everything that listens there.
        """
        own = self._own
        if own is None or parts.hostname != own.hostname:
            return False
        return not redirected or _port(parts) == _port(own)

    async def _address(self, parts: SplitResult, *, redirected: bool) -> str | None:
        """The address to connect to; None for by name, where it is the own server or a proxy goes there for us.

        Raises `_Refused` for one that is not public.
        """
        host = parts.hostname or ""
        if self._is_own(parts, redirected=redirected):
            return None
        proxied = _proxied(parts)
        try:
            addresses = await self._resolve(host, _port(parts))
        except (OSError, UnicodeError) as exc:
            if proxied:
                return None
            raise _Unresolved(host) from exc
        if not addresses:
            raise _Unresolved(host)
        for address in addresses:
            if not is_public(address):
                raise _Refused(f"{host} is not a public address.")
        return None if proxied else addresses[0]

    def _request(self, parts: SplitResult, address: str | None) -> httpx.Request:
        """A request to that address, with the certificate and the Host of the name."""
        url = httpx.URL(parts._replace(fragment="").geturl())
        headers = {"Accept": "image/*, video/*, audio/*, */*;q=0.5", "Accept-Encoding": "identity"}
        headers["Host"] = url.netloc.decode("ascii")
        extensions = {}
        if address is not None:
            extensions["sni_hostname"] = url.raw_host.decode("ascii")
            url = url.copy_with(host=address)
        return self._http.client.build_request("GET", url, headers=headers, extensions=extensions)


async def _taken(response: httpx.Response, host: str, file: BinaryIO, limit: int, typed: bool) -> Got:
    """What the answer means; its body goes into the file, as long as it is a kind that is kept and not too large."""
    if response.status_code != 200:
        return _without(response, host, response.status_code)
    said = response.headers.get("content-length", "")
    if said.isdigit() and int(said) > limit:
        return Got(MediaState.TOO_LARGE, f"It has {int(said):,} bytes, the limit is {limit:,}.")
    digest, size, found = hashlib.sha256(), 0, None
    judged = not typed
    buffer = bytearray()

    def write() -> None:
        digest.update(buffer)
        file.write(buffer)
        buffer.clear()

    # Raw: an answer that is compressed although that was not asked for could unfold into anything.
    async for part in response.aiter_raw():
        size += len(part)
        if size > limit:
            return Got(MediaState.TOO_LARGE, f"It has more than {limit:,} bytes.")
        buffer += part
        if not judged and len(buffer) >= ENOUGH:
            found, judged = file_type(bytes(buffer[:ENOUGH])), True
            if found is None:
                return _not_kept(host)
        if len(buffer) >= CHUNK:
            await asyncio.to_thread(write)
    if not size:
        return Got(MediaState.PENDING, f"{host} answered with nothing.")
    if not judged and (found := file_type(bytes(buffer))) is None:
        return _not_kept(host)
    await asyncio.to_thread(write)
    return Got(MediaState.KEPT, size=size, sha256=digest.hexdigest(), type=found)


def _not_kept(host: str) -> Got:
    return Got(MediaState.REFUSED, f"What {host} sent is no picture, video, sound or PDF.")


def _without(response: httpx.Response, host: str, status: int) -> Got:
    """What an answer without the file means."""
    if status in GONE:
        return Got(MediaState.EXPIRED, f"The link {GONE[status]}: {host} answered {status}.")
    if status == 451:
        return Got(MediaState.WITHHELD, f"{host} withholds it (451).")
    got = Got(MediaState.PENDING, f"{host} answered {status}.")
    if status == 429 or status >= 500:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return replace(got, retry_at=rate_limit_reset(headers, datetime.now(UTC)))
    return got if status in (202, 408, 425) else replace(got, state=MediaState.REFUSED)


def _proxied(parts: SplitResult) -> bool:
    """Whether the environment sends this through a proxy: then it connects, and judges, in our place."""
    proxies = getproxies()
    return bool(proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(parts.netloc)


def _split(url: str | None) -> SplitResult | None:
    try:
        parts = urlsplit(url or "")
        _ = parts.port
    except ValueError:
        return None
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (80 if parts.scheme == "http" else 443)


def _host(url: str) -> str:
    parts = _split(url)
    return (parts.hostname if parts else None) or "the server"
