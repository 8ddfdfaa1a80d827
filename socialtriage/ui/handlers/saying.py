"""Quick answers: acknowledging, saved ones, promises, the same answer for many, a reply that becomes a saved one."""

from __future__ import annotations

import asyncio
from string import ascii_lowercase
from typing import TYPE_CHECKING

from socialtriage.domain.errors import SocialTriageError
from socialtriage.domain.models import Voice
from socialtriage.domain.views import Done, MessageView
from socialtriage.services import drafts
from socialtriage.ui import words
from socialtriage.ui.handlers import Call, versions
from socialtriage.ui.session import Written

if TYPE_CHECKING:
    from socialtriage.config.model import SavedAnswer


async def acknowledge(call: Call) -> None:
    """Tell the resident of each case that we have it; it leaves after the undo window."""
    from socialtriage.services import acknowledging, replies
    from socialtriage.services.replies import Wishes

    app, rows = call.app, call.rows()
    done: list[Done] = []
    refused: list[str] = []
    for row in rows:
        try:
            text = await asyncio.to_thread(acknowledging.wording, call.desk, row.id)
            draft = await app.background.draft_reply(row.id, text, Wishes(acknowledge=True, seen=row.version))
            done.append(await app.write(replies.queue, call.desk, draft))
        except SocialTriageError as error:
            if len(rows) == 1:
                raise
            refused.append(str(error))
    if len(rows) == 1:
        call.done(done[0])
    elif rows:
        ids = tuple(i for each in done for i in each.case_ids)
        call.done(Done(" ".join((f"Acknowledged {words.many(len(done), 'case')}.", *refused)), ids))


async def saved(call: Call) -> None:
    """A letter takes a saved answer of the case's area; the review of every reply follows."""
    from socialtriage.services import saved_answers
    from socialtriage.ui.handlers.leaving import review

    rows = call.rows()
    if not rows:
        return
    if len(rows) > 1:
        call.app.say("Replies go one at a time; = answers many at once.", "$warn")
        return
    row, chosen = rows[0], call.argument or await _choose(call)
    if not chosen:
        return
    detail = await call.whole(row.id)
    text = await asyncio.to_thread(saved_answers.wording, call.desk, row.id, chosen, call.desk.clock())
    if await _may_replace(call, row.id):
        await review(call, detail, Written(text, answer=chosen))


async def _choose(call: Call) -> str | None:
    """One of the answers for the case's area, by its letter; of very many, by typing."""
    from socialtriage.domain.text import clean_line
    from socialtriage.services import likely_answers, saved_answers
    from socialtriage.ui.screens.choices import Choice, LetterDialog
    from socialtriage.ui.screens.picker import Picker

    row = call.screen.targets()[0]
    fitting = await asyncio.to_thread(saved_answers.offered, call.desk, row, only=True)
    found = fitting or await asyncio.to_thread(saved_answers.offered, call.desk, row)
    if not found:
        call.app.say("The configuration has no saved answers; + makes one of a reply.", "$warn")
        return None
    title = f"Answer {row.ref} with"
    likest = await asyncio.to_thread(likely_answers.likest, call.desk, row.id, found)
    if len(found) > len(ascii_lowercase):
        return await call.ask(Picker(title, [Choice(o.answer.id, o.answer.id) for o, _ in likest]))
    # A letter stays with its answer; the likest is first, and enter takes it.
    letters = dict(zip((offer.answer.id for offer in found), ascii_lowercase, strict=False))
    choices = [
        Choice(offer.answer.id, offer.answer.id, letters[offer.answer.id], clean_line(_words(offer.answer), 44))
        for offer, _ in likest
    ]
    return await call.ask(LetterDialog(title, choices))


def _words(answer: SavedAnswer) -> str:
    return f"for a repeat: {answer.text}" if answer.for_repeats else answer.text


async def _may_replace(call: Call, case_id: int) -> bool:
    """What was being written for a case is not replaced without a question."""
    from socialtriage.ui.screens.dialogs import Confirm

    begun = call.app.session.replies.get(case_id)
    kept = begun.text if begun else (await asyncio.to_thread(drafts.kept_reply, call.desk, case_id)).text
    if not kept.strip():
        return True
    question = Confirm("Put the saved answer in place of your draft?", [kept[:200]], yes="Replace", no="Keep my draft")
    yes: bool | None = await call.ask(question)
    return bool(yes)


async def promise(call: Call) -> None:
    """By when the resident is promised word."""
    rows = call.rows()
    if not rows:
        return
    from socialtriage.services import promises
    from socialtriage.ui.screens.ask_when import AskWhen

    title = f"Promise word by: {rows[0].ref if len(rows) == 1 else f'{len(rows)} cases'}"
    when = call.argument or await call.ask(AskWhen(title, call.desk))
    if not when:
        return
    seen = versions(rows)
    by = promises.moment(call.desk, when)
    call.done(await call.app.write(promises.promise, call.desk, list(seen), by, seen), when)


async def once(call: Call) -> None:
    """The same answer for everybody who asked the same; each is shown and ticked before any leaves."""
    from socialtriage.services import answer_once
    from socialtriage.ui.screens.once import OnceScreen

    rows = call.rows()
    if not rows:
        return
    marked = len(rows) > 1
    alike = rows[1:] if marked else await asyncio.to_thread(answer_once.similar, call.desk, rows[0].id)
    if not alike:
        call.app.say("No other open case asks the same.", "$warn")
        return
    template, answer = await _same_words(call)
    if template is None and answer is None:
        return
    screen = OnceScreen(call.app, rows[0], alike, template, answer)
    await call.app.ask(screen, call.holds)
    if screen.sent is not None:
        call.done(screen.sent)


async def _same_words(call: Call) -> tuple[str | None, str | None]:
    """What is to be said to all: a template out of the last reply to the case, or a saved answer by its id."""
    from socialtriage.domain.errors import Refused
    from socialtriage.services import saved_answers

    if call.argument:
        return None, call.argument
    case_id = call.screen.targets()[0].id
    try:
        return await asyncio.to_thread(saved_answers.from_reply, call.desk, case_id), None
    except Refused:
        return None, await _choose(call)


async def keep(call: Call) -> None:
    """The last reply to the case becomes a saved answer: its words are shown, its name is asked."""
    from socialtriage.services import saved_answers
    from socialtriage.ui.screens.ask import Ask, Write

    rows = call.rows()
    if not rows:
        return
    row, pointed = rows[0], _pointed_at(call)
    if pointed is not None:
        detail = await call.whole(row.id)
        text = saved_answers.as_template(call.desk, detail, pointed.text)
    else:
        text = await asyncio.to_thread(saved_answers.from_reply, call.desk, row.id)
    made = await call.ask(Write("Saved answer: what is each case's own stands in braces", text, esc_keeps=True))
    if not made or not made.strip():
        return
    name = call.argument or await call.ask(Ask("Saved answer", "Its name, such as missed-bin"))
    if not name or not name.strip():
        return
    done = await call.app.write(saved_answers.keep, call.desk, name, made, area=row.area, case_id=row.id)
    call.app.say(done.said)


def _pointed_at(call: Call) -> MessageView | None:
    """The message of ours that the case screen points at; None where it points at none."""
    from socialtriage.ui.screens.case import CaseScreen

    if not isinstance(call.screen, CaseScreen) or call.screen.view.detail is None:
        return None
    name, messages = call.screen.view.stop_name, call.screen.view.detail.messages
    return next((m for m in messages if f"message-{m.id}" == name and m.voice is Voice.OFFICER), None)
