"""Options that do not go together, or only with another one: refused as wrong usage instead of one of them ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])


class Alone(click.Option):
    """An option that refuses `against`, and wants `needs`: names of other parameters of the command."""

    def __init__(self, *args: Any, against: Sequence[str] = (), needs: str = "", **more: Any) -> None:
        super().__init__(*args, **more)
        self.against = tuple(against)
        self.needs = needs

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        """Like click's own. Raises `click.UsageError` for what cannot be meant together."""
        if opts.get(self.name or ""):
            if clash := next((name for name in self.against if opts.get(name) not in (None, False, ())), None):
                raise click.UsageError(f"{self.opts[0]} and {_shown(ctx, clash)} do not go together. Take one of them.")
            if self.needs and opts.get(self.needs) is None:
                raise click.UsageError(f"{self.opts[0]} goes with {_shown(ctx, self.needs)} only.")
        return super().handle_parse_result(ctx, opts, args)


option_queue = click.option(
    "--queue", "queue_only", is_flag=True, help="Leave the sending to the next `outbox send`, `poll` or inbox."
)
"""For commands that queue something and send it at once."""


def option_preview(what: str = "Show exactly what would be posted, and send nothing.") -> Callable[[_F], _F]:
    """`--preview`, for commands with `option_queue`."""
    return click.option("--preview", is_flag=True, cls=Alone, against=("queue_only",), help=what)


def _shown(ctx: click.Context, name: str) -> str:
    return next(param.opts[0] for param in ctx.command.params if param.name == name)
