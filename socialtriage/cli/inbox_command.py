"""No command: the inbox."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from socialtriage.domain.errors import UsageError

if TYPE_CHECKING:
    from socialtriage.cli.env import Env


def open_inbox(env: Env) -> int:
    """Open the inbox, or the first-run screen where there is no configuration."""
    if sys.stdout is None or not sys.stdout.isatty() or sys.stdin is None:
        raise UsageError("The inbox needs a terminal.", hint="For scripts: socialtriage list, or socialtriage --help.")
    if not env.config_path.exists():
        from socialtriage.ui.launch import first_run

        return _after_first_run(env, first_run(env.config_path))
    from socialtriage.cli.logs import quiet
    from socialtriage.ui.launch import open_app

    quiet()
    env.recall_config()
    return open_app(env.desk, lambda: env.secrets, env.prove_config)


def _after_first_run(env: Env, choice: str | None) -> int:
    import click

    from socialtriage.cli.setup_commands import demo_command, init_command

    context = click.get_current_context()
    if choice == "demo":
        return int(context.invoke(demo_command, keep=None, speed=60.0, seed=1, headless=None) or 0)
    if choice == "init":
        context.invoke(init_command, to_stdout=False, force=False)
    return 0
