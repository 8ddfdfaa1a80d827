"""Signing in from the accounts screen: the walk of `accounts login`, in the terminal that the screen stands in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from socialtriage.services.desk import Desk


def command(desk: Desk, account: str) -> list[str]:
    """The command that signs an account of this desk in."""
    config = ["--config", str(desk.config_path)] if desk.config_path is not None else []
    store = ["--store", str(desk.store.path)]
    return [sys.executable, "-m", "socialtriage", *config, *store, "accounts", "login", account]


def walk(desk: Desk, account: str) -> bool:
    """Run the walk while the screen is away; whether somebody signed in. Blocking: polling rests meanwhile."""
    # ctrl+c ends the walk and not the inbox; a handler, unlike SIG_IGN, is not passed on to it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        environment = {**os.environ, "SOCIALTRIAGE_OFFICER": desk.officer}
        done = subprocess.run(command(desk, account), env=environment, check=False)  # noqa: S603
        print("\nPress enter to go back to the inbox.", flush=True)
        sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, before)
    return done.returncode == 0
