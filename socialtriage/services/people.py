"""People over all their identities: found, linked by an officer, everything about them handed over, or forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from socialtriage.domain.errors import NotFound, Refused, UsageError
from socialtriage.domain.views import CaseDetail, Done
from socialtriage.services import inbox, keeping
from socialtriage.services.desk import Desk
from socialtriage.store.forget import Forgotten
from socialtriage.store.keeping import Identity, Words
from socialtriage.store.log import NewEvent
from socialtriage.store.store import Transaction


def name_of(person: Identity) -> str:
    """How commands name an identity: `mastodon:someone@social.example`."""
    return f"{person.network}:{person.key}"


def find(desk: Desk, text: str) -> list[Identity]:
    """People whose handle, name or key holds a text."""
    if not text.strip():
        raise UsageError("Say whom to look for: a part of a handle, a name or an address.")
    return desk.store.keeping.find(text.strip())


def resolve(desk: Desk, key: str) -> Identity:
    """The identity that a key or a handle names. Raises `NotFound`, and `Refused` when there are several."""
    network, colon, rest = key.strip().partition(":")
    found = desk.store.keeping.by_key(rest, network) if colon else []
    found = found or desk.store.keeping.by_key(key.strip(), None)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"Nobody here is called {key.strip()[:80]!r}.", hint="Look with: socialtriage person find TEXT")
    raise Refused(
        f"{key.strip()[:80]!r} is somebody on several networks; name one.",
        hint=f"There are: {', '.join(name_of(each) for each in found[:8])}.",
    )


def everybody(desk: Desk, key: str) -> list[Identity]:
    """Every identity that officers linked to the one of a key, itself first."""
    person = resolve(desk, key)
    return [person, *(each for each in desk.store.keeping.linked(person) if each.id != person.id)]


def link(desk: Desk, one: str, other: str) -> Done:
    """Two identities are one human, says an officer: repeats and requests go over both."""
    a, b = resolve(desk, one), resolve(desk, other)
    head = a.linked_to or a.id
    if b.id == head or b.linked_to == head:
        raise Refused("Those two are linked already.")
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.people.link(b.linked_to or b.id, head)
        tx.log(NewEvent("person.linked", detail={"ids": [head, b.id]}))
    return Done(f"Linked {name_of(b)} to {name_of(a)}.")


def unlink(desk: Desk, key: str) -> Done:
    """An identity stands for itself again."""
    person = resolve(desk, key)
    if len(desk.store.keeping.linked(person)) < 2:
        raise Refused(f"{name_of(person)} is linked to nobody.")
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.people.unlink(person.id)
        tx.log(NewEvent("person.unlinked", detail={"ids": [person.id]}))
    return Done(f"{name_of(person)} stands for itself again.")


@dataclass(frozen=True, slots=True)
class Everything:
    """All that the desk holds about a person."""

    identities: tuple[Identity, ...]
    cases: tuple[CaseDetail, ...]
    own: frozenset[int]
    """Ids of the messages that the person wrote; what others wrote in their cases is not theirs to have."""
    elsewhere: tuple[Words, ...]
    """Messages outside their cases."""


def export(desk: Desk, key: str) -> Everything:
    """Everything about a person, over all linked identities; that it was taken out is logged, without a name."""
    identities = everybody(desk, key)
    ids = [each.id for each in identities]
    keep = desk.store.keeping
    cases = tuple(inbox.detail(desk, case_id) for case_id in keep.cases_of(ids))
    elsewhere = keep.words([message for message, _ in keep.words_elsewhere(ids)])
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        detail = {"identities": len(ids), "cases": len(cases), "messages": len(elsewhere)}
        tx.log(NewEvent("person.exported", detail=detail))
    return Everything(tuple(identities), cases, frozenset(keep.own_messages(ids)), tuple(elsewhere))


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure takes with it, or took."""

    identities: tuple[str, ...]
    cases: tuple[str, ...]
    open_cases: tuple[str, ...]
    messages_elsewhere: int
    named_in: tuple[str, ...]
    """Where the person may still be named, so that an officer looks there: other people's cases, contacts' mails in
    none, incidents, saved answers.
    """
    done: keeping.Pruned | None = None


def erasure(desk: Desk, key: str) -> Erasure:
    """What erasing a person would take with it."""
    return _plan(desk, everybody(desk, key))


def _plan(desk: Desk, identities: Sequence[Identity]) -> Erasure:
    keep = desk.store.keeping
    ids = [each.id for each in identities]
    case_ids = keep.cases_of(ids)
    refs = keep.refs(case_ids)
    rows = inbox.rows(desk, case_ids)
    named = {ref for each in identities for ref in keep.named_in(each.handle, each.name)}
    named |= keep.mixed_with(case_ids) | set(_saved_with(desk, identities))
    return Erasure(
        tuple(name_of(each) for each in identities),
        tuple(refs[i] for i in case_ids),
        tuple(row.ref for row in rows if row.status != "closed"),
        len(keep.words_elsewhere(ids)),
        tuple(sorted(named - set(refs.values()))),
    )


def _saved_with(desk: Desk, identities: Sequence[Identity]) -> Iterator[str]:
    """Saved answers in which somebody is named: one may be made of a reply to them."""
    names = [each.handle.casefold() for each in identities if each.handle.strip("@")]
    names += [each.name.casefold() for each in identities if " " in each.name.strip()]
    for answer in desk.config.answers:
        words = "\n".join((answer.text, *answer.for_.values())).casefold()
        if any(name in words for name in names):
            yield f"the saved answer {answer.id}"


def erase(desk: Desk, key: str, *, anyway: bool = False) -> Erasure:
    """Forget a person over all linked identities: words, names, pictures; counts and tombstones stay.

    Raises `Refused` while one of their cases is open, unless `anyway`, and while something to them is just leaving.
    """
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        # Looked at with the store held: what arrived a moment ago is theirs, too.
        identities = everybody(desk, key)
        ids = [each.id for each in identities]
        plan = _plan(desk, identities)
        if plan.open_cases and not anyway:
            raise Refused(
                f"{', '.join(plan.open_cases[:5])} of this person {'is' if len(plan.open_cases) == 1 else 'are'} open.",
                hint="Close them first, or use --anyway: they are forgotten as they stand, and nothing more is sent.",
            )
        case_ids = desk.store.keeping.cases_of(ids)
        if leaving := desk.store.keeping.leaving(case_ids):
            raise Refused(f"Something of {leaving[0]} is leaving at this moment.", hint="Try again in a minute.")
        found = _erase(desk, tx, ids, case_ids)
    keeping.remove_files(desk, found.files)
    done = keeping.Pruned(forgotten=found)
    keeping.finish(desk, done, compact=True)
    return Erasure(plan.identities, plan.cases, plan.open_cases, plan.messages_elsewhere, plan.named_in, done)


def _erase(desk: Desk, tx: Transaction, ids: Sequence[int], case_ids: Sequence[int]) -> Forgotten:
    elsewhere = [message for message, _ in desk.store.keeping.words_elsewhere(ids)]
    tx.forget.drop_waiting(case_ids)
    found = tx.forget.moved_away(case_ids, tx.at)
    found.add(keeping.forget_cases(desk, tx, case_ids, "request"))
    found.add(tx.forget.messages(elsewhere, tx.at))
    tx.people.close_open(case_ids, tx.at)
    tx.forget.lift(case_ids)
    tx.noticing.unsay(case_ids)
    for person in ids:
        tx.forget.person(person)
    tx.log(NewEvent("person.erased", detail={"identities": len(ids), **keeping.counts(found)}))
    return found
