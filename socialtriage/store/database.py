"""Opening the store, short IMMEDIATE writes, a reader for each thread, and sqlite3's errors in an officer's words."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from socialtriage.config.files import make_folders
from socialtriage.config.paths import media_folder
from socialtriage.domain.errors import StoreError
from socialtriage.domain.times import utc_now

SCHEMA_VERSION = 2
"""How many migrations `schema` holds; kept in `PRAGMA user_version` so that an up-to-date store imports nothing."""
BUSY_MS = 8000
RECENTLY = 5.0
"""Seconds for which another process counts as one that writes."""
WAIT = 0.0015
"""Seconds between looks whether the store can be written."""
LOG_PAGES = 8000
"""Pages of write-ahead log, 32 MB, after which a commit itself moves them into the file: only where nobody else did."""
WRITER_PRAGMAS = "PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864;"
READER_PRAGMAS = "PRAGMA query_only=ON; PRAGMA cache_size=-4000;"
ROOM = 65536
"""Bytes that have to be free beside a store for it to be opened."""
DAMAGED = "Put your last backup in its place; the damaged store is kept beside it: restore FILE --force."
"""What to do about a store that is damaged."""


def explain(exc: sqlite3.Error, path: Path) -> StoreError:
    """An sqlite3 error as a sentence with a remedy."""
    text = str(exc).lower()
    if "locked" in text or "busy" in text:
        return StoreError(f"The store {path} is busy: another program holds it.", hint="Try again in a moment.")
    if "full" in text or ("i/o" in text and _is_full(path.parent)):
        return StoreError(f"The disk that holds {path} is full; nothing was changed.", hint="Free space, then go on.")
    if "not a database" in text or "malformed" in text or "corrupt" in text:
        return StoreError(f"The store {path} is damaged ({exc}).", hint=DAMAGED)
    if "readonly" in text or "unable to open" in text or "permission" in text or "disk i/o" in text:
        hint = "Check the folder's rights" + (", and whether the disk is full." if "i/o" in text else ".")
        return StoreError(f"The store {path} cannot be opened or written ({exc}).", hint=hint)
    return StoreError(f"The store {path} refused: {exc}.")


def _is_full(folder: Path) -> bool:
    """Whether not even the files beside a store have room; then SQLite only knows of an error of input and output."""
    import shutil

    try:
        return shutil.disk_usage(folder).free < ROOM
    except OSError:
        return False


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a name stands for now; None for none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Database:
    """One SQLite file: one writer connection behind a lock, one `query_only` reader for each thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.patience = BUSY_MS / 1000
        """Seconds that a write waits for the others' writes."""
        self._write_lock = threading.RLock()
        self._others, self._others_at = 0, -RECENTLY
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._watch_lock = threading.Lock()
        self._watch: sqlite3.Connection | None = None
        self._depth = 0
        self._durable: bool | None = None
        self._closed = False
        try:
            make_folders(path.parent)
            if path.is_dir():
                raise StoreError(f"{path} is a folder, not a store.", hint="Name a file with --store.")
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            self._file = _identity(path)
            self._writer = self._open()
            try:
                self._prepare()
            except BaseException:
                self._writer.close()
                raise
        except sqlite3.Error as exc:
            raise explain(exc, path) from exc
        except OSError as exc:
            raise StoreError(f"The store {path} cannot be made: {exc.strerror or exc}.") from exc

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        return connection

    def _prepare(self) -> None:
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        tables, ours = self._writer.execute("SELECT count(*), sum(name = 'events') FROM sqlite_master").fetchone()
        if tables and not ours:
            raise StoreError(
                f"{self.path} is a database of another program; it was left as it is.",
                hint="Name another file with --store.",
            )
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"The store {self.path} was made by a newer socialtriage.", hint="Update socialtriage on this computer."
            )
        if tables:
            self._check_length()
        elif any(media_folder(self.path).glob("??/*")):
            raise sqlite3.DatabaseError("malformed: it is empty, though there are files of its messages beside it")
        if self._writer.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            self._writer.execute("PRAGMA journal_mode=WAL")
        self._writer.executescript(f"{WRITER_PRAGMAS} PRAGMA wal_autocheckpoint={LOG_PAGES};")
        if version < SCHEMA_VERSION:
            self._migrate(version)

    def _check_length(self) -> None:
        """A file that was cut off may look sound until the missing part is read.

        The file is never opened here beside SQLite: closing it would give up SQLite's own locks on it (POSIX), and
        another process would take itself for the last one and delete the log that this one goes on writing.
        """
        wal = Path(f"{self.path}-wal")
        if wal.exists() and wal.stat().st_size:
            return  # the newest pages may stand there
        pages, size = (self._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        if os.path.getsize(self.path) < pages * size:
            raise sqlite3.DatabaseError("malformed: its end is missing")

    def _migrate(self, version: int) -> None:
        """Bring an older store up to date; a populated one is copied beside itself first."""
        from sqlite_utils import Database as Tool

        from socialtriage.store.schema import migrations

        self._writer.execute("BEGIN IMMEDIATE")
        try:
            # Another window, or the poller, may have begun at the same moment: one of them does it.
            if self._writer.execute("PRAGMA user_version").fetchone()[0] < SCHEMA_VERSION:
                if version:
                    stamp = utc_now().strftime("%Y%m%d-%H%M%S")
                    self._copy_to(self.path.with_name(f"{self.path.name}.before-{version + 1}-{stamp}"))
                migrations.apply(Tool(self._writer, execute_plugins=False))
                self._writer.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            self._writer.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            raise

    def _copy_to(self, target: Path) -> None:
        partial = target.with_name(f".{target.name}")
        for each in self.path.parent.glob(f".{self.path.name}.before-*"):
            each.unlink(missing_ok=True)  # of an upgrade that was killed; whoever copies holds the store alone
        os.close(os.open(partial, os.O_CREAT | os.O_WRONLY, 0o600))
        try:
            # A connection cannot be copied while it writes; another one reads what stood there before.
            with contextlib.closing(self._open()) as source, contextlib.closing(sqlite3.connect(partial)) as copy:
                source.backup(copy)
            shutil.copymode(self.path, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _still_there(self) -> None:
        """What is written into a file that was deleted or replaced would be lost. Raises `StoreError`."""
        if _identity(self.path) != self._file:
            raise StoreError(
                f"The store {self.path} was moved, replaced or deleted while it was open; nothing was changed.",
                hint="Close socialtriage and start it again.",
            )

    @contextlib.contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One short IMMEDIATE transaction; nested calls join it.

        `durable` waits until the disk has it (outbox, log); intake does without: it can be polled again.
        Raises `StoreError`; on any error nothing is changed.
        """
        with self._write_lock:
            if self._depth:
                yield self._writer
                return
            self._still_there()
            try:
                if durable is not self._durable:
                    self._writer.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                    self._durable = durable
                self._begin()
            except sqlite3.Error as exc:
                raise explain(exc, self.path) from exc
            self._depth += 1
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException as exc:
                with contextlib.suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                if isinstance(exc, sqlite3.Error):
                    raise explain(exc, self.path) from exc
                raise
            finally:
                self._depth -= 1

    def _begin(self) -> None:
        """Begin to write, waiting up to `patience` for others.

        SQLite's own waiting sleeps ever longer, up to a tenth of a second, and misses the moments between the short
        transactions of a poller; looking every millisecond or two finds them.
        """
        end = time.monotonic() + self.patience
        self._writer.execute("PRAGMA busy_timeout=0")
        try:
            while True:
                try:
                    self._writer.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as exc:
                    if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                        raise
                time.sleep(WAIT)
        finally:
            self._writer.execute(f"PRAGMA busy_timeout={BUSY_MS}")

    @property
    def reader(self) -> sqlite3.Connection:
        """This thread's `query_only` connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if connection is None:
            if self._closed:
                raise StoreError("The store is closed.")
            connection = self._open()
            connection.executescript(READER_PRAGMAS)
            self._local.reader = connection
            self._readers.append(connection)
        return connection

    def all(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[Any]:
        """Every row of a read. Raises `StoreError`."""
        try:
            return self.reader.execute(sql, params).fetchall()
        except sqlite3.Error as exc:
            raise explain(exc, self.path) from exc

    def pages(self, sql: str, params: Sequence[Any], size: int) -> Iterator[list[Any]]:
        """The rows of a read, so many at a time, found as they are asked for. Raises `StoreError`."""
        cursor = self.reader.cursor()
        try:
            cursor.execute(sql, params)
            while rows := cursor.fetchmany(size):
                yield rows
        except sqlite3.Error as exc:
            raise explain(exc, self.path) from exc
        finally:
            cursor.close()

    def one(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The first row of a read, or None. Raises `StoreError`."""
        try:
            return self.reader.execute(sql, params).fetchone()
        except sqlite3.Error as exc:
            raise explain(exc, self.path) from exc

    def data_version(self) -> int:
        """A number that changes whenever anybody wrote, in this process or another; cheap, from any thread.

        Raises `StoreError`, also when the file is no longer in its place.
        """
        self._still_there()
        with self._watch_lock:
            try:
                if self._watch is None:
                    self._watch = self._open()
                    self._readers.append(self._watch)
                return int(self._watch.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as exc:
                raise explain(exc, self.path) from exc

    def others_write(self) -> bool:
        """Whether another process wrote within the last `RECENTLY` seconds. Raises `StoreError`."""
        with self._write_lock:
            try:
                version = int(self._writer.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as exc:
                raise explain(exc, self.path) from exc
            if version != self._others:
                # The first look only tells where the counting begins.
                self._others_at = time.monotonic() if self._others else self._others_at
                self._others = version
            return time.monotonic() - self._others_at < RECENTLY

    def quick_check(self) -> str | None:
        """None when the file is sound, else what SQLite found first."""
        try:
            said = str(self.reader.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.Error as exc:
            return str(exc)
        return None if said == "ok" else said

    def vacuum(self) -> bool:
        """Write the file anew, without the remains of what was deleted, and empty the log beside it.

        False when another connection still reads old pages there; they go when it ends. Raises `StoreError`.
        """
        with self._write_lock:
            self._still_there()
            try:
                self._writer.execute("VACUUM")
                return not self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.Error as exc:
                raise explain(exc, self.path) from exc

    def close(self) -> None:
        """Close every connection."""
        self._closed = True
        for connection in [*self._readers, self._writer]:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
