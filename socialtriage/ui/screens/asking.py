"""Screens that end with an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.await_complete import AwaitComplete
from textual.screen import Screen

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp

T = TypeVar("T")


class Asking(Screen[T | None]):
    """A dialog or a review: it closes once, and keys wait until the one who asked has gone on."""

    TYPE_AHEAD: ClassVar[bool] = True
    """Whether keys that were pressed before it was on the screen are for it."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = False
        self.holds: list[object] = []
        self._over = False

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close with an answer; a second answer, by a key typed too fast, is none."""
        if self._over:
            return AwaitComplete()
        self._over = True
        if self.awaited:
            self.holds.append(cast("TriageApp", self.app).gate.close())
        return super().dismiss(result)
