"""A mailbox on a server, read and never changed: EXAMINE and PEEK only, so that no mail becomes seen by our doing.

Every method blocks; use one client from one thread (`mail.worker.Worker`). Only `abort` may be called from another.
Nothing is said in clear except to loopback, and certificates are always checked. Foreign errors become sentences
here: `AuthError`, `Misconfigured`, `NotPermitted`, `RateLimited`, `Unavailable`, `BadPayload`.
"""

from __future__ import annotations

import contextlib
import difflib
import logging
import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError
from imapclient.imapclient import SENT

from socialtriage.domain.errors import BadPayload, Misconfigured, NotPermitted, Unavailable
from socialtriage.domain.text import clean_line
from socialtriage.mail.address import ServerUrl
from socialtriage.mail.guard import hidden
from socialtriage.mail.imap_errors import Declined, explain, nonsense, said, sign_in_error

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 20.0
"""Seconds that one answer may take."""
GOODBYE_TIMEOUT = 1.0
SEARCH_CHUNK = 50_000
"""Messages in one search: longer answers than a million characters are refused by the standard library."""
SEARCH_OVERLAP = 1000
MAX_SEARCHES = 200

# The library logs what it sends, at debug level.
logging.getLogger("imapclient").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Login:
    """Who signs in, with a password or an OAuth access token; neither is ever shown."""

    user: str
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An opened mailbox. UIDs mean something only together with `uidvalidity`."""

    name: str
    uidvalidity: int
    uidnext: int | None
    exists: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a mail before it is fetched: its size in bytes, when the server took it in."""

    size: int
    arrived: datetime | None
    answers: bool = True
    """Whether it has References or In-Reply-To; only known where it was asked for."""


class ImapClient:
    """One connection to one server. `place` names it in messages."""

    def __init__(
        self,
        server: ServerUrl,
        *,
        ca_file: str | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        self.server = server
        self.requests = 0
        """Commands sent so far."""
        self._ca_file = ca_file
        self._timeout = SocketTimeout(connect_timeout, read_timeout)
        self._client: IMAPClient | None = None
        self._aborted = False

    # --- connecting ---------------------------------------------------------------------------------------

    def sign_in(self, login: Login) -> None:
        """Connect, secure the connection and sign in. Raises `AuthError` and the errors of the module."""
        if {"\r", "\n", "\0"} & set(f"{login.user}{login.password}{login.token}"):
            raise Misconfigured("The user or the secret of the mailbox holds a line break.")
        self.close()
        self._aborted = False
        with self._mapped():
            self._client = self._connect()
            self._secure(self._client)
        try:
            with self._mapped():
                self._authenticate(self._client, login)
        except Declined as exc:
            cause = exc.__cause__
            words = hidden(str(cause), login.user, login.password or login.token)
            raise sign_in_error(self.place, login.user, words, by_token=bool(login.token)) from None

    @property
    def place(self) -> str:
        """Host and port."""
        return self.server.place

    @property
    def connected(self) -> bool:
        """Whether there is a connection that was not aborted."""
        return self._client is not None and not self._aborted

    @property
    def security(self) -> str:
        """How the connection is secured, in words."""
        wire = self._client.socket() if self._client is not None else None
        if isinstance(wire, ssl.SSLSocket):
            return f"{wire.version()}{'' if self.server.implicit_tls else ' by STARTTLS'}"
        return "plain text on this machine"

    def _connect(self) -> IMAPClient:
        context = _trust(self._ca_file) if self.server.implicit_tls else None
        self.requests += 1
        client = IMAPClient(
            self.server.host, self.server.port, ssl=self.server.implicit_tls, ssl_context=context, timeout=self._timeout
        )
        client.normalise_times = False
        # The library writes one command in several pieces; each would wait for the one before to be acknowledged.
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def _secure(self, client: IMAPClient) -> None:
        """STARTTLS where TLS did not begin with the connection. Only loopback may do without."""
        if self.server.implicit_tls:
            return
        if client.has_capability("STARTTLS"):
            client.starttls(_trust(self._ca_file))
        elif not self.server.loopback:
            raise Misconfigured(
                f"{self.place} offers no TLS, and no mail is read in plain text over a network.",
                hint="Write the server as imaps://host:993.",
            )

    def _authenticate(self, client: IMAPClient, login: Login) -> None:
        self.requests += 1
        offered = client.capabilities()
        if login.token:
            _by_token(client, self.place, login, offered)
        elif b"AUTH=PLAIN" in offered and (
            b"LOGINDISABLED" in offered or not f"{login.user}{login.password}".isascii()
        ):
            client.plain_login(login.user, login.password)
        elif b"LOGINDISABLED" in offered:
            raise Misconfigured(
                f"{self.place} takes no password on this connection (LOGINDISABLED).",
                hint="Write the server as imaps://host:993, or sign in with OAuth.",
            )
        else:
            client.login(login.user, login.password)

    # --- reading ------------------------------------------------------------------------------------------

    def capabilities(self) -> tuple[str, ...]:
        """What the server says it can do."""
        with self._command() as client:
            return tuple(clean_line(name.decode("ascii", "replace")) for name in client.capabilities())

    def mailboxes(self) -> list[str]:
        """Names of every mailbox that can be opened."""
        with self._command() as client:
            folders = client.list_folders()
            return [str(name) for flags, _, name in folders if b"\\noselect" not in {flag.lower() for flag in flags}]

    def sent_mailbox(self) -> str | None:
        """The mailbox of sent mail, by SPECIAL-USE (RFC 6154) or by its usual names; None where there is none."""
        with self._command() as client:
            found = client.find_special_folder(SENT)
            return str(found) if found else None

    def examine(self, name: str) -> Mailbox:
        """Open a mailbox read-only. Raises `Misconfigured` with the nearest names when there is none such."""
        try:
            with self._command() as client:
                facts = client.select_folder(name, readonly=True)
        except Declined as exc:
            raise self._no_mailbox(name, str(exc.__cause__)) from exc
        return Mailbox(name, facts.get(b"UIDVALIDITY", 0), facts.get(b"UIDNEXT"), facts.get(b"EXISTS", 0))

    def _no_mailbox(self, name: str, words: str) -> Exception:
        shown, why = clean_line(name), said(words)
        if "NOPERM" in why.upper() or "permission" in why.lower():
            return NotPermitted(f"The login may not read the mailbox {shown} at {self.place}.")
        with contextlib.suppress(Unavailable, BadPayload):
            names = self.mailboxes()
            if name not in names:
                near = difflib.get_close_matches(name, names, 3, 0.5) or names[:5]
                hint = f"There are: {', '.join(clean_line(each) for each in near)}." if near else ""
                return Misconfigured(f"There is no mailbox {shown} at {self.place}.", hint=hint)
        return Unavailable(f"{self.place} does not open the mailbox {shown} now: {why}.")

    def uids_from(self, low: int, uidnext: int | None = None) -> list[int]:
        """UIDs of the opened mailbox that are `low` or higher, ascending."""
        pieces = range(low, max(uidnext or 0, low + 1), SEARCH_CHUNK)
        found: set[int] = set()
        for start in pieces if len(pieces) <= MAX_SEARCHES else [low]:
            stop = start + SEARCH_CHUNK - 1 if len(pieces) <= MAX_SEARCHES and start != pieces[-1] else "*"
            with self._command() as client:
                # `n:*` names the last mail even when its UID is below n.
                found.update(uid for uid in client.search(f"UID {start}:{stop}") if uid >= low)
        return sorted(found)

    def uids_since(self, day: date, exists: int) -> list[int]:
        """UIDs of mails that arrived on `day` or later by the server's calendar, ascending."""
        found: set[int] = set()
        # The pieces overlap, because a mail that is expunged meanwhile moves the numbers down.
        for start in range(1, exists + 1, SEARCH_CHUNK - SEARCH_OVERLAP):
            stop = start + SEARCH_CHUNK - 1
            with self._command() as client:
                found.update(client.search([f"{start}:{stop}" if stop < exists else f"{start}:*", "SINCE", day]))
        return sorted(found)

    def existing(self, uids: Sequence[int]) -> set[int]:
        """Those of `uids` that are in the opened mailbox."""
        if not uids:
            return set()
        with self._command() as client:
            return set(client.search(f"UID {ranges(uids)}")) & set(uids)

    def envelopes(self, uids: Sequence[int], *, references: bool = False) -> dict[int, Envelope]:
        """Size and arrival of mails; those that are gone are left out."""
        wanted = ["RFC822.SIZE", "INTERNALDATE"]
        if references:
            wanted.append("BODY.PEEK[HEADER.FIELDS (REFERENCES IN-REPLY-TO)]")
        out: dict[int, Envelope] = {}
        for uid, facts in self._fetch(uids, wanted):
            size = facts.get(b"RFC822.SIZE")
            fields = next((value for key, value in facts.items() if key.startswith(b"BODY[HEADER")), b"")
            answers = bool(fields and fields.strip()) if references else True
            out[uid] = Envelope(size if isinstance(size, int) else 0, _utc(facts.get(b"INTERNALDATE")), answers)
        return out

    def mails(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Whole mails, unseen as before."""
        found = self._fetch(uids, ["BODY.PEEK[]"])
        return {uid: facts[b"BODY[]"] for uid, facts in found if isinstance(facts.get(b"BODY[]"), bytes)}

    def outline(self, uid: int) -> tuple[bytes, Any]:
        """Header and BODYSTRUCTURE of a mail that is too large to fetch. Raises `Unavailable` when it is gone."""
        for _, facts in self._fetch([uid], ["BODY.PEEK[HEADER]", "BODYSTRUCTURE"]):
            header = facts.get(b"BODY[HEADER]")
            if isinstance(header, bytes):
                return header, facts.get(b"BODYSTRUCTURE")
        raise Declined(f"{self.place} did not give the header of mail {uid}.")

    def section(self, uid: int, section: str, limit: int) -> bytes:
        """The first `limit` bytes of one part, as it was sent; empty when there is none."""
        for _, facts in self._fetch([uid], [f"BODY.PEEK[{section}]<0.{limit}>"]):
            for key, value in facts.items():
                if key.startswith(b"BODY[") and isinstance(value, bytes):
                    return value
        return b""

    def _fetch(self, uids: Sequence[int], wanted: Sequence[str]) -> list[tuple[int, dict[bytes, Any]]]:
        if not uids:
            return []
        with self._command() as client:
            return list(client.fetch(list(uids), list(wanted)).items())

    # --- ending -------------------------------------------------------------------------------------------

    def abort(self) -> None:
        """Break the connection off, from any thread: a call that waits for the server fails at once."""
        self._aborted = True
        client = self._client
        if client is not None:
            with contextlib.suppress(Exception):
                client.socket().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say goodbye and close. Never raises."""
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(Exception):
            if not self._aborted:
                client.socket().settimeout(GOODBYE_TIMEOUT)
                client.logout()
                return
        with contextlib.suppress(Exception):
            client.shutdown()

    # --- errors -------------------------------------------------------------------------------------------

    @contextmanager
    def _command(self) -> Iterator[IMAPClient]:
        client = self._client
        if client is None or self._aborted:
            raise Unavailable(f"There is no connection to {self.place}.")
        self.requests += 1
        with self._mapped():
            yield client

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Everything the library can raise, as our errors. After a lost connection the client must sign in again."""
        try:
            yield
        except LoginError as exc:
            if isinstance(exc.__context__, IMAPClientAbortError):
                # The library makes a refusal of a lost line, which says nothing about the password.
                self._aborted = True
                raise explain(self.place, exc.__context__) from None
            raise Declined(f"{self.place} refused the sign-in.") from exc
        except IMAPClientAbortError as exc:
            self._aborted = True
            raise explain(self.place, exc) from exc
        except ProtocolError as exc:
            self._aborted = True
            raise nonsense(self.place, exc) from exc
        except IMAPClientError as exc:
            raise Declined(f"{self.place} refused: {said(exc)}.") from exc
        except OSError as exc:
            self._aborted = True
            raise explain(self.place, exc) from exc
        except (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError) as exc:
            # What the library makes of answers that are none.
            self._aborted = True
            raise nonsense(self.place, exc) from exc


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context()
        if ca_file:
            # Beside the system's authorities, not in their place.
            context.load_verify_locations(cafile=str(Path(ca_file).expanduser()))
    except (OSError, ssl.SSLError) as exc:
        raise Misconfigured(f"The certificates in `[mail] ca_file` ({ca_file}) cannot be read.") from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _by_token(client: IMAPClient, place: str, login: Login, offered: Sequence[bytes]) -> None:
    if b"AUTH=XOAUTH2" in offered:
        mechanism, text = "XOAUTH2", f"user={login.user}\1auth=Bearer {login.token}\1\1"
    elif b"AUTH=OAUTHBEARER" in offered:
        who = login.user.replace("=", "=3D").replace(",", "=2C")
        mechanism, text = "OAUTHBEARER", f"n,a={who},\1auth=Bearer {login.token}\1\1"
    else:
        raise Misconfigured(f"{place} takes no OAuth login.", hint="Store the mailbox's password instead.")
    # A refusal comes as a challenge that wants an empty answer before the verdict (RFC 7628, 3.2.3).
    answers = iter([text.encode()])
    client.sasl_login(mechanism, lambda _challenge: next(answers, b""))


def _utc(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def ranges(uids: Iterable[int]) -> str:
    """UIDs as a compact sequence set: `1:3,7`."""
    out: list[list[int]] = []
    for uid in sorted(set(uids)):
        if out and uid == out[-1][1] + 1:
            out[-1][1] = uid
        else:
            out.append([uid, uid])
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in out)


def uids_of(text: str) -> list[int]:
    """The UIDs of a sequence set made by `ranges`."""
    out: list[int] = []
    for piece in filter(None, text.split(",")):
        low, _, high = piece.partition(":")
        out.extend(range(int(low), int(high or low) + 1))
    return out
