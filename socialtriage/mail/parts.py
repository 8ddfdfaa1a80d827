"""A mail as a tree of parts, found in one buffer: bounded in depth, in parts and in time, and never raising.

The standard library's parser recurses without a limit and reads line by line, so that a mail of a few megabytes can
keep it busy for minutes; this one looks for boundaries with one compiled search a level and copies no bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from socialtriage.mail.charset import decode, header_text, transfer_decode, words

MAX_DEPTH = 20
"""Multiparts within multiparts; a deeper one is a file."""
MAX_PARTS = 200
"""Parts of one mail; what comes after is not looked at."""
MAX_HEADER_BYTES = 256 * 1024
MAX_HEADERS = 1000
MAX_PARAMETERS = 8192
"""Characters of a field in which parameters are looked for."""

_BLANK = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:[ \t]*(.*)", re.DOTALL)
_LINES = re.compile(rb"[^\n]*\n?")
_PARAMETER = re.compile(r';\s*([^\s=;*"]{1,60})(\*\d{1,3})?(\*)?\s*=\s*("(?:[^"\\]|\\.)*+"|[^;]*)', re.DOTALL)
_TYPE = re.compile(r"\s*([\w!#$&^.+-]{1,100})/([\w!#$&^.+-]{1,100})")
_FIRST_BOUNDARY = re.compile(rb"^--([^\s-][^\r\n]{0,200}?)[ \t]*\r?$", re.MULTILINE)


class Headers:
    """Header fields in their order, as raw bytes with folds; names are lower case."""

    def __init__(self, fields: list[tuple[str, bytes]]) -> None:
        self._fields = fields

    def raw(self, name: str) -> bytes:
        """The first field of that name; empty where there is none."""
        return next((value for key, value in self._fields if key == name), b"")

    def text(self, name: str) -> str:
        """The first field of that name as decoded text."""
        return header_text(self.raw(name))

    def texts(self, name: str) -> list[str]:
        """Every field of that name as decoded text, topmost first."""
        return [header_text(value) for key, value in self._fields if key == name]

    def has(self, name: str) -> bool:
        """Whether the field is there, be it empty."""
        return any(key == name for key, _ in self._fields)


@dataclass(slots=True)
class Part:
    """One part: its headers, and where its body lies in the mail."""

    headers: Headers
    mime: str
    """`text/plain`, lower case; what the part is treated as."""
    params: dict[str, str]
    """Parameters of Content-Type, decoded."""
    source: bytes = field(repr=False)
    start: int
    end: int
    section: str = ""
    """The IMAP section number: `1.2`; empty for the multipart at the root."""
    children: list[Part] = field(default_factory=list)
    cut: bool = False
    """Some parts below were too many or too deep to be looked at."""

    @property
    def body(self) -> bytes:
        """The body as it was sent."""
        return self.source[self.start : self.end]

    @property
    def data(self) -> bytes:
        """The body with its transfer encoding undone."""
        encoding = self.headers.text("content-transfer-encoding")
        return transfer_decode(self.body, encoding, text=self.mime.startswith("text/"))

    @property
    def disposition(self) -> str:
        """`inline`, `attachment`, or empty."""
        return self.headers.text("content-disposition").split(";")[0].strip().lower()

    @property
    def filename(self) -> str:
        """The file name that the sender gave; empty where there is none."""
        given = parameters(self.headers.text("content-disposition")).get("filename", "")
        return given or self.params.get("name", "")

    def walk(self) -> list[Part]:
        """This part and everything below it, in order."""
        return [self, *(part for child in self.children for part in child.walk())]


def parse_headers(raw: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The fields that begin at `start`, and where the body begins.

    Lines that are no field are skipped among fields; where not even the first is one, everything is body.
    """
    for newline in (b"\n", b"\r\n"):
        if raw.startswith(newline, start, end):
            return Headers([]), start + len(newline)
    blank = _BLANK.search(raw, start, end)
    stop, body = (blank.start(), blank.end()) if blank else (end, end)
    fields: list[tuple[str, list[bytes]]] = []
    for line in _LINES.finditer(raw, start, min(stop, start + MAX_HEADER_BYTES)):
        content = line[0].rstrip(b"\r\n")
        if not content or len(fields) >= MAX_HEADERS:
            continue
        if content[:1] in b" \t" and fields:
            fields[-1][1].append(content)
        elif match := _FIELD.fullmatch(content):
            fields.append((match[1].decode("ascii").lower(), [match[2]]))
        elif not fields and not content.startswith((b"From ", b">From ")):
            return Headers([]), start
    return Headers([(name, b"\n".join(lines)) for name, lines in fields]), body


def parameters(value: str) -> dict[str, str]:
    """Parameters of a Content-Type or Content-Disposition value, RFC 2231 pieces and RFC 2047 words decoded."""
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, index, coded, text in _PARAMETER.findall(value[:MAX_PARAMETERS]):
        bare = text.strip()
        if len(bare) >= 2 and bare[0] == bare[-1] == '"':
            bare = re.sub(r"\\(.)", r"\1", bare[1:-1], flags=re.DOTALL)
        pieces.setdefault(name.lower(), {}).setdefault(int(index[1:]) if index else 0, (bool(coded), bare))
    return {name: _assembled(parts) for name, parts in pieces.items()}


def _assembled(parts: dict[int, tuple[bool, str]]) -> str:
    ordered = [parts[index] for index in sorted(parts)]
    if not any(coded for coded, _ in ordered):
        return words("".join(text for _, text in ordered))
    charset, first = "utf-8", ordered[0][1]
    if ordered[0][0] and first.count("'") >= 2:
        charset, _, first = first.split("'", 2)
    texts = [(ordered[0][0], first), *ordered[1:]]
    data = b"".join(unquote_to_bytes(text) if coded else text.encode("utf-8", "replace") for coded, text in texts)
    return decode(data, charset)


def content_type(headers: Headers, default: str = "text/plain") -> tuple[str, dict[str, str]]:
    """Type and parameters of a part; `default` where the field is missing or cannot be read."""
    value = headers.text("content-type")
    match = _TYPE.match(value)
    return (f"{match[1]}/{match[2]}".lower() if match else default), parameters(value)


def parse_tree(raw: bytes) -> Part:
    """The parts of a mail. Never raises, whatever the bytes."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    return _part(_Walk(raw), 0, len(raw), 0, "", "text/plain")


@dataclass(slots=True)
class _Walk:
    """One mail being taken apart."""

    raw: bytes = field(repr=False)
    left: int = MAX_PARTS


def _part(walk: _Walk, start: int, end: int, depth: int, section: str, default: str) -> Part:
    headers, body = parse_headers(walk.raw, start, end)
    mime, params = content_type(headers, default)
    part = Part(headers, mime, params, walk.raw, min(body, end), end, section or "1")
    if not mime.startswith("multipart/"):
        return part
    if depth >= MAX_DEPTH:
        part.mime, part.cut = "application/octet-stream", True
        return part
    child_default = "message/rfc822" if mime == "multipart/digest" else "text/plain"
    for number, (begin, stop) in enumerate(_spans(part), 1):
        if walk.left <= 0:
            part.cut = True
            break
        walk.left -= 1
        child = f"{section}.{number}" if section else str(number)
        part.children.append(_part(walk, begin, stop, depth + 1, child, child_default))
    if part.children:
        part.section = section
    else:
        # A multipart without parts is what its sender typed.
        part.mime = "text/plain"
    return part


def _spans(part: Part) -> list[tuple[int, int]]:
    """Where the parts between the boundaries of a multipart begin and end."""
    boundary = part.params.get("boundary", "").rstrip().encode("utf-8", "replace")[:400]
    if not boundary:
        found = _FIRST_BOUNDARY.search(part.source, part.start, part.end)
        if found is None:
            return []
        boundary = found[1]
    delimiter = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\r?\Z)", re.MULTILINE)
    spans: list[tuple[int, int]] = []
    begin: int | None = None
    for match in delimiter.finditer(part.source, part.start, part.end):
        if begin is not None:
            spans.append((begin, _before_newline(part.source, begin, match.start())))
        begin = None if match[1] else match.end()
        if match[1] or len(spans) > MAX_PARTS:
            break
    if begin is not None and begin < part.end:
        spans.append((begin, part.end))
    return spans


def _before_newline(raw: bytes, begin: int, end: int) -> int:
    """The end of a part: the line break before a boundary belongs to the boundary."""
    if end > begin and raw[end - 1 : end] == b"\n":
        end -= 1
        if end > begin and raw[end - 1 : end] == b"\r":
            end -= 1
    return end
