"""What an officer must know of a reply before it leaves: each a sentence. What must never leave is refused instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from socialtriage.config.values import PLACEHOLDERS, parse_period
from socialtriage.domain import replying
from socialtriage.domain.closing import without_closing
from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxKind, OutboxState, Visibility, Voice
from socialtriage.domain.redact import find_personal
from socialtriage.domain.views import CaseDetail
from socialtriage.services.desk import Desk

FILLED = frozenset({*PLACEHOLDERS, "organisation"})
_ADDRESS = re.compile(r"\S+@\S+")
AT_WORK = timedelta(minutes=30)
"""For how long an officer who paused in writing counts as being at work on a case."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What is to leave, as the checks look at it."""

    text: str
    visibility: Visibility
    to: str
    """The resident's handle."""
    carries_files: bool = False
    promise: datetime | None = None
    message: int | None = None
    """Which of the resident's messages is answered, where one was chosen."""


def refuse_unfilled(words: str) -> None:
    """Raises `Refused` for a text in which a placeholder is left."""
    if left := [each for each in replying.left_open(words) if _fills(each)]:
        raise Refused(f"The reply still holds {', '.join(left)}.", hint="Fill it in.")


def _fills(placeholder: str) -> bool:
    """Whether a saved answer could have filled it, however it is written: `{ Ref }`."""
    return placeholder[1:-1].casefold() in FILLED


def warnings(desk: Desk, detail: CaseDetail, wording: Wording, *, held: bool = False) -> list[str]:
    """Everything that is to be thought about, the weightiest first. `held`: it waits in the outbox for approval, so
    that its own row is no other reply, and its officer's hand on the case is none to speak of.
    """
    return list(_warnings(desk, detail, wording, held))


def of_statement(desk: Desk, text: str) -> Iterator[str]:
    """What is to be thought about before something is said to everybody, in answer to nobody."""
    official = _compact(f"{desk.config.organisation.phone or ''} {desk.config.mail.from_}")
    if labels := {found.label for found in find_personal(text) if _compact(found.text) not in official}:
        yield f"This is PUBLIC and holds personal data: {', '.join(sorted(labels))}."
    yield from _blocked_words(desk, text)
    if odd := [*(each for each in replying.left_open(text) if not _fills(each)), *replying.gaps(text)]:
        yield f"It holds {', '.join(odd)}, which nobody fills in."
    if last := _pre_election(desk):
        yield f"This is the pre-election period, until {last}: a statement must not be seen to favour anybody."


def _warnings(desk: Desk, detail: CaseDetail, wording: Wording, held: bool) -> Iterator[str]:
    public = wording.visibility is Visibility.PUBLIC
    if public:
        yield from _personal(desk, detail, wording.text)
    yield from _blocked_words(desk, wording.text)
    asked = [message for message in detail.messages if message.voice is Voice.RESIDENT]
    asked = [message for message in asked if message.id == wording.message] or asked
    if public and asked and all(message.gone_at is not None for message in asked):
        yield "What the resident wrote is gone at its source: the network may refuse the answer, or show it alone."
    if _unedited(detail, wording.text):
        yield "These are the contact's words as they came: they were written for us, not for the resident."
    if not held:
        yield from _others(desk, detail)
    left = replying.left_open(wording.text)
    if odd := [*(each for each in left if not _fills(each)), *replying.gaps(wording.text)]:
        yield f"It holds {', '.join(odd)}, which nobody fills in."
    if strangers := replying.strangers(wording.text, _known_handles(desk, detail, wording)):
        yield f"It names somebody else: {', '.join(strangers)}."
    if not wording.carries_files and replying.speaks_of_an_enclosure(wording.text):
        yield "It speaks of something attached, and nothing is attached."
    if wording.promise is not None and (day := closed_on(desk, wording.promise)):
        yield f"It promises word by {day}, when nobody works."
    if public and (last := _pre_election(desk)):
        yield f"This is the pre-election period, until {last}: a public reply must not be seen to favour anybody."


def _personal(desk: Desk, detail: CaseDetail, text: str) -> Iterator[str]:
    """Personal data in public: whose it is, as far as the desk can tell."""
    ours = _compact(" ".join(f"{c.email} {c.phone or ''}" for c in desk.config.contacts))
    official = _compact(f"{desk.config.organisation.phone or ''} {desk.config.mail.from_}")
    theirs = _compact(" ".join(m.text for m in detail.messages if m.voice is Voice.RESIDENT))
    kinds: dict[str, set[str]] = {"": set(), "ours": set(), "theirs": set()}
    for found in find_personal(text):
        words = _compact(found.text)
        if words and words in official:
            continue
        whose = "ours" if words in ours else "theirs" if words in theirs else ""
        kinds[whose].add(found.label)
    lowered = text.casefold()
    if facts := [name for name, value in detail.facts.items() if len(value) > 3 and value.casefold() in lowered]:
        kinds["theirs"] |= set(facts)
    if any(name in _bare_name(text) for name in _colleagues(desk, detail)):
        kinds["ours"].add("name")
    words_for = {"theirs": " of the resident", "ours": " of a colleague", "": ""}
    for name, labels in kinds.items():
        if labels:
            yield f"This is PUBLIC and holds personal data{words_for[name]}: {', '.join(sorted(labels))}."


def _colleagues(desk: Desk, detail: CaseDetail) -> set[str]:
    """Full names of those who wrote for a contact, as `_bare_name` makes them; a team's name is none."""
    teams = {
        _bare_name(name) for name in (*(c.name for c in desk.config.contacts), *(a.name for a in desk.config.areas))
    }
    writers = {_bare_name(_ADDRESS.sub(" ", m.name)) for m in detail.messages if m.voice is Voice.CONTACT}
    return {name for name in writers - teams if len(name.split()) > 1}


def _bare_name(text: str) -> str:
    """Words alone, in small letters."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return f" {' '.join(words)} "


def _unedited(detail: CaseDetail, text: str) -> bool:
    """Whether a text is what contacts wrote last, word for word."""
    said = [m.text.strip() for m in detail.messages if m.voice is Voice.CONTACT and m.text.strip()]
    return any(
        text.strip() == "\n\n".join(theirs[-count:])
        for theirs in (said, [without_closing(each) for each in said])
        for count in range(1, len(said) + 1)
    )


def _compact(text: str) -> str:
    return re.sub(r"[^\w@]", "", text).casefold()


def _blocked_words(desk: Desk, text: str) -> Iterator[str]:
    """Words that the configuration blocks in what residents write are none for us either."""
    if found := desk.blocked_words.look(text):
        yield f"It holds a blocked word: {', '.join(found.words)}."


def _others(desk: Desk, detail: CaseDetail) -> Iterator[str]:
    """Who else has a hand on the case."""
    row = detail.row
    if row.owner and row.owner != desk.officer:
        yield f"{row.owner} holds this case."
    for officer, at in desk.store.replies.at_work(row.id, desk.officer, desk.clock() - AT_WORK):
        yield f"{officer} is writing for this case too, last at {at.astimezone(desk.zone):%H:%M}."
    for waiting in desk.store.outbox.waiting(row.id):
        if waiting.kind is not OutboxKind.REPLY:
            continue
        held = " and waits for approval" if waiting.held else ""
        whose = "you" if waiting.officer == desk.officer else waiting.officer
        state = "is in the outbox" if waiting.state is OutboxState.QUEUED else f"is {waiting.state} in the outbox"
        yield f"Another reply to this case, by {whose}, {state}{held}."


def _known_handles(desk: Desk, detail: CaseDetail, wording: Wording) -> Iterator[str]:
    yield wording.to
    yield detail.row.handle
    for account in desk.config.accounts:
        if account.handle:
            yield account.handle


def closed_on(desk: Desk, at: datetime) -> str:
    """The day of a moment in words where the desk is closed on all of it; "" where it is open."""
    day = at.astimezone(desk.zone).date()
    return "" if desk.clocks.working.hours_on(day) else f"{day:%A} {day.day} {day:%B}"


def _pre_election(desk: Desk) -> str:
    """The last day of the pre-election period that is on, in words; "" when none is."""
    today = desk.clock().astimezone(desk.zone).date()
    for period in desk.config.organisation.pre_election:
        first, last = parse_period(period)
        if first <= today <= last:
            return f"{last:%A} {last.day} {last:%B %Y}"
    return ""
