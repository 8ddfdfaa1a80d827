"""`import`: messages that were received elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.services.import_files import BadRow

MOST_BAD = 1_000
"""Rows that cannot be used that the JSON names; all are counted."""


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--account", "account_id", metavar="ID", help="The account whose messages these are.")
@click.option(
    "--channel",
    metavar="NAME",
    help="Where they were received: chat, phone, whatsapp, nextdoor … A row may say its own.",
)
@option_json
@click.pass_obj
def import_command(env: Env, file: Path, account_id: str | None, channel: str | None, as_json: bool) -> int:
    """Bring messages in from a file: .csv, .jsonl, .eml or .mbox; again as often as you like, each comes once."""
    from socialtriage.cli import output
    from socialtriage.domain.errors import UsageError
    from socialtriage.domain.text import clean_line
    from socialtriage.services.import_files import unknown_columns
    from socialtriage.services.importing import bring_in

    if account_id is not None and channel is not None:
        raise UsageError("Give either --account or --channel.")
    desk = env.desk
    for name in unknown_columns(file):
        click.echo(f"{file.name}: the column “{clean_line(name, 40)}” means nothing here and is left out.", err=True)
    bad: list[BadRow] = []

    def report(row: BadRow) -> None:
        click.echo(f"{file.name}:{row.line}: {row.why}", err=True)
        if len(bad) < MOST_BAD:
            bad.append(row)

    done = bring_in(desk, file, account_id=account_id, channel=channel, report=report)
    if as_json:
        output.emit(
            {
                "file": str(file),
                "rows": done.rows,
                "new": done.new,
                "known": done.known,
                "updated": done.updated,
                "cases": len(done.cases),
                "failed": done.bad,
                "bad": [{"line": row.line, "why": row.why} for row in bad],
            }
        )
    else:
        words = f"{done.new:,} added, {done.known:,} here already"
        click.echo(words + (f", {done.bad:,} not usable." if done.bad else "."))
    return 1 if done.bad else 0
