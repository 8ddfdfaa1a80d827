"""What every screen of the desk has: the header, the last sentence, the main keys, and a word with the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import Screen

from socialtriage.ui.actions import Action, Where, actions_for, table
from socialtriage.ui.header import header_parts, status_parts
from socialtriage.ui.widgets.bars import Bar, KeysLine, Parts, StatusBar

if TYPE_CHECKING:
    from socialtriage.domain.views import CaseRow, Done
    from socialtriage.ui.app import TriageApp


class DeskScreen(Screen[None]):
    """A full screen. Subclasses say in `PLACES` which keys work on it, and yield what is between the bars."""

    PLACES: ClassVar[tuple[Where, ...]] = ()
    ALSO_MAIN: ClassVar[tuple[str, ...]] = ("app.back", "app.help")
    """Actions that work everywhere and belong into the line of main keys here."""
    TITLE_WORDS: ClassVar[str] = ""

    @property
    def triage(self) -> TriageApp:
        """The program."""
        return cast("TriageApp", self.app)

    def compose(self) -> ComposeResult:
        """Header, body, status, keys."""
        yield Bar(lambda: header_parts(self.triage, self.TITLE_WORDS), id="header")
        yield from self.body()
        yield StatusBar(self.status_parts, "-quiet", id="status")
        yield KeysLine(self.main_actions(), self.triage.key_of, len(self.ALSO_MAIN))

    def body(self) -> ComposeResult:
        """What is between the bars."""
        yield from ()

    def main_actions(self) -> Sequence[Action]:
        """The actions of the line of main keys, in its order."""
        own = sorted((each for each in actions_for(*self.PLACES) if each.main), key=lambda each: each.main)
        return [*own, *(table()[name] for name in self.ALSO_MAIN)]

    def status_parts(self) -> Parts:
        """The last sentence, and what is about to leave."""
        return status_parts(self.triage)

    def refresh_bars(self) -> None:
        """Something that the bars show has changed."""
        for bar in self.query(Bar):
            bar.renew()

    # --- what actions ask of a screen ---------------------------------------------------------------------

    def targets(self) -> list[CaseRow]:
        """The cases that an action applies to; none on a screen that has none."""
        return []

    def acted(self, done: Done) -> None:
        """An action of this officer changed cases."""
        self.renew()

    def renew(self) -> None:
        """The store changed: look again. Selection and scroll stay."""

    def step_back(self) -> bool:
        """Undo what is in the way on this screen (marks, a search); False when there is nothing, so that it closes."""
        return False
