"""News that came late: a message older than cases that its person has here already makes those repeat contacts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from weakref import proxy

from socialtriage.domain.cases import Case
from socialtriage.domain.late import replace
from socialtriage.domain.models import Status

if TYPE_CHECKING:
    from socialtriage.services.batch import Batch

RELATED = 20
"""Cases of the same person that a new one is linked with, the nearest in time."""


class OlderNews:
    """For one batch: `came` for each case that it opens, `count` before it is written."""

    def __init__(self, batch: Batch) -> None:
        # No circle: a batch and its messages go when it ends, and do not wait to be collected.
        self._batch: Batch = proxy(batch)
        self._more: Counter[int] = Counter()

    def came(self, first: Case) -> None:
        """The person's later cases are repeat contacts of this one. What an officer looked at keeps its urgency."""
        since, batch = first.waiting_since, self._batch
        if since is None:
            return
        for number, case_id in enumerate(batch.places.later(first.person_id, first.opened_at)):
            if number < RELATED:
                batch.links.append((first.id, case_id, "same person", batch.stamp))
            case = batch.touch(case_id)
            if case.status is not Status.NEW:
                continue
            known = case.repeat_since and case.waiting_since and max(case.repeat_since, case.waiting_since)
            if case.repeat_count > 1 and known and known <= since:
                self._more[case_id] += 1  # the clock stays; a person with hundreds of cases has them counted once
                continue
            case = replace(
                case,
                repeat_count=case.repeat_count + 1,
                repeat_since=min(case.repeat_since or since, since),
                urgency=case.urgency.raised() if case.repeat_count == 1 else case.urgency,
                waiting_since=min(case.waiting_since or since, since),
            )
            batch.cases[case_id] = batch.desk.clocks.with_due(case)

    def count(self) -> None:
        """Bring the numbers of contacts up to date."""
        cases = self._batch.cases
        for case_id, more in self._more.items():
            cases[case_id] = replace(cases[case_id], repeat_count=cases[case_id].repeat_count + more)
