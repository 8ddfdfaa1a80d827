"""On which line of a TOML text a key stands, and what stands there twice; the standard library's parser does not say.

The text has been parsed before, so the scanner trusts it to be valid and stops quietly where it is not.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import suppress
from typing import NamedTuple

from socialtriage.config.problems import Path

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_BARE_VALUE = re.compile(r"[^,\]}\n#]+")


class _Lost(Exception):
    """The text is not what the scanner expects."""


def key_lines(text: str) -> dict[Path, int]:
    """Line numbers, from 1, of every table, key and list entry."""
    scanner = _Scanner(text)
    with suppress(_Lost, RecursionError):
        scanner.document()
    return scanner.lines


class Clash(NamedTuple):
    """Two statements on what one place is: `value`, `table` (`[a]`) or `entry` (`[[a]]`), with their lines."""

    path: Path
    first: str
    first_line: int
    second: str
    second_line: int


def clashes(text: str) -> list[Clash]:
    """Places that a text gives twice, in its order; as far as the text can be read."""
    scanner = _Scanner(text)
    with suppress(_Lost, RecursionError):
        scanner.document()
    return scanner.clashes


class _Scanner:
    """One walk over the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self.clashes: list[Clash] = []
        self._entries: dict[Path, int] = {}
        self._given: dict[Path, tuple[str, int]] = {}

    def document(self) -> None:
        """Read every statement."""
        table: Path = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> Path:
        start = self.at
        array = self.text.startswith("[[", start)
        self.at += 2 if array else 1
        words = self._key()
        path: Path = ()
        for number, word in enumerate(words, start=1):
            path = (*path, word)
            self._mark(path, start)
            if array and number == len(words):
                self._entries[path] = self._entries.get(path, -1) + 1
            if path in self._entries:
                path = (*path, self._entries[path])
                self._mark(path, start)
        self._expect("]]" if array else "]")
        # An entry takes the place of the whole list, once, and one of its own.
        if array and path[-1] == 0:
            self._give(path[:-1], "entry", start)
        self._give(path, "entry" if array else "table", start)
        return path

    def _pair(self, table: Path) -> None:
        start = self.at
        path = table
        for word in self._key():
            path = (*path, word)
            self._mark(path, start)
        self._expect("=")
        self._give(path, "value", start)
        self._skip(_SPACE)
        self._value(path)

    def _key(self) -> list[str]:
        words = []
        while True:
            self._skip(_SPACE)
            words.append(_plain(self._skip(_KEY)))
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return words
            self.at += 1

    def _value(self, path: Path) -> None:
        first = self.text[self.at : self.at + 1]
        if first == "[":
            self._list(path)
        elif first == "{":
            self._inline(path)
        else:
            self._skip(_STRING if first in ('"', "'") else _BARE_VALUE)

    def _list(self, path: Path) -> None:
        self.at += 1
        number = 0
        self._skip(_BLANK)
        while not self.text.startswith("]", self.at):
            self._mark((*path, number), self.at)
            self._value((*path, number))
            number += 1
            self._skip(_BLANK)
            if self.text.startswith(",", self.at):
                self.at += 1
                self._skip(_BLANK)
        self.at += 1

    def _inline(self, path: Path) -> None:
        self.at += 1
        self._skip(_BLANK)
        while not self.text.startswith("}", self.at):
            self._pair(path)
            self._skip(_BLANK)
            if self.text.startswith(",", self.at):
                self.at += 1
                self._skip(_BLANK)
        self.at += 1

    def _mark(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, self._line(at))

    def _give(self, path: Path, what: str, at: int) -> None:
        """Note what a place is said to be; a second word on the same place is a clash."""
        if path in self._given:
            self.clashes.append(Clash(path, *self._given[path], what, self._line(at)))
        else:
            self._given[path] = (what, self._line(at))

    def _line(self, at: int) -> int:
        return bisect_right(self._breaks, at - 1) + 1

    def _expect(self, sign: str) -> None:
        if not self.text.startswith(sign, self.at):
            raise _Lost
        self.at += len(sign)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _Lost
        self.at = match.end()
        return match.group()


def _plain(key: str) -> str:
    if key[:1] == "'":
        return key[1:-1]
    if key[:1] == '"':
        import tomllib

        return next(iter(tomllib.loads(f"{key} = 0")))
    return key
