"""The program in a real pseudo-terminal: real keys in, the screen as a person sees it out."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

import pyte

KEYS = {"enter": "\r", "esc": "\x1b", "tab": "\t", "space": " ", "up": "\x1b[A", "down": "\x1b[B", "ctrl+r": "\x12"}
KEYS |= {"ctrl+p": "\x10", "backspace": "\x7f", "ctrl+d": "\x04", "ctrl+u": "\x15"}


class Terminal:
    """A program on a screen of `columns` by `lines`. Waits for what the screen shows, never for time to pass."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, columns: int = 120, lines: int = 40
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        """Every byte that the program wrote."""
        self.pid, self._file = pty.fork()
        if self.pid == 0:  # pragma: no cover - the child becomes the program
            os.execvpe(command[0], list(command), {**environment, "TERM": "xterm-256color"})  # noqa: S606
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.status: int | None = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._file)

    @property
    def text(self) -> str:
        """The screen, a line a row."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def resize(self, columns: int, lines: int) -> None:
        """The window changes its size."""
        self._screen.resize(lines, columns)
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, *keys: str) -> None:
        """Press keys, by name or as they are typed. Escape stands alone, so that it is not the start of another key."""
        for key in keys:
            os.write(self._file, KEYS.get(key, key).encode())
            if key == "esc":
                self._read(0.15)

    def wait_for(self, *words: str, gone: Sequence[str] = (), seconds: float = 20.0) -> str:
        """Read until the screen shows all `words` and none of `gone`; the screen."""
        deadline = time.monotonic() + seconds
        while True:
            text = self.text
            if all(word in text for word in words) and not any(word in text for word in gone):
                return text
            if time.monotonic() > deadline or not self._read(0.1):
                raise AssertionError(f"waited for {words} without {tuple(gone)}; the screen is:\n{self.text}")

    def wait_for_end(self, seconds: float = 20.0) -> int:
        """Read until the program ends; its exit status."""
        deadline = time.monotonic() + seconds
        while self._read(0.1):
            assert time.monotonic() < deadline, f"it did not end; the screen is:\n{self.text}"
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def _read(self, seconds: float) -> bool:
        """Take in what the program wrote within `seconds`; False when it has ended."""
        ready, _, _ = select.select([self._file], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._file, 65536)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)
