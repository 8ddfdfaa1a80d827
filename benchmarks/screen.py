"""The program in a real pseudo-terminal: first text, keys, memory; and the start of the commands."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import council, stores
from benchmarks.measure import percentile
from benchmarks.report import Row, milliseconds

FLOOR = """
from textual.app import App
from textual.widgets import Footer, Header, Static
class Bare(App):
    def compose(self):
        yield Header()
        yield Static("first text here")
        yield Footer()
Bare().run()
"""


class Pty:
    """A program at 120x40; `read_until` gives the seconds until its output holds some bytes."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.started = time.perf_counter()
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            os.execvpe(command[0], list(command), {**environment, "TERM": "xterm-256color"})  # noqa: S606
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def read_until(self, words: bytes, seconds: float = 30.0) -> float:
        """Seconds since the start until the output holds `words`."""
        seen = b""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            ready, _, _ = select.select([self.file], [], [], 0.5)
            if ready:
                seen = seen[-200:] + os.read(self.file, 65536)
                if words in seen:
                    return time.perf_counter() - self.started
        raise RuntimeError(f"the screen never showed {words!r}")

    def drain(self, quiet: float = 0.25) -> None:
        """Read until nothing comes for a while."""
        while select.select([self.file], [], [], quiet)[0]:
            os.read(self.file, 65536)

    def key(self, key: bytes) -> float:
        """Seconds from a key to the first byte of the answer."""
        started = time.perf_counter()
        os.write(self.file, key)
        select.select([self.file], [], [], 5)
        spent = time.perf_counter() - started
        self.drain(0.03)
        return spent

    def resident(self) -> float:
        """Megabytes of memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def end(self) -> None:
        """Kill it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


def _environment(folder: str) -> dict[str, str]:
    return {**os.environ, "HOME": folder, "PYTHONPATH": os.getcwd(), "TEXTUAL_ANIMATIONS": "none"}


def _program(folder: str, size: int) -> list[str]:
    config = Path(folder) / "config.toml"
    config.write_text(council.config_text(), encoding="utf-8")
    path = stores.store(stores.usual(size))
    return [sys.executable, "-m", "socialtriage", "--config", str(config), "--store", str(path)]


def first_text(size: int, rounds: int = 9) -> Row:
    """Start to first text against a Textual program with header and footer, taking turns."""
    with tempfile.TemporaryDirectory() as folder:
        environment, command = _environment(folder), _program(folder, size)
        floors: list[float] = []
        programs: list[float] = []
        for number in range(rounds + 1):
            for times, line, words in (
                (floors, [sys.executable, "-c", FLOOR], b"first text"),
                (programs, command, b"Queue"),
            ):
                run = Pty(line, environment)
                try:
                    spent = run.read_until(words)
                finally:
                    run.end()
                if number:
                    times.append(spent)
    low, high = median(floors), median(programs)
    return Row("first text on the screen", size, milliseconds(low), milliseconds(high), high / low, 1.2)


def keys_and_memory(size: int, small: int = 1000) -> list[Row]:
    """j, page down and G at a large store against a small one, and the memory of both."""
    found: dict[int, dict[str, list[float]]] = {}
    memory: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for each in (small, size):
            run = Pty(_program(folder, each), _environment(folder))
            try:
                run.read_until(b"Queue")
                run.drain(1.0)
                memory[each] = run.resident()
                found[each] = {
                    "j": [run.key(b"j") for _ in range(60)],
                    "page down": [run.key(b"\x1b[6~") for _ in range(20)],
                    "G": [run.key(b"G" if n % 2 else b"g") for n in range(20)],
                }
            finally:
                run.end()
    rows = []
    for name in found[size]:
        for label, share in (("p50", 0.5), ("p99", 0.99)):
            low, high = (percentile(found[each][name], share) for each in (small, size))
            rows.append(Row(f"key {name}, {label}", size, milliseconds(low), milliseconds(high), high / low, 1.3))
    low, high = memory[small], memory[size]
    rows.append(Row(f"memory, against {small:,}", size, f"{low:.0f} MB", f"{high:.0f} MB", high / low, 1.3))
    return rows


def commands(rounds: int = 15) -> list[Row]:
    """`--help` and `--version` against an interpreter that imports click, taking turns."""
    lines = {
        "floor": [sys.executable, "-c", "import click"],
        "--help": [sys.executable, "-m", "socialtriage", "--help"],
        "--version": [sys.executable, "-m", "socialtriage", "--version"],
    }
    times: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(rounds):
        for name, line in lines.items():
            started = time.perf_counter()
            subprocess.run(line, capture_output=True, check=True)
            times[name].append(time.perf_counter() - started)
    low = median(times.pop("floor"))
    return [
        Row(f"`{name}`", None, milliseconds(low), milliseconds(median(spent)), median(spent) / low, 2.0)
        for name, spent in times.items()
    ]
