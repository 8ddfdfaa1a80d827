"""The log of a case is read by officers: in words, and in the organisation's time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from socialtriage.domain.event_words import event_detail
from socialtriage.domain.models import LengthRule
from socialtriage.services import promises, triage
from socialtriage.ui import case_text
from tests.doubles.desk import MONDAY, arrive, case_ids, message, small_desk


@pytest.mark.parametrize(
    ("kind", "detail", "told"),
    [
        ("message.received", {"remote_id": "109832"}, ""),
        ("case.promised", {"promised_at": [None, "2026-07-23T16:00:00.000Z"]}, "for 23.07. 17:00"),
        (
            "case.tagged",
            {"urgency": ["normal", "emergency"], "area": [None, "waste"]},
            "urgency normal → emergency, area waste",
        ),
        ("case.tagged", {"area": ["waste", None]}, "area waste → none"),
        ("reply.queued", {"to": "Sam", "acknowledge": True, "private": False}, "to Sam, acknowledge"),
        ("reply.sent", {"to": "Sam", "try": 1, "message_id": "<1@x>"}, "to Sam"),
        ("reply.sent", {"to": "Sam", "try": 2}, "to Sam, attempt 2"),
        ("case.opened", {"account": "town"}, ""),
    ],
)
def test_a_line_of_the_log_is_in_words(kind: str, detail: dict[str, object], told: str) -> None:
    def local(at: datetime) -> str:
        return f"{at.astimezone(ZoneInfo('Europe/London')):%d.%m. %H:%M}"

    assert event_detail(kind, detail, local) == told


def test_the_case_shows_no_moments_and_ids_of_machines(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("bin missed", "remote-1"))
    (case_id,) = case_ids(desk)
    triage.snooze(desk, [case_id], MONDAY + timedelta(days=2))
    promises.promise(desk, [case_id], MONDAY + timedelta(days=3))
    reader = case_text.Reader(desk.clock(), desk.zone, {})
    shown = repr(list(case_text.log(tuple(desk.store.log.of_case(case_id)), reader)))
    desk.close()
    assert "snoozed" in shown
    assert "promised" in shown
    for machine in (".000Z", "remote"):
        assert machine not in shown


def test_a_length_in_bytes_says_what_an_officer_must_know_of_bytes() -> None:
    assert LengthRule(24, 500, "characters").words == "24 of 500 characters"
    assert LengthRule(24, None, "characters").words == "24 characters"
    assert LengthRule(103, 1000, "UTF-8 bytes").words == "103 of 1000 bytes (é is 2, an emoji 4)"
