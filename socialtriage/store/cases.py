"""Reading cases: ids in order, pages of rows, one case whole, counts; and saving a changed one."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from socialtriage.domain.cases import Case, changes
from socialtriage.domain.errors import NotFound, Stale
from socialtriage.domain.late import replace
from socialtriage.domain.models import SafeText, Status
from socialtriage.domain.times import from_iso, iso
from socialtriage.domain.views import CaseRow, Query, RelatedCase
from socialtriage.store import narrow
from socialtriage.store.database import Database
from socialtriage.store.rows import (
    CASE_COLUMNS,
    MASK,
    RESTRICTED,
    ROW_COLUMNS,
    derived,
    slots,
    store_value,
    to_case,
    to_row,
)
from socialtriage.store.search import like

ARCHIVE = 10_000
"""How many closed cases a whole view holds at most; older ones are found by search and filters."""
PRESSING = " ORDER BY c.pressing, c.due_sort, c.id"
VIEWS = {
    "queue": "c.lane = 0",
    "mine": "c.lane < 5 AND c.owner = :officer",
    "waiting": "c.lane = 1",
    "tell": "c.lane = 2",
    "overdue": "c.lane < 3 AND c.due_at < :now",
    "repeat": "c.lane < 5 AND c.repeat_count > 1",
    "snoozed": "c.lane = 4",
    "open": "c.lane < 5",
    "promised": "c.lane < 5 AND c.promised_at IS NOT NULL AND c.promise_kept IS NULL",
    "closed": "c.lane = 5",
    "all": "",
}
FLAGS = {
    "private": "c.visibility = 'private'",
    "public": "c.visibility = 'public'",
    "unread": "c.status = 'new'",
    "media": "c.media > 0",
    "repeat": "c.repeat_count > 1",
    "mine": "c.owner = :officer",
    "late": "c.lane < 5 AND c.due_at < :now",
    "untagged": "c.area IS NULL",
    "unclaimed": "c.owner IS NULL",
    "blocked": "c.flags LIKE '%\"blocked_word\"%'",
    "held": "c.flags LIKE '%\"held\"%'",
    "promised": "c.lane < 5 AND c.promised_at IS NOT NULL AND c.promise_kept IS NULL",
    "draft": "EXISTS (SELECT 1 FROM drafts d WHERE d.case_id = c.id AND d.officer = :officer)",
    **{status.value: f"c.status = '{status.value}'" for status in Status},
    **narrow.FLAGS,
}


class CaseWriter:
    """Changes of cases inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._c = connection

    def get(self, case_id: int) -> Case:
        """The case as it is now. Raises `NotFound`."""
        row = self._c.execute(f"SELECT {CASE_COLUMNS} FROM cases WHERE id = ?", (case_id,)).fetchone()
        if row is None:
            raise NotFound("That case is not in the store.")
        return to_case(row)

    def save(self, before: Case, after: Case) -> Case:
        """Write what changed, as the next version. Raises `Stale` when somebody else was faster."""
        changed = changes(before, after)
        if not changed:
            return before
        values = {name: store_value(new) for name, (_, new) in changed.items()}
        if (place := derived(after)) != derived(before):
            # Only then: naming an indexed column writes its index again, whatever the value.
            values["lane"], values["due_sort"] = place
        cursor = self._c.execute(
            f"UPDATE cases SET {', '.join(f'{name} = ?' for name in values)}, version = version + 1"
            " WHERE id = ? AND version = ?",
            (*values.values(), before.id, before.version),
        )
        if cursor.rowcount != 1:
            raise Stale(f"{before.ref} was changed by somebody else just now.")
        return replace(after, version=before.version + 1)

    def bump(self, case_id: int) -> None:
        """Something about the case changed that is not one of its own columns."""
        self._c.execute("UPDATE cases SET version = version + 1 WHERE id = ?", (case_id,))

    def begin_conversation(self, case_id: int, conversation: str) -> None:
        """A case that goes on in a private conversation, unless it has one already."""
        self._c.execute(
            "UPDATE cases SET conversation = ? WHERE id = ? AND conversation IS NULL", (conversation, case_id)
        )

    def due_snoozes(self, now: datetime) -> list[int]:
        """Cases whose snooze is over."""
        rows = self._c.execute("SELECT id FROM cases WHERE lane = 4 AND snoozed_until <= ?", (iso(now),))
        return [r[0] for r in rows]

    def link(self, a: int, b: int, why: str, at: datetime) -> None:
        """Two cases belong together."""
        self._c.execute("INSERT OR IGNORE INTO case_links VALUES (?, ?, ?, ?)", (min(a, b), max(a, b), why, iso(at)))


class Cases:
    """Reading cases."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def ids(self, query: Query, *, officer: str, now: datetime) -> array[int]:
        """Ids that a view shows, most pressing first; closed ones newest first, at most `ARCHIVE` without a filter."""
        where, params = _where(query, officer, now)
        found: array[int] = array("q")
        if query.view != "closed":
            order = " ORDER BY c.promised_at, c.id" if query.view == "promised" else PRESSING
            found.extend(self._ids(f"c.lane < 5 AND {where}", order, params))
        if query.view in ("closed", "all"):
            limit = "" if query.narrowed else f" LIMIT {ARCHIVE}"
            found.extend(self._ids(f"c.lane = 5 AND {where}", f" ORDER BY c.closed_at DESC, c.id DESC{limit}", params))
        return found

    def _ids(self, where: str, order: str, params: Mapping[str, Any]) -> Iterable[int]:
        join = " JOIN persons p ON p.id = c.person_id" if "p." in where else ""
        return (r[0] for r in self._db.all(f"SELECT c.id FROM cases c{join} WHERE {where}{order}", dict(params)))

    def narrow(self, ids: Sequence[int], query: Query, *, officer: str, now: datetime) -> list[int]:
        """Those of `ids` that a query lets through, in the order given."""
        where, params = _where(query, officer, now)
        if query.view == "closed":
            where = f"c.lane = 5 AND {where}"
        join = " JOIN persons p ON p.id = c.person_id" if "p." in where else ""
        # The ids as one value: the statement stays prepared, whatever their number.
        rows = self._db.all(
            f"SELECT c.id FROM json_each(:ids) j CROSS JOIN cases c ON c.id = j.value{join} WHERE {where}",
            {**params, "ids": json.dumps(ids)},
        )
        return [r[0] for r in rows]

    def by_pressure(self, ids: Sequence[int]) -> list[int]:
        """The same cases, most pressing first; closed ones behind, newest first."""
        rows = self._db.all(
            "SELECT c.id FROM json_each(?) j CROSS JOIN cases c ON c.id = j.value"
            " ORDER BY c.lane = 5, CASE WHEN c.lane < 5 THEN c.pressing END, CASE WHEN c.lane < 5 THEN c.due_sort END,"
            " c.closed_at DESC, c.id",
            (json.dumps(list(ids)),),
        )
        return [r[0] for r in rows]

    def open_hits(self, expression: str, query: Query, limit: int, *, officer: str, now: datetime) -> list[int]:
        """Open cases with a message that matches, by their newest such message.

        Looks from the open cases at the hits: a common word may be in a hundred times as many closed ones.
        """
        where, params = _where(query, officer, now)
        join = " JOIN persons p ON p.id = c.person_id" if "p." in where else ""
        rows = self._db.all(
            f"SELECT c.id FROM cases c{join} CROSS JOIN messages m ON m.case_id = c.id WHERE c.lane < 5 AND {where}"
            " AND m.id IN (SELECT rowid FROM messages_fts WHERE messages_fts MATCH :expression)"
            " GROUP BY c.id ORDER BY max(m.id) DESC LIMIT :limit",
            {**params, "expression": expression, "limit": limit},
        )
        return [r[0] for r in rows]

    def rows(self, ids: Sequence[int]) -> list[CaseRow]:
        """A page of the list, in the order of `ids`; those that are gone are left out."""
        found = {
            r[0]: to_row(r)
            for r in self._db.all(
                f"SELECT {ROW_COLUMNS} FROM cases c JOIN persons p ON p.id = c.person_id WHERE c.id IN ({slots(ids)})",
                tuple(ids),
            )
        }
        return [found[i] for i in ids if i in found]

    def get(self, case_id: int) -> Case:
        """One case. Raises `NotFound`."""
        row = self._db.one(f"SELECT {CASE_COLUMNS} FROM cases WHERE id = ?", (case_id,))
        if row is None:
            raise NotFound("That case is not in the store.")
        return to_case(row)

    def any_due_snooze(self, now: datetime) -> bool:
        """Whether a snooze is over."""
        sql = "SELECT 1 FROM cases WHERE lane = 4 AND snoozed_until <= ? LIMIT 1"
        return self._db.one(sql, (iso(now),)) is not None

    def by_ref(self, ref: str) -> int | None:
        """The id of a reference in its exact spelling."""
        row = self._db.one("SELECT id FROM cases WHERE ref = ?", (ref,))
        return int(row[0]) if row else None

    def existing_refs(self, refs: Sequence[str]) -> list[str]:
        """Those of `refs` that a case has."""
        return [r[0] for r in self._db.all(f"SELECT ref FROM cases WHERE ref IN ({slots(refs)})", tuple(refs))]

    def person(self, case_id: int) -> tuple[int, str, str, str, str | None, int]:
        """Id, key, handle, name, address and number of cases of the person of a case."""
        row = self._db.one(
            "SELECT p.id, p.key, p.handle, p.name, p.url, p.cases FROM persons p"
            " JOIN cases c ON c.person_id = p.id WHERE c.id = ?",
            (case_id,),
        )
        return (row[0], row[1], row[2], row[3], row[4], row[5])

    def many(self, ids: Sequence[int]) -> list[Case]:
        """These cases, in the order of `ids`."""
        rows = self._db.all(f"SELECT {CASE_COLUMNS} FROM cases WHERE id IN ({slots(ids)})", tuple(ids))
        found = {case.id: case for case in map(to_case, rows)}
        return [found[i] for i in ids if i in found]

    def people(self, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Handle and name of the person of each case."""
        rows = self._db.all(
            "SELECT c.id, p.handle, p.name FROM cases c JOIN persons p ON p.id = c.person_id"
            f" WHERE c.id IN ({slots(ids)})",
            tuple(ids),
        )
        return {r[0]: (r[1], r[2]) for r in rows}

    def contacts_of(self, ids: Sequence[int]) -> dict[int, int]:
        """How many cases the person of each case ever opened."""
        rows = self._db.all(
            f"SELECT c.id, p.cases FROM cases c JOIN persons p ON p.id = c.person_id WHERE c.id IN ({slots(ids)})",
            tuple(ids),
        )
        return dict(rows)

    def related(self, case_id: int, person_id: int) -> list[RelatedCase]:
        """Other cases of the same person, and those linked by an officer, newest first."""
        rows = self._db.all(
            "SELECT ref, status, opened_at, area, snippet, flags FROM cases WHERE id != :id AND id IN ("
            "SELECT id FROM (SELECT id FROM cases WHERE person_id = :person ORDER BY opened_at DESC LIMIT 51)"
            " UNION SELECT b FROM case_links WHERE a = :id UNION SELECT a FROM case_links WHERE b = :id)"
            " ORDER BY opened_at DESC LIMIT 50",
            {"id": case_id, "person": person_id},
        )
        shown = (SafeText(MASK if RESTRICTED in r[5] else r[4]) for r in rows)
        return [RelatedCase(r[0], Status(r[1]), from_iso(r[2]), r[3], s) for r, s in zip(rows, shown, strict=True)]

    def related_refs(self, ids: Sequence[int]) -> dict[int, list[str]]:
        """References of the cases linked to each of `ids`."""
        found: dict[int, list[str]] = {}
        for a, ref in self._db.all(
            f"SELECT l.a, c.ref FROM case_links l JOIN cases c ON c.id = l.b WHERE l.a IN ({slots(ids)})"
            f" UNION SELECT l.b, c.ref FROM case_links l JOIN cases c ON c.id = l.a WHERE l.b IN ({slots(ids)})",
            (*ids, *ids),
        ):
            found.setdefault(a, []).append(ref)
        return found

    def counts(self, *, officer: str, now: datetime) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
        """How many open cases each view, area and account has; closed ones are counted in the background only."""
        named = [name for name in VIEWS if name not in ("closed", "all")]
        sums = ", ".join(f"sum({VIEWS[name]})" for name in named)
        views = dict.fromkeys(named, 0)
        areas: dict[str, int] = {}
        accounts: dict[str, int] = {}
        # One walk over the open cases. The signs keep SQLite from walking an index of all cases for its order.
        for account, area, queue, *found in self._db.all(
            f"SELECT c.account, coalesce(c.area, ''), sum(c.lane = 0), {sums} FROM cases c WHERE c.lane < 5"
            " GROUP BY +c.account, +c.area",
            {"officer": officer, "now": iso(now)},
        ):
            for name, count in zip(named, found, strict=True):
                views[name] += count or 0
            if queue:
                areas[area] = areas.get(area, 0) + queue
                accounts[account] = accounts.get(account, 0) + queue
        return views, areas, accounts

    def total(self) -> tuple[int, int]:
        """All cases and all messages of residents."""
        cases = self._db.one("SELECT count(*) FROM cases")[0]
        messages = self._db.one("SELECT count(*) FROM messages WHERE voice = 'resident'")[0]
        return int(cases), int(messages)

    def every(self, start: datetime | None, end: datetime | None) -> Iterable[Case]:
        """Cases opened from `start` until before `end`, oldest first, a thousand at a time."""
        last = 0
        params = {"low": iso(start) if start else "", "high": iso(end) if end else "9999"}
        while rows := self._db.all(
            f"SELECT {CASE_COLUMNS} FROM cases WHERE id > :last AND opened_at >= :low AND opened_at < :high"
            " ORDER BY id LIMIT 1000",
            {**params, "last": last},
        ):
            last = rows[-1][0]
            yield from map(to_case, rows)


def _where(query: Query, officer: str, now: datetime) -> tuple[str, dict[str, Any]]:
    """The WHERE of a query and its bound values."""
    parts = [VIEWS[query.view]] if VIEWS[query.view] else []
    params: dict[str, Any] = {"officer": officer, "now": iso(now)}

    def add(clause: str, **values: Any) -> None:
        parts.append(clause)
        params.update(values)

    if query.area:
        add("c.area IS NULL" if query.area == "none" else "c.area = :area", area=query.area)
    if query.topic:
        add("c.topic IS NULL" if query.topic == "none" else "c.topic = :topic", topic=query.topic)
    if query.urgency:
        add("c.urgency = :urgency", urgency=query.urgency.rank)
    if query.account:
        add("c.account = :account", account=query.account)
    if query.status:
        add("c.status = :status", status=query.status)
    if query.person:
        # With an @ it is the beginning of a handle, without one also a part of a name.
        handle = r"(p.handle LIKE :handle ESCAPE '\' OR p.handle LIKE '@' || :handle ESCAPE '\')"
        by_name = "" if query.person.startswith("@") else r" OR p.name LIKE :person ESCAPE '\'"
        add(f"({handle}{by_name})", person=like(query.person), handle=like(query.person)[1:])
    if query.person or query.text.strip():
        # That a search finds it would tell whose it is, and what it says.
        add(f"c.flags NOT LIKE '%\"{RESTRICTED}\"%'")
    if query.before:
        add("c.opened_at < :before", before=iso(query.before))
    if query.after:
        add("c.opened_at >= :after", after=iso(query.after))
    for number, (name, value) in enumerate(query.narrow):
        sql, values = narrow.clause(name, value, number, query.offsets)
        add(sql, **values)
    parts += [FLAGS[flag] for flag in query.flags]
    return " AND ".join(parts) or "1", params
