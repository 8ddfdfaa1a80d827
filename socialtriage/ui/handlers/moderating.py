"""Hiding, deleting, blocking, muting, reporting: a reason first, then through the outbox, or by hand on its page."""

from __future__ import annotations

import asyncio
from datetime import date
from functools import partial

from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import OutboxKind
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import CaseRow
from socialtriage.domain.when import parse_date
from socialtriage.services import flagging, moderation
from socialtriage.services.handoff import undo_window
from socialtriage.services.moderation import Decision
from socialtriage.ui.handlers import Call, versions
from socialtriage.ui.widgets.case_view import CaseView

WORDS = {
    OutboxKind.HIDE: "Hide",
    OutboxKind.UNHIDE: "Show again",
    OutboxKind.DELETE: "Delete for good",
    OutboxKind.BLOCK: "Block",
    OutboxKind.UNBLOCK: "Unblock",
    OutboxKind.MUTE: "Mute",
    OutboxKind.UNMUTE: "Unmute",
    OutboxKind.REPORT: "Report",
}


async def hide(call: Call) -> None:
    """Hide the message that is pointed at, or the newest."""
    await _act(call, OutboxKind.HIDE)


async def unhide(call: Call) -> None:
    """Show a hidden message again."""
    await _act(call, OutboxKind.UNHIDE)


async def delete(call: Call) -> None:
    """Delete the message that is pointed at, or the newest, for good: asked twice."""
    await _act(call, OutboxKind.DELETE)


async def block(call: Call) -> None:
    """Block the author."""
    await _act(call, OutboxKind.BLOCK)


async def mute(call: Call) -> None:
    """Mute the author."""
    await _act(call, OutboxKind.MUTE)


async def report(call: Call) -> None:
    """Report the message and its author to the network's moderators."""
    await _act(call, OutboxKind.REPORT)


async def release(call: Call) -> None:
    """Show the words of held cases in lists again."""
    for row in call.rows():
        call.done(await call.app.write(flagging.release, call.desk, row.id))


async def page(call: Call) -> None:
    """What was done, and what is due for review."""
    from socialtriage.ui.handlers.pages import open_page
    from socialtriage.ui.screens.moderation import ModerationScreen

    await open_page(call, ModerationScreen)


async def _act(call: Call, kind: OutboxKind) -> None:
    """One case at a time: nobody should block many by mistake."""
    rows = call.rows()
    if not rows:
        return
    if len(rows) > 1:
        call.app.say("Such decisions go one at a time; unmark the cases first.", "$warn")
        return
    row, message = rows[0], _pointed_at(call, rows[0])
    look = partial(moderation.decide, call.desk, row.id, kind, message_id=message)
    # Without its reason yet: what cannot be is said before anybody is asked for one.
    first = await asyncio.to_thread(look, reason=call.argument or "to be said")
    await call.whole(row.id)  # it says against whom
    answer = await _reason(call, first)
    if answer is None:
        return
    reason, on = answer
    decision = await asyncio.to_thread(look, reason=reason, review_on=on)
    await carry_out(call, decision, versions(rows))


def _pointed_at(call: Call, row: CaseRow) -> int | None:
    """The message that J and K chose in the case on screen."""
    for view in call.screen.query(CaseView):
        name = view.stop_name
        if view.detail is not None and view.detail.row.id == row.id and name.startswith("message-"):
            return int(name.partition("-")[2])
    return None


async def _reason(call: Call, decision: Decision) -> tuple[str, date | None] | None:
    """The reason, and the day of the review. Raises `UsageError` for a day that is none."""
    from socialtriage.ui.screens.moderate import Reason

    desk = call.desk
    if call.argument:
        return call.argument, None
    review = decision.review_at.astimezone(desk.zone).date().isoformat() if decision.review_at else None
    asked = await call.ask(Reason(f"{WORDS[decision.kind]}: {decision.ref}", _lines(call, decision), review))
    if asked is None:
        return None
    try:
        on = parse_date(asked[1], desk.clock().astimezone(desk.zone).date()) if asked[1].strip() else None
    except ValueError as error:
        raise UsageError(str(error)) from error
    return asked[0], on


def _lines(call: Call, decision: Decision) -> list[str]:
    seconds = int(undo_window(call.desk, decision.target.account, None).total_seconds())
    author = decision.target.author
    who = author.name if author.handle == author.name else f"{author.name} {author.handle}"
    leaves = f"It leaves {seconds} s later; until then u takes it back."
    return [
        clean_line(f"{who}, on {decision.network}", 200),
        "Words, author, time and the hashes of the files are kept as they are now.",
        leaves if decision.cannot is None else f"{decision.cannot} Its page can be opened instead.",
    ]


async def _sure(call: Call, decision: Decision) -> bool:
    """Of what nothing brings back an officer says twice that they want it."""
    if decision.kind is not OutboxKind.DELETE:
        return True
    from socialtriage.ui.screens.dialogs import Confirm

    lines = [
        clean_line(f"The message of {decision.target.author.handle} on {decision.ref}, on {decision.network}.", 200),
        f"{moderation.FOR_GOOD} Files that are not kept yet are lost with it.",
        "To hide it instead: no, and then H.",
    ]
    sure = await call.ask(Confirm("Delete it for good?", lines, yes="Delete", no="No"))
    return sure is True


async def carry_out(call: Call, decision: Decision, seen: dict[int, int] | None = None) -> None:
    """Through the outbox; where the network does not let us, on its page, and then on record when it was done."""
    if decision.cannot is None:
        if not await _sure(call, decision):
            return
        work = partial(moderation.queue, call.desk, decision, expect=seen, sure=True)
        call.done(await call.app.write(work), decision.reason)
        return
    from socialtriage.ui.screens.dialogs import Confirm

    if decision.page:
        opens = await call.ask(Confirm("Open its page?", [decision.cannot, decision.page], yes="Open"))
        if opens:
            import webbrowser

            await asyncio.to_thread(webbrowser.open, decision.page)
    lines = [decision.cannot, "Say yes when you have done it on the network's own page: it is put on record."]
    if await call.ask(Confirm("Is it done there?", lines, yes="It is done", no="No")):
        call.done(await call.app.write(moderation.record, call.desk, decision, expect=seen), decision.reason)
