"""Draw the README's pictures anew: the real screens on the practice week, with a fixed clock and fixed references.

    python docs/screenshots.py [FOLDER]

Run it in the project with its virtual environment. Nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import functools
import os
import random
import re
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

os.environ.pop("NO_COLOR", None)
os.environ.update(TEXTUAL_ANIMATIONS="none", TERM="xterm-256color", SOCIALTRIAGE_OFFICER="JS")

from textual.pilot import Pilot

from socialtriage.config.demo import away_contacts, demo_config
from socialtriage.domain import reference
from socialtriage.domain.models import Outcome
from socialtriage.domain.views import Query
from socialtriage.services import contacts, handoff, inbox, practice, triage
from socialtriage.services.desk import Desk, open_desk
from socialtriage.services.outbox import Sender
from socialtriage.services.sync import Poller
from socialtriage.ui.app import TriageApp

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 11, 20, 10, 40, tzinfo=UTC)
"""The Friday of the practice week, mid-morning."""
SIZE = (120, 40)
SEED = 7
OUTSIDE = re.compile(r"\s*(?:@font-face \{.*?\}|<!--.*?-->)", re.DOTALL)
"""Fonts of a server elsewhere, and the address in a comment."""
CLIPS = re.compile(r'\s*<clipPath id="[^"]*-line-\d+">.*?</clipPath>| clip-path="url\(#[^"]*-line-\d+\)"', re.DOTALL)
RUN = re.compile(r'<text ([^>]*)x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)">((?:&#160;)*)(.*?)((?:&#160;)*)</text>')
BLANK = "&#160;"
CELL = 12.2
"""Width of a character in Rich's pictures."""
SHOWN = "ceiling bulging phone"
"""Words that find the case of the pictures."""


def main(folder: Path) -> None:
    """Draw every picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(SEED)  # noqa: S311  - references of a picture need not be unguessable
    fixed = functools.partial(reference.new_reference, random_source=chance)
    with (
        tempfile.TemporaryDirectory(prefix="socialtriage-pictures-") as name,
        mock.patch.object(reference, "new_reference", fixed),
    ):
        desk = practice_desk(Path(name))
        try:
            asyncio.run(a_morning(desk))
            asyncio.run(draw(desk, folder))
        finally:
            desk.close()


def practice_desk(folder: Path) -> Desk:
    """The desk of `socialtriage demo`, its clock stopped."""
    desk = open_desk(
        demo_config(folder, speed=60.0, seed=SEED), folder / "desk.db", clock=lambda: NOW, mail_folder=folder / "sent"
    )
    for contact, until in away_contacts(NOW.date()).items():
        contacts.away(desk, contact, until)
    return desk


async def a_morning(desk: Desk) -> None:
    """Take the week in, one account after the other, and do some of an officer's work on it."""
    secrets = practice.no_secrets()
    poller = Poller(desk, secrets)
    try:
        for account in desk.config.accounts:
            await poller.once([account])
        await asyncio.to_thread(triaged, desk)
        await Sender(desk, secrets, poller).run(ignore_windows=True)
    finally:
        await poller.aclose()


def triaged(desk: Desk) -> None:
    """Most suggestions accepted, some cases held, handed off or closed."""
    cases = inbox.rows(desk, inbox.snapshot(desk, Query(view="queue")))
    suggested = [row for row in cases if row.suggested_area is not None]
    for row in suggested[: len(suggested) * 2 // 3]:
        triage.accept(desk, [row.id])
    triage.claim(desk, [row.id for row in cases[3:9:3]])
    for row in [row for row in suggested if row.suggested_area in ("waste", "roads")][:3]:
        handoff.queue(desk, handoff.prepare(desk, row.id, note="Please tell us by the end of the day."), undo_seconds=0)
    thanks = [row for row in cases if "thank" in row.snippet.lower() and row.suggested_area is None]
    triage.close(desk, [row.id for row in thanks[:2]], Outcome.NO_REPLY_NEEDED)


async def draw(desk: Desk, folder: Path) -> None:
    """Press the keys, and keep what is on the screen."""
    app = TriageApp(desk)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.board.counts is not None)

        async def picture(name: str, *keys: str) -> None:
            await pilot.press(*keys)
            await settled(pilot)
            svg = app.export_screenshot(title="socialtriage", simplify=True)
            (folder / f"{name}.svg").write_text(plain(svg), encoding="utf-8", newline="\n")

        app.say("")
        await picture("inbox", "j", "j")
        await pilot.press("slash", *("space" if c == " " else c for c in SHOWN), "enter")
        await picture("case", "enter")
        await picture("handoff", "f")
        await pilot.press("p")
        await settled(pilot)
        app.say("")
        await picture("accounts", "escape", "escape", "f2")


def plain(svg: str) -> str:
    """The picture without anything from elsewhere, its words where they belong in viewers that drop blanks."""
    svg = CLIPS.sub("", OUTSIDE.sub("", svg))
    return RUN.sub(_moved, svg) + "\n"


def _moved(found: re.Match[str]) -> str:
    """A run of text without the blanks at its ends."""
    look, x, y, width, before, words, after = found.groups()
    if not words:
        return ""
    left, right = (CELL * len(blanks) / len(BLANK) for blanks in (before, after))
    return f'<text {look}x="{float(x) + left:g}" y="{y}" textLength="{float(width) - left - right:g}">{words}</text>'


async def settled(pilot: Pilot[None]) -> None:
    """Let workers finish that do not wait for an officer."""
    for _ in range(60):
        await pilot.pause(0.02)


async def until(pilot: Pilot[None], true: Callable[[], object]) -> None:
    """Wait for a state of the screen."""
    while not true():
        await pilot.pause(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "screenshots")
