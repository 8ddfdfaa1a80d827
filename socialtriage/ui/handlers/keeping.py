"""Restricted cases: masked, shown on record, shown again. Flags of the spotter that are none."""

from __future__ import annotations

import asyncio

from socialtriage.services import inbox, restricting, spotting
from socialtriage.store.rows import RESTRICTED
from socialtriage.ui.handlers import Call, versions
from socialtriage.ui.screens.ask import Ask
from socialtriage.ui.screens.choices import Choice
from socialtriage.ui.screens.picker import Picker


async def restrict(call: Call) -> None:
    """Restrict the cases; when every one of them is restricted, end it."""
    rows = call.rows()
    if not rows:
        return
    seen = versions(rows)
    every = all(RESTRICTED in row.flags for row in rows)
    work = restricting.unrestrict if every else restricting.restrict
    done = await call.app.write(work, call.desk, list(seen), seen)
    call.app.session.unmasked.difference_update(seen)
    call.done(done)


async def unmask(call: Call) -> None:
    """Show a restricted case, on record, or mask it again."""
    rows = call.rows()
    if not rows:
        return
    shown = call.app.session.unmasked
    if rows[0].id in shown:
        shown.discard(rows[0].id)
        call.app.say(f"{rows[0].ref} is masked again.")
    else:
        done = await call.app.write(restricting.unmask, call.desk, rows[0].id)
        shown.update(done.case_ids)
        call.app.say(done.said)
    call.app.renew()


async def dismiss(call: Call) -> None:
    """Say that a flag of the spotter is none, and why; asks which when there are several."""
    rows = call.rows()
    if not rows:
        return
    detail = await asyncio.to_thread(inbox.detail, call.desk, rows[0].id)
    if not detail.spots:
        call.app.say(f"{rows[0].ref} has no flag of the spotter.", "$warn")
        return
    flag: str | None = detail.spots[0].flag
    if len(detail.spots) > 1:
        flag = await call.ask(Picker("Dismiss which flag?", [Choice(each.flag, each.name) for each in detail.spots]))
    if flag is None:
        return
    reason = call.argument or await call.ask(Ask(f"Why is it none? ({flag.replace('_', ' ')})", "It stands in the log"))
    if not reason or not reason.strip():
        return
    seen = {rows[0].id: rows[0].version}
    call.done(await call.app.write(spotting.dismiss, call.desk, rows[0].id, flag, reason, seen), reason)
