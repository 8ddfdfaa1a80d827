"""The `[keys]` table: a preset, and keys by action id. The screens know the actions; here only the shape is judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from socialtriage.config.problems import Path, Problems, did_you_mean, quoted

Names = Callable[[], Collection[str]]
"""Gives the names there are, when they are asked for: the table of actions costs an import."""
PRESETS = ("default", "aerc", "gmail")
"""What `preset` may be."""

_ACTION = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*", re.ASCII)
_KEY = re.compile(r"(?:(?:ctrl|shift|alt|super)\+)*(?:[a-z0-9_]+|[^\s,])", re.ASCII)


def split_keys(text: str) -> tuple[str, ...]:
    """The keys of a list such as `F,f6`; a comma alone is the key `comma`, an empty text is no key at all."""
    if text.strip() == ",":
        return ("comma",)
    return tuple(key.strip() for key in text.split(",")) if text.strip() else ()


def check_keys(keys: Mapping[str, str], problems: Problems, actions: Names | None = None) -> None:
    """Note every fault of the table; `actions` gives the ids there are, None to take any that looks like one."""
    ids = actions() if actions and keys.keys() - {"preset"} else None
    for name, text in keys.items():
        path: Path = ("keys", *name.split("."))
        if name == "preset":
            if text not in PRESETS:
                problems.add(
                    path,
                    f"there is no preset {quoted(text)}{did_you_mean(text, PRESETS)}; there are {', '.join(PRESETS)}",
                )
        elif not _ACTION.fullmatch(name) or (ids is not None and name not in ids):
            near = did_you_mean(name, [*(ids or ()), "preset"])
            problems.add(path, f"there is no action {quoted(name)}{near}")
        else:
            _check_list(text, path, problems)


def _check_list(text: str, path: Path, problems: Problems) -> None:
    for key in split_keys(text):
        if not key:
            problems.add(path, f"a key is missing in {quoted(text)}; write the key , as comma")
        elif not _KEY.fullmatch(key) or not key.isprintable():
            problems.add(path, f"{quoted(key)} is no key; write keys such as r, R, ?, f6, ctrl+r, separated by commas")
