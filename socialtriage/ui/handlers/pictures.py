"""Photos in the terminal, when somebody asks to see them: what residents send can be hard to look at."""

from __future__ import annotations

import asyncio

from socialtriage.services import exhibits
from socialtriage.store.rows import RESTRICTED
from socialtriage.ui.handlers import Call


async def look(call: Call) -> None:
    """The files of a case on a screen of their own, the photos drawn."""
    rows = call.rows()
    if not rows:
        return
    unmasked = rows[0].id in call.app.session.unmasked
    found = await asyncio.to_thread(exhibits.listing, call.desk, rows[0].id, unmasked=unmasked)
    if not found:
        masked = RESTRICTED in rows[0].flags and not unmasked
        ref = rows[0].ref
        call.app.say(f"{ref} is restricted: its files are masked." if masked else f"No file came with {ref}.")
        return
    from socialtriage.ui.screens.picture import PictureScreen

    await call.app.push_screen(PictureScreen(rows[0], found))


async def inline(call: Call) -> None:
    """Draw the photos of the case within its thread, or take them out again."""
    from socialtriage.ui.widgets.case_view import CaseView

    # The pane beside the list may be hidden: then its case is not what the officer reads.
    views = [view for view in call.screen.query(CaseView) if view.detail is not None and view.is_on_screen]
    if not views:
        await look(call)
        return
    from socialtriage.ui import inline_pictures

    inline_pictures.toggle(call.app, views[0])
