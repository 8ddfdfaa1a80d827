"""Whether everybody sees a message, as its source says it now: somebody may decide there what waits for review."""

from __future__ import annotations

from collections.abc import Sequence

from socialtriage.domain.models import Incoming
from socialtriage.domain.text import clean_line
from socialtriage.store.store import Transaction


def restand(tx: Transaction, found: Sequence[tuple[int, Incoming]]) -> None:
    """Bring stored messages up to date where they are held now and were not, or the other way round.

    `found` are message ids with what came for them. The place keeps its title and changes the queue behind it.
    """
    if not found:
        return
    before = tx.moderation.standing([message_id for message_id, _ in found])
    for message_id, item in found:
        place, held = before[message_id]
        if held == item.reply_data.get("held"):
            continue
        title = _split(place)[0] if held else place
        queue = _split(item.place or "")[1] if item.reply_data.get("held") else ""
        now = f"{title} ({queue})" if title and queue else title or queue
        tx.moderation.restand(message_id, clean_line(now) if now else None, item.reply_data)


def _split(place: str) -> tuple[str, str]:
    """Title and queue of the place of a held message: `Council meeting (held for review)`, or the queue alone."""
    title, bracket, queue = place.rpartition(" (")
    return (title, queue.removesuffix(")")) if bracket else ("", place)
