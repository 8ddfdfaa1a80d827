"""Incidents: one statement on every account after one look, and the cases that belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from socialtriage.cli.main import option_json, read_stdin
from socialtriage.cli.options import Alone

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.domain.views import Done
    from socialtriage.services.incidents import Statement
    from socialtriage.services.outbox import Outcome, Sender
    from socialtriage.services.sync import Poller
    from socialtriage.store.incidents import Incident

WAIT = 60.0
"""Seconds that a command waits for the outcome on every account."""


def _saying(function: Any) -> Any:
    """What every command takes that speaks to everybody."""
    for option in reversed(
        (
            click.option("--text", required=True, help="The statement; - reads it from standard input."),
            click.option(
                "--for", "variants", multiple=True, metavar="NETWORK=TEXT", help="Other words there; or ACCOUNT=TEXT."
            ),
            click.option("--account", "accounts", multiple=True, metavar="ID", help="Only there; may be given again."),
            click.option(
                "--preview",
                is_flag=True,
                cls=Alone,
                against=("queue_only", "yes"),
                help="Show what would be posted where, and do nothing.",
            ),
            click.option("--yes", is_flag=True, help="Do not ask."),
            click.option("--queue", "queue_only", is_flag=True, help="Leave the sending to `outbox send` or `poll`."),
            option_json,
        )
    ):
        function = option(function)
    return function


@click.group("incident", invoke_without_command=True)
@option_json
@click.pass_context
def incident_command(ctx: click.Context, as_json: bool) -> None:
    """Incidents: what was said of each on every account, and which cases belong to it."""
    if ctx.invoked_subcommand is not None:
        return
    from socialtriage.cli import output

    env: Env = ctx.obj
    found = env.desk.store.incidents.all()
    if as_json:
        output.emit([_facts(env, each) for each in found])
        return
    for each in found:
        click.echo(_line(env, each))
    if not found:
        click.echo("There is no incident; incident new begins one.", err=True)


@incident_command.command("new")
@click.argument("name")
@_saying
@click.option("--until", default="", metavar="DATE", help="Its last day; new cases are suggested for it until then.")
@click.option("--keywords", default="", metavar="A,B", help="Beginnings of words by which its cases are known.")
@click.option("--area", metavar="A", help="Only cases of this service area, or of none.")
@click.pass_obj
def new_command(
    env: Env, /, name: str, text: str, until: str, keywords: str, area: str | None, accounts: Sequence[str], **how: Any
) -> int:
    """Begin an incident, and say it on every account after one look at them all."""
    from socialtriage.services import incidents

    words = read_stdin() if text == "-" else text
    plan = incidents.plan(env.desk, name, words, until=until, keywords=keywords.split(","), area=area)
    said = _drafted(env, plan.text, how["variants"], accounts)
    if how["preview"] or not _agreed(said, how["yes"], how["as_json"]):
        return _preview(env, said, how["as_json"]) if how["preview"] else 1
    done = incidents.begin(env.desk, plan, said, undo_seconds=0)
    return _leave(env, plan.name, done, how["queue_only"], how["as_json"])


@incident_command.command("say")
@click.argument("name")
@_saying
@click.pass_obj
def say_command(env: Env, /, name: str, text: str, accounts: Sequence[str], **how: Any) -> int:
    """Say more of an incident on every account."""
    from socialtriage.services import incidents

    incident = incidents.named(env.desk, name)
    said = _drafted(env, read_stdin() if text == "-" else text, how["variants"], accounts)
    if how["preview"] or not _agreed(said, how["yes"], how["as_json"]):
        return _preview(env, said, how["as_json"]) if how["preview"] else 1
    done = incidents.say(env.desk, incident.name, said, undo_seconds=0)
    return _leave(env, incident.name, done, how["queue_only"], how["as_json"])


@incident_command.command("show")
@click.argument("name")
@option_json
@click.pass_obj
def show_command(env: Env, name: str, as_json: bool) -> None:
    """What was said of an incident where, and its cases."""
    from socialtriage.cli import output
    from socialtriage.services import incidents

    incident = incidents.named(env.desk, name)
    incidents.suggest(env.desk, incident.name)
    if as_json:
        output.emit(_facts(env, incident))
    else:
        output.lines(_told(env, incident))


@incident_command.command("add")
@click.argument("name")
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.pass_obj
def add_command(env: Env, name: str, refs: tuple[str, ...]) -> None:
    """Say that cases belong to an incident."""
    from socialtriage.services import inbox, incidents

    click.echo(incidents.take_in(env.desk, name, [inbox.resolve(env.desk, ref) for ref in refs]).said)


@incident_command.command("remove")
@click.argument("name")
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.pass_obj
def remove_command(env: Env, name: str, refs: tuple[str, ...]) -> None:
    """Say that cases do not belong to an incident."""
    from socialtriage.services import inbox, incidents

    click.echo(incidents.leave_out(env.desk, name, [inbox.resolve(env.desk, ref) for ref in refs]).said)


@incident_command.command("end")
@click.argument("name")
@click.pass_obj
def end_command(env: Env, name: str) -> None:
    """End an incident: no new case is suggested for it."""
    from socialtriage.services import incidents

    click.echo(incidents.end(env.desk, name).said)


# --- before anything leaves -------------------------------------------------------------------------------------


def _drafted(env: Env, text: str, variants: Sequence[str], accounts: Sequence[str]) -> list[Statement]:
    from socialtriage.domain.errors import UsageError
    from socialtriage.services import incidents

    words: dict[str, str] = {}
    for each in variants:
        place, sign, said = each.partition("=")
        if not sign or not said.strip():
            raise UsageError(f"--for {each[:40]!r} is not NETWORK=TEXT.")
        words[place.strip()] = said

    async def draft(poller: Poller, sender: Sender) -> list[Statement]:
        return await incidents.statements(env.desk, poller, text, words, accounts)

    return env.with_network(draft)


def _shape(said: Statement) -> dict[str, Any]:
    return {
        "account": said.account,
        "network": said.network,
        "text": said.text,
        "used": said.length.used,
        "limit": said.length.limit,
        "unit": said.length.unit,
        "page": said.page,
        "why": said.why or None,
        "price": {"amount": said.price.amount, "currency": said.price.currency} if said.price else None,
        "fault": said.fault or None,
        "warnings": list(said.warnings),
    }


def _preview(env: Env, said: Sequence[Statement], as_json: bool) -> int:
    from socialtriage.cli import output

    if as_json:
        output.emit([_shape(each) for each in said])
    else:
        _show(said, err=False)
    return 1 if any(each.fault for each in said) else 0


def _show(said: Sequence[Statement], *, err: bool) -> None:
    for each in said:
        how = f"by hand on {each.page}" if each.page else "PUBLIC"
        click.echo(f"{each.account} ({each.network}), {how}: {each.length.words}", err=err)
        for line in (each.fault, each.why, *each.warnings):
            if line:
                click.echo(f"  ! {line}", err=err)
        for line in each.text.splitlines():
            click.echo(f"  {line}", err=err)


def _agreed(said: Sequence[Statement], yes: bool, as_json: bool) -> bool:
    """One look at every account, and one answer for all of them. Raises `Refused` for what cannot leave."""
    from socialtriage.domain.errors import Refused
    from socialtriage.services import incidents

    if not as_json or not yes:
        _show(said, err=True)
    if faulty := [each for each in said if each.fault]:
        raise Refused(f"{faulty[0].account}: {faulty[0].fault}", hint="Nothing was sent anywhere; --for changes it.")
    if not said:
        raise Refused("No account can speak to everybody.")
    if cost := incidents.cost(said):
        click.echo(cost, err=True)
    if yes or click.confirm(f"Post it on {len(said)} account{'s' * (len(said) != 1)}?", err=True):
        return True
    click.echo("Nothing was sent.", err=True)
    return False


def _leave(env: Env, name: str, done: Done, queue_only: bool, as_json: bool) -> int:
    """Send what was queued, and say what became of it on every account."""
    from socialtriage.cli import output
    from socialtriage.services import incidents, pause

    async def sending(poller: Poller, sender: Sender) -> list[Outcome]:
        return await sender.run_patiently(done.row_ids, WAIT)

    paused = pause.words(env.desk)
    store = env.desk.store.outbox
    held = any(row is not None and row.held for row in map(store.get, done.row_ids))
    if done.row_ids and not queue_only and not held and paused is None:
        env.with_network(sending)
        # Somebody may have stopped everything between two accounts.
        paused = pause.words(env.desk)
    incident = incidents.named(env.desk, name)
    if as_json:
        output.emit(_facts(env, incident))
    else:
        click.echo(f"{done.said} {paused or ''}".rstrip())
        output.lines(_posts(env, incident))
    rows = [row for each in done.row_ids if (row := store.get(each)) is not None]
    return 0 if all(row.state in ("sent", "queued") and not row.error for row in rows) else 1


# --- what there is ----------------------------------------------------------------------------------------------


def _facts(env: Env, incident: Incident) -> dict[str, Any]:
    from socialtriage.cli import shapes

    store = env.desk.store.incidents
    return {
        "name": incident.name,
        "text": incident.text,
        "area": incident.area,
        "keywords": list(incident.keywords),
        "at": shapes.moment(incident.at),
        "until": shapes.moment(incident.until),
        "ended_at": shapes.moment(incident.ended_at),
        "runs": incident.runs(env.desk.clock()),
        "officer": incident.officer,
        "posts": [
            {
                "id": post.row_id,
                "account": post.account,
                "text": post.text,
                "state": _state(post.state, post.page),
                "error": post.error,
                "url": post.url or post.page,
            }
            for post in store.posts(incident.id)
        ],
        "cases": [{"ref": case.ref, "state": case.state} for case in store.cases(incident.id)],
    }


def _state(state: str | None, page: str | None) -> str:
    return str(state) if state else "by_hand" if page else "dropped"


def _line(env: Env, incident: Incident) -> str:
    from socialtriage.cli import output

    cases = [case for case in env.desk.store.incidents.cases(incident.id) if case.state != "out"]
    if not incident.runs(env.desk.clock()):
        when = "over"
    else:
        when = f"until {output.local(env.desk, incident.until)}" if incident.until else "runs"
    words = f"  [{', '.join(incident.keywords)}]" if incident.keywords else ""
    return f"{incident.name}  {when}  {len(cases)} case{'s' * (len(cases) != 1)}{words}"


def _posts(env: Env, incident: Incident) -> list[str]:
    lines = []
    for post in env.desk.store.incidents.posts(incident.id):
        where = f"  {post.url or post.page}" if post.url or post.page else ""
        why = f"  {post.error}" if post.error else ""
        lines.append(f"{post.account}: {_state(post.state, post.page).replace('_', ' ')}{where}{why}")
    return lines


def _told(env: Env, incident: Incident) -> list[str]:
    from socialtriage.domain.text import clean_line
    from socialtriage.services.incidents import STATES

    lines = [_line(env, incident), *(f"  {line}" for line in incident.text.splitlines()), *_posts(env, incident)]
    for case in env.desk.store.incidents.cases(incident.id):
        lines.append(
            f"{case.ref}  {STATES[case.state]}  {case.status.replace('_', ' ')}  “{clean_line(case.snippet, 80)}”"
        )
    return lines
