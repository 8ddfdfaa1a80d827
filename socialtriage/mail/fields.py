"""Header fields of a mail as values: addresses, Message-IDs, dates, Authentication-Results. Nothing here raises.

Addresses are taken apart before RFC 2047 words are decoded, so that an encoded comma or bracket in a display name
cannot make a second sender.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from socialtriage.domain.models import SafeText
from socialtriage.domain.text import clean_line
from socialtriage.mail.charset import unfold, words

MAX_ADDRESSES = 500
MAX_REFERENCES = 200
MAX_FIELD = 64 * 1024
"""Characters of one field that are looked at."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|<[^<>]*+>?|\((?:[^()\\]|\\.)*+\)?|[,;:]|[^",;:<(]+|.', re.DOTALL)
_ADDRESS = re.compile(r"[^\s@<>()\[\]\",;:]{1,128}@(?:[^\s@<>()\[\]\",;:]{1,255}|\[[0-9A-Fa-f:.IPv]{2,60}\])")
_ID = re.compile(r"<([^<>]{1,1000})>")
_AROUND_AT = re.compile(r"\s*@\s*")
_COMMENT = re.compile(r"\([^()]*+\)")
_RESULT = re.compile(r"(?:^|[;\s])(spf|dkim|dmarc)\s*=\s*([a-z]+)", re.IGNORECASE)
_PASSED = re.compile(r"\s*(spf|dkim)(?:/\d+)?\s*=\s*pass\b", re.IGNORECASE)
_ENVELOPE = re.compile(r"\bsmtp\.mail(?:from)?\s*=\s*\"?(?:[^\s;@\"<>]{0,256}@)?([\w.-]{1,255})", re.IGNORECASE)
_SIGNER = re.compile(r"\bheader\.[di]\s*=\s*\"?(?:[^\s;@\"<>]{0,256}@)?([\w.-]{1,255})", re.IGNORECASE)
MOST_RESULTS = 50
_HEADER_FROM = re.compile(r"header\.from\s*=\s*([^\s;]+)", re.IGNORECASE)


_NOBODY = SafeText("")


@dataclass(frozen=True, slots=True)
class MailAddress:
    """Somebody in an address field. `address` may be empty where the field holds none."""

    address: SafeText
    name: SafeText = _NOBODY

    @property
    def key(self) -> str:
        """The address in lower case, by which a person is known."""
        return self.address.lower()

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


@dataclass(frozen=True, slots=True)
class AuthenticationResult:
    """One Authentication-Results field (RFC 8601): `pass`, `fail`, `none` ..., empty where a method is not named.

    Anybody can write such a field; only that of the own server, the topmost, says anything.
    """

    server: str
    spf: str = ""
    dkim: str = ""
    dmarc: str = ""
    header_from: str = ""
    vouched: tuple[str, ...] = ()
    """Domains for which SPF or DKIM passed: the envelope's, and those that signed. Neither need be that of From."""

    @property
    def failed(self) -> bool:
        """Whether the server says that the sender is not who the mail claims."""
        return self.dmarc == "fail" or (not self.dmarc and self.spf in ("fail", "softfail") and self.dkim != "pass")


def addresses(raw: bytes) -> tuple[MailAddress, ...]:
    """Everybody in an address field, groups opened, comments left out."""
    found: list[MailAddress] = []
    phrase: list[str] = []
    comment, angle = "", None
    for piece in [*_TOKEN.findall(unfold(raw)[:MAX_FIELD]), ","]:
        if piece in ",;":
            person = _person(phrase, angle, comment)
            if person and len(found) < MAX_ADDRESSES:
                found.append(person)
            phrase, comment, angle = [], "", None
        elif piece == ":":
            if "@" not in "".join(phrase):
                phrase = []
        elif piece[0] == "<" and angle is None:
            angle = piece.strip("<>").strip()
        elif piece[0] == "(":
            comment = comment or piece.strip("()")
        else:
            phrase.append(piece)
    return tuple(found)


def _person(phrase: list[str], angle: str | None, comment: str) -> MailAddress | None:
    name = words(" ".join(_unquoted(token) for token in phrase).strip())
    if angle is not None:
        bare = "".join(angle.split()).rpartition(":")[2]
        address = bare if _ADDRESS.fullmatch(bare) else ""
        return MailAddress(clean_line(address, 384), clean_line(name)) if address or name else None
    text = "".join(phrase).strip().removeprefix("mailto:")
    if not text:
        return None
    joined = _AROUND_AT.sub("@", text)
    if _ADDRESS.fullmatch(joined):
        return MailAddress(clean_line(joined, 384), clean_line(words(comment)))
    inside = _ADDRESS.findall(text)
    if len(inside) == 1 and text.count("@") == 1 and inside[0] in text.split():
        return MailAddress(clean_line(inside[0], 384), clean_line(words(text.replace(inside[0], "").strip())))
    # Two addresses in one place: naming either would be guessing who wrote.
    return MailAddress(SafeText(""), clean_line(name or text))


def _unquoted(token: str) -> str:
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:].removesuffix('"'), flags=re.DOTALL)
    return token.strip()


def message_ids(raw: bytes) -> tuple[str, ...]:
    """The Message-IDs in a field, `<…>` each, in order, each once."""
    text = unfold(raw)[:MAX_FIELD]
    found = ["".join(inner.split()) for inner in _ID.findall(text)]
    if not found and "@" in text and len(text.split()) == 1:
        found = [text.strip("<>")]
    unique = dict.fromkeys(str(clean_line(f"<{inner}>", 1002)) for inner in found if inner)
    return tuple(unique)[-MAX_REFERENCES:] if len(unique) > MAX_REFERENCES else tuple(unique)


def moment(raw: bytes | str) -> datetime | None:
    """A date of a mail in UTC, also in formats that no standard allows; None where there is no sense in it."""
    text = unfold(raw) if isinstance(raw, bytes) else raw
    try:
        parsed = parsedate_tz(text[:200])
        if parsed is None:
            when = datetime.fromisoformat(text[:40])
        else:
            year, month, day, hour, minute, second = parsed[:6]
            when = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
            offset = parsed[9] or 0
            when -= timedelta(seconds=offset if abs(offset) < 86_400 else 0)
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    return when if 1980 <= when.year <= 2200 else None


def authentication(raw: str) -> AuthenticationResult:
    """One Authentication-Results value; of several DKIM signatures a good one counts."""
    text = _COMMENT.sub(" ", raw[:MAX_FIELD])
    head = text.split(";")[0].strip()
    server = "" if "=" in head else (head.split() or [""])[0]
    found: dict[str, str] = {}
    for method, result in _RESULT.findall(text):
        name, value = method.lower(), result.lower()
        if name not in found or value == "pass":
            found[name] = value
    claimed = _HEADER_FROM.search(text)
    return AuthenticationResult(
        server=str(clean_line(server.lower())),
        spf=found.get("spf", ""),
        dkim=found.get("dkim", ""),
        dmarc=found.get("dmarc", ""),
        header_from=str(clean_line(claimed[1].lower())) if claimed else "",
        vouched=tuple(dict.fromkeys(_vouched(text))),
    )


def _vouched(text: str) -> Iterator[str]:
    for part in text.split(";")[1:MOST_RESULTS]:
        if found := _PASSED.match(part):
            name = _ENVELOPE if found[1].lower() == "spf" else _SIGNER
            yield from (str(clean_line(domain.lower().rstrip("."))) for domain in name.findall(part))
