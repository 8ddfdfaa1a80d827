"""What Meta's errors mean: codes and subcodes of the Graph API as errors of the desk, and how much is used up.

Sources: Meta's pages on errors and on rate limiting as quoted in peers' repositories, `error.json` and the koala mocks
(recorded). An error is an object `error` with `code` and `error_subcode`; older answers have no code, and some come
with status 200. Code 100 with subcode 33 says "does not exist" and "may not be seen" in one breath: by itself it is no
deletion.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from socialtriage.channels.answers import Answer, rate_limit_reset
from socialtriage.domain.errors import (
    AuthError,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
    Unavailable,
)
from socialtriage.domain.text import clean_line

LOGIN = "Sign in again: socialtriage accounts login."
REGRANT = "Grant it to the app at Meta again, and sign in again: socialtriage accounts login."
FULL = 90.0
"""Percent of an allowance at which calls stop: each further one would lengthen the wait."""
HALF = 50.0
"""Percent from which on less is read in each pass."""
WAIT = timedelta(minutes=15)
"""Wait where Meta does not say how long."""
LONGEST = timedelta(days=1)
"""More is not believed: nothing would be read meanwhile."""

THROTTLED = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
MESSENGER = 80006
"""Messenger's allowance is used up."""
_TRANSIENT = frozenset({1, 2})
_WHY_LOGIN = {
    458: "the app was removed from the account that signed in",
    459: "Facebook wants the person who signed in to confirm who they are",
    460: "the password of the person who signed in was changed",
    463: "it has expired",
    464: "the account that signed in is not confirmed",
    467: "it is no longer valid",
    492: "the person who signed in has lost their role on the Page",
}
_WRONG_KIND = frozenset({2069032})
"""Subcodes of 190 that say: this call wants a Page's token."""
_OUTSIDE_WINDOW = frozenset({2018278, 2534022})
_GONE = frozenset({33})
_TOKENS = re.compile(r"\b(?:EAA|IG)[A-Za-z0-9_-]{12,}")


class Missing(Rejected):
    """There is no such object, or this login may not see it: Meta says both in the same words."""


class MessengerLimited(RateLimited):
    """Only Messenger's own allowance is used up: comments have another one."""


class TooMuch(Unavailable):
    """The answer would be too large: ask for fewer at once."""


class OutsideWindow(Rejected):
    """A private message outside the time in which Meta lets a business write."""


@dataclass(slots=True)
class Usage:
    """How much of each allowance is used, in percent, and the minutes until it is there again, by kind.

    Kinds are those of Meta's header: `pages`, `messenger`, `instagram` …, and `app` for the app as a whole.
    """

    percent: dict[str, float] = field(default_factory=dict)
    minutes: dict[str, float] = field(default_factory=dict)

    def read(self, headers: Mapping[str, str]) -> None:
        """Take what the headers of an answer say; what cannot be read is left as it was."""
        for name in ("x-app-usage", "x-page-usage"):
            data = _object(headers.get(name, ""))
            if data:
                self._note("app", [data])
        by_kind: dict[str, list[dict[str, Any]]] = {}
        for entries in _object(headers.get("x-business-use-case-usage", "")).values():
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict):
                    by_kind.setdefault(str(entry.get("type", "pages")), []).append(entry)
        for kind, found in by_kind.items():
            self._note(kind, found)

    def _note(self, kind: str, entries: list[dict[str, Any]]) -> None:
        names = ("call_count", "total_cputime", "total_time")
        self.percent[kind] = max(_number(entry.get(name)) for entry in entries for name in names)
        self.minutes[kind] = max(_number(entry.get("estimated_time_to_regain_access")) for entry in entries)

    def of(self, kind: str) -> float:
        """Percent that is used of what a call of this kind counts against."""
        return max(self.percent.get(kind, 0.0), self.percent.get("app", 0.0))

    def wait(self, kind: str | None = None) -> timedelta:
        """How long until calls are welcome again."""
        kinds = (kind, "app") if kind else tuple(self.minutes)
        minutes = max((self.minutes.get(name, 0.0) for name in kinds), default=0.0)
        return min(timedelta(minutes=minutes), LONGEST) if minutes > 0 else WAIT

    def guard(self, kind: str) -> None:
        """Raises `RateLimited` when the allowance is nearly used up."""
        used = self.of(kind)
        if used >= FULL:
            only = kind == "messenger" and self.percent.get("app", 0.0) < FULL
            what = kind if self.percent.get(kind, 0.0) >= FULL else "the app"
            raise (MessengerLimited if only else RateLimited)(
                f"{used:.0f} % of what Meta allows for {what} is used up.", retry_at=datetime.now(UTC) + self.wait(kind)
            )


def classifier(usage: Usage, *secrets: str) -> Callable[[Answer], ChannelError | None]:
    """What answers mean, with the allowance noted on the way. Messages never hold one of `secrets`."""

    def classify(answer: Answer) -> ChannelError | None:
        usage.read(answer.headers)
        if answer.status < 300 and not answer.body.lstrip()[:10].startswith(b'{"error"'):
            return None
        error = _error_of(answer.body)
        if error is None:
            return None
        return meaning(error, answer, usage, secrets)

    return classify


def _error_of(body: bytes) -> dict[str, Any] | None:
    error = _object(body.decode("utf-8", "replace")).get("error")
    return error if isinstance(error, dict) else None


def meaning(error: Mapping[str, Any], answer: Answer, usage: Usage, secrets: Sequence[str]) -> ChannelError:
    """The desk's error for one of Meta's."""
    code, subcode = _code(error.get("code")), _code(error.get("error_subcode"))
    said = _said(error, secrets)
    at = f"Meta answered error {code}" + (f"/{subcode}" if subcode else "") if code else "Meta answered an error"
    words = f'{at}: "{said}".' if said else f"{at}."
    if code in THROTTLED or answer.status == 429:
        now = datetime.now(UTC)
        stated = rate_limit_reset(answer.headers, now)
        limited = MessengerLimited if code == MESSENGER else RateLimited
        return limited(words, retry_at=stated or now + usage.wait("messenger" if code == MESSENGER else None))
    found = _login(code, subcode, error, said) or _writing(code, subcode, words)
    if found is not None:
        return found
    if code in _TRANSIENT or error.get("is_transient") is True or (code is None and answer.status >= 500):
        # Asking the same again would be too much again: no retry on the way.
        return TooMuch(words, retry_after=3_600.0) if "reduce the amount" in said.casefold() else Unavailable(words)
    if (code == 100 and subcode in _GONE) or code == 803 or (code is None and answer.status in (404, 410)):
        return Missing(words)
    if code in (3, 10) or (code is not None and 200 <= code <= 299):
        return NotPermitted(words, hint=REGRANT)
    return Rejected(words)


def _login(code: int | None, subcode: int | None, error: Mapping[str, Any], said: str) -> ChannelError | None:
    if code in (210, 1705) or (code == 190 and subcode in _WRONG_KIND):
        return Misconfigured("The login is not a Page's: Meta wants a Page access token.", hint=LOGIN)
    about_token = code is None and "token" in said.casefold()
    if code in (102, 190, 2500) or (error.get("type") == "OAuthException" and about_token):
        why = _WHY_LOGIN.get(subcode or 0, said or "it is no longer valid")
        hint = "Give them their role back, or sign in as somebody who has one." if subcode == 492 else LOGIN
        return AuthError(f"Meta does not accept the login: {why}.".replace("..", "."), hint=hint)
    return None


def _writing(code: int | None, subcode: int | None, words: str) -> ChannelError | None:
    """Errors that only writing brings."""
    if subcode in _OUTSIDE_WINDOW:
        return OutsideWindow("Meta did not send it: the time in which a private message may be answered is over.")
    if code == 368:
        return Rejected(words, hint="Meta has stopped this account from writing for a while; nothing was posted.")
    if code == 506:
        return Rejected(words, hint="The same words were just posted; change them if they are to be said again.")
    if code == 10900:
        return Rejected("A private reply was already made to this comment; there can be only one.")
    if code == 551:
        return Rejected(words, hint="The person cannot be written to at the moment.")
    return None


def _said(error: Mapping[str, Any], secrets: Sequence[str]) -> str:
    text = error.get("error_user_msg") or error.get("message") or ""
    words = str(clean_line(str(text), 300))
    for secret in filter(None, secrets):
        words = words.replace(secret, "…")
    return _TOKENS.sub("…", words).strip('" ').rstrip(".")


def _code(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0.0
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return min(max(number, 0.0), 100_000.0) if math.isfinite(number) else 0.0


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
