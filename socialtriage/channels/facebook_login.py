"""Signing in as a Facebook Page: the right kind of token, the Page it speaks for, the permissions it has."""

from __future__ import annotations

from dataclasses import dataclass

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.graph import Graph
from socialtriage.channels.graph_errors import Missing
from socialtriage.channels.graph_json import text_id
from socialtriage.channels.graph_token import Token, access_token, app_token, ending, inspect, page_token, wrong_kind
from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import Misconfigured
from socialtriage.domain.text import clean_line

READING = ("pages_show_list", "pages_read_engagement", "pages_read_user_content")
"""Without these the public's comments cannot be read."""
WRITING = ("pages_manage_engagement",)
MESSAGING = ("pages_manage_metadata", "pages_messaging")
SCOPES = (*READING, *WRITING, *MESSAGING)
"""What a login should have, in the order of Meta's documents."""
POSTING = "pages_manage_posts"
"""What statements on the Page and pictures below comments need beside; everything else works without it."""


@dataclass(frozen=True, slots=True)
class PageLogin:
    """Calls as the Page, the Page's id and name, and what is known of the login."""

    graph: Graph
    page: str
    name: str
    token: Token


async def connect(ctx: ChannelContext, *, anew: bool = False) -> PageLogin:
    """Sign in. `anew`: ask Meta even if it was asked lately, and for the Page's name.

    Raises `AuthError` for a token that lapsed, `Misconfigured` for another kind or another Page's.
    """
    wanted = (ctx.account.page or "").strip()
    if not wanted:
        raise Misconfigured(f"The account {ctx.account.id} names no Page.", hint='Add page = "…", the Page id.')
    secret = OAuthSecret.parse(await ctx.secret.get())
    graph = Graph(ctx, access_token(secret), secret=secret.client_secret)
    token = ending(await inspect(ctx, graph, anew=anew, app=app_token(secret)), secret)
    if token.kind == "SYSTEM_USER":
        page_secret, found = await page_token(graph, wanted)
        graph = graph.as_page(ctx, page_secret)
        return PageLogin(graph, text_id(found.get("id")) or wanted, str(found.get("name") or ""), token)
    if token.kind != "PAGE":
        raise wrong_kind(token, "a Page access token")
    page, name = wanted, ""
    if anew or not wanted.isdigit():
        page, name = await _page(graph, wanted)
    if token.profile is not None and token.profile != page:
        await _same_page(graph, page)
    return PageLogin(graph, page, name, token)


async def _page(graph: Graph, wanted: str) -> tuple[str, str]:
    try:
        found = await graph.get(wanted, {"fields": "id,name"})
    except Missing as exc:
        raise Misconfigured(
            f"The login cannot see the Page {wanted}.", hint="Check the account's `page`, and whose token it is."
        ) from exc
    return text_id(found.get("id")) or wanted, str(clean_line(str(found.get("name") or "")))


async def _same_page(graph: Graph, page: str) -> None:
    """Pages of the new kind have two ids: who the token speaks for decides. Raises `Misconfigured`."""
    me = await graph.get("me", {"fields": "id,name"})
    if text_id(me.get("id")) != page:
        name = clean_line(str(me.get("name") or me.get("id") or "another"))
        raise Misconfigured(
            f"The login is that of the Page {name}, the configuration says {page}.", hint="Check the account's `page`."
        )
