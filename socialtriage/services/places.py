"""Where messages belong: the cases of a page's people by thread and conversation, and what they opened before.

Only what the people of the page can join is read: a thread of thousands of residents, or a person with thousands of
cases, costs no more than any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from socialtriage.domain import reference
from socialtriage.domain.cases import Case
from socialtriage.domain.models import Incoming, Status
from socialtriage.domain.times import iso
from socialtriage.store.intake import EarlierCase, KnownPerson, Place
from socialtriage.store.store import Transaction

PLACES: tuple[Place, Place] = ("conversation", "thread")
"""What tells where a message belongs, the strongest first."""


class Places:
    """The cases that the messages of one page may join. `cases` has them as they are after what came so far."""

    def __init__(self, tx: Transaction, account: str, prefix: str, repeat_window: timedelta) -> None:
        self._get = tx.cases.get
        self._merged_into = tx.grouping.merged_into
        self._any_merged = tx.grouping.any_merged()
        self._intake = tx.intake
        self._account = account
        self._prefix = prefix
        self._in_words = prefix.casefold()
        self._window = repeat_window
        self.cases: dict[int, Case] = {}
        self.case_of: dict[str, int] = {}
        """Remote id → case, of messages of this page and of those they answer."""
        self._by_person: dict[tuple[str, int], int] = {}
        self._human: dict[int, set[int]] = {}
        self._earlier: dict[int, list[EarlierCase]] = {}

    def load(self, fresh: Sequence[Incoming], known: Mapping[str, KnownPerson], stored: Mapping[str, int]) -> None:
        """Read what `fresh` may join. `known` are its authors who wrote before, `stored` the cases of its messages."""
        self._link(known.values())
        theirs = [i for i in fresh if not i.own and i.author.key in known]
        for place in PLACES:
            pairs = {
                (key, identity)
                for item in theirs
                if (key := getattr(item, place)) is not None
                for identity in self._identities(known[item.author.key].id)
            }
            if pairs:
                for case in self._intake.cases_in(self._account, place, pairs):
                    self.know(case)
        people = {person for i in theirs if i.automatic is None for person in self._identities(known[i.author.key].id)}
        if people:
            since = iso(min(item.at for item in theirs) - self._window)
            for earlier in self._intake.earlier_cases(sorted(people), since):
                self._earlier.setdefault(earlier.person_id, []).append(earlier)
        parents = [i.parent for i in fresh if i.parent and i.parent not in stored]
        self.case_of.update(stored)
        if parents:
            self.case_of.update(self._intake.cases_of_messages(self._account, parents))

    def _link(self, known: Iterable[KnownPerson]) -> None:
        """Which identities are one human, by an officer's word."""
        heads = {person.id: person.linked_to or person.id for person in known}
        if heads:
            groups = self._intake.linked(set(heads.values()))
            self._human = {person: groups[head] for person, head in heads.items() if head in groups}

    def _identities(self, person: int) -> set[int]:
        return self._human.get(person) or {person}

    def know(self, case: Case) -> None:
        """Find this case by its thread or conversation: open ones before closed ones, later before earlier."""
        self.cases.setdefault(case.id, case)
        self._stand(case.thread, case)
        if case.conversation is not None and case.conversation != case.thread:
            self._stand(case.conversation, case)

    def _stand(self, place: str, case: Case) -> None:
        key = (place, case.person_id)
        old = self.cases.get(self._by_person.get(key, -1))
        if old is None or case.status is not Status.CLOSED or old.status is Status.CLOSED:
            self._by_person[key] = case.id

    def case_for(self, item: Incoming, person: int) -> int | None:
        """The case that a resident's message joins: same conversation, same thread, or a reference it quotes."""
        identities = self._identities(person)
        for identity in identities:
            for place in (item.conversation, item.thread):
                if place is not None and (found := self._by_person.get((place, identity))) is not None:
                    return self._now(found)
        return self._quoted(item, identities)

    def _now(self, case_id: int) -> int:
        """The case itself, or the one that an officer merged it into."""
        return self._merged_into([case_id]).get(case_id, case_id) if self._any_merged else case_id

    def _quoted(self, item: Incoming, identities: set[int]) -> int | None:
        for case in self._cases_quoted(item):
            if case.person_id in identities:
                self.cases.setdefault(case.id, case)
                return self._now(case.id)
        return None

    def _cases_quoted(self, item: Incoming) -> Iterable[Case]:
        text = f"{item.subject}\n{item.text}" if item.subject else item.text
        refs = reference.find(text, self._prefix) if self._in_words in text.casefold() else []
        return self._intake.cases_by_ref(refs).values() if refs else ()

    def quotes(self, item: Incoming) -> tuple[str, ...]:
        """Why a message of a new case may belong to other people's cases: it quotes their references."""
        return tuple(f"quotes {case.ref}, a case of somebody else" for case in self._cases_quoted(item))

    def get(self, case_id: int) -> Case:
        """A case, as it is after what came so far. Raises `NotFound`."""
        case = self.cases.get(case_id)
        if case is None:
            case = self.cases[case_id] = self._get(case_id)
        return case

    def case_of_context(self, item: Incoming, person: int | None) -> int | None:
        """The case of our own message or of an ancestor: its parent's, its conversation's, its thread's only one."""
        if not item.own:
            found = self._by_person.get((item.thread, person)) if person is not None else None
            return None if found is None else self._now(found)
        if item.parent and item.parent in self.case_of:
            return self.case_of[item.parent]
        if item.parent and item.parent != item.thread and not item.conversation:
            return None  # what it answers may come with an older page, and is then what tells
        return self._only_one(item.conversation or item.thread)

    def _only_one(self, key: str) -> int | None:
        """The case of a thread or conversation in which only one person has any."""
        people = {person for place, person in self._by_person if place == key}
        for place in PLACES:
            if len(people) < 2:
                people.update(self._intake.people_in(self._account, place, key))
        if len(people) != 1:
            return None
        (person,) = people
        if (key, person) not in self._by_person:
            for place in PLACES:
                for case in self._intake.cases_in(self._account, place, [(key, person)]):
                    self.know(case)
        return self._now(self._by_person[key, person])

    def earlier(self, person: int, at: datetime) -> Iterator[EarlierCase]:
        """What the person opened in the time that makes a repeat contact, as it stands now, in the order of ids."""
        horizon = at - self._window
        for identity in self._identities(person):
            for case in self._earlier.get(identity, ()):
                if horizon <= case.opened_at <= at:
                    now = self.cases.get(case.id)
                    yield case if now is None else case._replace(waiting_since=now.waiting_since)

    def later(self, person: int, at: datetime) -> list[int]:
        """Cases that the person opened after `at`, within the time that makes a repeat: older news came late.

        The nearest in time first.
        """
        horizon = at + self._window
        found = (case for identity in self._identities(person) for case in self._earlier.get(identity, ()))
        return [case.id for case in sorted((c for c in found if at < c.opened_at <= horizon), key=_opened_at)]

    def opened(self, case: Case) -> None:
        """A case was opened by this page."""
        self.know(case)
        if not any(flag.startswith("automatic") for flag in case.flags):
            earlier = EarlierCase(case.id, case.person_id, case.opened_at, case.waiting_since)
            self._earlier.setdefault(case.person_id, []).append(earlier)


def _opened_at(case: EarlierCase) -> datetime:
    return case.opened_at
