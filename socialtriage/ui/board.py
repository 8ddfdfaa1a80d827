"""What the bars of every screen show: counts, accounts, outbox. Read in a thread, shown by widgets that only look."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING

from socialtriage.domain.late import dataclass
from socialtriage.domain.models import AccountState, OutboxState
from socialtriage.domain.views import AccountView, OutboxView
from socialtriage.ui import words

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk
    from socialtriage.services.inbox import Counts

QUIET = (AccountState.OK, AccountState.LOGIN_EXPIRING, AccountState.PAUSED, AccountState.NEVER_POLLED)
WAITING = (OutboxState.QUEUED, OutboxState.SENDING)
TROUBLE = (OutboxState.FAILED, OutboxState.UNKNOWN, OutboxState.BOUNCED)


@dataclass(frozen=True, slots=True)
class Board:
    """A picture of the desk as it was a moment ago."""

    counts: Counts | None = None
    accounts: tuple[AccountView, ...] = ()
    headline: str = ""
    outbox: tuple[OutboxView, ...] = field(default=(), repr=False)
    to_place: int = 0
    """Mails of contacts that wait for a decision."""
    paused: bool = False
    """Nothing leaves, by an officer's word."""
    reviews: int = 0
    """Hides, blocks and mutes that are due for review."""
    drafts: int = 0
    """Cases for which the officer wrote something that did not leave, returned replies among them."""
    surge: str = ""
    """How much more arrives than is usual at this hour, until somebody took note of it."""

    def leaving(self, officer: str, now: datetime) -> OutboxView | None:
        """The officer's row that leaves next and can still be taken back."""
        mine = [
            row
            for row in self.outbox
            if row.officer == officer and row.state is OutboxState.QUEUED and row.not_before and row.not_before > now
        ]
        return min(mine, key=lambda row: row.not_before or now, default=None)

    def broken(self) -> int:
        """How many accounts need somebody."""
        return sum(account.state not in QUIET for account in self.accounts)

    def outbox_words(self) -> tuple[str, str]:
        """What waits to leave, and what did not get through."""
        waiting = sum(row.state in WAITING and row.held is None for row in self.outbox)
        held = sum(row.held is not None for row in self.outbox)
        trouble = [row for row in self.outbox if row.state in TROUBLE]
        kinds = [words.OUTBOX[state] for state in TROUBLE if any(row.state is state for row in trouble)]
        leaving = [f"{waiting} to leave"] if waiting else []
        leaving += [f"{held} to approve"] if held else []
        return ", ".join(leaving), f"{len(trouble)} {'/'.join(kinds)}" if trouble else ""


def read_board(desk: Desk) -> Board:
    """Look at the desk; some milliseconds, so not on the event loop."""
    from socialtriage.services import accounts, answerbox, inbox, outbox, pause, surge

    views = accounts.listing(desk)
    return Board(
        inbox.counts(desk),
        tuple(views),
        accounts.headline(desk, views),
        tuple(outbox.rows(desk)),
        answerbox.waiting(desk),
        pause.words(desk) is not None,
        # Not by the service: its imports would come with the first counts.
        desk.store.moderation.due(desk.clock()),
        desk.store.replies.drafts(desk.officer),
        surge.banner(desk),
    )
