"""A command as another system: it gets the handoff on its standard input, and its first line is its number.

Whatever it does, it ends: what it says beyond a few lines is thrown away, what it leaves running behind itself holds
nobody up, and after its time it is killed with all that it started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from threading import Event, Thread
from typing import IO

from socialtriage.domain.errors import AnswerLost, Rejected, Unavailable
from socialtriage.domain.text import clean_line

SECONDS = 30.0
"""How long a command may take."""
LATER = 75
"""The exit status by which a command asks to be run again later (EX_TEMPFAIL)."""
MOST = 16 * 1024
"""Bytes of what it says that are read."""
_GRACE = 0.5
"""Seconds for the last words of a command that has ended, where something that it started holds them open."""


def run(command: Sequence[str], words: bytes, name: str, seconds: float = SECONDS) -> str:
    """Run it to its end; what stands in its first line. Blocking.

    Raises `AnswerLost` when it does not end, `Unavailable` when it asks for another try, `Rejected` when it fails.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the command is the configuration's, and no shell reads it
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as exc:
        raise Rejected(f"The command of {name} cannot be run: {getattr(exc, 'strerror', None) or exc}.") from exc
    over = Event()
    out, err = _Said(process.stdout, over), _Said(process.stderr, over)
    writer = Thread(target=_write, args=(process.stdin, words), daemon=True)
    writer.start()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired as exc:
        _kill(process)
        raise AnswerLost(f"The command of {name} did not end within {seconds:.0f} s.") from exc
    finally:
        out.join(_GRACE)
        err.join(_GRACE)
        over.set()
    said = err.line(300) or out.line(300) or "it said nothing"
    if process.returncode == LATER:
        raise Unavailable(f"The command of {name} asks for another try: {said}")
    if process.returncode:
        raise Rejected(f"The command of {name} failed ({process.returncode}): {said}")
    return out.line(80)


class _Said(Thread):
    """Reads one stream to its end, and keeps its beginning."""

    def __init__(self, stream: IO[bytes] | None, over: Event) -> None:
        super().__init__(daemon=True)
        self._stream, self._over, self._kept = stream, over, b""
        self.start()

    def run(self) -> None:
        if self._stream is None:
            return
        with self._stream as stream:
            while not self._over.is_set() and (part := os.read(stream.fileno(), MOST)):
                self._kept += part[: MOST - len(self._kept)]

    def line(self, width: int) -> str:
        """The first line that is not empty, made fit to be shown."""
        return clean_line(self._kept.decode("utf-8", "replace").strip().partition("\n")[0], width)


def _write(stream: IO[bytes] | None, words: bytes) -> None:
    """Hand the handoff over; a command need not read it."""
    if stream is None:
        return
    with contextlib.suppress(OSError):
        stream.write(words)
    with contextlib.suppress(OSError):
        stream.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it, and what it started."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
