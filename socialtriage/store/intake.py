"""Batched look-ups and inserts for intake: one statement a table, full-text rows written beside the messages."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from socialtriage.domain.cases import Case
from socialtriage.domain.late import dataclass
from socialtriage.domain.models import Incoming, MediaItem, MediaState, Voice
from socialtriage.domain.times import iso
from socialtriage.store.bulk import insert
from socialtriage.store.rows import CASE_COLUMNS, CASE_NAMES, case_values, stamp, to_case

MESSAGE_COLUMNS = (
    "id, account, remote_id, case_id, person_id, voice, visibility, text, who, subject, quoted, place, at, received_at,"
    " url, thread, conversation, parent, edited_at, language, automatic, reply_data, refs,"
    " state"
)
BACKGROUND = "background"
"""State of a resident's message that is kept only to understand another one: it was not written to us."""
SPOKEN = "coalesce(m.automatic, '') NOT IN ('auto_reply', 'bounce')"
"""Messages that somebody wrote, or may have: out-of-office notes and bounces are not among them."""
Place = Literal["thread", "conversation"]
"""The columns by which cases are found."""
MOST_EARLIER = 100
"""Earlier cases of one person that are looked at: nobody counts further."""
_C_COLUMNS = ", ".join(f"c.{name}" for name in CASE_NAMES)


@dataclass(slots=True)
class StoredMessage:
    """A message that is already here, as much as intake compares."""

    id: int
    remote_id: str
    case_id: int | None
    text: str
    subject: str | None
    voice: Voice
    thread: str
    gone: bool
    state: str
    redacted: bool = False
    """Its words were forgotten, and must not come back."""


class KnownPerson(NamedTuple):
    """A person who wrote before."""

    id: int
    handle: str
    name: str
    linked_to: int | None


class EarlierCase(NamedTuple):
    """A case as much as a repeat contact needs of it."""

    id: int
    person_id: int
    opened_at: datetime
    waiting_since: datetime | None


@dataclass(frozen=True, slots=True)
class Revised:
    """A stored message whose source now says something else."""

    message: StoredMessage
    item: Incoming


_as_json = json.JSONEncoder(ensure_ascii=False).encode


def buried(account: str, remote_id: str) -> str:
    """What a tombstone knows a message by: ids of networks may hold who wrote it."""
    return hashlib.sha256(f"{account}\n{remote_id}".encode("utf-8", "surrogatepass")).hexdigest()


class IntakeWriter:
    """What intake reads and writes inside one transaction. Ids are handed out here: the transaction is exclusive."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def next_id(self, table: str) -> int:
        """The first free id of a table."""
        return int(self._c.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()[0])

    def messages(self, account: str, remote_ids: Sequence[str]) -> dict[str, StoredMessage]:
        """Those of `remote_ids` that are stored."""
        rows = self._c.execute(
            "SELECT id, remote_id, case_id, text, subject, voice, thread, gone_at IS NOT NULL, state,"
            " redacted_at IS NOT NULL FROM messages"
            " WHERE account = ? AND remote_id IN (SELECT value FROM json_each(?))",
            (account, json.dumps(remote_ids)),
        )
        return {
            r[1]: StoredMessage(r[0], r[1], r[2], r[3], r[4], Voice(r[5]), r[6], bool(r[7]), r[8], bool(r[9]))
            for r in rows
        }

    def cases_of_messages(self, account: str, remote_ids: Sequence[str]) -> dict[str, int]:
        """The cases of those of `remote_ids` that are stored and have one."""
        rows = self._c.execute(
            "SELECT remote_id, case_id FROM messages WHERE account = ? AND case_id IS NOT NULL"
            " AND remote_id IN (SELECT value FROM json_each(?))",
            (account, json.dumps(remote_ids)),
        )
        return dict(rows.fetchall())

    def tombstones(self, account: str, remote_ids: Sequence[str]) -> set[str]:
        """Those of `remote_ids` that were deleted here and must not come back."""
        if self._c.execute("SELECT 1 FROM tombstones WHERE account = ? LIMIT 1", (account,)).fetchone() is None:
            return set()
        hidden = {buried(account, i): i for i in remote_ids}
        rows = self._c.execute(
            "SELECT remote_id FROM tombstones WHERE account = ? AND remote_id IN (SELECT value FROM json_each(?))",
            (account, json.dumps([*hidden])),
        )
        return {hidden[r[0]] for r in rows}

    def persons(self, network: str, keys: Sequence[str]) -> dict[str, KnownPerson]:
        """Those persons that are known, by key."""
        rows = self._c.execute(
            "SELECT key, id, handle, name, linked_to FROM persons WHERE network = ?"
            " AND key IN (SELECT value FROM json_each(?))",
            (network, json.dumps(keys)),
        )
        return {r[0]: KnownPerson(*r[1:]) for r in rows}

    def linked(self, heads: Iterable[int]) -> dict[int, set[int]]:
        """Identities that an officer linked to these persons, by the person they were linked to."""
        found: dict[int, set[int]] = {}
        for head, other in self._c.execute(
            "SELECT linked_to, id FROM persons WHERE linked_to IN (SELECT value FROM json_each(?))",
            (json.dumps(list(heads)),),
        ):
            found.setdefault(head, {head}).add(other)
        return found

    def earlier_cases(self, person_ids: Sequence[int], since: str) -> list[EarlierCase]:
        """Cases that these persons opened since then, automatic mail left out; of each the last `MOST_EARLIER`."""
        rows = self._c.execute(
            "SELECT c.id, c.person_id, c.opened_at, c.waiting_since FROM json_each(?) w CROSS JOIN cases c ON c.id IN"
            " (SELECT id FROM cases WHERE person_id = w.value AND opened_at >= ? AND flags NOT LIKE '%\"automatic%'"
            " ORDER BY opened_at DESC LIMIT ?) ORDER BY c.id",
            (json.dumps(person_ids), since, MOST_EARLIER),
        )
        at = datetime.fromisoformat
        return [EarlierCase(r[0], r[1], at(r[2]), at(r[3]) if r[3] else None) for r in rows]

    def cases_by_ref(self, refs: Sequence[str]) -> dict[str, Case]:
        """Cases by reference."""
        rows = self._c.execute(
            f"SELECT {CASE_COLUMNS} FROM cases WHERE ref IN (SELECT value FROM json_each(?))", (json.dumps(refs),)
        )
        return {case.ref: case for case in map(to_case, rows)}

    def cases_in(self, account: str, place: Place, pairs: Iterable[tuple[str, int]]) -> list[Case]:
        """The cases of an account for pairs of a thread or conversation and a person."""
        rows = self._c.execute(
            f"SELECT {_C_COLUMNS} FROM json_each(?) w CROSS JOIN cases c ON c.account = ?"
            f" AND c.{place} = json_extract(w.value, '$[0]') AND c.person_id = json_extract(w.value, '$[1]')"
            " ORDER BY c.id",
            (json.dumps(list(pairs)), account),
        )
        return [to_case(r) for r in rows]

    def people_in(self, account: str, place: Place, key: str) -> list[int]:
        """Persons with a case in a thread or conversation, at most two: more would not tell which case is meant."""
        rows = self._c.execute(
            f"SELECT DISTINCT person_id FROM cases WHERE account = ? AND {place} = ? LIMIT 2", (account, key)
        )
        return [r[0] for r in rows]

    def taken_refs(self, refs: Sequence[str]) -> set[str]:
        """Those of `refs` that a case already has."""
        rows = self._c.execute(
            "SELECT ref FROM cases WHERE ref IN (SELECT value FROM json_each(?))", (json.dumps(refs),)
        )
        return {r[0] for r in rows}

    def add_persons(self, network: str, rows: Iterable[tuple[int, str, str, str, str | None, str]]) -> None:
        """New persons: id, key, handle, name, url, first seen."""
        insert(
            self._c,
            "INSERT INTO persons (id, network, key, handle, name, url, first_at)",
            ((r[0], network, *r[1:]) for r in rows),
        )

    def rename_persons(self, rows: Iterable[tuple[str, str, int]]) -> None:
        """Persons who changed handle or name: handle, name, id."""
        self._c.executemany("UPDATE persons SET handle = ?, name = ? WHERE id = ?", rows)

    def add_cases(self, cases: Sequence[Case]) -> None:
        """New cases."""
        insert(self._c, f"INSERT INTO cases ({CASE_COLUMNS}, lane, due_sort)", map(case_values, cases))
        counts = Counter(case.person_id for case in cases)
        for count in set(counts.values()):
            people = [person for person, number in counts.items() if number == count]
            self._c.execute(
                "UPDATE persons SET cases = cases + ? WHERE id IN (SELECT value FROM json_each(?))",
                (count, json.dumps(people)),
            )

    def link_cases(self, links: Iterable[tuple[int, int, str, str]]) -> None:
        """Cases that belong together: a, b, why, when."""
        insert(self._c, "INSERT OR IGNORE INTO case_links", links)

    def add_messages(
        self, account: str, received_at: str, rows: Sequence[tuple[int, int | None, int | None, Voice, Incoming]]
    ) -> None:
        """New messages (id, case, person, voice, item), with their full-text rows and media."""
        if not rows:
            return
        values = (_message_values(account, received_at, *row) for row in rows)
        insert(self._c, f"INSERT INTO messages ({MESSAGE_COLUMNS})", values)
        first, last = rows[0][0], rows[-1][0]
        self._c.execute(
            "INSERT INTO messages_fts (rowid, text, who, subject)"
            " SELECT id, text, who, subject FROM messages WHERE id BETWEEN ? AND ? ORDER BY id",
            (first, last),
        )
        insert(
            self._c,
            "INSERT INTO media (message_id, kind, name, url, mime, alt, remote_id, state, sha256, bytes, path)",
            ((row[0], *_media_values(m)) for row in rows for m in row[4].media),
        )

    def revise(self, revised: Sequence[Revised], now: str) -> None:
        """Keep the old text as a revision, and bring message and full-text row up to date."""
        for r in revised:
            old, item = r.message, r.item
            who = self._c.execute("SELECT who FROM messages WHERE id = ?", (old.id,)).fetchone()[0]
            self._c.execute(
                "INSERT INTO messages_fts (messages_fts, rowid, text, who, subject) VALUES ('delete', ?, ?, ?, ?)",
                (old.id, old.text, who, old.subject),
            )
            self._c.execute(
                "INSERT INTO revisions (message_id, text, replaced_at) VALUES (?, ?, ?)", (old.id, old.text, now)
            )
            self._c.execute(
                "UPDATE messages SET text = ?, subject = ?, edited_at = ?, reply_data = ? WHERE id = ?",
                (item.text, item.subject, stamp(item.edited_at) or now, json.dumps(dict(item.reply_data)), old.id),
            )
            self._c.execute(
                "INSERT INTO messages_fts (rowid, text, who, subject)"
                " SELECT id, text, who, subject FROM messages WHERE id = ?",
                (old.id,),
            )

    def mark_gone(self, message_ids: Iterable[int], now: str) -> None:
        """The source no longer has these; our copies stay for the record."""
        self._c.executemany(
            "UPDATE messages SET gone_at = ? WHERE id = ? AND gone_at IS NULL", ((now, i) for i in message_ids)
        )

    def back_again(self, message_ids: Iterable[int]) -> None:
        """The source has these after all."""
        self._c.executemany("UPDATE messages SET gone_at = NULL WHERE id = ?", ((i,) for i in message_ids))

    def bury(self, account: str, remote_ids: Iterable[str], why: str, now: str) -> None:
        """Messages that were deleted here: polling does not bring them back."""
        self._c.executemany(
            "INSERT OR IGNORE INTO tombstones VALUES (?, ?, ?, ?)",
            ((account, buried(account, i), now, why) for i in remote_ids),
        )

    def strays(self, account: str, parents: Sequence[str], conversations: Sequence[str]) -> list[tuple[int, str, str]]:
        """Our own messages without a case: (id, parent, conversation) of those that these belong to."""
        rows = self._c.execute(
            "SELECT id, coalesce(parent, ''), coalesce(conversation, '') FROM messages"
            " WHERE account = ? AND case_id IS NULL AND voice = 'officer'"
            " AND parent IN (SELECT value FROM json_each(?))"
            " UNION SELECT id, coalesce(parent, ''), conversation FROM messages WHERE account = ? AND case_id IS NULL"
            " AND voice = 'officer' AND conversation IN (SELECT value FROM json_each(?))",
            (account, json.dumps(parents), account, json.dumps(conversations)),
        )
        return [(r[0], r[1], r[2]) for r in rows]

    def adopt(self, rows: Iterable[tuple[int, int]]) -> None:
        """Give stray messages their case: (case, message)."""
        self._c.executemany("UPDATE messages SET case_id = ? WHERE id = ?", rows)

    def addressed(self, message_ids: Iterable[int]) -> None:
        """These were background, and turned out to be written to us."""
        self._c.executemany("UPDATE messages SET state = 'received' WHERE id = ?", ((i,) for i in message_ids))

    def timeline(self, case_id: int) -> list[tuple[str, Voice]]:
        """When who spoke in a case to whom, oldest first, without out-of-office notes, bounces and background."""
        rows = self._c.execute(
            f"SELECT at, voice FROM messages m WHERE case_id = ? AND {SPOKEN} AND state != ? ORDER BY at, id",
            (case_id, BACKGROUND),
        )
        return [(r[0], Voice(r[1])) for r in rows]


def _message_values(
    account: str, received_at: str, id_: int, case_id: int | None, person_id: int | None, voice: Voice, item: Incoming
) -> tuple[Any, ...]:
    handle, name = item.author.handle, item.author.name
    return (
        id_,
        account,
        item.remote_id,
        case_id,
        person_id,
        voice,
        item.visibility,
        item.text,
        f"{name} {handle}" if name and name != handle else handle,
        item.subject,
        item.quoted,
        item.place,
        min(iso(item.at), received_at),
        received_at,
        item.url,
        item.thread,
        item.conversation,
        item.parent,
        stamp(item.edited_at),
        item.language,
        item.automatic,
        _as_json(dict(item.reply_data)) if item.reply_data else "{}",
        json.dumps(item.references) if item.references else None,
        BACKGROUND if item.context and not item.own else "received",
    )


def media_path(digest: str) -> str:
    """Where kept bytes stand below the media folder."""
    return f"{digest[:2]}/{digest}"


def _media_values(item: MediaItem) -> tuple[Any, ...]:
    shown = (item.kind, item.name, item.url, item.mime, item.alt, item.remote_id)
    if item.data is None:
        return (*shown, item.state, None, None, None)
    digest = hashlib.sha256(item.data).hexdigest()
    return (*shown, MediaState.KEPT, digest, len(item.data), media_path(digest))
