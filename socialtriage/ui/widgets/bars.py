"""The three lines that every screen has: the header, what was said last, and the main keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widget import Widget

from socialtriage.ui.actions import Action
from socialtriage.ui.cells import Run, cut, plain, shorten, wrap

Parts = tuple[Sequence[Run], Sequence[Run]]
"""What stands on the left and on the right of a line."""
LEAST = 24
"""Cells that are worth wrapping a sentence into."""


class Bar(Widget):
    """One line: a left part that gives way, and a right part that stays."""

    DEFAULT_CSS = """
    Bar { height: 1; background: $bar-bg; color: $bar-fg; padding: 0 1; }
    Bar.-quiet { background: $background; color: $ink; }
    Bar.-title { background: $surface; color: $ink-dim; }
    """

    def __init__(self, parts: Callable[[], Parts], classes: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._parts = parts

    def renew(self) -> None:
        """What it says may be something else."""
        self.refresh()

    def render(self) -> Content:
        """The two parts with room between them; a line too narrow for both cuts the left one."""
        left, right = self._parts()
        width = self.content_size.width
        room = width - sum(cell_len(text) for text, _ in right)
        if room < 12:
            right, room = cut(right, max(0, width - 12)), 12
        kept = cut(left, room - 1 if right else room)
        gap = width - sum(cell_len(text) for text, _ in (*kept, *right))
        return Content.assemble(*_styled(kept), " " * max(0, gap), *_styled(right))


class StatusBar(Bar):
    """What was said last, on as many lines as it needs: what to do next stands at the end of a sentence."""

    MOST = 4
    """Lines at the most; of what is longer yet, the beginning and the end are shown."""

    def renew(self) -> None:
        """Something else was said: take the lines that it needs."""
        lines = len(self._lines(self._parts()))
        if self.styles.height is None or self.styles.height.value != lines:
            self.styles.height = lines
        self.refresh()

    def on_resize(self) -> None:
        """Other widths have other lines."""
        self.renew()

    def _room(self, right: Sequence[Run]) -> int:
        return self.content_size.width - sum(cell_len(text) for text, _ in right) - 1

    def _lines(self, parts: Parts) -> list[str]:
        left, right = parts
        text, room = "".join(text for text, _ in left), self._room(right)
        if room < LEAST or cell_len(text) <= room:
            return [text]
        lines = [line for line in wrap(text, room) if line]
        if len(lines) > self.MOST:
            lines = [*lines[: self.MOST - 1], _ending(text, room)]
        return lines

    def render(self) -> Content:
        """Its lines; what is about to leave stands on the right of the first one."""
        left, right = self._parts()
        lines = self._lines((left, right))
        if len(lines) < 2:
            return super().render()
        first, *more = lines
        style = left[0][1]
        gap = " " * max(1, self.content_size.width - cell_len(first) - sum(cell_len(text) for text, _ in right))
        below = [(f"\n{line}", style) for line in more]
        return Content.assemble(*_styled([(first, style)]), gap, *_styled(right), *_styled(below))


def _ending(text: str, room: int) -> str:
    """As many of the last words as there is room for, behind an ellipsis."""
    kept = ""
    for word in reversed(text.split()):
        if cell_len(f"… {word} {kept}") > room:
            break
        kept = f"{word} {kept}".rstrip()
    return shorten(f"… {kept or text[-room:]}", room)


def _styled(runs: Iterable[Run]) -> list[tuple[str, str]]:
    return [(text, style) for text, style in runs if text]


class KeysLine(Widget):
    """The main keys of a screen; a click does what the key does. What does not fit is left out, but for `kept`."""

    DEFAULT_CSS = """
    KeysLine { height: 1; background: $bar-bg; color: $bar-fg; padding: 0 1; }
    """

    def __init__(self, actions: Sequence[Action], key_of: Callable[[Action], str], kept: int = 1) -> None:
        super().__init__()
        self._kept = kept
        self._actions, self._key_of = list(actions), key_of
        self._places: list[tuple[int, int, Action]] = []

    def render(self) -> Content:
        """`t area  f hand off  …  esc back  ? keys`."""
        shown = [(self._key_of(action), action.label, action) for action in self._actions]
        shown = [each for each in shown if each[0]]
        while shown and sum(cell_len(f"{key} {label}") + 2 for key, label, _ in shown) - 2 > self.content_size.width:
            shown.pop(max(0, len(shown) - 1 - self._kept))
        parts: list[tuple[str, str]] = []
        self._places, x = [], 0
        for key, label, action in shown:
            parts += [(key, "bold $key-fg"), (f" {label}  ", "")]
            width = cell_len(f"{key} {label}")
            self._places.append((x, x + width, action))
            x += width + 2
        return Content.assemble(*parts)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        x = event.x - self.styles.padding.left
        for start, end, action in self._places:
            if start <= x < end:
                await self.screen.run_action(action.binding().action)


def said(text: str) -> str:
    """A sentence that may hold data, on one line."""
    return plain(text, 400)
