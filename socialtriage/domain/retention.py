"""How long words may be kept: by kind of case, by network, and for pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from socialtriage.domain.times import parse_every

NEVER = "never"
SHORTEST = timedelta(hours=1)
STORAGE_RULES: Mapping[str, timedelta] = {"linkedin": timedelta(hours=48)}
"""Networks whose own rules are stricter than any council's. LinkedIn: members' comments may be stored for 48 hours
(Microsoft Learn, LinkedIn Marketing API, data storage requirements)."""


def period(text: str) -> timedelta | None:
    """`730d`, `104w`, `36h` as a length of time, `never` as None. Raises `ValueError`."""
    if text.strip().lower() == NEVER:
        return None
    try:
        found = parse_every(text)
    except ValueError:
        raise ValueError(f"“{text[:40]}” is not a length of time such as 730d or 104w, nor {NEVER}.") from None
    if found < SHORTEST:
        raise ValueError(f"“{text[:40]}” is shorter than an hour; write {NEVER} to keep everything.")
    return found


@dataclass(frozen=True, slots=True)
class Policy:
    """What is forgotten when; None for never."""

    default: timedelta | None = None
    kinds: Mapping[str, timedelta | None] = field(default_factory=dict)
    """Kinds of case that have a time of their own."""
    media: timedelta | None = None
    networks: Mapping[str, timedelta] = field(default_factory=dict)
    """Networks whose messages lose their words after so long, whatever becomes of their cases."""

    @property
    def forgets(self) -> bool:
        """Whether anything is ever forgotten by it, apart from what networks want."""
        return any(time is not None for time in (self.default, self.media, *self.kinds.values()))
