"""Signing in as a professional account: by a Facebook login or by Instagram's own, which is told by the token.

Facts (Meta's documents, peers' adapters): with a Facebook login calls go to graph.facebook.com, and a Page's, a
person's and a system user's token may read comments; private messages want the Page's, which the others can ask for.
Instagram's own tokens begin with `IG`, go to graph.instagram.com, live 60 days, and are extended by themselves when a
day old.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.graph import INSTAGRAM, Graph
from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import an_object, text_id, words_of
from socialtriage.channels.graph_token import Token, access_token, app_token, ending, inspect, wrong_kind
from socialtriage.channels.oauth_token import TokenEndpoint
from socialtriage.channels.oauth_token import login as renewed
from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import AuthError, Misconfigured, NotPermitted, Rejected

READING = ("instagram_basic", "instagram_manage_comments")
MESSAGING = ("instagram_manage_messages",)
SCOPES = (*READING, *MESSAGING, "pages_show_list", "pages_read_engagement")
"""What a Facebook login should have."""
OWN_SCOPES = (
    "instagram_business_basic",
    "instagram_business_manage_comments",
    "instagram_business_manage_messages",
)
"""What a login of Instagram's own should have; such a token does not tell what it was granted."""
ENDPOINT = TokenEndpoint(
    url=f"{INSTAGRAM}/refresh_access_token",
    extends="ig_refresh_token",
    extend_path="/refresh_access_token",
    early=timedelta(days=50),
    lifetime=timedelta(days=60),
)
KINDS = frozenset({"PAGE", "USER", "SYSTEM_USER"})


@dataclass(frozen=True, slots=True)
class AccountLogin:
    """Calls as the account, its id and user name, and what is known of the login."""

    graph: Graph
    id: str
    username: str
    token: Token | None
    """None for Instagram's own login."""
    secret: OAuthSecret

    @property
    def me(self) -> frozenset[str]:
        """What the account is called in `from`."""
        return frozenset(filter(None, (self.id, self.username)))


async def connect(ctx: ChannelContext, *, anew: bool = False) -> AccountLogin:
    """Sign in. Raises `AuthError` for a login that lapsed, `Misconfigured` for one of another kind or account."""
    wanted = (ctx.account.business_account or "").strip()
    if not wanted:
        raise Misconfigured(
            f"The account {ctx.account.id} names no Instagram account.", hint='Add business_account = "…", its id.'
        )
    secret = OAuthSecret.parse(await ctx.secret.get())
    if access_token(secret).startswith("IG"):
        return await _own(ctx, wanted)
    graph = Graph(ctx, access_token(secret), secret=secret.client_secret)
    try:
        token = ending(await inspect(ctx, graph, anew=anew, app=app_token(secret)), secret)
    except Rejected:
        # Instagram's own host explains no tokens: whoever signs in there is known by name.
        return await _own(ctx, wanted)
    if token.kind not in KINDS:
        raise wrong_kind(token, "a Page's, a person's or a system user's access token")
    try:
        found = await graph.get(wanted, {"fields": "id,username"}, use="instagram")
    except Missing as exc:
        raise Misconfigured(
            f"The login cannot see the Instagram account {wanted}.",
            hint="Check `business_account`, and that the account is linked to the Page.",
        ) from exc
    return AccountLogin(graph, text_id(found.get("id")) or wanted, words_of(found.get("username")), token, secret)


async def _own(ctx: ChannelContext, wanted: str) -> AccountLogin:
    """Instagram's own login: extended while it lasts, and asked for whom it is."""
    secret = await renewed(ctx, ENDPOINT)
    graph = Graph(ctx, access_token(secret), INSTAGRAM)
    me = await graph.get("me", {"fields": "id,user_id,username"}, use="instagram")
    if wanted not in (text_id(me.get("id")), text_id(me.get("user_id"))):
        raise Misconfigured(
            f"The login is that of the Instagram account @{words_of(me.get('username'))}.",
            hint="Check `business_account`.",
        )
    return AccountLogin(graph, wanted, words_of(me.get("username")), None, secret)


async def for_messages(ctx: ChannelContext, login: AccountLogin) -> Graph:
    """Calls for private messages: with a Facebook login those of the Page that the account is linked to.

    Raises `NotPermitted` when the login may not speak for that Page.
    """
    if login.token is None or login.token.kind == "PAGE":
        return login.graph
    fields = "id,access_token,instagram_business_account{id}"
    try:
        pages = await login.graph.edge("me/accounts", {"fields": fields, "limit": 100}, use="instagram")
    except AuthError:
        raise
    except (Rejected, NotPermitted) as exc:
        raise NotPermitted(f"The Page of the account could not be found: {exc.message}", hint=exc.hint) from exc
    for page in pages.entries:
        linked = an_object(page.get("instagram_business_account"))
        token = page.get("access_token")
        if text_id(linked.get("id")) == login.id and isinstance(token, str) and token:
            return login.graph.as_page(ctx, token)
    raise NotPermitted("No Page that the login speaks for is linked to the Instagram account.")


def missing(login: AccountLogin) -> tuple[str, ...]:
    """Permissions that a Facebook login lacks."""
    return login.token.lacks(SCOPES) if login.token else ()
