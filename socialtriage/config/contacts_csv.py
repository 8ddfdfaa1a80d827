"""Many contacts at once, from a spreadsheet: columns id, name, email, deputy, answers_within, areas.

Only `id` is needed for a contact that exists; an empty cell leaves what is there. Several areas in a cell are
separated by `;`, `,` or blanks. Faulty rows are refused with their reason, the others are taken.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tomlkit

from socialtriage.config import edit, values
from socialtriage.config.load import MAX_BYTES, load, shown_path
from socialtriage.config.model import Config, Contact
from socialtriage.config.problems import did_you_mean, quoted
from socialtriage.domain.errors import UsageError

COLUMNS = ("id", "name", "email", "deputy", "answers_within", "areas")
_PLAIN = ("name", "email", "deputy", "answers_within")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the spreadsheet; `line` counts from 1, the heading included."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a row: its line, the contact's id, and words on it."""

    line: int
    id: str
    words: str = ""


@dataclass(slots=True)
class Imported:
    """What an import did, row by row."""

    added: list[Line] = field(default_factory=list)
    changed: list[Line] = field(default_factory=list)
    unchanged: list[Line] = field(default_factory=list)
    refused: list[Line] = field(default_factory=list)


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV file as spreadsheets save them: any of `,` `;` tab, UTF-8 or Windows' own encoding.

    Raises `UsageError` when it cannot be read or lacks the columns.
    """
    shown = shown_path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise UsageError(f"{shown} cannot be read: {exc.strerror or exc}.") from exc
    if len(data) > MAX_BYTES:
        raise UsageError(f"{shown} is larger than one megabyte, so it is no list of contacts.")
    text = _decoded(data)
    heading = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower().replace(" ", "_") for name in next(reader, [])]
        _check_columns(names, shown)
        rows = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(reader.line_num, dict(zip(names, (cell.strip() for cell in cells), strict=False))))
    except csv.Error as exc:
        raise UsageError(f"{shown}:{reader.line_num}: cannot be read as CSV: {exc}.") from exc
    return rows


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _check_columns(names: Sequence[str], file: str) -> None:
    faults = [f"{quoted(name)}{did_you_mean(name, COLUMNS)}" for name in names if name not in COLUMNS]
    if faults:
        raise UsageError(f"{file}:1: unknown columns: {', '.join(faults)}.", hint=f"Known: {', '.join(COLUMNS)}.")
    if "id" not in names:
        raise UsageError(f"{file}:1: there is no column id.", hint=f"Known columns: {', '.join(COLUMNS)}.")
    if len(set(names)) != len(names):
        raise UsageError(f"{file}:1: a column is there twice.")


def import_contacts(path: Path, rows: Iterable[Row], networks: Sequence[str] | None = None) -> Imported:
    """Add and change contacts of the configuration in `path`; nothing else in it changes.

    Raises `ConfigError` when the configuration is not valid to begin with; the file is then untouched.
    """
    plan = _Plan(load(path, networks))
    plan.take(rows)
    if plan.done.added or plan.done.changed:
        edit.rewrite(path, plan.apply, networks)
    return plan.done


class _Plan:
    """Which rows can be taken, given the others."""

    def __init__(self, config: Config) -> None:
        self.done = Imported()
        self._before = {contact.id: contact for contact in config.contacts}
        self._areas = {area.id: area for area in config.areas}
        self._rows: dict[str, Row] = {}

    def take(self, rows: Iterable[Row]) -> None:
        """Sort every row into added, changed, unchanged or refused."""
        for row in rows:
            name = row.cells.get("id", "")
            try:
                self._check_alone(row, name)
            except ValueError as exc:
                self._refuse(row, str(exc))
            else:
                self._rows[name] = row
        while self._refuse_one_deputy():
            pass
        for name, row in self._rows.items():
            words = self._changes(name, row)
            if name not in self._before:
                self.done.added.append(Line(row.line, name, words))
            else:
                (self.done.changed if words else self.done.unchanged).append(Line(row.line, name, words))
        self.done.refused.sort(key=lambda line: line.line)

    def apply(self, document: tomlkit.TOMLDocument) -> None:
        """Write the rows that were taken into the document."""
        for name, row in self._rows.items():
            table = edit.entry(document, "contacts", name)
            given = {key: row.cells[key] for key in _PLAIN if row.cells.get(key)}
            if table is None:
                edit.append(document, "contacts", {"id": name, **given})
            else:
                for key, value in given.items():
                    if getattr(self._before[name], key) != value:
                        edit.put(table, key, value)
            for area_id in self._new_areas(name, row):
                area = edit.entry(document, "areas", area_id)
                if area is not None:
                    edit.put(area, "contacts", [*self._areas[area_id].contacts, *self._joining(area_id)])

    def _joining(self, area_id: str) -> list[str]:
        return [name for name, row in self._rows.items() if area_id in self._new_areas(name, row)]

    def _refuse(self, row: Row, why: str) -> None:
        self.done.refused.append(Line(row.line, row.cells.get("id", ""), why))

    def _check_alone(self, row: Row, name: str) -> None:
        """What can be said of a row without the others. Raises `ValueError`."""
        values.check_id(name)
        if name in self._rows:
            raise ValueError(f"{quoted(name)} is on line {self._rows[name].line} already")
        twin = next((known for known in self._before if known.casefold() == name.casefold() != known), None)
        if twin is not None and twin != name:
            raise ValueError(f"{quoted(name)} differs from {quoted(twin)} by capitals only")
        for key in ("name", "email"):
            if name not in self._before and not row.cells.get(key):
                raise ValueError(f"{key} is missing")
        if not row.cells.get("name", "").isprintable():
            raise ValueError("name holds control characters, or several lines")
        if row.cells.get("email"):
            values.check_address(row.cells["email"])
        if row.cells.get("answers_within"):
            values.working_time(row.cells["answers_within"])
        for area in _words(row.cells.get("areas", "")):
            if area not in self._areas:
                raise ValueError(f"there is no area {quoted(area)}{did_you_mean(area, self._areas)}")

    def _refuse_one_deputy(self) -> bool:
        """Refuse the last row whose deputy does not exist or is the same contact; says whether there was one."""
        deputies = {name: contact.deputy for name, contact in self._before.items()}
        deputies.update({name: row.cells.get("deputy") or deputies.get(name) for name, row in self._rows.items()})
        for name, row in reversed(self._rows.items()):
            wanted = deputies[name]
            if wanted is not None and wanted not in deputies:
                self._refuse(row, f"there is no contact {quoted(wanted)} for a deputy{did_you_mean(wanted, deputies)}")
            elif wanted == name:
                self._refuse(row, "nobody stands in for themselves")
            else:
                continue
            del self._rows[name]
            return True
        return False

    def _new_areas(self, name: str, row: Row) -> list[str]:
        return [area for area in _words(row.cells.get("areas", "")) if name not in self._areas[area].contacts]

    def _changes(self, name: str, row: Row) -> str:
        """What the row changes, in words; empty where it changes nothing."""
        before: Contact | None = self._before.get(name)
        changed = [
            key for key in _PLAIN if row.cells.get(key) and (before is None or getattr(before, key) != row.cells[key])
        ]
        areas = self._new_areas(name, row)
        return ", ".join([*changed, *([f"areas {' '.join(areas)}"] if areas else [])])


def _words(cell: str) -> list[str]:
    return list(dict.fromkeys(word for word in re.split(r"[;,\s]+", cell) if word))
