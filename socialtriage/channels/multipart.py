"""A form with a file in it, as bytes: what a call needs that hands in a picture beside other values."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from socialtriage.domain.models import OutgoingFile


def form_with(fields: Mapping[str, str], name: str, file: OutgoingFile) -> tuple[bytes, dict[str, str]]:
    """The content and its headers: `fields` first, then the file as the field `name` (RFC 7578)."""
    border = secrets.token_hex(16)
    head = "".join(
        f'--{border}\r\nContent-Disposition: form-data; name="{_quoted(key)}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    )
    head += (
        f'--{border}\r\nContent-Disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(file.name)}"\r\n'
        f"Content-Type: {file.mime}\r\n\r\n"
    )
    content = head.encode() + file.data + f"\r\n--{border}--\r\n".encode()
    return content, {"Content-Type": f"multipart/form-data; boundary={border}"}


def _quoted(name: str) -> str:
    """A name between quotation marks of a header."""
    return re.sub(r"[^\w. -]", "_", name)
