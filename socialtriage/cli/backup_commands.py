"""`backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json
from socialtriage.cli.options import Alone

if TYPE_CHECKING:
    from socialtriage.cli.env import Env


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace the file when it is there.")
@option_json
@click.pass_obj
def backup_command(env: Env, file: Path, force: bool, as_json: bool) -> None:
    """Write a proved copy of the store, pictures and attachments included, to one FILE, while others work."""
    from socialtriage.cli import output
    from socialtriage.domain.text import clean, many
    from socialtriage.services import backup

    made = backup.back_up(env.desk, file, force=force)
    found = made.contents
    if as_json:
        output.emit(
            {
                "file": str(made.path),
                "bytes": made.bytes,
                "cases": found.cases,
                "messages": found.messages,
                "events": found.events,
                "hash": found.head,
                "media": made.media,
                "missing": list(made.missing),
            }
        )
    else:
        click.echo(
            f"Wrote {clean(str(made.path))}: {many(found.cases, 'case')}, {many(found.events, 'event')},"
            f" {many(made.media, 'picture or file', 'pictures and files')}; proved whole. Last hash {found.head}"
        )
    if made.missing:
        click.echo(f"No longer in the media folder, so not in it: {many(len(made.missing), 'file')}.", err=True)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Also over a store that was worked with; that one is kept beside it.")
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    cls=Alone,
    against=("force",),
    help="Prove the backup and say what it holds; restore nothing.",
)
@option_json
@click.pass_obj
def restore_command(env: Env, file: Path, force: bool, only_check: bool, as_json: bool) -> None:
    """Put a backup in the place of the store; the store must not be open anywhere."""
    from socialtriage.cli import output
    from socialtriage.domain.text import clean, many
    from socialtriage.domain.times import stored_words
    from socialtriage.services import backup
    from socialtriage.services.desk import officer_of

    if only_check:
        return _proved(file, as_json)
    done = backup.restore(file, env.store_path, officer=officer_of(env.config), force=force)
    if as_json:
        output.emit(
            {
                "store": str(env.store_path),
                "made_at": done.made_at,
                "cases": done.contents.cases,
                "events": done.contents.events,
                "hash": done.contents.head,
                "media": done.media,
                "kept": str(done.kept) if done.kept else None,
                "in_doubt": done.in_doubt,
                "forgotten_again": done.forgotten_again,
                "unaware": done.unaware,
            }
        )
        return
    what = f"{many(done.contents.cases, 'case')} and {many(done.contents.events, 'event')}"
    click.echo(f"Restored {what} of {stored_words(done.made_at)}.")
    if done.kept:
        click.echo(f"The store that stood there is kept as {clean(str(done.kept))}")
    if done.in_doubt:
        click.echo(f"{many(done.in_doubt, 'row')} of the outbox may have left since then: look at them with outbox.")
    if done.forgotten_again:
        click.echo(f"Forgotten since then, and forgotten again: {many(done.forgotten_again, 'case')}.")
    if done.unaware:
        said = "No readable store stood there, so what was forgotten since then is back: erase those people anew."
        click.echo(said, err=True)


def _proved(file: Path, as_json: bool) -> None:
    """Say what a backup holds. Raises as `backup.look` does."""
    from socialtriage.cli import output
    from socialtriage.domain.text import clean, many
    from socialtriage.domain.times import stored_words
    from socialtriage.services import backup

    found = backup.look(file)
    if as_json:
        return output.emit(found)
    click.echo(
        f"{clean(str(file))} is whole: made {stored_words(found.get('made_at'))} by {found.get('made_by')},"
        f" {many(int(found.get('cases') or 0), 'case')}, {many(int(found['events']), 'event')},"
        f" {many(int(found['media']['files']), 'picture or file', 'pictures and files')}."
    )
