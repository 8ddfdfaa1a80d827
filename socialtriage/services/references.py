"""References for new cases: random, and never given twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from socialtriage.domain import reference
from socialtriage.domain.cases import Case
from socialtriage.store.store import Transaction


def name_cases(tx: Transaction, prefix: str, cases: Mapping[int, Case]) -> dict[int, Case]:
    """The cases, each with a reference that no case ever had. `tx` is exclusive, so that nobody else takes one."""
    named: dict[int, Case] = {}
    used: set[str] = set()
    while nameless := [case_id for case_id in cases if case_id not in named]:
        refs = {case_id: reference.new_reference(prefix) for case_id in nameless}
        taken = tx.intake.taken_refs(list(refs.values()))
        for case_id, ref in refs.items():
            if ref not in taken and ref not in used:
                used.add(ref)
                named[case_id] = replace(cases[case_id], ref=ref)
    return named
