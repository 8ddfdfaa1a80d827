"""The review of a reply as paragraphs: route, limits, what is wrong or to be thought about, and the exact words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from socialtriage.domain.models import Visibility
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import CaseDetail
from socialtriage.services.handoff import undo_window
from socialtriage.services.replies import ReplyDraft
from socialtriage.services.reply_everywhere import Place
from socialtriage.services.reply_place import window_words
from socialtriage.ui import words
from socialtriage.ui.case_text import Reader
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.leaves import leaves
from socialtriage.ui.session import Written

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk

LABEL = 11


def review(
    detail: CaseDetail,
    written: Written,
    drafts: Sequence[ReplyDraft],
    fault: Sequence[str],
    places: Sequence[Place],
    desk: Desk,
    reader: Reader,
) -> Iterator[Para]:
    """A reply as it would leave, in every place that was chosen of those that there are; without a draft, what was
    written and why it cannot (`fault`, its lines).
    """
    draft = drafts[0] if drafts else None
    yield from _route(detail, written, draft)
    yield from _places(written, places)
    if draft is not None:
        yield from _limits(draft, desk, reader)
    yield para("")
    if fault:
        yield para(clean(f"It cannot leave like this: {fault[0]}"), "alarm")
        for line in fault[1:]:
            yield para(clean_line(line, 400), "warn", indent=2)
        yield para("")
    for warning in dict.fromkeys(warning for each in drafts for warning in each.warnings):
        yield para("! " + clean_line(warning, 400), "warn")
    yield from _words(draft.parts if draft else (written.text,), ready=draft is not None)
    for other in drafts[1:]:
        yield para(f"AND BY {clean_line(other.account, 60)}", "heading")
        yield from _route(detail, written, other)
        yield from _limits(other, desk, reader)
        yield para("")
        yield from _words(other.parts, ready=True)
    if draft is not None:
        yield from _then(drafts, desk)


def _route(detail: CaseDetail, written: Written, draft: ReplyDraft | None) -> Iterator[Para]:
    """From whom, to whom, for whose eyes, and where."""
    row = detail.row
    private = draft.visibility is Visibility.PRIVATE if draft else written.private
    yield fact("From", (clean_line(draft.account if draft else row.account), "strong"), width=LABEL)
    handle, name = clean_line(draft.to if draft else row.handle), clean_line(row.name)
    if draft and draft.to != row.handle:  # the same person has another name on another network
        name = clean_line(draft.answerable.author.name) or handle
    yield fact("To", (name if name == handle else f"{name} {handle}", "strong"), width=LABEL)
    network = draft.network if draft else row.network
    seen = ("PRIVATE: they alone can read it", "private") if private else ("PUBLIC: anyone can read it", "strong")
    yield fact("Seen by", seen, (f", on {words.network(network)}", ""), width=LABEL)
    if draft and draft.place:
        yield fact("Appears", (clean_line(draft.place, 300), ""), width=LABEL)


def _places(written: Written, places: Sequence[Place]) -> Iterator[Para]:
    """Where the case was written of, and where it is answered, where that is more than one place."""
    if len(places) < 2:
        return
    now = written.places or (places[0].message,)
    for number, each in enumerate(places):
        line = place_line(each, each.message in now)
        yield fact("Places" if not number else "", (clean_line(line, 300), ""), width=LABEL)
    yield fact("", ("w answers in another place too, or no longer", "dim"), width=LABEL)


def place_line(place: Place, answered: bool) -> str:
    """A place in a line: whether it is answered, the account, for whose eyes, and the first words there."""
    seen = "PUBLIC" if place.visibility is Visibility.PUBLIC else "PRIVATE"
    mark = "[x]" if answered else "[ ]"
    return f"{mark} {place.account}, {seen} on {words.network(place.network)}: {place.words}"


def _limits(draft: ReplyDraft, desk: Desk, reader: Reader) -> Iterator[Para]:
    """How long it is, until when it may leave, what goes with it, what it promises and costs."""
    parts = f", the longest of {len(draft.parts)} posts" if len(draft.parts) > 1 else ""
    yield fact("Length", (f"{draft.length.words}{parts}", ""), width=LABEL)
    if draft.window:
        yield fact("Time left", (window_words(draft.window, desk.clock(), desk.zone), "warn"), width=LABEL)
    if draft.mail:
        yield fact("Subject", (clean_line(draft.mail.subject, 300), ""), width=LABEL)
    for file in draft.files:
        apart = ", as a message of its own after the words" if draft.apart else ""
        yield fact("Picture", (clean_line(f"{file.name}{apart}: {file.alt}", 400), ""), width=LABEL)
    if draft.wishes.promise:
        by = reader.at(draft.wishes.promise)
        yield fact("Promise", (f"word by {by}: it becomes the deadline of the case", "strong"), width=LABEL)
    if draft.price and not draft.price.dear:
        yield fact("Price", (clean_line(draft.price.why, 300), "dim"), width=LABEL)


def _words(parts: Sequence[str], *, ready: bool) -> Iterator[Para]:
    """The exact words, of a thread each part by itself."""
    yield para("EXACTLY THIS LEAVES" if ready else "WHAT YOU WROTE", "heading")
    for number, part in enumerate(parts, 1):
        if len(parts) > 1:
            yield para(f"{number} of {len(parts)}", "label")
        yield para(clean(part) or "(nothing yet)")
        yield para("")


def _then(drafts: Sequence[ReplyDraft], desk: Desk) -> Iterator[Para]:
    """When it leaves: in several places by the longest of their undo windows."""
    if drafts[0].held:
        yield para("After y it waits for the approval of a second officer; until then u takes it back.", "warn")
    else:
        yield leaves(desk, max(undo_window(desk, draft.account, None) for draft in drafts))
