"""The charter clock: working time, deadlines, and their telling."""

from __future__ import annotations

import contextlib
import time as stopwatch
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from socialtriage.domain.charter import (
    Charter,
    Clock,
    Duration,
    Kept,
    Ruling,
    Span,
    Target,
    WorkingTime,
    due_state,
    words_left,
)
from socialtriage.domain.models import DueState, Urgency
from tests.doubles import unhurried  # noqa: F401 - sets the profile

LONDON = ZoneInfo("Europe/London")
SYDNEY = ZoneInfo("Australia/Sydney")
NINE_TO_FIVE = "09:00-17:00"


def week(*days: str, zone: ZoneInfo = LONDON, holidays: dict[date, str] | None = None) -> WorkingTime:
    """A week from texts such as `09:00-12:00 13:00-17:00`; days that are not given are closed."""
    spans = [tuple(Span.parse(span) for span in day.split()) for day in days] + [()] * (7 - len(days))
    return WorkingTime(tuple(spans), zone, (holidays or {}).get)


def at(text: str, zone: ZoneInfo = LONDON) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


OFFICE = week(*[NINE_TO_FIVE] * 5)
SPLIT = week(*["09:00-12:00 13:00-17:00"] * 5)
ALL_HOURS = week(*["00:00-24:00"] * 7)

# --- the vectors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("working", "start", "allowed", "due"),
    [
        (OFFICE, "2026-11-20T16:30", "1h", "2026-11-23T09:30"),
        (OFFICE, "2026-11-20T16:30", "30m", "2026-11-20T17:00"),
        (OFFICE, "2026-11-20T16:30", "4h", "2026-11-23T12:30"),
        (OFFICE, "2026-11-20T17:00", "0s", "2026-11-20T17:00"),
        (OFFICE, "2026-11-20T17:01", "0s", "2026-11-23T09:00"),
        (SPLIT, "2026-11-24T11:30", "1h", "2026-11-24T13:30"),
        (SPLIT, "2026-11-24T12:30", "15m", "2026-11-24T13:15"),
        (OFFICE, "2026-11-24T11:00", "1d", "2026-11-25T11:00"),
        (OFFICE, "2026-11-20T11:00", "1d", "2026-11-23T11:00"),
        (OFFICE, "2026-11-21T15:00", "1d", "2026-11-24T09:00"),
        (OFFICE, "2026-11-24T08:00", "1d4h", "2026-11-25T13:00"),
        (OFFICE, "2026-11-24T11:00", "90s", "2026-11-24T11:01:30"),
        (week(NINE_TO_FIVE, "10:00-12:00"), "2026-11-23T16:00", "1d", "2026-11-24T12:00"),
        (week(NINE_TO_FIVE, "10:00-12:00"), "2026-11-23T09:15", "1d", "2026-11-24T10:00"),
        (week("09:00-17:00", "09:00-12:00 14:00-17:00"), "2026-11-23T12:30", "1d", "2026-11-24T14:00"),
        (ALL_HOURS, "2026-11-20T16:30", "72h", "2026-11-23T16:30"),
        (ALL_HOURS, "2026-11-20T16:30", "3d", "2026-11-23T16:30"),
        (ALL_HOURS, "2026-11-20T23:59", "2m", "2026-11-21T00:01"),
    ],
)
def test_deadlines(working: WorkingTime, start: str, allowed: str, due: str) -> None:
    assert working.add(at(start), Duration.parse(allowed)) == at(due)


def test_working_time_between_two_instants() -> None:
    working = week(*["08:00-18:00"] * 5)
    asked = at("2026-11-24T19:00")
    assert working.between(asked, at("2026-11-25T09:00")) == timedelta(hours=1)
    assert working.between(asked, at("2026-11-25T07:00")) == timedelta(0)
    assert working.between(at("2026-11-25T09:00"), asked) == timedelta(hours=-1)


def test_holidays_are_closed() -> None:
    working = week(
        *[NINE_TO_FIVE] * 5, holidays={date(2026, 12, 25): "Christmas Day", date(2026, 12, 28): "Boxing Day"}
    )
    assert working.add(at("2026-12-24T16:30"), Duration.parse("1h")) == at("2026-12-29T09:30")
    assert working.add(at("2026-12-24T16:30"), Duration.parse("1d")) == at("2026-12-29T16:30")


def test_a_round_the_clock_week_loses_no_minute_at_midnight() -> None:
    assert ALL_HOURS.between(at("2026-11-20T00:00"), at("2026-11-27T00:00")) == timedelta(days=7)


@pytest.mark.parametrize(
    ("zone", "night", "hours"),
    [(LONDON, "2026-03-29", 23), (LONDON, "2026-10-25", 25), (SYDNEY, "2026-10-04", 23), (SYDNEY, "2026-04-05", 25)],
)
def test_the_night_when_clocks_change_is_as_long_as_it_is(zone: ZoneInfo, night: str, hours: int) -> None:
    working = week(*["00:00-24:00"] * 7, zone=zone)
    midnight = at(f"{night}T00:00", zone)
    day = timedelta(hours=hours)
    assert working.between(midnight, at(f"{night}T00:00", zone) + timedelta(days=1)) == day
    assert working.add(midnight, Duration(seconds=hours * 3_600)).astimezone(zone) == midnight + timedelta(days=1)


def test_the_same_time_of_day_survives_the_change_of_clocks() -> None:
    saturday, monday = at("2026-03-27T11:00"), at("2026-03-30T11:00")
    assert OFFICE.add(saturday, Duration.parse("1d")) == monday
    assert monday - saturday == timedelta(days=3), "on the wall"
    assert monday.astimezone(UTC) - saturday.astimezone(UTC) == timedelta(hours=71)


def test_hours_in_the_skipped_and_the_doubled_hour() -> None:
    night = week(*["01:15-01:45"] * 7)
    assert night.between(at("2026-03-29T00:00"), at("2026-03-29T12:00")) == timedelta(0)
    assert night.between(at("2026-10-25T00:00"), at("2026-10-25T12:00")) == timedelta(hours=1)


# --- properties -------------------------------------------------------------------------------------------

minutes = st.integers(0, 1_440)
spans = st.tuples(minutes, minutes).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: Span(*pair))
weeks = st.tuples(*[st.lists(spans, max_size=3).map(tuple)] * 7).filter(any)
closures = st.sets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=40)
workings = st.builds(
    lambda spans, zone, closed: WorkingTime(spans, zone, dict.fromkeys(closed, "Closed").get),
    weeks | st.just(OFFICE.week) | st.just(ALL_HOURS.week),
    st.sampled_from([LONDON, SYDNEY, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/Havana"), ZoneInfo("UTC")]),
    closures,
)
changes = st.sampled_from([datetime(2026, 3, 28, 22), datetime(2026, 10, 24, 22), datetime(2026, 4, 4, 12)])  # noqa: DTZ001
near_changes = st.builds(lambda day, shift: day + timedelta(minutes=shift), changes, st.integers(0, 600))
moments = (st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)) | near_changes).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=UTC)
)
hours = st.integers(0, 60 * 3_600).map(lambda seconds: Duration(seconds=seconds))
durations = hours | st.builds(Duration, days=st.integers(0, 8), seconds=st.integers(0, 20_000))


@given(workings, moments, moments, durations)
def test_a_later_start_is_never_due_earlier(
    working: WorkingTime, one: datetime, other: datetime, length: Duration
) -> None:
    first, second = sorted([one, other])
    assert working.add(first, length) <= working.add(second, length)


@given(workings, moments, st.integers(0, 7_200), durations)
def test_nor_is_a_start_just_after(working: WorkingTime, start: datetime, shift: int, length: Duration) -> None:
    assert working.add(start, length) <= working.add(start + timedelta(seconds=shift), length)


@given(workings, moments, hours, hours)
def test_hours_add_up(working: WorkingTime, start: datetime, one: Duration, other: Duration) -> None:
    both = Duration(seconds=one.seconds + other.seconds)
    assert working.add(working.add(start, one), other) == working.add(start, both)


@given(workings, moments, durations)
def test_a_deadline_is_in_working_time(working: WorkingTime, start: datetime, length: Duration) -> None:
    due = working.add(start, length)
    assert due >= start
    assert working.is_open(due)
    just_before = (due - timedelta(microseconds=1)).astimezone(working.zone)
    for moment in (due.astimezone(working.zone), just_before):
        minute = moment.hour * 60 + moment.minute
        if any(span.start <= minute < span.end for span in working.spans_on(moment.date())):
            return
    raise AssertionError(f"{due} is outside working time")


@given(workings, moments, hours)
def test_the_time_between_is_the_time_allowed(working: WorkingTime, start: datetime, length: Duration) -> None:
    assert working.between(start, working.add(start, length)) == timedelta(seconds=length.seconds)


@given(workings, moments, moments, moments)
def test_working_time_adds_up(working: WorkingTime, one: datetime, two: datetime, three: datetime) -> None:
    assert working.between(one, two) + working.between(two, three) == working.between(one, three)


@given(workings, moments)
def test_a_day_is_at_least_the_next_working_date(working: WorkingTime, start: datetime) -> None:
    opening = working.next_open(start)
    due = working.add(start, Duration(days=1))
    first, last = working.date_of(opening), working.date_of(due)
    assert first < last or due.astimezone(working.zone).hour == 0, "midnight belongs to the day that it closes"
    assert opening < due
    between = [date.fromordinal(ordinal) for ordinal in range(first.toordinal() + 1, last.toordinal())]
    assert not any(working.spans_on(day) for day in between if working.hours_on(day))


# --- limits -----------------------------------------------------------------------------------------------


def test_weeks_of_holidays_end() -> None:
    closed = {date(2026, 1, 1) + timedelta(days=day): "Flood" for day in range(1_000)}
    working = week(*[NINE_TO_FIVE] * 5, holidays=closed)
    assert working.add(at("2026-01-05T10:00"), Duration.parse("1h")) == at("2028-09-27T10:00")


def test_a_calendar_without_end_is_refused() -> None:
    working = WorkingTime(OFFICE.week, LONDON, lambda day: "Always closed")
    with pytest.raises(ValueError, match="ten years"):
        working.next_open(at("2026-01-05T10:00"))


def test_no_working_time_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no working time at all"):
        week()


@pytest.mark.parametrize("year", [1, 2, 1970, 9_998, 9_999])
def test_hostile_dates_are_no_failure(year: int) -> None:
    start = datetime(year, 12, 31, 23, 59, tzinfo=UTC)
    with contextlib.suppress(ValueError):
        OFFICE.add(start, Duration.parse("3d"))
    OFFICE.between(start, start)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        OFFICE.next_open(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_fifty_thousand_deadlines_take_a_moment() -> None:
    allowed = Duration.parse("4h")
    starts = [at("2026-11-20T16:30") + timedelta(minutes=step % 20_000) for step in range(50_000)]
    begin = stopwatch.perf_counter()
    for start in starts:
        OFFICE.add(start, allowed)
    assert stopwatch.perf_counter() - begin < 5, "about 0.25 s on a quiet machine"


@pytest.mark.parametrize(
    "text", ["", "09:00", "17:00-09:00", "22:00-06:00", "09:00-25:00", "9:60-10:00", "09:00-09:00"]
)
def test_wrong_spans_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Span.parse(text)


@pytest.mark.parametrize(
    ("text", "span"),
    [("09:00-17:00", Span(540, 1_020)), ("9–17:30", Span(540, 1_050)), (" 00:00 - 24:00", Span(0, 1_440))],
)
def test_spans(text: str, span: Span) -> None:
    assert Span.parse(text) == span
    assert Span.parse(str(span)) == span


@pytest.mark.parametrize("text", ["", "4", "h", "1y", "-1h", "4 hours", "99999999d", "1.5h", "9999999d"])
def test_wrong_durations_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Duration.parse(text)


def test_a_week_is_five_working_days() -> None:
    assert Duration.parse("2w") == Duration.parse("10d") == Duration(days=10)
    assert Duration.parse("1w1d1h90s") == Duration(days=6, seconds=3_690)


# --- the three clocks --------------------------------------------------------------------------------------

CHARTER = Charter(
    OFFICE,
    {
        Urgency.EMERGENCY: Target(Duration.parse("15m"), Duration.parse("1h"), always=True),
        Urgency.URGENT: Target(Duration.parse("1h"), Duration.parse("4h")),
        Urgency.NORMAL: Target(Duration.parse("4h"), Duration.parse("1d")),
        Urgency.LOW: Target(Duration.parse("1d"), Duration.parse("3d")),
    },
)
ASKED = at("2026-11-20T16:30").astimezone(UTC)


def test_an_emergency_runs_round_the_clock() -> None:
    night = at("2026-11-21T03:00")
    assert CHARTER.deadline(night, Urgency.EMERGENCY, Clock.ANSWER) == at("2026-11-21T04:00")
    days = Charter(OFFICE, {Urgency.LOW: Target(Duration.parse("1d"), Duration.parse("3d"), always=True)})
    assert days.deadline(night, Urgency.LOW, Clock.ANSWER) == at("2026-11-24T03:00")


def test_acknowledging_stops_the_acknowledge_clock_alone() -> None:
    later = ASKED + timedelta(minutes=5)
    ruling = CHARTER.ruling
    assert ruling(Urgency.NORMAL, asked_at=ASKED) == Ruling(at("2026-11-23T12:30"), Clock.ACKNOWLEDGE)
    acknowledged = ruling(Urgency.NORMAL, asked_at=ASKED, acknowledged_at=later)
    assert acknowledged == Ruling(at("2026-11-23T16:30"), Clock.ANSWER)
    assert ruling(Urgency.NORMAL, asked_at=ASKED, answered_at=later) == Ruling(None, None)
    assert ruling(Urgency.NORMAL, asked_at=None) == Ruling(None, None)


def test_a_promise_stands_in_the_place_of_the_answer() -> None:
    promise = at("2026-12-01T17:00")
    ruling = CHARTER.ruling
    kept_open = ruling(Urgency.NORMAL, asked_at=ASKED, acknowledged_at=ASKED, promised_at=promise)
    assert kept_open == Ruling(promise, Clock.PROMISE)
    assert ruling(Urgency.NORMAL, asked_at=ASKED, answered_at=ASKED, promised_at=promise).which is Clock.PROMISE
    assert ruling(Urgency.NORMAL, asked_at=None, promised_at=promise).which is Clock.PROMISE
    unacknowledged = ruling(Urgency.NORMAL, asked_at=ASKED, promised_at=promise)
    assert unacknowledged == Ruling(at("2026-11-23T12:30"), Clock.ACKNOWLEDGE)


def test_whether_the_charter_was_kept() -> None:
    def kept(now: str, acknowledged: str | None = None, answered: str | None = None) -> Kept:
        return CHARTER.kept(
            Urgency.NORMAL,
            asked_at=ASKED,
            now=at(now),
            acknowledged_at=at(acknowledged) if acknowledged else None,
            answered_at=at(answered) if answered else None,
        )

    assert kept("2026-11-20T17:00") == Kept(None, None)
    assert kept("2026-11-20T17:00").whole is None
    assert kept("2026-11-23T13:00") == Kept(False, None)
    assert kept("2026-11-23T13:00").whole is False
    assert kept("2026-11-24T13:00", "2026-11-23T09:00", "2026-11-23T16:30") == Kept(True, True)
    assert kept("2026-11-24T13:00", "2026-11-23T09:00", "2026-11-23T16:31").whole is False
    assert kept("2026-11-24T13:00", None, "2026-11-23T12:30").whole is True, "an answer acknowledges"


# --- words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "due now"), (0.5, "due now"), (45, "due 45m"), (60, "due 1h"), (80, "due 1h20"), (65, "due 1h05"),
        (1_439, "due 23h59"), (2_880, "due 2d"), (4_000, "due 2d"),
        (-0.5, "late 1m"), (-45, "late 45m"), (-180, "late 3h"), (-2_880, "late 2d"),
    ],
)  # fmt: skip
def test_words_left(minutes: float, words: str) -> None:
    assert words_left(ASKED, ASKED + timedelta(minutes=minutes)) == words


def test_no_deadline_has_no_words() -> None:
    assert words_left(ASKED, None) == ""
    assert due_state(ASKED, None, ASKED) is DueState.NONE


@pytest.mark.parametrize(
    ("hour", "state"),
    [(0, DueState.ON_TIME), (5.9, DueState.ON_TIME), (6, DueState.SOON), (8, DueState.SOON), (8.1, DueState.LATE)],
)
def test_the_last_quarter_is_soon(hour: float, state: DueState) -> None:
    assert due_state(ASKED + timedelta(hours=hour), ASKED + timedelta(hours=8), ASKED) is state


def test_the_last_half_hour_is_soon() -> None:
    due = ASKED + timedelta(hours=1)
    assert due_state(ASKED + timedelta(minutes=29), due, ASKED) is DueState.ON_TIME
    assert due_state(ASKED + timedelta(minutes=30), due, ASKED) is DueState.SOON


@given(moments, st.integers(-10_000, 10_000), st.integers(0, 10_000))
def test_words_and_state_agree(due: datetime, shift: int, length: int) -> None:
    now = due + timedelta(minutes=shift)
    late = due_state(now, due, due - timedelta(minutes=length)) is DueState.LATE
    assert words_left(now, due).startswith("late" if late else "due")


def test_a_deadline_is_told_line_by_line() -> None:
    charter = Charter(OFFICE, {Urgency.NORMAL: Target(Duration.parse("4h"), Duration.parse("1d"))})
    assert charter.explain(ASKED, Urgency.NORMAL, Clock.ACKNOWLEDGE) == [
        "Received Fri 20 Nov 16:30; normal: acknowledge within 4 h of working time",
        "Fri 20 Nov 16:30–17:00: 30 min, 3 h 30 min left",
        "Sat, Sun: closed",
        "Mon 23 Nov 09:00–12:30: 3 h 30 min",
        "Due Mon 23 Nov 12:30",
    ]
    assert charter.explain(at("2026-11-24T19:00"), Urgency.NORMAL, Clock.ANSWER) == [
        "Received Tue 24 Nov 19:00; normal: answer within 1 working day",
        "Closed at that time: counts from Wed 25 Nov 09:00",
        "Thu 26 Nov: working day 1",
        "Due Thu 26 Nov 09:00",
    ]


def test_holidays_and_short_days_are_told_by_name() -> None:
    holidays = {
        date(2026, 12, 25): "Christmas Day",
        date(2026, 12, 28): "Boxing Day",
        date(2027, 1, 1): "New Year’s Day",
    }
    working = week(*[NINE_TO_FIVE] * 4, "10:00-12:00", holidays=holidays)
    charter = Charter(working, {Urgency.LOW: Target(Duration.parse("26h"), Duration.parse("1d2h"))})
    assert charter.explain(at("2026-12-24T16:00"), Urgency.LOW, Clock.ACKNOWLEDGE) == [
        "Received Thu 24 Dec 16:00; low: acknowledge within 26 h of working time",
        "Thu 24 Dec 16:00–17:00: 1 h, 25 h left",
        "Fri 25 Dec: closed, Christmas Day",
        "Sat, Sun: closed",
        "Mon 28 Dec: closed, Boxing Day",
        "Tue 29 Dec 09:00–17:00: 8 h, 17 h left",
        "Wed 30 Dec 09:00–17:00: 8 h, 9 h left",
        "Thu 31 Dec 09:00–17:00: 8 h, 1 h left",
        "Fri 1 Jan 2027: closed, New Year’s Day",
        "Sat, Sun: closed",
        "Mon 4 Jan 2027 09:00–10:00: 1 h",
        "Due Mon 4 Jan 2027 10:00",
    ]
    assert charter.explain(at("2026-11-19T16:00"), Urgency.LOW, Clock.ANSWER) == [
        "Received Thu 19 Nov 16:00; low: answer within 1 working day and 2 h of working time",
        "Fri 20 Nov: working day 1",
        "Fri 20 Nov is open 10:00–12:00 only: 12:00 counts",
        "Fri 20 Nov: closed from 12:00",
        "Sat, Sun: closed",
        "Mon 23 Nov 09:00–11:00: 2 h",
        "Due Mon 23 Nov 11:00",
    ]


def test_long_closures_are_one_line() -> None:
    closed = {date(2026, 12, 24) + timedelta(days=day): f"Closure {day // 3}" for day in range(20)}
    charter = Charter(
        week(*[NINE_TO_FIVE] * 5, holidays=closed), {Urgency.LOW: Target(Duration(0, 7_200), Duration(1))}
    )
    assert charter.explain(at("2026-12-23T16:00"), Urgency.LOW, Clock.ACKNOWLEDGE)[2:] == [
        "Thu 24 Dec – Tue 12 Jan 2027: closed (Closure 0, Closure 1, Closure 2, Closure 3 and 3 more)",
        "Wed 13 Jan 2027 09:00–10:00: 1 h",
        "Due Wed 13 Jan 2027 10:00",
    ]


def test_an_always_clock_is_told_in_two_lines() -> None:
    assert CHARTER.explain(at("2026-11-21T03:00"), Urgency.EMERGENCY, Clock.ANSWER) == [
        "Received Sat 21 Nov 03:00; emergency: answer within 1 h, day and night",
        "Due Sat 21 Nov 04:00",
    ]


def test_every_ruling_is_told() -> None:
    promise = Ruling(at("2026-12-01T17:00").astimezone(UTC), Clock.PROMISE)
    told = CHARTER.explain_ruling(promise, Urgency.LOW, ASKED)
    assert told == ["Promised to the resident for Tue 1 Dec 17:00", "Due Tue 1 Dec 17:00"]
    assert CHARTER.explain_ruling(Ruling(None, None), Urgency.LOW, None) == [
        "No clock runs: nothing waits for an answer."
    ]
    answer = CHARTER.ruling(Urgency.LOW, asked_at=ASKED, acknowledged_at=ASKED)
    assert CHARTER.explain_ruling(answer, Urgency.LOW, ASKED)[-1] == "Due Wed 25 Nov 16:30"


@given(workings, moments, durations)
def test_every_deadline_can_be_told_and_the_telling_is_right(
    working: WorkingTime, start: datetime, length: Duration
) -> None:
    assume(length != Duration())
    charter = Charter(working, {Urgency.LOW: Target(length, length)})
    told = charter.explain(start, Urgency.LOW, Clock.ANSWER)
    due = charter.deadline(start, Urgency.LOW, Clock.ANSWER).astimezone(working.zone)
    assert told[-1].startswith("Due ")
    assert f"{due:%H:%M}" in told[-1]
    assert len(told) <= 2 + 2 * 17
    assert not any(line.endswith("-") or "  " in line for line in told)
