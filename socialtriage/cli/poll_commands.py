"""`poll`: one pass, or until stopped."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.config.model import AccountConfig
    from socialtriage.services.desk import Desk
    from socialtriage.services.outbox import Outcome, Sender
    from socialtriage.services.polling import Polling
    from socialtriage.services.sync import Poller, PollResult


@click.command("poll")
@click.option("--once", is_flag=True, help="One pass over every account, outbox included.")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Only this account; may be given again.")
@click.option("--reread", is_flag=True, help="Look at every message of every open case again.")
@option_json
@click.pass_obj
def poll_command(env: Env, once: bool, accounts: tuple[str, ...], reread: bool, as_json: bool) -> int:
    """Poll the accounts and run the outbox, once or until stopped (Ctrl+C)."""
    from socialtriage.services import answerbox, catchup
    from socialtriage.services.polling import Polling

    desk = env.desk
    chosen = answerbox.chosen(desk, accounts)
    if not chosen:
        click.echo("The configuration has no accounts yet.", err=True)
    if said := catchup.before_pass(desk, chosen):
        click.echo(said, err=True)

    def report(result: PollResult) -> None:
        _report(desk, result, as_json)

    async def story(poller: Poller, sender: Sender) -> int:
        polling = Polling(desk, poller, sender)
        with polling.lease():
            if once:
                in_turn = _InTurn([account.id for account in chosen], report)
                results = await polling.once(chosen, reread=reread, report=in_turn)
                return 0 if all(result.good for result in results) else 1
            return await _until_stopped(polling, chosen, report, reread)

    return env.with_network(story)


class _InTurn:
    """Tells of accounts in the order of the configuration, whichever of them is done first."""

    def __init__(self, ids: list[str], report: Callable[[PollResult], None]) -> None:
        self._ids = ids
        self._done: dict[str, PollResult] = {}
        self._report = report

    def __call__(self, result: PollResult) -> None:
        self._done[result.account] = result
        while self._ids and self._ids[0] in self._done:
            self._report(self._done[self._ids.pop(0)])


async def _until_stopped(
    polling: Polling, chosen: list[AccountConfig], report: Callable[[PollResult], None], reread: bool
) -> int:
    async def work() -> None:
        if reread:
            await polling.once(chosen, reread=True, report=report)
        await polling.forever(chosen, report, _sent)

    loop = asyncio.get_running_loop()
    task = loop.create_task(work())
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, task.cancel)
    click.echo("Polling. Ctrl+C stops.", err=True)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    click.echo("Stopped.", err=True)
    return 0


def _sent(outcome: Outcome) -> None:
    click.echo(f"outbox {outcome.row_id}: {outcome.state}{f': {outcome.error}' if outcome.error else ''}", err=True)


def _report(desk: Desk, result: PollResult, as_json: bool) -> None:
    from socialtriage.cli import output
    from socialtriage.domain.times import iso
    from socialtriage.services import answerbox, catchup
    from socialtriage.services.accounts import WORDS

    if as_json:
        gap = {"from": iso(result.gap.start), "to": iso(result.gap.end), "why": result.gap.why} if result.gap else None
        output.emit_line(
            {
                "account": result.account,
                "network": result.network,
                "state": result.state,
                # What contacts answer is no resident's message.
                "new": 0 if result.account == answerbox.ID else result.new,
                "updated": result.updated,
                "gap": gap,
                "requests": result.requests,
                "seconds": result.seconds,
                "error": result.error,
                # Beside the usual, and only while there is something to catch up with.
                **({"catching_up_from": iso(result.behind)} if result.behind and not result.whole else {}),
            }
        )
        return
    words = f"{result.account}: {WORDS[result.state]}, {result.new} new, {result.updated} updated"
    if result.gap:
        words += f"; messages may be missing from {iso(result.gap.start)} to {iso(result.gap.end)}: {result.gap.why}"
    words += f". {result.error}" if result.error else (f". {result.detail}" if result.detail else "")
    click.echo(
        words + (f" {caught_up}" if (caught_up := catchup.of_pass(desk, result.behind, whole=result.whole)) else "")
    )
