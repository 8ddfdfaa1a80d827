"""The demand figures: every one with its picture and its definition, and enter lists its cases."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual.binding import BindingType
from textual.timer import Timer

from socialtriage.config.paths import expanded
from socialtriage.domain.drawing import bar, sparkline
from socialtriage.domain.errors import Refused
from socialtriage.domain.figures import Picture, Report, Row, Table, Unit, words
from socialtriage.domain.spans import Span
from socialtriage.domain.text import clean_line
from socialtriage.services import figures, figures_text
from socialtriage.services.writing import write_file
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run, plain
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.screens.ask import Ask
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.page import Page, cell
from socialtriage.ui.session import Showing
from socialtriage.ui.widgets.bars import Bar

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp

TICK = 0.2
"""Seconds between two words on how far the counting is."""
BUSIEST = 10
"""Hours of the week that are listed."""
FORMS = ("html", "csv", "json", "txt")


class Line(NamedTuple):
    """A line of the list: a table's heading, or one of its rows."""

    table: Table
    row: Row | None = None


class Counting:
    """One run of the counting, in a thread: how far it is, and whether somebody stopped it."""

    def __init__(self) -> None:
        self.done = self.total = 0
        self._stop = threading.Event()

    def __call__(self, done: int, total: int) -> None:
        """Hear how far it is. Raises `Stopped` when it is to end."""
        if self._stop.is_set():
            raise figures.Stopped("Counting was stopped.")
        if total:
            self.done, self.total = done, total

    def stop(self) -> None:
        """End it at the next page."""
        self._stop.set()


class FiguresScreen(Page):
    """The figures of one period. Other people's work does not count them anew; a key for the period does."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.FIGURES,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.FIGURES)]
    TITLE_WORDS = "Figures"
    EMPTY = "Nothing is counted yet."

    def __init__(self, app: TriageApp, span: Span) -> None:
        super().__init__(app)
        self._span = span
        self._report: Report | None = None
        self._counting: Counting | None = None
        self._timer: Timer | None = None

    # --- counting -----------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Count once; a store that changes meanwhile is looked at again when an officer asks."""
        if self._report is None and self._counting is None:
            self.take(self._span)

    def take(self, span: Span) -> None:
        """Count a period, in place of one that is being counted."""
        if self._counting is not None:
            self._counting.stop()
        self._span, self._counting = span, Counting()
        if self._timer is None:
            self._timer = self.set_interval(TICK, self._tick)
        self._tick()
        self.triage.in_background(partial(self._count, span, self._counting), "page", "counting the figures")

    async def _count(self, span: Span, counting: Counting) -> None:
        try:
            report = await asyncio.to_thread(figures.make, self.triage.desk, span, counting)
        except figures.Stopped:
            return
        finally:
            counting.stop()
            if self._counting is counting:
                self._counting = None
        if not self.is_attached or span != self._span:
            return
        self._report = report
        self.values = list(_lines(report))
        self._show()

    def _tick(self) -> None:
        self.query_one("#headline", Bar).refresh()

    def step_back(self) -> bool:
        """Stop counting first, when there are figures to go back to."""
        if self._counting is None:
            return False
        self._counting.stop()
        self._counting = None
        self._tick()
        if self._report is None:
            return False
        self._span = self._report.span
        self.triage.say("Counting was stopped; these are the figures from before.")
        return True

    def on_unmount(self) -> None:
        """Nobody waits for the figures any more."""
        if self._counting is not None:
            self._counting.stop()

    # --- what is shown ------------------------------------------------------------------------------------

    def headline(self) -> str:
        """The period, and what was seen of it; or how far the counting is."""
        span = self._span
        dates = f"{span.first:%a %d %b %Y} to {span.last:%a %d %b %Y}"
        if self._counting is not None:
            done, total = self._counting.done, self._counting.total
            return f"{dates}   counting {f'{done:,} of {total:,} cases ' if total else ''}… esc stops"
        return f"{dates}   seen: {self._report.coverage}" if self._report else dates

    def line(self, value: Any, width: int) -> list[Run]:
        """A heading; or words, value, and a bar or the second value."""
        shown: Line = value
        table, row = shown
        if row is None:
            return [(plain(table.title.upper(), width), "pointer")]
        currency = self._report.currency if self._report else ""
        said, more = words(*table.cell(row, 0), currency), _more(table, row, currency)
        room = 14 if width >= 52 else 8
        label = max(14, width - 12 - room - 3)
        style = "dim" if not row.values[0] else "strong"
        drawn = bar(float(row.values[0] or 0), float(table.peak), room) if _has_bar(table, row) else more
        return [cell(f" {row.label}", label), cell(said, 11, style, right=True), cell(drawn, room, "calm")]

    def details(self, value: Any) -> Sequence[Para]:
        """The table's picture, everything about the row, and how it is counted."""
        return list(self._details(value))

    def _details(self, value: Line) -> Iterator[Para]:
        table, row = value
        report = self._report
        if report is None:
            return
        yield para(table.title if row is None else clean_line(row.label), "title")
        if row is not None:
            for head, said in figures_text.row_words(table, row, report.currency):
                yield fact(head, (said, "strong"), width=13)
            if row.note:
                yield fact("Note", (clean_line(row.note, 600), "warn"), width=13)
            yield para("")
        if table.summary:
            yield para(clean_line(table.summary, 600))
        if table.picture is Picture.HEAT:
            wide = 2 if self.more.size.width >= 60 else 1
            for line in figures_text.heat_lines(report.heat, wide=wide):
                yield para(line, "strong")
        elif table.picture is Picture.LINE:
            yield para(sparkline([float(each.values[0] or 0) for each in table.rows]), "strong")
        for note in table.notes:
            yield para(clean_line(note, 600), "warn")
        if table.id == "summary":
            for caveat in report.caveats:
                yield para(clean_line(caveat, 600), "warn")
        yield para("")
        yield fact("How counted", (table.definition, "dim"), width=13)
        if row is not None and row.search is not None:
            yield fact("Lists them", (row.search or f"the view {row.view}", "dim"), width=13)

    # --- keys ---------------------------------------------------------------------------------------------

    def action_take_span(self, name: str) -> None:
        """A period with a name."""
        self.take(figures.span_called(self.triage.desk, name))

    def action_table(self, step: int) -> None:
        """To the next figure, or the one before."""
        heads = [place for place, line in enumerate(self.values) if line.row is None]
        here = self.rows.cursor
        found = [place for place in heads if (place > here if step > 0 else place < here)]
        if found:
            self.rows.step((found[0] if step > 0 else found[-1]) - here)

    def action_ask_span(self) -> None:
        """A period by its days."""
        self.triage.in_background(self._ask_span, "figures", "asking for a period")

    async def _ask_span(self) -> None:
        what = "First and last day: 2026-10-01 2026-10-31, -7d today; the last one may be left out"
        asked = await self.triage.ask(Ask("Period", what))
        if asked and asked.strip():
            first, _, last = asked.strip().partition(" ")
            self.take(figures.span_between(self.triage.desk, first, last))

    def action_open_cases(self) -> None:
        """Show the cases of the figure in the inbox."""
        self.triage.in_background(self._open_cases, "figures", "listing the cases of a figure")

    async def _open_cases(self) -> None:
        line: Line | None = self.selected
        if line is None:
            return
        row = line.row or (line.table.rows[0] if line.table.rows else None)
        if row is None or row.search is None or line.row is None:
            raise Refused("This line stands for no list of cases.", hint="Choose a row below it.")
        app = self.triage
        while app.screen is not app.home:
            await app.pop_screen()
        app.home.show(Showing(row.view, row.search))
        app.say(f"The cases of: {clean_line(row.label, 80)}. Esc shows the queue again.")

    def action_save(self) -> None:
        """Ask for a file, and write the figures to it."""
        self.triage.in_background(self._save, "figures", "writing the figures")

    async def _save(self) -> None:
        report = self._report
        if report is None:
            raise Refused("There are no figures yet.")
        name = f"figures-{report.span.first}-{report.span.last}.html"
        asked = await self.triage.ask(Ask("Save the figures", "A file that ends in .html, .csv, .json or .txt", name))
        if not asked or not asked.strip():
            return
        path = expanded(asked.strip())
        form = path.suffix.lstrip(".").lower()
        if form not in FORMS:
            raise Refused(f"{path.name} does not say what it is.", hint="End it with .html, .csv, .json or .txt.")
        question = Confirm(f"{path.name} is there already.", yes="Write over it", no="Leave it")
        if path.is_file() and not await self.triage.ask(question):
            return
        await asyncio.to_thread(write_file, path, figures.document(report, form))
        self.triage.say(f"Wrote {path.absolute()}.")


def _lines(report: Report) -> Iterator[Line]:
    for table in report.tables:
        yield Line(table)
        rows = table.rows
        if table.picture is Picture.HEAT:
            rows = tuple(sorted(rows, key=lambda row: -(row.values[0] or 0))[:BUSIEST])
            rows = tuple(row for row in rows if row.values[0])
        for row in rows:
            yield Line(table, row)


def _has_bar(table: Table, row: Row) -> bool:
    return table.picture is not Picture.NONE and row.id != "none"


def _more(table: Table, row: Row, currency: str) -> str:
    """The second value of a row without a bar, where it says something of its own."""
    if len(table.columns) < 2 or (table.columns[1].id == "cases" and table.cell(row, 0)[1] is Unit.CASES):
        return ""
    column, (value, unit) = table.columns[1], table.cell(row, 1)
    said = words(value, unit, currency)
    if unit is not Unit.CASES or value is None:
        return said
    if column.id == "cases":
        return f"{said} case" if value == 1 else f"{said} cases"
    # A number of another kind says which: answered, self-served; of the year before there is no room for all words.
    return f"{said} {'before' if column.id == 'before' else column.title.lower()}"
