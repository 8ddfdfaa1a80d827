"""The mailbox in `[mail] imap`, where contacts' answers arrive: read as any mailbox is, its mails handed on whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from socialtriage.channels.imap import Imap, dump
from socialtriage.channels.imap_items import Desk, incoming
from socialtriage.domain.models import Author, Health, Incoming, Page, SafeText
from socialtriage.mail.parse import ParsedMail
from socialtriage.mail.walk import Batch, Fetched, MailWalk


@dataclass(frozen=True, slots=True)
class MailItem:
    """One mail: as a message that can be kept, and as it was parsed."""

    item: Incoming
    mail: ParsedMail


# A late data class has fields to inherit after its first instance only (`domain.late`).
Page()


@dataclass(frozen=True, slots=True)
class MailPage(Page):
    """A page whose mails are judged one by one; `items` stays empty, as nothing of it opens a case."""

    mails: tuple[MailItem, ...] = ()


class AnswerMailbox(Imap):
    """Like a mailbox that residents write to, without its sent mail. EXAMINE and PEEK only."""

    newest_first = False
    """What contacts answer is judged in its order: the last word counts."""

    async def check(self) -> Health:
        """Sign in and open the mailbox."""
        health = await super().check()
        return replace(health, notices=())

    async def _pass(
        self, boxes: dict[str, Any], walks: dict[str, MailWalk], since: datetime
    ) -> AsyncGenerator[Page, None]:
        if not self._client.connected:
            await self._connect()
        async with aclosing(self._box(self._mailbox, boxes, walks, since)) as pages:
            async for page in pages:
                yield page

    def _page(self, batch: Batch, name: str, boxes: dict[str, Any], *, sent: bool) -> Page:
        now = self._ctx.clock()
        notices = dict.fromkeys((*batch.notices, *(n for fetched in batch.mails for n in fetched.mail.notices)))
        return MailPage(
            cursor=dump(boxes), notices=tuple(notices), mails=tuple(mail_item(each, now) for each in batch.mails)
        )


def mail_item(fetched: Fetched, now: datetime) -> MailItem:
    """A mail with the message that it is: by the one who stands in From, whatever Reply-To says."""
    mail = fetched.mail
    item = incoming(fetched, Desk((), {}, now))
    who = mail.author
    author = (
        Author(who.key, who.address, who.name)
        if who and who.address
        else Author("", SafeText("(no sender)"), SafeText(""))
    )
    return MailItem(replace(item, author=author, own=False, reply_data={}), mail)
