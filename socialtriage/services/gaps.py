"""Spans in which an account's messages may be missing: taken note of, or read again from the network."""

from __future__ import annotations

from datetime import datetime

from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import NotFound, Refused
from socialtriage.domain.times import parse_every
from socialtriage.domain.views import Done, GapView
from socialtriage.services.desk import Desk
from socialtriage.services.intake import SYSTEM
from socialtriage.store.log import NewEvent


def of(desk: Desk, account_id: str) -> list[GapView]:
    """The open gaps of an account, earliest first. Raises `NotFound`."""
    desk.account(account_id)
    return desk.store.accounts.gaps().get(account_id, [])


def acknowledge(desk: Desk, account_id: str, gap_id: int | None = None) -> Done:
    """Take note of a gap, or of all of an account; they are shown no more. Raises `NotFound`, `Refused`."""
    found = [gap for gap in of(desk, account_id) if gap_id in (None, gap.id)]
    if not found and gap_id is not None:
        raise NotFound(f"{account_id} has no open gap {gap_id}.")
    if not found:
        raise Refused(f"{account_id} has no gap.")
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        for gap in found:
            tx.accounts.close_gap(gap.id, tx.at)
            tx.log(NewEvent("account.gap_noted", detail={"account": account_id, "gap": gap.id}))
    return Done(f"Noted {len(found)} gap{'' if len(found) == 1 else 's'} of {account_id}.", ())


def fill(desk: Desk, account_id: str) -> Done:
    """Let the next passes read an account again from before its first gap; nothing that is here is doubled."""
    found = of(desk, account_id)
    if not found:
        raise Refused(f"{account_id} has no gap.")
    start = min(gap.start for gap in found)
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.accounts.update(account_id, cursor=None, refill_since=start, behind_since=start)
        tx.log(NewEvent("account.refill", detail={"account": account_id}))
    return Done(f"The next pass reads {account_id} again from the beginning of its first gap.", ())


def look_back(desk: Desk, account: AccountConfig, cursor: str | None) -> datetime:
    """How far a pass looks back: the account's `since`, and without a cursor also to its first open gap."""
    since = desk.clock() - parse_every(account.since)
    open_gaps = desk.store.accounts.gaps().get(account.id, []) if cursor is None else []
    return min([since, *(gap.start for gap in open_gaps)])


def filled(desk: Desk, account: AccountConfig, since: datetime) -> None:
    """Gaps from `since` on were read again, in one pass or several: they are gaps no more."""
    found = [gap for gap in desk.store.accounts.gaps().get(account.id, []) if gap.start >= since]
    if found:
        with desk.store.transaction(SYSTEM, desk.clock()) as tx:
            for gap in found:
                tx.accounts.close_gap(gap.id, tx.at)
                tx.log(NewEvent("account.gap_filled", detail={"account": account.id, "gap": gap.id}))
