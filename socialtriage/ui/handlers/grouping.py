"""Merging, linking and splitting cases; pausing everything outgoing."""

from __future__ import annotations

import asyncio

from socialtriage.domain import sametext
from socialtriage.domain.views import CaseRow
from socialtriage.services import grouping, inbox, pause
from socialtriage.ui.handlers import Call, versions
from socialtriage.ui.screens.choices import Choice, LetterDialog
from socialtriage.ui.widgets.case_view import CaseView


async def merge(call: Call) -> None:
    """Make the chosen cases one, or link them: with several marked the first one goes on, otherwise it asks."""
    rows = call.rows()
    if not rows:
        return
    into = rows[0].id
    if len(rows) > 1:
        others = [row.id for row in rows[1:]]
    else:
        named = await _named(call, rows[0])
        if named is None:
            return
        others, into = [rows[0].id], named
    how = await _how(call, others, into)
    if how == "merge":
        call.done(await call.app.write(grouping.merge, call.desk, others, into, versions(rows)))
    elif how == "link":
        for other in others:
            call.done(await call.app.write(grouping.link, call.desk, other, into))


async def _how(call: Call, others: list[int], into: int) -> str | None:
    """Merge or link; cases of different people are only linked."""
    merge = Choice("merge", f"Merge: everything goes into {_ref(call, into)}, the other is closed", "m")
    link = Choice("link", "Link: both stay, each shows the other", "l")
    if await asyncio.to_thread(call.desk.store.grouping.one_human, [*others, into]):
        return await call.ask(LetterDialog("One matter, or two that belong together?", [merge, link]))
    return await call.ask(LetterDialog("Cases of different people: they can be linked", [link]))


def _ref(call: Call, case_id: int) -> str:
    return call.desk.store.cases.get(case_id).ref


async def _named(call: Call, row: CaseRow) -> int | None:
    """The other case: what the line says, otherwise a related one or a reference that is typed."""
    if call.argument:
        return await asyncio.to_thread(inbox.resolve, call.desk, call.argument)
    from socialtriage.ui.screens.ask import Ask

    detail = await asyncio.to_thread(inbox.detail, call.desk, row.id)
    alike = [ref for ref in sametext.refs(detail.row.suggested_because) if ref != row.ref]
    near = next((ref for ref in (*alike, *(other.ref for other in detail.related)) if ref != row.ref), "")
    asked = await call.ask(Ask(f"{row.ref} and which case?", "The reference of the case that goes on", near))
    if not asked or not asked.strip():
        return None
    return await asyncio.to_thread(inbox.resolve, call.desk, asked)


async def split(call: Call) -> None:
    """Make the message that is pointed at, and the resident's later ones, a case of their own."""
    rows = call.rows()
    if not rows:
        return
    view = next((each for each in call.screen.query(CaseView) if each.detail is not None), None)
    name = view.stop_name if view is not None else ""
    if view is None or view.detail is None or not name.startswith("message-"):
        call.app.say("Point at the message first: enter opens the case, J and K go to its messages.", "$warn")
        return
    at = int(name.rpartition("-")[2])
    place = next((i for i, message in enumerate(view.detail.messages) if message.id == at), 0)
    ids = [message.id for message in view.detail.messages[place:]]
    call.done(await call.app.write(grouping.split, call.desk, view.detail.row.id, ids, versions(rows[:1])))


async def hold(call: Call) -> None:
    """Pause everything outgoing, or let it go on."""
    if await asyncio.to_thread(pause.words, call.desk) is None:
        done = await call.app.write(pause.pause, call.desk, call.argument)
    else:
        done = await call.app.write(pause.resume, call.desk)
    call.app.say(done.said, "$warn")
    call.app.renew()
