"""What the networks that the demo plays allow: who can be answered how, and how long an answer may be.

The counts come near to the real networks'; the channels of the real networks know them exactly.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from socialtriage.channels.lengths import graphemes
from socialtriage.domain.models import Capabilities, LengthRule, Visibility


@dataclass(frozen=True, slots=True)
class Network:
    """How a network behaves. A limit is None where there is none, 0 where such messages do not exist."""

    name: str
    public: int | None = 0
    private: int | None = 0
    start_private: bool = False
    comments: bool = False
    """Threads begin with the top comment, not with the post above it."""


NETWORKS = {
    "facebook": Network("Facebook", 8000, 2000, start_private=True, comments=True),
    "instagram": Network("Instagram", 2200, 1000, start_private=True, comments=True),
    "x": Network("X", 280, 10_000),
    "bluesky": Network("Bluesky", 300, 1000, start_private=True),
    "mastodon": Network("Mastodon", 500, 500, start_private=True),
    "threads": Network("Threads", 500),
    "youtube": Network("YouTube", 10_000, comments=True),
    "telegram": Network("Telegram", private=4096),
    "imap": Network("Email", private=None),
}
"""Networks that a demo account can play."""

LIMITS = "This account is part of the practice week: nothing is read from a network and nothing leaves this machine."
_URL = re.compile(r"https?://\S+")
_URL_COUNTS = 23
_REMOTE = re.compile(r"@([\w.-]+)@[\w.-]+\w")
_NARROW = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Code points that X counts once; all others count twice (twitter-text, version 3)."""

_NO_POST = {
    "instagram": "A post on Instagram needs a picture at a public address, and the desk has none.",
    "youtube": "YouTube's interface takes no community posts.",
    "telegram": "No channel of the bot's is named in the configuration.",
}
"""Why a statement does not leave on a network, as the real ones say it."""


def capabilities(network: str) -> Capabilities:
    """What can be done on a network of the demo."""
    rules = NETWORKS[network]
    return Capabilities(
        reply_public=rules.public != 0,
        reply_private=rules.private != 0,
        start_private=rules.start_private,
        look_up=True,
        reread=True,
        deletions=network != "imap",
        hide=network in ("bluesky", "facebook", "instagram", "threads", "x", "youtube"),
        block=network in ("bluesky", "facebook", "instagram", "mastodon", "youtube"),
        mute=network in ("bluesky", "mastodon", "x"),
        report=network in ("bluesky", "mastodon"),
        post=network in ("bluesky", "facebook", "mastodon", "threads", "x"),
        no_post=_NO_POST.get(network, ""),
        limits=LIMITS,
    )


def measure(network: str, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
    """How long `text` is on a network, the mention that is added where there must be one included."""
    rules = NETWORKS[network]
    limit = rules.public if visibility is Visibility.PUBLIC else rules.private
    if network == "instagram" and visibility is Visibility.PRIVATE:
        return LengthRule(len(text.encode("utf-8", "surrogatepass")), limit, "UTF-8 bytes")
    if network == "x" and visibility is Visibility.PUBLIC:
        return LengthRule(_weight(text), limit, "characters")
    if network == "bluesky":
        return LengthRule(graphemes(text), limit, "characters")
    if network == "mastodon":
        handle = f"@{to_handle.lstrip('@')}"
        whole = text if not to_handle or handle.casefold() in text.casefold() else f"{handle} {text}"
        shown = _REMOTE.sub(r"@\1", _URL.sub("x" * _URL_COUNTS, whole))
        return LengthRule(graphemes(shown), limit, "characters")
    return LengthRule(len(text), limit, "characters")


def _weight(text: str) -> int:
    plain = unicodedata.normalize("NFC", _URL.sub("x" * _URL_COUNTS, text))
    return sum(1 if any(low <= ord(char) <= high for low, high in _NARROW) else 2 for char in plain)
