"""A small IMAP server on loopback, fast and scriptable: for what a test must be able to make happen on purpose.

It speaks the part of IMAP4rev1 that a reader of mail uses, refuses everything that would change a mailbox, and can hide
mails, lose connections, stall, and answer nonsense. `tests/doubles/dovecot.py` is the real thing.
"""

from __future__ import annotations

import base64
import contextlib
import email
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from types import TracebackType
from typing import BinaryIO

from imapclient.imap_utf7 import decode as decode_name
from imapclient.imap_utf7 import encode as encode_name

from tests.doubles.tls import Authority

USER, PASSWORD = "social@anytown.example", "correct horse"
_DAY_ONE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass(slots=True)
class Stored:
    """One mail in a mailbox. A hidden one has its UID already, and is not shown yet."""

    raw: bytes
    arrived: datetime
    hidden: bool = False


@dataclass(slots=True)
class Box:
    """One mailbox."""

    uidvalidity: int = 1000
    uidnext: int = 1
    flags: str = ""
    mails: dict[int, Stored] = field(default_factory=dict)

    @property
    def visible(self) -> list[int]:
        """UIDs in order, as sequence numbers count them."""
        return sorted(uid for uid, mail in self.mails.items() if not mail.hidden)


Fault = Callable[["Connection", str], bool]
"""Called with every command; True when it dealt with the command itself."""


class ImapDouble:
    """Start it with `with`. `tls` makes it offer STARTTLS, `implicit` begin with TLS."""

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        authority: Authority | None = None,
        implicit: bool = False,
        tokens: Mapping[str, str] | None = None,
        capabilities: str = "SPECIAL-USE",
        host: str = "127.0.0.1",
    ) -> None:
        self.users = dict(users or {USER: PASSWORD})
        self.tokens = dict(tokens or {})
        """OAuth users by access token."""
        self.extra = capabilities
        self.boxes = {"INBOX": Box(), "Sent": Box(flags="\\Sent"), "Drafts": Box(flags="\\Drafts")}
        self.commands: list[str] = []
        """What was asked, without secrets."""
        self.faults: list[Fault] = []
        self.accept = True
        self._context = authority.issue("imap").server_context() if authority else None
        self._implicit = implicit
        self._lock = threading.RLock()
        self._open: set[Connection] = set()
        self._listener = socket.create_server((host, 0))
        self.host, self.port = host, int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name="imap-double", daemon=True)

    @property
    def url(self) -> str:
        """`server` of an account."""
        return f"{'imaps' if self._implicit else 'imap'}://{self.host}:{self.port}"

    def __enter__(self) -> ImapDouble:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        self.drop_connections()

    # --- what happens to the mailboxes -----------------------------------------------------------------------

    def deliver(
        self,
        raw: bytes,
        mailbox: str = "INBOX",
        *,
        arrived: datetime = _DAY_ONE,
        uid: int | None = None,
        hidden: bool = False,
    ) -> int:
        """Put a mail into a mailbox; its UID."""
        with self._lock:
            box = self.boxes.setdefault(mailbox, Box())
            uid = uid or box.uidnext
            box.mails[uid] = Stored(raw, arrived, hidden)
            box.uidnext = max(box.uidnext, uid + 1)
            return uid

    def show(self, uid: int, mailbox: str = "INBOX") -> None:
        """Make a hidden mail visible: it comes late, below others."""
        with self._lock:
            self.boxes[mailbox].mails[uid].hidden = False

    def expunge(self, *uids: int, mailbox: str = "INBOX") -> None:
        """Remove mails for good."""
        with self._lock:
            for uid in uids:
                del self.boxes[mailbox].mails[uid]

    def renumber(self, uidvalidity: int, mailbox: str = "INBOX", *, reverse: bool = False, cut: bool = True) -> None:
        """Give every mail a new UID under another UIDVALIDITY, and lose every connection, as Dovecot does."""
        with self._lock:
            box = self.boxes[mailbox]
            mails = [box.mails[uid] for uid in sorted(box.mails, reverse=reverse)]
            box.uidvalidity = uidvalidity
            box.mails = dict(enumerate(mails, 1))
            box.uidnext = len(mails) + 1
        if cut:
            self.drop_connections()

    def drop_connections(self) -> None:
        """Cut every open connection."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            connection.cut()
        for connection in connections:
            connection.join(5)

    def on(self, start: str, act: Callable[[Connection], bool | None], *, nth: int = 1) -> None:
        """When the nth command that begins with `start` comes, let `act` happen once; it may answer in its place."""
        count = 0

        def fault(connection: Connection, command: str) -> bool:
            nonlocal count
            if not command.upper().startswith(start.upper()):
                return False
            count += 1
            return bool(act(connection)) if count == nth else False

        self.faults.append(fault)

    # --- serving ---------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            wire.settimeout(20)
            # Without it every second short line waits 40 ms for an acknowledgement.
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self.accept:
                wire.close()
                continue
            connection = Connection(self, wire, self._context, implicit=self._implicit)
            with self._lock:
                self._open.add(connection)
            connection.start()

    def forget(self, connection: Connection) -> None:
        """A connection ended."""
        with self._lock:
            self._open.discard(connection)

    def locked(self) -> threading.RLock:
        """Held while mailboxes are read."""
        return self._lock


class Connection(threading.Thread):
    """One client."""

    def __init__(
        self, server: ImapDouble, wire: socket.socket, context: ssl.SSLContext | None, *, implicit: bool
    ) -> None:
        super().__init__(name="imap-double-connection", daemon=True)
        self.server = server
        self._wire = wire
        self._context = context
        self._secure = implicit
        self._implicit = implicit
        self._file: BinaryIO | None = None
        self._box: Box | None = None
        self._tag = ""
        self.user = ""

    # --- the wire --------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until the client leaves or the line is cut."""
        try:
            with contextlib.suppress(OSError, ValueError):
                if self._implicit:
                    self._wrap()
                self._file = self._wire.makefile("rb")
                self.say(f"* OK [CAPABILITY {self._capability()}] double ready")
                while self._serve():
                    pass
        finally:
            if self._file is not None:
                self._file.close()
            self._wire.close()
            self.server.forget(self)

    def _wrap(self) -> None:
        assert self._context is not None
        self._wire = self._context.wrap_socket(self._wire, server_side=True)
        self._secure = True

    def cut(self) -> None:
        """Lose the connection."""
        with contextlib.suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)

    def say(self, line: str | bytes) -> None:
        """Send a line."""
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._wire.sendall(data)

    def answer(self, text: str) -> bool:
        """Finish the command."""
        self.say(f"{self._tag} {text}")
        return True

    def _line(self) -> str:
        assert self._file is not None
        line = self._file.readline(65536)
        if not line:
            raise OSError("the client left")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        while match := re.search(r"\{(\d+)(\+?)\}$", text):
            if not match[2]:
                self.say("+ go on")
            literal = self._file.read(int(match[1])).decode("utf-8", "replace")
            rest = self._file.readline(65536).decode("utf-8", "replace").rstrip("\r\n")
            text = f'{text[: match.start()]}"{literal}"{rest}'
        return text

    # --- commands --------------------------------------------------------------------------------------------

    def _serve(self) -> bool:
        self._tag, _, command = self._line().partition(" ")
        word = command.partition(" ")[0].upper()
        shown = f"{word} …" if word in ("LOGIN", "AUTHENTICATE") else command
        self.server.commands.append(shown)
        for fault in list(self.server.faults):
            if fault(self, command):
                return True
        if word == "LOGOUT":
            self.say("* BYE")
            self.answer("OK bye")
            return False
        handler = getattr(self, f"_do_{word.lower()}", None)
        if handler is None:
            return self.answer("BAD this double only lets mail be read")
        with self.server.locked():
            result = handler(command.partition(" ")[2])
        assert result
        return True

    def _capability(self) -> str:
        words = ["IMAP4rev1"]
        if self._context is not None and not self._secure:
            words += ["STARTTLS", "LOGINDISABLED"]
        else:
            words += ["AUTH=PLAIN"]
            if self.server.tokens:
                words.append("AUTH=XOAUTH2")
        return " ".join([*words, *self.server.extra.split()])

    def _do_capability(self, _: str) -> bool:
        self.say(f"* CAPABILITY {self._capability()}")
        return self.answer("OK done")

    def _do_noop(self, _: str) -> bool:
        return self.answer("OK done")

    def _do_starttls(self, _: str) -> bool:
        self.answer("OK go")
        assert self._file is not None
        self._file.close()
        self._wrap()
        self._file = self._wire.makefile("rb")
        return True

    def _do_login(self, arguments: str) -> bool:
        user, password = (_unquoted(word) for word in re.findall(r'"(?:[^"\\]|\\.)*"|\S+', arguments))
        return self._welcome(user, good=self.server.users.get(user) == password)

    def _do_authenticate(self, arguments: str) -> bool:
        self.say("+ ")
        fields = base64.b64decode(self._line()).decode()
        if arguments.upper() == "PLAIN":
            _, user, password = fields.split("\0")
            return self._welcome(user, good=self.server.users.get(user) == password)
        token = "".join(re.findall("Bearer ([^\1]*)", fields))
        user = "".join(re.findall("(?:user=|a=)([^\1,]*)", fields))
        if self.server.tokens.get(token) == user:
            return self._welcome(user, good=True)
        self.say("+ " + base64.b64encode(b'{"status":"401"}').decode())
        assert self._line() == ""
        return self._welcome(user, good=False)

    def _welcome(self, user: str, *, good: bool) -> bool:
        self.user = user if good else ""
        return self.answer("OK in" if good else "NO [AUTHENTICATIONFAILED] Authentication failed.")

    def _do_list(self, arguments: str) -> bool:
        pattern = _unquoted(re.findall(r'"(?:[^"\\]|\\.)*"|\S+', arguments)[1])
        for name, box in self.server.boxes.items():
            coded = encode_name(name).decode("ascii")
            if pattern in ("*", coded):
                self.say(f'* LIST ({box.flags}) "/" "{coded}"')
        return self.answer("OK done")

    def _do_namespace(self, _: str) -> bool:
        self.say('* NAMESPACE (("" "/")) NIL NIL')
        return self.answer("OK done")

    def _do_examine(self, arguments: str) -> bool:
        box = self.server.boxes.get(decode_name(_unquoted(arguments).encode()))
        if box is None:
            return self.answer("NO [NONEXISTENT] Mailbox doesn't exist")
        self._box = box
        self.say(f"* {len(box.visible)} EXISTS")
        self.say("* 0 RECENT")
        self.say(f"* OK [UIDVALIDITY {box.uidvalidity}] valid")
        self.say(f"* OK [UIDNEXT {box.uidnext}] next")
        return self.answer("OK [READ-ONLY] done")

    def _do_uid(self, arguments: str) -> bool:
        word, _, rest = arguments.partition(" ")
        if self._box is None:
            return self.answer("BAD no mailbox")
        if word.upper() == "SEARCH":
            return self._search(self._box, rest)
        if word.upper() == "FETCH":
            return self._fetch(self._box, rest)
        return self.answer("BAD this double only lets mail be read")

    def _search(self, box: Box, arguments: str) -> bool:
        visible = box.visible
        found = set(visible)
        words = arguments.split()
        while words:
            word = words.pop(0).upper()
            if word == "UID":
                found &= set(_chosen(words.pop(0), visible, by_uid=True))
            elif word == "SINCE":
                # As servers do: by the day of INTERNALDATE, whatever the time zone.
                day = datetime.strptime(words.pop(0), "%d-%b-%Y").replace(tzinfo=UTC).date()
                found &= {uid for uid in visible if box.mails[uid].arrived.date() >= day}
            elif word != "ALL":
                found &= set(_chosen(word, visible, by_uid=False))
        self.say(f"* SEARCH {' '.join(map(str, sorted(found)))}".rstrip())
        return self.answer("OK done")

    def _fetch(self, box: Box, arguments: str) -> bool:
        which, _, items = arguments.partition(" ")
        visible = box.visible
        if re.search(r"BODY\[", items.upper()):
            return self.answer("BAD that would set \\Seen")
        for uid in _chosen(which, visible, by_uid=True):
            parts = [f"UID {uid}".encode(), *_items(box.mails[uid], items)]
            self.say(f"* {visible.index(uid) + 1} FETCH (".encode() + b" ".join(parts) + b")")
        return self.answer("OK done")


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word


def _chosen(sequence: str, visible: list[int], *, by_uid: bool) -> list[int]:
    """UIDs of a sequence set; `n:*` holds the last mail whatever n is."""
    names = visible if by_uid else list(range(1, len(visible) + 1))
    if not names:
        return []
    out: set[int] = set()
    for piece in sequence.split(","):
        low, _, high = piece.partition(":")
        ends = sorted(names[-1] if end == "*" else int(end) for end in (low, high or low))
        out.update(name for name in names if ends[0] <= name <= ends[1])
    return sorted(out) if by_uid else [visible[number - 1] for number in sorted(out)]


def _items(mail: Stored, items: str) -> Iterator[bytes]:
    """The answers to the items of a FETCH."""
    for match in re.finditer(r"BODY\.PEEK\[([^\]]*)\](?:<(\d+)\.(\d+)>)?|[A-Z0-9.]+", items.upper().strip("()")):
        if match[0] == "RFC822.SIZE":
            yield f"RFC822.SIZE {len(mail.raw)}".encode()
        elif match[0] == "INTERNALDATE":
            yield f'INTERNALDATE "{mail.arrived:%d-%b-%Y %H:%M:%S %z}"'.encode()
        elif match[0] == "FLAGS":
            yield b"FLAGS ()"
        elif match[0] == "BODYSTRUCTURE":
            yield b"BODYSTRUCTURE " + _structure(email.message_from_bytes(mail.raw))
        elif match[0].startswith("BODY.PEEK"):
            data = _section(mail.raw, match[1])
            name = f"BODY[{match[1]}]"
            if match[2] is not None:
                data = data[int(match[2]) : int(match[2]) + int(match[3])]
                name += f"<{match[2]}>"
            yield f"{name} {{{len(data)}}}\r\n".encode() + data


def _section(raw: bytes, section: str) -> bytes:
    header = re.split(rb"(?<=\n)\r?\n", raw, maxsplit=1)[0]
    if not section:
        return raw
    if section == "HEADER":
        return header + b"\r\n"
    if section.startswith("HEADER.FIELDS"):
        names = section.partition("(")[2].strip(")").lower().split()
        fields = re.findall(rb"(?m)^[^\s:]+:.*(?:\r?\n[ \t].*)*\r?\n?", header)
        return b"".join(line for line in fields if line.partition(b":")[0].lower().decode() in names) + b"\r\n"
    part: Message = email.message_from_bytes(raw)
    for number in section.split("."):
        below = part.get_payload()
        part = below[int(number) - 1] if isinstance(below, list) else part  # type: ignore[assignment]
    payload = part.get_payload()
    return payload.encode("ascii", "surrogateescape") if isinstance(payload, str) else b""


def _structure(part: Message) -> bytes:
    """BODYSTRUCTURE of a mail, its parameters included."""
    below = part.get_payload()
    if part.is_multipart() and part.get_content_maintype() == "multipart" and isinstance(below, list):
        inner = b"".join(_structure(each) for each in below if isinstance(each, Message))
        return b"(" + inner + f' "{part.get_content_subtype()}")'.encode()
    params = " ".join(f'"{key}" "{value}"' for key, value in (part.get_params() or [])[1:])
    size = len(str(below))
    lines = [f'"{part.get_content_maintype()}" "{part.get_content_subtype()}"', f"({params})" if params else "NIL"]
    lines += ["NIL", "NIL", f'"{part.get("content-transfer-encoding", "7bit")}"', str(size)]
    if part.get_content_maintype() == "text":
        lines.append("10")
    name = part.get_filename()
    disposition = part.get_content_disposition()
    given = f'("filename" "{name}")' if name else "NIL"
    lines += ["NIL", f'("{disposition}" {given})' if disposition else "NIL"]
    return f"({' '.join(lines)})".encode()
