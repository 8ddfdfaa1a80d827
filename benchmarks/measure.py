"""Timing on a machine that others use too: floor and program take turns, and medians are compared."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from statistics import median


def once(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def turns(*works: Callable[[], object], rounds: int = 15, seconds: float = 0.02) -> list[float]:
    """The median seconds of one call of each work. They take turns; short ones are called many times in a turn."""
    repeats = []
    for work in works:
        work()
        repeats.append(max(1, min(1000, int(seconds / max(once(work), 1e-7)))))
    times: list[list[float]] = [[] for _ in works]
    gc.collect()
    for _ in range(rounds):
        for place, work in enumerate(works):
            started = time.perf_counter()
            for _ in range(repeats[place]):
                work()
            times[place].append((time.perf_counter() - started) / repeats[place])
    return [median(each) for each in times]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values are."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
