"""Contacts' mail before an officer: what waits for a decision, deciding it, taking that back, telling the resident.

A contact's words never reach a resident from here: they stand in the case in the contact's voice, and become the draft
of a reply when an officer says so.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from socialtriage.config.model import Contact
from socialtriage.domain import cases as life
from socialtriage.domain.answers import MailKind, MailState, MailView
from socialtriage.domain.closing import without_closing
from socialtriage.domain.errors import NotFound, Refused, UsageError
from socialtriage.domain.models import SafeText, Status
from socialtriage.domain.text import clean
from socialtriage.domain.views import Done
from socialtriage.services import keeping
from socialtriage.services.answer_intake import came_back, land
from socialtriage.services.answer_rules import Judged, deputies
from socialtriage.services.desk import Desk
from socialtriage.services.triage import Expect, check_version
from socialtriage.store.handoffs import HandoffRow
from socialtriage.store.log import NewEvent
from socialtriage.store.rows import MASK
from socialtriage.store.store import Transaction


def listing(desk: Desk, *, everything: bool = False, unmasked: Collection[int] = ()) -> list[MailView]:
    """Mails that wait for a decision, oldest first; `everything`: also those that do not, newest first.

    Those that stand in a restricted case, or may belong there, are masked as it is, but for the cases `unmasked`.
    """
    found = desk.store.answers.mails(everything=everything)
    about = {mail.ref for mail in found if mail.ref is not None and mail.case_id not in unmasked}
    closed = desk.store.keeping.restricted(sorted(about)) if about else ()
    return [_masked(mail) if mail.ref in closed else mail for mail in found]


def unmask(desk: Desk) -> frozenset[int]:
    """Put on record that somebody looks at the mails about restricted cases; those cases."""
    from socialtriage.services import restricting

    mails = desk.store.answers.mails(everything=True)
    closed = desk.store.keeping.restricted(sorted({mail.ref for mail in mails if mail.ref is not None}))
    seen = frozenset(mail.case_id for mail in mails if mail.ref in closed and mail.case_id is not None)
    for case_id in sorted(seen):
        restricting.unmask(desk, case_id)
    return seen


def _masked(mail: MailView) -> MailView:
    """The mail without words; that of a stranger, who may be the resident, without a sender either."""
    mail = replace(mail, subject=MASK, text=MASK)
    return mail if mail.contact is not None else replace(mail, who=MASK, sender=MASK, why=MASK)


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
    if mail.state is MailState.IGNORED and not (mail.sender or mail.who or mail.text):
        raise Refused(f"Mail {mail_id} was forgotten.")
    if mail.state is MailState.TAKEN and not moves:
        raise Refused(f"Mail {mail_id} is {f'in {mail.ref}' if mail.ref else 'done with'} already.")
    if mail.kind is MailKind.ABSENCE and case_id is None:
        return _accept_absence(desk, mail, until)
    if mail.kind is MailKind.BOUNCE and not moves:
        return _accept_bounce(desk, mail, case_id)
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
        land(desk, tx, mail.id, target, handoff, mail.at)
        # By number, never by sender: who wrote it may ask to be forgotten, and this is another's case.
        tx.log(NewEvent("mail.accepted", target, before.ref, {"mail": mail.id}))
        said = f"{before.ref} has the answer of {mail.who}; tell the resident."
        # Where it stood already, only its case was reopened: that is no decision that can be taken out again.
        _remember(tx, desk, said, [] if mail.placed else [mail.id])
    return Done(said, (target,))


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
    tx.log(NewEvent("mail.taken_out", before.id, before.ref, {"mail": mail.id}))


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
        raise UsageError(f"{day} has passed.", hint="Name the last day of the absence.")
    with desk.store.transaction(desk.officer, now) as tx:
        _decide(tx, mail, MailState.TAKEN)
        tx.accounts.set_away(contact.id, day)
        tx.log(NewEvent("contact.away", detail={"contact": contact.id, "until": day.isoformat(), "mail": mail.id}))
        _remember(tx, desk, f"{contact.name} is away until {day:%d %B}.", [mail.id])
    deputy = next(iter(deputies(desk, contact.id)), None)
    said = f"{contact.name} is away until {day:%d %B}"
    if deputy is None:
        return Done(f"{said}; nobody stands in.", (mail.case_id,) if mail.case_id else ())
    goes = (
        f"hand {mail.ref} to {deputy.name} (handoff {mail.ref} --to {deputy.id})"
        if mail.ref and deputy_for(desk, mail) is not None
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


def _accept_bounce(desk: Desk, mail: MailView, case_id: int | None) -> Done:
    """The handoff, or the mail to the resident, came back. `case_id`: where the report does not say which it was."""
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        handoff = tx.answers.handoff(mail.handoff_id) if mail.handoff_id else None
        target = case_id or mail.case_id
        if (handoff is None or handoff.case_id != target) and mail.contact is not None and target is not None:
            handoff = tx.answers.last_of(target)
        row_id = tx.replies.mail_sent(target) if handoff is None and target is not None else None
        if handoff is None and row_id is None:
            hint = f"answers ignore {mail.id}, or say it: answers accept {mail.id} --case REF"
            raise Refused(f"Nobody knows which mail of this desk mail {mail.id} is about.", hint=hint)
        judged = Judged(
            kind=MailKind.BOUNCE,
            state=MailState.TAKEN,
            why=mail.why,
            contact=handoff.contact if handoff else None,
            handoff=handoff,
            case_id=handoff.case_id if handoff else target,
            row_id=row_id,
        )
        _decide(tx, mail, MailState.TAKEN)
        (changed,) = came_back(desk, tx, judged)
        what = "handoff" if handoff else "mail to the resident"
        said = f"The {what} of {tx.cases.get(changed).ref} came back; the case is on the desk again."
        _remember(tx, desk, said, [])
    return Done(said, (changed,))


def ignore(desk: Desk, mail_id: int, *, seen: MailState | None = None) -> Done:
    """Take a mail off the list, or out of the case that it was let into; it stays in the store, and can still be
    accepted, unless it is about a case that was forgotten. `seen`: as the officer saw it, so that what a colleague
    let in meanwhile is not taken out unawares. Raises `NotFound`, `Refused`.
    """
    mail = _mail(desk, mail_id)
    if seen is not None and mail.state is not seen:
        raise Refused(f"Somebody else decided on mail {mail_id} just now.")
    let_in = mail.state is MailState.TAKEN and mail.placed
    if mail.state is not MailState.UNDECIDED and not let_in:
        raise Refused(f"Mail {mail_id} waits for no decision.")
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        # One that stands in its closed case was answered all the same: only the question is over.
        _decide(tx, mail, MailState.TAKEN if mail.placed and not let_in else MailState.IGNORED)
        if let_in:
            _take_out(desk, tx, mail)
        gone = mail.case_id is not None and life.REDACTED in tx.cases.get(mail.case_id).flags
        tx.log(NewEvent("mail.ignored", mail.case_id, mail.ref, {"mail": mail.id}))
        if gone:
            tx.forget.messages([mail.id], tx.at)
            tx.forget.nobodies(tx.people.wrote(mail.id))
            return Done(f"Mail {mail_id} is off the list; it is forgotten, as {mail.ref} is.")
        said = f"Mail {mail_id} of {mail.who} is {f'out of {mail.ref}' if let_in else 'off the list'}."
        _remember(tx, desk, said, [mail.id])
    return Done(said, (mail.case_id,) if let_in and mail.case_id else ())


def forget(desk: Desk, mail_id: int) -> Done:
    """Forget the words of a mail that is in no case, for somebody who asked for it; nothing brings them back.

    Raises `NotFound`, `Refused` for one that stands in a case: it is forgotten with that.
    """
    mail = _mail(desk, mail_id)
    if mail.placed:
        raise Refused(f"Mail {mail_id} is in {mail.ref}.", hint="It is forgotten with its case, or take it out first.")
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        found = tx.forget.messages([mail_id], tx.at)
        tx.forget.nobodies(tx.people.wrote(mail_id))
        tx.log(NewEvent("mail.forgotten", detail={"mail": mail_id, **keeping.counts(found)}))
    keeping.remove_files(desk, found.files)
    keeping.finish(desk, keeping.Pruned(forgotten=found), compact=True)
    return Done(f"Forgot mail {mail_id}.")


def undecide(desk: Desk, tx: Transaction, mail_id: int) -> int | None:
    """Take an officer's decision on a mail back, inside the transaction of an undo; the case that it had changed.

    Raises `Refused` when something else stands on it by now.
    """
    mail = _mail(desk, mail_id)
    if mail.state is MailState.UNDECIDED or mail.decided_by != tx.officer:
        raise Refused(f"Mail {mail_id} was decided on again since.")
    changed = None
    if mail.state is MailState.TAKEN and mail.placed and mail.case_id is not None:
        if tx.cases.get(mail.case_id).status is not Status.TELL_RESIDENT:
            raise Refused(f"{mail.ref} went on since, so that the mail stays in it.", hint=f"answers ignore {mail_id}")
        _take_out(desk, tx, mail)
        changed = mail.case_id
    elif mail.state is MailState.TAKEN and mail.contact is not None:
        tx.accounts.set_away(mail.contact, None)
        tx.log(NewEvent("contact.back", detail={"contact": mail.contact}))
    tx.answers.undecide(mail_id)
    return changed


def _mail(desk: Desk, mail_id: int) -> MailView:
    mail = desk.store.answers.mail(mail_id)
    if mail is None:
        raise NotFound(f"There is no mail {mail_id} of a contact.", hint="See: socialtriage answers")
    return mail


def _remember(tx: Transaction, desk: Desk, said: str, mails: list[int]) -> None:
    """A step to take back; without `mails` one that only says that it stays."""
    tx.undo.add(desk.seat, tx.at, said, [], mails=mails)


def _decide(
    tx: Transaction, mail: MailView, state: MailState, case_id: int | None = None, handoff: HandoffRow | None = None
) -> None:
    handoff_id = handoff.id if handoff else None
    if not tx.answers.decide(mail.id, state, tx.officer, tx.at, was=mail, case_id=case_id, handoff_id=handoff_id):
        raise Refused(f"Somebody else decided on mail {mail.id} just now.")


# --- telling the resident -----------------------------------------------------------------------------------------


def words_for_resident(desk: Desk, case_id: int) -> SafeText:
    """What contacts wrote since the resident was last answered, without their closings, as the draft of a reply.

    Raises `Refused`.
    """
    ref = desk.store.cases.get(case_id).ref
    found = desk.store.answers.latest(case_id) or desk.store.answers.said(case_id)[-1:]
    texts = [without_closing(clean(text)) for text, _ in found]
    if not any(texts):
        raise Refused(f"No contact has written anything about {ref} yet.", hint="r answers in your own words.")
    return clean("\n\n".join(filter(None, texts)))
