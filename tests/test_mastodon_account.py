"""Signing in, looking at the account, and reading messages again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina

from socialtriage.channels.http import Http
from socialtriage.channels.mastodon import Mastodon, _servers
from socialtriage.channels.mastodon_api import SCOPES
from socialtriage.channels.mastodon_login import begin, code_in
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import (
    AuthError,
    ChannelError,
    Misconfigured,
    RateLimited,
    Unavailable,
    UsageError,
)
from socialtriage.domain.models import Health, Reread, StoredRef
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk
from tests.doubles.mastodon import TOKEN, MastodonServer

T = TypeVar("T")
Make = Callable[..., tuple[MastodonServer, SmallDesk]]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    _servers.clear()
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Make:
    def make(**options: bool) -> tuple[MastodonServer, SmallDesk]:
        server = MastodonServer(clock=lambda: NOON, **options).start()
        request.addfinalizer(server.stop)
        account = AccountConfig(id="council-mastodon", network="mastodon", server=server.url, handle="@council")
        return server, SmallDesk(Mastodon, account, FixedSecret(TOKEN))

    return make


def ask(desk: SmallDesk, question: Callable[[Mastodon], Awaitable[T]], seconds: float = 30.0) -> T:
    async def story() -> T:
        http = Http()
        channel = Mastodon(desk.context(http, seconds))
        try:
            return await question(channel)
        finally:
            await http.aclose()

    return asyncio.run(story())


def check(desk: SmallDesk) -> Health:
    return ask(desk, lambda channel: channel.check())


BOTH = pytest.mark.parametrize("gotosocial", [False, True], ids=["mastodon", "gotosocial"])


# --- check ----------------------------------------------------------------------------------------------------


@BOTH
def test_who_we_are(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    health = check(desk)
    assert health.identity == "council@social.example"
    assert health.handle == "@council@social.example"
    assert health.notices == ()
    assert "POST" not in {asked.method for asked in server.requests}
    assert server.problems == []


def test_a_policy_that_destroys_mentions_is_told(world: Make) -> None:
    server, desk = world()
    server.policy = {"for_not_following": "drop", "for_new_accounts": "filter", "for_bots": "drop"}
    (notice,) = check(desk).notices
    assert "for_not_following, for_bots" in notice


def test_missing_scopes_are_named(world: Make) -> None:
    _, desk = world()
    desk.secret.value = json.dumps({"access_token": TOKEN, "scope": "read:notifications read:accounts write"})
    (notice,) = check(desk).notices
    assert "read:statuses" in notice
    assert "write" not in notice


def test_the_login_of_another_account_is_told(world: Make) -> None:
    _, desk = world()
    desk.account = AccountConfig(id="m", network="mastodon", server=desk.account.server, handle="@anytown")
    assert any("@anytown" in notice for notice in check(desk).notices)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (404, Misconfigured),
        ("html", Misconfigured),
        (302, Misconfigured),
        (422, Misconfigured),
        (406, Misconfigured),
        (500, Unavailable),
        (429, RateLimited),
    ],
)
def test_another_kind_of_server_or_a_bad_day(world: Make, fault: str | int, error: type[ChannelError]) -> None:
    server, desk = world()
    server.fail(fault, 9)
    with pytest.raises(error):
        check(desk)


@pytest.mark.parametrize("secret", ["", "two words", "{}", "{", "pass\nword", "sch\u00f6n"])
def test_what_is_no_token_is_never_sent(world: Make, secret: str) -> None:
    server, desk = world()
    desk.secret.value = secret
    with pytest.raises(AuthError) as caught:
        check(desk)
    assert server.requests == []
    assert not secret.strip("{}") or secret not in str(caught.value)


def test_a_revoked_token_and_one_of_an_application(world: Make) -> None:
    server, desk = world()
    server.fail(401, path="verify_credentials")
    with pytest.raises(Misconfigured, match="application"):
        check(desk)
    server.revoke()
    with pytest.raises(AuthError) as caught:
        check(desk)
    assert TOKEN not in str(caught.value)
    assert TOKEN not in repr(caught.value)


def test_no_server_configured(world: Make) -> None:
    _, desk = world()
    desk.account = AccountConfig(id="m", network="mastodon")
    with pytest.raises(Misconfigured, match="no server"):
        check(desk)


# --- reading again --------------------------------------------------------------------------------------------


def stored(desk: SmallDesk) -> list[StoredRef]:
    return [
        StoredRef(m.remote_id, m.thread, m.conversation, m.visibility, m.reply_data) for m in desk.messages.values()
    ]


def reread(desk: SmallDesk, seconds: float = 30.0) -> Reread:
    refs = stored(desk)
    return ask(desk, lambda channel: channel.reread(refs), seconds)


@BOTH
def test_edits_and_deletions_are_seen_when_read_again(world: Make, gotosocial: bool) -> None:
    server, desk = world(gotosocial=gotosocial)
    keys = [server.mention(f"n {n}", author=f"r{n}") for n in range(45)]
    asyncio.run(desk.poll())
    server.edit(keys[3], "@council corrected")
    server.delete(keys[7])
    found = reread(desk)
    assert found.gone == (keys[7],)
    assert {item.remote_id for item in found.items} == set(keys) - {keys[7]}
    edited = next(item for item in found.items if item.remote_id == keys[3])
    assert (edited.text, edited.edited_at, edited.thread) == ("@council corrected", NOON, keys[3])
    batches = [asked for asked in server.requests if asked.path == "/api/v1/statuses"]
    assert len(batches) == (0 if gotosocial else 3)
    assert server.problems == []


@BOTH
@pytest.mark.parametrize("fault", [403, 500, "html", "reset"])
def test_an_answer_that_says_nothing_is_no_deletion(world: Make, gotosocial: bool, fault: str | int) -> None:
    server, desk = world(gotosocial=gotosocial)
    for n in range(3):
        server.mention(f"n {n}")
    asyncio.run(desk.poll())
    server.fail(fault, 1 if fault in (403, "html") else 2, path="/api/v1/statuses")
    found = reread(desk)
    assert found.gone == ()
    assert found.items


@BOTH
@pytest.mark.parametrize(("fault", "error"), [(429, RateLimited), (401, AuthError), (502, Unavailable)])
def test_nothing_learnt_is_an_error_and_never_a_deletion(
    world: Make, gotosocial: bool, fault: int, error: type[ChannelError]
) -> None:
    server, desk = world(gotosocial=gotosocial)
    for n in range(30):
        server.mention(f"n {n}", author=f"r{n}")
    asyncio.run(desk.poll())
    asked = len(server.requests)
    server.fail(fault, 999, path="/api/v1/statuses")
    with pytest.raises(error):
        reread(desk)
    assert len(server.requests) - asked < 30


def test_a_status_missing_from_a_batch_is_asked_about_alone(world: Make) -> None:
    server, desk = world()
    keys = [server.mention(f"n {n}") for n in range(3)]
    asyncio.run(desk.poll())
    server.delete(keys[1])
    server.fail(500, 3, path=f"/statuses/{keys[1]}")
    assert reread(desk).gone == ()
    assert reread(desk).gone == (keys[1],)


def test_reading_again_keeps_inside_the_budget(world: Make) -> None:
    server, desk = world(gotosocial=True)
    server.mention()
    asyncio.run(desk.poll())
    assert reread(desk, seconds=0.5) == Reread()


# --- signing in -----------------------------------------------------------------------------------------------


def login(server: MastodonServer, paste: Callable[[str], str]) -> tuple[dict[str, str], tuple[str, ...], str]:
    async def story() -> tuple[dict[str, str], tuple[str, ...], str]:
        http = Http()
        try:
            step = await begin(http, server.url)
            server_page = server.authorize(step.url)
            secret = await step.finish(paste(server_page))
            return json.loads(secret), step.notices, step.handle
        finally:
            await http.aclose()

    return asyncio.run(story())


def only_the_code(page: str) -> str:
    return f"  {parse_qs(urlsplit(page).query)['code'][0]} \n"


@BOTH
@pytest.mark.parametrize("paste", [only_the_code, str], ids=["code", "address"])
def test_from_a_server_to_a_secret(world: Make, gotosocial: bool, paste: Callable[[str], str]) -> None:
    server, desk = world(gotosocial=gotosocial)
    secret, notices, handle = login(server, paste)
    assert secret["access_token"] == "fresh-token"
    assert secret["client_id"] == "client-0"
    assert secret["scope"].split() == list(SCOPES)
    assert (notices, handle) == ((), "@council")
    assert server.problems == []
    challenges = [asked.body for asked in server.requests if asked.path == "/oauth/token"]
    assert ("code_verifier" in challenges[0]) == (not gotosocial)
    desk.secret.value = json.dumps(secret)
    assert check(desk).notices == ()


def test_what_the_server_did_not_grant_is_named(world: Make) -> None:
    server, _ = world()

    def grant_less(page: str) -> str:
        next(iter(server.grants.values()))["scope"] = "read:accounts read:notifications"
        return page

    _, notices, _ = login(server, grant_less)
    assert notices == ("The server did not grant the permission read:statuses, write:statuses.",)


def test_a_server_with_coarse_scopes_only(world: Make) -> None:
    server, _ = world()
    server.fail(422, path="/api/v1/apps", method="POST")
    secret, notices, _ = login(server, str)
    assert (secret["scope"], notices) == ("read write", ())


@pytest.mark.parametrize("fault", [400, 401, 403, 422])
def test_a_refused_code(world: Make, fault: int) -> None:
    server, _ = world()
    server.fail(fault, path="/oauth/token")
    with pytest.raises(AuthError, match="did not accept"):
        login(server, str)
    with pytest.raises(AuthError, match="did not accept"):
        login(server, lambda _: "made-up")


@pytest.mark.parametrize("fault", ["500", "html", "lost"])
def test_a_sign_in_that_broke_off(world: Make, fault: str) -> None:
    server, _ = world()
    server.fail(fault, path="/oauth/token")
    with pytest.raises(Unavailable):
        login(server, str)


def test_not_a_server_of_this_kind(world: Make) -> None:
    server, _ = world()
    for fault in ("html", 404):
        server.fail(fault, 2)
        with pytest.raises(Misconfigured):
            login(server, str)


def test_sign_in_never_goes_over_plain_http_to_another_machine() -> None:
    async def story() -> None:
        http = Http()
        try:
            await begin(http, "http://social.example")
        finally:
            await http.aclose()

    with pytest.raises(Misconfigured, match="unencrypted"):
        asyncio.run(story())


def test_pasted_codes() -> None:
    assert code_in("abc", "s") == "abc"
    assert code_in("<https://social.example/oauth/authorize/native?code=abc>", "s") == "abc"
    assert code_in("urn:ietf:wg:oauth:2.0:oob?code=abc&state=s", "s") == "abc"
    for wrong in ("", "  ", "two words", "https://social.example/", "caf\u00e9"):
        with pytest.raises(UsageError):
            code_in(wrong, "s")
    with pytest.raises(AuthError, match="another sign-in"):
        code_in("https://social.example/?code=abc&state=other", "s")
    with pytest.raises(AuthError, match="not allowed"):
        code_in("https://social.example/?error=access_denied", "s")
