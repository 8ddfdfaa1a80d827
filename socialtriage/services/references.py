"""References for new cases: random, and never given twice."""

from __future__ import annotations

from socialtriage.domain import reference
from socialtriage.store.store import Transaction


def free_references(tx: Transaction, prefix: str, count: int) -> list[str]:
    """So many references that no case ever had. `tx` is exclusive, so that nobody else takes one."""
    free: dict[str, None] = {}
    while len(free) < count:
        drawn = dict.fromkeys(reference.new_reference(prefix) for _ in range(count - len(free)))
        taken = tx.intake.taken_refs(list(drawn))
        free.update((ref, None) for ref in drawn if ref not in taken)
    return list(free)
