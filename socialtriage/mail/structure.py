"""A BODYSTRUCTURE (RFC 9051, 7.5.2): where the text of a mail is, and what its files are called."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from socialtriage.mail.content import Attachment, file_name
from socialtriage.mail.parts import MAX_DEPTH, MAX_PARTS, parameters

_DISPOSITIONS = (b"attachment", b"inline")


@dataclass(frozen=True, slots=True)
class TextPart:
    """The part to read of a mail that is not fetched whole."""

    section: str
    content_type: str
    """With parameters, as a header field has them."""
    encoding: str


@dataclass(frozen=True, slots=True)
class _Leaf:
    section: str
    mime: str
    params: dict[str, str]
    encoding: str
    size: int
    disposition: str
    filename: str


def outline(structure: Any) -> tuple[TextPart | None, tuple[Attachment, ...]]:
    """The text part (plain before HTML) and the files, without their bytes. Never raises."""
    leaves: list[_Leaf] = []
    # Of a structure as no server should send it, what was understood counts.
    with suppress(TypeError, ValueError, IndexError, AttributeError):
        _collect(structure, "", 0, leaves)
    texts = [leaf for leaf in leaves if leaf.mime in ("text/plain", "text/html") and leaf.disposition != "attachment"]
    texts = [leaf for leaf in texts if not leaf.filename] or texts
    chosen = next((leaf for leaf in texts if leaf.mime == "text/plain"), texts[0] if texts else None)
    alternatives = {id(leaf) for leaf in texts}
    files = tuple(_named(leaf) for leaf in leaves if id(leaf) not in alternatives)
    return (_text(chosen) if chosen else None), files


def _collect(body: Any, section: str, depth: int, leaves: list[_Leaf]) -> None:
    if depth > MAX_DEPTH or len(leaves) >= MAX_PARTS:
        return
    if isinstance(body[0], list):
        for number, part in enumerate(body[0], 1):
            _collect(part, f"{section}.{number}" if section else str(number), depth + 1, leaves)
        return
    params = _pairs(body[2])
    given: dict[str, str] = {}
    disposition = ""
    for item in body[7:]:
        if isinstance(item, tuple) and item and isinstance(item[0], bytes) and item[0].lower() in _DISPOSITIONS:
            disposition = item[0].decode("ascii").lower()
            given = _pairs(item[1] if len(item) > 1 else None)
    leaves.append(
        _Leaf(
            section=section or "1",
            mime=f"{_text_of(body[0])}/{_text_of(body[1])}".lower(),
            params=params,
            encoding=_text_of(body[5]) or "7bit",
            size=int(body[6] or 0),
            disposition=disposition,
            filename=given.get("filename") or params.get("name", ""),
        )
    )


def _pairs(values: Any) -> dict[str, str]:
    """Parameters of a part, decoded as those of a header field are."""
    if not isinstance(values, tuple):
        return {}
    texts = [_text_of(value) for value in values]
    quoted = (f'; {key}="{_escaped(value)}"' for key, value in zip(texts[::2], texts[1::2], strict=False))
    return parameters("".join(quoted))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _text_of(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value if value is not None else "")


def _text(leaf: _Leaf) -> TextPart:
    params = "".join(
        f'; {name}="{_escaped(leaf.params[name])}"' for name in ("charset", "format", "delsp") if name in leaf.params
    )
    return TextPart(leaf.section, f"{leaf.mime}{params}", leaf.encoding)


def _named(leaf: _Leaf) -> Attachment:
    size = leaf.size * 3 // 4 if leaf.encoding.lower() == "base64" else leaf.size
    return Attachment(
        name=file_name(leaf.filename, leaf.mime, leaf.section), mime=leaf.mime, data=None, size=size,
        inline=leaf.disposition == "inline",
    )  # fmt: skip
