"""`accounts`: every account with its state; signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json, read_stdin

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.services.outbox import Sender
    from socialtriage.services.sync import Poller


@click.group("accounts", invoke_without_command=True)
@option_json
@click.pass_context
def accounts_command(ctx: click.Context, as_json: bool) -> None:
    """Every account with its state in words, last good poll and token expiry."""
    if ctx.invoked_subcommand is not None:
        return
    from socialtriage.cli import output, shapes
    from socialtriage.services import accounts

    env: Env = ctx.obj
    views = accounts.listing(env.desk)
    if as_json:
        output.emit([shapes.account(view) for view in views])
        return
    click.echo(accounts.headline(env.desk, views))
    for view in views:
        polled = (
            f"last good poll {output.local(env.desk, view.last_poll_at)}" if view.last_poll_at else "not polled yet"
        )
        words = [view.id, view.network, view.handle, accounts.words(view, env.desk), polled]
        words += [f"login expires {output.local(env.desk, view.login_expires_at)}"] if view.login_expires_at else []
        click.echo("  ".join(filter(None, words)))
        if view.detail:
            click.echo(f"    {view.detail}")
        for kind in accounts.BUDGETS:
            if kind in view.budget:
                click.echo(f"    {view.budget[kind]['words']}")
        for gap in view.gaps:
            start, end = output.local(env.desk, gap.start), output.local(env.desk, gap.end)
            click.echo(f"    messages may be missing from {start} to {end}: {gap.why}")


@accounts_command.command("login")
@click.argument("account_id", metavar="ID")
@click.option(
    "--secret-stdin", is_flag=True, help="Read the token, password or JSON of OAuth fields from standard input."
)
@click.pass_obj
def login_command(env: Env, account_id: str, secret_stdin: bool) -> int:
    """Put an account's login into the system keyring. mail.smtp and mail.imap are the mail servers'."""
    from socialtriage.services import logins

    desk = env.desk
    id_ = logins.known(desk, account_id)
    account = desk.accounts.get(id_)
    if secret_stdin:
        value = read_stdin(logins.MAX_SECRET + 2)
    elif account is not None and account.network == "mastodon":
        value = _mastodon(env, account.server or "")
    else:
        return _walked(env, id_)
    click.echo(logins.store_secret(desk, env.secrets, id_, value).said)
    return 0


def _walked(env: Env, id_: str) -> int:
    """Sign in as the account's network wants it, then look whether it works."""
    from socialtriage.channels.oauth_signin import SignIn
    from socialtriage.cli.signin import asked_unseen, secret_by_browser
    from socialtriage.services import logins, signin

    way = signin.way_in(env.desk, id_)
    if isinstance(way, SignIn):
        value = secret_by_browser(env, id_, way)
    else:
        for number, step in enumerate(way.steps if way else (), 1):
            click.echo(f"{number}. {step}", err=True)
        prompt = way.prompt if way else "Password or token"
        value = asked_unseen(f"{prompt} of {id_}")
    click.echo(logins.store_secret(env.desk, env.secrets, id_, value).said)
    return _proved(env, id_)


def _proved(env: Env, id_: str) -> int:
    """Say who has signed in, and what is missing: what was typed unseen may be mistyped."""
    from socialtriage.domain.text import clean_line
    from socialtriage.services import proof

    async def story(poller: Poller, sender: Sender) -> proof.Finding | None:
        return await proof.one(env.desk, env.secrets, poller, id_)

    found = env.with_network(story)
    if found is None:
        return 0
    if not found.ok:
        click.echo(f"It was tried, and does not work yet: {clean_line(found.detail, 1_000)}", err=True)
        return 1
    for line in clean_line(found.detail, 1_000).split("; "):
        first = line[:1] if line.startswith("http") else line[:1].upper()
        click.echo(f"{first}{line[1:].removesuffix('.')}.", err=True)
    return 0


def _mastodon(env: Env, server: str) -> str:
    """Sign in at a Mastodon-compatible server: open an address, paste the code."""
    from socialtriage.channels.mastodon_login import begin

    async def story(poller: Poller, sender: Sender) -> str:
        step = await begin(poller.http, server)
        click.echo(step.instructions, err=True)
        click.echo(step.url, err=True)
        code = click.prompt("Code, or the whole address you were sent to", err=True)
        secret = await step.finish(code)
        for line in filter(None, [f"Signed in as {step.handle}." if step.handle else "", *step.notices]):
            click.echo(line, err=True)
        return secret

    return env.with_network(story)


@accounts_command.command("logout")
@click.argument("account_id", metavar="ID")
@click.pass_obj
def logout_command(env: Env, account_id: str) -> None:
    """Take an account's login out of the system keyring."""
    from socialtriage.services import logins

    click.echo(logins.forget_secret(env.desk, env.secrets, account_id).said)


@accounts_command.command("gaps")
@click.argument("account_id", metavar="ID")
@click.option("--noted", "noted", metavar="GAP", type=click.IntRange(0, 2**62), help="Take note of a gap; 0 is all.")
@click.option("--fill", is_flag=True, help="Read the account again from before its first gap at the next pass.")
@option_json
@click.pass_obj
def gaps_command(env: Env, account_id: str, noted: int | None, fill: bool, as_json: bool) -> None:
    """Spans in which an account's messages may be missing; take note of them, or have them read again."""
    from socialtriage.cli import output, shapes
    from socialtriage.services import gaps

    desk = env.desk
    if noted is not None:
        click.echo(gaps.acknowledge(desk, account_id, noted or None).said, err=as_json)
    if fill:
        click.echo(gaps.fill(desk, account_id).said, err=as_json)
    left = gaps.of(desk, account_id)
    if as_json:
        output.emit([shapes.gap(each) for each in left])
    elif noted is None and not fill:
        for each in left:
            start, end = output.local(desk, each.start), output.local(desk, each.end)
            click.echo(f"{each.id}  from {start} to {end}: {each.why}")
        if not left:
            click.echo(f"{account_id} has no gap.", err=True)
