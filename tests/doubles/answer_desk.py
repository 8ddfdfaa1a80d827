"""A desk whose contacts answer: handoffs leave into a folder, answers arrive in an IMAP double."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from socialtriage.config.model import AccountConfig, Keyring
from socialtriage.domain.answers import MailView
from socialtriage.domain.models import Author, SafeText, Visibility
from socialtriage.domain.views import CaseDetail, HandoffView
from socialtriage.services import answerbox, answers, handoff, inbox, triage
from socialtriage.services.desk import Desk
from socialtriage.services.outbox import Sender
from socialtriage.services.secrets import SERVICE, SecretStore
from socialtriage.services.sync import Poller, PollResult
from tests.doubles.desk import CONFIG, FrozenClock, arrive, message, small_desk
from tests.doubles.imap import PASSWORD, USER, ImapDouble
from tests.doubles.keyrings import MemoryKeyring

CONTACT = "Waste services <waste@anytown.example>"


@dataclass
class AnswerDesk:
    """One officer, one mailbox. `answer` lets somebody write, `poll` reads it."""

    folder: Path
    server: ImapDouble
    clock: FrozenClock = field(default_factory=FrozenClock)
    imap: str = ""
    one_mailbox: bool = False
    """Residents write to the mailbox too."""

    def __post_init__(self) -> None:
        url = self.imap or f"imap://{USER.replace('@', '%40')}@{self.server.host}:{self.server.port}/INBOX"
        config = CONFIG.replace("[outbox]", f'imap = "{url}"\n\n[outbox]', 1)
        if self.one_mailbox:
            config = config.replace("imaps://mail.anytown.example:993", f"imap://{self.server.host}:{self.server.port}")
            config = config.replace('user = "hello@anytown.example"', f'user = "{USER}"')
        self.desk: Desk = small_desk(self.folder, clock=self.clock, config=config)
        keyring = MemoryKeyring()
        keyring.set_password(SERVICE, answerbox.ID, PASSWORD)
        keyring.set_password(SERVICE, "mailbox", PASSWORD)
        self.secrets = SecretStore(Keyring(), backend=keyring)
        self.number = 0

    # --- what happened before --------------------------------------------------------------------------------

    def case(self, text: str = "My bin was missed", area: str = "waste") -> int:
        """A resident writes, and an officer tags the case."""
        self.number += 1
        taken = arrive(self.desk, message(text, f"m{self.number}", author=f"Resident {self.number}", at=self.clock()))
        (case_id,) = taken.case_ids
        triage.tag(self.desk, [case_id], area=area)
        return case_id

    def by_mail(self, text: str) -> int:
        """A resident writes by email."""
        self.number += 1
        author = Author("resident@home.example", SafeText("resident@home.example"), SafeText("A Resident"))
        item = message(text, f"<r{self.number}@home.example>", at=self.clock(), author=author)
        item = replace(item, visibility=Visibility.PRIVATE, reply_data={"message_id": item.remote_id})
        (case_id,) = arrive(self.desk, item, account="mailbox").case_ids
        return case_id

    def hand_off(self, case_id: int, to: str | None = None) -> HandoffView:
        """The case goes to its contact."""
        handoff.queue(self.desk, handoff.prepare(self.desk, case_id, to=to), undo_seconds=0)
        self.send()
        return self.handoffs(case_id)[-1]

    def handed(self, text: str = "My bin was missed") -> tuple[int, HandoffView]:
        """A case that its contact has."""
        case_id = self.case(text)
        return case_id, self.hand_off(case_id)

    def send(self) -> None:
        """Whatever waits leaves."""

        async def run() -> None:
            poller = Poller(self.desk, self.secrets)
            try:
                await Sender(self.desk, self.secrets, poller).run(ignore_windows=True)
            finally:
                await poller.aclose()

        asyncio.run(run())

    # --- mail ---------------------------------------------------------------------------------------------------

    def mail(self, body: str = "Collected this morning.", **headers: str) -> EmailMessage:
        """A mail of the waste team, ten minutes later; an empty header is left out."""
        self.number += 1
        mail = EmailMessage()
        fields = {
            "From": CONTACT,
            "To": "social@anytown.example",
            "Subject": "Re: your mail",
            "Message-ID": f"<answer{self.number}@anytown.example>",
            "Date": format_datetime(self.clock()),
        }
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in fields.items():
            if value:
                mail[name] = value
        mail.set_content(body)
        return mail

    def deliver(self, mail: EmailMessage | bytes) -> int:
        """It lies in the mailbox; its UID."""
        raw = mail if isinstance(mail, bytes) else mail.as_bytes()
        return self.server.deliver(raw, arrived=self.clock())

    def answer(self, to: HandoffView | None = None, body: str = "Collected this morning.", **headers: str) -> None:
        """Somebody answers a handoff an hour after it left, and the mailbox is read."""
        self.clock.move(hours=1)
        if to is not None:
            headers = {"In_Reply_To": to.message_id, "References": to.message_id, **headers}
        self.deliver(self.mail(body, **headers))
        self.poll()

    def poll(self) -> PollResult:
        """One pass over the mailbox of answers."""
        box = answerbox.mailbox(self.desk)
        assert box is not None

        return self._poll([box])[0]

    def poll_all(self) -> list[PollResult]:
        """One pass over the mailbox that residents write to, and the one of answers."""
        return self._poll(answerbox.chosen(self.desk, ["mailbox", answerbox.ID]))

    def _poll(self, accounts: list[AccountConfig]) -> list[PollResult]:
        async def run() -> list[PollResult]:
            poller = Poller(self.desk, self.secrets)
            try:
                return await poller.once(accounts)
            finally:
                await poller.aclose()

        return asyncio.run(run())

    # --- what is so now -----------------------------------------------------------------------------------------

    def show(self, case_id: int) -> CaseDetail:
        """The case whole."""
        return inbox.detail(self.desk, case_id)

    def handoffs(self, case_id: int) -> tuple[HandoffView, ...]:
        """The handoffs of a case."""
        return self.show(case_id).handoffs

    def late(self, case_id: int) -> bool:
        """Whether the list says that the contact is late."""
        [row] = inbox.rows(self.desk, [case_id])
        return row.contact_due_at is not None and row.contact_due_at < self.clock()

    def asked(self) -> list[MailView]:
        """What an officer is asked about."""
        return answers.listing(self.desk)

    def mails(self) -> list[MailView]:
        """Every mail that was read, newest first."""
        return answers.listing(self.desk, everything=True)


def bounce(message_id: str, recipient: str, action: str = "failed") -> bytes:
    """A delivery report as Postfix writes it."""
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mail.anytown.example\r\nTo: social@anytown.example\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver it.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.anytown.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\nSubject: x\r\n\r\n--b--\r\n"
    ).encode()
