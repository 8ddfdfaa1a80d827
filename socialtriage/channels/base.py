"""The contract between the desk and a network: one module a network, the network's JSON in, domain values out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from socialtriage.config.model import AccountConfig
from socialtriage.domain.late import dataclass
from socialtriage.domain.models import (
    Author,
    Capabilities,
    Health,
    LengthRule,
    OutgoingPost,
    OutgoingReply,
    Page,
    Reread,
    Sent,
    StoredRef,
    Visibility,
)

if TYPE_CHECKING:
    from socialtriage.channels.http import Budget, Http


class Secret(Protocol):
    """The account's secret in the keyring: a token, a password, or a JSON object of OAuth fields."""

    async def get(self) -> str:
        """The secret. Raises `AuthError` when there is none, `SecretError` when the keyring cannot be read."""
        ...

    async def set(self, value: str) -> None:
        """Store a rotated secret, and read it back. Raises `SecretError`."""
        ...


class Known(Protocol):
    """What the store knows of an account's messages, for threading without asking the network again."""

    def thread_of(self, remote_ids: Sequence[str]) -> Mapping[str, str]:
        """Thread keys of those of `remote_ids` that are stored, by remote id."""
        ...


class Ledger(Protocol):
    """What calls have cost, in the vendor's own units or money, over every process of the desk."""

    async def spent(self, pot: str, day: str) -> Mapping[str, float]:
        """What `pot` (a project, an account) has spent from `day` (`2026-11-22`) on, by kind of call."""
        ...

    async def spend(self, pot: str, day: str, kind: str, units: float, calls: int = 1) -> None:
        """Note a cost."""
        ...


class Tally:
    """A ledger that forgets with its process."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str, str], float] = {}

    async def spent(self, pot: str, day: str) -> Mapping[str, float]:
        """See `Ledger`."""
        found: dict[str, float] = {}
        for (whose, when, kind), units in self._lines.items():
            if whose == pot and when >= day:
                found[kind] = found.get(kind, 0) + units
        return found

    async def spend(self, pot: str, day: str, kind: str, units: float, calls: int = 1) -> None:
        """See `Ledger`."""
        del calls
        self._lines[pot, day, kind] = self._lines.get((pot, day, kind), 0) + units


@dataclass(frozen=True, slots=True)
class ChannelContext:
    """Everything a channel may use. `clock` gives the time in UTC; tests freeze it."""

    account: AccountConfig
    secret: Secret
    http: Http
    budget: Budget
    known: Known
    clock: Callable[[], datetime]
    ca_file: str | None = None
    own_addresses: tuple[str, ...] = ()
    """Mail addresses that the organisation writes from beside the account's own: mail by them is ours."""
    alone: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Enter it to be the only process of the desk that renews this account's login."""
    ledger: Ledger = field(default_factory=Tally)
    """What this desk's calls have cost, where a vendor counts or charges."""


@runtime_checkable
class LearnsRules(Protocol):
    """A channel whose `measure` depends on what its server says of itself."""

    async def learn_rules(self) -> None:
        """Ask the server, unless it is known. May raise any `ChannelError`, and `SecretError`."""
        ...


@runtime_checkable
class LocatesMedia(Protocol):
    """A channel whose files have an address only for a while, or one that holds the login (Telegram).

    Its media are handed in with a `remote_id` and without a `url`; the desk asks when it fetches them.
    """

    async def locate(self, remote_id: str) -> str:
        """An address that is good now; it is asked once, never stored, logged or shown.

        Raises any `ChannelError`: `Rejected` when the network no longer has the file.
        """
        ...


@runtime_checkable
class Moderates(Protocol):
    """What a channel offers against abuse; its `Capabilities` say which of it, and `hide` covers both ways.

    Every method may raise any `ChannelError` and `SecretError`, and nothing else: `NotPermitted` for what the network
    or the login does not allow (and what the capabilities lack), `Rejected` when the message or the person is gone or
    cannot be acted upon, `AnswerLost` when it may have been done. All but `report` are idempotent: what is so already
    is no error, and doing it again changes nothing, so that they are tried again after a lost answer.
    """

    async def hide(self, message: StoredRef) -> None:
        """Hide somebody's message below a post of ours, as the network understands it."""
        ...

    async def unhide(self, message: StoredRef) -> None:
        """Show a hidden message again."""
        ...

    async def block(self, author: Author) -> None:
        """Keep a person away from the account. `author.key` is theirs on the network, as it was handed in."""
        ...

    async def mute(self, author: Author) -> None:
        """Hear no more of a person without their knowing."""
        ...

    async def report(self, author: Author, message: StoredRef | None, why: str) -> None:
        """Tell the network's own moderators about a person, and the message if there is one; `why` is for them."""
        ...


@runtime_checkable
class Deletes(Protocol):
    """Deleting somebody's message below a post of ours for good, where the capabilities say so; as in `Moderates`.

    One that is surely gone is no error; one that may only be out of sight is `Rejected`, never taken for deleted.
    """

    async def delete(self, message: StoredRef) -> None:
        """Delete it."""
        ...


@runtime_checkable
class Lifts(Protocol):
    """Taking a block or a mute back, on networks whose interface can; idempotent, errors as in `Moderates`."""

    async def unblock(self, author: Author) -> None:
        """Let a blocked person back in."""
        ...

    async def unmute(self, author: Author) -> None:
        """Hear a muted person again."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """Until when an answer may leave, by the network's rules. `why` is the rule, `hint` what to do when it is over."""

    closes_at: datetime
    why: str
    hint: str = "Open the original and answer there."
    once: bool = False
    """There may be one private answer to this message, and no second."""


@runtime_checkable
class HasWindow(Protocol):
    """A channel whose answers must leave within a time. Asked of the class too, without a channel and offline."""

    @staticmethod
    def window(account: AccountConfig, message: StoredRef, visibility: Visibility) -> Window | None:
        """When an answer to `message` must have left, for those eyes; None where there is no end."""
        ...


@runtime_checkable
class Objects(Protocol):
    """A channel whose network refuses answers to some messages whatever their words. Asked of the class, offline."""

    @staticmethod
    def objection(account: AccountConfig, message: StoredRef, visibility: Visibility) -> tuple[str, str] | None:
        """Why an answer to `message` would be refused, and what to do instead; None where it may be answered."""
        ...


@runtime_checkable
class Declines(Protocol):
    """A channel whose network refuses some texts whatever their length. Asked of the class, offline."""

    @staticmethod
    def declines(text: str) -> tuple[str, str] | None:
        """Why a post with this text would be refused, and what to do instead; None where it would be taken."""
        ...


@dataclass(frozen=True, slots=True)
class Price:
    """What a call costs. `why` is a sentence; `dear` says that the officer must see it before sending."""

    amount: float
    currency: str
    why: str
    dear: bool = False


@runtime_checkable
class Priced(Protocol):
    """A channel whose vendor charges for what is sent. Asked of the class, offline."""

    @staticmethod
    def price(account: AccountConfig, text: str, visibility: Visibility) -> Price:
        """What posting `text` as an answer costs."""
        ...


@runtime_checkable
class PricesPosts(Protocol):
    """A channel whose vendor charges for posts of our own. Asked of the class, offline."""

    @staticmethod
    def post_price(account: AccountConfig, text: str) -> Price:
        """What publishing `text` costs."""
        ...


@runtime_checkable
class Posts(Protocol):
    """A channel that can publish a post of its own, where its capabilities say so, for everybody to see.

    `measure` without a handle counts its text.
    """

    async def post(self, post: OutgoingPost) -> Sent:
        """Publish once. Raises `AnswerLost` when it may have been published, `Rejected` when it surely was not."""
        ...

    async def look_up_post(self, post: OutgoingPost) -> Sent | None:
        """Find a post whose answer was lost; None when the source surely does not have it."""
        ...


class Channel(Protocol):
    """One account on one network.

    A channel object lives for one pass or one send and is used by one task. Every method may raise any
    `ChannelError` and `SecretError`, and nothing else.
    """

    capabilities: Capabilities

    async def check(self) -> Health:
        """Sign in and look at scopes and expiry; send nothing."""
        ...

    def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """Walk what is new after `cursor`; `since` bounds the first look back.

        Each page holds at most about 100 messages; an empty one shows that the source was read. The walk may be
        stopped after any page and taken up later from the page's cursor without losing anything. Where more is new
        than a page holds, what is newest comes first as far as the network lets it: intake minds no order. A walk
        that ends early for the budget says so in its last page (`unfinished`).
        """
        ...

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Ask the source what became of stored messages: edits and deletions. An unreadable answer is no deletion."""
        ...

    async def send(self, reply: OutgoingReply) -> Sent:
        """Post once. Raises `AnswerLost` when the post may have been made, `Rejected` when it surely was not."""
        ...

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Find a reply whose answer was lost; None when the source surely does not have it.

        Raises `NotPermitted` where the network cannot be asked.
        """
        ...

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """Count `text` as the network does, the mention that we add included."""
        ...

    async def aclose(self) -> None:
        """Release sockets and threads; never raises."""
        ...
