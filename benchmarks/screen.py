"""The program in a real terminal: first text, keys and memory, against a bare Textual application and a small store;
and the start of the commands.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import council, stores
from benchmarks.measure import percentile
from benchmarks.report import Row, milliseconds
from benchmarks.terminal import Terminal, environment, python
from socialtriage.domain.views import Query
from socialtriage.services import inbox
from socialtriage.services.desk import open_desk

FLOOR = """
from textual.app import App
from textual.widgets import Footer, Header
class Floor(App):
    TITLE = "first text"
    BINDINGS = [("q", "quit", "Quit")]
    def compose(self):
        yield Header()
        yield Footer()
Floor().run()
"""
SMALL = stores.Plan("100", 100, 95, lone=True)
"""A hundred messages, nearly all in the queue, so that the same keys have as far to go."""
STARTS = 15
WALKS = 5
KEYS = {
    "j": [b"j"] * 40 + [b"k"] * 40,
    "page down": [b"\x1b[6~", b"\x1b[6~", b"\x1b[5~", b"\x1b[5~"] * 6,
    "G": [b"G", b"g"] * 10,
}
"""What is pressed in one walk; the way back counts too."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A store ready for the program, and a word of the first row that it shows."""

    command: list[str]
    env: dict[str, str]
    first: str

    def open(self) -> Terminal:
        """The program in a terminal."""
        return Terminal(self.command, self.env)


@contextmanager
def _place(plan: stores.Plan) -> Iterator[_Place]:
    with tempfile.TemporaryDirectory(dir=stores.folder()) as folder:
        path, config = Path(folder) / "desk.db", Path(folder) / "config.toml"
        shutil.copyfile(stores.store(plan), path)
        config.write_text(council.config_text())
        desk = open_desk(council.config(), path, officer="JS")
        first = inbox.rows(desk, inbox.snapshot(desk, Query())[:1])[0]
        desk.close()
        command = python("-m", "socialtriage", "--config", str(config), "--store", str(path))
        yield _Place(command, environment(Path(folder)), str(first.name).split()[0])


def start(largest: int) -> list[Row]:
    """First text on the screen."""
    floors: list[float] = []
    programs: list[float] = []
    with _place(stores.usual(largest)) as place:
        floor = _Place(python("-c", FLOOR), place.env, "first text")
        for number in range(STARTS + 2):
            for each, times in ((floor, floors), (place, programs)):
                with closing(each.open()) as terminal:
                    seconds = terminal.seconds_until(each.first)
                    if number < 2:
                        terminal.settle(1.5)
                if number > 1:  # The first two compile the modules, warm the disk's cache, judge the configuration.
                    times.append(seconds)
    a, b = median(floors), median(programs)
    return [Row("first text on the screen", largest, milliseconds(a), milliseconds(b), b / a, 1.2)]


def keys(largest: int) -> list[Row]:
    """Keys in the queue, at the same places of a small and of the largest store."""
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in KEYS}
    with ExitStack() as stack:
        terminals = []
        for plan in (SMALL, stores.usual(largest)):
            place = stack.enter_context(_place(plan))
            terminal = stack.enter_context(closing(place.open()))
            terminal.seconds_until(place.first)
            terminal.settle(1.5)
            terminals.append(terminal)
        for walk in range(WALKS + 1):
            for name, pressed in KEYS.items():
                for key in pressed:
                    for each, terminal in zip(times[name], terminals, strict=True):
                        seconds = terminal.press(key)
                        if walk:
                            each.append(seconds)
    return [
        _row(f"{name}, p{int(share * 100)}", largest, percentile(pair[0], share), percentile(pair[1], share), 1.3)
        for name, pair in times.items()
        for share in (0.5, 0.99)
    ]


def _row(what: str, size: int, floor: float, program: float, goal: float) -> Row:
    return Row(what, size, milliseconds(floor), milliseconds(program), program / floor, goal)


def memory(largest: int) -> list[Row]:
    """Memory with the queue open."""
    found = []
    for plan in (stores.usual(1_000), stores.usual(largest)):
        with _place(plan) as place:
            sizes = []
            for _ in range(3):
                with closing(place.open()) as terminal:
                    terminal.seconds_until(place.first)
                    terminal.settle(2.0)
                    for key in KEYS["page down"][:4]:
                        terminal.press(key)
                    sizes.append(terminal.memory())
            found.append(median(sizes) / 2**20)
    return [
        Row("memory with the queue open", largest, f"{found[0]:.0f} MB", f"{found[1]:.0f} MB", found[1] / found[0], 1.3)
    ]


def commands() -> list[Row]:
    """`--help` and `--version` against an interpreter that imports click."""
    with tempfile.TemporaryDirectory() as folder:
        env = environment(Path(folder))
        lines = [python("-c", "import click")]
        lines += [python("-m", "socialtriage", option) for option in ("--help", "--version")]
        times: list[list[float]] = [[] for _ in lines]
        for number in range(STARTS + 2):
            for place, line in enumerate(lines):
                started = time.perf_counter()
                subprocess.run(line, env=env, stdout=subprocess.DEVNULL, check=True)
                if number > 1:
                    times[place].append(time.perf_counter() - started)
    floor, *programs = map(median, times)
    return [
        Row(f"`socialtriage {option}`", None, milliseconds(floor), milliseconds(program), program / floor, 2)
        for option, program in zip(("--help", "--version"), programs, strict=True)
    ]
