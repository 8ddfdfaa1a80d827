"""Clauses behind the finer filters of the list: what a figure counts, a list can show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

Offsets = Sequence[tuple[str, int]]
"""From which instant on the organisation's clock is so many minutes ahead of UTC, earliest first."""

_LEFT = "SELECT 1 FROM handoffs h WHERE h.case_id = c.id AND h.sent_at IS NOT NULL AND h.state != 'bounced'"
OUTCOMES = {
    "handled": ("answered", "done_by_us"),
    "dealt_with": ("answered", "done_by_us", "self_served"),
    "elsewhere": ("handed_over", "not_ours"),
    "unneeded": ("no_reply_needed", "duplicate", "spam", "abuse"),
}
"""Words for several outcomes."""
SERVICE_KINDS = ("enquiry", "complaint", "report")
"""Kinds of customer service; the others are talk, thanks, press, politics and dirt."""
MANUAL = ("phone", "counter", "letter", "chat")
"""Networks of contacts that an officer wrote down."""
CHARTER = {
    "kept": "c.within_charter = 1",
    "broken": "(c.within_charter = 0 OR c.within_charter IS NULL AND c.lane < 5 AND c.due_at < :now)",
    "waiting": "(c.within_charter IS NULL AND c.lane < 5 AND (c.due_at IS NULL OR c.due_at >= :now))",
    "none": "(c.within_charter IS NULL AND c.lane = 5)",
}
"""How a case stands to the charter: the four parts of all cases."""
FLAGS = {
    "answered": "c.answered_at IS NOT NULL",
    "handed_off": f"EXISTS ({_LEFT})",
    "contact_answered": f"EXISTS ({_LEFT} AND h.answered_at IS NOT NULL)",
    "responded": "coalesce(c.acknowledged_at, c.answered_at) IS NOT NULL",
    "unfinished": "c.lane < 5",
    "online": "c.network NOT IN ('phone', 'counter', 'letter', 'chat')",
    "avoidable": "c.avoidable IS NOT NULL",
    "flagged": "c.flags != '[]' AND EXISTS (SELECT 1 FROM case_flags f WHERE f.case_id = c.id"
    " AND instr(c.flags, '\"' || f.flag || '\"') > 0)",
    "automatic": "c.flags LIKE '%\"automatic%'",
}
"""Words for `is:` that the figures use."""


def clause(name: str, value: str, number: int, offsets: Offsets) -> tuple[str, Mapping[str, Any]]:
    """The SQL of one filter and its bound values; `number` keeps the values of several apart."""
    if name in _EQUAL:
        if value == "none":
            return f"{_EQUAL[name]} IS NULL", {}
        return f"{_EQUAL[name]} = :n{number}", {f"n{number}": value}
    if name == "charter":
        return CHARTER[value], {}
    if name in ("hour", "weekday"):
        form = "%H" if name == "hour" else "%w"
        return f"CAST({_local(form, offsets)} AS INTEGER) = :n{number}", {f"n{number}": int(value)}
    return _MORE[name](value, f"n{number}")


_EQUAL = {
    "network": "c.network",
    "avoidable": "c.avoidable",
}


def _one_of(column: str, values: Sequence[str], key: str) -> tuple[str, Mapping[str, Any]]:
    names = [f"{key}_{place}" for place in range(len(values))]
    slots = ", ".join(f":{name}" for name in names)
    return f"{column} IN ({slots})", dict(zip(names, values, strict=True))


def _kind(value: str, key: str) -> tuple[str, Mapping[str, Any]]:
    if value == "none":
        return "c.kind IS NULL", {}
    return _one_of("c.kind", SERVICE_KINDS if value == "service" else (value,), key)


def _outcome(value: str, key: str) -> tuple[str, Mapping[str, Any]]:
    if value == "none":
        return "c.outcome IS NULL", {}
    if value == "any":
        return "c.outcome IS NOT NULL", {}
    return _one_of("c.outcome", OUTCOMES.get(value, (value,)), key)


def _contact(value: str, key: str) -> tuple[str, Mapping[str, Any]]:
    return f"EXISTS ({_LEFT} AND h.contact = :{key})", {key: value}


def _answered_by(value: str, key: str) -> tuple[str, Mapping[str, Any]]:
    return f"EXISTS ({_LEFT} AND h.contact = :{key} AND h.answered_at IS NOT NULL)", {key: value}


def _suggested(value: str, key: str) -> tuple[str, Mapping[str, Any]]:
    return f"c.area IS NULL AND c.suggested_area = :{key}", {key: value}


def _flag(value: str, key: str) -> tuple[str, Mapping[str, Any]]:
    return f"instr(c.flags, :{key}) > 0", {key: f'"{value}"'}


def _incident(value: str, key: str) -> tuple[str, Mapping[str, Any]]:
    return (
        "c.id IN (SELECT i.case_id FROM incident_cases i JOIN incidents n ON n.id = i.incident_id"
        f" WHERE n.name = :{key} AND i.state != 'out')",
        {key: value},
    )


def _closed_since(value: str, key: str) -> tuple[str, Mapping[str, Any]]:
    return f"c.closed_at >= :{key}", {key: value}


def _closed_until(value: str, key: str) -> tuple[str, Mapping[str, Any]]:
    return f"c.closed_at < :{key}", {key: value}


def _due_before(value: str, key: str) -> tuple[str, Mapping[str, Any]]:
    return f"c.lane < 5 AND c.due_at < :{key}", {key: value}


_MORE: dict[str, Callable[[str, str], tuple[str, Mapping[str, Any]]]] = {
    "kind": _kind,
    "outcome": _outcome,
    "contact": _contact,
    "answered_by": _answered_by,
    "suggested": _suggested,
    "flag": _flag,
    "incident": _incident,
    "closed_since": _closed_since,
    "closed_until": _closed_until,
    "due_before": _due_before,
}


def _local(form: str, offsets: Offsets) -> str:
    """A part of the organisation's clock when a case was opened; nothing but numbers and times of ours is put in."""
    cases = "".join(
        f" WHEN c.opened_at < '{until}' THEN '{minutes:+d} minutes'" for (_, minutes), (until, _) in pairwise(offsets)
    )
    last = f"'{offsets[-1][1]:+d} minutes'"
    shift = f"CASE{cases} ELSE {last} END" if cases else last
    return f"strftime('{form}', c.opened_at, {shift})"
