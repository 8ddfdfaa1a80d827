"""Reminding a contact of a handoff that has no answer: the mail quotes the first one, and is counted when it leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from socialtriage.config.model import Contact
from socialtriage.domain.charter import Duration
from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxKind, OutboxState, Status
from socialtriage.domain.text import clean
from socialtriage.domain.times import iso
from socialtriage.domain.views import Done
from socialtriage.mail.address import Mailbox
from socialtriage.mail.compose import ChaseMail, Composed, compose_chase, message_id
from socialtriage.mail.reopen import reopened
from socialtriage.services.answer_rules import deputies
from socialtriage.services.desk import Desk
from socialtriage.services.handoff import sender_of, undo_window, unguessed
from socialtriage.services.triage import NOTE_LIMIT, check_version
from socialtriage.store.handoffs import HandoffRow
from socialtriage.store.log import NewEvent
from socialtriage.store.outbox import NewRow

LEFT = (OutboxState.SENT, OutboxState.UNKNOWN, OutboxState.BOUNCED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaseDraft:
    """A reminder as it would leave."""

    case_id: int
    ref: str
    version: int
    handoff: HandoffRow
    name: str
    """The contact's."""
    number: int
    """1 for the first reminder."""
    mail: Composed
    note: str
    expected_at: datetime
    """By when an answer is asked for now."""
    deputy: Contact | None
    """Who could be handed the case instead; set when that is suggested."""
    warnings: tuple[str, ...]


def open_handoff(desk: Desk, case_id: int, to: str | None = None) -> HandoffRow:
    """The handoff of a case that waits longest for its answer, or the one to a contact. Raises `Refused`."""
    ref = desk.store.cases.get(case_id).ref
    mine = [one for one in desk.store.answers.handoffs_of(case_id) if one.open and to in (None, one.contact)]
    if not mine:
        who = desk.contact(to).name if to else "a contact"
        raise Refused(f"{ref} waits for no answer from {who}.", hint="f hands it off.")
    # Of a contact and their deputy, who have the same time, the deputy.
    return min(mine, key=lambda one: (one.expected_at or one.queued_at, -one.id))


def prepare(
    desk: Desk, case_id: int, *, to: str | None = None, note: str = "", expect_by: datetime | None = None
) -> ChaseDraft:
    """Make a reminder without queueing it. Raises `Refused`, `NotFound`, `ConfigError`, `StoreError`."""
    case = desk.store.cases.get(case_id)
    if case.status is Status.CLOSED:
        raise Refused(f"{case.ref} is closed; nobody is reminded of it.", hint="Reopen it first.")
    handoff = open_handoff(desk, case_id, to)
    contact = desk.contacts.get(handoff.contact)
    name = contact.name if contact else handoff.contact
    within = Duration.parse(contact.answers_within if contact else "1d")
    expected = expect_by or desk.clocks.add(desk.clock(), within)
    words = clean(note.strip(), NOTE_LIMIT)
    letter = replace(_letter(desk, handoff, name), expected_at=expected, note=words)
    deputy, warnings = _escalation(desk, handoff, name)
    return ChaseDraft(
        case_id=case_id,
        ref=case.ref,
        version=case.version,
        handoff=handoff,
        name=name,
        number=handoff.chased + 1,
        mail=compose_chase(letter),
        note=words,
        expected_at=expected,
        deputy=deputy,
        warnings=tuple(warnings),
    )


def _letter(desk: Desk, handoff: HandoffRow, name: str) -> ChaseMail:
    """What the reminder says of itself and of the first mail. Raises `Refused` when there is nothing to quote."""
    first = desk.store.answers.first_mail(handoff.id)
    if first is None:
        raise Refused(f"The mail that handed off {handoff.ref} is not kept any more.", hint="Hand it off again.")
    reminders = desk.store.answers.reminders(handoff.id)
    if any(state in (OutboxState.QUEUED, OutboxState.SENDING) for _, state in reminders):
        raise Refused(f"A reminder of {handoff.ref} is on its way already.", hint="See: outbox.")
    sender = sender_of(desk)
    # One that was taken back may have arrived all the same: its Message-ID is never used again.
    events = desk.store.log.of_case(handoff.case_id)
    count = 1 + sum(event.kind == "chase.queued" for event in events)
    return ChaseMail(
        ref=handoff.ref,
        message_id=message_id(handoff.ref, unguessed(f"c{count}", events), sender.domain),
        sender=sender,
        to=replace(Mailbox.parse(handoff.email), name=name),
        organisation=desk.config.organisation.name,
        officer=desk.officer,
        number=handoff.chased + 1,
        original=reopened(first),
        sent_at=handoff.sent_at or handoff.queued_at,
        earlier=tuple(key for key, state in reminders if state in LEFT),
        date=desk.clock(),
        zone=desk.zone,
    )


def _escalation(desk: Desk, handoff: HandoffRow, name: str) -> tuple[Contact | None, list[str]]:
    """The deputy who could take the case over, and what speaks for them or against a reminder."""
    said: list[str] = []
    now = desk.clock()
    until = desk.store.accounts.away().get(handoff.contact)
    away = until is not None and until >= now.astimezone(desk.zone).date()
    if handoff.expected_at is not None and handoff.expected_at > now:
        said.append(f"An answer is not due before {handoff.expected_at.astimezone(desk.zone):%A %d %B, %H:%M}.")
    if away and until is not None:
        said.append(f"{name} is away until {until:%d %B}.")
    if handoff.chased:
        said.append(f"{name} was reminded {'once' if handoff.chased == 1 else f'{handoff.chased} times'} already.")
    deputy = next(iter(deputies(desk, handoff.contact)), None) if away or handoff.chased else None
    if deputy is not None:
        said.append(f"{deputy.name} stands in: handoff {handoff.ref} --to {deputy.id}")
    return deputy, said


def queue(desk: Desk, draft: ChaseDraft, *, undo_seconds: float | None = None) -> Done:
    """Put a reminder into the outbox. Raises `Stale` when the case changed, `Refused` when an answer came meanwhile."""
    if desk.mail_folder is None and not desk.config.mail.smtp:
        raise Refused("The configuration has no mail server, so nobody can be reminded.", hint="Set [mail] smtp.")
    now = desk.clock()
    window = undo_window(desk, None, undo_seconds)
    with desk.store.transaction(desk.officer, now) as tx:
        before = tx.cases.get(draft.case_id)
        check_version(desk, before, {draft.case_id: draft.version})
        handoff = tx.answers.handoff(draft.handoff.id)
        if handoff is None or not handoff.open or handoff.chased != draft.handoff.chased:
            raise Refused(f"{draft.name} answered or was reminded meanwhile; nothing was queued.")
        row_id = tx.outbox.add(_row(draft, now + window), desk.officer, now)
        detail = {"contact": handoff.contact, "to": handoff.email, "message_id": draft.mail.message_id}
        tx.log(NewEvent("chase.queued", draft.case_id, draft.ref, detail, draft.note or None))
        said = f"Reminded {draft.name} of {draft.ref}."
        tx.undo.add(desk.seat, now, said, [], [row_id])
    return Done(said, (draft.case_id,), row_id)


def _row(draft: ChaseDraft, not_before: datetime) -> NewRow:
    return NewRow(
        kind=OutboxKind.CHASE,
        recipient=draft.handoff.email,
        key=draft.mail.message_id,
        case_id=draft.case_id,
        handoff_id=draft.handoff.id,
        payload={
            "message_id": draft.mail.message_id,
            "sender": draft.mail.sender,
            "recipients": list(draft.mail.recipients),
            "subject": draft.mail.subject,
            "expected_at": iso(draft.expected_at),
        },
        body=draft.note,
        data=draft.mail.data,
        not_before=not_before,
    )
