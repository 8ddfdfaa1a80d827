"""What commands print: plain lines that a screen reader can follow, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from socialtriage.domain.cases import spot_marks
from socialtriage.domain.charter import words_left
from socialtriage.domain.event_words import event_detail
from socialtriage.domain.models import MediaState, OutboxState, Status, Visibility
from socialtriage.domain.repeats import repeated
from socialtriage.domain.text import clean, clean_line, many
from socialtriage.domain.views import CaseDetail, CaseRow, Done, HandoffView, MediaView, UnsentReply
from socialtriage.services.desk import Desk
from socialtriage.services.windows import answer_until


def emit(data: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(data, ensure_ascii=_ascii_only(), indent=2))


def emit_line(data: Any) -> None:
    """One JSON document on one line."""
    click.echo(json.dumps(data, ensure_ascii=_ascii_only()))


def _ascii_only() -> bool:
    """Whether standard output cannot hold every character (a pipe on Windows): JSON has escapes of its own for them."""
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("_", "-") not in ("utf-8", "utf8")


def done(result: Done, as_json: bool = False, **extra: Any) -> None:
    """What an action did."""
    if as_json:
        emit({"said": result.said, **extra})
    else:
        click.echo(result.said)


def local(desk: Desk, at: datetime | None) -> str:
    """A time in the organisation's zone, as people write it."""
    return f"{at.astimezone(desk.zone):%a %d %b %Y %H:%M}" if at else ""


def case_line(desk: Desk, row: CaseRow, now: datetime) -> str:
    """One case in one line, in words."""
    area = desk.areas[row.area].name if row.area in desk.areas else row.area
    if area is None and row.suggested_area:
        suggested = desk.areas.get(row.suggested_area)
        area = f"{suggested.name if suggested else row.suggested_area}?"
    marks = spot_marks(row.flags)
    marks += ["held for a blocked word"] if "held" in row.flags else []
    marks += ["blocked word"] if "blocked_word" in row.flags and "held" not in row.flags else []
    marks += [repeated(row, now)[0]] if row.repeat_count > 1 else []
    marks += ["media"] if row.media else []
    marks += [f"held by {row.owner}"] if row.owner else []
    late = row.status is Status.WAITING_CONTACT and row.contact_due_at is not None and row.contact_due_at < now
    marks += [f"contact late since {local(desk, row.contact_due_at)}"] if late else []
    until = answer_until(desk, row) if row.visibility is Visibility.PRIVATE else None
    marks += [f"can be answered until {local(desk, until)}"] if until is not None and until > now else []
    marks += ["can no longer be answered there"] if until is not None and until <= now else []
    parts = [
        row.ref,
        _urgency(row),
        words_left(now, row.due_at) or str(row.status).replace("_", " "),
        f"{row.network} {row.visibility.upper()}",
        clean_line(f"{row.name} ({row.handle})" if row.name and row.name != row.handle else row.handle, 60),
        f"“{clean_line(row.snippet, 80)}”",
        f"[{area}]" if area else "[no area]",
        *marks,
    ]
    return "  ".join(parts)


def _urgency(row: CaseRow) -> str:
    """The urgency, and a suggested one while nobody has touched the case."""
    word = row.urgency.upper() if row.urgency.rank == 0 else str(row.urgency)
    suggested = row.suggested_urgency
    if row.status is Status.NEW and suggested is not None and suggested.rank < row.urgency.rank:
        return f"{word} ({suggested.upper()}?)"
    return word


def _media_words(media: MediaView) -> str:
    """Whether a file is kept, and why not."""
    if media.state is MediaState.WITHHELD and not media.why:
        return "withheld by the network"
    state = media.state.replace("_", " ")
    return f"{state}: {clean_line(media.why, 300)}" if media.why else state


def case_text(desk: Desk, detail: CaseDetail) -> list[str]:
    """One case whole, line by line."""
    row, now = detail.row, desk.clock()
    lines = [case_line(desk, row, now), f"Status: {row.status.replace('_', ' ')}. Urgency: {row.urgency}."]
    if row.due_at:
        lines.append(f"{words_left(now, row.due_at).capitalize()}: {row.due_clock} by {local(desk, row.due_at)}.")
    for spot in detail.spots:
        due = f", by {spot.due_on:%a %d %b %Y}" if spot.due_on else ""
        who = f" {spot.contact} answers for it." if spot.contact else ""
        lines.append(f"{spot.name.upper()}{due} (by “{spot.phrase}”, flag {spot.flag}).{who} {spot.wording}".rstrip())
    if detail.answer_until:
        lines.append(f"{_time_left(now, detail.answer_until)} {local(desk, detail.answer_until)}.")
    lines += map(_not_sent, detail.unsent)
    lines.append(f"Person: {_named(row.name, row.handle)}, contact number {detail.contacts} here.")
    if detail.external_reference:
        lines.append(f"Their reference: {clean_line(detail.external_reference, 200)}.")
    if row.suggested_because:
        lines.append(f"Suggested: {'; '.join(row.suggested_because)}.")
    for message in detail.messages:
        marks = [message.visibility.upper()]
        marks += ["edited"] if message.edited_at else []
        marks += ["removed at its source"] if message.gone_at else []
        marks += [message.state] if message.state in ("background", "hidden") else []
        marks += [f"in {clean_line(message.place)}"] if message.place else []
        who = _named(message.name, message.handle)
        lines += [
            "",
            f"{message.voice.capitalize()}{who and f' {who}'}, {local(desk, message.at)}, {', '.join(marks)}:",
        ]
        lines += [f"  {line}" for line in clean(message.text).splitlines()]
        lines += [f"  {x.kind}: {clean_line(x.alt or x.name)} ({_media_words(x)})" for x in message.media]
    for handoff in detail.handoffs:
        lines += _handoff_lines(desk, handoff)
    lines += ["", "Log:"]
    for e in detail.events:
        note = f" — {e.note}" if e.note else ""
        told = clean_line(event_detail(e.kind, e.detail, partial(local, desk)), 160)
        lines.append(
            f"  {local(desk, e.at)} {e.officer}: {e.kind.replace('.', ' ')}{f' ({told})' if told else ''}{note}"
        )
    return lines


def _not_sent(reply: UnsentReply) -> str:
    """A reply that did not arrive, or may not have, and what can be done about it."""
    why = f": {clean_line(reply.error, 300).rstrip('.')}" if reply.error else ""
    if reply.state is OutboxState.UNKNOWN:
        return f"MAY NOT HAVE ARRIVED: the reply on {reply.account}{why}. outbox check {reply.id} looks at the source."
    return f"NOT SENT: the reply on {reply.account}{why}. outbox retry {reply.id}, or outbox drop {reply.id}."


def _named(name: str, handle: str) -> str:
    """A name with what tells it from others; of somebody who was forgotten there may be neither."""
    return clean_line(f"{name} ({handle})" if name and handle and name != handle else name or handle)


def _time_left(now: datetime, until: datetime) -> str:
    """How long the network still takes an answer."""
    if until <= now:
        return "The network's time for an answer is over since"
    minutes = int((until - now).total_seconds()) // 60
    left = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return f"The network takes an answer for {left} more, until"


def _handoff_lines(desk: Desk, handoff: HandoffView) -> list[str]:
    """To whom and when; by when an answer is expected, or when it came; reminders; why it came back."""
    moment = f", {local(desk, handoff.sent_at)}" if handoff.sent_at else ""
    head = f"Handoff to {handoff.contact} <{handoff.to}>: {handoff.state}{moment}"
    found = [f"Answered {local(desk, handoff.answered_at)}."] if handoff.answered_at else []
    if handoff.expected_at and not handoff.answered_at:
        late = " (late)" if handoff.expected_at < desk.clock() else ""
        found.append(f"Answer expected by {local(desk, handoff.expected_at)}{late}.")
    found += [f"Reminded {many(handoff.chased, 'time')}."] if handoff.chased else []
    found += [clean_line(handoff.error, 300)] if handoff.error else []
    return ["", head, *(f"  {line}" for line in found)]


def lines(texts: Sequence[str]) -> None:
    """Several lines on standard output."""
    click.echo("\n".join(texts))


def write_out(parts: Iterable[str], target: str | None) -> None:
    """Write parts of a document into a file, said on standard error, or to standard output. Raises `UsageError`."""
    from socialtriage.domain.errors import UsageError

    if target is not None:
        from socialtriage.services.writing import write_file

        write_file(Path(target), parts)
        click.echo(f"Wrote {clean_line(target, 1000)}.", err=True)
        return
    if sys.stdout is None:
        raise UsageError("There is no standard output to write to.", hint="Name a file with -o.")
    out = sys.stdout.buffer
    for part in parts:
        out.write(part.encode("utf-8", "backslashreplace"))
    out.flush()
