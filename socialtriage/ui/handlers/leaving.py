"""What leaves the desk: replies and handoffs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from socialtriage.domain.models import OutboxKind
from socialtriage.domain.views import CaseDetail, CaseRow, Done
from socialtriage.services import drafts, triage
from socialtriage.ui.handlers import Call
from socialtriage.ui.handoff_text import Choices
from socialtriage.ui.session import Written


async def handoff(call: Call) -> None:
    """Review the handoff of each of the cases, one after the other; leaving a review ends it."""
    for row in call.rows():
        done = await _one(call, row)
        if done is None:
            return
        call.done(done)


async def _one(call: Call, row: CaseRow) -> Done | None:
    from socialtriage.ui.screens.handoff import HandoffScreen, prepared

    app = call.app
    if row.area is None and not call.argument and not await _tagged(call, row):
        return None
    note = await asyncio.to_thread(drafts.kept, call.desk, row.id, OutboxKind.HANDOFF)
    choices = app.session.handoffs.get(row.id) or Choices(note=note)
    if call.argument:
        choices = replace(choices, to=call.argument)
    draft = await prepared(app, row.id, choices)
    detail = await call.whole(row.id)
    screen = HandoffScreen(app, detail, draft, choices)
    await app.ask(screen, call.holds)
    return screen.sent


async def hand_to(call: Call, row: CaseRow, contact: str) -> bool:
    """Review the handoff of a case to this contact. Whether it was sent."""
    done = await _one(replace(call, argument=contact), row)
    if done is not None:
        call.done(done)
    return done is not None


async def _tagged(call: Call, row: CaseRow) -> bool:
    """A case without an area gets one first: the contact follows from it."""
    from socialtriage.ui.screens.picker import Picker, area_choices

    chosen = await call.ask(Picker(f"Area of {row.ref}, for its contact", area_choices(call.desk, [row])))
    if not chosen or chosen == "none":
        return False
    area, _, topic = chosen.partition("/")
    seen = {row.id: row.version}
    done = await call.app.write(triage.tag, call.desk, [row.id], area=area, topic=topic or None, expect=seen)
    call.app.say(done.said)
    return True


async def reply(call: Call) -> None:
    """Answer the resident where they wrote."""
    await _reply(call, private=False)


async def reply_private(call: Call) -> None:
    """Answer the resident in private."""
    await _reply(call, private=True)


async def _reply(call: Call, *, private: bool) -> None:
    """Write, then review; one case at a time, because nobody should send words to many by mistake."""
    rows = call.rows()
    if not rows:
        return
    if len(rows) > 1:
        call.app.say("Replies go one at a time; unmark the cases first.", "$warn")
        return
    from socialtriage.ui.screens.reply import composed

    app, case_id = call.app, rows[0].id
    detail = await call.whole(case_id)
    kept = await asyncio.to_thread(drafts.kept_reply, call.desk, case_id)
    begun = app.session.replies.get(case_id) or Written(kept.text, kept.private, files=kept.files, places=kept.places)
    if begun.private and not private:
        app.say("What you wrote was to be PRIVATE, and goes on so.")
    begun = replace(begun, private=private or begun.private)
    # What was begun is shown where it is written, never where the next letter sends it.
    ready = await composed(app, detail, begun, call.holds)
    if ready is not None and ready.text.strip():
        await review(call, detail, ready)


async def review(call: Call, detail: CaseDetail, written: Written) -> None:
    """Show a reply as it would leave; what was done with it is said."""
    from socialtriage.ui.screens.reply import ReplyScreen

    screen = ReplyScreen(call.app, detail, written)
    await call.app.ask(screen, call.holds)
    if screen.sent is not None:
        call.done(screen.sent)


async def go_on_writing(call: Call, case_id: int, words: str) -> None:
    """Compose a reply that goes on with `words`; what the officer had begun to write stays above them."""
    from socialtriage.ui.screens.reply import composed

    app = call.app
    kept = await asyncio.to_thread(drafts.kept_reply, call.desk, case_id)
    begun = app.session.replies.pop(case_id, Written(kept.text, kept.private, files=kept.files, places=kept.places))
    text = begun.text if words in begun.text else "\n\n".join(filter(None, (begun.text.strip(), words)))
    detail = await call.whole(case_id)
    ready = await composed(app, detail, replace(begun, text=text), call.holds)
    if ready is not None and ready.text.strip():
        await review(call, detail, ready)
