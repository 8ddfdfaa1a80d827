"""The listener on this machine that a browser brings the code of a sign-in to (RFC 8252, section 7.3).

It answers on 127.0.0.1 alone, to the one address that is registered at the vendor, and takes nothing but the state of
this sign-in; its pages hold nothing that was sent to it.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from socialtriage.channels.oauth_signin import AGAIN
from socialtriage.domain.errors import AuthError

LONGEST = 16_384
"""Bytes of a request that are read."""
SECONDS = 10.0
"""Seconds that a browser may take to say what it wants."""
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>socialtriage</title>'
    '<body style="font: 1.2rem sans-serif; margin: 4rem"><p>{}</p></body></html>'
)
_DONE = "The sign-in has arrived. Close this page and go back to socialtriage."
_REFUSED = "The access was not allowed. Close this page and go back to socialtriage."
_OTHER = "This page belongs to another sign-in. Start again in socialtriage."


class Listener:
    """`async with Listener(redirect, state) as listener:`, then `await listener.code()`."""

    def __init__(self, redirect: str, state: str) -> None:
        parts = urlsplit(redirect)
        self._port = parts.port or 80
        self._path = parts.path or "/"
        self._state = state
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def listening(self) -> bool:
        """Whether the port could be had; otherwise the code has to be pasted."""
        return self._server is not None

    async def __aenter__(self) -> Listener:
        try:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=LONGEST)
        except OSError:
            self._server = None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            # A browser may hold a connection open that it never uses.
            for writer in self._open:
                writer.close()
            await self._server.wait_closed()
        if self._found.done() and not self._found.cancelled():
            self._found.exception()

    async def code(self) -> str:
        """The code, when it comes. Raises `AuthError` when the access was refused in the browser."""
        return await self._found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            async with asyncio.timeout(SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                status, words, outcome = self._judged(head)
                body = _PAGE.format(words).encode()
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
                    "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n".encode()
                )
                writer.write(body)
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            self._open.discard(writer)
            writer.close()
        # Only now: whoever waits may close the program before the page has left.
        self._settle(outcome)

    def _judged(self, head: bytes) -> tuple[str, str, str | AuthError | None]:
        """Status, words for the reader, and what became of the sign-in (None: nothing)."""
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        try:
            target = urlsplit(words[1] if len(words) == 3 else "")
        except ValueError:  # anything on this machine may knock, with an address that is none
            target = urlsplit("")
        if target.path != self._path:
            return "404 Not Found", _OTHER, None
        if words[0] != "GET":
            return "405 Method Not Allowed", _OTHER, None
        query = parse_qs(target.query)
        if query.get("state") != [self._state]:
            return "400 Bad Request", _OTHER, None
        if query.get("code", [""])[0]:
            return "200 OK", _DONE, query["code"][0]
        return "200 OK", _REFUSED, AuthError("The access was not allowed in the browser.", hint=AGAIN)

    def _settle(self, outcome: str | AuthError | None) -> None:
        if outcome is None or self._found.done():
            return
        if isinstance(outcome, AuthError):
            self._found.set_exception(outcome)
        else:
            self._found.set_result(outcome)
