"""The listener that a browser brings the code to: one address, one state, and nothing that it is sent is shown."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

import pytest

from socialtriage.channels.oauth_loopback import Listener
from socialtriage.channels.oauth_signin import SignIn, code_in, scope_notices
from socialtriage.channels.oauth_token import TokenEndpoint
from socialtriage.domain.errors import AuthError, UsageError


def free() -> str:
    """An address of this machine that nobody listens to."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/back"


async def get(redirect: str, target: str, method: str = "GET") -> bytes:
    """What a browser would be shown."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(redirect).port)
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def test_only_the_code_of_this_sign_in_is_taken() -> None:
    redirect = free()

    async def story() -> str:
        async with Listener(redirect, "ours") as listener:
            assert listener.listening
            async with Listener(redirect, "other") as second:
                assert not second.listening
            for target in (
                "/favicon.ico",
                "/back",
                "/back?code=1",
                "/back?state=theirs&code=<b>",
                "/back?state=ours%00",
            ):
                answer = await get(redirect, target)
                assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))
                assert b"<b>" not in answer
            assert (await get(redirect, "/back?state=ours&code=1", "POST")).startswith(b"HTTP/1.1 405")
            # A connection that a browser opens ahead and never uses keeps nobody waiting.
            _, idle = await asyncio.open_connection("127.0.0.1", urlsplit(redirect).port)
            assert b"has arrived" in await get(redirect, "/back?state=ours&code=the-code")
            found = await listener.code()
        idle.close()
        return found

    assert asyncio.run(story()) == "the-code"


def test_a_refusal_in_the_browser_is_told() -> None:
    redirect = free()

    async def story() -> None:
        async with Listener(redirect, "ours") as listener:
            assert b"not allowed" in await get(redirect, "/back?error=access_denied&state=ours")
            await listener.code()

    with pytest.raises(AuthError, match="not allowed"):
        asyncio.run(story())


@pytest.mark.parametrize(
    "pasted", ["abc", " abc#_ ", "http://x/?state=s&code=abc", "https://localhost/?code=abc&state=s#_"]
)
def test_a_code_is_found_in_what_is_pasted(pasted: str) -> None:
    assert code_in(pasted, "s") == "abc"


@pytest.mark.parametrize(
    ("pasted", "kind"),
    [("", UsageError), ("two words", UsageError), ("https://x/", UsageError), ("https://x/?state=t&code=a", AuthError),
     ("https://x/?error=access_denied", AuthError)],
)  # fmt: skip
def test_what_is_no_code_of_ours(pasted: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        code_in(pasted, "s")


def test_missing_scopes_are_named_the_vital_ones_first() -> None:
    sign_in = SignIn(
        "X", "https://x.example/a", TokenEndpoint("https://x.example/t"), ("a", "b", "c"), ("a",), (), free()
    )
    assert scope_notices(sign_in, "c") == (
        "X did not grant a: without it the account cannot be used.",
        "X did not grant b; what needs it is not done.",
    )
    assert scope_notices(sign_in, "a,b,c") == ()
