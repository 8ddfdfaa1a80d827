"""`spotter` and `dismiss`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json, read_stdin
from socialtriage.cli.options import Alone

if TYPE_CHECKING:
    from socialtriage.cli.env import Env


@click.command("spotter")
@click.option("--try", "text", metavar="TEXT", help="Say what the rules make of a text; - reads standard input.")
@click.option(
    "--rules",
    is_flag=True,
    cls=Alone,
    against=("text",),
    help="The shipped rules as they stand in their file, to copy from.",
)
@option_json
@click.pass_obj
def spotter_command(env: Env, text: str | None, rules: bool, as_json: bool) -> None:
    """The rules that flag possible requests, complaints, press and danger; how often each was right."""
    from socialtriage.cli import output
    from socialtriage.services import spotting

    if rules:
        from socialtriage.config.spotter import shipped_text

        click.echo(shipped_text(), nl=False)
        return
    if text is not None:
        _tried(env, read_stdin() if text == "-" else text, as_json)
        return
    found = spotting.judged(env.desk)
    if as_json:
        output.emit(
            [
                {
                    "id": each.rule.id,
                    "name": each.rule.name,
                    "contact": each.rule.contact or None,
                    "within": str(each.rule.period) if each.rule.period else None,
                    "phrases": len(each.rule.any) + sum(map(len, each.rule.together)),
                    "wording": each.rule.wording,
                    "flagged": each.counts.flagged,
                    "dismissed": each.counts.dismissed,
                    "settled": each.counts.settled,
                    "precision": each.precision,
                }
                for each in found
            ]
        )
        return
    for each in found:
        rule, counts = each.rule, each.counts
        right = "nothing decided yet" if each.precision is None else f"right in {each.precision:.0%} of those decided"
        facts = [f"within {rule.period}"] if rule.period else []
        facts += [f"contact {rule.contact}" if rule.contact else "no contact named"]
        click.echo(f"{rule.id}: {rule.name} ({', '.join(facts)})")
        click.echo(
            f"  flagged {counts.flagged}, dismissed {counts.dismissed}, closed with it {counts.settled}; {right}"
        )


def _tried(env: Env, text: str, as_json: bool) -> None:
    from socialtriage.cli import output
    from socialtriage.services import spotting

    found = spotting.tried(env.desk, text)
    if as_json:
        output.emit([{"flag": r.id, "words": words, "due_on": d.isoformat() if d else None} for r, words, d in found])
        return
    for rule, words, due in found:
        click.echo(f"{rule.id}: {rule.name}, by “{words}”{f', due on {due:%a %d %b %Y}' if due else ''}")
    if not found:
        click.echo("No rule has words of it.")


@click.command("dismiss")
@click.argument("ref")
@click.argument("flag")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is none; it stands in the log.")
@click.pass_obj
def dismiss_command(env: Env, ref: str, flag: str, reason: str) -> None:
    """Say that a FLAG of the spotter is a false alarm, and why."""
    from socialtriage.services import inbox, spotting

    click.echo(spotting.dismiss(env.desk, inbox.resolve(env.desk, ref), flag, reason).said)
