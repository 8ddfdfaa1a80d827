"""Handing a case to the contact network by email: who gets it, exactly what leaves, and the row that leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from socialtriage.config.model import Contact
from socialtriage.domain import cases as life
from socialtriage.domain.charter import Duration
from socialtriage.domain.errors import ConfigError, Refused
from socialtriage.domain.models import MediaState, OutboxKind, OutboxState, OutgoingFile, SafeText, Urgency, Voice
from socialtriage.domain.redact import Found, Redaction, redact
from socialtriage.domain.text import clean
from socialtriage.domain.views import CaseDetail, Done, EventView, MediaView, MessageView
from socialtriage.mail.address import Mailbox
from socialtriage.mail.compose import Attachment, Composed, HandoffMail, QuotedMessage, compose_handoff, message_id
from socialtriage.services import inbox
from socialtriage.services.desk import Desk
from socialtriage.services.handoff_files import TAKES_FILES, attachment, fitting, remarks
from socialtriage.services.triage import NOTE_LIMIT, change_of, check_version
from socialtriage.store.log import NewEvent
from socialtriage.store.outbox import NewRow

EVERYTHING = Redaction.all()
NOTHING = Redaction.none()


@dataclass(frozen=True, slots=True)
class ContactChoice:
    """Who would get a case, and why them."""

    contact: Contact
    because: str
    alternatives: tuple[Contact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffDraft:
    """A handoff as it would leave: the preview and the mail are the same bytes."""

    case_id: int
    ref: str
    version: int
    contact: Contact
    because: str
    note: str
    redaction: Redaction
    mail: Composed
    attachments: tuple[MediaView, ...]
    """Kept files that could go with it; `attached` has the ids of those that do."""
    attached: tuple[int, ...]
    originals: bool
    """Whether they go as they came, with what they say of place and camera."""
    expected_at: datetime | None
    found: tuple[Found, ...]
    """Personal data in the resident's words, whether it is masked or not."""
    warnings: tuple[str, ...]
    bridge: Mapping[str, Any] | None = None
    """Set when it goes into another system in the place of a mail: what that system gets."""
    files: tuple[Attachment, ...] = ()
    """The files that go along into another system; those of a mail are in the mail."""


def contact_for(desk: Desk, case_id: int, to: str | None = None) -> ContactChoice:
    """The contact of the case's area who is not away, or the one named `to`. Raises `Refused`, `NotFound`."""
    case = desk.store.cases.get(case_id)
    everyone = tuple(desk.config.contacts)
    if to is not None:
        contact, because = _present(desk, desk.contact(to), "you chose them")
        return ContactChoice(contact, because, everyone)
    if case.area is None:
        raise Refused(f"{case.ref} has no service area yet.", hint="Tag it first, or name a contact.")
    area = desk.area(case.area)
    if not area.contacts:
        raise Refused(f"{area.name} has no contact in the configuration.", hint="Name a contact for this handoff.")
    away = _away(desk)
    for contact_id in area.contacts:
        if contact_id not in away:
            return ContactChoice(desk.contact(contact_id), f"answers for {area.name}", everyone)
    contact, because = _present(desk, desk.contact(area.contacts[0]), f"answers for {area.name}")
    return ContactChoice(contact, because, everyone)


def _away(desk: Desk) -> set[str]:
    today = desk.clock().astimezone(desk.zone).date()
    return {contact for contact, until in desk.store.accounts.away().items() if until >= today}


def _present(desk: Desk, contact: Contact, because: str) -> tuple[Contact, str]:
    """The contact, or the first deputy along the chain who is not away. Raises `Refused` for a loop or a dead end."""
    away = _away(desk)
    chain = [contact]
    while chain[-1].id in away:
        deputy = chain[-1].deputy
        if deputy is None:
            raise Refused(f"{chain[-1].name} is away and has no deputy.", hint="Name another contact.")
        if deputy in [c.id for c in chain]:
            loop = " → ".join(c.name for c in chain)
            raise Refused(f"Everyone is away: {loop}, and back again.", hint="Name another contact.")
        chain.append(desk.contact(deputy))
    if len(chain) == 1:
        return contact, because
    return chain[-1], f"deputy of {chain[-2].name}, who is away"


def prepare(
    desk: Desk,
    case_id: int,
    *,
    to: str | None = None,
    note: str = "",
    redaction: Redaction | None = None,
    expect_by: datetime | None = None,
    attachments: Sequence[int] | None = None,
    originals: bool = False,
) -> HandoffDraft:
    """Make the mail of a handoff without queueing it.

    `attachments` are media ids; None takes every kept file that fits into a mail. They go without metadata (position,
    camera, names) where their kind can be cleaned, unless `originals`. Raises `Refused`, `NotFound`, `ConfigError`,
    `StoreError`.
    """
    detail = inbox.detail(desk, case_id)
    life.handed_off(desk.store.cases.get(case_id))
    choice = contact_for(desk, case_id, to)
    if redaction is None:
        redaction = EVERYTHING if desk.config.mail.redact else NOTHING
    kept = tuple(m for message in detail.messages for m in message.media if m.state is MediaState.KEPT)
    wanted = fitting(kept) if attachments is None else tuple(m for m in kept if m.id in set(attachments))
    expected = expect_by or desk.clocks.add(desk.clock(), Duration.parse(choice.contact.answers_within))
    messages, found = _quoted(detail, redaction)
    letter = _letter(desk, detail, choice.contact, redaction)
    takes = choice.contact.via in TAKES_FILES or desk.mail_folder is not None
    files = tuple(attachment(desk, m, originals=originals) for m in wanted) if takes else ()
    draft = HandoffDraft(
        case_id=case_id,
        ref=detail.row.ref,
        version=detail.row.version,
        contact=choice.contact,
        because=choice.because,
        note=clean(note.strip(), NOTE_LIMIT),
        redaction=redaction,
        mail=compose_handoff(
            replace(
                letter,
                messages=messages,
                note=clean(note.strip(), NOTE_LIMIT),
                expected_at=expected,
                attachments=tuple(file for file, _ in files),
            )
        ),
        attachments=kept,
        attached=tuple(m.id for m in wanted) if takes else (),
        originals=originals,
        expected_at=expected,
        found=tuple(found),
        warnings=(
            *_warnings(desk, detail, choice.contact),
            *remarks(choice.contact, kept, wanted, files, originals=originals, chosen=attachments is not None),
        ),
    )
    return _elsewhere(desk, detail, draft, tuple(file for file, _ in files))


def _elsewhere(desk: Desk, detail: CaseDetail, draft: HandoffDraft, files: tuple[Attachment, ...]) -> HandoffDraft:
    """The same words, and the files, for a contact that is reached through another system; a mail stays one."""
    if not _bridged(desk, draft.contact):
        return draft
    from socialtriage.services.bridging import payload

    bridge = payload(desk, detail, draft.contact, draft.mail.subject, draft.mail.text)
    return replace(draft, bridge=bridge, files=files)


def _letter(desk: Desk, detail: CaseDetail, contact: Contact, redaction: Redaction) -> HandoffMail:
    """What the mail says of the case itself; words, files and expectation are put in by `prepare`."""
    row = detail.row
    return HandoffMail(
        ref=row.ref,
        message_id=message_id(row.ref, unguessed(f"h{_number(detail)}", detail.events), _domain(desk)),
        sender=sender_of(desk),
        to=replace(Mailbox.parse(contact.email), name=contact.name),
        organisation=desk.config.organisation.name,
        officer=desk.officer,
        area=desk.areas[row.area].name if row.area in desk.areas else "",
        area_id=row.area or "",
        topic=row.topic or "",
        urgency=row.urgency,
        network=row.network,
        account=row.account,
        visibility=row.visibility,
        person=_person(detail, redaction),
        facts=tuple((name, _masked(value, detail, redaction)[0]) for name, value in detail.facts.items()),
        messages=(),
        url=_url(detail, redaction),
        received_at=row.opened_at,
        date=desk.clock(),
        zone=desk.zone,
        redacted=bool(redaction),
        answer_how=_answer_how(desk, contact, row.ref),
    )


def _answer_how(desk: Desk, contact: Contact, ref: str) -> str:
    """How whoever works in another system answers: there, where the desk follows it, and by mail elsewhere."""
    if not _bridged(desk, contact):
        return ""
    if contact.via in ("open311", "zammad"):
        return "Answer in this system: the desk reads what you write there for others to see."
    return f"Answer by mail to {sender_of(desk).address}, with [{ref}] in the subject."


def _bridged(desk: Desk, contact: Contact) -> bool:
    """Whether a handoff goes into another system; in the practice week everything is a mail in a folder."""
    return contact.via != "mail" and desk.mail_folder is None


def _number(detail: CaseDetail) -> int:
    """Which handoff of the case this is. One that was taken back or dropped may have arrived all the same, so its
    Message-ID is never used for another mail: the receiving side would drop that as a repeat.
    """
    return 1 + sum(event.kind == "handoff.queued" for event in detail.events)


def unguessed(key: str, events: Sequence[EventView]) -> str:
    """A key for a Message-ID that is the same in every preview, and that nobody finds out who has just heard the
    reference: who reports that a mail came back has carried it. What is hashed stays in the log.
    """
    first = events[0].hash if events else ""
    return f"{key}-{hashlib.sha256(f'{first}.{key}'.encode()).hexdigest()[:12]}"


def sender_of(desk: Desk) -> Mailbox:
    """Whom mails come from. Raises `ConfigError` when the configuration has no [mail] from."""
    if not desk.config.mail.from_:
        raise ConfigError(
            "The configuration has no mail sender.", hint='Set [mail] from = "Desk <desk@your-council.example>".'
        )
    return Mailbox.parse(desk.config.mail.from_)


def _domain(desk: Desk) -> str:
    return sender_of(desk).address.rpartition("@")[2]


def _quoted(detail: CaseDetail, redaction: Redaction) -> tuple[tuple[QuotedMessage, ...], list[Found]]:
    quoted: list[QuotedMessage] = []
    found: list[Found] = []
    for message in detail.messages:
        if message.gone_at is not None:
            continue
        text, _ = _masked(message.text, detail, redaction)
        found += _masked(message.text, detail, EVERYTHING)[1]
        subject, _ = _masked(message.subject or "", detail, redaction)
        quoted.append(QuotedMessage(message.voice, _who(message, redaction), message.at, text, subject))
    return tuple(quoted), found


def _masked(text: str, detail: CaseDetail, redaction: Redaction) -> tuple[SafeText, list[Found]]:
    return redact(text, redaction, names=(detail.row.name,), handles=(detail.row.handle,))


def _who(message: MessageView, redaction: Redaction) -> str:
    if message.voice is not Voice.RESIDENT:
        return str(message.name)
    if redaction.names and redaction.handle:
        return "A resident"
    if redaction.names:
        return str(message.handle)
    return (
        str(message.name) if redaction.handle or message.name == message.handle else f"{message.name}, {message.handle}"
    )


def _person(detail: CaseDetail, redaction: Redaction) -> str:
    name = "" if redaction.names else detail.row.name
    handle = "" if redaction.handle else detail.row.handle
    return f"{name} ({handle})" if name and handle and name != handle else name or handle


def _url(detail: CaseDetail, redaction: Redaction) -> str | None:
    """The link to the original; it names the person, so that it goes only where the handle may."""
    if redaction.handle:
        return None
    return next((m.url for m in reversed(detail.messages) if m.url and m.voice is Voice.RESIDENT), None)


def _warnings(desk: Desk, detail: CaseDetail, contact: Contact) -> list[str]:
    said = []
    if detail.row.suggested_urgency is Urgency.EMERGENCY and detail.row.urgency is not Urgency.EMERGENCY:
        said.append("It may be an emergency, and nobody has said how urgent it is: the contact does not see that.")
    withheld = [m for message in detail.messages for m in message.media if m.state is not MediaState.KEPT]
    if withheld:
        which, they = ("A file", "it") if len(withheld) == 1 else (f"{len(withheld)} files", "they")
        said.append(f"{which} of the resident cannot go with it, because {they} could not be kept here.")
    if any(m.gone_at for m in detail.messages):
        said.append("A message that was removed at its source is left out.")
    said += _earlier(detail, contact)
    area = desk.areas.get(detail.row.area or "")
    missing = [need for need in (area.needs if area else ()) if need not in detail.facts]
    if missing:
        said.append(f"{area.name if area else 'The area'} needs: {', '.join(missing)}.")
    return said


def _earlier(detail: CaseDetail, contact: Contact) -> list[str]:
    """What became of earlier handoffs to the same contact."""
    theirs = [h for h in detail.handoffs if h.contact == contact.id and h.answered_at is None]
    back = [h for h in theirs if h.state is OutboxState.BOUNCED]
    said = [f"The last mail to {contact.name} came back: {back[-1].error or 'no reason was given'}"] if back else []
    if any(h.state not in (OutboxState.BOUNCED, OutboxState.FAILED) for h in theirs):
        said.append(f"{contact.name} already has this case and has not answered.")
    return said


def undo_window(desk: Desk, account: str | None, seconds: float | None) -> timedelta:
    """How long a row waits before it leaves, so that it can be taken back."""
    if seconds is not None:
        return timedelta(seconds=seconds)
    from socialtriage.domain.times import parse_every

    own = desk.accounts[account].undo if account in desk.accounts else None
    return parse_every(own or desk.config.outbox.undo)


def queue(desk: Desk, draft: HandoffDraft, *, undo_seconds: float | None = None) -> Done:
    """Put a handoff into the outbox: case, handoff, row, event and undo step in one transaction.

    Raises `Stale` when the case changed since the draft was made, `Refused` when it cannot be handed off.
    """
    if desk.mail_folder is None and not desk.config.mail.smtp and draft.bridge is None:
        raise Refused("The configuration has no mail server, so nothing can be handed off.", hint="Set [mail] smtp.")
    now = desk.clock()
    window = undo_window(desk, None, undo_seconds)
    with desk.store.transaction(desk.officer, now) as tx:
        before = tx.cases.get(draft.case_id)
        check_version(desk, before, {draft.case_id: draft.version})
        after = desk.clocks.with_due(life.handed_off(before))
        tx.cases.save(before, after)
        handoff_id = tx.outbox.add_handoff(
            draft.case_id,
            draft.contact.id,
            draft.contact.email,
            draft.mail.message_id,
            draft.note,
            now,
            draft.expected_at,
        )
        row = _row(draft, handoff_id, now + window)
        row_id = tx.outbox.add(row, desk.officer, now)
        tx.replies.add_files(row_id, [OutgoingFile(file.name, file.mime, "", file.data) for file in draft.files])
        detail = {
            "contact": draft.contact.id,
            "to": row.recipient,
            "message_id": draft.mail.message_id,
            "redacted": bool(draft.redaction),
            "attachments": len(draft.attached),
            "originals": bool(draft.originals and draft.attached),
        }
        tx.log(NewEvent("handoff.queued", draft.case_id, draft.ref, detail, draft.note or None))
        said = f"Handed {draft.ref} to {draft.contact.name}."
        tx.undo.add(desk.seat, now, said, [change_of(before, after)], [row_id])
    return Done(said, (draft.case_id,), row_id)


def _row(draft: HandoffDraft, handoff_id: int, not_before: datetime) -> NewRow:
    if draft.bridge is not None:
        return NewRow(
            kind=OutboxKind.HANDOFF,
            recipient=f"{draft.contact.name} ({draft.contact.via})",
            key=draft.mail.message_id,
            case_id=draft.case_id,
            handoff_id=handoff_id,
            payload=draft.bridge,
            body=draft.note,
            not_before=not_before,
        )
    return NewRow(
        kind=OutboxKind.HANDOFF,
        recipient=draft.contact.email,
        key=draft.mail.message_id,
        case_id=draft.case_id,
        handoff_id=handoff_id,
        payload={
            "message_id": draft.mail.message_id,
            "sender": draft.mail.sender,
            "recipients": list(draft.mail.recipients),
            "subject": draft.mail.subject,
        },
        body=draft.note,
        data=draft.mail.data,
        not_before=not_before,
    )
