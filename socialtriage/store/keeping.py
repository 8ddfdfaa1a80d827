"""What is due to be forgotten, who somebody is over all their identities, and making the file small again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from socialtriage.domain.models import SafeText
from socialtriage.domain.times import iso
from socialtriage.store.database import Database
from socialtriage.store.forget import NOBODY, live_files
from socialtriage.store.intake import IntakeWriter
from socialtriage.store.search import like, match

_WAITS = "EXISTS (SELECT 1 FROM outbox o WHERE o.case_id = c.id AND o.state IN ('queued', 'sending', 'unknown'))"
FOUND = 200
"""People that a search shows at most."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as one network knows them."""

    id: int
    network: str
    key: str
    handle: SafeText
    name: SafeText
    url: str | None
    first_at: str
    needs: str
    linked_to: int | None
    cases: int
    open_cases: int


@dataclass(frozen=True, slots=True)
class Words:
    """A message of somebody that stands in no case of theirs."""

    account: str
    at: str
    subject: str | None
    text: str
    files: tuple[tuple[str, str, str], ...] = ()
    """Of each the hash, the name, and the place below the media folder."""


_PERSON = (
    "p.id, p.network, p.key, p.handle, p.name, p.url, p.first_at, p.needs, p.linked_to,"
    " (SELECT count(*) FROM cases c WHERE c.person_id = p.id),"
    " (SELECT count(*) FROM cases c WHERE c.person_id = p.id AND c.lane < 5)"
)


_PLACE = "coalesce(c.ref, (SELECT ref FROM cases WHERE id = a.case_id), 'mail ' || a.message_id)"
_NAMED_IN_WORDS = (
    f"SELECT DISTINCT {_PLACE} FROM messages_fts f JOIN messages m ON m.id = f.rowid LEFT JOIN cases c"
    " ON c.id = m.case_id LEFT JOIN contact_mails a ON a.message_id = m.id"
    " WHERE messages_fts MATCH ? AND (m.text LIKE ?2 ESCAPE '\\' OR m.subject LIKE ?2 ESCAPE '\\')"
    f" AND {_PLACE} IS NOT NULL LIMIT 100"
)
_NAMED_IN_NOTES = (
    "SELECT DISTINCT e.ref FROM event_notes n JOIN events e ON e.seq = n.seq"
    " WHERE n.text LIKE :text ESCAPE '\\' AND e.ref IS NOT NULL LIMIT 100"
)
_NAMED_IN_MAILS = (
    f"SELECT DISTINCT {_PLACE} FROM contact_mails a JOIN messages m ON m.id = a.message_id"
    " LEFT JOIN cases c ON c.id = m.case_id WHERE m.quoted LIKE :text ESCAPE '\\' LIMIT 100"
)


_LIKE = "LIKE :text ESCAPE '\\'"
_NAMED_BESIDE = (
    f"SELECT c.ref FROM drafts d JOIN cases c ON c.id = d.case_id WHERE d.text {_LIKE}",
    f"SELECT c.ref FROM outbox o JOIN cases c ON c.id = o.case_id WHERE o.body {_LIKE}",
    f"SELECT ref FROM cases WHERE facts != '[]' AND facts {_LIKE}",
    f"SELECT ref FROM moderation WHERE reason {_LIKE}",
    f"SELECT c.ref FROM case_links l JOIN cases c ON c.id IN (l.a, l.b) WHERE l.why {_LIKE}",
    f"SELECT 'incident ' || name FROM incidents WHERE name || char(10) || text || char(10) || keywords {_LIKE}",
    f"SELECT 'incident ' || i.name FROM incident_posts p JOIN incidents i ON i.id = p.incident_id WHERE p.text {_LIKE}",
    f"SELECT 'a statement that ' || officer || ' writes' FROM statement_drafts WHERE text {_LIKE}",
)
"""What officers wrote or write: about others' cases, and to everybody."""
_MIXED = (
    "SELECT t.ref FROM case_moves v JOIN cases t ON t.id = v.target WHERE v.kind = 'merge' AND v.state = 'done'"
    " AND v.source IN (SELECT value FROM json_each(:ids)) UNION"
    " SELECT s.ref FROM case_moves v JOIN cases s ON s.id = v.source WHERE v.kind = 'split' AND v.state = 'done'"
    " AND v.target IN (SELECT value FROM json_each(:ids))"
)


class Keeping:
    """Reading for retention and for data subjects."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def due(self, kinds: Sequence[str], others: bool, before: datetime, limit: int) -> list[int]:
        """Closed cases whose time is over, of these kinds, or with `others` of every other kind; oldest first.

        Cases with something on its way are left out.
        """
        which = "c.kind IS NULL OR c.kind NOT IN" if others else "c.kind IN"
        rows = self._db.all(
            "SELECT c.id FROM cases c WHERE c.lane = 5 AND c.redacted_at IS NULL AND c.closed_at < :before"
            f" AND ({which} (SELECT value FROM json_each(:kinds))) AND NOT {_WAITS} ORDER BY c.closed_at LIMIT :limit",
            {"before": iso(before), "kinds": json.dumps(list(kinds)), "limit": limit},
        )
        return [r[0] for r in rows]

    def held_back(self, before: datetime) -> int:
        """Closed cases since before a moment that still have something on its way."""
        sql = f"SELECT count(*) FROM cases c WHERE lane = 5 AND redacted_at IS NULL AND closed_at < ? AND {_WAITS}"
        return int(self._db.one(sql, (iso(before),))[0])

    def media_due(self, before: datetime, limit: int) -> list[int]:
        """Kept files of cases closed before a moment."""
        rows = self._db.all(
            "SELECT x.id FROM cases c JOIN messages m ON m.case_id = c.id JOIN media x ON x.message_id = m.id"
            " WHERE c.lane = 5 AND c.redacted_at IS NULL AND c.closed_at < ? AND x.path IS NOT NULL LIMIT ?",
            (iso(before), limit),
        )
        return [r[0] for r in rows]

    def stored_too_long(self, network: str, before: datetime, limit: int) -> list[int]:
        """Residents' messages of a network that arrived before a moment and still have their words."""
        rows = self._db.all(
            "SELECT m.id FROM messages m JOIN cases c ON c.id = m.case_id WHERE c.network = ? AND m.received_at < ?"
            " AND m.redacted_at IS NULL AND m.voice = 'resident' ORDER BY m.id LIMIT ?",
            (network, iso(before), limit),
        )
        return [r[0] for r in rows]

    def strays(self, before: datetime, limit: int) -> list[int]:
        """Messages in no case that arrived before a moment and still have their words; our own posts are left."""
        rows = self._db.all(
            "SELECT id FROM messages WHERE case_id IS NULL AND voice != 'officer' AND redacted_at IS NULL"
            " AND received_at < ? LIMIT ?",
            (iso(before), limit),
        )
        return [r[0] for r in rows]

    def nobodies(self, before: datetime) -> list[int]:
        """People first seen before a moment of whom nothing is left."""
        return [
            r[0] for r in self._db.all(f"SELECT p.id FROM persons p WHERE p.first_at < ? AND {NOBODY}", (iso(before),))
        ]

    def refs(self, case_ids: Sequence[int]) -> dict[int, str]:
        """References by id."""
        sql = "SELECT id, ref FROM cases WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._db.all(sql, (json.dumps(list(case_ids)),)))

    def restricted(self, refs: Sequence[str] | None = None) -> set[str]:
        """References of the restricted cases; with `refs` only of those."""
        among = "" if refs is None else " AND ref IN (SELECT value FROM json_each(?))"
        values = () if refs is None else (json.dumps(list(refs)),)
        return {r[0] for r in self._db.all(f"SELECT ref FROM cases WHERE flags LIKE '%\"restricted\"%'{among}", values)}

    def find(self, text: str) -> list[Identity]:
        """People whose handle, name or key holds a text, by handle."""
        rows = self._db.all(
            rf"SELECT {_PERSON} FROM persons p WHERE (p.handle LIKE :text ESCAPE '\' OR p.name LIKE :text ESCAPE '\'"
            r" OR p.key LIKE :text ESCAPE '\') AND p.key NOT LIKE 'redacted:%' ORDER BY p.handle LIMIT :limit",
            {"text": like(text), "limit": FOUND},
        )
        return [_identity(r) for r in rows]

    def by_key(self, key: str, network: str | None) -> list[Identity]:
        """Identities with exactly this key or handle, with or without `@`."""
        rows = self._db.all(
            f"SELECT {_PERSON} FROM persons p WHERE (p.key = :key COLLATE NOCASE OR ltrim(p.handle, '@') = :bare"
            " COLLATE NOCASE) AND (:network IS NULL OR p.network = :network) AND p.key NOT LIKE 'redacted:%'",
            {"key": key, "bare": key.lstrip("@"), "network": network},
        )
        return [_identity(r) for r in rows]

    def linked(self, person: Identity) -> list[Identity]:
        """Every identity that officers linked to this one, itself included."""
        head = person.linked_to or person.id
        rows = self._db.all(
            f"SELECT {_PERSON} FROM persons p WHERE p.id = :head OR p.linked_to = :head OR p.id = :own ORDER BY p.id",
            {"head": head, "own": person.id},
        )
        return [_identity(r) for r in rows]

    def cases_of(self, person_ids: Sequence[int]) -> list[int]:
        """Every case of these people, oldest first."""
        sql = "SELECT id FROM cases WHERE person_id IN (SELECT value FROM json_each(?)) ORDER BY opened_at, id"
        return [r[0] for r in self._db.all(sql, (json.dumps(list(person_ids)),))]

    def words_elsewhere(self, person_ids: Sequence[int]) -> list[tuple[int, int | None]]:
        """Messages of these people that stand in nobody's case or in somebody else's: id and case.

        A mail of theirs in the mailbox of contacts' answers has no person; there they are known by their address.
        """
        sql = (
            "SELECT m.id, m.case_id FROM messages m LEFT JOIN cases c ON c.id = m.case_id WHERE m.id IN ("
            "SELECT id FROM messages WHERE person_id IN (SELECT value FROM json_each(:ids)) UNION SELECT a.message_id"
            " FROM contact_mails a JOIN persons p ON a.sender = p.key COLLATE NOCASE AND p.network = 'imap'"
            " WHERE p.id IN (SELECT value FROM json_each(:ids))) AND m.redacted_at IS NULL"
            " AND (c.id IS NULL OR c.person_id NOT IN (SELECT value FROM json_each(:ids)))"
        )
        return [(r[0], r[1]) for r in self._db.all(sql, {"ids": json.dumps(list(person_ids))})]

    def words(self, message_ids: Sequence[int]) -> list[Words]:
        """What messages say, with the files that are kept of them; by time."""
        ids = json.dumps(list(message_ids))
        kept: dict[int, list[tuple[str, str, str]]] = {}
        for message_id, *file in self._db.all(
            "SELECT message_id, sha256, coalesce(nullif(name, ''), kind), path FROM media"
            " WHERE path IS NOT NULL AND message_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (ids,),
        ):
            kept.setdefault(message_id, []).append((file[0], file[1], file[2]))
        sql = "SELECT id, account, at, subject, text FROM messages WHERE id IN (SELECT value FROM json_each(?))"
        rows = self._db.all(f"{sql} ORDER BY at, id", (ids,))
        return [Words(r[1], r[2], r[3], r[4], tuple(kept.get(r[0], ()))) for r in rows]

    def own_messages(self, person_ids: Sequence[int]) -> set[int]:
        """Ids of everything that these people wrote."""
        sql = "SELECT id FROM messages WHERE person_id IN (SELECT value FROM json_each(?))"
        return {r[0] for r in self._db.all(sql, (json.dumps(list(person_ids)),))}

    def named_in(self, handle: str, name: str) -> list[str]:
        """Where other words name somebody: references of cases, `mail 12` for contacts' mails in no case, `incident X`.

        Looked for are the handle, also without its server, and the name where it has two words.
        """
        found: set[str] = set()
        short = "@" + handle.lstrip("@").partition("@")[0]
        for text, exactly in ((handle, ""), (short, short), (name if " " in name.strip() else "", "")):
            expression = match(f'"{text}" ') if text.strip("@") else None
            if expression is None:
                continue
            values = (f"{{text subject}} : {expression}", like(exactly, at=True))
            found.update(r[0] for r in self._db.all(_NAMED_IN_WORDS, values))
            pattern = {"text": like(text, at=text == short)}
            for sql in (_NAMED_IN_NOTES, _NAMED_IN_MAILS, *_NAMED_BESIDE):
                found.update(r[0] for r in self._db.all(sql, pattern))
        return sorted(found)

    def mixed_with(self, case_ids: Sequence[int]) -> set[str]:
        """References of the cases that one of these was merged into or split from: what was handed on quotes both."""
        return {r[0] for r in self._db.all(_MIXED, {"ids": json.dumps(list(case_ids))})}

    def leaving(self, case_ids: Sequence[int]) -> list[str]:
        """References of those cases of which something is on its way at this moment."""
        rows = self._db.all(
            "SELECT DISTINCT c.ref FROM outbox o JOIN cases c ON c.id = o.case_id WHERE o.state = 'sending'"
            " AND c.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(case_ids)),),
        )
        return [r[0] for r in rows]

    def buried(self, account: str, remote_ids: Sequence[str]) -> set[str]:
        """Those of these messages that were forgotten and must not come back."""
        return IntakeWriter(self._db.reader).tombstones(account, remote_ids)

    def still_used(self, paths: Sequence[str]) -> set[str]:
        """Those of these files that a message has."""
        return live_files(self._db.reader, paths)

    def compact(self) -> bool:
        """Take what was forgotten out of the file for good. False when another window still holds old pages of it.

        Raises `StoreError`, also when the disk has no room for it.
        """
        step = -500
        while True:
            with self._db.write() as c:
                before = c.total_changes
                c.execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('merge', ?)", (step,))
                if c.total_changes - before < 2:
                    break
            step = 500
        return self._db.vacuum()


def _identity(r: Sequence[object]) -> Identity:
    return Identity(*r)  # type: ignore[arg-type]
