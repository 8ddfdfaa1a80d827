"""A valid token out of the keyring: renewed once by one, stored before it is used, and lost to nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from socialtriage.channels import http, oauth_token
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.http import Budget, Http
from socialtriage.channels.oauth_token import TokenEndpoint, bearer, signed
from socialtriage.config.load import parse
from socialtriage.config.model import AccountConfig
from socialtriage.config.model import Keyring as KeyringConfig
from socialtriage.domain.errors import AuthError, ChannelError, Misconfigured, SecretError, Unavailable
from socialtriage.domain.times import utc_now
from socialtriage.services import handoff, renewing
from socialtriage.services.desk import open_desk
from socialtriage.services.outbox import Outcome, Sender
from socialtriage.services.renewing import alone
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from tests.doubles.channel_desk import NOON, FixedSecret
from tests.doubles.desk import CONFIG, FrozenClock, arrive, message, small_desk, the_case
from tests.doubles.memory_keyring import MemoryKeyring
from tests.doubles.smtp import SmtpDouble

ROTATING = TokenEndpoint("https://api.vendor.example/2/oauth2/token")
LONG_LIVED = TokenEndpoint(
    "https://graph.vendor.example/oauth/access_token",
    extends="th_refresh_token",
    extend_path="/refresh_access_token",
    early=timedelta(days=30),
    lifetime=timedelta(days=60),
)


@dataclass
class Vendor:
    """A token endpoint: the next refresh token replaces the last one, and an old one is refused."""

    count: int = 1
    asked: list[httpx.Request] = field(default_factory=list)
    say: Callable[[httpx.Request], httpx.Response] | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.say is not None:
            return self.say(request)
        if request.method == "GET":
            assert request.url.params["grant_type"] == "th_refresh_token"
            return httpx.Response(200, json={"access_token": "longer", "expires_in": 5_184_000})
        form = parse_qs(request.content.decode())
        if form["refresh_token"] != [f"refresh-{self.count}"]:
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": "The token was invalid."})
        self.count += 1
        rotated = {"access_token": f"access-{self.count}", "refresh_token": f"refresh-{self.count}"}
        return httpx.Response(200, json={**rotated, "expires_in": 7200, "token_type": "bearer"})


class Keyring(FixedSecret):
    """A keyring that can be told not to take anything."""

    locked = False

    async def set(self, value: str) -> None:
        if self.locked:
            raise SecretError("The keyring is locked.")
        await super().set(value)


class Nobody:
    """A store that knows no message."""

    def thread_of(self, remote_ids: Any) -> dict[str, str]:
        return {}


def secret(ends: datetime | None = NOON + timedelta(hours=1), **fields: object) -> str:
    data = {"access_token": "access-1", "refresh_token": "refresh-1", "client_id": "app", **fields}
    return json.dumps(data | ({"expires_at": int(ends.timestamp())} if ends else {}))


def context(vendor: Vendor, keyring: FixedSecret, *, server: str | None = None) -> ChannelContext:
    return ChannelContext(
        account=AccountConfig(id="town-x", network="x", client_id="app", server=server),
        secret=keyring,
        http=Http(transport=httpx.MockTransport(vendor)),
        budget=Budget(30),
        known=Nobody(),
        clock=lambda: NOON,
        alone=nullcontext,
    )


def ask(vendor: Vendor, keyring: FixedSecret, endpoint: TokenEndpoint = ROTATING, refused: str | None = None) -> str:
    async def story() -> str:
        ctx = context(vendor, keyring)
        try:
            return await bearer(ctx, endpoint, refused=refused)
        finally:
            await ctx.http.aclose()

    return asyncio.run(story())


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth_token, "PAUSE", 0)


@pytest.mark.parametrize("held", ["plain", secret(), secret(None)])
def test_a_token_that_counts_is_used_without_asking(held: str) -> None:
    vendor = Vendor()
    assert ask(vendor, FixedSecret(held)) in ("plain", "access-1")
    assert vendor.asked == []


def test_a_lapsed_token_is_renewed_and_the_rotated_one_kept() -> None:
    vendor, keyring = Vendor(), FixedSecret(secret(NOON))
    assert ask(vendor, keyring) == "access-2"
    kept = json.loads(keyring.value)
    assert (kept["access_token"], kept["refresh_token"], kept["client_id"]) == ("access-2", "refresh-2", "app")
    assert kept["expires_at"] == int((NOON + timedelta(hours=2)).timestamp())
    [request] = vendor.asked
    assert parse_qs(request.content.decode())["client_id"] == ["app"]
    assert ask(vendor, keyring) == "access-2"
    assert len(vendor.asked) == 1


def test_many_at_once_renew_once() -> None:
    vendor, keyring = Vendor(), FixedSecret(secret(NOON))

    async def story() -> list[str]:
        ctx = context(vendor, keyring)
        try:
            return await asyncio.gather(*(bearer(ctx, ROTATING) for _ in range(5)))
        finally:
            await ctx.http.aclose()

    assert set(asyncio.run(story())) == {"access-2"}
    assert len(vendor.asked) == 1


def test_a_refused_token_is_renewed_and_the_call_made_again() -> None:
    vendor, keyring, used = Vendor(), FixedSecret(secret()), []

    async def call(token: str) -> str:
        used.append(token)
        if token == "access-1":
            raise AuthError("401")
        return "done"

    async def story() -> str:
        ctx = context(vendor, keyring)
        try:
            return await signed(ctx, ROTATING, call)
        finally:
            await ctx.http.aclose()

    assert asyncio.run(story()) == "done"
    assert used == ["access-1", "access-2"]


def test_what_another_program_renewed_is_taken_over() -> None:
    keyring = FixedSecret(secret(NOON))

    def faster(request: httpx.Request) -> httpx.Response:
        keyring.value = secret(access_token="theirs", refresh_token="refresh-2")
        return httpx.Response(400, json={"error": "invalid_grant"})

    assert ask(Vendor(say=faster), keyring) == "theirs"


def test_a_rotated_login_that_the_keyring_refuses_is_not_lost() -> None:
    vendor, keyring = Vendor(), Keyring(secret(NOON))
    keyring.locked = True
    with pytest.raises(SecretError, match="could not be stored"):
        ask(vendor, keyring)
    keyring.locked = False
    assert ask(vendor, keyring) == "access-2"
    assert json.loads(keyring.value)["refresh_token"] == "refresh-2"
    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant", "error_description": "no refresh-1 here"}, AuthError),
        (400, {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}, AuthError),
        (401, {"error": "invalid_client"}, Misconfigured),
        (400, {"error": "temporarily_unavailable"}, Unavailable),
        (503, {"error": "refresh-1-and-more is busy"}, Unavailable),
        (200, "nonsense", Unavailable),
        (200, {"token": "none"}, AuthError),
    ],
)
def test_what_a_token_endpoint_may_say(status: int, body: object, kind: type[ChannelError]) -> None:
    keyring = FixedSecret(secret(NOON, refresh_token="refresh-1-and-more"))
    with pytest.raises(kind) as refused:
        ask(Vendor(say=lambda _: httpx.Response(status, json=body)), keyring)
    assert "refresh-1-and-more" not in str(refused.value)
    assert json.loads(keyring.value)["refresh_token"] == "refresh-1-and-more"


def test_a_login_without_refresh_token_lapses_in_words() -> None:
    with pytest.raises(AuthError, match="town-x has lapsed"):
        ask(Vendor(), FixedSecret(secret(NOON, refresh_token="")))


def test_a_long_lived_token_is_extended_in_time_and_never_too_young() -> None:
    vendor = Vendor()
    young = FixedSecret(secret(NOON + timedelta(days=59, hours=12), refresh_token=""))
    assert ask(vendor, young, LONG_LIVED) == "access-1"
    assert vendor.asked == []
    old = FixedSecret(secret(NOON + timedelta(days=20), refresh_token=""))
    assert ask(vendor, old, LONG_LIVED) == "longer"
    assert json.loads(old.value)["expires_at"] == int((NOON + timedelta(days=60)).timestamp())
    failing = Vendor(say=lambda _: httpx.Response(400, json={"error": {"message": "not today"}}))
    still = FixedSecret(secret(NOON + timedelta(days=20), refresh_token=""))
    assert ask(failing, still, LONG_LIVED) == "access-1"
    with pytest.raises(AuthError, match="lapsed"):
        ask(vendor, FixedSecret(secret(NOON, refresh_token="")), LONG_LIVED)


def test_a_server_of_the_configuration_stands_for_the_vendor_and_an_app_with_a_secret_names_itself() -> None:
    vendor = Vendor()
    keyring = FixedSecret(secret(NOON, client_secret="hidden-away"))

    async def story() -> None:
        ctx = context(vendor, keyring, server="http://127.0.0.1:8917/")
        try:
            await bearer(ctx, TokenEndpoint(ROTATING.url, basic=True))
        finally:
            await ctx.http.aclose()

    asyncio.run(story())
    [request] = vendor.asked
    assert str(request.url) == "http://127.0.0.1:8917/2/oauth2/token"
    assert request.headers["authorization"].startswith("Basic ")
    assert b"hidden-away" not in request.content


# --- the mail server --------------------------------------------------------------------------------------------


def test_a_handoff_leaves_with_a_renewed_token(tmp_path: Path) -> None:
    """`mail.smtp` by OAuth: the token has lapsed, is renewed at its endpoint, and kept before the mail leaves."""
    kept = json.dumps({"access_token": "old", "refresh_token": "refresh-1", "token_url": ROTATING.url, "expires_at": 5})
    vendor, secrets = Vendor(), SecretStore(KeyringConfig(), backend=MemoryKeyring())  # type: ignore[no-untyped-call]
    secrets.set("mail.smtp", kept)
    with SmtpDouble(credentials={"social": "access-2"}) as server:
        config = parse(CONFIG.replace("smtp://127.0.0.1:1", f"smtp://social@127.0.0.1:{server.port}"))
        desk = open_desk(config, tmp_path / "desk.db", officer="JS", clock=FrozenClock())
        arrive(desk, message("my bin was missed"))
        row = handoff.queue(desk, handoff.prepare(desk, the_case(desk), to="waste-team"), undo_seconds=0).row_id

        async def story() -> list[Outcome]:
            poller = Poller(desk, secrets, Http(transport=httpx.MockTransport(vendor)))
            try:
                return await Sender(desk, secrets, poller).run([row or 0])
            finally:
                await poller.aclose()

        [outcome] = asyncio.run(story())
        desk.close()
        assert (outcome.state, outcome.error) == ("sent", None)
        assert len(server.mails) == 1
    renewed = json.loads(secrets.get("mail.smtp") or "")
    assert (renewed["access_token"], renewed["refresh_token"]) == ("access-2", "refresh-2")
    secrets.delete("mail.smtp")


def test_another_process_that_renews_is_waited_for(tmp_path: Path) -> None:
    ours, theirs = small_desk(tmp_path, officer="JS"), small_desk(tmp_path, officer="AB")
    theirs.store.leases._host = "another-computer"
    assert theirs.store.leases.take("login:town-x", "AB", utc_now(), 60) is None

    async def story() -> str:
        said = ["waiting"]

        async def renew() -> None:
            async with alone(ours, "town-x"):
                said.append("ours")

        task = asyncio.create_task(renew())
        await asyncio.sleep(0)
        said.append("theirs is done")
        await asyncio.to_thread(theirs.store.leases.give_back, "login:town-x")
        await task
        return " ".join(said)

    assert asyncio.run(story()) == "waiting theirs is done ours"
    assert theirs.store.leases.holder("login:town-x", utc_now()) is None
    for desk in (ours, theirs):
        desk.close()


def test_whoever_waits_for_a_renewal_waits_until_its_lease_has_ended() -> None:
    """Going ahead sooner would show the vendor a refresh token twice while a slow server still answers the first."""
    assert renewing.PATIENCE > renewing.LEASE_SECONDS > http.WRITE_TIME
