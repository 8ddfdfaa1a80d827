"""A real Dovecot in a folder of its own: for what only a real server does.

Works as root (the mail user is then `nobody`) and as any other user. Needs the Debian package `dovecot-imapd`.
127.0.0.1 counts as secured to Dovecot, 127.0.0.2 does not: there LOGIN is disabled before STARTTLS.
"""

from __future__ import annotations

import grp
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.doubles.tls import Authority

SAFE, UNSAFE = "127.0.0.1", "127.0.0.2"
"""The address that Dovecot trusts, and one where it insists on TLS."""
USERS = {"social@anytown.example": "correct horse"}

_CONFIG = """
protocols = imap
listen = {safe}, {unsafe}
base_dir = {folder}/run
state_dir = {folder}/run
log_path = /dev/stderr
ssl = {tls}
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = {secure}
auth_mechanisms = plain login
auth_failure_delay = 0
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
default_process_limit = 50
first_valid_uid = {uid}
last_valid_uid = {uid}
first_valid_gid = {gid}
mail_location = maildir:~/Maildir
mail_fsync = never
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Drafts {{
    auto = create
    special_use = \\Drafts
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service auth {{
  user = {internal}
}}
service auth-worker {{
  user = {internal}
}}
"""


def missing() -> str:
    """Why a real Dovecot cannot be had here; empty when it can."""
    return "" if _program("dovecot") else "Dovecot is not installed (apt-get install dovecot-imapd)"


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """A port that nothing listens on at this moment, on either address."""
    with socket.socket() as probe:
        probe.bind((SAFE, 0))
        return int(probe.getsockname()[1])


class RealDovecot:
    """Start it with `with`; every user has INBOX, Sent and Drafts.

    `port` speaks STARTTLS, `tls_port` TLS; clients trust `ca_file`. Without `tls` there is plain text on `port` alone.
    """

    def __init__(self, users: Mapping[str, str] = USERS, *, tls: bool = True) -> None:
        self.users = dict(users)
        self.user = next(iter(self.users))
        """Whose mailboxes are meant where no user is named."""
        self._tls = tls
        # Not below pytest's folder, which the mail user may not enter.
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.folder.chmod(0o755)
        self.port, self.tls_port = free_port(), free_port()
        authority = Authority(self.folder / "tls")
        self.ca_file = authority.ca_file
        self._certificate = authority.issue("dovecot")
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()
        self._lines: list[str] = []
        self._numbers = itertools.count(1)
        self._seconds = itertools.count(1_700_000_000)
        self._uid, self._gid = _mail_user()
        self._write()

    def _write(self) -> None:
        root = os.geteuid() == 0
        me = pwd.getpwuid(os.geteuid()).pw_name
        mine = grp.getgrgid(os.getegid()).gr_name
        self.config.write_text(
            _CONFIG.format(
                folder=self.folder,
                safe=SAFE,
                unsafe=UNSAFE,
                port=self.port,
                tls_port=self.tls_port,
                tls="required" if self._tls else "no",
                secure="yes" if self._tls else "no",
                cert=self._certificate.cert_file,
                key=self._certificate.key_file,
                uid=self._uid,
                gid=self._gid,
                internal="dovecot" if root else me,
                internal_group="dovecot" if root else mine,
                login="dovenull" if root else me,
            )
        )
        self._write_users()
        for user in self.users:
            self._make(self.folder / "mail" / user / "Maildir")
        self._own(self.folder / "mail")

    def _write_users(self) -> None:
        lines = [f"{user}:{{PLAIN}}{password}\n" for user, password in self.users.items()]
        file = self.folder / "users"
        file.write_text("".join(lines), "utf-8")
        # Dovecot reads it again when its time in whole seconds, or its size, is another one.
        later = next(self._seconds)
        os.utime(file, (later, later))

    @property
    def config(self) -> Path:
        """The configuration file, for `doveadm -c`."""
        return self.folder / "dovecot.conf"

    @property
    def url(self) -> str:
        """`server` of an account: TLS from the first byte."""
        return f"imaps://{SAFE}:{self.tls_port}"

    @property
    def starttls_url(self) -> str:
        """`server` of an account where nothing may be said before STARTTLS."""
        return f"imap://{UNSAFE}:{self.port}"

    @property
    def plain_url(self) -> str:
        """`server` of an account on the address that Dovecot trusts: plain text where it runs without `tls`."""
        return f"imap://{SAFE}:{self.port}"

    @property
    def log(self) -> str:
        """What Dovecot said so far."""
        return "".join(self._lines)

    def start(self) -> RealDovecot:
        """Run it, and return when it listens."""
        self._ready.clear()
        program = _program("dovecot")
        assert program, missing()
        self._process = subprocess.Popen(
            [program, "-F", "-c", str(self.config)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        if not self._ready.wait(20) or self._process.poll() is not None:
            self.stop()
            raise RuntimeError(f"Dovecot did not start:\n{self.log}")
        return self

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                self._lines.append(line)
                if "starting up" in line:
                    self._ready.set()
        self._ready.set()

    def stop(self) -> None:
        """End it and every connection."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def restart(self) -> None:
        """Stop and start on the same ports, over the same mail."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> RealDovecot:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def set_password(self, password: str, user: str = "") -> None:
        """Change a user's password, and return when Dovecot knows it; open connections stay."""
        user = user or self.user
        self.users[user] = password
        self._write_users()
        program = _program("doveadm")
        assert program, missing()
        # It looks at the file once a second.
        until = time.monotonic() + 10
        while subprocess.run(
            [program, "-c", str(self.config), "auth", "test", user, password], capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < until, self.log

    def deliver(self, raw: bytes, mailbox: str = "INBOX", *, user: str = "", arrived: float | None = None) -> None:
        """Put a mail into a mailbox as a delivery does: complete at once, unseen. `arrived` is epoch seconds."""
        maildir = self._maildir(mailbox, user)
        name = f"{next(self._numbers):010d}.M{os.getpid()}.double"
        temporary = maildir / "tmp" / name
        temporary.write_bytes(raw)
        self._own(temporary)
        if arrived is not None:
            os.utime(temporary, (arrived, arrived))
        temporary.rename(maildir / "new" / name)

    def doveadm(self, *arguments: str, user: str = "") -> str:
        """Run `doveadm COMMAND -u USER ARGUMENTS`: `mailbox update --uid-validity 7 INBOX`."""
        program = _program("doveadm")
        assert program, missing()
        words = 2 if arguments[0] == "mailbox" else 1
        line = [program, "-c", str(self.config), *arguments[:words], "-u", user or self.user]
        done = subprocess.run([*line, *arguments[words:]], capture_output=True, text=True, check=False, timeout=30)
        if done.returncode:
            raise RuntimeError(f"doveadm {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def set_uidvalidity(self, value: int, mailbox: str = "INBOX") -> None:
        """Make every UID of a mailbox void, as a restore from a backup does."""
        self.doveadm("mailbox", "update", "--uid-validity", str(value), mailbox)

    def expunge(self, *query: str, mailbox: str = "INBOX") -> None:
        """Remove mails for good: `expunge("uid", "3")`."""
        self.doveadm("expunge", "mailbox", mailbox, *query)

    def flags(self, mailbox: str = "INBOX") -> list[str]:
        """Flags of every mail, in order; `\\Seen` must never appear by our doing."""
        return self.doveadm("fetch", "flags", "mailbox", mailbox).strip().split("\n")

    def _maildir(self, mailbox: str, user: str) -> Path:
        home = self.folder / "mail" / (user or self.user) / "Maildir"
        maildir = home if mailbox == "INBOX" else home / f".{mailbox.replace('/', '.')}"
        if not maildir.exists():
            self._make(maildir)
        return maildir

    def _make(self, maildir: Path) -> None:
        for name in ("tmp", "new", "cur"):
            (maildir / name).mkdir(parents=True, exist_ok=True)
        self._own(maildir)

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            for each in [path, *(path.rglob("*") if path.is_dir() else ())]:
                os.chown(each, self._uid, self._gid)


def _mail_user() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
