"""A real Postfix, with Dovecot checking the passwords, from Debian's packages: own folder, high ports, own process.

    with RealPostfix(authority.issue(), {"social": "secret"}) as server:
        SmtpSender(ServerUrl.parse(server.url("social")), lambda: "secret", ca_file=...).send(mail)
        (raw,) = server.wait_for(1)

Everything it takes is delivered into one Maildir, whatever the recipient; nothing ever leaves the machine. Needs
root, as Postfix does. Starting takes a second or two.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

import pytest

from tests.doubles.tls import Certificate

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_NOBODY = 65534
_QUEUES = "active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace"
_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = /dev/stdout
maillog_file_prefixes = /dev/stdout
myhostname = mail.anytown.example
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = error:this server delivers here only
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:all/
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/etc/answers, permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_tls_auth_only = yes
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {folder}/etc/server.pem
smtpd_tls_key_file = {folder}/etc/server.key
smtpd_error_sleep_time = 0
message_size_limit = 25000000
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd -o max_use=1
127.0.0.1:{smtps_port} inet n - n - - smtpd -o max_use=1 -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
_DOVECOT = """\
base_dir = {folder}/dovecot
log_path = /dev/stderr
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/etc/users
}}
service auth {{
  unix_listener {folder}/queue/private/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""


def missing() -> str | None:
    """Why no real Postfix can be started here; None when it can."""
    lacking = [name for name in ("postconf", "dovecot") if shutil.which(name, path=_PATH) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    if os.geteuid() != 0:
        return "Postfix starts as root only"
    return None


def need_real(why: str | None) -> None:
    """Skip the test for the reason `why` (None: go on), or fail where CI promised real servers."""
    if why is None:
        return
    if os.environ.get("SOCIALTRIAGE_REQUIRE_REAL") == "1":
        pytest.fail(f"real servers are required: {why}")
    pytest.skip(why)


class _Daemon:
    """A server in the foreground whose output is read line by line, so that waiting for a state needs no sleep."""

    def __init__(self, command: list[str], output: str) -> None:
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, output: subprocess.PIPE}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=streams["stdout"],
            stderr=streams["stderr"],
            text=True,
            errors="replace",
            env={"PATH": _PATH, "LC_ALL": "C"},
        )
        stream = self._process.stdout or self._process.stderr
        assert stream is not None
        self._stream: IO[str] = stream
        self._news = threading.Condition()
        self._ended = False
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._stream:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def wait_for(self, pattern: str, count: int = 1, timeout: float = 30.0) -> list[str]:
        """The first `count` lines that match. Raises `AssertionError` with the whole log."""

        def found() -> list[str]:
            return [line for line in self.lines if re.search(pattern, line)]

        with self._news:
            self._news.wait_for(lambda: len(found()) >= count or self._ended, timeout)
            assert len(found()) >= count, f"no {count} x {pattern!r} in:\n" + "\n".join(self.lines)
            return found()[:count]

    def stop(self) -> None:
        """End the server and, since they hold its output open, wait for its children."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        self._reader.join(20)
        self._stream.close()


class RealPostfix:
    """Postfix on loopback: `port` wants STARTTLS, `smtps_port` TLS from the first byte, both a sign-in."""

    def __init__(self, certificate: Certificate, credentials: dict[str, str]) -> None:
        self._certificate = certificate
        self._credentials = credentials
        self._answers: dict[str, str] = {}
        self.folder = Path()

    def start(self) -> RealPostfix:
        """Write the folders and start both servers; back when they listen."""
        self.folder = Path(tempfile.mkdtemp(prefix="postfix-"))
        self.folder.chmod(0o755)
        self.port, self.smtps_port = _free_ports(2)
        self._write_folders()
        self._passwords = _Daemon(
            [str(shutil.which("dovecot", path=_PATH)), "-F", "-c", f"{self.folder}/etc/dovecot.conf"], "stderr"
        )
        try:
            self._passwords.wait_for("starting up")
            daemons = _asked("daemon_directory")
            self._postfix = _Daemon([f"{daemons}/master", "-c", f"{self.folder}/etc", "-s"], "stdout")
            try:
                self._postfix.wait_for("daemon started")
            except BaseException:
                self._postfix.stop()
                raise
        except BaseException:
            self._passwords.stop()
            shutil.rmtree(self.folder)
            raise
        return self

    def stop(self) -> None:
        """End both servers and remove the folder."""
        self._postfix.stop()
        self._passwords.stop()
        shutil.rmtree(self.folder)

    def __enter__(self) -> RealPostfix:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, user: str | None = None, *, implicit_tls: bool = False, host: str = "127.0.0.1") -> str:
        """The address for `[mail] smtp`."""
        who = f"{quote(user, safe='')}@" if user else ""
        return f"smtps://{who}{host}:{self.smtps_port}" if implicit_tls else f"smtp://{who}{host}:{self.port}"

    def answer(self, recipient: str, reply: str = "550 5.1.1 User unknown") -> None:
        """From the next connection on, answer RCPT TO of this recipient so (4xx or 5xx)."""
        self._answers[recipient] = reply
        table = self.folder / "etc/answers"
        table.write_text("".join(f"{who} {said}\n" for who, said in self._answers.items()))
        # Postfix waits two seconds before it reads a table that was written just now.
        os.utime(table, (0, 0))

    def show_certificate(self, certificate: Certificate) -> None:
        """From the next connection on, prove the server's name with this certificate."""
        shutil.copyfile(certificate.cert_file, self.folder / "etc/server.pem")
        shutil.copyfile(certificate.key_file, self.folder / "etc/server.key")
        (self.folder / "etc/server.key").chmod(0o600)

    def delivered(self) -> list[bytes]:
        """Every mail that was delivered, oldest first, with the headers that Postfix added."""
        files = sorted((self.folder / "mail/all/new").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [file.read_bytes() for file in files]

    def wait_for(self, count: int, timeout: float = 30.0) -> list[bytes]:
        """`delivered()`, as soon as the log tells of `count` deliveries. Raises `AssertionError` with the log."""
        self._postfix.wait_for(r"postfix/virtual\[.*status=sent", count, timeout)
        return self.delivered()

    @property
    def log(self) -> str:
        """What Postfix said so far."""
        return "\n".join(self._postfix.lines)

    def _write_folders(self) -> None:
        etc, queue = self.folder / "etc", self.folder / "queue"
        for folder in (etc, queue, self.folder / "data", self.folder / "mail", self.folder / "dovecot"):
            folder.mkdir(mode=0o755)
        for name in _QUEUES.split():
            (queue / name).mkdir(mode=0o700)
            if name != "pid":
                shutil.chown(queue / name, "postfix")
        for name in ("maildrop", "public"):
            shutil.chown(queue / name, "postfix", "postdrop")
            (queue / name).chmod(0o730 if name == "maildrop" else 0o710)
        shutil.chown(self.folder / "data", "postfix")
        os.chown(self.folder / "mail", _NOBODY, _NOBODY)
        for name, template in (("main.cf", _MAIN), ("master.cf", _MASTER), ("dovecot.conf", _DOVECOT)):
            (etc / name).write_text(template.format(folder=self.folder, port=self.port, smtps_port=self.smtps_port))
        self.show_certificate(self._certificate)
        (etc / "answers").write_text("")
        (etc / "users").write_text("".join(f"{user}:{secret}::::::\n" for user, secret in self._credentials.items()))


def _asked(name: str) -> str:
    """A built-in setting of this Postfix: the path of its programs differs between distributions."""
    postconf = str(shutil.which("postconf", path=_PATH))
    return subprocess.run([postconf, "-dh", name], capture_output=True, text=True, check=True).stdout.strip()


def _free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, below those that the system gives to connections going out: what
    other tests do until Postfix listens cannot take them."""
    ports: list[int] = []
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
        if len(ports) == count:
            break
    assert len(ports) == count, "no free ports"
    return ports
