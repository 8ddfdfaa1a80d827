"""The first run: no configuration yet. It offers the practice desk, or a starting configuration."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from socialtriage.domain.text import clean
from socialtriage.ui import themes

CHOICES = (
    ("demo", "d", "Try it", "a practice week; nothing leaves this computer"),
    ("init", "i", "Set it up", "write a commented configuration to fill in"),
    ("", "q", "Leave", "nothing is written"),
)


class WelcomeApp(App[str]):
    """Ends with `demo`, `init`, or nothing."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { align: center middle; background: $background; color: $ink; }
    #welcome { width: 72; max-width: 96%; height: auto; border: round $key-fg; padding: 1 2; background: $surface; }
    #welcome Static { margin-bottom: 1; }
    .title { color: $key-fg; text-style: bold; }
    OptionList { border: none; height: auto; padding: 0; background: $surface; }
    OptionList:focus { border: none; }
    """

    def __init__(self, config_path: Path) -> None:
        super().__init__()
        self._config_path = config_path
        self.theme_names = themes.themes()

    def on_load(self) -> None:
        """Our colours."""
        for theme in self.theme_names:
            self.register_theme(theme)
        self.theme = themes.DEFAULT

    def get_css_variables(self) -> dict[str, str]:
        """Our colour names for every theme."""
        return themes.complete(super().get_css_variables())

    def compose(self) -> ComposeResult:
        """Where one is, and what one can do."""
        with Vertical(id="welcome"):
            yield Static("socialtriage", classes="title", markup=False)
            yield Static(
                "One inbox for everything residents write to the organisation, a reference for every case, "
                "handoffs that come back, and a log.",
                markup=False,
            )
            yield Static(clean(f"There is no configuration yet at {self._config_path}."), markup=False)
            yield OptionList(*(Option(_prompt(*choice[1:])) for choice in CHOICES), markup=False)

    def on_mount(self) -> None:
        """The first choice is the harmless one."""
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        self.exit(CHOICES[event.option_index][0] or None)

    def on_key(self, event: events.Key) -> None:
        """The letter of a choice; escape leaves."""
        letters = {letter: value for value, letter, _, _ in CHOICES} | {"escape": ""}
        if event.key in letters:
            self.exit(letters[event.key] or None)


def _prompt(letter: str, label: str, hint: str) -> Content:
    return Content.assemble((f" {letter} ", "bold $key-fg"), f" {label:10} ", (hint, "$ink-dim"))
