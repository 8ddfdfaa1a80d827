"""The `:` line: what can be typed, how it completes, and which action it means. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import Kind, Outcome, Status, Urgency
from socialtriage.services import inbox, queries
from socialtriage.ui.actions import Action, commands

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk


@dataclass(frozen=True, slots=True)
class Completion:
    """A way to go on: the whole line as it would be, and what it means."""

    line: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the arguments may be; words come from the desk."""

    desk: Desk
    themes: Sequence[str] = ()

    def words(self, argument: str) -> list[tuple[str, str]]:
        """Words and their meanings for a kind of argument; none where anything may be typed."""
        return list(ARGUMENTS[argument](self)) if argument in ARGUMENTS else []


def _areas(vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    for area in vocabulary.desk.config.areas:
        yield area.id, area.name
    for area in vocabulary.desk.config.areas:
        for topic in area.topics:
            yield f"{area.id}/{topic}", f"{area.name} / {topic}"
    yield "none", "no area"


def _filters(vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    desk = vocabulary.desk
    for word in queries.IS_WORDS:
        yield f"is:{word}", ""
    for area in desk.config.areas:
        yield f"area:{area.id}", area.name
    for account in desk.config.accounts:
        yield f"account:{account.id}", account.network
    for urgency in Urgency:
        yield f"urgency:{urgency.value}", ""
    for status in Status:
        yield f"status:{status.value}", ""
    yield from ((f"kind:{kind.value}", "") for kind in Kind)
    yield from ((f"outcome:{outcome.value}", "") for outcome in Outcome)
    yield from ((f"charter:{word}", "") for word in ("kept", "broken", "waiting", "none"))
    yield from ((f"contact:{contact.id}", contact.name) for contact in desk.config.contacts)
    yield from ((f"incident:{each.name}", "an incident") for each in desk.store.incidents.all())
    yield from (("from:", "a handle or a part of a name"), ("before:", "a date"), ("after:", "a date"))


ARGUMENTS: dict[str, Callable[[Vocabulary], Iterator[tuple[str, str]]]] = {
    "area": _areas,
    "filter": _filters,
    "view": lambda vocabulary: iter([(view.id, view.name) for view in inbox.ALL_VIEWS]),
    "urgency": lambda vocabulary: iter([(each.value, "") for each in Urgency]),
    "kind": lambda vocabulary: iter([(each.value, "") for each in Kind]),
    "outcome": lambda vocabulary: iter([(each.value, "") for each in Outcome]),
    "contact": lambda vocabulary: iter([(each.id, each.name) for each in vocabulary.desk.config.contacts]),
    "theme": lambda vocabulary: iter([(name, "") for name in vocabulary.themes]),
    "span": lambda vocabulary: iter([("week", "seven days"), ("month", "thirty days"), ("year", "twelve months")]),
    "when": lambda vocabulary: iter([(word, "") for word in ("tomorrow 09:00", "monday 09:00", "4h", "2d", "+7d")]),
    "officer": lambda vocabulary: iter([("nobody", "release it"), (vocabulary.desk.officer, "you")]),
    "answer": lambda vocabulary: iter([(each.id, each.text[:60]) for each in vocabulary.desk.config.answers]),
    "text": lambda vocabulary: iter(()),
}
"""What may follow the name of an action, by the word in the action table."""


def parse(line: str) -> tuple[Action, str]:
    """The action and its argument. A name may be cut short while it stays clear. Raises `UsageError`."""
    name, argument, *_ = [*line.strip().lstrip(":").split(maxsplit=1), "", ""]
    known = commands()
    found = [low] if (low := name.lower()) in known else [each for each in known if each.startswith(low)]
    if len(found) == 1:
        action = known[found[0]]
        if argument.strip() and not action.argument:
            raise UsageError(f":{action.command} takes nothing after it.")
        return action, argument.strip()
    if found:
        raise UsageError(f":{name} could be {', '.join(found)}.")
    near = difflib.get_close_matches(low, known, n=1, cutoff=0.5)
    raise UsageError(f"There is no command :{name[:40]}.", hint=f"Did you mean :{near[0]}?" if near else "? lists all.")


def complete(line: str, vocabulary: Vocabulary) -> list[Completion]:
    """How the line can go on, likeliest first."""
    name, blank, argument = line.lstrip().removeprefix(":").partition(" ")
    known = commands()
    if not blank:
        begins = [each for each in known if each.startswith(name.lower())]
        holds = [
            each for each in known if each not in begins and name.lower() in f"{each} {known[each].tooltip}".lower()
        ]
        return [Completion(_whole(known[each]), known[each].tooltip) for each in (*begins, *holds)]
    action = known.get(name)
    if action is None:
        return []
    head, last = _split(action, argument)
    words = vocabulary.words(action.argument)
    fits = [each for each in words if each[0].lower().startswith(last.lower())]
    fits += [each for each in words if each not in fits and last.lower() in f"{each[0]} {each[1]}".lower()]
    return [Completion(f"{name} {head}{word}", meaning) for word, meaning in fits]


def _whole(action: Action) -> str:
    return f"{action.command} " if action.argument else action.command


def _split(action: Action, argument: str) -> tuple[str, str]:
    """Filters are words one after the other, each completed by itself; everything else is one word."""
    if action.argument != "filter":
        return "", argument.lstrip()
    head, blank, last = argument.rpartition(" ")
    return head + blank, last
