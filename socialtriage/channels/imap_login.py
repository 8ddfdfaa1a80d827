"""Signing in to a mailbox: what the keyring holds as a login, an OAuth token renewed when it has lapsed.

Token endpoints are those of Microsoft 365 (login.microsoftonline.com/common/oauth2/v2.0/token) and Google
(oauth2.googleapis.com/token); another one is named by `token_url` in the secret's JSON object.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import AnswerLost, AuthError, BadPayload, ChannelError, Rejected, Unavailable
from socialtriage.mail.imap import Login

if TYPE_CHECKING:
    from socialtriage.channels.answers import Answer
    from socialtriage.channels.base import Secret
    from socialtriage.channels.http import Budget, Http

_MICROSOFT = "https://login.microsoftonline.com/common/oauth2/v2.0/token"
_GOOGLE = "https://oauth2.googleapis.com/token"
_HINT = "Sign in again with `socialtriage accounts login`."


class MailboxLogin:
    """The login of one mailbox at `host`. `user` signs in, for a shared mailbox with its own address."""

    def __init__(
        self,
        user: str,
        host: str,
        secret: Secret,
        http: Http,
        clock: Callable[[], datetime],
        budget: Budget | None = None,
    ) -> None:
        self._user = user
        self._host = host
        self._secret = secret
        self._http = http
        self._clock = clock
        self._budget = budget
        self.expires_at: datetime | None = None
        """When the login ends for good: only an access token that cannot be renewed does."""

    async def get(self) -> Login:
        """The login, renewed when its token has lapsed. Raises `AuthError`, `SecretError`, and what renewing raises."""
        text = await self._secret.get()
        if not _is_oauth(text):
            return Login(self._user, password=text)
        secret = OAuthSecret.parse(text)
        if secret.expired(self._clock()):
            secret = await self._renewed(secret)
        self.expires_at = None if secret.refresh_token else secret.expires_at
        return Login(self._user, token=secret.access_token)

    async def renew(self) -> Login | None:
        """A new token after the server refused the old one; None where the secret cannot be renewed."""
        text = await self._secret.get()
        if not _is_oauth(text):
            return None
        secret = OAuthSecret.parse(text)
        if not secret.refresh_token or not self._token_url(secret):
            return None
        return Login(self._user, token=(await self._renewed(secret)).access_token)

    def _token_url(self, secret: OAuthSecret) -> str:
        given = secret.more.get("token_url")
        if isinstance(given, str) and given:
            return given
        host = self._host.lower()
        if host.endswith((".office365.com", ".outlook.com")):
            return _MICROSOFT
        return _GOOGLE if host.endswith((".gmail.com", ".googlemail.com")) else ""

    async def _renewed(self, secret: OAuthSecret) -> OAuthSecret:
        """A fresh access token, stored before it is used: the refresh token may have been rotated."""
        url = self._token_url(secret)
        if not secret.refresh_token or not url:
            raise AuthError(f"The OAuth login of {self._user} has lapsed and cannot be renewed.", hint=_HINT)
        form = {"grant_type": "refresh_token", "refresh_token": secret.refresh_token}
        form |= {name: value for name in ("client_id", "client_secret") if (value := getattr(secret, name))}
        base, _, path = url.partition("://")[2].partition("/")
        session = self._http.session(f"{url.partition('://')[0]}://{base}", budget=self._budget, classify=_classify)
        try:
            answer = await session.post(f"/{path}", form=form)
        except (AnswerLost, Rejected) as exc:
            raise Unavailable(f"The login of {self._user} could not be renewed: {exc.message}") from exc
        data = answer.json()
        if not isinstance(data, dict):
            raise BadPayload(f"{answer.host} answered the renewal of a login with something that is no token.")
        renewed = secret.renewed(data, self._clock())
        await self._secret.set(renewed.dump())
        return renewed


def _classify(answer: Answer) -> ChannelError | None:
    """RFC 6749, 5.2: a lapsed or revoked refresh token is 400 `invalid_grant`, a wrong client 400 or 401."""
    if answer.status in (400, 401, 403):
        said = answer.error_field("error_description", "error")
        return AuthError(f"{answer.host} does not renew the login: {said or answer.status}.", hint=_HINT)
    return None


def _is_oauth(text: str) -> bool:
    """Whether a secret is a JSON object of OAuth fields; a password may begin with a brace too."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and bool({"access_token", "refresh_token"} & data.keys())
