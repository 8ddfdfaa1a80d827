"""What the command line calls: the inbox, and the first-run screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk
    from socialtriage.services.secrets import SecretStore
    from socialtriage.ui.background import Engine


def open_app(desk: Desk, secrets: Callable[[], SecretStore], prove: Callable[[], None] | None = None) -> int:
    """Run the inbox until the officer quits; the exit status. The caller closes the desk.

    `prove` is run in a thread behind the first frame; what it raises is said.
    """
    from socialtriage.ui.app import TriageApp

    def engine() -> Engine:
        # httpx and the keyring come with it: after the first frame.
        from socialtriage.ui.engine import DeskEngine

        return DeskEngine(desk, secrets())

    app = TriageApp(desk, engine, prove)
    app.run()
    if app.fault is not None:
        import sys

        sys.stderr.write(_last_words(app.fault) + "\n")
    return app.return_code or 0


def first_run(config_path: Path) -> str | None:
    """Ask what to do where there is no configuration: `demo`, `init`, or None to leave."""
    import gc

    from socialtriage.ui.welcome import WelcomeApp

    gc.enable()
    return WelcomeApp(config_path).run()


def _last_words(fault: BaseException) -> str:
    """Why the program had to stop, in a sentence."""
    from socialtriage.domain.errors import SocialTriageError

    if isinstance(fault, SocialTriageError):
        return str(fault)
    return (
        f"socialtriage had to stop because of a fault of its own ({type(fault).__name__}). "
        "What was done is in the store. Run it again with -v for a log to report."
    )
