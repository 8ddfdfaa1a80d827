"""`prune` and `person`: keeping and forgetting."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from socialtriage.cli.logs import log_files
from socialtriage.cli.main import option_json
from socialtriage.cli.options import Alone
from socialtriage.domain.errors import UsageError
from socialtriage.domain.text import clean, many

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.services.keeping import Pruned
    from socialtriage.store.keeping import Identity


_FORMS = {".html": "html", ".htm": "html", ".zip": "zip"}
"""What the name of a file says about its form."""


@click.command("prune")
@click.option("--dry-run", is_flag=True, cls=Alone, against=("compact",), help="Say what is due; forget nothing.")
@click.option("--compact", is_flag=True, help="Write the files anew even when nothing was due.")
@option_json
@click.pass_obj
def prune_command(env: Env, dry_run: bool, compact: bool, as_json: bool) -> int:
    """Forget the words, names and pictures whose time is over, as [retention] says; counts and figures stay."""
    from socialtriage.cli import output
    from socialtriage.services import keeping

    done = keeping.prune(env.desk, dry_run=dry_run, compact=compact)
    status = 0 if done.compacted else 1
    if as_json:
        output.emit({"dry_run": dry_run, **_shape(done)})
        return status
    found = done.forgotten
    verb = "Would forget" if dry_run else "Forgot"
    if not (found.cases or found.messages or found.media):
        click.echo("Nothing is due to be forgotten.")
        if not keeping.policy_of(env.config).forgets:
            click.echo("The configuration has no [retention] times, so everything is kept.", err=True)
    else:
        kinds = "".join(f"; {name}: {count}" for name, count in done.kinds.items())
        # What is in a case is counted when it goes.
        within, other = (" with all that is in them", "other ") if dry_run else ("", "")
        files = many(found.media, f"{other}picture or file", f"{other}pictures or files")
        messages = many(found.messages, f"{other}message")
        click.echo(f"{verb} {many(found.cases, 'case')}{within}, {messages}, {files}{kinds}.")
    if done.held_back:
        click.echo(f"{done.held_back} more wait because something of them has not left: see outbox.", err=True)
    if compact and not dry_run and done.compacted:
        click.echo("The files were written anew: nothing of what was forgotten is left in them.")
    if not dry_run:
        _traces(done)
    return status


def _traces(done: Pruned) -> None:
    """What of the forgotten words may still be found."""
    if not done.compacted:
        click.echo(
            f"Remains may still be in the file: {done.why.rstrip('.')}. Then: socialtriage prune --compact", err=True
        )
    if done.copies:
        click.echo(f"Older copies beside the store still hold what was forgotten: {', '.join(done.copies)}", err=True)
    forgot = done.forgotten.cases or done.forgotten.messages
    if forgot and (logs := log_files()):
        click.echo(f"What -v wrote may name people; delete it: {', '.join(clean(str(log)) for log in logs)}", err=True)


def _shape(done: Pruned) -> dict[str, Any]:
    found = done.forgotten
    return {
        "cases": found.cases,
        "messages": found.messages,
        "media": found.media,
        "notes": found.notes,
        "kinds": dict(done.kinds),
        "held_back": done.held_back,
        "compacted": done.compacted,
        "copies": list(done.copies),
    }


@click.group("person")
def person_command() -> None:
    """People over all their identities: find, link, hand everything over, forget."""


@person_command.command("find")
@click.argument("text")
@option_json
@click.pass_obj
def find_command(env: Env, text: str, as_json: bool) -> None:
    """People whose handle, name or address holds TEXT, with the KEY that the other commands take."""
    from socialtriage.cli import output
    from socialtriage.domain.text import clean_line
    from socialtriage.services import people

    found = people.find(env.desk, text)
    if as_json:
        output.emit([_identity(each) for each in found])
        return
    for each in found:
        name = f"{each.name} ({each.handle})" if each.name != each.handle else each.handle
        linked = "  linked" if each.linked_to else ""
        counts = f"{many(each.cases, 'case')}, {each.open_cases} open{linked}"
        click.echo(f"{clean_line(people.name_of(each))}  {clean_line(name)}  {counts}")
    click.echo(f"{len(found)} found." if found else "Nobody.", err=True)


def _identity(each: Identity) -> dict[str, Any]:
    from socialtriage.services import people

    return {
        "key": people.name_of(each),
        "network": each.network,
        "handle": each.handle,
        "name": each.name,
        "url": each.url,
        "first_at": each.first_at,
        "cases": each.cases,
        "open_cases": each.open_cases,
        "linked": each.linked_to is not None,
    }


@person_command.command("link")
@click.argument("key")
@click.argument("other")
@click.pass_obj
def link_command(env: Env, key: str, other: str) -> None:
    """Say that two identities are one human: repeats and requests then go over both."""
    from socialtriage.services import people

    click.echo(people.link(env.desk, key, other).said)


@person_command.command("unlink")
@click.argument("key")
@click.pass_obj
def unlink_command(env: Env, key: str) -> None:
    """Let an identity stand for itself again."""
    from socialtriage.services import people

    click.echo(people.unlink(env.desk, key).said)


@person_command.command("export")
@click.argument("key")
@click.option("-o", "--output", "target", metavar="FILE", type=click.Path(path_type=Path), help="Write to a file.")
@click.option("--format", "form", type=click.Choice(["json", "html", "zip"]), help="By FILE's name, else json.")
@click.pass_obj
def export_command(env: Env, key: str, target: Path | None, form: str | None) -> None:
    """Everything about a person over all linked identities; that it was handed out is logged without a name.

    A FILE.zip holds the JSON, the page, and the pictures and attachments they sent.
    """
    import json

    from socialtriage.cli import personal
    from socialtriage.services.writing import write_file

    form = form or (_FORMS.get(target.suffix.lower(), "json") if target is not None else "json")
    if form == "zip" and target is None:
        raise UsageError("An archive needs a file.", hint="Name one with -o FILE.zip.")
    data, files = personal.collected(env.desk, key)
    if form == "zip" and target is not None:
        personal.write_zip(target, env.desk, data, files)
        click.echo(f"Wrote {clean(str(target))}.", err=True)
        return
    text = personal.as_html(env.desk, data) if form == "html" else json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    if target is None:
        click.echo(text, nl=False)
        return
    write_file(target, [text])
    click.echo(f"Wrote {clean(str(target))}.", err=True)


@person_command.command("erase")
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do it; without it the command says what would be forgotten.")
@click.option("--anyway", is_flag=True, help="Even when a case of theirs is open; nothing more is sent to them.")
@option_json
@click.pass_obj
def erase_command(env: Env, key: str, yes: bool, anyway: bool, as_json: bool) -> int:
    """Forget a person over all linked identities, for good: words, names, pictures. Counts stay."""
    from socialtriage.cli import output
    from socialtriage.services import people

    done = people.erase(env.desk, key, anyway=anyway) if yes else people.erasure(env.desk, key)
    if as_json:
        output.emit(
            {
                "erased": done.done is not None,
                "identities": list(done.identities) if done.done is None else len(done.identities),
                "cases": list(done.cases),
                "open_cases": list(done.open_cases),
                "messages_elsewhere": done.messages_elsewhere,
                "named_in": list(done.named_in),
                **({"forgotten": _shape(done.done)} if done.done else {}),
            }
        )
        return 0 if done.done is not None and done.done.compacted else 1
    verb = "Forgot" if done.done is not None else "Would forget"
    click.echo(
        f"{verb} {many(len(done.identities), 'identity', 'identities')} with {many(len(done.cases), 'case')}"
        f" ({', '.join(done.cases) or 'none'}) and {many(done.messages_elsewhere, 'other message')}."
    )
    if done.named_in:
        click.echo(f"They may be named in {', '.join(done.named_in)}: look at those yourself.", err=True)
    if done.done is not None:
        _traces(done.done)
        return 0 if done.done.compacted else 1
    if done.open_cases:
        click.echo(f"Open are {', '.join(done.open_cases)}: close them first, or add --anyway.", err=True)
    click.echo("Nothing was forgotten; say --yes to do it.", err=True)
    return 1
