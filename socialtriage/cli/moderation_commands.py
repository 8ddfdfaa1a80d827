"""Hiding, deleting, blocking, muting and reporting, each with a reason; and the reviews: `hide` … `moderation`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click

from socialtriage.cli.main import option_json
from socialtriage.cli.options import Alone

if TYPE_CHECKING:
    from datetime import date

    from socialtriage.cli.env import Env
    from socialtriage.services.desk import Desk
    from socialtriage.services.moderation import Decision
    from socialtriage.services.outbox import Outcome, Sender
    from socialtriage.services.sync import Poller
    from socialtriage.store.moderation import Action

WAIT = 30.0
"""Seconds that a command waits for the outcome."""


def _options(function: Any) -> Any:
    """What every action against a message or a person takes."""
    for option in reversed(
        (
            click.argument("ref"),
            click.option("--message", "message_id", metavar="ID", type=int, help="A message; by default the newest."),
            click.option("--reason", required=True, help="Why: it stands in the record and in the review."),
            click.option("--review", "review_on", metavar="DATE", help="The day on which it is due for review."),
            click.option(
                "--by-hand",
                is_flag=True,
                cls=Alone,
                against=("queue_only",),
                help="Only put on record what you did on the network's own page.",
            ),
            click.option("--queue", "queue_only", is_flag=True, help="Leave it to the next `outbox send` or `poll`."),
            option_json,
            click.pass_obj,
        )
    ):
        function = option(function)
    return function


def _command(name: str, kind: str, words: str) -> click.Command:
    """A command that does `kind` to a message of a case or to its author."""

    @_options
    def run(env: Env, ref: str, **rest: Any) -> int:
        return _act(env, ref, kind, **rest)

    return click.command(name, help=words)(run)


hide_command = _command("hide", "hide", "Hide a message where the network can, after a snapshot of it.")
unhide_command = _command("unhide", "unhide", "Show a message again that was hidden.")
block_command = _command("block", "block", "Block the author of a case where the network can, after a snapshot.")
mute_command = _command("mute", "mute", "Mute the author of a case where the network can, after a snapshot.")


def _act(
    env: Env,
    ref: str,
    kind: str,
    *,
    message_id: int | None,
    reason: str,
    review_on: str | None,
    by_hand: bool,
    queue_only: bool,
    as_json: bool,
    sure: bool = False,
) -> int:
    from socialtriage.domain.models import OutboxKind
    from socialtriage.services import inbox, moderation

    desk = env.desk
    case_id = inbox.resolve(desk, ref)
    on = _day(desk, review_on)
    if kind == "delete" and not (sure or by_hand):
        look = moderation.decide(desk, case_id, OutboxKind.DELETE, reason=reason, message_id=message_id, review_on=on)
        return _unsure(desk, look)
    if not by_hand:
        # What the message shows is part of the snapshot: get it while it can be had.
        env.with_network(lambda poller, sender: _fetch(desk, case_id, poller))
    decision = moderation.decide(desk, case_id, OutboxKind(kind), reason=reason, message_id=message_id, review_on=on)
    return _leave(env, decision, by_hand=by_hand, queue_only=queue_only, as_json=as_json, sure=sure)


def _unsure(desk: Desk, decision: Decision) -> int:
    """What would be deleted, and that it is for good; nothing is done."""
    from socialtriage.domain.text import clean_line
    from socialtriage.services import moderation
    from socialtriage.store.rows import MASK, RESTRICTED

    target = decision.target
    case = desk.store.cases.get(target.case_id)
    said = next(m.text for m in desk.store.messages.of_case(case.id) if m.id == target.message_id)
    words = MASK if RESTRICTED in case.flags else f"{target.author.handle}: {clean_line(said, 300)}"
    click.echo(f"{decision.ref}, message {target.message_id}: {words}", err=True)
    click.echo(f"{decision.cannot or moderation.FOR_GOOD} Nothing was done.", err=True)
    if decision.cannot is None:
        click.echo("With --yes it is deleted; `hide` only hides it.", err=True)
    return 1


async def _fetch(desk: Desk, case_id: int, poller: Poller) -> None:
    """Fetch what can be had; what cannot stands in the snapshot as it is, and keeps nobody from deciding."""
    from socialtriage.domain.errors import SocialTriageError
    from socialtriage.services.fetching import Fetcher

    with contextlib.suppress(SocialTriageError):
        await Fetcher(desk, poller).case(case_id, 15.0)


def _day(desk: Desk, text: str | None) -> date | None:
    if text is None:
        return None
    from socialtriage.domain.errors import UsageError
    from socialtriage.domain.when import parse_date

    try:
        return parse_date(text, desk.clock().astimezone(desk.zone).date())
    except ValueError as exc:
        raise UsageError(str(exc)) from exc


def _leave(env: Env, decision: Decision, *, by_hand: bool, queue_only: bool, as_json: bool, sure: bool = False) -> int:
    """Queue a decision and wait for its outcome, or put on record what was done by hand."""
    from socialtriage.cli import output
    from socialtriage.services import moderation

    desk = env.desk
    if by_hand:
        output.done(moderation.record(desk, decision), as_json, ref=decision.ref, state=moderation.BY_HAND)
        return 0
    result = moderation.queue(desk, decision, undo_seconds=0, sure=sure)
    row_id = result.row_id or 0
    if queue_only:
        output.done(result, as_json, ref=decision.ref, id=row_id, state="queued")
        return 0

    async def send(poller: Poller, sender: Sender) -> list[Outcome]:
        return await sender.run_patiently([row_id], WAIT)

    env.with_network(send)
    row = desk.store.outbox.get(row_id)
    state, error = (row.state, row.error) if row else ("gone", None)
    if as_json:
        output.emit({"said": result.said, "ref": decision.ref, "id": row_id, "state": state, "error": error})
    elif state == "sent":
        click.echo(result.said)
    else:
        click.echo(f"{decision.ref}: {state}. {error or 'Another program is sending; it leaves next.'}", err=True)
    return 0 if state == "sent" else 1


@click.group("moderation", invoke_without_command=True)
@click.option("--due", is_flag=True, help="Only what is due for review.")
@option_json
@click.pass_context
def moderation_command(ctx: click.Context, due: bool, as_json: bool) -> None:
    """What was hidden, deleted, blocked, muted and reported, with reason and officer; what is due for review."""
    if ctx.invoked_subcommand is not None:
        return
    from socialtriage.cli import output
    from socialtriage.services import moderation

    env: Env = ctx.obj
    desk = env.desk
    found = moderation.listing(desk, due=due)
    if as_json:
        output.emit([_shape(desk, action) for action in found])
        return
    for action in found:
        click.echo(_line(desk, action))
    if not found:
        nothing = "Nothing was hidden, deleted, blocked, muted or reported."
        click.echo("Nothing is due for review." if due else nothing, err=True)


def _shape(desk: Desk, action: Action) -> dict[str, Any]:
    from socialtriage.cli.shapes import moment
    from socialtriage.services import moderation

    return {
        "id": action.id,
        "kind": action.kind,
        "ref": action.ref,
        "account": action.account,
        "network": action.network,
        "message": action.message_id,
        "person": moderation.whom(action),
        "reason": action.reason,
        "officer": action.officer,
        "at": moment(action.at),
        "state": action.state,
        "done_at": moment(action.done_at),
        "review_at": moment(action.review_at),
        "due": moderation.is_due(desk, action),
        "reviewed_at": moment(action.reviewed_at),
        "reviewed_by": action.reviewed_by,
        "lifted_at": moment(action.lifted_at),
        "snapshot": dict(action.snapshot),
    }


def _line(desk: Desk, action: Action) -> str:
    from socialtriage.cli import output
    from socialtriage.domain.text import clean_line
    from socialtriage.services import moderation

    review = f"review {output.local(desk, action.review_at)}" if action.review_at and not action.lifted_at else ""
    parts = (
        str(action.id),
        action.kind.value,
        action.ref,
        clean_line(moderation.whom(action)),
        action.state.replace("_", " "),
        f"{output.local(desk, action.at)} {action.officer}",
        "lifted" if action.lifted_at else review,
        "DUE" if moderation.is_due(desk, action) else "",
        clean_line(action.reason, 200),
    )
    return "  ".join(filter(None, parts))


moderation_command.add_command(
    _command("report", "report", "Report a message and its author to the network's own moderators, after a snapshot.")
)


@moderation_command.command("delete")
@click.option("--yes", "sure", is_flag=True, help="You are sure: nothing brings it back.")
@_options
def delete_command(env: Env, ref: str, **rest: Any) -> int:
    """Delete a message for good where the network can, after a snapshot of it; only with --yes."""
    return _act(env, ref, "delete", **rest)


@moderation_command.command("reviewed")
@click.argument("action_id", metavar="ID", type=click.IntRange(1, 2**62))
@click.option("--note", default="", help="What the review found.")
@click.option("--next", "next_on", metavar="DATE", help="Review it once more on that day.")
@option_json
@click.pass_obj
def reviewed_command(env: Env, action_id: int, note: str, next_on: str | None, as_json: bool) -> None:
    """It was looked at again, and stays."""
    from socialtriage.cli import output
    from socialtriage.services import moderation

    desk = env.desk
    output.done(moderation.review(desk, action_id, note=note, next_on=_day(desk, next_on)), as_json)


@moderation_command.command("lift")
@click.argument("action_id", metavar="ID", type=click.IntRange(1, 2**62))
@click.option("--reason", required=True, help="Why it is over.")
@click.option(
    "--by-hand",
    is_flag=True,
    cls=Alone,
    against=("queue_only",),
    help="Only put on record what you did on the network's own page.",
)
@click.option("--queue", "queue_only", is_flag=True, help="Leave it to the next `outbox send` or `poll`.")
@option_json
@click.pass_obj
def lift_command(env: Env, action_id: int, reason: str, by_hand: bool, queue_only: bool, as_json: bool) -> int:
    """Take it back: show again, unblock, unmute."""
    from socialtriage.services import moderation

    decision = moderation.lift(env.desk, action_id, reason=reason)
    return _leave(env, decision, by_hand=by_hand, queue_only=queue_only, as_json=as_json)


@moderation_command.command("release")
@click.argument("ref")
@option_json
@click.pass_obj
def release_command(env: Env, ref: str, as_json: bool) -> None:
    """Show the words of a held case in lists again."""
    from socialtriage.cli import output
    from socialtriage.services import flagging, inbox

    output.done(flagging.release(env.desk, inbox.resolve(env.desk, ref)), as_json)
