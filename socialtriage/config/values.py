"""Single values of the configuration: each function returns what its text means or raises `ValueError` with words."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple, TypeVar

from socialtriage.config.problems import ID, did_you_mean, quoted
from socialtriage.domain.times import parse_every
from socialtriage.domain.worktime import Duration, Span

T = TypeVar("T")

PLACEHOLDERS = ("ref", "due", "link", "name", "promise", "phone", "area", "contact")
"""What a saved answer may hold in braces. `{{` and `}}` stand for the braces themselves."""

DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_HOLIDAYS = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?", re.ASCII)
_PREFIX = re.compile(r"[A-Z]{2,3}", re.ASCII)
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\ud7ff\ue000-\U0010ffff-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}", re.ASCII)
_SENDER = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([^<>"]*?))\s*<([^<>]*)>')
_NAME_SPECIALS = re.compile(r'[()<>\[\]:;@\\,"]')


class Sender(NamedTuple):
    """A display name, empty where there is none, and an address."""

    name: str
    address: str


def check_id(text: str) -> None:
    """An id of ours."""
    if not ID.fullmatch(text):
        raise ValueError(
            f"{quoted(text)} is no usable id: letters, digits, and - _ . between them, at most 64 characters"
        )


def check_prefix(text: str) -> None:
    """The letters before a reference: plain capitals, which look the same in every alphabet's fonts."""
    if _PREFIX.fullmatch(text):
        return
    upper = text.strip().upper()
    hint = f" (did you mean {upper}?)" if _PREFIX.fullmatch(upper) else ""
    raise ValueError(f"must be two or three capital letters from A to Z, not {quoted(text)}{hint}")


def check_timezone(text: str) -> None:
    """An IANA time zone that this machine knows."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        if text and text == text.strip():
            ZoneInfo(text)
            return
    except (ValueError, OSError, LookupError):
        pass
    zones = sorted(available_timezones())
    raise ValueError(
        f"there is no time zone {quoted(text)}{did_you_mean(text, zones)}; use a name such as Europe/London"
    )


_AUSTRALIA = ("ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA")
_CALENDARS = frozenset(
    {"none", "GB", "GB-ENG", "GB-WLS", "GB-SCT", "GB-NIR", "IE", "NZ", "AU", *(f"AU-{part}" for part in _AUSTRALIA)}
)
"""Calendars that are known without asking the library, which takes its time to be imported."""


def check_holidays(text: str) -> None:
    """A country or country-subdivision that has a calendar."""
    if text in _CALENDARS:
        return
    if _HOLIDAYS.fullmatch(text):
        _check_calendar(text)
        return
    upper = text.strip().upper().replace("_", "-")
    hint = f" (did you mean {upper}?)" if _HOLIDAYS.fullmatch(upper) else ""
    raise ValueError(f"must be a country or country-subdivision such as GB-ENG or AU-NT, not {quoted(text)}{hint}")


def _check_calendar(text: str) -> None:
    from holidays import list_supported_countries

    countries = list_supported_countries()
    country, _, part = text.partition("-")
    if country not in countries:
        raise ValueError(f"there is no calendar of {quoted(country)}{did_you_mean(country, sorted(countries))}")
    if part and part not in countries[country]:
        parts = [f"{country}-{each}" for each in countries[country]] or [country]
        raise ValueError(f"there is no calendar {quoted(text)}{did_you_mean(text, parts)}; there is {', '.join(parts)}")


def parse_span(text: str) -> Span:
    """A span such as `09:00-17:00`; `00:00-24:00` is the whole day."""
    return _own_words(Span.parse, text, "span of hours such as 09:00-17:00")


def check_spans(texts: tuple[str, ...]) -> None:
    """The spans of one day: in order, and not overlapping."""
    before: Span | None = None
    for text in texts:
        span = parse_span(text)
        if before is not None and span.start < before.end:
            raise ValueError(f"{quoted(text)} begins before the span in front of it ends; write them in order")
        before = span


def working_time(text: str) -> Duration:
    """A charter duration (`15m`, `4h`, `1d`), longer than nothing."""
    duration = _own_words(Duration.parse, text, "working time such as 15m, 4h or 1d")
    if duration == Duration():
        raise ValueError("must be longer than nothing")
    return duration


def _own_words(parse: Callable[[str], T], text: str, wanted: str) -> T:
    """What the domain makes of a text; its sentence on a faulty one, unless the text cannot be shown as it is."""
    try:
        return parse(text)
    except ValueError as exc:
        if text.strip() and text.isprintable():
            raise ValueError(str(exc).rstrip(".")) from None
    raise ValueError(f"{quoted(text)} is no {wanted}")


def plain_time(text: str, least: timedelta, most: timedelta, words: str) -> timedelta:
    """A length of wall-clock time between two bounds, which `words` names."""
    try:
        length = parse_every(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is no length of time such as 30s, 2m, 1h or 7d") from None
    if not least <= length <= most:
        raise ValueError(f"must be {words}, not {quoted(text)}")
    return length


def check_address(text: str) -> None:
    """A plain mail address that is safe in a header."""
    local, _, domain = text.rpartition("@")
    try:
        if _LOCAL.fullmatch(local) and len(local) <= 64 and text.isprintable():
            host = domain if domain.isascii() else domain.encode("idna").decode("ascii")
            if _DOMAIN.fullmatch(host) and len(host) <= 253:
                return
    except UnicodeError:
        pass
    if "," in text or ";" in text:
        raise ValueError("must be one address; make a contact for each")
    raise ValueError(f"{quoted(text)} is no mail address such as waste@anytown.example")


def parse_sender(text: str) -> Sender:
    """`Name <address>`, `"Surname, Name" <address>` or a plain address."""
    if not text.isprintable():
        raise ValueError("must be on one line, without control characters")
    match = _SENDER.fullmatch(text.strip())
    if match is None:
        check_address(text.strip())
        return Sender("", text.strip())
    name = re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2].strip()
    if match[1] is None and _NAME_SPECIALS.search(name):
        raise ValueError(f"needs quotes around the name: '\"{name}\" <{match[3]}>'")
    check_address(match[3].strip())
    return Sender(name, match[3].strip())


def parse_period(text: str) -> tuple[dt.date, dt.date]:
    """`2027-03-22..2027-05-06` as its first and last day. Raises `ValueError`."""
    first, dots, last = text.partition("..")
    try:
        start, end = dt.date.fromisoformat(first.strip()), dt.date.fromisoformat(last.strip())
    except ValueError:
        dots = ""
    if not dots or start > end:
        raise ValueError("must be a first and a last day: 2027-03-22..2027-05-06")
    return start, end


def check_sign_off(text: str) -> None:
    """A sign-off holds no placeholder but `{initials}`."""
    rest = text.replace("{initials}", "")
    if "{" in rest or "}" in rest:
        raise ValueError("has a brace; the only placeholder here is {initials}")


def check_placeholders(text: str) -> None:
    """A saved answer holds no placeholder that nobody fills."""
    for match in _BRACES.finditer(text):
        if match[0] in ("{{", "}}"):
            continue
        if match[1] is None:
            raise ValueError("has a brace without its partner; write {{ or }} for the sign itself")
        if match[1] not in PLACEHOLDERS:
            known = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ValueError(
                f"has the unknown placeholder {quoted('{' + match[1] + '}')}"
                f"{did_you_mean(match[0], map('{{{}}}'.format, PLACEHOLDERS))}; there are {known}"
            )
