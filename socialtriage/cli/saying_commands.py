"""What makes answering quick: `acknowledge`, `promise`, `saved`, `once`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from socialtriage.cli.main import option_json, read_stdin
from socialtriage.cli.options import option_preview, option_queue

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.domain.views import CaseRow
    from socialtriage.services.outbox import Outcome, Sender
    from socialtriage.services.replies import ReplyDraft, Wishes
    from socialtriage.services.sync import Poller


@click.command("acknowledge")
@click.argument("refs", nargs=-1, required=True)
@option_preview()
@option_queue
@option_json
@click.pass_obj
def acknowledge_command(env: Env, refs: tuple[str, ...], preview: bool, queue_only: bool, as_json: bool) -> int:
    """Tell residents that we have it: the reference, and what happens next. Stops only the acknowledge clock."""
    from socialtriage.cli import output
    from socialtriage.cli.leaving import preview_reply, reply_facts, send, tell
    from socialtriage.services import acknowledging, inbox, replies

    desk, worst = env.desk, 0
    shown: list[dict[str, Any]] = []
    for case_id in [inbox.resolve(desk, ref) for ref in refs]:
        draft = _drafted(env, case_id, acknowledging.wording(desk, case_id), acknowledging.WISHES)
        if preview:
            shown.append(reply_facts(draft))
            if not as_json:
                preview_reply(env, draft, as_json=False)
            continue
        facts = send(env, replies.queue(desk, draft, undo_seconds=0), draft.ref, queue_only)
        shown.append(facts)
        failed = facts["state"] != "sent" and "error" in facts
        worst = max(worst, int(failed) if as_json else tell(facts))
    if as_json:
        output.emit(shown)
    return worst


def _drafted(env: Env, case_id: int, text: str, wishes: Wishes) -> ReplyDraft:
    """A reply as it would leave; its warnings are printed."""
    from socialtriage.services import replies

    async def draft_it(poller: Poller, sender: Sender) -> ReplyDraft:
        return await replies.draft(env.desk, poller, case_id, text, wishes=wishes)

    draft = env.with_network(draft_it)
    for warning in draft.warnings:
        click.echo(warning, err=True)
    return draft


@click.command("promise")
@click.argument("ref")
@click.argument("when", metavar="WHEN")
@option_json
@click.pass_obj
def promise_command(env: Env, ref: str, when: str, as_json: bool) -> None:
    """Promise the resident word by a moment: thu 17:00, 2d. It is the deadline until they are answered."""
    from socialtriage.cli import output, shapes
    from socialtriage.services import inbox, promises

    by = promises.moment(env.desk, when)
    case_id = inbox.resolve(env.desk, ref)
    result = promises.promise(env.desk, [case_id], by)
    output.done(result, as_json, ref=env.desk.store.cases.get(case_id).ref, promised_at=shapes.moment(by))


@click.group("saved", invoke_without_command=True)
@click.option("--case", "ref", metavar="REF", help="Only those that can answer this case, the likest first.")
@option_json
@click.pass_context
def saved_command(ctx: click.Context, ref: str | None, as_json: bool) -> None:
    """The saved answers: of which area, until when, how often used."""
    if ctx.invoked_subcommand is not None:
        return
    from socialtriage.cli import output, shapes
    from socialtriage.services import inbox, likely_answers, saved_answers

    env: Env = ctx.obj
    found = saved_answers.every(env.desk)
    if ref is not None:
        row = inbox.detail(env.desk, inbox.resolve(env.desk, ref)).row
        likest = likely_answers.likest(env.desk, row.id, saved_answers.offered(env.desk, row))
        found = [offer for offer, _ in likest]
    if as_json:
        output.emit(
            [
                {
                    "id": each.answer.id,
                    "area": each.answer.area,
                    "text": each.answer.text,
                    "for": dict(each.answer.for_),
                    "expires": each.answer.expires.isoformat() if each.answer.expires else None,
                    "expired": each.expired,
                    "for_repeats": each.answer.for_repeats,
                    "used": each.used,
                    "last_used_at": shapes.moment(each.last_at),
                }
                for each in found
            ]
        )
        return
    for line in saved_answers.lines(found):
        click.echo(line)
    if not env.desk.config.answers:
        click.echo("The configuration has no saved answers.", err=True)


@saved_command.command("keep")
@click.argument("ref")
@click.argument("answer_id", metavar="ID")
@click.option("--text", help="Other words than those of the reply; - reads them from standard input.")
@click.option("--area", metavar="A", help="The service area it is for; the case's by default, an empty one for all.")
@click.pass_obj
def keep_command(env: Env, ref: str, answer_id: str, text: str | None, area: str | None) -> None:
    """Make the last reply to a case a saved answer: reference, name, link and moments become placeholders."""
    from socialtriage.services import inbox, saved_answers

    desk = env.desk
    case_id = inbox.resolve(desk, ref)
    words = read_stdin() if text == "-" else text
    if words is None:
        words = saved_answers.from_reply(desk, case_id)
    chosen = area if area is not None else desk.store.cases.get(case_id).area
    click.echo(saved_answers.keep(desk, answer_id, words, area=chosen, case_id=case_id).said)
    click.echo(words)


@click.command("once")
@click.argument("ref")
@click.argument("text", required=False)
@click.option("--answer", metavar="ID", help="A saved answer, in each network's wording.")
@click.option("--with", "others", metavar="REF", multiple=True, help="Answer this case too; once for each.")
@click.option("--all", "every", is_flag=True, help="Answer every similar case that is listed.")
@option_preview()
@option_queue
@option_json
@click.pass_obj
def once_command(
    env: Env,
    ref: str,
    text: str | None,
    answer: str | None,
    others: tuple[str, ...],
    every: bool,
    preview: bool,
    queue_only: bool,
    as_json: bool,
) -> int:
    """Answer residents who asked the same, each in their own thread, half a minute apart.

    Without a text it lists the open cases that ask much the same as REF. With one, it answers REF and those named by
    --with, or all of them.
    """
    from socialtriage.domain.errors import UsageError
    from socialtriage.services import answer_once, inbox

    desk = env.desk
    case_id = inbox.resolve(desk, ref)
    if text is not None and answer is not None:
        raise UsageError("Give either a text or --answer ID.")
    alike = answer_once.similar(desk, case_id)
    if text is None and answer is None:
        if others or every:
            raise UsageError("Say what to answer them: a text, or --answer ID.")
        return _list_alike(env, alike, as_json)
    chosen = [case_id, *(inbox.resolve(desk, each) for each in others), *((r.id for r in alike) if every else ())]
    template = None if text is None else answer_once.template_of(desk, case_id, read_stdin() if text == "-" else text)

    async def draft_all(poller: Poller, sender: Sender) -> tuple[list[ReplyDraft], list[str]]:
        return await answer_once.drafts(desk, poller, list(dict.fromkeys(chosen)), template=template, answer=answer)

    drafts, refused = env.with_network(draft_all)
    return _answer_all(env, drafts, refused, preview, queue_only, as_json)


def _list_alike(env: Env, alike: list[CaseRow], as_json: bool) -> int:
    from socialtriage.cli import output, shapes

    if as_json:
        output.emit(shapes.cases(env.desk, [row.id for row in alike]))
        return 0
    now = env.desk.clock()
    for row in alike:
        click.echo(output.case_line(env.desk, row, now))
    if not alike:
        click.echo("No other open case asks the same.", err=True)
    return 0


def _answer_all(
    env: Env, drafts: list[ReplyDraft], refused: list[str], preview: bool, queue_only: bool, as_json: bool
) -> int:
    from socialtriage.cli import output
    from socialtriage.cli.leaving import preview_reply, reply_facts
    from socialtriage.services import restricting

    for draft in drafts:
        for warning in draft.warnings:
            click.echo(f"{draft.ref}: {warning}", err=True)
        if preview and not as_json:
            preview_reply(env, draft, as_json=False)
        else:
            restricting.unmask(env.desk, draft.case_id)  # it is said to whom
    shown = [reply_facts(draft) for draft in drafts]
    if not preview:
        shown, more = _send_all(env, drafts, queue_only)
        refused = [*refused, *more]
    if as_json:
        output.emit({"replies": shown, "refused": refused})
    elif not preview:
        for each in shown:
            click.echo(f"{each['ref']}  to {each['to']}  {each['state']}  {each['error'] or ''}".rstrip())
        waiting = sum(each["state"] == "queued" for each in shown)
        if waiting:
            click.echo(
                f"{waiting} wait their turn, half a minute apart: poll, an open inbox or outbox send sends them."
            )
    for line in refused:
        click.echo(line, err=True)
    return 1 if refused or any(each.get("state") in ("failed", "unknown") for each in shown) else 0


def _send_all(env: Env, drafts: list[ReplyDraft], queue_only: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """Queue the answers and send what is due; what became of each, and why others were not queued."""
    from socialtriage.services import answer_once

    done, refused = answer_once.send_all(env.desk, drafts, undo_seconds=0)

    async def send(poller: Poller, sender: Sender) -> list[Outcome]:
        return await sender.run()

    if not queue_only:
        env.with_network(send)
    rows = [row for each in done for i in each.row_ids if (row := env.desk.store.outbox.get(i)) is not None]
    refs = {draft.case_id: draft.ref for draft in drafts}
    shown = [
        {"id": r.id, "ref": refs.get(r.case_id or 0), "to": r.recipient, "state": r.state, "error": r.error}
        for r in rows
    ]
    return shown, refused
