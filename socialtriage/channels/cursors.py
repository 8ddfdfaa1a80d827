"""What a walk leaves for the next pass: a struct of the channel's own, kept as JSON that nobody else reads."""

from __future__ import annotations

from typing import TypeVar

import msgspec

C = TypeVar("C", bound="Kept")


class Kept(msgspec.Struct):
    """The base of a channel's cursor."""

    def dump(self) -> str:
        """As it is stored."""
        return msgspec.json.encode(self).decode()


def kept(stored: str | None, kind: type[C]) -> C | None:
    """The cursor of an earlier pass; None where there is none, or one of another make: then all is looked at afresh."""
    try:
        return msgspec.json.decode(stored, type=kind) if stored else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
