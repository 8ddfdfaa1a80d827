"""Calls to a server of the Mastodon family: sign-in headers, what its answers mean, and its pages.

Facts (recorded from Mastodon 4.7, GoToSocial 0.20, Takahe 0.11): a revoked token is a 401, on Takahe a 400 of
bare text; the words of errors are localised, so only the status and the make of an answer are looked at; 429 carries
an ISO `X-RateLimit-Reset` and no Retry-After; pages go on by their `Link` header alone, never by their length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.mastodon_entities import Account, Server, read_account, read_server, text_id
from socialtriage.channels.multipart import form_with
from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import AuthError, BadPayload, ChannelError, Misconfigured, NotPermitted, Rejected
from socialtriage.domain.models import OutgoingFile

if TYPE_CHECKING:
    from socialtriage.channels.http import Answer, Params, Session

SCOPES = (
    "read:notifications", "read:statuses", "read:accounts", "read:blocks", "read:mutes", "write:statuses",
    "write:media", "write:notifications", "write:blocks", "write:mutes", "write:reports", "write:conversations",
)  # fmt: skip
"""What sign-in asks for (api/oauth-scopes.md)."""
NEEDED = ("read:notifications", "read:statuses", "read:accounts", "write:statuses")
"""What the desk cannot do without."""

_LINK = re.compile(r"<([^>]*)>\s*;[^,<]*\brel=\"?(\w+)\"?")
_LOGIN = "Sign in again: socialtriage accounts login."


class Missing(Rejected):
    """404 or 410: there is no such thing, or we may not see it."""


class OutOfTime(Exception):
    """The account's budget is used up; the walk goes on in the next pass."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page: its entries as they came (newest first), and the ids that lead on, None where there is nothing more."""

    entries: list[Any]
    newer: str | None
    older: str | None


def classify(answer: Answer) -> ChannelError | None:
    """What these servers mean by a status, where it is not what everybody means."""
    if answer.status in (404, 410):
        return Missing(f"{answer.host} answered {answer.status}: no such page, or not visible to this account.")
    if answer.status == 400 and answer.body[:1] not in (b"", b"{", b"[", b"<"):
        # Takahe's answer to a revoked token is bare text (recorded as text/html); all other refusals are JSON or pages.
        return AuthError(f"{answer.host} does not accept the login.", hint=_LOGIN)
    return None


class Api:
    """One account's calls. Make it with `connect`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.base_url = session.base_url
        self._me: Account | None = None

    def still_time(self) -> None:
        """Raises `OutOfTime` when another call could not end inside the budget."""
        if self._session.budget.left < 1.0:
            raise OutOfTime

    async def get(self, path: str, params: Params | None = None) -> Answer:
        """Read. Raises `Missing`, `AuthError`, `NotPermitted`, `Misconfigured` or another `ChannelError`."""
        try:
            return await self._session.get(path, params)
        except Missing:
            raise
        except Rejected as exc:
            raise Misconfigured(exc.message, hint="Check the account's `server`.") from exc

    async def upload(self, name: str, mime: str, alt: str, data: bytes) -> Answer:
        """Hand in a picture with its description (methods/media.md, v2). It is shown nowhere until a status has it."""
        content, headers = form_with({"description": alt}, "file", OutgoingFile(name, mime, alt, data))
        # A picture that is handed in twice is shown once: the server forgets what no status has.
        return await self._session.post("/api/v2/media", content=content, headers=headers, safe=True)

    async def media(self, id_: str) -> Answer:
        """What became of a picture that the server is working on: 206 while it is (methods/media.md)."""
        return await self._session.get(f"/api/v1/media/{id_}")

    async def post_status(self, body: dict[str, Any], key: str) -> Answer:
        """Write a status. Raises as `Session.post` does."""
        return await self._session.post("/api/v1/statuses", data=body, headers={"Idempotency-Key": key})

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        """Write something that may be written twice. Raises as `Session.post` does."""
        return await self._session.post(path, data=body)

    async def me(self) -> Account:
        """The account that the token belongs to. Raises `Misconfigured` for another kind of server or token."""
        if self._me is not None:
            return self._me
        path = "/api/v1/accounts/verify_credentials"
        hint = "Check the account's `server`."
        try:
            account = read_account((await self._session.get(path)).json())
        except (Missing, BadPayload) as exc:
            raise Misconfigured(f"{self.base_url} does not speak Mastodon's API.", hint=hint) from exc
        except NotPermitted as exc:
            raise NotPermitted(exc.message, hint=f"The scope read:accounts may be missing. {_LOGIN}") from exc
        except Rejected as exc:
            # Mastodon's answer (422) to the token of an application instead of a person's.
            raise Misconfigured(f"{exc.message} The token is not an account's.", hint=_LOGIN) from exc
        except AuthError as exc:
            await self._not_an_app(exc)
            raise
        if account is None:
            raise Misconfigured(f"{self.base_url} does not speak Mastodon's API.", hint=hint)
        self._me = account
        return account

    async def _not_an_app(self, refused: AuthError) -> None:
        """Raises `Misconfigured` when the refused token is that of an application."""
        try:
            await self._session.get("/api/v1/apps/verify_credentials")
        except ChannelError:
            return
        raise Misconfigured("The token belongs to an application, not to the account.", hint=_LOGIN) from refused

    async def server(self, now: str) -> Server:
        """What kind of server it is: v2 of the instance document, v1 where there is no v2."""
        for version in ("v2", "v1"):
            try:
                return read_server((await self.get(f"/api/{version}/instance")).json(), self.base_url, now)
            except (Missing, BadPayload, Misconfigured, NotPermitted, AuthError):
                continue
        return read_server(None, self.base_url, now)

    async def app_scopes(self) -> str | None:
        """The scopes of the application that the token was made by; None where the server does not tell."""
        try:
            data = (await self._session.get("/api/v1/apps/verify_credentials")).json()
        except (Rejected, BadPayload, NotPermitted, AuthError):
            return None
        scopes = data.get("scopes") if isinstance(data, dict) else None
        return " ".join(str(scope) for scope in scopes) if isinstance(scopes, list) else None

    async def dropped_kinds(self) -> list[str]:
        """Which notifications the account's policy destroys unseen (Mastodon 4.3); empty where there is no policy."""
        try:
            data = (await self._session.get("/api/v2/notifications/policy")).json()
        except (Rejected, BadPayload, NotPermitted):
            return []
        return [str(kind) for kind, value in data.items() if value == "drop"] if isinstance(data, dict) else []

    async def listing(self, path: str, params: Params) -> Listing:
        """One page of a list. Raises `BadPayload` when it is no list."""
        answer = await self.get(path, params)
        entries = answer.json()
        if not isinstance(entries, list):
            raise BadPayload(f"{answer.host} answered {path} with something that is not a list.", field="$")
        links = _links(answer.headers.get("link", ""))
        ids = [key for key in (text_id(e.get("id")) for e in entries if isinstance(e, dict)) if key]
        # Servers that send no Link header at all are walked by the ids of their pages until one is empty.
        older = links.get("next") if links else (ids[-1] if ids else None)
        return Listing(entries, newer=links.get("prev") or (ids[0] if ids else None), older=older)

    async def context(self, status_id: str) -> tuple[list[Any], list[Any]]:
        """Ancestors, the root first, and descendants of a status. Raises `Missing`."""
        data = (await self.get(f"{status_path(status_id)}/context")).json()
        if not isinstance(data, dict):
            raise BadPayload("A thread could not be read: it is not an object.", field="$")
        ancestors, descendants = data.get("ancestors"), data.get("descendants")
        return (
            ancestors if isinstance(ancestors, list) else [],
            descendants if isinstance(descendants, list) else [],
        )

    async def status(self, status_id: str) -> Any:
        """One status. Raises `Missing` when it is gone or hidden from us."""
        return (await self.get(status_path(status_id))).json()

    async def statuses(self, parameter: str, ids: Sequence[str]) -> list[Any]:
        """Several statuses at once; those that are gone are silently absent. Raises `BadPayload`."""
        data = (await self.get("/api/v1/statuses", {parameter: list(ids)})).json()
        if not isinstance(data, list):
            raise BadPayload("Several messages at once could not be read: not a list.", field="$")
        return data


async def connect(ctx: ChannelContext) -> Api:
    """Calls signed in as the account. Raises `AuthError` without a usable token, `Misconfigured` without a server."""
    if not ctx.account.server:
        raise Misconfigured(f"The account {ctx.account.id} has no server.", hint='Add server = "https://…".')
    session = ctx.http.session(ctx.account.server, budget=ctx.budget, classify=classify)
    token, _ = read_secret(await ctx.secret.get())
    session.headers["Authorization"] = f"Bearer {token}"
    return Api(session)


def read_secret(secret: str) -> tuple[str, str]:
    """Token and granted scopes (empty when unknown) of a secret: the token alone, or a JSON object of OAuth fields.

    Raises `AuthError`; the message never holds the secret.
    """
    fields = OAuthSecret.parse(secret)
    token = fields.access_token
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise AuthError("The stored login is not an access token.", hint=_LOGIN)
    return token, str(fields.more.get("scope") or "")


def missing_scopes(granted: str) -> tuple[str, ...]:
    """What is needed and was not granted; nothing where it is not known what was. `read` stands for all `read:…`."""
    scopes = set(granted.split())
    return tuple(s for s in NEEDED if scopes and s not in scopes and s.partition(":")[0] not in scopes)


def status_path(status_id: str) -> str:
    """The address of a status. Ids come from the server: one never leads to another place. Raises `Missing`."""
    if status_id.strip(".") == "":
        raise Missing("There is no message with such an id.")
    return f"/api/v1/statuses/{quote(status_id, safe='')}"


def _links(header: str) -> dict[str, str]:
    """The ids that a Link header leads on with, by `rel`. Only the ids: the address may be another's behind a proxy."""
    found: dict[str, str] = {}
    for url, rel in _LINK.findall(header):
        query = parse_qs(url.partition("?")[2].partition("#")[0])
        names = ("max_id",) if rel == "next" else ("min_id", "since_id")
        for name in names:
            if query.get(name):
                found.setdefault(rel, query[name][0])
    return found
