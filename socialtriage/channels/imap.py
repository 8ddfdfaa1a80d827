"""A mailbox as a channel: any IMAP server (RFC 9051, 3501), one thread by References, mail we sent elsewhere included.

What polling does and does not do here:

* nothing is changed on the server: EXAMINE and PEEK, never `\\Seen`
* an expunged or moved mail is no deletion: who sent a mail cannot take it back, so nothing is read again
* answers leave by the organisation's SMTP server, which is the outbox's work
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.imap_items import Desk, asked_for, incoming
from socialtriage.channels.imap_login import MailboxLogin
from socialtriage.domain.errors import AuthError, ConfigError, Misconfigured, NotPermitted, Unavailable
from socialtriage.domain.models import (
    Capabilities,
    Health,
    LengthRule,
    OutgoingReply,
    Page,
    Reread,
    SafeText,
    Sent,
    StoredRef,
    Visibility,
)
from socialtriage.domain.text import clean_line, many
from socialtriage.mail.address import ServerUrl
from socialtriage.mail.imap import ImapClient, Login, Mailbox
from socialtriage.mail.walk import Batch, Fetched, MailWalk, WalkState
from socialtriage.mail.worker import Worker

ATTEMPTS = 3
"""Connections of one pass: the first, and those after it was lost."""
PAUSE = 0.3
"""Seconds before the second connection; three times as long before the third."""
ENOUGH = 1.0
"""Seconds of the budget below which no further step is begun."""
_TELLING = frozenset({"CONDSTORE", "IDLE", "MOVE", "QRESYNC", "SPECIAL-USE", "UIDPLUS"})
"""Capabilities that tell an administrator which kind of server answers."""
_VERSION = 1


class Imap:
    """One mailbox of one account. See the module for what it leaves alone."""

    capabilities = Capabilities(
        reply_private=True,
        pictures_private=10,
        picture_bytes=5_000_000,
        limits="Mail that was deleted or moved before it was read is not seen.",
    )

    newest_first = True
    """Whether, of more mails than one batch takes, the newest are handed in before the others in their order."""

    def __init__(self, context: ChannelContext) -> None:
        self._ctx = context
        account = context.account
        self._server = _server(account.server or "", account.id)
        self._user = account.user or self._server.user or ""
        if not self._user:
            raise Misconfigured(f"The account {account.id} has no `user` to sign in to its mailbox.")
        self._mailbox = account.mailbox or self._server.path or "INBOX"
        self._login = MailboxLogin(
            self._user, self._server.host, context.secret, context.http, context.clock, context.budget
        )
        self._client = ImapClient(self._server, ca_file=context.ca_file)
        self._worker = Worker(f"imap-{account.id}", self._client.abort)
        handle = account.handle or ""
        ours = (handle, account.user or "", self._server.user or "", *context.own_addresses)
        self._own = frozenset(address.strip().lower() for address in ours if "@" in address.strip()[1:])

    # --- the contract -------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Sign in, open the mailbox, and look where sent mail lies."""
        await self._connect()
        box: Mailbox = await self._run(self._client.examine, self._mailbox)
        sent = await self._run(self._client.sent_mailbox)
        notices = () if sent else ("No mailbox of sent mail was found: answers written elsewhere are not seen.",)
        handle = (self._ctx.account.handle or self._user).lower()
        where = f"{clean_line(box.name)} holds {many(box.exists, 'mail')}"
        offered = [name for name in await self._run(self._client.capabilities) if name in _TELLING]
        able = f" It offers {', '.join(sorted(offered))}." if offered else ""
        return Health(
            identity=handle,
            handle=clean_line(handle),
            expires_at=self._login.expires_at,
            notices=notices,
            detail=f"{self._server.place}, {self._client.security}, {where}.{able}",
        )

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """New mail, then new answers among the sent ones. Mails come again after a change of UIDVALIDITY."""
        boxes = _load(cursor)
        walks: dict[str, MailWalk] = {}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with aclosing(self._pass(boxes, walks, since)) as pages:
                    async for page in pages:
                        yield page
                return
            except Unavailable:
                if attempt == ATTEMPTS or self._client.connected or self._ctx.budget.left < 10 * PAUSE:
                    raise
                await asyncio.sleep(PAUSE * 3 ** (attempt - 1))

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Nothing: a mail neither changes nor can be withdrawn by its sender."""
        return Reread()

    async def send(self, reply: OutgoingReply) -> Sent:
        """Raises `NotPermitted`: answers to mails leave by SMTP."""
        raise NotPermitted("Answers to mails leave by the mail server in `[mail] smtp`, not by the mailbox.")

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Raises `NotPermitted`: a mail server cannot be asked what became of a mail."""
        raise NotPermitted("A mailbox cannot say whether an answer arrived.", hint="Look into its sent mail.")

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """Mail has no limit that anybody writes up to."""
        return LengthRule(len(text), None, "characters")

    async def aclose(self) -> None:
        """Sign out, or break off what still runs. Never raises, and never takes long."""
        await self._worker.close(self._client.close)

    # --- walking ------------------------------------------------------------------------------------------

    async def _pass(
        self, boxes: dict[str, Any], walks: dict[str, MailWalk], since: datetime
    ) -> AsyncGenerator[Page, None]:
        """Both mailboxes over one connection. `boxes` follows the pages; `walks` outlive a lost connection."""
        if not self._client.connected:
            await self._connect()
        async with aclosing(self._box(self._mailbox, boxes, walks, since)) as pages:
            async for page in pages:
                yield page
        if self._ctx.budget.left < ENOUGH:
            yield Page(unfinished=True)
            return
        sent = await self._run(self._client.sent_mailbox)
        if sent is None or sent == self._mailbox:
            return
        try:
            async with aclosing(self._box(sent, boxes, walks, since, sent=True)) as pages:
                async for page in pages:
                    yield page
        except (Misconfigured, NotPermitted) as exc:
            yield Page(notices=(f"Answers written elsewhere are not seen: {exc.message}",))

    async def _box(
        self, name: str, boxes: dict[str, Any], walks: dict[str, MailWalk], since: datetime, *, sent: bool = False
    ) -> AsyncGenerator[Page, None]:
        """Pages of one mailbox, each with the cursor that follows it."""
        if name not in walks:
            walks[name] = MailWalk(self._client, name, WalkState.load(boxes.get(name)), since, answers_only=sent)
        walk = walks[name]
        await self._run(walk.open)
        if self.newest_first and not sent and self._ctx.budget.left >= ENOUGH:
            newest: tuple[Fetched, ...] = await self._run(walk.newest)
            if newest:
                boxes[name] = walk.handed_in(fetched.uid for fetched in newest)
                yield self._page(Batch(newest, boxes[name]), name, boxes, sent=False)
        while in_time := self._ctx.budget.left >= ENOUGH:
            batch: Batch | None = await self._run(walk.next)
            if batch is None:
                break
            boxes[name] = batch.state
            yield self._page(batch, name, boxes, sent=sent)
        if not in_time:
            yield Page(unfinished=True)
        if boxes.get(name) != walk.state:
            boxes[name] = walk.state
            yield Page(cursor=dump(boxes))

    def _page(self, batch: Batch, name: str, boxes: dict[str, Any], *, sent: bool) -> Page:
        place: SafeText | None = None if name.upper() == "INBOX" else clean_line(name)
        wanted = asked_for(batch.mails)
        threads = self._ctx.known.thread_of(wanted) if wanted else {}
        desk = Desk(self._own, threads, self._ctx.clock(), place)
        items = tuple(incoming(fetched, desk, sent=sent) for fetched in batch.mails)
        notices = dict.fromkeys((*batch.notices, *(n for fetched in batch.mails for n in fetched.mail.notices)))
        return Page(items=items, cursor=dump(boxes), notices=tuple(notices))

    # --- the connection -----------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Sign in; a token that the server refuses is renewed once."""
        login = await self._login.get()
        try:
            await self._run(self._client.sign_in, login)
        except AuthError:
            again: Login | None = await self._login.renew() if login.token else None
            if again is None:
                raise
            await self._run(self._client.sign_in, again)

    async def _run(self, work: Any, *args: object) -> Any:
        """Blocking work in the thread of this mailbox, its commands counted."""
        before = self._client.requests
        try:
            return await self._worker.run(work, *args)
        finally:
            self._ctx.budget.requests += self._client.requests - before


def _server(text: str, account: str) -> ServerUrl:
    """The server of an account: an `imaps://` or `imap://` URL, or a bare host. Raises `Misconfigured`."""
    try:
        server = ServerUrl.parse(text if "://" in text else f"imaps://{text}")
    except ConfigError as exc:
        raise Misconfigured(f"The `server` of {account} cannot be used: {exc.message}") from exc
    if not server.scheme.startswith("imap"):
        raise Misconfigured(f"The `server` of {account} must begin with imaps:// or imap://.")
    return server


def _load(cursor: str | None) -> dict[str, Any]:
    """States of mailboxes by name; nothing when the cursor is of another make, so that they are read from the start."""
    try:
        data = json.loads(cursor or "{}")
        boxes = data["boxes"] if data.get("version") == _VERSION else {}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
    return dict(boxes) if isinstance(boxes, dict) else {}


def dump(boxes: dict[str, Any]) -> str:
    """States of mailboxes by name as a cursor."""
    return json.dumps({"version": _VERSION, "boxes": boxes}, separators=(",", ":"))
