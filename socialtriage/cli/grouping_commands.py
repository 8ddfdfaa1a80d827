"""Cases made one, made two, or linked; the pause of everything outgoing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from socialtriage.cli.options import Alone

if TYPE_CHECKING:
    from socialtriage.cli.env import Env


@click.command("merge")
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.option("--into", required=True, metavar="REF", help="The case that goes on, with everything of the others.")
@click.pass_obj
def merge_command(env: Env, refs: tuple[str, ...], into: str) -> None:
    """Make cases of one person one; `undo` takes them apart again."""
    from socialtriage.services import grouping, inbox

    ids = [inbox.resolve(env.desk, ref) for ref in refs]
    click.echo(grouping.merge(env.desk, ids, inbox.resolve(env.desk, into)).said)


@click.command("split")
@click.argument("ref")
@click.argument("messages", nargs=-1, required=True, metavar="MESSAGE...", type=click.IntRange(1, 2**62))
@click.pass_obj
def split_command(env: Env, ref: str, messages: tuple[int, ...]) -> None:
    """Make messages of a case a case of their own; MESSAGE is the id that `show --json` gives."""
    from socialtriage.services import grouping, inbox

    click.echo(grouping.split(env.desk, inbox.resolve(env.desk, ref), messages).said)


@click.command("link")
@click.argument("ref")
@click.argument("other")
@click.option("--why", default="", help="A word on it, for the log.")
@click.option("--remove", is_flag=True, cls=Alone, against=("why",), help="They belong together no longer.")
@click.pass_obj
def link_command(env: Env, ref: str, other: str, why: str, remove: bool) -> None:
    """Say that two cases belong together; both stay, and each shows the other."""
    from socialtriage.services import grouping, inbox

    a, b = inbox.resolve(env.desk, ref), inbox.resolve(env.desk, other)
    click.echo((grouping.unlink(env.desk, a, b) if remove else grouping.link(env.desk, a, b, why)).said)


@click.command("pause")
@click.argument("why", nargs=-1)
@click.pass_obj
def pause_command(env: Env, why: tuple[str, ...]) -> None:
    """Stop everything outgoing, on every desk of this store."""
    from socialtriage.services import pause

    click.echo(pause.pause(env.desk, " ".join(why)).said)


@click.command("resume")
@click.pass_obj
def resume_command(env: Env) -> None:
    """Let things leave again."""
    from socialtriage.services import pause

    click.echo(pause.resume(env.desk).said)
