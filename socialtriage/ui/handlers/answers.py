"""What comes back from contacts: telling the resident, reminding, and mail that an officer must place."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from socialtriage.domain.models import OutboxKind
from socialtriage.domain.views import CaseRow
from socialtriage.services import answers, drafts, inbox
from socialtriage.ui.handlers import Call, leaving
from socialtriage.ui.session import Written


async def page(call: Call) -> None:
    """The mails that wait for a decision."""
    from socialtriage.ui.screens.answers import AnswersScreen
    from socialtriage.ui.screens.page import Page

    app = call.app
    if isinstance(app.screen, AnswersScreen):
        return
    if isinstance(app.screen, Page):
        await app.switch_screen(AnswersScreen(app))
    else:
        await app.push_screen(AnswersScreen(app))


async def tell(call: Call) -> None:
    """The contact's words become a draft that the officer edits; the review of every reply follows."""
    rows = call.rows()
    if not rows:
        return
    if len(rows) > 1:
        call.app.say("Residents are told one at a time; unmark the cases first.", "$warn")
        return
    from socialtriage.ui.screens.reply import composed

    app, case_id = call.app, rows[0].id
    theirs = await asyncio.to_thread(answers.words_for_resident, call.desk, case_id)
    kept = await asyncio.to_thread(drafts.kept_reply, call.desk, case_id)
    begun = app.session.replies.pop(case_id, Written(kept.text, kept.private, files=kept.files))
    # What the officer had begun to write is not lost: the contact's words come below it.
    text = begun.text if theirs in begun.text else "\n\n".join(filter(None, (begun.text.strip(), theirs)))
    detail = await asyncio.to_thread(inbox.detail, call.desk, case_id)
    ready = await composed(app, detail, replace(begun, text=text), call.holds)
    if ready is not None and ready.text.strip():
        await leaving.review(call, detail, ready)


async def chase(call: Call) -> None:
    """Review the reminder of each of the cases, one after the other; leaving a review ends it."""
    for row in call.rows():
        if not await _remind(call, row):
            return


async def _remind(call: Call, row: CaseRow) -> bool:
    """One reminder, or the handoff to the deputy in its place. Whether to go on with the next case."""
    from socialtriage.ui.screens.chase import ChaseScreen, prepared

    note = await asyncio.to_thread(drafts.kept, call.desk, row.id, OutboxKind.CHASE)
    screen = ChaseScreen(await prepared(call.app, row.id, note))
    await call.app.ask(screen, call.holds)
    if screen.deputy:
        return await leaving.hand_to(call, row, screen.deputy)
    if screen.sent is None:
        return False
    call.done(screen.sent)
    return True
