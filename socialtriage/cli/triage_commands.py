"""What an officer does to cases, from the shell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from socialtriage.cli.main import option_json, read_stdin
from socialtriage.domain.errors import SocialTriageError
from socialtriage.domain.models import Avoidable, Kind, Outcome, Urgency

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.domain.views import Done


def _ids(env: Env, refs: Sequence[str]) -> list[int]:
    """The cases of references; nothing is done when one of them is not found."""
    from socialtriage.services import inbox

    return [inbox.resolve(env.desk, ref) for ref in refs]


def _show(env: Env, result: Done, as_json: bool) -> None:
    """What was done; with `as_json` also the cases as they are now, as `list --json` has them."""
    from socialtriage.cli import output, shapes

    output.done(result, as_json, **({"cases": shapes.cases(env.desk, result.case_ids)} if as_json else {}))


@click.command("tag")
@click.argument("refs", nargs=-1, required=True)
@click.option("--area", metavar="A", help="A service area of the configuration; an empty one takes it away.")
@click.option("--topic", metavar="T", help="A topic of the area.")
@click.option("--urgency", type=click.Choice([u.value for u in Urgency]))
@click.option("--kind", type=click.Choice([k.value for k in Kind]))
@option_json
@click.pass_obj
def tag_command(
    env: Env,
    refs: tuple[str, ...],
    area: str | None,
    topic: str | None,
    urgency: str | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """Set area, topic, urgency or kind of cases."""
    from socialtriage.services import triage

    done = triage.tag(
        env.desk,
        _ids(env, refs),
        area=area,
        topic=topic,
        urgency=Urgency(urgency) if urgency else None,
        kind=Kind(kind) if kind else None,
    )
    _show(env, done, as_json)


@click.command("claim")
@click.argument("refs", nargs=-1, required=True)
@option_json
@click.pass_obj
def claim_command(env: Env, refs: tuple[str, ...], as_json: bool) -> None:
    """Take cases for yourself."""
    from socialtriage.services import triage

    _show(env, triage.claim(env.desk, _ids(env, refs)), as_json)


@click.command("assign")
@click.argument("ref")
@click.argument("officer")
@option_json
@click.pass_obj
def assign_command(env: Env, ref: str, officer: str, as_json: bool) -> None:
    """Give a case to an officer; an empty name releases it."""
    from socialtriage.services import triage

    _show(env, triage.assign(env.desk, _ids(env, [ref]), officer), as_json)


@click.command("note")
@click.argument("ref")
@click.argument("text")
@option_json
@click.pass_obj
def note_command(env: Env, ref: str, text: str, as_json: bool) -> None:
    """Write an internal note on a case; - reads it from standard input."""
    from socialtriage.services import triage

    words = read_stdin() if text == "-" else text
    _show(env, triage.note(env.desk, _ids(env, [ref])[0], words), as_json)


@click.command("snooze")
@click.argument("ref")
@click.argument("until", nargs=-1, required=True)
@option_json
@click.pass_obj
def snooze_command(env: Env, ref: str, until: tuple[str, ...], as_json: bool) -> None:
    """Put a case off UNTIL a moment: 14:30, tomorrow 09:00, 2d (working days), 2026-11-30."""
    from socialtriage.cli.moments import when
    from socialtriage.services import triage

    _show(env, triage.snooze(env.desk, _ids(env, [ref]), when(env.desk, " ".join(until))), as_json)


@click.command("close")
@click.argument("refs", nargs=-1, required=True)
@click.option("--outcome", type=click.Choice([o.value for o in Outcome]), required=True)
@click.option("--note", default="", help="A word on it, for the log.")
@click.option(
    "--avoidable", type=click.Choice([a.value for a in Avoidable]), help="Why the contact need not have been."
)
@option_json
@click.pass_obj
def close_command(
    env: Env, refs: tuple[str, ...], outcome: str, note: str, avoidable: str | None, as_json: bool
) -> None:
    """Close cases with an outcome."""
    from socialtriage.services import triage

    why = Avoidable(avoidable) if avoidable else None
    _show(env, triage.close(env.desk, _ids(env, refs), Outcome(outcome), note, avoidable=why), as_json)


@click.command("reopen")
@click.argument("refs", nargs=-1, required=True)
@option_json
@click.pass_obj
def reopen_command(env: Env, refs: tuple[str, ...], as_json: bool) -> None:
    """Take closed cases up again."""
    from socialtriage.services import triage

    _show(env, triage.reopen(env.desk, _ids(env, refs)), as_json)


@click.command("undo")
@option_json
@click.pass_obj
def undo_command(env: Env, as_json: bool) -> None:
    """Take back your last action."""
    from socialtriage.services import triage

    _show(env, triage.undo(env.desk), as_json)


@click.command("redo")
@option_json
@click.pass_obj
def redo_command(env: Env, as_json: bool) -> None:
    """Do again what you undid last."""
    from socialtriage.services import triage

    _show(env, triage.redo(env.desk), as_json)


@click.command("new")
@click.option("--person", required=True, metavar="NAME", help="Who it was; a name or a number.")
@click.option("--text", required=True, help="What they said; - reads it from standard input.")
@click.option("--channel", type=click.Choice(["phone", "counter", "letter", "chat"]), default="phone")
@option_json
@click.pass_obj
def new_command(env: Env, person: str, text: str, channel: str, as_json: bool) -> None:
    """A case from a contact made elsewhere: phone, counter, letter, chat."""
    from socialtriage.cli import output, shapes
    from socialtriage.services import inbox, manual

    words = read_stdin() if text == "-" else text
    result = manual.new(env.desk, person, words, channel)
    if not result.case_ids:
        raise SocialTriageError("No case was made.")
    if as_json:
        output.emit(shapes.case(env.desk, inbox.detail(env.desk, result.case_ids[0])))
    else:
        _show(env, result, as_json)
