"""The colours. Two themes for every day, two with contrast of 7:1 and more for low vision; Textual's own work as well.

Screens name these variables alone: `ink` and `ink-dim` for text, `alarm`, `warn`, `calm`, `private` for what a word
says already, `key-fg` for keys and pointers, and the backgrounds of bars, cursor, marks and hits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

DEFAULT = "socialtriage-dark"

STANDARD = {
    "ink": "foreground",
    "ink-dim": "text-muted",
    "alarm": "text-error",
    "warn": "text-warning",
    "calm": "text-success",
    "private": "text-accent",
    "key-fg": "text-primary",
    "bar-bg": "panel",
    "bar-fg": "foreground",
    "cursor-bg": "block-cursor-background",
    "cursor-fg": "block-cursor-foreground",
    "cursor-blur-bg": "surface",
    "mark-bg": "panel",
    "hit-bg": "block-cursor-background",
    "hit-fg": "block-cursor-foreground",
}
"""Which of Textual's variables stands for each of ours in a theme that is not of this module."""
DIM = 0.65
"""How far the dim ink of such a theme goes from its page to black or white, whichever is further."""


def _standard(colours: dict[str, str], *, flat: bool) -> dict[str, str]:
    """Textual's own variables in our colours: solid, so that their contrast is what was measured."""
    ink, back = colours["ink"], colours["background"]
    return {
        "text": ink,
        "text-muted": colours["ink-dim"],
        "text-disabled": colours["ink-dim"],
        "text-primary": colours["key-fg"],
        "text-error": colours["alarm"],
        "text-warning": colours["warn"],
        "text-success": colours["calm"],
        "text-accent": colours["private"],
        "block-cursor-background": colours["cursor-bg"],
        "block-cursor-foreground": colours["cursor-fg"],
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": colours["cursor-blur-bg"],
        "block-cursor-blurred-foreground": ink,
        "block-cursor-blurred-text-style": "none",
        "block-hover-background": colours["cursor-blur-bg"],
        "input-cursor-background": ink,
        "input-cursor-foreground": back,
        "input-selection-background": colours["cursor-bg"],
        "input-selection-foreground": colours["cursor-fg"],
        "border": colours["key-fg"],
        "border-blurred": colours["ink-dim"],
        "scrollbar": colours["scroll"],
        "scrollbar-hover": colours["ink-dim"],
        "scrollbar-active": colours["key-fg"],
        "scrollbar-background": back,
        "scrollbar-background-hover": back,
        "scrollbar-background-active": back,
        "scrollbar-corner-color": back,
        "button-foreground": ink,
        "button-color-foreground": back,
        "button-focus-text-style": "bold reverse",
        "cursor-flat": "1" if flat else "0",
    }


def _theme(name: str, *, dark: bool, colours: dict[str, str], flat: bool = False) -> Theme:
    """A theme of this module."""
    return Theme(
        name=name,
        primary=colours["key-fg"],
        secondary=colours["private"],
        warning=colours["warn"],
        error=colours["alarm"],
        success=colours["calm"],
        accent=colours["key-fg"],
        foreground=colours["ink"],
        background=colours["background"],
        surface=colours["surface"],
        panel=colours["bar-bg"],
        boost=colours["surface"],
        dark=dark,
        text_alpha=1.0,
        variables={**_standard(colours, flat=flat), **colours},
    )


def begin_with(app: App[None], name: str) -> None:
    """Take the first theme of a run. Setting it would have every style read and applied a second time."""
    if not app.available_themes[name].dark or app.ansi_color:
        app.theme = name
        return
    app.set_reactive(type(app).theme, name)
    app.add_class(f"-theme-{name}", "-dark-mode", update=False)
    app.stylesheet.set_variables(app.get_css_variables())


def themes() -> tuple[Theme, ...]:
    """The themes of socialtriage, the everyday ones first."""
    return tuple(_theme(name, dark=dark, flat=flat, colours=colours) for name, dark, flat, colours in _PALETTES)


_PALETTES: tuple[tuple[str, bool, bool, dict[str, str]], ...] = (
    (
        "socialtriage-dark",
        True,
        False,
        {
            "background": "#14181d",
            "surface": "#1b2027",
            "ink": "#e3e7ec",
            "ink-dim": "#a3adb9",
            "alarm": "#ff9a8a",
            "warn": "#f0c674",
            "calm": "#8fd0a9",
            "private": "#d9b1ff",
            "key-fg": "#86b9ff",
            "bar-bg": "#222a34",
            "bar-fg": "#e3e7ec",
            "cursor-bg": "#24354f",
            "scroll": "#3b4654",
            "cursor-fg": "#ffffff",
            "cursor-blur-bg": "#222a34",
            "mark-bg": "#2f2c1c",
            "hit-bg": "#f0c674",
            "hit-fg": "#14181d",
        },
    ),
    (
        "socialtriage-light",
        False,
        False,
        {
            "background": "#fcfcfa",
            "surface": "#f1f2f0",
            "ink": "#1b2026",
            "ink-dim": "#535c67",
            "alarm": "#a11d0a",
            "warn": "#714400",
            "calm": "#156037",
            "private": "#642a98",
            "key-fg": "#0a4f9e",
            "bar-bg": "#e2e6ea",
            "bar-fg": "#1b2026",
            "cursor-bg": "#d3e3f8",
            "scroll": "#b9c0c8",
            "cursor-fg": "#101418",
            "cursor-blur-bg": "#e6eaef",
            "mark-bg": "#f6efcf",
            "hit-bg": "#ffe08a",
            "hit-fg": "#1b2026",
        },
    ),
    (
        "socialtriage-dark-contrast",
        True,
        True,
        {
            "background": "#000000",
            "surface": "#000000",
            "ink": "#ffffff",
            "ink-dim": "#d8d8d8",
            "alarm": "#ffb3a9",
            "warn": "#ffe14d",
            "calm": "#9dffb8",
            "private": "#f1c6ff",
            "key-fg": "#9bd4ff",
            "bar-bg": "#1c1c1c",
            "bar-fg": "#ffffff",
            "cursor-bg": "#ffe14d",
            "scroll": "#d8d8d8",
            "cursor-fg": "#000000",
            "cursor-blur-bg": "#333333",
            "mark-bg": "#26244a",
            "hit-bg": "#9bd4ff",
            "hit-fg": "#000000",
        },
    ),
    (
        "socialtriage-light-contrast",
        False,
        True,
        {
            "background": "#ffffff",
            "surface": "#ffffff",
            "ink": "#000000",
            "ink-dim": "#333333",
            "alarm": "#8a0000",
            "warn": "#5a3a00",
            "calm": "#00471b",
            "private": "#4a0072",
            "key-fg": "#00307a",
            "bar-bg": "#e6e6e6",
            "bar-fg": "#000000",
            "cursor-bg": "#00307a",
            "scroll": "#333333",
            "cursor-fg": "#ffffff",
            "cursor-blur-bg": "#d8d8d8",
            "mark-bg": "#fff3b0",
            "hit-bg": "#00307a",
            "hit-fg": "#ffffff",
        },
    ),
)


def complete(variables: dict[str, str]) -> dict[str, str]:
    """`variables` of any theme, ours added where the theme has none."""
    if STANDARD.keys() <= variables.keys():
        return variables
    ours = {name: variables.get(standard, "white") for name, standard in STANDARD.items()}
    if variables.get("background", "").startswith("#") and ours["cursor-bg"].startswith("#"):
        ours |= _solid(variables, ours)
    # Colours that are made for a theme's page are not for its cursor: some have the one that the cursor is filled with.
    return {"cursor-flat": "1", **ours, **variables}


def _solid(variables: dict[str, str], ours: dict[str, str]) -> dict[str, str]:
    """Colours in place of `auto`: drawn line by line it knows no page, and was white on the white of a light theme."""
    from textual.color import Color

    back, cursor = Color.parse(variables["background"]), Color.parse(ours["cursor-bg"])
    dim = back.blend(back.get_contrast_text(1.0), DIM)
    return {"ink-dim": dim.hex, "cursor-fg": cursor.get_contrast_text(1.0).hex}
