"""Shown over everything while the terminal is too small to be of use."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

SMALLEST = Size(60, 15)
"""Below this, words would be clipped."""


class TooSmall(ModalScreen[None]):
    """It goes by itself when the terminal grows."""

    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; }
    TooSmall Static { width: auto; color: $ink; text-align: center; }
    """

    def compose(self) -> ComposeResult:
        """What is needed."""
        yield Static(
            f"This terminal is too small.\nsocialtriage needs {SMALLEST.width} columns\nand {SMALLEST.height} lines.",
            markup=False,
        )
