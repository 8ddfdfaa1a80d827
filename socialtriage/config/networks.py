"""What each built-in network needs in its account's table."""

from __future__ import annotations

from typing import Final

NEEDED: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "mastodon": (("server",),),
    "bluesky": (("handle",),),
    "imap": (("server",), ("user",)),
    "facebook": (("page",),),
    "instagram": (("business_account",),),
    "x": (("handle", "client_id"),),
    "youtube": (("channel",),),
    "threads": (("user",),),
    "google": (("location",),),
}
"""Groups of keys by network: one of each group must be there. A network that is not here needs nothing."""

WITH_VARIANTS: Final = frozenset({*NEEDED, "telegram"})
"""Networks that a saved answer may have a wording for, whether or not their channel is installed."""

X_PRICES: Final[dict[str, float]] = {
    "mention_read": 0.001,
    "own_read": 0.001,
    "post_read": 0.005,
    "user_read": 0.010,
    "dm_read": 0.010,
    "reply": 0.010,
    "post": 0.015,
    "post_with_link": 0.200,
    "dm_send": 0.015,
    "mute": 0.015,
    "hide": 0.005,
}
"""What X charges, in US dollars by kind of call (xdevplatform/docs, pricing.mdx, April 2026; `hide` is not confirmed):
a mention or a post of ours while the account owns the app, any other post, a person, a direct message; a reply to
somebody who summoned us, another post, one with a link; a direct message sent; mute; hide."""
