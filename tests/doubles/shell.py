"""The program as a user starts it: a configuration file, a store and a keyring of its own, commands in processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

BASE = """
[organisation]
name = "Anytown Borough Council"
prefix = "ABC"

[officer]
initials = "JS"

[mail]
from = "Anytown social desk <social@anytown.example>"
smtp = "{smtp}"

[[areas]]
id = "waste"
name = "Bins and recycling"
keywords = ["bin", "recycling"]
contacts = ["waste-team"]
self_serve = "https://anytown.example/bins"

[[contacts]]
id = "waste-team"
name = "Waste services"
email = "waste@anytown.example"
deputy = "contact-centre"

[[contacts]]
id = "contact-centre"
name = "Contact centre"
email = "centre@anytown.example"

[[answers]]
id = "missed-bin"
area = "waste"
text = "Sorry about that. Your reference is {{ref}}. See {{link}}"
"""


@dataclass
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs `socialtriage` in a folder."""

    folder: Path
    smtp: str = "smtp://127.0.0.1:9"
    accounts: str = ""
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.config = self.folder / "config.toml"
        self.store = self.folder / "desk.db"
        self.config.write_text(BASE.format(smtp=self.smtp) + self.accounts, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """What every process of this shell sees."""
        return {
            **os.environ,
            "SOCIALTRIAGE_CONFIG": str(self.config),
            "SOCIALTRIAGE_STORE": str(self.store),
            "SOCIALTRIAGE_TEST_KEYRING": str(self.folder / "keyring.json"),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "default",
            **self.env,
        }

    def popen(self, *args: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "socialtriage", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self.environment,
            **more,
        )

    def run(self, *args: str, stdin: str = "", officer: str | None = None) -> Ran:
        """Run a command to its end; it must not take a minute."""
        environment = self.environment | ({"SOCIALTRIAGE_OFFICER": officer} if officer else {})
        done = subprocess.run(
            [sys.executable, "-m", "socialtriage", *args],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=environment,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def ok(self, *args: str, **more: Any) -> Ran:
        """Run a command that must succeed."""
        ran = self.run(*args, **more)
        assert ran.status == 0, f"{args}: {ran.status}\n{ran.out}\n{ran.err}"
        return ran

    def login(self, account: str, secret: str) -> None:
        """Put a secret into the keyring."""
        self.ok("accounts", "login", account, "--secret-stdin", stdin=secret + "\n")


def mastodon(server: str, id_: str = "town", **more: str) -> str:
    """An account at a Mastodon double."""
    rest = "".join(f'{name} = "{value}"\n' for name, value in more.items())
    return f'\n[[accounts]]\nid = "{id_}"\nnetwork = "mastodon"\nserver = "{server}"\nhandle = "@council"\n{rest}'
