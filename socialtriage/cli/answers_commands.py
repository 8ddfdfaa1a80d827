"""What comes back from contacts: `answers`, and reminding them: `chase`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json
from socialtriage.cli.options import option_preview, option_queue

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.domain.answers import MailView
    from socialtriage.services.chase import ChaseDraft
    from socialtriage.services.desk import Desk

MAIL_ID = click.IntRange(1, 2**62)


@click.group("answers", invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Every mail that was read, decided ones too.")
@click.option("--unmask", is_flag=True, help="Also those about restricted cases; that you looked is logged.")
@option_json
@click.pass_context
def answers_command(ctx: click.Context, everything: bool, unmask: bool, as_json: bool) -> None:
    """Mails of the answers' mailbox that an officer must decide on: whose answer is it?"""
    if ctx.invoked_subcommand is not None:
        return
    from socialtriage.cli import output
    from socialtriage.services import answers

    env: Env = ctx.obj
    unmasked = answers.unmask(env.desk) if unmask else frozenset[int]()
    mails = answers.listing(env.desk, everything=everything, unmasked=unmasked)
    if as_json:
        output.emit([shape(mail) for mail in mails])
        return
    for mail in mails:
        output.lines(_lines(env.desk, mail))
    if not mails:
        click.echo("No mail of a contact waits for a decision.", err=True)


def shape(mail: MailView) -> dict[str, object]:
    """One mail as JSON; `ref` is the case it is in or, while `undecided`, may belong to."""
    from socialtriage.cli.shapes import moment

    return {
        "id": mail.id,
        "kind": mail.kind,
        "state": mail.state,
        "why": mail.why,
        "from": mail.sender,
        "contact": mail.contact,
        "ref": mail.ref,
        "placed": mail.placed,
        "subject": mail.subject,
        "text": mail.text,
        "at": moment(mail.at),
        "received_at": moment(mail.received_at),
        "until": mail.until.isoformat() if mail.until else None,
        "files": mail.files,
        "decided_by": mail.decided_by,
        "decided_at": moment(mail.decided_at),
    }


def _lines(desk: Desk, mail: MailView) -> list[str]:
    from socialtriage.cli import output
    from socialtriage.domain.text import clean, clean_line, many, snippet

    files = f"  {many(mail.files, 'file')}" if mail.files else ""
    by = f" by {mail.decided_by}" if mail.decided_by else ""
    head = [f"{mail.id}  {mail.kind}  {mail.state}{by}", mail.ref or "no case", output.local(desk, mail.at)]
    return [
        "  ".join([*head, clean_line(mail.who, 80)]) + files,
        f"    {clean_line(mail.subject, 120) or '(no subject)'}: {snippet(clean(mail.text), 120)}",
        f"    {clean_line(mail.why, 300)}.",
    ]


@answers_command.command("accept")
@click.argument("mail_id", metavar="ID", type=MAIL_ID)
@click.option("--case", "ref", metavar="REF", help="The case it belongs to, where it is not the suggested one.")
@click.option("--until", metavar="DATE", help="The last day of an absence, where the mail does not name the right one.")
@option_json
@click.pass_obj
def accept_command(env: Env, mail_id: int, ref: str | None, until: str | None, as_json: bool) -> None:
    """Let a mail do what it says: join its case, mark the contact away, or send the handoff back."""
    from socialtriage.cli import output
    from socialtriage.cli.moments import day
    from socialtriage.services import answers, inbox

    desk = env.desk
    case_id = inbox.resolve(desk, ref) if ref else None
    until_day = day(desk, until) if until else None
    output.done(answers.accept(desk, mail_id, case_id=case_id, until=until_day), as_json)


@answers_command.command("ignore")
@click.argument("mail_id", metavar="ID", type=MAIL_ID)
@click.option("--forget", is_flag=True, help="Forget its words for good, for somebody who asked to be forgotten.")
@option_json
@click.pass_obj
def ignore_command(env: Env, mail_id: int, forget: bool, as_json: bool) -> None:
    """Take a mail off the list; it is kept, and can still be accepted."""
    from socialtriage.cli import output
    from socialtriage.services import answers

    output.done(answers.forget(env.desk, mail_id) if forget else answers.ignore(env.desk, mail_id), as_json)


@answers_command.command("draft")
@click.argument("ref")
@click.pass_obj
def draft_command(env: Env, ref: str) -> None:
    """Print what contacts wrote since the resident was last answered, to edit and give to `reply REF -`."""
    from socialtriage.services import answers, inbox, restricting

    case_id = inbox.resolve(env.desk, ref)
    words = answers.words_for_resident(env.desk, case_id)
    restricting.unmask(env.desk, case_id)
    click.echo(words)


@click.command("chase")
@click.argument("ref")
@click.option("--to", metavar="CONTACT", help="Whom to remind, where several contacts have the case.")
@click.option("--note", default="", help="A word to the contact.")
@click.option("--expect", metavar="WHEN", help="By when an answer is expected now: 2d, tomorrow 09:00.")
@option_preview("Show exactly what would leave, and send nothing.")
@option_queue
@option_json
@click.pass_obj
def chase_command(
    env: Env,
    ref: str,
    to: str | None,
    note: str,
    expect: str | None,
    preview: bool,
    queue_only: bool,
    as_json: bool,
) -> int:
    """Remind the contact who has a case: the mail quotes the first one. Waits for the outcome."""
    from socialtriage.cli.leaving import leave
    from socialtriage.cli.moments import when
    from socialtriage.services import chase, inbox, restricting

    desk = env.desk
    expect_by = when(desk, expect) if expect else None
    draft = chase.prepare(desk, inbox.resolve(desk, ref), to=to, note=note, expect_by=expect_by)
    for warning in draft.warnings:
        click.echo(warning, err=True)
    if preview:
        restricting.unmask(desk, draft.case_id)
        return _preview(draft, as_json)
    return leave(env, chase.queue(desk, draft, undo_seconds=0), draft.ref, queue_only, as_json)


def _preview(draft: ChaseDraft, as_json: bool) -> int:
    from socialtriage.cli import output

    if as_json:
        output.emit(
            {
                "ref": draft.ref,
                "contact": draft.handoff.contact,
                "number": draft.number,
                "to": list(draft.mail.recipients),
                "subject": draft.mail.subject,
                "message_id": draft.mail.message_id,
                "in_reply_to": draft.handoff.message_id,
                "text": draft.mail.text,
            }
        )
        return 0
    click.echo(f"To: {draft.name} <{draft.handoff.email}>, reminder {draft.number}")
    click.echo(f"From: {draft.mail.sender}")
    click.echo(f"Subject: {draft.mail.subject}")
    click.echo(f"Message-ID: {draft.mail.message_id}")
    click.echo("")
    click.echo(draft.mail.text)
    return 0
