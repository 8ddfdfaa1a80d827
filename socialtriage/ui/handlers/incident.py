"""Incidents: begun with one statement on every account, and the cases that belong to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from socialtriage.domain.errors import SocialTriageError
from socialtriage.services import incidents, statement_drafts
from socialtriage.ui.handlers import Call

if TYPE_CHECKING:
    from socialtriage.services.incidents import Statement
    from socialtriage.ui.app import TriageApp


async def page(call: Call) -> None:
    """The incidents; with a name that none has, a new one is begun."""
    from socialtriage.ui.screens.incidents import IncidentsScreen

    if call.argument:
        name = call.argument.strip().lower()
        if name in {each.name for each in await asyncio.to_thread(call.desk.store.incidents.all)}:
            await asyncio.to_thread(incidents.suggest, call.desk, name)
        else:
            await written(call.app, call.argument, call.holds)
    if not isinstance(call.app.screen, IncidentsScreen):
        await call.app.push_screen(IncidentsScreen(call.app))


async def written(app: TriageApp, name: str, holds: list[object]) -> None:
    """Ask for everything that an incident is, and begin it after the review. Raises `UsageError`, `Refused`.

    `holds` keeps keys that were typed too fast for the next question, as in `Call`.
    """
    from socialtriage.ui.screens.ask import Ask

    called = name or await app.ask(Ask("New incident", "Its name, such as water-main"), holds)
    if not called or not called.strip():
        return
    text = await _statement(app, called, statement_drafts.NEW, holds)
    if not text:
        return
    words = await app.ask(Ask("Its cases", "Beginnings of words they are known by: water, high street"), holds)
    last = Ask("Until", "Its last day, such as 2026-11-30 or tomorrow; empty while nobody ends it")
    until = await app.ask(last, holds)
    if words is None or until is None:
        return
    plan = await asyncio.to_thread(incidents.plan, app.desk, called, text, until=until, keywords=words.split(","))
    said = await _reviewed(app, plan.name, plan.text, holds)
    if said:
        app.say((await app.write(incidents.begin, app.desk, plan, said)).said)
        await app.write(statement_drafts.keep, app.desk, "")
        app.renew()
        await open_pages(app, said, holds)


async def say_of(app: TriageApp, name: str, holds: list[object]) -> None:
    """Say more of an incident. Raises `Refused`."""
    text = await _statement(app, name, name, holds)
    said = await _reviewed(app, name, text, holds) if text else None
    if said:
        app.say((await app.write(incidents.say, app.desk, name, said)).said)
        await app.write(statement_drafts.keep, app.desk, "", name)
        app.renew()
        await open_pages(app, said, holds)


async def _statement(app: TriageApp, called: str, name: str, holds: list[object]) -> str:
    """The words for every account. They are kept until they are said: neither a wrong date nor a crash loses them."""
    from socialtriage.ui.screens.ask import Write

    def keep(text: str) -> None:
        app.in_background(partial(app.write, statement_drafts.keep, app.desk, text, name), "draft", "keeping words")

    def keep_last(text: str) -> None:
        with contextlib.suppress(SocialTriageError):
            statement_drafts.keep(app.desk, text, name)

    begun = await asyncio.to_thread(statement_drafts.kept, app.desk, name)
    title = f"{called}: what is said on every account"
    text = await app.ask(Write(title, begun, esc_keeps=True, keep=keep, keep_last=keep_last), holds)
    await app.write(statement_drafts.keep, app.desk, text or "", name)
    return (text or "").strip()


async def _reviewed(app: TriageApp, name: str, text: str, holds: list[object]) -> Sequence[Statement] | None:
    """The one look at every account."""
    from socialtriage.ui.screens.statement import StatementScreen

    said = await app.background.statements(text, {})
    return await app.ask(StatementScreen(app, name, said), holds)


async def open_pages(app: TriageApp, said: Sequence[Statement], holds: list[object]) -> None:
    """Where it cannot be posted from here: the words go into the clipboard, the page opens after a question."""
    import webbrowser

    from socialtriage.ui.screens.dialogs import Confirm

    for each in said:
        if each.page is None or not each.page.startswith("https://"):
            continue
        lines = [each.page, "The words go into the clipboard; paste them there."]
        question = Confirm(f"{each.account} is posted by hand. Open its page?", lines, yes="Open", no="Later")
        if await app.ask(question, holds):
            app.copy_to_clipboard(each.text)
            opened = await asyncio.to_thread(webbrowser.open, each.page)
            app.say(f"Opened {each.page}" if opened else "No browser could be started here.")


async def toggle(call: Call) -> None:
    """The cases belong to an incident, or no longer: to the one that runs, or one of several."""
    from socialtriage.ui.screens.choices import Choice
    from socialtriage.ui.screens.picker import Picker

    rows = call.rows()
    if not rows:
        return
    running = await asyncio.to_thread(incidents.running, call.desk)
    name = call.argument
    if not name and len(running) == 1:
        name = running[0].name
    elif not name and running:
        name = (await call.ask(Picker("Incident", [Choice(each.name, each.name) for each in running]))) or ""
    if not name:
        if not running:
            call.app.say("No incident is running; :incident begins one.", "$warn")
        return
    call.done(await call.app.write(incidents.toggle, call.desk, name, [row.id for row in rows]), name)
