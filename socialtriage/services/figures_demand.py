"""What came in: tables of the demand by account, network, area, topic, kind and time of the week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from socialtriage.domain.figures import WEEKDAYS, Column, Picture, Row, Table, Unit, change, share
from socialtriage.domain.models import Kind
from socialtriage.domain.spans import DAY, Span, month_before, months
from socialtriage.domain.times import iso
from socialtriage.services.desk import Desk
from socialtriage.services.figures_count import Tally
from socialtriage.store.figures import Sent
from socialtriage.store.narrow import SERVICE_KINDS

KIND_WORDS: dict[str, str] = {kind: kind.words for kind in Kind}
TOPICS = 10
"""Topics that are shown."""
_COUNTED = (
    Column("cases", "Enquiries"),
    Column("share", "Share", Unit.SHARE),
    Column("before", "Before"),
    Column("change", "Change", Unit.CHANGE),
)


@dataclass(frozen=True)
class Counted:
    """What the tables are made of: the span, the one before it, and what both hold."""

    desk: Desk
    span: Span
    span_before: Span
    tally: Tally
    before: Tally

    @cached_property
    def handoffs(self) -> list[Sent]:
        """The handoffs of the cases of the span."""
        return self.desk.store.figures.handoffs(self.span.start, self.span.end)

    @property
    def dates(self) -> str:
        """The filter of the span."""
        return dates(self.span)

    def area(self, id_: str) -> str:
        """The name of an area; its id where the configuration no longer has it."""
        return self.desk.areas[id_].name if id_ in self.desk.areas else id_


def dates(span: Span) -> str:
    """`after:2026-11-16 before:2026-11-23`: the cases opened in a span; one that is cut off names the instant."""
    return f"after:{span.first} before:{_until(span)}"


def _until(span: Span) -> str:
    return str(span.last + DAY) if span.until is None else iso(span.until)


def network_word(network: str) -> str:
    """A network as people call it."""
    return {"imap": "email", "x": "X"}.get(network, network)


def tables(counted: Counted) -> Iterator[Table]:
    """The tables of what came in."""
    yield by_account(counted)
    yield by_network(counted)
    yield by_area(counted)
    yield topics(counted)
    yield by_kind(counted)


def _rows(counted: Counted, field: str, label: Callable[[str], str], none: str = "") -> list[Row]:
    """A row for each value of a field, the most frequent first, and one for cases without; the filter is called so."""
    now, before = counted.tally.by(field), counted.before.by(field)
    total = counted.tally.number()
    rows = [
        _row(counted, name, label(name), (now[name], before[name], total), f"{field}:{name}")
        for name in _ordered(now, before, label)
    ]
    without = total - now.total(), counted.before.number() - before.total()
    if none and any(without):
        rows.append(_row(counted, "none", none, (*without, total), f"{field}:none"))
    return rows


def _ordered(now: Counter[str], before: Counter[str], label: Callable[[str], str]) -> list[str]:
    return sorted({*now, *before}, key=lambda name: (-now[name], label(name).casefold()))


def _row(counted: Counted, id_: str, label: str, numbers: tuple[int, int, int], search: str) -> Row:
    now, before, total = numbers
    return Row(id_, label, (now, share(now, total), before, change(now, before)), f"{search} {counted.dates}")


def by_account(counted: Counted) -> Table:
    """Cases by the account that they came by."""
    rows = _rows(counted, "account", str)
    there = {row.id for row in rows}
    total = counted.tally.number()
    quiet = [account for account in counted.desk.accounts if account not in there]
    rows += [_row(counted, name, name, (0, 0, total), f"account:{name}") for name in quiet]
    text = (
        "Cases opened in the period by the account they came by, those of the configuration that brought none included."
        " Before: in the period compared with."
    )
    return Table("by_account", "Enquiries by account", text, _COUNTED, tuple(rows), Picture.BARS, _largest(rows))


def by_network(counted: Counted) -> Table:
    """Cases by network."""
    rows = _rows(counted, "network", network_word)
    text = "Cases opened in the period by network; phone, counter, letter and chat are cases that officers wrote down."
    return Table("by_network", "Enquiries by network", text, _COUNTED, tuple(rows), Picture.BARS, _largest(rows))


def by_area(counted: Counted) -> Table:
    """Cases by service area; a suggestion that no officer took up is a column of its own."""
    guessed = counted.tally.by("suggested")
    rows = _rows(counted, "area", counted.area, "no area yet")
    there = {row.id for row in rows}
    rows[-1:-1] = [
        _row(counted, name, counted.area(name), (0, 0, counted.tally.number()), f"area:{name}")
        for name in sorted(guessed, key=lambda name: (-guessed[name], name))
        if name not in there
    ]
    full = [_with_suggested(counted, row, guessed) for row in rows]
    text = (
        "Cases opened in the period by the service area that an officer gave them. Suggested: cases without an area"
        " for which the program suggests this one; they are counted under “no area yet”."
    )
    columns = (*_COUNTED, Column("suggested", "Suggested"))
    return Table("by_area", "Enquiries by service area", text, columns, tuple(full), Picture.BARS, _largest(full))


def _with_suggested(counted: Counted, row: Row, guessed: Mapping[str, int]) -> Row:
    number = guessed.get(row.id, 0)
    also = {"suggested": f"suggested:{row.id} {counted.dates}"} if number else {}
    return Row(row.id, row.label, (*row.values, number if row.id != "none" else None), row.search, also=also)


def topics(counted: Counted) -> Table:
    """The commonest topics."""
    now, before = counted.tally.by_topic(), counted.before.by_topic()
    total = counted.tally.number()
    rows = []
    for name in _ordered(now, before, str)[:TOPICS]:
        area, _, topic = name.partition("/")
        if now[name]:
            search = f"area:{area or 'none'} topic:{topic}"
            numbers = now[name], before[name], total
            rows.append(_row(counted, name, f"{counted.area(area)}: {topic}", numbers, search))
    without = total - now.total()
    text = f"The {TOPICS} topics with the most cases opened in the period, with the change on the period before."
    notes = (f"{without:,} cases have no topic and are not among them.",) if without else ()
    return Table("topics", "Commonest topics", text, _COUNTED, tuple(rows), Picture.BARS, _largest(rows), notes)


def by_kind(counted: Counted) -> Table:
    """Cases by kind, and what is customer service."""
    rows = _rows(counted, "kind", _kind_word, "no kind yet")
    text = (
        "Cases opened in the period by kind. Customer service are enquiries, complaints and reports of faults; its"
        " share is of the cases that have a kind."
    )
    known = counted.tally.number(lambda key: key.kind)
    part = share(counted.tally.number(lambda key: key.kind in SERVICE_KINDS), known)
    words = f"{part:.0%} of the {known:,} with a kind are customer service." if part is not None else ""
    return Table("by_kind", "Enquiries by kind", text, _COUNTED, tuple(rows), Picture.BARS, words)


def _kind_word(kind: str) -> str:
    """A kind as people call it; one that only a newer program knows by its own word."""
    return KIND_WORDS.get(kind, kind.replace("_", " "))


def _largest(rows: list[Row]) -> str:
    """The most frequent in words."""
    named = [row for row in rows if row.id != "none" and row.values[0]]
    if not named:
        return ""
    top = max(named, key=lambda row: row.values[0] or 0)
    return f"Most: {top.label}, {top.values[0]:,}."


# --- when they come -------------------------------------------------------------------------------------------------


def clock_tables(counted: Counted, heat: Mapping[tuple[int, int], int]) -> Iterator[Table]:
    """Weekday and hour together, and each alone."""
    text = f"Cases by weekday and hour at which they were opened, on the clock of {counted.span.zone}."
    total = sum(heat.values())
    cells = tuple(
        Row(
            f"{WEEKDAYS[day][:3].lower()}-{hour:02}",
            f"{WEEKDAYS[day]} {hour:02}:00",
            (heat.get((day, hour), 0),),
            f"weekday:{WEEKDAYS[day][:3].lower()} hour:{hour} {counted.dates}",
        )
        for day in range(7)
        for hour in range(24)
    )
    one = (Column("cases", "Enquiries"),)
    busiest = max(cells, key=lambda row: row.values[0] or 0)
    said = f"The busiest hour is {busiest.label} with {busiest.values[0]:,} cases. " if total else ""
    closed = total - sum(count for place, count in heat.items() if _works(counted, *place))
    said += f"{share(closed, total) or 0:.0%} came outside working hours." if total else "Nothing came in."
    yield Table("clock", "Enquiries by weekday and hour", text, one, cells, Picture.HEAT, said)
    both = (Column("cases", "Enquiries"), Column("share", "Share", Unit.SHARE))
    for id_, title, rows in (
        ("by_weekday", "Enquiries by weekday", _by_weekday(counted, heat)),
        ("by_hour", "Enquiries by hour", _by_hour(counted, heat)),
    ):
        rows = [
            Row(row.id, row.label, (row.values[0], share(int(row.values[0] or 0), total)), row.search) for row in rows
        ]
        yield Table(id_, title, text, both, tuple(rows), Picture.LINE if id_ == "by_hour" else Picture.BARS)


def _works(counted: Counted, day: int, hour: int) -> bool:
    """Whether most of an hour of an ordinary week is working time."""
    spans = counted.desk.clocks.working.week[day]
    return sum(max(0, min(s.end, hour * 60 + 60) - max(s.start, hour * 60)) for s in spans) >= 30


def _by_weekday(counted: Counted, heat: Mapping[tuple[int, int], int]) -> list[Row]:
    return [
        Row(
            name[:3].lower(),
            name,
            (sum(heat.get((day, hour), 0) for hour in range(24)),),
            f"weekday:{name[:3].lower()} {counted.dates}",
        )
        for day, name in enumerate(WEEKDAYS)
    ]


def _by_hour(counted: Counted, heat: Mapping[tuple[int, int], int]) -> list[Row]:
    return [
        Row(
            f"{hour:02}",
            f"{hour:02}:00",
            (sum(heat.get((day, hour), 0) for day in range(7)),),
            f"hour:{hour} {counted.dates}",
        )
        for hour in range(24)
    ]


def by_month(desk: Desk, span: Span, now: datetime) -> Table:
    """Twelve calendar months up to the end of the period; a month without cases is 0."""
    rows = []
    for month in months(span):
        earlier = month_before(month, now)
        number = desk.store.figures.number(month.start, month.end)
        before = desk.store.figures.number(earlier.start, earlier.end)
        so_far = "" if month.last == _end_of(month) else " so far"
        label = f"{month.first:%b %Y}{so_far}"
        rows.append(Row(f"{month.first:%Y-%m}", label, (number, before, change(number, before)), dates(month)))
    text = (
        "Cases opened in each of the twelve calendar months up to the end of the period, and in the same month of the"
        " year before, whatever accounts there were then. Months without any are 0."
    )
    numbers = [row.values[0] or 0 for row in rows]
    most = max(rows, key=lambda row: row.values[0] or 0)
    said = f"Between {min(numbers):,} and {max(numbers):,} a month; most in {most.label}." if any(numbers) else ""
    columns = (Column("cases", "Enquiries"), Column("before", "A year before"), Column("change", "Change", Unit.CHANGE))
    return Table("months", "Enquiries by month", text, columns, tuple(rows), Picture.LINE, said)


def _end_of(month: Span) -> object:
    first = month.first
    return (first.replace(day=28) + 4 * DAY).replace(day=1) - DAY
