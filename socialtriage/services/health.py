"""How an account does beyond its last answer: whether it is quieter than usual, how long its login lasts, when next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from socialtriage.config.model import AccountConfig
from socialtriage.domain.late import dataclass
from socialtriage.domain.models import AccountState
from socialtriage.domain.times import parse_every
from socialtriage.services.desk import Desk
from socialtriage.store.accounts import AccountRecord

EXPIRY_WARNING = timedelta(days=14)
"""How long before the end of a login the account says so."""
EXPIRY_STEPS = (14, 7, 1)
"""Days before the end of a login that stand in the log."""
ENOUGH, LONG_ENOUGH = 10, timedelta(days=14)
"""Messages, and the time they span, from which an account has a habit."""
FAR = 3
"""So many times its usual pause an account may be quiet before it counts as silent."""
SHORTEST = timedelta(days=1)
"""No account is silent sooner."""
LEAST = timedelta(seconds=30)
"""How soon after a server asked to slow down it is asked again at the earliest, whatever it said."""
SLOWER, SLOWEST = 1.25, 3.0
"""By how much a pass without news puts the next one off, and how far at most, in poll intervals."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How often an account usually has news."""

    last: datetime
    usual: timedelta
    """The pause between two messages that nine of ten stay within."""

    def silent(self, now: datetime) -> bool:
        """Whether it is quiet far beyond that."""
        return now - self.last > max(SHORTEST, FAR * self.usual)

    def words(self, now: datetime) -> str:
        """`silent 9 days, usually 2`."""
        return f"silent {_days(now - self.last)}, usually {_days(self.usual)}"


def _days(length: timedelta) -> str:
    days, hours = length.days, round(length.total_seconds() / 3600)
    if days >= 1:
        return f"{days} day{'' if days == 1 else 's'}"
    return f"{hours} hours" if hours > 1 else "an hour"


def habit(arrivals: Sequence[datetime]) -> Habit | None:
    """What an account's last messages say of its habit; None when they are too few to tell."""
    times = sorted(arrivals)
    if len(times) < ENOUGH or times[-1] - times[0] < LONG_ENOUGH:
        return None
    pauses = sorted(later - earlier for earlier, later in pairwise(times))
    return Habit(times[-1], pauses[min(len(pauses) - 1, len(pauses) * 9 // 10)])


def state_beyond(
    desk: Desk, account: AccountConfig, state: AccountState, expires: datetime | None
) -> tuple[AccountState, str]:
    """The state of an account that answered well, and a sentence on it: its login may end, or it is silent."""
    now = desk.clock()
    if state is not AccountState.OK:
        return state, ""
    if expires is not None and expires - now < EXPIRY_WARNING:
        return AccountState.LOGIN_EXPIRING, ""
    record = desk.store.accounts.get(account.id)
    if record is not None and record.last_message_at is not None and now - record.last_message_at <= SHORTEST:
        return state, ""
    found = habit(desk.store.accounts.arrivals(account.id))
    if found is not None and found.silent(now):
        return AccountState.SILENT, f"It is {found.words(now)}: look whether messages still arrive at the network."
    return state, ""


def expiry_step(expires: datetime | None, before: datetime | None, now: datetime) -> int | None:
    """The days of `EXPIRY_STEPS` that were passed between two looks at a login's end; None for none."""
    if expires is None:
        return None
    passed = [
        days
        for days in EXPIRY_STEPS
        if expires - now < timedelta(days=days) and (before is None or expires - before >= timedelta(days=days))
    ]
    return min(passed, default=None)


def retry(account: AccountConfig, at: datetime, now: datetime) -> datetime:
    """When to poll after a server asked to wait: at its time, but not at once again and again."""
    return max(at, now + min(LEAST, parse_every(account.every)))


def next_poll(account: AccountConfig, old: AccountRecord | None, new: int, now: datetime) -> datetime:
    """When to poll next: at the account's interval after news and while there is something to catch up with, later
    and later without, up to three intervals.
    """
    every = parse_every(account.every)
    if new or old is None or old.behind_since is not None or old.last_poll_at is None or old.next_poll_at is None:
        return now + every
    pause = (old.next_poll_at - old.last_poll_at) * SLOWER
    return now + min(max(pause, every), every * SLOWEST)
