"""What the figures can be held against: how much of the demand was seen, and whether years can be compared."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from socialtriage.domain.figures import Column, Row, Table, Unit, change
from socialtriage.domain.models import AccountState
from socialtriage.domain.spans import Span, year_before
from socialtriage.domain.times import from_iso, iso
from socialtriage.services import accounts
from socialtriage.services.desk import Desk
from socialtriage.services.figures_demand import Counted, dates
from socialtriage.store.narrow import MANUAL

FRESH = timedelta(days=1)
"""How old the last good poll may be for an account to count as covered now."""
GAP = timedelta(days=1)
"""Gaps of an account that together are longer make its two years incomparable."""


class Missing(NamedTuple):
    """A span in which an account may have missed messages."""

    account: str
    start: datetime
    end: datetime
    why: str


def gaps(desk: Desk, span: Span) -> list[Missing]:
    """The gaps that overlap a span, cut to it."""
    found = desk.store.figures.gaps(span.start, span.end)
    return [Missing(account, from_iso(start), from_iso(end), why) for account, start, end, why in found]


def hours(found: list[Missing]) -> float:
    """How long gaps are together."""
    return round(sum((gap.end - gap.start).total_seconds() for gap in found) / 3600, 1)


def coverage(desk: Desk, span: Span, now: datetime) -> tuple[str, Table]:
    """`38 of 40 accounts, 2 gaps of 3 h`, and a row for each account that was not whole.

    An account is covered when its last good poll is after the end of the period, or for one that is not over, not
    older than a day. Paused accounts count as not covered.
    """
    needed = iso(min(span.end, now - FRESH))
    found = gaps(desk, span)
    records = desk.store.accounts.all()
    rows = []
    covered = 0
    for account in desk.config.accounts:
        mine = [gap for gap in found if gap.account == account.id]
        record = records.get(account.id)
        polled = record.last_ok_at if record else None
        seen = polled is not None and iso(polled) >= needed and not account.paused
        covered += seen
        if mine or not seen:
            state = AccountState.PAUSED if account.paused else record.state if record else AccountState.NEVER_POLLED
            since = f"last polled well on {polled.astimezone(desk.zone):%d %b %Y %H:%M}" if polled else ""
            notes = ["" if seen else accounts.WORDS[state], "" if seen else since]
            notes += [f"gap {_when(desk, gap)}: {gap.why}" for gap in mine]
            rows.append(Row(account.id, account.id, (hours(mine),), note="; ".join(filter(None, notes))))
    words = f"{covered} of {len(desk.config.accounts)} accounts"
    if found:
        words += f", {len(found)} gap{'s' if len(found) > 1 else ''} of {hours(found):g} h"
    else:
        words += ", no gaps"
    text = (
        "Accounts of the configuration that were not polled well up to the end of the period (up to a day ago where it"
        " is not over), and spans in which messages may be missing."
    )
    columns = (Column("hours", "Hours that may be missing", Unit.HOURS),)
    return words, Table("coverage", "What was not seen", text, columns, tuple(rows), summary=f"Seen: {words}.")


def _when(desk: Desk, gap: Missing) -> str:
    start, end = gap.start.astimezone(desk.zone), gap.end.astimezone(desk.zone)
    return f"{start:%d %b %H:%M} to {end:%d %b %H:%M}"


def growth(counted: Counted, now: datetime) -> Table:
    """The demand against the same span a year before, over the accounts that can be compared."""
    desk, span = counted.desk, counted.span
    earlier = year_before(span, now)
    known = counted.before.by("account") if earlier == counted.span_before else None
    then = _by_account(desk, earlier, now) if known is None else known
    here = counted.tally.by("account")
    left_out = {name: why for name in sorted({*here, *then}) if (why := _unfair(desk, name, span, earlier))}
    rows = [
        _row(name, name, here[name], then[name], f"account:{name} {dates(span)}")
        for name in sorted({*here, *then})
        if name not in left_out
    ]
    text = (
        f"Cases opened in the period against {earlier.first:%d %b %Y} to {earlier.last:%d %b %Y}, over the accounts"
        " that were polled well before that and ever since. An account is left out when it was added later, is no"
        " longer polled, or has gaps of more than a day in either period."
    )
    why_not = dict.fromkeys(left_out.values())
    notes = [f"Not compared, {why}: {', '.join(n for n, w in left_out.items() if w == why)}." for why in why_not]
    columns = (Column("cases", "Enquiries"), Column("before", "A year before"), Column("change", "Change", Unit.CHANGE))
    if not rows or not any(row.values[1] for row in rows):
        said = f"No comparison: no account has cases of {earlier.first:%d %b %Y} to {earlier.last:%d %b %Y} to compare."
        return Table("growth", "Growth on the year before", text, columns, (), summary=said, notes=tuple(notes))
    total = sum(int(row.values[0] or 0) for row in rows), sum(int(row.values[1] or 0) for row in rows)
    search = None if any(here[name] for name in left_out) else dates(span)
    rows.insert(0, _row("all", "all that can be compared", *total, search))
    missed = [gap for both in (span, earlier) for gap in gaps(desk, both) if gap.account not in left_out]
    if missed:
        notes.append(f"Gaps in the two periods, {hours(missed):g} h in all, may hide some of either.")
    said = f"{total[0]:,} now, {total[1]:,} a year before"
    said += f"; left out: {len(left_out)}." if left_out else "."
    return Table("growth", "Growth on the year before", text, columns, tuple(rows), summary=said, notes=tuple(notes))


def _row(id_: str, label: str, now: int, before: int, search: str | None) -> Row:
    return Row(id_, label, (now, before, change(now, before)), search)


def _by_account(desk: Desk, span: Span, now: datetime) -> Counter[str]:
    found: Counter[str] = Counter()
    for rows in desk.store.figures.keys(span.start, span.end, now):
        found.update([row[0] for row in rows])
    return found


def _unfair(desk: Desk, account: str, span: Span, earlier: Span) -> str:
    """Why an account's two periods cannot be compared; "" when they can."""
    if account not in MANUAL and account not in desk.accounts:
        return "no longer in the configuration"
    if account not in MANUAL and desk.accounts[account].paused:
        return "paused"
    if words := added(desk, account, earlier.start):
        return words
    for both, words in ((earlier, "a year before"), (span, "now")):
        mine = [gap for gap in gaps(desk, both) if gap.account == account]
        if hours(mine) > GAP.total_seconds() / 3600:
            return f"gaps of {hours(mine):g} h {words}"
    return ""


def added(desk: Desk, account: str, at: datetime) -> str:
    """Why an account cannot have been there at a moment; "" when it was: polled well by then, or with an older case."""
    first = desk.store.figures.first_polls().get(account)
    if (first is not None and first <= iso(at)) or desk.store.figures.has_case_before(account, at):
        return ""
    if first is None:
        return f"no case before {at.astimezone(desk.zone):%d %b %Y}"
    return f"first polled on {from_iso(first).astimezone(desk.zone):%d %b %Y}"
