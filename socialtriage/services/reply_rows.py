"""A reply as rows of the outbox: each post of a thread, and each picture that is a message of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from socialtriage.domain.models import OutboxKind, OutgoingFile
from socialtriage.domain.times import iso
from socialtriage.store.outbox import NewRow
from socialtriage.store.replies import APPROVAL

if TYPE_CHECKING:
    from socialtriage.services.replies import ReplyDraft


def rows_of(
    draft: ReplyDraft, not_before: datetime, version: int, places: Sequence[int] = ()
) -> Iterator[tuple[NewRow, tuple[OutgoingFile, ...]]]:
    """The rows in the order in which they leave, each with the pictures that go with it. `places` are all the messages
    that the same words answer.

    One that waits for approval knows the version of its case, so that a change is noticed.
    """
    apart = draft.files if draft.apart else ()
    total = len(draft.parts) + len(apart)
    beside = () if draft.apart or draft.mail is not None else draft.files
    for number, part in enumerate(draft.parts, 1):
        yield _row(draft, part, (number, total), not_before, version, places), beside if number == 1 else ()
    for number, file in enumerate(apart, len(draft.parts) + 1):
        # Its words are for the log and for who looks the row up; the network gets the picture alone.
        yield _row(draft, f"Picture: {file.alt}", (number, total), not_before, version, places), (file,)


def _payload(draft: ReplyDraft, part: tuple[int, int]) -> dict[str, Any]:
    """What is needed to send a part, beside its words."""
    a = draft.answerable
    payload: dict[str, Any] = {
        "visibility": draft.visibility,
        "to": {"key": a.author.key, "handle": a.author.handle, "name": a.author.name, "url": a.author.url},
        "parent": {
            "remote_id": a.message.remote_id,
            "thread": a.message.thread,
            "conversation": a.message.conversation,
            "visibility": a.message.visibility,
            "reply_data": dict(a.message.reply_data),
        },
        "subject": a.subject,
        "references": list(a.references),
        "language": a.language,
        "written": "" if draft.wishes.acknowledge else draft.written,
    }
    if part[1] > 1:
        payload["part"] = list(part)
    if draft.wishes.attach:
        payload["attach"] = [list(each) for each in draft.wishes.attach]
    if draft.wishes.answer:
        payload["answer"] = draft.wishes.answer
    if draft.wishes.promise:
        payload["promise"] = iso(draft.wishes.promise)
    if draft.wishes.acknowledge:
        payload["acknowledge"] = True
    if draft.mail is not None:
        payload |= {
            "message_id": draft.mail.message_id,
            "sender": draft.mail.sender,
            "recipients": list(draft.mail.recipients),
            "subject": draft.mail.subject,
        }
    return payload


def _row(
    draft: ReplyDraft,
    words: str,
    part: tuple[int, int],
    not_before: datetime,
    version: int,
    places: Sequence[int],
) -> NewRow:
    held = {"version": version} if draft.held else {}
    placed = {"message": draft.wishes.message, "places": list(places)} if draft.wishes.message is not None else {}
    return NewRow(
        kind=OutboxKind.REPLY,
        recipient=draft.to,
        key=draft.key if part[0] == 1 else f"{draft.key}-{part[0]}",
        payload=_payload(draft, part) | held | placed,
        case_id=draft.case_id,
        account=draft.account,
        body=words,
        data=draft.mail.data if draft.mail else None,
        not_before=None if draft.held else not_before,
        held=APPROVAL if draft.held else None,
    )
