"""The fields of an OAuth login as they are kept in the keyring: one JSON object, or a plain token."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from socialtriage.domain.errors import AuthError

_TEXTS = ("access_token", "refresh_token", "client_id", "client_secret")
_HINT = "Sign in again with `socialtriage accounts login`."


@dataclass(frozen=True, slots=True, repr=False)
class OAuthSecret:
    """An OAuth login. Its `repr` says which fields there are, never what they hold."""

    access_token: str = ""
    """Empty where only a refresh token was given: the first renewal brings one."""
    refresh_token: str | None = None
    expires_at: datetime | None = None
    """End of the access token, in UTC; in JSON it is epoch seconds."""
    client_id: str | None = None
    client_secret: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of the object, kept as they came."""

    def __repr__(self) -> str:
        there = [name for name in _TEXTS if getattr(self, name)]
        return f"OAuthSecret({', '.join(there)}, expires_at={self.expires_at})"

    @classmethod
    def parse(cls, text: str) -> OAuthSecret:
        """Read what the keyring holds. Raises `AuthError` when no token is in it."""
        text = text.strip()
        if not text.startswith("{"):
            return cls._checked(cls(access_token=text))
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise AuthError("The login in the keyring cannot be read: it is not valid JSON.", hint=_HINT) from None
        texts = {name: data.pop(name).strip() for name in _TEXTS if isinstance(data.get(name), str)}
        ends = _epoch(data.pop("expires_at", None))
        more = {name: value for name, value in data.items() if name not in _TEXTS}
        return cls._checked(
            cls(
                access_token=texts.get("access_token", ""),
                refresh_token=texts.get("refresh_token") or None,
                expires_at=ends,
                client_id=texts.get("client_id") or None,
                client_secret=texts.get("client_secret") or None,
                more=more,
            )
        )

    def dump(self) -> str:
        """The JSON object for the keyring; a login that is a token alone stays a plain token."""
        data: dict[str, Any] = dict(self.more)
        data.update((name, getattr(self, name)) for name in _TEXTS if getattr(self, name))
        if self.expires_at is not None:
            data["expires_at"] = int(self.expires_at.timestamp())
        if set(data) == {"access_token"} and not self.access_token.startswith("{"):
            return self.access_token
        return json.dumps(data, separators=(",", ":"), sort_keys=True)

    def expired(self, now: datetime, margin: timedelta = timedelta(seconds=60)) -> bool:
        """Whether the access token is missing, or ends within `margin`."""
        return not self.access_token or (self.expires_at is not None and self.expires_at - margin <= now)

    def renewed(self, answer: Mapping[str, Any], now: datetime) -> OAuthSecret:
        """The login after a token endpoint's answer; what it does not hand out anew stays (RFC 6749, section 6).

        Raises `AuthError` when the answer holds no token.
        """
        token = answer.get("access_token")
        if not isinstance(token, str) or not token.strip():
            raise AuthError("The network renewed the login without handing out a token.", hint=_HINT)
        rotated = answer.get("refresh_token")
        seconds = _number(answer.get("expires_in"))
        return replace(
            self,
            access_token=token.strip(),
            refresh_token=rotated if isinstance(rotated, str) and rotated else self.refresh_token,
            expires_at=_epoch(answer.get("expires_at")) or (now + timedelta(seconds=seconds) if seconds else None),
        )

    @staticmethod
    def _checked(secret: OAuthSecret) -> OAuthSecret:
        if not secret.access_token and not secret.refresh_token:
            raise AuthError("The login in the keyring holds no token.", hint=_HINT)
        return secret


def _number(value: object) -> float | None:
    """A number of seconds as servers and people write it; None for what is none, or beyond a thousand years."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 < number < 32e9 else None


def _epoch(value: object) -> datetime | None:
    number = _number(value)
    return datetime.fromtimestamp(number, UTC) if number is not None else None
