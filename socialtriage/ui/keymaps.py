"""Keymap presets, and the `[keys]` table of the configuration on top of one of them.

`[keys]` holds `preset = "default"`, `"aerc"` or `"gmail"`, and keys by action id: `"case.handoff" = "F,f6"`. Single
characters are written as they are; other keys by name: `enter`, `escape`, `tab`, `space`, `up`, `pagedown`, `f2`,
`ctrl+r`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from textual.keys import _character_to_key, key_to_character

from socialtriage.domain.late import dataclass
from socialtriage.ui.actions import UNBOUND, Action, Group, Where, table

PRESETS: dict[str, dict[str, str]] = {
    "default": {},
    "aerc": {
        "case.close": "a,e",
        "case.claim": "c",
        "case.assign": "C",
        "case.chase": "P",
        "case.picture": "W",
        "case.pictures": "U",
        "view.next": "],ctrl+n,J",
        "view.previous": "[,K",
        "message.next": "ctrl+j,J",
        "message.previous": "ctrl+k,K",
        "case.area": "t",
        "case.copy": "ctrl+y,y",
        "case.copy_link": "ctrl+l,Y",
        "list.mark": "space,x",
    },
    "gmail": {
        "case.open": "o,enter",
        "app.back": "escape,U",
        "case.area": "l,t",
        "case.snooze": "b",
        "app.undo": "z,u",
        "app.redo": "Z,ctrl+r",
        "list.mark": "x,space",
        "case.browse": "O",
        "case.claim": "a",
    },
}
"""What each preset changes of the defaults."""

_NAMED = {"enter", "escape", "tab", "space", "backspace", "delete", "insert", "up", "down", "left", "right", "home"}
_NAMED |= {"end", "pageup", "pagedown", "comma", *(f"f{number}" for number in range(1, 21))}
_CHORD = re.compile(r"(?:(?:ctrl|shift|alt|super)\+)+(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Keymap:
    """Keys by action id, as Textual's `set_keymap` takes them, with a sentence for each thing that is wrong."""

    keys: dict[str, str]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Not wrong, but worth knowing: actions that lost their key to another."""

    def keys_of(self, action: Action) -> tuple[str, ...]:
        """The keys of `action` as a person reads them."""
        return tuple(shown_key(key) for key in self.keys.get(action.id, action.keys).split(",") if _real(key))


def shown_key(key: str) -> str:
    """A key as it is printed: `question_mark` is `?`, `escape` is `esc`."""
    return _SHOWN.get(key) or (key if key in _NAMED else _character(key)) or key


def keymap(settings: Mapping[str, str]) -> Keymap:
    """The keymap of a `[keys]` table. Whatever is wrong is left out and named in `problems`."""
    settings = dict(settings)
    preset = settings.pop("preset", "default")
    problems: list[str] = []
    if preset not in PRESETS:
        from socialtriage.config.problems import did_you_mean

        problems.append(f'keys.preset: there is no preset "{preset}"{did_you_mean(preset, PRESETS)}')
    chosen = dict(PRESETS.get(preset, {}))
    for name, keys in settings.items():
        fault = _fault(name, keys)
        if fault:
            problems.append(fault)
        else:
            chosen[name] = keys
    complete, lost = _resolve(chosen, set(settings)) if chosen else ({}, [])
    return Keymap(complete, tuple(problems), tuple(lost))


def markdown_table(keys: Keymap | None = None) -> str:
    """The keys as Markdown tables, one for each heading of the help screen: for the README."""
    keys = keys or keymap({})
    lines: list[str] = []
    for group in Group:
        lines += [f"### {group.value}", "", "| key | id | `:` | does | where |", "| --- | --- | --- | --- | --- |"]
        for action in (each for each in table().values() if each.group is group):
            shown = " ".join(f"`{key}`" for key in keys.keys_of(action)).replace("|", "\\|")
            command = f"`:{action.command}`" if action.command else ""
            lines.append(f"| {shown} | `{action.id}` | {command} | {action.tooltip} | {action.where.value} |")
        lines.append("")
    return "\n".join(lines)


def _fault(name: str, keys: str) -> str | None:
    from socialtriage.config.keys import split_keys
    from socialtriage.config.problems import did_you_mean

    if name not in table():
        return f'keys.{name}: there is no action "{name}"{did_you_mean(name, table())}'
    for key in split_keys(keys):
        chord = _CHORD.fullmatch(key)
        base = chord.group(1) if chord else key
        if not base:
            return f'keys.{name}: a key is missing in "{keys}"; write the key , as comma'
        if len(base) > 1 and base not in _NAMED and not _character(base):
            return f'keys.{name}: "{key}" is no key{did_you_mean(base, _NAMED)}'
    return None


def _resolve(chosen: Mapping[str, str], asked: set[str]) -> tuple[dict[str, str], list[str]]:
    """Take a key that was given away from the action that had it by default, in the same place."""
    from socialtriage.config.keys import split_keys

    given = {name: [_long(key) for key in split_keys(keys)] or [UNBOUND + name] for name, keys in chosen.items()}
    lost: list[str] = []
    for action in table().values():
        if action.id in asked or not action.keys:
            continue
        mine = given.get(action.id, action.keys.split(","))
        rivals = [name for name in given if name in asked or action.id not in given]
        taken = {key for name in rivals if name != action.id and _meet(action, table()[name]) for key in given[name]}
        kept = [key for key in mine if key not in taken]
        if kept != mine:
            given[action.id] = kept or [UNBOUND + action.id]
            if not kept:
                lost.append(f'"{action.id}" ({action.label}) has no key now; the palette and `:` still reach it.')
    return {name: ",".join(keys) for name, keys in given.items()}, lost


def _meet(one: Action, other: Action) -> bool:
    """Whether the keys of both can be pressed at the same place, neither being meant to stand in front."""
    return one.where == other.where or frozenset((one.where, other.where)) in _SAME_PLACE


_SAME_PLACE = {
    frozenset(pair)
    for pair in (
        (Where.INBOX, Where.CASES),
        (Where.INBOX, Where.EVERYWHERE),
        (Where.INBOX, Where.LISTS),
        (Where.INBOX, Where.CASE_LIST),
        (Where.CASES, Where.EVERYWHERE),
        (Where.CASES, Where.LISTS),
        (Where.CASES, Where.CASE_LIST),
        (Where.CASES, Where.CASE_SCREEN),
        (Where.CASES, Where.CASE),
        (Where.CASE_LIST, Where.LISTS),
        (Where.CASE_LIST, Where.EVERYWHERE),
        (Where.LISTS, Where.EVERYWHERE),
        (Where.CASE, Where.LISTS),
        (Where.CASE, Where.EVERYWHERE),
        (Where.CASE_SCREEN, Where.EVERYWHERE),
    )
}
"""Places whose keys are live together. A screen of its own (review, outbox, contacts) stands in front of the rest."""


def _long(key: str) -> str:
    """Textual's name of a key: `?` is `question_mark`."""
    return _character_to_key(key) if len(key) == 1 else key


def _character(key: str) -> str | None:
    return {"slash": "/", "backslash": "\\", "minus": "-", "plus": "+"}.get(key) or key_to_character(key)


def _real(key: str) -> bool:
    return bool(key) and not key.startswith(UNBOUND)


_SHOWN = {
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}
