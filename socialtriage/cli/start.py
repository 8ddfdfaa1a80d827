"""The first lines that run: the inbox by its own short way, everything else through the command parser."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from functools import partial

from socialtriage.cli.env import Env
from socialtriage.cli.faults import guarded

WITH_VALUE = ("--config", "--store")


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line: 0 done, 1 something did not succeed, 2 wrong usage or configuration."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if args is None else args)
    env = _for_the_inbox(words)
    if env is not None:
        return guarded(partial(_inbox, env))
    # Starting makes many objects and next to no garbage; who goes on for long collects it.
    gc.enable()
    from socialtriage.cli.main import run_command

    return run_command(words)


def _for_the_inbox(words: Sequence[str]) -> Env | None:
    """What the inbox starts from when nothing else is asked for; None for every other line.

    The command parser takes 10 ms to load, and the inbox has three options that need none of it.
    """
    values: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in WITH_VALUE:
            values[name] = value if equals else next(rest, "")
        elif word == "--no-color":
            values[word] = "1"
        else:
            return None
    if not all(values.values()):
        return None
    env = Env(values.get("--config"), values.get("--store"))
    if not env.config_path.exists() or sys.stdout is None or not sys.stdout.isatty():
        return None
    if "--no-color" in values:
        os.environ["NO_COLOR"] = "1"
    return env


def _inbox(env: Env) -> int:
    from socialtriage.cli.inbox_command import open_inbox

    try:
        return open_inbox(env)
    finally:
        env.close()
