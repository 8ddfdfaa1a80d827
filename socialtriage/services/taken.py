"""What a page of messages changed, and the words that say what a message is about."""

from __future__ import annotations

from dataclasses import dataclass, field

from socialtriage.domain.models import Incoming


def words_of(item: Incoming) -> str:
    """What a suggestion is made from: the subject, where there is one, and the text."""
    return f"{item.subject}\n{item.text}" if item.subject else item.text


@dataclass(slots=True)
class TakenIn:
    """What a page changed."""

    new: int = 0
    updated: int = 0
    case_ids: list[int] = field(default_factory=list)

    def add(self, other: TakenIn) -> None:
        """Add another page's changes."""
        self.new += other.new
        self.updated += other.updated
        self.case_ids += other.case_ids
