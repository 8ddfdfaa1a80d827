"""The spotter at work: flags at intake, an officer's dismissal with its reason, and how often each rule is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from functools import lru_cache

from socialtriage.config.model import Config
from socialtriage.domain.cases import Case
from socialtriage.domain.errors import NotFound, UsageError
from socialtriage.domain.models import Automatic, Incoming
from socialtriage.domain.spotter import Rule, Spotter
from socialtriage.domain.statutory import due_on, parse_period
from socialtriage.domain.text import clean
from socialtriage.domain.times import iso
from socialtriage.domain.views import Done, SpotView
from socialtriage.services.desk import Desk
from socialtriage.services.taken import words_of
from socialtriage.store.log import NewEvent
from socialtriage.store.spots import SpotCounts
from socialtriage.store.store import Transaction

REASON_LIMIT = 1000
QUIET = (Automatic.AUTO_REPLY, Automatic.BOUNCE)
Found = tuple[int, str, str, str, str | None]
"""A row of what was found: case, flag, words of the rule, when, statutory date."""


def spotter_of(config: Config) -> Spotter:
    """The rules of a configuration, compiled."""
    from socialtriage.config.spotter import rules

    return _compiled(
        tuple(
            Rule(
                rule.id,
                rule.name,
                (*rule.any, *rule.also),
                rule.together,
                rule.unless,
                rule.contact or "",
                parse_period(rule.within) if rule.within else None,
                rule.wording,
            )
            for rule in rules(config)
        )
    )


@lru_cache(maxsize=4)
def _compiled(rules: tuple[Rule, ...]) -> Spotter:
    """Rules that were compiled in this process are not compiled again."""
    return Spotter(rules)


def spotted(desk: Desk, tx: Transaction, case: Case, item: Incoming) -> tuple[Case, list[Found], list[NewEvent]]:
    """The case with the flags that a resident's message gives it, what is kept of them, and their events."""
    if item.automatic in QUIET:
        return case, [], []
    hits = desk.spots_in(words_of(item))
    if not hits:
        return case, [], []
    known = tx.spots.known(case.id)
    rows, events = [], []
    for hit in hits:
        rule = hit.rule
        if rule.id in known or rule.id in case.flags:
            continue
        due = statutory(desk, rule, min(item.at, tx.at).astimezone(desk.zone).date())
        case = replace(case, flags=(*case.flags, rule.id))
        rows.append((case.id, rule.id, hit.phrase, iso(tx.at), due.isoformat() if due else None))
        detail = {"flag": rule.id, "words": hit.phrase} | ({"due_on": due.isoformat()} if due else {})
        events.append(NewEvent("case.spotted", case.id, case.ref, detail))
    return case, rows, events


def statutory(desk: Desk, rule: Rule, received: date) -> date | None:
    """The last day on which an answer is in time; None where the rule has no period."""
    return due_on(received, rule.period, desk.clocks.working.holiday) if rule.period is not None else None


def standing(desk: Desk, flags: Sequence[str], spots: Sequence[SpotView]) -> tuple[SpotView, ...]:
    """What stands of the spotter's flags of a case, with the name, contact and wording of its rule."""
    return tuple(_told(desk, spot) for spot in spots if spot.flag in flags)


def _told(desk: Desk, spot: SpotView) -> SpotView:
    rule = desk.spotter.by_id.get(spot.flag)
    if rule is None:
        return replace(spot, name=spot.flag.replace("_", " "))
    contact = desk.contacts.get(rule.contact)
    return replace(spot, name=rule.name, contact=contact.name if contact is not None else "", wording=rule.wording)


def dismiss(desk: Desk, case_id: int, flag: str, reason: str, expect: dict[int, int] | None = None) -> Done:
    """Say that a flag is a false alarm, and why. Raises `NotFound` for one that the case does not have."""
    from socialtriage.services.triage import act

    words = clean(reason, REASON_LIMIT).strip()
    if not words:
        raise UsageError("Say why it is none: the next officer, and whoever tunes the rule, wants to know.")
    ours = {spot.flag for spot in desk.store.spots.of_case(case_id)}

    def change(case: Case) -> Case:
        there = [each for each in case.flags if each in ours]
        if flag not in there:
            raise NotFound(f"{case.ref} has no flag {flag!r}.", hint=f"It has: {', '.join(there) or 'none'}.")
        return replace(case, flags=tuple(each for each in case.flags if each != flag))

    said = flag.replace("_", " ")
    return act(
        desk,
        [case_id],
        change,
        "case.dismissed",
        lambda cases: f"Dismissed {said} on {cases[0].ref}.",
        expect=expect,
        note=f"{said}: {words}",
        logged=("flags",),
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule and how it has done. `precision` is the share of right flags among those that were decided."""

    rule: Rule
    counts: SpotCounts

    @property
    def precision(self) -> float | None:
        """None while nothing was decided."""
        decided = self.counts.dismissed + self.counts.settled
        return self.counts.settled / decided if decided else None


def judged(desk: Desk) -> list[Judged]:
    """Every rule with how often it was right."""
    counts = desk.store.spots.counts()
    return [Judged(rule, counts.get(rule.id, SpotCounts(0, 0, 0))) for rule in desk.spotter.rules]


def tried(desk: Desk, text: str) -> list[tuple[Rule, str, date | None]]:
    """What the rules would say of a text that was written today."""
    today = desk.clock().astimezone(UTC).astimezone(desk.zone).date()
    return [(hit.rule, hit.phrase, statutory(desk, hit.rule, today)) for hit in desk.spotter.look(clean(text))]
