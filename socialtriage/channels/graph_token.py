"""Which kind of token signs an account in at Meta, until when, and what it lacks: asked before anything is read.

A comments list that is read with a person's token is empty and looks like success (seen by peers),
so that a Page is read with a Page's token only. `debug_token` tells the kind (recorded: `token_info.json`); that it
names system users `SYSTEM_USER` and gives a Page's id as `profile_id` is not confirmed by a recorded answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.graph import Graph
from socialtriage.channels.graph_errors import LOGIN
from socialtriage.channels.graph_json import moment, objects, text_id, texts, words_of
from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import AuthError, Misconfigured, NotPermitted, Rejected

BELIEVED = timedelta(hours=1)
"""How long what Meta says of a token is believed: many Pages of one app share the app's small allowance."""
WARN_DATA = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Token:
    """What Meta says of a token. `scopes` is None where it does not say."""

    kind: str
    scopes: frozenset[str] | None
    expires_at: datetime | None
    data_access_until: datetime | None
    profile: str | None
    read_at: datetime
    only_for: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids that a permission was granted for, where it was not granted for all."""

    def lacks(self, wanted: Sequence[str], target: str = "") -> tuple[str, ...]:
        """Those of `wanted` that were not granted, or not for `target`; nothing where it is not known what was."""
        return tuple(
            scope
            for scope in wanted
            if (self.scopes is not None and scope not in self.scopes)
            or (target and scope in self.only_for and target not in self.only_for[scope])
        )

    @property
    def ends_at(self) -> datetime | None:
        """The sooner of the end of the token and of the access to data."""
        return min((at for at in (self.expires_at, self.data_access_until) if at is not None), default=None)


_tokens: dict[str, Token] = {}
"""What was told of each token in this process, by server and a digest of the token."""


def access_token(secret: OAuthSecret) -> str:
    """The token of a login. Raises `AuthError` when it is none that could be sent."""
    token = secret.access_token
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise AuthError("The stored login is not an access token.", hint=LOGIN)
    return token


def ending(token: Token, secret: OAuthSecret) -> Token:
    """The token with the end that the stored login names, where Meta names none."""
    return token if token.expires_at is not None else replace(token, expires_at=secret.expires_at)


async def inspect(ctx: ChannelContext, graph: Graph, *, anew: bool = False, app: str = "") -> Token:
    """What Meta says of the account's token; `app` is the app's own token, which may always ask.

    Raises `AuthError` for one that is not valid any more.
    """
    key = hashlib.sha256(f"{ctx.account.server}\0{graph.token}".encode()).hexdigest()
    now = ctx.clock()
    known = _tokens.get(key)
    if known is not None and not anew and timedelta(0) <= now - known.read_at < BELIEVED:
        return known
    _tokens.pop(key, None)
    token = await _ask(graph, now, app)
    _tokens[key] = token
    return token


def forget(ctx: ChannelContext, graph: Graph) -> None:
    """Ask again next time: Meta has just refused something."""
    _tokens.pop(hashlib.sha256(f"{ctx.account.server}\0{graph.token}".encode()).hexdigest(), None)


def app_token(secret: OAuthSecret) -> str:
    """The token of the app that a login was made with, where its id and secret are kept beside it."""
    return f"{secret.client_id}|{secret.client_secret}" if secret.client_id and secret.client_secret else ""


async def _ask(graph: Graph, now: datetime, app: str) -> Token:
    data: object = None
    for token in ("", app) if app else ("",):
        try:
            data = (await graph.get("debug_token", {"input_token": graph.token}, use="app", token=token)).get("data")
            break
        except AuthError:
            if token == app or not app:
                raise
        except (Rejected, NotPermitted):
            continue
    if not isinstance(data, dict):
        # Only the app's own people may ask; who the token speaks for shows what it is.
        return await _by_name(graph, now)
    if data.get("is_valid") is False:
        error = data.get("error")
        said = str(error.get("message", ""))[:200] if isinstance(error, dict) else ""
        said = said.replace(graph.token, "…")
        raise AuthError(
            f"Meta does not accept the login: {said or 'it is no longer valid'}".rstrip(".") + ".", hint=LOGIN
        )
    expires = moment(data.get("expires_at"))
    if expires is not None and expires <= now:
        raise AuthError(f"The login at Meta expired on {expires:%d %B %Y}.", hint=LOGIN)
    granted = data.get("scopes")
    return Token(
        kind=str(data.get("type") or "").upper(),
        scopes=frozenset(texts(granted)) if isinstance(granted, list) else None,
        expires_at=expires,
        data_access_until=moment(data.get("data_access_expires_at")),
        profile=text_id(data.get("profile_id")),
        read_at=now,
        only_for=_only_for(data.get("granular_scopes")),
    )


def _only_for(granular: object) -> dict[str, frozenset[str]]:
    """Permissions that were granted for some Pages or accounts only (`granular_scopes`, recorded without targets)."""
    found = {}
    for each in objects(granular):
        targets = each.get("target_ids")
        if isinstance(targets, list) and targets:
            found[words_of(each.get("scope"))] = frozenset(filter(None, map(text_id, targets)))
    return found


async def _by_name(graph: Graph, now: datetime) -> Token:
    """A token that Meta would not explain: that of a Page speaks for a Page, which has a category."""
    me = await graph.get("me", {"fields": "id,name,category"}, use="app")
    kind = "PAGE" if me.get("category") else ""
    return Token(kind, None, None, None, text_id(me.get("id")), now)


def wrong_kind(token: Token, wanted: str) -> Misconfigured:
    """The refusal of a token of another kind."""
    is_ = {"USER": "a person's", "APP": "an app's", "": "no Page's"}.get(token.kind, f"of the kind {token.kind}")
    return Misconfigured(
        f"The login is {is_} token, and {wanted} is needed.",
        hint="Make it at Meta as the README says (Facebook and Instagram), and store it with `accounts login`.",
    )


def notices_of(token: Token, missing: Sequence[str], now: datetime) -> list[str]:
    """What an officer must know of a login: permissions that lack, access to data that ends."""
    said = []
    if missing:
        said.append(f"The login lacks the permission {', '.join(missing)}; grant it at Meta and sign in again.")
    until = token.data_access_until
    if until is not None and until - now < WARN_DATA:
        said.append(f"Access to data ends on {until.astimezone(UTC):%d %B %Y}: somebody must confirm it at Meta.")
    return said


async def page_token(graph: Graph, page: str) -> tuple[str, dict[str, Any]]:
    """The token of a Page that a system user may speak for, and what else was told of the Page.

    Raises `NotPermitted` when the Page gives none out.
    """
    found = await graph.get(page, {"fields": "id,name,access_token"})
    token = found.get("access_token")
    if not isinstance(token, str) or not token:
        raise NotPermitted(
            "The system user may not speak for the Page.", hint="Assign the Page to it at Meta, with full control."
        )
    return token, found
