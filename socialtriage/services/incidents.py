"""Incidents: one statement on every account after one look, and the cases that belong to what happened."""

from __future__ import annotations

import contextlib
import re
import secrets as tokens
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from socialtriage.channels.base import Channel, Declines, LearnsRules, Price, PricesPosts
from socialtriage.channels.http import Budget
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import ChannelError, NotFound, Refused, SecretError, UnknownName, UsageError
from socialtriage.domain.incidents import expression
from socialtriage.domain.models import LengthRule, OutboxKind, Visibility
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import Done
from socialtriage.domain.when import parse_date
from socialtriage.services import approvals, posting, reply_checks
from socialtriage.services.desk import Desk
from socialtriage.services.handoff import undo_window
from socialtriage.store.incidents import Incident
from socialtriage.store.log import NewEvent
from socialtriage.store.outbox import NewRow
from socialtriage.store.replies import APPROVAL
from socialtriage.store.store import Transaction

if TYPE_CHECKING:
    from socialtriage.services.sync import Poller

LOOK_BACK = timedelta(days=1)
"""Cases opened so long before an incident was named may belong to it, closed ones too."""
_NAME = re.compile(r"[^\w.-]+")
STATES = {"suggested": "suggested", "in": "in it", "out": "left out"}
"""How a case stands to an incident, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What would be said on one account."""

    account: str
    network: str
    text: str
    length: LengthRule
    page: str | None = None
    """It cannot be posted from here, and is written by hand on this page."""
    why: str = ""
    """Why it cannot be posted from here, in a sentence."""
    price: Price | None = None
    """What the vendor charges for it, where one does."""
    fault: str = ""
    """Why it cannot leave as it is."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an officer says of an incident."""

    name: str
    text: str
    until: datetime | None = None
    keywords: tuple[str, ...] = ()
    area: str | None = None


def plan(
    desk: Desk, name: str, text: str, *, until: str = "", keywords: Sequence[str] = (), area: str | None = None
) -> Plan:
    """An incident as it was written down. Raises `UsageError`, `UnknownName` for an area."""
    words = clean(text).strip()
    if not words:
        raise UsageError("The statement is empty.")
    reply_checks.refuse_unfilled(words)
    short = _NAME.sub("-", clean_line(name, 60).strip().lower()).strip("-")
    if not short:
        raise UsageError("Give the incident a name, such as water-main.")
    found = tuple(dict.fromkeys(clean_line(word, 60).strip().lower() for word in keywords))
    if any(not expression([word]) for word in found if word):
        raise UsageError("A keyword must have letters or digits.")
    return Plan(
        name=short,
        text=words,
        until=_end_of(desk, until) if until.strip() else None,
        keywords=tuple(word for word in found if word),
        area=desk.area(area).id if area else None,
    )


def _end_of(desk: Desk, day: str) -> datetime:
    today = desk.clock().astimezone(desk.zone).date()
    try:
        last = parse_date(day, today)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    if last < today:
        raise UsageError(f"{last} is over: the incident must end today or later.")
    return datetime.combine(last + timedelta(days=1), time(), desk.zone).astimezone(UTC)


def speaking(desk: Desk) -> list[AccountConfig]:
    """The accounts on which something can be said to everybody."""
    return [each for each in desk.config.accounts if desk.network_of(each) != "imap" and not each.paused]


async def statements(
    desk: Desk, poller: Poller, text: str, variants: Mapping[str, str], accounts: Sequence[str] = ()
) -> list[Statement]:
    """What would be said on each account, counted as its network counts.

    `variants` are other words, by the id of an account or by network. Raises `UnknownName` for an account.
    """
    chosen = [desk.account(each) for each in dict.fromkeys(accounts)] or speaking(desk)
    known = {name for each in desk.config.accounts for name in (each.id, desk.network_of(each))}
    if strange := sorted(set(variants) - known):
        names = ", ".join(sorted(known))
        raise UnknownName(f"There is no account or network {strange[0]!r}.", hint=f"There are: {names}.")
    found = []
    for account in chosen:
        words = variants.get(account.id) or variants.get(desk.network_of(account)) or text
        found.append(await statement(desk, poller, account, words))
    return found


async def statement(desk: Desk, poller: Poller, account: AccountConfig, text: str) -> Statement:
    """What would be said on one account."""
    words = clean(text).strip()
    channel = poller.channel(account, Budget(15))
    try:
        if isinstance(channel, LearnsRules):
            # Without an answer there is no limit to hold the text against; the server has the last word then.
            with contextlib.suppress(ChannelError, SecretError):
                await channel.learn_rules()
        return _judged(desk, channel, account, words)
    finally:
        await channel.aclose()


def _judged(desk: Desk, channel: Channel, account: AccountConfig, text: str) -> Statement:
    network = desk.network_of(account)
    length = channel.measure(text, Visibility.PUBLIC, "")
    can = posting.can_post(channel)
    page = None if can else posting.page_of(account, network)
    price = channel.post_price(account, text) if can and isinstance(channel, PricesPosts) else None
    fault = ""
    if network == "imap":
        fault = "A mailbox speaks to nobody in public."
    elif account.paused:
        fault = f"The account {account.id} is paused."
    elif not text:
        fault = "There are no words for it."
    elif length.limit == 0 and page is not None:
        pass  # The network counts nothing of what is written on its own page.
    elif length.limit is not None and length.used > length.limit:
        fault = f"It has {length.words}: {length.used - length.limit} too many."
    if not fault and can and isinstance(channel, Declines) and (declined := channel.declines(text)) is not None:
        fault = declined[0]
    try:
        reply_checks.refuse_unfilled(text)
    except Refused as exc:
        fault = fault or exc.message
    return Statement(
        account=account.id,
        network=network,
        text=text,
        length=length,
        page=page,
        why="" if can else channel.capabilities.no_post or posting.CANNOT,
        price=price,
        fault=fault,
        warnings=(*([price.why] if price and price.dear else []), *reply_checks.of_statement(desk, text)),
    )


def cost(said: Sequence[Statement]) -> str:
    """What statements cost where vendors charge, in a sentence; empty where none does."""
    paid = [each.price for each in said if each.price is not None and each.page is None]
    if not paid:
        return ""
    total = sum(price.amount for price in paid)
    amount = f"{total:.2f}" if round(total, 2) == round(total, 3) else f"{total:.3f}"
    return f"Posting it costs {amount} {paid[0].currency}."


def begin(desk: Desk, wanted: Plan, said: Sequence[Statement], *, undo_seconds: float | None = None) -> Done:
    """Open an incident, queue what is said of it, and suggest its cases. Raises `Refused`."""
    now = desk.clock()
    with desk.store.transaction(desk.officer, now) as tx:
        if tx.incidents.named(wanted.name) is not None:
            raise Refused(
                f"There is an incident {wanted.name} already.", hint=f"Say more of it: incident say {wanted.name}."
            )
        number = tx.incidents.add(
            wanted.name, wanted.area, wanted.keywords, wanted.text, wanted.until, desk.officer, now
        )
        tx.log(NewEvent("incident.opened", detail={"incident": wanted.name}, note=wanted.text))
        done = _queue(desk, tx, number, wanted.name, said, undo_seconds)
    suggest(desk, wanted.name)
    return done


def say(desk: Desk, name: str, said: Sequence[Statement], *, undo_seconds: float | None = None) -> Done:
    """Say more of an incident. Raises `NotFound`, `Refused`."""
    incident = named(desk, name)
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        return _queue(desk, tx, incident.id, incident.name, said, undo_seconds)


def _queue(
    desk: Desk, tx: Transaction, number: int, name: str, said: Sequence[Statement], undo_seconds: float | None
) -> Done:
    if faulty := [each for each in said if each.fault]:
        raise Refused(f"{faulty[0].account}: {faulty[0].fault}", hint="Nothing was sent anywhere.")
    held = APPROVAL if approvals.supervised(desk) else None
    not_before = None if held else tx.at + window(desk, [each.account for each in said], undo_seconds)
    rows = []
    for each in said:
        row = _row(each, held, not_before) if each.page is None else None
        if row is not None:
            rows.append(tx.outbox.add(row, desk.officer, tx.at))
            tx.log(NewEvent("post.queued", detail={"incident": name, "account": each.account}, note=each.text))
        key = row.key if row is not None else None
        tx.incidents.add_post(number, each.account, each.text, key, each.page, desk.officer, tx.at)
    by_hand = len(said) - len(rows)
    words = f"Said of {name} on {len(rows)} account{'s' * (len(rows) != 1)}" if rows else f"Noted {name}"
    words += f"; {by_hand} to be posted by hand" if by_hand else ""
    words += ". It waits for the approval of a second officer." if held and rows else "."
    if rows:
        tx.undo.add(desk.seat, tx.at, words, [], rows)
    return Done(words, (), rows[0] if rows else None, tuple(rows))


def window(desk: Desk, accounts: Sequence[str], undo_seconds: float | None = None) -> timedelta:
    """For how long what is said can be taken back: on no account it leaves before the last of their windows ends."""
    return max((undo_window(desk, account, undo_seconds) for account in accounts), default=timedelta())


def _row(said: Statement, held: str | None, not_before: datetime | None) -> NewRow:
    return NewRow(
        kind=OutboxKind.POST,
        recipient=f"everybody on {said.network}",
        key=tokens.token_hex(16),
        payload={},
        account=said.account,
        body=said.text,
        not_before=not_before,
        held=held,
    )


# --- the cases of an incident -----------------------------------------------------------------------------------


def named(desk: Desk, name: str) -> Incident:
    """An incident by its name. Raises `NotFound` with those there are."""
    found = desk.store.incidents.all()
    for each in found:
        if each.name == name.strip().lower():
            return each
    hint = f"There are: {', '.join(each.name for each in found[:10])}." if found else "incident new begins one."
    raise NotFound(f"There is no incident {clean_line(name, 60)!r}.", hint=hint)


def running(desk: Desk) -> list[Incident]:
    """Incidents that are not over, the newest first."""
    now = desk.clock()
    return [each for each in desk.store.incidents.all() if each.runs(now)]


def suggest(desk: Desk, name: str) -> int:
    """Suggest the cases that speak of an incident; how many do. Officers' decisions stay."""
    incident = named(desk, name)
    words = expression(incident.keywords)
    ids = desk.store.incidents.fitting(words, incident.area, incident.at - LOOK_BACK) if words else []
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.noticing.suggest(((incident.id, case_id) for case_id in ids), desk.officer, tx.at)
    return len(ids)


def take_in(desk: Desk, name: str, case_ids: Sequence[int]) -> Done:
    """Cases that belong to an incident."""
    return _put(desk, name, case_ids, "in")


def leave_out(desk: Desk, name: str, case_ids: Sequence[int]) -> Done:
    """Cases that do not belong to an incident."""
    return _put(desk, name, case_ids, "out")


def toggle(desk: Desk, name: str, case_ids: Sequence[int]) -> Done:
    """Take cases in, or, where all of them are in already, leave them out."""
    incident = named(desk, name)
    states = [desk.store.incidents.state(incident.id, each) for each in case_ids]
    return _put(desk, name, case_ids, "out" if all(state == "in" for state in states) else "in")


def _put(desk: Desk, name: str, case_ids: Sequence[int], state: str) -> Done:
    incident = named(desk, name)
    kind = "incident.added" if state == "in" else "incident.removed"
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        refs = []
        for case_id in dict.fromkeys(case_ids):
            case = tx.cases.get(case_id)
            refs.append(case.ref)
            tx.incidents.put_case(incident.id, case_id, state, desk.officer, tx.at)
            tx.log(NewEvent(kind, case_id, case.ref, {"incident": incident.name}))
    verb = "belongs to" if state == "in" else "does not belong to"
    many = f"{len(refs)} cases" if len(refs) > 1 else refs[0]
    verb = verb if len(refs) == 1 else verb.replace("belongs", "belong").replace("does not", "do not")
    return Done(f"{many} {verb} {incident.name}.", tuple(case_ids))


def end(desk: Desk, name: str) -> Done:
    """An incident is over: no new case is suggested for it. Raises `Refused` when it is over already."""
    incident = named(desk, name)
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        if not incident.runs(tx.at) or not tx.incidents.end(incident.id, tx.at):
            raise Refused(f"{incident.name} is over already.")
        tx.log(NewEvent("incident.ended", detail={"incident": incident.name}))
    return Done(f"{incident.name} is over; its cases stay as they are.", ())
