"""`restrict` and `unrestrict`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from socialtriage.cli.env import Env


@click.command("restrict")
@click.argument("refs", nargs=-1, required=True)
@click.pass_obj
def restrict_command(env: Env, refs: tuple[str, ...]) -> None:
    """Mask cases in lists, exports and on screens: whose they are and what they say. `show --unmask` shows them."""
    from socialtriage.services import inbox, restricting

    click.echo(restricting.restrict(env.desk, [inbox.resolve(env.desk, ref) for ref in refs]).said)


@click.command("unrestrict")
@click.argument("refs", nargs=-1, required=True)
@click.pass_obj
def unrestrict_command(env: Env, refs: tuple[str, ...]) -> None:
    """Show restricted cases again."""
    from socialtriage.services import inbox, restricting

    click.echo(restricting.unrestrict(env.desk, [inbox.resolve(env.desk, ref) for ref in refs]).said)
