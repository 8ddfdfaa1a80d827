"""Dates and moments as officers type them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialtriage.domain.charter import Span, WorkingTime
from socialtriage.domain.when import parse_date, parse_when
from tests.doubles import unhurried  # noqa: F401 - sets the profile

LONDON = ZoneInfo("Europe/London")
OFFICE = WorkingTime((*[(Span.parse("08:30-17:00"),)] * 5, (), ()), LONDON)
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 15, 0, tzinfo=LONDON).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-22", date(2026, 11, 22)),
        (" Today ", TODAY),
        ("yesterday", date(2026, 11, 23)),
        ("tomorrow", date(2026, 11, 25)),
        ("-7d", date(2026, 11, 17)),
        ("−7d", date(2026, 11, 17)),
        ("+2w", date(2026, 12, 8)),
        ("5/3/2027", date(2027, 3, 5)),
    ],
)
def test_dates(text: str, day: date) -> None:
    assert parse_date(text, TODAY) == day


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7d",
        "soon",
        "2026-13-01",
        "31/02/2026",
        "-99999d",
        "0001-01-01",
        "9999-12-31",
        "20261122",
        "٢٠٢٦-١١-٢٢",
        "2026-11-22T10:00",
    ],
)
def test_what_is_no_date_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_date(text, TODAY)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("15:30", "2026-11-24T15:30"),
        ("14:30", "2026-11-25T14:30"),
        ("9am", "2026-11-25T09:00"),
        ("5.30pm", "2026-11-24T17:30"),
        ("tomorrow 09:00", "2026-11-25T09:00"),
        ("Tomorrow", "2026-11-25T08:30"),
        ("today 17:00", "2026-11-24T17:00"),
        ("thu 17:00", "2026-11-26T17:00"),
        ("next Thursday at 5pm", "2026-11-26T17:00"),
        ("tue 16:00", "2026-11-24T16:00"),
        ("tue 14:00", "2026-12-01T14:00"),
        ("sat", "2026-11-28T09:00"),
        ("2d", "2026-11-26T15:00"),
        ("4h", "2026-11-25T10:30"),
        ("1d30m", "2026-11-25T15:30"),
        ("2026-11-27", "2026-11-27T08:30"),
        ("2026-11-27 14:00", "2026-11-27T14:00"),
        ("2026-11-27T14:00", "2026-11-27T14:00"),
        ("2026-11-27T14:00:00.000Z", "2026-11-27T14:00"),
        ("2026-11-27T16:00+02:00", "2026-11-27T14:00"),
        ("27/11/2026 2pm", "2026-11-27T14:00"),
        ("+7d", "2026-12-01T08:30"),
        ("by Thursday 17:00", "2026-11-26T17:00"),
        ("by tue 14:59", "2026-12-01T14:59"),
        ("Thu, 17:00", "2026-11-26T17:00"),
        ("17:00 on Thursday", "2026-11-26T17:00"),
        ("5pm thu", "2026-11-26T17:00"),
        ("thu noon", "2026-11-26T12:00"),
        ("tuesday", "2026-12-01T08:30"),
        ("next tuesday", "2026-12-01T08:30"),
        ("26 Nov 17:00", "2026-11-26T17:00"),
        ("31st December", "2026-12-31T08:30"),
        ("24 nov 16:00", "2026-11-24T16:00"),
        ("24 nov 14:00", "2027-11-24T14:00"),
        ("2 jan", "2027-01-02T09:00"),
        ("2/1 10am", "2027-01-02T10:00"),
        ("29 feb", "2028-02-29T08:30"),
        ("29 February 2028 at noon", "2028-02-29T12:00"),
    ],
)
def test_moments(text: str, moment: str) -> None:
    assert parse_when(text, NOW, OFFICE) == datetime.fromisoformat(moment).replace(tzinfo=LONDON)
    assert parse_when(text, NOW, OFFICE).tzinfo is UTC


def test_moments_are_in_the_organisations_time() -> None:
    summer = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
    assert parse_when("14:30", summer, OFFICE) == datetime(2026, 7, 1, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "25:00",
        "9",
        "thu 25:00",
        "13pm",
        "0am",
        "thu or so",
        "2026-11-27 noonish",
        "14:60",
        "t",
        "2w2",
        "tomorrow 9",
        "30 feb",
        "29 feb 2027",
        "32/1",
        "1/13",
        "24 nov 2025",
        "12 angry",
    ],
)
def test_what_is_no_moment_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_when(text, NOW, OFFICE)


@pytest.mark.parametrize("text", ["2026-11-20", "yesterday 10:00", "today 09:00", "0d", "2026-11-24T15:00Z", "-7d"])
def test_a_moment_that_is_over_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is over: that was"):
        parse_when(text, NOW, OFFICE)


@pytest.mark.parametrize(
    ("now", "text", "moment"),
    [
        # Clocks go back at 02:00 BST, 01:00 UTC: 01:30 comes twice.
        ("2026-10-24T09:00", "sunday 01:30", "2026-10-25T00:30"),
        ("2026-10-25T00:40", "01:30", "2026-10-25T01:30"),
        ("2026-10-25T00:40", "today 01:30", "2026-10-25T01:30"),
        ("2026-10-25T01:40", "01:30", "2026-10-26T01:30"),
        # They go forward at 01:00 UTC: there is no 01:30, and it is an hour later by the clock.
        ("2027-03-26T09:00", "sunday 01:30", "2027-03-28T01:30"),
        ("2027-03-28T00:30", "01:30", "2027-03-28T01:30"),
        ("2027-03-28T00:30", "4h", "2027-03-29T11:30"),
    ],
)
def test_hours_that_come_twice_or_never(now: str, text: str, moment: str) -> None:
    at = parse_when(text, datetime.fromisoformat(now).replace(tzinfo=UTC), OFFICE)
    assert at == datetime.fromisoformat(moment).replace(tzinfo=UTC)


PIECES = "thu tomorrow today 9am 14:30 2d + - 7d 2026-11-27 9999-12-31 0001-01-01 T Z at next 99999999 / \x00 é"
PIECES += " by nov 31 feb noon on ,"
pieces = st.lists(st.sampled_from(PIECES.split()), max_size=4)


@given(st.text(max_size=30) | pieces.map(" ".join) | pieces.map("".join))
def test_any_text_is_a_moment_to_come_or_a_sentence(text: str) -> None:
    try:
        at = parse_when(text, NOW, OFFICE)
    except ValueError as problem:
        sentence = str(problem)
    else:
        sentence = "."
        assert at > NOW
    assert sentence.endswith(".")
