"""Home: views on the left, cases in the middle, the case on the right; one pane at a time on a narrow screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from socialtriage.domain.views import CaseRow, Done
from socialtriage.services import inbox
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.listing import Listing
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.session import Showing
from socialtriage.ui.widgets.bars import Bar, Parts
from socialtriage.ui.widgets.case_list import CaseList
from socialtriage.ui.widgets.case_pane import CasePane
from socialtriage.ui.widgets.find_bar import FindBar
from socialtriage.ui.widgets.sidebar import Sidebar
from socialtriage.ui.widgets.sidebar_entries import entries

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp

TICK = 15.0
"""Seconds between looks at the clock, for the words of the deadlines."""


class InboxScreen(DeskScreen):
    """The list of cases and what is beside it."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.INBOX, Where.CASES, Where.CASE_LIST)
    ALSO_MAIN = ("app.undo", "app.help")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.INBOX, Where.CASES)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (116, "-roomy"), (150, "-vast")]  # noqa: RUF012
    DEFAULT_CSS = """
    InboxScreen {
        #panes { height: 1fr; }
        .pane:focus-within > Bar { color: $key-fg; text-style: bold; }
        #views { width: 26; display: none; }
        #list { width: 1fr; border-left: solid $bar-bg; }
        #case { width: 1fr; display: none; border-left: solid $bar-bg; }
        &.-wide #views, &.-roomy #views, &.-vast #views { display: block; width: 21; }
        &.-wide #case, &.-roomy #case, &.-vast #case { display: block; width: 0.8fr; }
        &.-roomy #views { width: 27; }
        &.-vast #views { width: 30; }
        &.-narrow #list { border-left: none; }
        &.-narrow.-with-views #views { display: block; }
        &.-without-views #views { display: none; }
        &.-without-views #list { border-left: none; }
    }
    """

    def __init__(self, app: TriageApp) -> None:
        super().__init__()
        self.cases = CaseList(app.desk.clock, app.desk.zone)
        self.sidebar = Sidebar()
        self.pane = CasePane(app, id="case")
        self.find_bar = FindBar()
        self.listing = Listing(app, self.cases, self.list_changed)

    def body(self) -> ComposeResult:
        """The three panes, and the line for searches."""
        with Horizontal(id="panes"):
            with Vertical(id="views", classes="pane"):
                yield Bar(lambda: ([("Views", "")], []), "-title")
                yield self.sidebar
            with Vertical(id="list", classes="pane"):
                yield Bar(self._title, "-title", id="list-title")
                yield self.cases
            yield self.pane
        yield self.find_bar

    def on_mount(self) -> None:
        """The first page is there with the first frame."""
        self.listing.load(at_once=True)
        self.cases.focus()
        self.set_interval(TICK, self.cases.tick)

    # --- what is shown ------------------------------------------------------------------------------------

    def _title(self) -> Parts:
        above = f"{self.listing.arrived} new above" if self.listing.arrived and self.cases.model.cursor else ""
        return [(self.listing.title(), "")], [(above, "bold $warn")]

    def status_parts(self) -> Parts:
        """The fault of a filter comes first; marks stand on the right."""
        left, right = super().status_parts()
        if self.listing.fault:
            left = [(self.listing.fault, "$warn")]
        marked = len(self.cases.model.marked())
        return left, [(f"{marked} marked   " if marked else "", "bold $warn"), *right]

    def list_changed(self) -> None:
        """The list shows something else, or the same renewed."""
        if not self.cases.model.cursor:
            self.listing.arrived = 0
        self.refresh_bars()

    def show(self, showing: Showing) -> None:
        """Show a view or a filter in the list."""
        self.triage.session.before_search = None
        self.triage.session.showing = showing
        self.listing.load()
        self.cases.focus()

    def renew(self) -> None:
        """Look at the store again; selection and scroll stay."""
        self.listing.load()
        self.pane.again()

    def refresh_bars(self) -> None:
        """The counts stand in the sidebar too."""
        super().refresh_bars()
        app = self.triage
        self.sidebar.show(entries(app.desk, app.board), app.session.showing.target)

    # --- what keys and mouse ask --------------------------------------------------------------------------

    def targets(self) -> list[CaseRow]:
        """The marked cases, otherwise the selected one."""
        return self.cases.targets(lambda ids: inbox.rows(self.triage.desk, ids))

    def acted(self, done: Done) -> None:
        """Marks have done their work."""
        self.cases.clear_marks()
        self.renew()

    def step_back(self) -> bool:
        """Unmark, then leave the search, then the filter, then come back to the list."""
        if self.cases.clear_marks():
            return True
        session = self.triage.session
        if session.end_search():
            self.listing.load()
        elif session.showing.filter:
            self.show(Showing(session.showing.view))
        elif self.focused is self.cases:
            return False
        self.cases.focus()
        return True

    def toggle_views(self) -> None:
        """Show or hide the pane on the left."""
        narrow = self.has_class("-narrow")
        self.toggle_class("-with-views" if narrow else "-without-views")
        (self.sidebar if narrow and self.has_class("-with-views") else self.cases).focus()

    def move_pane(self, step: int) -> None:
        """Focus the pane to the right or to the left."""
        panes: list[Widget | None] = [self.sidebar, self.cases, self.pane.view]
        shown = [pane for pane in panes if pane is not None and pane.parent is not None and pane.is_on_screen]
        here = shown.index(self.focused) if self.focused in shown else 0
        shown[min(max(here + step, 0), len(shown) - 1)].focus()

    def on_case_list_moved(self, event: CaseList.Moved) -> None:
        """Another case is selected."""
        if self.listing.arrived:
            # The word on what came in above goes when one is there, and comes back when one leaves.
            if not self.cases.model.cursor:
                self.listing.arrived = 0
            self.query_one("#list-title", Bar).refresh()
        self.pane.want(event.case_id)

    def on_case_list_marks_changed(self) -> None:
        """The number of marked cases stands in the status line."""
        self.query_one("#status", Bar).renew()

    def on_case_list_opened(self) -> None:
        """A double click opens."""
        self.triage.perform("case.open")

    def on_case_view_accepted(self) -> None:
        """Enter on the suggestion."""
        self.triage.perform("case.accept")

    def on_sidebar_chosen(self, event: Sidebar.Chosen) -> None:
        """A view, an area or an account was chosen."""
        self.remove_class("-with-views")
        self.show(self.triage.session.showing.at(event.target))
