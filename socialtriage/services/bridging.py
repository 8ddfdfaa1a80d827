"""Handoffs that leave for another system instead of by mail, and what that system says later."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from socialtriage.channels import bridges
from socialtriage.channels.bridges import Bridge, Delivered, Enclosed, Progress, Task
from socialtriage.channels.http import Budget, Http
from socialtriage.config.model import Contact
from socialtriage.domain.errors import (
    AuthError,
    ChannelError,
    NotPermitted,
    Refused,
    SecretError,
)
from socialtriage.domain.models import Author, Incoming, Sent, Visibility, Voice
from socialtriage.domain.text import clean_line
from socialtriage.domain.times import iso
from socialtriage.domain.views import CaseDetail
from socialtriage.services.answer_intake import land
from socialtriage.services.desk import Desk
from socialtriage.services.intake import SYSTEM
from socialtriage.services.logins import BRIDGE_SECRET as SECRET
from socialtriage.store.bridging import Bridged
from socialtriage.store.outbox import OutboxRow

if TYPE_CHECKING:
    from socialtriage.services.secrets import SecretStore

log = logging.getLogger(__name__)

PLACES = ("address", "location", "place", "postcode")
"""Facts of a case that say where it is, the best first."""
LOOK_EVERY = timedelta(minutes=5)


def payload(desk: Desk, detail: CaseDetail, contact: Contact, subject: str, text: str) -> Mapping[str, Any]:
    """What a row of the outbox holds for a contact that is reached by a bridge. Raises `Refused`."""
    row = detail.row
    codes = contact.service_codes
    code = codes.get(f"{row.area}/{row.topic}") or codes.get(row.area or "") or codes.get("*", "")
    address = next((str(detail.facts[name]) for name in PLACES if detail.facts.get(name)), "")
    if contact.via == "open311" and not code:
        raise Refused(
            f"{contact.name} has no service code for this case's area.",
            hint=f"Set contacts.{contact.id}.service_codes in the configuration, or choose another contact.",
        )
    if contact.via == "open311" and not address:
        raise Refused(
            f"{contact.name} takes reports with a place only.", hint=f'Note it: fact {row.ref} address "12 High Street"'
        )
    facts = {
        "area": row.area or "",
        "topic": row.topic or "",
        "urgency": row.urgency.value,
        "network": row.network,
        "address": address,
        "organisation": desk.config.organisation.name,
    }
    return {
        "bridge": contact.via,
        "contact": contact.id,
        "subject": subject,
        "text": text,
        "code": code,
        "facts": facts,
    }


def _task(desk: Desk, row: OutboxRow) -> Task:
    p = row.payload
    ref = desk.store.cases.get(row.case_id or 0).ref
    return Task(
        ref=ref,
        key=row.key,
        subject=p["subject"],
        text=p["text"],
        code=p["code"],
        address=p["facts"]["address"],
        email=desk.config.mail.from_.rpartition("<")[2].rstrip(">"),
        queued_at=row.queued_at,
        facts=p["facts"],
        files=tuple(
            Enclosed(file.name, file.mime, base64.b64encode(file.data).decode())
            for file in desk.store.replies.files(row.id)
        ),
    )


def _bridge(desk: Desk, secrets: SecretStore, http: Http, contact: Contact) -> Bridge:
    """The way to a contact's system. Raises `Misconfigured`, `SecretError`, `AuthError` without a secret."""
    secret = secrets.get(f"{SECRET}{contact.id}")
    if not secret:
        raise AuthError(
            f"There is no login for the system of {contact.name}.",
            hint=f"Store it: socialtriage accounts login {SECRET}{contact.id}",
        )
    classify = bridges.open311_fault if contact.via == "open311" else None
    session = http.session(contact.url or "", budget=Budget(30), classify=classify)
    if contact.via == "open311":
        return bridges.Open311(session, secret, contact.jurisdiction)
    if contact.via == "zammad":
        return bridges.Zammad(session, secret, contact.group or "Users")
    return bridges.Webhook(session, secret)


async def deliver(desk: Desk, secrets: SecretStore, http: Http, row: OutboxRow) -> Sent:
    """Hand a row over to the contact's system. Raises as `Channel.send` does."""
    contact = desk.contact(str(row.payload["contact"]))
    task = await asyncio.to_thread(_task, desk, row)
    if contact.via == "command":
        done = await _run(contact, task)
    else:
        bridge = await asyncio.to_thread(_bridge, desk, secrets, http, contact)
        try:
            done = await bridge.deliver(task)
        except ChannelError as exc:
            exc.hint = _hint(contact, exc)
            raise
    return await asyncio.to_thread(_delivered, desk, row, done)


def _hint(contact: Contact, exc: ChannelError) -> str:
    """What to do next, said of a contact: hints of the network speak of accounts."""
    if isinstance(exc, AuthError):
        return f"Store the login anew: socialtriage accounts login {SECRET}{contact.id}"
    return exc.hint.replace("the account's `server`", f"contacts.{contact.id}.url")


async def look_up(desk: Desk, secrets: SecretStore, http: Http, row: OutboxRow) -> Sent | None:
    """A row whose answer was lost, at the contact's system. Raises `NotPermitted` where nobody can say."""
    contact = desk.contact(str(row.payload["contact"]))
    if contact.via == "command":
        raise NotPermitted("A command cannot be asked whether it was done.")
    task = await asyncio.to_thread(_task, desk, row)
    found = await (await asyncio.to_thread(_bridge, desk, secrets, http, contact)).find(task)
    return await asyncio.to_thread(_delivered, desk, row, found) if found is not None else None


def _delivered(desk: Desk, row: OutboxRow, done: Delivered) -> Sent:
    now = desk.clock()
    with desk.store.transaction(row.officer, now) as tx:
        tx.bridging.delivered(row.handoff_id or 0, str(row.payload["bridge"]), done.reference, done.handle)
        tx.replies.files_left(row.id)
        _refer(desk, tx, row.case_id or 0, done.reference)
    return Sent(done.reference or row.key, now, notice=done.notice or None)


def _refer(desk: Desk, tx: Any, case_id: int, reference: str) -> None:
    """The case knows the other system's number, so that it is shown and found."""
    from dataclasses import replace

    before = tx.cases.get(case_id)
    if reference and before.external_reference != reference:
        tx.cases.save(before, replace(before, external_reference=reference))


async def _run(contact: Contact, task: Task) -> Delivered:
    """Run the command of a contact with the handoff as JSON on its standard input; its first line is its number."""
    from socialtriage.services import bridge_command

    words = json.dumps(bridges.as_json(task), ensure_ascii=False).encode()
    return Delivered(await asyncio.to_thread(bridge_command.run, contact.command, words, contact.name), "")


# --- what comes back ------------------------------------------------------------------------------------------------


async def watch(desk: Desk, secrets: SecretStore, http: Http) -> int:
    """Ask other systems how far they are; how many answers came. What cannot be asked now is asked next time."""
    since = desk.clock() - LOOK_EVERY
    answers = 0
    for each in await asyncio.to_thread(desk.store.bridging.waiting, since):
        contact = desk.contacts.get(each.contact)
        if contact is None or contact.via != each.via:
            continue
        try:
            bridge = await asyncio.to_thread(_bridge, desk, secrets, http, contact)
            progress = await bridge.progress(each.handle)
        except (ChannelError, SecretError) as exc:
            log.info("bridge of %s: %s", each.contact, exc)
            progress = None
        answers += await asyncio.to_thread(_follow, desk, each, contact, progress)
    return answers


def _follow(desk: Desk, each: Bridged, contact: Contact, progress: Progress | None) -> bool:
    """Put down what a system said; whether it was news for the resident."""
    now = desk.clock()
    with desk.store.transaction(SYSTEM, now) as tx:
        tx.bridging.looked(each.handoff_id, now)
        if progress is None:
            return False
        done = progress.delivered
        if done.reference:
            tx.bridging.delivered(each.handoff_id, each.via, done.reference, done.handle)
            _refer(desk, tx, each.case_id, done.reference)
        words = progress.words.strip() or (f"{done.reference} is closed." if progress.closed else "")
        if not words or not tx.bridging.said(each.handoff_id, words):
            return False
        _land(desk, tx, each, contact, words, now)
        return True


def _land(desk: Desk, tx: Any, each: Bridged, contact: Contact, words: str, now: datetime) -> None:
    from socialtriage.domain.text import clean

    message_id = tx.intake.next_id("messages")
    item = Incoming(
        remote_id=f"{each.handle}-{message_id}",
        author=Author(contact.id, clean_line(contact.email), clean_line(contact.name)),
        text=clean(words),
        at=now,
        visibility=Visibility.PRIVATE,
        thread=f"bridge-{each.handoff_id}",
    )
    tx.intake.add_messages(f"{SECRET}{contact.id}", iso(now), [(message_id, None, None, Voice.CONTACT, item)])
    land(desk, tx, message_id, each.case_id, tx.answers.handoff(each.handoff_id), now)
