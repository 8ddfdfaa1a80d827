"""The charter's clocks applied to cases: which deadline rules, whether it was kept, and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from socialtriage.config.model import Config
from socialtriage.domain.cases import Case
from socialtriage.domain.charter import Charter, Clock, Duration, Ruling, due_state
from socialtriage.domain.late import replace
from socialtriage.domain.models import DueState, Status, Urgency
from socialtriage.domain.worktime import WorkingTime
from socialtriage.services.calendar import charter_of


class Due(NamedTuple):
    """When a case is due, by which clock, and since when that clock runs; all None when none does."""

    at: datetime | None
    clock: str | None
    since: datetime | None


class Clocks:
    """Deadlines of one organisation."""

    def __init__(self, config: Config) -> None:
        self._charter: Charter = charter_of(config)

    @property
    def working(self) -> WorkingTime:
        """The organisation's working time."""
        return self._charter.working

    def add(self, start: datetime, duration: Duration) -> datetime:
        """When so much working time has passed since `start`."""
        return self.working.add(start, duration)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time between two instants."""
        return self.working.between(start, end)

    def ruling(self, case: Case) -> Ruling:
        """The deadline that rules a case; a closed case and one that waits for the resident have none of ours."""
        if case.status is Status.CLOSED:
            return Ruling(None, None)
        return self._charter.ruling(
            case.urgency,
            asked_at=case.waiting_since,
            acknowledged_at=case.acknowledged_at or case.answered_at,
            answered_at=None,
            promised_at=case.promised_at if case.promise_kept is None else None,
        )

    def due(self, urgency: Urgency, asked_at: datetime | None) -> Due:
        """The deadline of a case that nobody has answered yet."""
        at, clock = self._charter.ruling(urgency, asked_at=asked_at)
        return Due(at, clock.value, asked_at) if clock else Due(None, None, None)

    def with_due(self, case: Case) -> Case:
        """The case with the deadline that rules it now."""
        due_at, clock = self.ruling(case)
        start = case.waiting_since if clock is not Clock.PROMISE else case.answered_at or case.opened_at
        if due_at is None:
            clock, start = None, None
        if (due_at, clock, start) == (case.due_at, case.due_clock, case.due_from):
            return case
        return replace(case, due_at=due_at, due_clock=clock.value if clock else None, due_from=start)

    def in_time(self, case: Case, answered_at: datetime) -> bool | None:
        """Whether an answer at this moment keeps the charter; None when nobody was waiting."""
        if case.waiting_since is None:
            return None
        return answered_at <= self._charter.deadline(case.waiting_since, case.urgency, Clock.ANSWER)

    def state(self, case: Case, now: datetime) -> DueState:
        """How a case stands to its deadline."""
        return due_state(now, case.due_at, case.due_from or case.opened_at)

    def explain(self, case: Case) -> list[str]:
        """Why the deadline is what it is, line by line."""
        return self._charter.explain_ruling(self.ruling(case), case.urgency, case.waiting_since)
