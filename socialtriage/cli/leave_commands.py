"""What leaves: `handoff`, `reply`, `outbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from socialtriage.cli.leaving import leave, preview_replies
from socialtriage.cli.main import option_json, read_stdin
from socialtriage.cli.options import option_preview, option_queue

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.services.desk import Desk
    from socialtriage.services.handoff import HandoffDraft
    from socialtriage.services.outbox import Outcome, Sender
    from socialtriage.services.replies import ReplyDraft
    from socialtriage.services.sync import Poller


@click.command("handoff")
@click.argument("ref")
@click.option("--to", metavar="CONTACT", help="A contact; by default the area's, or their deputy.")
@click.option("--note", default="", help="A word to the contact.")
@click.option("--redact/--no-redact", default=None, help="Mask phone, email, postcode, handle and names.")
@click.option("--expect", metavar="WHEN", help="By when an answer is expected: 2d, tomorrow 09:00.")
@click.option("--originals", is_flag=True, help="Attach files as they came, with what they say of place and camera.")
@option_preview("Show exactly what would leave, and send nothing.")
@option_queue
@option_json
@click.pass_obj
def handoff_command(
    env: Env,
    ref: str,
    to: str | None,
    note: str,
    redact: bool | None,
    expect: str | None,
    originals: bool,
    preview: bool,
    queue_only: bool,
    as_json: bool,
) -> int:
    """Hand a case to a contact by email, and wait for the outcome."""
    from socialtriage.cli.moments import when
    from socialtriage.services import handoff, inbox, restricting

    desk = env.desk
    redaction = None if redact is None else (handoff.EVERYTHING if redact else handoff.NOTHING)
    draft = handoff.prepare(
        desk,
        inbox.resolve(desk, ref),
        to=to,
        note=note,
        redaction=redaction,
        expect_by=when(desk, expect) if expect else None,
        originals=originals,
    )
    for warning in draft.warnings:
        click.echo(warning, err=True)
    if preview:
        restricting.unmask(desk, draft.case_id)
        return _preview_handoff(draft, as_json)
    result = handoff.queue(desk, draft, undo_seconds=0)
    return leave(env, result, draft.ref, queue_only, as_json)


def _preview_handoff(draft: HandoffDraft, as_json: bool) -> int:
    from socialtriage.cli import output

    if as_json:
        output.emit(
            {
                "ref": draft.ref,
                "contact": draft.contact.id,
                "because": draft.because,
                "to": list(draft.mail.recipients),
                "subject": draft.mail.subject,
                "message_id": draft.mail.message_id,
                "text": draft.mail.text,
                "attachments": list(draft.mail.attached),
            }
        )
        return 0
    click.echo(f"To: {draft.contact.name} <{draft.contact.email}> ({draft.because})")
    click.echo(f"From: {draft.mail.sender}")
    click.echo(f"Subject: {draft.mail.subject}")
    click.echo(f"Message-ID: {draft.mail.message_id}")
    for name in draft.mail.attached:
        click.echo(f"Attached: {name}")
    click.echo("")
    click.echo(draft.mail.text)
    return 0


@click.command("reply")
@click.argument("ref")
@click.argument("text", required=False)
@click.option("--private", is_flag=True, help="Answer in private where the network allows it.")
@click.option("--answer", metavar="ID", help="A saved answer of the configuration.")
@click.option("--split", is_flag=True, help="Consent to a thread of several posts where one is too long.")
@click.option("--promise", metavar="WHEN", help="There will be more by then: thu 17:00. It becomes the deadline.")
@click.option("--attach", metavar="FILE", multiple=True, help="A picture that goes with it; once for each.")
@click.option("--alt", metavar="WORDS", multiple=True, help="What is on the picture; once for each, in their order.")
@click.option("--everywhere", is_flag=True, help="In every thread and on every account that the case came by.")
@click.option("--at", metavar="PLACE", multiple=True, help="Only there: an account, or a message's number of `show`.")
@click.option("--seen", metavar="VERSION", type=int, help="Refuse when the case is no longer at this version.")
@option_preview()
@option_queue
@option_json
@click.pass_obj
def reply_command(
    env: Env,
    ref: str,
    text: str | None,
    private: bool,
    answer: str | None,
    split: bool,
    promise: str | None,
    attach: tuple[str, ...],
    alt: tuple[str, ...],
    everywhere: bool,
    at: tuple[str, ...],
    seen: int | None,
    preview: bool,
    queue_only: bool,
    as_json: bool,
) -> int:
    """Answer the resident on their network, and wait for the outcome; - reads the text from standard input."""
    from socialtriage.domain.errors import UsageError
    from socialtriage.services import inbox, promises, replies, reply_everywhere

    desk = env.desk
    case_id = inbox.resolve(desk, ref)
    places = reply_everywhere.chosen(desk, case_id, at, everywhere=everywhere)
    if (text is None) == (answer is None):
        raise UsageError("Give either a text or --answer ID.")
    by = promises.moment(desk, promise) if promise else None
    if text == "-":
        text = read_stdin()
    if len(attach) != len(alt):
        raise UsageError("Each picture needs its words: one --alt for each --attach.")
    wishes = replies.Wishes(
        private=private, split=split, promise=by, answer=answer, seen=seen, attach=tuple(zip(attach, alt, strict=True))
    )

    async def draft_them(poller: Poller, sender: Sender) -> tuple[ReplyDraft, ...]:
        return await reply_everywhere.drafts(desk, poller, case_id, text, wishes, places)

    drafts = env.with_network(draft_them)
    for warning in dict.fromkeys(each for draft in drafts for each in draft.warnings):
        click.echo(warning, err=True)
    if preview:
        return preview_replies(env, drafts, as_json)
    return leave(env, replies.queue_all(desk, drafts, undo_seconds=0), drafts[0].ref, queue_only, as_json)


@click.group("outbox", invoke_without_command=True)
@option_json
@click.pass_context
def outbox_command(ctx: click.Context, as_json: bool) -> None:
    """What waits to leave, and why."""
    if ctx.invoked_subcommand is not None:
        return
    from socialtriage.cli import output, shapes
    from socialtriage.services import outbox, pause

    env: Env = ctx.obj
    rows = outbox.rows(env.desk)
    if as_json:
        output.emit([shapes.outbox(row) for row in rows])
        return
    for row in rows:
        held = f"  waits for the approval of a second officer, written by {row.officer}" if row.held else ""
        after = f"  follows row {row.after_id}" if row.after_id is not None and row.state == "queued" else ""
        error = f"{held}{after}  {row.error}" if row.error else f"{held}{after}"
        waits = row.next_try_at if row.state == "queued" else None
        again = f"  next try {output.local(env.desk, waits)}" if waits else ""
        click.echo(f"{row.id}  {row.kind}  {row.ref or ''}  to {row.to}  {row.state}{again}{error}")
    if not rows:
        click.echo("Nothing is waiting, and nothing has left yet.", err=True)
    if paused := pause.words(env.desk):
        click.echo(paused, err=True)


def _nothing_left(desk: Desk) -> str:
    """Why nothing left: nothing waits, or what does is not due, or somebody has to decide."""
    from socialtriage.domain.models import OutboxState

    counts = desk.store.outbox.counts()
    unsure, waits = counts.get(OutboxState.UNKNOWN, 0), counts.get(OutboxState.QUEUED, 0)
    parts = [f"{waits} {'waits' if waits == 1 else 'wait'} for the next try or an approval"] if waits else []
    parts += [f"of {unsure} nobody knows whether it arrived: outbox retry"] if unsure else []
    return f"Nothing was due; {', and '.join(parts)}." if parts else "Nothing was waiting."


@outbox_command.command("send")
@option_json
@click.pass_obj
def send_command(env: Env, as_json: bool) -> int:
    """Send everything that waits now, undo windows or not.

    What may have arrived before, its answer lost, is looked up at its source first, and not sent again by this.
    """
    from socialtriage.cli import output
    from socialtriage.services.looking_up import look_up_unknown

    async def send(poller: Poller, sender: Sender) -> list[Outcome]:
        return [*await look_up_unknown(env.desk, sender), *await sender.run(ignore_windows=True)]

    outcomes = env.with_network(send)
    if as_json:
        output.emit([{"id": o.row_id, "state": o.state, "error": o.error, "notice": o.notice} for o in outcomes])
    else:
        for o in outcomes:
            click.echo("  ".join(filter(None, [str(o.row_id), o.state, o.error, o.notice])))
        if not outcomes:
            click.echo(_nothing_left(env.desk), err=True)
    return 0 if all(o.state == "sent" for o in outcomes) else 1


@outbox_command.command("retry")
@click.argument("row_id", metavar="ID", type=click.IntRange(1, 2**62))
@click.option("--anyway", is_flag=True, help="Even where nobody can say whether it arrived.")
@click.pass_obj
def retry_command(env: Env, row_id: int, anyway: bool) -> int:
    """Try a failed or unknown row again; an unknown one is looked up at its source first."""

    async def retry(poller: Poller, sender: Sender) -> Outcome:
        return await sender.retry(row_id, anyway=anyway)

    outcome = env.with_network(retry)
    click.echo(f"{row_id}  {outcome.state}{f'  {outcome.error}' if outcome.error else ''}")
    return 0 if outcome.state == "sent" else 1


@outbox_command.command("check")
@click.argument("row_id", metavar="ID", type=click.IntRange(1, 2**62))
@click.pass_obj
def check_row_command(env: Env, row_id: int) -> int:
    """Ask the source whether a row whose answer was lost arrived; nothing is sent."""

    async def check(poller: Poller, sender: Sender) -> Outcome:
        return await sender.check_at_source(row_id)

    outcome = env.with_network(check)
    click.echo(f"{row_id}  {outcome.state}{f'  {outcome.error}' if outcome.error else ''}")
    return 0 if outcome.state == "sent" else 1


@outbox_command.command("approve")
@click.argument("row_id", metavar="ID", type=click.IntRange(1, 2**62))
@click.option("--anyway", is_flag=True, help="Even where the case changed since the reply was written.")
@option_queue
@option_json
@click.pass_obj
def approve_command(env: Env, row_id: int, anyway: bool, queue_only: bool, as_json: bool) -> int:
    """Let a supervised officer's reply leave; nobody approves their own."""
    from socialtriage.services import approvals

    result = approvals.approve(env.desk, row_id, anyway=anyway, undo_seconds=0)
    ref = env.desk.store.cases.get(result.case_ids[0]).ref if result.case_ids else ""
    return leave(env, result, ref, queue_only, as_json)


@outbox_command.command("return")
@click.argument("row_id", metavar="ID", type=click.IntRange(1, 2**62))
@click.argument("words")
@click.pass_obj
def return_command(env: Env, row_id: int, words: str) -> None:
    """Give a supervised officer's reply back to them, with a word why."""
    from socialtriage.services import approvals

    click.echo(approvals.give_back(env.desk, row_id, words).said)


@outbox_command.command("drop")
@click.argument("row_id", metavar="ID", type=click.IntRange(1, 2**62))
@click.pass_obj
def drop_command(env: Env, row_id: int) -> None:
    """Take a row out that did not leave."""
    from socialtriage.services import outbox

    click.echo(outbox.drop(env.desk, row_id).said)
