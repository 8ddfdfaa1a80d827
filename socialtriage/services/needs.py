"""What a service area must know before a handoff: facts that were noted, what is missing, and the question for it."""

from __future__ import annotations

from dataclasses import replace

from socialtriage.domain import cases as life
from socialtriage.domain.cases import Case
from socialtriage.domain.errors import Refused, UsageError
from socialtriage.domain.models import Visibility
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import Done
from socialtriage.services.desk import Desk
from socialtriage.services.triage import Expect, act

NAME_LIMIT, VALUE_LIMIT = 60, 500
"""Characters of a fact's name and value."""
MOST = 40
"""Facts of one case."""


def missing(desk: Desk, case: Case) -> list[str]:
    """What the case's area needs and nobody has noted, in the order of the configuration."""
    area = desk.areas.get(case.area or "")
    known = {name.casefold() for name, _ in case.facts}
    return [need for need in (area.needs if area else ()) if need.casefold() not in known]


def note(desk: Desk, case_id: int, name: str, value: str, expect: Expect = None) -> Done:
    """Note a fact, or take it away with an empty value. Raises `UsageError`, `Refused`, `Stale`."""
    wanted, told = str(clean_line(name.strip(), NAME_LIMIT)), str(clean_line(value.strip(), VALUE_LIMIT))
    if not wanted:
        raise UsageError("Say what the fact is called: address, collection day.")
    area = desk.areas.get(desk.store.cases.get(case_id).area or "")
    wanted = next((need for need in (area.needs if area else ()) if need.casefold() == wanted.casefold()), wanted)

    def change(case: Case) -> Case:
        facts = [(known, old) for known, old in case.facts if known.casefold() != wanted.casefold()]
        if told:
            facts.append((wanted, told))
        if len(facts) > MOST:
            raise Refused(f"{case.ref} has {MOST} facts already.")
        return replace(life.noted(case), facts=tuple(facts))

    # The value is the resident's: it stands in the case, where it can be forgotten, not in the log.
    said = f"Noted {wanted}." if told else f"Took {wanted} away."
    return act(desk, [case_id], change, "case.fact", lambda _: said, expect=expect)


def question(desk: Desk, case_id: int) -> str:
    """One question for everything that is missing. Raises `Refused` when nothing is."""
    case = desk.store.cases.get(case_id)
    lacking = missing(desk, case)
    if not lacking:
        area = desk.areas.get(case.area or "")
        if area is None:
            raise Refused(f"{case.ref} has no service area yet, which says what must be known.", hint="Tag it first.")
        raise Refused(f"Nothing is missing of {case.ref}: {area.name} needs nothing more.")
    listed = lacking[0] if len(lacking) == 1 else f"{', '.join(lacking[:-1])} and {lacking[-1]}"
    if case.visibility is Visibility.PUBLIC:
        return f"So that we can help, please send us in a private message: {listed}. Your reference is {case.ref}."
    return f"So that we can pass this on, could you tell us: {listed}? Your reference is {case.ref}."
