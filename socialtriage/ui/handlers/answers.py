"""What comes back from contacts: telling the resident, reminding, and mail that an officer must place."""

from __future__ import annotations

import asyncio

from socialtriage.domain.models import OutboxKind
from socialtriage.domain.views import CaseRow
from socialtriage.services import answers, drafts
from socialtriage.ui.handlers import Call, leaving


async def page(call: Call) -> None:
    """The mails that wait for a decision."""
    from socialtriage.ui.handlers.pages import open_page
    from socialtriage.ui.screens.answers import AnswersScreen

    await open_page(call, AnswersScreen)


async def tell(call: Call) -> None:
    """The contact's words become a draft that the officer edits; the review of every reply follows."""
    rows = call.rows()
    if not rows:
        return
    if len(rows) > 1:
        call.app.say("Residents are told one at a time; unmark the cases first.", "$warn")
        return
    theirs = await asyncio.to_thread(answers.words_for_resident, call.desk, rows[0].id)
    await leaving.go_on_writing(call, rows[0].id, theirs)


async def chase(call: Call) -> None:
    """Review the reminder of each of the cases, one after the other; leaving a review ends it."""
    for row in call.rows():
        if not await _remind(call, row):
            return


async def _remind(call: Call, row: CaseRow) -> bool:
    """One reminder, or the handoff to the deputy in its place. Whether to go on with the next case."""
    from socialtriage.ui.screens.chase import ChaseScreen, prepared

    await call.whole(row.id)
    note = await asyncio.to_thread(drafts.kept, call.desk, row.id, OutboxKind.CHASE)
    screen = ChaseScreen(await prepared(call.app, row.id, note))
    await call.app.ask(screen, call.holds)
    if screen.deputy:
        return await leaving.hand_to(call, row, screen.deputy)
    if screen.sent is None:
        return False
    call.done(screen.sent)
    return True
