"""Signing in from a terminal: the address is opened in any browser, and the code it shows is pasted back.

Facts: an app is registered with each server (`POST /api/v1/apps`, no dynamic registration), with `redirect_uris` as
plain text: GoToSocial refuses a list. PKCE S256 is used where `/.well-known/oauth-authorization-server` offers it
(Mastodon 4.3). The first `<code>` on the page that shows the code may be a warning: the address of the page holds it
for certain, so the whole address may be pasted. `/oauth/token` is rate limited too.

Authlib makes the parameters, the addresses and PKCE; its httpx client is not used, because it is a client of its own:
without the rules of `channels.http` (no token to plain http, errors of ours, one connection pool).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from socialtriage.channels.mastodon_api import SCOPES, Missing, classify, missing_scopes
from socialtriage.domain.errors import (
    AnswerLost,
    AuthError,
    BadPayload,
    ChannelError,
    Misconfigured,
    NotPermitted,
    Rejected,
    Unavailable,
    UsageError,
)
from socialtriage.domain.text import clean_line

if TYPE_CHECKING:
    from socialtriage.channels.http import Answer, Http, Session

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
CLIENT_NAME = "socialtriage"
COARSE = "read write"
"""Scopes for servers that know no finer ones."""
_AGAIN = "Start signing in again: a code works once, and for a few minutes."


@dataclass(slots=True)
class LoginStep:
    """A sign-in that waits for the code: open `url`, then call `finish`. `notices` are filled by `finish`."""

    url: str
    instructions: str
    http: Http = field(repr=False)
    server: str = field(repr=False)
    token_path: str = field(repr=False)
    client: dict[str, str] = field(repr=False)
    state: str = field(repr=False)
    verifier: str | None = field(repr=False)
    notices: tuple[str, ...] = ()
    handle: str = ""

    async def finish(self, pasted: str) -> str:
        """Trade the code, or the whole address of the page that shows it, for the account's secret (JSON).

        Raises `UsageError` when nothing like a code was pasted, `AuthError` when the server does not accept it.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        body = prepare_token_request(
            "authorization_code",
            redirect_uri=OUT_OF_BAND,
            code=code_in(pasted, self.state),
            code_verifier=self.verifier,
            **self.client,
        )
        # A session of its own: the officer may have been away with the browser for longer than a budget lasts.
        session = self.http.session(self.server, classify=classify)
        try:
            answer = await session.post(
                self.token_path,
                content=body.encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
            token = answer.json()
        except (Rejected, NotPermitted, AuthError) as exc:
            raise AuthError("The server did not accept the code.", hint=_AGAIN) from exc
        except (AnswerLost, BadPayload) as exc:
            raise Unavailable(f"The server did not finish the sign-in: {exc.message}", hint=_AGAIN) from exc
        if not isinstance(token, dict) or not isinstance(token.get("access_token"), str):
            raise AuthError("The server's answer holds no token.", hint=_AGAIN)
        await self._look(session, token)
        secret = {**self.client, "access_token": token["access_token"], "scope": str(token.get("scope") or "")}
        return json.dumps(secret)

    async def _look(self, session: Session, token: dict[str, Any]) -> None:
        """Who has signed in, and what was not granted."""
        lacking = missing_scopes(str(token.get("scope") or ""))
        if lacking:
            self.notices = (f"The server did not grant the permission {', '.join(lacking)}.",)
        try:
            answer = await session.get(
                "/api/v1/accounts/verify_credentials", headers={"Authorization": f"Bearer {token['access_token']}"}
            )
            account = answer.json()
        except ChannelError as exc:
            self.notices += (f"The new login could not be tried: {exc.message}",)
            return
        if isinstance(account, dict):
            self.handle = clean_line(f"@{account.get('acct') or ''}")


async def begin(http: Http, server: str) -> LoginStep:
    """Register with `server` and make the address where an officer says yes.

    Raises `Misconfigured` when the address is not one of a server of this kind, or another `ChannelError`.
    """
    from authlib.common.security import generate_token
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    session = http.session(server, classify=classify)
    offer = await _metadata(session)
    client, scope = await _register(session)
    state = generate_token(32)
    verifier = generate_token(64) if "S256" in (offer.get("code_challenge_methods_supported") or ()) else None
    pkce = {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"} if verifier else {}
    url = prepare_grant_uri(
        f"{session.base_url}{_path(offer, 'authorization_endpoint', '/oauth/authorize')}",
        client["client_id"],
        "code",
        redirect_uri=OUT_OF_BAND,
        scope=scope,
        state=state,
        **pkce,
    )
    return LoginStep(
        url=url,
        instructions=(
            "Open this address in a browser where the organisation's account is signed in, allow the access, and paste"
            " the code that is shown, or the whole address of the page that shows it."
        ),
        http=http,
        server=server,
        token_path=_path(offer, "token_endpoint", "/oauth/token"),
        client=client,
        state=state,
        verifier=verifier,
    )


def code_in(pasted: str, state: str) -> str:
    """The code in what was pasted: itself, or in the query of an address. Raises `UsageError`."""
    text = pasted.strip().strip("\"'<>")
    if "://" in text or text.startswith("urn:"):
        query = parse_qs(text.partition("?")[2].partition("#")[0])
        if query.get("error"):
            raise AuthError("The access was not allowed in the browser.", hint=_AGAIN)
        if query.get("state", [state])[0] != state:
            raise AuthError("The address belongs to another sign-in.", hint=_AGAIN)
        text = query.get("code", [""])[0]
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError("That is not a code.", hint="Paste the code from the browser, or the address of its page.")
    return text


async def _metadata(session: Session) -> dict[str, Any]:
    """What the server says of its sign-in; empty where it says nothing."""
    try:
        data = (await session.get("/.well-known/oauth-authorization-server")).json()
    except (Rejected, BadPayload, NotPermitted, AuthError, Misconfigured):
        return {}
    return data if isinstance(data, dict) else {}


def _path(offer: dict[str, Any], name: str, usual: str) -> str:
    """The path of an endpoint. Only the path: the configured server stands for scheme and host of every call."""
    value = offer.get(name)
    try:
        path = urlsplit(value).path if isinstance(value, str) else ""
    except ValueError:
        path = ""
    return path if path.startswith("/") else usual


async def _register(session: Session) -> tuple[dict[str, str], str]:
    """Client id and secret of a new app, and the scopes it may ask for."""
    wrong = Misconfigured(f"{session.base_url} does not speak Mastodon's API.", hint="Check the account's `server`.")
    for scope in (" ".join(SCOPES), COARSE):
        form = {"client_name": CLIENT_NAME, "redirect_uris": OUT_OF_BAND, "scopes": scope}
        try:
            # An app that is registered twice does no harm: one of them is never used.
            answer: Answer = await session.post("/api/v1/apps", form=form, safe=True)
            data = answer.json()
        except (Missing, BadPayload) as exc:
            raise wrong from exc
        except Rejected:
            if scope == COARSE:
                raise
            continue
        if not isinstance(data, dict) or not data.get("client_id") or not data.get("client_secret"):
            raise wrong
        return {"client_id": str(data["client_id"]), "client_secret": str(data["client_secret"])}, scope
    raise wrong
