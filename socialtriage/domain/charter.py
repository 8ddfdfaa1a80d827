"""The charter: what the organisation promises, and how a case stands to it.

Three clocks run for a case from the first message that nobody answered. *Acknowledge* stops when the resident was
acknowledged or answered. *Answer* stops when the resident was answered; an acknowledgement does not stop it. *Promise*
is a time named to the resident: from then on it stands in the place of the answer clock, earlier or later,
because it is what the resident now expects. Of the clocks that run, the one that ends first rules the case.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from socialtriage.domain.explain import deadline_steps, duration_words, moment_words
from socialtriage.domain.late import dataclass
from socialtriage.domain.models import DueState, Urgency
from socialtriage.domain.worktime import Duration, Span, WorkingTime

__all__ = [
    "Charter",
    "Clock",
    "Duration",
    "Kept",
    "Ruling",
    "Span",
    "Target",
    "WorkingTime",
    "due_state",
    "words_left",
]

_SOON = timedelta(minutes=30)


class Clock(StrEnum):
    """What a deadline is about."""

    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"
    PROMISE = "promise"


@dataclass(frozen=True, slots=True)
class Target:
    """The promise for one urgency. With `always` its clocks run day and night and a day is 24 hours."""

    acknowledge: Duration
    answer: Duration
    always: bool = False

    def of(self, clock: Clock) -> Duration:
        """The time allowed by the acknowledge or the answer clock; a promise has its own time."""
        return self.acknowledge if clock is Clock.ACKNOWLEDGE else self.answer


class Ruling(NamedTuple):
    """The deadline that rules a case, and which clock it is; both None when no clock runs."""

    due_at: datetime | None
    which: Clock | None


class Kept(NamedTuple):
    """Whether the charter was kept; None while a clock still runs."""

    acknowledge: bool | None
    answer: bool | None

    @property
    def whole(self) -> bool | None:
        """Both in one word: broken when either is, kept when both are."""
        if False in (self.acknowledge, self.answer):
            return False
        return None if None in (self.acknowledge, self.answer) else True


@dataclass(frozen=True, slots=True)
class Charter:
    """The targets of every urgency, and the working time that they are counted in."""

    working: WorkingTime
    targets: Mapping[Urgency, Target]

    def deadline(self, asked_at: datetime, urgency: Urgency, clock: Clock) -> datetime:
        """When the acknowledge or the answer clock that began at `asked_at` ends, in UTC."""
        target = self.targets[urgency]
        if target.always:
            return asked_at + target.of(clock).plain
        return self.working.add(asked_at, target.of(clock))

    def ruling(
        self,
        urgency: Urgency,
        *,
        asked_at: datetime | None,
        acknowledged_at: datetime | None = None,
        answered_at: datetime | None = None,
        promised_at: datetime | None = None,
    ) -> Ruling:
        """The deadline that rules a case now.

        `asked_at` is when the first message came that is not answered yet (None when there is none);
        `acknowledged_at` and `answered_at` are what was done about it; `promised_at` is a time that was named
        to the resident and is still to be kept.
        """
        running: list[tuple[datetime, Clock]] = []
        if asked_at is not None and answered_at is None:
            if acknowledged_at is None:
                running.append((self.deadline(asked_at, urgency, Clock.ACKNOWLEDGE), Clock.ACKNOWLEDGE))
            if promised_at is None:
                running.append((self.deadline(asked_at, urgency, Clock.ANSWER), Clock.ANSWER))
        if promised_at is not None:
            running.append((promised_at, Clock.PROMISE))
        return Ruling(*min(running, key=lambda clock: clock[0])) if running else Ruling(None, None)

    def kept(
        self,
        urgency: Urgency,
        *,
        asked_at: datetime,
        now: datetime,
        acknowledged_at: datetime | None = None,
        answered_at: datetime | None = None,
    ) -> Kept:
        """Whether acknowledgement and answer came in time; an answer is an acknowledgement too."""
        responses = [at for at in (acknowledged_at, answered_at) if at is not None]
        return Kept(
            _in_time(min(responses, default=None), self.deadline(asked_at, urgency, Clock.ACKNOWLEDGE), now),
            _in_time(answered_at, self.deadline(asked_at, urgency, Clock.ANSWER), now),
        )

    def explain(self, asked_at: datetime, urgency: Urgency, clock: Clock) -> list[str]:
        """The acknowledge or answer deadline line by line, in the organisation's time."""
        target = self.targets[urgency]
        allowed = target.of(clock)
        here = asked_at.astimezone(self.working.zone)
        words = duration_words(allowed, always=target.always)
        first = f"Received {moment_words(here)}; {urgency}: {clock} within {words}"
        if target.always:
            due = (asked_at + allowed.plain).astimezone(self.working.zone)
            return [first, f"Due {moment_words(due, year=here.year)}"]
        return [first, *deadline_steps(asked_at, allowed, self.working)]

    def explain_ruling(self, ruling: Ruling, urgency: Urgency, asked_at: datetime | None) -> list[str]:
        """The deadline that rules a case line by line, whichever clock it is."""
        if ruling.due_at is None or ruling.which is None:
            return ["No clock runs: nothing waits for an answer."]
        if ruling.which is Clock.PROMISE or asked_at is None:
            due = ruling.due_at.astimezone(self.working.zone)
            return [f"Promised to the resident for {moment_words(due)}", f"Due {moment_words(due)}"]
        return self.explain(asked_at, urgency, ruling.which)


def due_state(now: datetime, due: datetime | None, opened: datetime) -> DueState:
    """How a case stands at `now`: late after `due`; soon in the last quarter of the time since `opened`, and in any
    case in the last 30 minutes; `none` without a deadline.
    """
    if due is None:
        return DueState.NONE
    if now > due:
        return DueState.LATE
    return DueState.SOON if due - now <= max((due - opened) / 4, _SOON) else DueState.ON_TIME


def words_left(now: datetime, due: datetime | None) -> str:
    """`due 45m`, `due 1h20`, `due 2d`, `due now`, `late 3h`, in plain time, rounded down; empty without a deadline."""
    if due is None:
        return ""
    word = "due" if due >= now else "late"
    minutes = int(abs(due - now).total_seconds()) // 60
    if minutes == 0:
        return f"{word} now" if word == "due" else "late 1m"
    if minutes < 60:
        return f"{word} {minutes}m"
    if minutes < 24 * 60:
        return f"{word} {minutes // 60}h" + (f"{minutes % 60:02}" if minutes % 60 else "")
    return f"{word} {minutes // (24 * 60)}d"


def _in_time(done: datetime | None, due: datetime, now: datetime) -> bool | None:
    if done is None:
        return False if now > due else None
    return done <= due
