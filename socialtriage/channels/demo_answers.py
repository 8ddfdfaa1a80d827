"""Contacts who answer in the practice week: every handoff in the folder of sent mails brings something back.

Most answer after a quarter to three quarters of an hour of the story. Some are out of the office, some answer from an
address that nobody knows, and some say nothing until they are reminded, so that all of it can be practised. What a
contact does follows from the Message-ID. The mails take the way of real ones: bytes, parsed, judged, stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from pathlib import Path

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.imap_answers import MailItem, MailPage, mail_item
from socialtriage.domain.errors import NotPermitted
from socialtriage.domain.models import (
    Capabilities,
    Health,
    LengthRule,
    OutgoingReply,
    Page,
    Reread,
    Sent,
    StoredRef,
    Visibility,
)
from socialtriage.mail.fields import MailAddress
from socialtriage.mail.parse import ParsedMail, parse
from socialtriage.mail.walk import Fetched

SILENT, ABSENT, COLLEAGUE = 0, 1, 2
"""Of `WAYS` things that a contact may do; all others are plain answers."""
WAYS = 9
SOONEST, SPREAD = 15, 30
"""Minutes of the story until an answer: at least, and how many more there may be."""

DEFAULT = "Thank you for passing this on. We have looked at it, and deal with it this week."
TEXTS = {
    "waste": "The crew could not get past parked cars. They go back tomorrow before ten; please leave it at the kerb.",
    "street-scene": "The crew has it on their list and clears it within two working days.",
    "roads": "An inspector looks at it within two working days. Where it is dangerous it is made safe the same day.",
    "street-lights": "The column number helped. The contractor has it, and mends it within five working days.",
    "parking": "A warden goes past twice a day this week. The permit is valid until the new one arrives.",
    "council-tax": "The account was looked at, and a corrected bill is on its way. No reminder follows meanwhile.",
    "benefits": "The claim is complete now. A decision goes out by post within ten working days.",
    "housing": "A repair is booked. The contractor rings beforehand to agree a time.",
    "planning": "The application is open for comments until the end of the month; the plans are on the website.",
    "environmental-health": "An officer visits this week. A diary of when it happens would help.",
    "parks": "The tree officer has looked: it is safe, and is cut back in the winter programme.",
    "leisure": "The refund was made to the card that was used; it shows within five days.",
}


class DemoAnswers:
    """The mailbox of answers in the practice week; `options` name the folder of sent mails and the speed."""

    capabilities = Capabilities()

    def __init__(self, context: ChannelContext) -> None:
        self._ctx = context
        self._folder = Path(context.account.options["folder"])
        self._speed = float(context.account.options.get("speed", "60"))

    async def check(self) -> Health:
        """Nobody signs in here."""
        return Health(identity="practice", handle="practice", detail="contacts of the practice week")

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """The answers that are due by now."""
        now = self._ctx.clock()
        done = set(json.loads(cursor or "[]"))
        found: list[MailItem] = []
        for path in sorted(self._folder.glob("*.eml")):
            if path.name in done:
                continue
            sent = parse(path.read_bytes())
            due = self._due(sent, now)
            if due > now:
                continue
            done.add(path.name)
            found += [mail_item(Fetched(0, due, parse(raw)), now) for raw in _answers(sent, due)]
        yield MailPage(cursor=json.dumps(sorted(done)), mails=tuple(found))

    def _due(self, sent: ParsedMail, now: datetime) -> datetime:
        minutes = SOONEST + _draw(sent) // WAYS % SPREAD
        return (sent.date or now) + timedelta(minutes=minutes / self._speed if self._speed else 0)

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """A mail does not change."""
        return Reread()

    async def send(self, reply: OutgoingReply) -> Sent:
        """Raises `NotPermitted`: handoffs leave by mail."""
        raise NotPermitted("Handoffs leave by mail.")

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """Raises `NotPermitted`."""
        raise NotPermitted("A mailbox cannot say whether a mail arrived.")

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """Mail has no limit that anybody writes up to."""
        return LengthRule(len(text), None, "characters")

    async def aclose(self) -> None:
        """There is nothing to release."""


def _draw(sent: ParsedMail) -> int:
    return int.from_bytes(hashlib.sha256(sent.message_id.encode()).digest()[:4], "big")


def _answers(sent: ParsedMail, due: datetime) -> Iterator[bytes]:
    """What a mail of ours brings back: usually one mail. A reminder is always answered."""
    if not sent.to or not sent.from_:
        return
    contact, way = sent.to[0], _draw(sent) % WAYS
    area = sent.text.partition("Service-Area: ")[2].partition("\n")[0].strip()
    text = TEXTS.get(area, DEFAULT)
    if sent.in_reply_to:
        yield _mail(sent, contact, due, f"Sorry for the delay. {text}")
    elif way == ABSENT:
        back = due + timedelta(days=4)
        note = f"I am out of the office until {back.day} {back:%B %Y}. In urgent matters please write to my deputy."
        yield _mail(sent, contact, due, note, automatic=True)
    elif way == COLLEAGUE:
        colleague = MailAddress(type(contact.address)(f"sam.byrne@{contact.address.rpartition('@')[2]}"), contact.name)
        yield _mail(sent, colleague, due, f"I answer for {contact.name or 'the team'} today. {text}")
    elif way != SILENT:
        yield _mail(sent, contact, due, text)


def _mail(sent: ParsedMail, writer: MailAddress, due: datetime, text: str, *, automatic: bool = False) -> bytes:
    """An answer as an ordinary mail program makes it, our mail quoted below."""
    mail = EmailMessage()
    key = hashlib.sha256(sent.message_id.encode()).hexdigest()[:16]
    mail["From"] = formataddr((writer.name, writer.address))
    mail["To"] = str(sent.from_[0])
    mail["Date"] = format_datetime(due)
    mail["Message-ID"] = f"<{key}@practice.example>"
    mail["In-Reply-To"] = mail["References"] = sent.message_id
    mail["Subject"] = f"{'Automatic reply' if automatic else 'RE'}: {sent.subject}"
    if automatic:
        mail["Auto-Submitted"] = "auto-replied"
        mail.set_content(f"{text}\n")
        return mail.as_bytes()
    quoted = "\n".join(f"> {line}" for line in sent.text.splitlines()[:40])
    mail.set_content(f"{text}\n\n-- \n{writer.name or writer.address}\n\nOn {due:%d %B %Y} the desk wrote:\n{quoted}\n")
    return mail.as_bytes()
