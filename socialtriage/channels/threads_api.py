"""Signed calls to Threads, and how one signs in there.

Facts (compiled from Meta's documents by peers; nothing here was tried with a live account): the
version is in the path but for the token calls; a token lives 60 days and is extended with itself when it is a day old;
the documented place of the token is the parameter `access_token`, and it goes in the header too, as at Meta's other
hosts. Redirect addresses must be https, so that the code is pasted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.graph import Listing
from socialtriage.channels.graph_errors import Missing, Usage, classifier
from socialtriage.channels.graph_json import moment, objects, text_id, texts, words_of
from socialtriage.channels.oauth_signin import SignIn, with_scopes
from socialtriage.channels.oauth_token import TokenEndpoint, base_of, classify, keep, login, signed
from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import AnswerLost, AuthError, BadPayload, ChannelError, Misconfigured, Rejected
from socialtriage.domain.models import SafeText
from socialtriage.domain.text import clean_line

if TYPE_CHECKING:
    from socialtriage.channels.http import Session

API = "https://graph.threads.net"
VERSION = "v1.0"
LIFETIME = timedelta(days=60)
TOKENS = TokenEndpoint(
    f"{API}/oauth/access_token",
    extends="th_refresh_token",
    extend_path="/refresh_access_token",
    early=timedelta(days=30),
    lifetime=LIFETIME,
)
SCOPES = (
    "threads_basic",
    "threads_read_replies",
    "threads_manage_replies",
    "threads_manage_mentions",
    "threads_content_publish",
)
NEEDED = ("threads_basic", "threads_read_replies", "threads_content_publish")
HINT = "Sign in again: socialtriage accounts login."


class Api:
    """One account's calls."""

    def __init__(self, ctx: ChannelContext) -> None:
        self.ctx = ctx
        self.budget = ctx.budget
        self._usage = Usage()
        self._me: tuple[str, str] | None = None
        self._plain = False
        """Addresses of pictures are not asked for any more: Threads refused the field."""

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """One object. Raises `Missing`, `BadPayload` or another `ChannelError`."""
        self._usage.guard("threads")
        try:
            return await self._get(path, self._known_fields(params or {}))
        except Missing:
            raise
        except Rejected as exc:
            # Error 100: one field that is not known refuses the whole answer; pictures can be done without.
            if self._plain or "field" not in exc.message or "media_url" not in (params or {}).get("fields", ""):
                raise
            self._plain = True
            return await self._get(path, self._known_fields(params or {}))

    def _known_fields(self, params: Mapping[str, str]) -> dict[str, str]:
        return {k: v.replace(",media_url", "") if self._plain and k == "fields" else v for k, v in params.items()}

    async def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        async def call(token: str) -> dict[str, Any]:
            answer = await self._session(token).get(_path(path), {**params, "access_token": token})
            data = answer.json()
            if not isinstance(data, dict):
                raise BadPayload("Threads answered with something that is not an object.", field="$")
            return data

        return await signed(self.ctx, TOKENS, call)

    async def post(self, path: str, form: Mapping[str, str], *, safe: bool = False) -> dict[str, Any]:
        """Write. `safe` marks a call that may be repeated. Raises `AnswerLost` when it may have been carried out."""
        self._usage.guard("threads")

        async def call(token: str) -> dict[str, Any]:
            form_ = {**form, "access_token": token}
            answer = await self._session(token).post(_path(path), form=form_, safe=safe)
            try:
                data = answer.json()
            except BadPayload as exc:
                raise AnswerLost(f"It may have been carried out: {exc.message}") from exc
            if not isinstance(data, dict):
                raise AnswerLost("Threads took it, and answered with something that cannot be read.")
            return data

        return await signed(self.ctx, TOKENS, call)

    async def listing(self, path: str, params: Mapping[str, str], after: str | None = None) -> Listing:
        """One page of a list. There is no address of a next page: the cursor leads on until it is not there."""
        data = await self.get(path, {**params, **({"after": after} if after else {})})
        entries = data.get("data")
        if not isinstance(entries, list):
            raise BadPayload("Threads answered with something that is not a list.", field="data")
        paging = data.get("paging")
        cursors = paging.get("cursors") if isinstance(paging, dict) else None
        following = text_id(cursors.get("after")) if isinstance(cursors, dict) else None
        good = [entry for entry in entries if isinstance(entry, dict)]
        # The last page may carry a cursor too: an empty one ends the list, unless it names a next page after all.
        more = bool(entries) or (isinstance(paging, dict) and bool(paging.get("next")))
        return Listing(good, following if more and following != after else None, len(entries) - len(good))

    async def me(self) -> tuple[str, str]:
        """Our id and user name. Raises `Misconfigured` when the login is not that of the configured user."""
        if self._me is not None:
            return self._me
        wanted = (self.ctx.account.user or "").strip().lstrip("@")
        try:
            data = await self.get("me", {"fields": "id,username"})
        except Missing:
            # Under its own id an account is always found, whatever becomes of the short word for it.
            data = await self.get(wanted or "me", {"fields": "id,username"})
        key, name = text_id(data.get("id")), clean_line(words_of(data.get("username")))
        if key is None:
            raise Misconfigured("Threads does not say whose login this is.", hint=HINT)
        if wanted and wanted.lower() not in (key, name.lower(), "me"):
            raise Misconfigured(
                f"The login of {self.ctx.account.id} belongs to @{name} (id {key}), the configuration says {wanted}.",
                hint="Sign in as the organisation, or change `user`.",
            )
        self._me = (key, str(name))
        return self._me

    async def inspect(self) -> tuple[OAuthSecret, tuple[str, ...] | None]:
        """The login and what it was granted, as Threads tells; None where it does not.

        The end of a token that came without one is stored with it, so that it is extended in time.
        """
        secret = await login(self.ctx, TOKENS)
        try:
            data = (await self.get("debug_token", {"input_token": secret.access_token})).get("data")
        except (Rejected, BadPayload, ChannelError) as exc:
            if isinstance(exc, AuthError):
                raise
            return secret, None
        told = data if isinstance(data, dict) else {}
        ends = moment(told.get("expires_at"))
        if ends is not None and secret.expires_at is None:
            longer = replace(secret, expires_at=ends)
            await keep(self.ctx, secret, longer)
            secret = longer
        return secret, tuple(texts(told.get("scopes"))) or None

    def _session(self, token: str) -> Session:
        session = self.ctx.http.session(
            base_of(self.ctx, API), budget=self.budget, classify=classifier(self._usage, token)
        )
        session.headers["Authorization"] = f"Bearer {_sendable(token)}"
        return session


def _sendable(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise AuthError("The stored login is not an access token.", hint=HINT)
    return token


def _path(path: str) -> str:
    parts = path.split("/")
    if any(part.strip(".") == "" for part in parts):
        # Ids come from the network: one never leads to another place.
        raise Missing("There is nothing with such an id.")
    return f"/{VERSION}/" + "/".join(quote(part, safe="") for part in parts)


async def _long_lived(ctx: ChannelContext, short: OAuthSecret) -> OAuthSecret:
    """The token of an hour becomes one of 60 days."""
    session = ctx.http.session(base_of(ctx, API), classify=classify)
    answer = await session.get(
        "/access_token",
        {
            "grant_type": "th_exchange_token",
            "client_secret": short.client_secret or "",
            "access_token": short.access_token,
        },
    )
    data = answer.json()
    longer = short.renewed(data if isinstance(data, dict) else {}, ctx.clock())
    return with_scopes(longer, str(short.more["scope"])) if "scope" in short.more else longer


SIGN_IN = SignIn(
    vendor="Threads",
    authorize="https://threads.net/oauth/authorize",
    endpoint=TOKENS,
    scopes=SCOPES,
    needed=NEEDED,
    steps=(
        "Sign in at developers.facebook.com, create an app, and add the use case “Access the Threads API”.",
        "In the use case's settings enter this redirect address, exactly, and the same as the addresses for"
        " uninstalling and deleting: {redirect}",
        "Add these permissions to the use case: {scopes}.",
        "Add the organisation's Threads account as a tester, and accept that in the account's settings (Website"
        " permissions). Mentions by the public need Advanced Access: ask for it in App Review.",
        "Copy the Threads app id and its secret (App settings): both are asked for here, or write the id as"
        " `client_id` into the configuration.",
    ),
    redirect="https://localhost:8917/threads",
    pkce=False,
    separator=",",
    app_secret=True,
    client_name="Threads app id",
    after=_long_lived,
)


def person(name: str) -> SafeText:
    """A handle as it is shown."""
    return clean_line(f"@{name}") if name else SafeText("unknown")


__all__ = ["SIGN_IN", "Api", "Listing", "Missing", "objects", "person"]
