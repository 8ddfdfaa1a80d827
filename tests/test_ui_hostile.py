"""Text that wants to steer the terminal, to be read as markup, or to break the columns: through every screen."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len

from socialtriage.domain.models import Author, MediaItem, OutboxState, SafeText, Visibility
from socialtriage.services import handoff, triage
from socialtriage.services.desk import Desk
from socialtriage.ui.screens.case import CaseScreen
from socialtriage.ui.screens.handoff import HandoffScreen
from tests.doubles.desk import MONDAY, arrive, case_ids, message, small_desk
from tests.doubles.ui_desk import SMALL, WIDE, Officer, at_the_desk
from tests.doubles.ui_pilot import strips, unfit

SHORT = {
    "title and clipboard": "\x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[31mred",
    "eight-bit controls": "\x9b31mred\x85next\x90q\x9c",
    "malformed markup": "hi [/nope] [b [/] \\[ [[ ]] [red",
    "an action in markup": "[@click=app.quit]see here[/] [@click=screen.dismiss]x[/]",
    "bidi": "\u202egnp.exe\u2066\u2069\u200f\u061c",
    "lone surrogates": "\ud800 a \udfff b \ud83d",
    "joined emoji": "👨‍👩‍👧‍👦🏳️‍🌈👍🏽🇬🇧" * 40,
    "line ends": "a\r\nb\rc\u2028d\u2029e\x0bf\x0cg\tx\x00y",
}
HOSTILE = {
    "all that is short": " ".join(SHORT.values()),
    "markup that is never closed": SHORT["malformed markup"],
    "100 kB": "word " * 20_000,
    "100 kB without a blank": "漢" * 100_000,
    "5,000 combining marks": "e" + "\u0301" * 5_000 + " Z\u0336\u0352\u0353" * 300,
    "nothing": " \u200b\u2060\ufeff ",
}


def hostile_desk(folder: Path, text: str) -> Desk:
    """A desk on which a resident wrote `text` into everything that they may write into.

    The store is given the raw text as if it had been written by something that does not clean.
    """
    desk = small_desk(folder)
    raw = SafeText(text.encode("utf-8", "replace").decode() if any("\ud800" <= c <= "\udfff" for c in text) else text)
    who = Author(key="evil@social.example", handle=raw, name=raw)
    media = (MediaItem("image", raw, alt=raw, data=b"x", mime="image/png"),)
    arrive(
        desk,
        message("first", "one", author=who, at=MONDAY - timedelta(hours=3), visibility=Visibility.PUBLIC),
        message("x", "two", author=who, at=MONDAY - timedelta(hours=2)),
    )
    with desk.store.transaction("test", desk.clock()) as tx:
        connection = tx.cases._c
        connection.execute("UPDATE messages SET text = ?, subject = ?, place = ?", (raw, raw, raw))
        connection.execute("UPDATE cases SET snippet = ?, external_reference = ?", (raw, raw[:200]))
        connection.execute("UPDATE persons SET name = ?, handle = ?", (raw, raw))
    arrive(
        desk, message(text, "three", author=who, at=MONDAY - timedelta(hours=1), media=media, place=raw, subject=raw)
    )
    for case_id in case_ids(desk):
        triage.tag(desk, [case_id], area="waste")
        triage.note(desk, case_id, "note " + text)
    done = handoff.queue(desk, handoff.prepare(desk, case_ids(desk)[0], note=text))
    assert done.row_id is not None
    with desk.store.transaction("test", desk.clock()) as tx:
        tx.outbox.settle(done.row_id, OutboxState.FAILED, error=raw)
        tx.accounts.update("town-mastodon", detail=raw[:5_000])
    return desk


def fine(officer: Officer, where: str) -> None:
    """No control character on the screen, and every line as wide as the screen."""
    assert unfit(officer.app) == [], where
    width = officer.app.size.width
    for strip in strips(officer.app):
        assert strip.cell_length == width, (where, strip.text)
        if "\u200d" not in strip.text and "\ufe0f" not in strip.text:
            assert cell_len(strip.text) == width, (where, strip.text)


@pytest.mark.parametrize(
    ("text", "size"),
    [*((text, WIDE) for text in HOSTILE.values()), (HOSTILE["all that is short"], SMALL)],
    ids=[*HOSTILE, "all that is short, small"],
)
def test_hostile_text_goes_through_every_screen(tmp_path: Path, text: str, size: tuple[int, int]) -> None:
    async def story(officer: Officer) -> None:
        fine(officer, "inbox")
        await officer.press("7", "8", "j", "L", "L", "L", "V", "V")
        fine(officer, "all cases")
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.press("J", "enter", "J", "enter", "G", "g", "pagedown")
        fine(officer, "case")
        await officer.press("w")
        fine(officer, "why")
        await officer.press("escape", "y", "Y", "escape", "escape")
        fine(officer, "copied")
        await officer.press("1", "f")
        await officer.on(HandoffScreen)
        fine(officer, "handoff")
        await officer.press("r", "G", "tab", "G")
        fine(officer, "handoff, masked")
        await officer.press("p", "f3")
        fine(officer, "outbox")
        await officer.press("tab", "pagedown", "f2")
        fine(officer, "accounts")
        await officer.press("f4", "escape", "escape")
        for keys in (("t",), ("A",), ("e",), ("colon",), ("ctrl+p",)):
            await officer.press(*keys)
            fine(officer, str(keys))
            await officer.press("escape")
        officer.app.say(text, "$alarm", toast=True)
        await officer.press("j")
        fine(officer, "toast")

    at_the_desk(hostile_desk(tmp_path, text), story, size=size)


def test_pasted_text_is_clean_on_the_screen(tmp_path: Path) -> None:
    from textual.events import Paste

    desk = small_desk(tmp_path)
    arrive(desk, message("hello", "m"))

    async def story(officer: Officer) -> None:
        for opening in ("slash", "colon", "i"):
            await officer.press(opening)
            officer.app.post_message(Paste(SHORT["title and clipboard"] + SHORT["bidi"]))
            await officer.settle()
            fine(officer, opening)
            await officer.press("escape")
            if officer.app.screen is not officer.app.home:
                await officer.press("y")
            await officer.home()

    at_the_desk(desk, story)


def test_a_thread_of_500_messages_opens_at_once_and_is_no_500_widgets(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    items = [
        message(f"message {n} " + "word " * 400, f"m{n}", thread="t", at=MONDAY - timedelta(minutes=600 - n))
        for n in range(500)
    ]
    arrive(desk, *items)

    async def story(officer: Officer) -> None:
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.sees("500 MESSAGES", "message 0")
        await officer.press("G")
        await officer.press("K")
        assert len(officer.app.screen.query("*")) < 20
        await officer.press("J", "enter")
        await officer.reads("more characters")

    at_the_desk(desk, story)
