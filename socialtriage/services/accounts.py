"""How the accounts do, in words."""

from __future__ import annotations

from typing import Any

from socialtriage.config.model import AccountConfig
from socialtriage.domain.models import AccountState
from socialtriage.domain.times import parse_every
from socialtriage.domain.views import AccountView, GapView
from socialtriage.services import allowances, catchup
from socialtriage.services.answerbox import mailbox
from socialtriage.services.desk import Desk
from socialtriage.store.accounts import AccountRecord

WORDS = {
    AccountState.OK: "OK",
    AccountState.NEVER_POLLED: "never polled",
    AccountState.LOGIN_NEEDED: "sign in needed",
    AccountState.LOGIN_EXPIRING: "login expires soon",
    AccountState.RATE_LIMITED: "rate limited",
    AccountState.UNREACHABLE: "unreachable",
    AccountState.SILENT: "silent",
    AccountState.MISCONFIGURED: "misconfigured",
    AccountState.PAUSED: "paused",
}
BUDGETS = {"spent": "Spent", "left": "Allowed"}
"""What a network counts beside our own seconds, by its name in `AccountView.budget`, with a word for it."""


def listing(desk: Desk) -> list[AccountView]:
    """Every account of the configuration, in its order, and after them the mailbox of contacts' answers."""
    box = mailbox(desk)
    accounts = [*desk.config.accounts, *([box] if box else [])]
    records = desk.store.accounts.all()
    gaps = desk.store.accounts.gaps()
    cases = desk.store.accounts.open_cases()
    return [_view(desk, a, records.get(a.id), gaps.get(a.id, []), cases.get(a.id, 0)) for a in accounts]


def _view(
    desk: Desk, account: AccountConfig, record: AccountRecord | None, gaps: list[GapView], cases: int
) -> AccountView:
    state = AccountState.PAUSED if account.paused else (record.state if record else AccountState.NEVER_POLLED)
    network = desk.network_of(account)
    return AccountView(
        id=account.id,
        network=network,
        handle=account.handle or (record.handle if record else "") or account.user or "",
        state=state,
        detail=record.detail if record and not account.paused else "",
        last_poll_at=record.last_ok_at if record else None,
        last_message_at=record.last_message_at if record else None,
        next_poll_at=record.next_poll_at if record and not account.paused else None,
        login_expires_at=record.login_expires_at if record else None,
        owner=account.owner,
        open_cases=cases,
        gaps=tuple(gaps),
        budget={
            "seconds": parse_every(account.budget).total_seconds(),
            "used": record.seconds if record else 0.0,
            "requests": record.requests if record else 0,
            **spending(desk, account),
            **({"left": left} if (left := allowances.shown(desk, record.allowance if record else None)) else {}),
        },
        behind_since=record.behind_since if record else None,
    )


def spending(desk: Desk, account: AccountConfig) -> dict[str, Any]:
    """What the account has spent this month or day, by kind of call, where its vendor counts; nothing elsewhere."""
    if account.network == "youtube":
        return _quota(desk, account)
    if account.network != "x":
        return {}
    from socialtriage.channels.x_prices import budget_of, month_of, pot_of

    now = desk.clock()
    return {"spent": budget_of(account, desk.store.spending.since(pot_of(account), month_of(now)), now)}


def _quota(desk: Desk, account: AccountConfig) -> dict[str, Any]:
    """What is spent of the quota of the account's project, which the ledger alone knows: its app is in the keyring."""
    from socialtriage.channels.google_quota import budget_of, pacific_day

    now, pot = desk.clock(), desk.store.spending.pot_of(f"{account.id} ")
    return {"spent": budget_of(account, desk.store.spending.since(pot, pacific_day(now)), now)} if pot else {}


def stopped(view: AccountView) -> bool:
    """Whether polling of an account pauses by itself, at its ceiling, and not by the configuration."""
    return view.state is AccountState.PAUSED and bool(view.detail)


def words(view: AccountView, desk: Desk, *, brief: bool = False) -> str:
    """State in words: `OK`, `rate limited until 14:20`, `unreachable since 09:12`, `OK, catching up: …`."""
    text = "paused at its ceiling" if stopped(view) else WORDS[view.state]
    if view.state is AccountState.RATE_LIMITED and view.next_poll_at:
        text += f" until {view.next_poll_at.astimezone(desk.zone):%H:%M}"
    if view.state is AccountState.LOGIN_EXPIRING and view.login_expires_at:
        left = (view.login_expires_at - desk.clock()).days
        text = "login has ended" if left < 0 else f"login ends in {left} day{'' if left == 1 else 's'}"
    if view.state is AccountState.UNREACHABLE and view.last_poll_at:
        text += f" since {view.last_poll_at.astimezone(desk.zone):%a %H:%M}"
    if view.behind_since is not None and view.state in catchup.READS:
        text += ", catching up" if brief else f", {catchup.words(desk, view.behind_since)}"
    return text


def headline(desk: Desk, views: list[AccountView]) -> str:
    """`38/40 accounts polled`, which ones are not, and how many are being caught up with."""
    active = [v for v in views if v.state is not AccountState.PAUSED or stopped(v)]
    bad = [v for v in active if v.state not in (AccountState.OK, AccountState.LOGIN_EXPIRING)]
    if not active:
        return "no accounts"
    text = f"{len(active) - len(bad)}/{len(active)} accounts"
    named = ", ".join(f"{v.id} {WORDS[v.state]}" for v in bad[:2])
    more = [
        f"{named}{f' and {len(bad) - 2} more' if len(bad) > 2 else ''}" if bad else "",
        catchup.headline(desk, active),
    ]
    return ": ".join(filter(None, [text, "; ".join(filter(None, more))]))
