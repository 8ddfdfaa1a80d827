"""`demo` and `init`."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from socialtriage.cli.options import Alone

if TYPE_CHECKING:
    from socialtriage.cli.env import Env


@click.command("init")
@click.option(
    "--stdout", "to_stdout", is_flag=True, cls=Alone, against=("force",), help="Print it instead of writing a file."
)
@click.option("--force", is_flag=True, help="Replace a configuration that is there.")
@click.pass_obj
def init_command(env: Env, to_stdout: bool, force: bool) -> None:
    """Write a commented starting configuration; never overwrites one without --force."""
    from socialtriage.config.example import example_text, write_example
    from socialtriage.domain.text import clean_line

    if to_stdout:
        click.echo(example_text(), nl=False)
        return
    path = env.config_path
    write_example(path, force=force)
    click.echo(f"Wrote {clean_line(str(path), 1000)}.")
    click.echo("Next: open it in an editor, add your accounts, then: socialtriage check --offline")


@click.command("demo")
@click.option("--keep", metavar="DIR", type=click.Path(file_okay=False), help="Keep store and sent mails in DIR.")
@click.option(
    "--speed", type=click.FloatRange(0, 100_000), default=60.0, show_default=True, help="Times faster than life."
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Varies the arrivals; the same seed, the same week."
)
@click.option(
    "--headless", type=click.IntRange(1, 100_000), metavar="N", help="No screen: until N messages have arrived."
)
@click.pass_obj
def demo_command(env: Env, keep: str | None, speed: float, seed: int, headless: int | None) -> int:
    """The inbox on a fictional council: a practice week, live; nothing leaves this computer."""
    from socialtriage.services import practice

    number = headless if headless is not None or _on_a_terminal() else practice.WHOLE_WEEK
    if keep is not None:
        return _demo(Path(keep), speed, seed, number)
    # What is printed without a screen names files, so that they stay for a day.
    with _told_to_end(), practice.passing_folder(stays=number is not None) as folder:
        return _demo(folder, speed, seed, number)


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """Being told to end ends the work inside in good order, as Ctrl+C does."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        with contextlib.suppress(AttributeError, ValueError):  # Windows has no SIGHUP, a thread has no handlers
            number = getattr(signal, name)
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_a_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _demo(folder: Path, speed: float, seed: int, number: int | None) -> int:
    from socialtriage.cli import output
    from socialtriage.cli.logs import quiet
    from socialtriage.services import practice

    quiet()
    if number is not None:
        summary: dict[str, Any] = practice.headless(folder, seed, number)
        if summary["messages"] < number < practice.WHOLE_WEEK:
            click.echo(f"The practice week has no more than {summary['messages']} messages.", err=True)
        output.emit(summary)
        return 0
    from socialtriage.ui.launch import open_app

    desk = practice.open_practice(folder, speed=speed, seed=seed)
    try:
        return open_app(desk, practice.no_secrets)
    finally:
        desk.close()
