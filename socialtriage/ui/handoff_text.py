"""What the handoff review says: the choices one can make, line by line, and the mail exactly as it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from socialtriage.domain.redact import FIELDS, Redaction
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import CaseDetail
from socialtriage.ui import words
from socialtriage.ui.case_text import Reader
from socialtriage.ui.cells import Run
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.leaves import leaves

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk
    from socialtriage.services.handoff import HandoffDraft

ALWAYS = ("phone", "email", "postcode", "handle", "names")
"""Toggles that are shown even where nothing of the kind was found."""
LABELS = {
    "phone": "phone numbers",
    "email": "email addresses",
    "postcode": "postcodes",
    "handle": "handle and link",
    "names": "names",
    "national_insurance": "national insurance numbers",
    "card": "card numbers",
    "birth_date": "dates of birth",
    "plate": "vehicle registrations",
    "bank": "bank accounts",
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the officer chose for one handoff; None is what the desk would choose."""

    to: str | None = None
    note: str = ""
    redaction: Redaction | None = None
    expect_by: datetime | None = None
    attachments: tuple[int, ...] | None = None
    originals: bool = False
    """Files as they came, with what they say of place and camera."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of choices. `id` says what enter and space do: `to`, `expect`, `note`, `hide-phone`, `file-12`."""

    id: str
    label: str
    runs: tuple[Run, ...]
    ticked: bool | None = None


def rows(draft: HandoffDraft, detail: CaseDetail, reader: Reader) -> list[Row]:
    """The choices, in the order in which they matter."""
    return list(_rows(draft, detail, reader))


def _rows(draft: HandoffDraft, detail: CaseDetail, reader: Reader) -> Iterator[Row]:
    contact = draft.contact
    yield Row("to", "To", ((clean_line(contact.name), "strong"),))
    expected = reader.at(draft.expected_at) if draft.expected_at else "no date"
    yield Row("expect", "Answer by", ((expected, ""),))
    note = clean_line(draft.note, 200)
    yield Row("note", "Note", ((note or "none", "" if note else "dim"),))
    found: dict[str, list[str]] = {}
    for each in draft.found:
        found.setdefault(FIELDS[each.kind], []).append(clean_line(each.text, 40))
    found.setdefault("handle", []).insert(0, clean_line(detail.row.handle, 40))
    found.setdefault("names", []).insert(0, clean_line(detail.row.name, 40))
    for field, label in LABELS.items():
        here = list(dict.fromkeys(filter(None, found.get(field, []))))
        if here or field in ALWAYS:
            said = ", ".join(here) if here else "none found"
            yield Row(f"hide-{field}", f"Hide {label}", ((said, "dim"),), getattr(draft.redaction, field))
    for media in draft.attachments:
        runs = ((clean_line(media.name), ""), (f"  {words.size(media.bytes)}", "dim"))
        yield Row(f"file-{media.id}", f"Attach {clean_line(media.kind)}", runs, media.id in draft.attached)
    if draft.attached:
        told = "with what they say of place and camera" if draft.originals else "without place, camera and names"
        yield Row("originals", "Files as they came", ((told, "warn" if draft.originals else "dim"),), draft.originals)


def toggled(row: Row, draft: HandoffDraft, choices: Choices) -> Choices:
    """The choices with a tick put or taken away."""
    kind, _, name = row.id.partition("-")
    if kind == "hide":
        return replace(choices, redaction=replace(draft.redaction, **{name: not row.ticked}))
    if kind == "originals":
        return replace(choices, originals=not row.ticked)
    number = int(name)
    kept = tuple(each for each in draft.attached if each != number)
    return replace(choices, attachments=kept if row.ticked else (*kept, number))


def preview(draft: HandoffDraft, desk: Desk, window: timedelta) -> Iterator[Para]:
    """Why this contact, the warnings, then the mail: these are the bytes that leave."""
    yield para(clean_line(f"{draft.contact.name}: {draft.because}.", 400), "calm")
    for warning in draft.warnings:
        yield para("! " + clean_line(warning, 400), "warn")
    yield para("")
    mail = draft.mail
    yield para("EXACTLY THIS LEAVES", "heading")
    yield fact("From", (clean_line(mail.sender, 200), ""), width=10)
    yield fact("To", (clean_line(", ".join(mail.recipients), 400), "strong"), width=10)
    yield fact("Subject", (clean_line(mail.subject, 300), "strong"), width=10)
    for line in mail.attached:
        yield fact("File", (clean_line(line, 200), ""), width=10)
    if not mail.attached:
        yield fact("Files", ("none", "dim"), width=10)
    yield para("")
    yield from _body(mail.text.split("\n"))
    yield para("")
    yield leaves(desk, window, "The same text goes as simple HTML. ")


def _body(lines: Sequence[str]) -> Iterator[Para]:
    for line in lines:
        yield para(clean(line))
