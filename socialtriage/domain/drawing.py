"""Small pictures made of characters: bars, lines of blocks, shades. Each has a plain ASCII form."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_STEPS = "▁▂▃▄▅▆▇█"
_SHADES = " ░▒▓█"
_PLAIN_STEPS = "_.-:=+*#"
_PLAIN_SHADES = " .:+#"


def bar(value: float, peak: float, width: int, *, plain: bool = False) -> str:
    """A bar of at most `width` cells; anything above 0 has at least its thinnest mark."""
    if value <= 0 or peak <= 0 or width <= 0:
        return ""
    if plain:
        return "#" * max(1, round(value / peak * width))
    eighths = max(1, round(min(value, peak) / peak * width * 8))
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def sparkline(values: Sequence[float], *, plain: bool = False, wide: int = 1) -> str:
    """A line of blocks from 0 to the largest value, `wide` cells each."""
    steps = _PLAIN_STEPS if plain else _STEPS
    peak = max(values, default=0)
    return "".join(steps[_step(value, peak, len(steps))] * wide for value in values)


def shade(value: float, peak: float, *, plain: bool = False) -> str:
    """How dark a cell of a heat map is; 0 is blank and nothing else is."""
    shades = _PLAIN_SHADES if plain else _SHADES
    return shades[level(value, peak)]


def level(value: float, peak: float, levels: int = 4) -> int:
    """0 for nothing, otherwise 1 to `levels`."""
    if value <= 0 or peak <= 0:
        return 0
    return min(levels, int(value / peak * levels * 0.9999) + 1)


def _step(value: float, peak: float, steps: int) -> int:
    if value <= 0 or peak <= 0:
        return 0
    return min(steps - 1, max(1, round(value / peak * (steps - 1))))
