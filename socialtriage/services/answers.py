"""Contacts' answers on their way into their cases: taken where that is certain, put before an officer where not.

A contact's words never reach a resident from here: they stand in the case in the contact's voice, and become the draft
of a reply when an officer says so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from socialtriage.config.model import AccountConfig, Contact
from socialtriage.domain import cases as life
from socialtriage.domain.answers import MailKind, MailState, MailView
from socialtriage.domain.errors import NotFound, Refused, UsageError
from socialtriage.domain.models import SafeText, Status, Voice
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.times import iso
from socialtriage.domain.views import Done
from socialtriage.services import answerbox, evidence
from socialtriage.services.answer_rules import Judge, Judged, deputies
from socialtriage.services.batch import TakenIn
from socialtriage.services.desk import Desk
from socialtriage.services.intake import CHUNK, SYSTEM
from socialtriage.services.triage import Expect, check_version
from socialtriage.store.answers import HandoffRow, NewMail
from socialtriage.store.log import NewEvent
from socialtriage.store.store import Transaction

if TYPE_CHECKING:
    from socialtriage.channels.imap_answers import MailItem, MailPage

WHY_LIMIT = 300
NOTE_LIMIT = 1000
"""Characters of an automatic answer that the log keeps."""


# --- taking in ----------------------------------------------------------------------------------------------------


def take_in(desk: Desk, account: AccountConfig, page: MailPage) -> TakenIn:
    """Store a page of mails with what they do and the cursor that follows it, in transactions of at most `CHUNK`.

    Raises `StoreError`; then nothing of the last part is stored, and it comes again.
    """
    evidence.keep(desk.media_folder, (each.item for each in page.mails))
    mails = sorted(page.mails, key=lambda each: each.item.at)
    parts = [mails[i : i + CHUNK] for i in range(0, len(mails), CHUNK)] or [[]]
    total = TakenIn()
    for number, part in enumerate(parts, 1):
        with desk.store.transaction(SYSTEM, desk.clock(), durable=False) as tx:
            total.add(_take(desk, tx, account.id, part))
            if number == len(parts):
                if page.cursor is not None:
                    tx.accounts.update(account.id, cursor=page.cursor)
                if page.gap is not None:
                    tx.accounts.add_gap(account.id, page.gap)
    return total


def _take(desk: Desk, tx: Transaction, account: str, mails: list[MailItem]) -> TakenIn:
    """One part of a page."""
    result = TakenIn()
    keys = [each.item.remote_id for each in mails]
    known = set(tx.intake.messages(account, keys)) | tx.intake.tombstones(account, keys) if keys else set()
    judge = Judge(desk, tx.answers)
    shared = any(answerbox.shared(desk, each) for each in desk.config.accounts if each.network == "imap")
    for each in mails:
        if each.item.remote_id in known or judge.ours(each.mail):
            continue
        known.add(each.item.remote_id)
        judged = judge.judge(each.mail)
        if shared and judged.contact is None and judged.handoff is None and judged.kind is not MailKind.BOUNCE:
            continue  # residents write here too: it opens a case, or joins one
        message_id = tx.intake.next_id("messages")
        tx.intake.add_messages(account, iso(tx.at), [(message_id, None, None, Voice.CONTACT, each.item)])
        tx.accounts.newest(account, min(each.item.at, tx.at))
        result.new += 1
        result.case_ids += _follow(desk, tx, message_id, judged, each)
    return result


def _follow(desk: Desk, tx: Transaction, message_id: int, judged: Judged, each: MailItem) -> list[int]:
    """Put a judged mail down, and do what it says where that is certain. The cases that changed."""
    state, why, changed = judged.state, judged.why, []
    certain = state is MailState.TAKEN
    if certain and judged.kind is MailKind.ANSWER and judged.case_id is not None:
        case = tx.cases.get(judged.case_id)
        if case.status is Status.CLOSED:
            # Only a resident opens a closed case again (DESIGN, 4): the answer is kept in it, and an officer is asked.
            state, why = MailState.UNDECIDED, f"{why}, but {case.ref} is closed; accepting reopens it"
        changed = [_land(desk, tx, message_id, judged.case_id, judged.handoff, each.item.at)]
    elif certain and judged.kind is MailKind.BOUNCE:
        changed = _came_back(desk, tx, judged)
    else:
        _note(tx, judged, each)
    tx.answers.add(
        _new_mail(message_id, judged, state, why, each), SYSTEM if state is not MailState.UNDECIDED else None, tx.at
    )
    return changed


def _new_mail(message_id: int, judged: Judged, state: MailState, why: str, each: MailItem) -> NewMail:
    return NewMail(
        message_id=message_id,
        kind=judged.kind,
        state=state,
        why=clean_line(why, WHY_LIMIT),
        sender=str(each.item.author.key or each.item.author.handle),
        contact=judged.contact,
        handoff_id=judged.handoff.id if judged.handoff else None,
        case_id=judged.case_id,
        until=judged.until,
    )


def _land(desk: Desk, tx: Transaction, message_id: int, case_id: int, handoff: HandoffRow | None, at: datetime) -> int:
    """A contact's words join their case, and the resident is to be told. A closed case stays closed."""
    fresh, files = tx.answers.place(message_id, case_id)
    before = tx.cases.get(case_id)
    after = replace(before, messages=before.messages + 1, media=before.media + files) if fresh else before
    if before.status is not Status.CLOSED:
        after = life.contact_answered(after)
    tx.cases.save(before, desk.clocks.with_due(after))
    detail: dict[str, object] = {"files": files} if files else {}
    if handoff is not None:
        # A clock that goes wrong must not make an answer older than its question.
        first = tx.answers.answered(handoff.id, min(max(at, handoff.sent_at or at), tx.at))
        detail = {"contact": handoff.contact, "message_id": handoff.message_id, **detail}
        detail |= {} if first else {"again": True}
    tx.log(NewEvent("handoff.answered", case_id, before.ref, detail))
    return case_id


def _came_back(desk: Desk, tx: Transaction, judged: Judged) -> list[int]:
    """A mail of ours came back: its row says why, and the case is on the desk again."""
    handoff, why = judged.handoff, clean_line(judged.why, WHY_LIMIT)
    if handoff is not None:
        tx.answers.bounced(handoff.id, why, judged.original_id)
    elif judged.row_id is None or not tx.answers.row_bounced(judged.row_id, why):
        return []
    if judged.case_id is None:
        return []
    before = tx.cases.get(judged.case_id)
    if handoff is None:
        after = life.reply_bounced(before)
    else:
        after = before if tx.outbox.handed_off(before.id) else life.handoff_failed(before)
    tx.cases.save(before, desk.clocks.with_due(after))
    if after is before:
        tx.cases.bump(before.id)
    detail = {"why": why} | ({"contact": handoff.contact, "to": handoff.email} if handoff else {})
    tx.log(NewEvent("handoff.bounced" if handoff else "reply.bounced", before.id, before.ref, detail))
    return [before.id]


def _note(tx: Transaction, judged: Judged, each: MailItem) -> None:
    """What changes nothing is in the log of its case all the same, where it is about one."""
    if judged.case_id is None or judged.handoff is None or judged.kind is MailKind.ANSWER:
        return
    kind = {
        MailKind.ABSENCE: "contact.absent",
        MailKind.AUTOMATIC: "contact.automatic",
        MailKind.BOUNCE: "handoff.delayed" if judged.state is MailState.NOTED else "handoff.doubtful_bounce",
    }[judged.kind]
    detail = {"contact": judged.contact, "why": clean_line(judged.why, WHY_LIMIT)}
    detail |= {"until": judged.until.isoformat()} if judged.until else {}
    ref = tx.cases.get(judged.case_id).ref
    tx.log(NewEvent(kind, judged.case_id, ref, detail, clean(each.item.text, NOTE_LIMIT) or None))


# --- an officer decides -------------------------------------------------------------------------------------------


def listing(desk: Desk, *, everything: bool = False) -> list[MailView]:
    """Mails that wait for a decision, oldest first; `everything`: also those that do not, newest first."""
    return desk.store.answers.mails(everything=everything)


def accept(
    desk: Desk, mail_id: int, *, case_id: int | None = None, until: date | None = None, expect: Expect = None
) -> Done:
    """Let a mail do what it says: join its case (or `case_id`), mark the contact away, send the handoff back.

    One that went into the wrong case goes into `case_id` instead. Raises `NotFound`, `Refused` when it was decided
    already, `UsageError` when it is not known which case is meant, `Stale` when the case changed since the officer
    looked.
    """
    mail = _mail(desk, mail_id)
    moves = mail.placed and case_id is not None and case_id != mail.case_id
    if mail.state is MailState.TAKEN and not moves:
        raise Refused(f"Mail {mail_id} is {f'in {mail.ref}' if mail.ref else 'done with'} already.")
    if mail.kind is MailKind.ABSENCE and case_id is None:
        return _accept_absence(desk, mail, until)
    if mail.kind is MailKind.BOUNCE and case_id is None:
        return _accept_bounce(desk, mail)
    return _accept_answer(desk, mail, case_id, expect)


def _accept_answer(desk: Desk, mail: MailView, case_id: int | None, expect: Expect) -> Done:
    """The officer says whose words these are."""
    target = case_id or mail.case_id
    if target is None:
        raise UsageError(
            f"Nobody knows which case mail {mail.id} is about.", hint=f"Say it: answers accept {mail.id} --case REF."
        )
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        before = tx.cases.get(target)
        check_version(desk, before, expect)
        handoff = tx.answers.handoff(mail.handoff_id) if mail.handoff_id else None
        if handoff is None or handoff.case_id != target:
            handoff = tx.answers.last_of(target)
        _decide(tx, mail, MailState.TAKEN, target, handoff)
        if mail.placed and mail.case_id != target:
            _take_out(desk, tx, mail)
        if before.status is Status.CLOSED:
            tx.cases.save(before, desk.clocks.with_due(life.reopened(before, tx.at)))
            tx.log(NewEvent("case.reopened", target, before.ref, {"why": "a contact answered"}))
        _land(desk, tx, mail.id, target, handoff, mail.at)
        detail = {"mail": mail.id, "person": str(mail.sender)}
        tx.log(NewEvent("mail.accepted", target, before.ref, detail))
    return Done(f"{before.ref} has the answer of {mail.who}; tell the resident.", (target,))


def _take_out(desk: Desk, tx: Transaction, mail: MailView) -> None:
    """A mail leaves the case that it was put into by mistake, and what it did there with it."""
    files = tx.answers.displace(mail.id)
    before = tx.cases.get(mail.case_id or 0)
    after = replace(before, messages=before.messages - 1, media=before.media - files)
    if not tx.answers.heard(before.id):
        if mail.handoff_id is not None:
            tx.answers.unanswered(mail.handoff_id)
        if before.status is Status.TELL_RESIDENT:
            waits = tx.outbox.handed_off(before.id)
            after = replace(after, status=Status.WAITING_CONTACT if waits else Status.OPEN)
    tx.cases.save(before, desk.clocks.with_due(after))
    tx.log(NewEvent("mail.taken_out", before.id, before.ref, {"mail": mail.id, "person": str(mail.sender)}))


def _accept_absence(desk: Desk, mail: MailView, until: date | None) -> Done:
    contact = desk.contact(mail.contact or "")
    day = until or mail.until
    if day is None:
        raise UsageError(
            f"The answer of {contact.name} does not say until when they are away.",
            hint=f"Say it: answers accept {mail.id} --until DATE.",
        )
    now = desk.clock()
    if day < now.astimezone(desk.zone).date():
        raise Refused(f"{day} has passed.", hint="Name the last day of the absence.")
    with desk.store.transaction(desk.officer, now) as tx:
        _decide(tx, mail, MailState.TAKEN)
        tx.accounts.set_away(contact.id, day)
        tx.log(NewEvent("contact.away", detail={"contact": contact.id, "until": day.isoformat(), "mail": mail.id}))
    deputy = next(iter(deputies(desk, contact.id)), None)
    said = f"{contact.name} is away until {day:%d %B}"
    if deputy is None:
        return Done(f"{said}; nobody stands in.", (mail.case_id,) if mail.case_id else ())
    goes = (
        f"hand {mail.ref} to {deputy.name} (handoff {mail.ref} --to {deputy.id})"
        if mail.ref
        else f"new handoffs go to {deputy.name}"
    )
    return Done(f"{said}; {goes}.", (mail.case_id,) if mail.case_id else ())


def deputy_for(desk: Desk, mail: MailView) -> Contact | None:
    """Who could be handed the case that a contact has who is away; None where nobody has it any more, or stands in."""
    if mail.case_id is None or mail.contact is None:
        return None
    handed = [one for one in desk.store.answers.handoffs_of(mail.case_id) if one.open]
    if not handed or handed[-1].contact != mail.contact:
        return None
    return next(iter(deputies(desk, mail.contact)), None)


def _accept_bounce(desk: Desk, mail: MailView) -> Done:
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        handoff = tx.answers.handoff(mail.handoff_id) if mail.handoff_id else None
        if handoff is None:
            raise Refused(f"Mail {mail.id} is about no mail of this desk.", hint=f"answers ignore {mail.id}")
        _decide(tx, mail, MailState.TAKEN)
        judged = Judged(
            kind=MailKind.BOUNCE,
            state=MailState.TAKEN,
            why=mail.why,
            contact=handoff.contact,
            handoff=handoff,
            case_id=handoff.case_id,
        )
        _came_back(desk, tx, judged)
    return Done(f"The handoff of {handoff.ref} came back; the case is on the desk again.", (handoff.case_id,))


def ignore(desk: Desk, mail_id: int) -> Done:
    """Take a mail off the list, or out of the case that it was let into; it stays in the store, and can still be
    accepted. Raises `NotFound`, `Refused`.
    """
    mail = _mail(desk, mail_id)
    let_in = mail.state is MailState.TAKEN and mail.placed
    if mail.state is not MailState.UNDECIDED and not let_in:
        raise Refused(f"Mail {mail_id} waits for no decision.")
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        # One that stands in its closed case was answered all the same: only the question is over.
        _decide(tx, mail, MailState.TAKEN if mail.placed and not let_in else MailState.IGNORED)
        if let_in:
            _take_out(desk, tx, mail)
        tx.log(NewEvent("mail.ignored", mail.case_id, mail.ref, {"mail": mail.id, "person": str(mail.sender)}))
    said = f"out of {mail.ref}" if let_in else "off the list"
    return Done(f"Mail {mail_id} of {mail.who} is {said}.", (mail.case_id,) if let_in and mail.case_id else ())


def _mail(desk: Desk, mail_id: int) -> MailView:
    mail = desk.store.answers.mail(mail_id)
    if mail is None:
        raise NotFound(f"There is no mail {mail_id} of a contact.", hint="See: socialtriage answers")
    return mail


def _decide(
    tx: Transaction, mail: MailView, state: MailState, case_id: int | None = None, handoff: HandoffRow | None = None
) -> None:
    handoff_id = handoff.id if handoff else None
    if not tx.answers.decide(mail.id, state, tx.officer, tx.at, was=mail, case_id=case_id, handoff_id=handoff_id):
        raise Refused(f"Somebody else decided on mail {mail.id} just now.")


# --- telling the resident -----------------------------------------------------------------------------------------


def words_for_resident(desk: Desk, case_id: int) -> SafeText:
    """What contacts wrote since the resident was last answered, as the draft of a reply. Raises `Refused`."""
    ref = desk.store.cases.get(case_id).ref
    found = desk.store.answers.latest(case_id) or desk.store.answers.said(case_id)[-1:]
    texts = [clean(text).strip() for text, _ in found]
    if not any(texts):
        raise Refused(f"No contact has written anything about {ref} yet.", hint="r answers in your own words.")
    return clean("\n\n".join(filter(None, texts)))
