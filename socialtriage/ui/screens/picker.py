"""A list that narrows as one types: areas and topics, contacts, themes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from socialtriage.domain.views import CaseRow
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run, plain
from socialtriage.ui.screens.choices import Choice
from socialtriage.ui.screens.dialogs import Dialog
from socialtriage.ui.widgets.rows import Rows

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk


class Picker(Dialog[str]):
    """Type to narrow, enter takes the first; the arrows choose another."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.CHOICES)]
    HINT = "type to narrow, enter takes it, esc leaves"

    def __init__(self, title: str, choices: Sequence[Choice], *, typed: str = "") -> None:
        super().__init__(title)
        self._choices = list(choices)
        self._typed = typed
        self._found = list(choices)

    def held(self) -> ComposeResult:
        """A field, and what matches below it."""
        yield Input(self._typed, select_on_focus=False)
        yield Rows(aside=True)

    def on_mount(self) -> None:
        """Everything is shown at first."""
        self.query_one(Input).focus()
        self._narrow(self._typed)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow."""
        self._narrow(event.value)

    def _narrow(self, typed: str) -> None:
        self._found = ranked(typed, self._choices)
        lines = [_line(choice) for choice in self._found] or [[("Nothing matches.", "dim")]]
        self.query_one(Rows).show(lines, first=True)

    def action_choose(self, step: int) -> None:
        """Another choice."""
        self.query_one(Rows).step(step)

    def on_input_submitted(self) -> None:
        """Enter takes it."""
        self.take()

    def take(self) -> None:
        """End with the choice that is pointed at."""
        if self._found:
            self.dismiss(self._found[self.query_one(Rows).cursor].value)

    def on_rows_chosen(self) -> None:
        """A click on the one that is pointed at takes it."""
        self.take()


def _line(choice: Choice) -> list[Run]:
    return [(plain(choice.label, 60), ""), (f"  {plain(choice.hint, 60)}", "dim")]


def ranked(typed: str, choices: Sequence[Choice]) -> list[Choice]:
    """The choices that `typed` fits, best first: the beginning of the id, of a word, a part, the letters in order."""
    wanted = typed.strip().lower()
    if not wanted:
        return list(choices)
    scored = [(score, number) for number, choice in enumerate(choices) if (score := _score(wanted, choice)) is not None]
    return [choices[number] for _, number in sorted(scored)]


def _score(wanted: str, choice: Choice) -> int | None:
    value, label = choice.value.lower(), choice.label.lower()
    if value == wanted:
        return 0
    if value.startswith(wanted):
        return 1 + value.count("/")
    if label.startswith(wanted):
        return 3
    words = label.replace("/", " ").replace("-", " ").split() + value.replace("/", " ").replace("-", " ").split()
    if any(word.startswith(wanted) for word in words):
        return 4
    if wanted in label or wanted in value:
        return 5
    letters = iter(value + " " + label)
    return 6 if all(letter in letters for letter in wanted if letter != " ") else None


def area_choices(desk: Desk, rows: Sequence[CaseRow]) -> list[Choice]:
    """Areas and their topics; what is suggested for the cases comes first, and taking an area away comes last."""
    suggested = {row.suggested_area for row in rows if row.suggested_area}
    found = list(_areas(desk))
    first = [choice for choice in found if choice.value in suggested]
    rest = [choice for choice in found if choice.value not in suggested]
    hinted = [Choice(each.value, each.label, hint=f"{each.hint}  suggested".strip()) for each in first]
    return [*hinted, *rest, Choice("none", "no area")]


def _areas(desk: Desk) -> Iterator[Choice]:
    for area in desk.config.areas:
        yield Choice(area.id, area.name, hint=area.id)
    for area in desk.config.areas:
        for topic in area.topics:
            yield Choice(f"{area.id}/{topic}", f"{area.name} / {topic}")
