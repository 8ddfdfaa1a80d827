"""Leases: one process polls, one process sends. A lease names host, process and expiry."""

from __future__ import annotations

import os
import socket
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from socialtriage.domain.late import dataclass
from socialtriage.domain.times import from_iso, iso
from socialtriage.store.database import Database

LONGEST = 120.0
"""Seconds that a lease is taken for at the most."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease, and until when."""

    host: str
    pid: int
    officer: str
    expires_at: datetime


def process_start(pid: int) -> str | None:
    """A mark of the process that a reused number would not share; None when there is no such process.

    Where the system has no cheap mark, an empty text stands for "alive".
    """
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        except (OSError, IndexError):
            return None
    if os.name == "nt":
        return _windows_alive(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""


def _windows_alive(pid: int) -> str | None:
    # os.kill(pid, 0) would end the process on Windows.
    import ctypes

    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  - the attribute exists on Windows only
    handle = kernel.OpenProcess(0x1000, False, pid)
    if not handle:
        return None
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return "" if code.value == 259 else None


class Leases:
    """Taking, keeping and giving back leases by name (`poll`, `send`)."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._host = socket.gethostname()
        self._pid = os.getpid()
        self._started = process_start(self._pid) or ""

    def take(self, name: str, officer: str, now: datetime, seconds: float) -> Holder | None:
        """Take or renew a lease. None when it is ours now, else who holds it.

        A holder on this host that is no longer alive loses it at once; on another host its expiry is awaited. An
        expiry later than a lease lasts was written by a clock that is ahead: it is set to the longest that it can
        last, which a holder that is alive renews in time, and one that is not does not.
        """
        with self._db.write() as c:
            row = c.execute(
                "SELECT host, pid, started, officer, expires_at FROM leases WHERE name = ?", (name,)
            ).fetchone()
            if row is not None and not self._mine(row):
                holder = Holder(row[0], row[1], row[3], from_iso(row[4]))
                if holder.expires_at > now and not self._dead(row):
                    self._bound(c, name, holder.expires_at, now + timedelta(seconds=seconds))
                    return holder
            c.execute(
                "INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET host = excluded.host,"
                " pid = excluded.pid, started = excluded.started, officer = excluded.officer,"
                " expires_at = excluded.expires_at",
                (name, self._host, self._pid, self._started, officer, iso(now + timedelta(seconds=seconds))),
            )
        return None

    def give_back(self, name: str) -> None:
        """Give a lease of ours back."""
        with self._db.write() as c:
            c.execute(
                "DELETE FROM leases WHERE name = ? AND host = ? AND pid = ? AND started = ?",
                (name, self._host, self._pid, self._started),
            )

    def holder(self, name: str, now: datetime) -> Holder | None:
        """Who else holds a lease now."""
        row = self._db.one("SELECT host, pid, started, officer, expires_at FROM leases WHERE name = ?", (name,))
        if row is None or self._mine(row) or from_iso(row[4]) <= now or self._dead(row):
            return None
        found = Holder(row[0], row[1], row[3], from_iso(row[4]))
        if found.expires_at > (end := now + timedelta(seconds=LONGEST)):
            with self._db.write() as c:
                self._bound(c, name, found.expires_at, end)
        return found

    def _bound(self, c: sqlite3.Connection, name: str, expires_at: datetime, end: datetime) -> None:
        """Let a lease end when leases end at the latest, unless it was renewed meanwhile."""
        if expires_at > end:
            c.execute(
                "UPDATE leases SET expires_at = ? WHERE name = ? AND expires_at = ?", (iso(end), name, iso(expires_at))
            )

    def _mine(self, row: tuple[str, int, str, str, str]) -> bool:
        return (row[0], row[1], row[2]) == (self._host, self._pid, self._started)

    def _dead(self, row: tuple[str, int, str, str, str]) -> bool:
        if row[0] != self._host:
            return False
        started = process_start(row[1])
        return started is None or (started != "" and row[2] != "" and started != row[2])
