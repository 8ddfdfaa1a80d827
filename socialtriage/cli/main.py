"""The command group. Its table knows every command's words, so that `--help` imports none of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import click

from socialtriage import __version__
from socialtriage.cli.env import Env
from socialtriage.cli.faults import guarded
from socialtriage.domain.errors import UsageError

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("setup", "A practice week on a fictional council; nothing leaves this computer."),
    "init": ("setup", "Write a commented starting configuration."),
    "check": ("check", "Prove configuration, store, keyring, accounts and mail."),
    "poll": ("poll", "Poll the accounts and send what waits in the outbox."),
    "list": ("cases", "Cases, most pressing first."),
    "show": ("cases", "One case whole."),
    "new": ("triage", "A case from a contact made elsewhere: phone, counter, letter, chat."),
    "import": ("import", "Messages that were received elsewhere, out of a file."),
    "tag": ("triage", "Set area, topic, urgency or kind of cases."),
    "claim": ("triage", "Take cases for yourself."),
    "assign": ("triage", "Give a case to an officer."),
    "note": ("triage", "Write an internal note on a case."),
    "snooze": ("triage", "Put a case off until a moment."),
    "close": ("triage", "Close cases with an outcome."),
    "reopen": ("triage", "Take a closed case up again."),
    "merge": ("grouping", "Make cases of one person one."),
    "split": ("grouping", "Make messages of a case a case of their own."),
    "link": ("grouping", "Say that two cases belong together."),
    "live": ("live", "Follow the questions below one post."),
    "incident": ("incident", "One statement on every account; the cases of an incident."),
    "surge": ("live", "Whether far more arrives than is usual at this hour."),
    "undo": ("triage", "Take back your last action."),
    "redo": ("triage", "Do again what you undid last."),
    "handoff": ("leave", "Hand a case to a contact by email."),
    "reply": ("leave", "Answer the resident on their network."),
    "acknowledge": ("saying", "Tell residents that we have it: reference, and what happens next."),
    "promise": ("saying", "Promise the resident word by a moment: it is a deadline."),
    "saved": ("saying", "The saved answers; make a reply one."),
    "once": ("saying", "Answer residents who asked the same, each in their own thread."),
    "outbox": ("leave", "What waits to leave, and why."),
    "pause": ("grouping", "Stop everything outgoing, on every desk of this store."),
    "resume": ("grouping", "Let things leave again."),
    "answers": ("answers", "What contacts wrote and nobody can place; let it in, or ignore it."),
    "chase": ("answers", "Remind the contact who has a case."),
    "evidence": ("evidence", "Photos, video and files of a case; save them."),
    "fact": ("evidence", "Note what an area needs of a case; see what is missing."),
    "hide": ("moderation", "Hide a message where the network can, after a snapshot."),
    "unhide": ("moderation", "Show a hidden message again."),
    "block": ("moderation", "Block the author of a case, until a review."),
    "mute": ("moderation", "Mute the author of a case, until a review."),
    "moderation": ("moderation", "What was hidden, deleted, blocked, muted and reported; what is due for review."),
    "accounts": ("accounts", "Every account with its state; sign in and out."),
    "contacts": ("contacts", "The contact network; who is away."),
    "report": ("figures", "The demand figures: what came in and what became of it."),
    "log": ("record", "The handoff and case log; prove it whole."),
    "backup": ("backup", "A proved copy of everything in one file, made while others work."),
    "restore": ("backup", "Put a backup in the place of the store."),
    "spotter": ("spotter", "What flags requests, complaints, press and danger; how often it is right."),
    "dismiss": ("spotter", "Say that a flag of the spotter is a false alarm, and why."),
    "restrict": ("restricting", "Mask cases in lists, exports and on screens."),
    "unrestrict": ("restricting", "Show restricted cases again."),
    "prune": ("keeping", "Forget the words and names whose time is over; counts stay."),
    "person": ("keeping", "People: find, link, hand everything over, forget."),
}
GROUPS = (
    ("Start", ("demo", "init", "check")),
    (
        "Every day",
        ("poll", "list", "show", "tag", "claim", "assign", "note", "snooze", "close", "reopen", "new", "import"),
    ),
    ("One matter or two", ("merge", "split", "link")),
    ("Many at once", ("live", "incident", "surge")),
    ("Take back", ("undo", "redo")),
    ("What leaves", ("handoff", "reply", "acknowledge", "promise", "once", "saved", "outbox", "pause", "resume")),
    ("What comes back", ("answers", "chase")),
    ("Evidence and moderation", ("evidence", "fact", "hide", "unhide", "block", "mute", "moderation")),
    ("Organisation", ("accounts", "contacts", "report", "log")),
    ("Keeping", ("spotter", "dismiss", "restrict", "unrestrict", "backup", "restore", "prune", "person")),
)


class LazyGroup(click.Group):
    """Imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"socialtriage.cli.{COMMANDS[cmd_name][0]}_commands")
        command = getattr(module, f"{cmd_name}_command")
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by subject."""
        for title, names in GROUPS:
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name][1]) for name in names])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's own, with the nearest command for a typing mistake."""
        import difflib

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]}?" if near else " See: socialtriage --help"
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="A desk for the messages of a council's social accounts: triage, hand off, answer, log."
    " Without a command it opens the inbox.",
)
@click.option("--config", "config_file", metavar="FILE", help="The configuration (SOCIALTRIAGE_CONFIG).")
@click.option("--store", "store_file", metavar="FILE", help="The store (SOCIALTRIAGE_STORE).")
@click.option("--no-color", is_flag=True, help="No colours (NO_COLOR).")
@click.option("-v", "--verbose", is_flag=True, help="Write a log with tracebacks, never a secret, and say where.")
@click.version_option(__version__, prog_name="socialtriage", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, config_file: str | None, store_file: str | None, no_color: bool, verbose: bool) -> None:
    """The options that every command shares."""
    env = Env(config_file, store_file, verbose=verbose)
    ctx.obj = env
    ctx.call_on_close(env.close)
    if no_color:
        os.environ["NO_COLOR"] = "1"
    if verbose:
        from socialtriage.cli.logs import start_log

        click.echo(f"Writing a log to {start_log()}", err=True)
    if ctx.invoked_subcommand is None:
        from socialtriage.cli.inbox_command import open_inbox

        ctx.exit(open_inbox(env))


def run_command(words: Sequence[str]) -> int:
    """Run a line through the parser: 0 done, 1 something did not succeed, 2 wrong usage or configuration."""
    return guarded(partial(_parsed, words))


def _parsed(words: Sequence[str]) -> int:
    try:
        result = cli.main(args=list(words), standalone_mode=False)
    except click.exceptions.Exit as exc:
        return int(exc.exit_code)
    except click.ClickException as exc:
        _show(exc)
        return 2
    except UnicodeEncodeError as exc:
        # What was typed in another character set has half characters: no store and no network takes them.
        if any(any("\ud800" <= character <= "\udfff" for character in word) for word in words):
            raise UsageError("One of the words is not text of this terminal's character set.") from exc
        raise
    except click.Abort as exc:
        if isinstance(exc.__context__, EOFError):
            click.echo("Nobody answered.", err=True)
            return 1
        click.echo("Stopped.", err=True)
        return 130
    return int(result) if isinstance(result, int) else 0


def _show(exc: click.ClickException) -> None:
    """Say what was wrong with a line. It repeats what was typed, or what a script put there."""
    from io import StringIO

    from socialtriage.domain.text import clean

    said = StringIO()
    exc.show(said)
    click.echo(clean(said.getvalue()), err=True, nl=False)


def read_stdin(limit: int = 1_000_000) -> str:
    """Standard input as text, at most so many bytes of it. Raises `UsageError` where there is none, or no UTF-8."""
    if sys.stdin is None:
        raise UsageError("There is no standard input to read from.")
    read = sys.stdin.buffer.read(limit)
    try:
        return read.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        if len(read) == limit and exc.start > limit - 4:  # the last character was cut in two
            return read[: exc.start].decode("utf-8-sig")
        # Mended characters would be sent to a resident, or kept as a password that is none.
        raise UsageError("Standard input is not UTF-8 text.") from exc


def option_json(function: Any) -> Any:
    """`--json`: one JSON document on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(function)
