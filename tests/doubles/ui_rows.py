"""Rows and sources for tests of the screens that need no store."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from socialtriage.domain.models import SafeText, Status, Urgency, Visibility
from socialtriage.domain.views import CaseRow

NOW = datetime(2026, 11, 16, 10, 30, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")

_ROW = CaseRow(
    id=0,
    ref="ABC-7Q4K2M",
    version=1,
    status=Status.OPEN,
    urgency=Urgency.NORMAL,
    kind=None,
    area=None,
    topic=None,
    owner=None,
    account="council-mastodon",
    network="mastodon",
    visibility=Visibility.PUBLIC,
    handle=SafeText("@sam@social.example"),
    name=SafeText("Sam Lee"),
    snippet=SafeText("My bin was not collected again, third week running"),
    opened_at=NOW - timedelta(hours=2),
    last_message_at=NOW - timedelta(hours=2),
    due_at=NOW + timedelta(minutes=80),
    due_clock="answer",
    due_from=NOW - timedelta(hours=2),
    messages=1,
    media=0,
    repeat_count=1,
    repeat_since=None,
    snoozed_until=None,
    outcome=None,
    suggested_area=None,
    suggested_urgency=None,
)


def a_row(case_id: int = 1, **changes: Any) -> CaseRow:
    """A case, with what matters to the test changed."""
    return replace(_ROW, id=case_id, ref=f"ABC-{case_id:06}", **changes)


class Rows:
    """A source made of rows in a list, which counts how often it was read."""

    def __init__(self, rows: Sequence[CaseRow]) -> None:
        self.rows = list(rows)
        self.ids: array[int] = array("q", [row.id for row in rows])
        self.reads: list[tuple[int, int]] = []

    def count(self) -> int:
        """How many."""
        return len(self.ids)

    def window(self, start: int, n: int) -> Sequence[CaseRow]:
        """A part of them."""
        self.reads.append((start, n))
        return self.rows[start : start + n]
