"""Who waits for whom in a case, worked out from its whole conversation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from socialtriage.domain.cases import Case
from socialtriage.domain.late import replace
from socialtriage.domain.models import Status, Voice
from socialtriage.domain.times import from_iso
from socialtriage.services.clocks import Clocks

ON_THE_DESK = (Status.NEW, Status.OPEN, Status.TELL_RESIDENT)


def replayed(clocks: Clocks, case: Case, timeline: Iterable[tuple[str, Voice]], unseen: datetime | None = None) -> Case:
    """The case as its messages, oldest first, leave it: first answer, and since when the resident waits.

    Our own words may have been written elsewhere and arrive late, so the order of arrival says nothing. But whoever
    answered from here before a message of `unseen` had come has not read it: it waits.
    """
    waiting: datetime | None = None
    taken_up, spoke = case.reopened_at, False
    for moment, voice in timeline:
        at = from_iso(moment)
        if taken_up is not None and at >= taken_up:
            # What came before the case was closed had been settled by closing it.
            waiting, taken_up = taken_up, None
        if voice is Voice.RESIDENT:
            waiting = waiting or at
        elif voice is Voice.OFFICER:
            if waiting is not None and case.answered_at is None:
                in_time = clocks.in_time(replace(case, waiting_since=waiting), at)
                case = replace(case, answered_at=at, acknowledged_at=case.acknowledged_at or at, within_charter=in_time)
            waiting, spoke = None, True
    waiting = taken_up or waiting
    if not spoke and case.waiting_since is not None:
        # A repeat contact waits since the person's first matter that nobody answered.
        waiting = min(waiting or case.waiting_since, case.waiting_since)
    waiting = waiting or unseen
    if waiting is None and case.status in ON_THE_DESK:
        case = replace(case, status=Status.WAITING_RESIDENT)
    return case if case.status is Status.CLOSED else replace(case, waiting_since=waiting)
