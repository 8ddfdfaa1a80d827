"""Every account with its state in words, when it was polled, what went wrong, and what may be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, cast

from textual.app import SuspendNotSupported
from textual.binding import BindingType

from socialtriage.domain.models import AccountState
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import AccountView, Done
from socialtriage.services import accounts, gaps
from socialtriage.services.desk import Desk
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.board import QUIET
from socialtriage.ui.cells import Run
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.handlers import signing
from socialtriage.ui.screens.page import Page, cell

REMEDY = {
    AccountState.NEVER_POLLED: "It is polled when an inbox is open, or by: socialtriage poll.",
    AccountState.LOGIN_NEEDED: "Sign in with L, or: socialtriage accounts login {id}",
    AccountState.LOGIN_EXPIRING: "Sign in again before it ends, with L, or: socialtriage accounts login {id}",
    AccountState.MISCONFIGURED: "Look what is wrong: socialtriage check",
    AccountState.PAUSED: "To poll it: take `paused = true` out of the configuration.",
}


class AccountsScreen(Page):
    """The accounts, in the order of the configuration."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.ACCOUNTS,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.ACCOUNTS)]
    TITLE_WORDS = "Accounts"
    EMPTY = "The configuration has no accounts. socialtriage init writes an example."

    def read(self) -> Sequence[Any]:
        """The accounts as the store knows them."""
        return accounts.listing(self.triage.desk)

    def headline(self) -> str:
        """How many are polled, and which are not."""
        return accounts.headline(self.triage.desk, cast(list[AccountView], self.values))

    def line(self, value: Any, width: int) -> list[Run]:
        """State, id, network, last poll, open cases."""
        view = cast(AccountView, value)
        now = self.triage.desk.clock()
        polled = words.ago(view.last_poll_at, now) if view.last_poll_at else "never"
        state = accounts.words(view, self.triage.desk, brief=True)
        wide = max(18, width - 2 - 20 - 10 - 11 - 9)
        resting = view.state is AccountState.PAUSED and not accounts.stopped(view)
        style = "calm" if view.state is AccountState.OK else "dim" if resting else "alarm"
        return [
            cell(view.id, wide, "strong" if view.state not in QUIET else ""),
            cell(state, 19, "warn" if view.state is AccountState.LOGIN_EXPIRING else style),
            cell(words.network(view.network), 9, "dim"),
            cell(polled, 10, "dim"),
            cell(f"{view.open_cases} open", 8, "dim", right=True),
        ]

    def details(self, value: Any) -> Sequence[Para]:
        """Everything about one account."""
        return list(self._details(cast(AccountView, value)))

    def _details(self, view: AccountView) -> Iterator[Para]:
        desk, now = self.triage.desk, self.triage.desk.clock()
        at = self.triage.reader().at
        bad = view.state not in QUIET or accounts.stopped(view)
        yield para(clean_line(f"{view.id} {view.handle}"), "title")
        yield fact("State", (accounts.words(view, desk), "alarm" if bad else "calm"), width=14)
        if view.detail:
            yield fact("Why", (clean_line(view.detail, 600), "warn" if bad else ""), width=14)
        if view.state in REMEDY and not accounts.stopped(view):
            yield fact("To do", (REMEDY[view.state].format(id=view.id), "strong"), width=14)
        for kind, label in accounts.BUDGETS.items():
            if kind in view.budget:
                yield fact(label, (clean_line(view.budget[kind]["words"], 600), ""), width=14)
        yield fact("Last poll", (_moment(view.last_poll_at, now, at), ""), width=14)
        soon = view.next_poll_at is not None and view.next_poll_at < now + timedelta(minutes=1)
        yield fact("Next poll", ("within a minute" if soon else _moment(view.next_poll_at, now, at), ""), width=14)
        yield fact("Last message", (_moment(view.last_message_at, now, at), ""), width=14)
        if view.login_expires_at:
            yield fact("Login until", (at(view.login_expires_at), "warn"), width=14)
        if view.owner:
            yield fact("Belongs to", (clean_line(view.owner), ""), width=14)
        yield fact("Open cases", (str(view.open_cases), ""), width=14)
        seconds, used = view.budget.get("seconds", 0), view.budget.get("used", 0)
        requests = words.many(int(view.budget.get("requests", 0)), "request")
        yield fact("Last pass", (f"{used:.1f} s of {seconds:.0f} s, {requests}", "dim"), width=14)
        if view.limits:
            yield fact("Polling", (clean_line(view.limits, 600), "dim"), width=14)
        yield para("")
        if view.gaps:
            yield para("MESSAGES MAY BE MISSING", "heading")
        for gap in view.gaps:
            yield para(f"from {at(gap.start)} to {at(gap.end)}: {clean_line(gap.why, 300)}", "warn", indent=2)

    # --- keys ---------------------------------------------------------------------------------------------

    def action_sign_in(self) -> None:
        """Walk through the sign-in of the account that is pointed at, then poll it."""
        view = cast(AccountView | None, self.selected)
        if view is None or view.network == "demo":
            return self.triage.say("There is nothing to sign in to here.")
        try:
            with self.app.suspend():
                signed_in = signing.walk(self.triage.desk, view.id)
        except SuspendNotSupported:
            return self.triage.say(f"In a terminal of its own: socialtriage accounts login {view.id}")
        self.triage.background.poll_now()
        self.triage.say(f"{view.id} is signed in." if signed_in else f"{view.id} is not signed in.")
        self.renew()

    def action_gap_noted(self) -> None:
        """Take note of the gaps of the account that is pointed at."""
        self._of_gaps(gaps.acknowledge)

    def action_gap_fill(self) -> None:
        """Let the next pass read the account again from before its first gap."""
        self._of_gaps(gaps.fill)

    def _of_gaps(self, work: Callable[[Desk, str], Done]) -> None:
        view = cast(AccountView | None, self.pointed())
        if view is not None:
            self.triage.in_background(partial(self._do, work, view.id), "accounts", "seeing to a gap")

    async def _do(self, work: Callable[[Desk, str], Done], account: str) -> None:
        done = await self.triage.write(work, self.triage.desk, account)
        self.triage.say(done.said)
        self.renew()


def _moment(when: Any, now: Any, at: Any) -> str:
    return f"{at(when)}  ({words.ago(when, now)})" if when else "never"
