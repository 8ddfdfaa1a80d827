"""Everything that is wrong with a configuration, collected and told in one go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from socialtriage.domain.errors import ConfigError

Path = tuple[str | int, ...]
"""Where something is in the file: `("contacts", 0, "email")`."""

ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?", re.ASCII)
"""What an id may look like: it stands in commands, file names and dotted keys."""
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SHOWN = 60
_COMPARED = 2_000
_MANY = 100
_MOST = 1_000


def quoted(value: object) -> str:
    """A value from the file for a message: on one line, short, nothing in it that could drive a terminal."""
    text = value if isinstance(value, str) else str(value)
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 1] + "…"
    return '"' + "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text) + '"'


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word that was most likely meant."""
    if len(word) > 100:
        return None
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in islice(valid, _COMPARED)}
    found = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.55)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """` (did you mean X?)`, or nothing where no valid word is near."""
    found = nearest(word, valid)
    return f" (did you mean {found}?)" if found is not None else ""


def entry_label(entries: object, index: int) -> str | None:
    """The id of a list entry, where it has one that can stand in a dotted key."""
    if isinstance(entries, list) and 0 <= index < len(entries) and isinstance(entries[index], dict):
        label = entries[index].get("id")
        if isinstance(label, str) and ID.fullmatch(label):
            return label
    return None


def dotted(path: Path, document: Mapping[str, Any]) -> str:
    """The dotted key of a place: list entries by id where there is one, otherwise by index."""
    words: list[str] = []
    here: object = document
    for step in path:
        if isinstance(step, int):
            label = entry_label(here, step)
            if label is None:
                words[-1] += f"[{step}]"
            else:
                words.append(label)
            here = here[step] if isinstance(here, list) and step < len(here) else None
        else:
            words.append(step if _BARE.fullmatch(step) else quoted(step))
            here = here.get(step) if isinstance(here, dict) else None
    return ".".join(words)


def line_of(path: Path, lines: Mapping[Path, int]) -> int:
    """The line of a place, or of the nearest table above it; 0 where even that is not in the text.

    A key with dots may stand there in quotes, as one step.
    """
    for length in range(len(path), 0, -1):
        steps = path[:length]
        joined = (steps[0], ".".join(str(step) for step in steps[1:]))
        if (line := lines.get(steps) or lines.get(joined)) is not None:
            return line
    return 0


class Problems:
    """The faults found so far. A place that is faulty already takes no second one, nor does one above or below it."""

    def __init__(self, file: str, text: str = "", document: Mapping[str, Any] | None = None) -> None:
        self.file = file
        self.text = text
        self.document: Mapping[str, Any] = document if document is not None else {}
        self._found: dict[Path, str] = {}
        self._above: set[Path] = set()
        self._untold = 0
        self._loose: list[tuple[int, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found or self._loose)

    def add(self, path: Path, what: str) -> None:
        """Note a fault at a place of the file."""
        if self.covers(path):
            return
        if len(self._found) >= _MOST:
            self._untold += 1
            return
        self._found[path] = what
        self._above.update(path[:length] for length in range(1, len(path)))

    def add_line(self, line: int, what: str) -> None:
        """Note a fault of the text itself; `line` 0 for the file as a whole."""
        self._loose.append((line, what))

    def covers(self, path: Path) -> bool:
        """Whether this place, one above it or one below it is known to be faulty."""
        return path in self._above or any(path[:length] in self._found for length in range(1, len(path) + 1))

    @property
    def many(self) -> bool:
        """Whether there are so many that looking for the nearest valid name of each would take too long."""
        return len(self._found) >= _MANY

    def sentences(self) -> list[str]:
        """`file:line: dotted.key: what is wrong`, in the order of the file."""
        lines = self._lines() if self._found else {}
        told = [(line, f"{self._where(line)}: {what}") for line, what in self._loose]
        for path, what in self._found.items():
            line = line_of(path, lines)
            told.append((line, f"{self._where(line)}: {dotted(path, self.document)}: {what}"))
        sentences = [sentence for _, sentence in sorted(told, key=lambda item: item[0])]
        return [*sentences, f"{self.file}: and {self._untold} more"] if self._untold else sentences

    def error(self) -> ConfigError:
        """All of it as one error."""
        sentences = self.sentences()
        count = len(self._found) + len(self._loose) + self._untold
        number = "1 problem" if count == 1 else f"{count} problems"
        return ConfigError(f"The configuration {self.file} cannot be used: {number}.", problems=sentences)

    def raise_if_any(self) -> None:
        """Raises `ConfigError` with every fault, if there is one."""
        if self:
            raise self.error()

    def _where(self, line: int) -> str:
        return f"{self.file}:{line}" if line else self.file

    def _lines(self) -> dict[Path, int]:
        from socialtriage.config.lines import key_lines

        return key_lines(self.text)
