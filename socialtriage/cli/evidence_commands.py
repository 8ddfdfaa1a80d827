"""Files of a case, and what its service area still needs: `evidence`, `fact`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from socialtriage.cli.main import option_json
from socialtriage.cli.options import Alone

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.services.exhibits import Exhibit
    from socialtriage.services.outbox import Sender
    from socialtriage.services.sync import Poller


@click.command("evidence")
@click.argument("ref")
@click.option("--save", "folder", metavar="FOLDER", type=click.Path(path_type=Path), help="Save the kept files there.")
@click.option(
    "--clean", is_flag=True, cls=Alone, needs="folder", help="With --save: copies without position, camera and names."
)
@click.option("--fetch", is_flag=True, help="First try again to fetch what is missing.")
@click.option("--unmask", is_flag=True, help="Also of a restricted case; that you looked is logged.")
@option_json
@click.pass_obj
def evidence_command(
    env: Env, ref: str, folder: Path | None, clean: bool, fetch: bool, unmask: bool, as_json: bool
) -> int:
    """Photos, video and files of a case: what is kept, and why something is not."""
    from socialtriage.cli import output
    from socialtriage.services import exhibits, inbox

    desk = env.desk
    case_id = inbox.resolve(desk, ref)
    if fetch:
        env.with_network(lambda poller, sender: _fetch(env, case_id, poller, sender))
    if unmask:
        from socialtriage.services import restricting

        restricting.unmask(desk, case_id)
    saved: list[Path] | None = None
    problems: list[str] = []
    if folder is not None:
        saved, problems = exhibits.save(desk, case_id, folder, clean=clean, unmasked=unmask)
    found = exhibits.listing(desk, case_id, unmasked=unmask)
    if as_json:
        shapes = [_shape(env, each) for each in found]
        output.emit(shapes if saved is None else {"evidence": shapes, "saved": [str(path) for path in saved]})
        return _told(problems)
    for path in saved or ():
        click.echo(str(path))
    if saved is None:
        for each in found:
            click.echo(_line(env, each))
        if not found:
            click.echo("No file came with this case.", err=True)
    return _told(problems)


def _told(problems: list[str]) -> int:
    """Say what could not be saved; the exit status."""
    for problem in problems:
        click.echo(problem, err=True)
    return 1 if problems else 0


async def _fetch(env: Env, case_id: int, poller: Poller, sender: Sender) -> int:
    from socialtriage.services.fetching import Fetcher

    return await Fetcher(env.desk, poller).case(case_id)


def _shape(env: Env, each: Exhibit) -> dict[str, Any]:
    from socialtriage.cli import shapes
    from socialtriage.services import exhibits

    media = shapes.media(each.media)
    media["why"] = media["why"] or exhibits.amiss(env.desk, each.media) or None
    return media | {"message": each.message.id, "received_at": shapes.moment(each.message.received_at)}


def _line(env: Env, each: Exhibit) -> str:
    from socialtriage.cli import output
    from socialtriage.domain.text import clean_line
    from socialtriage.services import exhibits

    media = each.media
    parts = [str(media.id), media.kind, clean_line(media.name), media.state.replace("_", " ")]
    if media.bytes is not None:
        parts += [clean_line(media.mime or "", 60), f"{media.bytes} bytes", f"sha256 {media.sha256}"]
    parts += [f"lasts {lasts}"] if (lasts := exhibits.lasts(env.desk, media)) else []
    parts += [clean_line(f"“{media.alt}”", 300)] if media.alt else []
    parts += [
        f"received {output.local(env.desk, each.message.received_at)}",
        clean_line(media.why or exhibits.amiss(env.desk, media), 300),
    ]
    return "  ".join(filter(None, parts))


@click.command("fact")
@click.argument("ref")
@click.argument("name", required=False)
@click.argument("value", required=False)
@option_json
@click.pass_obj
def fact_command(env: Env, ref: str, name: str | None, value: str | None, as_json: bool) -> None:
    """Note a fact of a case; an empty VALUE takes it away. With REF alone: what is known, and what is missing."""
    from socialtriage.cli import output
    from socialtriage.domain.errors import UsageError
    from socialtriage.services import inbox, needs

    desk = env.desk
    case_id = inbox.resolve(desk, ref)
    if name is not None:
        if value is None:
            raise UsageError(f"Say what {name} is.", hint='An empty value ("") takes it away.')
        output.done(needs.note(desk, case_id, name, value), as_json)
        return
    case = desk.store.cases.get(case_id)
    facts = inbox.shown(desk, case_id).facts
    lacking = needs.missing(desk, case)
    question = needs.question(desk, case_id) if lacking else None
    if as_json:
        output.emit({"ref": case.ref, "facts": dict(facts), "missing": lacking, "question": question})
        return
    for known, told in facts.items():
        click.echo(f"{known}: {told}")
    if not lacking:
        click.echo(f"{case.ref}: nothing is missing.", err=True)
        return
    click.echo(f"Missing: {', '.join(lacking)}")
    click.echo(f"Ask: {question}")
