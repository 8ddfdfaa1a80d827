"""Restricted cases: masked, shown on record, shown again."""

from __future__ import annotations

from socialtriage.services import restricting
from socialtriage.store.rows import RESTRICTED
from socialtriage.ui.handlers import Call, versions


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
