"""The one user of httpx: what is tried again, what is never sent twice, and what no server can make us do."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import stamina

from socialtriage.channels.answers import Answer, rate_limit_reset, retry_after_seconds
from socialtriage.channels.http import MAX_BODY, Budget, Http, Session, is_loopback
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

T = TypeVar("T")
BASE = "https://social.example"
NOW = datetime(2026, 11, 22, 4, 1, 0, tzinfo=UTC)
Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


def talk(handler: Handler, story: Callable[[Session], Awaitable[T]], budget: Budget | None = None) -> T:
    """Run `story` on a session whose server is `handler`."""

    async def run() -> T:
        http = Http(transport=httpx.MockTransport(handler))
        try:
            session = http.session(BASE, budget=budget)
            session.headers["Authorization"] = "Bearer secret-token"
            return await story(session)
        finally:
            await http.aclose()

    return asyncio.run(run())


class Script:
    """Gives its answers one after another, and counts."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def said(status: int, headers: dict[str, str] | None = None, **rest: Any) -> httpx.Response:
    return httpx.Response(status, headers=headers, **rest)


async def read(session: Session) -> Answer:
    return await session.get("/x")


async def write(session: Session) -> Answer:
    return await session.post("/x", data={"text": "hello"})


# --- trying again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [said(500), said(503), said(503, {"Retry-After": "2"}), httpx.ReadError("cut"), httpx.ReadTimeout("slow")],
    ids=str,
)
def test_a_read_is_repeated(trouble: httpx.Response | Exception) -> None:
    script = Script(trouble, trouble, said(200, json={"ok": 1}))
    assert talk(script, read).json() == {"ok": 1}
    assert len(script.seen) == 3


def test_a_read_is_given_up_after_three_tries() -> None:
    script = Script(said(502, text="<html>Bad gateway</html>"))
    with pytest.raises(Unavailable) as caught:
        talk(script, read)
    assert len(script.seen) == 3
    assert "<html>" not in str(caught.value)


@pytest.mark.parametrize(
    "trouble",
    [
        said(500),
        said(503, {"Retry-After": "1"}),
        httpx.ReadError("cut"),
        httpx.WriteError("cut"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("gone"),
        httpx.DecodingError("nonsense"),
    ],
    ids=str,
)
def test_a_write_that_left_is_never_repeated(trouble: httpx.Response | Exception) -> None:
    script = Script(trouble)
    with pytest.raises(AnswerLost):
        talk(script, write)
    assert len(script.seen) == 1


@pytest.mark.parametrize("trouble", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no")])
def test_a_write_that_did_not_leave_is_repeated_and_is_not_lost(trouble: Exception) -> None:
    script = Script(trouble, said(200, json={}))
    assert talk(script, write).status == 200
    with pytest.raises(Unavailable):
        talk(Script(trouble), write)


def test_a_write_that_may_be_repeated_like_a_read() -> None:
    script = Script(said(500), said(200, json={}))

    async def story(session: Session) -> Answer:
        return await session.post("/x", form={"a": "b"}, safe=True)

    assert talk(script, story).status == 200


@pytest.mark.parametrize(
    ("status", "error"),
    [(301, Misconfigured), (400, Rejected), (401, AuthError), (403, NotPermitted), (404, Rejected), (422, Rejected)],
)
def test_refusals_are_final(status: int, error: type[ChannelError]) -> None:
    for call in (read, write):
        script = Script(said(status, json={"error": "words"}))
        with pytest.raises(error):
            talk(script, call)
        assert len(script.seen) == 1


# --- waiting --------------------------------------------------------------------------------------------------


def test_a_short_wait_is_waited_for_inside_the_pass() -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    script = Script(said(429, {"X-RateLimit-Reset": soon}), said(200, json={}))
    assert talk(script, read).status == 200


@pytest.mark.parametrize("header", [{"Retry-After": "120"}, {"X-RateLimit-Reset": "2999-01-01T00:00:00Z"}, {}])
def test_a_long_wait_ends_the_pass(header: dict[str, str]) -> None:
    script = Script(said(429, header))
    with pytest.raises(RateLimited) as caught:
        talk(script, read)
    assert len(script.seen) == 1
    if header:
        assert caught.value.retry_at is not None
        assert caught.value.retry_at <= datetime.now(UTC) + timedelta(days=1)


def test_a_wait_longer_than_the_budget_ends_the_pass() -> None:
    script = Script(said(503, {"Retry-After": "8"}))
    with pytest.raises(Unavailable) as caught:
        talk(script, read, Budget(5))
    assert len(script.seen) == 1
    assert caught.value.retry_after == 8


def test_a_limited_write_was_not_made_and_is_not_repeated() -> None:
    script = Script(said(429, {"Retry-After": "1"}))
    with pytest.raises(RateLimited):
        talk(script, write)
    assert len(script.seen) == 1


def test_requests_are_counted_with_their_repeats() -> None:
    budget = Budget(30)
    talk(Script(said(500), said(200, json={})), read, budget)
    assert budget.requests == 2


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("1.5", 1.5),
        ("-3", 0),
        ("120, Sun, 22 Nov 2026 04:03:00 GMT", 120),
        ("Sun, 22 Nov 2026 04:03:00 GMT, 7", 120),
        ("Sun, 22 Nov 2026 04:03:00 GMT", 120),
        ("Sun, 22 Nov 2020 04:03:00 GMT", 0),
        ("Sun, 22 Nov 2026 04:03:00 GMT, Sun, 22 Nov 2026 05:03:00 GMT", 120),
        ("9" * 400, 86_400),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("Sun, 99 Nov 2026 04:03:00 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset": "2026-11-22T04:06:00.000Z"}, 300),
        ({"x-ratelimit-reset": "2026-11-22T04:06:00.000Z", "date": "Sun, 22 Nov 2026 04:05:00 GMT"}, 60),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 30)}, 30),
        ({"ratelimit-reset": str(int(NOW.timestamp()) + 30)}, 30),
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) - 30)}, 0),
        ({"retry-after": "9", "x-ratelimit-reset": "2026-11-22T04:06:00.000Z"}, 9),
        ({"x-ratelimit-reset": "9" * 30}, None),
        ({"x-ratelimit-reset": "tomorrow"}, None),
        ({"x-ratelimit-reset": "2026-11-29T04:06:00"}, 86_400),
        ({}, None),
    ],
)
def test_when_calls_are_welcome_again(headers: dict[str, str], seconds: float | None) -> None:
    found = rate_limit_reset(headers, NOW)
    assert found == (None if seconds is None else NOW + timedelta(seconds=seconds))


# --- secrets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "http://social.example",
        "http://192.0.2.1",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "ftp://social.example",
        "social.example",
        "https://",
        "https://social.example:99999",
        "http://[::1",
        "https://user:pass@social.example",
    ],
)
def test_addresses_that_are_no_server(address: str) -> None:
    async def story() -> None:
        http = Http()
        try:
            with pytest.raises(Misconfigured) as caught:
                http.session(address)
            assert "pass@" not in str(caught.value)
        finally:
            await http.aclose()

    asyncio.run(story())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_plain_http_is_for_this_machine(host: str) -> None:
    assert is_loopback(host)


def test_the_token_goes_to_its_own_server_alone() -> None:
    script = Script(said(200, json={}))

    async def story(session: Session) -> None:
        for address in (
            "https://other.example/x",
            "http://social.example/x",
            "https://social.example:8443/x",
            "https://social.example.other.example/x",
            "https://social.example@other.example/x",
            "https://[bad/x",
        ):
            with pytest.raises(BadPayload):
                await session.get(address)
        await session.get("https://SOCIAL.example:443/api?max_id=3")
        await session.get("//other.example/x")
        await session.get("/search", {"q": "https://other.example/x"})
        await session.get("/redirect?to=https://other.example/x")

    talk(script, story)
    assert {request.url.host for request in script.seen} == {"social.example"}


def test_a_redirect_is_not_followed() -> None:
    script = Script(said(302, {"Location": "https://other.example/"}))
    with pytest.raises(Misconfigured):
        talk(script, read)
    assert len(script.seen) == 1


@pytest.mark.parametrize("token", ["sch\u00f6n", "two\nlines", "nul\x00"])
def test_a_token_that_no_header_can_hold(token: str) -> None:
    async def story() -> None:
        async with serving(lambda reader, writer: respond(writer, b"{}")) as url:
            http = Http()
            try:
                session = http.session(url)
                session.headers["Authorization"] = f"Bearer {token}"
                with pytest.raises(Misconfigured) as caught:
                    await session.get("/x")
                assert token not in str(caught.value)
                assert caught.value.__suppress_context__
            finally:
                await http.aclose()

    asyncio.run(story())


def test_a_text_that_cannot_be_sent() -> None:
    async def story(session: Session) -> None:
        with pytest.raises(Rejected):
            await session.post("/x", data={"text": "\ud800"})
        with pytest.raises((Rejected, BadPayload)):
            await session.get("/x", {"q": "\ud800"})

    script = Script(said(200, json={}))
    talk(script, story)
    assert script.seen == []


def test_cookies_of_one_account_are_not_sent_for_another() -> None:
    script = Script(said(200, {"Set-Cookie": "session=of-the-first; Path=/"}, json={}))

    async def story(session: Session) -> None:
        await session.get("/x")
        await session.get("/x")

    talk(script, story)
    assert "cookie" not in script.seen[1].headers


def test_words_of_a_server_come_clean_and_the_token_not_at_all() -> None:
    script = Script(said(403, json={"error": "no \x1b]0;x\x07 way\u202e" + "!" * 5000}))
    with pytest.raises(NotPermitted) as caught:
        talk(script, read)
    message = str(caught.value)
    assert not set(message) & {"\x1b", "\x07", "\u202e"}
    assert len(message) < 500
    assert "secret-token" not in message + repr(caught.value)


def test_addresses_in_answers_have_no_query() -> None:
    async def story(session: Session) -> Answer:
        return await session.get("/x", {"access_token": "abc"})

    answer = talk(Script(said(200, json={})), story)
    assert answer.url == f"{BASE}/x"
    assert "secret" not in repr(answer)


def test_libraries_neither_write_to_the_terminal_nor_log_addresses() -> None:
    assert logging.getLogger("stamina").handlers
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    assert not logging.getLogger("httpcore").isEnabledFor(logging.DEBUG)


def test_a_proxy_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://proxy.example")
    with pytest.raises(Misconfigured, match="proxy"):
        Http().session("https://social.example")


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    for path in (broken, tmp_path / "missing.pem"):
        with pytest.raises(Misconfigured, match="certificates"):
            Http(ca_file=str(path)).session("https://social.example")


# --- answers of every shape, over a real socket -----------------------------------------------------------------

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve) -> Any:
    """A server on loopback that reads a request's head and leaves the rest to `serve`."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def respond(writer: asyncio.StreamWriter, body: bytes, *headers: str, length: int | None = None) -> None:
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body) if length is None else length}", *headers]
    writer.write("\r\n".join([*head, "Connection: close", "", ""]).encode() + body)
    await writer.drain()


def over_a_socket(serve: Serve, call: Callable[[Session], Awaitable[T]], budget: Budget | None = None) -> T:
    async def story() -> T:
        async with serving(serve) as url:
            http = Http()
            try:
                return await call(http.session(url, budget=budget))
            finally:
                await http.aclose()

    return asyncio.run(story())


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def truncated(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await respond(writer, b'{"half": ', length=40)


async def wrong_encoding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await respond(writer, b"this is not gzip", "Content-Encoding: gzip")


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    pass


@pytest.mark.parametrize("serve", [reset, truncated, wrong_encoding, silence])
def test_an_answer_that_breaks(serve: Serve) -> None:
    with pytest.raises(Unavailable):
        over_a_socket(serve, read)
    with pytest.raises(AnswerLost):
        over_a_socket(serve, write)


def test_two_retry_after_headers() -> None:
    async def booting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        when = "Retry-After: Sun, 22 Nov 2026 04:03:00 GMT"
        writer.write(
            f"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\n{when}\r\nContent-Type: text/html\r\n"
            "Content-Length: 15\r\nConnection: close\r\n\r\n<html>Wait</html".encode()[:-1]
        )
        await writer.drain()

    with pytest.raises(Unavailable) as caught:
        over_a_socket(booting, read)
    assert caught.value.retry_after == 120


@pytest.mark.parametrize("call", [read, write])
def test_a_slow_drip_ends_with_the_budget(
    call: Callable[[Session], Awaitable[Answer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time, and the answer never."""
    monkeypatch.setattr("socialtriage.channels.http.WRITE_TIME", 0.6)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=0.02)

    started = time.monotonic()
    with pytest.raises(Unavailable if call is read else AnswerLost, match="too long"):
        over_a_socket(drip, call, Budget(0.6))
    assert time.monotonic() - started < 5


def test_a_picture_has_the_time_that_its_size_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow line is no reason to doubt whether a picture arrived."""
    monkeypatch.setattr("socialtriage.channels.http.WRITE_TIME", 0.05)
    monkeypatch.setattr("socialtriage.channels.http.SLOWEST", 1_000)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.wait([asyncio.ensure_future(reader.read())], timeout=0.2)
        await respond(writer, b"{}")

    async def hand_in(session: Session) -> Answer:
        return await session.post("/photo", content=b"x" * 1_000)

    assert over_a_socket(slow, hand_in).status == 200
    with pytest.raises(AnswerLost):
        over_a_socket(slow, write)


def test_a_huge_body_is_not_read_to_its_end() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = gzip.compress(b" " * (MAX_BODY + 1))
        await respond(writer, body, "Content-Encoding: gzip")

    with pytest.raises(BadPayload, match="more than 32 MB"):
        over_a_socket(flood, read)
    with pytest.raises(AnswerLost):
        over_a_socket(flood, write)


def test_a_certificate_that_is_not_trusted_is_named() -> None:
    error = httpx.ConnectError("tls")
    error.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.__cause__.verify_message = "self-signed certificate"
    with pytest.raises(Unavailable, match="cannot be trusted: self-signed"):
        talk(Script(error), write)


# --- bodies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": ', b"\xff\xfe", b"[" * 100_000, b"9" * 10_000])
def test_what_is_no_json(body: bytes) -> None:
    answer = Answer("GET", f"{BASE}/x", 200, {}, body)
    with pytest.raises(BadPayload):
        answer.json()
    assert answer.error_field("error") == ""


def test_json_as_servers_send_it() -> None:
    answer = Answer("GET", f"{BASE}/x", 200, {}, json.dumps({"text": "\ud800", "error": ["no text"]}).encode())
    assert answer.json()["text"] == "\ufffd"
    assert answer.error_field("error", "text") == "\N{REPLACEMENT CHARACTER}"
