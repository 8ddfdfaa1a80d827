"""One part of a page on its way into the store: which case each message joins, opens or changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from socialtriage.config.model import AccountConfig
from socialtriage.domain import cases as life
from socialtriage.domain.cases import Case
from socialtriage.domain.late import replace
from socialtriage.domain.models import Automatic, Incoming, Status, Urgency, Visibility, Voice
from socialtriage.domain.rules import Suggestion
from socialtriage.domain.text import snippet
from socialtriage.domain.times import iso
from socialtriage.services.desk import Desk
from socialtriage.services.flagging import first_words, flagged
from socialtriage.services.noticing import Noticing
from socialtriage.services.older_news import RELATED, OlderNews
from socialtriage.services.places import Places
from socialtriage.services.references import free_references
from socialtriage.services.spotting import Found, spotted
from socialtriage.services.standing import restand
from socialtriage.services.taken import TakenIn, words_of
from socialtriage.services.timeline import replayed
from socialtriage.store.intake import BACKGROUND, Revised, StoredMessage
from socialtriage.store.log import NewEvent
from socialtriage.store.store import Transaction

UNANSWERED = (Automatic.AUTO_REPLY, Automatic.BOUNCE)
"""Mail that waits for no answer. Bulk mail may be a form without a return address, so that its clock runs."""
Suggest = Callable[[str], Suggestion | None]


class Batch:
    """A part of a page on its way into the store, inside one transaction."""

    def __init__(self, desk: Desk, account: AccountConfig, tx: Transaction, suggest: Suggest) -> None:
        self.desk = desk
        self.account = account
        self.network = desk.network_of(account)
        self.tx = tx
        self.now, self.stamp = tx.at, iso(tx.at)
        self.suggest = suggest
        self.result = TakenIn()
        self.places = Places(tx, account.id, desk.config.organisation.prefix, desk.repeat_window)
        self.noticing = Noticing(tx, account.id)
        self.cases = self.places.cases
        self.opened: dict[int, Case] = {}
        self.before: dict[int, Case] = {}
        self.refs: list[str] = []
        self.replay: dict[int, datetime | None] = {}
        self.bumped: set[int] = set()
        self.rows: list[tuple[int, int | None, int | None, Voice, Incoming]] = []
        self.links: list[tuple[int, int, str, str]] = []
        self.adopted: list[tuple[int, int]] = []
        self.addressed: list[int] = []
        self.older = OlderNews(self)
        self.events: list[NewEvent] = []
        self.spots: list[Found] = []

    def run(self, items: Sequence[Incoming], gone: Sequence[str]) -> None:
        """Sort the items into new, edited and known, and write everything."""
        stored = (
            self.tx.intake.messages(self.account.id, [*(i.remote_id for i in items), *gone]) if items or gone else {}
        )
        fresh = [*self._fresh(items, stored), *self._addressed_at_last(items, stored)]
        self._conversations(items, stored)
        self._revise(items, stored)
        self._gone(gone, stored)
        if fresh:
            self._take(fresh, stored)
        self._write()

    def _fresh(self, items: Sequence[Incoming], stored: dict[str, StoredMessage]) -> list[Incoming]:
        """Items that are not here yet, each once, without what was deleted here."""
        new: dict[str, Incoming] = {}
        for item in items:
            if item.remote_id not in stored:
                new.setdefault(item.remote_id, item)
        dead = self.tx.intake.tombstones(self.account.id, list(new)) if new else set()
        return [item for key, item in new.items() if key not in dead]

    def _addressed_at_last(self, items: Sequence[Incoming], stored: dict[str, StoredMessage]) -> list[Incoming]:
        """Residents' messages that were kept as background only and now turn out to be written to us."""
        found = {
            item.remote_id: item
            for item in items
            if not item.own
            and not item.context
            and (old := stored.get(item.remote_id)) is not None
            and (old.state == BACKGROUND or old.case_id is None)
            and old.voice is Voice.RESIDENT
        }
        return list(found.values())

    def _conversations(self, items: Sequence[Incoming], stored: dict[str, StoredMessage]) -> None:
        """Our private answer to a public message began a conversation: the resident's words there are that case's."""
        for item in items:
            old = stored.get(item.remote_id)
            if item.own and item.conversation and old is not None and old.case_id is not None:
                self.tx.cases.begin_conversation(old.case_id, item.conversation)

    # --- new messages -------------------------------------------------------------------------------------

    def _take(self, fresh: list[Incoming], stored: dict[str, StoredMessage]) -> None:
        persons = self._persons(fresh, stored)
        residents = [i for i in fresh if not i.own and not i.context]
        self.noticing.load(residents)
        self._draw(sum(i.parent is None or i.parent not in self.places.case_of for i in residents))
        next_message = self.tx.intake.next_id("messages")
        next_case = self.tx.intake.next_id("cases")
        ids: dict[str, int] = {}
        for item in residents:
            person = persons[item.author.key]
            case_id = self.places.case_for(item, person)
            if case_id is None:
                case_id = next_case
                next_case += 1
                self._open(case_id, item, person)
            else:
                known = stored.get(item.remote_id)
                self._join(case_id, item, counted=known is not None and known.case_id == case_id)
            self.places.case_of[item.remote_id] = ids[item.remote_id] = case_id
            self.result.new += 1
        for item in fresh:
            case_id = ids.get(item.remote_id) or self.places.case_of_context(item, persons.get(item.author.key))
            voice = Voice.OFFICER if item.own else Voice.RESIDENT
            person_id = None if item.own else persons[item.author.key]
            if (known := stored.get(item.remote_id)) is not None:
                self.adopted.append((case_id or 0, known.id))
                self.addressed.append(known.id)
                continue
            self.rows.append((next_message, case_id, person_id, voice, item))
            next_message += 1
            if case_id is not None and item.remote_id not in ids:
                self._attach(case_id, item)
        self._adopt(fresh, ids)

    def _persons(self, fresh: Sequence[Incoming], stored: dict[str, StoredMessage]) -> dict[str, int]:
        """Ids of the authors, new ones made, renamed ones renamed; what those who are known may join is read."""
        authors = {i.author.key: i.author for i in fresh if not i.own}
        known = self.tx.intake.persons(self.network, list(authors)) if authors else {}
        self.places.load(fresh, known, {key: m.case_id for key, m in stored.items() if m.case_id is not None})
        ids = {key: person.id for key, person in known.items()}
        next_id = self.tx.intake.next_id("persons") if len(ids) < len(authors) else 0
        new = []
        for key, author in authors.items():
            if key not in known:
                ids[key] = next_id
                new.append((next_id, key, author.handle, author.name, author.url, self.stamp))
                next_id += 1
        self.tx.intake.add_persons(self.network, new)
        self.tx.intake.rename_persons(
            (authors[key].handle, authors[key].name, person.id)
            for key, person in known.items()
            if (person.handle, person.name) != (authors[key].handle, authors[key].name)
        )
        return ids

    def _open(self, case_id: int, item: Incoming, person: int) -> None:
        """A new case for a resident's message."""
        at = min(item.at, self.now)
        said = self.suggest(words_of(item))
        quiet = item.automatic in UNANSWERED
        earlier = [] if quiet else list(self.places.earlier(person, at))
        unanswered = [case.waiting_since for case in earlier if case.waiting_since]
        waiting = None if quiet else min([*unanswered, at])
        urgency = Urgency.LOW if quiet else Urgency.NORMAL.raised() if earlier else Urgency.NORMAL
        due = self.desk.clocks.due(urgency, waiting)
        case = Case(
            id=case_id,
            ref=self._reference(),
            version=1,
            status=Status.NEW,
            urgency=urgency,
            area=self.account.area,
            account=self.account.id,
            network=self.network,
            visibility=item.visibility,
            person_id=person,
            thread=item.thread,
            conversation=item.conversation,
            snippet=snippet(item.text or item.subject or ""),
            opened_at=at,
            last_message_at=at,
            waiting_since=waiting,
            due_at=due.at,
            due_clock=due.clock,
            due_from=due.since,
            media=len(item.media),
            repeat_count=len(earlier) + 1,
            repeat_since=min(unanswered or [case.opened_at for case in earlier], default=None),
            suggested_area=said.area if said else None,
            suggested_urgency=said.urgency if said else None,
            suggested_because=(*(said.because if said else ()), *self.places.quotes(item), *self.noticing.of(item)),
            flags=(f"automatic:{item.automatic}",) if item.automatic else (),
        )
        self.links += [(other.id, case_id, "same person", self.stamp) for other in earlier[-RELATED:]]
        self._opened(self._marked(case, item), item)

    def _opened(self, case: Case, item: Incoming) -> None:
        self.opened[case.id] = self.cases[case.id] = case
        self.noticing.look(case, words_of(item))
        self.older.came(case)
        self.places.opened(case)

    def _draw(self, count: int) -> None:
        """Draw references for so many new cases at once."""
        used = {case.ref for case in self.opened.values()}
        self.refs += [r for r in free_references(self.tx, self.desk.config.organisation.prefix, count) if r not in used]

    def _reference(self) -> str:
        while not self.refs:
            self._draw(8)
        return self.refs.pop()

    def _join(self, case_id: int, item: Incoming, *, counted: bool) -> None:
        """A resident's message in a case that exists; `counted` when it stood there already, as background."""
        case = self.touch(case_id)
        at = min(item.at, self.now)
        if not counted:
            case = replace(case, messages=case.messages + 1, media=case.media + len(item.media))
        if at < case.last_message_at:
            unseen = not counted and self.tx.messages.answered_from_here(case_id, at)
            self.replay[case_id] = self.replay.get(case_id) or (at if unseen else None)
        if at < case.opened_at:
            case = self._began_with(case, item, at)
        if item.automatic not in UNANSWERED:
            after = life.resident_wrote(case, at)
            if after.reopened_at != case.reopened_at:
                self.events.append(NewEvent("case.reopened", case_id, case.ref, {"why": "the resident wrote again"}))
            if item.visibility is Visibility.PRIVATE and case.visibility is Visibility.PUBLIC and item.conversation:
                after = replace(after, conversation=after.conversation or item.conversation)
            case = self.desk.clocks.with_due(after)
        self.cases[case_id] = case
        self.places.know(case)
        self.events.append(NewEvent("message.received", case_id, case.ref, {"remote_id": item.remote_id}))
        self._flag(case_id, item)

    def _began_with(self, case: Case, item: Incoming, at: datetime) -> Case:
        """The case, of which an older message came late: what it begins with, and what that is about."""
        case = replace(case, opened_at=at, snippet=first_words(case.flags, item.text or item.subject or ""))
        said = self.suggest(words_of(item)) if case.status is Status.NEW else None
        if said is None:
            return case
        urgencies = [each for each in (said.urgency, case.suggested_urgency) if each is not None]
        return replace(
            case,
            suggested_area=said.area or case.suggested_area,
            suggested_urgency=min(urgencies, key=lambda each: each.rank, default=None),
            suggested_because=tuple(dict.fromkeys((*said.because, *case.suggested_because))),
        )

    def _marked(self, case: Case, item: Incoming) -> Case:
        """The case, marked when a resident's message has a blocked word, or words that the spotter looks for."""
        case, event = flagged(self.desk, case, item)
        case, found, spots = spotted(self.desk, self.tx, case, item)
        self.events += [event, *spots] if event else spots
        self.spots += found
        return case

    def _flag(self, case_id: int, item: Incoming) -> None:
        """The same for a case that exists."""
        before = self.places.get(case_id)
        if (case := self._marked(before, item)) is not before:
            self.touch(case_id)
            self.cases[case_id] = case

    def _attach(self, case_id: int, item: Incoming) -> None:
        case = self.touch(case_id)
        self.cases[case_id] = replace(case, messages=case.messages + 1, media=case.media + len(item.media))
        self.places.case_of[item.remote_id] = case_id
        self.replay.setdefault(case_id)
        if item.own:
            self.events.append(NewEvent("reply.seen", case_id, case.ref, {"remote_id": item.remote_id}))

    def touch(self, case_id: int) -> Case:
        """The case as it is in this batch, remembered as it was before."""
        case = self.places.get(case_id)
        if case_id not in self.opened:
            self.before.setdefault(case_id, case)
        return case

    def _adopt(self, fresh: Sequence[Incoming], ids: dict[str, int]) -> None:
        """Our own messages that came before the one they answer find their case now."""
        residents = [i for i in fresh if i.remote_id in ids]
        if not residents:
            return
        conversations = {i.conversation: ids[i.remote_id] for i in residents if i.conversation}
        strays = self.tx.intake.strays(self.account.id, [i.remote_id for i in residents], list(conversations))
        placed = {message_id for _, message_id in self.adopted}
        for message_id, parent, conversation in strays:
            case_id = ids.get(parent) or conversations.get(conversation)
            if case_id is not None and message_id not in placed:
                self.adopted.append((case_id, message_id))
                case = self.touch(case_id)
                self.cases[case_id] = replace(case, messages=case.messages + 1)
                self.replay.setdefault(case_id)

    # --- edits and deletions ------------------------------------------------------------------------------

    def _revise(self, items: Sequence[Incoming], stored: dict[str, StoredMessage]) -> None:
        """Edited texts become revisions; a message that is readable again is no longer gone."""
        revised = []
        back = []
        # A page may hold a message twice, before and after an edit: the later one counts.
        for item in {item.remote_id: item for item in items}.values():
            old = stored.get(item.remote_id)
            if old is None:
                continue
            if old.gone and not item.context:
                back.append(old.id)
            if item.media and not old.redacted:
                self.tx.evidence.relink(old.id, item.media)
            # A network shows our answer with the mention that it added: that is no edit.
            ours_as_sent = old.state == "sent" and item.edited_at is None
            if (old.text, old.subject) != (item.text, item.subject) and not (ours_as_sent or old.redacted):
                revised.append(Revised(old, item))
                self._note_change(old, "message.edited")
                if old.case_id is not None and old.voice is Voice.RESIDENT:
                    self._begin_anew(old.case_id, old, item)
                    self._flag(old.case_id, item)
        self.tx.intake.revise(revised, self.stamp)
        self.tx.intake.back_again(back)
        told = [(stored[i.remote_id], i) for i in items if "status" in i.reply_data and i.remote_id in stored]
        restand(self.tx, [(old.id, item) for old, item in told if not (item.context or old.redacted)])
        self.result.updated += len(revised)

    def _begin_anew(self, case_id: int, old: StoredMessage, item: Incoming) -> None:
        """Lists show the first words as they are now: what somebody took out of their message is not read there."""
        case = self.places.get(case_id)
        if case.snippet == snippet(old.text or old.subject or ""):
            case = self.touch(case_id)
            self.cases[case_id] = replace(case, snippet=first_words(case.flags, item.text or item.subject or ""))

    def _gone(self, gone: Sequence[str], stored: dict[str, StoredMessage]) -> None:
        """Messages that their source no longer has."""
        missing = [stored[key] for key in dict.fromkeys(gone) if key in stored and not stored[key].gone]
        for old in missing:
            self._note_change(old, "message.gone")
        self.tx.intake.mark_gone([m.id for m in missing], self.stamp)
        self.result.updated += len(missing)

    def _note_change(self, message: StoredMessage, kind: str) -> None:
        """A case whose message changed gets a new version, so that nobody answers what is no longer there."""
        if message.case_id is None:
            return
        case = self.tx.cases.get(message.case_id)
        self.bumped.add(case.id)
        self.events.append(NewEvent(kind, case.id, case.ref, {"remote_id": message.remote_id}))

    # --- writing ------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Every row, then the events."""
        self.older.count()
        self.opened = {case_id: self.cases[case_id] for case_id in self.opened}
        self.tx.intake.add_cases(list(self.opened.values()))
        self.tx.spots.add(self.spots)
        self.tx.intake.add_messages(self.account.id, self.stamp, self.rows)
        self.noticing.write(self.rows)
        self.tx.intake.link_cases(self.links)
        self.tx.intake.adopt(self.adopted)
        self.tx.intake.addressed(self.addressed)
        for case_id in sorted(self.replay):
            self._replayed(case_id)
        for case_id, before in self.before.items():
            self.tx.cases.save(before, self.cases[case_id])
        for case_id in self.bumped - set(self.before):
            self.tx.cases.bump(case_id)
        if self.rows:
            self.tx.accounts.newest(self.account.id, max(min(row[4].at, self.now) for row in self.rows))
        self.result.case_ids += sorted({*self.opened, *self.before, *self.bumped})
        opened = [
            NewEvent(
                "case.opened",
                case.id,
                case.ref,
                {"account": case.account, "network": case.network, "visibility": case.visibility},
            )
            for case in self.opened.values()
        ]
        self.tx.log(*opened, *self.events)

    def _replayed(self, case_id: int) -> None:
        """Who waits for whom, from the whole conversation in its order: our own words may arrive late."""
        if case_id in self.opened:
            self.before[case_id] = self.opened[case_id]
        said, unseen = self.tx.intake.timeline(case_id), self.replay[case_id]
        case = replayed(self.desk.clocks, self.cases[case_id], said, unseen)
        self.cases[case_id] = self.desk.clocks.with_due(case)
