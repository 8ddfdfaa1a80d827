"""Stories with a real keyring daemon, each run in a process of its own: `python -m tests.doubles.keyring_story NAME`.

Prints one JSON object. The process has a session bus of its own (or none) and a home folder of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from socialtriage.config.model import Keyring
from socialtriage.domain.errors import SocialTriageError
from socialtriage.services.secrets import AccountSecret, SecretStore

SECRET = '{"access_token": "naïve ✓ token", "refresh_token": "r"}'
TRIES: dict[str, Callable[[SecretStore], object]] = {
    "get": lambda store: store.get("desk"),
    "set": lambda store: store.set("desk", SECRET),
    "delete": lambda store: store.delete("desk"),
}


def said(action: Callable[[], object]) -> object:
    """What an action returned, or the error in words with its kind in front."""
    try:
        return action()
    except SocialTriageError as exc:
        return f"{type(exc).__name__}: {exc}"


def unlocked() -> None:
    """Start the daemon with its login keyring open."""
    command = ["gnome-keyring-daemon", "--unlock", "--components=secrets"]
    subprocess.run(command, input=b"a password of the test", check=True, stdout=subprocess.DEVNULL)


def daemons() -> list[int]:
    """The keyring daemons of this home folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"gnome-keyring-daemon" in command and f"HOME={os.environ['HOME']}".encode() in environment:
                found.append(int(entry.name))
    return found


def each_try() -> dict[str, object]:
    """Every call on a store of its own, since a store remembers that the keyring was locked."""
    return {name: said(partial(call, SecretStore(Keyring()))) for name, call in TRIES.items()}


def whole_life() -> dict[str, object]:
    """Set, get, delete, on and off the event loop."""
    unlocked()
    store = SecretStore(Keyring())
    found: dict[str, object] = {"keyring": said(store.describe), "nothing": said(lambda: store.get("desk"))}
    found["set"] = said(lambda: store.set("desk", SECRET))
    found["get"] = said(lambda: store.get("desk")) == SECRET
    found["other process"] = said(lambda: SecretStore(Keyring()).get("desk")) == SECRET

    async def rotated() -> bool:
        account = AccountSecret(store, "desk", kept=0.0)
        await account.set("rotated")
        return await account.get() == "rotated"

    found["rotated"] = asyncio.run(rotated())
    found["deleted"] = [said(lambda: store.delete("desk")), said(lambda: store.delete("desk"))]
    found["nothing left"] = said(lambda: store.get("desk"))
    return found


def locked() -> dict[str, object]:
    """Somebody locked the keyring, and there is no desktop to ask for its password."""
    import secretstorage

    unlocked()
    SecretStore(Keyring()).set("desk", SECRET)
    connection = secretstorage.dbus_init()
    secretstorage.get_default_collection(connection).lock()
    connection.close()
    return each_try()


def killed() -> dict[str, object]:
    """The daemon died and the bus starts a new one, which has no password."""
    unlocked()
    SecretStore(Keyring()).set("desk", SECRET)
    for number in daemons():
        os.kill(number, signal.SIGKILL)
    until_released()
    return each_try()


def until_released() -> None:
    """Ask the bus until it has noticed that the daemon is gone: before that, calls go to the dead one."""
    from jeepney import message_bus
    from jeepney.io.blocking import Proxy, open_dbus_connection

    deadline = time.monotonic() + 20
    with open_dbus_connection() as connection:
        bus = Proxy(message_bus, connection)
        while bus.NameHasOwner("org.freedesktop.secrets")[0]:
            assert time.monotonic() < deadline, "the bus did not notice that the daemon died"


def bus_gone() -> dict[str, object]:
    """The bus went away under a store that worked before."""
    unlocked()
    store = SecretStore(Keyring())
    store.set("desk", SECRET)
    os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={os.environ['HOME']}/no-bus"
    return {name: said(partial(call, store)) for name, call in TRIES.items()}


def no_bus() -> dict[str, object]:
    """A server without any bus; then one where the Secret Service was chosen all the same."""
    chosen = SecretStore(Keyring(backend="keyring.backends.SecretService.Keyring"))
    return {**each_try(), "describe": said(SecretStore(Keyring()).describe), "chosen": said(chosen.describe)}


STORIES = {story.__name__: story for story in (whole_life, locked, killed, bus_gone, no_bus)}

if __name__ == "__main__":
    print(json.dumps(STORIES[sys.argv[1]]()))
