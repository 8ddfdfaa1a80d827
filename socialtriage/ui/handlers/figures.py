"""Going to the figures."""

from __future__ import annotations

from socialtriage.services import figures
from socialtriage.ui.handlers import Call
from socialtriage.ui.screens.figures import FiguresScreen
from socialtriage.ui.screens.page import Page


async def page(call: Call) -> None:
    """The figures of a period: a name, or two days with a blank between; a week without."""
    first, _, last = call.argument.partition(" ")
    named = first.lower() in figures.SPANS
    span = figures.span_between(call.desk, first, last) if first and not named else None
    span = span or figures.span_called(call.desk, first or "week")
    app = call.app
    if isinstance(app.screen, FiguresScreen):
        app.screen.take(span)
    elif isinstance(app.screen, Page):
        await app.switch_screen(FiguresScreen(app, span))
    else:
        await app.push_screen(FiguresScreen(app, span))
