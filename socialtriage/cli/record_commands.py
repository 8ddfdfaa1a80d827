"""`log`: the handoff and case log as a document, and its proof."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json
from socialtriage.cli.options import Alone
from socialtriage.domain.errors import UsageError

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.services.desk import Desk
    from socialtriage.services.record import Scope


@click.group("log", invoke_without_command=True)
@click.option("--from", "start", metavar="D", help="First day: 2026-11-22, today, -7d.")
@click.option("--to", "end", metavar="D", help="Last day, that day included.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "html"]),
    default="csv",
    help="A row a case (csv, html), or a line an event (jsonl).",
)
@click.option("--area", metavar="A", help="Only cases of this service area; none for those without one.")
@click.option("--contact", metavar="ID", help="Only cases that were handed to this contact.")
@click.option(
    "--case", "ref", cls=Alone, against=("start", "end", "area", "contact"), metavar="REF", help="The file of one case."
)
@click.option("--redact", is_flag=True, help="Without persons, addresses and notes.")
@click.option("-o", "--output", "target", metavar="FILE", type=click.Path(dir_okay=False), help="Write to a file.")
@click.pass_context
def log_command(
    ctx: click.Context,
    start: str | None,
    end: str | None,
    form: str,
    area: str | None,
    contact: str | None,
    ref: str | None,
    redact: bool,
    target: str | None,
) -> None:
    """The handoff and case log; CSV and HTML have a row a case, jsonl a line an event. Every export is logged."""
    if ctx.invoked_subcommand is not None:
        return
    from socialtriage.cli import output
    from socialtriage.cli.moments import span
    from socialtriage.services import inbox, record

    env: Env = ctx.obj
    desk = env.desk
    case_id = inbox.resolve(desk, ref) if ref else None
    scope = record.Scope(*span(desk, start, end), area=area, contact=contact, case_id=case_id)
    record.must_exist(desk, scope)
    if form == "jsonl":
        # Every line carries its own proof, that of this export as well.
        record.exported(desk, scope, form, redact=redact)
        output.write_out(_lines(desk, scope, redact), target)
        return
    output.write_out(_on_record(desk, form, scope, redact), target)


def _on_record(desk: Desk, form: str, scope: Scope, redact: bool) -> Iterator[str]:
    """The document. It is on record before its file has its name: where that fails, there is no file either."""
    from socialtriage.services import record

    digest = record.Digest()
    yield from digest.over(_cases(desk, form, scope, redact))
    record.exported(desk, scope, form, redact=redact, sha256=digest.hashed.hexdigest())


def _lines(desk: Desk, scope: Scope, redact: bool) -> Iterator[str]:
    from socialtriage.services import record

    found = record.events(desk, scope.start, scope.end, scope)
    return record.as_jsonl(found, redact=redact, restricted=desk.store.keeping.restricted())


def _cases(desk: Desk, form: str, scope: Scope, redact: bool) -> Iterator[str]:
    from socialtriage.services import inbox, page, record

    rows = record.case_rows(desk, scope.start, scope.end, redact=redact, scope=scope)
    if form != "html":
        return record.as_csv(rows)
    if scope.case_id is not None:
        return page.case_file(desk, inbox.shown(desk, scope.case_id), next(iter(rows)), hide=redact)
    return page.as_html(desk, rows, record.COLUMNS, scope.start, scope.end, redact=redact, scope=scope)


@log_command.command("verify")
@click.option("--expect", metavar="HASH", help="A hash noted earlier: proves that nothing was cut off since.")
@click.option(
    "--copy",
    "copy",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A CSV or HTML that was exported: proves that it is as it was then.",
)
@option_json
@click.pass_obj
def verify_command(env: Env, expect: str | None, copy: Path | None, as_json: bool) -> int:
    """Prove that no event was altered, removed or reordered; prints their number, the last hash, what was checked."""
    from socialtriage.cli import output, shapes
    from socialtriage.services import record

    data = copy.read_bytes() if copy is not None else b""
    if data.startswith(b'{"seq"'):
        raise UsageError(
            "JSON lines carry the hash of every event.", hint="Prove the last of them: log verify --expect HASH"
        )
    if expect is not None and not expect.strip():
        raise UsageError("--expect needs a hash; what was given is empty.")
    found = record.verify(env.desk, expect.strip().lower() if expect else None)
    made = record.export_of(env.desk, data) if copy is not None else None
    good = found.fault is None and (copy is None or made is not None)
    if as_json:
        shape = {"events": found.events, "hash": found.head, "whole": found.fault is None, "fault": found.fault}
        shape |= {"notes": found.private, "forgotten": found.forgotten}
        output.emit(shape | ({"copy": shapes.event(made) if made else None} if copy is not None else {}))
        return 0 if good else 1
    if found.fault is not None:
        click.echo(f"{found.fault} {found.events} events before it are whole.", err=True)
        return 1
    click.echo(f"The log is whole: {found.events} event{'s' * (found.events != 1)}, last hash {found.head}")
    output.lines(record.checked(found))
    if expect:
        click.echo("The hash that you noted is in it: nothing was cut off since.")
    if made is not None:
        click.echo(f"{copy} is as {made.officer} exported it, {output.local(env.desk, made.at)} (event {made.seq}).")
    elif copy is not None:
        click.echo(f"{copy} is not what was exported: no event of the log knows these bytes.", err=True)
    return 0 if good else 1
