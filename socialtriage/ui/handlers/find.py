"""Searching, filtering, hits, and going to a reference."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from socialtriage.services import inbox, queries
from socialtriage.ui.handlers import Call
from socialtriage.ui.handlers.look import show_case


async def search(call: Call) -> None:
    """Search every case: hits show while one types, enter keeps them; a reference opens its case."""
    app, home = call.app, call.app.home
    if call.argument:
        _search(call, call.argument)
        return
    while app.screen is not home:
        await app.pop_screen()
    before = app.session.showing, app.session.before_search

    def live(text: str) -> None:
        app.session.begin_search(settled(text))
        home.listing.load()

    def done(text: str | None) -> None:
        home.cases.focus()
        if text is None or not text.strip():
            app.session.showing, app.session.before_search = before
            home.listing.load()
        else:
            app.session.begin_search(text)
            home.listing.load()
            app.in_background(partial(_go, call, text), "search", "opening a reference")

    await home.find_bar.open("/", app.session.showing.search or "", live, done)


async def _go(call: Call, text: str) -> None:
    case_id = await asyncio.to_thread(inbox.find, call.desk, text)
    if case_id is not None:
        await show_case(call, case_id)


def _search(call: Call, text: str) -> None:
    call.app.session.begin_search(text)
    call.app.home.listing.load()
    call.app.home.cases.focus()


async def filter_bar(call: Call) -> None:
    """Narrow the view; an empty line shows all again."""
    app, home = call.app, call.app.home
    before = app.session.showing
    base = before if before.search is None else app.session.before_search or replace(before, search=None)

    def show(text: str) -> None:
        app.session.showing = replace(base, filter=" ".join(text.split()))
        home.listing.load()

    def done(text: str | None) -> None:
        home.cases.focus()
        if text is None:
            app.session.showing = before
            home.listing.load()
        else:
            show(text)

    if call.argument:
        show(call.argument)
    else:
        typed = base.filter + " " if base.filter else ""
        await home.find_bar.open("\\", typed, lambda text: show(settled(text)), done)


def settled(text: str) -> str:
    """What is typed so far, without a filter at its end whose name or value is still to come."""
    head, _, last = text.rpartition(" ")
    unfinished = len(last) > 1 and any(f"{name}:".startswith(last.lower()) for name in queries.FILTERS)
    return head if unfinished else text


async def next_hit(call: Call) -> None:
    """The next hit."""
    await _hit(call, "down")


async def previous_hit(call: Call) -> None:
    """The hit before."""
    await _hit(call, "up")


async def _hit(call: Call, step: str) -> None:
    """Step through the hits, in the list or from case to case; when they are not shown, show them again."""
    app = call.app
    if app.session.showing.search is None:
        if app.session.last_search:
            _search(call, app.session.last_search)
        else:
            app.say("There was no search yet; / begins one.", "$warn")
        return
    cases = app.home.cases
    before = cases.model.cursor
    cases.action_move(step)
    if cases.model.cursor == before:
        app.say("That was the last hit." if step == "down" else "That was the first hit.")
    elif call.screen is not app.home and cases.model.selected is not None:
        await show_case(call, cases.model.selected)


async def reference(call: Call) -> None:
    """Open a case by its reference. Raises `NotFound` with the nearest ones."""
    text = call.argument
    if not text:
        from socialtriage.ui.screens.ask import Ask

        text = (await call.ask(Ask("Go to", "Reference of a case, in any spelling"))) or ""
    if text.strip():
        await show_case(call, await asyncio.to_thread(inbox.resolve, call.desk, text))
