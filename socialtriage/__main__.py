"""`python -m socialtriage` and the command `socialtriage`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and end with its exit status."""
    # Starting makes many objects and next to no garbage; who goes on for long switches the collector on again.
    gc.disable()
    from socialtriage.cli.main import run

    sys.exit(run())


if __name__ == "__main__":
    main()
