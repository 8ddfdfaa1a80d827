"""What intake notices beyond a single message: the same text on several accounts, words of an incident that runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b

from socialtriage.domain import sametext
from socialtriage.domain.cases import Case
from socialtriage.domain.incidents import same_area, speaks_of
from socialtriage.domain.models import Incoming, Voice
from socialtriage.store.noticing import SaidBefore
from socialtriage.store.store import Transaction

WITHIN = timedelta(days=7)
"""How far apart the same text on two accounts may be."""
MOST = 3
"""Cases with the same text that one case names."""


LEAST = 40
"""Characters from which on the same text twice is no coincidence."""
LOOKED_AT = 2_000
"""Characters of a text that are compared."""


def digest_of(text: str) -> int | None:
    """64 bits that stand for the words of a text, whatever its capitals, blanks and the handles before it.

    None for a text of fewer than `LEAST` characters.
    """
    if len(text) < LEAST:
        return None
    words = text[:LOOKED_AT].casefold().split()
    start = next((place for place, word in enumerate(words) if word[0] != "@"), 0) if words else 0
    said = " ".join(words[start:])
    if len(said) < LEAST:
        return None
    return int.from_bytes(blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


class Noticing:
    """For one batch: `load` before its cases are made, `write` with them."""

    def __init__(self, tx: Transaction, account: str) -> None:
        self._tx, self._account = tx, account
        self._digests: dict[str, int] = {}
        self._said: dict[int, list[SaidBefore]] = {}
        self._running = tx.noticing.running(tx.at)
        self._fitting: list[tuple[int, int]] = []

    def load(self, items: Iterable[Incoming]) -> None:
        """Look which of these texts were said before."""
        since: datetime | None = None
        for item in items:
            if item.automatic is None and (digest := digest_of(item.text)) is not None:
                self._digests[item.remote_id] = digest
                since = item.at if since is None else min(since, item.at)
        if since is not None:
            for digest, before in self._tx.noticing.said([*set(self._digests.values())], since - WITHIN):
                self._said.setdefault(digest, []).append(before)

    def of(self, item: Incoming) -> tuple[str, ...]:
        """What a new case says of others with the same text, on other accounts."""
        found = self._said.get(self._digests.get(item.remote_id, 0), ())
        elsewhere = {each.ref: each.network for each in found if each.account != self._account}
        return tuple(sametext.said(ref, network) for ref, network in [*elsewhere.items()][-MOST:])

    def look(self, case: Case, words: str) -> None:
        """Whether a new case may belong to an incident that runs."""
        for each in self._running:
            if same_area(each.area, case.area, case.suggested_area) and speaks_of(words, each.keywords):
                self._fitting.append((each.id, case.id))

    def write(self, rows: Iterable[tuple[int, int | None, int | None, Voice, Incoming]]) -> None:
        """Remember the texts of new messages with their cases, and what may belong to an incident."""
        found = [
            (digest, case_id, int(item.at.timestamp()))
            for _, case_id, _, _, item in rows
            if case_id is not None and (digest := self._digests.get(item.remote_id)) is not None
        ]
        if found:
            self._tx.noticing.say(found)
        if self._fitting:
            self._tx.noticing.suggest(self._fitting, self._tx.officer, self._tx.at)
