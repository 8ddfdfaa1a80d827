"""`report`: the demand figures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from socialtriage.cli.options import Alone
from socialtriage.domain.errors import UsageError

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.domain.figures import Report
    from socialtriage.domain.spans import Span
    from socialtriage.services.desk import Desk


class _Period(Alone):
    """One of the periods that have a name."""

    def __init__(self, names: list[str], **more: Any) -> None:
        others = {"week", "month", "year", "start", "end"} - {names[0].lstrip("-")}
        super().__init__(names, is_flag=True, against=sorted(others), **more)


@click.command("report")
@click.option("--week", cls=_Period, help="The seven days that end with today; this is the default.")
@click.option("--month", cls=_Period, help="The thirty days that end with today.")
@click.option("--year", cls=_Period, help="Twelve calendar months, the present one included.")
@click.option("--from", "start", metavar="D", help="First day: 2026-11-22, today, -7d.")
@click.option("--to", "end", metavar="D", help="Last day, that day included; today without it.")
@click.option(
    "--format", "form", type=click.Choice(["text", "csv", "json", "html"]), default="text", help="How it is written."
)
@click.option("--brief", is_flag=True, help="Only a few sentences, fit to paste into a committee report.")
@click.option("--ascii", "plain", is_flag=True, help="Text without block characters, for old terminals and speech.")
@click.option("-o", "--output", "target", metavar="FILE", type=click.Path(dir_okay=False), help="Write to a file.")
@click.pass_obj
def report_command(
    env: Env,
    week: bool,
    month: bool,
    year: bool,
    start: str | None,
    end: str | None,
    form: str,
    brief: bool,
    plain: bool,
    target: str | None,
) -> None:
    """The demand figures: what came in, what became of it, and how far the figures can be trusted."""
    from socialtriage.cli import output
    from socialtriage.services import figures

    length = "month" if month else "year" if year else "week" if week else None
    desk = env.desk
    if brief and form != "text":
        raise UsageError(f"--brief is text; {form} holds the same sentences already.")
    if plain and form != "text":
        raise UsageError(f"--ascii is about text; {form} has no block characters.")
    report = figures.make(desk, span_of(desk, length, start, end), _Progress())
    parts = _text(report, plain, brief) if form == "text" else figures.document(report, form)
    output.write_out(parts, target)


def span_of(desk: Desk, length: str | None, start: str | None, end: str | None) -> Span:
    """The period that was asked for. Raises `UsageError`."""
    from socialtriage.services import figures

    if start or end:
        return figures.span_between(desk, start or "", end or "")
    return figures.span_called(desk, length or "week")


def _text(report: Report, plain: bool, brief: bool) -> Iterator[str]:
    import shutil

    from socialtriage.services import figures_text

    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    width = min(140, max(60, shutil.get_terminal_size((100, 24)).columns))
    lines = figures_text.as_brief if brief else figures_text.as_text
    for line in lines(report, width=width, plain=plain or encoding != "utf8"):
        yield f"{line}\n"


class _Progress:
    """Says on standard error how far it is, when somebody watches and it takes long."""

    def __init__(self) -> None:
        import time

        self._watched = sys.stderr is not None and sys.stderr.isatty()
        self._clock = time.monotonic
        self._said = self._clock() + 0.7

    def __call__(self, done: int, total: int) -> None:
        if self._watched and total and self._clock() >= self._said:
            self._said = self._clock() + 0.2
            click.echo(f"\rCounting {done:,} of {total:,} cases …", nl=done >= total, err=True)
