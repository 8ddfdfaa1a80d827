"""The language of searches and filters: `area:waste from:@x is:private before:2026-11-20 words`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import Status, Urgency
from socialtriage.domain.text import clean
from socialtriage.domain.views import Query
from socialtriage.services import filters
from socialtriage.services.desk import Desk
from socialtriage.store.cases import FLAGS

LONGEST_QUERY = 1000
"""Characters that are looked for; of a text that was pasted in by mistake, no more."""
IS_WORDS = tuple(FLAGS)
"""What may follow `is:`."""
FILTERS = ("area", "topic", "from", "account", "is", "before", "after", "urgency", "status", *filters.FILTERS)


def parse_query(text: str, desk: Desk, view: str = "queue") -> Query:
    """`area:waste from:@x account:y is:private before:2026-11-20 words` as a query.

    Words that are no filter are searched. Raises `UsageError` with the nearest valid word.
    """
    query = Query(view=view)
    words = []
    for word in clean(text[:LONGEST_QUERY]).split():
        name, colon, value = word.partition(":")
        if colon and value and name.lower() in FILTERS:
            query = _FILTERS[name.lower()](desk, query, value)
        elif colon and name.isalpha() and value and not value.startswith("//"):
            raise UsageError(f"There is no filter {name!r}.", hint=filters.nearest(name, FILTERS))
        else:
            words.append(word)
    # A blank at the end says that the last word is whole.
    return replace(query, text=" ".join(words) + (" " if words and text[-1:].isspace() else ""))


def _area(desk: Desk, query: Query, value: str) -> Query:
    return replace(query, area=filters.area_id(desk, value))


def _account(desk: Desk, query: Query, value: str) -> Query:
    return replace(query, account=account_id(desk, value))


def account_id(desk: Desk, name: str) -> str:
    """The id of an account: of the configuration, or one that cases came by before (`phone`). Raises `UnknownName`."""
    return name if desk.store.accounts.get(name) is not None else desk.account(name).id


def _from(desk: Desk, query: Query, value: str) -> Query:
    return replace(query, person=value)


def _is(desk: Desk, query: Query, value: str) -> Query:
    return replace(query, flags=(*query.flags, filters.choice(value, list(FLAGS), "word for is:")))


def _before(desk: Desk, query: Query, value: str) -> Query:
    return replace(query, before=filters.moment(desk, value))


def _after(desk: Desk, query: Query, value: str) -> Query:
    return replace(query, after=filters.moment(desk, value))


def _urgency(desk: Desk, query: Query, value: str) -> Query:
    return replace(query, urgency=Urgency(filters.choice(value, list(Urgency), "urgency")))


def _status(desk: Desk, query: Query, value: str) -> Query:
    return replace(query, status=Status(filters.choice(value, list(Status), "status")))


def _topic(desk: Desk, query: Query, value: str) -> Query:
    return replace(query, topic=value)


_FILTERS: dict[str, Callable[[Desk, Query, str], Query]] = {
    "area": _area,
    "topic": _topic,
    "from": _from,
    "account": _account,
    "is": _is,
    "before": _before,
    "after": _after,
    "urgency": _urgency,
    "status": _status,
    **filters.FILTERS,
}
