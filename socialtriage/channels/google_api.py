"""What answers of Google's interfaces mean, and signed calls to them: YouTube and Business Profile.

Facts: errors are `{"error": {"code", "message", "status", "errors": [{"reason", "domain"}], "details": [{"reason"}]}}`;
a spent quota is 403 `quotaExceeded` at YouTube, 429 `RESOURCE_EXHAUSTED` at the newer services. The daily quota begins
anew at midnight Pacific time. A consent screen in testing makes refresh tokens that die after seven days.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from socialtriage.channels.answers import Answer, default_classify
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.google_quota import next_pacific_midnight
from socialtriage.channels.oauth_signin import SignIn
from socialtriage.channels.oauth_token import TokenEndpoint, base_of, login, signed
from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import (
    AuthError,
    BadPayload,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
)
from socialtriage.domain.text import clean_line

if TYPE_CHECKING:
    from socialtriage.channels.http import Params, Session

TOKENS = TokenEndpoint("https://oauth2.googleapis.com/token")
REDIRECT = "http://127.0.0.1:8477/"
_HINT = "Sign in again: socialtriage accounts login."
_DAILY = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_SCOPE = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})


def sign_in(scope: str, interface: str, approval: tuple[str, ...] = ()) -> SignIn:
    """How an account of Google signs in, with one scope and one interface that the project must use.

    A desktop app may be sent back to any port of this machine, and its secret is no secret (Google's own words).
    """
    return SignIn(
        vendor="Google",
        authorize="https://accounts.google.com/o/oauth2/v2/auth",
        endpoint=TOKENS,
        scopes=(scope,),
        needed=(scope,),
        steps=(
            "Open https://console.cloud.google.com/ and make a project for the desk, or choose the organisation's.",
            *approval,
            f"Under APIs and services, Library, enable {interface}.",
            "Under OAuth consent screen choose Internal (Workspace), or External and then publish the app: while it is"
            " in testing, every login ends after seven days.",
            "Under Credentials create an OAuth client ID of the type Desktop app; note its id and secret.",
            "The browser will ask for {scopes}, and come back to {redirect}. Sign in as the owner of the account.",
        ),
        redirect=REDIRECT,
        parameters={"access_type": "offline", "prompt": "consent"},
        app_secret=True,
    )


class Missing(Rejected):
    """404: there is no such thing any more."""


class Closed(Rejected):
    """403 `commentsDisabled`: nobody's login may comment there."""


class Declined(Rejected):
    """400 and the like, with Google's own `reason`."""

    def __init__(self, message: str, *, reason: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


def classify(answer: Answer) -> ChannelError | None:
    """The error that an answer stands for; None when it is fine."""
    if answer.status < 300:
        return None
    reason, words = _reason(answer)
    said = f"{answer.host} answered {answer.status}" + (f': "{words}".' if words else ".")
    now = datetime.now(UTC)
    if answer.status in (403, 429) and reason in _DAILY:
        return RateLimited("The project's quota at Google is used up for today.", retry_at=next_pacific_midnight(now))
    if answer.status == 403 and reason in _FAST:
        return RateLimited("Google asks to slow down.", retry_at=now + timedelta(minutes=1))
    if answer.status == 401:
        return AuthError("Google does not accept the login any more.", hint=_HINT)
    if answer.status == 403 and reason in _OFF:
        return Misconfigured(f"The project at Google does not use this interface: {words}", hint="Enable it there.")
    if answer.status == 403 and reason == "commentsDisabled":
        return Closed("Comments are turned off there.")
    if answer.status == 403:
        return NotPermitted(said, hint=_HINT if reason in _SCOPE else "Sign in as the owner.")
    if answer.status in (404, 410):
        return Missing(said)
    if 400 <= answer.status < 500 and answer.status != 429:
        return Declined(said, reason=reason)
    return default_classify(answer)


def _reason(answer: Answer) -> tuple[str, str]:
    """Google's reason and its words; empty where the body is another."""
    try:
        data = answer.json()
    except BadPayload:
        return "", ""
    error = data.get("error") if isinstance(data, dict) else None
    if not isinstance(error, dict):
        return "", ""
    for name in ("errors", "details"):
        for part in error[name] if isinstance(error.get(name), list) else ():
            if isinstance(part, dict) and isinstance(part.get("reason"), str):
                return part["reason"], clean_line(str(error.get("message") or ""), 300)
    return str(error.get("status") or ""), clean_line(str(error.get("message") or ""), 300)


class Google:
    """One account's calls to one service of Google, signed in."""

    def __init__(self, ctx: ChannelContext, service: str) -> None:
        """`service` is the vendor's address, for which the account's `server` may stand."""
        self._ctx = ctx
        self._service = service
        self._open: Session | None = None

    @property
    def _session(self) -> Session:
        if self._open is None:
            base = base_of(self._ctx, self._service)
            self._open = self._ctx.http.session(base, budget=self._ctx.budget, classify=classify)
        return self._open

    async def login(self) -> OAuthSecret:
        """The login as it is now. Raises `AuthError`, `SecretError`."""
        return await login(self._ctx, TOKENS)

    async def call(self, method: str, path: str, params: Params | None = None, data: Any = None) -> Mapping[str, Any]:
        """One call: the JSON object of its answer, empty where there is none. Raises `ChannelError`."""

        async def with_token(token: str) -> Answer:
            headers = {"Authorization": f"Bearer {token}"}
            return await self._session.request(method, path, params=params, data=data, headers=headers)

        answer = await signed(self._ctx, TOKENS, with_token)
        if not answer.body.strip():
            return {}
        value = answer.json()
        if not isinstance(value, dict):
            raise BadPayload(f"{answer.host} answered {path} with something that is not an object.", field="$")
        return value


def items(data: Mapping[str, Any], name: str) -> list[Any]:
    """What a list in an answer holds; absent means empty. Raises `BadPayload` when it is something else."""
    found = data.get(name, [])
    if not isinstance(found, list):
        raise BadPayload(f"Google answered with {name} that are no list.", field=name)
    return found


def rows(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects among the `items`; raises as that does."""
    return [row for row in items(data, name) if isinstance(row, dict)]


def text(row: Mapping[str, Any], name: str) -> str:
    """A text of an object; empty where there is none."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def moment(value: object) -> datetime | None:
    """A time of Google's, RFC 3339, in UTC; None when it is none."""
    if not isinstance(value, str) or len(value) > 40 or "T" not in value:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
