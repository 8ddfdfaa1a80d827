"""Many rows in one statement.

Beside being faster than `executemany`, one statement lets other threads in once, and not once a row: each time a
busy thread may keep Python's lock for milliseconds, while everybody else waits for the transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

SIZES = (64, 16, 4, 1)
"""Rows of one statement. Few sizes, so that every statement stays prepared."""


def insert(connection: sqlite3.Connection, head: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows; `head` is the statement up to `VALUES`, the rows have a value for each of its columns."""
    left = list(rows)
    start = 0
    for size in SIZES:
        while len(left) - start >= size:
            part = left[start : start + size]
            connection.execute(_statement(head, len(part[0]), size), list(chain.from_iterable(part)))
            start += size


@lru_cache(maxsize=200)
def _statement(head: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"{head} VALUES {', '.join([row] * rows)}"
