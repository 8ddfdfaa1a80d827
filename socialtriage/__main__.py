"""`python -m socialtriage` and the command `socialtriage`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and end with its exit status."""
    gc.disable()
    from socialtriage.cli.start import run

    sys.exit(run())


if __name__ == "__main__":
    main()
