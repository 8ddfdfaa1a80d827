"""Area, urgency, kind, claim, assign, snooze, note, reopen, undo, redo, repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import Kind, Urgency
from socialtriage.domain.views import CaseRow, Done
from socialtriage.services import triage
from socialtriage.ui import words
from socialtriage.ui.handlers import Call, versions
from socialtriage.ui.screens.choices import Choice, LetterDialog

KINDS = "ecrdpnlsa"
"""The letters of the kinds, in the order of their enumeration."""


async def area(call: Call) -> None:
    """Tag with an area, or `area/topic`."""
    rows = call.rows()
    if not rows:
        return
    chosen = call.argument or await _ask_area(call)
    if not chosen:
        return
    name, _, topic = chosen.partition("/")
    name = "" if name == "none" else name
    seen = versions(rows)
    done = await call.app.write(
        triage.tag, call.desk, list(seen), area=name, topic=topic if name and topic else None, expect=seen
    )
    call.done(done, chosen)


async def _ask_area(call: Call) -> str | None:
    from socialtriage.ui.screens.picker import Picker, area_choices

    picker = Picker(_title(call, "Area"), area_choices(call.desk, call.screen.targets()))
    return await call.ask(picker)


async def urgency(call: Call) -> None:
    """Set the urgency."""
    choices = [Choice(each.value, words.URGENCY[each], each.value[0]) for each in Urgency]
    await _by_letter(call, "Urgency", choices, lambda value: {"urgency": Urgency(value)}, lambda row: row.urgency)


async def kind(call: Call) -> None:
    """Set the kind."""
    choices = [Choice(each.value, words.KIND[each], letter) for each, letter in zip(Kind, KINDS, strict=True)]
    await _by_letter(call, "Kind", choices, lambda value: {"kind": Kind(value)}, lambda row: row.kind)


async def _by_letter(
    call: Call,
    title: str,
    choices: Sequence[Choice],
    tag: Callable[[str], dict[str, Any]],
    now: Callable[[CaseRow], str | None],
) -> None:
    rows = call.rows()
    if not rows:
        return
    value = await _chosen(call, title, choices, now(rows[0]) or "")
    if value is not None:
        seen = versions(rows)
        done = await call.app.write(triage.tag, call.desk, list(seen), **tag(value), expect=seen)
        call.done(done, value)


async def _chosen(call: Call, title: str, choices: Sequence[Choice], at: str = "") -> str | None:
    """The argument, when it is one of the choices or the beginning of one; otherwise what is chosen in a dialog."""
    if not call.argument:
        return await call.ask(LetterDialog(_title(call, title), choices, at))
    found = [each.value for each in choices if each.value.startswith(call.argument.lower())]
    if len(found) == 1 or call.argument in found:
        return call.argument if call.argument in found else found[0]
    listed = ", ".join(each.value for each in choices)
    raise UsageError(f"There is no {title.lower()} {call.argument!r}.", hint=f"There are: {listed}.")


async def accept(call: Call) -> None:
    """Accept the suggestion; where there is none, go to the next pane."""
    rows = [row for row in call.screen.targets() if suggests(row)]
    if not rows:
        if call.screen is call.app.home:
            call.app.home.move_pane(1)
        else:
            call.screen.focus_next()
        return
    seen = versions(rows)
    call.done(await call.app.write(triage.accept, call.desk, list(seen), seen))


def suggests(row: CaseRow) -> bool:
    """Whether a case has a suggestion that would change it."""
    area_differs = row.suggested_area is not None and row.suggested_area != row.area
    return area_differs or (row.suggested_urgency is not None and row.suggested_urgency is not row.urgency)


async def claim(call: Call) -> None:
    """The cases are mine."""
    await _simple(call, triage.claim)


async def reopen(call: Call) -> None:
    """Take up closed cases again."""
    rows = call.rows()
    if rows:
        call.done(await call.app.write(triage.reopen, call.desk, [row.id for row in rows]))


async def _simple(call: Call, work: Callable[..., Done]) -> None:
    rows = call.rows()
    if rows:
        seen = versions(rows)
        call.done(await call.app.write(work, call.desk, list(seen), seen))


async def assign(call: Call) -> None:
    """Give the cases to an officer, or to nobody."""
    rows = call.rows()
    if not rows:
        return
    officer = call.argument
    if not officer:
        from socialtriage.ui.screens.ask import Ask

        asked = await call.ask(
            Ask(_title(call, "Assign to"), "Initials of the officer; empty for nobody", rows[0].owner or "")
        )
        if asked is None:
            return
        officer = asked.strip() or "nobody"
    seen = versions(rows)
    name = "" if officer == "nobody" else officer
    call.done(await call.app.write(triage.assign, call.desk, list(seen), name, seen), officer)


async def snooze(call: Call) -> None:
    """Put off until a time."""
    rows = call.rows()
    if not rows:
        return
    from socialtriage.ui.screens.ask_when import AskWhen, moment

    when = call.argument or await call.ask(AskWhen(_title(call, "Snooze until"), call.desk))
    if not when:
        return
    seen = versions(rows)
    until = moment(when, call.desk)
    call.done(await call.app.write(triage.snooze, call.desk, list(seen), until, seen), when)


async def note(call: Call) -> None:
    """Write a note on each of the cases."""
    rows = call.rows()
    if not rows:
        return
    text = call.argument
    if not text:
        from socialtriage.ui.screens.ask import Write

        asked = await call.ask(Write(_title(call, "Note for colleagues"), ""))
        if not asked or not asked.strip():
            return
        text = asked
    for row in rows:
        done = await call.app.write(triage.note, call.desk, row.id, text)
    call.done(done if len(rows) == 1 else Done(f"Noted on {len(rows)} cases.", tuple(row.id for row in rows)), text)


async def undo(call: Call) -> None:
    """Take back the last action."""
    await _back_or_forth(call, triage.undo)


async def redo(call: Call) -> None:
    """Do again what was undone."""
    await _back_or_forth(call, triage.redo)


async def _back_or_forth(call: Call, work: Callable[..., Done]) -> None:
    done = await call.app.write(work, call.desk)
    call.app.say(done.said)
    call.screen.acted(done)
    if call.screen is not call.app.home:
        call.app.home.acted(done)
    if done.case_ids:
        call.app.home.cases.select(done.case_ids[0])


async def repeat(call: Call) -> None:
    """Do the last action again on what is selected now."""
    last = call.app.session.last_action
    if last is None:
        call.app.say("There is nothing to repeat yet.", "$warn")
        return
    call.app.perform(last[0], last[1])


def _title(call: Call, what: str) -> str:
    """`Area for ABC-7Q4K2M`, `Area for 3 cases`."""
    rows = call.screen.targets()
    return f"{what}: {rows[0].ref if len(rows) == 1 else words.many(len(rows), 'case')}"
