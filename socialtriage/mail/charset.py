"""Bytes of a mail as text, whatever their label says: charsets, transfer encodings, RFC 2047 words.

Nothing here raises on any input. Labels are read as browsers read them (latin-1 means windows-1252), UTF-7 is refused
because it hides characters from filters, and bytes that contradict their label are guessed.
"""

from __future__ import annotations

import binascii
import codecs
import re

_ALIASES = {
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "cp-850": "cp850",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-ce": "mac_latin2",
    "utf8": "utf-8",
    "unicode": "utf-16",
}
"""Labels as mail uses them, and the codec that reads what is really sent under them."""

_UNKNOWN = frozenset({"", "unknown-8bit", "x-unknown", "unknown", "default", "8bit", "binary", "none", "us-ascii"})
_REFUSED = frozenset({"utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
_WESTERN = frozenset({"cp1252", "ascii", "iso8859-15", "mac-roman", "cp850", "cp437"})
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def guess(data: bytes) -> str:
    """Text of unlabelled bytes: UTF-8 where it is UTF-8 at least in part, otherwise windows-1252."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("utf-8" if _MULTIBYTE.search(data) else "cp1252", "replace")


def _codec(label: str) -> str | None:
    """The name of a codec that may read `label`; None when the label is unknown or refused."""
    name = label.strip().strip("\"'").strip().lower()
    try:
        found = codecs.lookup(_ALIASES.get(name, name)).name
    except (LookupError, ValueError, UnicodeError):
        return None
    return None if found.replace("_", "-") in _REFUSED else found


def decode(data: bytes, label: str | None) -> str:
    """`data` as text under its charset label; never raises."""
    name = (label or "").strip().strip("\"'").lower()
    if name in _UNKNOWN:
        return guess(data)
    codec = _codec(name)
    if codec is None:
        return data.decode("ascii", "replace") if "utf-7" in name or "utf7" in name else guess(data)
    if codec in ("utf-8", "utf-8-sig") or (codec in _WESTERN and not data.isascii() and _is_utf8(data)):
        return guess(data)
    try:
        return data.decode(codec, "replace")
    except (LookupError, ValueError, UnicodeError):
        # A codec that is no text encoding (rot13, zlib), or one that fails even with replacement.
        return guess(data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# --- transfer encodings -------------------------------------------------------------------------------------

_BASE64_LINES = re.compile(rb"(?:[A-Za-z0-9+/=]*[ \t]*(?:\r\n|\n|\r|\Z))*")


def _base64(data: bytes) -> bytes:
    data = bytes(data).translate(None, b" \t\r\n")
    data = re.sub(rb"[^A-Za-z0-9+/=]", b"", data)
    out = bytearray()
    # Several padded runs after each other come from gateways that encode piece by piece.
    for run in re.findall(rb"[A-Za-z0-9+/]+", data):
        usable = run if len(run) % 4 != 1 else run[:-1]
        out += binascii.a2b_base64(usable + b"=" * (-len(usable) % 4))
    return bytes(out)


def transfer_decode(data: bytes, encoding: str, *, text: bool = False) -> bytes:
    """The bytes behind a Content-Transfer-Encoding; what cannot be decoded stays as it is, uuencode included.

    With `text`, plain lines below a base64 block (footers that list servers add) are kept as they are, and a part that
    only claims to be base64 is returned untouched.
    """
    name = encoding.split(";")[0].strip().strip("\"'").lower()
    if name == "quoted-printable":
        return binascii.a2b_qp(data)
    if name != "base64":
        return data
    if not text:
        return _base64(data)
    match = _BASE64_LINES.match(data)
    end = match.end() if match else 0
    rest = data[end:].strip()
    if rest and not data[:end].strip():
        return data
    return _base64(data[:end]) + (b"\n\n" + rest if rest else b"")


# --- headers ------------------------------------------------------------------------------------------------

_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_FOLD = re.compile(r"\r?\n[ \t]?")
_BETWEEN = re.compile(r"[ \t\r\n]*")


def unfold(raw: bytes) -> str:
    """A header's value on one line: raw 8-bit bytes guessed, folds undone, RFC 2047 words as they are."""
    return _FOLD.sub(" ", guess(raw)).strip() if raw else ""


def header_text(raw: bytes) -> str:
    """A header's value as text, RFC 2047 words decoded; never raises."""
    return words(unfold(raw))


def words(value: str) -> str:
    """`value` with its RFC 2047 words decoded.

    Neighbouring words of one charset are joined before they are decoded, because many senders cut a character in two.
    """
    if "=?" not in value:
        return value.strip()
    out: list[str] = []
    pending: list[tuple[str, bytes]] = []
    at = 0
    for word in _WORD.finditer(value):
        gap = value[at : word.start()]
        if not (pending and _BETWEEN.fullmatch(gap)):
            out.append(_joined(pending))
            pending = []
            out.append(gap)
        pending.append((word[1].lower(), _word_bytes(word[2], word[3])))
        at = word.end()
    out.append(_joined(pending))
    out.append(value[at:])
    return "".join(out).strip()


def _word_bytes(kind: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "replace")
    if kind in "bB":
        return _base64(data)
    return binascii.a2b_qp(data, header=True)


def _joined(words: list[tuple[str, bytes]]) -> str:
    out: list[str] = []
    at = 0
    while at < len(words):
        label, data = words[at]
        at += 1
        # ISO-2022 words begin and end in ASCII, so joining is right for them too.
        while at < len(words) and words[at][0] == label:
            data += words[at][1]
            at += 1
        out.append(decode(data, label))
    return "".join(out)
