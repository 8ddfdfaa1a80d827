"""What the inbox shows: views, pages of cases, one case whole, search, counts, and why a deadline is what it is."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from socialtriage.domain.cases import Case
from socialtriage.domain.errors import NotFound
from socialtriage.domain.late import dataclass
from socialtriage.domain.models import OutboxKind, OutboxState, SafeText
from socialtriage.domain.views import CaseDetail, CaseRow, Query, SpotView, UnsentReply
from socialtriage.services.desk import Desk
from socialtriage.store.rows import RESTRICTED
from socialtriage.store.search import match

T = TypeVar("T")
SEARCH_LIMIT = 1000
"""Cases that a search shows at most, newest first."""
ARCHIVES = ("all", "closed")
"""Views with cases that are closed."""
FIRST_LOOK, LONG_LOOK = 64, 2000
"""Messages looked at together at most; and after how many a search of open cases no longer goes by the newest ones."""


@dataclass(frozen=True, slots=True)
class View:
    """A list of cases with a name."""

    id: str
    name: str


VIEWS = (
    View("queue", "Queue"),
    View("mine", "Mine"),
    View("waiting", "Waiting on contact"),
    View("tell", "Tell resident"),
    View("overdue", "Overdue"),
    View("repeat", "Repeat contacts"),
    View("snoozed", "Snoozed"),
    View("all", "All"),
    View("closed", "Closed"),
)
ALL_VIEWS = (*VIEWS, View("promised", "Promises, the next to be kept first"))
"""Those of the sidebar, and those that are asked for by name."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many open cases each view, area and account has."""

    views: Mapping[str, int]
    areas: Mapping[str, int]
    accounts: Mapping[str, int]


def snapshot(desk: Desk, query: Query, limit: int = SEARCH_LIMIT) -> array[int]:
    """Ids of the cases that a query shows, most pressing first; with a search, newest first, at most `limit`."""
    if not query.text.strip():
        return desk.store.cases.ids(query, officer=desk.officer, now=desk.clock())
    found = dict.fromkeys(_by_reference(desk, query.text))
    expression = match(query.text)
    if expression is not None:
        found.update(_hits(desk, query, expression, limit))
    return array("q", list(found)[:limit])


def _hits(desk: Desk, query: Query, expression: str, limit: int) -> dict[int, None]:
    """Cases with a message that matches, newest message first: at least `limit`, if there are so many."""
    store = desk.store
    found: dict[int, None] = {}
    looked = 0
    # Of a page's worth of newest messages hardly any two are of one case.
    page_size = min(limit + limit // 8, FIRST_LOOK) if query.everything else max(limit // 4, 50)
    for page in store.search.case_ids(expression, page=page_size):
        if query.everything:
            found.update(dict.fromkeys(page))
        else:
            fresh = [i for i in dict.fromkeys(page) if i not in found]
            kept = store.cases.narrow(fresh, query, officer=desk.officer, now=desk.clock())
            found.update(dict.fromkeys(kept))
        if len(found) >= limit:
            break
        looked += len(page)
        if query.view not in ARCHIVES and looked >= LONG_LOOK:
            hits = store.cases.open_hits(expression, query, limit, officer=desk.officer, now=desk.clock())
            return dict.fromkeys(hits)
    return found


def _by_reference(desk: Desk, text: str) -> list[int]:
    # Every reference of ours has a digit in it, and other systems' have one too, or are written in capitals.
    if not any(map(str.isdigit, text)):
        return desk.store.search.external(text.strip()) if text != text.lower() else []
    case_id = find(desk, text)
    return ([case_id] if case_id is not None else []) + desk.store.search.external(text.strip())


def rows(desk: Desk, ids: Sequence[int]) -> list[CaseRow]:
    """A page of the list, in the order given."""
    return desk.store.cases.rows(ids) if ids else []


def counts(desk: Desk) -> Counts:
    """Open cases of every view, area and account."""
    return Counts(*desk.store.cases.counts(officer=desk.officer, now=desk.clock()))


def data_version(desk: Desk) -> int:
    """A number that changes whenever anybody wrote."""
    return desk.store.data_version()


def shown(desk: Desk, case_id: int, unmasked: bool = False) -> CaseDetail:
    """One case as a screen may show it: a restricted one is masked unless that was asked for. Raises `NotFound`."""
    found = detail(desk, case_id)
    if unmasked or RESTRICTED not in found.flags:
        linked = [str(event.detail.get("to")) for event in found.events if event.kind == "case.linked"]
        if not linked:
            return found
        from socialtriage.services.restricting import without_reasons

        return without_reasons(desk, found, linked)
    from socialtriage.services.restricting import masked

    return masked(found)


def detail(desk: Desk, case_id: int) -> CaseDetail:
    """One case whole, for working on it; screens show what `shown` says. Raises `NotFound`."""
    store = desk.store
    case = store.cases.get(case_id)
    row = store.cases.rows([case_id])[0]
    person_id, key, handle, name, url, contacts = store.cases.person(case_id)
    if RESTRICTED in case.flags:
        row = replace(row, handle=SafeText(handle), name=SafeText(name), snippet=case.snippet)
        row = replace(row, suggested_because=case.suggested_because)
    return CaseDetail(
        row=row,
        person_id=person_id,
        person_key=key,
        person_url=url,
        contacts=contacts,
        thread=case.thread,
        conversation=case.conversation,
        acknowledged_at=case.acknowledged_at,
        answered_at=case.answered_at,
        promised_at=case.promised_at,
        promise_kept=case.promise_kept,
        closed_at=case.closed_at,
        reopened_at=case.reopened_at,
        within_charter=case.within_charter,
        external_reference=case.external_reference,
        flags=case.flags,
        messages=tuple(store.messages.of_case(case_id)),
        handoffs=tuple(store.outbox.handoffs(case_id)),
        events=tuple(store.log.of_case(case_id)),
        related=tuple(store.cases.related(case_id, person_id)),
        spots=_spots(desk, case) if case.flags else (),
        facts=dict(case.facts),
        incidents=store.incidents.of_case(case_id),
        answer_until=_answer_until(desk, row),
        unsent=_unsent(desk, case_id),
    )


def _unsent(desk: Desk, case_id: int) -> tuple[UnsentReply, ...]:
    """Replies that failed or are in doubt, the oldest first."""
    doubtful = (OutboxState.FAILED, OutboxState.UNKNOWN)
    return tuple(
        UnsentReply(row.id, row.account, row.recipient, row.state, row.error)
        for row in desk.store.outbox.waiting(case_id)
        if row.kind is OutboxKind.REPLY and row.state in doubtful
    )


def _spots(desk: Desk, case: Case) -> tuple[SpotView, ...]:
    found = desk.store.spots.of_case(case.id)
    if not found:
        return ()
    from socialtriage.services.spotting import standing

    return standing(desk, case.flags, found)


def _answer_until(desk: Desk, row: CaseRow) -> datetime | None:
    from socialtriage.services.windows import answer_until

    return answer_until(desk, row)


def find(desk: Desk, text: str) -> int | None:
    """The case of a reference in any spelling, or None."""
    from socialtriage.domain import reference

    ref = reference.parse(text, desk.config.organisation.prefix)
    return desk.store.cases.by_ref(ref) if ref else None


def resolve(desk: Desk, text: str) -> int:
    """The case that a reference names. Raises `NotFound` with the nearest references that exist."""
    case_id = find(desk, text)
    if case_id is not None:
        return case_id
    from socialtriage.domain import reference

    near = desk.store.cases.existing_refs(reference.suggest(text, desk.config.organisation.prefix)[:400])
    hint = f"Did you mean {' or '.join(near[:3])}?" if near else "Look it up with: socialtriage list --view all."
    raise NotFound(f"There is no case {text.strip()[:40]!r}.", hint=hint)


def why(desk: Desk, case_id: int) -> list[str]:
    """The urgency and the deadline of a case, line by line."""
    case = desk.store.cases.get(case_id)
    lines = [f"{case.ref} is {case.urgency}."]
    if case.repeat_count > 1:
        lines += _why_repeat(desk, case)
    if case.suggested_because and RESTRICTED not in case.flags:
        lines.append("Suggested: " + "; ".join(case.suggested_because) + ".")
    return [*lines, *desk.clocks.explain(case)]


def _why_repeat(desk: Desk, case: Case) -> list[str]:
    """Why a repeat contact is more urgent, and whose clock it has."""
    since = f", waiting since {_shown(desk, case.repeat_since)}" if case.repeat_since else ""
    lines = [
        f"Raised one step: contact number {case.repeat_count} by the same person{since}.",
        "A repeat goes one step up as it comes in, and never to an emergency: that is an officer's word.",
    ]
    if case.waiting_since is not None and case.waiting_since < case.opened_at:
        days = (desk.clock() - case.waiting_since).days
        ago = f" ({days} day{'s' * (days != 1)} ago)" if days else ""
        lines.append(
            f"The clock is that of their first unanswered message, {_shown(desk, case.waiting_since)}{ago},"
            f" not of this case, which came in {_shown(desk, case.opened_at)}."
        )
    return lines


def _shown(desk: Desk, at: datetime | None) -> str:
    return f"{at.astimezone(desk.zone):%a %d %b %H:%M}" if at else ""
