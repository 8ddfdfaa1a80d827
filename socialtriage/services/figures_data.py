"""The figures for programs: one JSON document, or CSV with a line for each value."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from socialtriage.domain.csvsafe import neutralise
from socialtriage.domain.figures import Report, Row, Table, Unit
from socialtriage.domain.spans import Span
from socialtriage.domain.times import iso
from socialtriage.services.figures_brief import sentences

LISTED = ("cases", "value")
"""Columns whose cases a row's filter lists."""
CSV_COLUMNS = ("figure", "item", "label", "measure", "value", "unit", "search")


def as_json(report: Report) -> dict[str, Any]:
    """One document: the period, what was seen, and every figure with its definition and rows.

    A row has `id`, `label`, a value for each column by the column's id (null where there is none), `search` (what
    `list --search` takes; `list --view` where `view` is not `all`), and `also` with that of other columns.
    """
    return {
        "organisation": report.organisation,
        "made_at": iso(report.made_at),
        "made_by": report.officer,
        "timezone": str(report.span.zone),
        "period": _span(report.span),
        "compared_with": _span(report.before),
        "currency": report.currency,
        "coverage": report.coverage,
        "caveats": list(report.caveats),
        "brief": list(sentences(report)),
        "figures": {table.id: _table(table) for table in report.tables},
    }


def json_text(report: Report) -> Iterator[str]:
    """The document as text."""
    yield json.dumps(as_json(report), ensure_ascii=False, indent=2)
    yield "\n"


def _span(span: Span) -> dict[str, str]:
    return {"from": str(span.first), "to": str(span.last), "starts_at": iso(span.start), "ends_at": iso(span.end)}


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "definition": table.definition,
        "summary": table.summary,
        "notes": list(table.notes),
        "columns": [
            {"id": column.id, "title": column.title.strip(), "unit": column.unit.value if column.unit else None}
            for column in table.columns
        ],
        "rows": [_row(table, row) for row in table.rows],
    }


def _row(table: Table, row: Row) -> dict[str, Any]:
    values = {column.id: row.values[place] for place, column in enumerate(table.columns)}
    found: dict[str, Any] = {"id": row.id, "label": row.label, **values, "search": row.search, "view": row.view}
    if row.unit is not None:
        found["unit"] = row.unit.value
    if row.note:
        found["note"] = row.note
    if row.also:
        found["also"] = dict(row.also)
    return found


def as_csv(report: Report) -> Iterator[str]:
    """A line for each value that there is: UTF-8 with byte order mark, no cell can become a formula."""
    yield "\ufeff"
    yield _line(CSV_COLUMNS)
    yield _line(("report", "from", "", "date", str(report.span.first), "", ""))
    yield _line(("report", "to", "", "date", str(report.span.last), "", ""))
    yield _line(("report", "coverage", "", "text", neutralise(report.coverage), "", ""))
    for table in report.tables:
        for row in table.rows:
            for place, column in enumerate(table.columns):
                value, unit = table.cell(row, place)
                if value is None:
                    continue
                search = row.also.get(column.id, (row.search or "") if column.id in LISTED else "")
                named = report.currency if unit is Unit.MONEY else unit.value
                cells = (table.id, row.id, row.label, column.id, str(value), named, search)
                yield _line([cell if at == 4 else neutralise(cell) for at, cell in enumerate(cells)])


def _line(cells: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
