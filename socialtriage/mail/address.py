"""Addresses of mail servers and of people, parsed once and carried as values.

A server is written as a URL without a password (`smtps://social@mail.anytown.example:465`,
`imaps://social@mail.anytown.example/INBOX`). `smtp` and `imap` mean STARTTLS, `smtps` and `imaps` TLS from the
first byte (RFC 8314). The user may hold an `@`, percent-encoded or not. `domain.endpoints` does the reading, so that
the configuration's check and the connection agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formataddr, getaddresses
from urllib.parse import quote

from socialtriage.domain.endpoints import is_loopback, mail_endpoint
from socialtriage.domain.errors import ConfigError

_LOCAL = re.compile(r"[^\s\x00-\x20\x7f-\x9f\ud800-\udfff()<>\[\]:;@\\,\"]{1,64}")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A mail server: where it is, how it is secured, and who signs in there. Never holds a password."""

    scheme: str
    """`smtp`, `smtps`, `imap` or `imaps`."""
    host: str
    """Lower-case, an IPv6 address without brackets."""
    port: int
    user: str | None = None
    path: str = ""
    """The mailbox of an IMAP server, `INBOX` where none is written; empty for SMTP."""

    @classmethod
    def parse(cls, url: str) -> ServerUrl:
        """Read a URL of the configuration. Raises `ConfigError` with a sentence that does not repeat it."""
        try:
            endpoint = mail_endpoint(url.strip())
        except ValueError as exc:
            raise ConfigError(f"The address of a mail server {exc}.") from None
        return cls(
            scheme=endpoint.protocol + ("s" if endpoint.tls else ""),
            host=endpoint.host,
            port=endpoint.port,
            user=endpoint.user,
            path=endpoint.mailbox if endpoint.protocol == "imap" else "",
        )

    @property
    def implicit_tls(self) -> bool:
        """Whether TLS begins with the first byte."""
        return self.scheme.endswith("s")

    @property
    def loopback(self) -> bool:
        """Whether the server is this machine, the only place where plain text is allowed."""
        return is_loopback(self.host)

    @property
    def place(self) -> str:
        """Host and port, for sentences."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        path = f"/{quote(self.path)}" if self.path else ""
        return f"{self.scheme}://{user}{self.place}{path}"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A person or team that mail goes to or comes from: a display name (may be empty) and an address."""

    address: str
    """`local@domain`, the domain as A-labels; only the local part may hold characters beyond ASCII."""
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Mailbox:
        """Read `Name <local@domain>` or `local@domain`. Raises `ConfigError`."""
        if _has_control(text):
            raise ConfigError("A mail address holds a line break or another control character.")
        found = getaddresses([text])
        if len(found) != 1:
            raise ConfigError(f"One mail address is needed, not {len(found)}: {_shown(text)}.")
        name, address = found[0]
        return cls(normal_address(address), name)

    @property
    def ascii(self) -> bool:
        """Whether every server can carry the address; otherwise it takes SMTPUTF8."""
        return self.address.isascii()

    @property
    def domain(self) -> str:
        """What follows the `@`."""
        return self.address.rpartition("@")[2]

    def __str__(self) -> str:
        return formataddr((self.name, self.address)) if self.name.isascii() else f"{self.name} <{self.address}>"


def normal_address(address: str) -> str:
    """`local@domain` with its domain in A-labels and lower case. Raises `ConfigError` when it is no address."""
    local, at, domain = address.strip().rpartition("@")
    faulty = not at or not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local
    try:
        host = "" if faulty else _domain(domain)
    except ConfigError:
        faulty = True
    if faulty:
        raise ConfigError("Not a mail address: " + (_shown(address) or "it is empty") + ".")
    return f"{local}@{host}"


def _domain(domain: str) -> str:
    try:
        ascii_name = domain.encode("idna").decode("ascii").lower()
    except UnicodeError as exc:
        raise ConfigError(f"Not the name of a host: {_shown(domain)}.") from exc
    labels = ascii_name.removesuffix(".").split(".")
    if len(ascii_name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ConfigError(f"Not the name of a host: {_shown(domain)}.")
    return ".".join(labels)


def _has_control(text: str) -> bool:
    return any(not character.isprintable() for character in text)


def _shown(text: str) -> str:
    """Faulty input, fit to stand in a sentence."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text.strip())[:80]
