"""Files of messages that were received elsewhere, read row by row: CSV, JSON lines, single mails, mailboxes (mbox).

A row that cannot be used is handed on as a `BadRow` with its line; the rest of the file is read all the same. Nothing
is held in memory but the row at hand.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeAlias

from socialtriage.domain.errors import StoreError, UsageError

KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".eml", ".mbox")
COLUMNS = (
    "text",
    "person",
    "handle",
    "at",
    "id",
    "conversation",
    "voice",
    "channel",
    "visibility",
    "subject",
    "url",
    "place",
)
"""The columns of a table, and the keys of a line of JSON; `text` alone must be there."""
SYNONYMS = {
    **dict.fromkeys(("message", "body", "content", "comment", "transcript"), "text"),
    **dict.fromkeys(("name", "author", "sender", "from"), "person"),
    **dict.fromkeys(("username", "user", "phone", "email"), "handle"),
    **dict.fromkeys(("date", "time", "timestamp", "created_at", "received_at", "sent_at"), "at"),
    **dict.fromkeys(("message_id", "remote_id", "external_id"), "id"),
    **dict.fromkeys(("conversation_id", "thread", "thread_id", "chat_id"), "conversation"),
}
"""What exports of other tools call the columns. A column by its own name goes before one by another."""
MOST_LINE = 4 * 1024 * 1024
"""Bytes of a line of JSON."""
_HALVES = re.compile("[\ud800-\udfff]")
MOST_MAIL = 64 * 1024 * 1024
"""Bytes of one mail."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file, and its values by column."""

    line: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: the line that it begins at, and its bytes."""

    line: int
    data: bytes


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why, in words."""

    line: int
    why: str


Found: TypeAlias = Row | Mail | BadRow


def read(path: Path) -> Iterator[Found]:
    """What a file holds, by its ending. Raises `UsageError` for one that is none of these, `StoreError`."""
    if not path.is_file():
        raise UsageError(f"There is no file {path}.")
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise UsageError(f"{path.name} is none of the files that can be read: {', '.join(KINDS)}.")
    try:
        if kind in (".csv", ".tsv"):
            with _opened(path) as stream:
                yield from _table(stream, path.name)
        elif kind in (".jsonl", ".ndjson"):
            yield from _json_lines(path)
        elif kind == ".mbox":
            yield from _mbox(path)
        else:
            yield _mail(path)
    except OSError as exc:
        raise StoreError(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def column(name: str) -> str:
    """A column by any of its names; `Person`, `Conversation ID` and `created at` are understood."""
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    return SYNONYMS.get(plain, plain)


def unknown_columns(path: Path) -> list[str]:
    """Columns of a table that mean nothing here, so that somebody may say so. Raises as `read` does."""
    if path.suffix.lower() not in (".csv", ".tsv") or not path.is_file():
        return []
    try:
        with _opened(path) as stream:
            names = next(csv.reader([stream.readline()], delimiter=_delimiter(stream)), [])
    except (OSError, csv.Error) as exc:
        raise StoreError(f"{path} cannot be read: {exc}.") from exc
    return [name.strip() for name in names if name.strip() and column(name) not in COLUMNS]


# --- tables -----------------------------------------------------------------------------------------------


def _opened(path: Path) -> TextIO:
    """A table's text: UTF-8, or what says of itself that it is UTF-16, as spreadsheets write "Unicode text"."""
    with path.open("rb") as stream:
        wide = stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    if wide:
        return path.open(encoding="utf-16", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _delimiter(stream: TextIO) -> str:
    """What stands between the columns of the first line: a comma, a semicolon or a tab."""
    stream.seek(0)
    head = stream.readline(65_536)
    stream.seek(0)
    return max(",;\t", key=lambda sign: (head.count(sign), sign == ","))


def _table(stream: TextIO, name: str) -> Iterator[Found]:
    delimiter = _delimiter(stream)
    raw: list[str] = []
    reader = csv.reader(_lines(stream, raw), delimiter=delimiter)
    names = next(reader, [])
    if not any(column(name) == "text" for name in names):
        raise UsageError(
            f"The first line of {name} names no column `text`.", hint=f"Columns may be: {', '.join(COLUMNS)}."
        )
    while True:
        line = reader.line_num + 1
        raw.clear()
        try:
            cells = next(reader, None)
        except csv.Error as exc:
            yield BadRow(line, f"it is no row of a table: {exc}{_unread(line, reader.line_num)}")
            continue
        if cells is None:
            return
        if (fault := _quoting(raw, delimiter)) is not None:
            yield BadRow(line, f"{fault}{_unread(line, reader.line_num)}")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names):
            yield BadRow(line, f"it has {len(cells)} cells, and the first line names {len(names)} columns")
            continue
        yield _utf8(Row(line, _values(zip(names, cells, strict=False))))


def _quoting(raw: list[str], delimiter: str) -> str | None:
    """What is wrong with the quotation marks of the lines of one row; they may have swallowed the rows below it."""
    if len(raw) == 1 and raw[0].count('"') % 2 == 0:
        return None
    try:
        next(csv.reader(raw, delimiter=delimiter, strict=True), None)
    except csv.Error as exc:
        if "end of data" in str(exc):
            return "a quotation mark is opened in it and never closed"
        return "a quotation mark is opened in it and closed in the middle of a cell" if len(raw) > 1 else None
    return None


def _unread(first: int, last: int) -> str:
    return f"; lines {first} to {last} were not read" if last > first else ""


def _lines(stream: TextIO, raw: list[str]) -> Iterator[str]:
    """Lines, of one that is too long its beginning: its first cell is more than a cell may hold, so that it is told.
    Each is put into `raw` too.
    """
    while line := stream.readline(MOST_LINE):
        raw.append(line)
        yield line if line.endswith(("\n", "\r")) or len(line) < MOST_LINE else f"{line}\n"
        while len(line) == MOST_LINE and not line.endswith(("\n", "\r")):
            line = stream.readline(MOST_LINE)


def _values(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values by column; of several columns of one meaning the first that is not empty, its own name before all."""
    values: dict[str, str] = {}
    for name, value in pairs:
        key = column(name)
        if key in COLUMNS and value.strip() and (key not in values or name.strip().lower() == key):
            values[key] = value
    return values


def _utf8(row: Row) -> Found:
    if any("\udc80" <= char <= "\udcff" for value in row.values.values() if not value.isascii() for char in value):
        return BadRow(row.line, "it is not UTF-8; save the file as CSV UTF-8")
    return row


# --- lines of JSON ----------------------------------------------------------------------------------------


def _json_lines(path: Path) -> Iterator[Found]:
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MOST_LINE + 1):
            number += 1
            if len(line) > MOST_LINE:
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MOST_LINE)
                yield BadRow(number, f"it is longer than {MOST_LINE // 2**20} MB")
            elif line.strip(b"\xef\xbb\xbf \t\r\n"):
                yield _json_row(number, line.removeprefix(b"\xef\xbb\xbf"))


def _json_row(number: int, line: bytes) -> Found:
    try:
        data = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return BadRow(number, "it is not JSON in UTF-8")
    if not isinstance(data, dict):
        return BadRow(number, "it is not a JSON object")
    named = {name: value for name, value in data.items() if column(name) in COLUMNS and value is not None}
    for name, value in named.items():
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            return BadRow(number, f"{name} is neither a text nor a number")
    # Half a character, as JSON can spell it, could not be stored.
    return Row(number, _values((name, _HALVES.sub("\N{REPLACEMENT CHARACTER}", str(v))) for name, v in named.items()))


# --- mails ------------------------------------------------------------------------------------------------


def _mail(path: Path) -> Found:
    with path.open("rb") as stream:
        data = stream.read(MOST_MAIL + 1)
    return _judged(1, data)


def _judged(line: int, data: bytes) -> Found:
    if len(data) > MOST_MAIL:
        return BadRow(line, f"the mail is larger than {MOST_MAIL // 2**20} MB")
    head = data.lstrip(b"\r\n").partition(b"\n")[0]
    if b":" not in head:
        return BadRow(line, "it is no mail: it does not begin with a header")
    return Mail(line, data)


def _mbox(path: Path) -> Iterator[Found]:
    """Mails between lines that begin with `From `, after an empty line (RFC 4155); `>From ` is taken back."""
    with path.open("rb") as stream:
        parts: list[bytes] = []
        size = begun = 0
        blank = True
        for number, line in enumerate(stream, 1):
            if blank and line.startswith(b"From "):
                if begun:
                    yield _judged(begun, b"".join(parts))
                parts, size, begun = [], 0, number + 1
            elif begun:
                size += len(line)
                if size <= MOST_MAIL + len(line):
                    parts.append(line[1:] if line.lstrip(b">").startswith(b"From ") and line[:1] == b">" else line)
            elif line.strip():
                yield BadRow(number, "the file is no mailbox: it does not begin with a line `From …`")
                return
            blank = not line.strip()
        if begun:
            yield _judged(begun, b"".join(parts))
