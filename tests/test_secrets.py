"""Secrets go to the keyring and come back; every way it fails is told in words, and no secret is ever in them."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from keyring import core
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordSetError

from socialtriage.channels.base import Secret
from socialtriage.config.model import Keyring
from socialtriage.domain.errors import AuthError, SecretError
from socialtriage.services.keyring_words import backend_words
from socialtriage.services.secrets import AccountSecret, SecretStore, off_loop
from tests.doubles.keyrings import (
    ChainedKeyring,
    FailingKeyring,
    ForgetfulKeyring,
    MemoryKeyring,
    PlaintextKeyring,
    PromptingKeyring,
)

NULL: Callable[[], KeyringBackend] = null.Keyring
FAIL: Callable[[], KeyringBackend] = fail.Keyring
SECRET = "correct-horse-battery-staple"
ACTIONS: tuple[Callable[[SecretStore], object], ...] = (
    lambda secrets: secrets.get("desk"),
    lambda secrets: secrets.set("desk", SECRET),
    lambda secrets: secrets.delete("desk"),
    lambda secrets: secrets.describe(),
)


@pytest.fixture(autouse=True)
def no_keyring_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's choice is forgotten before and after each test."""
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.setattr(core, "_keyring_backend", None)


def store(backend: KeyringBackend, **config: Any) -> SecretStore:
    """A store on a double."""
    return SecretStore(Keyring(**config), backend=backend)


def test_a_secret_is_kept_read_and_deleted_under_our_name() -> None:
    backend = MemoryKeyring()
    secrets = store(backend)
    assert secrets.get("council-mastodon") is None
    secrets.set("council-mastodon", SECRET)
    assert backend.kept == {("socialtriage", "council-mastodon"): SECRET}
    assert secrets.get("council-mastodon") == SECRET
    assert secrets.delete("council-mastodon")
    assert not secrets.delete("council-mastodon")
    assert secrets.get("council-mastodon") is None


@pytest.mark.parametrize("backend", [ForgetfulKeyring(), NULL()], ids=["forgetful", "null"])
def test_a_keyring_that_keeps_nothing_is_found_out(backend: KeyringBackend) -> None:
    with pytest.raises(SecretError, match="did not keep the secret of desk") as caught:
        store(backend).set("desk", SECRET)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("backend", [NULL(), FAIL()], ids=["null", "fail"])
def test_no_keyring_is_described_as_none(backend: KeyringBackend) -> None:
    with pytest.raises(SecretError, match="no keyring that keeps anything"):
        store(backend).describe()


def test_an_empty_secret_is_not_stored() -> None:
    backend = MemoryKeyring()
    with pytest.raises(SecretError, match="is empty"):
        store(backend).set("desk", " \n")
    assert backend.calls == []


@pytest.mark.parametrize(
    "backend",
    [
        PlaintextKeyring(),
        ChainedKeyring(MemoryKeyring(), PlaintextKeyring()),
        ChainedKeyring(ChainedKeyring(PlaintextKeyring())),
    ],
    ids=["alone", "chained", "nested"],
)
def test_a_plaintext_keyring_needs_consent(backend: KeyringBackend) -> None:
    for action in ACTIONS:
        with pytest.raises(SecretError, match="readable on disk") as caught:
            action(store(backend))
        assert "allow_plaintext = true" in caught.value.hint
    consenting = store(backend, allow_plaintext=True)
    consenting.set("desk", SECRET)
    assert consenting.get("desk") == SECRET


def test_a_wrapper_around_a_plaintext_keyring_needs_consent_too() -> None:
    backend = MemoryKeyring()
    backend._keyring = PlaintextKeyring()  # type: ignore[attr-defined]
    with pytest.raises(SecretError, match="readable on disk"):
        store(backend).get("desk")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (lambda: NoKeyringError("x"), "this machine has no keyring"),
        (lambda: KeyringLocked("x"), "the keyring is locked"),
        (lambda: InitError("x"), "not running or out of reach"),
        (lambda: FileNotFoundError(2, "gone"), "not running or out of reach"),
        (lambda: ConnectionResetError("gone"), "not running or out of reach"),
        (lambda: RuntimeError("The Secret Service daemon is neither running"), "not running or out of reach"),
        (lambda: ModuleNotFoundError("nope"), "the chosen backend does not exist"),
        (lambda: EOFError("EOF when reading a line"), "there is no terminal"),
        (lambda: ValueError("MAC check failed"), "cannot be opened with this password"),
        (lambda: UnicodeEncodeError("utf-8", SECRET, 0, 1, "x"), "characters that the keyring cannot keep"),
        (lambda: PasswordSetError(SECRET), "the keyring failed (PasswordSetError)"),
        (lambda: KeyError(SECRET), "the keyring failed (KeyError)"),
    ],
)
def test_every_failure_is_a_sentence_without_the_secret(error: Callable[[], BaseException], says: str) -> None:
    for action in ACTIONS[:2]:
        with pytest.raises(SecretError) as caught:
            action(store(FailingKeyring(error)))
        assert says in caught.value.message
        assert "desk" in caught.value.message
        assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "freebsd14"])
def test_the_remedy_fits_the_system(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    words = {"darwin": "Keychain", "win32": "Credential Manager"}.get(platform, "dbus-daemon --session")
    for error in (KeyringLocked, NoKeyringError):
        with pytest.raises(SecretError) as caught:
            store(FailingKeyring(error)).get("desk")
        assert words in caught.value.hint


def test_a_locked_keyring_is_not_asked_for_every_account_in_turn() -> None:
    backend = FailingKeyring(KeyringLocked)
    secrets = store(backend)
    for name in ("one", "two", "three"):
        with pytest.raises(SecretError, match="locked"):
            secrets.get(name)
    assert backend.calls == [("get", "one")]


def test_the_configuration_chooses_the_backend() -> None:
    secrets = SecretStore(Keyring(backend="tests.doubles.keyrings.MemoryKeyring"))
    secrets.set("desk", SECRET)
    assert secrets.get("desk") == SECRET
    assert secrets.describe() == "tests.doubles.keyrings.MemoryKeyring"


@pytest.mark.parametrize("backend", ["nowhere.at.All", "keyring.backends.null.Nope", "os.path"])
def test_a_backend_that_does_not_exist_is_named(backend: str) -> None:
    with pytest.raises(SecretError) as caught:
        SecretStore(Keyring(backend=backend)).describe()
    if backend != "os.path":
        assert f'[keyring] backend = "{backend}"' in caught.value.hint


def test_a_backend_of_the_environment_that_does_not_exist_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "nowhere.Keyring")
    with pytest.raises(SecretError, match="PYTHON_KEYRING_BACKEND"):
        SecretStore(Keyring()).get("desk")


def test_backends_have_names_that_people_know() -> None:
    from keyring.backends import SecretService

    service: Callable[[], KeyringBackend] = SecretService.Keyring
    assert backend_words(service()).startswith("Secret Service, such as GNOME Keyring")
    chain = ChainedKeyring(MemoryKeyring(), PlaintextKeyring())
    assert backend_words(chain).startswith("a chain of tests.doubles.keyrings.MemoryKeyring, then ")


def test_no_repr_and_no_log_line_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        secrets = store(MemoryKeyring())
        account = AccountSecret(secrets, "desk")
        await account.set(SECRET)
        assert await account.get() == SECRET
        assert SECRET not in repr(account) + repr(secrets) + str(account) + str(secrets)

    asyncio.run(story())
    assert SECRET not in caplog.text


# --- for the event loop -------------------------------------------------------------------------------------


def test_an_account_reads_its_secret_once_in_a_while() -> None:
    async def story() -> None:
        now = [0.0]
        backend = MemoryKeyring()
        secrets = store(backend)
        secrets.set("desk", SECRET)
        backend.calls.clear()
        account: Secret = AccountSecret(secrets, "desk", clock=lambda: now[0])
        assert await asyncio.gather(*(account.get() for _ in range(5))) == [SECRET] * 5
        assert backend.calls == [("get", "desk")]
        backend.kept[("socialtriage", "desk")] = "renewed by another process"
        now[0] = 60.0
        assert await account.get() == "renewed by another process"

    asyncio.run(story())


def test_a_rotated_secret_is_stored_and_read_back_before_it_is_used() -> None:
    async def story() -> None:
        backend = MemoryKeyring()
        account = AccountSecret(store(backend), "desk")
        await account.set(SECRET)
        assert backend.calls == [("set", "desk"), ("get", "desk")]
        assert await account.get() == SECRET
        forgetful = AccountSecret(store(ForgetfulKeyring()), "desk")
        with pytest.raises(SecretError, match="did not keep"):
            await forgetful.set(SECRET)
        with pytest.raises(AuthError):
            await forgetful.get()

    asyncio.run(story())


def test_an_account_without_a_login_says_how_to_sign_in() -> None:
    with pytest.raises(AuthError) as caught:
        asyncio.run(AccountSecret(store(MemoryKeyring()), "desk").get())
    assert "socialtriage accounts login desk" in caught.value.hint


def test_a_keyring_that_waits_for_its_password_does_not_hold_the_desk() -> None:
    backend = PromptingKeyring()

    async def story() -> None:
        secrets = SecretStore(Keyring(), backend=backend, patience=0.05)
        ticks = 0

        async def desk() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        working = asyncio.create_task(desk())
        with pytest.raises(SecretError, match="did not answer within"):
            await AccountSecret(secrets, "one").get()
        with pytest.raises(SecretError, match=r"busy|did not answer"):
            await AccountSecret(secrets, "two").get()
        working.cancel()
        assert ticks > 10

    asyncio.run(story())
    backend.answered.set()


def test_a_waiting_keyring_does_not_keep_the_program_from_ending() -> None:
    code = (
        "import asyncio\n"
        "from socialtriage.config.model import Keyring\n"
        "from socialtriage.domain.errors import SecretError\n"
        "from socialtriage.services.secrets import AccountSecret, SecretStore\n"
        "from tests.doubles.keyrings import PromptingKeyring\n"
        "store = SecretStore(Keyring(), backend=PromptingKeyring(), patience=0.05)\n"
        "try:\n"
        "    asyncio.run(AccountSecret(store, 'desk').get())\n"
        "except SecretError as exc:\n"
        "    print(exc.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "did not answer" in done.stdout
    assert done.stderr == ""


def test_giving_up_on_a_keyring_is_quiet() -> None:
    release = threading.Event()

    async def story() -> None:
        task = asyncio.create_task(off_loop(release.wait, 60))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()
        assert await off_loop(lambda: 7, 60) == 7

    asyncio.run(story())


def test_the_library_is_imported_when_the_first_secret_is_asked_for() -> None:
    code = "import sys, socialtriage.services.secrets; print('keyring' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
