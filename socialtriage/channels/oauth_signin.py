"""Signing in at a vendor: what a person does there and in which order, the address to open, the code that comes back.

A network describes its sign-in in one value, `sign_in`, of its channel's class: a `SignIn` where the vendor speaks
OAuth 2 (RFC 6749 with PKCE, RFC 7636), a `Pasted` where a token or password is made on a page of theirs. The code comes
back by itself to a listener on this machine (RFC 8252, section 7.3), or is pasted: over SSH the browser ends on a page
that cannot be shown, and its address holds the code.

Authlib makes parameters, addresses and PKCE; the calls go through `channels.http`, as all do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from socialtriage.channels.oauth_token import TokenEndpoint, ask, base_of, classify
from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import AuthError, ChannelError, Misconfigured, Unavailable, UsageError

if TYPE_CHECKING:
    from socialtriage.channels.base import ChannelContext

AGAIN = "Start signing in again: a code works once, and not for long."


@dataclass(frozen=True, slots=True)
class Pasted:
    """A login that a person makes at the vendor and pastes here."""

    steps: tuple[str, ...]
    """What to do there, in order, a sentence each."""
    prompt: str = "Password or token"


@dataclass(frozen=True, slots=True)
class SignIn:
    """How one vendor's OAuth sign-in goes. Addresses are whole; the account's `server` replaces scheme and host."""

    vendor: str
    """As people call it."""
    authorize: str
    """Address of the page where access is allowed."""
    endpoint: TokenEndpoint
    """Where the code is traded, and how tokens are renewed later."""
    scopes: tuple[str, ...]
    """What is asked for."""
    needed: tuple[str, ...]
    """What the desk cannot do without."""
    steps: tuple[str, ...]
    """What to create at the vendor, in order, a sentence each; `{redirect}` and `{scopes}` are filled in."""
    redirect: str
    """Where the browser is sent with the code. `http://127.0.0.1:PORT/…` is listened to; any other is pasted."""
    pkce: bool = True
    separator: str = " "
    """Between scopes."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """More parameters of the page: `access_type=offline`."""
    app_secret: bool = False
    """Whether the vendor's apps always have a secret; without it one may still be given."""
    client_name: str = "Client ID"
    """What the vendor calls the id of an app."""
    after: Callable[[ChannelContext, OAuthSecret], Awaitable[OAuthSecret]] | None = None
    """What is done with the traded token before it is stored: made long-lived, exchanged for a Page's own."""

    @property
    def loopback(self) -> bool:
        """Whether the code can come back by itself."""
        parts = urlsplit(self.redirect)
        return parts.scheme == "http" and parts.hostname == "127.0.0.1"

    def instructions(self) -> tuple[str, ...]:
        """The steps with this program's redirect address and scopes in them."""
        return tuple(
            step.replace("{redirect}", self.redirect).replace("{scopes}", ", ".join(self.scopes)) for step in self.steps
        )


@dataclass(slots=True)
class Walk:
    """A sign-in that waits for its code: open `url`, then call `finish`, which fills `notices`."""

    context: ChannelContext = field(repr=False)
    sign_in: SignIn
    url: str
    state: str = field(repr=False)
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    verifier: str | None = field(repr=False)
    notices: tuple[str, ...] = ()

    async def finish(self, pasted: str) -> str:
        """Trade the code, or the whole address that the browser was sent to, for the account's secret (JSON).

        Raises `UsageError` when nothing like a code was pasted, `AuthError` when the vendor does not accept it.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code_in(pasted, self.state),
            "redirect_uri": self.sign_in.redirect,
            **({"code_verifier": self.verifier} if self.verifier else {}),
        }
        endpoint, context = self.sign_in.endpoint, self.context
        # A session with a budget of its own: the officer may have been away with the browser for long.
        session = context.http.session(base_of(context, endpoint.url), classify=classify)
        try:
            answer = await ask(session, endpoint, form, client_id=self.client_id, client_secret=self.client_secret)
            secret = OAuthSecret(client_id=self.client_id or None, client_secret=self.client_secret or None).renewed(
                answer, context.clock()
            )
            if self.sign_in.after is not None:
                secret = await self.sign_in.after(context, secret)
        except AuthError as exc:
            raise AuthError(f"{self.sign_in.vendor} did not accept the sign-in: {exc.message}", hint=AGAIN) from exc
        except Unavailable as exc:
            raise Unavailable(f"{self.sign_in.vendor} did not finish the sign-in: {exc.message}", hint=AGAIN) from exc
        granted = answer.get("scope")
        if isinstance(granted, str) and granted:
            secret = with_scopes(secret, granted)
            self.notices = scope_notices(self.sign_in, granted)
        return secret.dump()


def begin(context: ChannelContext, sign_in: SignIn, client_id: str, client_secret: str = "") -> Walk:
    """The address where an officer says yes. Raises `Misconfigured` for an app without an id or a needed secret."""
    from authlib.common.security import generate_token
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    client_id, client_secret = client_id.strip(), client_secret.strip()
    if not client_id:
        raise Misconfigured(f"Signing in at {sign_in.vendor} needs the {sign_in.client_name} of your app there.")
    if sign_in.app_secret and not client_secret:
        raise Misconfigured(f"Signing in at {sign_in.vendor} needs the secret of your app there.")
    state = generate_token(32)
    verifier = generate_token(64) if sign_in.pkce else None
    pkce = {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"} if verifier else {}
    page = urlsplit(sign_in.authorize)
    url = prepare_grant_uri(
        f"{base_of(context, sign_in.authorize)}{page.path}",
        client_id,
        "code",
        redirect_uri=sign_in.redirect,
        scope=sign_in.separator.join(sign_in.scopes),
        state=state,
        **pkce,
        **sign_in.parameters,
    )
    return Walk(context, sign_in, url, state, client_id, client_secret, verifier)


def with_scopes(secret: OAuthSecret, granted: str) -> OAuthSecret:
    """The login with what was granted beside it, so that a later look needs no call."""
    from dataclasses import replace

    return replace(secret, more={**secret.more, "scope": granted})


def lacking(needed: tuple[str, ...], granted: str) -> tuple[str, ...]:
    """Scopes that are needed and were not granted; none where it is not known what was."""
    there = set(granted.replace(",", " ").split())
    return tuple(scope for scope in needed if there and scope not in there)


def scope_notices(sign_in: SignIn, granted: str) -> tuple[str, ...]:
    """What was not granted, in sentences: first what the desk cannot do without."""
    vital = lacking(sign_in.needed, granted)
    useful = tuple(scope for scope in lacking(sign_in.scopes, granted) if scope not in vital)
    notices = []
    if vital:
        notices.append(f"{sign_in.vendor} did not grant {', '.join(vital)}: without it the account cannot be used.")
    if useful:
        notices.append(f"{sign_in.vendor} did not grant {', '.join(useful)}; what needs it is not done.")
    return tuple(notices)


def code_in(pasted: str, state: str) -> str:
    """The code in what was pasted: itself, or in the query of an address. Raises `UsageError`, `AuthError`."""
    text = pasted.strip().strip("\"'<>")
    if "?" in text or "code=" in text:
        query = parse_qs(text.partition("?")[2].partition("#")[0] or text)
        if query.get("error"):
            raise AuthError("The access was not allowed in the browser.", hint=AGAIN)
        if query.get("state", [state])[0] != state:
            raise AuthError("The address belongs to another sign-in.", hint=AGAIN)
        text = query.get("code", [""])[0]
    # Meta ends its addresses with `#_`, which is no part of the code.
    text = text.removesuffix("#_")
    if not text or "://" in text or not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError("That is not a code.", hint="Paste the code, or the address of the page you were sent to.")
    return text


def app_of(stored: str | None, configured: str | None) -> tuple[str, str]:
    """Id and secret of the app that is used already, as far as they are known: nobody types them twice."""
    kept = OAuthSecret()
    if stored:
        try:
            kept = OAuthSecret.parse(stored)
        except ChannelError:
            kept = OAuthSecret()
    client_id = configured or kept.client_id or ""
    return client_id, (kept.client_secret or "") if client_id == kept.client_id else ""
