"""A valid OAuth access token out of the keyring: renewed when it lapses or is refused, and stored before it is used.

Two kinds of renewal (`TokenEndpoint`): by a refresh token, which may be handed out anew each time (RFC 6749, section 6:
X, YouTube, Google), and by extending a long-lived token with itself (Threads, Instagram). A rotated refresh token
makes the old one worthless, so that renewing is done by one at a time, in this process and, by the lease that
`ChannelContext.alone` takes, among all processes of this desk; whoever waited finds the new login in the keyring.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import (
    AnswerLost,
    AuthError,
    BadPayload,
    ChannelError,
    Misconfigured,
    Rejected,
    SecretError,
    Unavailable,
)

if TYPE_CHECKING:
    from socialtriage.channels.answers import Answer
    from socialtriage.channels.base import ChannelContext
    from socialtriage.channels.http import Session

T = TypeVar("T")
log = logging.getLogger(__name__)

YOUNGEST = timedelta(hours=24)
"""A long-lived token may be extended when it is as old as this (Meta)."""
TRIES_TO_STORE = 3
PAUSE = 0.5
"""Seconds between tries to store a renewed login."""
_PASSING = ("temporarily_unavailable", "server_error", "slow_down")
"""Error codes of RFC 6749 and RFC 8628 that pass by themselves."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where and how a vendor's tokens are renewed. The account's `server` replaces scheme and host of `url`."""

    url: str
    basic: bool = False
    """Whether an app with a secret names itself by HTTP Basic (X), not in the form (Google)."""
    extends: str = ""
    """The `grant_type` by which a long-lived token is extended with itself: `th_refresh_token`. Empty: by refresh
    token."""
    extend_path: str = ""
    """Path of the call that extends, on the host of `url`."""
    early: timedelta = timedelta(seconds=60)
    """How long before its end a token is renewed."""
    lifetime: timedelta | None = None
    """How long a token lives where that tells its age: one that is too young cannot be extended yet."""


@runtime_checkable
class Rereadable(Protocol):
    """A secret that remembers for a while what it read, and can be made to look again."""

    async def fresh(self) -> str:
        """As `get`, but from the keyring itself."""
        ...


_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = WeakKeyDictionary()
_unsaved: dict[str, OAuthSecret] = {}
"""Renewed logins that the keyring would not take, by a digest of the login they replace."""


def base_of(context: ChannelContext, vendor: str) -> str:
    """Scheme and host of a call to `vendor` (a whole address): the account's `server` stands for every host."""
    parts = urlsplit(vendor)
    return (context.account.server or f"{parts.scheme}://{parts.netloc}").rstrip("/")


async def bearer(context: ChannelContext, endpoint: TokenEndpoint, *, refused: str | None = None) -> str:
    """An access token that counts: the stored one, renewed when it has lapsed or is the one just `refused`.

    Raises `AuthError` when there is none and none can be had, `SecretError`, and what renewing raises.
    """
    return (await login(context, endpoint, refused=refused)).access_token


async def login(context: ChannelContext, endpoint: TokenEndpoint, *, refused: str | None = None) -> OAuthSecret:
    """The whole login behind `bearer`, for its expiry and its scopes. Raises as `bearer` does."""
    stored = OAuthSecret.parse(await context.secret.get())
    if _counts(context, endpoint, stored, refused) and _digest(stored) not in _unsaved:
        return stored
    async with _lock(context.account.id), context.alone():
        stored = OAuthSecret.parse(await _fresh(context))
        secret = _unsaved.get(_digest(stored), stored)
        if secret is not stored:
            await keep(context, stored, secret)
        if _counts(context, endpoint, secret, refused):
            return secret
        return await _renewed(context, endpoint, secret, refused)


async def signed(context: ChannelContext, endpoint: TokenEndpoint, call: Callable[[str], Awaitable[T]]) -> T:
    """Make a call with an access token, and once more with a renewed one when it answers that the login lapsed.

    Right for writes too: what was refused with 401 was not carried out.
    """
    token = await bearer(context, endpoint)
    try:
        return await call(token)
    except AuthError as exc:
        secret = OAuthSecret.parse(await _fresh(context))
        if secret.access_token == token and not secret.refresh_token:
            # A long-lived token that is refused cannot be extended any more.
            raise
        log.info("account %s: %s; renewing the login", context.account.id, exc.message)
        return await call(await bearer(context, endpoint, refused=token))


async def keep(context: ChannelContext, old: OAuthSecret, new: OAuthSecret) -> None:
    """Store a login in the place of `old`; tried again for a moment, then remembered for as long as we run.

    Raises `SecretError` when the keyring does not take it.
    """
    digest = _digest(old)
    _unsaved[digest] = new
    for left in reversed(range(TRIES_TO_STORE)):
        try:
            await context.secret.set(new.dump())
            break
        except SecretError as exc:
            if not left:
                raise SecretError(f"The renewed login could not be stored. {exc.message}", hint=exc.hint) from exc
            await asyncio.sleep(PAUSE)
    _unsaved.pop(digest, None)


# --- renewing -------------------------------------------------------------------------------------------------


def _counts(context: ChannelContext, endpoint: TokenEndpoint, secret: OAuthSecret, refused: str | None) -> bool:
    """Whether a login may be used as it is."""
    now = context.clock()
    if not secret.access_token or secret.access_token == refused:
        return False
    if endpoint.extends:
        if secret.expired(now, timedelta(0)):
            return False
        return not (secret.expired(now, endpoint.early) and _old_enough(endpoint, secret, now))
    return not secret.expired(now, endpoint.early)


def _old_enough(endpoint: TokenEndpoint, secret: OAuthSecret, now: datetime) -> bool:
    if endpoint.lifetime is None or secret.expires_at is None:
        return True
    return now - (secret.expires_at - endpoint.lifetime) >= YOUNGEST


async def _renewed(
    context: ChannelContext, endpoint: TokenEndpoint, secret: OAuthSecret, refused: str | None
) -> OAuthSecret:
    now, account = context.clock(), context.account.id
    if endpoint.extends:
        if secret.access_token == refused or secret.expired(now, timedelta(0)):
            raise _lapsed(account)
        try:
            renewed = secret.renewed(await _extend(context, endpoint, secret), now)
        except ChannelError as exc:
            # It still counts: what could not be done today is tried again in the next pass.
            log.warning("account %s: the login could not be extended: %s", account, exc.message)
            return secret
    else:
        if not secret.refresh_token:
            raise _lapsed(account)
        try:
            renewed = secret.renewed(await _refresh(context, endpoint, secret), now)
        except AuthError:
            other = OAuthSecret.parse(await _fresh(context))
            if other.access_token in ("", refused) or other == secret:
                raise
            # Another program, which knows nothing of our lease, was faster.
            return other
    await keep(context, secret, renewed)
    return renewed


def _lapsed(account: str) -> AuthError:
    return AuthError(
        f"The login of {account} has lapsed and cannot be renewed.",
        hint=f"Sign in again: socialtriage accounts login {account}.",
    )


async def _refresh(context: ChannelContext, endpoint: TokenEndpoint, secret: OAuthSecret) -> Mapping[str, Any]:
    form = {"grant_type": "refresh_token", "refresh_token": secret.refresh_token or ""}
    return await ask(
        _session(context, endpoint),
        endpoint,
        form,
        client_id=secret.client_id or context.account.client_id or "",
        client_secret=secret.client_secret or "",
    )


async def _extend(context: ChannelContext, endpoint: TokenEndpoint, secret: OAuthSecret) -> Mapping[str, Any]:
    answer = await _session(context, endpoint).get(
        endpoint.extend_path, {"grant_type": endpoint.extends, "access_token": secret.access_token}
    )
    return _object(answer)


def _session(context: ChannelContext, endpoint: TokenEndpoint) -> Session:
    return context.http.session(base_of(context, endpoint.url), budget=context.budget, classify=classify)


async def ask(
    session: Session, endpoint: TokenEndpoint, form: Mapping[str, str], *, client_id: str, client_secret: str
) -> Mapping[str, Any]:
    """A token endpoint's answer to `form`. Raises `AuthError` when it says no, `Unavailable` when it says nothing.

    A public client names itself in the form; one with a secret as the endpoint wants it.
    """
    headers, body = {}, dict(form) | ({"client_id": client_id} if client_id else {})
    if endpoint.basic and client_secret:
        pair = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode("ascii")
        headers = {"Authorization": f"Basic {pair}"}
    elif client_secret:
        body["client_secret"] = client_secret
    try:
        return _object(await session.post(urlsplit(endpoint.url).path, form=body, headers=headers))
    except (AnswerLost, Rejected, BadPayload) as exc:
        said = scrubbed(exc.message, *body.values(), client_secret)
        raise Unavailable(f"The login could not be renewed: {said}") from None
    except AuthError as exc:
        raise AuthError(scrubbed(exc.message, *body.values(), client_secret), hint=exc.hint) from None


def scrubbed(words: str, *secrets: str) -> str:
    """The words of a server, which may repeat what it was given, without what was confided to it."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) > 8:
            words = words.replace(secret, "…")
    return words


def classify(answer: Answer) -> ChannelError | None:
    """What a token endpoint means (RFC 6749, 5.2): 400 and 401 for a login or an app that it does not know."""
    if answer.status in (400, 401, 403):
        code = answer.error_field("error")
        told = answer.error_field("error_description", "detail") or code or _nested(answer) or str(answer.status)
        said = told.rstrip(". ")
        if code in _PASSING:
            return Unavailable(f"{answer.host} cannot renew the login now: {said}.")
        if code in ("invalid_client", "unauthorized_client"):
            return Misconfigured(
                f"{answer.host} does not know the app that signs in: {said}.", hint="Check the account's `client_id`."
            )
        return AuthError(
            f"{answer.host} does not accept the login: {said}.", hint="Sign in again: socialtriage accounts login."
        )
    return None


def _nested(answer: Answer) -> str:
    """Meta's error: an object inside the object."""
    try:
        data = answer.json()
    except BadPayload:
        return ""
    error = data.get("error") if isinstance(data, dict) else None
    return str(error.get("message") or "")[:300] if isinstance(error, dict) else ""


def _object(answer: Answer) -> Mapping[str, Any]:
    data = answer.json()
    if not isinstance(data, dict):
        raise BadPayload(f"{answer.host} answered the renewal of a login with something that is no token.")
    return data


# --- one at a time --------------------------------------------------------------------------------------------


def _lock(account: str) -> asyncio.Lock:
    """The lock of an account in this event loop."""
    return _locks.setdefault(asyncio.get_running_loop(), {}).setdefault(account, asyncio.Lock())


async def _fresh(context: ChannelContext) -> str:
    """The secret as the keyring has it now, whatever was read a moment ago."""
    return await (context.secret.fresh() if isinstance(context.secret, Rereadable) else context.secret.get())


def _digest(secret: OAuthSecret) -> str:
    return hashlib.sha256(f"{secret.access_token}\0{secret.refresh_token}".encode()).hexdigest()
