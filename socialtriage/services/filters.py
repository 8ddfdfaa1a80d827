"""The finer words of the filter language: what the figures count, a list can show with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache

from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import Avoidable, Kind, Outcome
from socialtriage.domain.times import from_iso, iso
from socialtriage.domain.views import Query
from socialtriage.domain.when import parse_date
from socialtriage.services.desk import Desk
from socialtriage.store import narrow

Filter = Callable[[Desk, Query, str], Query]
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""In the order of the store's numbers."""


def nearest(word: str, valid: Sequence[str]) -> str:
    """A hint: the nearest valid word, or all of them."""
    import difflib

    near = difflib.get_close_matches(word.lower(), valid, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(valid)}."


def choice(word: str, valid: Sequence[str], what: str) -> str:
    """One of the valid words. Raises `UsageError` with the nearest one."""
    value = word.lower()
    if value in valid:
        return value
    raise UsageError(f"There is no {what} {word!r}.", hint=nearest(word, valid))


def moment(desk: Desk, value: str) -> datetime:
    """The beginning of a day, or an ISO time with its zone. Raises `UsageError`."""
    now = desk.clock().astimezone(desk.zone)
    try:
        if value[10:11] == "T":
            return from_iso(value)
        return datetime.combine(parse_date(value, now.date()), time(), desk.zone).astimezone(UTC)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc


def area_id(desk: Desk, value: str) -> str:
    """An area of the configuration, or one that cases still have. Raises `UnknownName` with the nearest id."""
    if value in desk.areas or value == "none":
        return value
    return value if desk.store.figures.known("area", value) else desk.area(value).id


@lru_cache(maxsize=8)
def offsets(zone: tzinfo, low: datetime, high: datetime) -> tuple[tuple[str, int], ...]:
    """From when on the clock of a zone is how many minutes ahead of UTC, between two instants, to the minute."""

    def ahead(at: datetime) -> int:
        return int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds() // 60)

    found = [(iso(low), ahead(low))]
    step = timedelta(days=7)
    at = low
    while at < high:
        after = min(at + step, high)
        if ahead(after) != found[-1][1]:
            early, late = at, after
            while late - early > timedelta(minutes=1):
                middle = early + timedelta(minutes=(late - early) // timedelta(minutes=2) or 1)
                early, late = (middle, late) if ahead(middle) == found[-1][1] else (early, middle)
            found.append((iso(late.replace(second=0, microsecond=0)), ahead(late)))
        at = after
    return tuple(found)


def _more(query: Query, name: str, value: str) -> Query:
    return replace(query, narrow=(*query.narrow, (name, value)))


def _kind(desk: Desk, query: Query, value: str) -> Query:
    return _more(query, "kind", choice(value, [*Kind, "service", "none"], "kind"))


def _network(desk: Desk, query: Query, value: str) -> Query:
    word = "imap" if value.lower() == "email" else value.lower()
    if not desk.store.figures.known("network", word):
        choice(word, sorted({desk.network_of(account) for account in desk.config.accounts}), "network")
    return _more(query, "network", word)


def _outcome(desk: Desk, query: Query, value: str) -> Query:
    return _more(query, "outcome", choice(value, [*Outcome, *narrow.OUTCOMES, "any", "none"], "outcome"))


def _avoidable(desk: Desk, query: Query, value: str) -> Query:
    return _more(query, "avoidable", choice(value, [*Avoidable, "none"], "avoidable contact"))


def _charter(desk: Desk, query: Query, value: str) -> Query:
    return _more(query, "charter", choice(value, list(narrow.CHARTER), "word for charter:"))


def _contact(name: str) -> Filter:
    def narrowed(desk: Desk, query: Query, value: str) -> Query:
        if value not in desk.contacts and not desk.store.figures.handed_to(value):
            desk.contact(value)
        return _more(query, name, value)

    return narrowed


def _suggested(desk: Desk, query: Query, value: str) -> Query:
    return _more(query, "suggested", value if value in desk.areas else desk.area(value).id)


def _flag(desk: Desk, query: Query, value: str) -> Query:
    ours = ["restricted", "redacted", "held", "blocked_word"]
    known_flags = [*desk.spotter.by_id, *ours]
    return _more(query, "flag", value if value in known_flags else choice(value, known_flags, "flag"))


def _incident(desk: Desk, query: Query, value: str) -> Query:
    if value.lower() not in (names := [each.name for each in desk.store.incidents.all()]):
        choice(value, names, "incident")
    return _more(query, "incident", value)


def _since(name: str) -> Filter:
    return lambda desk, query, value: _more(query, name, iso(moment(desk, value)))


def _with_clock(desk: Desk, query: Query, name: str, value: int) -> Query:
    latest = datetime(min(desk.clock().year + 2, 9999), 1, 1, tzinfo=UTC)
    found = offsets(desk.zone, _EARLIEST, latest)
    return replace(_more(query, name, str(value)), offsets=found)


def _hour(desk: Desk, query: Query, value: str) -> Query:
    hours = [str(hour) for hour in range(24)]
    return _with_clock(desk, query, "hour", int(choice(value.lstrip("0") or "0", hours, "hour")))


def _weekday(desk: Desk, query: Query, value: str) -> Query:
    return _with_clock(desk, query, "weekday", _DAYS.index(choice(value[:3], _DAYS, "weekday")))


FILTERS: dict[str, Filter] = {
    "kind": _kind,
    "network": _network,
    "outcome": _outcome,
    "avoidable": _avoidable,
    "charter": _charter,
    "contact": _contact("contact"),
    "answered_by": _contact("answered_by"),
    "suggested": _suggested,
    "flag": _flag,
    "incident": _incident,
    "closed_since": _since("closed_since"),
    "closed_until": _since("closed_until"),
    "due_before": _since("due_before"),
    "hour": _hour,
    "weekday": _weekday,
}
