"""A post followed live; what arrives against what is usual."""

from __future__ import annotations

import asyncio

from socialtriage.services import live, surge
from socialtriage.ui.handlers import Call


async def page(call: Call) -> None:
    """Follow a post: the one that is named, otherwise that of the selected case."""
    from socialtriage.ui.screens.ask import Ask
    from socialtriage.ui.screens.live import LiveScreen

    name = call.argument
    if not name:
        rows = call.screen.targets()
        near = rows[0].ref if rows else ""
        name = (await call.ask(Ask("Follow a post", "Its address, its id, or a case below it", near))) or ""
    if not name.strip():
        return
    post = await asyncio.to_thread(live.find, call.desk, name)
    if isinstance(call.app.screen, LiveScreen):
        await call.app.switch_screen(LiveScreen(call.app, post))
    else:
        await call.app.push_screen(LiveScreen(call.app, post))


async def arrivals(call: Call) -> None:
    """Say what arrives, and take note of it."""
    from socialtriage.ui.screens.dialogs import Confirm

    found = await asyncio.to_thread(surge.look, call.desk)
    if found is None:
        call.app.say("No more arrives than is usual at this hour.")
        return
    lines = await asyncio.to_thread(surge.told, call.desk, found)
    if await call.ask(Confirm("Take note? The header says it no more.", lines, yes="Noted", no="Leave it")):
        call.app.say((await call.app.write(surge.note, call.desk)).said)
        call.app.renew()
