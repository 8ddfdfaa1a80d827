"""What is about many at once: `live`, `incident`, `surge`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from socialtriage.cli.main import option_json

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.config.model import AccountConfig
    from socialtriage.services.live import Post
    from socialtriage.services.outbox import Sender
    from socialtriage.services.polling import Polling
    from socialtriage.services.sync import Poller


@click.command("live")
@click.argument("post")
@click.option("--account", metavar="ID", help="Whose post it is; needed for one that nothing is known of yet.")
@click.option("--every", default="20s", show_default=True, help="How often its account is read; 10s at the least.")
@click.option("--passes", type=click.IntRange(0), help="End after so many passes; 0 goes on until Ctrl+C.")
@click.option("--export", type=click.Path(path_type=Path), metavar="FILE", help="Write the board to .csv or .json.")
@option_json
@click.pass_obj
def live_command(
    env: Env, post: str, account: str | None, every: str, passes: int | None, export: Path | None, as_json: bool
) -> int:
    """Follow the questions below one post: POST is its address, its id, or a case below it.

    With --export it reads once and writes what was asked and answered; with --json a line for every change.
    """
    from socialtriage.services import live

    desk = env.desk
    found = live.find(desk, post, account)
    pace = live.pace(desk, desk.account(found.account), every).total_seconds()
    least = passes if passes is not None else 1 if export is not None else 0

    async def story(poller: Poller, sender: Sender) -> int:
        from socialtriage.services.polling import Polling

        return await _follow(Polling(desk, poller, sender), found, pace, least, as_json and export is None)

    try:
        status = env.with_network(story)
    except KeyboardInterrupt:
        status = 0
    finally:
        live.rest(desk, found.account)
    if export is not None:
        click.echo(live.export(desk, found, export).said, err=as_json)
        if as_json:
            from socialtriage.cli import output

            output.emit(live.summary(desk, found))
    return status


async def _follow(polling: Polling, post: Post, pace: float, passes: int, as_json: bool) -> int:
    """Read the account again and again, and print the board as it changes; so many passes, or until stopped."""
    from socialtriage.services import live

    desk, account = polling.desk, polling.desk.account(post.account)
    before: dict[str, Any] = {}
    done = 0
    while True:
        rest, error = await _pass(polling, account, pace)
        now = await asyncio.to_thread(live.summary, desk, post)
        if now != before:
            _print(now, before, as_json)
            before = now
        done += 1
        if error:
            click.echo(f"{account.id}: {error}", err=True)
        if passes and done >= passes:
            return 1 if error else 0
        live.hurry(desk, account.id, live.pace(desk, account, f"{int(pace)}s"))
        await asyncio.sleep(rest)


async def _pass(polling: Polling, account: AccountConfig, pace: float) -> tuple[float, str]:
    """One look at the network, unless another desk polls; seconds until the next one, and what went wrong."""
    from socialtriage.domain.errors import Refused
    from socialtriage.services.sync import ANSWERED, REREAD_YOUNG

    try:
        with polling.lease():
            [result] = await polling.poller.once([account], young_after=REREAD_YOUNG)
    except Refused:
        return pace, ""  # the one who polls was asked to hurry
    if result.state in ANSWERED:
        return pace, ""
    record = polling.desk.store.accounts.get(account.id)
    wanted = record.next_poll_at if record is not None else None
    left = (wanted - polling.desk.clock()).total_seconds() if wanted is not None else pace
    return max(pace, left), result.error or result.detail or str(result.state)


def _print(now: dict[str, Any], before: dict[str, Any], as_json: bool) -> None:
    from socialtriage.cli import output

    if as_json:
        output.emit_line(now)
        return
    if not before:
        click.echo(f"Following {now['post']} on {now['account']}. Ctrl+C stops.", err=True)
    old = {each["message"]: each["state"] for each in before.get("questions", ())}
    for each in now["questions"]:
        if old.get(each["message"]) != each["state"]:
            words = " ".join(str(each["text"]).split())[:100]
            click.echo(f"{each['state'].replace('_', ' ')}: {each['ref']} {each['person']['handle']}: {words}")
    click.echo(f"{now['to_answer']} to answer, {now['answered']} answered, {now['off_topic']} off topic")


@click.command("surge")
@click.option("--noted", is_flag=True, help="You know of it: screens tell it no more, unless it doubles.")
@option_json
@click.pass_obj
def surge_command(env: Env, noted: bool, as_json: bool) -> None:
    """Say whether far more arrives than is usual at this hour, and where; take note of it."""
    from socialtriage.cli import output
    from socialtriage.services import surge

    found = surge.look(env.desk)
    said = surge.note(env.desk).said if noted else ""
    if as_json:
        facts = {"new": found.count, "usual": round(found.usual, 1), "noted": noted or found.noted} if found else None
        output.emit({"surge": facts})
    elif found is not None:
        output.lines([*surge.told(env.desk, found), *([said] if said else [])])
    else:
        click.echo("No more arrives than is usual at this hour.")
