"""`log`: the handoff and case log as a document, and its proof."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json
from socialtriage.domain.errors import UsageError

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.services.desk import Desk


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
@click.option("--redact", is_flag=True, help="Without persons, addresses and notes.")
@click.option("-o", "--output", "target", metavar="FILE", type=click.Path(dir_okay=False), help="Write to a file.")
@click.pass_context
def log_command(
    ctx: click.Context, start: str | None, end: str | None, form: str, redact: bool, target: str | None
) -> None:
    """The handoff and case log; CSV and HTML have a row a case, jsonl a line an event."""
    if ctx.invoked_subcommand is not None:
        return
    from socialtriage.cli.moments import span
    from socialtriage.services import record

    env: Env = ctx.obj
    low, high = span(env.desk, start, end)
    if form == "jsonl":
        parts = record.as_jsonl(record.events(env.desk, low, high), redact=redact)
    else:
        parts = _cases(env.desk, form, low, high, redact)
    if target is not None:
        from socialtriage.cli.files import write_file

        write_file(Path(target), parts)
        click.echo(f"Wrote {target}.", err=True)
        return
    if sys.stdout is None:
        raise UsageError("There is no standard output to write to.", hint="Name a file with -o.")
    out = sys.stdout.buffer
    for part in parts:
        out.write(part.encode("utf-8", "backslashreplace"))
    out.flush()


def _cases(desk: Desk, form: str, low: datetime | None, high: datetime | None, redact: bool) -> Iterator[str]:
    from socialtriage.services import page, record

    rows = record.case_rows(desk, low, high, redact=redact)
    if form == "html":
        return page.as_html(desk, rows, record.COLUMNS, low, high, redact=redact)
    return record.as_csv(rows)


@log_command.command("verify")
@click.option("--expect", metavar="HASH", help="A hash noted earlier: proves that nothing was cut off since.")
@option_json
@click.pass_obj
def verify_command(env: Env, expect: str | None, as_json: bool) -> int:
    """Prove that no event was altered, removed or reordered; prints their number and the last hash."""
    from socialtriage.cli import output
    from socialtriage.services import record

    found = record.verify(env.desk, expect.strip().lower() if expect else None)
    if as_json:
        output.emit({"events": found.events, "hash": found.head, "whole": found.fault is None, "fault": found.fault})
    elif found.fault is None:
        click.echo(f"The log is whole: {found.events} events, last hash {found.head}")
    else:
        click.echo(f"{found.fault} {found.events} events before it are whole.", err=True)
    return 0 if found.fault is None else 1
