"""Saved answers: which are offered for a case, how they are filled in, and how a reply that was sent becomes one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as swap
from datetime import datetime

from msgspec.structs import replace

from socialtriage.config.model import SavedAnswer
from socialtriage.domain import cases as life
from socialtriage.domain.errors import Refused, UnknownName, UsageError
from socialtriage.domain.redact import find_personal
from socialtriage.domain.text import clean
from socialtriage.domain.views import CaseDetail, CaseRow, Done
from socialtriage.services import inbox
from socialtriage.services.desk import Desk
from socialtriage.store.log import NewEvent

_BRACES = re.compile(r"\{\{|\}\}|\{([a-z_]{1,20})\}")
_ID = re.compile(r"[^\w.-]+")
SHORTEST = 3
"""Characters that a name must have to be found in a text and made a placeholder."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A saved answer, and what is known of its use."""

    answer: SavedAnswer
    used: int
    last_at: datetime | None
    expired: bool
    rank: int = 0
    """How near it is to a case: for who had to write again, of its area, of none, of another."""


def every(desk: Desk) -> list[Offer]:
    """All of them, in the order of the configuration."""
    uses = desk.store.replies.uses()
    today = desk.clock().astimezone(desk.zone).date()
    found = []
    for answer in desk.config.answers:
        use = uses.get(answer.id)
        expired = answer.expires is not None and answer.expires < today
        found.append(Offer(answer, use.count if use else 0, use.last_at if use else None, expired))
    return found


def offered(desk: Desk, row: CaseRow, *, only: bool = False) -> list[Offer]:
    """What can answer a case: those of its area, then those of none, then all others.

    In the order of the configuration, so that a letter stays with its answer. `only` leaves the others out. Expired
    ones are never offered, and those for people who had to write again only to them, first of all. A case without an
    area counts by its suggestion.
    """
    area, again = row.area or row.suggested_area, row.repeat_count > 1

    def order(offer: Offer) -> int:
        own = offer.answer.area == area and area is not None
        place = 0 if own else 1 if offer.answer.area is None else 2
        return -1 if offer.answer.for_repeats and place < 2 else place

    fitting = (each for each in every(desk) if not each.expired and (again or not each.answer.for_repeats))
    found = sorted((swap(each, rank=order(each)) for each in fitting), key=lambda each: each.rank)
    return [each for each in found if not only or each.rank < 2]


def named(desk: Desk, answer_id: str, now: datetime) -> SavedAnswer:
    """A saved answer by its id. Raises `UnknownName`, and `Refused` for one that expired."""
    answers = {answer.id: answer for answer in desk.config.answers}
    answer = answers.get(answer_id)
    if answer is None:
        raise UnknownName(
            f"There is no saved answer {answer_id!r}.", hint=f"There are: {', '.join(answers) or 'none'}."
        )
    if answer.expires is not None and answer.expires < now.astimezone(desk.zone).date():
        raise Refused(
            f"The saved answer {answer_id} expired on {answer.expires}.", hint="Renew it in the configuration."
        )
    return answer


def wording(
    desk: Desk,
    case_id: int,
    answer_id: str,
    now: datetime,
    promise: datetime | None = None,
    message: int | None = None,
) -> str:
    """A saved answer for a case, or for one `message` of it: the variant of the network that is answered, filled in as
    far as the case knows.

    Raises `UnknownName`, and `Refused` for one that expired.
    """
    answer = named(desk, answer_id, now)
    detail = inbox.detail(desk, case_id)
    known = values(desk, detail, answer.area)
    if promise is not None:
        known = {**known, "promise": moment_of(desk, promise)}
    asked = desk.store.messages.to_answer(case_id, message)
    account = desk.accounts.get(asked.account) if asked is not None else None
    network = desk.network_of(account) if account is not None else detail.row.network
    return filled(answer.for_.get(network, answer.text), known)


def filled(text: str, known: Mapping[str, str]) -> str:
    """`text` with its placeholders filled; those without a value stay. `{{` and `}}` are the signs themselves."""

    def fill(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        return known.get(match[1]) or match[0]

    return _BRACES.sub(fill, text)


def values(desk: Desk, detail: CaseDetail, area_id: str | None = None) -> dict[str, str]:
    """What fills the placeholders for a case; empty where the case does not know it."""
    row = detail.row
    area = desk.areas.get(area_id or row.area or "")
    away = desk.store.accounts.away()
    contact = next((desk.contacts[c] for c in (area.contacts if area else ()) if c not in away), None)
    return {
        "ref": row.ref,
        "name": _first_name(row),
        "link": (area.self_serve if area else None) or "",
        "area": area.name if area else "",
        "phone": desk.config.organisation.phone or "",
        "contact": contact.name if contact else "",
        "organisation": desk.config.organisation.name,
        "due": _answer_due(desk, detail),
        "promise": _to_come(desk, detail.promised_at),
    }


def _first_name(row: CaseRow) -> str:
    return row.name.split(" ")[0] if row.name else ""


def _answer_due(desk: Desk, detail: CaseDetail) -> str:
    """When the answer is due: not the acknowledgement, which a reply is in any case."""
    if detail.row.due_clock != "acknowledge":
        return _to_come(desk, detail.row.due_at)
    case = desk.store.cases.get(detail.row.id)
    return _to_come(desk, desk.clocks.with_due(life.acknowledged(case, desk.clock())).due_at)


def _to_come(desk: Desk, at: datetime | None) -> str:
    """A moment in words; one that is over would be a promise broken as it is made, so that its placeholder stays."""
    return moment_of(desk, at) if at is not None and at > desk.clock() else ""


def moment_of(desk: Desk, at: datetime) -> str:
    """A moment as residents read it: `Thursday 26 November, 17:00`."""
    return f"{at.astimezone(desk.zone):%A %d %B, %H:%M}"


# --- a reply that becomes a saved answer --------------------------------------------------------------------------


def as_template(desk: Desk, detail: CaseDetail, text: str) -> str:
    """The words of a reply with what belongs to its case replaced by placeholders: reference, name, link, moments."""
    found = text.replace("{", "{{").replace("}", "}}")
    known = values(desk, detail)
    account = desk.accounts.get(detail.row.account)
    for name in ("ref", "link", "due", "promise", "phone", "name"):
        value = known[name]
        if not value or (name == "name" and len(value) < SHORTEST):
            continue
        pattern = rf"(?<!\w){re.escape(value)}(?!\w)"
        found = re.sub(pattern, "{" + name + "}", found, flags=re.IGNORECASE if name == "ref" else 0)
    if account is not None and account.sign_off:
        from socialtriage.domain.replying import unsigned
        from socialtriage.services.reply_rules import sign_off_of

        found = unsigned(found, sign_off_of(desk, account.id))
    return re.sub(rf"^{re.escape(detail.row.handle)}\s+", "", found)


def from_reply(desk: Desk, case_id: int) -> str:
    """The newest reply that left for a case, as the text of a saved answer. Raises `Refused` where there is none."""
    sent = desk.store.replies.last_sent(case_id)
    detail = inbox.detail(desk, case_id)
    if sent is None:
        raise Refused(f"No reply to {detail.row.ref} was sent from here yet.")
    from socialtriage.services.settling import as_written

    row = desk.store.outbox.get(sent[0])
    return as_template(desk, detail, as_written(row) if row is not None else sent[1])


def new_id(desk: Desk, wanted: str) -> str:
    """An id out of what was typed, that no saved answer has. Raises `UsageError`."""
    made = _ID.sub("-", wanted.strip().lower()).strip("-.")[:40]
    if not made:
        raise UsageError("A saved answer needs a name.", hint="For example: missed-bin.")
    if made.casefold() in {answer.id.casefold() for answer in desk.config.answers}:
        raise Refused(f"There is a saved answer {made} already.", hint="Choose another name.")
    return made


def keep(desk: Desk, wanted: str, text: str, *, area: str | None, case_id: int | None = None) -> Done:
    """Write a new saved answer into the configuration file, comments and order kept, and use it from now on.

    In the demo that is the copy of its configuration beside its store. Raises `Refused`, `UsageError`, `ConfigError`.
    """
    id_ = new_id(desk, wanted)
    words = clean(text).strip()
    if not words:
        raise UsageError("A saved answer needs words.")
    if area:
        desk.area(area)
    if desk.config_path is None or not desk.config_path.exists():
        raise Refused("There is no configuration file to write the answer into.", hint="Make one with: init.")
    from socialtriage.config.edit import add_entry

    entry = {"id": id_, **({"area": area} if area else {}), "text": words}
    add_entry(desk.config_path, "answers", entry)
    answer = SavedAnswer(id=id_, text=words, area=area or None)
    desk.config = replace(desk.config, answers=(*desk.config.answers, answer))
    ref = desk.store.cases.get(case_id).ref if case_id is not None else None
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.log(NewEvent("answer.kept", case_id, ref, {"answer": id_, "area": area}))
    found = sorted({each.label for each in find_personal(words)} if not _official(desk, words) else set())
    careful = f" It holds what may be somebody's: {', '.join(found)}." if found else ""
    return Done(f"Saved as the answer {id_}.{careful}", (case_id,) if case_id is not None else ())


def _official(desk: Desk, text: str) -> bool:
    """Whether all that is found in a text is the organisation's own number."""
    phone = desk.config.organisation.phone
    return bool(phone) and not find_personal(text.replace(phone or "", ""))


def lines(found: Iterable[Offer]) -> Iterator[str]:
    """One line an answer, for the plain command."""
    for offer in found:
        area = offer.answer.area or "every area"
        used = f"used {offer.used} time{'' if offer.used == 1 else 's'}"
        until = f", {'expired on' if offer.expired else 'until'} {offer.answer.expires}" if offer.answer.expires else ""
        yield f"{offer.answer.id}  [{area}]  {used}{until}  “{clean(offer.answer.text)[:60]}”"
