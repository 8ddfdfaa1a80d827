"""The detail of a line of the log in the words of an office: no ids of networks and servers, no machine's moments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from socialtriage.domain.times import from_iso

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_FOR_MACHINES = frozenset({"remote_id", "message_id", "identities"})
"""What tells messages apart for networks and servers. It is in the record and in its exports."""
_SAID = {"to": "to", "try": "attempt", "from": "from", "promised_at": "for", "snoozed_until": "until", "owner": "to"}
"""Shorter names, where the event itself says the rest: `case promised · for Thu 26 Nov 17:00`."""


def event_detail(kind: str, detail: Mapping[str, Any], at: Callable[[datetime], str]) -> str:
    """`area waste → roads, urgency urgent`; `at` words a moment. How a case was opened stands in its facts."""
    told = []
    for name, value in detail.items() if kind != "case.opened" else ():
        if name in _FOR_MACHINES or (name == "try" and value == 1) or value in (0, ""):
            continue
        label = _SAID.get(name, name.replace("_", " "))
        if isinstance(value, list | tuple) and len(value) == 2:
            before, after = (_word(each, at) for each in value)
            told.append(f"{label} {f'{before} → ' if before else ''}{after or 'none'}")
        elif value is True:
            told.append(label)
        elif isinstance(value, str | int | float):
            told.append(f"{label} {_word(value, at)}")
    return ", ".join(told)


def _word(value: object, at: Callable[[datetime], str]) -> str:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return at(from_iso(value))
    return "" if value is None else str(value)
