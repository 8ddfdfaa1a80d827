"""A program in a real pseudo terminal: when its first text appears, how long a key takes, what memory it holds."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

COLUMNS, LINES = 120, 40
PATIENCE = 20.0
"""Seconds until a program that shows nothing is given up."""
QUIET = 0.03
"""Seconds without output after which a screen is complete."""


def environment(home: Path) -> dict[str, str]:
    """A home of its own; and compiled modules are kept, as an installed program has them."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "SOCIALTRIAGE_", "PYTHON"))
    }
    own = {"HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor", "SOCIALTRIAGE_OFFICER": "JS"}
    return {**kept, **own, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}


class Terminal:
    """A program that believes it is in a terminal of 120 by 40."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.output = b""
        self.started = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
            os.execvpe(command[0], list(command), dict(env))  # noqa: S606
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))

    def _read(self, seconds: float) -> bytes:
        if not select.select([self._fd], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            data = b""
        self.output += data
        return data

    def seconds_until(self, text: str) -> float:
        """Seconds from the start until `text` is written. Raises `TimeoutError` with what was written instead."""
        wanted = text.encode()
        while wanted not in self.output:
            if time.perf_counter() - self.started > PATIENCE or (not self._read(0.5) and self._ended()):
                raise TimeoutError(f"{text!r} did not appear: {self.output[-2000:]!r}")
        return time.perf_counter() - self.started

    def _ended(self) -> bool:
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True

    def settle(self, seconds: float = QUIET) -> None:
        """Read until nothing comes for a while."""
        while self._read(seconds):
            pass
        self.output = b""

    def press(self, key: bytes) -> float:
        """Seconds from a key to the first byte that answers it."""
        self.settle()
        started = time.perf_counter()
        os.write(self._fd, key)
        if not self._read(PATIENCE):
            raise TimeoutError(f"{key!r} changed nothing")
        seconds = time.perf_counter() - started
        self.settle()
        return seconds

    def memory(self) -> int:
        """Bytes of memory that the process holds, pages of mapped files included."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")

    def close(self) -> None:
        """End the program."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.waitpid(self.pid, 0)
        os.close(self._fd)


def python(*args: str) -> list[str]:
    """A command that runs this Python."""
    return [sys.executable, *args]
