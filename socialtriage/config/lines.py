"""On which line of a TOML text a key stands; the standard library's parser does not say.

The text has been parsed before, so the scanner trusts it to be valid and stops quietly where it is not.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import suppress

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


class _Scanner:
    """One walk over the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._entries: dict[Path, int] = {}

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
        return path

    def _pair(self, table: Path) -> None:
        start = self.at
        path = table
        for word in self._key():
            path = (*path, word)
            self._mark(path, start)
        self._expect("=")
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
        self.lines.setdefault(path, bisect_right(self._breaks, at - 1) + 1)

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
