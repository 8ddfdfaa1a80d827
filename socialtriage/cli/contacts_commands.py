"""`contacts`: the contact network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json

if TYPE_CHECKING:
    from socialtriage.cli.env import Env


@click.group("contacts", invoke_without_command=True)
@option_json
@click.pass_context
def contacts_command(ctx: click.Context, as_json: bool) -> None:
    """The contact network: who answers for what, who is away, how long they take."""
    if ctx.invoked_subcommand is not None:
        return
    from socialtriage.cli import output, shapes
    from socialtriage.services import contacts

    env: Env = ctx.obj
    rows = contacts.listing(env.desk)
    if as_json:
        output.emit([shapes.contact(row) for row in rows])
        return
    for row in rows:
        words = [row.id, row.name, f"<{row.email}>", f"answers for {', '.join(row.areas) or 'nothing yet'}"]
        words += [f"away until {row.away_until:%d %b %Y}"] if row.away_until else []
        words += [f"deputy {row.deputy}"] if row.deputy else []
        words += [f"{row.open_handoffs} open handoffs"] if row.open_handoffs else []
        words += [f"{row.late_handoffs} late"] if row.late_handoffs else []
        words += [f"usually {row.median_answer_minutes} working minutes"] if row.median_answer_minutes else []
        click.echo("  ".join(words))
    if not rows:
        click.echo("The configuration has no contacts yet.", err=True)


@contacts_command.command("away")
@click.argument("contact_id", metavar="ID")
@click.option("--until", required=True, metavar="DATE", help="The last day of the absence.")
@click.pass_obj
def away_command(env: Env, contact_id: str, until: str) -> None:
    """A contact is away; handoffs go to the deputy."""
    from socialtriage.cli.moments import day
    from socialtriage.services import contacts

    click.echo(contacts.away(env.desk, contact_id, day(env.desk, until)).said)


@contacts_command.command("back")
@click.argument("contact_id", metavar="ID")
@click.pass_obj
def back_command(env: Env, contact_id: str) -> None:
    """A contact is back."""
    from socialtriage.services import contacts

    click.echo(contacts.back(env.desk, contact_id).said)


@contacts_command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.pass_obj
def import_command(env: Env, file: str) -> int:
    """Add and change contacts of the configuration from a CSV: id, name, email, deputy, answers_within, areas."""
    from socialtriage.channels.registry import NETWORKS
    from socialtriage.config.contacts_csv import import_contacts, read_rows

    result = import_contacts(env.config_path, read_rows(Path(file)), NETWORKS)
    for words, rows in (("added", result.added), ("changed", result.changed), ("unchanged", result.unchanged)):
        for row in rows:
            click.echo(f"{row.id} {words}{f': {row.words}' if row.words else ''}")
    for row in result.refused:
        click.echo(f"{file}:{row.line}: {row.id or 'this row'} refused: {row.words}", err=True)
    return 1 if result.refused else 0
