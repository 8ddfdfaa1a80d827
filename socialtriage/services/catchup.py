"""After a long rest (a laptop that slept for a weekend, a server that was away): since when an account is behind, and
the words for it.

Channels hand in what is newest first, then the rest (`Channel.fetch`). Until a walk comes to its end the account is
behind, and says so; a walk that its budget cut goes on in the next pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from socialtriage.config.model import AccountConfig
from socialtriage.domain.models import AccountState
from socialtriage.domain.times import iso, parse_every
from socialtriage.domain.views import AccountView
from socialtriage.services.desk import Desk
from socialtriage.services.health import SLOWEST
from socialtriage.store.accounts import AccountRecord

LONG = timedelta(hours=6)
"""How long nobody polled an account before it counts as behind; longer where its own interval is."""
READS = (AccountState.OK, AccountState.LOGIN_EXPIRING, AccountState.SILENT)
"""States in which it says that it is behind: in the others what is wrong is said."""


def behind(account: AccountConfig, record: AccountRecord | None, now: datetime) -> datetime | None:
    """The last good poll before a long rest that is not caught up with yet; None for an account that keeps up."""
    if record is None:
        return None
    if record.behind_since is not None or record.cursor is None or record.last_ok_at is None:
        return record.behind_since
    usual = parse_every(account.every) * SLOWEST * 2
    return record.last_ok_at if now - record.last_ok_at > max(LONG, usual) else None


def begin(desk: Desk, account: AccountConfig, record: AccountRecord | None) -> datetime | None:
    """Note that an account is behind, so that every screen can say so while it is read. Raises `StoreError`."""
    from socialtriage.services.intake import SYSTEM
    from socialtriage.store.log import NewEvent

    now = desk.clock()
    since = behind(account, record, now)
    if record is not None and since is not None and record.behind_since is None:
        with desk.store.transaction(SYSTEM, now, durable=False) as tx:
            tx.accounts.update(account.id, behind_since=since)
            tx.log(NewEvent("account.behind", detail={"account": account.id, "since": iso(since)}))
    return since


def when(desk: Desk, at: datetime) -> str:
    """`Fri 20 Nov 17:40`."""
    return f"{at.astimezone(desk.zone):%a %d %b %H:%M}"


def words(desk: Desk, since: datetime) -> str:
    """What the state of an account says beside itself."""
    return f"catching up: newest first, then back to {when(desk, since)}"


def of_pass(desk: Desk, since: datetime | None, *, whole: bool) -> str:
    """What a pass that had something to catch up with made of it, in a sentence; empty for any other."""
    if since is None:
        return ""
    if whole:
        return f"Caught up: everything since {when(desk, since)} is read."
    return f"Catching up, newest first: not yet read back to {when(desk, since)}; the next pass goes on."


def before_pass(desk: Desk, accounts: Sequence[AccountConfig]) -> str:
    """What a pass over accounts is going to catch up with, in a sentence; empty where nothing."""
    records, now = desk.store.accounts.all(), desk.clock()
    found = [since for a in accounts if not a.paused and (since := behind(a, records.get(a.id), now)) is not None]
    if not found:
        return ""
    which = "The account was" if len(accounts) == 1 else f"{len(found)} of {len(accounts)} accounts were"
    return f"{which} last read whole on {when(desk, min(found))}: catching up, newest first, then the rest."


def views_behind(views: Iterable[AccountView]) -> list[AccountView]:
    """Those of the accounts that are being caught up with."""
    return [view for view in views if view.behind_since is not None and view.state in READS]


def headline(desk: Desk, views: list[AccountView]) -> str:
    """`catching up, newest first: 3 of 40 still read back to Fri 20 Nov 17:40`; empty where none is behind."""
    late = views_behind(views)
    if not late:
        return ""
    first = min(view.behind_since for view in late if view.behind_since is not None)
    verb = "reads" if len(late) == 1 else "read"
    return f"catching up, newest first: {len(late)} of {len(views)} still {verb} back to {when(desk, first)}"
