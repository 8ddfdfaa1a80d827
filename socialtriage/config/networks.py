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
