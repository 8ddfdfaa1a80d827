"""Changes to config.toml that leave the user's comments, order and spacing as they are.

A change is checked like a whole configuration before it is written; a faulty one leaves the file untouched.
"""

from __future__ import annotations

import datetime as dt
import re
import stat
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Item, Table, Whitespace

from socialtriage.config.files import write_atomically
from socialtriage.config.load import parse, read
from socialtriage.config.problems import did_you_mean, quoted
from socialtriage.domain.errors import ConfigError, UsageError

Value: TypeAlias = str | bool | dt.date | Sequence[str]
ListName = Literal["accounts", "areas", "contacts", "answers"]

_INDEX = re.compile(r"(.+)\[(\d{1,4})\]")


def set_value(path: Path, key: str, value: Value | None, networks: Sequence[str] | None = None) -> None:
    """Set a dotted key, such as `contacts.waste-team.email`; None takes the key away.

    Raises `UsageError` when there is no such place, `ConfigError` when the result would not be valid.
    """

    def change(document: tomlkit.TOMLDocument) -> None:
        table, name = _place(document, key)
        if value is None:
            table.pop(name, None)
        else:
            put(table, name, value)

    rewrite(path, change, networks)


def add_entry(path: Path, name: ListName, entry: Mapping[str, Value], networks: Sequence[str] | None = None) -> None:
    """Append an account, area, contact or answer. Raises `ConfigError` when the result would not be valid."""
    rewrite(path, lambda document: append(document, name, entry), networks)


def rewrite(path: Path, change: Callable[[tomlkit.TOMLDocument], None], networks: Sequence[str] | None = None) -> None:
    """Apply `change` to the document of a file and put the result in its place, with the mode the file had.

    Raises `ConfigError` when the file or the result is not valid, or when somebody else changed the file meanwhile.
    """
    before = read(path)
    parse(before, str(path), networks)
    try:
        document = tomlkit.parse(before.replace("\r\n", "\n"))
        change(document)
        after = tomlkit.dumps(document)
    except (TOMLKitError, RecursionError) as exc:
        raise ConfigError(f"{path} cannot be changed by the program.", hint="Change it in an editor.") from exc
    parse(after, str(path), networks)
    if "\r\n" in before:
        after = after.replace("\n", "\r\n")
    if after == before:
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if read(path) != before:
        raise ConfigError(f"{path} was changed by somebody else meanwhile; nothing was written.", hint="Try again.")
    write_atomically(path, after, mode)


def put(table: MutableMapping[str, Any], name: str, value: Value) -> None:
    """Set a key of a table; a new one goes below the others, not below the comments of the next table."""
    plain: Any = list(value) if isinstance(value, list | tuple) else value
    if name in table or not isinstance(table, Table):
        table[name] = plain
        return
    tail = _cut_tail(table.value)
    table[name] = plain
    table.value.body.extend(tail)


def append(document: tomlkit.TOMLDocument, name: ListName, entry: Mapping[str, Value]) -> None:
    """Append a table to a list of tables, before the comments that belong to what follows."""
    made = tomlkit.table()
    for key, value in entry.items():
        made[key] = list(value) if isinstance(value, list | tuple) else value
    entries = document.get(name)
    if isinstance(entries, Array):
        inline = tomlkit.inline_table()
        inline.update(made.unwrap())
        entries.append(inline)
        return
    if not isinstance(entries, AoT):
        entries = tomlkit.aot()
        document[name] = entries
    tail = _cut_tail(entries[-1].value) if len(entries) else []
    made.trivia.indent = "\n"
    entries.append(made)
    entries[-1].value.body.extend(tail)


def entry(document: Mapping[str, Any], name: ListName, wanted: str) -> MutableMapping[str, Any] | None:
    """The table of a list that has this id."""
    return next((each for each in document.get(name, []) if each.get("id") == wanted), None)


def _cut_tail(container: Container) -> list[tuple[Any, Item]]:
    """Take off everything from the first blank line after the last key: it speaks of what follows."""
    body = container.body
    start = max((number for number, (key, _) in enumerate(body) if key is not None), default=-1) + 1
    while start < len(body) and not isinstance(body[start][1], Whitespace):
        start += 1
    tail = body[start:]
    del body[start:]
    return tail


def _place(document: tomlkit.TOMLDocument, key: str) -> tuple[MutableMapping[str, Any], str]:
    """The table and the key in it that a dotted key means; tables on the way are made where they are missing."""
    steps = key.split(".")
    here: Any = document
    while len(steps) > 1:
        step = steps.pop(0)
        indexed = _INDEX.fullmatch(step)
        name = indexed[1] if indexed else step
        following = here.get(name)
        if following is None:
            following = here.setdefault(name, tomlkit.table())
        if isinstance(following, list):
            following = _at(following, int(indexed[2])) if indexed else _by_id(following, steps, name)
        if not isinstance(following, MutableMapping) or not steps:
            raise UsageError(f"There is no place {quoted(key)} in the configuration.")
        here = following
    return here, steps[0]


def _at(entries: list[Any], number: int) -> Any:
    return entries[number] if number < len(entries) else None


def _by_id(entries: list[Any], steps: list[str], name: str) -> Any:
    """The entry whose id the next steps spell, the longest first: an id may hold dots. Takes those steps away."""
    ids = {str(each.get("id")): each for each in entries if isinstance(each, MutableMapping)}
    for length in range(len(steps) - 1, 0, -1):
        found = ids.get(".".join(steps[:length]))
        if found is not None:
            del steps[:length]
            return found
    raise UsageError(f"There is no {quoted(steps[0])} in {name}{did_you_mean(steps[0], ids)}.")
