"""The mailbox of contacts' answers among the accounts: it is polled as they are, under the id of its secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import ConfigError
from socialtriage.domain.models import Automatic, Incoming, Page
from socialtriage.mail.address import Mailbox, ServerUrl
from socialtriage.services.desk import Desk
from socialtriage.services.transport import IMAP_SECRET

if TYPE_CHECKING:
    from socialtriage.channels.base import Channel, ChannelContext
    from socialtriage.services.taken import TakenIn

ID = IMAP_SECRET
"""Its id in commands, in the store and in the keyring."""


def mailbox(desk: Desk) -> AccountConfig | None:
    """The mailbox in `[mail] imap` as an account; None where there is none."""
    url = desk.config.mail.imap
    if not url:
        return None
    return AccountConfig(id=ID, network="imap", server=url, user=ServerUrl.parse(url).user)


def polled(desk: Desk) -> list[AccountConfig]:
    """Everything that is polled: the accounts, and the mailbox of contacts' answers where there is one."""
    box = mailbox(desk) or practice(desk)
    return [*desk.config.accounts, *([box] if box else [])]


def practice(desk: Desk) -> AccountConfig | None:
    """The contacts of the practice week, who answer what lies in the folder of sent mails; None elsewhere."""
    played = next((account for account in desk.config.accounts if account.network == "demo"), None)
    if played is None or desk.mail_folder is None:
        return None
    options = {"as": "imap", "folder": str(desk.mail_folder), "speed": played.options.get("speed", "60")}
    return AccountConfig(id=ID, network="demo", every=played.every, options=options)


def chosen(desk: Desk, ids: Sequence[str]) -> list[AccountConfig]:
    """The accounts of these ids, or everything. Raises `NotFound` with the nearest id."""
    box = mailbox(desk)
    return [box if box and id_ == ID else desk.account(id_) for id_ in dict.fromkeys(ids)] or polled(desk)


def waiting(desk: Desk) -> int:
    """How many mails of contacts wait for a decision."""
    return desk.store.answers.undecided()


def create(context: ChannelContext) -> Channel:
    """The channel of an account, or of the mailbox. Raises `Misconfigured`."""
    if context.account.id != ID:
        from socialtriage.channels import registry

        return registry.create(context)
    if context.account.network == "demo":
        from socialtriage.channels.demo_answers import DemoAnswers

        return DemoAnswers(context)
    from socialtriage.channels.imap_answers import AnswerMailbox

    return AnswerMailbox(context)


def shared(desk: Desk, account: AccountConfig) -> bool:
    """Whether residents write to the same mailbox that contacts answer to, as where there is only one."""
    box = desk.config.mail.imap
    if not box or not account.server:
        return False
    try:
        theirs = ServerUrl.parse(account.server if "://" in account.server else f"imaps://{account.server}")
    except ConfigError:
        return False
    ours = ServerUrl.parse(box)
    mailbox, user = account.mailbox or theirs.path or "INBOX", account.user or theirs.user
    return (ours.host, ours.user, ours.path.upper()) == (theirs.host, user, mailbox.upper())


def _of_residents(desk: Desk, items: Sequence[Incoming]) -> Iterator[Incoming]:
    """Mail of a shared mailbox without what the reading of contacts' answers deals with."""
    contacts = {Mailbox.parse(contact.email).address.lower() for contact in desk.config.contacts}
    named = desk.store.answers.handoff_ids([one for item in items for one in item.references])
    for item in items:
        of_contact = item.author.key in contacts or item.automatic is Automatic.BOUNCE
        if item.own or not (of_contact or named.intersection(item.references)):
            yield item


def take_in(desk: Desk, account: AccountConfig, page: Page) -> TakenIn:
    """Store a page: residents' messages, or mails of contacts. Raises `StoreError`."""
    if account.id != ID:
        from socialtriage.services import intake

        if account.network == "imap" and page.items and shared(desk, account):
            page = replace(page, items=tuple(_of_residents(desk, page.items)))
        return intake.take_in(desk, account, page)
    from socialtriage.channels.imap_answers import MailPage
    from socialtriage.services import answer_intake

    # A page that only moves the cursor is a plain one.
    mails = page if isinstance(page, MailPage) else MailPage(cursor=page.cursor, notices=page.notices, gap=page.gap)
    return answer_intake.take_in(desk, account, mails)
