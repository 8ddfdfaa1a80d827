"""Signing in to a mailbox: passwords, OAuth tokens and their renewal, and what a server says no to."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from socialtriage.channels.http import Http
from socialtriage.channels.imap_login import MailboxLogin
from socialtriage.domain.errors import AuthError, ChannelError, Misconfigured, RateLimited, SecretError, Unavailable
from socialtriage.mail.address import ServerUrl
from socialtriage.mail.imap import ImapClient, Login, ranges, uids_of
from tests.doubles.imap import USER, ImapDouble
from tests.doubles.imap_reader import NOW, MemorySecret, Reader, letter
from tests.doubles.inside import Inside
from tests.doubles.tls import Authority

Answers = Callable[[httpx.Request], httpx.Response]
SOON = int((NOW + timedelta(hours=1)).timestamp())
LAPSED = int((NOW - timedelta(hours=1)).timestamp())


def oauth(**fields: object) -> str:
    """A secret as the keyring holds it."""
    return json.dumps({"access_token": "good", "client_id": "app", **fields})


def with_http(reader: Reader, answer: Answers) -> Reader:
    """The reader with a token endpoint."""
    reader.http = Http(transport=httpx.MockTransport(answer))
    return reader


def never(request: httpx.Request) -> httpx.Response:
    """A token endpoint that nobody may ask."""
    raise AssertionError(request.url)


# --- passwords ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password", ['with "quotes" and \\slashes', "Llanfairpwllgŵyngyll £", "{not json", '{"a": 1}', " "]
)
def test_passwords_of_every_kind(password: str) -> None:
    with ImapDouble({USER: password}) as server:
        server.deliver(letter(1))
        assert len(Reader(server.url, password=password).read()) == 1


def test_a_password_with_a_line_break_is_never_sent() -> None:
    with ImapDouble() as server:
        with pytest.raises(Misconfigured, match="line break"):
            Reader(server.url, password="one\r\nA1 SELECT INBOX").read()
        assert server.commands == []


def test_login_disabled_without_a_way_to_encrypt() -> None:
    with ImapDouble(capabilities="LOGINDISABLED") as server:
        server.deliver(letter(1))
        # The double takes AUTHENTICATE PLAIN on this line, which LOGINDISABLED does not forbid.
        assert len(Reader(server.url).read()) == 1
        assert not any(line.startswith("LOGIN ") for line in server.commands)


def test_nothing_is_said_in_clear_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ServerUrl, "loopback", property(lambda _: False))
    with ImapDouble() as server:
        with pytest.raises(Misconfigured, match="offers no TLS"):
            Reader(server.url).read()
        assert not any(line.startswith(("LOGIN", "AUTHENTICATE")) for line in server.commands)


def test_the_password_is_in_no_message_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ImapDouble({USER: "hunter2-secret"}) as server:
        server.on(
            "LOGIN", lambda connection: connection.answer("NO I do not know hunter2-wrong, social@anytown.example")
        )
        with pytest.raises(AuthError) as refused:
            Reader(server.url, password="hunter2-wrong").read()
        assert "hunter2" not in f"{refused.value} {refused.value!r}"
        assert Reader(server.url, password="hunter2-secret").read() == []
    assert "hunter2" not in caplog.text
    assert "hunter2" not in repr(Login(USER, password="hunter2", token="hunter2"))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("NO [AUTHENTICATIONFAILED] Invalid credentials", AuthError),
        ("NO [UNAVAILABLE] Temporary authentication failure", Unavailable),
        ("NO [ALERT] Application-specific password required", AuthError),
        ("NO [LIMIT] Too many simultaneous connections", RateLimited),
        ("NO [PRIVACYREQUIRED] no", Misconfigured),
        ("BAD LOGIN failed", AuthError),
    ],
)
def test_what_a_refusal_means(said: str, kind: type[ChannelError]) -> None:
    with ImapDouble() as server:
        server.on("LOGIN", lambda connection: connection.answer(said))
        with pytest.raises(kind) as refused:
            Reader(server.url).read()
        assert type(refused.value) is kind
        assert str(refused.value)


# --- OAuth --------------------------------------------------------------------------------------------------


def test_a_token_signs_in_as_a_shared_mailbox() -> None:
    with ImapDouble(tokens={"good": USER}) as server:
        server.deliver(letter(1))
        reader = with_http(Reader(server.url, password=oauth(expires_at=SOON)), never)
        assert len(reader.read()) == 1
        assert any(line.startswith("AUTHENTICATE") for line in server.commands)
        health = reader.check()
        assert health.expires_at is not None
        assert int(health.expires_at.timestamp()) == SOON


def test_a_server_without_oauth() -> None:
    with ImapDouble() as server, pytest.raises(Misconfigured, match="no OAuth"):
        with_http(Reader(server.url, password=oauth()), never).read()


def test_a_lapsed_token_is_renewed_and_kept_before_it_is_used() -> None:
    asked: list[dict[str, list[str]]] = []

    def endpoint(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "https://login.example/oauth/token"
        asked.append(parse_qs(request.content.decode()))
        return httpx.Response(200, json={"access_token": "fresh", "refresh_token": "r2", "expires_in": 3600})

    with ImapDouble(tokens={"fresh": USER}) as server:
        server.deliver(letter(1))
        secret = oauth(expires_at=LAPSED, refresh_token="r1", token_url="https://login.example/oauth/token")
        reader = with_http(Reader(server.url, password=secret), endpoint)
        assert len(reader.read()) == 1
        reader.read()
        assert asked == [{"grant_type": ["refresh_token"], "refresh_token": ["r1"], "client_id": ["app"]}]
        kept = json.loads(reader.secret.value)
        assert (kept["access_token"], kept["refresh_token"]) == ("fresh", "r2")
        assert kept["token_url"] == "https://login.example/oauth/token"
        assert reader.check().expires_at is None


def test_a_token_that_the_server_refuses_is_renewed_once() -> None:
    with ImapDouble(tokens={"fresh": USER}) as server:
        server.deliver(letter(1))
        secret = oauth(expires_at=SOON, refresh_token="r1", token_url="https://login.example/t")
        reader = with_http(
            Reader(server.url, password=secret), lambda _: httpx.Response(200, json={"access_token": "fresh"})
        )
        assert len(reader.read()) == 1
        server.tokens.clear()
        server.tokens["other"] = USER
        with pytest.raises(AuthError, match="did not accept"):
            reader.read()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(400, json={"error": "invalid_grant", "error_description": "revoked"}), AuthError),
        (httpx.Response(401, json={"error": "invalid_client"}), AuthError),
        (httpx.Response(500), Unavailable),
        (httpx.Response(200, text="no json"), ChannelError),
        (httpx.Response(200, json={}), AuthError),
        (httpx.Response(404), Unavailable),
    ],
)
def test_a_renewal_that_fails(answer: httpx.Response, kind: type[ChannelError]) -> None:
    async def story() -> None:
        secret = MemorySecret(oauth(expires_at=LAPSED, refresh_token="r1", token_url="https://login.example/t"))
        http = Http(transport=httpx.MockTransport(lambda _: answer))
        login = MailboxLogin(USER, "mail.example", secret, http, lambda: NOW)
        with pytest.raises(kind) as failed:
            await login.get()
        assert "r1" not in str(failed.value)
        assert secret.stored == []
        await http.aclose()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [
        ("outlook.office365.com", "https://login.microsoftonline.com/common/oauth2/v2.0/token"),
        ("imap.gmail.com", "https://oauth2.googleapis.com/token"),
    ],
)
def test_where_the_large_providers_renew(host: str, endpoint: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == endpoint
        return httpx.Response(200, json={"access_token": "fresh"})

    async def story() -> None:
        http = Http(transport=httpx.MockTransport(answer))
        login = MailboxLogin(USER, host, MemorySecret(oauth(expires_at=LAPSED, refresh_token="r")), http, lambda: NOW)
        assert (await login.get()).token == "fresh"
        await http.aclose()

    asyncio.run(story())


def test_a_lapsed_token_that_cannot_be_renewed() -> None:
    for secret in (oauth(expires_at=LAPSED), oauth(expires_at=LAPSED, refresh_token="r")):
        with pytest.raises(AuthError, match="lapsed"):
            with_http(Reader("mail.anytown.example", password=secret), never).read()


def test_a_keyring_that_is_locked_is_said_so() -> None:
    class Locked(MemorySecret):
        async def get(self) -> str:
            raise SecretError("The keyring is locked.")

    reader = Reader("mail.anytown.example")
    reader.secret = Locked("")
    with pytest.raises(SecretError, match="locked"):
        reader.read()


# --- the client by itself -----------------------------------------------------------------------------------


def test_the_client_reads_in_thread_and_says_what_it_found(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with ImapDouble(authority=authority, implicit=True) as server:
        uid = server.deliver(letter(1))
        client = ImapClient(ServerUrl.parse(server.url), ca_file=str(authority.ca_file))
        with pytest.raises(Unavailable, match="no connection"):
            client.mailboxes()
        client.sign_in(Login(USER, password="correct horse"))
        assert client.security.startswith("TLSv1")
        assert "IMAP4REV1" in client.capabilities()
        assert client.mailboxes() == ["INBOX", "Sent", "Drafts"]
        assert client.sent_mailbox() == "Sent"
        box = client.examine("INBOX")
        assert (box.uidvalidity, box.uidnext, box.exists) == (1000, 2, 1)
        assert client.mails([uid])[uid].endswith(b"Hello\n")
        assert client.existing([uid, 9]) == {uid}
        client.abort()
        with pytest.raises(Unavailable, match="no connection"):
            client.mailboxes()
        client.close()
        client.close()


def test_a_server_that_does_not_answer_in_time() -> None:
    release = threading.Event()
    with ImapDouble() as server:
        client = ImapClient(ServerUrl.parse(server.url), read_timeout=0.2)
        client.sign_in(Login(USER, password="correct horse"))
        server.on("EXAMINE", lambda _: release.wait(20) and None)
        with pytest.raises(Unavailable, match="took too long"):
            client.examine("INBOX")
        release.set()
        client.close()


def test_sets_of_uids_are_kept_short() -> None:
    assert ranges([5, 1, 2, 3, 9, 9]) == "1:3,5,9"
    assert uids_of("1:3,5,9") == [1, 2, 3, 5, 9]
    assert (ranges([]), uids_of("")) == ("", [])


# --- typed in a terminal ------------------------------------------------------------------------------------


def test_a_password_that_was_typed_unseen_is_tried_at_once_and_what_the_server_says_is_said(tmp_path: Path) -> None:
    with ImapDouble({"box@anytown.example": "right"}) as server:
        server.deliver(letter(1))
        account = (
            f'\n[[accounts]]\nid = "box"\nnetwork = "imap"\nserver = "{server.url}"\nuser = "box@anytown.example"\n'
        )
        shell = Inside(tmp_path, accounts=account)
        wrong = shell.run("accounts", "login", "box", stdin="wrong\n")
        assert (wrong.status, "does not work yet" in wrong.err) == (1, True), wrong
        assert "The login of box is in the keyring." in wrong.out
        good = shell.run("accounts", "login", "box", stdin="right\n")
        assert (good.status, "Signed in as box@anytown.example." in good.err) == (0, True), good
        assert "INBOX holds 1 mail." in good.err
        # A script that stores logins asks with `check` when it wants to know.
        shell.login("box", "wrong")
