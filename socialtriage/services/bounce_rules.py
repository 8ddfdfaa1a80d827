"""What a mail server says became of a mail of ours, and whether that is certain enough to act on.

Certain is a report that carries the Message-ID of the mail and names its recipient: the Message-ID of a handoff holds
chance, so that only whoever carried or received the mail knows it. A reference proves nothing: the resident knows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from socialtriage.domain.answers import MailKind, MailState
from socialtriage.domain.models import OutboxState
from socialtriage.mail.automatic import Bounce
from socialtriage.mail.parse import ParsedMail
from socialtriage.services.mail_doubts import Judged, address_of, domain_of, doubts, within
from socialtriage.store.answers import AnswerWriter
from socialtriage.store.handoffs import HandoffRow


def judged_bounce(
    answers: AnswerWriter, mail: ParsedMail, bounce: Bounce, refs: Sequence[str], contacts: Mapping[str, str]
) -> Judged:
    """What is to be done with a report. `refs` are the references in its words, `contacts` names by contact's id."""
    failed = {str(one.address).lower() for one in bounce.recipients if one.action == "failed"}
    original = bounce.original_message_id
    found = answers.by_ids([original]) if original else []
    quoted = [one for one in answers.of_refs(refs) if address_of(one.email) in failed] if refs and not found else []
    if not found and not quoted:
        return _of_a_reply(answers, mail, bounce, failed) or _unnamed(answers, bounce, failed)
    handoff = (found or quoted)[-1]
    state, why = _verdict(mail, bounce, handoff, contacts.get(handoff.contact, handoff.contact), failed)
    if state is MailState.TAKEN and not found:
        state, why = MailState.UNDECIDED, f"{why}; the report carries no Message-ID of ours, only the reference"
    return Judged(
        kind=MailKind.BOUNCE,
        state=state,
        why=why,
        contact=handoff.contact,
        handoff=handoff,
        case_id=handoff.case_id,
        original_id=original,
    )


def _verdict(
    mail: ParsedMail, bounce: Bounce, handoff: HandoffRow, name: str, failed: set[str]
) -> tuple[MailState, str]:
    why = bounce.why
    if handoff.answered_at is not None or handoff.state is OutboxState.BOUNCED:
        return MailState.NOTED, f"the mail to {name} came back: {why}"
    if not bounce.recipients:
        return MailState.UNDECIDED, f"a mail server has something to say of the mail to {name}"
    if not bounce.failed:
        return MailState.NOTED, f"the mail to {name} is delayed: {why}"
    if doubt := doubts(mail):
        return MailState.UNDECIDED, f"the mail to {name} came back ({why}), but {doubt}"
    if failed and not _among(handoff.email, failed):
        return MailState.UNDECIDED, f"the mail to {name} did not reach {', '.join(sorted(failed)[:3])}: {why}"
    return MailState.TAKEN, why


def _among(recipient: str, failed: set[str]) -> bool:
    """Whether a report is about this recipient: their address, or one that theirs leads to in the same house."""
    return any(within(one.rpartition("@")[2], domain_of(recipient)) for one in failed)


def _of_a_reply(answers: AnswerWriter, mail: ParsedMail, bounce: Bounce, failed: set[str]) -> Judged | None:
    """A mail to a resident that came back: they know its Message-ID, but not in whose name a server reports."""
    original, why = bounce.original_message_id, bounce.why
    rows = answers.rows_sent([original]) if original else []
    if not rows:
        return None
    row_id, kind, case_id, recipient = rows[-1]
    state = MailState.TAKEN if bounce.failed else MailState.NOTED
    said = f"the {kind} to {recipient} {'came back' if bounce.failed else 'is delayed'}: {why}"
    if bounce.failed and (doubt := doubts(mail)):
        state, said = MailState.UNDECIDED, f"{said}; but {doubt}"
    elif failed and not _among(recipient, failed):
        state, said = (
            MailState.UNDECIDED,
            f"a report on the {kind} to {recipient} names {', '.join(sorted(failed)[:3])}",
        )
    return Judged(kind=MailKind.BOUNCE, state=state, why=said, case_id=case_id, row_id=row_id, original_id=original)


def _unnamed(answers: AnswerWriter, bounce: Bounce, failed: set[str]) -> Judged:
    """A report that names no mail of ours. Where it is about somebody who has cases, an officer hears of it."""
    why = f"a mail that is not ours came back: {bounce.why}"
    waiting = answers.open_to(failed) if bounce.original_message_id is None else []
    if not waiting:
        return Judged(kind=MailKind.BOUNCE, state=MailState.NOTED, why=why)
    only = waiting[0] if len(waiting) == 1 else None
    which = "which may be this handoff" if only else "and which of several handoffs is not said: give the case"
    return Judged(
        kind=MailKind.BOUNCE,
        state=MailState.UNDECIDED,
        why=f"a mail came back, {which}: {bounce.why}",
        contact=waiting[0].contact,
        handoff=only,
        case_id=only.case_id if only else None,
    )
