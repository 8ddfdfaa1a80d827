"""Hiding, deleting and blocking at Meta. Each is repeatable: what is so already stays so."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from socialtriage.channels.graph import Graph
from socialtriage.channels.graph_errors import Missing
from socialtriage.domain.errors import NotPermitted, Rejected
from socialtriage.domain.models import Author, Reread, StoredRef, Visibility


async def hide(graph: Graph, message: StoredRef, name: str, *, hidden: bool) -> None:
    """Hide a comment, or show it again; `name` is the network's word, `is_hidden` or `hide`.

    The same address with a text would overwrite the comment: nothing but the one word is ever sent there.
    Raises `NotPermitted` for what is no comment, or cannot be hidden.
    """
    _comment(message)
    if hidden and message.reply_data.get("can_hide") == "no":
        raise NotPermitted("This comment cannot be hidden; Meta does not allow it.")
    done = await graph.post(_id(message), {name: "true" if hidden else "false"}, safe=True)
    _succeeded(done, "hide the comment" if hidden else "show the comment again")


async def delete(graph: Graph, message: StoredRef, look: Callable[[], Awaitable[Reread]]) -> None:
    """Delete a comment for good. `look` reads it again: Meta says "gone" and "not for you" in the same words.

    Raises `NotPermitted` where it cannot be, `Rejected` when it may only be out of sight.
    """
    _comment(message)
    if message.reply_data.get("can_remove") == "no":
        raise NotPermitted("This comment cannot be deleted; Meta does not allow it.")
    try:
        done = await graph.delete(_id(message))
    except Missing as exc:
        if message.remote_id in (await look()).gone:
            return
        raise Rejected(
            "Meta does not find the comment, and does not say that it is gone either.",
            hint="Open the original and look; the permission to delete comments may be missing.",
        ) from exc
    _succeeded(done, "delete the comment")


async def block(graph: Graph, author: Author, path: str, name: str, **more: str) -> None:
    """Keep a person away. Raises `NotPermitted` for somebody whose id Meta withheld."""
    if not author.key.isdigit():
        raise NotPermitted("Meta did not say who wrote this, so that they cannot be blocked from here.")
    whom: list[Any] = [author.key] if not more else [{"id": author.key}]
    done = await graph.post(path, {name: json.dumps(whom), **more}, safe=True)
    if isinstance(done, dict) and (done.get(author.key) is False or done.get("success") is False):
        raise Rejected("Meta did not block the person.", hint="Open the original and block them there.")


async def unblock(graph: Graph, author: Author, path: str) -> None:
    """Let somebody back in who was blocked from a Page; who is not blocked is no error."""
    if not author.key.isdigit():
        raise NotPermitted("Meta did not say who wrote this, so that nobody was blocked.")
    try:
        done = await graph.delete(path, {"user": author.key})
    except Missing:
        return
    _succeeded(done, "let the person back in")


def _comment(message: StoredRef) -> None:
    if message.visibility is Visibility.PRIVATE or message.reply_data.get("kind") not in ("comment", "post"):
        raise NotPermitted("Only comments and visitors' posts can be hidden or deleted.")


def _id(message: StoredRef) -> str:
    return message.reply_data.get("id") or message.remote_id


def _succeeded(done: object, what: str) -> None:
    if done is False or (isinstance(done, dict) and done.get("success") is False):
        raise Rejected(f"Meta did not {what}.")
