"""Addresses of servers as the configuration writes them, taken apart and judged.

A message about a faulty address never repeats it: a password may stand in it.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from socialtriage.domain.late import dataclass

MailProtocol = Literal["smtp", "imap"]

MAIL_SCHEMES: dict[str, tuple[MailProtocol, bool, int]] = {
    "smtps": ("smtp", True, 465),
    "smtp": ("smtp", False, 587),
    "imaps": ("imap", True, 993),
    "imap": ("imap", False, 143),
}
"""Protocol, TLS from the first byte, and port where none is written (RFC 8314, RFC 6409, RFC 9051)."""

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class MailEndpoint:
    """Where a mail server is and how to speak to it."""

    protocol: MailProtocol
    host: str
    port: int
    user: str | None
    """Login name; None for a server without sign-in."""
    mailbox: str
    """The IMAP mailbox; `INBOX` where none is written."""
    tls: bool
    """TLS from the first byte; otherwise STARTTLS."""
    starttls_required: bool
    """Nothing may be said in clear: false only with `tls`, and on loopback."""


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address can only be this machine."""
    from ipaddress import ip_address

    name = (host or "").strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def is_host(host: str | None) -> bool:
    """Whether a text can be the name or the address of a machine."""
    from ipaddress import ip_address

    if not host or len(host) > 253:
        return False
    try:
        ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None and not host.replace(".", "").isdigit()
    return True


def mail_endpoint(url: str, *, protocol: MailProtocol | None = None) -> MailEndpoint:
    """Take a mail URL apart, of `protocol` where given.

    Raises `ValueError` with words that do not repeat the URL.
    """
    wanted = [f"{scheme}://" for scheme, facts in MAIL_SCHEMES.items() if protocol in (None, facts[0])]
    scheme, sep, _ = url.partition("://")
    if not sep or f"{scheme.lower()}://" not in wanted:
        raise ValueError(f"must begin with {' or '.join(wanted)}")
    parts = _split(url)
    if parts.password is not None:
        raise ValueError("must not hold a password; keep it in the keyring with `socialtriage accounts login`")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ValueError("must hold no ? or #; write them as %3F and %23")
    spoken, tls, port = MAIL_SCHEMES[scheme.lower()]
    host = _host(parts)
    mailbox = unquote(parts.path.lstrip("/"))
    if spoken == "smtp" and mailbox:
        raise ValueError("must end after the host and the port")
    user = unquote(parts.username) if parts.username is not None else None
    if user == "" or _unprintable(f"{user or ''}{mailbox}"):
        raise ValueError("has a user or mailbox that cannot be used")
    return MailEndpoint(
        protocol=spoken,
        host=host,
        port=_port(parts) or port,
        user=user,
        mailbox=mailbox or "INBOX",
        tls=tls,
        starttls_required=not tls and not is_loopback(host),
    )


def check_server(url: str) -> None:
    """Look at the base address of a network. Raises `ValueError` with a sentence that does not repeat it."""
    check_endpoint(url)
    if _split(url).path not in ("", "/"):
        raise ValueError("must end after the host: no page, no ? and no #")


def check_endpoint(url: str) -> None:
    """Look at the address of an interface, which may have a path. Raises `ValueError` as `check_server` does."""
    scheme, sep, _ = url.partition("://")
    if not sep or scheme.lower() not in ("https", "http"):
        raise ValueError("must begin with https://")
    parts = _split(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user and no password; sign in with `socialtriage accounts login`")
    host = _host(parts)
    _port(parts)
    if scheme.lower() == "http" and not is_loopback(host):
        raise ValueError("must begin with https://; http:// is for this machine only")
    if "?" in url or "#" in url:
        raise ValueError("must end after the host: no page, no ? and no #")


def check_page(url: str) -> None:
    """Look at the address of a web page for residents. Raises `ValueError`."""
    if not url.lower().startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    parts = _split(url)
    if parts.username is not None:
        raise ValueError("must hold no user and no password")
    _host(parts)
    _port(parts)


def _split(url: str) -> SplitResult:
    if _unprintable(url) or any(char.isspace() for char in url):
        raise ValueError("must hold no blanks and no control characters")
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("cannot be taken apart into host and port") from None


def _host(parts: SplitResult) -> str:
    host = parts.hostname
    if host is None or not is_host(host):
        raise ValueError("names no host, or one that cannot exist")
    return host


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("has a port that is no number from 1 to 65535") from None
    if port == 0:
        raise ValueError("has a port that is no number from 1 to 65535")
    return port


def _unprintable(text: str) -> bool:
    return not text.isprintable()
