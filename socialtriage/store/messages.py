"""Reading messages, their media and revisions; writing the ones that we sent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from socialtriage.domain.late import dataclass
from socialtriage.domain.models import Author, MediaState, SafeText, StoredRef, Visibility, Voice
from socialtriage.domain.times import from_iso, iso
from socialtriage.domain.views import MediaView, MessageView, Revision
from socialtriage.store.database import Database
from socialtriage.store.intake import SPOKEN
from socialtriage.store.rows import slots, when


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A message of ours that a network took."""

    account: str
    remote_id: str
    case_id: int
    visibility: Visibility
    text: str
    who: str
    at: datetime
    url: str | None
    thread: str
    conversation: str | None
    parent: str | None
    outbox_id: int
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerable:
    """A message that can be answered, and who wrote it."""

    message: StoredRef
    author: Author
    account: str
    subject: str | None
    references: tuple[str, ...]
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A resident's message as a place where an answer may stand."""

    id: int
    at: datetime
    text: SafeText
    answerable: Answerable


class MessageWriter:
    """Changes of messages inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def add_sent(self, m: SentMessage) -> bool:
        """Our own message joins its case; when polling brought it first, that row is completed.

        Whether the case has a message more than before.
        """
        there = self._c.execute(
            "SELECT case_id FROM messages WHERE account = ? AND remote_id = ?", (m.account, m.remote_id)
        ).fetchone()
        row = self._c.execute(
            "INSERT INTO messages (account, remote_id, case_id, voice, visibility, text, who, subject, at, received_at,"
            " url, thread, conversation, parent, state, outbox_id)"
            " VALUES (?, ?, ?, 'officer', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'sent', ?)"
            " ON CONFLICT (account, remote_id) DO UPDATE SET case_id = excluded.case_id,"
            " outbox_id = excluded.outbox_id, state = 'sent'"
            " RETURNING id, (SELECT count(*) FROM messages_fts_docsize d WHERE d.id = messages.id)",
            (
                m.account,
                m.remote_id,
                m.case_id,
                m.visibility,
                m.text,
                m.who,
                m.subject,
                iso(m.at),
                iso(m.at),
                m.url,
                m.thread,
                m.conversation,
                m.parent,
                m.outbox_id,
            ),
        ).fetchone()
        if not row[1]:
            self._c.execute(
                "INSERT INTO messages_fts (rowid, text, who, subject) VALUES (?, ?, ?, ?)",
                (row[0], m.text, m.who, m.subject),
            )
        return there is None or there[0] != m.case_id

    def answered_from_here(self, case_id: int, since: datetime) -> bool:
        """Whether an answer of this desk, not one that was written elsewhere, is later than a moment."""
        found = self._c.execute(
            "SELECT 1 FROM messages WHERE case_id = ? AND voice = 'officer' AND state = 'sent' AND at > ? LIMIT 1",
            (case_id, iso(since)),
        )
        return found.fetchone() is not None

    def checked(self, message_ids: Sequence[int], now: datetime) -> None:
        """These were read again at their source."""
        self._c.executemany("UPDATE messages SET checked_at = ? WHERE id = ?", ((iso(now), i) for i in message_ids))


_COLUMNS = (
    "m.id, m.remote_id, m.voice, m.visibility, m.who, m.text, m.quoted, m.subject, m.place, m.at, m.received_at,"
    " m.url, m.state, m.edited_at, m.gone_at, m.account, p.handle, p.name"
)


class Messages:
    """Reading messages."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of_case(self, case_id: int) -> list[MessageView]:
        """Every message of a case, oldest first, with media and revisions."""
        rows = self._db.all(
            f"SELECT {_COLUMNS} FROM messages m LEFT JOIN persons p ON p.id = m.person_id"
            " WHERE m.case_id = ? ORDER BY m.at, m.id",
            (case_id,),
        )
        media = self._media(case_id)
        revisions = self._revisions(case_id)
        return [_view(r, media.get(r[0], ()), revisions.get(r[0], ())) for r in rows]

    def _media(self, case_id: int) -> dict[int, tuple[MediaView, ...]]:
        found: dict[int, tuple[MediaView, ...]] = {}
        for r in self._db.all(
            "SELECT x.message_id, x.id, x.kind, x.name, x.mime, x.alt, x.state, x.sha256, x.bytes, x.path, x.why"
            " FROM media x"
            " JOIN messages m ON m.id = x.message_id WHERE m.case_id = ? ORDER BY x.id",
            (case_id,),
        ):
            alt = SafeText(r[5]) if r[5] else None
            view = MediaView(r[1], r[2], SafeText(r[3]), r[4], alt, MediaState(r[6]), r[7], r[8], r[9], r[10])
            found[r[0]] = (*found.get(r[0], ()), view)
        return found

    def _revisions(self, case_id: int) -> dict[int, tuple[Revision, ...]]:
        found: dict[int, tuple[Revision, ...]] = {}
        for message_id, text, at in self._db.all(
            "SELECT r.message_id, r.text, r.replaced_at FROM revisions r JOIN messages m ON m.id = r.message_id"
            " WHERE m.case_id = ? ORDER BY r.id",
            (case_id,),
        ):
            found[message_id] = (*found.get(message_id, ()), Revision(SafeText(text), from_iso(at)))
        return found

    def thread_of(self, account: str, remote_ids: Sequence[str]) -> Mapping[str, str]:
        """Thread keys of those of `remote_ids` that are stored."""
        return dict(
            self._db.all(
                f"SELECT remote_id, thread FROM messages WHERE account = ? AND remote_id IN ({slots(remote_ids)})",
                (account, *remote_ids),
            )
        )

    def to_reread(
        self, account: str, *, young_since: datetime, before: datetime, limit: int
    ) -> list[tuple[int, StoredRef]]:
        """Messages of open cases that are due for another look: those never or longest not looked at first.

        `young_since`: only messages newer than this; `before`: only those not checked since then. What was imported
        from a file has no source that could be asked, and what we hid some networks no longer show to us either.
        """
        rows = self._db.all(
            "SELECT m.id, m.remote_id, m.thread, m.conversation, m.visibility, m.reply_data FROM cases c"
            " JOIN messages m ON m.case_id = c.id WHERE c.account = :account AND c.lane < 5 AND m.account = :account"
            " AND m.gone_at IS NULL AND m.voice = 'resident' AND m.at >= :young AND m.remote_id NOT LIKE 'import:%'"
            " AND m.state != 'hidden'"
            " AND coalesce(m.checked_at, m.received_at) < :before ORDER BY m.checked_at, m.id LIMIT :limit",
            {"account": account, "young": iso(young_since), "before": iso(before), "limit": limit},
        )
        return [(r[0], _ref(r[1:])) for r in rows]

    def to_answer(self, case_id: int, message_id: int | None = None) -> Answerable | None:
        """What an answer to a case answers: the resident's newest message that is still at its source, or one of
        theirs that was chosen.
        """
        r = self._db.one(
            f"{_TO_ANSWER} AND (?2 IS NULL OR m.id = ?2) ORDER BY m.gone_at IS NOT NULL, m.at DESC, m.id DESC LIMIT 1",
            (case_id, message_id),
        )
        return _answerable(r) if r is not None else None

    def asked(self, case_id: int) -> list[Asked]:
        """Every message of the resident that is still at its source, the newest first."""
        rows = self._db.all(f"{_TO_ANSWER} AND m.gone_at IS NULL ORDER BY m.at DESC, m.id DESC", (case_id,))
        return [Asked(id=r[13], at=from_iso(r[14]), text=SafeText(r[15]), answerable=_answerable(r)) for r in rows]

    def last_at(self, account: str) -> datetime | None:
        """When the newest message of an account was written."""
        row = self._db.one("SELECT at FROM messages WHERE account = ? ORDER BY id DESC LIMIT 1", (account,))
        return when(row[0]) if row else None


_TO_ANSWER = (
    "SELECT m.remote_id, m.thread, m.conversation, m.visibility, m.reply_data, p.key, p.handle, p.name, p.url,"
    " m.account, m.subject, m.refs, m.language, m.id, m.at, m.text FROM messages m JOIN persons p ON p.id = m.person_id"
    f" WHERE m.case_id = ?1 AND m.voice = 'resident' AND {SPOKEN}"
)


def _answerable(r: Sequence[Any]) -> Answerable:
    return Answerable(
        message=_ref(r),
        author=Author(r[5], SafeText(r[6]), SafeText(r[7]), r[8]),
        account=r[9],
        subject=r[10],
        references=tuple(json.loads(r[11] or "[]")),
        language=r[12],
    )


def _ref(r: Sequence[Any]) -> StoredRef:
    return StoredRef(r[0], r[1], r[2], Visibility(r[3]), json.loads(r[4]))


def _view(r: Sequence[Any], media: tuple[MediaView, ...], revisions: tuple[Revision, ...]) -> MessageView:
    return MessageView(
        id=r[0],
        remote_id=r[1],
        voice=Voice(r[2]),
        visibility=Visibility(r[3]),
        handle=SafeText(r[16] or r[4]),
        name=SafeText(r[17] or r[4]),
        text=SafeText(r[5]),
        quoted=SafeText(r[6]) if r[6] else None,
        subject=SafeText(r[7]) if r[7] else None,
        place=SafeText(r[8]) if r[8] else None,
        at=from_iso(r[9]),
        received_at=from_iso(r[10]),
        url=r[11],
        state=r[12],
        edited_at=when(r[13]),
        gone_at=when(r[14]),
        account=r[15],
        media=media,
        revisions=revisions,
    )
