"""Files of a case for the system's viewer; facts that its area needs, and the question for what is missing."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import MediaState
from socialtriage.domain.text import clean_line
from socialtriage.services import exhibits, needs
from socialtriage.services.exhibits import Exhibit
from socialtriage.ui import words
from socialtriage.ui.handlers import Call, leaving

if TYPE_CHECKING:
    from socialtriage.domain.views import MediaView
    from socialtriage.ui.app import TriageApp

VIEWERS = {"darwin": ("open",)}
"""What opens a file where `xdg-open` does not."""


INSTEAD = "Save the files: socialtriage evidence REF --save FOLDER."
AT_ONCE = 0.7
"""Seconds within which a viewer says that it cannot."""
OTHER = "*"
"""A fact that no area asks for."""


async def open_file(call: Call) -> None:
    """Open a kept file in the system's viewer, after a question: a stranger made it."""
    rows = call.rows()
    if not rows:
        return
    unmasked = rows[0].id in call.app.session.unmasked
    found = await asyncio.to_thread(exhibits.listing, call.desk, rows[0].id, unmasked=unmasked)
    if not found:
        call.app.say(f"No file came with {rows[0].ref}.")
        return
    chosen = await _chosen(call, found)
    if chosen is None:
        return
    await outside(call.app, chosen.media, call.holds)


async def outside(app: TriageApp, media: MediaView, holds: list[object] | None = None) -> None:
    """Ask, then open one file outside. Raises `Refused` for one that is not kept, `StoreError`."""
    if media.state is not MediaState.KEPT:
        raise Refused(media.why or f"It is {words.MEDIA[media.state]}.", hint="o opens the original.")
    await asyncio.to_thread(exhibits.check_opens, app.desk, media)
    from socialtriage.ui.screens.dialogs import Confirm

    lines = [
        clean_line(f"{media.kind} {media.name}, {media.mime}, {words.size(media.bytes)}", 200),
        "Somebody outside made it: what your viewer does with it is out of the desk's hands.",
    ]
    if await app.ask(Confirm("Open it in the system's viewer?", lines, yes="Open", no="Stay"), holds):
        path = await asyncio.to_thread(exhibits.lay_out, app.desk, media)
        await asyncio.to_thread(show, path)
        app.say(f"Opened {clean_line(media.name)} outside the desk.")


async def _chosen(call: Call, found: list[Exhibit]) -> Exhibit | None:
    if len(found) == 1:
        return found[0]
    from socialtriage.ui.screens.choices import Choice
    from socialtriage.ui.screens.picker import Picker

    choices = [
        Choice(
            str(each.media.id), clean_line(f"{each.media.kind} {each.media.name}"), hint=words.MEDIA[each.media.state]
        )
        for each in found
    ]
    value = await call.ask(Picker("Which file?", choices))
    return next((each for each in found if str(each.media.id) == value), None)


def show(path: Path) -> None:
    """Hand a file to the system's viewer and do not wait for it. Raises `Refused` where there is none, or it fails."""
    if sys.platform == "win32":
        try:
            os.startfile(path)  # noqa: S606 - a file that we laid out, after the officer said yes
        except OSError as exc:
            raise Refused(f"No program opens it here: {exc.strerror or exc}.", hint=INSTEAD) from exc
        return
    for name in VIEWERS.get(sys.platform, ("xdg-open", "gio")):
        if (program := shutil.which(name)) is not None:
            _start([program, *(("open",) if name == "gio" else ()), str(path)])
            return
    raise Refused("No viewer could be started here.", hint=INSTEAD)


def _start(command: list[str]) -> None:
    """Start a viewer. One that fails does so at once, as where there is no desktop; one that opens may stay."""
    null = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True)  # noqa: S603
        status = process.wait(AT_ONCE)
    except subprocess.TimeoutExpired:
        # A thread waits for it: none may keep the desk waiting.
        threading.Thread(target=process.wait, daemon=True).start()
        return
    except OSError as exc:
        raise Refused(f"No viewer could be started here: {exc.strerror or exc}.", hint=INSTEAD) from exc
    if status:
        raise Refused("The system's viewer could not open it; there may be no desktop here.", hint=INSTEAD)


async def fact(call: Call) -> None:
    """Note something that the case's area needs: first what, then its value."""
    rows = call.rows()
    if not rows:
        return
    row = rows[0]
    name, _, value = (part.strip() for part in call.argument.partition("="))
    from socialtriage.ui.screens.ask import Ask

    if not name:
        name = await _need(call, row.id) or ""
    if name == OTHER:
        name = (await call.ask(Ask(f"{row.ref}: a fact", "What it is called: address, place", "")) or "").strip()
    if not name:
        return
    if not value:
        known = dict((await asyncio.to_thread(call.desk.store.cases.get, row.id)).facts)
        asked = await call.ask(Ask(f"{row.ref}: {name}", "Empty takes it away", known.get(name, "")))
        if asked is None:
            return
        value = asked
    call.done(await call.app.write(needs.note, call.desk, row.id, name, value, {row.id: row.version}), call.argument)


async def _need(call: Call, case_id: int) -> str | None:
    """Which fact: what is missing first, then what is known; anything else may be typed."""
    from socialtriage.ui.screens.choices import Choice
    from socialtriage.ui.screens.picker import Picker

    case = await asyncio.to_thread(call.desk.store.cases.get, case_id)
    choices = [Choice(need, need, hint="missing") for need in needs.missing(call.desk, case)]
    choices += [Choice(known, known, hint=clean_line(told, 40)) for known, told in case.facts]
    if choices:
        return await call.ask(Picker(f"{case.ref}: note what?", [*choices, Choice(OTHER, "something else")]))
    return OTHER


async def question(call: Call) -> None:
    """Draft one question for everything that is missing, below what is being written; the usual review follows."""
    rows = call.rows()
    if not rows:
        return
    if len(rows) > 1:
        call.app.say("Residents are asked one at a time; unmark the cases first.", "$warn")
        return
    asked = await asyncio.to_thread(needs.question, call.desk, rows[0].id)
    await leaving.go_on_writing(call, rows[0].id, asked)
