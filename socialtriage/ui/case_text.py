"""A case in paragraphs: headline, suggestion, facts, thread, handoffs, related cases, log. `ui.flow` wraps them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from zoneinfo import ZoneInfo

from socialtriage.domain import sametext
from socialtriage.domain.event_words import event_detail
from socialtriage.domain.late import dataclass
from socialtriage.domain.models import DueState, MediaState, OutboxState, Status, Urgency, Visibility, Voice
from socialtriage.domain.repeats import repeated
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import CaseDetail, CaseRow, EventView, HandoffView, MediaView, MessageView, RelatedCase
from socialtriage.ui import words
from socialtriage.ui.cells import Run
from socialtriage.ui.flow import Para, fact, join, para

SUGGESTION = "suggestion"
"""The stop at the suggestion; a message's stop is `message-ID`."""
CAP = 1_500
CAP_IN_LONG_THREADS = 400
LONG_THREAD = 100
FULL_CAP = 20_000
"""Characters of a message that are shown: at first, in threads longer than `LONG_THREAD`, and when it is opened."""
LOG_SHOWN = 40

_DUE = {DueState.LATE: "alarm", DueState.SOON: "warn", DueState.ON_TIME: "dim", DueState.NONE: "dim"}


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the time, the zone, the names of areas, and which messages are opened whole."""

    now: datetime
    zone: ZoneInfo
    areas: Mapping[str, str]
    opened: Collection[int] = ()
    accept_key: str = "tab"
    tell_key: str = "p"
    chase_key: str = "c"
    merge_key: str = "m"
    incident_key: str = "I"
    picture_key: str = "P"
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What each area must know before a handoff."""
    pictures: Mapping[int, tuple[Para, ...]] = field(default_factory=dict)
    """What stands below a file in the thread because somebody asked for it: the photo, or why it is not drawn."""

    def at(self, moment: datetime) -> str:
        """A moment as a colleague would say it."""
        return words.clock(moment, self.now, self.zone)

    def area(self, area: str | None, topic: str | None = None) -> str:
        """The name of an area, with its topic."""
        name = self.areas.get(area, area) if area else ""
        return clean_line(f"{name} / {topic}" if topic else name)


def whole(detail: CaseDetail, reader: Reader) -> Iterator[Para]:
    """Everything, one below the other: for the narrow screen and the preview."""
    yield from headline(detail, reader)
    yield from banners(detail, reader)
    yield from suggestion(detail.row, reader)
    yield from facts(detail, reader)
    yield from thread(detail, reader)
    yield from beside(detail, reader)


def beside(detail: CaseDetail, reader: Reader) -> Iterator[Para]:
    """Handoffs, related cases and the log."""
    yield from handoffs(detail.handoffs, reader)
    yield from related(detail.related, reader)
    yield from log(detail.events, reader)


def headline(detail: CaseDetail, reader: Reader) -> Iterator[Para]:
    """Reference, urgency, deadline, status, and where it was written."""
    row = detail.row
    due, state = words.due(row, reader.now, reader.zone, long=True)
    urgent = row.urgency in (Urgency.EMERGENCY, Urgency.URGENT)
    yield Para(
        join(
            (
                [(row.ref, "title")],
                [(words.URGENCY[row.urgency], "alarm" if urgent else "strong")],
                [(due, _DUE[state])] if row.status is not Status.CLOSED else [],
                [(words.STATUS[row.status], "strong")],
                [(repeated(row, reader.now)[0], "warn")] if row.repeat_count > 1 else [],
                [("a blocked word is in it", "warn")] if "blocked_word" in row.flags else [],
                [("HELD: lists do not show its words", "warn")] if "held" in row.flags else [],
            )
        ),
        end=True,
    )
    yield from _next_step(row, reader)
    yield para("")


def _next_step(row: CaseRow, reader: Reader) -> Iterator[Para]:
    """The key that goes on with a case whose contact answered, or should have."""
    if row.status is Status.TELL_RESIDENT:
        said: tuple[Run, ...] = (("A contact answered.  ", "calm"), (reader.tell_key, "key"))
        yield Para((*said, (" makes their words the draft of an answer", "dim")), end=True)
    elif row.status is Status.WAITING_CONTACT and row.contact_due_at and row.contact_due_at < reader.now:
        said = (("The contact is late.  ", "warn"), (reader.chase_key, "key"))
        yield Para((*said, (" reminds them", "dim")), end=True)


def same_texts(row: CaseRow, reader: Reader) -> Iterator[Para]:
    """Other cases with the same text, and the key that merges or links them."""
    said = [reason for reason in row.suggested_because if sametext.refs([reason])]
    if not said or row.status is Status.CLOSED:
        return
    runs: list[Run] = [(clean_line("; ".join(said).replace("same", "Same", 1), 300), "warn")]
    yield Para((*runs, (f"  {reader.merge_key}", "key"), (" merges or links", "dim")), end=True)


def banners(detail: CaseDetail, reader: Reader) -> Iterator[Para]:
    """What the spotter flagged: what it may be, by when, who answers for it, what to do first; the same text again."""
    yield from same_texts(detail.row, reader)
    for spot in detail.spots:
        left = (spot.due_on - reader.now.astimezone(reader.zone).date()).days if spot.due_on else 0
        due = f"answer by {spot.due_on:%a %d %b %Y}, {words.many(left, 'day')} left" if spot.due_on else ""
        parts: tuple[list[Run], ...] = (
            [(clean_line(spot.name).upper(), "alarm")],
            [(due if left >= 0 else f"was due {spot.due_on:%a %d %b %Y}", "warn")],
            [(clean_line(spot.contact), "calm")],
            [(clean_line(f"by “{spot.phrase}”"), "dim")],
        )
        yield Para(join(parts))
        if spot.wording:
            yield para(clean_line(spot.wording, 600), "", indent=2)
    if detail.spots:
        yield para("", end=True)


def suggestion(row: CaseRow, reader: Reader) -> Iterator[Para]:
    """What the desk suggests and why, while nobody has accepted it."""
    said = []
    if row.suggested_area and row.suggested_area != row.area:
        said.append(reader.area(row.suggested_area))
    if row.suggested_urgency and row.suggested_urgency is not row.urgency:
        said.append(words.URGENCY[row.suggested_urgency])
    if not said or row.status is Status.CLOSED:
        return
    runs: list[Run] = [("Suggested: ", "dim"), (", ".join(said) + "?", "suggestion")]
    yield Para((*runs, (f"  {reader.accept_key}", "key"), (" accepts it", "dim")), stop=SUGGESTION)
    if row.suggested_because:
        yield para(clean_line("because " + "; ".join(row.suggested_because), 400), "dim", indent=2)
    yield para("", end=True)


def facts(detail: CaseDetail, reader: Reader) -> Iterator[Para]:
    """Who, where, which area, who holds it, since when."""
    row = detail.row
    name, handle = clean_line(row.name), clean_line(row.handle)
    contacts = words.many(detail.contacts, "case") if detail.contacts > 1 else ""
    yield fact("Person", *join(([(name, "strong")], [(handle if handle != name else "", "dim")], [(contacts, "dim")])))
    account = "" if row.account == row.network else clean_line(row.account)
    yield fact("Where", *join(([visible(row.visibility)], [(words.network(row.network), "")], [(account, "dim")])))
    area = reader.area(row.area, row.topic) or "none yet"
    kind = words.KIND[row.kind] if row.kind else ""
    yield fact("Area", *join(([(area, "calm" if row.area else "dim")], [(kind, "")])))
    for incident, state in detail.incidents:
        said = ("", "") if state == "in" else (f"  may belong to it: {reader.incident_key} takes it in", "dim")
        yield fact("Incident", (clean_line(incident), "warn"), said)
    yield fact("Held by", (clean_line(row.owner) if row.owner else "nobody", "" if row.owner else "dim"))
    yield fact("Came in", *join(([(reader.at(row.opened_at), "")], [(words.ago(row.opened_at, reader.now), "dim")])))
    if detail.answer_until is not None and row.status is not Status.CLOSED:
        over = detail.answer_until <= reader.now
        left = "over since" if over else f"{words.span(detail.answer_until - reader.now, fine=True)} left, until"
        yield fact("Answer in", (f"{left} {reader.at(detail.answer_until)}", "alarm" if over else "warn"))
    yield from _moments(detail, reader)
    for reply in detail.unsent:
        doubt = "In doubt" if reply.state is OutboxState.UNKNOWN else "Not sent"
        where = f"the reply on {clean_line(reply.account or '')}"
        yield fact(doubt, *join(([(where, "alarm")], [(clean_line(reply.error or "", 300), "dim")])))
    for need, value in detail.facts.items():
        yield fact(clean_line(need, 30).capitalize(), (clean_line(value, 400), ""))
    known = {need.casefold() for need in detail.facts}
    lacking = [need for need in reader.needs.get(row.area or "", ()) if need.casefold() not in known]
    if lacking and row.status is not Status.CLOSED:
        yield fact("Missing", (clean_line(", ".join(lacking), 400), "warn"))
    if detail.external_reference:
        yield fact("Their ref", (clean_line(detail.external_reference), ""))
    yield para("")


def _moments(detail: CaseDetail, reader: Reader) -> Iterator[Para]:
    """The moments of the case that have come, or were promised."""
    row = detail.row
    told = (
        ("Snoozed", row.snoozed_until if row.status is Status.SNOOZED else None, "until "),
        ("Answered", detail.answered_at, ""),
        ("Promised", detail.promised_at, "by "),
        ("Closed", detail.closed_at, ""),
    )
    for label, moment, before in told:
        if moment is not None:
            outcome = words.OUTCOME[row.outcome] if label == "Closed" and row.outcome else ""
            yield fact(label, *join(([(before + reader.at(moment), "")], [(outcome, "dim")])))


def visible(visibility: Visibility) -> Run:
    """PUBLIC or PRIVATE, in words."""
    return words.VISIBILITY[visibility], "private" if visibility is Visibility.PRIVATE else "public"


def thread(detail: CaseDetail, reader: Reader) -> Iterator[Para]:
    """Every message, oldest first."""
    count = len(detail.messages)
    yield para(words.many(count, "message").upper() if count != 1 else "MESSAGE", "heading", end=True)
    cap = CAP_IN_LONG_THREADS if count > LONG_THREAD else CAP
    for each in detail.messages:
        yield from message(each, reader, cap)
    if not count:
        yield para("No message is left of this case.", "dim")


def message(each: MessageView, reader: Reader, cap: int = CAP) -> Iterator[Para]:
    """One message with voice, time, place, PUBLIC or PRIVATE, what happened to it, and its files."""
    name, handle = clean_line(each.name), clean_line(each.handle)
    who = {Voice.RESIDENT: name or handle, Voice.OFFICER: f"us ({name or handle})", Voice.CONTACT: name or handle}
    voice = "" if each.voice is Voice.OFFICER else words.VOICE[each.voice]
    head = join(
        (
            [(who[each.voice], each.voice.value)],
            [(voice, "dim")],
            [visible(each.visibility)],
            [(reader.at(each.at), "dim")],
            [(each.state, "warn")] if each.state not in ("received", "sent") else [],
        )
    )
    yield Para(head, stop=f"message-{each.id}")
    yield from _remarks(each, reader)
    yield from _body(each, reader, cap)
    for media in each.media:
        yield Para((*_media(media), *_looked_at(media, reader)), indent=2)
        yield from reader.pictures.get(media.id, ())
    yield para("")


def _remarks(each: MessageView, reader: Reader) -> Iterator[Para]:
    if each.place:
        yield para("in " + clean_line(each.place), "dim", indent=2)
    if each.subject:
        yield para(clean_line(each.subject), "strong", indent=2)
    if each.gone_at is not None:
        yield para(f"REMOVED at its source, seen {reader.at(each.gone_at)}", "alarm", indent=2)
    if each.edited_at is not None or each.revisions:
        when = f" {reader.at(each.edited_at)}" if each.edited_at else ""
        yield para(f"edited{when}; {words.many(len(each.revisions), 'earlier text')}", "warn", indent=2)


def _body(each: MessageView, reader: Reader, cap: int) -> Iterator[Para]:
    opened = each.id in reader.opened
    limit = FULL_CAP if opened else cap
    text = clean(each.text[:limit]).strip("\n")
    yield para(text or "(no words)", "" if text else "dim", indent=2)
    rest = len(each.text) - limit
    if rest > 0:
        hint = "the original has them all" if opened else "enter shows more"
        yield para(f"… {rest:,} more characters: {hint}", "warn", indent=2)
    if each.quoted:
        if opened:
            yield para(clean(each.quoted[:FULL_CAP]), "dim", indent=4)
        else:
            yield para(f"… quoted before: {len(each.quoted):,} characters, enter shows them", "dim", indent=2)
    for revision in each.revisions if opened else ():
        yield para(f"before {reader.at(revision.replaced_at)}:", "dim", indent=2)
        yield para(clean(revision.text[:FULL_CAP]), "dim", indent=4)


_INSTEAD = {MediaState.WITHHELD: "it can be seen only at the original"}
"""What to do about a file that is not here and has no reason of its own."""


def _media(media: MediaView) -> tuple[Run, ...]:
    name = clean_line(media.name)
    alt = f"“{clean_line(media.alt)}”" if media.alt else ""
    kept = words.MEDIA[media.state]
    state = "calm" if kept == "kept" else "warn"
    parts: tuple[list[Run], ...] = (
        [(clean_line(media.kind), "strong"), (f" {name}" if name else "", "")],
        [(words.size(media.bytes), "dim")],
        [(kept, state)],
        [(alt, "dim")],
        [(clean_line(media.why or _INSTEAD.get(media.state, ""), 300), "dim")],
    )
    return join(parts)


def _looked_at(media: MediaView, reader: Reader) -> tuple[Run, ...]:
    """The key that shows a photo, which is not drawn unasked."""
    if media.state is not MediaState.KEPT or not (media.mime or "").startswith("image/") or not reader.picture_key:
        return ()
    return ("  ", ""), (reader.picture_key, "key"), (" looks at it", "dim")


def handoffs(handed: tuple[HandoffView, ...], reader: Reader) -> Iterator[Para]:
    """To whom the case went, and what came back."""
    if not handed:
        return
    yield para("HANDOFFS", "heading", end=True)
    for each in handed:
        bad = each.state.value in ("failed", "unknown", "bounced")
        parts: tuple[list[Run], ...] = (
            [(clean_line(each.contact), "strong")],
            [(words.OUTBOX[each.state], "alarm" if bad else "")],
            [(reader.at(each.sent_at) if each.sent_at else "", "dim")],
            [(f"answered {reader.at(each.answered_at)}" if each.answered_at else "", "calm")],
            [(f"expected {reader.at(each.expected_at)}", "dim")] if each.expected_at and not each.answered_at else [],
            [(f"chased {each.chased}×", "warn")] if each.chased else [],
        )
        yield Para(join(parts), indent=2)
        if each.error:
            yield para(clean_line(each.error, 400), "alarm", indent=4)
    yield para("")


def related(cases: tuple[RelatedCase, ...], reader: Reader) -> Iterator[Para]:
    """Other cases of the same person, and linked ones."""
    if not cases:
        return
    yield para("OTHER CASES OF THIS PERSON, OR LINKED", "heading", end=True)
    for each in cases:
        parts = (
            [(each.ref, "strong")],
            [(words.STATUS[each.status], "")],
            [(reader.at(each.opened_at), "dim")],
            [(reader.area(each.area), "calm")],
        )
        yield Para(join(parts), indent=2)
        yield para(clean_line(each.snippet), "dim", indent=4)
    yield para("")


def log(events: tuple[EventView, ...], reader: Reader) -> Iterator[Para]:
    """What was done, newest first."""
    if not events:
        return
    yield para("LOG", "heading", end=True)
    for each in sorted(events, key=lambda event: -event.seq)[:LOG_SHOWN]:
        parts: tuple[list[Run], ...] = (
            [(reader.at(each.at), "dim")],
            [(clean_line(each.officer), "")],
            [(clean_line(each.kind.replace(".", " ").replace("_", " ")), "")],
            [(clean_line(event_detail(each.kind, each.detail, reader.at), 300), "dim")],
        )
        yield Para(join(parts), indent=2)
        if each.note:
            yield para(clean(each.note[:FULL_CAP]), "strong", indent=4)
    if len(events) > LOG_SHOWN:
        yield para(f"… and {len(events) - LOG_SHOWN} earlier", "dim", indent=2)
