"""The demand figures: what came in, what became of it, and what the figures can be held against.

Every figure but the queue, the gaps and the closed cases of the pace is about the cases *opened in the period*; it is
counted from the store alone, and each of its rows carries the filter with which `list` shows exactly its cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date

from socialtriage.domain import spans
from socialtriage.domain.errors import UsageError
from socialtriage.domain.figures import Column, Number, Report, Row, Table, Unit, change, share, spread
from socialtriage.domain.spans import DAY, Span, previous
from socialtriage.domain.when import parse_date
from socialtriage.services import figures_count, figures_demand, figures_fair, figures_work, filters
from socialtriage.services.desk import Desk
from socialtriage.services.figures_count import Progress, State, Stopped
from socialtriage.services.figures_demand import Counted, dates
from socialtriage.store.narrow import SERVICE_KINDS
from socialtriage.store.search import match

__all__ = ["OFTEN", "SPANS", "Stopped", "document", "make", "span_between", "span_called"]

SPANS = ("week", "month", "year")
"""Periods with a name."""
OFTEN = 5
"""How often a question is asked within a week to be named as one that needs a saved answer."""


def span_called(desk: Desk, name: str) -> Span:
    """`week`, `month` or `year`, up to today. Raises `UsageError`."""
    made = {"week": spans.week, "month": spans.month, "year": spans.year}[filters.choice(name, SPANS, "period")]
    return made(desk.clock().astimezone(desk.zone).date(), desk.zone)


def span_between(desk: Desk, first: str, last: str) -> Span:
    """From a day to a day, as officers type them: `2026-10-01`, `today`, `-7d`. Without the last it is today, without
    the first the beginning of the last one's month. Raises `UsageError`.
    """
    today = desk.clock().astimezone(desk.zone).date()
    try:
        end = parse_date(last, today) if last.strip() else today
        start = parse_date(first, today) if first.strip() else spans.month_first(end)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    if end < start:
        raise UsageError(f"The last day {end} is before the first, {start}.")
    return Span(start, end, desk.zone)


def document(report: Report, form: str) -> Iterable[str]:
    """The figures as a file: html, csv, json or txt."""
    if form == "html":
        from socialtriage.services import figures_html

        return figures_html.as_html(report)
    if form == "txt":
        from socialtriage.services import figures_text

        return (f"{line}\n" for line in figures_text.as_text(report))
    from socialtriage.services import figures_data

    return figures_data.as_csv(report) if form == "csv" else figures_data.json_text(report)


def make(desk: Desk, span: Span, progress: Progress = lambda done, total: None) -> Report:
    """The figures of a span. Call it in a thread: a year of a million messages takes about a second.

    `progress` hears how far it is; when it raises `Stopped`, nothing more is read. Raises `StoreError`.
    """
    now = desk.clock()
    before = previous(span, now)
    tally = figures_count.whole(desk, span, now, progress)
    counted = Counted(desk, span, before, tally, figures_count.keys(desk, before, now, progress))
    heat = tally.by_clock(span.zone)
    coverage, seen = figures_fair.coverage(desk, span, now)
    grown = figures_fair.growth(counted, now)
    tables = (
        _summary(counted, grown),
        figures_demand.by_month(desk, span, now),
        *figures_demand.tables(counted),
        *figures_demand.clock_tables(counted, heat),
        *figures_work.tables(counted, now),
        grown,
        questions(desk, span),
        seen,
    )
    return Report(
        organisation=desk.config.organisation.name,
        span=span,
        before=before,
        made_at=now,
        officer=desk.officer,
        currency=desk.config.report.currency,
        coverage=coverage,
        caveats=tuple(_caveats(counted)),
        tables=tables,
        heat=heat,
    )


def _caveats(counted: Counted) -> Iterator[str]:
    desk, before = counted.desk, counted.span_before
    if before.until is not None:
        yield (
            f"The period is not over: it is compared with {before.first:%d %b} to {before.last:%d %b %Y} up to"
            f" {before.until.astimezone(desk.zone):%H:%M}, the same time of its last day."
        )
    new = [account for account in desk.accounts if figures_fair.added(desk, account, before.start)]
    came = counted.tally.by("account")
    grown = [account for account in new if came[account]]
    if grown:
        every = len(grown) == len(desk.accounts)
        yield (
            f"{'No account was' if every else 'Not'} polled when the period before began"
            f"{'' if every else ': ' + ', '.join(grown)}. Its numbers are low, or 0, for that reason."
        )
    machine = counted.tally.number(lambda key: key.automatic)
    if machine:
        yield f"{machine:,} of the cases were begun by automatic mail (is:automatic)."


# --- the summary ----------------------------------------------------------------------------------------------------


def _summary(counted: Counted, grown: Table) -> Table:
    """The figures of a committee report, one line each."""
    rows = [*_came(counted), *_took(counted), *_shares(counted, grown)]
    columns = (
        Column("value", "Figure", None),
        Column("cases", "Cases"),
        Column("before", "Before", None),
        Column("change", "Change", Unit.CHANGE),
    )
    text = (
        "Of the cases opened in the period: how many, how fast, which part. Cases: how many cases the figure counts or"
        " was measured on. Before: the same figure of the period compared with."
    )
    return Table("summary", "At a glance", text, columns, tuple(rows))


def _came(counted: Counted) -> Iterator[Row]:
    def row(id_: str, label: str, word: str, fits: Callable[[State], object]) -> Row:
        now, before = counted.tally.number(fits), counted.before.number(fits)
        search = f"{word} {counted.dates}".strip()
        return Row(id_, label, (now, now, before, change(now, before)), search, unit=Unit.CASES)

    yield row("received", "enquiries received", "", lambda key: True)
    yield row("answered", "answered", "is:answered", lambda key: key.answered)
    yield row("closed", "closed", "is:closed", lambda key: not key.is_open)
    yield row("open", "still open", "is:unfinished", lambda key: key.is_open)


def _took(counted: Counted) -> Iterator[Row]:
    for id_, label, times, word in (
        ("first_response", "first response", counted.tally.responses, "is:responded"),
        ("resolution", "resolution", counted.tally.resolutions, "is:closed"),
    ):
        found = spread(times.all())
        for part, said, value in (("median", "median", found.median), ("p90", "90 in 100 within", found.p90)):
            values = (value, found.count, None, None)
            yield Row(f"{id_}_{part}", f"{label}: {said}", values, f"{word} {counted.dates}", unit=Unit.MINUTES)


def _shares(counted: Counted, grown: Table) -> Iterator[Row]:
    def row(
        id_: str, label: str, word: str, part: Callable[[State], object], whole: Callable[[State], object], note: str
    ) -> Row:
        now, before = (
            (tally.number(part), share(tally.number(part), tally.number(whole)))
            for tally in (counted.tally, counted.before)
        )
        values = (now[1], now[0], before[1], None)
        return Row(id_, label, values, f"{word} {counted.dates}", unit=Unit.SHARE, note=note)

    everything: Callable[[State], object] = lambda key: True  # noqa: E731
    yield row(
        *("service", "customer service", "kind:service", lambda key: key.kind in SERVICE_KINDS, lambda key: key.kind),
        "of the cases that have a kind",
    )
    yield row(
        *("charter", "answered within the charter", "charter:kept", lambda key: key.charter == 1),
        *(lambda key: key.charter < 2, "of the cases that the charter judges by now"),
    )
    yield row("repeat", "repeat contacts", "is:repeat", lambda key: key.repeat, everything, "of all cases")
    yield row(
        *("avoidable", "avoidable contacts", "is:avoidable", lambda key: key.avoidable),
        *(lambda key: not key.is_open, "of the closed cases; marked at the close"),
    )
    yield _handed(counted)
    saved = counted.tally.number(figures_work.avoided), counted.before.number(figures_work.avoided)
    values: tuple[Number | None, ...] = (saved[0], *saved, change(*saved))
    yield Row("calls", "calls avoided", values, f"outcome:dealt_with is:online {counted.dates}", unit=Unit.CASES)
    total = next((each for each in grown.rows if each.id == "all"), None)
    if total is not None:
        values = (total.values[2], total.values[0], None, None)
        yield Row("growth", "growth on the year before", values, total.search, unit=Unit.CHANGE, note=grown.summary)
    else:
        yield Row("growth", "growth on the year before", (None,) * 4, note=grown.summary, unit=Unit.CHANGE)


def _handed(counted: Counted) -> Row:
    earlier = counted.span_before
    now = len({sent.case_id for sent in counted.handoffs})
    before = counted.desk.store.figures.handed_off(earlier.start, earlier.end)
    values = (now, now, before, change(now, before))
    return Row("handed_off", "handed off", values, f"is:handed_off {counted.dates}", unit=Unit.CASES)


# --- questions without an answer --------------------------------------------------------------------------------------


def questions(desk: Desk, span: Span) -> Table:
    """What was asked `OFTEN` times or more in the last seven days of a span, and no saved answer covers."""
    week = replace(span, first=max(span.first, span.last - 6 * DAY))
    asked = [*_topics(desk, week), *_words(desk, week)]
    rows = sorted(asked, key=lambda row: (-(row.values[0] or 0), row.label))
    text = (
        f"Topics, and words that the configuration names for a service area, that stand in {OFTEN} cases or more of the"
        " last seven days of the period, where the area has no saved answer that is called so or speaks of it."
        " No word is looked for in restricted cases."
    )
    columns = (Column("cases", "Cases"),)
    return Table("questions", "Asked often, no saved answer", text, columns, tuple(rows))


def _topics(desk: Desk, week: Span) -> Iterator[Row]:
    tally = figures_count.keys(desk, week, desk.clock(), lambda done, total: None)
    for name, number in tally.by_topic().items():
        area, _, topic = name.partition("/")
        if number >= OFTEN and not _answered(desk, area, topic, week.last):
            label = desk.areas[area].name if area in desk.areas else area
            yield Row(name, f"{label}: {topic}", (number,), f"area:{area} topic:{topic} {dates(week)}")


def _words(desk: Desk, week: Span) -> Iterator[Row]:
    pairs = [
        (area.id, area.name, word)
        for area in desk.config.areas
        for word in area.keywords
        if match(word) and not _answered(desk, area.id, word, week.last)
    ]
    wanted = [f'"{word}" ' for _, _, word in pairs]
    numbers = desk.store.figures.asked([match(text) or "" for text in wanted], week.start, week.end)
    for (area, name, word), text, number in zip(pairs, wanted, numbers, strict=True):
        if number >= OFTEN:
            yield Row(f"{area}: {word}", f"{name}: “{word}”", (number,), f"{text}{dates(week)}")


def _answered(desk: Desk, area: str | None, words: str, on: date) -> bool:
    """Whether a saved answer that is offered on a day is for an area and called so, or says the words."""
    wanted = words.casefold().replace("-", " ")
    for answer in desk.config.answers:
        if answer.expires is not None and answer.expires < on:
            continue
        if answer.area not in (None, area):
            continue
        said = " ".join((answer.id, answer.text, *answer.for_.values())).casefold().replace("-", " ")
        if f" {wanted} " in f" {said} ":
            return True
    return False
