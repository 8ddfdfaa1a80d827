"""When the week happens: what is there already when a demo begins, and when the rest arrives.

A demo begins somewhere in the middle of the story, at the same time of day as on the wall. What came before is dated
over the past days, at its own times of day; what comes after arrives while one watches, `speed` times faster than in
the story, and is dated when it arrives. Where the story is quiet for long (at night), less of it passes.
Speed 0 means that nothing is waited for: all of the week is there, and its last day is today or yesterday.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from socialtriage.channels.demo_week.week import DAY, Event, Week
from socialtriage.domain.times import truncated

ZONE = ZoneInfo("Europe/London")
"""The council's clock."""
QUIET = 30
"""Minutes of the story: no pause between two arrivals is longer."""
THERE = 0.6
"""Share of the messages that is there when a demo begins."""
TODAY_WILL_DO = (0.45, 0.75)
"""Between these shares the story's weekdays are the real ones."""
JITTER = 0.8
"""How much of the time to the next arrival chance may delay one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How one demo runs. `limit` ends it after so many messages of residents."""

    start: datetime
    speed: float
    seed: int
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """An event of the week in real time: when it can be seen from, and the date it bears."""

    event: Event
    due: datetime
    at: datetime


class Schedule:
    """The moments of one demo, by account, in their order."""

    def __init__(self, week: Week, plan: Plan) -> None:
        events = _cut(week.events, plan.limit)
        here = plan.start.astimezone(ZONE)
        day = _day_of_story(events, here, everything=plan.speed == 0)
        self.shift = (here.weekday() - day) % 7
        """Days from a real Monday to the story's Monday."""
        now = day * DAY + here.hour * 60 + here.minute
        monday = here.date() - timedelta(days=day)
        past = [event for event in events if event.minute <= now]
        self._moments: dict[str, list[Moment]] = {}
        for moment in (*_past(past, monday, plan.start), *_coming(events[len(past) :], now, plan)):
            self._moments.setdefault(moment.event.entry.on, []).append(moment)

    def of(self, account: str) -> Sequence[Moment]:
        """Everything that happens on one account."""
        return self._moments.get(account, ())


@lru_cache(maxsize=64)
def schedule(week: Week, plan: Plan) -> Schedule:
    """The schedule of a demo; the accounts of one demo, and its every poll, share it."""
    return Schedule(week, plan)


def _cut(events: tuple[Event, ...], limit: int | None) -> tuple[Event, ...]:
    """The events until the `limit`th message of a resident came."""
    left = limit
    for number, event in enumerate(events):
        if left is not None and event.what == "message" and not event.entry.own:
            left -= 1
            if left <= 0:
                return events[: number + 1]
    return events


def _day_of_story(events: Sequence[Event], here: datetime, *, everything: bool) -> int:
    """Which day of the story (0 is Monday) today is."""
    clock = here.hour * 60 + here.minute
    if everything:
        return -(-(events[-1].minute - clock) // DAY)
    messages = [event.minute for event in events if event.what == "message"]
    shares = [sum(minute <= day * DAY + clock for minute in messages) / len(messages) for day in range(7)]
    least, most = TODAY_WILL_DO
    if least <= shares[here.weekday()] <= most:
        return here.weekday()
    return min(range(7), key=lambda day: abs(shares[day] - THERE))


def _past(events: Sequence[Event], monday: date, start: datetime) -> Iterator[Moment]:
    """What is there at once, dated on the council's clock, never later than `start`."""
    last = datetime.min.replace(tzinfo=UTC)
    for event in events:
        days, minutes = divmod(event.minute, DAY)
        local = datetime.combine(monday + timedelta(days=days), time(minutes // 60, minutes % 60), ZONE)
        # Running maximum: on the night the clocks change, local times need not be in order.
        last = max(last, min(local.astimezone(UTC), start))
        yield Moment(event, start, last)


def _coming(events: Sequence[Event], now: int, plan: Plan) -> Iterator[Moment]:
    """What arrives later, dated on arrival."""
    planned: list[float] = []
    story, passed = now, 0.0
    for event in events:
        passed += min(event.minute - story, QUIET) * 60
        story = event.minute
        planned.append(passed)
    for event, seconds, following in zip(events, planned, [*planned[1:], passed], strict=False):
        late = _chance(plan.seed, event) * JITTER * (following - seconds)
        at = truncated(plan.start + timedelta(seconds=(seconds + late) / plan.speed))
        yield Moment(event, at, at)


def _chance(seed: int, event: Event) -> float:
    """A number from 0 to 1 that is the same for the same seed on every machine."""
    digest = hashlib.blake2b(f"{seed} {event.entry.id} {event.what}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48
