"""Blocked words at intake: a mark on the case, and for held ones no words in lists. Nothing is ever hidden by this."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from socialtriage.domain.cases import Case
from socialtriage.domain.errors import Refused
from socialtriage.domain.models import Incoming, SafeText
from socialtriage.domain.text import clean_line, snippet
from socialtriage.domain.views import Done
from socialtriage.store.log import NewEvent

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk

BLOCKED = "blocked_word"
HELD = "held"
"""Flags of a case with a word of the lists, and of one whose words are not shown in lists until it is released."""
PLACEHOLDER = clean_line("(held: a word of your list is in it)")


def flagged(desk: Desk, case: Case, item: Incoming) -> tuple[Case, NewEvent | None]:
    """The case as the words of a message leave it, and the event of that; unchanged where no list has them."""
    found = desk.blocked_words.look(f"{item.subject}\n{item.text}" if item.subject else item.text)
    if found is None:
        return case, None
    flags = dict.fromkeys((*case.flags, BLOCKED, *((HELD,) if found.hold else ())))
    after = replace(case, flags=tuple(flags), snippet=PLACEHOLDER if HELD in flags else case.snippet)
    if after == case:
        return case, None
    return after, NewEvent("case.flagged", case.id, case.ref, {"words": ", ".join(found.words), "held": found.hold})


def first_words(flags: tuple[str, ...], text: str) -> SafeText:
    """What lists show of a case with these flags."""
    return PLACEHOLDER if HELD in flags else snippet(text)


def release(desk: Desk, case_id: int) -> Done:
    """Show the words of a held case in lists again. Raises `Refused` when it is not held."""
    from socialtriage.services.triage import act

    first = next((m for m in desk.store.messages.of_case(case_id) if m.voice == "resident"), None)
    words = snippet((first.text or first.subject or "") if first else "")

    def change(case: Case) -> Case:
        if HELD not in case.flags:
            raise Refused(f"{case.ref} is not held.")
        return replace(case, flags=tuple(flag for flag in case.flags if flag != HELD), snippet=words)

    return act(desk, [case_id], change, "case.released", lambda cases: f"Released {cases[0].ref}.", logged=("flags",))
