"""One document, two looks: a mail's contents as blocks, written out as plain text and as simple HTML.

Both come from the same blocks, so that they say the same. Text from outside stands only where it cannot pass for
ours: behind `> ` or set in in plain text, escaped in HTML. The HTML has no script, no style sheet and nothing remote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape
from typing import TypeAlias
from urllib.parse import urlsplit

from socialtriage.domain.text import clean, clean_line

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"
_QUOTE = "margin:4px 0 16px 0;padding-left:12px;border-left:3px solid #767676;white-space:pre-wrap"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; the first of a document is its title."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of ours; what is put into it from elsewhere is on one line."""

    text: str


@dataclass(frozen=True, slots=True)
class Written:
    """Text that the officer wrote: its paragraphs and line ends are kept, nothing is put in front of them."""

    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A colleague's remark: its lines are kept and set in."""

    text: str


@dataclass(frozen=True, slots=True)
class Points:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and one-line values. With `exact`, a block for programs: one `Name: value` a line."""

    rows: tuple[tuple[str, str], ...]
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's words, said whose they are."""

    intro: str
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A web address with what it leads to; anything but http and https is shown and not linked."""

    label: str
    url: str


Block: TypeAlias = Heading | Paragraph | Written | Note | Points | Facts | Quote | Link


def as_text(blocks: Sequence[Block]) -> str:
    """The document as plain text, a blank line between blocks."""
    return "\n\n".join(_text(block) for block in blocks) + "\n"


def as_html(blocks: Sequence[Block], title: str) -> str:
    """The document as an HTML page in British English, readable without styles and by a screen reader."""
    level = "h1"
    body = []
    for block in blocks:
        if isinstance(block, Heading):
            body.append(f"<{level}>{_line(block.text)}</{level}>")
            level = "h2"
        else:
            body.append(_html(block))
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{_line(title)}</title>\n</head>\n"
        '<body style="font-family:sans-serif;max-width:45em">\n' + "\n".join(body) + "\n</body>\n</html>\n"
    )


def in_words(at: datetime, zone: tzinfo) -> str:
    """An instant as the organisation's people say it: `Friday 20 November 2026, 16:30 GMT`."""
    local = at.astimezone(zone)
    day = f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"
    return f"{day}, {local:%H:%M} {local.tzname()}"


def _text(block: Block) -> str:
    match block:
        case Heading(text):
            line = clean_line(text)
            return f"{line}\n{'-' * min(len(line), 72)}"
        case Paragraph(text):
            return str(clean_line(text, 2000))
        case Written(text):
            return str(clean(text)).strip("\n")
        case Note(text):
            return "\n".join(f"  {line}" if line else "" for line in str(clean(text)).strip("\n").split("\n"))
        case Points(items):
            return "\n".join(f"* {clean_line(item, 2000)}" for item in items)
        case Facts(rows):
            return "\n".join(f"{name}: {clean_line(value, 2000)}" for name, value in rows)
        case Quote(intro, text):
            lines = str(clean(text)).strip("\n").split("\n")
            return f"{clean_line(intro, 500)}\n" + "\n".join(f"> {line}" if line else ">" for line in lines)
        case Link(label, url):
            return f"{clean_line(label)}: {clean_line(url, 2000)}"


def _html(block: Paragraph | Written | Note | Points | Facts | Quote | Link) -> str:
    match block:
        case Paragraph(text):
            return f'<p dir="auto">{_line(text)}</p>'
        case Written(text) | Note(text):
            return f'<div dir="auto" style="white-space:pre-wrap">{_many(text)}</div>'
        case Points(items):
            return "<ul>\n" + "\n".join(f"<li>{_line(item)}</li>" for item in items) + "\n</ul>"
        case Facts(rows, exact) if exact:
            return "<pre>\n" + "\n".join(f"{name}: {_line(value)}" for name, value in rows) + "\n</pre>"
        case Facts(rows):
            lines = (
                f'<tr><th scope="row" style="{_CELL}">{_line(name)}</th>'
                f'<td style="{_CELL}" dir="auto">{_line(value)}</td></tr>'
                for name, value in rows
            )
            return "<table>\n" + "\n".join(lines) + "\n</table>"
        case Quote(intro, text):
            return f'<p>{_line(intro)}</p>\n<blockquote dir="auto" style="{_QUOTE}">{_many(text)}</blockquote>'
        case Link(label, url):
            return f"<p>{_line(label)}: {_anchor(url)}</p>"


def _anchor(url: str) -> str:
    shown = _line(url)
    try:
        parts = urlsplit(url)
    except ValueError:
        return shown
    safe = parts.scheme in ("http", "https") and parts.netloc and url.isprintable() and " " not in url
    return f'<a href="{escape(url)}" rel="noreferrer">{shown}</a>' if safe else shown


def _line(text: str) -> str:
    return escape(clean_line(text, 2000))


def _many(text: str) -> str:
    return escape(str(clean(text)).strip("\n"))
