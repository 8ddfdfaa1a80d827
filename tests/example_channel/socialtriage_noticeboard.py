"""A noticeboard kept in a file, as a network of socialtriage: the least that a channel of one's own has to do.

`options.file` of the account names the file. Each line is a notice: `{"id", "by", "text", "at"}`, and `"below"` with
the id of another one when it answers it. Answers of the desk are written at the end.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.domain.errors import Misconfigured, Rejected
from socialtriage.domain.models import (
    Author,
    Capabilities,
    Health,
    Incoming,
    LengthRule,
    OutgoingReply,
    Page,
    Reread,
    Sent,
    StoredRef,
    Visibility,
)
from socialtriage.domain.text import clean, clean_line

LIMIT = 200
PAGE = 50


class Noticeboard:
    """One noticeboard. The class is what the entry point names; it is called with a `ChannelContext`."""

    capabilities = Capabilities(reply_public=True, look_up=True, reread=True, deletions=True)

    def __init__(self, context: ChannelContext) -> None:
        file = context.account.options.get("file")
        if not file:
            raise Misconfigured(f"The account {context.account.id} names no file.", hint="Set options.file.")
        self._context = context
        self._file = Path(file)
        self._us = context.account.handle or "council"

    async def check(self) -> Health:
        """Whether the file can be read, and who we are on the board."""
        self._notices()
        return Health(identity=self._us, handle=self._us)

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """What was pinned up after the line that the cursor counts; each page is safe to stop at."""
        notices = self._notices()
        done = int(cursor or 0)
        while done < len(notices):
            part = notices[done : done + PAGE]
            done += len(part)
            items = [item for item in map(self._message, part) if item.at >= since]
            yield Page(items=tuple(items), cursor=str(done))

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """What became of notices: edited, or taken down."""
        there = {notice["id"]: notice for notice in self._notices()}
        known = [ref.remote_id for ref in messages]
        return Reread(
            items=tuple(self._message(there[key]) for key in known if key in there),
            gone=tuple(key for key in known if key not in there),
        )

    async def send(self, reply: OutgoingReply) -> Sent:
        """Pin an answer up; its id is the key of the row, so that it can be found again."""
        if len(reply.text) > LIMIT:
            raise Rejected(f"A notice has {LIMIT} letters at most.")
        at = self._context.clock()
        notice = {"id": reply.key, "by": self._us, "text": reply.text, "at": at.isoformat()}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(notice | {"below": reply.parent.remote_id}) + "\n")
        return Sent(remote_id=reply.key, at=at)

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """The answer under its key, if it is on the board."""
        found = [notice for notice in self._notices() if notice["id"] == reply.key]
        return Sent(remote_id=reply.key, at=datetime.fromisoformat(found[0]["at"])) if found else None

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """Letters, whoever is answered."""
        return LengthRule(len(text), LIMIT, "letters")

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _notices(self) -> list[dict[str, Any]]:
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except OSError as exc:
            raise Misconfigured(f"The board {self._file} cannot be read.") from exc
        return [json.loads(line) for line in lines if line.strip()]

    def _message(self, notice: dict[str, Any]) -> Incoming:
        name = clean_line(notice["by"])
        below = notice.get("below")
        return Incoming(
            remote_id=notice["id"],
            author=Author(key=notice["by"], handle=name, name=name),
            text=clean(notice["text"]),
            at=datetime.fromisoformat(notice["at"]),
            visibility=Visibility.PUBLIC,
            thread=below or notice["id"],
            parent=below,
            own=notice["by"] == self._us,
        )
