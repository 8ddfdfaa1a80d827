"""Messages that were received elsewhere, brought in from a file through the same intake as polling.

A message keeps its identity: the `id` of its row, or one made of what the row says. So reading a file again, or a
longer export of the same chats, adds nothing twice, and an interrupted import is taken up by running it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import IMPORTED, Author, Incoming, Page, Visibility
from socialtriage.domain.text import clean, clean_line
from socialtriage.services.desk import Desk
from socialtriage.services.import_files import BadRow, Found, Mail, Row, read
from socialtriage.services.intake import take_in
from socialtriage.services.manual import check_channel

if TYPE_CHECKING:
    from socialtriage.channels import imap_items

BATCH = 100
AHEAD = timedelta(days=1)
"""How far in the future a time may be, for clocks and zones that differ."""
_DAYS_FIRST = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")
_VOICES = ("resident", "officer")


@dataclass(slots=True)
class Imported:
    """What a file brought."""

    rows: int = 0
    new: int = 0
    known: int = 0
    updated: int = 0
    bad: int = 0
    cases: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A message, and the account that it goes to."""

    line: int
    account: AccountConfig
    item: Incoming


class _Unusable(Exception):
    """Why a row cannot be used, in words."""


def bring_in(
    desk: Desk, path: Path, *, account_id: str | None, channel: str | None, report: Callable[[BadRow], None]
) -> Imported:
    """Read a file and take its messages in; `report` is told of every row that cannot be used.

    `account_id` is an account of the configuration; without one `channel` stands in its place (`chat` for tables,
    `email` for mails), and a row may name its own. Raises `UsageError`, `NotFound`, `StoreError`.
    """
    reader = _Reader(desk, desk.account(account_id) if account_id else None, channel)
    if channel is not None:
        check_channel(desk, channel)
    result = Imported()
    for batch in _batches(_ready(reader, read(path), result, report)):
        _take(desk, batch, result)
    return result


def _ready(
    reader: _Reader, found: Iterable[Found], result: Imported, report: Callable[[BadRow], None]
) -> Iterator[_Ready]:
    for one in found:
        result.rows += 1
        try:
            if isinstance(one, BadRow):
                raise _Unusable(one.why)
            yield reader.mail(one) if isinstance(one, Mail) else reader.row(one)
        except _Unusable as exc:
            result.bad += 1
            report(BadRow(one.line, str(exc)))


def _batches(found: Iterable[_Ready]) -> Iterator[list[_Ready]]:
    """Messages for one account, `BATCH` at most."""
    batch: list[_Ready] = []
    size = 0
    for one in found:
        heavy = sum(len(media.data or b"") for media in one.item.media)
        if batch and (len(batch) >= BATCH or size + heavy > 2**24 or batch[0].account.id != one.account.id):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += heavy
    if batch:
        yield batch


def _take(desk: Desk, batch: list[_Ready], result: Imported) -> None:
    account = batch[0].account
    items = {one.item.remote_id: one.item for one in batch}
    with desk.store.transaction(desk.officer, desk.clock(), durable=False) as tx:
        tx.accounts.ensure(account.id, desk.network_of(account), account.handle or account.user or "")
    known = desk.store.messages.thread_of(account.id, list(items))
    taken = take_in(desk, account, Page(items=tuple(items.values())), officer=desk.officer)
    # What was forgotten here on purpose does not come back, and counts as known.
    new = len(desk.store.messages.thread_of(account.id, [key for key in items if key not in known]))
    result.new += new
    result.known += len(batch) - new
    result.updated += taken.updated
    result.cases.update(taken.case_ids)


class _Reader:
    """Rows and mails as messages."""

    def __init__(self, desk: Desk, account: AccountConfig | None, channel: str | None) -> None:
        self._desk = desk
        self._account = account
        self._channel = channel

    def row(self, row: Row) -> _Ready:
        """A row of a table, or a line of JSON. Raises `_Unusable`."""
        values = {name: value.strip() for name, value in row.values.items() if value.strip()}
        words = clean(values.get("text", ""))
        if not words:
            raise _Unusable("text is empty")
        own = _choice(values, "voice", _VOICES) == "officer"
        conversation = values.get("conversation")
        if own and conversation is None:
            raise _Unusable("an officer's words need a conversation to belong to")
        if not own and not (values.get("person") or values.get("handle")):
            raise _Unusable("it says neither person nor handle")
        account = self._account or self._made_up(values.get("channel") or self._channel or "chat")
        private = _choice(values, "visibility", ("private", "public")) == "private"
        key = self._identity(account, values)
        thread = f"{IMPORTED}{conversation}" if conversation is not None else key
        url = values.get("url", "")
        item = Incoming(
            remote_id=key,
            author=_author(values, thread),
            text=words,
            at=self._at(values.get("at")),
            visibility=Visibility.PRIVATE if private else Visibility.PUBLIC,
            thread=thread,
            conversation=thread if conversation is not None and private else None,
            own=own,
            url=url if url.startswith(("https://", "http://")) and len(url) < 2_000 else None,
            subject=clean_line(values["subject"]) if "subject" in values else None,
            place=clean_line(values["place"]) if "place" in values else None,
        )
        return _Ready(row.line, account, item)

    def mail(self, mail: Mail) -> _Ready:
        """A mail, under the id that polling its mailbox gives it. Raises `_Unusable`."""
        from socialtriage.channels.imap_items import incoming
        from socialtriage.mail.parse import parse
        from socialtriage.mail.walk import Fetched

        parsed = parse(mail.data)
        if parsed.author is None and not parsed.body.strip() and not parsed.subject:
            raise _Unusable("it is no mail: nobody wrote it, and it says nothing")
        account = self._account or self._made_up(self._channel or "email")
        fetched = Fetched(uid=0, arrived=None, mail=parsed)
        asked = list(parsed.references)
        threads = self._desk.store.messages.thread_of(account.id, asked) if asked else {}
        return _Ready(mail.line, account, incoming(fetched, self._place(account, dict(threads))))

    def _place(self, account: AccountConfig, threads: dict[str, str]) -> imap_items.Desk:
        from socialtriage.channels.imap_items import Desk as MailDesk
        from socialtriage.services.sync import own_addresses

        ours = (account.user or "", account.handle or "", *own_addresses(self._desk))
        own = {address.lower() for address in ours if "@" in address}
        return MailDesk(own=own, threads=threads, now=self._desk.clock())

    def _made_up(self, channel: str) -> AccountConfig:
        name = channel.strip().lower()
        try:
            check_channel(self._desk, name)
        except UsageError as exc:
            raise _Unusable(exc.message) from exc
        return AccountConfig(id=name, network=name)

    def _identity(self, account: AccountConfig, values: dict[str, str]) -> str:
        """The row's own id, or one of what it says: the same row twice is one message."""
        if "id" in values:
            return f"{IMPORTED}{values['id']}"
        said = [account.id, *(values.get(name, "") for name in ("conversation", "person", "handle", "at", "text"))]
        return IMPORTED + hashlib.sha256("\0".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def _at(self, text: str | None) -> datetime:
        """A time of the row; without a zone it is the organisation's, and without a time it is now."""
        now = self._desk.clock()
        if text is None:
            return now
        at = _moment(text)
        if at is None:
            raise _Unusable(f"“{clean_line(text, 40)}” is not a time such as 2026-11-22T09:30 or 22/11/2026 09:30")
        try:
            at = (at if at.tzinfo else at.replace(tzinfo=self._desk.zone)).astimezone(UTC)
        except OverflowError:
            raise _Unusable("its time is outside the years 1 to 9999") from None
        if at > now + AHEAD:
            raise _Unusable(f"its time, {clean_line(text, 40)}, is still to come")
        return min(at, now)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for pattern in _DAYS_FIRST:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007  - the zone is the organisation's
        except ValueError:
            continue
    return None


def _choice(values: dict[str, str], name: str, known: tuple[str, ...]) -> str:
    """One of a few words; the first where there is none. Raises `_Unusable`."""
    word = values.get(name, known[0]).lower()
    if word not in known:
        raise _Unusable(f"{name} is “{clean_line(word, 40)}”, neither {' nor '.join(known)}")
    return word


def _author(values: dict[str, str], thread: str) -> Author:
    """Who wrote it. A name alone is no identity: only within one conversation is it the same person."""
    name = clean_line(values.get("person") or values.get("handle") or "Officer", 120)
    handle = values.get("handle")
    if handle is not None:
        return Author(f"{IMPORTED}{''.join(handle.split()).casefold()}", clean_line(handle, 120), name)
    return Author(f"{thread}:{name.casefold()}", name, name)
