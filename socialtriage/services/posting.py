"""Posts of our own that answer nobody: how a row of the outbox is published, and where it cannot be."""

from __future__ import annotations

from socialtriage.channels.base import Channel, Posts
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import NotPermitted
from socialtriage.domain.models import OutgoingPost, Sent
from socialtriage.store.outbox import OutboxRow

_PAGES = {
    "google": "https://business.google.com/posts",
    "facebook": "https://www.facebook.com/{page}",
    "instagram": "https://www.instagram.com/{handle}/",
    "threads": "https://www.threads.net/@{handle}",
    "telegram": "https://t.me/{handle}",
    "x": "https://x.com/{handle}",
    "youtube": "https://www.youtube.com/channel/{channel}/community",
}
"""Where an account's own posts are written by hand. The forms of the addresses are those the networks' sites show."""


CANNOT = "This network takes no posts of our own from here."


def can_post(channel: Channel) -> bool:
    """Whether a post of our own can be published from here."""
    return channel.capabilities.post and isinstance(channel, Posts)


async def publish(channel: Channel, row: OutboxRow, *, look_up: bool = False) -> Sent | None:
    """Publish a row, or look for one whose answer was lost. Raises what the channel raises."""
    if not can_post(channel) or not isinstance(channel, Posts):
        raise NotPermitted(channel.capabilities.no_post or CANNOT, hint="Post it on its page.")
    post = OutgoingPost(row.key, row.body, row.queued_at, row.payload.get("language"))
    return await channel.look_up_post(post) if look_up else await channel.post(post)


def page_of(account: AccountConfig, network: str) -> str:
    """Where an account's posts are written by hand; the network's front page where the configuration does not say."""
    values = {
        "handle": (account.handle or "").lstrip("@"),
        "page": account.page or "",
        "channel": account.channel or "",
    }
    form = _PAGES.get(network)
    if form is None:
        return account.server or network
    # An address with nothing where the account's name belongs leads nowhere.
    named = all(value for name, value in values.items() if f"{{{name}}}" in form)
    return form.format(**values) if named else "/".join(form.split("/")[:3]) + "/"
