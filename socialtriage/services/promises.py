"""Promises to residents: "by Thursday 17:00" is a deadline, a line in the log, and kept or broken in the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from socialtriage.domain import cases as life
from socialtriage.domain.errors import UsageError
from socialtriage.domain.views import Done
from socialtriage.domain.when import parse_when
from socialtriage.services import triage
from socialtriage.services.desk import Desk
from socialtriage.services.reply_checks import closed_on
from socialtriage.services.saved_answers import moment_of


def moment(desk: Desk, text: str) -> datetime:
    """`thu 17:00`, `by Thursday 17:00`, `2d`, an ISO time: in UTC. Raises `UsageError`."""
    words = text.strip()
    if words.lower().startswith("by "):
        words = words[3:]
    try:
        return parse_when(words, desk.clock(), desk.clocks.working)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc


def promise(desk: Desk, ids: Sequence[int], by: datetime, expect: triage.Expect = None) -> Done:
    """Promise word by a moment; it is a deadline until the resident is answered. Raises `Refused`, `Stale`."""
    now = desk.clock()
    closed = f" Nobody works on {day}: u takes it back." if (day := closed_on(desk, by)) else ""
    return triage.act(
        desk,
        ids,
        lambda case: life.promised(case, by, now),
        "case.promised",
        lambda cases: f"Promised {triage.names(cases)} word by {moment_of(desk, by)}.{closed}",
        expect=expect,
        logged=("promised_at",),
    )
