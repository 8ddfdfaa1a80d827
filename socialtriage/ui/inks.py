"""Rich styles by name for the widgets that draw line by line, straight from the theme's variables.

Textual's component classes say the same in a style sheet, which is matched for every class of every widget before
anything is drawn: 5 ms of the first frame for the list alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rich.style import Style
from textual.style import Style as Look
from textual.widget import Widget

from socialtriage.ui.themes import complete

_PLAIN = frozenset(("on", "bold", "italic", "reverse"))
_HEX = re.compile("#[0-9a-fA-F]{6}")


class Inks:
    """The styles of one widget. `looks` has one by name, such as `bold $alarm` or `$ink on $background`."""

    def __init__(self, widget: Widget, looks: Mapping[str, str]) -> None:
        self._widget, self._looks = widget, looks
        self._styles: dict[tuple[str, ...], Style] = {}
        self._variables: dict[str, str] = {}

    def clear(self) -> None:
        """Forget the colours, after a change of theme."""
        self._styles.clear()
        self._variables = {}

    def style(self, *names: str) -> Style:
        """The styles one over the other: where a later one has no background, that of the earlier stays."""
        style = self._styles.get(names)
        if style is None:
            style = self._styles[names] = _joined([self._spelt(name) for name in names])
        return style

    @property
    def flat(self) -> bool:
        """Whether the theme's cursor shows no colours but its own."""
        return self._all().get("cursor-flat") == "1"

    def _spelt(self, name: str) -> str:
        # A variable may stand for two words, as `auto 60%`; the parser would take the first alone.
        variables = self._all()
        return " ".join(variables[word[1:]] if word[0] == "$" else word for word in self._looks[name].split())

    def _all(self) -> dict[str, str]:
        self._variables = self._variables or complete(self._widget.app.theme_variables)
        return self._variables


def _joined(spelt: list[str]) -> Style:
    """Styles one over the other. Rich reads plain colours in a tenth of the time; what `auto` is, Textual knows."""
    if all(word in _PLAIN or _HEX.fullmatch(word) for each in spelt for word in each.split()):
        return Style.combine(map(Style.parse, spelt))
    look = Look()
    for each in spelt:
        look += Look.parse(each)
    return look.rich_style
