"""The figures as one self-contained HTML page: nothing is fetched, no script runs, every picture has its table.

A content security policy in the page forbids everything but its own style sheet, by that one's hash. Colours follow
the reader's preference, light or dark, and are light on paper. Every text is cleaned and escaped.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterable, Iterator, Mapping
from html import escape

from socialtriage.domain.figures import WEEKDAYS, Picture, Report, Row, Table, words
from socialtriage.domain.text import clean
from socialtriage.services import figures_svg
from socialtriage.services.figures_brief import sentences
from socialtriage.services.figures_data import LISTED

_LIGHT = (
    "--back:#fff;--ink:#1b2026;--dim:#535c67;--rule:#8a929b;--panel:#f1f3f5;--bar:#0a4f9e;--pale:#8fb6e0;"
    "--heat0:#eef0f2;--heat1:#d3e3f6;--heat2:#9fc3ea;--heat3:#5b98d9;--heat4:#0a4f9e;"
    "--on1:#1b2026;--on2:#101418;--on3:#000;--on4:#fff;"
)
_DARK = (
    "--back:#14181d;--ink:#e3e7ec;--dim:#a3adb9;--rule:#76818d;--panel:#1f262e;--bar:#86b9ff;--pale:#3d5f8c;"
    "--heat0:#1f262e;--heat1:#20354f;--heat2:#2f5688;--heat3:#6ba3e6;--heat4:#c4dcff;"
    "--on1:#e3e7ec;--on2:#fff;--on3:#000;--on4:#000;"
)
_HEATS = "".join(f".heat{n}{{fill:var(--heat{n})}}" for n in range(5)) + "".join(
    f"svg .on{n}{{fill:var(--on{n})}}" for n in range(1, 5)
)
STYLE = (
    f":root{{color-scheme:light dark;{_LIGHT}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:60rem;padding:1.5rem 1.25rem 4rem;background:var(--back);color:var(--ink);"
    "font:1rem/1.5 system-ui,'Segoe UI',Roboto,'Liberation Sans',sans-serif}"
    "h1{font-size:1.8rem;line-height:1.2;margin:0 0 .3rem}h2{font-size:1.2rem;margin:0 0 .4rem}"
    "h1,h2,p,li,dt,dd,code{overflow-wrap:anywhere}"
    "p{margin:.4rem 0;max-width:48rem}a{color:var(--bar)}a:focus-visible,.scroll:focus-visible{outline:3px solid"
    " var(--bar);outline-offset:2px}"
    "section{margin-top:2.2rem;padding-top:1.1rem;border-top:1px solid var(--rule)}"
    ".note{color:var(--dim);font-size:.875rem}.period{font-size:1.1rem}"
    ".skip{position:absolute;left:-60rem}.skip:focus{position:static}"
    "nav ul{columns:3 14rem;padding-left:1.1rem;margin:.4rem 0;font-size:.95rem}"
    "dl.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.75rem;margin:1rem 0}"
    ".tiles div{background:var(--panel);border-radius:.4rem;padding:.7rem .9rem}"
    ".tiles dt{font-size:.85rem;color:var(--dim)}"
    ".tiles dd{margin:0;font-size:1.55rem;font-weight:650;font-variant-numeric:tabular-nums}"
    ".tiles dd small{display:block;font-size:.8rem;font-weight:400;color:var(--dim)}"
    ".scroll{overflow-x:auto;margin:.6rem 0;position:relative}"
    "table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}"
    "caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}"
    "th,td{padding:.25rem .7rem .25rem 0;text-align:right;border-bottom:1px solid var(--panel);vertical-align:top}"
    "thead th{border-bottom:1px solid var(--rule);font-weight:600;vertical-align:bottom}"
    "th[scope=row]{text-align:left;font-weight:400;min-width:9rem;max-width:24rem}.matrix th[scope=row]{min-width:0}"
    "td{white-space:nowrap}.words,th.words{text-align:left;white-space:normal;min-width:12rem}"
    ".matrix th,.matrix td{padding:.2rem .35rem}"
    "details{margin:.6rem 0}summary{cursor:pointer}summary:focus-visible{outline:3px solid var(--bar)}"
    "details dl{margin:.4rem 0}details dd{margin:0 0 .3rem 1.2rem}"
    ".drawn{overflow-x:auto}svg{max-width:100%;min-width:30rem;height:auto;display:block;margin:.6rem 0}"
    "svg text{fill:var(--ink);font-size:13px;font-family:inherit}svg .end{text-anchor:end}"
    "svg .middle{text-anchor:middle}svg .small{font-size:11px}svg .value{font-variant-numeric:tabular-nums}"
    f".bar{{fill:var(--bar)}}.pale{{fill:var(--pale)}}.axis{{stroke:var(--rule)}}{_HEATS}"
    f"@media print{{:root{{color-scheme:light;{_LIGHT}}}html{{font-size:9.5pt}}body{{max-width:none;padding:0}}"
    "nav,.skip{display:none}section{break-inside:avoid-page}h2,caption{break-after:avoid}tr,svg{break-inside:avoid}"
    "svg{max-width:15cm}svg *{print-color-adjust:exact;-webkit-print-color-adjust:exact}.scroll{overflow:visible}"
    ".matrix{font-size:6.5pt}}"
)
_POLICY = "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
_TILES = ("received", "first_response_median", "charter", "service", "repeat", "avoidable", "handed_off", "calls")
_FEWEST, _FEW = 2, 8
"""Rows from which on bars say more than their numbers, and up to which those of 0 are drawn too."""


def as_html(report: Report) -> Iterator[str]:
    """The page, in parts."""
    title = f"Demand at {_safe(report.organisation)}"
    span = report.span
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    yield (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(digest=digest)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}, {span.first} to {span.last}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#figures">To the figures</a>\n<header>\n'
        f"<h1>{title}</h1>\n"
        f'<p class="period">{_day(span.first)} to {_day(span.last)}</p>\n'
    )
    yield f"<p>{' '.join(map(_safe, sentences(report)))}</p>\n"
    yield _list(report.caveats)
    made = report.made_at.astimezone(span.zone)
    yield (
        f'<p class="note">Made on {made:%d %b %Y} at {made:%H:%M} by {_safe(report.officer)}. Times of day are'
        f" {_safe(str(span.zone))}, summer time included; lengths of time are working time.</p>\n</header>\n"
    )
    yield '<nav aria-label="Contents">\n<ul>\n'
    for table in report.tables:
        yield f'<li><a href="#{table.id}">{_safe(table.title)}</a></li>\n'
    yield '</ul>\n</nav>\n<main id="figures">\n'
    for table in report.tables:
        yield from _section(table, report)
    yield "</main>\n</body>\n</html>\n"


def _safe(text: str) -> str:
    return escape(clean(text))


def _day(day: object) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"  # type: ignore[attr-defined]


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{_safe(line)}</li>\n" for line in lines)
    return f"<ul>\n{items}</ul>\n" if items else ""


def _section(table: Table, report: Report) -> Iterator[str]:
    yield f'<section aria-labelledby="{table.id}">\n<h2 id="{table.id}">{_safe(table.title)}</h2>\n'
    if table.summary:
        yield f"<p>{_safe(table.summary)}</p>\n"
    if table.id == "summary":
        yield _tiles(table, report)
    yield _drawn(table, report)
    if table.picture is Picture.HEAT:
        yield _matrix(report.heat, table.title)
    elif table.picture is Picture.LINE:
        yield _across(table, report.currency)
    elif table.rows:
        yield _table(table, report.currency)
    elif not table.summary:
        yield "<p>Nothing.</p>\n"
    yield _list(table.notes)
    yield f'<p class="note">How it is counted: {_safe(table.definition)}</p>\n{_listing(table)}</section>\n'


def _listing(table: Table) -> str:
    """Every figure can be opened into its cases: the command for each, folded away until somebody asks."""
    found = [opening for row in table.rows for opening in _openings(table, row)]
    if not found:
        return ""
    items = "".join(f"<dt>{_safe(name)}</dt><dd><code>{_safe(command)}</code></dd>\n" for name, command in found)
    return f'<details class="note">\n<summary>Open a figure into its cases</summary>\n<dl>\n{items}</dl>\n</details>\n'


def _openings(table: Table, row: Row) -> Iterator[tuple[str, str]]:
    """What is counted in a row, and the command that lists just those cases."""
    for place, column in enumerate(table.columns):
        search = row.also.get(column.id, row.search if column.id in LISTED else None)
        if search and row.values[place]:
            said = words(*table.cell(row, place), "")
            name = row.label if column.id in LISTED else f"{row.label}, {column.title.strip()}"
            view = "" if row.view == "all" else f" --view {row.view}"
            yield f"{name}: {said}", f"socialtriage list{view} --search {shlex.quote(search)}"


def _tiles(table: Table, report: Report) -> str:
    found = {row.id: row for row in table.rows}
    parts = []
    for name in _TILES:
        row = found[name]
        said = words(*table.cell(row, 0), report.currency)
        parts.append(f"<div><dt>{_safe(row.label)}</dt><dd>{_safe(said)}{_beside(table, row, report)}</dd></div>\n")
    return f'<dl class="tiles">\n{"".join(parts)}</dl>\n'


def _beside(table: Table, row: Row, report: Report) -> str:
    before = row.values[2]
    if not before:
        return ""
    return f"<small>{_safe(words(*table.cell(row, 2), report.currency))} before</small>"


def _drawn(table: Table, report: Report) -> str:
    picture = _picture(table, report)
    return f'<div class="drawn">{picture}</div>\n' if picture else ""


def _picture(table: Table, report: Report) -> str:
    if table.picture is Picture.HEAT:
        return figures_svg.heat(table, report.heat) if report.heat else ""
    if table.picture is Picture.LINE:
        return figures_svg.columns(table, [row.label[:3].strip(":") for row in table.rows])
    stacked = next((place for place, column in enumerate(table.columns) if column.id == "suggested"), None)
    rows = [row for row in table.rows if row.id != "none"]
    drawn = [row for row in rows if len(rows) <= _FEW or row.values[0] or (stacked and row.values[stacked])]
    if table.picture is Picture.BARS and len(drawn) >= _FEWEST:
        return figures_svg.bars(table, drawn, stacked)
    return ""


def _table(table: Table, currency: str) -> str:
    shown = [place for place in range(len(table.columns)) if table.said(place)]
    noted = any(row.note for row in table.rows)
    heads = "".join(f'<th scope="col">{_safe(table.columns[place].title.strip())}</th>' for place in shown)
    heads += '<th scope="col" class="words">Note</th>' if noted else ""
    lines = []
    for row in table.rows:
        cells = "".join(f"<td>{_safe(words(*table.cell(row, place), currency))}</td>" for place in shown)
        cells += f'<td class="words" dir="auto">{_safe(row.note)}</td>' if noted else ""
        lines.append(f'<tr><th scope="row" dir="auto">{_safe(row.label)}</th>{cells}</tr>\n')
    return _scroll(
        table.title,
        f"<table>\n<caption>{_safe(table.title)}</caption>\n<thead><tr><td></td>{heads}</tr></thead>\n"
        f"<tbody>\n{''.join(lines)}</tbody>\n</table>",
    )


def _across(table: Table, currency: str) -> str:
    """A table with its rows across, as its picture has them."""
    heads = "".join(f'<th scope="col">{_safe(row.label.removesuffix(":00"))}</th>' for row in table.rows)
    lines = []
    for place, column in enumerate(table.columns):
        cells = "".join(f"<td>{_safe(words(*table.cell(row, place), currency))}</td>" for row in table.rows)
        lines.append(f'<tr><th scope="row">{_safe(column.title)}</th>{cells}</tr>\n')
    return _scroll(
        table.title,
        f'<table class="matrix">\n<caption>{_safe(table.title)}</caption>\n'
        f"<thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody>\n</table>",
    )


def _matrix(heat: Mapping[tuple[int, int], int], title: str) -> str:
    heads = "".join(f'<th scope="col">{hour:02}</th>' for hour in range(24))
    lines = []
    for day, name in enumerate(WEEKDAYS):
        cells = "".join(f"<td>{heat.get((day, hour), 0):,}</td>" for hour in range(24))
        lines.append(f'<tr><th scope="row">{name}</th>{cells}</tr>\n')
    return _scroll(
        title,
        f'<table class="matrix">\n<caption>{_safe(title)}: hours of the day across</caption>\n'
        f"<thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody>\n</table>",
    )


def _scroll(name: str, inside: str) -> str:
    """What may be wider than the screen can be scrolled by keyboard."""
    return f'<div class="scroll" role="region" aria-label="Table: {_safe(name)}" tabindex="0">\n{inside}\n</div>\n'
