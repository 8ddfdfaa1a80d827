"""Walking a person through a vendor's sign-in in the terminal: the steps, the browser, the code that comes back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from socialtriage.domain.errors import AuthError, SocialTriageError, UsageError

if TYPE_CHECKING:
    from socialtriage.channels.oauth_loopback import Listener
    from socialtriage.channels.oauth_signin import SignIn, Walk
    from socialtriage.cli.env import Env
    from socialtriage.services.outbox import Sender
    from socialtriage.services.sync import Poller

LONGEST_LINE = 8_192


def secret_by_browser(env: Env, id_: str, sign_in: SignIn) -> str:
    """The account's secret, after somebody allowed the access in a browser. Raises `AuthError`, `UsageError` …"""
    from socialtriage.services import signin

    desk = env.desk
    for number, step in enumerate(sign_in.instructions(), 1):
        click.echo(f"{number}. {step}", err=True)
    client_id, client_secret = signin.known_app(desk, env.secrets, id_)
    if not client_id:
        client_id = click.prompt(f"{sign_in.client_name} of your app", err=True)
    if sign_in.app_secret and not client_secret:
        client_secret = asked_unseen("Secret of your app")

    async def story(poller: Poller, sender: Sender) -> str:
        walk = signin.walk(desk, poller, id_, sign_in, client_id, client_secret)
        with _unseen():
            async with asyncio.timeout(signin.PATIENCE):
                secret = await walk.finish(await _code(walk))
        for notice in walk.notices:
            click.echo(notice, err=True)
        return secret

    try:
        return env.with_network(story)
    except TimeoutError:
        raise AuthError("Nobody allowed the access in time; nothing was stored.", hint="Start again.") from None


def asked_unseen(what: str) -> str:
    """A secret that is typed without an echo, or the next line of what is piped in. Raises `SocialTriageError`."""
    if sys.stdin is not None and sys.stdin.isatty():
        return str(click.prompt(f"{what} (not shown)", hide_input=True, err=True))
    click.echo(f"{what}:", err=True)
    line = sys.stdin.readline() if sys.stdin is not None else ""
    if not line:
        raise SocialTriageError("Nobody answered.")
    return line.rstrip("\r\n")


async def _code(walk: Walk) -> str:
    """What the browser brought or somebody pasted, whichever comes first."""
    from socialtriage.channels.oauth_loopback import Listener

    if not walk.sign_in.loopback:
        _say(walk, listening=False)
        return await _pasted() or _nothing()
    async with Listener(walk.sign_in.redirect, walk.state) as listener:
        _say(walk, listening=listener.listening)
        if not listener.listening:
            return await _pasted() or _nothing()
        return await _first(listener)


async def _first(listener: Listener) -> str:
    brought, typed = asyncio.ensure_future(listener.code()), asyncio.ensure_future(_pasted())
    try:
        await asyncio.wait({brought, typed}, return_when=asyncio.FIRST_COMPLETED)
        # Standard input that has ended is nobody's answer: the browser's is awaited.
        if not brought.done() and typed.result():
            return typed.result()
        return await brought
    finally:
        for task in (brought, typed):
            task.cancel()
        await asyncio.gather(brought, typed, return_exceptions=True)


def _nothing() -> str:
    raise UsageError("No code was given; nothing was stored.")


def _say(walk: Walk, *, listening: bool) -> None:
    click.echo("Open this address in a browser where the organisation's account is signed in:", err=True)
    click.echo(walk.url, err=True)
    if listening and _browser_here():
        import webbrowser

        with contextlib.suppress(webbrowser.Error, OSError):
            webbrowser.open(walk.url)
    if listening:
        click.echo(
            "It comes back by itself. Where it cannot (over SSH the browser ends on a page that it cannot show), paste"
            " the address of that page here (not shown), and press enter.",
            err=True,
        )
    else:
        click.echo(
            "The browser ends on a page that it may not be able to show: paste its address here (not shown), and press"
            " enter.",
            err=True,
        )


def _browser_here() -> bool:
    """Whether a browser would open in front of this person: a text browser would take the terminal."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    graphical = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform in ("darwin", "win32") or bool(graphical)


async def _pasted() -> str:
    """One line of standard input, empty when it has ended. Its thread keeps nobody from leaving."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def settle(text: str) -> None:
        if not line.done():
            line.set_result(text)

    def read() -> None:
        text = _line()
        with contextlib.suppress(RuntimeError):  # the loop is closed: the browser was faster
            loop.call_soon_threadsafe(settle, text)

    threading.Thread(target=read, name="paste", daemon=True).start()
    return await line


def _line() -> str:
    """Read past Python's buffers: a thread that waits inside them would be in the way when the program ends."""
    found = b""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        descriptor = sys.stdin.fileno()
        while b"\n" not in found and len(found) < LONGEST_LINE:
            some = os.read(descriptor, LONGEST_LINE)
            if not some:
                break
            found += some
    return found.split(b"\n", 1)[0].decode("utf-8", "replace").strip()


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """What is pasted is not shown on the terminal."""
    try:
        import termios
    except ImportError:
        yield
        return
    try:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (termios.error, OSError, ValueError, AttributeError):
        yield
        return
    after = [*before]
    after[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, after)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
