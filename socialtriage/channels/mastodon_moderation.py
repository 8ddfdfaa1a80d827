"""Block, mute and report on servers of the Mastodon family.

Sources: Mastodon's documents of accounts (`lookup`, `block`, `unblock`, `mute`, `unmute`) and reports. Somebody else's
reply cannot be hidden there. Blocking and muting again changes nothing; every report is a new one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from socialtriage.channels.mastodon_api import Api, Missing
from socialtriage.channels.mastodon_entities import read_account
from socialtriage.channels.mastodon_items import person_key
from socialtriage.domain.errors import NotPermitted, Rejected
from socialtriage.domain.models import Author, StoredRef

REPORT_LIMIT = 1_000
"""Characters of a report's comment (methods/reports.md)."""


async def act_on(api: Api, author: Author, what: str, domain: str) -> None:
    """`block`, `unblock`, `mute` or `unmute` a person. Raises `Rejected` when there is no such person any more."""
    key = await person_id(api, author, domain)
    await _write(api, f"/api/v1/accounts/{quote(key, safe='')}/{what}", {}, f"write:{what.removeprefix('un')}s")


async def report(api: Api, author: Author, message: StoredRef | None, why: str, domain: str) -> None:
    """Tell the server's moderators; nothing goes to the moderators of another server."""
    body: dict[str, Any] = {
        "account_id": await person_id(api, author, domain),
        "comment": why[:REPORT_LIMIT],
        "category": "other",
    }
    if message is not None:
        body["status_ids"] = [message.remote_id]
    await _write(api, "/api/v1/reports", body, "write:reports")


async def person_id(api: Api, author: Author, domain: str) -> str:
    """The server's own id of a person: as it came with their message, otherwise by their address. Raises `Rejected`."""
    if author.data.get("home") == domain and author.data.get("account"):
        # An id means another person on another server: it counts only where it was given out.
        return author.data["account"]
    user, _, host = author.key.partition("@")
    acct = user if host == domain else author.key
    try:
        account = read_account((await api.get("/api/v1/accounts/lookup", {"acct": acct})).json())
    except Missing as exc:
        raise Rejected(f"{author.handle} is not known to the server any more.") from exc
    # The server resolves names as it likes; nobody but the person meant is ever blocked.
    if account is None or person_key(account.acct, account.username, account.url, domain) != author.key:
        raise Rejected(f"The server did not find {author.handle}.")
    return str(account.id)


async def _write(api: Api, path: str, body: dict[str, Any], scope: str) -> None:
    try:
        await api.post(path, body)
    except Missing as exc:
        raise Rejected("The person or the message is not there any more.") from exc
    except NotPermitted as exc:
        raise NotPermitted(exc.message, hint=f"The scope {scope} may be missing; sign in again.") from exc
