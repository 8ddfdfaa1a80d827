"""The keys, from the action table: those of this screen first, searchable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from socialtriage.ui.actions import Action, Group, Where, actions_for, bindings_for, table
from socialtriage.ui.flow import Para, para
from socialtriage.ui.keymaps import Keymap
from socialtriage.ui.screens.dialogs import Dialog
from socialtriage.ui.widgets.text_pane import TextPane

ALONGSIDE = (Where.EVERYWHERE, Where.LISTS)
"""What works on every screen."""


class HelpScreen(Dialog[None]):
    """Type to search; the arrows and page keys scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.READING)]
    HINT = "type to search, ↑ ↓ pgup pgdn scroll, esc leaves"
    DEFAULT_CSS = """
    HelpScreen {
        #box { width: 88; height: 90%; }
        TextPane { height: 1fr; & .text-pane--base { background: $surface; } }
    }
    """

    def __init__(self, places: Sequence[Where], keys: Keymap) -> None:
        super().__init__("Keys")
        self._places, self._keys = tuple(places), keys

    def held(self) -> ComposeResult:
        """A field and the keys."""
        yield Input(placeholder="search the keys", select_on_focus=False)
        yield TextPane()

    def on_mount(self) -> None:
        """All of them at first."""
        self.query_one(Input).focus()
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Those that fit."""
        self._show(event.value)

    def _show(self, typed: str) -> None:
        self.query_one(TextPane).show(list(help_text(self._places, self._keys, typed)))

    def action_scroll(self, step: str) -> None:
        """Scroll the keys while the field has the focus."""
        self.query_one(TextPane).action_move(step)


def help_text(places: Sequence[Where], keys: Keymap, typed: str = "") -> Iterator[Para]:
    """The keys of these places by heading, then those of the other places."""
    here = [each for each in actions_for(*places, *ALONGSIDE) if _fits(each, keys, typed)]
    others = [each for each in table().values() if each not in here and _fits(each, keys, typed)]
    yield from _section("ON THIS SCREEN", here, keys, with_place=False)
    yield from _section("ON OTHER SCREENS", others, keys, with_place=True)
    if not here and not others:
        yield para("No key does that. The palette (ctrl+p) and `:` may know it by another word.", "dim")


def _section(title: str, actions: Sequence[Action], keys: Keymap, *, with_place: bool) -> Iterator[Para]:
    if actions:
        yield para(title, "heading")
    for group in Group:
        rows = [each for each in actions if each.group is group]
        if rows:
            yield para("")
            yield para(group.value, "strong")
        for each in rows:
            shown = "  ".join(keys.keys_of(each)) or "no key"
            more = f" In {each.where.value}." if with_place else ""
            command = ((f"  :{each.command}", "dim"),) if each.command else ()
            runs = ((each.tooltip, ""), (more, "dim"), *command)
            yield Para(tuple(run for run in runs if run[0]), label=f"  {shown}", label_width=22)
    if actions:
        yield para("")


def _fits(action: Action, keys: Keymap, typed: str) -> bool:
    known = f"{action.label} {action.tooltip} {action.id} :{action.command} {' '.join(keys.keys_of(action))}".lower()
    return all(word in known for word in typed.lower().split())
