"""HTML from outside as plain text. The result is not yet safe for a terminal: `domain.text.html_to_text` makes it so.

Posts and mails come from strangers, so this reads any input in linear time, whatever it nests or leaves open;
`html.parser` does not in every Python that is supported here: a megabyte of `<!--` takes it minutes. When in
doubt text is shown, not dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from urllib.parse import unquote

from socialtriage.domain.late import dataclass

_DEEPEST = 5
"""Levels of quotes and lists that are shown; deeper ones are shown at this depth."""
_LONGEST_TARGET = 500
_LONGEST_TAG = 4_000
"""Characters of a tag in which attributes are looked for."""

_RAW = frozenset({"script", "style", "title", "iframe", "noembed", "noframes"})
_DROPPED = frozenset({"head", "template", "svg", "math", "object", "audio", "video", "canvas"})
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
_PARAGRAPHS = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "hr"])
_OTHER_BLOCKS = """address article aside body center dd details div dl dt fieldset figcaption figure footer form header
html li main nav ol section summary tbody tfoot thead tr ul"""
_BLOCKS = _PARAGRAPHS | frozenset(_OTHER_BLOCKS.split())
_MATTERS = _BLOCKS | frozenset(["br", "td", "th", "q", "img", "a"])
"""Elements that change how the text is set; of others only their text is taken."""

_END_OR_QUOTE = re.compile(r"""[^>=]*(?:=(?!\s{0,9}["'])[^>=]*)*(?:>|=\s{0,9}(["']))""")
_SIMPLE = re.compile(r"""</?([a-zA-Z][a-zA-Z0-9]{0,15})(?: [a-zA-Z-]{1,20}="[^"<>]{0,200}"){0,8} ?/?>""")
"""A tag as programs write them: nearly all there are."""
_NAME = re.compile(r"</?([a-zA-Z][^\s/>]{0,30})")
_ATTRIBUTE = re.compile(r"""[\s/"']([a-zA-Z-]{1,30})(?:\s{0,9}=\s{0,9}("[^"]*"|'[^']*'|[^\s"'>]*))?""")
_WANTED = frozenset({"href", "class", "style", "hidden", "alt", "start"})
_HIDING = re.compile(r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden|mso-hide\s{0,9}:\s{0,9}all")
_BLANKS = re.compile(r"[ \t\n\f\r\xa0]+")
_UNEVEN = re.compile(r"[\t\n\f\r\xa0]|  ")
"""Blanks that are not single spaces: few texts have any."""
_HUGE_NUMBER = re.compile(r"&#\d{8,};?")
_SCHEME = re.compile(r"(?:https?://(?:www\.)?|mailto:|tel:)")


@dataclass(frozen=True, slots=True)
class Tag:
    """A start tag (with the attributes that matter here) or an end tag."""

    name: str
    closing: bool
    attributes: dict[str, str]
    hides: bool
    """Whether the page would not show what is inside."""


def plain_text(html: str) -> str:
    """The text that a reader of the page would see, as lines.

    Paragraphs are apart by a blank line, list items begin with `- ` or their number, quotes with `> `. A link is
    its text, followed by its target in brackets where the text is not that target; a shortened address is
    given whole, once. Scripts, styles, the head and hidden elements are left out; but an element that would hide
    all the rest because it is never closed hides nothing.
    """
    writer = _Writer(honour_hidden=True)
    writer.read(html)
    if writer.hiding:
        writer = _Writer(honour_hidden=False)
        writer.read(html)
    return writer.text()


def _tokens(html: str) -> Iterator[str | Tag]:
    """Text (entities resolved) and tags, in order; comments and the insides of raw elements are skipped."""
    scanner = _Scanner(html)
    position = 0
    tag: Tag | None
    while (start := html.find("<", position)) >= 0:
        simple = _SIMPLE.match(html, start)
        if simple is not None and simple[1].lower() not in _RAW:
            end, tag = simple.end(), _simple_tag(simple[0])
        else:
            end, tag = scanner.markup_at(start)
        if end < 0:
            yield _resolved(html[position : start + 1])
            position = start + 1
            continue
        if start > position:
            yield _resolved(html[position:start])
        if tag is not None:
            yield tag
        position = end
    if position < len(html):
        yield _resolved(html[position:])


class _Scanner:
    """Finds where markup ends. Each search that fails is remembered, so that it never runs to the end twice."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._last_end = html.rfind(">")
        self._last_comment_end = html.rfind("-->")
        self._quotes_balance = True
        self._unclosed: set[str] = set()

    def markup_at(self, start: int) -> tuple[int, Tag | None]:
        """Where the markup that `<` at `start` begins ends, and its tag; -1 where it is just a less-than sign."""
        if start > self._last_end:
            return -1, None
        if self._html.startswith(("<!", "<?"), start):
            return self._comment_end(start), None
        name = _NAME.match(self._html, start)
        if name is None:
            return -1, None
        closing = self._html[start + 1] == "/"
        end = self._tag_end(name.end())
        inside = "" if closing else self._html[name.end() : min(end - 1, name.end() + _LONGEST_TAG)]
        tag = _tag(name[1].lower(), closing, inside)
        return (end, tag) if closing or tag.name not in _RAW else (self._raw_end(tag.name, end), None)

    def _comment_end(self, start: int) -> int:
        if self._html.startswith("<!--", start) and self._last_comment_end >= start + 2:
            return self._html.find("-->", start + 2) + 3
        return self._html.find(">", start) + 1

    def _tag_end(self, start: int) -> int:
        """Past the `>` that closes a tag: one in a quoted value does not, unless the quotes do not add up."""
        position = start
        while self._quotes_balance:
            found = _END_OR_QUOTE.match(self._html, position)
            if found and not found[1]:
                return found.end()
            position = self._html.find(found[1], found.end()) + 1 if found else 0
            self._quotes_balance = position > 0
        return self._html.find(">", start) + 1 or len(self._html)

    def _raw_end(self, name: str, start: int) -> int:
        """Past the end tag of a script or the like; right after the start tag when it is never closed."""
        if name not in self._unclosed:
            close = re.compile(rf"</{name}[\s/>]", re.IGNORECASE).search(self._html, start)
            if close:
                return self._html.find(">", close.start()) + 1 or len(self._html)
            self._unclosed.add(name)
        return start


def _tag(name: str, closing: bool, inside: str) -> Tag:
    found = {} if closing else _attributes(inside)
    return Tag(name, closing, found, "hidden" in found or bool(_HIDING.search(found.get("style", "").lower())))


@lru_cache(maxsize=2_000)
def _simple_tag(markup: str) -> Tag:
    """The tag of a `_SIMPLE` piece of markup: the same few come again and again."""
    name, _, inside = markup.strip("</>").partition(" ")
    return _tag(name.lower(), markup[1] == "/", f" {inside}")


def _attributes(text: str) -> dict[str, str]:
    """The wanted attributes of a start tag; the first of a name counts, as in browsers."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(text):
        if name.lower() in _WANTED:
            found.setdefault(name.lower(), _resolved(value.strip("\"'")))
    return found


def _resolved(text: str) -> str:
    # `unescape` raises on a number of thousands of digits.
    return unescape(_HUGE_NUMBER.sub("\N{REPLACEMENT CHARACTER}", text)) if "&" in text else text


class _Writer:
    """Puts tokens together as lines."""

    def __init__(self, *, honour_hidden: bool) -> None:
        self.hiding = ""
        """Name of the element that hides what is being read, or empty."""
        self._honour_hidden = honour_hidden
        self._hidden_depth = 0
        self._parts: list[str] = []
        self._breaks = 0
        self._space = False
        self._quotes = 0
        self._quotes_at_break = 0
        self._item_is_empty = False
        self._lists: list[int | None] = []
        self._pre = 0
        self._link: str | None = None
        self._link_class = ""
        self._link_start = 0

    def read(self, html: str) -> None:
        """Take in a whole page."""
        for token in _tokens(html):
            if isinstance(token, str):
                if not self.hiding:
                    self._write(token)
            elif self.hiding:
                self._while_hidden(token)
            elif token.closing:
                self._end(token)
            else:
                self._start(token)
        self._end_link()

    def text(self) -> str:
        """What was written, without blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in "".join(self._parts).split("\n")).strip("\n")

    def _while_hidden(self, tag: Tag) -> None:
        if tag.name == self.hiding and tag.closing:
            self._hidden_depth -= 1
            if self._hidden_depth == 0:
                self.hiding = ""
        elif (self.hiding == "p" and tag.name in _BLOCKS) or (self.hiding == "head" and tag.name == "body"):
            self.hiding = ""
            (self._end if tag.closing else self._start)(tag)
        elif tag.name == self.hiding:
            self._hidden_depth += 1

    def _start(self, tag: Tag) -> None:
        if self._honour_hidden and (tag.name in _DROPPED or tag.hides):
            if tag.name not in _VOID:
                self.hiding, self._hidden_depth = tag.name, 1
            return
        if tag.name not in _MATTERS:
            return
        if tag.name in _BLOCKS:
            self._break(2 if tag.name in _PARAGRAPHS and not self._lists else 1)
        match tag.name:
            case "br":
                self._break(self._breaks + 1)
            case "blockquote":
                self._quotes += 1
            case "ul" | "ol":
                first = tag.attributes.get("start", "1")
                ordered = int(first) if first.isascii() and first.isdigit() and len(first) < 7 else 1
                self._lists.append(ordered if tag.name == "ol" else None)
            case "li":
                self._bullet()
            case "td" | "th":
                self._space = True
            case "pre":
                self._pre += 1
            case "q":
                self._write("“")
            case "img":
                self._write(tag.attributes.get("alt", ""))
            case "a":
                self._end_link()
                self._link, self._link_class = tag.attributes.get("href"), tag.attributes.get("class", "")
                self._link_start = len(self._parts)

    def _end(self, tag: Tag) -> None:
        if tag.name not in _MATTERS:
            return
        match tag.name:
            case "a":
                self._end_link()
            case "blockquote":
                self._quotes = max(0, self._quotes - 1)
            case "ul" | "ol" if self._lists:
                self._lists.pop()
            case "pre":
                self._pre = max(0, self._pre - 1)
            case "q":
                self._write("”")
        if tag.name in _BLOCKS:
            apart = tag.name in _PARAGRAPHS or tag.name in ("ul", "ol")
            self._break(2 if apart and not self._lists else 1)

    def _bullet(self) -> None:
        depth = min(len(self._lists), _DEEPEST)
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        if self._item_is_empty:
            self._breaks = 1
        self._put("  " * (depth - 1) + ("- " if number is None else f"{number}. "))
        self._item_is_empty = True

    def _break(self, lines: int) -> None:
        """Let the next text begin on a new line, or (2) after a blank one; never more than that."""
        if self._parts and not self._item_is_empty:
            self._quotes_at_break = min(self._quotes, self._quotes_at_break) if self._breaks else self._quotes
            self._breaks = min(2, max(self._breaks, lines))
        self._space = False

    def _write(self, text: str) -> None:
        if self._pre:
            for index, line in enumerate(text.split("\n")):
                if index:
                    self._break(self._breaks + 1)
                if line.strip():
                    self._put(line)
                self._space = self._space or line.isspace()
            return
        flat = _BLANKS.sub(" ", text) if _UNEVEN.search(text) else text
        if flat.strip(" "):
            self._space = self._space or flat[0] == " "
            self._put(flat.strip(" "))
            self._space = flat[-1] == " "
        elif flat:
            self._space = True

    def _put(self, text: str) -> None:
        prefix = "> " * min(self._quotes, _DEEPEST)
        if self._breaks:
            blank = "\n" + "> " * min(self._quotes_at_break, self._quotes, _DEEPEST)
            self._parts.append((blank if self._breaks > 1 else "") + "\n" + prefix)
        elif not self._parts:
            self._parts.append(prefix)
        elif self._space and not self._parts[-1].endswith((" ", "\n")):
            self._parts.append(" ")
        self._breaks, self._space, self._item_is_empty = 0, False, False
        self._parts.append(text)

    def _end_link(self) -> None:
        target, self._link = self._link, None
        if target is None:
            return
        target = target.strip()
        shown = "".join(self._parts[self._link_start :]).strip()
        if not shown or not _SCHEME.match(target.lower()) or (shown[0] in "@#" and "mention" in self._link_class):
            return
        plain = _comparable(shown)
        if plain == _comparable(target):
            return
        if shown.endswith(("…", "...")) and _comparable(target).startswith(plain.rstrip("….")) and len(plain) > 4:
            separator = self._parts[self._link_start] if not self._parts[self._link_start].strip("\n >") else ""
            self._parts[self._link_start :] = [separator, target]
        else:
            space, self._space = self._space, False
            cut = target if len(target) <= _LONGEST_TARGET else target[:_LONGEST_TARGET] + "…"
            self._parts.append(f" ({cut})")
            self._space = space


def _comparable(address: str) -> str:
    """An address without what its readers leave out: the scheme, `www.`, a last slash, the encoding."""
    lowered = unquote(address).lower().strip()
    scheme = _SCHEME.match(lowered)
    return (lowered[scheme.end() :] if scheme else lowered).rstrip("/")
