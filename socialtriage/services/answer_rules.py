"""Whose answer a mail is, and whether that is certain enough to change a case without asking.

Certain is what carries the Message-ID of a mail of ours, or a reference, and is by the contact or a deputy of theirs,
and is not called forged by the receiving server. Neither proves anything alone: a resident knows the reference, and
mails are passed on. Everything else an officer is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date

from socialtriage.config.model import Contact
from socialtriage.domain import reference
from socialtriage.domain.answers import MailKind, MailState
from socialtriage.domain.models import Automatic
from socialtriage.mail.parse import ParsedMail
from socialtriage.services.bounce_rules import judged_bounce
from socialtriage.services.desk import Desk
from socialtriage.services.mail_doubts import Judged, address_of, doubts
from socialtriage.store.answers import AnswerWriter
from socialtriage.store.handoffs import HandoffRow

__all__ = ["Judge", "Judged", "deputies", "doubts", "passed_on"]

ABSENT = re.compile(
    r"out of (?:the )?office|\bout (?:un)?til\b|\bunavailable\b|\baway\b|"
    r"on (?:annual |sick |maternity |paternity |parental )?leave|absen[ct]|"
    r"not (?:be )?(?:in|at) (?:the office|work|my desk)|on holiday|back (?:in|on|at)|return(?:ing)? (?:to|on)|"
    r"allan o['’]?r swyddfa|i ffwrdd|ar wyliau|abwesen|afwezig|fuera de la oficina",
    re.IGNORECASE,
)
"""Words of an absence, where an automatic answer names no date."""
LOOKED_AT = 4000
"""Characters of an automatic answer in which they are looked for."""

DESK_ID = re.compile(r"<[a-z]{2,3}-[a-z0-9]{6}\.[hc]\d{1,4}-[0-9a-f]{12}@")
"""Message-IDs of handoffs and reminders, this desk's or another one's that shares the mailbox."""


class Judge:
    """Judges mails inside one transaction."""

    def __init__(self, desk: Desk, answers: AnswerWriter) -> None:
        self._desk = desk
        self._answers = answers
        self._prefix = desk.config.organisation.prefix
        self._by_address: dict[str, list[Contact]] = {}
        for contact in desk.config.contacts:
            self._by_address.setdefault(address_of(contact.email), []).append(contact)
        self._own = address_of(desk.config.mail.from_)

    def ours(self, mail: ParsedMail) -> bool:
        """Whether it is a copy of a mail that this desk sent."""
        if not self._own or mail.author is None or mail.author.key != self._own or mail.bounce is not None:
            return False
        return bool(self._answers.by_ids([mail.message_id]) or self._answers.rows_sent([mail.message_id]))

    def judge(self, mail: ParsedMail) -> Judged:
        """What a mail is, and what is to be done with it."""
        if mail.bounce is not None:
            names = {contact.id: contact.name for contact in self._desk.config.contacts}
            return judged_bounce(self._answers, mail, mail.bounce, self._refs(mail.text), names)
        tied = self._tied(mail)
        if mail.automatic is Automatic.AUTO_REPLY:
            return self._automatic(mail, tied)
        return self._answer(mail, tied)

    # --- whose it is --------------------------------------------------------------------------------------------

    def _tied(self, mail: ParsedMail) -> HandoffRow | None:
        """The handoff whose mail, or reminder, this one answers by its headers: the latest that is named."""
        named = (*mail.references, *(one for one in mail.in_reply_to if one not in mail.references))
        if not named:
            return None
        found = self._answers.by_ids(named)
        by_id = {handoff.message_id: handoff for handoff in found}
        exact = [by_id[one] for one in reversed(named) if one in by_id]
        return exact[0] if exact else (found[-1] if found else None)

    def _refs(self, *texts: str) -> list[str]:
        """References in the first of the texts that holds any; of a merged case that of the one it is in."""
        found = next((found for text in texts if (found := reference.find(text, self._prefix))), [])
        return self._answers.refs_now(found) if found else []

    def team(self, handoff: HandoffRow) -> set[str]:
        """Addresses of those who may answer a handoff: who got it, the contact, and deputies either way."""
        contacts = self._desk.contacts
        people = {handoff.contact, *_chain(self._desk, handoff.contact)}
        people |= {contact.id for contact in contacts.values() if contact.deputy == handoff.contact}
        return {address_of(handoff.email), *(address_of(contacts[one].email) for one in people if one in contacts)} - {
            ""
        }

    def _contact(self, address: str, handoff: HandoffRow | None) -> Contact | None:
        """The contact who writes from an address; of several, the one who has the handoff."""
        known = self._by_address.get(address, [])
        if handoff is not None:
            known = [one for one in known if one.id == handoff.contact] or known
        return known[0] if known else None

    # --- people's mail ------------------------------------------------------------------------------------------

    def _answer(self, mail: ParsedMail, tied: HandoffRow | None) -> Judged:
        sender = mail.author.key if mail.author else ""
        contact = self._contact(sender, tied)
        name = contact.id if contact else None
        in_subject = self._refs(mail.subject)
        refs = in_subject or self._refs(mail.body, mail.quoted)
        if tied is not None:
            handoff, why = tied, self._against(mail, sender, tied)
            why = why or self._elsewhere(mail, tied, in_subject)
        elif sender == self._own and contact is None:
            return Judged(kind=MailKind.AUTOMATIC, state=MailState.NOTED, why="it comes from the desk's own address")
        elif refs:
            found, why = self._by_reference(mail, sender, refs)
            if found is None:
                return self._ask(why or "", name, self._answers.cases_of(refs).get(refs[0]))
            handoff = found
        else:
            return self._unplaced(mail, contact)
        if why is not None:
            return self._ask(why, name, handoff.case_id, handoff)
        said = f"{self._name(name or handoff.contact)} answered"
        return Judged(
            kind=MailKind.ANSWER,
            state=MailState.TAKEN,
            why=said,
            contact=name or handoff.contact,
            handoff=handoff,
            case_id=handoff.case_id,
        )

    def _elsewhere(self, mail: ParsedMail, tied: HandoffRow, in_subject: Sequence[str]) -> str | None:
        """Whether an answer to a mail about one case speaks of another: people answer the nearest mail they have."""
        if in_subject and tied.ref not in in_subject:
            return f"it answers the mail about {tied.ref}, and its subject names {in_subject[0]}"
        said = self._refs(mail.body)
        if tied.ref in said or not (others := self._answers.cases_of(said)):
            return None
        return f"it answers the mail about {tied.ref}, and its words name {next(iter(others))}"

    def _against(self, mail: ParsedMail, sender: str, handoff: HandoffRow) -> str | None:
        """Why an answer to this handoff is not certain; None when it is."""
        doubt = doubts(mail)
        if doubt is not None:
            return doubt
        if sender in self.team(handoff):
            return None
        asked = self._name(handoff.contact)
        who = sender or "somebody without an address"
        return f"{who} answers the mail to {asked}, and is neither the contact nor a deputy"

    def _by_reference(self, mail: ParsedMail, sender: str, refs: Sequence[str]) -> tuple[HandoffRow | None, str | None]:
        """The handoff that a mail without our Message-ID answers, and what speaks against it."""
        mine = [handoff for handoff in self._answers.of_refs(refs) if sender in self.team(handoff)]
        if not mine:
            who = self._name(contact.id) if (contact := self._contact(sender, None)) else sender or "somebody"
            known = "was not handed it" if self._answers.cases_of(refs) else "this desk has no such case"
            return None, f"{who} quotes {', '.join(refs[:3])}, and {known}"
        if len({handoff.case_id for handoff in mine}) > 1:
            return None, f"it quotes several cases: {', '.join(refs[:5])}"
        open_ones = [handoff for handoff in mine if handoff.open]
        return (open_ones or mine)[-1], doubts(mail)

    def _unplaced(self, mail: ParsedMail, contact: Contact | None) -> Judged:
        """Neither a mail of ours nor a reference is named."""
        if contact is None and mail.automatic is Automatic.BULK:
            return Judged(kind=MailKind.AUTOMATIC, state=MailState.NOTED, why="a mailing, about no case")
        if contact is None:
            return self._ask("a stranger, and no reference is quoted")
        if any(DESK_ID.match(one) for one in mail.references):
            return self._ask(
                f"{contact.name} answers a mail of a desk that is not, or no more, in this store", contact.id
            )
        theirs = self._answers.open_of([contact.id])
        only = theirs[0] if len(theirs) == 1 else None
        hint = f"; {only.ref} is the only case they have" if only else ""
        return self._ask(f"{contact.name} names no reference{hint}", contact.id, only.case_id if only else None, only)

    def _ask(
        self, why: str, contact: str | None = None, case_id: int | None = None, handoff: HandoffRow | None = None
    ) -> Judged:
        return Judged(
            kind=MailKind.ANSWER,
            state=MailState.UNDECIDED,
            why=why,
            contact=contact,
            case_id=case_id,
            handoff=handoff,
        )

    def _name(self, contact_id: str) -> str:
        contact = self._desk.contacts.get(contact_id)
        return contact.name if contact else contact_id

    # --- mail that no person wrote --------------------------------------------------------------------------------

    def _automatic(self, mail: ParsedMail, tied: HandoffRow | None) -> Judged:
        """An absence is offered to the officer; anything else is noted. Neither answers the handoff."""
        sender = mail.author.key if mail.author else ""
        if tied is None:
            refs = self._refs(mail.subject, mail.body, mail.quoted)
            mine = [handoff for handoff in self._answers.of_refs(refs) if sender in self.team(handoff)] if refs else []
            tied = mine[-1] if mine else None
        contact = self._contact(sender, tied)
        case_id = tied.case_id if tied else None
        words = f"{mail.subject}\n{mail.body[:LOOKED_AT]}"
        today = self._desk.clock().astimezone(self._desk.zone).date()
        until = mail.away_until if mail.away_until and mail.away_until >= today else None
        if contact is None or not (until or ABSENT.search(words)):
            why = "an automatic answer; it says nothing about the case"
            return Judged(
                kind=MailKind.AUTOMATIC,
                state=MailState.NOTED,
                why=why,
                contact=contact.id if contact else None,
                handoff=tied,
                case_id=case_id,
            )
        said = f"{contact.name} is out of the office"
        said += f" until {until:%d %B %Y}" if until else "; until when is not said"
        deputy = self._desk.contacts.get(contact.deputy or "")
        said += f"; the deputy is {deputy.name}" if deputy else "; there is no deputy"
        doubt = doubts(mail)
        return Judged(
            kind=MailKind.ABSENCE,
            state=MailState.NOTED if self._known_away(contact.id, until) else MailState.UNDECIDED,
            why=f"{said} ({doubt})" if doubt else said,
            contact=contact.id,
            handoff=tied,
            case_id=case_id,
            until=until,
        )

    def _known_away(self, contact: str, until: date | None) -> bool:
        """Whether the desk knows, or asks already."""
        known = self._desk.store.accounts.away().get(contact)
        if known is not None and until is not None and known >= until:
            return True
        return self._answers.asked_away(contact, until)


def passed_on(desk: Desk, answers: AnswerWriter, handoff_id: int) -> None:
    """A handoff has left: whoever its contact stands in for, and had the case before, is no longer late with it."""
    handoff = answers.handoff(handoff_id)
    if handoff is None or handoff.expected_at is None:
        return
    others = [one for one in desk.contacts if one != handoff.contact and handoff.contact in _chain(desk, one)]
    answers.wait_for_deputy(handoff, others)


def _chain(desk: Desk, contact_id: str) -> list[str]:
    """The deputies of a contact, the nearest first."""
    found: list[str] = []
    at = desk.contacts.get(contact_id)
    while at is not None and at.deputy is not None and at.deputy not in (*found, contact_id):
        found.append(at.deputy)
        at = desk.contacts.get(at.deputy)
    return found


def deputies(desk: Desk, contact_id: str) -> Iterable[Contact]:
    """Who stands in for a contact, the nearest first, without those who are away themselves."""
    away = desk.store.accounts.away()
    today = desk.clock().astimezone(desk.zone).date()
    for name in _chain(desk, contact_id):
        contact = desk.contacts.get(name)
        if contact is not None and not (contact.id in away and away[contact.id] >= today):
            yield contact
