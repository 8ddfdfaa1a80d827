"""`list` and `show`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json
from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import Status, Urgency

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.domain.views import CaseRow
    from socialtriage.services.desk import Desk

VIEWS = ("queue", "mine", "waiting", "tell", "overdue", "repeat", "snoozed", "promised", "closed", "all")
MOST = 100_000
"""Cases that one command lists at most where a limit is named, or a search is asked for as JSON."""


@click.command("list")
@click.option("--view", type=click.Choice(VIEWS), help="Which list; queue by default, all for a search.")
@click.option("--area", metavar="A", help="Only this service area; none for cases without one.")
@click.option("--urgency", type=click.Choice([u.value for u in Urgency]), help="Only this urgency.")
@click.option("--account", metavar="ID", help="Only this account.")
@click.option("--status", type=click.Choice([s.value for s in Status]), help="Only this status.")
@click.option("--search", metavar="TEXT", help="Words in messages, people and references; filters such as from:@x.")
@click.option("--limit", type=click.IntRange(1, MOST), help="At most so many; 200 by default, with --json all.")
@option_json
@click.pass_obj
def list_command(
    env: Env,
    view: str | None,
    area: str | None,
    urgency: str | None,
    account: str | None,
    status: str | None,
    search: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Cases, most pressing first; of a search the newest that were found."""
    from socialtriage.cli import output, shapes
    from socialtriage.services import inbox, queries, triage

    desk = env.desk
    triage.wake(desk)
    query = queries.parse_query(search or "", desk, _view(view, status, search))
    if area and area != "none":
        desk.area(area)
    if account:
        account = queries.account_id(desk, account)
    for name, given, found in (
        ("area", area, query.area),
        ("urgency", urgency, query.urgency),
        ("account", account, query.account),
        ("status", status, query.status),
    ):
        if given and found and given != found:
            raise UsageError(f"--{name} {given} and {name}:{found} of --search say two different things.")
    query = replace(
        query,
        area=area or query.area,
        urgency=Urgency(urgency) if urgency else query.urgency,
        account=account or query.account,
        status=Status(status) if status else query.status,
    )
    # A screen shows the newest hits; a script is given all of them.
    ids = inbox.snapshot(desk, query, max(limit or (MOST if as_json else 0), inbox.SEARCH_LIMIT))
    shown = list(ids[: limit or (None if as_json else 200)])
    if query.text.strip():
        shown = desk.store.cases.by_pressure(shown)
    if as_json:
        output.emit(shapes.cases(desk, shown))
        return
    now = desk.clock()
    for row in _paged(desk, shown):
        click.echo(output.case_line(desk, row, now))
    rest = len(ids) - len(shown)
    number = "1 case" if len(ids) == 1 else f"{len(ids):,} cases"
    click.echo(f"{number}{f', {rest:,} not shown' if rest else ''}." if ids else "No cases.", err=True)


def _paged(desk: Desk, ids: list[int]) -> list[CaseRow]:
    from socialtriage.services import inbox

    return [row for start in range(0, len(ids), 500) for row in inbox.rows(desk, ids[start : start + 500])]


def _view(view: str | None, status: str | None, search: str | None) -> str:
    """The list that was meant: a search, or a status that the queue never shows, looks everywhere."""
    elsewhere = status not in (None, Status.NEW, Status.OPEN)
    return view or ("all" if search or elsewhere else "queue")


@click.command("show")
@click.argument("ref")
@click.option("--unmask", is_flag=True, help="A restricted case with its words; that you looked is logged.")
@option_json
@click.pass_obj
def show_command(env: Env, ref: str, unmask: bool, as_json: bool) -> None:
    """One case whole: facts, messages, handoffs, log. REF in any spelling."""
    from socialtriage.cli import output, shapes
    from socialtriage.services import inbox

    desk = env.desk
    case_id = inbox.resolve(desk, ref)
    if unmask:
        from socialtriage.services import restricting

        restricting.unmask(desk, case_id)
    detail = inbox.shown(desk, case_id, unmask)
    if as_json:
        output.emit(shapes.case(desk, detail, unmask=unmask))
        return
    output.lines(output.case_text(desk, detail))
    click.echo("")
    output.lines(inbox.why(desk, detail.row.id))
