"""Which networks there are: a built-in table first, then the entry-point group `socialtriage.channels`.

Names cost no import; a channel's module is imported when the channel is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import cast, overload

from socialtriage.channels.base import Channel, ChannelContext
from socialtriage.domain.errors import Misconfigured

Factory = Callable[[ChannelContext], Channel]

GROUP = "socialtriage.channels"
BUILT_IN = {
    "bluesky": "socialtriage.channels.bluesky:Bluesky",
    "demo": "socialtriage.channels.demo:Demo",
    "facebook": "socialtriage.channels.facebook:Facebook",
    "google": "socialtriage.channels.google:GoogleReviews",
    "imap": "socialtriage.channels.imap:Imap",
    "instagram": "socialtriage.channels.instagram:Instagram",
    "mastodon": "socialtriage.channels.mastodon:Mastodon",
    "telegram": "socialtriage.channels.telegram:Telegram",
    "threads": "socialtriage.channels.threads:Threads",
    "x": "socialtriage.channels.x:X",
    "youtube": "socialtriage.channels.youtube:YouTube",
}


@cache
def _entry_points() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}


class Networks(Sequence[str]):
    """The names that an account may use. Looking up a built-in one costs nothing; others ask the installed packages."""

    def __contains__(self, name: object) -> bool:
        return name in BUILT_IN or name in _entry_points()

    def __iter__(self) -> Iterator[str]:
        return iter(names())

    def __len__(self) -> int:
        return len(names())

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return names()[index]


NETWORKS = Networks()


def names() -> tuple[str, ...]:
    """Every network that an account may name, without importing any."""
    return tuple(sorted({*BUILT_IN, *_entry_points()}))


def factory(network: str) -> Factory:
    """The class of a network. Raises `Misconfigured` when there is none or its package is broken."""
    target = BUILT_IN.get(network) or _entry_points().get(network)
    if target is None:
        raise Misconfigured(f"There is no channel for the network {network!r}.", hint=f"Known: {', '.join(names())}.")
    module, _, name = target.partition(":")
    try:
        return cast("Factory", getattr(import_module(module), name))
    except (ImportError, AttributeError) as exc:
        raise Misconfigured(f"The channel for {network!r} cannot be loaded: {exc}.") from exc


def create(context: ChannelContext) -> Channel:
    """The channel of an account. Raises `Misconfigured`."""
    return factory(context.account.network)(context)
