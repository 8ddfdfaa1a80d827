"""Opening one of the pages: accounts, outbox, contacts, their mail, moderation."""

from __future__ import annotations

from socialtriage.ui.handlers import Call
from socialtriage.ui.screens.page import Page


async def open_page(call: Call, page: type[Page]) -> None:
    """Show a page in the place of the one that is open, if any."""
    app = call.app
    if isinstance(app.screen, page):
        return
    if isinstance(app.screen, Page):
        await app.switch_screen(page(app))
    else:
        await app.push_screen(page(app))
