"""Mail of contacts on its way into the store: judged, put down and followed in one transaction with the cursor."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from socialtriage.config.model import AccountConfig
from socialtriage.domain import cases as life
from socialtriage.domain.answers import MailKind, MailState
from socialtriage.domain.models import Incoming, SafeText, Status, Voice
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.times import iso
from socialtriage.services import answerbox, evidence, keeping
from socialtriage.services.answer_rules import Judge, Judged
from socialtriage.services.desk import Desk
from socialtriage.services.intake import CHUNK, SYSTEM
from socialtriage.services.taken import TakenIn
from socialtriage.store.answers import NewMail
from socialtriage.store.handoffs import HandoffRow
from socialtriage.store.log import NewEvent
from socialtriage.store.store import Transaction

if TYPE_CHECKING:
    from socialtriage.channels.imap_answers import MailItem, MailPage

WHY_LIMIT = 300
NOTE_LIMIT = 1000
"""Characters of an automatic answer that the log keeps."""


def take_in(desk: Desk, account: AccountConfig, page: MailPage) -> TakenIn:
    """Store a page of mails with what they do and the cursor that follows it, in transactions of at most `CHUNK`.

    Raises `StoreError`; then nothing of the last part is stored, and it comes again.
    """
    evidence.keep(desk.media_folder, (each.item for each in page.mails))
    mails = sorted(page.mails, key=lambda each: each.item.at)
    parts = [mails[i : i + CHUNK] for i in range(0, len(mails), CHUNK)] or [[]]
    total, unwanted = TakenIn(), list[str]()
    for number, part in enumerate(parts, 1):
        with desk.store.transaction(SYSTEM, desk.clock(), durable=False) as tx:
            total.add(_take(desk, tx, account.id, part, unwanted))
            if number == len(parts):
                if page.cursor is not None:
                    tx.accounts.update(account.id, cursor=page.cursor)
                if page.gap is not None:
                    tx.accounts.add_gap(account.id, page.gap)
    keeping.remove_files(desk, unwanted)
    return total


def _take(desk: Desk, tx: Transaction, account: str, mails: list[MailItem], unwanted: list[str]) -> TakenIn:
    """One part of a page; files that are not to stay are added to `unwanted`."""
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
        gone = _forgotten(tx, judged)
        message_id = tx.intake.next_id("messages")
        item = _without_words(each.item) if gone else each.item
        person_id = None if gone else _stranger(tx, judged, each)
        tx.intake.add_messages(account, iso(tx.at), [(message_id, None, person_id, Voice.CONTACT, item)])
        if gone:
            tx.forget.messages([message_id], tx.at)
            unwanted += evidence.paths(each.item)
        tx.accounts.newest(account, min(each.item.at, tx.at))
        result.new += 1
        result.case_ids += _follow(desk, tx, message_id, judged, each, gone=gone)
    return result


def _follow(
    desk: Desk, tx: Transaction, message_id: int, judged: Judged, each: MailItem, *, gone: bool = False
) -> list[int]:
    """Put a judged mail down, and do what it says where that is certain. The cases that changed."""
    state, why, changed = judged.state, judged.why, []
    certain = state is MailState.TAKEN
    if certain and judged.kind is MailKind.ANSWER and judged.case_id is not None:
        case = tx.cases.get(judged.case_id)
        if case.status is Status.CLOSED and not gone:
            # Only a resident opens a closed case again (DESIGN, 4): the answer is kept in it, and an officer is asked.
            state, why = MailState.UNDECIDED, f"{why}, but {case.ref} is closed; accepting reopens it"
        changed = [land(desk, tx, message_id, judged.case_id, judged.handoff, each.item.at)]
    elif certain and judged.kind is MailKind.BOUNCE:
        changed = came_back(desk, tx, judged)
    elif not gone:
        _note(tx, judged, each)
    tx.answers.add(
        _new_mail(message_id, judged, state, why, each), SYSTEM if state is not MailState.UNDECIDED else None, tx.at
    )
    return changed


def _forgotten(tx: Transaction, judged: Judged) -> bool:
    """Whether this is about a case that was forgotten. What a doubtful sender wrote is kept until an officer looked."""
    if judged.case_id is None or (judged.kind is MailKind.ANSWER and judged.state is MailState.UNDECIDED):
        return False
    return life.REDACTED in tx.cases.get(judged.case_id).flags


def _stranger(tx: Transaction, judged: Judged, each: MailItem) -> int | None:
    """Who wrote a mail that is of no contact: they may ask what is held about them, and to be forgotten."""
    author = each.item.author
    if judged.contact is not None or judged.kind is MailKind.BOUNCE or not author.key:
        return None
    return tx.people.met("imap", author, tx.at)


def _without_words(item: Incoming) -> Incoming:
    """That it came. Its words, which quote what was handed over and is forgotten, are left in the mailbox."""
    return replace(item, text=SafeText(""), subject=None, quoted=None, media=(), url=None)


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


def land(desk: Desk, tx: Transaction, message_id: int, case_id: int, handoff: HandoffRow | None, at: datetime) -> int:
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


def came_back(desk: Desk, tx: Transaction, judged: Judged) -> list[int]:
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
