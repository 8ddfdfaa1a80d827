"""Full-text search, newest first: messages, people and references in one box."""

from __future__ import annotations

import re
from collections.abc import Iterator

from socialtriage.store.database import Database
from socialtriage.store.rows import RESTRICTED

_TOKEN = re.compile(r'"([^"]*)"|(\S+)')
_WORD = re.compile(r"\w+")


def match(text: str) -> str | None:
    """What an officer typed as an FTS5 expression: every word must occur, the last one may be unfinished.

    Quoted words stay together. None when there is no word in it.
    """
    terms: list[str] = []
    unfinished = False
    for phrase, word in _TOKEN.findall(text):
        words = _WORD.findall(phrase or word)
        if words:
            terms.append('"' + " ".join(words) + '"')
            unfinished = not phrase
    if not terms:
        return None
    return " ".join(terms) + ("*" if unfinished and not text[-1:].isspace() else "")


def like(text: str, *, at: bool = False) -> str:
    """A LIKE pattern that finds `text` anywhere, without an `@` before it unless `at`; `\\` is its escape."""
    plain = text if at else text.lstrip("@")
    for char in "\\%_":
        plain = plain.replace(char, f"\\{char}")
    return f"%{plain}%"


class Search:
    """Finding cases by words."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def case_ids(self, expression: str, *, page: int = 400) -> Iterator[list[int]]:
        """Pages of case ids whose messages match, newest message first; a case may come again.

        No restricted case: that it is found would tell what it says.
        """
        for rows in self._db.pages(
            "SELECT m.case_id FROM messages_fts f JOIN messages m ON m.id = f.rowid"
            " WHERE messages_fts MATCH ? AND m.case_id IS NOT NULL AND m.case_id NOT IN"
            f" (SELECT id FROM cases WHERE flags LIKE '%\"{RESTRICTED}\"%') ORDER BY f.rowid DESC",
            (expression,),
            page,
        ):
            yield [r[0] for r in rows]

    def external(self, text: str) -> list[int]:
        """Cases with this external reference."""
        return [r[0] for r in self._db.all("SELECT id FROM cases WHERE external_reference = ? LIMIT 20", (text,))]

    def differs(self) -> int:
        """How many rows of messages and of the full-text index do not match: 0 when the index is true."""
        row = self._db.one("SELECT (SELECT count(*) FROM messages) - (SELECT count(*) FROM messages_fts_docsize)")
        return abs(int(row[0]))
