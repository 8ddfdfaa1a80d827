"""Which saved answers fit a case best: those of its area first, and of these the one whose words, or whose questions
before, are likest to what is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from socialtriage.domain.models import Voice
from socialtriage.services import inbox
from socialtriage.services.answer_once import salient
from socialtriage.services.desk import Desk
from socialtriage.services.saved_answers import Offer

REMEMBERED = 300
"""Answers that left, newest first, whose questions are looked at."""


def likest(desk: Desk, case_id: int, offers: Sequence[Offer]) -> list[tuple[Offer, float]]:
    """The offers, the likest of each rank first, with how like they are: 0 to 1. Equals stay in their order.

    An answer is like a case by its own words and name, or by a question that it was an answer to.
    """
    detail = inbox.detail(desk, case_id)
    asked = salient(" ".join(m.text for m in detail.messages if m.voice is Voice.RESIDENT))
    before = _questions(desk, case_id) if asked and offers else {}
    scored = [(offer, _likeness(asked, offer, before.get(offer.answer.id, ()))) for offer in offers]
    return sorted(scored, key=lambda each: (each[0].rank, -each[1]))


def _questions(desk: Desk, case_id: int) -> dict[str, list[frozenset[str]]]:
    """The words of what was asked where each answer was given, other cases' alone."""
    found: dict[str, list[frozenset[str]]] = {}
    for answer, text in desk.store.replies.answered(case_id, REMEMBERED):
        found.setdefault(answer, []).append(salient(text))
    return found


def _likeness(asked: frozenset[str], offer: Offer, before: Sequence[frozenset[str]]) -> float:
    own = salient(f"{offer.answer.id.replace('-', ' ')} {offer.answer.text}")
    return max((_shared(asked, words) for words in (own, *before)), default=0.0)


def _shared(asked: frozenset[str], words: frozenset[str]) -> float:
    """Which part of the words of the question the other text has too: how long that one is does not matter."""
    return len(asked & words) / len(asked) if asked else 0.0
