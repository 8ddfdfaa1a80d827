"""Whether far more arrives than is usual at this hour, learnt from the store itself; told once, until it is noted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from socialtriage.domain.text import clean_line, snippet
from socialtriage.domain.views import Done
from socialtriage.services.desk import Desk
from socialtriage.store.log import NewEvent

SPAN = timedelta(hours=1)
DAYS = 28
"""Days whose same hour says what is usual."""
FEWEST_DAYS = 7
"""With fewer days of history nothing is usual yet."""
LEAST, FACTOR = 12, 4
"""New cases of an hour below which nothing is far above usual, and how many times as many as usual that is."""
QUIET = timedelta(hours=4)
"""For how long a surge that was noted is not told again, unless it doubles."""
NAME = "surge"


@dataclass(frozen=True, slots=True)
class Surge:
    """More than usual: new cases of the last hour, and how many are usual at this hour."""

    count: int
    usual: float
    noted: bool
    """An officer knows of it."""

    @property
    def words(self) -> str:
        """`41 in an hour, usually 3`."""
        usual = f"{self.usual:.0f}" if self.usual >= 1 else "fewer than 1"
        return f"{self.count} new in an hour, usually {usual}"


def look(desk: Desk) -> Surge | None:
    """What arrives now; None while it is no more than at other days' same hour. A few looks at an index."""
    now = desk.clock()
    store = desk.store.incidents
    [count] = store.arrived([(now - SPAN, _soon(now))])
    if count < LEAST:
        return None
    first = store.first_at()
    if first is None or now - first < timedelta(days=FEWEST_DAYS):
        return None
    spans = [span for span in _same_hours(desk, now) if span[0] >= first]
    before = sorted(store.arrived(spans))
    # The busiest of those hours may have been a surge itself.
    usual = sum(before[:-1]) / max(1, len(before) - 1)
    if count < FACTOR * usual:
        return None
    return Surge(count, usual, _noted(desk, now, count))


def _soon(now: datetime) -> datetime:
    """The end of a span that has `now` in it."""
    return now + timedelta(milliseconds=1)


def _same_hours(desk: Desk, now: datetime) -> list[tuple[datetime, datetime]]:
    """The hour that ends now by the organisation's clock, on each of the days before."""
    local = now.astimezone(desk.zone).replace(tzinfo=None)
    ends = [(local - timedelta(days=day)).replace(tzinfo=desk.zone).astimezone(UTC) for day in range(1, DAYS + 1)]
    return [(end - SPAN, end) for end in ends]


def _noted(desk: Desk, now: datetime, count: int) -> bool:
    switch = desk.store.grouping.switch(NAME)
    if switch is None or now - switch.at >= QUIET:
        return False
    return count < 2 * int(switch.why or 0)


def banner(desk: Desk) -> str:
    """What the header says of a surge that nobody has noted; "" otherwise."""
    found = look(desk)
    return found.words if found is not None and not found.noted else ""


def told(desk: Desk, found: Surge) -> list[str]:
    """A surge in sentences: how much, and where most of it comes in."""
    lines = [f"{found.words[0].upper()}{found.words[1:]} at this hour of the day."]
    now = desk.clock()
    for place in desk.store.incidents.busiest(now - SPAN, _soon(now)):
        title = snippet(desk.store.live.title(place.account, place.thread), 60)
        about = f" “{clean_line(title)}”" if title else f" {clean_line(place.thread, 80)}"
        if place.number > 1:
            lines.append(f"{place.number} of them on {place.account}, below{about}.")
    since = (now - SPAN).astimezone(UTC)
    lines.append(f"List them: after:{since:%Y-%m-%dT%H:%M}Z. Follow a post: live. Speak to everybody: incident.")
    return lines


def note(desk: Desk) -> Done:
    """An officer knows of the surge: it is told no more, unless it doubles."""
    found = look(desk)
    count = found.count if found is not None else 0
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.grouping.switch_off(NAME)
        if found is not None:
            tx.grouping.switch_on(NAME, tx.at, desk.officer, str(count))
            tx.log(NewEvent("surge.noted", detail={"new": count, "usual": round(found.usual, 1)}))
    if found is None:
        return Done("No more arrives than is usual at this hour.", ())
    return Done(f"Noted: {found.words}. It is told again when it doubles.", ())
