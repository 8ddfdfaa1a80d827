"""Shown over everything while the terminal is too small to be of use."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static


class TooSmall(ModalScreen[None]):
    """It goes by itself when the terminal grows."""

    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; }
    TooSmall Static { width: auto; color: $ink; text-align: center; }
    """

    def __init__(self, needed: Size) -> None:
        super().__init__()
        self._needed = needed

    def compose(self) -> ComposeResult:
        """What is needed."""
        needed = f"{self._needed.width} columns\nand {self._needed.height} lines."
        yield Static(f"This terminal is too small.\nsocialtriage needs {needed}", markup=False)
