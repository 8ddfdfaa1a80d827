"""Closing with an outcome and, for those who want to, why the contact need not have been."""

from __future__ import annotations

from collections.abc import Iterable

from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import Avoidable, Outcome
from socialtriage.services import triage
from socialtriage.ui import words
from socialtriage.ui.handlers import Call, versions
from socialtriage.ui.screens.outcome import OutcomeDialog


async def close(call: Call) -> None:
    """Close: `answered`, or `answered chasing` where the contact was avoidable; without words it asks."""
    rows = call.rows()
    if not rows:
        return
    title = f"Outcome: {rows[0].ref if len(rows) == 1 else words.many(len(rows), 'case')}"
    said = call.argument or await call.ask(OutcomeDialog(title))
    if not said:
        return
    first, _, second = said.lower().partition(" ")
    outcome = Outcome(_meant(first, Outcome, "outcome"))
    why = Avoidable(_meant(second.strip(), Avoidable, "avoidable contact")) if second.strip() else None
    seen = versions(rows)
    done = await call.app.write(triage.close, call.desk, list(seen), outcome, expect=seen, avoidable=why)
    call.done(done, said)


def _meant(word: str, known: Iterable[str], what: str) -> str:
    """The one that begins so. Raises `UsageError` with all of them."""
    every = [str(each) for each in known]
    found = [word] if word in every else [each for each in every if each.startswith(word)]
    if len(found) == 1:
        return found[0]
    raise UsageError(f"There is no {what} {word!r}.", hint=f"There are: {', '.join(every)}.")
