"""Keyring backends and their failures in words for an officer.

The failures were seen with keyring 25.7 and gnome-keyring 42; a backend's own text is never repeated.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from socialtriage.domain.errors import SecretError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_NAMES = {
    "keyring.backends.SecretService.Keyring": "Secret Service, such as GNOME Keyring",
    "keyring.backends.libsecret.Keyring": "Secret Service through libsecret",
    "keyring.backends.kwallet.DBusKeyring": "KDE Wallet",
    "keyring.backends.kwallet.DBusKeyringKWallet4": "KDE Wallet 4",
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Locker",
}
_KEEPS_NOTHING = ("keyring.backends.null.Keyring", "keyring.backends.fail.Keyring")

BUS = 'export DBUS_SESSION_BUS_ADDRESS="unix:path=$HOME/.cache/desk-bus"'
"""What the shell of a desk on a server without a desktop has at its start, as the README has it."""
KEYRING = (
    "mkdir -p ~/.cache; rm -f ~/.cache/desk-bus",
    'dbus-daemon --session --address="$DBUS_SESSION_BUS_ADDRESS" --fork',
    "read -rsp 'Password of the keyring: ' pw; "
    'printf %s "$pw" | gnome-keyring-daemon --unlock --components=secrets; unset pw',
)
"""What is run there once after every start of the machine, as the README has it."""
_SERVER = (
    f"On a server without a desktop, put `{BUS}` into ~/.bashrc, and run once after every start of the machine: "
    f"`{'; '.join(KEYRING)}`. Or install keyrings.cryptfile and set "
    '`[keyring] backend = "keyrings.cryptfile.cryptfile.CryptFileKeyring"`. The README has both under The keyring.'
)
_REMEDIES = {
    "linux": _SERVER,
    "darwin": "Unlock the login keychain in Keychain Access, and sign in at the screen rather than by ssh, or run "
    "`security unlock-keychain`.",
    "win32": "Sign in to Windows as yourself: the Credential Manager belongs to a user, and services may have none.",
}
_UNLOCK = {
    "linux": "Unlock it in the desktop's keyring program (Passwords and Keys, KWallet). " + _SERVER,
    "darwin": _REMEDIES["darwin"],
    "win32": _REMEDIES["win32"],
}


def none_here() -> str:
    """What to do when this machine has no keyring that works."""
    return _REMEDIES.get(sys.platform, _SERVER)


def class_name(backend: object) -> str:
    """`module.Class` of a backend, as `[keyring] backend` takes it."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def backend_words(backend: KeyringBackend) -> str:
    """A backend in words, with its class; a chain with its links."""
    name = class_name(backend)
    links = _links(backend)
    if links:
        return f"a chain of {', then '.join(backend_words(link) for link in links)}"
    return f"{_NAMES[name]}, {name}" if name in _NAMES else name


def keeps_nothing(backend: KeyringBackend) -> bool:
    """Whether a backend is one of the library's two that stand for having none."""
    return class_name(backend) in _KEEPS_NOTHING


def is_plaintext(backend: KeyringBackend) -> bool:
    """Whether a backend, or a link of its chain, keeps secrets so that whoever reads the file reads them.

    `keyrings.alt` names its class so and stores base64; others follow its name.
    """
    classes = type(backend).__mro__
    if any("plaintext" in each.__name__.lower() or "uncrypted" in each.__name__.lower() for each in classes):
        return True
    return any(is_plaintext(link) for link in _links(backend))


def _links(backend: KeyringBackend) -> list[KeyringBackend]:
    """The backends that a chain or a wrapper passes secrets on to."""
    from keyring.backend import KeyringBackend as Base

    inner = [*_listed(getattr(backend, "backends", ())), getattr(backend, "_keyring", None)]
    return [link for link in inner if isinstance(link, Base) and link is not backend]


def _listed(links: object) -> list[object]:
    return list(links) if isinstance(links, list | tuple) else []


def explained(what: str, exc: Exception, chosen: str | None) -> tuple[SecretError, bool]:
    """A backend's failure as a sentence with a remedy, and whether it means that the keyring is locked.

    `chosen` is `[keyring] backend`. The kinds are told apart by their names too: some come from libraries that are not
    installed everywhere.
    """
    kinds = {each.__name__ for each in type(exc).__mro__}
    named = f'`[keyring] backend = "{chosen}"`' if chosen else "the environment variable PYTHON_KEYRING_BACKEND"
    if kinds & {"KeyringLocked", "LockedException", "PromptDismissedException"}:
        return SecretError(f"{what}: the keyring is locked.", hint=_UNLOCK.get(sys.platform, _SERVER)), True
    if "NoKeyringError" in kinds:
        return SecretError(f"{what}: this machine has no keyring.", hint=none_here()), False
    if kinds & {"ImportError", "AttributeError"}:
        return SecretError(f"{what}: the chosen backend does not exist.", hint=f"Look at {named}."), False
    if "EOFError" in kinds:
        hint = "Start the program in a terminal, or choose another backend under `[keyring]`."
        return SecretError(f"{what}: the keyring asks for its password, and there is no terminal.", hint=hint), False
    if "UnicodeError" in kinds:
        return SecretError(f"{what}: it holds characters that the keyring cannot keep."), False
    if "ValueError" in kinds:
        hint = "Try again with the right password, or look at the settings of the backend."
        return SecretError(f"{what}: the keyring cannot be opened with this password.", hint=hint), False
    hint = f"Look at {named}. {none_here()}" if chosen else none_here()
    if kinds & {"OSError", "RuntimeError", "InitError", "SecretServiceNotAvailableException"}:
        return SecretError(f"{what}: the keyring service is not running or out of reach.", hint=hint), False
    return SecretError(f"{what}: the keyring failed ({type(exc).__name__}).", hint=hint), False
