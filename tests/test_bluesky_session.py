"""Signing in to Bluesky: sessions are used again, tokens rotate, and refusals are said in words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from socialtriage.channels.bluesky_session import Grant, Kept
from socialtriage.domain.errors import AuthError, Misconfigured, RateLimited, Unavailable
from tests.doubles.bluesky import BlueskyServer
from tests.doubles.bluesky_desk import PASSWORD, Desk

CREATE = "com.atproto.server.createSession"
REFRESH = "com.atproto.server.refreshSession"


@pytest.fixture
def server() -> Iterator[BlueskyServer]:
    with BlueskyServer() as server:
        yield server
    assert server.complaints == []


def test_one_session_serves_many_passes_and_processes(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        for _ in range(5):
            await desk.poll()
            server.pass_time(minutes=2)

    asyncio.run(story())
    assert server.counts[CREATE] == 1
    assert server.counts[REFRESH] == 0
    kept = json.loads(desk.secret.value)
    assert kept["password"] == PASSWORD
    assert kept["session"]["did"] == server.council.did
    assert desk.secret.writes == 1


def test_an_expired_access_token_is_refreshed_and_the_new_tokens_are_kept(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        first = desk.secret.session
        server.pass_time(hours=3)
        server.mention(server.person("gwen"), "after three hours")
        await desk.poll()
        second = desk.secret.session
        assert second["accessJwt"] != first["accessJwt"]
        assert second["refreshJwt"] != first["refreshJwt"]

    asyncio.run(story())
    assert (server.counts[CREATE], server.counts[REFRESH]) == (1, 1)
    assert desk.texts() == ["after three hours"]


def test_a_refresh_whose_answer_is_lost_is_asked_again(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        server.expire_access()
        server.fail(REFRESH, "lost", "502")
        await desk.poll()

    asyncio.run(story())
    assert server.counts[CREATE] == 1
    assert server.counts[REFRESH] == 3
    assert desk.secret.session["refreshJwt"].startswith("refresh-")


def test_a_session_that_another_process_refreshed_is_taken_over(server: BlueskyServer) -> None:
    desk, other = Desk(server), Desk(server)
    other.secret = desk.secret

    async def story() -> None:
        await desk.poll()

        async def slow(channel: Any) -> None:
            await channel.check()
            server.expire_access()
            await other.poll()  # refreshes, and keeps the new tokens
            before = server.counts[REFRESH]
            async for _ in channel.fetch(None, server.now() - timedelta(days=1)):
                pass
            assert server.counts[REFRESH] == before

        await desk.use(slow)

    asyncio.run(story())
    assert server.counts[CREATE] == 1


def test_a_dead_refresh_token_leads_back_to_the_app_password(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        server.pass_time(days=100)
        await desk.poll()

    asyncio.run(story())
    assert server.counts[CREATE] == 2


def test_a_revoked_app_password_works_until_its_token_ends_and_then_asks_to_sign_in(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        server.revoke(PASSWORD)
        await desk.poll()
        server.pass_time(hours=3)
        with pytest.raises(AuthError, match=r"did not let us in.*app password") as caught:
            await desk.poll()
        assert "council-bluesky" in str(caught.value)
        assert PASSWORD not in str(caught.value)

    asyncio.run(story())


def test_check_finds_a_revoked_password_at_once(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        server.revoke(PASSWORD)
        with pytest.raises(AuthError):
            await desk.use(lambda channel: channel.check())

    asyncio.run(story())


def test_a_new_password_stored_meanwhile_is_used_and_not_overwritten(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        server.revoke(PASSWORD)
        server.passwords["eeee-ffff-gggg-hhhh"] = True
        server.pass_time(hours=3)
        desk.secret.value = "eeee-ffff-gggg-hhhh"
        await desk.poll()
        assert json.loads(desk.secret.value)["password"] == "eeee-ffff-gggg-hhhh"

    asyncio.run(story())
    assert server.counts[CREATE] == 2


def test_a_refused_password_is_not_tried_at_every_pass(server: BlueskyServer) -> None:
    desk = Desk(server)
    desk.secret.value = "wrong-wrong-wrong-wrong"

    async def story() -> None:
        for _ in range(5):
            with pytest.raises(AuthError):
                await desk.poll()
            server.pass_time(minutes=2)
        assert server.counts[CREATE] == 1
        with pytest.raises(AuthError):
            await desk.use(lambda channel: channel.check())
        assert server.counts[CREATE] == 2, "an officer who asks gets a true answer"
        desk.secret.value = PASSWORD
        await desk.poll()

    asyncio.run(story())


def test_a_keyring_that_cannot_be_written_is_said_and_does_not_cost_sessions(server: BlueskyServer) -> None:
    desk = Desk(server)
    desk.secret.broken = True

    async def story() -> None:
        server.mention(server.person("gwen"), "still read")
        await desk.poll()
        assert any("keyring" in notice for notice in desk.notices)
        for _ in range(3):
            await desk.poll()

    asyncio.run(story())
    assert desk.texts() == ["still read"]
    assert server.counts[CREATE] == 1


def test_too_many_sign_ins_wait_as_long_as_the_server_says(server: BlueskyServer) -> None:
    desk = Desk(server)
    server.fail(CREATE, "429")

    async def story() -> None:
        with pytest.raises(RateLimited) as caught:
            await desk.poll()
        assert caught.value.retry_at is not None

    asyncio.run(story())
    assert server.counts[CREATE] == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("deactivated", "is deactivated"),
        ("suspended", "is suspended"),
        ("takendown", "taken down"),
        (None, "not active"),
    ],
)
def test_an_account_that_is_not_active_says_so(server: BlueskyServer, status: str | None, words: str) -> None:
    desk = Desk(server)
    server.active, server.status = False, status

    async def story() -> None:
        for _ in range(3):
            with pytest.raises(AuthError, match=words):
                await desk.poll()

    asyncio.run(story())
    assert server.counts[CREATE] == 1


def test_a_code_by_email_is_answered_with_the_advice_to_make_an_app_password(server: BlueskyServer) -> None:
    desk = Desk(server)
    server.two_factor = True

    async def story() -> None:
        with pytest.raises(Misconfigured, match=r"code by email.*app password"):
            await desk.poll()

    asyncio.run(story())


def test_the_handle_is_sent_without_at_and_a_renamed_account_still_signs_in(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        assert server.requests[0][1]["identifier"] == "council.example"
        server.council.handle = "anytown.example"
        server.pass_time(days=100)
        await desk.poll()
        health = await desk.use(lambda channel: channel.check())
        assert health.handle == "@anytown.example"
        assert any("@anytown.example" in notice for notice in health.notices)

    asyncio.run(story())


def test_check_tells_who_we_are_and_whether_direct_messages_may_be_read(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        health = await desk.use(lambda channel: channel.check())
        assert (health.identity, health.handle, health.notices) == ("did:plc:council", "@council.example", ())
        assert health.expires_at is None
        server.passwords[PASSWORD] = False
        health = await desk.use(lambda channel: channel.check())
        assert any("Direct messages are not read" in notice for notice in health.notices)
        server.passwords[PASSWORD], server.chat_down = True, True
        health = await desk.use(lambda channel: channel.check())
        assert any("does not answer" in notice for notice in health.notices)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("access", "main"),
    [
        ("x.eyJzY29wZSI6ImNvbS5hdHByb3RvLmFjY2VzcyIsInN1YiI6ImRpZCJ9.x", True),
        ("x.eyJzY29wZSI6ImNvbS5hdHByb3RvLmFwcFBhc3MifQ.x", False),
        ("opaque", False),
        ("x.!!.x", False),
        ("x.WzFd.x", False),
    ],
)
def test_the_main_password_shows_by_the_token(access: str, main: bool) -> None:
    assert Grant("did:plc:council", "council.example", "https://pds.example", access, "r").main_password is main


def test_another_account_or_server_in_the_configuration_opens_its_own_session(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        desk.account = type(desk.account)(
            id="council-bluesky", network="bluesky", server=server.url, handle="did:plc:council"
        )
        await desk.poll()

    asyncio.run(story())
    assert server.counts[CREATE] == 2


def test_without_a_configured_server_the_data_server_of_the_did_document_is_called() -> None:
    session = {"did": "did:plc:council", "handle": "council.example", "accessJwt": "a", "refreshJwt": "r"}
    services = [
        {"id": "#other", "serviceEndpoint": "https://elsewhere.example"},
        {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example"},
    ]
    called: list[str] = []

    async def story() -> None:
        import httpx

        from socialtriage.channels.base import ChannelContext
        from socialtriage.channels.bluesky_session import Xrpc
        from socialtriage.channels.http import Budget, Http
        from socialtriage.config.model import AccountConfig
        from tests.doubles.bluesky_desk import Memory

        def answer(request: httpx.Request) -> httpx.Response:
            called.append(f"{request.url.scheme}://{request.url.host}")
            return httpx.Response(200, json={**session, "didDoc": {"service": services}})

        http = Http(transport=httpx.MockTransport(answer))
        for server in (None, "https://proxy.example/"):
            account = AccountConfig(id="a", network="bluesky", handle="council.example", server=server)
            double = BlueskyServer()
            context = ChannelContext(
                account=account,
                secret=Memory(f"pass-{server}"),
                http=http,
                budget=Budget(),
                known=Desk.__new__(Desk),
                clock=double.now,
            )
            xrpc = Xrpc(context)
            await xrpc.query("app.bsky.feed.getPosts", {"uris": []})
        await http.aclose()

    asyncio.run(story())
    assert called == ["https://bsky.social", "https://pds.example", "https://proxy.example", "https://proxy.example"]


def test_no_connection_is_unavailable_and_keeps_the_session(server: BlueskyServer) -> None:
    desk = Desk(server)

    async def story() -> None:
        await desk.poll()
        before = desk.secret.value
        server.fail("listNotifications", "502", "502", "502")
        with pytest.raises(Unavailable):
            await desk.poll()
        assert desk.secret.value == before

    asyncio.run(story())
    assert server.counts[CREATE] == 1


@pytest.mark.parametrize(
    ("secret", "password"),
    [
        ("abcd-efgh-ijkl-mnop", "abcd-efgh-ijkl-mnop"),
        ("  abcd-efgh-ijkl-mnop\n", "abcd-efgh-ijkl-mnop"),
        ('{"password": "abcd-efgh"}', "abcd-efgh"),
        ('{"identifier": "council.example", "password": "abcd-efgh"}', "abcd-efgh"),
        ("12345678", "12345678"),
        ("null", "null"),
        ("[1]", "[1]"),
        ('{"password": "abcd-efgh", "session": {"did": 3}}', "abcd-efgh"),
        ('{"password": "abcd-efgh", "session": "broken"}', "abcd-efgh"),
    ],
)
def test_secrets_in_every_spelling(secret: str, password: str) -> None:
    kept = Kept.parse(secret)
    assert kept.password == password
    assert kept.grant is None
    assert Kept.parse(kept.to_secret()).password == password


def test_a_secret_of_another_kind_is_refused_in_words() -> None:
    with pytest.raises(Misconfigured, match="no app password"):
        Kept.parse('{"access_token": "x", "refresh_token": "y"}')


def test_what_is_kept_survives_and_no_repr_shows_it() -> None:
    grant = Grant("did:plc:council", "council.example", "https://pds.example", "secret-access", "secret-refresh")
    kept = Kept("pass-word", "council.example", grant, "council.example", "https://bsky.social")
    assert Kept.parse(kept.to_secret()) == kept
    for token in ("secret-access", "secret-refresh", "pass-word"):
        assert token not in repr(kept)
        assert token not in repr(grant)
