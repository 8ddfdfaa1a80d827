"""From a page of a channel to messages, cases and events: one transaction, nothing lost, nothing doubled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from socialtriage.config.model import AccountConfig
from socialtriage.domain.models import Incoming, Page
from socialtriage.domain.rules import Suggestion
from socialtriage.services.batch import Batch, Suggest
from socialtriage.services.desk import Desk
from socialtriage.services.evidence import keep, within
from socialtriage.services.taken import TakenIn, words_of

CHUNK = 100
"""Messages in one transaction."""
CROWDED = 40
"""The same while other processes write: officers at other screens wait no longer than that."""
EARLIEST, LATEST = 1970, 3000
"""Years in which somebody may have written to a council."""
SYSTEM = "socialtriage"
"""Who acts when nobody pressed a key."""


def take_in(desk: Desk, account: AccountConfig, page: Page, *, officer: str = SYSTEM) -> TakenIn:
    """Store a page with the cursor that follows it. Raises `StoreError`; then nothing of the last part is stored."""
    allowed = within(page.items, desk.config.evidence.max_bytes)
    keep(desk.media_folder, _living(desk, account.id, allowed))
    items = sorted((_dated(item, desk.clock()) for item in allowed), key=lambda item: item.at)
    size = CROWDED if desk.store.others_write() else CHUNK
    parts = [items[i : i + size] for i in range(0, len(items), size)] or [[]]
    total = TakenIn()
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        suggest = _ahead(desk, account, part)
        now = desk.clock()
        with desk.store.transaction(officer, now, durable=False) as tx:
            batch = Batch(desk, account, tx, suggest)
            batch.run(part, page.gone if last else ())
            if last:
                if page.cursor is not None:
                    tx.accounts.update(account.id, cursor=page.cursor)
                if page.gap is not None:
                    tx.accounts.add_gap(account.id, page.gap)
            total.add(batch.result)
    return total


def _living(desk: Desk, account: str, items: Sequence[Incoming]) -> list[Incoming]:
    """Messages that bring files, without those that were forgotten here: their pictures do not come back either."""
    bring = [item for item in items if any(media.data is not None for media in item.media)]
    if not bring:
        return []
    dead = desk.store.keeping.buried(account, [item.remote_id for item in bring])
    return [item for item in bring if item.remote_id not in dead]


def _ahead(desk: Desk, account: AccountConfig, items: Sequence[Incoming]) -> Suggest:
    """The suggester, with its words on what is new known before the transaction, which others wait for, begins."""
    wanted = [item for item in items if not item.own and not item.context]
    known = desk.store.messages.thread_of(account.id, [item.remote_id for item in wanted]) if wanted else {}
    suggest = desk.suggester.suggest
    fresh = {words_of(item): item.parent is None for item in wanted if item.remote_id not in known}
    # An answer joins a case as a rule, and a case has its suggestion already.
    said = {words: suggest(words) for words, opens in fresh.items() if opens}
    for words in fresh:
        desk.spots_in(words)

    def suggested(words: str) -> Suggestion | None:
        return said[words] if words in said else suggest(words)

    return suggested


def _dated(item: Incoming, now: datetime) -> Incoming:
    """The message with a time that can be one: some servers send the year 1 where they know none, and neither
    working time nor every time zone reaches back that far.
    """
    if item.at.year < EARLIEST:
        item = replace(item, at=now)
    if item.edited_at is not None and not EARLIEST <= item.edited_at.year < LATEST:
        item = replace(item, edited_at=None)
    return item
