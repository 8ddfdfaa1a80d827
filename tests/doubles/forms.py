"""Forms with files, as servers read them."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from urllib.parse import parse_qs


@dataclass(frozen=True)
class File:
    """A file of a form."""

    name: str
    mime: str
    data: bytes


def read_form(kind: str, raw: bytes) -> tuple[dict[str, str], dict[str, File]]:
    """Fields and files of a form, in either of its two writings."""
    if "multipart/form-data" not in kind:
        return {k: v[0] for k, v in parse_qs(raw.decode(), keep_blank_values=True).items()}, {}
    fields: dict[str, str] = {}
    files: dict[str, File] = {}
    for part in message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + raw).get_payload():
        name = str(part.get_param("name", header="content-disposition"))  # type: ignore[union-attr]
        data = bytes(part.get_payload(decode=True))  # type: ignore[union-attr]
        filename = part.get_filename()  # type: ignore[union-attr]
        if filename is None:
            fields[name] = data.decode()
        else:
            files[name] = File(filename, part.get_content_type(), data)  # type: ignore[union-attr]
    return fields, files
