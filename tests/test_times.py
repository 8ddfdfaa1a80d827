"""Instants and plain lengths of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialtriage.domain.times import from_iso, iso, parse_every, truncated, utc_now
from tests.doubles import unhurried  # noqa: F401 - sets the profile

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=zones,
)


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    summer = datetime(2026, 7, 1, 10, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert iso(summer) == "2026-07-01T09:30:00.999Z"


@given(instants)
def test_writing_and_reading_changes_nothing_but_the_zone(at: datetime) -> None:
    assert from_iso(iso(at)) == truncated(at)
    assert iso(from_iso(iso(at))) == iso(at)


@given(instants, instants)
def test_the_text_sorts_as_the_instants_do(one: datetime, other: datetime) -> None:
    assert (iso(one) < iso(other)) == (truncated(one.astimezone(UTC)) < truncated(other.astimezone(UTC)))


def test_reading_takes_offsets_and_fine_fractions() -> None:
    assert from_iso("2026-11-22T10:30:00.123456+01:00") == datetime(2026, 11, 22, 9, 30, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-22T09:30:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_instant_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        from_iso(text)


def test_a_time_without_a_zone_is_never_written() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        iso(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_now_survives_the_store() -> None:
    now = utc_now()
    assert now.tzinfo is UTC
    assert from_iso(iso(now)) == now


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("2m", timedelta(minutes=2)),
        ("1h30m", timedelta(minutes=90)),
        (" 7D ", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("0s", timedelta(0)),
    ],
)
def test_plain_lengths(text: str, length: timedelta) -> None:
    assert parse_every(text) == length


@pytest.mark.parametrize("text", ["", "2", "m", "2 m", "-2m", "2y", "1.5h", "٣m", "999999999w", "2m" * 3 + "x"])
def test_what_is_no_length_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_every(text)
