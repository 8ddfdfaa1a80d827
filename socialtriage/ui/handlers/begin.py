"""Beginning a case from a contact made elsewhere: on the phone, at the counter, by letter, in a chat."""

from __future__ import annotations

from socialtriage.services import manual
from socialtriage.ui.handlers import Call
from socialtriage.ui.handlers.look import show_case
from socialtriage.ui.screens.ask import Ask, Write
from socialtriage.ui.screens.choices import Choice, LetterDialog

CHANNELS = (
    Choice("phone", "on the phone", "p"),
    Choice("counter", "at the counter", "c"),
    Choice("letter", "by letter", "l"),
    Choice("chat", "in a chat", "h"),
)


async def new_case(call: Call) -> None:
    """Ask how, who and what; then show the case."""
    channel = await call.ask(LetterDialog("A new case: how did they reach us?", CHANNELS))
    if channel is None:
        return
    person = (call.argument or await call.ask(Ask("A new case", "Who was it: a name, or a number"))) or ""
    if not person.strip():
        return
    text = await call.ask(Write(f"What {person.strip()} said", "", esc_keeps=True))
    if not text or not text.strip():
        call.app.say("Nothing was written, so no case was opened.", "$warn")
        return
    done = await call.app.write(manual.new, call.desk, person, text, channel)
    call.app.say(done.said)
    call.app.renew()
    await show_case(call, done.case_ids[0])
