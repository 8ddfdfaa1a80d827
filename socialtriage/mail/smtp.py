"""Handing one mail to the organisation's mail server, and knowing afterwards what became of it.

RFC 5321: until the line with the single dot has left, a server must not deliver; from its answer `250` on, it must.
Between the two nobody can know. `smtplib.sendmail` does not tell these apart, so its commands are used one by one:

* before the dot: no connection, TLS trouble and 4xx are `MailDeferred`, 5xx is `MailRefused`; nothing was sent
* from the dot to its answer: a lost connection, a time-out or an answer that is none is `MailUnknown`
* after `250`: sent, even when QUIT fails

One refused recipient keeps the mail from all, so that a mail is sent once or not at all.
"""

from __future__ import annotations

import re
import selectors
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn, Protocol

from socialtriage.domain.errors import ConfigError, MailDeferred, MailError, MailRefused, MailUnknown, SecretError
from socialtriage.domain.text import clean_line
from socialtriage.mail.address import ServerUrl, normal_address
from socialtriage.mail.guard import Guard, GuardedSmtp
from socialtriage.mail.smtp_auth import LOGIN_HINT, sign_in

_FAREWELL = 2.0
"""Seconds that QUIT may take: by then everything is decided."""
_PIECE = 64 * 1024
"""Bytes that `data_timeout` is for, so that a large mail on a slow line is not cut off while it moves."""
_SLOWEST = 20_000
"""Bytes a second of the slowest line that a mail is still sent over."""
_TRUST_HINT = "Check the host in `[mail] smtp`; name a private authority's certificate with `[mail] ca_file`."


class Outgoing(Protocol):
    """What can be sent: a `Composed`, or what the outbox kept of one."""

    @property
    def sender(self) -> str:
        """The envelope's sender."""
        ...

    @property
    def recipients(self) -> tuple[str, ...]:
        """The envelope's recipients."""
        ...

    @property
    def data(self) -> bytes:
        """Headers and body."""
        ...


class SmtpSender:
    """The organisation's way out for mail. Every method blocks: call it in a thread.

    `url` is parsed where it is text (`ConfigError`). `secret` gives the password, or a JSON object of OAuth fields, and
    is asked once a connection and only where `url` has a user; what it raises (`SecretError`) passes through. `timeout`
    is for connecting and every answer before the data, `data_timeout` for each piece of the data and its answer,
    `patience` for the whole conversation, and more for large mails; all in seconds.
    """

    def __init__(
        self,
        url: ServerUrl | str,
        secret: Callable[[], str | None],
        *,
        ca_file: str | None = None,
        timeout: float = 10.0,
        data_timeout: float = 30.0,
        patience: float = 120.0,
    ) -> None:
        self.url = ServerUrl.parse(url) if isinstance(url, str) else url
        self._secret = secret
        self._ca_file = ca_file
        self._timeout = timeout
        self._data_timeout = data_timeout
        self._patience = patience
        self._guard = Guard(patience)

    def send(self, mail: Outgoing) -> str:
        """Hand `mail` over once and give the server's own words (`250 2.0.0 Ok: queued as …`).

        Raises `MailDeferred`, `MailRefused` (nothing was sent), `MailUnknown` (it may have been), `ConfigError` for
        an address that is none, `SecretError`.
        """
        sender = normal_address(mail.sender)
        recipients = [normal_address(recipient) for recipient in mail.recipients]
        data = re.sub(rb"\r\n|\r|\n", b"\r\n", mail.data)
        if not data.endswith(b"\r\n"):
            data += b"\r\n"
        with self._session(len(data)) as client:
            self._envelope(client, sender, recipients, len(data))
            return self._data(client, data)

    def verify(self) -> str:
        """Connect, sign in and leave without sending anything; says in words what was found.

        Raises `MailDeferred`, `MailRefused`, `SecretError`.
        """
        with self._session() as client:
            self._command(client, "NOOP", "being asked for a sign of life")
            security = client.sock.version() if isinstance(client.sock, ssl.SSLSocket) else None
        who = f"signed in as {self.url.user}" if self.url.user else "no sign-in"
        return f"{self.url.place} answers, {security or 'plain text on this machine'}, {who}"

    @contextmanager
    def _session(self, size: int = 0) -> Iterator[smtplib.SMTP]:
        """A connection that is secured, signed in, and closed in any case."""
        self._guard = Guard(self._patience + size / _SLOWEST)
        with self._guard, self._signed_in() as client:
            yield client

    @contextmanager
    def _signed_in(self) -> Iterator[smtplib.SMTP]:
        secret = self._secret() if self.url.user else None
        if self.url.user and not secret:
            raise SecretError(
                f"No password for {self.url.user} at {self.url.place} is in the keyring.", hint=LOGIN_HINT
            )
        with self._mapped("being connected to"):
            client = self._connect()
        try:
            with self._mapped("being greeted"):
                self._greet(client)
            if secret:
                with self._mapped("checking the sign-in"):
                    sign_in(client, self.url, secret)
            yield client
        finally:
            _leave(client)

    def _connect(self) -> smtplib.SMTP:
        context = self._trust() if self.url.implicit_tls else None
        return GuardedSmtp(self.url.host, self.url.port, self._timeout, self._guard, context)

    def _greet(self, client: smtplib.SMTP) -> None:
        """EHLO, and TLS where it did not begin with the connection. Only loopback may do without."""
        client.local_hostname = _literal(client)
        self._judge(*client.ehlo())
        if self.url.implicit_tls:
            return
        if client.has_extn("starttls"):
            try:
                client.starttls(context=self._trust())
            except smtplib.SMTPResponseException as exc:
                said = said_by_server(exc.smtp_code, exc.smtp_error)
                raise MailDeferred(f"{self.url.place} does not begin TLS now: {said}") from exc
            self._judge(*client.ehlo())
        elif not self.url.loopback:
            raise MailDeferred(
                f"{self.url.place} offers no TLS, and nothing is sent in plain text over a network.",
                hint="Use the server's smtps:// address, or its port for submission.",
            )

    def _trust(self) -> ssl.SSLContext:
        """Certificates and names are always checked, TLS 1.2 is the least."""
        try:
            context = ssl.create_default_context()
            if self._ca_file:
                # Beside the system's authorities, not in their place.
                context.load_verify_locations(cafile=str(Path(self._ca_file).expanduser()))
        except (OSError, RuntimeError) as exc:
            raise ConfigError(f"The certificates in `[mail] ca_file` ({self._ca_file}) cannot be read.") from exc
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _envelope(self, client: smtplib.SMTP, sender: str, recipients: list[str], size: int) -> None:
        wide = next((address for address in (sender, *recipients) if not address.isascii()), None)
        if wide and not client.has_extn("smtputf8"):
            raise MailRefused(
                f"{self.url.place} cannot carry the address {clean_line(wide)} (it has no SMTPUTF8).",
                hint="Ask for an address of plain letters.",
            )
        limit = client.esmtp_features.get("size", "").strip()
        if limit.isdigit() and 0 < int(limit) < size:
            raise MailRefused(
                f"{self.url.place} takes mails of up to {int(limit) // 1024} kB; this one has {size // 1024} kB.",
                hint="Leave attachments out.",
            )
        options = f" SIZE={size}" if client.has_extn("size") else ""
        if wide:
            client.command_encoding = "utf-8"
            options += " BODY=8BITMIME SMTPUTF8"
        self._command(client, f"MAIL FROM:<{sender}>{options}", "taking the sender")
        self._recipients(client, recipients)
        self._command(client, "DATA", "being asked to take the mail", expected=354)

    def _recipients(self, client: smtplib.SMTP, recipients: list[str]) -> None:
        """Every recipient is asked for, so that one answer names all that are refused."""
        refused: list[str] = []
        deferred: list[str] = []
        for address in recipients:
            with self._mapped("taking the recipient"):
                code, words = client.docmd(f"RCPT TO:<{address}>")
            if not 200 <= code < 300:
                told = f"{clean_line(address)}: {said_by_server(code, words)}"
                (refused if 500 <= code < 600 else deferred).append(told)
        if refused:
            raise MailRefused(f"{self.url.place} refuses {'; '.join(refused)}", hint="Check the address.")
        if deferred:
            raise MailDeferred(f"{self.url.place} does not take the mail now for {'; '.join(deferred)}")

    def _data(self, client: smtplib.SMTP, data: bytes) -> str:
        """The mail, then the dot on its own: only from there on the outcome can be unknown."""
        with self._mapped("taking the mail"):
            wire = self._body(client, data)
        try:
            wire.sendall(b".\r\n")
            code, words = client.getreply()
        except (OSError, smtplib.SMTPException) as exc:
            raise MailUnknown(
                f"{self.url.place} took the mail, and then the connection was lost before it said whether it keeps it.",
                hint="Look whether it arrived before sending it again.",
            ) from exc
        if not 200 <= code < 600 or 300 <= code < 400:
            raise MailUnknown(
                f"{self.url.place} took the mail and answered something that is no answer.",
                hint="Look whether it arrived before sending it again.",
            )
        self._judge(code, words)
        return said_by_server(code, words)

    def _body(self, client: smtplib.SMTP, data: bytes) -> socket.socket:
        """Everything but the dot. A fault in here ends the connection: a QUIT would be taken for a line of the mail."""
        wire = client.sock
        if wire is None:
            raise smtplib.SMTPServerDisconnected("no connection")
        try:
            wire.settimeout(self._data_timeout)
            stuffed = memoryview(re.sub(rb"(?m)^\.", b"..", data))
            for start in range(0, len(stuffed), _PIECE):
                wire.sendall(stuffed[start : start + _PIECE])
                if _has_answer(wire):
                    self._judge(*client.getreply())
                    raise MailDeferred(f"{self.url.place} answered before the mail was complete.")
        except BaseException:
            client.close()
            raise
        return wire

    def _command(self, client: smtplib.SMTP, line: str, doing: str, *, expected: int | None = None) -> None:
        with self._mapped(doing):
            code, words = client.docmd(line)
            if expected is not None and 200 <= code < 400 and code != expected:
                raise MailDeferred(f"{self.url.place} answered something unexpected: {said_by_server(code, words)}")
            self._judge(code, words, also=expected)

    def _judge(self, code: int, words: bytes, *, also: int | None = None) -> None:
        """Nothing for a yes (2xx, or `also`), `MailRefused` for 5xx, `MailDeferred` for everything else."""
        if 200 <= code < 300 or code == also:
            return
        said = said_by_server(code, words)
        if not 500 <= code < 600:
            raise MailDeferred(f"{self.url.place} says not now: {said}")
        hint = ""
        if code == 530:
            hint = LOGIN_HINT if self.url.user else "Put the user into `[mail] smtp`: smtps://user@host."
        raise MailRefused(f"{self.url.place} refuses: {said}", hint=hint)

    @contextmanager
    def _mapped(self, doing: str) -> Iterator[None]:
        """Everything that a connection can raise before the dot, as a sentence; ours pass through."""
        try:
            yield
        except MailError:
            raise
        except smtplib.SMTPResponseException as exc:
            if self._guard.cut:
                self._explain(exc, doing)
            self._judge(exc.smtp_code, _as_bytes(exc.smtp_error))
            raise MailDeferred(f"{self.url.place} answered something unexpected.") from exc
        except (OSError, smtplib.SMTPException) as exc:
            self._explain(exc, doing)

    def _explain(self, exc: Exception, doing: str) -> NoReturn:
        place = self.url.place
        if isinstance(exc, ssl.SSLCertVerificationError):
            why = clean_line(exc.verify_message).rstrip(".")
            raise MailDeferred(f"The certificate of {place} cannot be trusted: {why}.", hint=_TRUST_HINT) from exc
        if isinstance(exc, socket.gaierror):
            raise MailDeferred(f"The mail server {place} cannot be found.", hint="Check `[mail] smtp`.") from exc
        if self._guard.cut or isinstance(exc, TimeoutError) or isinstance(exc.__context__, TimeoutError):
            raise MailDeferred(f"The mail server {place} took too long while {doing}.") from exc
        if isinstance(exc, ssl.SSLError):
            hint = "smtps:// is for ports that begin with TLS, smtp:// for those that have STARTTLS."
            raise MailDeferred(f"No secure connection to {place} came about while {doing}.", hint=hint) from exc
        if isinstance(exc, smtplib.SMTPServerDisconnected):
            raise MailDeferred(f"The mail server {place} hung up while {doing}.") from exc
        why = clean_line(getattr(exc, "strerror", None) or "no connection").rstrip(".")
        raise MailDeferred(f"The mail server {place} cannot be reached while {doing}: {why}.") from exc


def said_by_server(code: int, words: bytes | str) -> str:
    """A server's answer on one line, fit for a screen and the log."""
    text = clean_line(_as_bytes(words).decode("utf-8", "replace"), 300)
    return f"{code} {text}".strip() if code > 0 else text or "nothing that is an answer"


def _as_bytes(words: bytes | str) -> bytes:
    return words if isinstance(words, bytes) else words.encode("utf-8", "replace")


def _literal(client: smtplib.SMTP) -> str:
    """The address literal for EHLO: it needs no name service and gives no machine's name away."""
    address = str(client.sock.getsockname()[0]) if client.sock else "127.0.0.1"
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"


def _has_answer(wire: socket.socket) -> bool:
    """Whether the server spoke or hung up while it was being written to."""
    if isinstance(wire, ssl.SSLSocket) and wire.pending():
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(wire, selectors.EVENT_READ)
        return bool(selector.select(0))


def _leave(client: smtplib.SMTP) -> None:
    with suppress(OSError, smtplib.SMTPException):
        if client.sock is not None:
            client.sock.settimeout(_FAREWELL)
            client.docmd("QUIT")
    client.close()
