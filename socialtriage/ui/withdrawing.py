"""Taking words off the screen that an officer works with when another one erases or restricts their case."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from socialtriage.services import inbox
from socialtriage.store.rows import RESTRICTED
from socialtriage.ui.screens.asking import Asking
from socialtriage.ui.screens.dialogs import Message

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp

HIDING = {"redacted": "was forgotten", RESTRICTED: "was restricted"}
"""Marks that a case may get while somebody writes about it, and how that is said."""
PATIENCE, PAUSE = 100, 0.05
"""Looks at a screen that is about to close or to open, and seconds between two."""


class Withdrawn(Message):
    """Why the words went. What was typed until now was meant for them."""

    TYPE_AHEAD = False


async def withdraw(app: TriageApp) -> None:
    """Close the dialogs about cases that were erased or restricted since they were opened, and say so."""
    work = app.session.at_work
    rows = await asyncio.to_thread(inbox.rows, app.desk, list(work))
    for row in rows:
        told = next((said for flag, said in HIDING.items() if flag in row.flags and flag not in work[row.id]), None)
        if told is None or (row.id in app.session.unmasked and "redacted" not in row.flags):
            continue
        work[row.id] = frozenset(row.flags)  # once
        # What is typed meanwhile was meant for the dialog: in the inbox its letters would be commands.
        holds = [app.gate.close()]
        try:
            await _close(app, row.id)
            if row.id not in work:
                lines = [f"{row.ref} {told} by somebody else.", "What you had open about it is closed."]
                await app.ask(Withdrawn("Its words are gone", lines), holds)
        finally:
            app.gate.open(*holds)


async def _close(app: TriageApp, case_id: int) -> None:
    """Leave dialog after dialog, until the action that opened them is over."""
    for _ in range(PATIENCE):
        if case_id not in app.session.at_work or not app.is_running:
            return
        screen = app.screen
        if isinstance(screen, Asking):
            screen.dismiss(None)
        await asyncio.sleep(PAUSE)
