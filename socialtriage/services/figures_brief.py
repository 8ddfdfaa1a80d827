"""The figures in a few sentences, fit to paste into a committee report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from socialtriage.domain.figures import Number, Report, Row, Unit, words
from socialtriage.domain.text import clean_line

NAMED = 3
"""Areas that are named."""


def sentences(report: Report) -> Iterator[str]:
    """What a committee asks first; what there is nothing to say of is left out."""
    found = {row.id: row for row in report.table("summary").rows}
    yield _received(report, found["received"])
    yield from _about(report, found["service"])
    yield from _speed(report, found)
    yield from _contacts(report, found)
    yield from _ended(report)
    grown = found["growth"]
    if grown.values[0] is not None:
        much = _said(grown, 0, Unit.CHANGE)
        yield f"On the year before, over the accounts that can be compared: {much} ({grown.note.rstrip('.')})."
    yield f"What was seen: {report.coverage}."


def _said(row: Row, column: int, unit: Unit, currency: str = "") -> str:
    return words(row.values[column], unit, currency)


def _many(number: Number | None, one: str, more: str = "") -> str:
    return f"{number or 0:,} {one if number == 1 else more or one + 's'}"


def _received(report: Report, row: Row) -> str:
    span = report.span
    number, _, before, changed = row.values
    days = f"from {span.first.day} {span.first:%B %Y} to {span.last.day} {span.last:%B %Y}"
    told = ""
    if before and changed is not None:
        more = "more" if changed > 0 else "less" if changed < 0 else ""
        much = f"{abs(changed):.0%} {more} than" if more else "as many as"
        told = f", {much} in the period before ({before:,})"
    return f"{clean_line(report.organisation, 200)} received {_many(number, 'enquiry', 'enquiries')} {days}{told}."


def _about(report: Report, service: Row) -> Iterator[str]:
    if service.values[0] is not None:
        yield f"{_said(service, 0, Unit.SHARE)} of those that have a kind were customer service."
    areas = [row for row in report.table("by_area").rows if row.id != "none" and row.values[0]][:NAMED]
    if areas:
        asked = _listed([f"{clean_line(row.label, 80)} ({row.values[0]:,})" for row in areas])
        yield f"Most often asked about: {asked}."


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _speed(report: Report, found: dict[str, Row]) -> Iterator[str]:
    half, most = found["first_response_median"], found["first_response_p90"]
    if half.values[0] is not None:
        yield (
            f"Half of the first responses came within {_said(half, 0, Unit.MINUTES)} of working time, nine in ten"
            f" within {_said(most, 0, Unit.MINUTES)}."
        )
    if found["charter"].values[0] is not None:
        yield report.table("charter").summary


def _contacts(report: Report, found: dict[str, Row]) -> Iterator[str]:
    if found["repeat"].values[1]:
        yield f"{_said(found['repeat'], 0, Unit.SHARE)} were by people who had to come back."
    if found["avoidable"].values[1]:
        named = [f"{row.label.partition(':')[0]} {row.values[0]:,}" for row in report.table("avoidable").rows]
        yield (
            f"{_said(found['avoidable'], 0, Unit.SHARE)} of the closed cases were marked as avoidable:"
            f" {_listed(named)}."
        )
    if found["handed_off"].values[0]:
        yield f"{_many(found['handed_off'].values[0], 'case was', 'cases were')} handed off to colleagues."


def _ended(report: Report) -> Iterator[str]:
    ends = {row.id: row.values[0] for row in report.table("channel_shift").rows}
    if any(ends[name] for name in ("self_served", "handled", "elsewhere")):
        yield (
            f"{ends['handled']:,} were handled where they were asked, {ends['self_served']:,} self-served, and"
            f" {ends['elsewhere']:,} moved elsewhere."
        )
    calls = {row.id: row for row in report.table("calls").rows}
    if calls["calls"].values[0]:
        saved = calls.get("saved")
        worth = f", which would have cost {_said(saved, 0, Unit.MONEY, report.currency)}" if saved else ""
        assumption = " ".join(report.table("calls").notes)
        yield f"{_many(calls['calls'].values[0], 'call was', 'calls were')} avoided{worth}. {assumption}"
