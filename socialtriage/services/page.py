"""The log as one self-contained HTML page: a table that a screen reader can follow, and nothing is fetched.

It says who made it, when and of what, and carries the head of the log's chain, so that a later copy can be proved.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape

from socialtriage.domain.redact import Redaction, redact
from socialtriage.domain.text import clean, many
from socialtriage.domain.views import CaseDetail, EventView, MessageView
from socialtriage.services.desk import Desk
from socialtriage.services.record import WITHHELD, Scope
from socialtriage.store.log import PERSONAL

_STYLE = (
    "body{font-family:sans-serif;margin:1em}table{border-collapse:collapse;font-size:90%}caption{text-align:left}"
    "th,td{border:1px solid #767676;padding:2px 6px;text-align:left;vertical-align:top}"
    "blockquote{white-space:pre-wrap;border-left:4px solid #767676;margin:.3em 0;padding:.2em .8em}"
    "code{overflow-wrap:anywhere}@media print{table{font-size:70%}}"
    "@media (prefers-color-scheme:dark){body{background:#111;color:#eee}}"
)


def as_html(
    desk: Desk,
    rows: Iterable[Mapping[str, str]],
    columns: Sequence[str],
    start: datetime | None,
    end: datetime | None,
    *,
    redact: bool = False,
    scope: Scope | None = None,
) -> Iterator[str]:
    """A page with a row for every case. Every text is escaped; `start` is the first instant, `end` the one after."""
    yield _head(f"Case log of {desk.config.organisation.name}")
    withheld = " Persons are withheld." if redact else ""
    yield (
        f"<p>{_about(desk, scope or Scope(start, end))} {_made(desk)}{withheld}</p>\n"
        "<table>\n<caption>One row for each case, oldest first</caption>\n"
    )
    heads = "".join(f'<th scope="col">{escape(name.replace("_", " "))}</th>' for name in columns)
    yield f"<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    count = 0
    for row in rows:
        count += 1
        cells = "".join(f'<td dir="auto">{escape(clean(row[name]))}</td>' for name in columns[1:])
        yield f'<tr><th scope="row">{escape(row[columns[0]])}</th>{cells}</tr>\n'
    yield f"</tbody>\n</table>\n<p>{many(count, 'case')}.</p>\n{_proof(desk)}</body>\n</html>\n"


def case_file(desk: Desk, detail: CaseDetail, row: Mapping[str, str], *, hide: bool = False) -> Iterator[str]:
    """The file of one case: facts, every message, handoffs and log; with `hide` without whatever names a person."""
    yield _head(f"Case {detail.row.ref} of {desk.config.organisation.name}")
    withheld = " Names, handles, addresses, numbers and notes are withheld." if hide else ""
    yield f"<p>{_made(desk)}{withheld}</p>\n<h2>Facts</h2>\n<table>\n<tbody>\n"
    for name, value in row.items():
        if value:
            yield f'<tr><th scope="row">{escape(name.replace("_", " "))}</th><td>{_text(value)}</td></tr>\n'
    for name, value in detail.facts.items():
        yield f'<tr><th scope="row">{_text(name)}</th><td>{WITHHELD if hide else _text(value)}</td></tr>\n'
    yield "</tbody>\n</table>\n<h2>Messages</h2>\n"
    names: set[str] = {detail.row.name, *(m.name for m in detail.messages)}
    handles: set[str] = {detail.row.handle, *(m.handle for m in detail.messages)}
    for message in detail.messages:
        yield from _message(desk, message, (names, handles), hide)
    if detail.handoffs:
        yield "<h2>Handoffs</h2>\n<ul>\n"
        for each in detail.handoffs:
            sent = _shown(desk, each.sent_at) if each.sent_at else "not sent"
            answered = f", answered {_shown(desk, each.answered_at)}" if each.answered_at else ""
            yield f"<li>To {_text(each.contact)}: {_text(each.state)}, {sent}{answered}</li>\n"
        yield "</ul>\n"
    yield "<h2>Log</h2>\n<ol>\n"
    for event in detail.events:
        yield f'<li value="{event.seq}">{_event(desk, event, hide)}</li>\n'
    yield f"</ol>\n{_proof(desk)}</body>\n</html>\n"


def _message(desk: Desk, message: MessageView, known: tuple[set[str], set[str]], hide: bool) -> Iterator[str]:
    who = message.voice if hide else f"{message.voice} {message.name}"
    marks = [message.visibility, *(["edited"] if message.edited_at else []), *(["removed"] if message.gone_at else [])]
    yield f"<p>{_text(who)}, {_shown(desk, message.at)}, {_text(', '.join(marks))}</p>\n"
    words: list[str] = [*filter(None, (message.subject, message.text, message.quoted))]
    words += [f"Before {_shown(desk, each.replaced_at)}: {each.text}" for each in message.revisions]
    text = "\n\n".join(words)
    if hide:
        text = redact(text, Redaction.all(), [*known[0]], [*known[1]])[0]
    yield f'<blockquote dir="auto">{_text(text)}</blockquote>\n'
    for x in message.media:
        yield f"<p>File: {_text(x.kind)} {WITHHELD if hide else _text(x.name)}, {_text(x.state)}"
        yield f", SHA-256 <code>{x.sha256}</code></p>\n" if x.sha256 else "</p>\n"


def _event(desk: Desk, event: EventView, hide: bool) -> str:
    told = [
        f"{name.replace('_', ' ')} {WITHHELD if hide and name in PERSONAL else value}"
        for name, value in event.detail.items()
    ]
    note = f": {WITHHELD if hide else event.note}" if event.note else ""
    line = f"{_shown(desk, event.at)} {event.officer}: {event.kind.replace('.', ' ')}"
    return _text(f"{line}{f' ({chr(44).join(told)})' if told else ''}{note}")


def _head(title: str) -> str:
    shown = _text(title)
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{shown}</title>\n{guarded(_STYLE)}</head>\n<body>\n<h1>{shown}</h1>\n"
    )


def guarded(style: str) -> str:
    """A style sheet for the head of a page, and a policy that allows a browser nothing else: no script, no request."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{style}</style>\n'


def _made(desk: Desk) -> str:
    return f"Made {_shown(desk, desk.clock())} by {_text(desk.officer)}. Times in the table are UTC."


def _about(desk: Desk, scope: Scope) -> str:
    """Which cases these are, in a sentence."""
    since = f"received from {_shown(desk, scope.start)}" if scope.start else ""
    until = f"{'' if since else 'received '}until before {_shown(desk, scope.end)}" if scope.end else ""
    area = desk.areas[scope.area].name if scope.area in desk.areas else scope.area
    about = f"of {_text(area)}" if area else ""
    handed = f"handed to {_text(desk.contact(scope.contact).name)}" if scope.contact else ""
    parts = [*filter(None, (since, until, about, handed))]
    return f"Cases {' '.join(parts)}." if parts else "All cases."


def _proof(desk: Desk) -> str:
    """The head of the chain as it was when the page was made."""
    count, head = desk.store.log.head()
    return (
        f"<p>When this was made, the log held {count} events, the last with the hash <code>{head}</code>."
        f" <code>socialtriage log verify --expect {head}</code> proves that the log still holds all of them;"
        " <code>socialtriage log verify --copy FILE</code> proves that a copy of this page was not altered.</p>\n"
    )


def _shown(desk: Desk, at: datetime) -> str:
    return f"{at.astimezone(desk.zone):%d %b %Y %H:%M %Z}"


def _text(value: object) -> str:
    return escape(clean(str(value)))
