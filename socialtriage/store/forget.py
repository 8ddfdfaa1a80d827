"""Forgetting the words of cases and people, so that nothing of them is left in the file; counts and figures stay.

Every message that is forgotten leaves a tombstone, so that polling cannot bring it back. What stands for the words in
the log's chain is a hash with a salt of its own, which is destroyed with them.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from socialtriage.domain.times import iso
from socialtriage.store.intake import buried

SHOWN = "[redacted]"
"""What lists show in the place of words and people."""
BARE_LINK = "linked by an officer"
"""What is noted of a link for which no reason was given."""
_IN = "IN (SELECT value FROM json_each(:ids))"
_ACTIVE = "kind IN ('block', 'mute') AND lifted_at IS NULL"
"""Blocks and mutes that are in force: whom they hold is kept until they are lifted."""
NOBODY = (
    "p.key NOT LIKE 'redacted:%'"
    " AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.person_id = p.id AND c.redacted_at IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.person_id = p.id AND m.redacted_at IS NULL)"
    f" AND NOT EXISTS (SELECT 1 FROM moderation WHERE person_id = p.id AND {_ACTIVE})"
)
"""Somebody of whom nothing is left to be known by."""
_OF_CASES = (
    f"UPDATE cases SET snippet = '{SHOWN}', thread = 'redacted:' || id, conversation = NULL, facts = '[]',"
    " suggested_because = '[]', flags = json_insert(flags, '$[#]', 'redacted'), redacted_at = :now,"
    f" version = version + 1 WHERE id {_IN}",
    f"UPDATE handoffs SET note = '', error = NULL, external_said = NULL, external_handle = NULL WHERE case_id {_IN}",
    "UPDATE outbox SET payload = '{}', body = '', data = NULL, error = NULL, remote_id = NULL, url = NULL,"
    " sent_data = NULL, recipient = CASE WHEN handoff_id IS NULL THEN '[redacted]' ELSE recipient END"
    f" WHERE case_id {_IN}",
    f"UPDATE outbox_files SET name = '', alt = '', data = NULL"
    f" WHERE outbox_id IN (SELECT id FROM outbox WHERE case_id {_IN})",
    f"UPDATE moderation SET reason = CASE WHEN {_ACTIVE} THEN reason ELSE '' END, snapshot = CASE WHEN {_ACTIVE}"
    f" THEN json_object('author', json_extract(snapshot, '$.author')) ELSE '{{}}' END WHERE case_id {_IN}",
    f"UPDATE contact_mails SET why = '', sender = '' WHERE case_id {_IN}",
    f"UPDATE case_flags SET phrase = '' WHERE case_id {_IN}",
    f"UPDATE case_links SET why = '' WHERE why != 'same person' AND (a {_IN} OR b {_IN})",
    f"DELETE FROM drafts WHERE case_id {_IN}",
    f"DELETE FROM said_texts WHERE case_id {_IN}",
    f"DELETE FROM outbox_files WHERE outbox_id IN (SELECT id FROM outbox WHERE case_id {_IN})",
)
"""What is done to the rows of forgotten cases, beside their messages and their log. A table with words of people
that comes later gets its line here: `test_keeping` holds every column against it."""
_OF_MOVED = tuple(
    (statement.split()[1], statement.replace("WHERE case_id", "WHERE rowid"))
    for statement in _OF_CASES
    if statement.startswith(("UPDATE handoffs", "UPDATE outbox SET", "UPDATE contact_mails"))
)
"""The same for rows that stand in another case now, by their own numbers."""
_WORDS_OF_CASES = (
    f"SELECT id FROM messages WHERE case_id {_IN} UNION SELECT m.id FROM contact_mails a"
    f" JOIN messages m ON m.id = a.message_id WHERE a.case_id {_IN} AND m.case_id IS NULL"
)
"""Their messages, and contacts' mails about them that are in no case: they quote what was handed to the contact."""
_SAID_OF_LINKS = (
    "DELETE FROM event_notes WHERE seq IN (SELECT their.seq FROM events mine JOIN event_notes n ON n.seq = mine.seq"
    " JOIN cases other ON other.ref = json_extract(n.detail, '$.to')"
    " JOIN events their ON their.case_id = other.id AND their.kind = 'case.linked'"
    " JOIN event_notes words ON words.seq = their.seq AND json_extract(words.detail, '$.to') = mine.ref"
    f" WHERE mine.kind = 'case.linked' AND mine.case_id {_IN} AND words.text != '{BARE_LINK}')"
)
"""Why two cases belong together stands in the log of the other one too."""
_STEPS_OF_MAILS = (
    f"DELETE FROM undo_steps WHERE EXISTS (SELECT 1 FROM json_each(mails) WHERE value {_IN}) OR EXISTS (SELECT 1"
    f" FROM messages m JOIN contact_mails a ON a.message_id = m.id WHERE m.id {_IN} AND m.who != ''"
    " AND instr(said, m.who))"
)
"""What officers decided on mails: their steps say who wrote them."""
_OF_MESSAGES = (
    f"DELETE FROM revisions WHERE message_id {_IN}",
    f"DELETE FROM said_texts WHERE case_id IN (SELECT case_id FROM messages WHERE id {_IN})",
    "UPDATE contact_mails SET why = '', sender = '', state = CASE state WHEN 'undecided' THEN 'ignored' ELSE state END"
    f" WHERE message_id {_IN}",
    f"UPDATE moderation SET snapshot = '{{}}' WHERE message_id {_IN} AND NOT ({_ACTIVE})",
    "UPDATE media SET name = '', url = NULL, alt = NULL, remote_id = NULL, state = 'expired', sha256 = NULL,"
    f" bytes = NULL, path = NULL, why = NULL, next_try_at = NULL WHERE message_id {_IN}",
)


@dataclass(slots=True)
class Forgotten:
    """How much was forgotten, and which files nothing refers to any more."""

    cases: int = 0
    messages: int = 0
    media: int = 0
    notes: int = 0
    files: tuple[str, ...] = ()

    def add(self, other: Forgotten) -> None:
        """Count another step in."""
        self.cases += other.cases
        self.messages += other.messages
        self.media += other.media
        self.notes += other.notes
        self.files += other.files


class Forgetter:
    """Forgetting inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection
        connection.execute("PRAGMA secure_delete=ON")

    def cases(self, case_ids: Sequence[int], now: datetime) -> Forgotten:
        """Forget cases with everything that was said in them, and whoever has no other case."""
        ids, moment = json.dumps(list(case_ids)), iso(now)
        found = self.messages(self._numbers(_WORDS_OF_CASES, ids), now)
        people = self._numbers(f"SELECT DISTINCT person_id FROM cases WHERE id {_IN}", ids)
        for statement in _OF_CASES:
            self._c.execute(statement, {"ids": ids, "now": moment})
        found.notes = self._c.execute(_SAID_OF_LINKS, {"ids": ids}).rowcount
        found.notes += self._c.execute(
            f"DELETE FROM event_notes WHERE seq IN (SELECT seq FROM events WHERE case_id {_IN})", {"ids": ids}
        ).rowcount
        found.cases = len(case_ids)
        self._steps(ids)
        for person in people:
            self._part(person, ids, moment)
        return found

    def messages(self, message_ids: Sequence[int], now: datetime, *, words_only: bool = False) -> Forgotten:
        """Forget messages. With `words_only` they can still be answered; their words do not come back either."""
        ids = json.dumps(list(message_ids))
        rows = self._c.execute(
            f"SELECT id, text, who, subject FROM messages WHERE id {_IN} AND redacted_at IS NULL", {"ids": ids}
        ).fetchall()
        self._c.executemany(
            "INSERT INTO messages_fts (messages_fts, rowid, text, who, subject) VALUES ('delete', ?, ?, ?, ?)", rows
        )
        identity = (
            ""
            if words_only
            else ", remote_id = 'redacted:' || id, url = NULL, thread = 'redacted:' || coalesce(case_id, id),"
            " conversation = NULL, parent = NULL, reply_data = '{}', refs = NULL, language = NULL"
        )
        if not words_only:
            self._bury(ids, now)
        self._c.execute(_STEPS_OF_MAILS, {"ids": ids})
        self._c.execute(
            "UPDATE messages SET text = '', who = '', subject = NULL, quoted = NULL, place = NULL,"
            f" redacted_at = coalesce(redacted_at, :now){identity} WHERE id {_IN}",
            {"ids": ids, "now": iso(now)},
        )
        self._c.executemany(
            "INSERT INTO messages_fts (rowid, text, who, subject) VALUES (?, '', '', NULL)", ((r[0],) for r in rows)
        )
        files, media = self._media(f"message_id {_IN}", ids, _OF_MESSAGES)
        return Forgotten(messages=len(rows), media=media, files=files)

    def _bury(self, ids: str, now: datetime) -> None:
        rows = self._c.execute(
            f"SELECT account, remote_id FROM messages WHERE id {_IN} AND remote_id NOT LIKE 'redacted:%'", {"ids": ids}
        ).fetchall()
        self._c.executemany(
            "INSERT OR IGNORE INTO tombstones VALUES (?, ?, ?, 'redacted')",
            ((account, buried(account, remote_id), iso(now)) for account, remote_id in rows),
        )

    def media(self, media_ids: Sequence[int]) -> Forgotten:
        """Forget pictures and attachments alone."""
        statement = _OF_MESSAGES[-1].replace("message_id", "id")
        files, media = self._media(f"id {_IN}", json.dumps(list(media_ids)), (statement,))
        return Forgotten(media=media, files=files)

    def _media(self, which: str, ids: str, statements: Sequence[str]) -> tuple[tuple[str, ...], int]:
        """Run the statements; files that nothing refers to after them, and how many rows had one."""
        kept = self._c.execute(f"SELECT path FROM media WHERE {which} AND path IS NOT NULL", {"ids": ids}).fetchall()
        for statement in statements:
            self._c.execute(statement, {"ids": ids})
        paths = {r[0] for r in kept}
        used = self._c.execute(
            "SELECT path FROM media WHERE path IN (SELECT value FROM json_each(?))", (json.dumps(list(paths)),)
        )
        return tuple(sorted(paths - {r[0] for r in used})), len(kept)

    def person(self, person_id: int) -> None:
        """Forget who somebody is. Their cases and messages must be forgotten already."""
        self._c.execute(
            "DELETE FROM undo_steps WHERE EXISTS (SELECT 1 FROM persons WHERE id = ? AND key NOT LIKE 'redacted:%'"
            " AND (length(handle) > 2 AND instr(said, handle) OR length(name) > 2 AND instr(said, name)))",
            (person_id,),
        )
        self._c.execute("UPDATE persons SET linked_to = NULL WHERE linked_to = ?", (person_id,))
        self._c.execute("UPDATE moderation SET reason = '', snapshot = '{}' WHERE person_id = ?", (person_id,))
        self._c.execute(
            f"UPDATE persons SET key = 'redacted:' || id, handle = '{SHOWN}', name = '', url = NULL, needs = '',"
            " linked_to = NULL WHERE id = ?",
            (person_id,),
        )

    def nobodies(self, person_ids: Sequence[int]) -> int:
        """Forget who those of these people are of whom nothing is left to be known by; how many."""
        rows = self._c.execute(
            f"SELECT p.id FROM persons p WHERE p.id {_IN} AND {NOBODY}", {"ids": json.dumps(list(person_ids))}
        ).fetchall()
        for (person,) in rows:
            self.person(person)
        return len(rows)

    def lift(self, case_ids: Sequence[int]) -> None:
        """An erased person's blocks keep nothing, and their cases no reference of another system."""
        self._c.execute(
            f"UPDATE moderation SET reason = '', snapshot = '{{}}' WHERE case_id {_IN}",
            {"ids": json.dumps(list(case_ids))},
        )
        for statement in (
            f"UPDATE cases SET external_reference = NULL WHERE id {_IN}",
            f"UPDATE handoffs SET external_reference = NULL WHERE case_id {_IN}",
        ):
            self._c.execute(statement, {"ids": json.dumps(list(case_ids))})

    def moved_away(self, case_ids: Sequence[int], now: datetime) -> Forgotten:
        """What a merge took along into a case that is kept, since it says what was said in the erased one."""
        ids, found = json.dumps(list(case_ids)), Forgotten()
        for source, target, moved in self._c.execute(
            "SELECT source, target, moved FROM case_moves WHERE kind = 'merge' AND state = 'done'"
            f" AND source {_IN} AND target NOT {_IN}",
            {"ids": ids},
        ).fetchall():
            rows = json.loads(moved)
            found.add(self.messages(rows.get("messages", []), now))
            for table, statement in _OF_MOVED:
                self._c.execute(statement, {"ids": json.dumps(rows.get(table, []))})
            self._c.execute(
                "UPDATE cases SET version = version + 1, facts = (SELECT json_group_array(json(value))"
                " FROM json_each(cases.facts) WHERE value NOT IN (SELECT j.value FROM cases s, json_each(s.facts) j"
                " WHERE s.id = :source)) WHERE id = :target AND facts != '[]'",
                {"source": source, "target": target},
            )
        return found

    def drop_waiting(self, case_ids: Sequence[int]) -> int:
        """What waits to leave for these cases will not; how many rows. Those that are leaving are not touched."""
        ids = {"ids": json.dumps(list(case_ids))}
        self._c.execute(
            f"UPDATE handoffs SET state = 'failed' WHERE case_id {_IN} AND state IN ('queued', 'unknown')", ids
        )
        return self._c.execute(
            f"UPDATE outbox SET state = 'failed', next_try_at = NULL WHERE case_id {_IN}"
            " AND state IN ('queued', 'unknown')",
            ids,
        ).rowcount

    def _part(self, person: int, ids: str, moment: str) -> None:
        """Part forgotten cases from somebody who still has others; forget who they are when they have none."""
        left = self._c.execute(
            "SELECT EXISTS (SELECT 1 FROM cases WHERE person_id = ?1 AND redacted_at IS NULL)"
            " OR EXISTS (SELECT 1 FROM messages WHERE person_id = ?1 AND redacted_at IS NULL)"
            f" OR EXISTS (SELECT 1 FROM moderation WHERE person_id = ?1 AND {_ACTIVE})",
            (person,),
        ).fetchone()[0]
        if not left:
            self.person(person)
            return
        count = self._c.execute(
            f"SELECT count(*) FROM cases WHERE person_id = :person AND id {_IN}", {"ids": ids, "person": person}
        ).fetchone()[0]
        twin = self._c.execute(
            "INSERT INTO persons (network, key, handle, name, first_at, cases) SELECT network, ?, ?, '', ?, ?"
            " FROM persons WHERE id = ? RETURNING id",
            (f"redacted:{secrets.token_hex(8)}", SHOWN, moment, count, person),
        ).fetchone()[0]
        values = {"ids": ids, "person": person, "twin": twin}
        self._c.execute("UPDATE persons SET cases = cases - ? WHERE id = ?", (count, person))
        self._c.execute(f"UPDATE messages SET person_id = :twin WHERE person_id = :person AND case_id {_IN}", values)
        self._c.execute(f"UPDATE cases SET person_id = :twin WHERE person_id = :person AND id {_IN}", values)

    def _steps(self, ids: str) -> None:
        """Steps of these cases can no longer be taken back: they hold what was there before, and say names."""
        self._c.execute(
            "DELETE FROM undo_steps WHERE EXISTS (SELECT 1 FROM json_each(steps) WHERE json_extract(value, '$[0]')"
            f" {_IN}) OR EXISTS (SELECT 1 FROM json_each(outbox_ids) j JOIN outbox o ON o.id = j.value"
            f" WHERE o.case_id {_IN}) OR EXISTS (SELECT 1 FROM cases WHERE id {_IN} AND instr(said, ref))",
            {"ids": ids},
        )

    def _numbers(self, sql: str, ids: str) -> list[int]:
        return [r[0] for r in self._c.execute(sql, {"ids": ids})]


def live_files(connection: sqlite3.Connection, paths: Iterable[str]) -> set[str]:
    """Those of `paths` that a message still has."""
    rows = connection.execute(
        "SELECT path FROM media WHERE path IN (SELECT value FROM json_each(?))", (json.dumps(list(paths)),)
    )
    return {r[0] for r in rows}
