"""A mail server that does what a test says: any answer, a lost connection or silence at any stage.

    with SmtpDouble(certificate=authority.issue(), credentials={"social": "secret"}) as server:
        server.on("rcpt", Say("450 4.2.0 Try later"))      # the next time only
        server.always("quit", Drop())
        ... SmtpSender(ServerUrl.parse(server.url("social")), ...)
        assert server.mails[0].recipients == ["waste@anytown.example"]

Stages: `greeting`, `ehlo`, `starttls` (its answer), `tls` (the handshake), `auth`, `noop`, `mail`, `rcpt`, `data` (the
answer to DATA), `body` (after the first bytes of the mail), `dot` (after the final dot, before its answer), `quit`.
"""

from __future__ import annotations

import base64
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote

from tests.doubles.tls import Certificate


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with this instead of the usual (lines of one answer are separated by a newline)."""

    reply: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Hang up without an answer. At `dot`, `keep` says whether the mail counts as delivered all the same."""

    keep: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing until the double stops. At `dot`, `keep` says whether the mail counts as delivered."""

    keep: bool = False


Step: TypeAlias = Say | Drop | Hang


@dataclass(frozen=True, slots=True)
class Delivered:
    """A mail that the double took: its envelope, its bytes without dot-stuffing, and how it came."""

    sender: str
    recipients: list[str]
    data: bytes
    options: str
    """What stood behind MAIL FROM."""
    user: str | None
    tls: bool


@dataclass(slots=True)
class _Conversation:
    """What one connection has said so far."""

    wire: socket.socket
    tls: bool = False
    user: str | None = None
    sender: str = ""
    options: str = ""
    recipients: list[str] = field(default_factory=list)
    buffer: bytes = b""


class _HungUp(Exception):
    """The conversation is over."""


class SmtpDouble:
    """A scripted SMTP server on loopback, in threads. `credentials` are user → password (or OAuth token)."""

    def __init__(
        self,
        *,
        certificate: Certificate | None = None,
        implicit_tls: bool = False,
        starttls: bool = True,
        credentials: dict[str, str] | None = None,
        auth: str = "PLAIN LOGIN XOAUTH2",
        features: tuple[str, ...] = ("SIZE 50000000", "8BITMIME", "SMTPUTF8"),
    ) -> None:
        self._certificate = certificate
        self._implicit_tls = implicit_tls
        self._starttls = starttls and certificate is not None and not implicit_tls
        self._credentials = dict(credentials or {})
        self._auth = auth
        self._features = features
        self._next: dict[str, deque[Step]] = {}
        self._always: dict[str, Step] = {}
        self._refused: dict[str, str] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self.hanging = threading.Event()
        """Set when a conversation came to a `Hang`."""
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self.mails: list[Delivered] = []
        self.commands: list[str] = []
        """Every line that came in, secrets of AUTH included: for tests of what is said when."""
        self.connections = 0

    # --- the script ---------------------------------------------------------------------------------------

    def on(self, stage: str, *steps: Step) -> None:
        """What happens the next times that `stage` is reached, one step each."""
        self._next.setdefault(stage, deque()).extend(steps)

    def always(self, stage: str, step: Step) -> None:
        """What happens every time that `stage` is reached."""
        self._always[stage] = step

    def refuse(self, recipient: str, reply: str = "550 5.1.1 User unknown") -> None:
        """Answer RCPT TO of this recipient so, every time."""
        self._refused[recipient] = reply

    # --- life ---------------------------------------------------------------------------------------------

    def start(self) -> SmtpDouble:
        """Listen on a free port of loopback."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._spawn(self._accept)
        return self

    def stop(self) -> None:
        """Hang up on everybody and wait for the threads."""
        self._stopping.set()
        # A listener that is closed under accept() stays blocked on Linux; shutting it down wakes it.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            socket.create_connection(("127.0.0.1", self.port)).close()
        for wire in list(self._open):
            _shut(wire)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def __enter__(self) -> SmtpDouble:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, user: str | None = None, host: str = "127.0.0.1") -> str:
        """The address for `[mail] smtp`."""
        who = f"{quote(user, safe='')}@" if user else ""
        return f"{'smtps' if self._implicit_tls else 'smtp'}://{who}{host}:{self.port}"

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Delivered]:
        """The mails, as soon as there are `count` of them. Raises `AssertionError` after `timeout` seconds."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.mails) >= count, timeout), f"{len(self.mails)} mails came"
            return list(self.mails)

    # --- the conversation ---------------------------------------------------------------------------------

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._spawn(self._serve, wire)

    def _serve(self, wire: socket.socket) -> None:
        talk = _Conversation(wire)
        self._open.add(wire)
        try:
            if self._implicit_tls:
                self._begin_tls(talk)
            self._answer(talk, "greeting", "220 double.example ESMTP")
            while True:
                self._command(talk, self._line(talk))
        except (_HungUp, OSError):
            pass
        finally:
            self._open.discard(talk.wire)
            _shut(talk.wire)
            talk.wire.close()

    def _begin_tls(self, talk: _Conversation) -> None:
        self._step(talk, "tls")
        assert self._certificate is not None
        self._open.discard(talk.wire)
        talk.wire = self._certificate.server_context().wrap_socket(talk.wire, server_side=True)
        self._open.add(talk.wire)
        talk.tls = True

    def _command(self, talk: _Conversation, line: str) -> None:
        self.commands.append(line)
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "EHLO":
                self._answer(talk, "ehlo", self._greeting(talk))
            case "STARTTLS":
                if self._answer(talk, "starttls", "220 2.0.0 Ready").startswith("220"):
                    self._begin_tls(talk)
            case "AUTH":
                self._sign_in(talk, rest)
            case "MAIL":
                address, _, talk.options = rest.partition("<")[2].partition(">")
                talk.sender, talk.recipients = address, []
                self._answer(talk, "mail", "250 2.1.0 Ok")
            case "RCPT":
                self._recipient(talk, rest)
            case "DATA":
                if self._answer(talk, "data", "354 Go on").startswith("354"):
                    self._take(talk)
            case "NOOP" | "RSET":
                self._answer(talk, "noop", "250 2.0.0 Ok")
            case "QUIT":
                self._answer(talk, "quit", "221 2.0.0 Bye")
                raise _HungUp
            case _:
                self._say(talk, "502 5.5.2 Not implemented")

    def _greeting(self, talk: _Conversation) -> str:
        lines = ["double.example", *self._features]
        if self._starttls and not talk.tls:
            lines.append("STARTTLS")
        if self._credentials:
            lines.append(f"AUTH {self._auth}")
        return "\n".join(f"250{' ' if line is lines[-1] else '-'}{line}" for line in lines)

    def _sign_in(self, talk: _Conversation, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        user, secret = "", ""
        match mechanism.upper():
            case "PLAIN":
                _, user, secret = _decoded(initial).split("\x00")
            case "XOAUTH2":
                fields = dict(part.partition("=")[::2] for part in _decoded(initial).split("\x01") if part)
                user, secret = fields["user"], fields["auth"].removeprefix("Bearer ")
                if self._credentials.get(user) != secret:
                    self._say(talk, "334 eyJzdGF0dXMiOiI0MDEifQ==")
                    self._line(talk)
            case "LOGIN":
                self._say(talk, "334 VXNlcm5hbWU6")
                user = _decoded(self._line(talk))
                self._say(talk, "334 UGFzc3dvcmQ6")
                secret = _decoded(self._line(talk))
        good = self._credentials.get(user) == secret
        usual = "235 2.7.0 Welcome" if good else "535 5.7.8 Authentication credentials invalid"
        if self._answer(talk, "auth", usual).startswith("235"):
            talk.user = user

    def _recipient(self, talk: _Conversation, rest: str) -> None:
        address = rest.partition("<")[2].rpartition(">")[0]
        reply = self._answer(talk, "rcpt", self._refused.get(address, "250 2.1.5 Ok"))
        if reply.startswith("250"):
            talk.recipients.append(address)

    def _take(self, talk: _Conversation) -> None:
        if not talk.buffer:
            self._read(talk)
        early = self._step(talk, "body")
        if isinstance(early, Say):
            self._say(talk, early.reply)
        lines: list[bytes] = []
        while (line := self._raw_line(talk)) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        mail = Delivered(talk.sender, talk.recipients, b"".join(lines), talk.options.strip(), talk.user, talk.tls)
        step = self._due("dot")
        if step is None or (isinstance(step, Drop | Hang) and step.keep) or _accepts(step):
            with self._changed:
                self.mails.append(mail)
                self._changed.notify_all()
        self._perform(talk, step, f"250 2.0.0 Ok: queued as {len(self.mails)}")

    # --- stages -------------------------------------------------------------------------------------------

    def _due(self, stage: str) -> Step | None:
        waiting = self._next.get(stage)
        return waiting.popleft() if waiting else self._always.get(stage)

    def _answer(self, talk: _Conversation, stage: str, usual: str) -> str:
        return self._perform(talk, self._due(stage), usual)

    def _step(self, talk: _Conversation, stage: str) -> Step | None:
        step = self._due(stage)
        if isinstance(step, Drop | Hang):
            self._perform(talk, step, "")
        return step

    def _perform(self, talk: _Conversation, step: Step | None, usual: str) -> str:
        if isinstance(step, Drop):
            raise _HungUp
        if isinstance(step, Hang):
            self.hanging.set()
            self._stopping.wait(60)
            raise _HungUp
        reply = step.reply if isinstance(step, Say) else usual
        self._say(talk, reply)
        return reply

    def _say(self, talk: _Conversation, reply: str) -> None:
        talk.wire.sendall(reply.replace("\n", "\r\n").encode() + b"\r\n")

    def _line(self, talk: _Conversation) -> str:
        return self._raw_line(talk).decode("utf-8", "replace").rstrip("\r\n")

    def _raw_line(self, talk: _Conversation) -> bytes:
        while b"\n" not in talk.buffer:
            self._read(talk)
        line, _, talk.buffer = talk.buffer.partition(b"\n")
        return line + b"\n"

    def _read(self, talk: _Conversation) -> None:
        piece = talk.wire.recv(65536)
        if not piece:
            raise _HungUp
        talk.buffer += piece


def _accepts(step: Step) -> bool:
    return isinstance(step, Say) and step.reply.startswith("2")


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def _shut(wire: socket.socket) -> None:
    with suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)
