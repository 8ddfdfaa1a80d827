"""What X charges for, what this account has spent this month, and the ceiling at which its polling pauses.

Prices are those of April 2026 (xdevplatform/docs, pricing.mdx), in US dollars an item; `prices` of the account
replaces them. What is read again on the same UTC day is free ("soft" guarantee of the vendor). That an expanded author
is charged like a user that was asked for is not confirmed: it is counted, so that the meter rather shows too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from socialtriage.config.networks import X_PRICES
from socialtriage.domain.errors import CeilingReached

if TYPE_CHECKING:
    from socialtriage.channels.base import ChannelContext
    from socialtriage.config.model import AccountConfig

_users: dict[str, tuple[str, set[str]]] = {}
"""Whom each account was charged for today, in this process."""


def prices_of(account: AccountConfig) -> dict[str, float]:
    """The price table of an account."""
    return X_PRICES | account.prices


def pot_of(account: AccountConfig) -> str:
    """The name of an account's spending in the ledger."""
    return f"x:{account.id}"


def month_of(now: datetime) -> str:
    """The first day of the month that is being counted."""
    return f"{now:%Y-%m}-01"


class Meter:
    """Counts what one account spends."""

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._pot = pot_of(ctx.account)
        self._prices = prices_of(ctx.account)

    @property
    def _today(self) -> str:
        return f"{self._ctx.clock():%Y-%m-%d}"

    async def spent(self) -> Mapping[str, float]:
        """US dollars spent this month, by kind."""
        return await self._ctx.ledger.spent(self._pot, month_of(self._ctx.clock()))

    async def charge(self, kind: str, count: int = 1) -> None:
        """So many items of a kind were had."""
        if count:
            await self._ctx.ledger.spend(self._pot, self._today, kind, self._prices[kind] * count, count)

    async def charge_once(self, kind: str, count: int) -> None:
        """So many items that are read every day again: what was charged for as many today is free."""
        paid = (await self._ctx.ledger.spent(self._pot, self._today)).get(f"{kind}_again", 0.0)
        due = self._prices[kind] * count - paid
        if due > 0:
            await self._ctx.ledger.spend(self._pot, self._today, f"{kind}_again", due, count)

    async def charge_users(self, ids: Iterable[str]) -> None:
        """Authors that came with what was read; each once a day."""
        day, known = _users.get(self._pot, ("", set()))
        known = known if day == self._today else set()
        new = set(ids) - known
        _users[self._pot] = (self._today, known | new)
        await self.charge("user_read", len(new))

    async def still_allowed(self) -> None:
        """Raises `CeilingReached` when the month's ceiling is."""
        ceiling = self._ctx.account.ceiling
        if ceiling is None:
            return
        total = sum((await self.spent()).values())
        if total >= ceiling:
            raise CeilingReached(
                f"{self._ctx.account.id} has spent {dollars(total)} of {dollars(ceiling)} this month; polling pauses.",
                hint="Raise `ceiling` in its table of the configuration, or wait for the next month (UTC).",
            )

    async def words(self) -> str:
        """What was spent this month, in a sentence; empty where nothing was."""
        spent = await self.spent()
        return spending_words(self._ctx.account, spent) if spent else ""


def spending_words(account: AccountConfig, spent: Mapping[str, float]) -> str:
    """`US$1.24 of US$25.00 this month: mentions 0.40, people 0.80.`"""
    of = f" of {dollars(account.ceiling)}" if account.ceiling is not None else ""
    kinds = _merged(spent)
    parts = ", ".join(f"{name} {_amount(units)}" for name, units in sorted(kinds.items(), key=lambda kind: -kind[1]))
    return f"{dollars(sum(kinds.values()))}{of} spent this month: {parts or 'nothing'}."


def budget_of(account: AccountConfig, spent: Mapping[str, float], now: datetime) -> dict[str, Any]:
    """The month's spending as `accounts --json` shows it."""
    kinds: dict[str, float] = {}
    for kind, units in spent.items():
        name = kind.removesuffix("_again")
        kinds[name] = round(kinds.get(name, 0.0) + units, 6)
    return {
        "month": f"{now:%Y-%m}",
        "currency": "USD",
        "total": round(sum(kinds.values()), 6),
        "ceiling": account.ceiling,
        "by_kind": kinds,
        "words": spending_words(account, spent),
    }


def _merged(spent: Mapping[str, float]) -> dict[str, float]:
    """By kind, first and later readings together."""
    found: dict[str, float] = {}
    for kind, units in spent.items():
        name = kind.removesuffix("_again").replace("_", " ")
        found[name] = found.get(name, 0.0) + units
    return found


def dollars(amount: float) -> str:
    """`US$0.20`; a tenth of a cent is shown where there is one."""
    return f"US${_amount(amount)}"


def _amount(amount: float) -> str:
    return f"{amount:.2f}" if round(amount, 2) == round(amount, 3) else f"{amount:.3f}"
