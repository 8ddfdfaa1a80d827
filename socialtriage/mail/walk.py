"""What is new in a mailbox, so that nothing is lost and nothing comes twice, whenever the walk is broken off.

The state says which UIDs were dealt with lately (`seen`), and which are known but not read yet (`todo`). UIDs
ascend, but a mail may become visible after one with a higher UID; so each walk looks at the last `WINDOW` UIDs again.
When UIDVALIDITY changed (it may go down), every UID is void: what arrived since the last walk is read again, and the
readers know mails they have by Message-ID and content.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from socialtriage.domain.errors import Unavailable
from socialtriage.mail.content import MAX_TEXT_BYTES
from socialtriage.mail.imap import Envelope, ImapClient, Mailbox, ranges, uids_of
from socialtriage.mail.imap_errors import Declined
from socialtriage.mail.parse import ParsedMail, parse, parse_partial
from socialtriage.mail.structure import outline

WINDOW = 500
"""UIDs below the highest in which a late one is still found."""
MAX_MAILS = 50
"""Mails of one batch."""
MAX_BATCH_BYTES = 8 * 1024 * 1024
HEAVY_BYTES = 2 * 1024 * 1024
"""A larger mail is fetched alone; when it does not come through in `HEAVY_TRIES` walks, only its text is."""
HEAVY_TRIES = 2
MAX_MAIL_BYTES = 25 * 1024 * 1024
"""Of a larger mail only header, text and names of files are fetched."""
OVERLAP = timedelta(days=2)
"""How far behind the last arrival a mailbox is read again after a change of UIDVALIDITY."""


@dataclass(slots=True)
class WalkState:
    """Where the reading of one mailbox stands; kept as JSON with what was read."""

    uidvalidity: int
    top: int = 0
    """Highest UID that was ever visible."""
    seen: set[int] = field(default_factory=set)
    """UIDs within the window that are dealt with, or in `todo`."""
    todo: list[int] = field(default_factory=list)
    """UIDs that are still to be read, ascending."""
    newest: datetime | None = None
    """Latest arrival of what was read."""
    heavy: int | None = None
    """UID of a large mail that is being fetched whole."""
    heavy_tries: int = 0
    """Walks in which that was begun."""

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "uidvalidity": self.uidvalidity,
            "top": self.top,
            "seen": ranges(self.seen),
            "todo": ranges(self.todo),
            "newest": self.newest.isoformat() if self.newest else None,
            "heavy": self.heavy,
            "heavy_tries": self.heavy_tries,
        }

    @classmethod
    def load(cls, data: Any) -> WalkState | None:
        """What `dump` gave; None for anything else, so that the mailbox is read from its start again."""
        try:
            return cls(
                uidvalidity=int(data["uidvalidity"]),
                top=int(data["top"]),
                seen=set(uids_of(data["seen"])),
                todo=uids_of(data["todo"]),
                newest=datetime.fromisoformat(data["newest"]) if data["newest"] else None,
                heavy=data["heavy"],
                heavy_tries=int(data["heavy_tries"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail out of a mailbox."""

    uid: int
    arrived: datetime | None
    """INTERNALDATE: when the server took it in, UTC."""
    mail: ParsedMail
    partial: bool = False
    """Header and text only."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step of a walk brought. `state` is safe to go on from once the mails are kept."""

    mails: tuple[Fetched, ...]
    state: dict[str, Any]
    notices: tuple[str, ...] = ()


class MailWalk:
    """One walk through one mailbox over a signed-in client. Blocks, as the client does, and raises what it raises.

    `since` bounds the first look back. With `answers_only`, mails that answer nothing are passed over unread.
    """

    def __init__(
        self, client: ImapClient, name: str, state: WalkState | None, since: datetime, *, answers_only: bool = False
    ) -> None:
        self._client = client
        self._name = name
        self._since = since
        self._answers_only = answers_only
        self._state = state
        self._given_up: set[int] = set()
        self._trying: int | None = None
        self._looked = False

    def open(self) -> Mailbox:
        """Open the mailbox and find out what is to be read. May be called again after a lost connection."""
        box = self._client.examine(self._name)
        state = self._state
        # A restored backup may keep UIDVALIDITY and hand UIDs out again: then UIDNEXT has gone down.
        handed_out_again = state is not None and box.uidnext is not None and box.uidnext <= state.top
        if state is None or state.uidvalidity != box.uidvalidity or handed_out_again:
            self._state = self._from_start(box, state)
        else:
            found = self._client.uids_from(max(1, state.top - WINDOW + 1), box.uidnext)
            self._know(state, [uid for uid in found if uid not in state.seen], found)
        return box

    def _from_start(self, box: Mailbox, old: WalkState | None) -> WalkState:
        """A look back, by arrival. What is older than that counts as dealt with."""
        first = box.uidnext or 1
        existing = self._client.uids_from(max(1, first - WINDOW), box.uidnext) if box.exists else []
        state = WalkState(box.uidvalidity, top=first - 1, newest=old.newest if old else None)
        since = self._since
        if old is not None and old.newest is not None:
            since = min(since, old.newest - OVERLAP)
        # SINCE goes by the server's calendar day: a day earlier, and then exactly.
        found = self._client.uids_since((since - timedelta(days=1)).date(), box.exists) if box.exists else []
        arrivals = {uid: envelope.arrived for uid, envelope in self._envelopes(found).items()}
        young = [uid for uid in found if (arrived := arrivals.get(uid)) is None or arrived >= since]
        self._know(state, young, existing)
        return state

    def _envelopes(self, uids: list[int]) -> dict[int, Envelope]:
        out: dict[int, Envelope] = {}
        for start in range(0, len(uids), WINDOW):
            out.update(self._client.envelopes(uids[start : start + WINDOW]))
        return out

    @staticmethod
    def _know(state: WalkState, new: list[int], visible: list[int]) -> None:
        state.todo = sorted({*state.todo, *new})
        state.top = max([state.top, *visible, *new])
        state.seen = {uid for uid in (*state.seen, *visible, *new) if uid > state.top - WINDOW}

    @property
    def state(self) -> dict[str, Any]:
        """Where the walk stands now."""
        return self._opened().dump()

    # --- reading ------------------------------------------------------------------------------------------

    def newest(self) -> tuple[Fetched, ...]:
        """The mails with the highest UIDs, once a walk, when more than one batch is to be read; the large wait.

        The state does not move: `handed_in` says which of them need not be read again.
        """
        state = self._opened()
        if self._looked or len(state.todo) <= MAX_MAILS:
            return ()
        self._looked = True
        due = state.todo[-MAX_MAILS:]
        envelopes = self._client.envelopes(due)
        chosen: list[int] = []
        total = 0
        for uid in reversed(due):
            size = envelopes[uid].size if uid in envelopes else HEAVY_BYTES + 1
            if size <= HEAVY_BYTES and total + size <= MAX_BATCH_BYTES:
                chosen.append(uid)
                total += size
        try:
            found = self._client.mails(sorted(chosen)) if chosen else {}
        except Declined:
            return ()  # which of them the server cannot give is found out in their turn
        return tuple(Fetched(uid, envelopes[uid].arrived, parse(raw)) for uid, raw in sorted(found.items()))

    def handed_in(self, uids: Iterable[int]) -> dict[str, Any]:
        """The state that is safe once these mails are kept. How far arrivals are read is for the walk in order."""
        self._done(list(uids))
        return self.state

    def next(self) -> Batch | None:
        """The next mails, oldest UID first; None when there are no more. `open` comes before."""
        state = self._opened()
        due = [uid for uid in state.todo if uid not in self._given_up][:MAX_MAILS]
        if not due:
            return None
        envelopes = self._client.envelopes(due, references=self._answers_only)
        notices = self._missing([uid for uid in due if uid not in envelopes])
        self._done([uid for uid, envelope in envelopes.items() if not envelope.answers])
        due = [uid for uid in due if uid in envelopes and envelopes[uid].answers]
        if not due:
            return Batch((), state.dump(), notices)
        if envelopes[due[0]].size > HEAVY_BYTES:
            return self._heavy(due[0], envelopes[due[0]])
        return self._light(due, envelopes)

    def _opened(self) -> WalkState:
        if self._state is None:
            raise Unavailable(f"The mailbox {self._name} is not open.")
        return self._state

    def _light(self, due: list[int], envelopes: dict[int, Envelope]) -> Batch:
        """As many mails as fit into one batch."""
        chosen: list[int] = []
        total = 0
        for uid in due:
            size = envelopes[uid].size
            if size > HEAVY_BYTES or (chosen and total + size > MAX_BATCH_BYTES):
                break
            chosen.append(uid)
            total += size
        notices: list[str] = []
        mails = [Fetched(uid, envelopes[uid].arrived, parse(raw)) for uid, raw in self._whole(chosen, notices).items()]
        return self._batch(mails, chosen, notices)

    def _whole(self, uids: list[int], notices: list[str]) -> dict[int, bytes]:
        """Mails by UID; one that the server cannot give is tried again in the next walk, and holds up no other."""
        out: dict[int, bytes] = {}
        try:
            out = self._client.mails(uids)
        except Declined as exc:
            if len(uids) == 1:
                self._give_up(uids[0], exc.message, notices)
                return {}
            for uid in uids:
                out.update(self._whole([uid], notices))
            return out
        notices += self._missing([uid for uid in uids if uid not in out])
        return out

    def _missing(self, uids: list[int]) -> tuple[str, ...]:
        """Mails that the server did not give: gone for good where it says so, otherwise to be tried again."""
        there = self._client.existing(uids)
        self._done([uid for uid in uids if uid not in there])
        notices: list[str] = []
        for uid in sorted(there):
            self._give_up(uid, "the server did not give it.", notices)
        return tuple(notices)

    def _give_up(self, uid: int, why: str, notices: list[str]) -> None:
        self._given_up.add(uid)
        notices.append(f"One mail in {self._name} could not be read: {why}")

    def _heavy(self, uid: int, envelope: Envelope) -> Batch:
        """One large mail: noted first, then fetched whole, unless that went wrong in an earlier walk."""
        state = self._opened()
        if self._trying != uid:
            tries = state.heavy_tries if state.heavy == uid else 0
            if envelope.size > MAX_MAIL_BYTES or tries >= HEAVY_TRIES:
                return self._partly(uid, envelope)
            state.heavy, state.heavy_tries, self._trying = uid, tries + 1, uid
            return Batch((), state.dump())
        notices: list[str] = []
        mails = [Fetched(uid, envelope.arrived, parse(raw)) for raw in self._whole([uid], notices).values()]
        return self._batch(mails, [uid], notices)

    def _partly(self, uid: int, envelope: Envelope) -> Batch:
        """Header and text of a large mail; its files are named."""
        try:
            header, structure = self._client.outline(uid)
            part, files = outline(structure)
            text = self._client.section(uid, part.section, MAX_TEXT_BYTES) if part else b""
        except Declined as exc:
            notices: list[str] = []
            self._give_up(uid, exc.message, notices)
            return self._batch([], [], notices)
        kind, encoding = (part.content_type, part.encoding) if part else ("text/plain", "7bit")
        mail = parse_partial(header, kind, encoding, text, files)
        return self._batch([Fetched(uid, envelope.arrived, mail, partial=True)], [uid], [])

    def _batch(self, mails: list[Fetched], uids: list[int], notices: list[str]) -> Batch:
        state = self._opened()
        self._done([uid for uid in uids if uid not in self._given_up])
        arrivals = [fetched.arrived for fetched in mails if fetched.arrived is not None]
        state.newest = max([*arrivals, *([state.newest] if state.newest else [])], default=None)
        return Batch(tuple(mails), state.dump(), tuple(notices))

    def _done(self, uids: list[int]) -> None:
        state, done = self._opened(), set(uids)
        state.todo = [uid for uid in state.todo if uid not in done]
        if state.heavy in done:
            state.heavy, state.heavy_tries = None, 0
