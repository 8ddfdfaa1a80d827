"""What the screens remember while the program runs: what the list shows, the last action, what was said."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from socialtriage.domain.late import dataclass
from socialtriage.domain.views import Query

if TYPE_CHECKING:
    from datetime import datetime

    from socialtriage.services.desk import Desk
    from socialtriage.services.pictures import Album
    from socialtriage.ui.handoff_text import Choices

LINES_KEPT = 50
SEARCH_VIEW = "all"
"""A search looks at every case, whatever view was shown before."""


@dataclass(frozen=True, slots=True)
class Showing:
    """What the list shows: a view, narrowed by a filter; or the hits of a search."""

    view: str = "queue"
    filter: str = ""
    search: str | None = None

    def query(self, desk: Desk) -> Query:
        """The query for the store. Raises `UsageError` for a filter that is not understood."""
        if self.search is None and not self.filter:
            return Query(view=self.view)
        from socialtriage.services import queries

        if self.search is not None:
            return queries.parse_query(self.search, desk, SEARCH_VIEW)
        return queries.parse_query(self.filter, desk, self.view)

    @property
    def target(self) -> str:
        """The entry of the sidebar that shows the same."""
        if self.search is not None:
            return ""
        for name in ("area", "account"):
            if self.filter.startswith(f"{name}:") and " " not in self.filter:
                return self.filter
        return f"view:{self.view}"

    def at(self, target: str) -> Showing:
        """What an entry of the sidebar shows: a view whole, or an area or account in the queue."""
        kind, _, name = target.partition(":")
        return Showing(view=name) if kind == "view" else Showing(filter=target)


@dataclass(frozen=True, slots=True)
class Written:
    """A reply that is being written."""

    text: str = ""
    private: bool = False
    """In private, although the message may be public."""
    split: bool = False
    """A thread of several posts was agreed to."""
    promise: datetime | None = None
    """What the reply promises the resident."""
    answer: str | None = None
    """The saved answer that it began as."""
    files: tuple[tuple[str, str], ...] = ()
    """Pictures that go with it: where each is, and what is on it."""
    places: tuple[int, ...] = ()
    """The messages that it answers, in a case of several places; empty for the newest alone."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of the status line."""

    text: str
    style: str = ""


@dataclass(slots=True)
class Session:
    """The memory of one run."""

    showing: Showing = field(default_factory=Showing)
    before_search: Showing | None = None
    last_search: str = ""
    selected: dict[Showing, int] = field(default_factory=dict)
    """The case that was selected when a list was left."""
    last_action: tuple[str, str] | None = None
    """Id and argument of the action that `.` repeats."""
    handoffs: dict[int, Choices] = field(default_factory=dict)
    """Choices of handoffs that were postponed, by case."""
    replies: dict[int, Written] = field(default_factory=dict)
    """Replies that were postponed, by case."""
    said: Said = Said("")
    lines: list[str] = field(default_factory=list)
    """What was typed behind `:`, the last one last; for this run alone, as it may hold names."""
    unmasked: set[int] = field(default_factory=set)
    """Restricted cases that the officer asked to see."""
    at_work: dict[int, frozenset[str]] = field(default_factory=dict)
    """Cases whose words are in front of the officer in a dialog, with their flags when it was opened."""
    album: Album | None = None
    """Photos that were drawn; made when the first one is asked for."""

    def typed(self, line: str) -> None:
        """A line was typed behind `:`; a mistake is kept too, to be mended."""
        self.lines = [*(each for each in self.lines if each != line), line][-LINES_KEPT:]

    def begin_search(self, text: str) -> None:
        """Show the hits of a search; where it began is remembered."""
        if self.showing.search is None:
            self.before_search = self.showing
        self.showing = replace(self.showing, search=text)
        if text.strip():
            self.last_search = text

    def end_search(self) -> bool:
        """Back to where the search began; False when there is none."""
        if self.showing.search is None:
            return False
        self.showing = self.before_search or Showing()
        self.before_search = None
        return True
