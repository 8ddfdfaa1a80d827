"""Secrets in a real gnome-keyring on a session bus of its own, also locked, killed and without a bus."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from socialtriage.services.keyring_words import BUS, KEYRING

pytestmark = pytest.mark.real_keyring

NEEDED = ("gnome-keyring-daemon", "dbus-run-session", "dbus-daemon")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """Runs a story of `tests.doubles.keyring_story` in a home folder of its own and ends whatever it started."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or sys.platform != "linux":
        reason = f"needs {', '.join(missing) or 'Linux'}: apt-get install --no-install-recommends gnome-keyring dbus"
        if os.environ.get("SOCIALTRIAGE_REQUIRE_REAL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

    def tell(story: str, *, bus: bool = True) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.doubles.keyring_story", story]
        with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
            subprocess.run(
                ["dbus-run-session", "--", *command] if bus else command,
                env=environment(tmp_path),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                timeout=120,
                check=False,
            )
        lines = (tmp_path / "out").read_text(encoding="utf-8").splitlines()
        assert lines, (tmp_path / "err").read_text(encoding="utf-8", errors="replace")
        found: dict[str, Any] = json.loads(lines[-1])
        return found

    yield tell
    for number in started_in(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def environment(home: Path) -> dict[str, str]:
    """An environment without a desktop, a bus or another keyring."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV") if name in os.environ}
    return {**kept, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PYTHONPATH": str(ROOT)}


def started_in(home: Path) -> list[int]:
    """Processes that this test started: they have its home folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if f"HOME={home}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def test_a_secret_lives_in_the_keyring_from_login_to_logout(told: Callable[..., dict[str, Any]]) -> None:
    assert told("whole_life") == {
        "keyring": "Secret Service, such as GNOME Keyring, keyring.backends.SecretService.Keyring",
        "nothing": None,
        "set": None,
        "get": True,
        "other process": True,
        "rotated": True,
        "deleted": [True, False],
        "nothing left": None,
    }


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("locked", "the keyring is locked"),
        ("killed", "the keyring is locked"),
        ("bus_gone", "not running or out of reach"),
    ],
)
def test_a_keyring_that_stopped_working_is_explained(
    story: str, words: str, told: Callable[..., dict[str, Any]]
) -> None:
    found = told(story)
    for name, does in (("get", "cannot be read"), ("set", "cannot be stored"), ("delete", "cannot be deleted")):
        assert found[name].startswith(f"SecretError: The secret of desk {does}: ")
        assert words in found[name]
        assert "dbus-daemon --session" in found[name]
        assert "token" not in found[name]


def test_the_recipe_for_a_server_makes_a_keyring_that_every_session_uses(
    told: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    keyring = "from socialtriage.config.model import Keyring; from socialtriage.services.secrets import SecretStore"
    sets = f"{keyring}; SecretStore(Keyring()).set('desk', 'token of the test')"
    gets = f"{keyring}; print(SecretStore(Keyring()).get('desk'))"
    lines = [BUS, *KEYRING, *(f'{sys.executable} -c "{each}"' for each in (sets, gets))]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        input="a password of the test\n",
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["token of the test"], done.stderr


def test_a_server_without_a_bus_is_told_the_remedy(told: Callable[..., dict[str, Any]]) -> None:
    found = told("no_bus", bus=False)
    for name in ("get", "set", "delete"):
        assert "this machine has no keyring" in found[name]
        assert "keyrings.cryptfile" in found[name]
    assert "no keyring that keeps anything" in found["describe"]
    assert "not running or out of reach" in found["chosen"]
    assert '[keyring] backend = "keyring.backends.SecretService.Keyring"' in found["chosen"]
