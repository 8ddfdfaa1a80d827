"""`check`: prove configuration, store, keyring, accounts and mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.services.desk import Desk
    from socialtriage.services.outbox import Sender
    from socialtriage.services.proof import Finding
    from socialtriage.services.sync import Poller


@click.command("check")
@click.option("--offline", is_flag=True, help="Only what can be proved without a network and without the keyring.")
@option_json
@click.pass_obj
def check_command(env: Env, offline: bool, as_json: bool) -> int:
    """Prove configuration, store, keyring, every account and the mail servers; sends nothing."""
    from socialtriage.cli import output
    from socialtriage.services import proof

    found: list[Finding] = []

    def say(finding: Finding) -> None:
        found.append(finding)
        if not as_json:
            click.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")

    for finding in proof.offline(_opened(env, as_json)):
        say(finding)
    if not offline:
        for finding in proof.keyring(env.desk, env.secrets):
            say(finding)

        async def story(poller: Poller, sender: Sender) -> None:
            async for finding in proof.online(env.desk, env.secrets, poller):
                say(finding)

        env.with_network(story)
    ok = all(finding.ok for finding in found)
    if as_json:
        output.emit({"ok": ok, "checks": [{"name": f.name, "ok": f.ok, "detail": f.detail} for f in found]})
    return 0 if ok else 1


def _opened(env: Env, as_json: bool) -> Desk:
    """The desk. Raises `ConfigError`, `StoreError`; with `as_json` they stand in the document too."""
    from socialtriage.cli import output
    from socialtriage.domain.errors import ConfigError, StoreError

    try:
        return env.desk
    except (ConfigError, StoreError) as exc:
        name = "store" if isinstance(exc, StoreError) else "configuration"
        faults = getattr(exc, "problems", ()) or (exc.message,)
        if as_json:
            output.emit({"ok": False, "checks": [{"name": name, "ok": False, "detail": each} for each in faults]})
        raise
