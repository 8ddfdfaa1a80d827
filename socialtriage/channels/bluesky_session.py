"""Signed-in calls to an AT Protocol server: the session is kept in the keyring and used again by every pass.

Facts: an access token lives 2 hours, a refresh token 90 days; a refresh hands out a new refresh token, and the old one
goes on working for 2 hours, so a refresh may be repeated; `createSession` is limited to 30 in 5 minutes and 300 a day,
which is why a session is never thrown away and a refused password is not tried again at once.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.bluesky_answers import Declined, TokenTrouble, classify, is_did
from socialtriage.domain.errors import AuthError, BadPayload, Misconfigured, NotPermitted, Rejected, SecretError

if TYPE_CHECKING:
    from socialtriage.channels.answers import Answer
    from socialtriage.channels.http import Params
    from socialtriage.channels.http import Session as HttpSession

ENTRYWAY = "https://bsky.social"
CHAT_PROXY = "did:web:api.bsky.chat#bsky_chat"
"""Value of the header `atproto-proxy` that makes a PDS pass a call on to the service for direct messages."""
PATIENCE_AFTER_REFUSAL = timedelta(minutes=15)
"""A password that was refused is not tried again sooner: 300 tries a day lock the account out of signing in."""
BELIEVABLE_SKEW = timedelta(days=1)

_LOGIN_HINT = (
    "Make an app password in Bluesky's settings (Privacy and security) and store it: socialtriage accounts login."
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A session: who we are, where our data server is, and the two tokens."""

    did: str
    handle: str
    pds: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)

    @property
    def main_password(self) -> bool:
        """Whether the main password opened the session: its access token then says `com.atproto.access`."""
        payload = self.access.split(".")[1:2]
        try:
            claims = json.loads(base64.urlsafe_b64decode(payload[0] + "==")) if payload else None
        except (ValueError, RecursionError):
            return False
        return isinstance(claims, dict) and claims.get("scope") == "com.atproto.access"

    def to_json(self) -> dict[str, str]:
        """As it is kept in the keyring."""
        return {
            "did": self.did,
            "handle": self.handle,
            "pds": self.pds,
            "accessJwt": self.access,
            "refreshJwt": self.refresh,
        }


@dataclass(frozen=True, slots=True)
class Kept:
    """The account's secret: the app password, and the session that it opened for `login` at `server`."""

    password: str = field(repr=False)
    identifier: str | None = None
    grant: Grant | None = None
    login: str = ""
    server: str = ""

    @classmethod
    def parse(cls, secret: str) -> Kept:
        """A bare app password, or JSON with `password`. Raises `Misconfigured` for JSON of another kind."""
        try:
            data = json.loads(secret)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            return cls(secret.strip())
        password, identifier = data.get("password"), data.get("identifier")
        if not isinstance(password, str) or not password.strip():
            raise Misconfigured("The secret holds no app password.", hint=_LOGIN_HINT)
        session = data.get("session")
        grant, session = _grant(session), session if isinstance(session, dict) else {}
        return cls(
            password.strip(),
            identifier if isinstance(identifier, str) and identifier.strip() else None,
            grant,
            str(session.get("login", "")),
            str(session.get("server", "")),
        )

    def to_secret(self) -> str:
        """What the keyring keeps; short, since some keyrings hold no more than 1,280 characters."""
        data: dict[str, Any] = {"password": self.password}
        if self.identifier:
            data["identifier"] = self.identifier
        if self.grant:
            data["session"] = {**self.grant.to_json(), "login": self.login, "server": self.server}
        return json.dumps(data, separators=(",", ":"))


def _grant(data: object) -> Grant | None:
    if not isinstance(data, dict):
        return None
    values = [data.get(name) for name in ("did", "handle", "pds", "accessJwt", "refreshJwt")]
    if not all(isinstance(value, str) and value for value in values) or not is_did(str(values[0])):
        return None
    return Grant(*map(str, values))


_unsaved: dict[str, Grant] = {}
"""Sessions that the keyring would not take, for this process only, by a digest of server, login and password."""
_refused: dict[str, tuple[datetime, str]] = {}
"""When and how a password was refused in this process."""


class Xrpc:
    """Calls of one account. Signs in at the first one; `notices` collects sentences for the account's state."""

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._kept: Kept | None = None
        self._session: Grant | None = None
        self._skew = timedelta(0)
        self.notices: list[str] = []

    @property
    def grant(self) -> Grant:
        """The session in use; only after `sign_in` or a call."""
        if self._session is None:
            raise AuthError("The account is not signed in.")
        return self._session

    @property
    def did(self) -> str:
        """Our own identifier."""
        return self.grant.did

    def now(self) -> datetime:
        """The time in UTC; where the server's clock is behind ours, the server's: its items carry its time."""
        return self._ctx.clock() + self._skew

    async def query(self, method: str, params: Params | None = None, *, chat: bool = False) -> dict[str, Any]:
        """Read. Raises `ChannelError`."""
        return await self._call(
            lambda grant: self._http(grant.pds).get(f"xrpc/{method}", params, _headers(grant, chat)), chat
        )

    async def procedure(
        self, method: str, data: Mapping[str, Any], *, chat: bool = False, proxy: str = ""
    ) -> dict[str, Any]:
        """Write once, at our data server or at the service that `proxy` names (a DID with the part of its document).

        Raises `ChannelError`, `AnswerLost` when it may have been carried out.
        """
        return await self._call(
            lambda grant: self._http(grant.pds).post(
                f"xrpc/{method}", data=dict(data), headers=_headers(grant, chat, proxy)
            ),
            chat or bool(proxy),
        )

    async def upload(self, mime: str, data: bytes) -> dict[str, Any]:
        """Hand in a file to our data server (com.atproto.repo.uploadBlob). It is forgotten when no record names it."""
        return await self._call(
            lambda grant: self._http(grant.pds).post(
                "xrpc/com.atproto.repo.uploadBlob",
                content=data,
                headers={**_headers(grant, False, ""), "Content-Type": mime},
                safe=True,
            ),
            False,
        )

    async def sign_in(self, *, prove: bool = False) -> Grant:
        """Take up the kept session, or open one. `prove` asks the server whether it still counts."""
        if self._session is None:
            self._kept = Kept.parse(await self._ctx.secret.get())
            kept = self._kept
            self._session = _unsaved.get(self._digest(kept)) or (kept.grant if self._fits(kept) else None)
            if prove:
                _refused.pop(self._digest(kept), None)
            if self._session is None:
                await self._log_in()
                return self.grant
        if prove:
            await self._renew()
        return self.grant

    async def _call(self, send: Callable[[Grant], Awaitable[Answer]], proxied: bool) -> dict[str, Any]:
        await self.sign_in()
        remedies = [self._adopt, self._renew]
        while True:
            try:
                answer = await send(self.grant)
            except TokenTrouble as exc:
                while remedies:
                    if await remedies.pop(0)():
                        break
                else:
                    if proxied:  # our data server takes these tokens; it is the service behind it that does not
                        raise NotPermitted(exc.message) from exc
                    raise
                continue
            self._watch_clock(answer)
            return _object(answer)

    async def _adopt(self) -> bool:
        """Take over the session, or the password, that another process has kept meanwhile."""
        kept = Kept.parse(await self._ctx.secret.get())
        self._kept = kept
        if kept.grant is None or kept.grant == self._session or not self._fits(kept):
            return False
        if self._digest(kept) in _unsaved:
            return False
        self._session = kept.grant
        return True

    async def _refresh(self) -> bool:
        """New tokens, kept before they are used; False when the refresh token does not count any more."""
        old = self.grant
        try:
            answer = await self._http(old.pds).post(
                "xrpc/com.atproto.server.refreshSession",
                headers={"Authorization": f"Bearer {old.refresh}"},
                safe=True,
            )
        except (TokenTrouble, Rejected):
            return False
        self._watch_clock(answer)
        await self._accept(_object(answer), old.pds)
        return True

    async def _renew(self) -> bool:
        """New tokens by the refresh token, by the app password only when that does not count any more."""
        return await self._refresh() or await self._log_in()

    async def _log_in(self) -> bool:
        """Open a session with the app password. Raises `AuthError` or `Misconfigured` when it is refused."""
        kept = self._kept or Kept.parse(await self._ctx.secret.get())
        self._kept = kept
        digest, account = self._digest(kept), self._ctx.account.id
        at, words = _refused.get(digest, (None, ""))
        if at is not None and timedelta(0) <= self._ctx.clock() - at < PATIENCE_AFTER_REFUSAL:
            raise AuthError(words, hint=_LOGIN_HINT)
        # An account that was renamed can still sign in by the identifier that never changes.
        known = kept.grant.did if kept.grant and self._fits(kept) else None
        try:
            answer = await self._http(self._server).post(
                "xrpc/com.atproto.server.createSession",
                data={"identifier": known or self._login_name(kept), "password": kept.password},
                safe=True,
            )
            self._watch_clock(answer)
            await self._accept(_object(answer), self._server)
        except Declined as exc:
            code = exc.name == "AuthFactorTokenRequired"
            words = "Bluesky asks for a code by email, as it does for the main password." if code else exc.message
            raise Misconfigured(f"{account}: {words}", hint=_LOGIN_HINT) from exc
        except AuthError as exc:
            words = f"{account}: Bluesky did not let us in. {exc.message}"
            _refused[digest] = (self._ctx.clock(), words)
            raise AuthError(words, hint=exc.hint or _LOGIN_HINT) from exc
        _refused.pop(digest, None)
        return True

    async def _accept(self, data: dict[str, Any], server: str) -> None:
        """Use and keep a session that the server handed out."""
        session = {**data, "pds": self._pds(data) or server}
        grant = _grant(session)
        if grant is None:
            raise BadPayload("The server opened a session without its identifier or tokens.", field="accessJwt")
        if data.get("active") is False:
            status = data.get("status")
            why = status if status in ("deactivated", "suspended") else "not active"
            why = "taken down" if status == "takendown" else why
            raise AuthError(f"The Bluesky account is {why}.", hint="Sign in at bsky.app to see why.")
        self._session = grant
        if self._kept is not None:
            await self._keep(self._kept, grant)

    async def _keep(self, kept: Kept, grant: Grant) -> None:
        """Put the session beside the password, unless the officer has stored another password meanwhile."""
        self._kept = Kept(kept.password, kept.identifier, grant, self._login_name(kept), self._server)
        try:
            if Kept.parse(await self._ctx.secret.get()).password == kept.password:
                await self._ctx.secret.set(self._kept.to_secret())
            _unsaved.pop(self._digest(kept), None)
        except (SecretError, AuthError, Misconfigured) as exc:
            _unsaved[self._digest(kept)] = grant
            self.notices.append(f"The Bluesky session could not be kept in the keyring: {exc.message}")

    @property
    def _server(self) -> str:
        return (self._ctx.account.server or ENTRYWAY).rstrip("/")

    def _pds(self, data: dict[str, Any]) -> str | None:
        """Our data server by the DID document; a configured `server` stands for every host."""
        document = data.get("didDoc")
        services = document.get("service") if isinstance(document, dict) else None
        if self._ctx.account.server or not isinstance(services, list):
            return None
        for service in services:
            if isinstance(service, dict) and str(service.get("id", "")).endswith("#atproto_pds"):
                endpoint = service.get("serviceEndpoint")
                return endpoint.rstrip("/") if isinstance(endpoint, str) else None
        return None

    def _login_name(self, kept: Kept) -> str:
        """What signs us in: `@` in front of a handle is refused by the server."""
        name = (self._ctx.account.handle or kept.identifier or "").strip().removeprefix("@")
        if not name:
            raise Misconfigured(f"{self._ctx.account.id} has no handle.", hint='Write handle = "name.bsky.social".')
        return name

    def _fits(self, kept: Kept) -> bool:
        """Whether the kept session was opened for the account as it is configured now."""
        return kept.login == self._login_name(kept) and kept.server == self._server

    def _digest(self, kept: Kept) -> str:
        return hashlib.sha256("\0".join((self._server, self._login_name(kept), kept.password)).encode()).hexdigest()

    def _http(self, server: str) -> HttpSession:
        return self._ctx.http.session(server, budget=self._ctx.budget, classify=classify)

    def _watch_clock(self, answer: Answer) -> None:
        try:
            behind = parsedate_to_datetime(answer.headers.get("date", "")) - self._ctx.clock()
        except (TypeError, ValueError):
            return
        self._skew = min(behind, timedelta(0)) if abs(behind) < BELIEVABLE_SKEW else timedelta(0)


def _headers(grant: Grant, chat: bool, proxy: str = "") -> dict[str, str]:
    behind = CHAT_PROXY if chat else proxy
    return {"Authorization": f"Bearer {grant.access}"} | ({"atproto-proxy": behind} if behind else {})


def _object(answer: Answer) -> dict[str, Any]:
    """The answer's JSON object. Raises `BadPayload`."""
    if not answer.body:
        return {}
    data = answer.json()
    if not isinstance(data, dict):
        raise BadPayload(f"{answer.host} answered {answer.url.rpartition('/')[2]} with something unexpected.")
    return data
