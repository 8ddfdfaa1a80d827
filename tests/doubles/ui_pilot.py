"""Reading a Textual screen in tests, and waiting for what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.strip import Strip


async def wait_until(pilot: Pilot[Any], said: Callable[[], object], what: str = "", tries: int = 2_000) -> None:
    """Let the program run until `said()` is true. Fails with `what` and the screen after `tries` turns."""
    for _ in range(tries):
        if said():
            return
        await pilot.pause(0.005)
    raise AssertionError(f"never came true: {what}\n{screen_text(pilot.app)}")


def strips(app: App[Any]) -> list[Strip]:
    """What the terminal would show, a strip a line."""
    return list(app.screen._compositor.render_strips())


def screen_text(app: App[Any]) -> str:
    """The text on the screen."""
    return "\n".join(strip.text.rstrip() for strip in strips(app))


def unfit(app: App[Any]) -> list[str]:
    """Characters on the screen that could steer a terminal."""
    found = []
    for strip in strips(app):
        for character in strip.text:
            code = ord(character)
            if code < 32 or 0x7F <= code < 0xA0 or 0xD800 <= code <= 0xDFFF or character in _STEERING:
                found.append(f"U+{code:04X}")
    return found


_STEERING = frozenset("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
