"""Hours, holidays and targets of the configuration as the charter's clock."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from socialtriage.config.model import Charter as CharterConfig
from socialtriage.config.model import Config, Hours, Organisation, Target
from socialtriage.domain.charter import Clock
from socialtriage.domain.errors import ConfigError
from socialtriage.domain.models import Urgency
from socialtriage.services.calendar import charter_of, holiday_calendar, working_time

SHARED = Path(__file__).resolve().parents[2] / "shared"
BANK_HOLIDAYS = SHARED / "data" / "govuk_bank_holidays" / "bank-holidays.json"
LONDON = ZoneInfo("Europe/London")


def council(holidays: str = "GB-ENG", zone: str = "Europe/London", **settings: object) -> Config:
    organisation = Organisation(name="Anytown", prefix="ABC", timezone=zone, holidays=holidays)
    return Config(organisation=organisation, **settings)  # type: ignore[arg-type]


def test_an_ordinary_council() -> None:
    charter = charter_of(council())
    asked = datetime(2026, 12, 24, 16, 30, tzinfo=LONDON)
    assert charter.deadline(asked, Urgency.URGENT, Clock.ACKNOWLEDGE) == datetime(2026, 12, 29, 9, 30, tzinfo=LONDON)
    assert charter.deadline(asked, Urgency.EMERGENCY, Clock.ANSWER) == asked + timedelta(hours=1)
    told = charter.explain(asked, Urgency.URGENT, Clock.ACKNOWLEDGE)
    assert "Fri 25 Dec: closed, Christmas Day" in told
    assert "Mon 28 Dec: closed, Boxing Day (observed)" in told


@pytest.mark.parametrize(
    ("code", "day", "name"),
    [
        ("GB-ENG", date(2026, 8, 31), "Late Summer Bank Holiday"),
        ("GB-SCT", date(2026, 8, 3), "Summer Bank Holiday"),
        ("GB-SCT", date(2026, 8, 31), None),
        ("GB-NIR", date(2026, 7, 13), "Battle of the Boyne (observed)"),
        ("AU-NT", date(2026, 8, 3), "Picnic Day"),
        ("AU-NT", date(2026, 4, 25), "ANZAC Day"),
        ("GB", date(2026, 12, 25), "Christmas Day"),
        ("gb-wls", date(2026, 4, 6), "Easter Monday"),
        ("none", date(2026, 12, 25), None),
    ],
)
def test_holidays_of_nations_and_states(code: str, day: date, name: str | None) -> None:
    assert holiday_calendar(code)(day) == name


@pytest.mark.parametrize(
    ("code", "part"),
    [("england-and-wales", "ENG"), ("england-and-wales", "WLS"), ("scotland", "SCT"), ("northern-ireland", "NIR")],
)
def test_british_holidays_are_those_of_the_government(code: str, part: str) -> None:
    if not BANK_HOLIDAYS.exists():
        pytest.skip("the government's list is not here")
    listed = {date.fromisoformat(event["date"]) for event in json.loads(BANK_HOLIDAYS.read_text())[code]["events"]}
    holiday = holiday_calendar(f"GB-{part}")
    first, last = min(listed), max(listed)
    days = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    # A holiday at a weekend is in the library's list beside its substitute, and no day of work in either.
    proclaimed_later = {date(2026, 6, 15)} if part == "SCT" else set()
    ours = {day for day in days if holiday(day) and day.weekday() < 5}
    assert ours - proclaimed_later == {day for day in listed if day.weekday() < 5}


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("GB-XX", "GB-ENG, GB-NIR, GB-SCT, GB-WLS"),
        ("AU-NTT", "AU-NT"),
        ("ZZ", "the nearest are"),
        ("Ingerland", "such as GB-ENG"),
    ],
)
def test_an_unknown_calendar_is_refused_with_the_valid_ones(code: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        holiday_calendar(code)
    assert hint in str(refused.value)
    assert refused.value.problems


def test_every_problem_is_told_at_once() -> None:
    config = council(
        zone="Europe/Londn",
        hours=Hours(monday=("9-5",), tuesday=("nine to five",)),
        charter=CharterConfig(low=Target(acknowledge="soon", answer="1d")),
    )
    with pytest.raises(ConfigError) as refused:
        charter_of(config)
    assert [problem.partition(":")[0] for problem in refused.value.problems] == [
        "charter.low", "hours.monday", "hours.tuesday", "organisation.timezone",
    ]  # fmt: skip
    assert "Europe/London" in str(refused.value)


def test_a_week_without_work_is_refused() -> None:
    closed: dict[str, tuple[str, ...]] = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), ())
    with pytest.raises(ConfigError, match="no working time at all"):
        working_time(council(hours=Hours(**closed)))


def test_the_library_of_holidays_waits_for_its_first_use() -> None:
    code = "import sys, socialtriage.services.calendar; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
