"""The text of a mail and its files, chosen from the tree of parts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from socialtriage.domain.models import SafeText
from socialtriage.domain.text import clean, clean_line, html_to_text
from socialtriage.mail.charset import decode
from socialtriage.mail.parts import Part, parse_tree
from socialtriage.mail.quoting import unflow

MAX_TEXT_BYTES = 1024 * 1024
"""Bytes of one text part that are read; the rest is cut with a mark."""
MAX_TEXT = 200_000
"""Characters of a mail's whole text."""
MAX_TEXTS = 20
MAX_FILES = 100
MAX_FILE_BYTES = 25 * 1024 * 1024
"""A larger file is named, and not kept."""
MAX_FORWARDS = 5
"""Mails within mails whose text is looked at."""

ENCRYPTED = "[This mail is encrypted, and cannot be read here.]"

_PLACEHOLDER = re.compile(
    r"(?:view|read|see|open|display) (?:this |the )?(?:e-?mail|message|newsletter)?.{0,40}\b"
    r"(?:html|browser|online|web)|"
    r"(?:does not|doesn['’]t|cannot|can['’]t|not able to) (?:support|display|show|read|view).{0,40}\bhtml|"
    r"html[- ](?:e-?mail|message|version|format|compatible|enabled)|this is a multi-?part message",
    re.IGNORECASE,
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_SILENT = frozenset(
    {
        "message/delivery-status",
        "message/global-delivery-status",
        "message/disposition-notification",
        "text/rfc822-headers",
        "message/global-headers",
        "application/pgp-encrypted",
    }
)
"""Machine parts that are no files for an officer."""
_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "text/calendar": ".ics",
    "message/rfc822": ".eml",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a mail."""

    name: SafeText
    """As the sender called it, without folders; a made-up name where there was none."""
    mime: str
    data: bytes | None = field(repr=False)
    """None for a file above the limit (`too_large`)."""
    size: int
    """Bytes after decoding; an estimate where the file was not fetched."""
    inline: bool = False
    content_id: str | None = None
    text: SafeText | None = None
    """What a forwarded mail says, its sender and subject above it."""

    @property
    def kind(self) -> str:
        """`image`, `video`, `audio` or `file`."""
        major = self.mime.partition("/")[0]
        return major if major in ("image", "video", "audio") else "file"

    @property
    def too_large(self) -> bool:
        """Whether only the name was kept."""
        return self.data is None


@dataclass(slots=True)
class Content:
    """What the parts of a mail hold."""

    texts: list[str] = field(default_factory=list)
    files: list[Attachment] = field(default_factory=list)
    encrypted: bool = False
    forwards: int = 0

    @property
    def text(self) -> SafeText:
        """The whole text, cleaned."""
        return clean("\n\n".join(text.strip("\n") for text in self.texts if text.strip()).strip("\n"), MAX_TEXT)


def read_content(root: Part, forwards: int = 0) -> Content:
    """Text and files of a mail. `forwards` is how deep this mail lies in others."""
    content = Content(forwards=forwards)
    _collect(root, content)
    if not content.text and (forwarded := [file.text for file in content.files if file.text]):
        content.texts = [str(text) for text in forwarded]
    if not content.text and content.encrypted:
        content.texts = [ENCRYPTED]
    return content


def _collect(part: Part, content: Content) -> None:
    content.encrypted |= part.mime == "multipart/encrypted" or part.params.get("smime-type") == "enveloped-data"
    if part.mime == "multipart/alternative":
        _collect_best(part, content)
    elif part.children:
        for child in part.children:
            _collect(child, content)
    elif part.mime in _SILENT:
        pass
    elif _is_text(part):
        if len(content.texts) < MAX_TEXTS:
            content.texts.append(part_text(part))
    elif len(content.files) < MAX_FILES:
        content.files.append(_file(part, content.forwards))


def _collect_best(part: Part, content: Content) -> None:
    """Of alternatives the first plain one that says something, otherwise the richest; files of all of them."""
    seen: list[tuple[bool, Content]] = []
    for child in part.children:
        found = Content(forwards=content.forwards)
        _collect(child, found)
        plain = any(each.mime == "text/plain" and _is_text(each) for each in child.walk())
        seen.append((plain, found))
        content.encrypted |= found.encrypted
    for _, found in seen:
        content.files.extend(found.files[: MAX_FILES - len(content.files)])
    rich = next((found.texts for plain, found in reversed(seen) if not plain and found.text), None)
    for plain, found in seen:
        if plain and found.text and not (rich and _is_placeholder(found.text, "\n".join(rich))):
            content.texts.extend(found.texts)
            return
    content.texts.extend(rich or [])


def _is_placeholder(plain: str, rich: str) -> bool:
    """Whether `plain` only points to the HTML: its words are not there, and there are more words there."""
    if len(plain) > 400 or len(plain) >= len(rich) or not _PLACEHOLDER.search(plain):
        return False
    return " ".join(plain.split()) not in " ".join(rich.split())


def _is_text(part: Part) -> bool:
    if part.mime not in ("text/plain", "text/html") or part.disposition == "attachment":
        return False
    return not part.filename or part.section == "1"


def part_text(part: Part) -> str:
    """The text of a text/plain or text/html part; not yet cleaned."""
    data = part.data
    cut = len(data) > MAX_TEXT_BYTES
    data = data[:MAX_TEXT_BYTES]
    if b"\0" in data and not part.params.get("charset", "").lower().startswith(("utf-16", "utf-32", "unicode")):
        data = data.replace(b"\0", b"")
    if part.mime == "text/html":
        meta = _META_CHARSET.search(data[:4096])
        label = part.params.get("charset") or (meta[1].decode("ascii") if meta else "")
        text = str(html_to_text(decode(data, label)))
    else:
        text = decode(data, part.params.get("charset")).replace("\r\n", "\n").replace("\r", "\n")
        if part.params.get("format", "").lower() == "flowed":
            text = unflow(text, delsp=part.params.get("delsp", "").lower() == "yes")
    return f"{text}\n[…]" if cut else text


def _file(part: Part, forwards: int) -> Attachment:
    data = part.data
    text = None
    name = part.filename
    if part.mime in ("message/rfc822", "message/global"):
        text, subject = _forwarded(data, forwards)
        name = name or f"{subject or 'forwarded mail'}.eml"
    return Attachment(
        name=file_name(name, part.mime, part.section),
        mime=str(clean_line(part.mime, 200)),
        data=data if len(data) <= MAX_FILE_BYTES else None,
        size=len(data),
        inline=part.disposition != "attachment" and part.headers.has("content-id"),
        content_id=str(clean_line(part.headers.text("content-id").strip("<>"))) or None,
        text=text,
    )


def file_name(given: str, mime: str, section: str) -> SafeText:
    """A name to show for a file: the sender's without folders, or one made of type and place."""
    base = re.split(r"[/\\]", given)[-1].strip().strip(".")
    base = re.sub(r"[\x00-\x1f:*?\"<>|]", "_", base)
    if not base:
        major = mime.partition("/")[0]
        word = major if major in ("image", "video", "audio", "text") else "file"
        base = f"{word}-{section or '1'}{_SUFFIXES.get(mime, '')}"
    if len(base) > 120:
        stem, dot, suffix = base.rpartition(".")
        base = f"{stem[:100]}…{dot}{suffix[:16]}" if dot and len(suffix) <= 16 else base[:120]
    return clean_line(base, 160)


def _forwarded(data: bytes, forwards: int) -> tuple[SafeText | None, str]:
    """What a mail within a mail says, and its subject."""
    if forwards >= MAX_FORWARDS:
        return None, ""
    root = parse_tree(data)
    subject = str(clean_line(root.headers.text("subject"), 100))
    inner = read_content(root, forwards + 1).text
    lines = [f"{label}: {clean_line(root.headers.text(label.lower()))}" for label in ("From", "Date", "Subject")]
    head = "\n".join(line for line in lines if not line.endswith(": "))
    return clean(f"{head}\n\n{inner}".strip("\n"), MAX_TEXT), subject
