"""What became of it: tables of times, charter, outcomes, handoffs, avoidable contacts, calls avoided and the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from socialtriage.domain.figures import Column, Number, Picture, Row, Table, Unit, share, spread
from socialtriage.domain.models import Avoidable, Outcome
from socialtriage.domain.spans import DAY
from socialtriage.domain.stopwatch import days_of
from socialtriage.domain.times import from_iso, iso
from socialtriage.services.desk import Desk
from socialtriage.services.figures_count import State
from socialtriage.services.figures_demand import Counted, network_word
from socialtriage.store.figures import Sent
from socialtriage.store.narrow import MANUAL, OUTCOMES

OUTCOME_WORDS: dict[str, str] = {
    Outcome.ANSWERED: "answered",
    Outcome.SELF_SERVED: "self-served",
    Outcome.HANDED_OVER: "handed over for good",
    Outcome.DONE_BY_US: "done by us",
    Outcome.NOT_OURS: "not ours",
    Outcome.NO_REPLY_NEEDED: "no reply needed",
    Outcome.DUPLICATE: "duplicate",
    Outcome.SPAM: "spam",
    Outcome.ABUSE: "abuse",
}
AVOIDABLE_WORDS = {
    Avoidable.CHASING: "chasing: no answer came to an earlier contact",
    Avoidable.UNCLEAR: "unclear: a letter, page or form was not understood",
    Avoidable.WRONG_PLACE: "wrong place: another team or body was meant",
}
_TIMES = (
    Column("cases", "Enquiries"),
    Column("first_median", "Response", Unit.MINUTES),
    Column("first_p90", "90 in 100", Unit.MINUTES),
    Column("resolved_median", "Resolution", Unit.MINUTES),
    Column("resolved_p90", "90 in 100", Unit.MINUTES),
    Column("within_charter", "In charter", Unit.SHARE),
)
_PART = (Column("cases", "Cases"), Column("share", "Share", Unit.SHARE))
_TIMES_TEXT = (
    "Working time from the opening of a case to its first response (acknowledgement or answer) and to its close, of"
    " the cases opened in the period that have come so far. Each is the median (half were faster), with the time within"
    " which 90 in 100 were. In charter: of the cases that the charter judges by now, those answered in time."
)


def tables(counted: Counted, now: datetime) -> Iterator[Table]:
    """The tables of what became of it."""
    yield _times(counted, "account", str)
    yield _times(counted, "network", network_word)
    yield _times(counted, "area", counted.area)
    yield charter(counted)
    yield channel_shift(counted)
    yield shift_by_network(counted)
    yield outcomes(counted)
    yield avoidable(counted)
    yield handoffs(counted)
    yield calls(counted)
    yield pace(counted, now)


def _outcome_word(outcome: str) -> str:
    """An outcome as people call it; one that only a newer program knows by its own word."""
    return OUTCOME_WORDS.get(outcome, outcome.replace("_", " "))


def judged(counted: Counted) -> tuple[int, int]:
    """How many cases kept the charter, and how many it judges by now."""
    kept = counted.tally.number(lambda key: key.charter == 1)
    return kept, kept + counted.tally.number(lambda key: key.charter == 0)


def _times(counted: Counted, field: str, label: Callable[[str], str]) -> Table:
    tally = counted.tally
    numbers, kept, broken = tally.by(field), tally.by(field, 1), tally.by(field, 0)
    firsts, ends = tally.responses.by(field), tally.resolutions.by(field)
    rows = []
    for name in sorted(numbers, key=lambda name: (-numbers[name], label(name).casefold())):
        first, ended = spread(firsts.get(name, ())), spread(ends.get(name, ()))
        inside = share(kept[name], kept[name] + broken[name])
        values = (numbers[name], first.median, first.p90, ended.median, ended.p90, inside)
        rows.append(Row(name, label(name), values, f"{field}:{name} {counted.dates}"))
    title = f"Times by {'service area' if field == 'area' else field}"
    return Table(f"times_by_{field}", title, _TIMES_TEXT, _TIMES, tuple(rows))


def charter(counted: Counted) -> Table:
    """Within the charter or not, and what it does not judge."""
    tally, days = counted.tally, counted.dates
    total = tally.number()
    kept, whole = judged(counted)

    def row(id_: str, label: str, number: int, search: str) -> Row:
        return Row(id_, label, (number, share(number, total)), f"{search} {days}")

    rows = [
        row("kept", "answered in time", kept, "charter:kept"),
        row("broken", "answered late, or open and past a deadline", whole - kept, "charter:broken"),
        row("waiting", "left out: open and in time", tally.number(lambda k: k.charter == 2), "charter:waiting"),
    ]
    ended = tally.by("outcome", 3)
    ended["none"] = tally.number(lambda state: state.charter == 3 and state.outcome is None)
    for name, number in sorted((+ended).items(), key=lambda pair: (-pair[1], pair[0])):
        why = _outcome_word(name) if name != "none" else "no outcome"
        label = f"left out: closed unanswered, {why}"
        rows.append(row(f"none_{name}", label, number, f"charter:none outcome:{name}"))
    said = f"{share(kept, whole) or 0:.0%} of the {whole:,} cases that the charter judges by now were answered in time."
    text = (
        "Cases opened in the period. The charter judges a case by its first answer; one that has none counts as broken"
        " as soon as it is open past a deadline. Cases closed without an answer, and open ones in time, are left out."
    )
    return Table("charter", "Within the charter", text, _PART, tuple(rows), Picture.BARS, said if whole else "")


def channel_shift(counted: Counted) -> Table:
    """Where matters ended: helped to help themselves, dealt with here, moved elsewhere."""
    tally = counted.tally
    groups = (
        ("self_served", "self-served: shown where to do it", ("self_served",), "self_served"),
        ("handled", "handled here: answered or done by us", OUTCOMES["handled"], "handled"),
        ("elsewhere", "moved elsewhere: handed over or not ours", OUTCOMES["elsewhere"], "elsewhere"),
        ("unneeded", "needed no answer: duplicates, spam, abuse, thanks", OUTCOMES["unneeded"], "unneeded"),
    )
    total = tally.number(lambda key: key.outcome)
    rows = []
    for id_, label, names, word in groups:
        number = tally.number(lambda key, names=names: key.outcome in names)  # type: ignore[misc]
        rows.append(Row(id_, label, (number, share(number, total)), f"outcome:{word} {counted.dates}"))
    left = tally.number(lambda key: key.outcome is None)
    rows.append(Row("none", "no outcome yet", (left, None), f"outcome:none {counted.dates}"))
    text = "Cases opened in the period by where they ended. Shares are of those that have an outcome."
    return Table("channel_shift", "Channel shift", text, _PART, tuple(rows), Picture.BARS)


def shift_by_network(counted: Counted) -> Table:
    """Where matters ended, network by network: residents expect different things on each."""
    ended: dict[str, Counter[str]] = {}
    for (network, outcome), count in counted.tally.counts("network", "outcome").items():
        if outcome is not None:
            ended.setdefault(str(network), Counter())[str(outcome)] += count
    rows = []
    for network in sorted(ended, key=lambda name: (-ended[name].total(), name)):
        found = ended[network]
        parts = [sum(found[each] for each in names) for names in _WAYS.values()]
        also = {way: f"outcome:{way} network:{network} {counted.dates}" for way in _WAYS}
        closed = f"outcome:any network:{network} {counted.dates}"
        rows.append(Row(network, network_word(network), (found.total(), *parts), closed, also=also))
    text = "Cases opened in the period that have an outcome, by network and where they ended; others needed no answer."
    columns = (
        Column("cases", "Ended"),
        Column("self_served", "Self-served"),
        Column("handled", "Handled here"),
        Column("elsewhere", "Moved elsewhere"),
    )
    return Table("shift_by_network", "Channel shift by network", text, columns, tuple(rows))


_WAYS = {"self_served": ("self_served",), "handled": OUTCOMES["handled"], "elsewhere": OUTCOMES["elsewhere"]}


def outcomes(counted: Counted) -> Table:
    """Cases by outcome."""
    found = counted.tally.by("outcome")
    total = found.total()
    rows = tuple(
        Row(
            each.value, _outcome_word(each), (found[each], share(found[each], total)), f"outcome:{each} {counted.dates}"
        )
        for each in Outcome
        if found[each]
    )
    text = "Cases opened in the period that are closed, by outcome."
    return Table("outcomes", "Outcomes", text, _PART, rows, Picture.BARS)


def avoidable(counted: Counted) -> Table:
    """Contacts that need not have been."""
    found = counted.tally.by("avoidable")
    ended = counted.tally.number(lambda key: not key.is_open)
    rows = tuple(
        Row(
            each.value,
            AVOIDABLE_WORDS[each],
            (found[each], share(found[each], ended)),
            f"avoidable:{each} {counted.dates}",
        )
        for each in Avoidable
    )
    text = (
        "Cases opened in the period that an officer marked as avoidable at their close. Shares are of the closed cases;"
        " those without a mark count as not avoidable, so the true share is this or more."
    )
    return Table("avoidable", "Avoidable contact", text, _PART, rows, Picture.BARS)


def handoffs(counted: Counted) -> Table:
    """Cases handed to contacts, and how long these took."""
    by_contact: dict[str, list[Sent]] = {}
    for sent in counted.handoffs:
        by_contact.setdefault(sent.contact, []).append(sent)
    rows = [_contact_row(counted, name, found) for name, found in by_contact.items()]
    rows.sort(key=lambda row: (-(row.values[0] or 0), row.label))
    text = (
        "Cases opened in the period that were handed off by email, by contact; one that went to two is in both rows,"
        " and a mail that came back undelivered is none."
        " Answered: those that the contact answered. Turnaround: working time from sending to the contact's answer,"
        " the median and the time within which 90 in 100 came. Chased: how often a reminder was sent."
    )
    columns = (
        Column("cases", "Handed off"),
        Column("answered", "Answered"),
        Column("share", "Share", Unit.SHARE),
        Column("median", "Turnaround", Unit.MINUTES),
        Column("p90", "90 in 100", Unit.MINUTES),
        Column("chased", "Chased", Unit.HANDOFFS),
    )
    return Table("handoffs", "Handed off, by contact", text, columns, tuple(rows))


def _contact_row(counted: Counted, name: str, found: list[Sent]) -> Row:
    contact = counted.desk.contacts.get(name)
    cases = {sent.case_id for sent in found}
    done = {sent.case_id for sent in found if sent.answered_at}
    between = counted.desk.clocks.between
    taken = spread(
        [
            max(0, int(between(from_iso(sent.sent_at), from_iso(sent.answered_at)).total_seconds()))
            for sent in found
            if sent.answered_at
        ]
    )
    chased = sum(sent.chased for sent in found)
    values = (len(cases), len(done), share(len(done), len(cases)), taken.median, taken.p90, chased)
    also = {"answered": f"answered_by:{name} {counted.dates}"}
    return Row(name, contact.name if contact else name, values, f"contact:{name} {counted.dates}", also=also)


def avoided(key: State) -> bool:
    """Whether a case stands for a call that did not have to be made."""
    return key.outcome in OUTCOMES["dealt_with"] and key.network not in MANUAL


def calls(counted: Counted) -> Table:
    """Calls avoided and what they would have cost, with the assumption."""
    number, before = counted.tally.number(avoided), counted.before.number(avoided)
    settings = counted.desk.config.report
    search = f"outcome:dealt_with is:online {counted.dates}"
    cost = settings.cost_per_call
    rows = [Row("calls", "calls avoided", (number, number, before), search, unit=Unit.CASES)]
    if cost is not None:
        saved = round(number * cost, 2), number, round(before * cost, 2)
        rows.append(Row("saved", "what they would have cost", saved, search, unit=Unit.MONEY))
        price = f"and that a call costs {settings.currency} {cost:.2f} ([report] cost_per_call)"
    else:
        price = "what a call costs is not set ([report] cost_per_call)"
    notes = (
        "Assumption: each case that was answered, done by us or self-served, and did not come by phone, counter, letter"
        f" or chat, would have been one call; {price}.",
    )
    text = "Cases opened in the period and closed as answered, done by us or self-served, that did not come by phone."
    columns = (Column("value", "", None), Column("cases", "Cases"), Column("before", "Before", None))
    return Table("calls", "Calls avoided", text, columns, tuple(rows), notes=notes)


def pace(counted: Counted, now: datetime) -> Table:
    """The queue against what is closed a working day."""
    desk, span = counted.desk, counted.span
    until = min(now, span.end)
    days = days_of(desk.clocks.working, span.first, min(span.last, until.astimezone(span.zone).date()))
    hours = desk.clocks.between(span.start, until).total_seconds() / 3600 if until > span.start else 0
    figures = desk.store.figures
    queue, closed, came = figures.queue(), figures.closed(span.start, span.end), counted.tally.number()
    lasts: Number | None = round(queue * days / closed, 1) if closed and days else None
    ended = f"is:closed closed_since:{span.first} closed_until:{span.last + DAY}"
    day_ends = _next_close(desk, now)
    due, soon = figures.due_before(day_ends), f"due_before:{iso(day_ends)}"
    rows = [
        Row("queue", "in the queue now", (queue, queue), "", "queue", Unit.CASES),
        Row("due", f"of them due by {_shown(desk, day_ends)}", (due, due), soon, "queue", Unit.CASES),
        Row("came", "came in a working day", (_rounded(came, days), came), counted.dates, unit=Unit.CASES),
        Row("closed", "closed a working day", (_rounded(closed, days), closed), ended, unit=Unit.CASES),
        Row("closed_hour", "closed a working hour", (_rounded(closed, hours), closed), ended, unit=Unit.CASES),
        Row("lasts", "the queue lasts, at this pace", (lasts, queue), "", "queue", Unit.DAYS),
    ]
    said = ""
    if days and came > closed:
        said = f"The desk fell behind: {came - closed:,} more came in than were closed."
    elif days:
        said = "The desk kept up: at least as many cases were closed as came in."
    text = (
        "The queue as it is now, whatever the period, and what of it is due before working hours end next; what"
        f" came in and what was closed in the period, by its {days} working days and {hours:,.0f} working hours so far."
        " A closed case counts at its last close."
    )
    return Table("pace", "Queue against pace", text, _VALUE, tuple(rows), summary=said)


def _shown(desk: Desk, at: datetime) -> str:
    return f"{at.astimezone(desk.zone):%a %H:%M}"


def _next_close(desk: Desk, now: datetime) -> datetime:
    """When working hours end next."""
    opened = desk.clocks.working.next_open(now)
    day = desk.clocks.working.date_of(opened)
    ends = [close for _, close in desk.clocks.working.hours_on(day) if close > now]
    return max(ends).astimezone(UTC) if ends else opened


_VALUE = (Column("value", "", None), Column("cases", "Cases"))


def _rounded(number: int, length: float) -> Number | None:
    return round(number / length, 1) if length else None
