"""The table of goals: every row is measured beside its floor in the same run. `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from datetime import date

from benchmarks import figures, intake, passes, reading, screen
from benchmarks.report import Row, markdown, text

SIZES = [1_000, 10_000, 100_000, 1_000_000]


def parts(sizes: list[int]) -> dict[str, Callable[[], list[Row]]]:
    """The rows by name; each name is measured by itself."""
    largest = sizes[-1]
    return {
        "start": lambda: screen.start(largest),
        "keys": lambda: screen.keys(largest),
        "memory": lambda: screen.memory(largest),
        "open": lambda: reading.opening(sizes),
        "search": lambda: reading.searching(sizes),
        "growth": lambda: reading.growth(largest),
        "intake": lambda: intake.rows(sizes),
        "report": lambda: figures.rows(largest),
        "pass": passes.forty,
        "together": lambda: passes.together(largest),
        "commands": screen.commands,
    }


def main() -> int:
    """Measure and print; 1 when a goal is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="stores of up to 100,000 messages")
    parser.add_argument("--only", action="append", metavar="NAME", help="one part; may be given again")
    parser.add_argument("--markdown", action="store_true", help="the table as it stands in the README")
    wanted = parser.parse_args()
    sizes = SIZES[:-1] if wanted.quick else SIZES
    known = parts(sizes)
    unknown = set(wanted.only or ()) - set(known)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    rows: list[Row] = []
    for name in wanted.only or known:
        print(f"{name} …", file=sys.stderr)
        rows += known[name]()
    where = (
        f"Measured on {date.today():%d %B %Y}, Python {platform.python_version()}, on a shared machine of two cores."  # noqa: DTZ011
    )
    print(markdown(rows, where) if wanted.markdown else text(rows))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
