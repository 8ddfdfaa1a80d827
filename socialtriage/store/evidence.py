"""Files of messages that are still to be fetched, and what became of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from socialtriage.domain.models import MediaItem, MediaState, Visibility
from socialtriage.domain.times import iso
from socialtriage.store.database import Database
from socialtriage.store.rows import stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingMedia:
    """A file that is still at its source. `url` may hold a signature: it is never logged."""

    id: int
    case_id: int
    ref: str
    account: str
    kind: str
    url: str | None
    remote_id: str | None
    tries: int
    visibility: Visibility


MOST_LINKS = 12
"""Tries after which no new address of a file is taken up: some servers make one up at every reading."""
_PENDING = (
    "SELECT x.id, m.case_id, c.ref, m.account, x.kind, x.url, x.remote_id, x.tries, m.visibility FROM media x"
    " JOIN messages m ON m.id = x.message_id JOIN cases c ON c.id = m.case_id"
    " WHERE x.state = 'pending' AND (x.url IS NOT NULL OR x.remote_id IS NOT NULL)"
)


class Evidence:
    """Reading what is to be fetched."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def due(self, account: str, now: datetime, *, most_tries: int, limit: int) -> list[PendingMedia]:
        """Files of an account that may be asked for now, those of the newest messages first."""
        rows = self._db.all(
            f"{_PENDING} AND m.account = ? AND x.tries < ? AND (x.next_try_at IS NULL OR x.next_try_at <= ?)"
            " ORDER BY x.id DESC LIMIT ?",
            (account, most_tries, iso(now), limit),
        )
        return [_pending(r) for r in rows]

    def accounts_due(self, now: datetime, *, most_tries: int) -> list[str]:
        """Accounts with files that may be asked for now."""
        rows = self._db.all(
            "SELECT DISTINCT m.account FROM media x JOIN messages m ON m.id = x.message_id WHERE x.state = 'pending'"
            " AND (x.url IS NOT NULL OR x.remote_id IS NOT NULL) AND m.case_id IS NOT NULL AND x.tries < ?"
            " AND (x.next_try_at IS NULL OR x.next_try_at <= ?)",
            (most_tries, iso(now)),
        )
        return [r[0] for r in rows]

    def of_case(self, case_id: int) -> list[PendingMedia]:
        """Files of one case that are not here, however often they were asked for."""
        return [_pending(r) for r in self._db.all(f"{_PENDING} AND m.case_id = ? ORDER BY x.id", (case_id,))]


class EvidenceWriter:
    """Noting what became of files, inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def kept(self, media_id: int, *, sha256: str, size: int, path: str, mime: str) -> bool:
        """The file is here; False when somebody else was faster, or the message is gone."""
        cursor = self._c.execute(
            "UPDATE media SET state = 'kept', sha256 = ?, bytes = ?, path = ?, mime = ?, why = NULL,"
            " next_try_at = NULL, tries = tries + 1 WHERE id = ? AND state = 'pending'",
            (sha256, size, path, mime, media_id),
        )
        return cursor.rowcount == 1

    def relink(self, message_id: int, media: Sequence[MediaItem]) -> None:
        """The source names another address for a file that is not here: it is asked for there, while tries are left."""
        self._c.executemany(
            "UPDATE media SET url = ?1, state = 'pending', why = NULL, next_try_at = NULL WHERE message_id = ?2"
            " AND remote_id = ?3 AND state IN ('pending', 'expired') AND coalesce(url, '') != ?1 AND tries < ?4",
            ((m.url, message_id, m.remote_id, MOST_LINKS) for m in media if m.url and m.remote_id),
        )

    def ended(self, media_id: int, state: MediaState, why: str) -> bool:
        """The file will never be here."""
        cursor = self._c.execute(
            "UPDATE media SET state = ?, why = ?, next_try_at = NULL, tries = tries + 1"
            " WHERE id = ? AND state = 'pending'",
            (state, why, media_id),
        )
        return cursor.rowcount == 1

    def later(self, media_id: int, why: str, next_try_at: datetime | None) -> None:
        """The file could not be fetched this time."""
        self._c.execute(
            "UPDATE media SET why = ?, next_try_at = ?, tries = tries + 1 WHERE id = ? AND state = 'pending'",
            (why, stamp(next_try_at), media_id),
        )

    def waits(self, media_id: int, why: str) -> None:
        """The file could not be kept here, through no fault of its source: no try is counted."""
        self._c.execute("UPDATE media SET why = ? WHERE id = ? AND state = 'pending'", (why, media_id))


def _pending(r: Sequence[object]) -> PendingMedia:
    return PendingMedia(
        id=int(str(r[0])),
        case_id=int(str(r[1])),
        ref=str(r[2]),
        account=str(r[3]),
        kind=str(r[4]),
        url=None if r[5] is None else str(r[5]),
        remote_id=None if r[6] is None else str(r[6]),
        tries=int(str(r[7])),
        visibility=Visibility(str(r[8])),
    )
