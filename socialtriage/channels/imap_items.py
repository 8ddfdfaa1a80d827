"""A mail of a mailbox as a message of the desk: whose it is, which thread it is in, when it came."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from socialtriage.domain.models import Author, Automatic, Incoming, MediaItem, MediaState, SafeText, Visibility
from socialtriage.domain.text import clean_line
from socialtriage.mail.content import Attachment
from socialtriage.mail.fields import MailAddress
from socialtriage.mail.parse import ParsedMail
from socialtriage.mail.walk import Fetched

MAX_ALSO_TO = 50
MAX_ANSWERED = 10
"""References of one mail, from the latest back, that are looked up."""
_SLOW = timedelta(days=2)
"""How long a mail may have been on its way before its sender's clock is doubted."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What is needed to read mails of one mailbox."""

    own: Collection[str]
    """The organisation's own addresses, lower case."""
    threads: Mapping[str, str]
    """Threads of those stored messages that `asked_for` names, by remote id."""
    now: datetime
    place: SafeText | None = None


def incoming(fetched: Fetched, desk: Desk, *, sent: bool = False) -> Incoming:
    """The message that a mail is. `sent` says that it lay in the mailbox of sent mail.

    Its remote id outlives every UID: Message-ID and content. Mail of our own has its Message-ID alone, as the outbox
    stores it, so that the copy in the mailbox is the message that left.
    """
    mail = fetched.mail
    form = _form_writer(mail, desk.own)
    own = sent or (form is None and _is_own(mail, desk.own))
    remote_id = mail.message_id if own and mail.has_id else f"{mail.message_id}#{mail.fingerprint}"
    answer_to = form or mail.answer_to
    reply = {
        "message_id": mail.message_id if mail.has_id else "",
        "reply_to": str(answer_to.address) if answer_to else "",
    }
    return Incoming(
        remote_id=remote_id,
        author=_author(form or mail.author, remote_id),
        text=mail.body,
        at=_when(fetched, desk.now),
        visibility=Visibility.PRIVATE,
        thread=_thread(mail, desk.threads),
        own=own,
        subject=mail.subject or None,
        language=mail.language,
        quoted=mail.quoted or None,
        media=tuple(_media(file) for file in mail.attachments),
        automatic=_automatic(mail, form, desk.own),
        place=desk.place,
        also_to=_also_to(mail, desk.own),
        references=mail.references,
        reply_data={key: value for key, value in reply.items() if value},
    )


def _is_own(mail: ParsedMail, own: Collection[str]) -> bool:
    """Whether we wrote it: our address in From, and our server does not say that it is forged."""
    author = mail.author
    forged = any(result.failed for result in mail.authentication[:1])
    return author is not None and author.key in own and not forged and mail.bounce is None


def _form_writer(mail: ParsedMail, own: Collection[str]) -> MailAddress | None:
    """Who filled in a web form: forms send from an address of their own, with the writer's as Reply-To."""
    author, answer_to = mail.author, mail.answer_to
    if author is None or answer_to is None or not mail.reply_to or mail.to_many or answer_to.key in (author.key, *own):
        return None
    from_machine = author.key in own or mail.automatic is Automatic.BULK
    if not from_machine:
        return None
    return answer_to if answer_to.name else MailAddress(answer_to.address, SafeText(""))


def _automatic(mail: ParsedMail, form: MailAddress | None, own: Collection[str]) -> Automatic | None:
    """A person's mail through a web form, or to a mailbox that is a list, is no bulk mail."""
    if mail.automatic is not Automatic.BULK:
        return mail.automatic
    ours = any(address.replace("@", ".") in (mail.list_id or "").lower() for address in own)
    return None if form is not None or ours else Automatic.BULK


def _author(person: MailAddress | None, remote_id: str) -> Author:
    if person is None or not person.address:
        # Nobody knows whether two mails without a sender are by one person.
        return Author(f"unknown:{remote_id}", SafeText("(no sender)"), person.name if person else SafeText(""))
    return Author(person.key, person.address, person.name)


def asked_for(mails: Iterable[Fetched]) -> list[str]:
    """Messages whose threads must be known to place these mails."""
    return list(dict.fromkeys(one for fetched in mails for one in fetched.mail.references[-MAX_ANSWERED:]))


def _thread(mail: ParsedMail, threads: Mapping[str, str]) -> str:
    """The thread of the latest stored message that it answers, otherwise the root of its References.

    Some mail programs keep only In-Reply-To: where that is a mail of ours, we know the thread.
    """
    return next((threads[one] for one in reversed(mail.references) if one in threads), mail.thread)


def _when(fetched: Fetched, now: datetime) -> datetime:
    """The sender's time where it agrees with the server's, otherwise when the server took the mail in."""
    came = fetched.mail.received or fetched.arrived
    if fetched.arrived is not None and came is not None:
        came = min(came, fetched.arrived)
    written = fetched.mail.date
    if came is None:
        return min(written, now) if written is not None else now
    if written is not None and came - _SLOW <= written <= came:
        return written
    return min(came, now)


def _media(file: Attachment) -> MediaItem:
    return MediaItem(
        kind=file.kind,
        name=file.name,
        mime=file.mime,
        alt=clean_line(file.text, 300) if file.text else None,
        remote_id=file.content_id,
        state=MediaState.TOO_LARGE if file.too_large else MediaState.PENDING,
        data=file.data,
    )


def _also_to(mail: ParsedMail, own: Collection[str]) -> tuple[str, ...]:
    others = dict.fromkeys(one.key for one in (*mail.to, *mail.cc) if one.address and one.key not in own)
    return tuple(others)[:MAX_ALSO_TO]
