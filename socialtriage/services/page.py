"""The case log as one self-contained HTML page: a table that a screen reader can follow, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape

from socialtriage.domain.text import clean
from socialtriage.services.desk import Desk

_STYLE = (
    "body{font-family:sans-serif;margin:1em}table{border-collapse:collapse;font-size:90%}caption{text-align:left}"
    "th,td{border:1px solid #767676;padding:2px 6px;text-align:left;vertical-align:top}"
    "@media print{table{font-size:70%}}@media (prefers-color-scheme:dark){body{background:#111;color:#eee}}"
)


def as_html(
    desk: Desk,
    rows: Iterable[Mapping[str, str]],
    columns: Sequence[str],
    start: datetime | None,
    end: datetime | None,
    *,
    redact: bool = False,
) -> Iterator[str]:
    """A page with a row for every case. Every text is escaped; `start` is the first instant, `end` the one after."""
    title = f"Case log of {escape(desk.config.organisation.name)}"
    yield (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    )
    withheld = " Persons are withheld." if redact else ""
    yield (
        f"<p>{_period(desk, start, end)} Made {_shown(desk, desk.clock())} by {escape(desk.officer)}."
        f" Times in the table are UTC.{withheld}</p>\n<table>\n<caption>One row for each case, oldest first</caption>\n"
    )
    heads = "".join(f'<th scope="col">{escape(name.replace("_", " "))}</th>' for name in columns)
    yield f"<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    count = 0
    for row in rows:
        count += 1
        cells = "".join(f'<td dir="auto">{escape(clean(row[name]))}</td>' for name in columns[1:])
        yield f'<tr><th scope="row">{escape(row[columns[0]])}</th>{cells}</tr>\n'
    yield f"</tbody>\n</table>\n<p>{count} cases.</p>\n</body>\n</html>\n"


def _period(desk: Desk, start: datetime | None, end: datetime | None) -> str:
    since = f"from {_shown(desk, start)}" if start else ""
    until = f"until before {_shown(desk, end)}" if end else ""
    return f"Cases received {' '.join(filter(None, (since, until)))}." if since or until else "All cases."


def _shown(desk: Desk, at: datetime) -> str:
    return f"{at.astimezone(desk.zone):%d %b %Y %H:%M %Z}"
